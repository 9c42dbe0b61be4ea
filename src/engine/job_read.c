/* SPDX-License-Identifier: Apache-2.0 */
/* job_read: values of a request body, and the words that refuse them. */
#include "engine/job_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PARTS_MAX 256

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
    char param[AVER_JOB_PARAM_BYTES];
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

aver_err aver_job_read_ppm(job_parse *parse, const char *param, const json_t *value, double least,
                           double most, int64_t *ret_ppm)
{
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= least && number <= most)) {
        char wanted[64];
        (void)snprintf(wanted, sizeof(wanted), "a number from %g to %g", least, most);
        return aver_job_refuse_value(parse, param, wanted);
    }
    double scaled = number * 1e6;
    *ret_ppm = (int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    return AVER_OK;
}

aver_err aver_job_read_integer(job_parse *parse, const char *param, const json_t *value,
                               json_int_t least, json_int_t most, json_int_t *ret_number)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < least || number > most) {
        char wanted[64];
        (void)snprintf(wanted, sizeof(wanted), "an integer from %lld to %lld", (long long)least,
                       (long long)most);
        return aver_job_refuse_value(parse, param, wanted);
    }
    *ret_number = number;
    return AVER_OK;
}

aver_err aver_job_read_bool(job_parse *parse, const char *param, const json_t *value,
                            bool *ret_bool)
{
    if (!json_is_boolean(value)) {
        return aver_job_refuse_value(parse, param, "true or false");
    }
    *ret_bool = json_is_true(value);
    return AVER_OK;
}

aver_err aver_job_read_text(job_parse *parse, const char *param, const json_t *value, size_t least,
                            size_t most, aver_view *ret_text)
{
    size_t size = json_string_length(value);
    if (!json_is_string(value) || size < least || size > most) {
        char wanted[64];
        (void)snprintf(wanted, sizeof(wanted), "a string of %zu to %zu bytes", least, most);
        return aver_job_refuse_value(parse, param, wanted);
    }
    *ret_text = aver_view_make(json_string_value(value), size);
    return AVER_OK;
}

static bool name_byte_valid(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
}

aver_err aver_job_read_name(job_parse *parse, const char *param, const json_t *value,
                            char ret_name[AVER_JOB_TOOL_NAME_BYTES_MAX + 1])
{
    const char *text = json_string_value(value);
    size_t size = json_string_length(value);
    bool valid = text != NULL && size > 0 && size <= AVER_JOB_TOOL_NAME_BYTES_MAX;
    for (size_t i = 0; valid && i < size; i++) {
        valid = name_byte_valid(text[i]);
    }
    if (!valid) {
        return aver_job_refuse_value(parse, param, "1 to 64 of A-Z, a-z, 0-9, _ and -");
    }
    memcpy(ret_name, text, size + 1);
    return AVER_OK;
}

const char *aver_job_param(char param[static AVER_JOB_PARAM_BYTES], const char *array, size_t index,
                           const char *member)
{
    (void)snprintf(param, AVER_JOB_PARAM_BYTES, "%s[%zu]%s%s", array, index,
                   member[0] != '\0' ? "." : "", member);
    return param;
}

const char *aver_job_prefix(char param[static AVER_JOB_PARAM_BYTES], const char *array,
                            size_t index)
{
    (void)snprintf(param, AVER_JOB_PARAM_BYTES, "%s[%zu].", array, index);
    return param;
}

bool aver_job_is_one_of(const char *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool aver_job_is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

aver_err aver_job_read_content(job_parse *parse, const char *param, const json_t *content,
                               aver_job_part_fn *part, aver_buf *text)
{
    if (json_is_string(content)) {
        aver_buf_append(text,
                        aver_view_make(json_string_value(content), json_string_length(content)));
        return aver_buf_status(text);
    }
    size_t count = json_array_size(content);
    if (!json_is_array(content) || count == 0 || count > PARTS_MAX) {
        return aver_job_refuse_value(parse, param, "a string or an array of 1 to 256 text parts");
    }
    aver_err err = AVER_OK;
    for (size_t i = 0; i < count && err == AVER_OK; i++) {
        err = part(parse, param, json_array_get(content, i), text);
    }
    return err;
}
