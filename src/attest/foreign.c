/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/foreign.h"

#include "attest/compare.h"
#include "attest/foreign_work.h"
#include "base/secret.h"
#include "codec/json.h"
#include "codec/text.h"
#include "crypto/hash.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FOREIGN_DETAIL_BYTES = 200 };

static const aver_foreign_format *const foreign_formats[AVER_FOREIGN_COUNT] = {
    [AVER_FOREIGN_NEAR] = &aver_foreign_near,
    [AVER_FOREIGN_ACI] = &aver_foreign_aci,
    [AVER_FOREIGN_TINFOIL] = &aver_foreign_tinfoil,
};

static const aver_foreign_format *foreign_format(aver_foreign format)
{
    return format >= AVER_FOREIGN_NEAR && (size_t)format < AVER_FOREIGN_COUNT
               ? foreign_formats[format]
               : NULL;
}

const char *aver_foreign_name(aver_foreign format)
{
    const aver_foreign_format *found = foreign_format(format);
    return found != NULL ? found->name : NULL;
}

bool aver_foreign_find(const char *name, aver_foreign *ret_format)
{
    for (size_t i = AVER_FOREIGN_NEAR; i < AVER_FOREIGN_COUNT; i++) {
        if (strcmp(foreign_formats[i]->name, name) == 0) {
            *ret_format = (aver_foreign)i;
            return true;
        }
    }
    return false;
}

bool aver_foreign_detect(aver_view message, aver_foreign *ret_format)
{
    json_t *json = NULL;
    bool found = false;
    if (aver_json_parse(message, AVER_FOREIGN_FILE_BYTES_MAX, &json, NULL) != AVER_OK) {
        return false;
    }
    for (size_t i = AVER_FOREIGN_NEAR; i < AVER_FOREIGN_COUNT && !found; i++) {
        found = foreign_formats[i]->fits(json);
        *ret_format = found ? (aver_foreign)i : *ret_format;
    }
    json_decref(json);
    return found;
}

aver_err aver_foreign_malformed(aver_foreign_work *work, const char *format, ...)
{
    char why[FOREIGN_DETAIL_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    aver_verdict_fail(&work->judged->verdict, "foreign.format", AVER_REASON_MALFORMED, "%s", why);
    return AVER_OK;
}

aver_view aver_foreign_text(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value)
               ? aver_view_make(json_string_value(value), json_string_length(value))
               : (aver_view){0};
}

bool aver_foreign_hex(aver_view text, uint8_t *ret_bytes, size_t size)
{
    if (text.size >= 2 && text.data[0] == '0' && text.data[1] == 'x') {
        text = aver_view_slice(text, 2, text.size - 2);
    }
    return aver_hex_decode(text, ret_bytes, size) == AVER_OK;
}

bool aver_foreign_lower_hex(aver_view text, uint8_t *ret_bytes, size_t size)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] >= 'A' && text.data[i] <= 'F') {
            return false;
        }
    }
    return aver_hex_decode(text, ret_bytes, size) == AVER_OK;
}

bool aver_foreign_digest(aver_view text, uint8_t ret_digest[static 32])
{
    static const char tag[] = "sha256:";
    size_t size = sizeof tag - 1;
    return text.size > size && memcmp(text.data, tag, size) == 0 &&
           aver_foreign_lower_hex(aver_view_slice(text, size, text.size - size), ret_digest, 32);
}

aver_err aver_foreign_nested(json_t *value, json_t **ret_json)
{
    *ret_json = NULL;
    if (!json_is_string(value)) {
        *ret_json = json_is_object(value) || json_is_array(value) ? json_incref(value) : NULL;
        return AVER_OK;
    }
    aver_view text = aver_view_make(json_string_value(value), json_string_length(value));
    aver_err err = aver_json_parse(text, AVER_FOREIGN_FILE_BYTES_MAX, ret_json, NULL);
    return err == AVER_E_NOMEM ? err : AVER_OK;
}

aver_err aver_foreign_evidence(aver_foreign_work *work, aver_family family)
{
    aver_foreign_judged *judged = work->judged;
    work->evidence.evidence = aver_buf_view(&judged->evidence);
    work->evidence.nonce = (aver_view){0};
    judged->family = family;
    return aver_attest_judge(family, &work->evidence, &judged->verdict, &judged->claims,
                             &judged->readable);
}

const uint8_t *aver_foreign_report_data(const aver_foreign_work *work)
{
    const aver_foreign_judged *judged = work->judged;
    return judged->readable && judged->claims.has_report_data ? judged->claims.report_data : NULL;
}

void aver_foreign_binding_told(aver_foreign_work *work, aver_view wanted, const char *words_good,
                               const char *words_bad)
{
    const uint8_t *data = aver_foreign_report_data(work);
    if (data == NULL) {
        return;
    }
    bool bound = aver_equal_secret(aver_view_make(data, wanted.size), wanted);
    if (bound) {
        aver_verdict_add(&work->judged->verdict, "foreign.binding", AVER_CHECK_PASS, "%s",
                         words_good);
    } else {
        aver_verdict_fail(&work->judged->verdict, "foreign.binding", AVER_REASON_KEY_MISMATCH,
                          "%s: the report data are %s", words_bad,
                          aver_short_of(aver_view_make(data, wanted.size)).text);
    }
}

void aver_foreign_body_told(aver_foreign_work *work, const char *check, const aver_view *body,
                            const uint8_t digest[static 32], const char *what)
{
    aver_verdict *verdict = &work->judged->verdict;
    uint8_t found[32];
    if (body == NULL) {
        aver_verdict_add(verdict, check, AVER_CHECK_SKIP, "the reader gave no %s to compare with",
                         what);
        return;
    }
    aver_sha256_of(*body, found);
    if (aver_equal_secret(AVER_VIEW_OF(found), aver_view_make(digest, 32))) {
        aver_verdict_add(verdict, check, AVER_CHECK_PASS, "%zu bytes, SHA-256 %s", body->size,
                         aver_short_of(AVER_VIEW_OF(found)).text);
    } else {
        aver_verdict_fail(verdict, check, AVER_REASON_MEASUREMENT_MISMATCH,
                          "the %s that the reader has gives %s, %s was signed", what,
                          aver_short_of(AVER_VIEW_OF(found)).text,
                          aver_short_of(aver_view_make(digest, 32)).text);
    }
}

static aver_err foreign_read(aver_foreign_work *work, aver_view text, const char *what,
                             json_t **ret_json)
{
    char why[AVER_JSON_WHY_BYTES] = "";
    aver_err err = aver_json_parse(text, AVER_FOREIGN_FILE_BYTES_MAX, ret_json, why);
    if (err == AVER_E_NOMEM) {
        return err;
    }
    if (err != AVER_OK) {
        return aver_foreign_malformed(work, "the %s: %s", what, why);
    }
    if (!json_is_object(*ret_json)) {
        return aver_foreign_malformed(work, "the %s is no JSON object", what);
    }
    return AVER_OK;
}

static aver_err foreign_open(aver_foreign_work *work, const aver_foreign_format *format)
{
    const aver_foreign_input *input = work->input;
    aver_err err = foreign_read(work, input->message, "message", &work->message);
    if (err == AVER_OK && format->has_report && work->judged->verdict.count == 0) {
        err = foreign_read(work, input->report, "attestation report", &work->report);
    }
    if (err == AVER_OK && input->session.size > 0 && work->judged->verdict.count == 0) {
        err = foreign_read(work, input->session, "session", &work->session);
    }
    return err;
}

aver_err aver_foreign_judge(aver_foreign format, const aver_foreign_input *input,
                            aver_foreign_judged *ret_judged)
{
    const aver_foreign_format *found = foreign_format(format);
    aver_foreign_work work = {.input = input, .judged = ret_judged};
    aver_verdict_init(&ret_judged->verdict);
    aver_claims_init(&ret_judged->claims);
    aver_buf_init(&ret_judged->evidence, AVER_ATTEST_EVIDENCE_BYTES_MAX);
    aver_buf_init(&ret_judged->leaf, AVER_ATTEST_COLLATERAL_BYTES_MAX);
    aver_buf_init(&ret_judged->chain, AVER_ATTEST_COLLATERAL_BYTES_MAX);
    aver_buf_init(&ret_judged->list, AVER_ATTEST_COLLATERAL_BYTES_MAX);
    ret_judged->family = (aver_family)0;
    ret_judged->readable = false;
    if (found == NULL || input->evidence == NULL) {
        return AVER_E_USAGE;
    }
    work.evidence = *input->evidence;
    aver_err err = foreign_open(&work, found);
    if (err == AVER_OK && !aver_verdict_failed(&ret_judged->verdict)) {
        err = found->judge(&work);
    }
    if (err == AVER_OK) {
        aver_verdict_skip_all(&ret_judged->verdict, found->checks,
                              "an earlier check stands in the way");
    }
    json_decref(work.message);
    json_decref(work.report);
    json_decref(work.session);
    return err;
}

void aver_foreign_judged_deinit(aver_foreign_judged *judged)
{
    aver_buf_deinit(&judged->evidence);
    aver_buf_deinit(&judged->leaf);
    aver_buf_deinit(&judged->chain);
    aver_buf_deinit(&judged->list);
    judged->readable = false;
}

static bool foreign_passed(const aver_verdict *verdict, const char *name)
{
    const aver_check *check = aver_verdict_find(verdict, name);
    return check != NULL && check->status == AVER_CHECK_PASS;
}

bool aver_foreign_holds(aver_foreign format, const aver_foreign_input *input,
                        const aver_foreign_judged *judged, const char **ret_why)
{
    const aver_foreign_format *found = foreign_format(format);
    *ret_why = "a check failed";
    if (found == NULL || aver_verdict_failed(&judged->verdict)) {
        return false;
    }
    for (const char *const *name = found->required; *name != NULL; name++) {
        if (!foreign_passed(&judged->verdict, *name)) {
            *ret_why = *name;
            return false;
        }
    }
    if (!input->any_age && !foreign_passed(&judged->verdict, "foreign.nonce")) {
        *ret_why = "foreign.nonce";
        return false;
    }
    *ret_why = "a check of the evidence that must pass could not be made";
    return judged->readable &&
           aver_attest_holds(judged->family, input->evidence->signature_only, &judged->verdict);
}
