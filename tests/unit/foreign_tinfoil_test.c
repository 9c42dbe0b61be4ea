/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/foreign.h"
#include "codec/json.h"
#include "codec/text.h"
#include "crypto/hash.h"
#include "support/alloc_fail.h"
#include "support/attest_cases.h"
#include "support/tdx_make.h"

#define URL "https://tinfoil.sh/"

/* What a document is made of; the defaults hold. */
typedef struct recipe {
    unsigned version; /* 0: 3 */
    bool packed, bundle, no_keys, rtmr3, gpu;
    bool other_section, other_shown, other_data, other_nonce;
    bool key_twice, surplus, upper_case, other_signer;
    const char *format;
} recipe;

typedef struct story {
    tdx_made tdx;
    aver_buf document;
    uint8_t nonce[32], tls[32], seal[32];
    aver_attest_input evidence;
    aver_foreign_input input;
} story;

static aver_foreign_judged judged;

static void base64(aver_view bytes, json_t *object, const char *name)
{
    aver_buf text;
    aver_buf_init(&text, 1 << 20);
    aver_base64_append(&text, bytes);
    aver_buf_append_byte(&text, 0);
    assert_int_equal(json_object_set_new(object, name, json_string((const char *)text.data)), 0);
    aver_buf_deinit(&text);
}

/* A gzip member of stored blocks. */
static void pack(aver_view bytes, aver_buf *out)
{
    static const uint8_t head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1};
    uint32_t crc = UINT32_MAX;
    aver_buf_append(out, AVER_VIEW_OF(head));
    const uint8_t sizes[] = {(uint8_t)bytes.size, (uint8_t)(bytes.size >> 8), (uint8_t)~bytes.size,
                             (uint8_t)(~bytes.size >> 8)};
    aver_buf_append(out, AVER_VIEW_OF(sizes));
    aver_buf_append(out, bytes);
    for (size_t i = 0; i < bytes.size; i++) {
        crc ^= bytes.data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (UINT32_C(0xedb88320) & (0 - (crc & 1)));
        }
    }
    const uint32_t trailer[] = {~crc, (uint32_t)bytes.size};
    for (size_t i = 0; i < 8; i++) {
        aver_buf_append_byte(out, (uint8_t)(trailer[i / 4] >> 8 * (i % 4)));
    }
}

static void hex_of(aver_view bytes, char *ret_text)
{
    aver_hex_encode(bytes, ret_text);
}

static json_t *keys_make(const recipe *r, const story *made)
{
    char tls[65];
    char seal[65];
    hex_of(AVER_VIEW_OF(made->tls), tls);
    hex_of(AVER_VIEW_OF(made->seal), seal);
    tls[0] = r->upper_case ? 'F' : tls[0];
    json_t *items = json_pack(
        "[{s:s,s:s,s:s},{s:s,s:s,s:s}]", "id", "tls", "format", URL "key/spki-fp-sha256/v1", "data",
        tls, "id", r->key_twice ? "tls" : "hpke", "format", URL "key/x25519-hpke/v1", "data", seal);
    return json_pack("{s:s,s:o}", "format", URL "crypto-material/v1", "items", items);
}

static void section_make(json_t *section, const char *extra, aver_buf *out, uint8_t ret_digest[32])
{
    aver_buf_init(out, 65536);
    aver_json_append_ordered(out, section);
    aver_sha256_of(aver_buf_view(out), ret_digest);
    aver_buf_append_text(out, extra);
    json_decref(section);
}

static void document_make_v3(const recipe *r, story *made, tdx_recipe *tdx)
{
    aver_buf keys;
    aver_buf devices;
    uint8_t digests[2][32];
    aver_sha256 hash;
    char text[4][129];
    json_t *items =
        r->gpu ? json_pack("[{s:s,s:s,s:s,s:s,s:{s:s,s:s}}]", "id", "gpu0", "kind", "gpu", "vendor",
                           "nvidia", "format", URL "format/nvidia-gpu-evidence/v1", "evidence",
                           "certificate", "AA==", "evidence", "AA==")
               : json_array();
    section_make(keys_make(r, made), r->other_section ? " " : "", &keys, digests[0]);
    section_make(json_pack("{s:s,s:o}", "format", URL "device-evidence/v1", "items", items), "",
                 &devices, digests[1]);
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, AVER_VIEW_LITERAL(URL "report-data/v1"));
    aver_sha256_update(&hash, AVER_VIEW_OF(made->nonce));
    aver_sha256_update(&hash, AVER_VIEW_OF(digests[0]));
    aver_sha256_update(&hash, AVER_VIEW_OF(digests[1]));
    aver_sha256_final(&hash, tdx->report_data);
    hex_of(AVER_VIEW_OF(made->nonce), text[0]);
    hex_of(AVER_VIEW_OF(tdx->report_data), text[1]);
    hex_of(AVER_VIEW_OF(digests[0]), text[2]);
    hex_of(AVER_VIEW_OF(digests[1]), text[3]);
    text[3][0] = r->other_shown ? (text[3][0] == '0' ? '1' : '0') : text[3][0];
    tdx->report_data[40] = r->other_data ? 1 : 0;
    tdx_make(tdx, &made->tdx);
    json_t *document =
        json_pack("{s:s,s:{s:s,s:s,s:s},s:{s:s,s:{s:s,s:s}},s:[]}", "format",
                  URL "predicate/attestation/v3", "challenge", "nonce", text[0], "report_data",
                  text[1], "report_data_algorithm", URL "report-data/v1", "cpu_evidence", "format",
                  r->format != NULL ? r->format : URL "format/tdx-quote/v1", "endorsed",
                  "crypto_material_hash", text[2], "device_evidence_hash", text[3], "collateral");
    base64(aver_buf_view(&made->tdx.quote), json_object_get(document, "cpu_evidence"),
           "report_base64");
    base64(aver_buf_view(&keys), document, "crypto_material");
    base64(aver_buf_view(&devices), document, "device_evidence");
    if (r->surplus) {
        (void)json_object_set_new(document, "domain", json_string("example.com"));
    }
    aver_json_append(&made->document, document);
    json_decref(document);
    aver_buf_deinit(&keys);
    aver_buf_deinit(&devices);
}

static void document_make_old(const recipe *r, story *made, tdx_recipe *tdx)
{
    aver_buf packed;
    if (r->version == 1 && !r->no_keys) {
        char text[65];
        hex_of(AVER_VIEW_OF(made->tls), text);
        memcpy(tdx->report_data, text, 64);
    } else if (!r->no_keys) {
        memcpy(tdx->report_data, made->tls, 32);
        memcpy(tdx->report_data + 32, made->seal, 32);
    }
    tdx_make(tdx, &made->tdx);
    aver_buf_init(&packed, 1 << 20);
    if (r->packed) {
        pack(aver_buf_view(&made->tdx.quote), &packed);
    } else {
        aver_buf_append(&packed, aver_buf_view(&made->tdx.quote));
    }
    json_t *document = json_pack("{s:s}", "format",
                                 r->format != NULL ? r->format
                                 : r->version == 1 ? URL "predicate/tdx-guest/v1"
                                                   : URL "predicate/tdx-guest/v2");
    base64(aver_buf_view(&packed), document, "body");
    if (r->bundle) {
        document =
            json_pack("{s:s,s:o}", "domain", "example.com", "enclaveAttestationReport", document);
    }
    aver_json_append(&made->document, document);
    json_decref(document);
    aver_buf_deinit(&packed);
}

static void make(const recipe *r, story *made)
{
    tdx_recipe tdx = {.other_signer = r->other_signer};
    memset(made, 0, sizeof *made);
    memset(made->nonce, 0x4e, sizeof made->nonce);
    memset(made->tls, 0x71, sizeof made->tls);
    memset(made->seal, 0x5e, sizeof made->seal);
    tdx.rtmr3[5] = r->rtmr3 ? 1 : 0;
    aver_buf_init(&made->document, 1 << 20);
    if (r->version == 0) {
        document_make_v3(r, made, &tdx);
    } else {
        document_make_old(r, made, &tdx);
    }
    made->nonce[0] ^= r->other_nonce ? 1 : 0;
    made->evidence = (aver_attest_input){.roots = {{aver_buf_view(&made->tdx.root.der)}, 1},
                                         .time_s = PKI_NOW_S,
                                         .signature_only = true};
    made->input = (aver_foreign_input){.message = aver_buf_view(&made->document),
                                       .nonce = r->version == 0 ? made->nonce : NULL,
                                       .any_age = r->version != 0,
                                       .tls_key = made->tls,
                                       .seal_key = r->version == 1 ? NULL : made->seal,
                                       .evidence = &made->evidence};
}

static bool judge_made(story *made)
{
    const char *why = NULL;
    aver_foreign_judged_deinit(&judged);
    assert_int_equal(aver_foreign_judge(AVER_FOREIGN_TINFOIL, &made->input, &judged), AVER_OK);
    return aver_foreign_holds(AVER_FOREIGN_TINFOIL, &made->input, &judged, &why);
}

static void unmake(story *made)
{
    tdx_unmake(&made->tdx);
    aver_buf_deinit(&made->document);
}

static bool judge(const recipe *r)
{
    story made;
    make(r, &made);
    bool holds = judge_made(&made);
    unmake(&made);
    return holds;
}

static void good_documents_hold(void **state)
{
    (void)state;
    const recipe forms[] = {{0},
                            {.version = 1},
                            {.version = 1, .packed = true},
                            {.version = 2, .packed = true},
                            {.version = 2, .packed = true, .bundle = true},
                            {.gpu = true}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        bool holds = judge(&forms[i]);
        if (!holds) {
            attest_case_print(&judged.verdict);
        }
        assert_true(holds);
    }
    const aver_claim *tls = aver_claims_find(&judged.claims, NULL, "keys.tls");
    assert_true(tls != NULL && tls->bytes.size == 32 && tls->bytes.data[0] == 0x71);
}

static void malformed_documents_are_refused(void **state)
{
    (void)state;
    const recipe forms[] = {{.key_twice = true},
                            {.surplus = true},
                            {.upper_case = true},
                            {.format = URL "format/other/v1"},
                            {.version = 2, .format = URL "predicate/dummy/v2"}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        assert_false(judge(&forms[i]));
        assert_true(fails_alone(&judged.verdict, "foreign.format", AVER_REASON_MALFORMED));
    }
    const recipe wholes[] = {{0}, {.version = 2, .packed = true}};
    for (size_t i = 0; i < 2; i++) {
        story made;
        make(&wholes[i], &made);
        size_t whole = made.input.message.size;
        for (size_t size = 0; size < whole; size += 499) {
            made.input.message.size = size;
            assert_false(judge_made(&made));
            assert_true(fails_alone(&judged.verdict, "foreign.format", AVER_REASON_MALFORMED));
        }
        unmake(&made);
    }
}

static void each_fault_fails_alone(void **state)
{
    (void)state;
    assert_false(judge(&(recipe){.other_shown = true}));
    assert_true(fails_alone(&judged.verdict, "tinfoil.sections", AVER_REASON_MEASUREMENT_MISMATCH));
    assert_false(judge(&(recipe){.other_section = true}));
    assert_int_equal(aver_verdict_find(&judged.verdict, "tinfoil.sections")->status,
                     AVER_CHECK_FAIL);
    assert_int_equal(aver_verdict_find(&judged.verdict, "foreign.binding")->status,
                     AVER_CHECK_FAIL);
    assert_false(judge(&(recipe){.other_data = true}));
    assert_true(fails_alone(&judged.verdict, "foreign.binding", AVER_REASON_KEY_MISMATCH));
    assert_false(judge(&(recipe){.other_nonce = true}));
    assert_true(fails_alone(&judged.verdict, "foreign.nonce", AVER_REASON_NONCE_MISMATCH));
    assert_false(judge(&(recipe){.rtmr3 = true}));
    assert_true(fails_alone(&judged.verdict, "tinfoil.rtmr3", AVER_REASON_MEASUREMENT_MISMATCH));
    assert_false(judge(&(recipe){.other_signer = true}));
    assert_true(fails_alone(&judged.verdict, "evidence.signature", AVER_REASON_BAD_SIGNATURE));
}

static void keys_are_the_readers(void **state)
{
    (void)state;
    story made;
    make(&(recipe){0}, &made);
    made.input.tls_key = made.seal;
    assert_false(judge_made(&made));
    assert_true(fails_alone(&judged.verdict, "foreign.tls", AVER_REASON_KEY_MISMATCH));
    made.input.tls_key = NULL;
    made.input.seal_key = made.tls;
    assert_false(judge_made(&made));
    assert_true(fails_alone(&judged.verdict, "foreign.seal", AVER_REASON_KEY_MISMATCH));
    made.input.seal_key = NULL;
    assert_true(judge_made(&made));
    made.input.nonce = NULL;
    assert_false(judge_made(&made));
    unmake(&made);
    /* Old documents have no nonce: they are good only where the reader says so. */
    make(&(recipe){.version = 2, .packed = true}, &made);
    made.input.any_age = false;
    assert_false(judge_made(&made));
    assert_false(aver_verdict_failed(&judged.verdict));
    made.input.nonce = made.nonce;
    assert_false(judge_made(&made));
    assert_true(fails_alone(&judged.verdict, "foreign.nonce", AVER_REASON_NONCE_MISMATCH));
    unmake(&made);
    make(&(recipe){.version = 2, .packed = true, .no_keys = true}, &made);
    made.input.tls_key = NULL;
    made.input.seal_key = NULL;
    assert_false(judge_made(&made));
    assert_true(fails_alone(&judged.verdict, "foreign.binding", AVER_REASON_KEY_MISMATCH));
    unmake(&made);
}

static void evidence_of_gpus_needs_reference_values(void **state)
{
    (void)state;
    story made;
    make(&(recipe){.gpu = true}, &made);
    made.evidence.rims[0] = AVER_VIEW_LITERAL("<SoftwareIdentity/>");
    made.evidence.rims_count = 1;
    assert_false(judge_made(&made));
    assert_int_equal(aver_verdict_find(&judged.verdict, "gpu.evidence")->status, AVER_CHECK_FAIL);
    unmake(&made);
}

static void documents_are_known_by_their_format(void **state)
{
    (void)state;
    const recipe forms[] = {{0}, {.version = 2, .bundle = true}};
    for (size_t i = 0; i < 2; i++) {
        story made;
        aver_foreign format = (aver_foreign)0;
        make(&forms[i], &made);
        assert_true(aver_foreign_detect(made.input.message, &format));
        assert_int_equal(format, AVER_FOREIGN_TINFOIL);
        unmake(&made);
    }
}

/* Whichever allocation fails: an error or a verdict, and what does not hold does not hold then. */
static void memory_may_fail_anywhere(void **state)
{
    (void)state;
    const recipe recipes[] = {{0}, {.other_data = true}};
    for (size_t i = 0; i < 2; i++) {
        story made;
        bool failed = true;
        make(&recipes[i], &made);
        for (size_t at = 0; failed; at += 1 + at / 40) {
            const char *why = NULL;
            aver_foreign_judged_deinit(&judged);
            alloc_fail_at(at);
            aver_err err = aver_foreign_judge(AVER_FOREIGN_TINFOIL, &made.input, &judged);
            failed = alloc_fail_end();
            assert_true(err == AVER_OK ||
                        (failed && (err == AVER_E_NOMEM || err == AVER_E_CRYPTO)));
            bool holds = err == AVER_OK &&
                         aver_foreign_holds(AVER_FOREIGN_TINFOIL, &made.input, &judged, &why);
            assert_true(i == 0 || !holds);
            assert_true(failed || holds == (i == 0));
        }
        unmake(&made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_documents_hold),
        cmocka_unit_test(malformed_documents_are_refused),
        cmocka_unit_test(each_fault_fails_alone),
        cmocka_unit_test(keys_are_the_readers),
        cmocka_unit_test(evidence_of_gpus_needs_reference_values),
        cmocka_unit_test(documents_are_known_by_their_format),
        cmocka_unit_test(memory_may_fail_anywhere),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    aver_foreign_judged_deinit(&judged);
    return failed;
}
