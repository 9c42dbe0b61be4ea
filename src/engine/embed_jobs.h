/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_EMBED_JOBS_H
#define AVER_ENGINE_EMBED_JOBS_H

/*
 * embed_jobs: the requests for vectors of one engine. Each step computes one input of one request;
 * callers take turns, and the requests of each caller, so that a hundred of two thousand inputs
 * make another caller wait for one input.
 *
 *   submit -> STARTED (the ids of all inputs) VECTOR VECTOR ... DONE, or REFUSED alone
 *
 * Threads: one owner.
 */

#include "engine/embed.h"

typedef struct aver_embed_job aver_embed_job;

typedef struct aver_embed_jobs {
    aver_embed *embed; /* borrowed */
    aver_event_fn *on_event;
    void *context;
    aver_embed_job *first, *last; /* first: whose turn it is */
    size_t count;
} aver_embed_jobs;

/* Frees those that are left, without an event. */
void aver_embed_jobs_deinit(aver_embed_jobs *jobs);
/* LIMIT or NOMEM: no event was given. */
AVER_MUST_USE aver_err aver_embed_jobs_submit(aver_embed_jobs *jobs, uint64_t job_id,
                                              const aver_job *job);
void aver_embed_jobs_cancel(aver_embed_jobs *jobs, uint64_t job_id);
/* One input. */
void aver_embed_jobs_step(aver_embed_jobs *jobs);

/* The ids of all inputs of a job, as engine and re-check read them. */
typedef struct aver_embed_inputs {
    int32_t *ids; /* owned; of all inputs one after the other */
    size_t ids_count;
    uint32_t *ends; /* owned; where each input ends */
    size_t count;
} aver_embed_inputs;

/* FORMAT or LIMIT with words in ret_why; NOMEM. */
AVER_MUST_USE aver_err aver_embed_inputs_read(const aver_embed *embed, const aver_job *job,
                                              aver_embed_inputs *ret_inputs, char ret_why[160]);
void aver_embed_inputs_deinit(aver_embed_inputs *inputs);

#endif
