/* SPDX-License-Identifier: Apache-2.0 */
/* Collateral from a service on loopback that serves, delays, cuts, corrupts and lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "cli/collect.h"
#include "codec/json.h"
#include "codec/text.h"
#include "support/attest_cases.h"
#include "support/dcap_make.h"
#include "support/https_make.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUTES = 4, TIMEOUT_MS = 5000, SHORT_MS = 300 };

static const char *const paths[2][ROUTES] = {
    {"/sgx/certification/v4/tcb?fmspc=00906ea10000", "/sgx/certification/v4/qe/identity",
     "/sgx/certification/v4/pckcrl?ca=platform&encoding=der", "/sgx/certification/v4/rootcacrl"},
    {"/tdx/certification/v4/tcb?fmspc=00906ea10000", "/tdx/certification/v4/qe/identity",
     "/sgx/certification/v4/pckcrl?ca=platform&encoding=der", "/sgx/certification/v4/rootcacrl"}};

/* A platform, and the service that knows it. */
typedef struct story {
    dcap_recipe recipe;
    dcap_made made;
    json_t *collateral;
    aver_buf bodies[ROUTES];
    https_route routes[ROUTES + 1];
    https_server *server;
    char cache[64];
    aver_attest_input input;
    aver_collect_options options;
} story;

static aver_collect_result result;

static aver_view member(const story *made, const char *name)
{
    const json_t *value = json_object_get(made->collateral, name);
    assert_true(json_is_string(value));
    return aver_view_make(json_string_value(value), json_string_length(value));
}

static void put_signed(story *made, size_t place, const char *name, const char *text,
                       const char *signature)
{
    aver_buf_append_format(&made->bodies[place], "{\"%s\":", name);
    aver_buf_append(&made->bodies[place], member(made, text));
    aver_buf_append_text(&made->bodies[place], ",\"signature\":\"");
    aver_buf_append(&made->bodies[place], member(made, signature));
    aver_buf_append_text(&made->bodies[place], "\"}");
}

static void fill_routes(story *made)
{
    for (size_t i = 0; i < ROUTES; i++) {
        aver_buf_init(&made->bodies[i], 1 << 20);
    }
    put_signed(made, 0, "tcbInfo", "tcb_info", "tcb_info_signature");
    put_signed(made, 1, "enclaveIdentity", "qe_identity", "qe_identity_signature");
    /* One list in DER, as Intel gives it, one in hex, as mirrors do. */
    assert_int_equal(aver_hex_decode_buf(member(made, "pck_crl"), &made->bodies[2]), AVER_OK);
    aver_buf_append(&made->bodies[3], member(made, "root_ca_crl"));
    static const char *const headers[ROUTES] = {"TCB-Info-Issuer-Chain",
                                                "SGX-Enclave-Identity-Issuer-Chain", NULL, NULL};
    static const char *const chains[ROUTES] = {"tcb_info_issuer_chain", "qe_identity_issuer_chain",
                                               NULL, NULL};
    for (size_t i = 0; i < ROUTES; i++) {
        made->routes[i] = (https_route){.path = paths[made->recipe.tdx ? 1 : 0][i],
                                        .header = headers[i],
                                        .body = aver_buf_view(&made->bodies[i])};
        if (chains[i] != NULL) {
            made->routes[i].value = member(made, chains[i]);
        }
    }
}

static void open_story(const dcap_recipe *recipe, story *made)
{
    memset(made, 0, sizeof *made);
    made->recipe = *recipe;
    dcap_make(recipe, &made->made);
    assert_int_equal(
        aver_json_parse(aver_buf_view(&made->made.collateral), 1 << 20, &made->collateral, NULL),
        AVER_OK);
    fill_routes(made);
    made->server = https_start(made->routes);
    (void)snprintf(made->cache, sizeof made->cache, "/tmp/aver-collect.XXXXXX");
    assert_non_null(mkdtemp(made->cache));
    made->input = dcap_input(&made->made);
    made->input.collateral = (aver_view){0};
    made->options =
        (aver_collect_options){.family = recipe->tdx ? AVER_FAMILY_TDX : AVER_FAMILY_SGX,
                               .input = &made->input,
                               .cache = made->cache,
                               .source = https_base(made->server),
                               .ca_file = https_ca_file(made->server),
                               .timeout_ms = TIMEOUT_MS};
}

/* Removes what is in the folder; returns how many files were there. */
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
    for (size_t i = 0; i < ROUTES; i++) {
        aver_buf_deinit(&made->bodies[i]);
    }
    json_decref(made->collateral);
    dcap_unmake(&made->made);
}

static aver_err collect(const story *made)
{
    aver_err err = aver_collect(&made->options, &result);
    if (err != AVER_OK) {
        (void)fprintf(stderr, "  %s: %s\n", aver_err_text(err), result.why);
    }
    return err;
}

static void what_was_collected_is_enough(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < 2; kind++) {
        static attest_case run;
        story made;
        aver_buf bytes;
        dcap_recipe recipe = dcap_recipe_good(kind == 1);
        open_story(&recipe, &made);
        assert_int_equal(collect(&made), AVER_OK);
        assert_int_equal(result.count, 1);
        assert_string_equal(result.items[0].option, "collateral");
        assert_true(result.items[0].fetched);
        assert_int_equal(https_requests(made.server), ROUTES);
        aver_buf_init(&bytes, 1 << 20);
        assert_int_equal(aver_file_read(result.items[0].path, 1 << 20, &bytes), AVER_OK);
        made.input.collateral = aver_buf_view(&bytes);
        assert_int_equal(attest_case_run(&run, made.options.family, &made.input), AVER_OK);
        assert_true(attest_case_holds(&run, made.options.family));
        made.input.collateral = (aver_view){0};
        /* What holds is not asked for again; a refresh asks. */
        assert_int_equal(collect(&made), AVER_OK);
        assert_false(result.items[0].fetched);
        assert_int_equal(https_requests(made.server), ROUTES);
        made.options.refresh = true;
        assert_int_equal(collect(&made), AVER_OK);
        assert_true(result.items[0].fetched);
        assert_int_equal(https_requests(made.server), 2 * ROUTES);
        aver_buf_deinit(&bytes);
        close_story(&made);
    }
}

/* A list that names this very machine is what was asked for. */
static void a_list_that_revokes_is_kept(void **state)
{
    (void)state;
    story made;
    dcap_recipe recipe = dcap_recipe_good(true);
    recipe.revoke_pck = true;
    open_story(&recipe, &made);
    assert_int_equal(collect(&made), AVER_OK);
    assert_true(result.items[0].fetched);
    close_story(&made);
}

static void what_a_service_does_wrong_is_not_kept(void **state)
{
    (void)state;
    static const struct {
        https_fault fault;
        aver_err err;
    } faults[] = {{HTTPS_SILENT, AVER_E_IO},    {HTTPS_CUT, AVER_E_IO},
                  {HTTPS_CHANGED, AVER_E_PEER}, {HTTPS_HUGE, AVER_E_PEER},
                  {HTTPS_HEADS, AVER_E_PEER},   {HTTPS_REDIRECT, AVER_E_PEER},
                  {HTTPS_MISSING, AVER_E_PEER}, {HTTPS_EMPTY, AVER_E_PEER}};
    story made;
    dcap_recipe recipe = dcap_recipe_good(true);
    open_story(&recipe, &made);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        for (size_t j = 0; j < ROUTES; j++) {
            made.options.timeout_ms = faults[i].fault == HTTPS_SILENT ? SHORT_MS : TIMEOUT_MS;
            https_fail(made.server, faults[i].fault, paths[1][j]);
            uint64_t start_ns = aver_time_monotonic_ns();
            assert_int_equal(collect(&made), faults[i].err);
            assert_true(result.why[0] != '\0');
            assert_true(aver_time_monotonic_ns() - start_ns < 30ull * 1000000000);
            assert_int_equal(empty_folder(made.cache), 0);
        }
    }
    close_story(&made);
}

/* Rightly signed, and of no use: too old, or of another platform. */
static void what_is_not_this_platforms_is_not_kept(void **state)
{
    (void)state;
    dcap_recipe recipes[5];
    for (size_t i = 0; i < 5; i++) {
        recipes[i] = dcap_recipe_good(true);
    }
    recipes[0].tcb_next_s = PKI_NOW_S - 1;
    recipes[1].identity_next_s = PKI_NOW_S - 1;
    recipes[2].fmspc = "00906EA10001";
    recipes[3].tcb_other_signer = true;
    recipes[4].other_ca_list = true;
    for (size_t i = 0; i < 5; i++) {
        story made;
        open_story(&recipes[i], &made);
        assert_int_equal(collect(&made), AVER_E_PEER);
        assert_int_equal(empty_folder(made.cache), 0);
        close_story(&made);
    }
}

static void a_refresh_that_fails_extends_nothing(void **state)
{
    (void)state;
    story made;
    dcap_recipe recipe = dcap_recipe_good(true);
    open_story(&recipe, &made);
    assert_int_equal(collect(&made), AVER_OK);
    made.options.refresh = true;
    https_fail(made.server, HTTPS_MISSING, NULL);
    assert_int_equal(collect(&made), AVER_OK);
    assert_true(result.stale_refresh);
    assert_false(result.items[0].fetched);
    /* Behind its end, what is there is nothing. */
    made.options.refresh = false;
    made.input.time_s = PKI_NOW_S + PKI_YEAR_S / 2;
    assert_int_equal(collect(&made), AVER_E_PEER);
    assert_false(result.stale_refresh);
    close_story(&made);
}

static void damaged_files_are_fetched_again(void **state)
{
    (void)state;
    story made;
    dcap_recipe recipe = dcap_recipe_good(false);
    open_story(&recipe, &made);
    assert_int_equal(collect(&made), AVER_OK);
    assert_int_equal(aver_file_write(result.items[0].path, AVER_VIEW_LITERAL("{}"), 0600), AVER_OK);
    assert_int_equal(collect(&made), AVER_OK);
    assert_true(result.items[0].fetched);
    close_story(&made);
}

static void only_known_servers_are_asked(void **state)
{
    (void)state;
    story made;
    dcap_recipe recipe = dcap_recipe_good(true);
    open_story(&recipe, &made);
    /* Of an authority that the reader did not name. */
    made.options.ca_file = NULL;
    assert_int_equal(collect(&made), AVER_E_IO);
    /* No certificate for that name. */
    char other[64];
    (void)snprintf(other, sizeof other, "https://localhost%s", strrchr(made.options.source, ':'));
    made.options.ca_file = https_ca_file(made.server);
    made.options.source = other;
    assert_int_equal(collect(&made), AVER_E_IO);
    static const char *const wrong[] = {"http://127.0.0.1", "file:///etc/passwd", "https://",
                                        "https://user@127.0.0.1", "https://127.0.0.1/?a="};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        made.options.source = wrong[i];
        assert_int_equal(collect(&made), AVER_E_USAGE);
    }
    assert_int_equal(https_requests(made.server), 0);
    assert_int_equal(empty_folder(made.cache), 0);
    close_story(&made);
}

static void evidence_without_a_service_is_told(void **state)
{
    (void)state;
    story made;
    dcap_recipe recipe = dcap_recipe_good(true);
    open_story(&recipe, &made);
    static const aver_family families[] = {AVER_FAMILY_NITRO, AVER_FAMILY_NVIDIA, AVER_FAMILY_CCA,
                                           AVER_FAMILY_SGX, AVER_FAMILY_SNP};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        made.options.family = families[i];
        assert_int_equal(collect(&made), AVER_E_USAGE);
    }
    /* Evidence under a root that nobody trusts says nothing about which documents to get. */
    made.options.family = AVER_FAMILY_TDX;
    made.input.roots.given_count = 0;
    assert_int_equal(collect(&made), AVER_E_USAGE);
    assert_int_equal(https_requests(made.server), 0);
    close_story(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_collected_is_enough),
        cmocka_unit_test(a_list_that_revokes_is_kept),
        cmocka_unit_test(what_a_service_does_wrong_is_not_kept),
        cmocka_unit_test(what_is_not_this_platforms_is_not_kept),
        cmocka_unit_test(a_refresh_that_fails_extends_nothing),
        cmocka_unit_test(damaged_files_are_fetched_again),
        cmocka_unit_test(only_known_servers_are_asked),
        cmocka_unit_test(evidence_without_a_service_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
