/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/nvidia_values.h"

#include "attest/nvidia_rim.h"
#include "codec/json.h"
#include "codec/text.h"

#include <stdlib.h>
#include <string.h>

/* CN=NVIDIA CoRIM signing Root CA, O=NVIDIA, 2023-03-16 to 2053-03-08. */
static const uint8_t values_root[1][32] = {{
    0x12, 0x97, 0x7b, 0x51, 0x15, 0xac, 0xb0, 0x38, 0x11, 0x79, 0x27, 0x9f, 0xff, 0xeb, 0x5a, 0x8c,
    0x4d, 0x26, 0x49, 0x71, 0xeb, 0xb3, 0x22, 0x98, 0x02, 0x3a, 0x46, 0x5f, 0xa4, 0x1d, 0xf5, 0xd1,
}};

#define VALUES_INDEX_NVDEC0 35
#define VALUES_NVDEC0_OFF   0x55
#define VALUES_LIST_BYTES   1024

/* What a set of reference values is of. */
typedef enum values_kind { VALUES_OTHER, VALUES_DRIVER, VALUES_VBIOS } values_kind;

static const char *const values_kind_text[] = {"another version", "driver", "VBIOS"};

typedef struct values_set {
    aver_nvidia_rim rim;
    values_kind kind;
} values_set;

typedef struct values_job {
    const aver_attest_input *input;
    const aver_nvidia_report *report;
    aver_verdict *verdict;
    values_set *sets;
    size_t count; /* that are open */
} values_job;

/* When a signature holds, kept by the cache. */
typedef struct values_kept {
    uint64_t not_before_s, not_after_s;
} values_kept;

static void values_key(const aver_attest_input *input, size_t at, uint8_t ret_key[static 32])
{
    aver_view parts[1 + AVER_ATTEST_ROOTS_MAX] = {input->rims[at]};
    for (size_t i = 0; i < input->rim_roots.given_count; i++) {
        parts[1 + i] = input->rim_roots.given[i];
    }
    aver_attest_cache_key("nvidia/rim", parts, 1 + input->rim_roots.given_count, ret_key);
}

static bool values_cache_holds(const aver_attest_input *input, size_t at)
{
    uint8_t key[32];
    if (input->cache == NULL || input->crls_count > 0 || input->require_revocation) {
        return false;
    }
    values_key(input, at, key);
    const values_kept *kept = aver_attest_cache_find(input->cache, key);
    return kept != NULL && input->time_s >= kept->not_before_s &&
           input->time_s <= kept->not_after_s;
}

static void values_cache_put(const aver_attest_input *input, size_t at,
                             const aver_x509_result *path)
{
    uint8_t key[32];
    values_kept *kept = input->cache != NULL ? malloc(sizeof *kept) : NULL;
    if (kept != NULL) {
        *kept = (values_kept){path->not_before_s, path->not_after_s};
        values_key(input, at, key);
        aver_attest_cache_put(input->cache, key, kept, free);
    }
}

/* True if a list speaks against the path, or none speaks of it where that is asked for; the words
 * are told. */
static aver_err values_revoked(values_job *job, const aver_x509_result *path, bool *ret_revoked)
{
    bool covered[AVER_CERTS_MAX + 1] = {false};
    for (size_t i = 0; i < job->input->crls_count; i++) {
        char why[AVER_X509_WHY_BYTES] = "";
        aver_path judged = AVER_PATH_GOOD;
        aver_err err =
            aver_x509_revoked(job->input->crls[i], path, job->input->time_s, &judged, covered, why);
        if (err == AVER_E_NOMEM || err == AVER_E_CRYPTO) {
            return err;
        }
        if (err == AVER_OK && judged != AVER_PATH_GOOD) {
            aver_reason reason = judged == AVER_PATH_REVOKED   ? AVER_REASON_REVOKED
                                 : judged == AVER_PATH_EXPIRED ? AVER_REASON_EXPIRED
                                                               : AVER_REASON_BAD_SIGNATURE;
            aver_verdict_fail(job->verdict, "nvidia.rim-signature", reason, "%s", why);
            *ret_revoked = true;
            return AVER_OK;
        }
    }
    for (size_t i = 0; job->input->require_revocation && i + 1 < path->chain_count; i++) {
        if (!covered[i]) {
            aver_verdict_fail(job->verdict, "nvidia.rim-signature", AVER_REASON_COLLATERAL_MISSING,
                              "no revocation list speaks of certificate %zu from the signer", i);
            *ret_revoked = true;
            return AVER_OK;
        }
    }
    return AVER_OK;
}

/* The certificates of one set; *ret_good stays false where the fault was told. */
static aver_err values_judge_path(values_job *job, size_t at, const aver_family_roots *roots,
                                  bool *ret_good)
{
    const char *name = "nvidia.rim-signature";
    const aver_nvidia_rim *rim = &job->sets[at].rim;
    const aver_x509_options options = {.roots = roots->roots, .time_s = job->input->time_s};
    aver_x509_result path;
    bool revoked = false;
    aver_err err = aver_x509_judge(&rim->certs, 0, &options, &path);
    if (err != AVER_OK) {
        return err;
    }
    if (path.path != AVER_PATH_GOOD) {
        aver_verdict_fail(job->verdict, name,
                          path.path == AVER_PATH_EXPIRED ? AVER_REASON_EXPIRED
                                                         : AVER_REASON_CHAIN_UNTRUSTED,
                          "%s", path.why);
        return AVER_OK;
    }
    if (!aver_cert_may_sign(&rim->certs.list[0])) {
        aver_verdict_fail(job->verdict, name, AVER_REASON_CHAIN_UNTRUSTED,
                          "the leaf may not sign reference values");
        return AVER_OK;
    }
    err = values_revoked(job, &path, &revoked);
    if (err == AVER_OK && !revoked) {
        *ret_good = true;
        values_cache_put(job->input, at, &path);
    }
    return err;
}

static aver_err values_judge_signature(values_job *job, size_t at, const aver_family_roots *roots,
                                       bool *ret_good)
{
    if (values_cache_holds(job->input, at)) {
        *ret_good = true;
        return AVER_OK;
    }
    aver_err err = aver_nvidia_rim_certs_read(&job->sets[at].rim);
    if (err == AVER_E_FORMAT || err == AVER_E_LIMIT) {
        aver_verdict_fail(job->verdict, "nvidia.rim-signature", AVER_REASON_CHAIN_UNTRUSTED,
                          "a certificate of set %zu of reference values is %s", at,
                          aver_err_text(err));
        return AVER_OK;
    }
    if (err == AVER_OK) {
        err = aver_nvidia_rim_verify(&job->sets[at].rim);
    }
    if (err == AVER_E_PROOF) {
        aver_verdict_fail(job->verdict, "nvidia.rim-signature", AVER_REASON_BAD_SIGNATURE,
                          "set %zu of reference values is not what was signed", at);
        return AVER_OK;
    }
    return err == AVER_OK ? values_judge_path(job, at, roots, ret_good) : err;
}

/* All sets, up to the first whose signature does not hold. */
static aver_err values_judge_signatures(values_job *job)
{
    aver_family_roots roots;
    aver_err err = aver_family_roots_open(&job->input->rim_roots, values_root, 1, &roots);
    if (err != AVER_OK) {
        return err;
    }
    bool good = true;
    for (size_t i = 0; i < job->count && err == AVER_OK && good; i++) {
        good = false;
        err = values_judge_signature(job, i, &roots, &good);
    }
    if (err == AVER_OK && good) {
        aver_verdict_add(job->verdict, "nvidia.rim-signature", AVER_CHECK_PASS,
                         "%zu of reference values", job->count);
    }
    aver_family_roots_close(&roots);
    return err;
}

/* Equal but for the case of letters. */
static bool values_same_version(aver_view a, aver_view b)
{
    bool same = a.size == b.size;
    for (size_t i = 0; same && i < a.size; i++) {
        uint8_t x = a.data[i];
        uint8_t y = b.data[i];
        x = x >= 'a' && x <= 'z' ? (uint8_t)(x - 'a' + 'A') : x;
        y = y >= 'a' && y <= 'z' ? (uint8_t)(y - 'a' + 'A') : y;
        same = x == y;
    }
    return same;
}

static values_kind values_kind_of(const aver_nvidia_report *report, const aver_nvidia_rim *rim)
{
    char vbios[AVER_NVIDIA_VERSION_BYTES];
    aver_view text;
    if (aver_nvidia_report_text(report, AVER_NVIDIA_DRIVER_VERSION, &text) &&
        aver_view_equal(text, rim->version)) {
        return VALUES_DRIVER;
    }
    /* A switch writes the version as text, a GPU as numbers. */
    if (aver_nvidia_report_text(report, AVER_NVIDIA_VBIOS_VERSION, &text) &&
        values_same_version(text, rim->version)) {
        return VALUES_VBIOS;
    }
    if (aver_nvidia_report_vbios(report, vbios) &&
        values_same_version(aver_view_text(vbios), rim->version)) {
        return VALUES_VBIOS;
    }
    return VALUES_OTHER;
}

static void values_judge_versions(values_job *job)
{
    const char *name = "nvidia.rim-version";
    bool seen[3] = {false};
    for (size_t i = 0; i < job->count; i++) {
        values_set *set = &job->sets[i];
        aver_view version = set->rim.version;
        set->kind = values_kind_of(job->report, &set->rim);
        if (set->kind == VALUES_OTHER) {
            aver_verdict_fail(job->verdict, name, AVER_REASON_MEASUREMENT_MISMATCH,
                              "version %.*s is neither the device's driver nor its VBIOS",
                              (int)version.size, (const char *)version.data);
            return;
        }
        if (seen[set->kind]) {
            aver_verdict_fail(job->verdict, name, AVER_REASON_COLLATERAL_MISMATCH,
                              "two sets of reference values are of the %s",
                              values_kind_text[set->kind]);
            return;
        }
        seen[set->kind] = true;
    }
    aver_verdict_add(job->verdict, name, AVER_CHECK_PASS, "of %s%s%s",
                     seen[VALUES_DRIVER] ? values_kind_text[VALUES_DRIVER] : "",
                     seen[VALUES_DRIVER] && seen[VALUES_VBIOS] ? " and " : "",
                     seen[VALUES_VBIOS] ? values_kind_text[VALUES_VBIOS] : "");
}

static bool values_passed_over(const aver_nvidia_report *report, uint8_t index)
{
    aver_view status;
    return index == VALUES_INDEX_NVDEC0 &&
           aver_nvidia_report_field(report, AVER_NVIDIA_NVDEC0_STATUS, &status) &&
           status.size == 1 && status.data[0] == VALUES_NVDEC0_OFF;
}

static void values_judge_measurements(values_job *job)
{
    const char *name = "nvidia.measurements";
    bool seen[256] = {false};
    size_t compared = 0;
    size_t others = 0;
    size_t first = 0;
    for (size_t i = 0; i < job->count; i++) {
        const aver_nvidia_rim *rim = &job->sets[i].rim;
        for (size_t k = 0; k < rim->values_count; k++) {
            const aver_nvidia_rim_value *value = &rim->values[k];
            if (!value->active || values_passed_over(job->report, value->index)) {
                continue;
            }
            if (seen[value->index]) {
                aver_verdict_fail(job->verdict, name, AVER_REASON_COLLATERAL_MISMATCH,
                                  "two sets of reference values speak of index %u", value->index);
                return;
            }
            seen[value->index] = true;
            compared++;
            if (!aver_nvidia_rim_matches(rim, value, job->report)) {
                first = others == 0 ? value->index : first;
                others++;
            }
        }
    }
    if (others > 0) {
        aver_verdict_fail(job->verdict, name, AVER_REASON_MEASUREMENT_MISMATCH,
                          "%zu of %zu are none of their reference values, the first at index %zu",
                          others, compared, first);
    } else if (compared == 0) {
        aver_verdict_fail(job->verdict, name, AVER_REASON_COLLATERAL_MISMATCH,
                          "no reference value is active");
    } else {
        aver_verdict_add(job->verdict, name, AVER_CHECK_PASS, "%zu of %zu compared", compared,
                         job->report->blocks_count);
    }
}

static void values_list_indices(const aver_nvidia_rim *rim, aver_buf *out)
{
    const char *separator = "[";
    for (size_t i = 0; i < rim->values_count; i++) {
        if (rim->values[i].active) {
            aver_buf_append_format(out, "%s%u", separator, rim->values[i].index);
            separator = ",";
        }
    }
    aver_buf_append_text(out, rim->active_count > 0 ? "]" : "[]");
}

/* rim_version, rim_active, rim_indices; of several sets each in a group of its own. */
static aver_err values_claim(const values_job *job, aver_claims *claims)
{
    static const char *const groups[] = {"rim_other", "rim_driver", "rim_vbios"};
    bool said[3] = {false};
    for (size_t i = 0; i < job->count; i++) {
        const aver_nvidia_rim *rim = &job->sets[i].rim;
        aver_buf list;
        if (said[job->sets[i].kind]) {
            continue;
        }
        said[job->sets[i].kind] = true;
        aver_buf_init(&list, VALUES_LIST_BYTES);
        values_list_indices(rim, &list);
        aver_err err = aver_buf_status(&list);
        if (err == AVER_OK) {
            claims->group = job->count > 1 ? groups[job->sets[i].kind] : NULL;
            aver_claims_put_text(claims, "rim_version", aver_claims_copy(claims, rim->version));
            aver_claims_put_uint(claims, "rim_active", rim->active_count);
            aver_claims_put_json(claims, "rim_indices",
                                 aver_claims_copy(claims, aver_buf_view(&list)));
            claims->group = NULL;
        }
        aver_buf_deinit(&list);
        if (err != AVER_OK) {
            return err;
        }
    }
    return AVER_OK;
}

/* Opens all sets; one that cannot be read is told and *ret_good false. */
static aver_err values_open(values_job *job, bool *ret_good)
{
    for (size_t i = 0; i < job->input->rims_count; i++) {
        aver_err err = aver_nvidia_rim_open(job->input->rims[i], &job->sets[i].rim);
        if (err == AVER_E_NOMEM || err == AVER_E_CRYPTO) {
            return err;
        }
        if (err != AVER_OK) {
            aver_verdict_fail(job->verdict, "nvidia.rim-signature", AVER_REASON_MALFORMED,
                              "set %zu of reference values is %s", i, aver_err_text(err));
            *ret_good = false;
            return AVER_OK;
        }
        job->count++;
    }
    *ret_good = true;
    return AVER_OK;
}

aver_err aver_nvidia_values_judge(const aver_attest_input *input, const aver_nvidia_report *report,
                                  aver_verdict *verdict, aver_claims *claims)
{
    values_job job = {.input = input, .report = report, .verdict = verdict};
    bool good = false;
    if (input->rims_count == 0) {
        aver_verdict_add(verdict, "nvidia.rim-signature", AVER_CHECK_SKIP,
                         "no reference values were given");
        return AVER_OK;
    }
    job.sets = calloc(input->rims_count, sizeof *job.sets);
    aver_err err = job.sets == NULL ? AVER_E_NOMEM : values_open(&job, &good);
    if (err == AVER_OK && good) {
        err = values_judge_signatures(&job);
    }
    if (err == AVER_OK && good) {
        values_judge_versions(&job);
        values_judge_measurements(&job);
        err = values_claim(&job, claims);
    }
    for (size_t i = 0; i < job.count; i++) {
        aver_nvidia_rim_close(&job.sets[i].rim);
    }
    free(job.sets);
    return err;
}
