/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job.h"

#include "engine/job_parse.h"

#include <stdlib.h>
#include <string.h>

#define MODEL_BYTES_MAX           256
#define COMPLETION_TOKENS_DEFAULT 16

/* Where a member is read. */
enum {
    CHAT = 1u << AVER_ENDPOINT_CHAT,
    COMPLETION = 1u << AVER_ENDPOINT_COMPLETION,
    EMBEDDINGS = 1u << AVER_ENDPOINT_EMBEDDINGS,
    RESPONSES = 1u << AVER_ENDPOINT_RESPONSES,
    TOKENIZE = 1u << AVER_ENDPOINT_TOKENIZE,
    DETOKENIZE = 1u << AVER_ENDPOINT_DETOKENIZE,
    TEMPLATE = 1u << AVER_ENDPOINT_APPLY_TEMPLATE,
    BOTH = CHAT | COMPLETION,
    GENERATION = BOTH | RESPONSES,
    OPENAI = GENERATION | EMBEDDINGS,
    EVERYWHERE = OPENAI | TOKENIZE | DETOKENIZE | TEMPLATE,
    NOT_NULL = 1u,
};

typedef struct job_member {
    const char *name;
    aver_job_member_fn *read;
    unsigned flags;
} job_member;

static aver_err member_model(job_parse *parse, const char *key, const json_t *value)
{
    aver_view text;
    aver_err err = aver_job_read_text(parse, key, value, 1, MODEL_BYTES_MAX, &text);
    if (err != AVER_OK) {
        return err;
    }
    aver_buf_append(&parse->job.model, text);
    return aver_buf_status(&parse->job.model);
}

static const job_member job_members[] = {
    {"model", member_model, EVERYWHERE | NOT_NULL},
    {"messages", aver_job_messages, CHAT | TEMPLATE | NOT_NULL},
    {"prompt", aver_job_prompt, COMPLETION | NOT_NULL},
    {"input", aver_job_embeddings_input, EMBEDDINGS | NOT_NULL},
    {"input", aver_job_responses_input, RESPONSES | NOT_NULL},
    {"instructions", aver_job_instructions, RESPONSES},
    {"content", aver_job_content, TOKENIZE | NOT_NULL},
    {"tokens", aver_job_tokens, DETOKENIZE | NOT_NULL},
    {"aver", aver_job_claims_read, EVERYWHERE | NOT_NULL},
    {"max_tokens", aver_job_max_tokens, BOTH},
    {"max_completion_tokens", aver_job_max_tokens, CHAT},
    {"max_output_tokens", aver_job_max_tokens, RESPONSES},
    {"temperature", aver_job_temperature, GENERATION},
    {"top_p", aver_job_top_p, GENERATION},
    {"top_k", aver_job_top_k, GENERATION},
    {"min_p", aver_job_min_p, GENERATION},
    {"repetition_penalty", aver_job_repetition, GENERATION},
    {"frequency_penalty", aver_job_frequency, BOTH},
    {"presence_penalty", aver_job_presence, BOTH},
    {"seed", aver_job_seed, GENERATION},
    {"stop", aver_job_stop, BOTH},
    {"n", aver_job_choices, BOTH},
    {"best_of", aver_job_best_of, COMPLETION},
    {"logprobs", aver_job_logprobs, BOTH},
    {"top_logprobs", aver_job_top_logprobs, CHAT | RESPONSES},
    {"logit_bias", aver_job_logit_bias, BOTH},
    {"tools", aver_job_tools, CHAT | RESPONSES | TEMPLATE},
    {"tool_choice", aver_job_tool_choice, CHAT | RESPONSES},
    {"parallel_tool_calls", aver_job_parallel, CHAT | RESPONSES},
    {"response_format", aver_job_response_format, CHAT},
    {"text", aver_job_text, RESPONSES},
    {"stream", aver_job_stream, GENERATION},
    {"stream_options", aver_job_stream_options, GENERATION},
    {"include", aver_job_include, RESPONSES},
    {"encoding_format", aver_job_encoding_format, EMBEDDINGS},
    {"dimensions", aver_job_dimensions, EMBEDDINGS},
    {"add_special", aver_job_add_special, TOKENIZE},
    {"with_pieces", aver_job_with_pieces, TOKENIZE},
    {"parse_special", aver_job_false, TOKENIZE},
    {"prompt_cache_key", aver_job_cache_key, GENERATION},
    {"prompt_cache_retention", aver_job_retention, CHAT | RESPONSES},
    {"user", aver_job_label, OPENAI},
    {"safety_identifier", aver_job_label, CHAT | RESPONSES},
    {"metadata", aver_job_metadata, CHAT | RESPONSES},
    {"store", aver_job_store, CHAT | RESPONSES},
    {"service_tier", aver_job_service_tier, CHAT | RESPONSES},
    {"verbosity", aver_job_verbosity, CHAT},
    {"reasoning_effort", aver_job_effort, CHAT},
    {"reasoning", aver_job_reasoning, RESPONSES},
    {"modalities", aver_job_modalities, CHAT},
    {"truncation", aver_job_truncation, RESPONSES},
    {"background", aver_job_false, RESPONSES},
    {"echo", aver_job_false, COMPLETION},
    {"functions", aver_job_empty, CHAT},
    {"suffix", aver_job_refused, COMPLETION},
    {"audio", aver_job_refused, CHAT},
    {"function_call", aver_job_refused, CHAT},
    {"prediction", aver_job_refused, CHAT},
    {"web_search_options", aver_job_refused, CHAT},
    {"previous_response_id", aver_job_refused, RESPONSES},
    {"conversation", aver_job_refused, RESPONSES},
    {"prompt", aver_job_refused, RESPONSES},
    {"max_tool_calls", aver_job_refused, RESPONSES},
    {"context_management", aver_job_refused, RESPONSES},
};

static const char *const job_paths[] = {
    [AVER_ENDPOINT_CHAT] = "/v1/chat/completions",
    [AVER_ENDPOINT_COMPLETION] = "/v1/completions",
    [AVER_ENDPOINT_EMBEDDINGS] = "/v1/embeddings",
    [AVER_ENDPOINT_RESPONSES] = "/v1/responses",
    [AVER_ENDPOINT_TOKENIZE] = "/tokenize",
    [AVER_ENDPOINT_DETOKENIZE] = "/detokenize",
    [AVER_ENDPOINT_APPLY_TEMPLATE] = "/apply-template",
};

const char *aver_endpoint_path(aver_endpoint endpoint)
{
    return job_paths[endpoint];
}

bool aver_endpoint_find(const char *path, aver_endpoint *ret_endpoint)
{
    for (size_t i = AVER_ENDPOINT_CHAT; i < sizeof(job_paths) / sizeof(job_paths[0]); i++) {
        if (strcmp(path, job_paths[i]) == 0) {
            *ret_endpoint = (aver_endpoint)i;
            return true;
        }
    }
    return false;
}

static aver_err job_member_read(job_parse *parse, const char *key, const json_t *value)
{
    unsigned here = 1u << parse->job.endpoint;
    for (size_t i = 0; i < sizeof(job_members) / sizeof(job_members[0]); i++) {
        const job_member *member = &job_members[i];
        if ((member->flags & here) == 0 || strcmp(member->name, key) != 0) {
            continue;
        }
        if (json_is_null(value)) {
            return (member->flags & NOT_NULL) == 0 ? AVER_OK
                                                   : aver_job_refuse_value(parse, key, "given");
        }
        return member->read(parse, key, value);
    }
    return aver_job_refuse_unknown(parse, "", key);
}

/* The name of the member without which there is nothing to do. */
static const char *job_prompt_name(aver_endpoint endpoint)
{
    switch (endpoint) {
    case AVER_ENDPOINT_CHAT:
    case AVER_ENDPOINT_APPLY_TEMPLATE:
        break;
    case AVER_ENDPOINT_COMPLETION:
        return "prompt";
    case AVER_ENDPOINT_EMBEDDINGS:
    case AVER_ENDPOINT_RESPONSES:
        return "input";
    case AVER_ENDPOINT_TOKENIZE:
        return "content";
    case AVER_ENDPOINT_DETOKENIZE:
        return "tokens";
    }
    return "messages";
}

static aver_err job_complete(job_parse *parse)
{
    const aver_job *job = &parse->job;
    if (job->model.size == 0 && ((1u << job->endpoint) & OPENAI) != 0) {
        return aver_job_refuse(parse, AVER_E_FORMAT, "missing_parameter", "model",
                               "model is missing");
    }
    if (!parse->has_prompt) {
        const char *name = job_prompt_name(job->endpoint);
        return aver_job_refuse(parse, AVER_E_FORMAT, "missing_parameter", name, "%s is missing",
                               name);
    }
    if (parse->has_stream_options && !job->stream) {
        return aver_job_refuse(parse, AVER_E_FORMAT, "invalid_value", "stream_options",
                               "stream_options is allowed only with stream");
    }
    if (parse->best_of != 0 && parse->best_of != job->choices_count) {
        return aver_job_refuse(parse, AVER_E_UNSUPPORTED, "unsupported_parameter", "best_of",
                               "best_of other than n is not supported here");
    }
    aver_err err = aver_job_logprobs_complete(parse);
    err = err == AVER_OK ? aver_job_tools_complete(parse) : err;
    return err == AVER_OK && job->endpoint == AVER_ENDPOINT_RESPONSES
               ? aver_job_responses_complete(parse)
               : err;
}

static void job_defaults(aver_job *job, aver_endpoint endpoint)
{
    job->endpoint = endpoint;
    aver_buf_init(&job->model, MODEL_BYTES_MAX);
    aver_buf_init(&job->prompt, AVER_JOB_PROMPT_BYTES_MAX);
    aver_buf_init(&job->tools, AVER_JOB_TOOLS_BYTES_MAX);
    aver_buf_init(&job->schema, AVER_JOB_SCHEMA_BYTES_MAX);
    aver_buf_init(&job->cache_key, AVER_JOB_CACHE_KEY_BYTES_MAX);
    job->max_tokens = endpoint == AVER_ENDPOINT_COMPLETION ? COMPLETION_TOKENS_DEFAULT : 0;
    job->sampling.temperature_ppm = 1000000;
    job->sampling.top_p_ppm = 1000000;
    job->sampling.repetition_penalty_ppm = 1000000;
    job->choices_count = 1;
    job->parallel_tool_calls = true;
}

static aver_err job_body_json(job_parse *parse, aver_view body, json_t **ret_json)
{
    char why[128] = "";
    aver_err err = aver_json_parse(body, AVER_JOB_BODY_BYTES_MAX, ret_json, why);
    if (err != AVER_OK) {
        return aver_job_refuse(parse, err, "invalid_json", "", "the body cannot be read: %s", why);
    }
    if (!json_is_object(*ret_json)) {
        return aver_job_refuse(parse, AVER_E_FORMAT, "invalid_json", "",
                               "the body must be a JSON object");
    }
    return AVER_OK;
}

static aver_err job_members_read(job_parse *parse, json_t *json)
{
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value)
    {
        aver_err err = job_member_read(parse, key, value);
        if (err != AVER_OK) {
            return err;
        }
    }
    return job_complete(parse);
}

aver_err aver_job_parse(aver_view body, aver_endpoint endpoint, aver_job *ret_job,
                        aver_job_refusal *ret_refusal)
{
    job_parse parse = {0};
    json_t *json = NULL;
    job_defaults(&parse.job, endpoint);
    aver_err err = job_body_json(&parse, body, &json);
    err = err == AVER_OK ? job_members_read(&parse, json) : err;
    json_decref(json);
    if (err != AVER_OK) {
        if (parse.refusal.code == NULL && err == AVER_E_LIMIT) {
            err = aver_job_refuse(&parse, err, "invalid_value", job_prompt_name(endpoint),
                                  "%s is too long", job_prompt_name(endpoint));
        } else if (parse.refusal.code == NULL) {
            err = aver_job_refuse(&parse, err, "server_error", "", "out of memory");
        }
        *ret_refusal = parse.refusal;
        aver_job_deinit(&parse.job);
        return err;
    }
    *ret_job = parse.job;
    return AVER_OK;
}

/* All of it is a caller's. */
static void job_drop(aver_buf *buf)
{
    aver_buf_wipe(buf);
    aver_buf_deinit(buf);
}

void aver_job_deinit(aver_job *job)
{
    job_drop(&job->model);
    job_drop(&job->prompt);
    for (size_t i = 0; i < AVER_JOB_STOPS_MAX; i++) {
        job_drop(&job->stops[i]);
    }
    free(job->biases);
    job_drop(&job->tools);
    job_drop(&job->schema);
    job_drop(&job->cache_key);
    memset(job, 0, sizeof(*job));
}
