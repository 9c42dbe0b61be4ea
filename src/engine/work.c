/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/work.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_BYTES 160

static aver_err work_copy_job(aver_work *work, const aver_job *job)
{
    aver_job *copy = &work->job;
    aver_err err = AVER_OK;
    copy->endpoint = job->endpoint;
    copy->max_tokens = job->max_tokens;
    copy->sampling = job->sampling;
    copy->choices_count = job->choices_count;
    copy->has_logprobs = job->has_logprobs;
    copy->top_logprobs = job->top_logprobs;
    copy->has_cache_scope = job->has_cache_scope;
    memcpy(copy->cache_scope, job->cache_scope, sizeof(copy->cache_scope));
    memcpy(copy->caller, job->caller, sizeof(copy->caller));
    for (size_t i = 0; i < job->stops_count && err == AVER_OK; i++) {
        aver_buf *stop = &copy->stops[copy->stops_count++];
        aver_buf_init(stop, AVER_JOB_STOP_BYTES_MAX);
        aver_buf_append(stop, aver_buf_view(&job->stops[i]));
        err = aver_buf_status(stop);
    }
    if (err == AVER_OK && job->biases_count > 0) {
        copy->biases = calloc(job->biases_count, sizeof(*copy->biases));
        if (copy->biases == NULL) {
            return AVER_E_NOMEM;
        }
        memcpy(copy->biases, job->biases, job->biases_count * sizeof(*copy->biases));
        copy->biases_count = job->biases_count;
    }
    return err;
}

static aver_err work_check(const aver_work *work, const aver_host *host, char *why)
{
    const aver_engine_info *info = aver_host_info(host);
    if (work->choices_count > info->slots) {
        (void)snprintf(why, WHY_BYTES, "%u choices are more than the %u that this node gives",
                       (unsigned)work->choices_count, (unsigned)info->slots);
        return AVER_E_LIMIT;
    }
    for (size_t i = 0; i < work->job.biases_count; i++) {
        int32_t token = work->job.biases[i].token;
        if (token < 0 || (uint32_t)token >= info->vocabulary_size) {
            (void)snprintf(why, WHY_BYTES, "logit_bias: there is no token %d in this model",
                           (int)token);
            return AVER_E_FORMAT;
        }
    }
    return AVER_OK;
}

aver_err aver_work_new(const aver_host *host, uint64_t job_id, const aver_job *job,
                       aver_work **ret_work, char ret_why[160])
{
    aver_work *work = calloc(1, sizeof(*work));
    if (work == NULL) {
        return AVER_E_NOMEM;
    }
    work->job_id = job_id;
    work->choices_count = job->choices_count < 1 ? 1 : job->choices_count;
    AVER_ASSERT(work->choices_count <= AVER_JOB_CHOICES_MAX);
    aver_err err = work_copy_job(work, job);
    err = err == AVER_OK ? work_check(work, host, ret_why) : err;
    err = err == AVER_OK
              ? aver_prompt_read(aver_host_prompt(host), job, aver_host_info(host)->context_tokens,
                                 &work->prompt, ret_why)
              : err;
    err = err == AVER_OK ? aver_speech_plan_new(host, job, &work->plan, ret_why) : err;
    if (err != AVER_OK) {
        aver_work_free(work);
        return err;
    }
    *ret_work = work;
    return AVER_OK;
}

void aver_work_free(aver_work *work)
{
    if (work == NULL) {
        return;
    }
    for (uint32_t i = 0; i < work->choices_count && work->answers != NULL; i++) {
        aver_answer_deinit(&work->answers[i]);
    }
    free(work->answers);
    aver_speech_plan_free(work->plan);
    aver_ids_free(&work->prompt);
    aver_job_deinit(&work->job);
    free(work);
}

aver_err aver_work_start(aver_work *work, const aver_host *host)
{
    aver_err err = AVER_OK;
    work->answers = calloc(work->choices_count, sizeof(*work->answers));
    if (work->answers == NULL) {
        return AVER_E_NOMEM;
    }
    for (uint32_t i = 0; i < work->choices_count && err == AVER_OK; i++) {
        err = aver_answer_init(&work->answers[i], host, &work->job, work->plan, i, work->prompt.ids,
                               work->prompt.count);
    }
    return err;
}

void aver_work_end_choice(aver_work *work, uint32_t choice)
{
    aver_answer *answer = &work->answers[choice];
    memcpy(work->digests[choice], answer->digest, AVER_SHA256_BYTES);
    work->ended[choice] = true;
    work->ended_count++;
    work->generated_count += answer->generated_count;
    work->finish = answer->finish > work->finish ? answer->finish : work->finish;
    aver_answer_deinit(answer);
}

uint32_t aver_work_generated(const aver_work *work)
{
    uint32_t count = work->generated_count;
    for (uint32_t i = 0; i < work->choices_count && work->answers != NULL; i++) {
        count += work->ended[i] ? 0 : work->answers[i].generated_count;
    }
    return count;
}

bool aver_work_digest(const aver_work *work, uint8_t ret_digest[static AVER_SHA256_BYTES])
{
    uint8_t digests[AVER_JOB_CHOICES_MAX][AVER_SHA256_BYTES];
    if (work->answers == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < work->choices_count; i++) {
        memcpy(digests[i], work->ended[i] ? work->digests[i] : work->answers[i].digest,
               AVER_SHA256_BYTES);
    }
    aver_answer_join_digests((const uint8_t(*)[AVER_SHA256_BYTES])digests, work->choices_count,
                             ret_digest);
    return true;
}
