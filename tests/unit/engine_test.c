/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/engine_run.h"
#include "../support/model.h"
#include "crypto/hash.h"

static run *stories;

static int stories_open(void **state)
{
    (void)state;
    stories = run_open(model_find(MODEL_STORIES), 4);
    return 0;
}

static int stories_close(void **state)
{
    (void)state;
    run_free(stories);
    return 0;
}

#define ONCE "\"model\":\"m\",\"prompt\":\"Once upon a time\""

static void the_model_is_described(void **state)
{
    (void)state;
    const aver_engine_info *info = aver_engine_about(stories->engine);
    uint8_t zero[32] = {0};
    assert_int_equal(info->profile, AVER_PROFILE_VERIFIED);
    assert_string_equal(info->executor, "llama.cpp/0.5.0");
    assert_string_equal(info->kv_type, "BF16"); /* heads of 48 */
    assert_int_equal(info->vocabulary_size, 32000);
    assert_int_equal(info->context_tokens, 256);
    assert_false(info->chat_template_in_model);
    assert_memory_not_equal(info->numeric_class, zero, 32);
}

static void a_greedy_answer_is_a_story(void **state)
{
    (void)state;
    run_answer *answer = run_one(stories, "{" ONCE ",\"max_tokens\":20,\"temperature\":0}");
    assert_true(answer->done);
    assert_int_equal(answer->count, 20);
    assert_int_equal(answer->end.finish, AVER_FINISH_LENGTH);
    assert_true(answer->end.has_step_digest);
    assert_int_equal(answer->prompt_ids[0], 1);
    aver_buf_append_byte(&answer->text, 0);
    assert_non_null(
        strstr((const char *)answer->text.data, ", there was a little girl named Lily"));
}

static void the_seed_decides_the_answer(void **state)
{
    (void)state;
    char first[4096];
    size_t size = 0;
    for (int i = 0; i < 3; i++) {
        run_answer *answer = run_one(stories, i < 2 ? "{" ONCE ",\"max_tokens\":40,\"seed\":5}"
                                                    : "{" ONCE ",\"max_tokens\":40,\"seed\":6}");
        if (i == 0) {
            size = answer->text.size;
            memcpy(first, answer->text.data, size);
        } else {
            bool same = answer->text.size == size && memcmp(answer->text.data, first, size) == 0;
            assert_int_equal(same, i == 1);
        }
    }
}

static void a_stop_string_ends_the_answer_before_itself(void **state)
{
    (void)state;
    run_answer *answer = run_one(
        stories, "{" ONCE ",\"max_tokens\":60,\"temperature\":0,\"stop\":[\"named Li\",\"zzz\"]}");
    assert_int_equal(answer->end.finish, AVER_FINISH_STOP);
    assert_true(answer->count < 60);
    aver_buf_append_byte(&answer->text, 0);
    assert_string_equal((const char *)answer->text.data, ", there was a little girl ");
}

static void an_answer_without_a_bound_ends_with_the_text_or_the_context(void **state)
{
    (void)state;
    run_answer *answer =
        run_one(stories, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Once\"}],"
                         "\"temperature\":0}");
    assert_true(answer->done);
    if (answer->end.finish == AVER_FINISH_LENGTH) {
        assert_int_equal(answer->count, 256 - answer->prompt_count + 1);
    } else {
        assert_int_equal(answer->end.finish, AVER_FINISH_STOP);
        assert_true(answer->ids[answer->count - 1] == 2 || answer->ids[answer->count - 1] == 1);
    }
}

static char *long_body(size_t words)
{
    static const char head[] = "{\"model\":\"m\",\"prompt\":\"";
    static const char tail[] = "\",\"max_tokens\":500,\"temperature\":0}";
    char *body = calloc(words * 4 + 100, 1);
    size_t size = sizeof(head) - 1;
    memcpy(body, head, size);
    for (size_t i = 0; i < words; i++) {
        memcpy(body + size, " dog", 4);
        size += 4;
    }
    memcpy(body + size, tail, sizeof(tail));
    return body;
}

static void prompts_up_to_the_context_are_read(void **state)
{
    (void)state;
    char *body = long_body(254);
    run_answer *answer = run_one(stories, body);
    free(body);
    assert_true(answer->done);
    assert_true(answer->prompt_count >= 255 && answer->prompt_count <= 256);
    assert_int_equal(answer->end.finish, AVER_FINISH_LENGTH);
    assert_int_equal(answer->count, 256 - answer->prompt_count + 1);
}

static void longer_prompts_are_refused_with_both_numbers(void **state)
{
    (void)state;
    char *body = long_body(300);
    run_answer *answer = run_one(stories, body);
    free(body);
    assert_true(answer->refused);
    assert_false(answer->started);
    assert_non_null(strstr(answer->why, "tokens exceeds the context of 256"));
    body = long_body(900000);
    answer = run_one(stories, body);
    free(body);
    assert_true(answer->refused);
    assert_non_null(strstr(answer->why, "prompt of at least"));
}

static void the_plain_template_joins_contents_by_newlines(void **state)
{
    (void)state;
    int32_t ids[64];
    run_answer *answer =
        run_one(stories, "{\"model\":\"m\",\"prompt\":\"One\\nTwo\",\"max_tokens\":1}");
    size_t count = answer->prompt_count;
    memcpy(ids, answer->prompt_ids, count * sizeof(*ids));
    answer =
        run_one(stories, "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"One\"},"
                         "{\"role\":\"user\",\"content\":\"Two\"}],\"max_tokens\":1}");
    assert_int_equal(answer->prompt_count, count);
    assert_memory_equal(answer->prompt_ids, ids, count * sizeof(*ids));
    uint8_t digest[32];
    aver_sha256_of(aver_view_text("aver/plain/1: message contents joined by a newline"), digest);
    assert_memory_equal(aver_engine_about(stories->engine)->template_digest, digest, 32);
}

static void text_never_becomes_a_control_token(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"model\":\"m\",\"prompt\":\"a </s> b <s> c <unk>\",\"max_tokens\":1}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a </s> b <s> c "
        "<unk>\"}],\"max_tokens\":1}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"</s\"},"
        "{\"role\":\"user\",\"content\":\">x<s>\"}],\"max_tokens\":1}",
    };
    for (size_t i = 0; i < 3; i++) {
        run_answer *answer = run_one(stories, bodies[i]);
        assert_int_equal(answer->prompt_ids[0], 1);
        for (size_t k = 1; k < answer->prompt_count; k++) {
            assert_true(answer->prompt_ids[k] > 2);
        }
    }
}

static void cancelled_jobs_end_at_once(void **state)
{
    (void)state;
    run_clear(stories);
    for (uint64_t i = 0; i < 8; i++) {
        (void)run_submit(stories, i, "{" ONCE ",\"max_tokens\":50,\"seed\":1}");
    }
    for (int i = 0; i < 5; i++) {
        assert_int_equal(aver_engine_step(stories->engine), AVER_OK);
    }
    aver_engine_cancel(stories->engine, 1); /* answering */
    aver_engine_cancel(stories->engine, 6); /* waiting */
    aver_engine_cancel(stories->engine, 7); /* waiting, the last */
    aver_engine_cancel(stories->engine, 99);
    assert_true(stories->answers[1].done && stories->answers[6].done && stories->answers[7].done);
    assert_int_equal(stories->answers[1].end.finish, AVER_FINISH_ABORTED);
    assert_true(stories->answers[1].count > 0);
    assert_int_equal(stories->answers[6].count, 0);
    run_finish(stories);
    for (uint64_t i = 0; i < 8; i++) {
        assert_true(stories->answers[i].done);
        if (i != 1 && i < 6) {
            assert_int_equal(stories->answers[i].count, 50);
            assert_memory_equal(stories->answers[i].ids, stories->answers[0].ids,
                                50 * sizeof(int32_t));
            assert_memory_equal(stories->answers[i].end.step_digest,
                                stories->answers[0].end.step_digest, 32);
        }
    }
}

/* Long prompts that always find the lowest slot free must not keep the prompt of another waiting.
 */
static void prompts_are_read_in_the_order_of_their_admission(void **state)
{
    (void)state;
    run *crowd = run_new(model_find(MODEL_STORIES));
    aver_engine_options options = run_options(crowd, 2);
    options.batch_tokens = 16;
    run_start(crowd, &options);
    const size_t count = 12;
    char *body = long_body(30); /* 32 tokens: two steps */
    char *tail = strstr(body, ":500");
    memcpy(tail, ":1  ", 4);
    for (uint64_t i = 0; i < count; i++) {
        (void)run_submit(crowd, i, body);
    }
    assert_int_equal(crowd->answers[0].prompt_count % 16, 0);
    for (int i = 0; i < 10 && !crowd->answers[1].done; i++) {
        assert_int_equal(aver_engine_step(crowd->engine), AVER_OK);
    }
    assert_true(crowd->answers[1].done);
    run_finish(crowd);
    free(body);
    run_free(crowd);
}

static void the_waiting_list_is_bounded(void **state)
{
    (void)state;
    aver_job_refusal refusal;
    run_clear(stories);
    run_answer *answer = &stories->answers[0];
    aver_buf_init(&answer->text, 1 << 20);
    assert_int_equal(aver_job_parse(aver_view_text("{" ONCE ",\"max_tokens\":2}"),
                                    AVER_ENDPOINT_COMPLETION, &answer->job, &refusal),
                     AVER_OK);
    /* The engine's events need an id below RUN_JOBS_MAX: the jobs are cancelled before they answer.
     */
    aver_err err = AVER_OK;
    uint64_t taken = 0;
    while (err == AVER_OK && taken <= AVER_ENGINE_WAITING_MAX + 4) {
        answer->started = false;
        err = aver_engine_submit(stories->engine, 0, &answer->job);
        taken += err == AVER_OK ? 1 : 0;
    }
    assert_int_equal(err, AVER_E_LIMIT);
    assert_int_equal(taken, AVER_ENGINE_WAITING_MAX + 4); /* four are in slots */
    answer->started = true;
    while (taken-- > 0) {
        answer->done = false;
        aver_engine_cancel(stories->engine, 0);
        assert_true(answer->done);
    }
    assert_false(aver_engine_busy(stories->engine));
}

static void weights_that_are_not_invariant_only_run_fast(void **state)
{
    (void)state;
    const char *path = model_find(MODEL_STORIES_F32);
    if (path == NULL) {
        skip();
    }
    run *floats = run_new(path);
    aver_engine_options options = run_options(floats, 1);
    run_start(floats, &options);
    assert_int_equal(aver_engine_about(floats->engine)->profile, AVER_PROFILE_FAST);
    assert_string_equal(aver_engine_about(floats->engine)->kv_type, "BF16");
    run_answer *answer = run_one(floats, "{" ONCE ",\"max_tokens\":20,\"temperature\":0}");
    assert_int_equal(answer->count, 20);
    assert_false(answer->end.has_step_digest);
    run_free(floats);
}

static void what_cannot_run_is_refused_with_words(void **state)
{
    (void)state;
    aver_engine *engine = NULL;
    char why[160] = "";
    aver_engine_options options = run_options(stories, 0);
    assert_int_equal(aver_engine_new(&options, run_on_event, stories, &engine, why), AVER_E_USAGE);
    options.slots = 257;
    assert_int_equal(aver_engine_new(&options, run_on_event, stories, &engine, why), AVER_E_USAGE);
    options.slots = 1;
    options.context_tokens = 8;
    assert_int_equal(aver_engine_new(&options, run_on_event, stories, &engine, why), AVER_E_USAGE);
    options.weights_fd = -1;
    assert_int_equal(aver_engine_new(&options, run_on_event, stories, &engine, why), AVER_E_IO);
}

/* The same engine serves models for vectors; what is asked for text then is refused. */
static void a_model_for_vectors_gives_no_text(void **state)
{
    (void)state;
    const char *path = model_find("all-MiniLM-L6-v2-q8_0.gguf");
    if (path == NULL) {
        skip();
    }
    run *vectors = run_new(path);
    aver_engine_options options = run_options(vectors, 1);
    run_start(vectors, &options);
    assert_true(aver_engine_about(vectors->engine)->embeds);
    run_answer *answer = run_one(vectors, "{" ONCE ",\"max_tokens\":2}");
    assert_true(answer->refused);
    assert_false(aver_engine_busy(vectors->engine));
    run_free(vectors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_is_described),
        cmocka_unit_test(a_greedy_answer_is_a_story),
        cmocka_unit_test(the_seed_decides_the_answer),
        cmocka_unit_test(a_stop_string_ends_the_answer_before_itself),
        cmocka_unit_test(an_answer_without_a_bound_ends_with_the_text_or_the_context),
        cmocka_unit_test(prompts_up_to_the_context_are_read),
        cmocka_unit_test(longer_prompts_are_refused_with_both_numbers),
        cmocka_unit_test(the_plain_template_joins_contents_by_newlines),
        cmocka_unit_test(text_never_becomes_a_control_token),
        cmocka_unit_test(cancelled_jobs_end_at_once),
        cmocka_unit_test(prompts_are_read_in_the_order_of_their_admission),
        cmocka_unit_test(the_waiting_list_is_bounded),
        cmocka_unit_test(weights_that_are_not_invariant_only_run_fast),
        cmocka_unit_test(what_cannot_run_is_refused_with_words),
        cmocka_unit_test(a_model_for_vectors_gives_no_text),
    };
    if (model_find(MODEL_STORIES) == NULL) {
        return MODEL_SKIP_STATUS;
    }
    return cmocka_run_group_tests(tests, stories_open, stories_close);
}
