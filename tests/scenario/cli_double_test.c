/* SPDX-License-Identifier: Apache-2.0 */
/* A node that says two things about one answer, all of it signed: aver ask notices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/cli_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Programs as the fixture looks for them, the node being the one that lies. */
static char folder[] = "/tmp/aver-double-XXXXXX";

static void folder_link(const char *bin, const char *program, const char *name)
{
    char from[4096];
    char to[128];
    (void)snprintf(from, sizeof(from), "%s/%s", bin, program);
    (void)snprintf(to, sizeof(to), "%s/%s", folder, name);
    assert_int_equal(access(from, X_OK), 0);
    assert_int_equal(symlink(from, to), 0);
}

static void ask_liar(const char *lie, const char *verdict)
{
    static node_fixture node;
    static cli_run run;
    assert_int_equal(setenv("LIE", lie, 1), 0);
    node_fixture_start(&node, NULL);
    cli_run_open(&run, &node);
    const char *const words[] = {"ask",        "--url",  node.url,       "--policy", run.policy,
                                 "--sim-root", run.root, "--completion", "-n",       "150",
                                 "-t",         "0",      "Once upon a",  NULL};
    int code = cli_run_words(&run, words);
    if (strstr(run.err, verdict) == NULL) {
        fail_msg("lie '%s': %s", lie, run.err);
    }
    assert_int_equal(code, strcmp(lie, "") == 0 ? 0 : 1);
    cli_run_close(&run);
    assert_int_equal(node_fixture_stop(&node), 0);
}

static void each_lie_has_its_name(void **state)
{
    (void)state;
    ask_liar("", "VERIFIED");
    ask_liar("seed", "REFUSED receipt.seed");
    ask_liar("opening", "REFUSED receipt.stream: the node signed two things");
    ask_liar("head", "REFUSED receipt.stream: the node signed two things");
}

static int set_up(void **state)
{
    (void)state;
    const char *bin = getenv("AVER_BIN");
    assert_non_null(bin);
    assert_non_null(mkdtemp(folder));
    folder_link(bin, "aver", "aver");
    folder_link(bin, "aver-double-node", "aver-node-sim");
    return setenv("AVER_BIN", folder, 1);
}

static int tear_down(void **state)
{
    (void)state;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/aver", folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/aver-node-sim", folder);
    (void)unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_lie_has_its_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
