/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes on the socket between keeper and engine, read as either side reads them. */
#include "engine/link.h"

#include <stdlib.h>

#define IDS_MAX    64
#define VECTOR_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void events_walk(aver_view events)
{
    int32_t ids[IDS_MAX];
    float vector[VECTOR_MAX];
    aver_link_room room = {
        .ids = ids, .ids_max = IDS_MAX, .vector = vector, .vector_max = VECTOR_MAX};
    aver_event event;
    bool more = true;
    while (more) {
        size_t before = events.size;
        if (aver_link_event_next(&events, &more, &event, &room) != AVER_OK) {
            return;
        }
        if (more && events.size >= before) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aver_view rest = aver_view_make(data, size);
    for (;;) {
        size_t frame_size = 0;
        aver_link_message message;
        if (aver_link_frame(rest, &frame_size) != AVER_OK || frame_size == 0) {
            return 0;
        }
        if (aver_link_parse(aver_view_slice(rest, 0, frame_size), &message) == AVER_OK) {
            if (message.kind == AVER_LINK_EVENTS) {
                events_walk(message.events);
            }
            aver_link_message_deinit(&message);
        }
        rest = aver_view_slice(rest, frame_size, rest.size - frame_size);
    }
}
