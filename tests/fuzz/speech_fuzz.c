/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as what a model says that may call tools, by our own convention and by templates of
 * three families. In whatever pieces it comes, the same is understood; calls have arguments that
 * are JSON objects. */
#include "codec/json.h"
#include "codec/text.h"
#include "engine/speech_plan.h"
#include "support/templates.h"

#include <stdlib.h>
#include <string.h>

#define OUT_BYTES_MAX (1024u * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char tools[] =
    "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\","
    "\"properties\":{\"a\":{\"type\":\"string\"}}}}}]";

static aver_speech_plan *plan_of(const char *source)
{
    char why[160] = "";
    aver_speech_plan *plan = NULL;
    aver_native *native = NULL;
    aver_job job = {.endpoint = AVER_ENDPOINT_CHAT, .parallel_tool_calls = true};
    if (source != NULL) {
        native = aver_native_new(source, strlen(source), "<s>", "</s>");
        if (native == NULL) {
            abort();
        }
    }
    aver_buf_init(&job.tools, OUT_BYTES_MAX);
    aver_buf_append_text(&job.tools, tools);
    if (aver_speech_plan_make(native, &job, &plan, why) != AVER_OK || plan == NULL) {
        abort();
    }
    aver_buf_deinit(&job.tools);
    aver_native_free(native);
    return plan; /* for the life of the process */
}

static void calls_take(const aver_speech *speech, bool cut, aver_buf *calls)
{
    size_t count = 0;
    const aver_speech_call *list = aver_speech_calls(speech, &count);
    for (size_t i = 0; i < count; i++) {
        json_t *arguments = NULL;
        /* Only an end by length may cut the last one. */
        bool whole = aver_json_parse(list[i].arguments, OUT_BYTES_MAX, &arguments, NULL) == AVER_OK;
        if ((whole ? !json_is_object(arguments) : !cut || i + 1 < count) ||
            !aver_view_equal_text(list[i].name, "f")) {
            abort();
        }
        json_decref(arguments);
        aver_buf_append(calls, list[i].arguments);
        aver_buf_append_byte(calls, '\n');
    }
}

static void say(const aver_speech_plan *plan, aver_view text, size_t piece, bool cut,
                aver_buf *plain, aver_buf *calls)
{
    aver_speech *speech = NULL;
    aver_view out = {NULL, 0};
    if (aver_speech_new(plan, &speech) != AVER_OK) {
        abort();
    }
    while (text.size != 0) {
        size_t size = piece < text.size ? piece : text.size;
        if (aver_speech_push(speech, aver_view_make(text.data, size), &out) != AVER_OK) {
            abort();
        }
        aver_buf_append(plain, out);
        calls_take(speech, false, calls);
        text = aver_view_make(text.data + size, text.size - size);
    }
    if (aver_speech_flush(speech, text, cut, &out) != AVER_OK) {
        abort();
    }
    aver_buf_append(plain, out);
    calls_take(speech, cut, calls);
    aver_speech_free(speech);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static aver_speech_plan *plans[4];
    if (plans[0] == NULL) {
        plans[0] = plan_of(NULL);
        plans[1] = plan_of(TEMPLATE_TAGS);
        plans[2] = plan_of(TEMPLATE_BARE);
        plans[3] = plan_of(TEMPLATE_LIST);
    }
    aver_view text = aver_view_make(data, size);
    if (!aver_utf8_valid(text) || size > OUT_BYTES_MAX / 8) {
        return 0;
    }
    for (size_t i = 0; i < 8; i++) {
        aver_buf out[4];
        for (size_t k = 0; k < 4; k++) {
            aver_buf_init(&out[k], OUT_BYTES_MAX);
        }
        say(plans[i / 2], text, size + 1, i % 2 != 0, &out[0], &out[1]);
        say(plans[i / 2], text, 3, i % 2 != 0, &out[2], &out[3]);
        if (!aver_view_equal(aver_buf_view(&out[0]), aver_buf_view(&out[2])) ||
            !aver_view_equal(aver_buf_view(&out[1]), aver_buf_view(&out[3]))) {
            abort();
        }
        for (size_t k = 0; k < 4; k++) {
            aver_buf_deinit(&out[k]);
        }
    }
    return 0;
}
