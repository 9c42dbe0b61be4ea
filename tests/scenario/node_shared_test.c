/* SPDX-License-Identifier: Apache-2.0 */
/* A text that the operator shares is read once for all callers, shows in the configuration's
 * digest, and changes no answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json.h"
#include "support/node_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POLICY "You are a kind helper who tells short stories to little children about dogs."

static void shared_write(char path[64], const char *text, size_t size)
{
    (void)snprintf(path, 64, "/tmp/aver-shared-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    (void)close(fd);
}

/* The answer's text comes back, owned by the caller; *ret_cached: tokens not read again. */
static aver_buf shared_ask(node_session *session, const node_fixture *node, const char *bearer,
                           json_int_t *ret_cached)
{
    char body[512];
    aver_buf text;
    json_t *json = NULL;
    node_answer answer;

    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"messages\":[{\"role\":\"system\",\"content\":\"" POLICY
                   "\"},{\"role\":\"user\",\"content\":\"Once upon a time\"}],\"max_tokens\":20,"
                   "\"seed\":3}",
                   node->model);
    node_question question = {
        .path = "/v1/chat/completions", .body = body, .sealed = true, .bearer = bearer};
    node_ask(session, &question, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(node_answer_check(session, &question, &answer));
    assert_int_equal(aver_json_parse(aver_buf_view(&answer.body), 1 << 20, &json, NULL), AVER_OK);
    json_t *usage = json_object_get(json, "usage");
    *ret_cached = json_integer_value(
        json_object_get(json_object_get(usage, "prompt_tokens_details"), "cached_tokens"));
    json_decref(json);
    node_answer_text(&answer, &text);
    node_answer_deinit(&answer);
    return text;
}

static void test_all_callers_share_the_operators_text(void **state)
{
    (void)state;
    static const char *const bearers[] = {NULL, "Authorization: Bearer one",
                                          "Authorization: Bearer two"};
    char path[64];
    uint8_t configs[2][32];
    aver_buf wanted = {0};

    shared_write(path, POLICY "\n", sizeof(POLICY));
    for (int sharing = 0; sharing < 2; sharing++) {
        node_fixture node;
        node_session session;
        const char *const options[] = {"--shared-prefix", path, NULL};

        node_fixture_start(&node, sharing == 1 ? options : NULL);
        node_session_open(&session, &node, false);
        memcpy(configs[sharing], session.keyset.config_digest, 32);
        for (size_t i = 0; i < 3; i++) {
            json_int_t cached = 0;
            aver_buf text = shared_ask(&session, &node, bearers[i], &cached);

            assert_true(sharing == 1 ? cached >= 16 : cached == 0);
            if (wanted.size == 0) {
                wanted = text;
                continue;
            }
            assert_true(aver_view_equal(aver_buf_view(&wanted), aver_buf_view(&text)));
            aver_buf_deinit(&text);
        }
        node_session_close(&session);
        assert_int_equal(node_fixture_stop(&node), 0);
    }
    assert_memory_not_equal(configs[0], configs[1], 32);
    aver_buf_deinit(&wanted);
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_callers_share_the_operators_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
