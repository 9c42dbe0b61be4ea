/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of the client: joining an answer's text, the request body, the policy of a pin,
 * the terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/answer.h"
#include "cli/pin.h"
#include "cli/question.h"
#include "cli/show.h"
#include "cli/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHAT       AVER_ENDPOINT_CHAT
#define COMPLETION AVER_ENDPOINT_COMPLETION

static aver_buf text;
static char error[AVER_ANSWER_ERROR_BYTES_MAX];

static int set_up(void **state)
{
    (void)state;
    aver_buf_init(&text, 65536);
    error[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    aver_buf_deinit(&text);
    return 0;
}

static void assert_text(const char *expected)
{
    assert_true(aver_view_equal_text(aver_buf_view(&text), expected));
}

static aver_err event(const char *json, aver_endpoint endpoint)
{
    return aver_answer_event(aver_view_text(json), endpoint, &text, error);
}

static void events_add_their_text(void **state)
{
    (void)state;
    assert_int_equal(event("{\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}", CHAT), AVER_OK);
    assert_int_equal(event("{\"choices\":[{\"delta\":{\"content\":\"a\\u00e9\"}}]}", CHAT),
                     AVER_OK);
    assert_int_equal(event("{\"choices\":[{\"delta\":{\"content\":null}}]}", CHAT), AVER_OK);
    assert_int_equal(event("{\"choices\":[],\"usage\":{}}", CHAT), AVER_OK);
    assert_int_equal(event("{\"choices\":[{\"text\":\"z\"}]}", COMPLETION), AVER_OK);
    assert_text("a\xc3\xa9z");
    assert_string_equal(error, "");
}

static void what_is_no_event_is_refused(void **state)
{
    (void)state;
    assert_int_equal(event("{}", CHAT), AVER_E_FORMAT);
    assert_int_equal(event("{\"choices\":{}}", CHAT), AVER_E_FORMAT);
    assert_int_equal(event("{\"choices\":[3]}", COMPLETION), AVER_E_FORMAT);
    assert_int_equal(event("{\"choices\":[{\"text\":3}]}", COMPLETION), AVER_E_FORMAT);
    assert_int_equal(event("{\"choices\":[{}]}", CHAT), AVER_E_FORMAT);
    assert_int_equal(event("rubbish", CHAT), AVER_E_FORMAT);
    assert_text("");
}

static void an_error_event_gives_its_words(void **state)
{
    (void)state;
    assert_int_equal(event("{\"error\":{\"message\":\"broken\\u001b[31m\\nmore\"}}", CHAT),
                     AVER_OK);
    assert_string_equal(error, "broken?[31m");
    assert_text("");
    aver_answer_error(AVER_VIEW_LITERAL("plain\nwords"), error);
    assert_string_equal(error, "plain");
    aver_answer_error((aver_view){NULL, 0}, error);
    assert_string_equal(error, "");
}

static void events_are_joined_in_order(void **state)
{
    (void)state;
    aver_view events = AVER_VIEW_LITERAL("data: {\"choices\":[{\"text\":\"one \"}]}\n\n"
                                         "data: {\"choices\":[{\"text\":\"two\"}]}\n\n");
    assert_int_equal(aver_answer_events(events, COMPLETION, &text), AVER_OK);
    assert_text("one two");
    aver_view cut = aver_view_slice(events, 0, events.size - 1);
    assert_int_not_equal(aver_answer_events(cut, COMPLETION, &text), AVER_OK);
    assert_int_not_equal(
        aver_answer_events(AVER_VIEW_LITERAL("data: [DONE]\n\n"), COMPLETION, &text), AVER_OK);
}

static void whole_bodies_give_their_text(void **state)
{
    (void)state;
    aver_view chat = AVER_VIEW_LITERAL("{\"choices\":[{\"message\":{\"content\":\"hi\"}}]}");
    assert_int_equal(aver_answer_body(chat, CHAT, &text, error), AVER_OK);
    assert_text("hi");
    assert_int_equal(aver_answer_body(chat, COMPLETION, &text, error), AVER_OK);
    assert_text("hi");
}

static void paths_name_endpoints(void **state)
{
    (void)state;
    aver_endpoint endpoint;
    assert_true(aver_answer_endpoint("/v1/chat/completions", &endpoint));
    assert_int_equal(endpoint, CHAT);
    assert_true(aver_answer_endpoint("/v1/completions", &endpoint));
    assert_int_equal(endpoint, COMPLETION);
    assert_false(aver_answer_endpoint("/v1/completions/", &endpoint));
}

/* What the client writes is what the node reads: the node's own parser is the judge. */
static void the_body_is_read_as_it_was_meant(void **state)
{
    (void)state;
    aver_question question = {.endpoint = CHAT,
                              .model = "m\"1",
                              .system = "be kind",
                              .prompt = AVER_VIEW_LITERAL("say \"\xc3\xa9\"\n\\"),
                              .max_tokens = 9,
                              .temperature_ppm = 1050001,
                              .seed = UINT64_C(9007199254740991)};
    aver_question_claims claims = {.deadline_ms = 1767225600000u};
    memset(claims.keyset_digest, 1, 32);
    memset(claims.evidence_digest, 2, 32);
    memset(claims.nonce, 3, 32);
    aver_job job = {0};
    aver_job_refusal refusal;
    assert_int_equal(aver_question_encode(&question, &claims, &text), AVER_OK);
    assert_int_equal(aver_job_parse(aver_buf_view(&text), CHAT, &job, &refusal), AVER_OK);
    assert_true(aver_view_equal_text(aver_buf_view(&job.model), "m\"1"));
    assert_non_null(memmem(job.prompt.data, job.prompt.size, "be kind", 7));
    assert_non_null(memmem(job.prompt.data, job.prompt.size, "say \\\"\xc3\xa9\\\"\\n\\\\", 14));
    assert_int_equal(job.max_tokens, 9);
    assert_int_equal(job.sampling.temperature_ppm, 1050001);
    assert_true(job.has_seed && job.sampling.seed == question.seed);
    assert_true(job.stream && job.include_usage);
    assert_true(job.claims.has_keyset && job.claims.has_evidence && job.claims.has_nonce);
    assert_memory_equal(job.claims.evidence_digest, claims.evidence_digest, 32);
    assert_string_equal(job.claims.path, "/v1/chat/completions");
    assert_true(job.claims.deadline_ms == claims.deadline_ms);
    aver_job_deinit(&job);
    question.prompt = AVER_VIEW_LITERAL("\xff");
    aver_buf_clear(&text);
    assert_int_equal(aver_question_encode(&question, &claims, &text), AVER_E_FORMAT);
    assert_text("");
}

/* What is pinned is accepted, and nothing else is. */
static void a_pin_is_a_policy(void **state)
{
    (void)state;
    aver_pin pin = {
        .name = "it's \"mine\"", .platform = "sim", .measurements_count = 1, .models_count = 2};
    pin.measurements[0] = (aver_measurement){.kind = "program", .size = 32};
    memset(pin.measurements[0].bytes, 7, 32);
    memset(pin.models[1], 8, 32);
    aver_policy *policy = NULL;
    char why[200] = "";
    aver_pin_write(&pin, &text);
    assert_int_equal(aver_policy_parse(aver_buf_view(&text), &policy, why), AVER_OK);
    assert_string_equal(aver_policy_name(policy), "it's \"mine\"");
    assert_true(aver_policy_allows_platform(policy, "sim"));
    assert_false(aver_policy_allows_platform(policy, "tdx"));
    assert_true(aver_policy_matches(policy, "sim", pin.measurements, 1));
    assert_true(aver_policy_allows_model(policy, pin.models[0]));
    assert_true(aver_policy_allows_model(policy, pin.models[1]));
    pin.models[1][31] = 9;
    assert_false(aver_policy_allows_model(policy, pin.models[1]));
    pin.measurements[0].bytes[0] = 1;
    assert_false(aver_policy_matches(policy, "sim", pin.measurements, 1));
    assert_false(aver_policy_accepts_debug(policy));
    assert_true(aver_policy_allows_profile(policy, AVER_PROFILE_FAST));
    aver_policy_free(policy);
    pin.verified_only = true;
    aver_buf_clear(&text);
    aver_pin_write(&pin, &text);
    assert_int_equal(aver_policy_parse(aver_buf_view(&text), &policy, why), AVER_OK);
    assert_true(aver_policy_allows_profile(policy, AVER_PROFILE_VERIFIED));
    assert_false(aver_policy_allows_profile(policy, AVER_PROFILE_FAST));
    aver_policy_free(policy);
}

/* Whatever is shown to be compared changes the digest. */
static void a_pin_has_a_digest_of_its_own(void **state)
{
    (void)state;
    aver_pin pins[6];
    char digests[6][AVER_PIN_DIGEST_DIGITS + 1];
    aver_pin first = {.platform = "sim", .measurements_count = 1, .models_count = 1};
    first.measurements[0] = (aver_measurement){.kind = "program", .size = 32};
    for (size_t i = 0; i < 6; i++) {
        pins[i] = first;
    }
    pins[1].platform = "sin";
    pins[2].measurements[0].bytes[31] = 1;
    pins[3].models[0][31] = 1;
    pins[4].config_digest[31] = 1;
    pins[5].models_count = 2;
    for (size_t i = 0; i < 6; i++) {
        aver_pin_digest(&pins[i], digests[i]);
        assert_int_equal(strlen(digests[i]), AVER_PIN_DIGEST_DIGITS);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(digests[i], digests[j]);
        }
    }
    first.name = "another name";
    aver_pin_digest(&first, digests[1]);
    assert_string_equal(digests[0], digests[1]);
}

/* A pipe without a writer, or a device without an end, is no program. */
static void only_a_file_is_measured(void **state)
{
    (void)state;
    char dir[] = "/tmp/aver-pin-XXXXXX";
    char pipe[64];
    uint8_t digest[32];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(pipe, sizeof pipe, "%s/pipe", dir);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    (void)alarm(10); /* ends the test where it would hang */
    assert_int_equal(aver_pin_program(pipe, digest), AVER_E_USAGE);
    assert_int_equal(aver_pin_program("/dev/zero", digest), AVER_E_USAGE);
    assert_int_equal(aver_pin_program(dir, digest), AVER_E_USAGE);
    (void)alarm(0);
    (void)unlink(pipe);
    (void)rmdir(dir);
}

/* What a terminal would get, read back. */
static void written(aver_view in, bool wrap, char *ret_text, size_t size)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    aver_term term = {.file = file, .terminal = true};
    unsigned column = 0;
    if (wrap) {
        aver_term_wrap(&term, in, 2, 12, &column);
    } else {
        aver_term_text(&term, in);
    }
    rewind(file);
    size_t got = fread(ret_text, 1, size - 1, file);
    ret_text[got] = '\0';
    (void)fclose(file);
}

static void a_terminal_takes_no_orders_from_text(void **state)
{
    (void)state;
    char out[256];
    written(AVER_VIEW_LITERAL("a\x1b[2J\x7f\xc2\x9b\t\n\xc3\xa9"), false, out, sizeof out);
    assert_string_equal(out, "a\xef\xbf\xbd[2J\xef\xbf\xbd\xef\xbf\xbd\t\n\xc3\xa9");
}

/* Words of a node inside words of the program, short ones and long ones. */
static void a_terminal_takes_no_orders_from_what_is_printed(void **state)
{
    (void)state;
    static char words[3000];
    static char out[8192];
    memset(words, 'x', sizeof words - 1);
    memcpy(words, "a\x1b[2J\x7f", 6);
    words[sizeof words - 2] = '\x1b';
    FILE *file = tmpfile();
    assert_non_null(file);
    aver_term term = {.file = file, .terminal = true};
    aver_term_print(&term, AVER_STYLE_BAD, "it says %.6s\n", words);
    aver_term_print(&term, AVER_STYLE_BAD, "%s.", words);
    rewind(file);
    size_t got = fread(out, 1, sizeof out - 1, file);
    out[got] = '\0';
    (void)fclose(file);
    assert_null(memchr(out, 0x1b, got));
    assert_null(memchr(out, 0x7f, got));
    assert_memory_equal(out, "it says a\xef\xbf\xbd[2J\xef\xbf\xbd\n", 19);
    assert_string_equal(out + got - 5, "x\xef\xbf\xbd.");
}

static void text_is_wrapped_at_blanks(void **state)
{
    (void)state;
    char out[256];
    written(AVER_VIEW_LITERAL("one two three four"), true, out, sizeof out);
    assert_string_equal(out, "  one two\n  three four");
    written(AVER_VIEW_LITERAL("a\nb"), true, out, sizeof out);
    assert_string_equal(out, "  a\n  b");
    written(AVER_VIEW_LITERAL("averyverylongwordthatfitsnowhere x"), true, out, sizeof out);
    assert_string_equal(out, "  averyverylongwordthatfitsnowhere\n  x");
}

static void every_check_can_be_mended(void **state)
{
    (void)state;
    for (const aver_check_name *at = aver_check_names(); at->name != NULL; at++) {
        const char *words = aver_show_mend(at->name);
        assert_true(strlen(words) > 10);
        /* Only a check that the table forgot ends at the last entry. */
        assert_null(strstr(words, "docs/verifier.md"));
    }
    assert_non_null(strstr(aver_show_mend("no.such"), "docs/verifier.md"));
    /* Offline there is nothing to compare these with, and so nothing that the reader could do. */
    assert_false(aver_show_mends_skip("receipt.route"));
    assert_false(aver_show_mends_skip("node.id"));
    assert_true(aver_show_mends_skip("receipt.request"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_add_their_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_event_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_error_event_gives_its_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_are_joined_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whole_bodies_give_their_text, set_up, tear_down),
        cmocka_unit_test(paths_name_endpoints),
        cmocka_unit_test_setup_teardown(the_body_is_read_as_it_was_meant, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pin_is_a_policy, set_up, tear_down),
        cmocka_unit_test(a_pin_has_a_digest_of_its_own),
        cmocka_unit_test(only_a_file_is_measured),
        cmocka_unit_test(a_terminal_takes_no_orders_from_text),
        cmocka_unit_test(a_terminal_takes_no_orders_from_what_is_printed),
        cmocka_unit_test(text_is_wrapped_at_blanks),
        cmocka_unit_test(every_check_can_be_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
