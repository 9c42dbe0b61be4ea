/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_JOB_PARSE_H
#define AVER_ENGINE_JOB_PARSE_H

/* job_parse: what the readers of a request body share; private to src/engine/job*.c. */

#include "codec/json.h"
#include "engine/job.h"

typedef struct job_parse {
    aver_job job;
    aver_job_refusal refusal;
    bool has_max_tokens;
    bool has_prompt;
    bool has_stream_options;
} job_parse;

/* Each fills the refusal and returns err (FORMAT, UNSUPPORTED and FORMAT for the last three). */
AVER_MUST_USE aver_err aver_job_refuse(job_parse *parse, aver_err err, const char *code,
                                       const char *param, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
AVER_MUST_USE aver_err aver_job_refuse_value(job_parse *parse, const char *param,
                                             const char *wanted);
AVER_MUST_USE aver_err aver_job_refuse_unsupported(job_parse *parse, const char *param);
AVER_MUST_USE aver_err aver_job_refuse_unknown(job_parse *parse, const char *prefix,
                                               const char *key);

AVER_MUST_USE aver_err aver_job_messages(job_parse *parse, const char *key, const json_t *value);
AVER_MUST_USE aver_err aver_job_claims_read(job_parse *parse, const char *key, const json_t *value);

#endif
