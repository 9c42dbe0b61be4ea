/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/link.h"

#include <stdlib.h>
#include <string.h>

static aver_buf frame_new(void)
{
    aver_buf out;
    aver_buf_init(&out, AVER_LINK_FRAME_BYTES_MAX + 64);
    return out;
}

/* Parses and frees the frame's bytes only after the test is done with the views. */
static aver_link_message parse(const aver_buf *frame)
{
    aver_link_message message;
    size_t size = 0;
    assert_int_equal(aver_link_frame(aver_buf_view(frame), &size), AVER_OK);
    assert_int_equal(size, frame->size);
    assert_int_equal(aver_link_parse(aver_buf_view(frame), &message), AVER_OK);
    return message;
}

/* The token ids of a completion: whole ones, at least one. */
static void prompts_of_ids_are_whole_ids(void **state)
{
    (void)state;
    static const uint8_t bytes[9] = {0, 0, 0, 7, 0, 0, 0, 8, 0};
    static const char body[] = "{\"model\":\"m\",\"prompt\":[7,8]}";
    aver_job job;
    aver_job_refusal refusal;
    aver_buf frame = frame_new();
    assert_int_equal(aver_job_parse(aver_view_text(body), AVER_ENDPOINT_COMPLETION, &job, &refusal),
                     AVER_OK);
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        aver_link_message message;
        size_t frame_size = 0;
        aver_buf_clear(&job.prompt);
        aver_buf_append(&job.prompt, aver_view_make(bytes, size));
        aver_buf_clear(&frame);
        aver_link_put_submit(&frame, 1, &job);
        assert_int_equal(aver_link_frame(aver_buf_view(&frame), &frame_size), AVER_OK);
        aver_err err = aver_link_parse(aver_buf_view(&frame), &message);
        if (size == 0 || size % 4 != 0) {
            assert_int_equal(err, AVER_E_FORMAT);
            continue;
        }
        assert_int_equal(err, AVER_OK);
        assert_int_equal(message.job.inputs_count, size / 4);
        aver_link_message_deinit(&message);
    }
    aver_job_deinit(&job);
    aver_buf_deinit(&frame);
}

static void options_travel(void **state)
{
    (void)state;
    aver_buf frame = frame_new();
    const aver_engine_options options = {
        .weights_fd = 9,
        .profile = AVER_PROFILE_VERIFIED,
        .slots = 16,
        .context_tokens = 2048,
        .batch_tokens = 256,
        .threads = 3,
        .pin = true,
        .adapters = {{.fd = 5, .scale_ppm = 1}, {.fd = 6, .scale_ppm = 100000000}},
        .adapters_count = 2,
        .shared_prefixes = {AVER_VIEW_LITERAL("one"), AVER_VIEW_LITERAL("two")},
        .shared_count = 2,
    };
    aver_link_put_load(&frame, &options);
    aver_link_message message = parse(&frame);
    assert_int_equal(message.kind, AVER_LINK_LOAD);
    assert_int_equal(message.options.slots, 16);
    assert_int_equal(message.options.context_tokens, 2048);
    assert_int_equal(message.options.batch_tokens, 256);
    assert_int_equal(message.options.threads, 3);
    assert_true(message.options.pin);
    assert_int_equal(message.options.weights_fd, -1);
    assert_int_equal(message.options.adapters_count, 2);
    assert_int_equal(message.options.adapters[0].scale_ppm, 1);
    assert_int_equal(message.options.adapters[1].scale_ppm, 100000000);
    assert_int_equal(message.options.adapters[1].fd, -1);
    assert_int_equal(message.options.shared_count, 2);
    assert_true(aver_view_equal_text(message.options.shared_prefixes[1], "two"));
    aver_link_message_deinit(&message);
    aver_buf_deinit(&frame);
}

static void put_job(aver_buf *frame, uint64_t id)
{
    static const char body[] =
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\xc3\xa9\"}],\"max_"
        "tokens\":5,"
        "\"temperature\":0.25,\"top_p\":0.5,\"min_p\":0.125,\"top_k\":9,\"repetition_penalty\":1.5,"
        "\"frequency_penalty\":-1.5,\"presence_penalty\":0.5,\"seed\":77,\"stop\":[\"x\",\"yz\"],"
        "\"n\":16,\"logprobs\":true,\"top_logprobs\":0,\"logit_bias\":{\"2147483647\":0.000001},"
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":"
        "\"required\",\"response_format\":{\"type\":\"json_object\"}}";
    aver_job job;
    aver_job_refusal refusal;
    assert_int_equal(aver_job_parse(aver_view_text(body), AVER_ENDPOINT_CHAT, &job, &refusal),
                     AVER_OK);
    memset(job.caller, 0xca, sizeof(job.caller));
    aver_link_put_submit(frame, id, &job);
    aver_job_deinit(&job);
}

static void jobs_travel(void **state)
{
    (void)state;
    aver_buf frame = frame_new();
    put_job(&frame, UINT64_MAX);
    aver_link_message message = parse(&frame);
    assert_int_equal(message.kind, AVER_LINK_SUBMIT);
    assert_true(message.job_id == UINT64_MAX);
    assert_int_equal(message.job.endpoint, AVER_ENDPOINT_CHAT);
    assert_true(aver_view_equal_text(aver_buf_view(&message.job.prompt),
                                     "[{\"content\":\"\xc3\xa9\",\"role\":\"user\"}]"));
    assert_int_equal(message.job.max_tokens, 5);
    assert_int_equal(message.job.sampling.temperature_ppm, 250000);
    assert_int_equal(message.job.sampling.top_p_ppm, 500000);
    assert_int_equal(message.job.sampling.min_p_ppm, 125000);
    assert_int_equal(message.job.sampling.top_k, 9);
    assert_int_equal(message.job.sampling.repetition_penalty_ppm, 1500000);
    assert_int_equal(message.job.sampling.frequency_penalty_ppm, -1500000);
    assert_int_equal(message.job.sampling.presence_penalty_ppm, 500000);
    assert_true(message.job.sampling.seed == 77 && message.job.has_seed);
    assert_int_equal(message.job.stops_count, 2);
    assert_true(aver_view_equal_text(aver_buf_view(&message.job.stops[1]), "yz"));
    assert_int_equal(message.job.choices_count, 16);
    assert_true(message.job.has_logprobs && message.job.top_logprobs == 0);
    assert_int_equal(message.job.biases_count, 1);
    assert_int_equal(message.job.biases[0].token, INT32_MAX);
    assert_int_equal(message.job.biases[0].bias_ppm, 1);
    assert_true(message.job.tools.size > 0);
    assert_int_equal(message.job.tool_choice, AVER_TOOL_CHOICE_REQUIRED);
    assert_true(message.job.parallel_tool_calls);
    assert_int_equal(message.job.format, AVER_FORMAT_JSON_OBJECT);
    assert_false(message.job.has_cache_scope);
    for (size_t i = 0; i < sizeof(message.job.caller); i++) {
        assert_int_equal(message.job.caller[i], 0xca);
    }
    aver_link_message_deinit(&message);
    aver_buf_deinit(&frame);
}

static void info_and_short_messages_travel(void **state)
{
    (void)state;
    aver_buf frame = frame_new();
    aver_engine_info info = {
        .executor = "llama.cpp/0.5.0",
        .description = "d",
        .vocabulary_size = 32000,
        .context_tokens = 256,
        .slots = 4,
        .profile = AVER_PROFILE_FAST,
        .chat_template_in_model = true,
        .kv_type = "BF16",
        .numeric_class = {1, 2, 3},
        .template_digest = {4, 5},
        .embeds = true,
        .vector_size = 384,
        .memory_bytes = 1u << 30,
        .has_shared = true,
        .shared_digest = {6, 7},
    };
    aver_link_put_ready(&frame, &info);
    aver_link_message message = parse(&frame);
    assert_int_equal(message.kind, AVER_LINK_READY);
    assert_memory_equal(&message.info, &info, sizeof(info));
    /* Text has no vectors. */
    info.embeds = false;
    aver_buf_clear(&frame);
    aver_link_put_ready(&frame, &info);
    assert_int_equal(aver_link_parse(aver_buf_view(&frame), &message), AVER_E_FORMAT);
    aver_buf_clear(&frame);
    aver_link_put_failed(&frame, "no");
    message = parse(&frame);
    assert_true(aver_view_equal_text(message.text, "no"));
    aver_buf_clear(&frame);
    aver_link_put_busy(&frame, 7);
    message = parse(&frame);
    assert_true(message.kind == AVER_LINK_BUSY && message.job_id == 7);
    aver_buf_clear(&frame);
    aver_link_put_cancel(&frame, 8);
    message = parse(&frame);
    assert_true(message.kind == AVER_LINK_CANCEL && message.job_id == 8);
    aver_buf_deinit(&frame);
}

enum { EVENTS = 11 };

static void put_all_events(aver_buf *frame)
{
    static const int32_t ids[] = {1, 31999, 0};
    aver_buf events = frame_new();
    const aver_event started = {.kind = AVER_EVENT_STARTED,
                                .job_id = 1,
                                .prompt_ids = ids,
                                .prompt_count = 3,
                                .cached_count = 2};
    const aver_event token = {.kind = AVER_EVENT_TOKEN,
                              .job_id = 2,
                              .choice = 3,
                              .token = 5,
                              .text = AVER_VIEW_LITERAL("hi")};
    const aver_event done = {
        .kind = AVER_EVENT_DONE,
        .job_id = 3,
        .finish = AVER_FINISH_STOP,
        .generated_count = 9,
        .has_step_digest = true,
        .step_digest = {7},
    };
    const aver_event fast = {.kind = AVER_EVENT_DONE, .job_id = 4, .finish = AVER_FINISH_ABORTED};
    const aver_event refused = {
        .kind = AVER_EVENT_REFUSED, .job_id = 5, .text = AVER_VIEW_LITERAL("why")};
    const aver_event choice = {
        .kind = AVER_EVENT_CHOICE,
        .job_id = 6,
        .choice = 15,
        .finish = AVER_FINISH_TOOL,
        .generated_count = 4,
        .text = AVER_VIEW_LITERAL("rest"),
    };
    aver_link_put_event(&events, &started);
    aver_link_put_event(&events, &token);
    aver_link_put_event(&events, &done);
    aver_link_put_event(&events, &fast);
    aver_link_put_event(&events, &refused);
    const aver_logprob logprobs[] = {{7, -1500000, AVER_VIEW_LITERAL("\xc3")},
                                     {9, 0, AVER_VIEW_LITERAL("x")}};
    const aver_event likely = {.kind = AVER_EVENT_TOKEN,
                               .job_id = 7,
                               .token = 7,
                               .logprobs = logprobs,
                               .logprobs_count = 2};
    const aver_event call = {
        .kind = AVER_EVENT_CALL,
        .job_id = 8,
        .choice = 1,
        .call_index = AVER_LINK_CALLS_MAX - 1,
        .call_name = AVER_VIEW_LITERAL("f"),
        .call_arguments = AVER_VIEW_LITERAL("{}"),
    };
    const float floats[] = {-0.0f, 1e-45f, 3.4028234e38f};
    const aver_event vector = {.kind = AVER_EVENT_VECTOR,
                               .job_id = 9,
                               .choice = AVER_JOB_INPUTS_MAX - 1,
                               .vector = floats,
                               .vector_count = 3};
    const aver_event text = {
        .kind = AVER_EVENT_TEXT, .job_id = 10, .text = AVER_VIEW_LITERAL("piece")};
    aver_link_put_event(&events, &choice);
    aver_link_put_event(&events, &likely);
    aver_link_put_event(&events, &call);
    aver_link_put_event(&events, &vector);
    const aver_event reading = {.kind = AVER_EVENT_READ, .job_id = 11, .read_count = 4096};
    aver_link_put_event(&events, &text);
    aver_link_put_event(&events, &reading);
    aver_link_put_events(frame, EVENTS, aver_buf_view(&events));
    aver_buf_deinit(&events);
}

static void events_travel_in_order(void **state)
{
    (void)state;
    aver_buf frame = frame_new();
    aver_event seen[EVENTS];
    int32_t ids[3];
    float vector[3];
    aver_link_room room = {.ids = ids, .ids_max = 3, .vector = vector, .vector_max = 3};
    bool more = true;
    put_all_events(&frame);
    aver_link_message message = parse(&frame);
    for (size_t i = 0; i < EVENTS; i++) {
        assert_int_equal(aver_link_event_next(&message.events, &more, &seen[i], &room), AVER_OK);
        assert_true(more);
        assert_int_equal(seen[i].job_id, i + 1);
    }
    aver_event none;
    assert_int_equal(aver_link_event_next(&message.events, &more, &none, &room), AVER_OK);
    assert_false(more);
    assert_int_equal(seen[0].prompt_count, 3);
    assert_int_equal(seen[0].cached_count, 2);
    assert_int_equal(seen[1].choice, 3);
    assert_int_equal(ids[1], 31999);
    assert_int_equal(seen[1].token, 5);
    assert_true(aver_view_equal_text(seen[1].text, "hi"));
    assert_true(seen[2].has_step_digest && seen[2].step_digest[0] == 7 &&
                seen[2].generated_count == 9);
    assert_false(seen[3].has_step_digest);
    assert_int_equal(seen[3].finish, AVER_FINISH_ABORTED);
    assert_true(aver_view_equal_text(seen[4].text, "why"));
    assert_true(seen[5].choice == 15 && seen[5].finish == AVER_FINISH_TOOL &&
                seen[5].generated_count == 4 && aver_view_equal_text(seen[5].text, "rest"));
    assert_int_equal(seen[6].logprobs_count, 2);
    assert_int_equal(room.logprobs[0].logprob_ppm, -1500000);
    assert_true(aver_view_equal_text(room.logprobs[0].piece, "\xc3"));
    assert_int_equal(room.logprobs[1].token, 9);
    assert_int_equal(seen[7].call_index, AVER_LINK_CALLS_MAX - 1);
    assert_true(aver_view_equal_text(seen[7].call_name, "f"));
    assert_true(aver_view_equal_text(seen[7].call_arguments, "{}"));
    assert_int_equal(seen[8].choice, AVER_JOB_INPUTS_MAX - 1);
    assert_int_equal(seen[8].vector_count, 3);
    assert_true(vector[1] == 1e-45f && vector[2] == 3.4028234e38f);
    assert_true(aver_view_equal_text(seen[9].text, "piece"));
    assert_int_equal(seen[10].read_count, 4096);
    room.ids_max = 2;
    aver_link_message again = parse(&frame);
    assert_int_equal(aver_link_event_next(&again.events, &more, &none, &room), AVER_E_LIMIT);
    aver_buf_deinit(&frame);
}

/* One event in hex; what an engine must not write. */
static void bad_events_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"\x85\x02\x01\x10\x05\x60", 6},                                  /* choice 16 */
        {"\x86\x02\x01\x00\x05\x60\x80", 7},                              /* no logprobs */
        {"\x86\x02\x01\x00\x05\x60\x82\x05\x20", 9},                      /* two of three */
        {"\x86\x02\x01\x00\x05\x60\x83\x05\x01\x40", 10},                 /* above 0 */
        {"\x86\x02\x01\x00\x05\x60\x83\x20\x20\x40", 10},                 /* a negative token */
        {"\x86\x02\x01\x00\x05\x60\x83\x05\x3a\x77\x35\x94\x00\x40", 14}, /* too low */
        {"\x86\x06\x01\x00\x18\x80\x61\x66\x62{}", 11},                   /* call 128 */
        {"\x84\x07\x01\x00\x43\x00\x00\x00", 8},                          /* three bytes */
        {"\x84\x07\x01\x00\x44\x00\x00\xc0\x7f", 9},                      /* not a number */
        {"\x84\x07\x01\x00\x44\x00\x00\x80\xff", 9},                      /* infinite */
        {"\x84\x07\x01\x19\x08\x00\x44\x00\x00\x00\x00", 11},             /* input 2048 */
        {"\x83\x08\x01\x61\xff", 5},                                      /* no UTF-8 */
        {"\x83\x09\x01\x00", 4},                                          /* nothing read */
        {"\x83\x09\x01\x1a\x00\x20\x00\x00", 8},                          /* 2097152 read */
        {"\x83\x0a\x01\x60", 4},                                          /* no kind */
        {"\x86\x05\x01\x00\x04\x00\x60", 7},                              /* a choice aborted */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int32_t ids[8];
        float vector[8];
        aver_link_room room = {.ids = ids, .ids_max = 8, .vector = vector, .vector_max = 8};
        aver_view events = aver_view_make(cases[i].bytes, cases[i].size);
        aver_event event = {0};
        bool more = true;
        if (aver_link_event_next(&events, &more, &event, &room) != AVER_E_FORMAT) {
            fail_msg("case %zu was taken", i);
        }
        assert_int_equal(event.kind, 0);
    }
}

static void events_of_nothing_are_no_events(void **state)
{
    (void)state;
    aver_buf frame = frame_new();
    aver_link_message message;
    aver_link_put_events(&frame, 0, (aver_view){NULL, 0});
    assert_int_equal(aver_link_parse(aver_buf_view(&frame), &message), AVER_E_FORMAT);
    aver_buf_deinit(&frame);
}

static void bad_jobs_are_refused(void **state)
{
    (void)state;
    static const char body[] = "{\"model\":\"m\",\"prompt\":\"\",\"logit_bias\":{\"5\":1,\"6\":1}}";
    aver_job job;
    aver_job_refusal refusal;
    aver_link_message message;
    aver_buf frame = frame_new();
    assert_int_equal(aver_job_parse(aver_view_text(body), AVER_ENDPOINT_COMPLETION, &job, &refusal),
                     AVER_OK);
    for (unsigned i = 0; i < 8; i++) {
        aver_job bad = job;
        aver_bias biases[2] = {job.biases[0], job.biases[1]};
        bad.biases = biases;
        bad.endpoint = i == 1 ? (aver_endpoint)8 : bad.endpoint;
        bad.choices_count = i == 2 ? AVER_JOB_CHOICES_MAX + 1 : bad.choices_count;
        bad.has_logprobs = i == 3;
        bad.top_logprobs = AVER_JOB_TOP_LOGPROBS_MAX + 1;
        biases[1].token = i == 4 ? biases[0].token : biases[1].token;
        biases[1].bias_ppm = i == 5 ? 100000001 : biases[1].bias_ppm;
        bad.format = i == 6 ? AVER_FORMAT_JSON_SCHEMA : bad.format; /* without a schema */
        bad.tool_choice = i == 7 ? (aver_tool_choice)4 : bad.tool_choice;
        aver_buf_clear(&frame);
        aver_link_put_submit(&frame, 1, &bad);
        assert_int_equal(aver_link_parse(aver_buf_view(&frame), &message),
                         i == 0 ? AVER_OK : AVER_E_FORMAT);
        if (i == 0) {
            aver_link_message_deinit(&message);
        }
    }
    aver_job_deinit(&job);
    aver_buf_deinit(&frame);
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    size_t size = 99;
    const uint8_t zero[] = {0, 0, 0, 0, 1};
    const uint8_t huge[] = {0, 0x80, 0, 1};
    const uint8_t most[] = {0, 0x80, 0, 0};
    const uint8_t half[] = {0, 0, 0, 2, 0x81};
    assert_int_equal(aver_link_frame(AVER_VIEW_OF(zero), &size), AVER_E_FORMAT);
    assert_int_equal(aver_link_frame(AVER_VIEW_OF(huge), &size), AVER_E_FORMAT);
    assert_int_equal(aver_link_frame(AVER_VIEW_OF(most), &size), AVER_OK);
    assert_int_equal(size, 0);
    assert_int_equal(aver_link_frame(AVER_VIEW_OF(half), &size), AVER_OK);
    assert_int_equal(size, 0);
    assert_int_equal(aver_link_frame((aver_view){NULL, 0}, &size), AVER_OK);
    assert_int_equal(size, 0);
}

/* Walks everything that a frame holds; only sanitizers and the asserts of this file judge. */
static bool frame_walk(aver_view frame)
{
    aver_link_message message;
    aver_event event;
    int32_t ids[8];
    float vector[8];
    aver_link_room room = {.ids = ids, .ids_max = 8, .vector = vector, .vector_max = 8};
    bool more = true;
    if (aver_link_parse(frame, &message) != AVER_OK) {
        return false;
    }
    while (more && message.kind == AVER_LINK_EVENTS) {
        if (aver_link_event_next(&message.events, &more, &event, &room) != AVER_OK) {
            aver_link_message_deinit(&message);
            return false;
        }
    }
    aver_link_message_deinit(&message);
    return true;
}

static void truncated_and_changed_frames_are_refused_or_whole(void **state)
{
    (void)state;
    aver_buf frames[2] = {frame_new(), frame_new()};
    put_job(&frames[0], 5);
    put_all_events(&frames[1]);
    for (size_t f = 0; f < 2; f++) {
        assert_true(frame_walk(aver_buf_view(&frames[f])));
        for (size_t size = 4; size < frames[f].size; size++) {
            uint8_t *copy = malloc(size);
            memcpy(copy, frames[f].data, size);
            aver_be32_write(copy, (uint32_t)size - 4);
            assert_false(frame_walk(aver_view_make(copy, size)));
            free(copy);
        }
        unsigned refused = 0;
        for (size_t bit = 32; bit < frames[f].size * 8; bit++) {
            frames[f].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            refused += frame_walk(aver_buf_view(&frames[f])) ? 0 : 1;
            frames[f].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_true(refused > 100);
        aver_buf_append_byte(&frames[f], 0);
        aver_be32_write(frames[f].data, (uint32_t)frames[f].size - 4);
        assert_false(frame_walk(aver_buf_view(&frames[f])));
        aver_buf_deinit(&frames[f]);
    }
}

static void a_frame_too_large_fails_the_writer(void **state)
{
    (void)state;
    aver_buf frame;
    aver_buf_init(&frame, (size_t)64 << 20);
    char *text = malloc(AVER_LINK_FRAME_BYTES_MAX + 2);
    memset(text, 'a', AVER_LINK_FRAME_BYTES_MAX + 1);
    text[AVER_LINK_FRAME_BYTES_MAX + 1] = '\0';
    aver_link_put_failed(&frame, text);
    assert_int_equal(aver_buf_status(&frame), AVER_E_LIMIT);
    free(text);
    aver_buf_deinit(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompts_of_ids_are_whole_ids),
        cmocka_unit_test(options_travel),
        cmocka_unit_test(jobs_travel),
        cmocka_unit_test(info_and_short_messages_travel),
        cmocka_unit_test(events_travel_in_order),
        cmocka_unit_test(bad_events_are_refused),
        cmocka_unit_test(events_of_nothing_are_no_events),
        cmocka_unit_test(bad_jobs_are_refused),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(truncated_and_changed_frames_are_refused_or_whole),
        cmocka_unit_test(a_frame_too_large_fails_the_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
