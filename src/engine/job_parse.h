/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_JOB_PARSE_H
#define AVER_ENGINE_JOB_PARSE_H

/* job_parse: what the readers of a request body share; private to src/engine/job*.c. */

#include "codec/json.h"
#include "engine/job.h"

#define AVER_JOB_PARAM_BYTES 64

typedef struct job_parse {
    aver_job job;
    aver_job_refusal refusal;
    bool has_max_tokens;
    bool has_prompt;
    bool has_stream_options;
    bool has_top_logprobs;
    uint32_t best_of;           /* 0: not given */
    const json_t *tools;        /* borrowed from the body; NULL: none */
    const json_t *input;        /* RESPONSES, the same */
    const json_t *instructions; /* the same */
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

/* Values. param names the member in a refusal. */
AVER_MUST_USE aver_err aver_job_read_ppm(job_parse *parse, const char *param, const json_t *value,
                                         double least, double most, int64_t *ret_ppm);
AVER_MUST_USE aver_err aver_job_read_integer(job_parse *parse, const char *param,
                                             const json_t *value, json_int_t least, json_int_t most,
                                             json_int_t *ret_number);
AVER_MUST_USE aver_err aver_job_read_bool(job_parse *parse, const char *param, const json_t *value,
                                          bool *ret_bool);
/* A string of least to most bytes. */
AVER_MUST_USE aver_err aver_job_read_text(job_parse *parse, const char *param, const json_t *value,
                                          size_t least, size_t most, aver_view *ret_text);
/* The name of a function or a schema: 1 to 64 of A-Z a-z 0-9 _ -. */
AVER_MUST_USE aver_err aver_job_read_name(job_parse *parse, const char *param, const json_t *value,
                                          char ret_name[AVER_JOB_TOOL_NAME_BYTES_MAX + 1]);
/* "tools[3].name", or "tools[3]" without a member. The result is param. */
const char *aver_job_param(char param[static AVER_JOB_PARAM_BYTES], const char *array, size_t index,
                           const char *member);
/* Reads one part of a content, and appends its text. */
typedef aver_err aver_job_part_fn(job_parse *parse, const char *param, const json_t *part,
                                  aver_buf *text);
/* Appends the text of a content: a string, or an array of 1 to 256 parts. */
AVER_MUST_USE aver_err aver_job_read_content(job_parse *parse, const char *param,
                                             const json_t *content, aver_job_part_fn *part,
                                             aver_buf *text);
/* "tools[3].", for aver_job_refuse_unknown. */
const char *aver_job_prefix(char param[static AVER_JOB_PARAM_BYTES], const char *array,
                            size_t index);
bool aver_job_is_one_of(const char *text, const char *const *names, size_t count);
/* True if value is a string and this one. */
bool aver_job_is_text(const json_t *value, const char *text);

/* Readers of one member each. */
typedef aver_err aver_job_member_fn(job_parse *parse, const char *key, const json_t *value);

aver_job_member_fn aver_job_claims_read;
/* job_messages.c */
aver_job_member_fn aver_job_messages;
/* job_input.c */
aver_job_member_fn aver_job_prompt;
aver_job_member_fn aver_job_embeddings_input;
aver_job_member_fn aver_job_encoding_format;
aver_job_member_fn aver_job_dimensions;
aver_job_member_fn aver_job_content;
aver_job_member_fn aver_job_add_special;
aver_job_member_fn aver_job_with_pieces;
aver_job_member_fn aver_job_tokens;
/* job_sampling.c */
aver_job_member_fn aver_job_max_tokens;
aver_job_member_fn aver_job_temperature;
aver_job_member_fn aver_job_top_p;
aver_job_member_fn aver_job_min_p;
aver_job_member_fn aver_job_top_k;
aver_job_member_fn aver_job_repetition;
aver_job_member_fn aver_job_frequency;
aver_job_member_fn aver_job_presence;
aver_job_member_fn aver_job_seed;
aver_job_member_fn aver_job_stop;
aver_job_member_fn aver_job_choices;
aver_job_member_fn aver_job_best_of;
aver_job_member_fn aver_job_logprobs;
aver_job_member_fn aver_job_top_logprobs;
aver_job_member_fn aver_job_logit_bias;
/* job_tools.c */
aver_job_member_fn aver_job_tools;
aver_job_member_fn aver_job_tool_choice;
aver_job_member_fn aver_job_parallel;
/* job_format.c */
aver_job_member_fn aver_job_response_format;
aver_job_member_fn aver_job_text;
/* job_responses.c */
aver_job_member_fn aver_job_responses_input;
aver_job_member_fn aver_job_instructions;
aver_job_member_fn aver_job_include;
/* job_plain.c: what has no effect, or none but for one value */
aver_job_member_fn aver_job_stream;
aver_job_member_fn aver_job_stream_options;
aver_job_member_fn aver_job_cache_key;
aver_job_member_fn aver_job_label;
aver_job_member_fn aver_job_store;
aver_job_member_fn aver_job_metadata;
aver_job_member_fn aver_job_service_tier;
aver_job_member_fn aver_job_retention;
aver_job_member_fn aver_job_verbosity;
aver_job_member_fn aver_job_effort;
aver_job_member_fn aver_job_reasoning;
aver_job_member_fn aver_job_modalities;
aver_job_member_fn aver_job_truncation;
aver_job_member_fn aver_job_false;
aver_job_member_fn aver_job_empty;
aver_job_member_fn aver_job_refused;

/* What can be judged only when all members are there. */
AVER_MUST_USE aver_err aver_job_logprobs_complete(job_parse *parse);
AVER_MUST_USE aver_err aver_job_tools_complete(job_parse *parse);
AVER_MUST_USE aver_err aver_job_responses_complete(job_parse *parse);

/* One message in the form that the engine reads; texts are UTF-8, views may be empty. */
typedef struct job_message {
    aver_view content;
    const char *role;
    const json_t *name; /* NULL: none */
    aver_view tool_call_id;
    aver_view tool_calls; /* JSON array */
} job_message;

/* Appends it to the prompt, with a comma if it is not the first. */
AVER_MUST_USE aver_err aver_job_message_put(job_parse *parse, const job_message *message);
/* Appends {"function":{"arguments","name"},"id","type":"function"}, with a comma if calls is not
 * empty. */
AVER_MUST_USE aver_err aver_job_call_put(aver_buf *calls, const char *name, aver_view arguments,
                                         aver_view id);

#endif
