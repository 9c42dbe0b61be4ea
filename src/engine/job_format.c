/* SPDX-License-Identifier: Apache-2.0 */
/* job_format: the form that an answer must have. */
#include "engine/job_parse.h"

#include <stdio.h>
#include <string.h>

#define DESCRIPTION_BYTES_MAX 65536

static const char *format_param(char param[static AVER_JOB_PARAM_BYTES], const char *prefix,
                                const char *member)
{
    (void)snprintf(param, AVER_JOB_PARAM_BYTES, "%s.%s", prefix, member);
    return param;
}

static aver_err schema_take(job_parse *parse, const char *param, const json_t *value)
{
    aver_buf *out = &parse->job.schema;
    if (!json_is_object(value)) {
        return aver_job_refuse_value(parse, param, "an object");
    }
    aver_json_append_ordered(out, value);
    if (out->failure == AVER_E_LIMIT) {
        return aver_job_refuse_value(parse, param, "at most 256 KiB");
    }
    return aver_buf_status(out);
}

/* name, schema, and what only describes; strict means nothing here: every schema is kept to. */
static aver_err schema_member(job_parse *parse, const char *prefix, const char *key,
                              const json_t *value)
{
    char param[AVER_JOB_PARAM_BYTES];
    aver_view text;
    bool strict;
    (void)format_param(param, prefix, key);
    if (strcmp(key, "name") == 0) {
        return aver_job_read_name(parse, param, value, parse->job.schema_name);
    }
    if (strcmp(key, "schema") == 0) {
        return schema_take(parse, param, value);
    }
    if (json_is_null(value)) {
        return AVER_OK;
    }
    return strcmp(key, "strict") == 0
               ? aver_job_read_bool(parse, param, value, &strict)
               : aver_job_read_text(parse, param, value, 0, DESCRIPTION_BYTES_MAX, &text);
}

static aver_err schema_read(job_parse *parse, const char *prefix, const json_t *object, bool flat)
{
    static const char *const known[] = {"name", "schema", "strict", "description"};
    char param[AVER_JOB_PARAM_BYTES];
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (flat && strcmp(key, "type") == 0) {
            continue;
        }
        if (!aver_job_is_one_of(key, known, 4)) {
            return aver_job_refuse_unknown(parse, format_param(param, prefix, ""), key);
        }
        aver_err err = schema_member(parse, prefix, key, value);
        if (err != AVER_OK) {
            return err;
        }
    }
    if (parse->job.schema_name[0] == '\0' || parse->job.schema.size == 0) {
        bool name = parse->job.schema_name[0] == '\0';
        return aver_job_refuse(parse, AVER_E_FORMAT, "missing_parameter",
                               format_param(param, prefix, name ? "name" : "schema"),
                               "%s is missing", param);
    }
    parse->job.format = AVER_FORMAT_JSON_SCHEMA;
    return AVER_OK;
}

/* The schema lies in the member "json_schema", or, flat, beside the type. */
static aver_err format_read(job_parse *parse, const char *param, const json_t *value, bool flat)
{
    const json_t *type = json_object_get(value, "type");
    const json_t *schema = flat ? value : json_object_get(value, "json_schema");
    if (aver_job_is_text(type, "json_schema")) {
        if (!json_is_object(schema) || (!flat && json_object_size(value) != 2)) {
            return aver_job_refuse_value(parse, param,
                                         "{\"type\":\"json_schema\",\"json_schema\":{...}}");
        }
        return schema_read(parse, flat ? "text.format" : "response_format.json_schema", schema,
                           flat);
    }
    if (json_object_size(value) == 1 && aver_job_is_text(type, "text")) {
        return AVER_OK;
    }
    if (json_object_size(value) == 1 && aver_job_is_text(type, "json_object")) {
        parse->job.format = AVER_FORMAT_JSON_OBJECT;
        return AVER_OK;
    }
    if (json_is_string(type) && json_object_size(value) == 1) {
        return aver_job_refuse(parse, AVER_E_UNSUPPORTED, "unsupported_value", param,
                               "this %s is not supported here", param);
    }
    return aver_job_refuse_value(parse, param, "of type text, json_object or json_schema");
}

aver_err aver_job_response_format(job_parse *parse, const char *key, const json_t *value)
{
    return format_read(parse, key, value, false);
}

aver_err aver_job_text(job_parse *parse, const char *key, const json_t *value)
{
    if (!json_is_object(value)) {
        return aver_job_refuse_value(parse, key, "an object");
    }
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        aver_err err = AVER_OK;
        if (json_is_null(member)) {
            continue;
        }
        if (strcmp(name, "format") == 0) {
            err = format_read(parse, "text.format", member, true);
        } else if (strcmp(name, "verbosity") == 0) {
            err = aver_job_verbosity(parse, "text.verbosity", member);
        } else {
            err = aver_job_refuse_unknown(parse, "text.", name);
        }
        if (err != AVER_OK) {
            return err;
        }
    }
    return AVER_OK;
}
