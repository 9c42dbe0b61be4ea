/* SPDX-License-Identifier: Apache-2.0 */
/* job_plain: members that say how an answer travels, and those that change nothing of it. */
#include "engine/job_parse.h"

#include <string.h>

#define LABEL_BYTES_MAX         1024
#define METADATA_MAX            16
#define METADATA_KEY_BYTES_MAX  64
#define METADATA_TEXT_BYTES_MAX 512

aver_err aver_job_stream(job_parse *parse, const char *key, const json_t *value)
{
    return aver_job_read_bool(parse, key, value, &parse->job.stream);
}

static aver_err stream_option(job_parse *parse, const char *name, const json_t *value)
{
    if (strcmp(name, "include_usage") == 0 && parse->job.endpoint != AVER_ENDPOINT_RESPONSES) {
        return aver_job_read_bool(parse, "stream_options.include_usage", value,
                                  &parse->job.include_usage);
    }
    if (strcmp(name, "include_obfuscation") == 0) {
        return json_is_false(value)
                   ? AVER_OK
                   : aver_job_refuse_unsupported(parse, "stream_options.include_obfuscation");
    }
    return aver_job_refuse_unknown(parse, "stream_options.", name);
}

aver_err aver_job_stream_options(job_parse *parse, const char *key, const json_t *value)
{
    if (!json_is_object(value)) {
        return aver_job_refuse_value(parse, key, "an object");
    }
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        aver_err err = stream_option(parse, name, member);
        if (err != AVER_OK) {
            return err;
        }
    }
    parse->has_stream_options = true;
    return AVER_OK;
}

aver_err aver_job_cache_key(job_parse *parse, const char *key, const json_t *value)
{
    aver_view text;
    aver_err err = aver_job_read_text(parse, key, value, 1, AVER_JOB_CACHE_KEY_BYTES_MAX, &text);
    if (err != AVER_OK) {
        return err;
    }
    aver_buf_append(&parse->job.cache_key, text);
    return aver_buf_status(&parse->job.cache_key);
}

/* A name that the caller's own records need. */
aver_err aver_job_label(job_parse *parse, const char *key, const json_t *value)
{
    aver_view text;
    return aver_job_read_text(parse, key, value, 0, LABEL_BYTES_MAX, &text);
}

/* Nothing is kept here either way, and answers say so. */
aver_err aver_job_store(job_parse *parse, const char *key, const json_t *value)
{
    bool store;
    return aver_job_read_bool(parse, key, value, &store);
}

aver_err aver_job_metadata(job_parse *parse, const char *key, const json_t *value)
{
    const char *name;
    json_t *member;
    bool valid = json_is_object(value) && json_object_size(value) <= METADATA_MAX;
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        valid = valid && strlen(name) <= METADATA_KEY_BYTES_MAX && json_is_string(member) &&
                json_string_length(member) <= METADATA_TEXT_BYTES_MAX;
    }
    return valid ? AVER_OK : aver_job_refuse_value(parse, key, "an object of at most 16 strings");
}

/* A string out of a list; what is not in it asks for something else. */
static aver_err plain_one_of(job_parse *parse, const char *key, const json_t *value,
                             const char *const *names, size_t count)
{
    if (!json_is_string(value)) {
        return aver_job_refuse_value(parse, key, "a string");
    }
    return aver_job_is_one_of(json_string_value(value), names, count)
               ? AVER_OK
               : aver_job_refuse_unsupported(parse, key);
}

aver_err aver_job_service_tier(job_parse *parse, const char *key, const json_t *value)
{
    static const char *const names[] = {"auto", "default"};
    return plain_one_of(parse, key, value, names, 2);
}

aver_err aver_job_retention(job_parse *parse, const char *key, const json_t *value)
{
    static const char *const names[] = {"in_memory", "in-memory"};
    return plain_one_of(parse, key, value, names, 2);
}

aver_err aver_job_verbosity(job_parse *parse, const char *key, const json_t *value)
{
    static const char *const names[] = {"medium"};
    return plain_one_of(parse, key, value, names, 1);
}

aver_err aver_job_effort(job_parse *parse, const char *key, const json_t *value)
{
    static const char *const names[] = {"none"};
    return plain_one_of(parse, key, value, names, 1);
}

aver_err aver_job_reasoning(job_parse *parse, const char *key, const json_t *value)
{
    if (!json_is_object(value)) {
        return aver_job_refuse_value(parse, key, "an object");
    }
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        bool plain = json_is_null(member) ||
                     (strcmp(name, "effort") == 0 && aver_job_is_text(member, "none"));
        if (!plain) {
            return aver_job_refuse_unsupported(parse, key);
        }
    }
    return AVER_OK;
}

aver_err aver_job_modalities(job_parse *parse, const char *key, const json_t *value)
{
    bool text = json_array_size(value) == 1 && aver_job_is_text(json_array_get(value, 0), "text");
    return text ? AVER_OK : aver_job_refuse_unsupported(parse, key);
}

aver_err aver_job_truncation(job_parse *parse, const char *key, const json_t *value)
{
    static const char *const names[] = {"disabled"};
    return plain_one_of(parse, key, value, names, 1);
}

/* Members that mean nothing when false. */
aver_err aver_job_false(job_parse *parse, const char *key, const json_t *value)
{
    return json_is_false(value) ? AVER_OK : aver_job_refuse_unsupported(parse, key);
}

aver_err aver_job_empty(job_parse *parse, const char *key, const json_t *value)
{
    bool empty = (json_is_object(value) && json_object_size(value) == 0) ||
                 (json_is_array(value) && json_array_size(value) == 0);
    return empty ? AVER_OK : aver_job_refuse_unsupported(parse, key);
}

aver_err aver_job_refused(job_parse *parse, const char *key, const json_t *value)
{
    (void)value;
    return aver_job_refuse_unsupported(parse, key);
}
