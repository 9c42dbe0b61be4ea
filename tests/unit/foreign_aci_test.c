/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/foreign.h"
#include "codec/jcs.h"
#include "codec/json.h"
#include "codec/text.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "support/alloc_fail.h"
#include "support/attest_cases.h"
#include "support/tdx_make.h"

#include <stdlib.h>

static const char request_text[] = "{\"model\":\"m\",\"messages\":[]}";
static const char response_text[] = "{\"id\":\"chat-1\",\"choices\":[]}";
static const char compose_text[] = "{\"docker_compose_file\":\"image: a@sha256:00\"}";

enum { SERVED_S = PKI_NOW_S - 10 };

/* What the files are made of; the defaults hold. */
typedef struct recipe {
    bool wrong_digest, wrong_binding, no_nonce, other_nonce, two_roles, one_name_twice;
    bool other_keyset, other_text, unknown_key, other_shown, no_provenance, no_compose;
    bool direct, says_direct, failed_last, no_upstream, domain;
    bool session, session_changed, session_evidence, session_late;
    int64_t not_after;
    const char *version;
    double fraction; /* in the keyset, which then has no canonical text */
} recipe;

typedef struct story {
    tdx_made tdx;
    aver_buf receipt, report, session;
    uint8_t nonce[32], tls_key[32], keyset_digest[32];
    char keyset_name[72];
    aver_view request, response;
    aver_attest_input evidence;
    aver_foreign_input input;
} story;

static aver_foreign_judged judged;

static void digest_text(aver_view bytes, char ret_text[72])
{
    uint8_t digest[32];
    aver_sha256_of(bytes, digest);
    (void)snprintf(ret_text, 72, "sha256:");
    aver_hex_encode(AVER_VIEW_OF(digest), ret_text + 7);
}

static void canonical(json_t *json, aver_buf *out)
{
    aver_buf_init(out, 1 << 20);
    assert_int_equal(aver_jcs_append(out, json), AVER_OK);
}

static aver_ed25519 *receipt_key(void)
{
    static const uint8_t seed[32] = {9};
    aver_ed25519 *key = NULL;
    assert_int_equal(aver_ed25519_from_seed(seed, &key), AVER_OK);
    return key;
}

static json_t *keyset_make(const recipe *r, const story *made)
{
    char public_key[65];
    char spki[65];
    aver_ed25519 *key = receipt_key();
    aver_hex_encode(aver_view_make(aver_ed25519_public(key), 32), public_key);
    aver_hex_encode(AVER_VIEW_OF(made->tls_key), spki);
    aver_ed25519_free(key);
    json_t *keyset = json_pack(
        "{s:s,s:I,s:[{s:s,s:s,s:s}],s:[{s:s,s:s,s:s}],s:[{s:s,s:o}]}", "subject",
        "app://caf\xc3\xa9", "not_after",
        (json_int_t)(r->not_after != 0 ? r->not_after : (int64_t)PKI_NOW_S + 3600),
        "receipt_signing_keys", "key_id", "receipt-1", "algo", "ed25519", "public_key", public_key,
        "e2ee_public_keys", "key_id", "seal-1", "algo", "x25519-aes-256-gcm-hkdf-sha256",
        "public_key", r->two_roles ? public_key : "00", "tls_public_keys", "spki_sha256", spki,
        "domain", r->domain ? json_string("api.example.com") : json_null());
    if (r->one_name_twice) {
        (void)json_array_append_new(json_object_get(keyset, "receipt_signing_keys"),
                                    json_pack("{s:s,s:s,s:s}", "key_id", "receipt-1", "algo",
                                              "ed25519", "public_key", "11"));
    }
    if (r->fraction != 0) {
        (void)json_object_set_new(keyset, "weight", json_real(r->fraction));
    }
    return keyset;
}

static void statement_digest(const recipe *r, const story *made, uint8_t ret_digest[32])
{
    char text[300];
    char nonce[65];
    aver_hex_encode(AVER_VIEW_OF(made->nonce), nonce);
    nonce[0] = r->other_nonce ? 'f' : nonce[0];
    (void)snprintf(text, sizeof text,
                   "{\"keyset_digest\":\"%s\",\"nonce\":%s%s%s,\"purpose\":\"aci.report_data.v1\"}",
                   made->keyset_name, r->no_nonce ? "" : "\"", r->no_nonce ? "null" : nonce,
                   r->no_nonce ? "" : "\"");
    aver_sha256_of(aver_view_text(text), ret_digest);
    ret_digest[0] ^= r->wrong_binding ? 1 : 0;
}

static json_t *evidence_make(const recipe *r, story *made, char ret_shown[65])
{
    static const uint8_t type[4] = {1, 0, 0, 8};
    tdx_recipe tdx = {0};
    uint8_t compose[32];
    uint8_t joined[96] = {0};
    char payload[65];
    char digest[97];
    aver_buf text;
    aver_sha256_of(aver_view_text(compose_text), compose);
    aver_hex_encode(AVER_VIEW_OF(compose), payload);
    aver_buf_init(&text, 256);
    aver_buf_append(&text, AVER_VIEW_OF(type));
    aver_buf_append_text(&text, ":compose-hash:");
    aver_buf_append(&text, AVER_VIEW_OF(compose));
    aver_sha384_of(aver_buf_view(&text), joined + 48);
    aver_sha384_of(AVER_VIEW_OF(joined), tdx.rtmr3);
    aver_hex_encode(aver_view_make(joined + 48, 48), digest);
    aver_buf_deinit(&text);
    statement_digest(r, made, tdx.report_data);
    aver_hex_encode(aver_view_make(tdx.report_data, 32), ret_shown);
    tdx_make(&tdx, &made->tdx);
    char quote[32768];
    assert_true(2 * made->tdx.quote.size + 1 < sizeof quote);
    aver_hex_encode(aver_buf_view(&made->tdx.quote), quote);
    json_t *evidence = json_pack("{s:s}", "quote", quote);
    if (!r->no_compose) {
        (void)json_object_set_new(evidence, "app_compose", json_string(compose_text));
        (void)json_object_set_new(evidence, "event_log",
                                  json_pack("[{s:i,s:i,s:s,s:s,s:s}]", "imr", 3, "event_type",
                                            0x08000001, "digest", digest, "event", "compose-hash",
                                            "event_payload", payload));
    }
    return evidence;
}

static void report_make(const recipe *r, story *made)
{
    char shown[65];
    aver_buf text;
    json_t *keyset = keyset_make(r, made);
    if (r->fraction == 0) {
        canonical(keyset, &text);
        digest_text(aver_buf_view(&text), made->keyset_name);
        aver_buf_deinit(&text);
    }
    json_t *evidence = evidence_make(r, made, shown);
    shown[0] = r->other_shown ? (shown[0] == '0' ? '1' : '0') : shown[0];
    char named[72];
    memcpy(named, made->keyset_name, sizeof named);
    named[70] = r->wrong_digest ? (named[70] == '0' ? '1' : '0') : named[70];
    json_t *report = json_pack("{s:s,s:s,s:{s:s,s:o,s:s,s:{s:s,s:s},s:o},s:{s:s}}", "api_version",
                               r->version != NULL ? r->version : "aci/1", "workload_keyset_digest",
                               named, "attestation", "tee_type", "tdx", "workload_keyset", keyset,
                               "report_data", shown, "source_provenance", "repo_url",
                               r->no_provenance ? "" : "https://example.com/repo", "repo_commit",
                               "abc", "evidence", evidence, "service_capabilities", "serving",
                               r->direct || r->says_direct ? "direct" : "aggregator");
    aver_buf_init(&made->report, 1 << 20);
    aver_json_append(&made->report, report);
    json_decref(report);
}

static void session_make(const recipe *r, story *made, char ret_id[65])
{
    char digest[72];
    digest_text(aver_view_text(r->session_evidence ? "other" : "evidence"), digest);
    json_t *session =
        json_pack("{s:s,s:I,s:I,s:{s:s,s:s}}", "api_version", "aci/1", "established_at",
                  (json_int_t)(SERVED_S - 100), "expires_at",
                  (json_int_t)(r->session_late ? SERVED_S - 50 : SERVED_S + 100), "evidence",
                  "digest", digest, "data", "data:text/plain;base64,ZXZpZGVuY2U=");
    aver_buf text;
    uint8_t id[32];
    canonical(session, &text);
    aver_sha256_of(aver_buf_view(&text), id);
    aver_buf_deinit(&text);
    aver_hex_encode(AVER_VIEW_OF(id), ret_id);
    if (r->session_changed) {
        (void)json_object_set_new(session, "upstream_name", json_string("other"));
    }
    aver_buf_init(&made->session, 65536);
    aver_json_append(&made->session, session);
    json_decref(session);
}

static json_t *events_make(const recipe *r, const char *session)
{
    char request[72];
    char response[72];
    digest_text(aver_view_text(request_text), request);
    digest_text(aver_view_text(response_text), response);
    json_t *log = json_pack("[{s:s,s:s},{s:s,s:s}]", "type", "request.received", "body_hash",
                            request, "type", "request.forwarded", "body_hash", request);
    if (!r->direct && !r->no_upstream) {
        (void)json_array_append_new(log, json_pack("{s:s,s:s,s:s,s:b}", "type", "upstream.verified",
                                                   "result", "verified", "session_id", session,
                                                   "required", 1));
    }
    if (r->failed_last) {
        (void)json_array_append_new(
            log, json_pack("{s:s,s:s}", "type", "upstream.verified", "result", "failed"));
    }
    (void)json_array_append_new(
        log, json_pack("{s:s,s:s}", "type", "response.returned", "body_hash", response));
    return log;
}

static void receipt_make(const recipe *r, story *made)
{
    char session[65];
    char named[72];
    uint8_t signature[64];
    char hex[129];
    aver_buf text;
    session_make(r, made, session);
    memcpy(named, made->keyset_name, sizeof named);
    named[70] = r->other_keyset ? (named[70] == '0' ? '1' : '0') : named[70];
    json_t *receipt = json_pack("{s:s,s:s,s:s,s:I,s:o,s:n,s:s}", "api_version", "aci/1",
                                "receipt_id", "r-1", "workload_keyset_digest", named, "served_at",
                                (json_int_t)SERVED_S, "event_log", events_make(r, session),
                                "chat_id", "key_id", r->unknown_key ? "receipt-2" : "receipt-1");
    canonical(receipt, &text);
    aver_ed25519 *key = receipt_key();
    assert_int_equal(aver_ed25519_sign(key, aver_buf_view(&text), signature), AVER_OK);
    aver_ed25519_free(key);
    aver_buf_deinit(&text);
    aver_hex_encode(AVER_VIEW_OF(signature), hex);
    (void)json_object_set_new(receipt, "signature", json_string(hex));
    if (r->other_text) {
        (void)json_object_set_new(receipt, "model", json_string("other"));
    }
    char *pretty = json_dumps(receipt, JSON_INDENT(2));
    aver_buf_init(&made->receipt, 65536);
    aver_buf_append_text(&made->receipt, pretty);
    free(pretty);
    json_decref(receipt);
}

static void make(const recipe *r, story *made)
{
    memset(made, 0, sizeof *made);
    memset(made->nonce, 0x4e, sizeof made->nonce);
    memset(made->tls_key, 0x71, sizeof made->tls_key);
    report_make(r, made);
    receipt_make(r, made);
    made->request = aver_view_text(request_text);
    made->response = aver_view_text(response_text);
    made->evidence = (aver_attest_input){.roots = {{aver_buf_view(&made->tdx.root.der)}, 1},
                                         .time_s = PKI_NOW_S,
                                         .signature_only = true};
    made->input =
        (aver_foreign_input){.message = aver_buf_view(&made->receipt),
                             .report = aver_buf_view(&made->report),
                             .session = r->session ? aver_buf_view(&made->session) : (aver_view){0},
                             .request = &made->request,
                             .response = &made->response,
                             .nonce = made->nonce,
                             .tls_key = made->tls_key,
                             .domain = "api.example.com",
                             .evidence = &made->evidence};
}

static bool judge_made(story *made)
{
    const char *why = NULL;
    aver_foreign_judged_deinit(&judged);
    assert_int_equal(aver_foreign_judge(AVER_FOREIGN_ACI, &made->input, &judged), AVER_OK);
    return aver_foreign_holds(AVER_FOREIGN_ACI, &made->input, &judged, &why);
}

static void unmake(story *made)
{
    tdx_unmake(&made->tdx);
    aver_buf_deinit(&made->receipt);
    aver_buf_deinit(&made->report);
    aver_buf_deinit(&made->session);
}

static bool judge(const recipe *r)
{
    story made;
    make(r, &made);
    bool holds = judge_made(&made);
    unmake(&made);
    return holds;
}

static void good_receipts_hold(void **state)
{
    (void)state;
    const recipe forms[] = {{0}, {.direct = true}, {.session = true}, {.domain = true}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        bool holds = judge(&forms[i]);
        if (!holds) {
            attest_case_print(&judged.verdict);
        }
        assert_true(holds);
    }
}

static void malformed_files_are_refused(void **state)
{
    (void)state;
    const recipe forms[] = {{.version = "aci/2"}, {.fraction = 0.5}, {.not_after = -1}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        assert_false(judge(&forms[i]));
        assert_true(fails_alone(&judged.verdict, "foreign.format", AVER_REASON_MALFORMED));
    }
    story made;
    make(&(recipe){0}, &made);
    aver_foreign_input whole = made.input;
    for (size_t size = 0; size < whole.message.size; size += 13) {
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

static void the_keyset_is_the_attested_one(void **state)
{
    (void)state;
    assert_false(judge(&(recipe){.wrong_digest = true}));
    assert_true(fails_alone(&judged.verdict, "aci.keyset", AVER_REASON_KEY_MISMATCH));
    const recipe bindings[] = {
        {.wrong_binding = true}, {.other_nonce = true}, {.other_shown = true}};
    for (size_t i = 0; i < sizeof bindings / sizeof bindings[0]; i++) {
        assert_false(judge(&bindings[i]));
        assert_true(fails_alone(&judged.verdict, "foreign.binding", AVER_REASON_KEY_MISMATCH));
    }
    assert_false(judge(&(recipe){.no_nonce = true}));
    assert_true(fails_alone(&judged.verdict, "foreign.nonce", AVER_REASON_NONCE_MISMATCH));
    assert_false(judge(&(recipe){.not_after = (int64_t)PKI_NOW_S}));
    assert_true(fails_alone(&judged.verdict, "aci.expiry", AVER_REASON_EXPIRED));
    assert_false(judge(&(recipe){.not_after = (int64_t)(PKI_NOW_S + 3 * PKI_YEAR_S)}));
    assert_true(fails_alone(&judged.verdict, "aci.expiry", AVER_REASON_EXPIRED));
    assert_false(judge(&(recipe){.two_roles = true}));
    assert_true(fails_alone(&judged.verdict, "aci.roles", AVER_REASON_KEY_MISMATCH));
    assert_false(judge(&(recipe){.one_name_twice = true}));
    assert_true(fails_alone(&judged.verdict, "aci.roles", AVER_REASON_KEY_MISMATCH));
    assert_false(judge(&(recipe){.no_provenance = true}));
    assert_true(fails_alone(&judged.verdict, "aci.provenance", AVER_REASON_MEASUREMENT_MISMATCH));
    /* Words that nothing measured stands behind are no PASS. */
    assert_false(judge(&(recipe){.no_compose = true}));
    assert_false(aver_verdict_failed(&judged.verdict));
}

static void the_receipt_is_of_the_keyset(void **state)
{
    (void)state;
    assert_false(judge(&(recipe){.other_keyset = true}));
    assert_true(fails_alone(&judged.verdict, "aci.receipt", AVER_REASON_KEY_MISMATCH));
    assert_false(judge(&(recipe){.other_text = true}));
    assert_true(fails_alone(&judged.verdict, "foreign.signature", AVER_REASON_BAD_SIGNATURE));
    assert_false(judge(&(recipe){.unknown_key = true}));
    assert_true(fails_alone(&judged.verdict, "foreign.signature", AVER_REASON_BAD_SIGNATURE));
}

static void the_upstream_was_verified(void **state)
{
    (void)state;
    const recipe upstreams[] = {
        {.no_upstream = true}, {.failed_last = true}, {.failed_last = true, .says_direct = true}};
    for (size_t i = 0; i < sizeof upstreams / sizeof upstreams[0]; i++) {
        assert_false(judge(&upstreams[i]));
        assert_true(fails_alone(&judged.verdict, "aci.upstream", AVER_REASON_CHAIN_UNTRUSTED));
    }
    const recipe sessions[] = {{.session = true, .session_changed = true},
                               {.session = true, .session_evidence = true},
                               {.session = true, .session_late = true}};
    for (size_t i = 0; i < sizeof sessions / sizeof sessions[0]; i++) {
        assert_false(judge(&sessions[i]));
        assert_true(fails_alone(&judged.verdict, "aci.session", AVER_REASON_COLLATERAL_MISMATCH));
    }
}

static void the_receipt_is_about_these_bytes_and_keys(void **state)
{
    (void)state;
    story made;
    make(&(recipe){.domain = true}, &made);
    made.request.size--;
    assert_false(judge_made(&made));
    assert_true(fails_alone(&judged.verdict, "foreign.request", AVER_REASON_MEASUREMENT_MISMATCH));
    made.request.size++;
    made.response.size--;
    assert_false(judge_made(&made));
    assert_true(fails_alone(&judged.verdict, "foreign.response", AVER_REASON_MEASUREMENT_MISMATCH));
    made.response.size++;
    made.input.domain = "example.com";
    assert_false(judge_made(&made));
    assert_true(fails_alone(&judged.verdict, "foreign.tls", AVER_REASON_KEY_MISMATCH));
    made.input.domain = "api.example.com";
    made.input.tls_key = made.nonce;
    assert_false(judge_made(&made));
    assert_true(fails_alone(&judged.verdict, "foreign.tls", AVER_REASON_KEY_MISMATCH));
    made.input.tls_key = NULL;
    assert_true(judge_made(&made));
    made.input.request = NULL;
    assert_false(judge_made(&made));
    unmake(&made);
}

static void receipts_are_known_by_their_members(void **state)
{
    (void)state;
    story made;
    aver_foreign format = (aver_foreign)0;
    make(&(recipe){0}, &made);
    assert_true(aver_foreign_detect(made.input.message, &format));
    assert_int_equal(format, AVER_FOREIGN_ACI);
    assert_false(aver_foreign_detect(made.input.report, &format));
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
            aver_err err = aver_foreign_judge(AVER_FOREIGN_ACI, &made.input, &judged);
            failed = alloc_fail_end();
            assert_true(err == AVER_OK ||
                        (failed && (err == AVER_E_NOMEM || err == AVER_E_CRYPTO)));
            bool holds =
                err == AVER_OK && aver_foreign_holds(AVER_FOREIGN_ACI, &made.input, &judged, &why);
            assert_true(i == 0 || !holds);
            assert_true(failed || holds == (i == 0));
        }
        unmake(&made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_receipts_hold),
        cmocka_unit_test(malformed_files_are_refused),
        cmocka_unit_test(the_keyset_is_the_attested_one),
        cmocka_unit_test(the_receipt_is_of_the_keyset),
        cmocka_unit_test(the_upstream_was_verified),
        cmocka_unit_test(the_receipt_is_about_these_bytes_and_keys),
        cmocka_unit_test(receipts_are_known_by_their_members),
        cmocka_unit_test(memory_may_fail_anywhere),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    aver_foreign_judged_deinit(&judged);
    return failed;
}
