/* SPDX-License-Identifier: Apache-2.0 */
/* answer: text out of what a node sends, as events, one event, a whole body, and an error; and all
 * that an answer says. */
#include "base/check.h"
#include "cli/answer.h"
#include "cli/said.h"
#include "codec/text.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[AVER_ANSWER_ERROR_BYTES_MAX] = "";
    aver_view bytes = aver_view_make(data, size);
    aver_buf text;
    aver_buf_init(&text, AVER_ANSWER_TEXT_BYTES_MAX);
    for (int endpoint = AVER_ENDPOINT_CHAT; endpoint <= AVER_ENDPOINT_COMPLETION; endpoint++) {
        aver_err events = aver_answer_events(bytes, (aver_endpoint)endpoint, &text);
        aver_err event = aver_answer_event(bytes, (aver_endpoint)endpoint, &text, error);
        aver_err body = aver_answer_body(bytes, (aver_endpoint)endpoint, &text, error);
        /* A stream of events begins with "data", a document with a brace. */
        AVER_ASSERT(size == 0 || events != AVER_OK || (event != AVER_OK && body != AVER_OK));
        AVER_ASSERT(aver_utf8_valid(aver_buf_view(&text)));
    }
    for (int endpoint = AVER_ENDPOINT_CHAT; endpoint <= AVER_ENDPOINT_RESPONSES; endpoint++) {
        aver_said said;
        if (aver_said_events(bytes, (aver_endpoint)endpoint, &said) == AVER_OK) {
            aver_said_deinit(&said);
        }
        if (aver_said_body(bytes, (aver_endpoint)endpoint, &said) == AVER_OK) {
            AVER_ASSERT(said.choices_count >= 1 && said.choices_count <= AVER_JOB_CHOICES_MAX);
            aver_said_deinit(&said);
        }
    }
    aver_answer_error(bytes, error);
    AVER_ASSERT(memchr(error, '\0', sizeof error) != NULL);
    aver_buf_deinit(&text);
    return 0;
}
