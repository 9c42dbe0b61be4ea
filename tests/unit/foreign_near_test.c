/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/foreign.h"
#include "codec/json.h"
#include "codec/text.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "crypto/secp.h"
#include "support/alloc_fail.h"
#include "support/attest_cases.h"
#include "support/tdx_make.h"

static const char request_text[] = "{\"model\":\"m:7b\",\"messages\":[]}";
static const char response_text[] = "data: {\"id\":\"chat-1\"}\n\ndata: [DONE]\n\n";
static const char compose_text[] = "{\"docker_compose_file\":\"services: {}\"}";

/* What message, report and evidence are made of; the defaults hold. */
typedef struct recipe {
    bool ed25519, no_model, tls, bare_report, gateway, other_address, other_text, upper_case;
    bool wrong_binding, wrong_nonce, bad_digest, bad_order, two_composes, late_compose;
    bool config_compose, no_log, other_compose, quote_signer;
    const char *text; /* in the place of the signed text */
} recipe;

typedef struct story {
    tdx_made tdx;
    aver_buf message, report;
    uint8_t nonce[32], fingerprint[32];
    aver_view request, response;
    aver_attest_input evidence;
    aver_foreign_input input;
} story;

static aver_foreign_judged judged;

static void put_hex(json_t *object, const char *name, const char *prefix, aver_view bytes)
{
    char text[300];
    (void)snprintf(text, sizeof text, "%s", prefix);
    aver_hex_encode(bytes, text + strlen(prefix));
    assert_int_equal(json_object_set_new(object, name, json_string(text)), 0);
}

static void hash_hex(const void *text, size_t size, char ret_hex[65])
{
    uint8_t digest[32];
    aver_sha256_of(aver_view_make(text, size), digest);
    aver_hex_encode(AVER_VIEW_OF(digest), ret_hex);
}

static void sign_text(const recipe *r, aver_view text, uint8_t ret_address[32],
                      size_t *ret_address_size, uint8_t ret_signature[65])
{
    static const uint8_t seed[32] = {7};
    if (r->ed25519) {
        aver_ed25519 *key = NULL;
        assert_int_equal(aver_ed25519_from_seed(seed, &key), AVER_OK);
        memcpy(ret_address, aver_ed25519_public(key), 32);
        *ret_address_size = 32;
        assert_int_equal(aver_ed25519_sign(key, text, ret_signature), AVER_OK);
        aver_ed25519_free(key);
        return;
    }
    aver_secp *key = NULL;
    uint8_t digest[32];
    assert_int_equal(aver_secp_from_scalar(seed, &key), AVER_OK);
    memcpy(ret_address, aver_secp_address(key), 20);
    *ret_address_size = 20;
    aver_eip191_digest(text, digest);
    assert_int_equal(aver_secp_sign(key, digest, ret_signature), AVER_OK);
    aver_secp_free(key);
}

static json_t *event_make(const recipe *r, const char *name, aver_view payload, uint8_t rtmr3[48])
{
    static const uint8_t type[4] = {1, 0, 0, 8};
    json_t *event = json_pack("{s:i,s:i,s:s}", "imr", 3, "event_type", 0x08000001, "event", name);
    aver_buf text;
    uint8_t joined[96];
    aver_buf_init(&text, 4096);
    aver_buf_append(&text, AVER_VIEW_OF(type));
    aver_buf_append_format(&text, ":%s:", name);
    aver_buf_append(&text, payload);
    memcpy(joined, rtmr3, 48);
    aver_sha384_of(aver_buf_view(&text), joined + 48);
    aver_sha384_of(AVER_VIEW_OF(joined), rtmr3);
    joined[48] ^= r->bad_digest ? 1 : 0;
    put_hex(event, "digest", "", aver_view_make(joined + 48, 48));
    put_hex(event, "event_payload", "", payload);
    aver_buf_deinit(&text);
    return event;
}

static json_t *log_make(const recipe *r, uint8_t rtmr3[48])
{
    uint8_t digest[32];
    json_t *log = json_array();
    aver_sha256_of(aver_view_text(compose_text), digest);
    (void)json_array_append_new(log, json_pack("{s:i,s:i}", "imr", 0, "event_type", 1));
    if (!r->late_compose) {
        (void)json_array_append_new(log,
                                    event_make(r, "compose-hash", AVER_VIEW_OF(digest), rtmr3));
    }
    if (r->two_composes) {
        (void)json_array_append_new(log,
                                    event_make(r, "compose-hash", AVER_VIEW_OF(digest), rtmr3));
    }
    (void)json_array_append_new(log, event_make(r, "system-ready", (aver_view){0}, rtmr3));
    if (r->late_compose) {
        (void)json_array_append_new(log,
                                    event_make(r, "compose-hash", AVER_VIEW_OF(digest), rtmr3));
    }
    return log;
}

static void report_data_make(const recipe *r, const story *made, aver_view address,
                             uint8_t ret_data[64])
{
    memset(ret_data, 0, 64);
    if (r->tls) {
        uint8_t joined[64];
        memcpy(joined, address.data, address.size);
        memcpy(joined + address.size, made->fingerprint, 32);
        aver_sha256_of(aver_view_make(joined, address.size + 32), ret_data);
    } else {
        memcpy(ret_data, address.data, address.size);
    }
    memcpy(ret_data + 32, made->nonce, 32);
    ret_data[0] ^= r->wrong_binding ? 1 : 0;
    ret_data[63] ^= r->wrong_nonce ? 1 : 0;
}

static void report_make(const recipe *r, story *made, aver_view address)
{
    tdx_recipe tdx = {.other_signer = r->quote_signer};
    json_t *one = json_object();
    json_t *log = log_make(r, tdx.rtmr3);
    report_data_make(r, made, address, tdx.report_data);
    tdx.rtmr3[0] ^= r->bad_order ? 1 : 0;
    if (r->config_compose) {
        tdx.mr_config_id[0] = 1;
        aver_sha256_of(aver_view_text(compose_text), tdx.mr_config_id + 1);
    }
    tdx_make(&tdx, &made->tdx);
    char quote[32768];
    assert_true(2 * made->tdx.quote.size + 1 < sizeof quote);
    aver_hex_encode(aver_buf_view(&made->tdx.quote), quote);
    (void)json_object_set_new(one, "intel_quote", json_string(quote));
    uint8_t named[32];
    memcpy(named, address.data, address.size);
    named[0] ^= r->other_address ? 1 : 0;
    put_hex(one, "signing_address", r->ed25519 ? "" : "0x", aver_view_make(named, address.size));
    if (r->tls) {
        put_hex(one, "tls_cert_fingerprint", "", AVER_VIEW_OF(made->fingerprint));
    }
    (void)json_object_set_new(
        one, "info",
        json_pack("{s:{s:s}}", "tcb_info", "app_compose",
                  r->other_compose ? "{\"docker_compose_file\":\"other\"}" : compose_text));
    if (r->no_log) {
        json_decref(log);
    } else {
        char *text = json_dumps(log, JSON_COMPACT);
        (void)json_object_set_new(one, "event_log", json_string(text));
        free(text);
        json_decref(log);
    }
    json_t *report = r->bare_report ? one
                     : r->gateway   ? json_pack("{s:o}", "gateway_attestation", one)
                                    : json_pack("{s:[{s:s,s:s},o]}", "model_attestations",
                                                "signing_address", "0x00", "intel_quote", "00", one);
    aver_buf_init(&made->report, 1 << 20);
    aver_json_append(&made->report, report);
    json_decref(report);
}

static void make(const recipe *r, story *made)
{
    char request[65];
    char response[65];
    char text[300];
    uint8_t address[32];
    uint8_t signature[65];
    size_t address_size = 0;
    memset(made, 0, sizeof *made);
    memset(made->nonce, 0x4e, sizeof made->nonce);
    memset(made->fingerprint, 0x71, sizeof made->fingerprint);
    hash_hex(request_text, strlen(request_text), request);
    hash_hex(response_text, strlen(response_text), response);
    (void)snprintf(text, sizeof text, "%s%s:%s", r->no_model ? "" : "m:7b:", request, response);
    const char *whole = r->text != NULL ? r->text : text;
    sign_text(r, aver_view_text(r->other_text ? "other" : whole), address, &address_size,
              signature);
    json_t *message =
        json_pack("{s:s,s:s}", "text", whole, "signing_algo", r->ed25519 ? "ed25519" : "ecdsa");
    put_hex(message, "signature", r->ed25519 ? "" : "0x",
            aver_view_make(signature, r->ed25519 ? 64 : 65));
    put_hex(message, "signing_address", r->ed25519 ? "" : "0x",
            aver_view_make(address, address_size));
    aver_buf_init(&made->message, 65536);
    aver_json_append(&made->message, message);
    json_decref(message);
    report_make(r, made, aver_view_make(address, address_size));
    made->request = aver_view_text(request_text);
    made->response = aver_view_text(response_text);
    made->evidence = (aver_attest_input){.roots = {{aver_buf_view(&made->tdx.root.der)}, 1},
                                         .time_s = PKI_NOW_S,
                                         .signature_only = true};
    made->input = (aver_foreign_input){.message = aver_buf_view(&made->message),
                                       .report = aver_buf_view(&made->report),
                                       .request = &made->request,
                                       .response = &made->response,
                                       .nonce = made->nonce,
                                       .tls_key = r->tls ? made->fingerprint : NULL,
                                       .evidence = &made->evidence};
}

static bool judge_made(story *made)
{
    const char *why = NULL;
    aver_foreign_judged_deinit(&judged);
    assert_int_equal(aver_foreign_judge(AVER_FOREIGN_NEAR, &made->input, &judged), AVER_OK);
    return aver_foreign_holds(AVER_FOREIGN_NEAR, &made->input, &judged, &why);
}

static void unmake(story *made)
{
    tdx_unmake(&made->tdx);
    aver_buf_deinit(&made->message);
    aver_buf_deinit(&made->report);
}

static bool judge(const recipe *r)
{
    story made;
    make(r, &made);
    bool holds = judge_made(&made);
    unmake(&made);
    return holds;
}

static void good_messages_hold(void **state)
{
    (void)state;
    const recipe forms[] = {{0},
                            {.ed25519 = true},
                            {.no_model = true},
                            {.tls = true},
                            {.tls = true, .ed25519 = true, .gateway = true},
                            {.bare_report = true},
                            {.config_compose = true, .no_log = true},
                            {.config_compose = true}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        bool holds = judge(&forms[i]);
        if (!holds) {
            attest_case_print(&judged.verdict);
        }
        assert_true(holds);
    }
}

static void each_fault_fails_alone(void **state)
{
    (void)state;
    assert_false(judge(&(recipe){.text = "no digests"}));
    assert_true(fails_alone(&judged.verdict, "foreign.format", AVER_REASON_MALFORMED));
    assert_false(judge(&(recipe){.other_address = true}));
    assert_true(fails_alone(&judged.verdict, "foreign.key", AVER_REASON_KEY_MISMATCH));
    assert_false(judge(&(recipe){.wrong_binding = true}));
    assert_true(fails_alone(&judged.verdict, "foreign.binding", AVER_REASON_KEY_MISMATCH));
    assert_false(judge(&(recipe){.wrong_nonce = true}));
    assert_true(fails_alone(&judged.verdict, "foreign.nonce", AVER_REASON_NONCE_MISMATCH));
    assert_false(judge(&(recipe){.quote_signer = true}));
    assert_true(fails_alone(&judged.verdict, "evidence.signature", AVER_REASON_BAD_SIGNATURE));
}

static void events_and_compose_are_the_measured_ones(void **state)
{
    (void)state;
    assert_false(judge(&(recipe){.bad_digest = true, .config_compose = true}));
    assert_true(fails_alone(&judged.verdict, "dstack.events", AVER_REASON_MEASUREMENT_MISMATCH));
    assert_false(judge(&(recipe){.bad_order = true, .config_compose = true}));
    assert_true(fails_alone(&judged.verdict, "dstack.events", AVER_REASON_MEASUREMENT_MISMATCH));
    const recipe composes[] = {{.other_compose = true},
                               {.other_compose = true, .config_compose = true},
                               {.two_composes = true},
                               {.late_compose = true},
                               {.no_log = true}};
    for (size_t i = 0; i < sizeof composes / sizeof composes[0]; i++) {
        assert_false(judge(&composes[i]));
        assert_true(
            fails_alone(&judged.verdict, "dstack.compose", AVER_REASON_MEASUREMENT_MISMATCH));
    }
}

static void the_message_is_about_these_bytes(void **state)
{
    (void)state;
    story made;
    make(&(recipe){0}, &made);
    made.request.size--;
    assert_false(judge_made(&made));
    assert_true(fails_alone(&judged.verdict, "foreign.request", AVER_REASON_MEASUREMENT_MISMATCH));
    made.request.size++;
    made.response.size--;
    assert_false(judge_made(&made));
    assert_true(fails_alone(&judged.verdict, "foreign.response", AVER_REASON_MEASUREMENT_MISMATCH));
    made.response.size++;
    made.input.tls_key = made.nonce;
    assert_false(judge_made(&made));
    assert_true(fails_alone(&judged.verdict, "foreign.tls", AVER_REASON_KEY_MISMATCH));
    unmake(&made);
    const recipe other = {.other_text = true};
    const recipe other_ed25519 = {.other_text = true, .ed25519 = true};
    const recipe *const recipes[] = {&other, &other_ed25519};
    for (size_t i = 0; i < 2; i++) {
        assert_false(judge(recipes[i]));
        assert_true(fails_alone(&judged.verdict, "foreign.signature", AVER_REASON_BAD_SIGNATURE));
    }
}

/* What the reader does not compare is never a PASS. */
static void what_is_not_compared_is_not_accepted(void **state)
{
    (void)state;
    story made;
    make(&(recipe){0}, &made);
    made.input.request = NULL;
    assert_false(judge_made(&made));
    assert_false(aver_verdict_failed(&judged.verdict));
    made.input.request = &made.request;
    made.input.response = NULL;
    assert_false(judge_made(&made));
    made.input.response = &made.response;
    made.input.nonce = NULL;
    assert_false(judge_made(&made));
    made.input.any_age = true;
    assert_true(judge_made(&made));
    made.evidence.signature_only = false;
    assert_false(judge_made(&made));
    unmake(&made);
}

/* Every text that is not whole: nothing crashes, nothing is accepted. */
static void cut_files_are_refused(void **state)
{
    (void)state;
    story made;
    make(&(recipe){0}, &made);
    aver_foreign_input whole = made.input;
    for (size_t size = 0; size < whole.message.size; size += 7) {
        made.input.message.size = size;
        assert_false(judge_made(&made));
        assert_true(fails_alone(&judged.verdict, "foreign.format", AVER_REASON_MALFORMED));
    }
    made.input = whole;
    for (size_t size = 0; size < whole.report.size; size += 997) {
        made.input.report.size = size;
        assert_false(judge_made(&made));
        assert_true(fails_alone(&judged.verdict, "foreign.format", AVER_REASON_MALFORMED));
    }
    unmake(&made);
}

static void files_are_known_by_their_members(void **state)
{
    (void)state;
    story made;
    aver_foreign format = (aver_foreign)0;
    make(&(recipe){0}, &made);
    assert_true(aver_foreign_detect(made.input.message, &format));
    assert_int_equal(format, AVER_FOREIGN_NEAR);
    assert_false(aver_foreign_detect(AVER_VIEW_LITERAL("{\"text\":\"a\"}"), &format));
    assert_false(aver_foreign_detect(AVER_VIEW_LITERAL("\xff"), &format));
    assert_true(aver_foreign_find("near", &format));
    assert_false(aver_foreign_find("far", &format));
    assert_string_equal(aver_foreign_name(AVER_FOREIGN_NEAR), "near");
    unmake(&made);
}

/* Whichever allocation fails: an error or a verdict, and what does not hold does not hold then. */
static void memory_may_fail_anywhere(void **state)
{
    (void)state;
    const recipe recipes[] = {{0}, {.wrong_binding = true}};
    for (size_t i = 0; i < 2; i++) {
        story made;
        bool failed = true;
        make(&recipes[i], &made);
        for (size_t at = 0; failed; at += 1 + at / 40) {
            const char *why = NULL;
            aver_foreign_judged_deinit(&judged);
            alloc_fail_at(at);
            aver_err err = aver_foreign_judge(AVER_FOREIGN_NEAR, &made.input, &judged);
            failed = alloc_fail_end();
            assert_true(err == AVER_OK ||
                        (failed && (err == AVER_E_NOMEM || err == AVER_E_CRYPTO)));
            bool holds =
                err == AVER_OK && aver_foreign_holds(AVER_FOREIGN_NEAR, &made.input, &judged, &why);
            assert_true(i == 0 || !holds);
            assert_true(failed || holds == (i == 0));
        }
        unmake(&made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_messages_hold),
        cmocka_unit_test(each_fault_fails_alone),
        cmocka_unit_test(events_and_compose_are_the_measured_ones),
        cmocka_unit_test(the_message_is_about_these_bytes),
        cmocka_unit_test(what_is_not_compared_is_not_accepted),
        cmocka_unit_test(cut_files_are_refused),
        cmocka_unit_test(files_are_known_by_their_members),
        cmocka_unit_test(memory_may_fail_anywhere),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    aver_foreign_judged_deinit(&judged);
    return failed;
}
