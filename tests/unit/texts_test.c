/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs without a decode: tokens of a text, text of tokens, what the template makes of messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/engine_run.h"
#include "../support/model.h"
#include "codec/text.h"
#include "engine/texts.h"

#include <stdio.h>

static run *stories;

static int stories_open(void **state)
{
    (void)state;
    stories = run_open(model_find(MODEL_STORIES), 1);
    return 0;
}

static int stories_close(void **state)
{
    (void)state;
    run_free(stories);
    return 0;
}

static run_answer *texts_run(aver_endpoint endpoint, const char *prompt, size_t size)
{
    run_clear(stories);
    run_answer *answer = &stories->answers[0];
    aver_buf_init(&answer->said, 8 << 20);
    aver_buf_init(&answer->job.prompt, 8 << 20);
    aver_buf_append(&answer->job.prompt, aver_view_make(prompt, size));
    answer->job.endpoint = endpoint;
    uint64_t before = aver_engine_tokens(stories->engine);
    assert_int_equal(aver_engine_submit(stories->engine, 0, &answer->job), AVER_OK);
    assert_true(answer->done || answer->refused);
    assert_false(aver_engine_busy(stories->engine));
    assert_int_equal(aver_engine_tokens(stories->engine), before);
    assert_int_equal(answer->started, answer->done);
    if (answer->done) {
        assert_int_equal(answer->end.finish, AVER_FINISH_STOP);
        assert_false(answer->end.has_step_digest);
    }
    return answer;
}

static run_answer *texts_text(aver_endpoint endpoint, const char *prompt)
{
    return texts_run(endpoint, prompt, strlen(prompt));
}

static void expect_said(const run_answer *answer, const char *text)
{
    if (!aver_view_equal_text(aver_buf_view(&answer->said), text)) {
        fail_msg("'%.*s'", (int)answer->said.size, (const char *)answer->said.data);
    }
}

static void on_piece(const run_answer *answer, const aver_event *event)
{
    if (event->kind == AVER_EVENT_TOKEN) {
        assert_int_equal(event->logprobs_count, 1);
        assert_int_equal(event->logprobs[0].token, event->token);
        assert_int_equal(event->logprobs[0].piece.size == 0, event->token == 1);
        aver_buf_append(&((run_answer *)(uintptr_t)answer)->said, event->logprobs[0].piece);
    }
}

static void tokens_and_text_are_each_other_s(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Once upon a time", "a", "</s> is text <s>", "élève 🐕 größer", "tab\tand\nlines", ""};
    char list[4096];
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        run_answer *answer = texts_text(AVER_ENDPOINT_TOKENIZE, texts[i]);
        assert_true(answer->done);
        assert_int_equal(answer->prompt_count == 0, texts[i][0] == '\0');
        size_t at = (size_t)snprintf(list, sizeof(list), "[");
        for (size_t k = 0; k < answer->prompt_count; k++) {
            assert_true(answer->prompt_ids[k] > 2); /* no begin, no end, no unknown */
            at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%d", k == 0 ? "" : ",",
                                   (int)answer->prompt_ids[k]);
        }
        (void)snprintf(list + at, sizeof(list) - at, "]");
        answer = texts_text(AVER_ENDPOINT_DETOKENIZE, list);
        assert_true(answer->done);
        assert_int_equal(answer->prompt_count, 0);
        /* This vocabulary puts a space before a text. */
        char wanted[256];
        (void)snprintf(wanted, sizeof(wanted), "%s%s", texts[i][0] == '\0' ? "" : " ", texts[i]);
        expect_said(answer, wanted);
    }
}

static void pieces_are_told_one_by_one(void **state)
{
    (void)state;
    run_clear(stories);
    run_answer *answer = &stories->answers[0];
    aver_buf_init(&answer->job.prompt, 64);
    aver_buf_append_text(&answer->job.prompt, "Once upon");
    answer->job.endpoint = AVER_ENDPOINT_TOKENIZE;
    answer->job.has_logprobs = true;
    answer->job.add_special = true;
    aver_buf_init(&answer->said, 64);
    stories->watch = on_piece;
    assert_int_equal(aver_engine_submit(stories->engine, 0, &answer->job), AVER_OK);
    stories->watch = NULL;
    assert_true(answer->done);
    assert_int_equal(answer->prompt_ids[0], 1);
    assert_int_equal(answer->count, answer->prompt_count);
    assert_memory_equal(answer->ids, answer->prompt_ids, answer->count * sizeof(int32_t));
    expect_said(answer, " Once upon");
}

static void texts_beyond_the_context_are_refused(void **state)
{
    (void)state;
    static char text[1 << 20];
    memset(text, 'x', sizeof(text));
    run_answer *answer = texts_run(AVER_ENDPOINT_TOKENIZE, text, 8000);
    assert_true(answer->refused);
    assert_non_null(strstr(answer->why, "exceeds the context of 256"));
    answer = texts_run(AVER_ENDPOINT_TOKENIZE, text, sizeof(text));
    assert_true(answer->refused);
    assert_non_null(strstr(answer->why, "prompt of at least"));
    /* The longest token of this vocabulary has 27 bytes, and one of 16 spaces is spelled with 48.
     */
    memset(text, ' ', 7000);
    answer = texts_run(AVER_ENDPOINT_TOKENIZE, text, 256 * 27);
    assert_non_null(strstr(answer->why, "prompt of 4"));
    answer = texts_run(AVER_ENDPOINT_TOKENIZE, text, 257 * 27);
    assert_non_null(strstr(answer->why, "prompt of at least 257 tokens"));
}

static void lists_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const lists[] = {
        "", "{}", "[1,-1]", "[32000]", "[1.5]", "[[1]]", "[\"1\"]", "[9223372036854775807]", "[1"};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        run_answer *answer = texts_text(AVER_ENDPOINT_DETOKENIZE, lists[i]);
        assert_true(answer->refused);
        assert_true(answer->why[0] != '\0');
    }
    expect_said(texts_text(AVER_ENDPOINT_DETOKENIZE, "[]"), "");
    /* Half a character is told as what it is. */
    expect_said(texts_text(AVER_ENDPOINT_DETOKENIZE, "[198]"), "\xef\xbf\xbd");
}

static void on_text(const run_answer *answer, const aver_event *event)
{
    (void)answer;
    if (event->kind == AVER_EVENT_TEXT) {
        assert_true(event->text.size <= AVER_TEXTS_PIECE_BYTES_MAX);
        assert_true(aver_utf8_valid(event->text));
    }
}

static void the_template_is_applied(void **state)
{
    (void)state;
    static char messages[5 << 20];
    expect_said(texts_text(AVER_ENDPOINT_APPLY_TEMPLATE,
                           "[{\"content\":\"One\",\"role\":\"system\"},{\"content\":\"Two\","
                           "\"role\":\"user\"}]"),
                "One\nTwo");
    assert_true(texts_text(AVER_ENDPOINT_APPLY_TEMPLATE, "no JSON")->refused);
    stories->watch = on_text;
    size_t at = (size_t)snprintf(messages, sizeof(messages), "[{\"role\":\"user\",\"content\":\"x");
    for (int i = 0; i < 50000; i++) {
        memcpy(messages + at, "\xe2\x82\xac", 3);
        at += 3;
    }
    memcpy(messages + at, "\"}]", 4);
    run_answer *answer = texts_text(AVER_ENDPOINT_APPLY_TEMPLATE, messages);
    assert_true(answer->done);
    assert_int_equal(answer->said.size, 150001);
    for (; at < sizeof(messages) - 4; at++) {
        messages[at] = 'x';
    }
    memcpy(messages + at, "\"}]", 4);
    answer = texts_text(AVER_ENDPOINT_APPLY_TEMPLATE, messages);
    assert_true(answer->refused);
    stories->watch = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_and_text_are_each_other_s),
        cmocka_unit_test(pieces_are_told_one_by_one),
        cmocka_unit_test(texts_beyond_the_context_are_refused),
        cmocka_unit_test(lists_that_are_none_are_refused),
        cmocka_unit_test(the_template_is_applied),
    };
    if (model_find(MODEL_STORIES) == NULL) {
        return MODEL_SKIP_STATUS;
    }
    return cmocka_run_group_tests(tests, stories_open, stories_close);
}
