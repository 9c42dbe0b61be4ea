/* SPDX-License-Identifier: Apache-2.0 */
/* job_input: what is read where it is no conversation: prompts, texts to embed, tokens. */
#include "engine/job_parse.h"

static aver_err input_take_text(job_parse *parse, const json_t *value)
{
    aver_buf_append(&parse->job.prompt,
                    aver_view_make(json_string_value(value), json_string_length(value)));
    parse->has_prompt = true;
    return aver_buf_status(&parse->job.prompt);
}

static aver_err input_take_ids(job_parse *parse, const char *key, const json_t *value)
{
    aver_job *job = &parse->job;
    size_t count = json_array_size(value);
    if (count == 0 || count > AVER_JOB_TOKENS_MAX) {
        return aver_job_refuse_value(parse, key, "a string, or 1 to 131072 token ids");
    }
    for (size_t i = 0; i < count; i++) {
        json_int_t id = 0;
        aver_err err =
            aver_job_read_integer(parse, key, json_array_get(value, i), 0, INT32_MAX, &id);
        if (err != AVER_OK) {
            return err;
        }
        aver_buf_append_be32(&job->prompt, (uint32_t)id);
    }
    job->inputs_count = (uint32_t)count;
    parse->has_prompt = true;
    return aver_buf_status(&job->prompt);
}

/* A receipt tells of one prompt and its choices: several prompts are several requests. */
aver_err aver_job_prompt(job_parse *parse, const char *key, const json_t *value)
{
    const json_t *first = json_array_get(value, 0);
    if (json_is_string(first) || json_is_array(first)) {
        if (json_array_size(value) > 1) {
            return aver_job_refuse(parse, AVER_E_UNSUPPORTED, "unsupported_parameter", key,
                                   "more than one prompt is not supported here: a receipt tells "
                                   "of one");
        }
        value = first;
    }
    if (json_is_array(value)) {
        return input_take_ids(parse, key, value);
    }
    if (!json_is_string(value)) {
        return aver_job_refuse_value(parse, key, "a string");
    }
    return input_take_text(parse, value);
}

static aver_err input_put(job_parse *parse, const char *key, size_t index, const json_t *value)
{
    char param[AVER_JOB_PARAM_BYTES];
    aver_buf *out = &parse->job.prompt;
    if (json_is_integer(value) || json_is_array(value)) {
        return aver_job_refuse(parse, AVER_E_UNSUPPORTED, "unsupported_value", key,
                               "%s of token ids is not supported here: send text", key);
    }
    if (!json_is_string(value) || json_string_length(value) == 0) {
        return aver_job_refuse_value(parse, aver_job_param(param, key, index, ""),
                                     "a string that is not empty");
    }
    aver_buf_append_byte(out, index == 0 ? '[' : ',');
    aver_json_append_string(out,
                            aver_view_make(json_string_value(value), json_string_length(value)));
    return aver_buf_status(out);
}

aver_err aver_job_embeddings_input(job_parse *parse, const char *key, const json_t *value)
{
    size_t count = json_array_size(value);
    aver_err err = AVER_OK;
    if (json_is_string(value)) {
        if (json_string_length(value) == 0) {
            return aver_job_refuse_value(parse, key, "a string that is not empty");
        }
        err = input_put(parse, key, 0, value);
    } else if (count == 0 || count > AVER_JOB_INPUTS_MAX) {
        return aver_job_refuse_value(parse, key, "a string, or an array of 1 to 2048 of them");
    }
    for (size_t i = 0; i < count && err == AVER_OK; i++) {
        err = input_put(parse, key, i, json_array_get(value, i));
    }
    aver_buf_append_byte(&parse->job.prompt, ']');
    parse->has_prompt = true;
    parse->job.inputs_count = json_is_string(value) ? 1 : (uint32_t)count;
    return err == AVER_OK ? aver_buf_status(&parse->job.prompt) : err;
}

aver_err aver_job_encoding_format(job_parse *parse, const char *key, const json_t *value)
{
    parse->job.base64_vectors = aver_job_is_text(value, "base64");
    return parse->job.base64_vectors || aver_job_is_text(value, "float")
               ? AVER_OK
               : aver_job_refuse_value(parse, key, "float or base64");
}

aver_err aver_job_dimensions(job_parse *parse, const char *key, const json_t *value)
{
    json_int_t number = 0;
    aver_err err = aver_job_read_integer(parse, key, value, 1, 1 << 20, &number);
    parse->job.dimensions = (uint32_t)number;
    return err;
}

aver_err aver_job_content(job_parse *parse, const char *key, const json_t *value)
{
    return json_is_string(value) ? input_take_text(parse, value)
                                 : aver_job_refuse_value(parse, key, "a string");
}

aver_err aver_job_add_special(job_parse *parse, const char *key, const json_t *value)
{
    return aver_job_read_bool(parse, key, value, &parse->job.add_special);
}

aver_err aver_job_with_pieces(job_parse *parse, const char *key, const json_t *value)
{
    return aver_job_read_bool(parse, key, value, &parse->job.has_logprobs);
}

aver_err aver_job_tokens(job_parse *parse, const char *key, const json_t *value)
{
    aver_buf *out = &parse->job.prompt;
    if (!json_is_array(value)) {
        return aver_job_refuse_value(parse, key, "an array of token ids");
    }
    aver_buf_append_byte(out, '[');
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_int_t id = 0;
        aver_err err =
            aver_job_read_integer(parse, key, json_array_get(value, i), 0, INT32_MAX, &id);
        if (err != AVER_OK) {
            return err;
        }
        aver_buf_append_format(out, i == 0 ? "%lld" : ",%lld", (long long)id);
    }
    aver_buf_append_byte(out, ']');
    parse->has_prompt = true;
    return aver_buf_status(out);
}
