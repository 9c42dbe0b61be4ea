/* SPDX-License-Identifier: Apache-2.0 */
/* Engines that break the protocol, and one that lies within it: what a genuine keeper does with
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/engine_voice.h"
#include "support/node_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char rogue_path[] = "/v1/completions";
/* What the rogue engine says where nobody may hear it. */
static const char rogue_secret[] = "xyzzy-7401";

static void rogue_start(node_fixture *node, const char *engine)
{
    char program[4096];
    const char *bin = getenv("AVER_BIN");

    (void)snprintf(program, sizeof(program), "%s/%s", bin != NULL ? bin : ".", engine);
    assert_int_equal(access(program, X_OK), 0);
    node_fixture_start(node, (const char *const[]){"--sim-engine", program, NULL});
}

static void rogue_ask(node_session *session, const node_fixture *node, const char *prompt,
                      bool stream, char body[512], node_question *question, node_answer *ret_answer)
{
    (void)snprintf(body, 512, "{\"model\":\"%s\",\"prompt\":\"%s\",\"max_tokens\":20%s}",
                   node->model, prompt, stream ? ",\"stream\":true" : "");
    *question = (node_question){.path = rogue_path, .body = body, .sealed = true};
    node_ask(session, question, ret_answer);
}

static void test_each_breach_ends_the_engine_and_not_the_node(void **state)
{
    static const char *const deeds[] = {
        "exit",
        "garbage",
        "huge frame",
        "unknown job",
        "ready twice",
        "failed after ready, with words",
        "negative token",
        "started twice",
        "token before start",
        "wrong count",
        "aborted unasked",
        "no step digest",
        "text that is no UTF-8",
        "token beyond the vocabulary",
        "more tokens than context",
        "prompt beyond the context",
        "done before its choice",
        "choice never asked for",
        "token of another choice",
        "choice ended twice",
        "token after its choice",
        "choice that was aborted",
        "another end than its choice",
        "events of nothing",
    };
    const size_t count = sizeof(deeds) / sizeof(deeds[0]);
    node_fixture node;
    node_session session;
    node_question question;
    node_answer answer;
    char body[512];

    (void)state;
    rogue_start(&node, "aver-rogue-engine");
    node_session_open(&session, &node, false);
    for (size_t i = 0; i < count * 2; i++) {
        rogue_ask(&session, &node, deeds[i / 2], i % 2 == 1, body, &question, &answer);
        if (strcmp(answer.code, "engine_failed") != 0 || answer.done ||
            !node_answer_check(&session, &question, &answer) ||
            answer.said.finish != AVER_FINISH_ERROR) {
            fail_msg("%s: status %u code %s", deeds[i / 2], answer.status, answer.code);
        }
        node_answer_deinit(&answer);
        rogue_ask(&session, &node, "good", i % 2 == 1, body, &question, &answer);
        assert_int_equal(answer.status, 200);
        assert_true(node_answer_check(&session, &question, &answer));
        node_answer_deinit(&answer);
    }
    assert_int_equal(node_metric(&session, "aver_engine_restarts_total"), count * 2);
    assert_false(node_fixture_log_has(&node, rogue_secret));
    node_session_close(&session);
    assert_int_equal(node_fixture_stop(&node), 0);
}

/* What an engine knows of prompts must not reach the host's log by a descriptor that it inherited.
 */
static void test_an_engine_that_talks_is_not_heard(void **state)
{
    node_fixture node;
    node_session session;
    node_question question;
    node_answer answer;
    char body[512];

    (void)state;
    rogue_start(&node, "aver-rogue-engine");
    node_session_open(&session, &node, false);
    rogue_ask(&session, &node, "talks", false, body, &question, &answer);
    assert_int_equal(answer.status, 200);
    node_answer_deinit(&answer);
    assert_true(node_fixture_log_has(&node, "call.done"));
    /* Builds with a sanitizer hear engines out, for the sake of its reports. */
    if (!AVER_ENGINE_VOICE_OPEN) {
        assert_false(node_fixture_log_has(&node, rogue_secret));
    }
    node_session_close(&session);
    assert_int_equal(node_fixture_stop(&node), 0);
}

/* Within the protocol a lie is signed like the truth: only a re-check of the engine's half finds
 * it. */
static void test_a_lying_engine_gets_its_receipt(void **state)
{
    node_fixture node;
    node_session session;
    node_question question;
    node_answer answer;
    char body[512];

    (void)state;
    rogue_start(&node, "aver-hostile-engine");
    node_session_open(&session, &node, false);
    rogue_ask(&session, &node, "Once upon a time", false, body, &question, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(node_answer_check(&session, &question, &answer));
    node_answer_deinit(&answer);
    node_session_close(&session);
    assert_int_equal(node_fixture_stop(&node), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_breach_ends_the_engine_and_not_the_node),
        cmocka_unit_test(test_an_engine_that_talks_is_not_heard),
        cmocka_unit_test(test_a_lying_engine_gets_its_receipt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
