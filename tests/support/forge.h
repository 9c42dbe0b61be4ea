/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TEST_FORGE_H
#define AVER_TEST_FORGE_H

/*
 * forge: a whole answer (keyset, evidence, bundle, receipt, stream, capsule) made from fixed seeds
 * and a fixed time, the same bytes on every run, with a hook at each stage where a test may tamper
 * before later stages sign or hash. With no hooks everything is as a good node makes it, and every
 * check that can pass does.
 *
 *   forge_state f;
 *   forge_init(&f);
 *   f.edits.edit_receipt = my_tampering;
 *   forge_build(&f);
 *   forge_judge_answer(&f, &verdict);    or forge_judge_connect, forge_judge_capsule
 *   forge_deinit(&f);
 *
 * A forge is large: keep it static. Failures inside end the program.
 */

#include "attest/sim_verify.h"
#include "aver/stream.h"
#include "aver/verify.h"
#include "crypto/ed25519.h"

/* 2026-03-01T12:00:00Z, the reader's clock in every forged answer. */
#define FORGE_NOW_MS 1772366400000ull
#define FORGE_EVENTS 70 /* enough for one head before the end */
#define FORGE_SEED   0x1122334455667788ull

/* Choices and hooks; set between forge_init and forge_build. */
typedef struct forge_edits {
    bool whole;    /* a whole body instead of a stream */
    bool unsealed; /* over TLS alone */
    bool cut;      /* the capsule is of a stream that ended after its first head */
    bool stripped; /* the capsule has no request, response or tokens */
    bool named;    /* the events of the stream have names, as those of responses */
    bool choices;  /* the answer has two choices */
    void (*edit_policy)(aver_buf *json);
    void (*edit_keyset)(aver_keyset *keyset);
    void (*edit_keyset_bytes)(aver_buf *bytes);
    void (*edit_statement)(aver_sim_statement *statement);
    void (*edit_device)(aver_sim_device *device);
    void (*edit_evidence)(aver_buf *evidence);
    void (*edit_bundle)(aver_bundle *bundle);
    void (*edit_bundle_bytes)(aver_buf *bytes);
    void (*edit_receipt)(aver_receipt *receipt);
    void (*edit_receipt_bytes)(aver_buf *bytes);
    void (*edit_opening)(aver_opening *opening);
    void (*edit_head)(aver_head *head);
    void (*edit_transcript)(aver_transcript *transcript);
    void (*edit_context)(aver_verify_context *context);
    void (*edit_capsule)(aver_capsule *capsule);
    void (*edit_capsule_bytes)(aver_buf *bytes);
} forge_edits;

typedef struct forge_state {
    forge_edits edits;

    /* Results of forge_build. */
    aver_ed25519 *root_key, *device_key, *receipt_key;
    aver_keyset keyset;
    aver_receipt receipt;
    aver_opening opening;
    aver_head head;
    aver_buf keyset_bytes, evidence, bundle, receipt_bytes, opening_bytes, head_bytes;
    aver_buf request, response, tokens, config, capsule;
    uint8_t salt[32], enc[32], nonce[32], client_nonce[32], tls_digest[32];
    aver_policy *policy;
    aver_verify_context context;
    aver_transcript transcript;
} forge_state;

void forge_init(forge_state *forge);
void forge_build(forge_state *forge);
void forge_deinit(forge_state *forge);

/* 32 bytes that only depend on the name. */
void forge_bytes(const char *name, uint8_t ret_bytes[static 32]);
/* The public key of the forge's simulator root. */
void forge_sim_root(uint8_t ret_key[static 32]);
/* The policy that accepts the good answer. */
void forge_policy_text(aver_buf *out);

/* Each fills an initialised verdict and says whether the policy accepts it for that use. */
bool forge_judge_connect(forge_state *forge, aver_verdict *verdict);
bool forge_judge_answer(forge_state *forge, aver_verdict *verdict);
bool forge_judge_capsule(forge_state *forge, aver_verdict *verdict);

#endif
