/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_FOREIGN_WORK_H
#define AVER_ATTEST_FOREIGN_WORK_H

/*
 * foreign_work: what the formats of others share. Each is a file: foreign_near, foreign_aci (with
 * foreign_aci_receipt), foreign_tinfoil; dstack judges what two of them carry.
 */

#include "aver/foreign.h"

#include <jansson.h>

typedef struct aver_foreign_work {
    const aver_foreign_input *input;
    aver_foreign_judged *judged;
    aver_attest_input evidence; /* a copy, into which a format puts collateral of its file */
    json_t *message, *report, *session; /* owned; NULL: not given or not read */
} aver_foreign_work;

typedef struct aver_foreign_format {
    const char *name;
    bool has_report;
    /* All checks beside those of the evidence, NULL-terminated. */
    const char *const *checks;
    /* Those that must pass; foreign.nonce besides, unless any_age. */
    const char *const *required;
    /* message and report are read. Adds checks in the order of the table. */
    aver_err (*judge)(aver_foreign_work *work);
    /* True if the object, an unjudged message, can be of no other format. */
    bool (*fits)(const json_t *message);
} aver_foreign_format;

extern const aver_foreign_format aver_foreign_near, aver_foreign_aci, aver_foreign_tinfoil;

/* foreign.format FAIL with words; gives AVER_OK. */
aver_err aver_foreign_malformed(aver_foreign_work *work, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A text member, or an empty view. */
aver_view aver_foreign_text(const json_t *object, const char *name);
/* Hex of either case, with or without "0x", of exactly size bytes. */
bool aver_foreign_hex(aver_view text, uint8_t *ret_bytes, size_t size);
/* Lower-case hex of exactly size bytes and nothing before it. */
bool aver_foreign_lower_hex(aver_view text, uint8_t *ret_bytes, size_t size);
/* "sha256:" and lower-case hex. */
bool aver_foreign_digest(aver_view text, uint8_t ret_digest[static 32]);
/* An object or array that stands there itself or as JSON in a text; NULL where there is none that
 * can be read. The caller drops it. */
aver_err aver_foreign_nested(json_t *value, json_t **ret_json);

/* Judges judged->evidence; claims are filled. */
AVER_MUST_USE aver_err aver_foreign_evidence(aver_foreign_work *work, aver_family family);
/*
 * gpu.evidence and gpu.nonce of objects {"certificate":base64,"evidence":base64}; nonce is the one
 * that the CPU's evidence commits to. items may be NULL: there are none.
 */
AVER_MUST_USE aver_err aver_foreign_gpus(aver_foreign_work *work, json_t *items,
                                         const uint8_t nonce[static 32]);
/* The report data of the evidence, NULL where there is none. */
const uint8_t *aver_foreign_report_data(const aver_foreign_work *work);
/* foreign.binding: the first size bytes (32 or 64) of the report data, and zeros behind them. */
void aver_foreign_binding_told(aver_foreign_work *work, aver_view wanted, const char *words_good,
                               const char *words_bad);
/* Compares the SHA-256 of what the reader has with a digest; SKIP where it has nothing. */
void aver_foreign_body_told(aver_foreign_work *work, const char *check, const aver_view *body,
                            const uint8_t digest[static 32], const char *what);

/*
 * dstack.events and dstack.compose: an event log that is shown must give the RTMR3 of the evidence,
 * each digest computed again from the event's fields; a compose document that is shown must be the
 * one that was measured, in the log before the system was ready or in MRCONFIGID.
 */
AVER_MUST_USE aver_err aver_dstack_judge(aver_foreign_work *work, json_t *event_log,
                                         aver_view compose);

#endif
