/* SPDX-License-Identifier: Apache-2.0 */
/* job_sampling: how an answer is drawn, and how much of it. */
#include "engine/job_parse.h"

#include <stdlib.h>
#include <string.h>

#define SEED_MAX                ((json_int_t)1 << 53)
#define COMPLETION_LOGPROBS_MAX 5

aver_err aver_job_max_tokens(job_parse *parse, const char *key, const json_t *value)
{
    json_int_t number = 0;
    aver_err err = aver_job_read_integer(parse, key, value, 1, AVER_JOB_TOKENS_MAX, &number);
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

/* A number of 0 or more, in millionths. */
static aver_err sampling_ppm(job_parse *parse, const char *key, const json_t *value, double least,
                             double most, uint32_t *ret_ppm)
{
    int64_t ppm = 0;
    aver_err err = aver_job_read_ppm(parse, key, value, least, most, &ppm);
    if (err == AVER_OK) {
        *ret_ppm = (uint32_t)ppm;
    }
    return err;
}

/* Of a penalty, in millionths. */
static aver_err sampling_penalty(job_parse *parse, const char *key, const json_t *value,
                                 int32_t *ret_ppm)
{
    int64_t ppm = 0;
    aver_err err = aver_job_read_ppm(parse, key, value, -2.0, 2.0, &ppm);
    if (err == AVER_OK) {
        *ret_ppm = (int32_t)ppm;
    }
    return err;
}

aver_err aver_job_temperature(job_parse *parse, const char *key, const json_t *value)
{
    return sampling_ppm(parse, key, value, 0.0, 2.0, &parse->job.sampling.temperature_ppm);
}

aver_err aver_job_top_p(job_parse *parse, const char *key, const json_t *value)
{
    uint32_t *ppm = &parse->job.sampling.top_p_ppm;
    aver_err err = sampling_ppm(parse, key, value, 0.0, 1.0, ppm);
    /* 0 means the least share there is: the first candidate alone. */
    *ppm = *ppm < 1 ? 1 : *ppm;
    return err;
}

aver_err aver_job_min_p(job_parse *parse, const char *key, const json_t *value)
{
    return sampling_ppm(parse, key, value, 0.0, 1.0, &parse->job.sampling.min_p_ppm);
}

aver_err aver_job_top_k(job_parse *parse, const char *key, const json_t *value)
{
    json_int_t number = 0;
    aver_err err = aver_job_read_integer(parse, key, value, 0, 1000000, &number);
    parse->job.sampling.top_k = (uint32_t)number;
    return err;
}

aver_err aver_job_repetition(job_parse *parse, const char *key, const json_t *value)
{
    return sampling_ppm(parse, key, value, 0.1, 10.0, &parse->job.sampling.repetition_penalty_ppm);
}

aver_err aver_job_frequency(job_parse *parse, const char *key, const json_t *value)
{
    return sampling_penalty(parse, key, value, &parse->job.sampling.frequency_penalty_ppm);
}

aver_err aver_job_presence(job_parse *parse, const char *key, const json_t *value)
{
    return sampling_penalty(parse, key, value, &parse->job.sampling.presence_penalty_ppm);
}

aver_err aver_job_seed(job_parse *parse, const char *key, const json_t *value)
{
    json_int_t number = 0;
    aver_err err = aver_job_read_integer(parse, key, value, 0, SEED_MAX - 1, &number);
    parse->job.sampling.seed = (uint64_t)number;
    parse->job.has_seed = err == AVER_OK;
    return err;
}

static aver_err stop_add(job_parse *parse, const json_t *value)
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

aver_err aver_job_stop(job_parse *parse, const char *key, const json_t *value)
{
    if (!json_is_array(value)) {
        return stop_add(parse, value);
    }
    if (json_array_size(value) > AVER_JOB_STOPS_MAX) {
        return aver_job_refuse_value(parse, key, "at most 4 strings");
    }
    aver_err err = AVER_OK;
    for (size_t i = 0; i < json_array_size(value) && err == AVER_OK; i++) {
        err = stop_add(parse, json_array_get(value, i));
    }
    return err;
}

aver_err aver_job_choices(job_parse *parse, const char *key, const json_t *value)
{
    json_int_t number = 0;
    aver_err err = aver_job_read_integer(parse, key, value, 1, AVER_JOB_CHOICES_MAX, &number);
    parse->job.choices_count = (uint32_t)number;
    return err;
}

aver_err aver_job_best_of(job_parse *parse, const char *key, const json_t *value)
{
    json_int_t number = 0;
    aver_err err = aver_job_read_integer(parse, key, value, 1, 128, &number);
    parse->best_of = (uint32_t)number;
    return err;
}

/* Chat: whether. Completions: how many besides the one drawn, or false. */
aver_err aver_job_logprobs(job_parse *parse, const char *key, const json_t *value)
{
    json_int_t number = 0;
    if (parse->job.endpoint != AVER_ENDPOINT_COMPLETION) {
        return aver_job_read_bool(parse, key, value, &parse->job.has_logprobs);
    }
    if (json_is_false(value)) {
        return AVER_OK;
    }
    aver_err err = aver_job_read_integer(parse, key, value, 0, COMPLETION_LOGPROBS_MAX, &number);
    parse->job.has_logprobs = err == AVER_OK;
    parse->job.top_logprobs = (uint32_t)number;
    return err;
}

aver_err aver_job_top_logprobs(job_parse *parse, const char *key, const json_t *value)
{
    json_int_t number = 0;
    aver_err err = aver_job_read_integer(parse, key, value, 0, AVER_JOB_TOP_LOGPROBS_MAX, &number);
    parse->job.top_logprobs = (uint32_t)number;
    parse->has_top_logprobs = true;
    return err;
}

/* Tokens of each choice whose candidates an answer has room for. */
static uint32_t logprobs_tokens_max(const aver_job *job)
{
    bool one_event = job->endpoint == AVER_ENDPOINT_RESPONSES && job->stream;
    uint32_t candidates = one_event ? AVER_JOB_CANDIDATES_EVENT_MAX : AVER_JOB_CANDIDATES_MAX;
    return candidates / (job->choices_count * (job->top_logprobs + 1));
}

aver_err aver_job_logprobs_complete(job_parse *parse)
{
    aver_job *job = &parse->job;
    bool chat = job->endpoint == AVER_ENDPOINT_CHAT;
    bool responses = job->endpoint == AVER_ENDPOINT_RESPONSES;
    if (parse->has_top_logprobs && !job->has_logprobs) {
        return aver_job_refuse(parse, AVER_E_FORMAT, "invalid_value", "top_logprobs",
                               chat ? "top_logprobs is allowed only with logprobs"
                                    : "top_logprobs is allowed only with "
                                      "message.output_text.logprobs in include");
    }
    /* Other endpoints have pieces where these have logprobs. */
    if (!job->has_logprobs || job->endpoint == AVER_ENDPOINT_TOKENIZE) {
        return AVER_OK;
    }
    uint32_t most = logprobs_tokens_max(job);
    if (job->max_tokens > most) {
        const char *name = responses ? "max_output_tokens" : "max_tokens";
        return aver_job_refuse(parse, AVER_E_FORMAT, "invalid_value", name,
                               "with %u candidates for each token of %u choices, %s can be at "
                               "most %u%s",
                               (unsigned)(job->top_logprobs + 1), (unsigned)job->choices_count,
                               name, (unsigned)most,
                               responses && job->stream ? " (four times that without stream)" : "");
    }
    job->max_tokens = job->max_tokens == 0 ? most : job->max_tokens;
    return AVER_OK;
}

/* A token id as JSON has its keys: decimal, nothing else in front of it. */
static bool bias_token_read(const char *text, int32_t *ret_token)
{
    int64_t token = 0;
    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0')) {
        return false;
    }
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        token = token * 10 + (text[i] - '0');
        if (token > INT32_MAX) {
            return false;
        }
    }
    *ret_token = (int32_t)token;
    return true;
}

static int bias_compare(const void *left, const void *right)
{
    const aver_bias *a = left;
    const aver_bias *b = right;
    return a->token < b->token ? -1 : a->token > b->token;
}

aver_err aver_job_logit_bias(job_parse *parse, const char *key, const json_t *value)
{
    aver_job *job = &parse->job;
    size_t count = json_object_size(value);
    if (!json_is_object(value) || count > AVER_JOB_BIASES_MAX) {
        return aver_job_refuse_value(parse, key, "an object of at most 1024 token ids");
    }
    if (count == 0) {
        return AVER_OK;
    }
    job->biases = calloc(count, sizeof(*job->biases));
    if (job->biases == NULL) {
        return AVER_E_NOMEM;
    }
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        int64_t ppm = 0;
        aver_bias *bias = &job->biases[job->biases_count++];
        if (!bias_token_read(name, &bias->token)) {
            return aver_job_refuse_value(parse, key, "named by token ids in decimal");
        }
        aver_err err = aver_job_read_ppm(parse, key, member, -100.0, 100.0, &ppm);
        if (err != AVER_OK) {
            return err;
        }
        bias->bias_ppm = (int32_t)ppm;
    }
    qsort(job->biases, job->biases_count, sizeof(*job->biases), bias_compare);
    return AVER_OK;
}
