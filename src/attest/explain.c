/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/explain.h"

#include "codec/date.h"
#include "codec/json.h"
#include "codec/text.h"

#include <string.h>

#define EXPLAIN_DATE_BYTES       20
#define EXPLAIN_DAY_S            86400ull
#define EXPLAIN_MONTH_DAYS       30
#define EXPLAIN_YEAR_DAYS        730 /* from here on years are counted */
#define EXPLAIN_COMPONENTS       16
#define EXPLAIN_ADVISORIES_SHOWN 12

static void explain_new_sentence(aver_buf *out)
{
    if (out->size > 0) {
        aver_buf_append_text(out, "; ");
    }
}

static void explain_span(uint64_t span_s, aver_buf *out)
{
    unsigned long long days = span_s / EXPLAIN_DAY_S;
    if (days >= EXPLAIN_YEAR_DAYS) {
        aver_buf_append_format(out, "%llu years", days / 365);
    } else if (days >= 2ull * EXPLAIN_MONTH_DAYS) {
        aver_buf_append_format(out, "%llu months", days / EXPLAIN_MONTH_DAYS);
    } else if (days > 0) {
        aver_buf_append_format(out, "%llu day%s", days, days == 1 ? "" : "s");
    } else {
        aver_buf_append_format(out, "%llu seconds", (unsigned long long)span_s);
    }
}

static void explain_date(uint64_t date_s, uint64_t now_s, aver_buf *out)
{
    char text[21];
    explain_new_sentence(out);
    aver_date_write(date_s, text);
    aver_buf_append_format(out, "%s is ", text);
    explain_span(date_s < now_s ? now_s - date_s : date_s - now_s, out);
    aver_buf_append_format(out, " %s the time of judgement", date_s < now_s ? "before" : "after");
}

/* Every date in the words of a check. */
static void explain_dates(const char *detail, uint64_t now_s, aver_buf *out)
{
    aver_view text = aver_view_text(detail);
    for (size_t at = 0; at + EXPLAIN_DATE_BYTES <= text.size; at++) {
        uint64_t date_s = 0;
        if (aver_date_read(aver_view_slice(text, at, EXPLAIN_DATE_BYTES), &date_s)) {
            explain_date(date_s, now_s, out);
            at += EXPLAIN_DATE_BYTES - 1;
        }
    }
}

/* Also of a quote inside other evidence. */
static const aver_claim *explain_claim(const aver_claims *claims, const char *name)
{
    const aver_claim *claim = aver_claims_find(claims, NULL, name);
    return claim != NULL ? claim : aver_claims_find(claims, "tdx", name);
}

static aver_view explain_text(const aver_claims *claims, const char *name)
{
    const aver_claim *claim = explain_claim(claims, name);
    bool text = claim != NULL && claim->kind == AVER_CLAIM_TEXT;
    return text ? claim->bytes : (aver_view){0};
}

static void explain_advisories(const aver_claims *claims, aver_buf *out)
{
    size_t count = 0;
    for (size_t i = 0; i < claims->list_count; i++) {
        const aver_claim *claim = &claims->list[i];
        if (claim->kind != AVER_CLAIM_TEXT || strcmp(claim->name, "advisories") != 0) {
            continue;
        }
        if (count < EXPLAIN_ADVISORIES_SHOWN) {
            explain_new_sentence(out);
            aver_buf_append_text(out, count == 0 ? "not mended: " : "");
            aver_buf_append(out, claim->bytes);
        }
        count++;
    }
    if (count > EXPLAIN_ADVISORIES_SHOWN) {
        aver_buf_append_format(out, " and %zu more", count - EXPLAIN_ADVISORIES_SHOWN);
    }
}

/* Parts that are judged by themselves, each with its own status. */
static void explain_parts(const aver_claims *claims, aver_buf *out)
{
    static const struct {
        const char *name;
        const char *what;
    } parts[] = {{"platform_status", "the platform's firmware and microcode are"},
                 {"qe_status", "the quoting enclave is"},
                 {"tdx_module_status", "the TDX module is"}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        aver_view status = explain_text(claims, parts[i].name);
        if (status.size > 0 && !aver_view_equal_text(status, "UpToDate")) {
            explain_new_sentence(out);
            aver_buf_append_format(out, "%s ", parts[i].what);
            aver_buf_append(out, status);
        }
    }
}

/* The SVNs that the platform has, as the claims tell them. */
static aver_view explain_svns(const aver_claims *claims, const char *name)
{
    const aver_claim *claim = explain_claim(claims, name);
    bool whole =
        claim != NULL && claim->kind == AVER_CLAIM_BYTES && claim->bytes.size == EXPLAIN_COMPONENTS;
    return whole ? claim->bytes : (aver_view){0};
}

static void explain_component(const json_t *component, const char *list, size_t index, unsigned has,
                              aver_buf *out)
{
    long long wanted = (long long)json_integer_value(json_object_get(component, "svn"));
    const char *category = json_string_value(json_object_get(component, "category"));
    const char *type = json_string_value(json_object_get(component, "type"));
    if (wanted <= (long long)has || wanted > 255) {
        return;
    }
    explain_new_sentence(out);
    aver_buf_append_format(out, "%s component %zu", list, index + 1);
    if (category != NULL || type != NULL) {
        aver_buf_append_format(out, " (%.40s%s%.60s)", category != NULL ? category : "",
                               category != NULL && type != NULL ? ", " : "",
                               type != NULL ? type : "");
    }
    aver_buf_append_format(out, " is %u and must be %lld", has, wanted);
}

static void explain_components(const json_t *components, const char *list, aver_view svns,
                               aver_buf *out)
{
    for (size_t i = 0; i < svns.size && i < json_array_size(components); i++) {
        explain_component(json_array_get(components, i), list, i, svns.data[i], out);
    }
}

/* What is short of the first level that Intel calls up to date. */
static void explain_level(const json_t *level, const aver_claims *claims, uint64_t now_s,
                          aver_buf *out)
{
    const json_t *tcb = json_object_get(level, "tcb");
    const char *date = json_string_value(json_object_get(level, "tcbDate"));
    const aver_claim *pce = explain_claim(claims, "pck_pcesvn");
    long long pce_wanted = (long long)json_integer_value(json_object_get(tcb, "pcesvn"));
    uint64_t date_s = 0;
    if (date != NULL && aver_date_read(aver_view_text(date), &date_s)) {
        explain_new_sentence(out);
        aver_buf_append_format(out, "the newest level that is UpToDate is of %.10s, ", date);
        explain_span(date_s < now_s ? now_s - date_s : 0, out);
        aver_buf_append_text(out, " before the time of judgement");
    }
    explain_components(json_object_get(tcb, "sgxtcbcomponents"), "SGX",
                       explain_svns(claims, "pck_cpusvn"), out);
    explain_components(json_object_get(tcb, "tdxtcbcomponents"), "TDX",
                       explain_svns(claims, "tee_tcb_svn"), out);
    if (pce != NULL && pce->kind == AVER_CLAIM_UINT && pce_wanted > 0 &&
        pce->number < (uint64_t)pce_wanted) {
        explain_new_sentence(out);
        aver_buf_append_format(out, "the PCE's SVN is %llu and must be %lld",
                               (unsigned long long)pce->number, pce_wanted);
    }
}

static const json_t *explain_newest(const json_t *levels)
{
    for (size_t i = 0; i < json_array_size(levels); i++) {
        const json_t *level = json_array_get(levels, i);
        const char *status = json_string_value(json_object_get(level, "tcbStatus"));
        if (status != NULL && strcmp(status, "UpToDate") == 0) {
            return level;
        }
    }
    return NULL;
}

/* The collateral was judged before: here it only serves for words. */
static void explain_collateral(const aver_attest_input *input, const aver_claims *claims,
                               aver_buf *out)
{
    json_t *whole = NULL;
    json_t *info = NULL;
    if (aver_json_parse(input->collateral, AVER_ATTEST_COLLATERAL_BYTES_MAX, &whole, NULL) !=
        AVER_OK) {
        return;
    }
    const json_t *text = json_object_get(whole, "tcb_info");
    aver_view bytes = aver_view_make(json_string_value(text), json_string_length(text));
    if (json_is_string(text) &&
        aver_json_parse(bytes, AVER_ATTEST_COLLATERAL_BYTES_MAX, &info, NULL) == AVER_OK) {
        const json_t *level = explain_newest(json_object_get(info, "tcbLevels"));
        if (level != NULL) {
            explain_level(level, claims, input->time_s, out);
        }
    }
    json_decref(info);
    json_decref(whole);
}

static void explain_status(const aver_attest_input *input, const aver_claims *claims, aver_buf *out)
{
    aver_view date = explain_text(claims, "tcb_date");
    uint64_t date_s = 0;
    explain_parts(claims, out);
    if (aver_date_read(date, &date_s) && date_s < input->time_s) {
        explain_new_sentence(out);
        aver_buf_append_format(out, "its level is of %.10s, ", (const char *)date.data);
        explain_span(input->time_s - date_s, out);
        aver_buf_append_text(out, " before the time of judgement");
    }
    explain_advisories(claims, out);
    if (input->collateral.size > 0) {
        explain_collateral(input, claims, out);
    }
}

void aver_explain_distance(const aver_attest_input *input, const aver_claims *claims,
                           const aver_check *check, aver_buf *out)
{
    aver_buf words;
    aver_buf_init(&words, 65536);
    explain_dates(check->detail, input->time_s, &words);
    if (claims != NULL && strcmp(check->name, "tcb.status") == 0) {
        explain_status(input, claims, &words);
    }
    if (aver_buf_status(&words) == AVER_OK) {
        aver_buf_append(out, aver_buf_view(&words));
    }
    aver_buf_deinit(&words);
}
