/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/stream.h"
#include "node/responses.h"

#include <stdio.h>
#include <string.h>

enum { EVENTS_MAX = 64 };

typedef struct run {
    aver_job job;
    json_t *tools;
    aver_responses answer;
    json_t *events[EVENTS_MAX];
    char names[EVENTS_MAX][64];
    size_t count;
} run;

static const aver_usage run_usage = {.prompt_tokens = 7, .cached_tokens = 3, .generated_tokens = 2};

static const aver_openai_call run_call = {.id = "call_1",
                                          .name = {(const uint8_t *)"f", 1},
                                          .arguments = {(const uint8_t *)"{\"a\":1}", 7}};

static void run_open(run *self, const char *members)
{
    char body[1024];
    aver_job_refusal refusal;

    *self = (run){.count = 0};
    (void)snprintf(body, sizeof(body), "{\"model\":\"m\",\"input\":\"x\"%s}", members);
    assert_int_equal(
        aver_job_parse(aver_view_text(body), AVER_ENDPOINT_RESPONSES, &self->job, &refusal),
        AVER_OK);
    if (self->job.tools.size != 0) {
        assert_int_equal(
            aver_json_parse(aver_buf_view(&self->job.tools), 1 << 20, &self->tools, NULL), AVER_OK);
    }
    aver_responses_init(&self->answer,
                        &(aver_responses_options){.job = &self->job,
                                                  .tools = self->tools,
                                                  .model = "a \"quoted\" model",
                                                  .created_s = 1700000000},
                        1 << 20);
}

static aver_err run_see(const aver_stream_item *item, void *context)
{
    run *self = context;

    assert_int_equal(item->kind, AVER_STREAM_EVENT);
    assert_true(self->count < EVENTS_MAX && item->name.size < 64);
    (void)snprintf(self->names[self->count], 64, "%.*s", (int)item->name.size,
                   (const char *)item->name.data);
    assert_int_equal(aver_json_parse(item->value, 1 << 20, &self->events[self->count], NULL),
                     AVER_OK);
    self->count++;
    return AVER_OK;
}

/* Reads the events as the verifier's reader does; each tells its name and its number. */
static void run_read(run *self)
{
    aver_stream_reader *reader = NULL;

    assert_int_equal(aver_responses_status(&self->answer), AVER_OK);
    assert_int_equal(aver_stream_reader_new(run_see, self, &reader), AVER_OK);
    assert_int_equal(aver_stream_reader_feed(reader, aver_buf_view(&self->answer.events)), AVER_OK);
    assert_int_equal(aver_stream_reader_end(reader), AVER_OK);
    aver_stream_reader_free(reader);
    for (size_t i = 0; i < self->count; i++) {
        assert_string_equal(json_string_value(json_object_get(self->events[i], "type")),
                            self->names[i]);
        assert_int_equal(json_integer_value(json_object_get(self->events[i], "sequence_number")),
                         i);
    }
}

static void run_close(run *self)
{
    for (size_t i = 0; i < self->count; i++) {
        json_decref(self->events[i]);
    }
    aver_responses_deinit(&self->answer);
    json_decref(self->tools);
    aver_job_deinit(&self->job);
}

static void run_expect(const run *self, const char *const *names, size_t count)
{
    assert_int_equal(self->count, count);
    for (size_t i = 0; i < count; i++) {
        char name[80];

        (void)snprintf(name, sizeof(name), "response.%s", names[i]);
        assert_string_equal(self->names[i], name);
    }
}

static void run_say(run *self, const char *text)
{
    aver_responses_add(&self->answer, &(aver_openai_piece){.text = aver_view_text(text)});
}

static const char *run_text(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static void a_text_has_its_events(void **state)
{
    static const char *const names[] = {
        "created",           "in_progress",       "output_item.added", "content_part.added",
        "output_text.delta", "output_text.delta", "output_text.done",  "content_part.done",
        "output_item.done",  "completed"};
    run self;

    (void)state;
    run_open(&self, ",\"stream\":true");
    aver_responses_begin(&self.answer);
    run_say(&self, "Once \"");
    run_say(&self, "");
    run_say(&self, "upon");
    aver_responses_finish(&self.answer, AVER_FINISH_STOP, &run_usage);
    run_read(&self);
    run_expect(&self, names, sizeof(names) / sizeof(names[0]));
    const json_t *begun = json_object_get(self.events[0], "response");
    assert_string_equal(run_text(begun, "status"), "in_progress");
    assert_true(json_is_null(json_object_get(begun, "usage")));
    assert_string_equal(run_text(self.events[5], "delta"), "upon");
    assert_string_equal(run_text(self.events[6], "text"), "Once \"upon");
    const json_t *response = json_object_get(self.events[9], "response");
    const json_t *item = json_array_get(json_object_get(response, "output"), 0);
    assert_string_equal(run_text(response, "id"), run_text(begun, "id"));
    assert_string_equal(run_text(response, "status"), "completed");
    assert_string_equal(run_text(response, "model"), "a \"quoted\" model");
    assert_string_equal(run_text(item, "id"), run_text(self.events[4], "item_id"));
    assert_string_equal(run_text(json_array_get(json_object_get(item, "content"), 0), "text"),
                        "Once \"upon");
    const json_t *usage = json_object_get(response, "usage");
    assert_int_equal(json_integer_value(json_object_get(usage, "input_tokens")), 7);
    assert_int_equal(json_integer_value(json_object_get(usage, "output_tokens")), 2);
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(usage, "input_tokens_details"), "cached_tokens")),
                     3);
    run_close(&self);
}

static void calls_are_items_of_their_own(void **state)
{
    static const char *const names[] = {"created",
                                        "in_progress",
                                        "output_item.added",
                                        "content_part.added",
                                        "output_text.delta",
                                        "output_text.done",
                                        "content_part.done",
                                        "output_item.done",
                                        "output_item.added",
                                        "function_call_arguments.delta",
                                        "function_call_arguments.done",
                                        "output_item.done",
                                        "output_item.added",
                                        "function_call_arguments.delta",
                                        "function_call_arguments.done",
                                        "output_item.done",
                                        "completed"};
    run self;

    (void)state;
    run_open(&self, ",\"stream\":true,\"tools\":[{\"type\":\"function\",\"name\":\"f\"}]");
    aver_responses_begin(&self.answer);
    run_say(&self, "Let me see");
    aver_responses_call(&self.answer, &run_call);
    aver_responses_call(&self.answer, &run_call);
    aver_responses_finish(&self.answer, AVER_FINISH_TOOL, &run_usage);
    run_read(&self);
    run_expect(&self, names, sizeof(names) / sizeof(names[0]));
    const json_t *item = json_object_get(self.events[15], "item");
    assert_string_equal(run_text(item, "type"), "function_call");
    assert_string_equal(run_text(item, "call_id"), "call_1");
    assert_string_equal(run_text(item, "arguments"), "{\"a\":1}");
    assert_string_equal(run_text(json_object_get(self.events[12], "item"), "arguments"), "");
    assert_int_equal(json_integer_value(json_object_get(self.events[13], "output_index")), 2);
    const json_t *response = json_object_get(self.events[16], "response");
    assert_int_equal(json_array_size(json_object_get(response, "output")), 3);
    assert_string_equal(run_text(json_array_get(json_object_get(response, "tools"), 0), "name"),
                        "f");
    run_close(&self);
}

static void a_cut_answer_is_incomplete(void **state)
{
    run self;

    (void)state;
    run_open(&self, ",\"stream\":true,\"max_output_tokens\":2");
    aver_responses_begin(&self.answer);
    run_say(&self, "a");
    aver_responses_finish(&self.answer, AVER_FINISH_LENGTH, &run_usage);
    run_read(&self);
    assert_string_equal(self.names[self.count - 1], "response.incomplete");
    const json_t *response = json_object_get(self.events[self.count - 1], "response");
    assert_string_equal(run_text(json_object_get(response, "incomplete_details"), "reason"),
                        "max_output_tokens");
    assert_string_equal(run_text(json_array_get(json_object_get(response, "output"), 0), "status"),
                        "incomplete");
    run_close(&self);
}

static void a_failure_is_told(void **state)
{
    run self;

    (void)state;
    run_open(&self, ",\"stream\":true");
    aver_responses_begin(&self.answer);
    aver_responses_fail(&self.answer, "engine_failed", "The engine stopped.");
    run_read(&self);
    assert_int_equal(self.count, 3);
    assert_string_equal(self.names[2], "response.failed");
    const json_t *response = json_object_get(self.events[2], "response");
    assert_string_equal(run_text(response, "status"), "failed");
    assert_string_equal(run_text(json_object_get(response, "error"), "code"), "engine_failed");
    run_close(&self);
}

/* Everything that the request asked for stands in the body, in the types that clients expect. */
static void a_whole_body_repeats_the_request(void **state)
{
    const aver_logprob step[] = {{5, -1000000, AVER_VIEW_LITERAL("a")},
                                 {6, -2000000, AVER_VIEW_LITERAL("b")}};
    aver_buf out;
    json_t *json;
    run self;

    (void)state;
    run_open(&self, ",\"temperature\":0.25,\"max_output_tokens\":9,\"tools\":[{\"type\":"
                    "\"function\",\"name\":\"f\",\"strict\":true}],\"tool_choice\":{\"type\":"
                    "\"function\",\"name\":\"f\"},\"parallel_tool_calls\":false,\"text\":{"
                    "\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{\"b\":1}}},"
                    "\"include\":[\"message.output_text.logprobs\"],\"top_logprobs\":1");
    aver_buf_init(&out, 1 << 20);
    aver_responses_begin(&self.answer);
    aver_responses_add(&self.answer, &(aver_openai_piece){.text = AVER_VIEW_LITERAL("a"),
                                                          .logprobs = step,
                                                          .logprobs_count = 2});
    aver_responses_finish(&self.answer, AVER_FINISH_STOP, &run_usage);
    assert_int_equal(self.answer.events.size, 0);
    aver_responses_put_whole(&self.answer, AVER_FINISH_STOP, &run_usage, &out);
    assert_int_equal(aver_json_parse(aver_buf_view(&out), 1 << 20, &json, NULL), AVER_OK);
    assert_string_equal(run_text(json, "object"), "response");
    assert_int_equal(json_integer_value(json_object_get(json, "max_output_tokens")), 9);
    assert_true(json_real_value(json_object_get(json, "temperature")) == 0.25);
    assert_true(json_is_false(json_object_get(json, "parallel_tool_calls")));
    assert_true(json_is_false(json_object_get(json, "store")));
    assert_string_equal(run_text(json_object_get(json, "tool_choice"), "name"), "f");
    const json_t *format = json_object_get(json_object_get(json, "text"), "format");
    assert_string_equal(run_text(format, "name"), "n");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(format, "schema"), "b")),
                     1);
    const json_t *item = json_array_get(json_object_get(json, "output"), 0);
    const json_t *part = json_array_get(json_object_get(item, "content"), 0);
    const json_t *logprob = json_array_get(json_object_get(part, "logprobs"), 0);
    assert_string_equal(run_text(logprob, "token"), "a");
    assert_int_equal(json_array_size(json_object_get(logprob, "top_logprobs")), 1);
    json_decref(json);
    aver_buf_deinit(&out);
    run_close(&self);
}

/* A message with so many candidates, streamed: the bytes of its longest event, and how many events
 * tell of candidates. */
static size_t run_candidates(size_t tokens, size_t *ret_telling)
{
    static const uint8_t spaces[40] = "                                       ";
    aver_logprob list[21];
    size_t longest = 0;
    size_t size;
    run self;

    for (size_t i = 0; i < 21; i++) {
        list[i] = (aver_logprob){.token = (int32_t)i, .piece = {spaces, sizeof(spaces)}};
    }
    run_open(&self, ",\"stream\":true,\"include\":[\"message.output_text.logprobs\"],"
                    "\"top_logprobs\":20");
    aver_responses_deinit(&self.answer);
    aver_responses_init(&self.answer, &(aver_responses_options){.job = &self.job, .model = "m"},
                        32u << 20);
    *ret_telling = 0;
    for (size_t i = 0; i < tokens; i++) {
        aver_responses_add(&self.answer, &(aver_openai_piece){.text = aver_view_text("x"),
                                                              .logprobs = list,
                                                              .logprobs_count = 21});
    }
    aver_responses_finish(&self.answer, AVER_FINISH_STOP, &run_usage);
    assert_int_equal(aver_responses_status(&self.answer), AVER_OK);
    aver_view rest = aver_buf_view(&self.answer.events);
    while ((size = aver_stream_event_size(rest)) != 0) {
        aver_view event = aver_view_slice(rest, 0, size);
        longest = size > longest ? size : longest;
        *ret_telling += memmem(event.data, event.size, "\"top_logprobs\":[{", 17) != NULL;
        rest = aver_view_slice(rest, size, rest.size - size);
    }
    run_close(&self);
    return longest;
}

static void no_event_outgrows_its_readers(void **state)
{
    size_t telling = 0;

    (void)state;
    assert_true(run_candidates(100, &telling) > 100 * 21 * 100);
    assert_int_equal(telling, 100 + 4);
    assert_true(run_candidates(1000, &telling) < AVER_STREAM_LINE_BYTES_MAX);
    assert_int_equal(telling, 1000);
}

static void an_answer_of_nothing_is_an_empty_message(void **state)
{
    aver_buf out;
    json_t *json;
    run self;

    (void)state;
    run_open(&self, "");
    aver_buf_init(&out, 1 << 20);
    aver_responses_finish(&self.answer, AVER_FINISH_STOP, &run_usage);
    aver_responses_put_whole(&self.answer, AVER_FINISH_STOP, &run_usage, &out);
    assert_int_equal(aver_json_parse(aver_buf_view(&out), 1 << 20, &json, NULL), AVER_OK);
    assert_int_equal(json_array_size(json_object_get(json, "output")), 1);
    json_decref(json);
    aver_buf_deinit(&out);
    run_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_has_its_events),
        cmocka_unit_test(calls_are_items_of_their_own),
        cmocka_unit_test(a_cut_answer_is_incomplete),
        cmocka_unit_test(a_failure_is_told),
        cmocka_unit_test(a_whole_body_repeats_the_request),
        cmocka_unit_test(no_event_outgrows_its_readers),
        cmocka_unit_test(an_answer_of_nothing_is_an_empty_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
