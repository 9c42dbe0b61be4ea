/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_SCHEMA_CHECK_H
#define AVER_TESTS_SUPPORT_SCHEMA_CHECK_H

/*
 * schema_check: whether a JSON value is valid under a JSON schema, for the keywords that the tests
 * use. It shares nothing with the grammar that answers are held to; patterns are POSIX extended
 * ones here, without \d and the like.
 */

#include <jansson.h>
#include <regex.h>
#include <stdbool.h>
#include <string.h>

static inline bool schema_valid(const json_t *root, const json_t *schema, const json_t *value);

static inline bool schema_type_is(const char *type, const json_t *value)
{
    return (strcmp(type, "object") == 0 && json_is_object(value)) ||
           (strcmp(type, "array") == 0 && json_is_array(value)) ||
           (strcmp(type, "string") == 0 && json_is_string(value)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(type, "number") == 0 && json_is_number(value)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(value)) ||
           (strcmp(type, "null") == 0 && json_is_null(value));
}

static inline bool schema_types_valid(const json_t *type, const json_t *value)
{
    if (json_is_string(type)) {
        return schema_type_is(json_string_value(type), value);
    }
    for (size_t i = 0; i < json_array_size(type); i++) {
        if (schema_type_is(json_string_value(json_array_get(type, i)), value)) {
            return true;
        }
    }
    return type == NULL;
}

static inline size_t schema_length(const json_t *string)
{
    size_t length = 0;
    for (const char *at = json_string_value(string); *at != '\0'; at++) {
        length += ((unsigned char)*at & 0xc0) != 0x80 ? 1 : 0;
    }
    return length;
}

static inline double schema_number_of(const json_t *schema, const char *keyword, double absent)
{
    const json_t *value = json_object_get(schema, keyword);
    return value == NULL ? absent : json_number_value(value);
}

static inline bool schema_string_valid(const json_t *schema, const json_t *value)
{
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    double length = (double)schema_length(value);
    bool valid = length >= schema_number_of(schema, "minLength", 0) &&
                 length <= schema_number_of(schema, "maxLength", 1e9);
    if (valid && pattern != NULL) {
        regex_t regex;
        valid = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) == 0;
        valid = valid && regexec(&regex, json_string_value(value), 0, NULL, 0) == 0;
        regfree(&regex);
    }
    return valid;
}

static inline bool schema_number_valid(const json_t *schema, const json_t *value)
{
    double number = json_number_value(value);
    return number >= schema_number_of(schema, "minimum", -1e300) &&
           number <= schema_number_of(schema, "maximum", 1e300) &&
           number > schema_number_of(schema, "exclusiveMinimum", -1e301) &&
           number < schema_number_of(schema, "exclusiveMaximum", 1e301);
}

static inline bool schema_object_valid(const json_t *root, const json_t *schema,
                                       const json_t *value)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *additional = json_object_get(schema, "additionalProperties");
    const json_t *required = json_object_get(schema, "required");
    const char *name;
    json_t *member;
    for (size_t i = 0; i < json_array_size(required); i++) {
        if (json_object_get(value, json_string_value(json_array_get(required, i))) == NULL) {
            return false;
        }
    }
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        const json_t *known = json_object_get(properties, name);
        known = known == NULL ? additional : known;
        if (known != NULL && !schema_valid(root, known, member)) {
            return false;
        }
    }
    return true;
}

static inline bool schema_array_valid(const json_t *root, const json_t *schema, const json_t *value)
{
    const json_t *items = json_object_get(schema, "items");
    const json_t *prefix = json_object_get(schema, "prefixItems");
    size_t size = json_array_size(value);
    bool valid = (double)size >= schema_number_of(schema, "minItems", 0) &&
                 (double)size <= schema_number_of(schema, "maxItems", 1e9);
    for (size_t i = 0; i < size && valid; i++) {
        const json_t *known = i < json_array_size(prefix) ? json_array_get(prefix, i) : items;
        valid = known == NULL || schema_valid(root, known, json_array_get(value, i));
    }
    return valid;
}

static inline bool schema_one_valid(const json_t *root, const json_t *schemas, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(schemas); i++) {
        if (schema_valid(root, json_array_get(schemas, i), value)) {
            return true;
        }
    }
    return schemas == NULL;
}

static inline bool schema_enum_valid(const json_t *values, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(values); i++) {
        if (json_equal(json_array_get(values, i), value)) {
            return true;
        }
    }
    return values == NULL;
}

static inline const json_t *schema_reference_find(const json_t *root, const char *pointer)
{
    char copy[256];
    char *rest = copy;
    const json_t *at = root;
    strncpy(copy, pointer, sizeof(copy) - 1);
    copy[sizeof(copy) - 1] = '\0';
    for (char *name = strsep(&rest, "/"); name != NULL; name = strsep(&rest, "/")) {
        at = strcmp(name, "#") == 0 ? at : json_object_get(at, name);
    }
    return at;
}

static inline bool schema_valid(const json_t *root, const json_t *schema, const json_t *value)
{
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    const json_t *constant = json_object_get(schema, "const");
    if (json_is_boolean(schema)) {
        return json_is_true(schema);
    }
    if (reference != NULL) {
        return schema_valid(root, schema_reference_find(root, reference), value);
    }
    return schema_types_valid(json_object_get(schema, "type"), value) &&
           (constant == NULL || json_equal(constant, value)) &&
           schema_enum_valid(json_object_get(schema, "enum"), value) &&
           schema_one_valid(root, json_object_get(schema, "anyOf"), value) &&
           schema_one_valid(root, json_object_get(schema, "allOf"), value) &&
           (!json_is_string(value) || schema_string_valid(schema, value)) &&
           (!json_is_number(value) || schema_number_valid(schema, value)) &&
           (!json_is_object(value) || schema_object_valid(root, schema, value)) &&
           (!json_is_array(value) || schema_array_valid(root, schema, value));
}

#endif
