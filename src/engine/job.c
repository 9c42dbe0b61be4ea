/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job.h"

#include "engine/job_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MODEL_BYTES_MAX           256
#define SEED_MAX                  ((json_int_t)1 << 53)
#define USER_BYTES_MAX            1024
#define COMPLETION_TOKENS_DEFAULT 16

aver_err aver_job_refuse(job_parse *parse, aver_err err, const char *code, const char *param,
                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(parse->refusal.message, sizeof(parse->refusal.message), format, args);
    va_end(args);
    (void)snprintf(parse->refusal.param, sizeof(parse->refusal.param), "%s", param);
    parse->refusal.code = code;
    return err;
}

aver_err aver_job_refuse_value(job_parse *parse, const char *param, const char *wanted)
{
    return aver_job_refuse(parse, AVER_E_FORMAT, "invalid_value", param, "%s must be %s", param,
                           wanted);
}

aver_err aver_job_refuse_unsupported(job_parse *parse, const char *param)
{
    return aver_job_refuse(parse, AVER_E_UNSUPPORTED, "unsupported_parameter", param,
                           "%s is not supported here", param);
}

aver_err aver_job_refuse_unknown(job_parse *parse, const char *prefix, const char *key)
{
    char param[64];
    /* A key may hold anything that is valid UTF-8: what is repeated is cut and printable. */
    size_t size = (size_t)snprintf(param, sizeof(param), "%s%.40s", prefix, key);
    for (size_t i = 0; i < size && i < sizeof(param) && param[i] != '\0'; i++) {
        if (param[i] < 0x20 || param[i] > 0x7e) {
            param[i] = '?';
        }
    }
    return aver_job_refuse(parse, AVER_E_FORMAT, "unknown_parameter", param,
                           "%s is no parameter of this request", param);
}

static aver_err job_ppm(job_parse *parse, const char *key, const json_t *value, double least,
                        double most, int64_t *ret_ppm)
{
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= least && number <= most)) {
        char wanted[64];
        (void)snprintf(wanted, sizeof(wanted), "a number from %g to %g", least, most);
        return aver_job_refuse_value(parse, key, wanted);
    }
    double scaled = number * 1e6;
    *ret_ppm = (int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    return AVER_OK;
}

static aver_err job_integer(job_parse *parse, const char *key, const json_t *value,
                            json_int_t least, json_int_t most, json_int_t *ret_number)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < least || number > most) {
        char wanted[64];
        (void)snprintf(wanted, sizeof(wanted), "an integer from %lld to %lld", (long long)least,
                       (long long)most);
        return aver_job_refuse_value(parse, key, wanted);
    }
    *ret_number = number;
    return AVER_OK;
}

static aver_err job_bool(job_parse *parse, const char *key, const json_t *value, bool *ret_bool)
{
    if (!json_is_boolean(value)) {
        return aver_job_refuse_value(parse, key, "true or false");
    }
    *ret_bool = json_is_true(value);
    return AVER_OK;
}

static aver_err member_model(job_parse *parse, const char *key, const json_t *value)
{
    size_t size = json_string_length(value);
    if (!json_is_string(value) || size == 0 || size > MODEL_BYTES_MAX) {
        return aver_job_refuse_value(parse, key, "a string of 1 to 256 bytes");
    }
    aver_buf_append(&parse->job.model, aver_view_make(json_string_value(value), size));
    return aver_buf_status(&parse->job.model);
}

static aver_err member_max_tokens(job_parse *parse, const char *key, const json_t *value)
{
    json_int_t number = 0;
    aver_err err = job_integer(parse, key, value, 1, AVER_JOB_TOKENS_MAX, &number);
    if (err != AVER_OK) {
        return err;
    }
    if (parse->has_max_tokens && parse->job.max_tokens != (uint32_t)number) {
        return aver_job_refuse(parse, AVER_E_FORMAT, "invalid_value", key,
                               "max_tokens and max_completion_tokens differ");
    }
    parse->has_max_tokens = true;
    parse->job.max_tokens = (uint32_t)number;
    return AVER_OK;
}

static aver_err member_temperature(job_parse *parse, const char *key, const json_t *value)
{
    int64_t ppm = 0;
    aver_err err = job_ppm(parse, key, value, 0.0, 2.0, &ppm);
    parse->job.sampling.temperature_ppm = (uint32_t)ppm;
    return err;
}

static aver_err member_top_p(job_parse *parse, const char *key, const json_t *value)
{
    int64_t ppm = 0;
    aver_err err = job_ppm(parse, key, value, 0.0, 1.0, &ppm);
    /* 0 means the least share there is: the first candidate alone. */
    parse->job.sampling.top_p_ppm = ppm < 1 ? 1 : (uint32_t)ppm;
    return err;
}

static aver_err member_min_p(job_parse *parse, const char *key, const json_t *value)
{
    int64_t ppm = 0;
    aver_err err = job_ppm(parse, key, value, 0.0, 1.0, &ppm);
    parse->job.sampling.min_p_ppm = (uint32_t)ppm;
    return err;
}

static aver_err member_top_k(job_parse *parse, const char *key, const json_t *value)
{
    json_int_t number = 0;
    aver_err err = job_integer(parse, key, value, 0, 1000000, &number);
    parse->job.sampling.top_k = (uint32_t)number;
    return err;
}

static aver_err member_repetition(job_parse *parse, const char *key, const json_t *value)
{
    int64_t ppm = 0;
    aver_err err = job_ppm(parse, key, value, 0.1, 10.0, &ppm);
    parse->job.sampling.repetition_penalty_ppm = (uint32_t)ppm;
    return err;
}

static aver_err member_frequency(job_parse *parse, const char *key, const json_t *value)
{
    int64_t ppm = 0;
    aver_err err = job_ppm(parse, key, value, -2.0, 2.0, &ppm);
    parse->job.sampling.frequency_penalty_ppm = (int32_t)ppm;
    return err;
}

static aver_err member_presence(job_parse *parse, const char *key, const json_t *value)
{
    int64_t ppm = 0;
    aver_err err = job_ppm(parse, key, value, -2.0, 2.0, &ppm);
    parse->job.sampling.presence_penalty_ppm = (int32_t)ppm;
    return err;
}

static aver_err member_seed(job_parse *parse, const char *key, const json_t *value)
{
    json_int_t number = 0;
    aver_err err = job_integer(parse, key, value, 0, SEED_MAX - 1, &number);
    parse->job.sampling.seed = (uint64_t)number;
    parse->job.has_seed = err == AVER_OK;
    return err;
}

static aver_err job_stop_add(job_parse *parse, const json_t *value)
{
    size_t size = json_string_length(value);
    if (!json_is_string(value) || size == 0 || size > AVER_JOB_STOP_BYTES_MAX) {
        return aver_job_refuse_value(parse, "stop", "strings of 1 to 256 bytes, at most 4");
    }
    aver_buf *stop = &parse->job.stops[parse->job.stops_count++];
    aver_buf_init(stop, AVER_JOB_STOP_BYTES_MAX);
    aver_buf_append(stop, aver_view_make(json_string_value(value), size));
    return aver_buf_status(stop);
}

static aver_err member_stop(job_parse *parse, const char *key, const json_t *value)
{
    if (!json_is_array(value)) {
        return job_stop_add(parse, value);
    }
    if (json_array_size(value) > AVER_JOB_STOPS_MAX) {
        return aver_job_refuse_value(parse, key, "at most 4 strings");
    }
    aver_err err = AVER_OK;
    for (size_t i = 0; i < json_array_size(value) && err == AVER_OK; i++) {
        err = job_stop_add(parse, json_array_get(value, i));
    }
    return err;
}

static aver_err member_stream(job_parse *parse, const char *key, const json_t *value)
{
    return job_bool(parse, key, value, &parse->job.stream);
}

static aver_err member_stream_options(job_parse *parse, const char *key, const json_t *value)
{
    if (!json_is_object(value)) {
        return aver_job_refuse_value(parse, key, "an object");
    }
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        if (strcmp(name, "include_usage") != 0) {
            return strcmp(name, "include_obfuscation") == 0
                       ? aver_job_refuse_unsupported(parse, "stream_options.include_obfuscation")
                       : aver_job_refuse_unknown(parse, "stream_options.", name);
        }
        aver_err err =
            job_bool(parse, "stream_options.include_usage", member, &parse->job.include_usage);
        if (err != AVER_OK) {
            return err;
        }
    }
    parse->has_stream_options = true;
    return AVER_OK;
}

static aver_err member_user(job_parse *parse, const char *key, const json_t *value)
{
    if (!json_is_string(value) || json_string_length(value) > USER_BYTES_MAX) {
        return aver_job_refuse_value(parse, key, "a string of at most 1024 bytes");
    }
    return AVER_OK;
}

static aver_err member_one(job_parse *parse, const char *key, const json_t *value)
{
    json_int_t number = 0;
    aver_err err = job_integer(parse, key, value, 1, 128, &number);
    if (err == AVER_OK && number != 1) {
        return aver_job_refuse(parse, AVER_E_UNSUPPORTED, "unsupported_parameter", key,
                               "%s other than 1 is not supported here", key);
    }
    return err;
}

/* Members that mean nothing when false. */
static aver_err member_false(job_parse *parse, const char *key, const json_t *value)
{
    return json_is_false(value) ? AVER_OK : aver_job_refuse_unsupported(parse, key);
}

static aver_err member_empty(job_parse *parse, const char *key, const json_t *value)
{
    bool empty = (json_is_object(value) && json_object_size(value) == 0) ||
                 (json_is_array(value) && json_array_size(value) == 0);
    return empty ? AVER_OK : aver_job_refuse_unsupported(parse, key);
}

static aver_err member_format(job_parse *parse, const char *key, const json_t *value)
{
    const char *type = json_string_value(json_object_get(value, "type"));
    bool text = json_object_size(value) == 1 && type != NULL && strcmp(type, "text") == 0;
    return text ? AVER_OK : aver_job_refuse_unsupported(parse, key);
}

static aver_err member_prompt(job_parse *parse, const char *key, const json_t *value)
{
    if (json_is_array(value) && json_array_size(value) == 1) {
        value = json_array_get(value, 0);
    } else if (json_is_array(value) && json_array_size(value) > 1) {
        return aver_job_refuse(parse, AVER_E_UNSUPPORTED, "unsupported_parameter", key,
                               "more than one prompt is not supported here");
    }
    if (!json_is_string(value)) {
        return aver_job_refuse_value(parse, key, "a string");
    }
    aver_buf_append(&parse->job.prompt,
                    aver_view_make(json_string_value(value), json_string_length(value)));
    parse->has_prompt = true;
    return aver_buf_status(&parse->job.prompt);
}

static aver_err member_refused(job_parse *parse, const char *key, const json_t *value)
{
    (void)value;
    return aver_job_refuse_unsupported(parse, key);
}

enum { IN_CHAT = 1, IN_COMPLETION = 2, IN_BOTH = 3, NOT_NULL = 4 };

typedef struct job_member {
    const char *name;
    aver_err (*read)(job_parse *parse, const char *key, const json_t *value);
    unsigned flags;
} job_member;

static const job_member job_members[] = {
    {"model", member_model, IN_BOTH | NOT_NULL},
    {"messages", aver_job_messages, IN_CHAT | NOT_NULL},
    {"prompt", member_prompt, IN_COMPLETION | NOT_NULL},
    {"max_tokens", member_max_tokens, IN_BOTH},
    {"max_completion_tokens", member_max_tokens, IN_CHAT},
    {"temperature", member_temperature, IN_BOTH},
    {"top_p", member_top_p, IN_BOTH},
    {"top_k", member_top_k, IN_BOTH},
    {"min_p", member_min_p, IN_BOTH},
    {"repetition_penalty", member_repetition, IN_BOTH},
    {"frequency_penalty", member_frequency, IN_BOTH},
    {"presence_penalty", member_presence, IN_BOTH},
    {"seed", member_seed, IN_BOTH},
    {"stop", member_stop, IN_BOTH},
    {"stream", member_stream, IN_BOTH},
    {"stream_options", member_stream_options, IN_BOTH},
    {"user", member_user, IN_BOTH},
    {"n", member_one, IN_BOTH},
    {"best_of", member_one, IN_COMPLETION},
    {"echo", member_false, IN_COMPLETION},
    {"logprobs", member_false, IN_BOTH},
    {"store", member_false, IN_CHAT},
    {"logit_bias", member_empty, IN_BOTH},
    {"tools", member_empty, IN_CHAT},
    {"functions", member_empty, IN_CHAT},
    {"metadata", member_empty, IN_CHAT},
    {"response_format", member_format, IN_CHAT},
    {"aver", aver_job_claims_read, IN_BOTH | NOT_NULL},
    {"suffix", member_refused, IN_COMPLETION},
    {"audio", member_refused, IN_CHAT},
    {"function_call", member_refused, IN_CHAT},
    {"modalities", member_refused, IN_CHAT},
    {"parallel_tool_calls", member_refused, IN_CHAT},
    {"prediction", member_refused, IN_CHAT},
    {"prompt_cache_key", member_refused, IN_CHAT},
    {"prompt_cache_retention", member_refused, IN_CHAT},
    {"reasoning_effort", member_refused, IN_CHAT},
    {"safety_identifier", member_refused, IN_CHAT},
    {"service_tier", member_refused, IN_CHAT},
    {"tool_choice", member_refused, IN_CHAT},
    {"top_logprobs", member_refused, IN_CHAT},
    {"verbosity", member_refused, IN_CHAT},
    {"web_search_options", member_refused, IN_CHAT},
};

static aver_err job_member_read(job_parse *parse, const char *key, const json_t *value)
{
    unsigned here = parse->job.endpoint == AVER_ENDPOINT_CHAT ? IN_CHAT : IN_COMPLETION;
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

static aver_err job_complete(job_parse *parse)
{
    const aver_job *job = &parse->job;
    if (job->model.size == 0) {
        return aver_job_refuse(parse, AVER_E_FORMAT, "missing_parameter", "model",
                               "model is missing");
    }
    if (!parse->has_prompt) {
        const char *name = job->endpoint == AVER_ENDPOINT_CHAT ? "messages" : "prompt";
        return aver_job_refuse(parse, AVER_E_FORMAT, "missing_parameter", name, "%s is missing",
                               name);
    }
    if (parse->has_stream_options && !job->stream) {
        return aver_job_refuse(parse, AVER_E_FORMAT, "invalid_value", "stream_options",
                               "stream_options is allowed only with stream");
    }
    return AVER_OK;
}

static void job_defaults(aver_job *job, aver_endpoint endpoint)
{
    job->endpoint = endpoint;
    aver_buf_init(&job->model, MODEL_BYTES_MAX);
    aver_buf_init(&job->prompt, AVER_JOB_PROMPT_BYTES_MAX);
    job->max_tokens = endpoint == AVER_ENDPOINT_COMPLETION ? COMPLETION_TOKENS_DEFAULT : 0;
    job->sampling.temperature_ppm = 1000000;
    job->sampling.top_p_ppm = 1000000;
    job->sampling.repetition_penalty_ppm = 1000000;
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

aver_err aver_job_parse(aver_view body, aver_endpoint endpoint, aver_job *ret_job,
                        aver_job_refusal *ret_refusal)
{
    job_parse parse = {0};
    json_t *json = NULL;
    job_defaults(&parse.job, endpoint);
    aver_err err = job_body_json(&parse, body, &json);
    if (err == AVER_OK) {
        const char *key;
        json_t *value;
        json_object_foreach(json, key, value)
        {
            err = job_member_read(&parse, key, value);
            if (err != AVER_OK) {
                break;
            }
        }
    }
    err = err == AVER_OK ? job_complete(&parse) : err;
    json_decref(json);
    if (err != AVER_OK) {
        if (parse.refusal.code == NULL) {
            err = aver_job_refuse(&parse, err, "server_error", "", "out of memory");
        }
        *ret_refusal = parse.refusal;
        aver_job_deinit(&parse.job);
        return err;
    }
    *ret_job = parse.job;
    return AVER_OK;
}

void aver_job_deinit(aver_job *job)
{
    aver_buf_deinit(&job->model);
    aver_buf_deinit(&job->prompt);
    for (size_t i = 0; i < AVER_JOB_STOPS_MAX; i++) {
        aver_buf_deinit(&job->stops[i]);
    }
    memset(job, 0, sizeof(*job));
}
