/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and lists of AMD's service on loopback: what is good is kept, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "cli/collect.h"
#include "support/attest_cases.h"
#include "support/https_make.h"
#include "support/snp_make.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUTES = 3, TIMEOUT_MS = 5000, SHORT_MS = 300 };

static const char *const paths[ROUTES] = {"/vcek/v1/Milan/cert_chain", "/vcek/v1/Milan/crl",
                                          SNP_MAKE_LEAF_PATH};

typedef struct story {
    snp_made made;
    https_route routes[ROUTES + 1];
    https_server *server;
    char cache[64];
    aver_attest_input input;
    aver_collect_options options;
} story;

static aver_collect_result result;

static void open_story(const snp_recipe *recipe, story *made)
{
    memset(made, 0, sizeof *made);
    snp_make(recipe, &made->made);
    made->routes[0] = (https_route){.path = paths[0], .body = aver_buf_view(&made->made.chain)};
    made->routes[1] = (https_route){.path = paths[1], .body = aver_buf_view(&made->made.crl)};
    made->routes[2] = (https_route){.path = paths[2], .body = aver_buf_view(&made->made.leaf.der)};
    made->server = https_start(made->routes);
    (void)snprintf(made->cache, sizeof made->cache, "/tmp/aver-collect.XXXXXX");
    assert_non_null(mkdtemp(made->cache));
    made->input = (aver_attest_input){.evidence = AVER_VIEW_OF(made->made.report),
                                      .roots = {{aver_buf_view(&made->made.root.der)}, 1},
                                      .time_s = PKI_NOW_S};
    made->options = (aver_collect_options){.family = AVER_FAMILY_SNP,
                                           .input = &made->input,
                                           .cache = made->cache,
                                           .source = https_base(made->server),
                                           .ca_file = https_ca_file(made->server),
                                           .timeout_ms = TIMEOUT_MS};
}

static size_t empty_folder(const char *path)
{
    size_t count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            char name[400];
            (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
            assert_int_equal(unlink(name), 0);
            count++;
        }
    }
    (void)closedir(folder);
    return count;
}

static void close_story(story *made)
{
    https_stop(made->server);
    (void)empty_folder(made->cache);
    (void)rmdir(made->cache);
    snp_unmake(&made->made);
}

static aver_err collect(const story *made)
{
    aver_err err = aver_collect(&made->options, &result);
    if (err != AVER_OK) {
        (void)fprintf(stderr, "  %s: %s\n", aver_err_text(err), result.why);
    }
    return err;
}

static size_t fetched(void)
{
    size_t count = 0;
    for (size_t i = 0; i < result.count; i++) {
        count += result.items[i].fetched ? 1 : 0;
    }
    return count;
}

static void what_was_collected_is_enough(void **state)
{
    (void)state;
    static attest_case run;
    story made;
    aver_buf bytes[ROUTES];
    open_story(&(snp_recipe){0}, &made);
    assert_int_equal(collect(&made), AVER_OK);
    assert_int_equal(result.count, ROUTES);
    assert_int_equal(fetched(), ROUTES);
    for (size_t i = 0; i < ROUTES; i++) {
        aver_buf_init(&bytes[i], 1 << 20);
        assert_int_equal(aver_file_read(result.items[i].path, 1 << 20, &bytes[i]), AVER_OK);
    }
    made.input.chain = aver_buf_view(&bytes[0]);
    made.input.crls[0] = aver_buf_view(&bytes[1]);
    made.input.crls_count = 1;
    made.input.leaf = aver_buf_view(&bytes[2]);
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &made.input), AVER_OK);
    assert_true(attest_case_holds(&run, AVER_FAMILY_SNP));
    made.input.chain = made.input.leaf = (aver_view){0};
    made.input.crls_count = 0;
    assert_int_equal(collect(&made), AVER_OK);
    assert_int_equal(fetched(), 0);
    assert_int_equal(https_requests(made.server), ROUTES);
    for (size_t i = 0; i < ROUTES; i++) {
        aver_buf_deinit(&bytes[i]);
    }
    close_story(&made);
}

/* A list has ended: it alone is asked for. */
static void what_ended_is_replaced(void **state)
{
    (void)state;
    story made;
    story later;
    open_story(&(snp_recipe){.crl_to_s = PKI_NOW_S + 60}, &made);
    assert_int_equal(collect(&made), AVER_OK);
    open_story(&(snp_recipe){0}, &later);
    made.options.source = https_base(later.server);
    made.options.ca_file = https_ca_file(later.server);
    made.input.time_s = PKI_NOW_S + 3600;
    assert_int_equal(collect(&made), AVER_OK);
    assert_int_equal(fetched(), 1);
    assert_string_equal(result.items[1].option, "crl");
    assert_true(result.items[1].fetched);
    assert_int_equal(https_requests(later.server), 1);
    close_story(&later);
    close_story(&made);
}

static void what_a_service_does_wrong_is_not_kept(void **state)
{
    (void)state;
    static const struct {
        https_fault fault;
        aver_err err;
    } faults[] = {{HTTPS_SILENT, AVER_E_IO},     {HTTPS_CUT, AVER_E_IO},
                  {HTTPS_CHANGED, AVER_E_PEER},  {HTTPS_HUGE, AVER_E_PEER},
                  {HTTPS_REDIRECT, AVER_E_PEER}, {HTTPS_MISSING, AVER_E_PEER},
                  {HTTPS_EMPTY, AVER_E_PEER}};
    story made;
    open_story(&(snp_recipe){0}, &made);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        for (size_t j = 0; j < ROUTES; j++) {
            made.options.timeout_ms = faults[i].fault == HTTPS_SILENT ? SHORT_MS : TIMEOUT_MS;
            https_fail(made.server, faults[i].fault, paths[j]);
            assert_int_equal(collect(&made), faults[i].err);
            assert_true(result.why[0] != '\0');
            assert_int_equal(empty_folder(made.cache), 0);
        }
    }
    close_story(&made);
}

static void only_this_chips_certificate_is_kept(void **state)
{
    (void)state;
    const snp_recipe wrong[] = {{.other_chip = true}, {.crl_to_s = PKI_NOW_S - 1}};
    for (size_t i = 0; i < 2; i++) {
        story made;
        open_story(&wrong[i], &made);
        assert_int_equal(collect(&made), AVER_E_PEER);
        assert_int_equal(empty_folder(made.cache), 0);
        close_story(&made);
    }
    /* A list that revokes is what was asked for. */
    story made;
    open_story(&(snp_recipe){.revoked = true}, &made);
    assert_int_equal(collect(&made), AVER_OK);
    assert_int_equal(fetched(), ROUTES);
    close_story(&made);
}

static void what_the_report_does_not_say_is_asked_of_the_reader(void **state)
{
    (void)state;
    story made;
    open_story(&(snp_recipe){.version2 = true}, &made);
    assert_int_equal(collect(&made), AVER_E_USAGE);
    made.options.product = "Naples";
    assert_int_equal(collect(&made), AVER_E_USAGE);
    made.options.product = "Milan";
    assert_int_equal(collect(&made), AVER_OK);
    assert_int_equal(fetched(), ROUTES);
    close_story(&made);
    open_story(&(snp_recipe){.vlek = true}, &made);
    assert_int_equal(collect(&made), AVER_E_USAGE);
    assert_int_equal(https_requests(made.server), 0);
    close_story(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_collected_is_enough),
        cmocka_unit_test(what_ended_is_replaced),
        cmocka_unit_test(what_a_service_does_wrong_is_not_kept),
        cmocka_unit_test(only_this_chips_certificate_is_kept),
        cmocka_unit_test(what_the_report_does_not_say_is_asked_of_the_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
