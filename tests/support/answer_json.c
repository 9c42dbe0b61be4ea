/* SPDX-License-Identifier: Apache-2.0 */
#include "support/answer_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_JSON_BYTES_MAX (8u << 20)

typedef struct answer_events {
    json_t *list;
    char *names;
} answer_events;

static aver_err answer_on_event(const aver_stream_item *item, void *context)
{
    const answer_events *events = context;
    json_t *json = NULL;

    assert_int_equal(aver_json_parse(item->value, ANSWER_JSON_BYTES_MAX, &json, NULL), AVER_OK);
    assert_int_equal(json_array_append_new(events->list, json), 0);
    if (events->names != NULL) {
        size_t used = strlen(events->names);

        (void)snprintf(events->names + used, ANSWER_JSON_NAMES_BYTES - used, "%.*s ",
                       (int)item->name.size, (const char *)item->name.data);
    }
    return AVER_OK;
}

json_t *answer_json(const node_answer *answer, char *ret_names)
{
    aver_stream_reader *reader = NULL;
    aver_view body = aver_buf_view(&answer->body);
    json_t *json = NULL;

    if (ret_names != NULL) {
        ret_names[0] = '\0';
    }
    if (!answer->streamed) {
        assert_int_equal(aver_json_parse(body, ANSWER_JSON_BYTES_MAX, &json, NULL), AVER_OK);
        return json;
    }
    answer_events events = {json_array(), ret_names};
    assert_int_equal(aver_stream_reader_new(answer_on_event, &events, &reader), AVER_OK);
    assert_int_equal(aver_stream_reader_feed(reader, body), AVER_OK);
    aver_stream_reader_free(reader);
    return events.list;
}

const json_t *answer_at(const json_t *json, const char *path)
{
    char name[64];

    while (json != NULL && *path != '\0') {
        size_t size = strcspn(path, ".");

        (void)snprintf(name, sizeof(name), "%.*s", (int)size, path);
        json = json_is_array(json) ? json_array_get(json, strtoul(name, NULL, 10))
                                   : json_object_get(json, name);
        path += path[size] == '.' ? size + 1 : size;
    }
    return json;
}

const char *answer_text_at(const json_t *json, const char *path)
{
    const char *text = json_string_value(answer_at(json, path));

    return text != NULL ? text : "";
}
