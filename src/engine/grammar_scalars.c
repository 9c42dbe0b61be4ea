/* SPDX-License-Identifier: Apache-2.0 */
/* Constants, strings and numbers of a JSON schema. */
#include "engine/grammar_schema.h"

#include "codec/json.h"

#include <math.h>
#include <string.h>

#define LENGTH_MAX     16384
#define BOUND_MAX      999999999999999.0
#define CONSTANT_BYTES 65536

static aver_err schema_constant(schema_reader *reader, const json_t *value, uint32_t rule)
{
    aver_buf text;
    aver_buf_init(&text, CONSTANT_BYTES);
    aver_json_append(&text, value);
    aver_err err = aver_buf_status(&text);
    if (err == AVER_OK) {
        aver_grammar_item item = aver_grammar_literal(reader->builder, aver_buf_view(&text));
        aver_grammar_rule_items(reader->builder, rule, &item, 1);
    } else {
        err = aver_schema_fail(reader, err, "a constant", "is too long");
    }
    aver_buf_deinit(&text);
    return err;
}

static bool type_is(const char *type, const json_t *value)
{
    return (strcmp(type, "object") == 0 && json_is_object(value)) ||
           (strcmp(type, "array") == 0 && json_is_array(value)) ||
           (strcmp(type, "string") == 0 && json_is_string(value)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(type, "number") == 0 && json_is_number(value)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(value)) ||
           (strcmp(type, "null") == 0 && json_is_null(value));
}

/* Whether a constant is of the type, or of one of the types, beside it; NULL: none is. */
static bool type_has(const json_t *type, const json_t *value)
{
    const char *only = json_string_value(type);
    bool found = type == NULL || (only != NULL && type_is(only, value));
    for (size_t i = 0; i < json_array_size(type); i++) {
        const char *name = json_string_value(json_array_get(type, i));
        found = found || (name != NULL && type_is(name, value));
    }
    return found;
}

aver_err aver_schema_const(schema_reader *reader, const json_t *value, const json_t *type,
                           uint32_t rule)
{
    return type_has(type, value)
               ? schema_constant(reader, value, rule)
               : aver_schema_fail(reader, AVER_E_FORMAT, "const", "is not of its type");
}

aver_err aver_schema_enum(schema_reader *reader, const json_t *values, const json_t *type,
                          uint32_t rule)
{
    bool some = false;
    size_t count = json_array_size(values);
    if (count == 0 || count > AVER_SCHEMA_CHOICES_MAX) {
        return aver_schema_fail(reader, AVER_E_FORMAT, "enum", "must be 1 to 512 values");
    }
    aver_err err = AVER_OK;
    for (size_t i = 0; i < count && err == AVER_OK; i++) {
        if (type_has(type, json_array_get(values, i))) {
            err = schema_constant(reader, json_array_get(values, i), rule);
            some = true;
        }
    }
    return some ? err : aver_schema_fail(reader, AVER_E_FORMAT, "enum", "has no value of its type");
}

static aver_err schema_pattern(schema_reader *reader, aver_view pattern, uint32_t rule)
{
    aver_grammar_item items[3] = {AVER_GRAMMAR_BYTE('"'), AVER_GRAMMAR_BYTE('"'),
                                  AVER_GRAMMAR_BYTE('"')};
    aver_err err = aver_grammar_pattern_read(reader->builder, pattern, &items[1], reader->why);
    if (err == AVER_OK) {
        aver_grammar_rule_items(reader->builder, rule, items, 3);
    }
    return err;
}

/* Days stop at 28, so that each is one. */
const char *aver_schema_format(const char *format)
{
#define DATE "\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\\d|2[0-8])"
#define TIME "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)"
    static const char *const patterns[][2] = {
        {"date", "^" DATE "$"},
        {"time", "^" TIME "$"},
        {"date-time", "^" DATE "T" TIME "$"},
        {"uuid", "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},
    };
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        if (format != NULL && strcmp(format, patterns[i][0]) == 0) {
            return patterns[i][1];
        }
    }
    return NULL;
}

aver_err aver_schema_string(schema_reader *reader, const json_t *schema, uint32_t rule)
{
    uint32_t min = 0;
    uint32_t max = 0;
    const json_t *pattern = json_object_get(schema, "pattern");
    const char *format = aver_schema_format(json_string_value(json_object_get(schema, "format")));
    aver_err err =
        aver_schema_range(reader, schema, "minLength", "maxLength", LENGTH_MAX, &min, &max);
    if (err != AVER_OK) {
        return err;
    }
    bool bounded = min != 0 || max != AVER_GRAMMAR_NO_MAX;
    if ((pattern != NULL) + (format != NULL) + bounded > 1) {
        return aver_schema_fail(reader, AVER_E_UNSUPPORTED, "pattern",
                                "with a length or a format is not supported");
    }
    if (pattern != NULL && !json_is_string(pattern)) {
        return aver_schema_fail(reader, AVER_E_FORMAT, "pattern", "must be a string");
    }
    if (pattern != NULL) {
        return schema_pattern(
            reader, aver_view_make(json_string_value(pattern), json_string_length(pattern)), rule);
    }
    if (format != NULL) {
        return schema_pattern(reader, aver_view_text(format), rule);
    }
    aver_grammar_item item = aver_grammar_json_string(reader->builder, min, max);
    aver_grammar_rule_items(reader->builder, rule, &item, 1);
    return AVER_OK;
}

/* The lowest (sign 1) or highest (sign -1) whole number that the bounds allow. */
static aver_err schema_bound(schema_reader *reader, const json_t *schema, const char *keyword,
                             const char *exclusive, int sign, double *bound, bool *has)
{
    const json_t *value = json_object_get(schema, keyword);
    const json_t *beyond = json_object_get(schema, exclusive);
    if ((value != NULL && !json_is_number(value)) || (beyond != NULL && !json_is_number(beyond))) {
        return aver_schema_fail(reader, AVER_E_FORMAT, keyword, "must be a number");
    }
    *has = value != NULL || beyond != NULL;
    *bound = -BOUND_MAX * sign;
    if (value != NULL) {
        *bound = sign * ceil(sign * json_number_value(value));
    }
    if (beyond != NULL) {
        double next = sign * (floor(sign * json_number_value(beyond)) + 1.0);
        *bound = value == NULL || next * sign > *bound * sign ? next : *bound;
    }
    if (!(*bound >= -BOUND_MAX && *bound <= BOUND_MAX)) {
        return aver_schema_fail(reader, AVER_E_LIMIT, keyword, "has more than 15 digits");
    }
    return AVER_OK;
}

aver_err aver_schema_number(schema_reader *reader, const json_t *schema, bool integer,
                            uint32_t rule)
{
    double least = 0;
    double most = 0;
    bool has_least = false;
    bool has_most = false;
    aver_err err =
        schema_bound(reader, schema, "minimum", "exclusiveMinimum", 1, &least, &has_least);
    err = err == AVER_OK
              ? schema_bound(reader, schema, "maximum", "exclusiveMaximum", -1, &most, &has_most)
              : err;
    if (err != AVER_OK) {
        return err;
    }
    if (least > most) {
        return aver_schema_fail(reader, AVER_E_UNSUPPORTED, "minimum",
                                "and maximum leave no whole number");
    }
    aver_grammar_item item =
        has_least || has_most
            ? aver_grammar_json_between(reader->builder, (int64_t)least, (int64_t)most, !integer)
            : aver_grammar_json_number(reader->builder, integer);
    aver_grammar_rule_items(reader->builder, rule, &item, 1);
    return AVER_OK;
}
