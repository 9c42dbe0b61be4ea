/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_WORK_H
#define AVER_ENGINE_WORK_H

/*
 * work: one job from its submission to its last event: its prompt as token ids, what its answers
 * need of the job, and, while it has slots, one answer for each choice. The answers are made when
 * the slots are there, so that the memory of samplers is bounded by the slots. Threads: one owner.
 */

#include "engine/answer.h"

typedef struct aver_work {
    struct aver_work *next; /* in the queue */
    uint64_t job_id;
    aver_job job; /* without model, prompt, tools, schema: what answers read */
    aver_ids prompt;
    aver_speech_plan *plan; /* NULL: plain text */
    uint32_t choices_count;
    aver_answer *answers; /* choices_count of them; NULL before aver_work_start */
    uint32_t calls_counts[AVER_JOB_CHOICES_MAX];              /* calls of tools told so far */
    uint8_t digests[AVER_JOB_CHOICES_MAX][AVER_SHA256_BYTES]; /* of the choices that ended */
    bool ended[AVER_JOB_CHOICES_MAX];
    uint32_t ended_count;
    uint32_t generated_count; /* of all choices that ended */
    aver_finish finish;       /* of those the highest */
} aver_work;

/*
 * Reads prompt and plan. LIMIT, FORMAT or UNSUPPORTED with words in ret_why: the job cannot be
 * done; NOMEM.
 */
AVER_MUST_USE aver_err aver_work_new(const aver_host *host, uint64_t job_id, const aver_job *job,
                                     aver_work **ret_work, char ret_why[160]);
void aver_work_free(aver_work *work);
AVER_MUST_USE aver_err aver_work_start(aver_work *work, const aver_host *host);
/* Takes note of the end of a choice; its answer's memory is given back. */
void aver_work_end_choice(aver_work *work, uint32_t choice);
/* Tokens of all choices up to now. */
uint32_t aver_work_generated(const aver_work *work);
/* The digest of all choices up to now; false if the work was not started. */
bool aver_work_digest(const aver_work *work, uint8_t ret_digest[static AVER_SHA256_BYTES]);

#endif
