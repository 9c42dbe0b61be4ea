/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_SPEECH_H
#define AVER_ENGINE_SPEECH_H

/*
 * speech: what a job asks of the form of its answer: tools that may or must be called, JSON, a JSON
 * schema. The plan is made once a job, before its first token, and shared by its choices; all that
 * can be wrong with tools or schema shows here.
 */

#include "engine/host.h"
#include "engine/job.h"

typedef struct aver_speech_plan aver_speech_plan;

/* One whole call of a tool. */
typedef struct aver_speech_call {
    aver_view name;
    aver_view arguments; /* JSON text of an object */
} aver_speech_call;

/*
 * *ret_plan is NULL for a job that asks for plain text: it costs nothing then. LIMIT, FORMAT or
 * UNSUPPORTED with words in ret_why that name what of tools or schema cannot be done: the job is
 * refused. The host must outlive the plan; nothing of the job is borrowed.
 */
AVER_MUST_USE aver_err aver_speech_plan_new(const aver_host *host, const aver_job *job,
                                            aver_speech_plan **ret_plan, char ret_why[160]);
void aver_speech_plan_free(aver_speech_plan *plan);

#endif
