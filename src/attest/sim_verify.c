/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/sim_verify.h"

#include "attest/compare.h"
#include "attest/fields.h"
#include "crypto/ed25519.h"

#include <string.h>

enum { SIM_STATEMENT_BYTES_MAX = 512, SIM_MESSAGE_BYTES_MAX = 1024 };

typedef struct sim_evidence {
    char words[64];
    aver_sim_device device;
    aver_view statement_bytes;
    uint8_t signature[64];
} sim_evidence;

static aver_err sim_put_device(const void *record, aver_buf *out)
{
    const aver_sim_device *device = &((const sim_evidence *)record)->device;
    aver_cbor_put_array(out, 3);
    aver_cbor_put_bytes(out, AVER_VIEW_OF(device->key));
    aver_cbor_put_bytes(out, AVER_VIEW_OF(device->machine_id));
    aver_cbor_put_bytes(out, AVER_VIEW_OF(device->signature));
    return AVER_OK;
}

static aver_err sim_get_device(aver_cbor_cursor *cursor, void *record)
{
    aver_sim_device *device = &((sim_evidence *)record)->device;
    uint64_t count;
    aver_err err = aver_cbor_read_array(cursor, &count);
    if (err == AVER_OK && count != 3) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        err = aver_cbor_read_fixed(cursor, device->key, sizeof device->key);
    }
    if (err == AVER_OK) {
        err = aver_cbor_read_fixed(cursor, device->machine_id, sizeof device->machine_id);
    }
    if (err == AVER_OK) {
        err = aver_cbor_read_fixed(cursor, device->signature, sizeof device->signature);
    }
    return err;
}

static const aver_field sim_evidence_fields[] = {
    {.key = 0, .kind = AVER_FIELD_TEXT, .offset = offsetof(sim_evidence, words), .size = 64},
    {.key = 1, .kind = AVER_FIELD_NESTED, .put = sim_put_device, .get = sim_get_device},
    {.key = 2,
     .kind = AVER_FIELD_VIEW,
     .offset = offsetof(sim_evidence, statement_bytes),
     .size = SIM_STATEMENT_BYTES_MAX},
    {.key = 3, .kind = AVER_FIELD_FIXED, .offset = offsetof(sim_evidence, signature), .size = 64},
};

static const aver_field sim_statement_fields[] = {
    {.key = 0, .kind = AVER_FIELD_VERSION, .size = 1},
    {.key = 1,
     .kind = AVER_FIELD_FIXED,
     .offset = offsetof(aver_sim_statement, program),
     .size = 32},
    {.key = 2,
     .kind = AVER_FIELD_FIXED,
     .offset = offsetof(aver_sim_statement, report_data),
     .size = 64},
    {.key = 3, .kind = AVER_FIELD_UINT, .offset = offsetof(aver_sim_statement, time_ms)},
    {.key = 4, .kind = AVER_FIELD_UINT, .offset = offsetof(aver_sim_statement, tcb)},
    {.key = 5, .kind = AVER_FIELD_BOOL, .offset = offsetof(aver_sim_statement, debug)},
};

aver_err aver_sim_statement_encode(const aver_sim_statement *statement, aver_buf *ret_bytes)
{
    return aver_fields_put(sim_statement_fields, AVER_FIELDS_COUNT(sim_statement_fields), statement,
                           ret_bytes);
}

aver_err aver_sim_evidence_encode(const aver_sim_device *device, aver_view statement,
                                  const uint8_t signature[static 64], aver_buf *ret_evidence)
{
    sim_evidence evidence = {
        .words = AVER_SIM_WORDS, .device = *device, .statement_bytes = statement};
    memcpy(evidence.signature, signature, sizeof evidence.signature);
    return aver_fields_put(sim_evidence_fields, AVER_FIELDS_COUNT(sim_evidence_fields), &evidence,
                           ret_evidence);
}

static aver_err sim_decode(aver_view bytes, sim_evidence *evidence, aver_sim_statement *statement)
{
    aver_cbor_cursor cursor = aver_cbor_open(bytes, 0);
    aver_err err = aver_fields_get(sim_evidence_fields, AVER_FIELDS_COUNT(sim_evidence_fields),
                                   &cursor, evidence);
    if (err == AVER_OK) {
        err = aver_cbor_end(&cursor);
    }
    if (err == AVER_OK && strcmp(evidence->words, AVER_SIM_WORDS) != 0) {
        err = AVER_E_FORMAT;
    }
    if (err != AVER_OK) {
        return err;
    }
    cursor = aver_cbor_open(evidence->statement_bytes, 0);
    err = aver_fields_get(sim_statement_fields, AVER_FIELDS_COUNT(sim_statement_fields), &cursor,
                          statement);
    return err == AVER_OK ? aver_cbor_end(&cursor) : err;
}

/* Signature over tag || a || b. OK, PROOF or FORMAT for what was signed; others for a system that
 * fails. */
static aver_err sim_signature(const uint8_t key[static 32], const char *tag, aver_view a,
                              aver_view b, const uint8_t signature[static 64])
{
    aver_buf message;
    aver_buf_init(&message, SIM_MESSAGE_BYTES_MAX);
    aver_buf_append_text(&message, tag);
    aver_buf_append(&message, a);
    aver_buf_append(&message, b);
    aver_err err = aver_buf_status(&message);
    if (err == AVER_OK) {
        err = aver_ed25519_verify(key, aver_buf_view(&message), signature);
    }
    aver_buf_deinit(&message);
    return err;
}

static aver_err sim_judge_root(const sim_evidence *evidence, const aver_roots *roots,
                               aver_verdict *verdict)
{
    if (!roots->has_sim_root) {
        aver_verdict_add(verdict, "platform.root", AVER_CHECK_FAIL, "no simulator root given");
        return AVER_OK;
    }
    aver_err err =
        sim_signature(roots->sim_root, AVER_SIM_DEVICE_TAG, AVER_VIEW_OF(evidence->device.key),
                      AVER_VIEW_OF(evidence->device.machine_id), evidence->device.signature);
    if (err != AVER_OK && err != AVER_E_PROOF && err != AVER_E_FORMAT) {
        return err;
    }
    aver_short root = aver_short_of(AVER_VIEW_OF(roots->sim_root));
    aver_verdict_add(verdict, "platform.root", err == AVER_OK ? AVER_CHECK_PASS : AVER_CHECK_FAIL,
                     err == AVER_OK ? "simulator root %s, which proves nothing"
                                    : "the device is not certified by simulator root %s",
                     root.text);
    return AVER_OK;
}

static aver_err sim_judge_signature(const sim_evidence *evidence, aver_verdict *verdict)
{
    aver_err err = sim_signature(evidence->device.key, AVER_SIM_STATEMENT_TAG,
                                 evidence->statement_bytes, (aver_view){0}, evidence->signature);
    if (err != AVER_OK && err != AVER_E_PROOF && err != AVER_E_FORMAT) {
        return err;
    }
    aver_short key = aver_short_of(AVER_VIEW_OF(evidence->device.key));
    aver_verdict_add(
        verdict, "evidence.signature", err == AVER_OK ? AVER_CHECK_PASS : AVER_CHECK_FAIL,
        err == AVER_OK ? "device key %s" : "the signature of device key %s does not hold",
        key.text);
    return AVER_OK;
}

/* The simulator's certificates do not expire. */
static aver_err sim_judge(const aver_platform_input *input, aver_verdict *verdict,
                          aver_claims *ret_claims, bool *ret_readable)
{
    const aver_bundle *bundle = input->bundle;
    sim_evidence evidence = {0};
    aver_sim_statement statement = {0};
    aver_err err = sim_decode(bundle->evidence, &evidence, &statement);
    if (err != AVER_OK) {
        aver_verdict_add(verdict, "evidence.format", AVER_CHECK_FAIL,
                         "the simulator's evidence is %s", aver_err_text(err));
        return AVER_OK;
    }
    if (bundle->collateral_count || bundle->event_log.size || bundle->gpu_evidence.size) {
        aver_verdict_add(verdict, "evidence.format", AVER_CHECK_FAIL,
                         "the simulator has no collateral, event log or GPU evidence to judge");
        return AVER_OK;
    }
    aver_verdict_add(verdict, "evidence.format", AVER_CHECK_PASS, "%s", evidence.words);
    err = sim_judge_root(&evidence, input->roots, verdict);
    if (err == AVER_OK) {
        err = sim_judge_signature(&evidence, verdict);
    }
    if (err != AVER_OK) {
        return err;
    }
    aver_claims_init(ret_claims);
    ret_claims->has_report_data = true;
    ret_claims->debug = statement.debug;
    ret_claims->simulated = true;
    ret_claims->has_time = true;
    ret_claims->time_ms = statement.time_ms;
    ret_claims->tcb = statement.tcb;
    ret_claims->measurements_count = 1;
    ret_claims->machine_id_size = sizeof evidence.device.machine_id;
    memcpy(ret_claims->report_data, statement.report_data, sizeof statement.report_data);
    ret_claims->measurements[0].kind = "program";
    ret_claims->measurements[0].size = sizeof statement.program;
    memcpy(ret_claims->measurements[0].bytes, statement.program, sizeof statement.program);
    memcpy(ret_claims->machine_id, evidence.device.machine_id, sizeof evidence.device.machine_id);
    *ret_readable = true;
    return AVER_OK;
}

const aver_platform aver_platform_sim = {.name = "sim", .simulated = true, .judge = sim_judge};
