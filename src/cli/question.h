/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_QUESTION_H
#define AVER_CLI_QUESTION_H

/*
 * question: what the user asks, and the request body made of it: OpenAI's members, and the member
 * "aver" by which the client's claims travel inside the seal.
 */

#include "engine/job.h"

#define AVER_QUESTION_BODY_BYTES_MAX AVER_JOB_BODY_BYTES_MAX

typedef struct aver_question {
    aver_endpoint endpoint;
    const char *model;  /* name as the keyset has it */
    const char *system; /* NULL: none; CHAT only */
    aver_view prompt;   /* valid UTF-8 */
    uint32_t max_tokens;
    uint32_t temperature_ppm;
    uint64_t seed;
} aver_question;

typedef struct aver_question_claims {
    uint8_t keyset_digest[32];
    uint8_t evidence_digest[32];
    uint8_t nonce[32];
    uint64_t deadline_ms;
} aver_question_claims;

/* Appends the body. FORMAT if a text is no UTF-8. */
AVER_MUST_USE aver_err aver_question_encode(const aver_question *question,
                                            const aver_question_claims *claims, aver_buf *ret_body);

#endif
