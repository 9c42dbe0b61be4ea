/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/embed_jobs.h"

#include "base/secret.h"
#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_BYTES 160

struct aver_embed_job {
    aver_embed_job *next;
    uint64_t job_id;
    uint8_t caller[AVER_JOB_CALLER_BYTES];
    aver_embed_inputs inputs;
    size_t done; /* inputs that have their vector */
    aver_embed_digest digest;
};

void aver_embed_inputs_deinit(aver_embed_inputs *inputs)
{
    if (inputs->ids != NULL) {
        aver_wipe(inputs->ids, inputs->ids_count * sizeof(*inputs->ids));
    }
    free(inputs->ids);
    free(inputs->ends);
    *inputs = (aver_embed_inputs){0};
}

static aver_err inputs_wrong(char *why, aver_err err, const char *words)
{
    (void)snprintf(why, WHY_BYTES, "%s", words);
    return err;
}

/* Appends one input's ids. */
static aver_err inputs_append(aver_embed_inputs *inputs, const aver_ids *ids, char *why)
{
    if (ids->count == 0) {
        return inputs_wrong(why, AVER_E_FORMAT, "an input is empty");
    }
    if (ids->count > AVER_JOB_TOKENS_MAX - inputs->ids_count) {
        return inputs_wrong(why, AVER_E_LIMIT, "the inputs have more than 131072 tokens together");
    }
    size_t count = inputs->ids_count + ids->count;
    /* Not realloc, which would leave a copy behind. */
    int32_t *grown = malloc(count * sizeof(*grown));
    if (grown == NULL) {
        return AVER_E_NOMEM;
    }
    if (inputs->ids != NULL) {
        memcpy(grown, inputs->ids, inputs->ids_count * sizeof(*grown));
        aver_wipe(inputs->ids, inputs->ids_count * sizeof(*grown));
        free(inputs->ids);
    }
    memcpy(grown + inputs->ids_count, ids->ids, ids->count * sizeof(*grown));
    inputs->ids = grown;
    inputs->ids_count = count;
    inputs->ends[inputs->count++] = (uint32_t)count;
    return AVER_OK;
}

static aver_err inputs_one(const aver_embed *embed, const json_t *item, aver_embed_inputs *inputs,
                           char *why)
{
    char words[WHY_BYTES] = "";
    aver_ids ids = {0};
    if (!json_is_string(item)) {
        return inputs_wrong(why, AVER_E_FORMAT, "the inputs cannot be read");
    }
    aver_err err = aver_embed_tokenize(
        embed, aver_view_make(json_string_value(item), json_string_length(item)), &ids, words);
    if (err == AVER_E_LIMIT) {
        (void)snprintf(why, WHY_BYTES, "input %zu: %.120s", inputs->count, words);
    }
    err = err == AVER_OK ? inputs_append(inputs, &ids, why) : err;
    aver_ids_free(&ids);
    return err;
}

aver_err aver_embed_inputs_read(const aver_embed *embed, const aver_job *job,
                                aver_embed_inputs *ret_inputs, char ret_why[160])
{
    aver_embed_inputs inputs = {0};
    json_t *list = NULL;
    aver_err err =
        aver_json_parse(aver_buf_view(&job->prompt), AVER_JOB_PROMPT_BYTES_MAX, &list, NULL);
    if (err != AVER_OK || json_array_size(list) == 0 ||
        json_array_size(list) > AVER_JOB_INPUTS_MAX) {
        json_decref(list);
        return err == AVER_E_NOMEM
                   ? err
                   : inputs_wrong(ret_why, AVER_E_FORMAT, "the inputs cannot be read");
    }
    inputs.ends = calloc(json_array_size(list), sizeof(*inputs.ends));
    err = inputs.ends == NULL ? AVER_E_NOMEM : AVER_OK;
    for (size_t i = 0; i < json_array_size(list) && err == AVER_OK; i++) {
        err = inputs_one(embed, json_array_get(list, i), &inputs, ret_why);
    }
    json_decref(list);
    if (err != AVER_OK) {
        aver_embed_inputs_deinit(&inputs);
        return err;
    }
    *ret_inputs = inputs;
    return AVER_OK;
}

static void job_free(aver_embed_job *job)
{
    aver_embed_inputs_deinit(&job->inputs);
    free(job);
}

void aver_embed_jobs_deinit(aver_embed_jobs *jobs)
{
    while (jobs->first != NULL) {
        aver_embed_job *job = jobs->first;
        jobs->first = job->next;
        job_free(job);
    }
    *jobs = (aver_embed_jobs){0};
}

static void jobs_append(aver_embed_jobs *jobs, aver_embed_job *job)
{
    job->next = NULL;
    if (jobs->last != NULL) {
        jobs->last->next = job;
    } else {
        jobs->first = job;
    }
    jobs->last = job;
    jobs->count++;
}

static void jobs_remove(aver_embed_jobs *jobs, aver_embed_job *job, aver_embed_job *before)
{
    if (before != NULL) {
        before->next = job->next;
    } else {
        jobs->first = job->next;
    }
    if (jobs->last == job) {
        jobs->last = before;
    }
    jobs->count--;
}

static void jobs_emit(const aver_embed_jobs *jobs, const aver_event *event)
{
    jobs->on_event(event, jobs->context);
}

aver_err aver_embed_jobs_submit(aver_embed_jobs *jobs, uint64_t job_id, const aver_job *job)
{
    char why[WHY_BYTES] = "";
    if (jobs->count >= AVER_ENGINE_WAITING_MAX) {
        return AVER_E_LIMIT;
    }
    aver_embed_job *work = calloc(1, sizeof(*work));
    if (work == NULL) {
        return AVER_E_NOMEM;
    }
    work->job_id = job_id;
    memcpy(work->caller, job->caller, sizeof(work->caller));
    aver_err err = aver_embed_inputs_read(jobs->embed, job, &work->inputs, why);
    if (err != AVER_OK) {
        free(work);
        if (err != AVER_E_NOMEM) {
            jobs_emit(jobs, &(aver_event){.kind = AVER_EVENT_REFUSED,
                                          .job_id = job_id,
                                          .text = aver_view_text(
                                              why[0] != '\0' ? why : "the inputs cannot be read")});
        }
        return err == AVER_E_NOMEM ? err : AVER_OK;
    }
    aver_embed_digest_init(&work->digest, (uint32_t)work->inputs.count);
    jobs_append(jobs, work);
    jobs_emit(jobs, &(aver_event){.kind = AVER_EVENT_STARTED,
                                  .job_id = job_id,
                                  .prompt_ids = work->inputs.ids,
                                  .prompt_count = work->inputs.ids_count});
    return AVER_OK;
}

/* The last event of a job that was taken out of the list. */
static void job_end(const aver_embed_jobs *jobs, aver_embed_job *job, aver_finish finish)
{
    aver_event event = {.kind = AVER_EVENT_DONE, .job_id = job->job_id, .finish = finish};
    event.has_step_digest = finish == AVER_FINISH_STOP &&
                            aver_embed_info(jobs->embed)->profile == AVER_PROFILE_VERIFIED;
    memcpy(event.step_digest, job->digest.bytes, sizeof(event.step_digest));
    jobs_emit(jobs, &event);
    job_free(job);
}

void aver_embed_jobs_cancel(aver_embed_jobs *jobs, uint64_t job_id)
{
    aver_embed_job *before = NULL;
    for (aver_embed_job *job = jobs->first; job != NULL; before = job, job = job->next) {
        if (job->job_id == job_id) {
            jobs_remove(jobs, job, before);
            job_end(jobs, job, AVER_FINISH_ABORTED);
            return;
        }
    }
}

static aver_err job_vector(const aver_embed_jobs *jobs, aver_embed_job *job)
{
    const aver_embed_inputs *inputs = &job->inputs;
    uint32_t start = job->done == 0 ? 0 : inputs->ends[job->done - 1];
    const int32_t *ids = inputs->ids + start;
    size_t ids_count = inputs->ends[job->done] - start;
    uint32_t size = aver_embed_info(jobs->embed)->vector_size;
    const float *vector = NULL;
    aver_err err = aver_embed_vector(jobs->embed, ids, ids_count, &vector);
    if (err != AVER_OK) {
        return err;
    }
    aver_embed_digest_add(&job->digest, ids, ids_count, vector, size);
    jobs_emit(jobs, &(aver_event){.kind = AVER_EVENT_VECTOR,
                                  .job_id = job->job_id,
                                  .choice = (uint32_t)job->done,
                                  .vector = vector,
                                  .vector_count = size});
    job->done++;
    return AVER_OK;
}

/* Its other jobs go behind those of everybody else, in their order. */
static void jobs_put_back(aver_embed_jobs *jobs, const uint8_t *caller)
{
    aver_embed_job *before = NULL;
    aver_embed_job *job = jobs->first;
    for (size_t left = jobs->count; left > 0; left--) {
        aver_embed_job *next = job->next;
        if (memcmp(job->caller, caller, sizeof(job->caller)) == 0) {
            jobs_remove(jobs, job, before);
            jobs_append(jobs, job);
        } else {
            before = job;
        }
        job = next;
    }
}

void aver_embed_jobs_step(aver_embed_jobs *jobs)
{
    aver_embed_job *job = jobs->first;
    if (job == NULL) {
        return;
    }
    jobs_remove(jobs, job, NULL);
    jobs_put_back(jobs, job->caller);
    aver_err err = job_vector(jobs, job);
    if (err == AVER_OK && job->done < job->inputs.count) {
        jobs_append(jobs, job);
    } else {
        job_end(jobs, job, err == AVER_OK ? AVER_FINISH_STOP : AVER_FINISH_ERROR);
    }
}
