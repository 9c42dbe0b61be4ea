/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests of evidence: what they may name, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "cli/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/aver-manifest-XXXXXX";
static char path[64];
static aver_cli cli;
static aver_manifest manifest;
static aver_manifest_case loaded;
static char why[AVER_MANIFEST_WHY_BYTES];

static void write_file(const char *name, const char *text)
{
    char place[128];
    (void)snprintf(place, sizeof place, "%s/%s", folder, name);
    assert_int_equal(aver_file_write(place, aver_view_text(text), 0600), AVER_OK);
}

static int set_up(void **state)
{
    char inner[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(inner, sizeof inner, "%s/in", folder);
    (void)snprintf(path, sizeof path, "%s/in/manifest.json", folder);
    assert_int_equal(mkdir(inner, 0700), 0);
    write_file("outside", "secret");
    write_file("in/a", "aa");
    write_file("in/b", "b");
    (void)snprintf(inner, sizeof inner, "%s/in/link", folder);
    assert_int_equal(symlink("../outside", inner), 0);
    aver_term_init(&cli.out, stdout, false);
    aver_term_init(&cli.err, stdout, false);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"in/a", "in/b",    "in/link", "in/manifest.json",
                                        "in",   "outside", ""};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char place[128];
        (void)snprintf(place, sizeof place, "%s/%s", folder, names[i]);
        (void)remove(place);
    }
    return 0;
}

/* Opens a manifest of one case with these members. */
static aver_err load(const char *members)
{
    char text[2048];
    (void)snprintf(text, sizeof text,
                   "{\"sha256\":{\"a\":\"961b6dd3ede3cb8ecbaacbd68de040cd78eb2ed5889130cceb4c49268e"
                   "a4d506\",\"b\":\"00\"},\"vectors\":[{\"id\":\"x/1\",%s}]}",
                   members);
    write_file("in/manifest.json", text);
    assert_int_equal(aver_manifest_open(&cli, path, &manifest), AVER_EXIT_DONE);
    why[0] = '\0';
    return aver_manifest_load(&manifest, 0, 77, &loaded, why);
}

static void close_all(void)
{
    aver_manifest_unload(&loaded);
    aver_manifest_close(&manifest);
}

static void a_case_has_its_files_and_params(void **state)
{
    (void)state;
    assert_int_equal(
        load("\"family\":\"snp\",\"files\":{\"evidence\":\"a\",\"chain\":[\"a\",\"a\"],"
             "\"leaf\":\"a\",\"key\":\"a\",\"collateral\":\"a\",\"crl\":\"a\",\"rim\":[\"a\"],"
             "\"roots\":[\"a\"]},\"params\":{\"time\":5,\"allow_debug\":true,\"nonce\":\"00fF\","
             "\"accept_tcb\":[\"UpToDate\",\"OutOfDate\"],\"vmpl\":2,\"crl\":[\"a\",\"a\"]},"
             "\"expect\":{\"verdict\":\"valid\"}"),
        AVER_OK);
    assert_int_equal(aver_manifest_count(&manifest), 1);
    assert_string_equal(loaded.id, "x/1");
    assert_int_equal(loaded.family, AVER_FAMILY_SNP);
    assert_true(aver_view_equal_text(loaded.input.evidence, "aa"));
    assert_true(aver_view_equal_text(loaded.input.chain, "aaaa"));
    assert_true(aver_view_equal_text(loaded.input.leaf, "aa"));
    assert_true(aver_view_equal_text(loaded.input.key, "aa"));
    assert_true(aver_view_equal_text(loaded.input.collateral, "aa"));
    assert_int_equal(loaded.input.crls_count, 3);
    assert_int_equal(loaded.input.rims_count, 1);
    assert_int_equal(loaded.input.roots.given_count, 1);
    assert_int_equal(loaded.input.rim_roots.given_count, 1);
    assert_int_equal(loaded.input.time_s, 5);
    assert_true(loaded.input.allow_debug && loaded.input.has_vmpl && loaded.input.vmpl == 2);
    assert_int_equal(loaded.input.accept_tcb,
                     AVER_TCB_SET(AVER_TCB_UP_TO_DATE) | AVER_TCB_SET(AVER_TCB_OUT_OF_DATE));
    assert_int_equal(loaded.input.nonce.size, 2);
    assert_int_equal(loaded.input.nonce.data[1], 0xff);
    assert_false(loaded.input.signature_only || loaded.rim_alone);
    close_all();
}

static void little_is_enough(void **state)
{
    (void)state;
    assert_int_equal(load("\"family\":\"nvidia-rim\",\"level\":\"signature_only\","
                          "\"files\":{\"evidence\":\"a\"}"),
                     AVER_OK);
    assert_int_equal(loaded.family, AVER_FAMILY_NVIDIA);
    assert_int_equal(loaded.input.time_s, 77);
    assert_true(loaded.rim_alone && loaded.input.signature_only);
    assert_null(loaded.expect);
    close_all();
}

#define EVIDENCE "\"family\":\"tpm\",\"files\":{\"evidence\":\"a\"},"

static void what_it_does_not_know_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\"files\":{\"evidence\":\"a\"}",
        "\"family\":\"other\",\"files\":{\"evidence\":\"a\"}",
        "\"family\":\"tpm\"",
        "\"family\":\"tpm\",\"files\":{}",
        "\"family\":\"tpm\",\"files\":{\"evidence\":\"a\",\"more\":\"a\"}",
        "\"family\":\"tpm\",\"files\":{\"evidence\":[\"a\"]}",
        "\"family\":\"tpm\",\"files\":{\"evidence\":3}",
        EVIDENCE "\"level\":\"half\"",
        EVIDENCE "\"params\":{\"more\":1}",
        EVIDENCE "\"params\":{\"time\":-1}",
        EVIDENCE "\"params\":{\"time\":1.5}",
        EVIDENCE "\"params\":{\"time\":\"1\"}",
        EVIDENCE "\"params\":{\"vmpl\":4294967296}",
        EVIDENCE "\"params\":{\"allow_debug\":1}",
        EVIDENCE "\"params\":{\"nonce\":\"0\"}",
        EVIDENCE "\"params\":{\"nonce\":\"0g\"}",
        EVIDENCE "\"params\":{\"nonce\":3}",
        EVIDENCE "\"params\":{\"accept_tcb\":[\"Good\"]}",
        EVIDENCE "\"params\":{\"accept_tcb\":\"UpToDate\"}",
        EVIDENCE "\"params\":{\"crl\":\"none\"}",
        EVIDENCE "\"params\":{\"crl\":[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (load(bad[i]) == AVER_OK || why[0] == '\0') {
            fail_msg("not refused: %s", bad[i]);
        }
        aver_manifest_close(&manifest);
    }
}

static void files_stay_in_the_folder_and_are_those_listed(void **state)
{
    (void)state;
    static const char *const bad[] = {"../outside", "link", "/etc/hostname",    "",
                                      ".",          "none", "in/../../outside", "b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char members[256];
        (void)snprintf(members, sizeof members,
                       "\"family\":\"tpm\",\"files\":{\"evidence\":\"%s\"}", bad[i]);
        if (load(members) == AVER_OK) {
            fail_msg("taken: %s", bad[i]);
        }
        aver_manifest_close(&manifest);
    }
}

static void what_is_no_manifest_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "{", "[]", "{}", "{\"vectors\":{}}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_file("in/manifest.json", bad[i]);
        assert_int_equal(aver_manifest_open(&cli, path, &manifest), AVER_EXIT_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_has_its_files_and_params),
        cmocka_unit_test(little_is_enough),
        cmocka_unit_test(what_it_does_not_know_is_refused),
        cmocka_unit_test(files_stay_in_the_folder_and_are_those_listed),
        cmocka_unit_test(what_is_no_manifest_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
