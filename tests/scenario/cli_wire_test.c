/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody tampers between aver ask and a genuine node: what the user sees, the exit code, and what
 * the saved capsule still proves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/bundle.h"
#include "base/sys.h"
#include "cli/demo_proxy.h"
#include "support/cli_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static node_fixture node;
static cli_run run;
static char capsule[CLI_RUN_PATH_BYTES];

/* Asks through a tampering proxy; *ret_posts tells how many prompts it saw. */
static int ask_through(aver_demo_tamper tamper, aver_view evidence, unsigned *ret_posts)
{
    char path[CLI_RUN_PATH_BYTES];
    char address[AVER_DEMO_PATH_MAX];
    bool tls = tamper == AVER_DEMO_TLS;
    aver_demo_proxy *proxy = NULL;
    cli_run_path(&run, "proxy.sock", path);
    (void)unlink(path);
    (void)unlink(capsule);
    assert_int_equal(aver_demo_proxy_start(tamper, node.unix_socket, tls ? NULL : path, evidence,
                                           address, &proxy),
                     AVER_OK);
    const char *const words[] = {
        "ask",
        tls ? "--url" : "--unix",
        address,
        "--policy",
        run.policy,
        "--sim-root",
        run.root,
        "--completion",
        "-n",
        "120",
        "-t",
        "0",
        "--save",
        capsule,
        "Once upon a time",
        NULL,
    };
    int code = cli_run_words(&run, words);
    aver_demo_proxy_stop(proxy, ret_posts);
    return code;
}

static void assert_not_sent(int code, unsigned posts, const char *check)
{
    assert_int_equal(code, 1);
    assert_int_equal(posts, 0);
    assert_non_null(strstr(run.err, check));
    assert_non_null(strstr(run.err, "The prompt was not sent"));
    assert_string_equal(run.out, "");
    assert_int_not_equal(access(capsule, F_OK), 0);
}

static void a_foreign_tls_key_gets_no_prompt(void **state)
{
    (void)state;
    unsigned posts = 9;
    int code = ask_through(AVER_DEMO_TLS, (aver_view){NULL, 0}, &posts);
    assert_not_sent(code, posts, "REFUSED channel.tls");
}

static void replayed_evidence_gets_no_prompt(void **state)
{
    (void)state;
    aver_buf bundle;
    unsigned posts = 9;
    aver_buf_init(&bundle, AVER_BUNDLE_BYTES_MAX);
    cli_run_fetch(&run, &node, &bundle);
    int code = ask_through(AVER_DEMO_REPLAY, aver_buf_view(&bundle), &posts);
    assert_not_sent(code, posts, "REFUSED nonce");
    aver_buf_deinit(&bundle);
}

/* The capsule of a spoiled answer is refused too, and says how far it is proven. */
static void assert_spoiled(int code, unsigned posts)
{
    assert_int_equal(code, 1);
    assert_int_equal(posts, 1);
    assert_non_null(strstr(run.err, "REFUSED receipt.format"));
    assert_non_null(strstr(run.err, "proven up to event "));
    assert_non_null(strstr(run.err, "of an answer that was REFUSED"));
    const char *const words[] = {"verify",     capsule,  "--policy", run.policy,
                                 "--sim-root", run.root, NULL};
    assert_int_equal(cli_run_words(&run, words), 1);
    assert_non_null(strstr(run.out, "FAIL  receipt.format"));
    assert_non_null(strstr(run.out, "proven up to event "));
    assert_null(strstr(run.out, "FAIL  receipt.request"));
}

static void a_stripped_receipt_is_missed(void **state)
{
    (void)state;
    unsigned posts = 9;
    int code = ask_through(AVER_DEMO_STRIP, (aver_view){NULL, 0}, &posts);
    assert_null(strstr(run.err, "broke off"));
    assert_spoiled(code, posts);
}

static void a_cut_stream_is_proven_to_its_last_head(void **state)
{
    (void)state;
    unsigned posts = 9;
    int code = ask_through(AVER_DEMO_CUT, (aver_view){NULL, 0}, &posts);
    assert_non_null(strstr(run.err, "broke off"));
    assert_null(strstr(run.err, "proven up to event 0"));
    assert_spoiled(code, posts);
}

static void a_flipped_bit_breaks_the_seal(void **state)
{
    (void)state;
    unsigned posts = 9;
    int code = ask_through(AVER_DEMO_FLIP, (aver_view){NULL, 0}, &posts);
    assert_non_null(strstr(run.err, "changed on its way"));
    assert_spoiled(code, posts);
}

static int set_up(void **state)
{
    (void)state;
    cli_run_start(&run, &node, NULL);
    cli_run_path(&run, "x.capsule", capsule);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return cli_run_stop(&run, &node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_foreign_tls_key_gets_no_prompt),
        cmocka_unit_test(replayed_evidence_gets_no_prompt),
        cmocka_unit_test(a_stripped_receipt_is_missed),
        cmocka_unit_test(a_cut_stream_is_proven_to_its_last_head),
        cmocka_unit_test(a_flipped_bit_breaks_the_seal),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
