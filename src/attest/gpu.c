/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/gpu.h"

#include "attest/compare.h"
#include "codec/cbor.h"
#include "codec/json.h"
#include "codec/text.h"

#include <stdlib.h>
#include <string.h>

enum { GPU_DEVICE_PARTS = 5 };

/* One device while it is judged, and what of the others must be known. */
typedef struct gpu_job {
    const aver_gpu_input *input;
    aver_verdict *told;
    bool fault, nonce_fault; /* were told */
    aver_verdict verdict;    /* of the device */
    aver_claims claims;
    uint8_t machines[AVER_GPU_DEVICES_MAX][64];
    uint8_t machine_sizes[AVER_GPU_DEVICES_MAX];
    size_t count;
    aver_buf told_devices; /* JSON */
} gpu_job;

static aver_err gpu_read_list(aver_cbor_cursor *cursor, aver_view *ret_list, size_t max,
                              size_t *ret_count)
{
    uint64_t count = 0;
    aver_err err = aver_cbor_read_array(cursor, &count);
    if (err == AVER_OK && count > max) {
        err = AVER_E_LIMIT;
    }
    for (size_t i = 0; err == AVER_OK && i < count; i++) {
        err = aver_cbor_read_bytes(cursor, &ret_list[i]);
    }
    if (err == AVER_OK) {
        *ret_count = (size_t)count;
    }
    return err;
}

static aver_err gpu_read_device(aver_cbor_cursor *cursor, aver_attest_input *ret_input)
{
    uint64_t parts = 0;
    aver_view family;
    aver_err err = aver_cbor_read_array(cursor, &parts);
    if (err == AVER_OK && parts != GPU_DEVICE_PARTS) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        err = aver_cbor_read_text(cursor, &family);
    }
    if (err == AVER_OK && !aver_view_equal_text(family, aver_family_nvidia.name)) {
        err = AVER_E_UNSUPPORTED;
    }
    if (err == AVER_OK) {
        err = aver_cbor_read_bytes(cursor, &ret_input->evidence);
    }
    if (err == AVER_OK) {
        err = aver_cbor_read_bytes(cursor, &ret_input->chain);
    }
    if (err == AVER_OK) {
        err = gpu_read_list(cursor, ret_input->crls, AVER_ATTEST_CRLS_MAX, &ret_input->crls_count);
    }
    if (err == AVER_OK) {
        err = gpu_read_list(cursor, ret_input->rims, AVER_ATTEST_RIMS_MAX, &ret_input->rims_count);
    }
    return err;
}

/* The first fault is told; the others would say the same of other devices. */
static void gpu_fault(gpu_job *job, aver_reason reason, const char *what, const char *detail)
{
    if (!job->fault) {
        aver_verdict_fail(job->told, "gpu.evidence", reason, "device %zu: %s%s%s", job->count, what,
                          detail[0] != '\0' ? ": " : "", detail);
    }
    job->fault = true;
}

static bool gpu_passed(const gpu_job *job, const char *name)
{
    const aver_check *check = aver_verdict_find(&job->verdict, name);
    return check != NULL && check->status == AVER_CHECK_PASS;
}

/* Reference values for all that the device runs were given, and it runs that. */
static bool gpu_compared(const gpu_job *job)
{
    const aver_claim *driver = aver_claims_find(&job->claims, NULL, "driver_version");
    bool gpu = driver != NULL && driver->kind == AVER_CLAIM_TEXT;
    bool all = gpu ? aver_claims_find(&job->claims, "rim_driver", "rim_version") != NULL &&
                         aver_claims_find(&job->claims, "rim_vbios", "rim_version") != NULL
                   : aver_claims_find(&job->claims, NULL, "rim_version") != NULL;
    return all && gpu_passed(job, "nvidia.rim-signature") &&
           gpu_passed(job, "nvidia.rim-version") && gpu_passed(job, "nvidia.measurements");
}

static bool gpu_seen(const gpu_job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        if (job->machine_sizes[i] == job->claims.machine_id_size &&
            memcmp(job->machines[i], job->claims.machine_id, job->claims.machine_id_size) == 0) {
            return true;
        }
    }
    return false;
}

static void gpu_device_told(gpu_job *job, bool holds)
{
    for (size_t i = 0; i < job->verdict.count; i++) {
        const aver_check *check = &job->verdict.checks[i];
        if (check->status == AVER_CHECK_FAIL) {
            gpu_fault(job, check->reason, check->name, check->detail);
            return;
        }
    }
    if (!holds) {
        gpu_fault(job, AVER_REASON_COLLATERAL_MISSING, "a check that must pass was not made", "");
    } else if (!gpu_compared(job)) {
        gpu_fault(job, AVER_REASON_COLLATERAL_MISSING,
                  "reference values for driver and VBIOS are missing", "");
    } else if (job->claims.machine_id_size == 0 || gpu_seen(job)) {
        gpu_fault(job, AVER_REASON_KEY_MISMATCH, "it is there twice", "");
    }
}

static void gpu_nonce_told(gpu_job *job)
{
    if (!job->nonce_fault &&
        (!job->claims.has_nonce || !aver_view_equal(job->claims.nonce, job->input->nonce))) {
        aver_verdict_fail(job->told, "gpu.nonce", AVER_REASON_NONCE_MISMATCH,
                          "device %zu carries %s, not %s of this keyset and these nonces",
                          job->count, aver_short_of(job->claims.nonce).text,
                          aver_short_of(job->input->nonce).text);
        job->nonce_fault = true;
    }
}

static void gpu_claim_text(gpu_job *job, const char *name)
{
    const aver_claim *claim = aver_claims_find(&job->claims, NULL, name);
    if (claim != NULL && claim->kind == AVER_CLAIM_TEXT) {
        aver_buf_append_format(&job->told_devices, ",\"%s\":", name);
        aver_json_append_string(&job->told_devices, claim->bytes);
    }
}

static void gpu_claim_device(gpu_job *job)
{
    aver_buf_append_text(&job->told_devices, job->count == 0 ? "[" : ",");
    aver_buf_append_text(&job->told_devices, "{\"machine\":\"");
    aver_hex_append(&job->told_devices,
                    aver_view_make(job->claims.machine_id, job->claims.machine_id_size));
    aver_buf_append_text(&job->told_devices, "\"");
    gpu_claim_text(job, "driver_version");
    gpu_claim_text(job, "vbios_version");
    aver_buf_append_text(&job->told_devices, "}");
}

/* What does not fit beside the CPU's own claims is left out. */
static void gpu_claims_put(gpu_job *job)
{
    aver_claims *claims = job->input->claims;
    aver_buf_append_text(&job->told_devices, "]");
    if (claims != NULL && job->count > 0 && aver_buf_status(&job->told_devices) == AVER_OK &&
        claims->list_count < AVER_CLAIMS_LIST_MAX &&
        AVER_CLAIMS_ROOM_BYTES - claims->room_used >= job->told_devices.size) {
        aver_claims_put_json(claims, "gpus",
                             aver_claims_copy(claims, aver_buf_view(&job->told_devices)));
    }
}

static aver_err gpu_judge_device(gpu_job *job, const aver_attest_input *device)
{
    bool readable = false;
    aver_verdict_init(&job->verdict);
    aver_err err =
        aver_attest_judge(AVER_FAMILY_NVIDIA, device, &job->verdict, &job->claims, &readable);
    if (err != AVER_OK) {
        return err;
    }
    gpu_device_told(job, aver_attest_holds(AVER_FAMILY_NVIDIA, false, &job->verdict));
    if (readable) {
        gpu_nonce_told(job);
    }
    gpu_claim_device(job);
    memcpy(job->machines[job->count], job->claims.machine_id, sizeof job->claims.machine_id);
    job->machine_sizes[job->count] = job->claims.machine_id_size;
    job->count++;
    return AVER_OK;
}

/* FORMAT, LIMIT, UNSUPPORTED if the list cannot be read up to its end. */
static aver_err gpu_judge_devices(gpu_job *job)
{
    aver_cbor_cursor cursor = aver_cbor_open(job->input->evidence, 0);
    uint64_t count = 0;
    aver_err err = aver_cbor_read_array(&cursor, &count);
    if (err == AVER_OK && (count == 0 || count > AVER_GPU_DEVICES_MAX)) {
        err = count == 0 ? AVER_E_FORMAT : AVER_E_LIMIT;
    }
    for (uint64_t i = 0; i < count && err == AVER_OK; i++) {
        aver_attest_input device = {.roots = job->input->roots,
                                    .rim_roots = job->input->roots,
                                    .time_s = job->input->time_s,
                                    .cache = job->input->cache};
        err = gpu_read_device(&cursor, &device);
        if (err == AVER_OK) {
            err = gpu_judge_device(job, &device);
        }
    }
    return err == AVER_OK ? aver_cbor_end(&cursor) : err;
}

aver_err aver_gpu_judge(const aver_gpu_input *input, aver_verdict *verdict)
{
    static const char *const checks[] = {"gpu.evidence", "gpu.nonce", NULL};
    if (input->evidence.size == 0) {
        aver_verdict_skip_all(verdict, checks, "the bundle has no evidence of GPUs");
        return AVER_OK;
    }
    gpu_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return AVER_E_NOMEM;
    }
    job->input = input;
    job->told = verdict;
    aver_buf_init(&job->told_devices, AVER_CLAIMS_ROOM_BYTES);
    aver_err err = gpu_judge_devices(job);
    if (err == AVER_E_FORMAT || err == AVER_E_LIMIT || err == AVER_E_UNSUPPORTED) {
        gpu_fault(job, AVER_REASON_MALFORMED, "the list cannot be read", aver_err_text(err));
        err = AVER_OK;
    }
    if (err == AVER_OK && !job->fault) {
        aver_verdict_add(verdict, "gpu.evidence", AVER_CHECK_PASS,
                         "%zu devices, with all reference values", job->count);
    }
    if (err == AVER_OK && !job->fault && !job->nonce_fault) {
        aver_verdict_add(verdict, "gpu.nonce", AVER_CHECK_PASS, "%s",
                         aver_short_of(input->nonce).text);
    }
    aver_verdict_skip_all(verdict, checks, "the evidence of a GPU does not hold");
    gpu_claims_put(job);
    aver_buf_deinit(&job->told_devices);
    free(job);
    return err;
}
