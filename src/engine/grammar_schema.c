/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON schema (2020-12 and what is common of earlier ones) to a grammar. Whatever cannot be kept is
 * refused by name rather than passed over: an answer under a schema is valid under it.
 */
#include "engine/grammar_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMAS_MAX   8192 /* looked at, those behind references once */
#define DEPTH_MAX     128  /* of schemas in one another */
#define POINTER_BYTES 512

aver_err aver_schema_fail(schema_reader *reader, aver_err err, const char *word, const char *words)
{
    (void)snprintf(reader->why, AVER_GRAMMAR_WHY_BYTES, "schema: %.60s %s", word, words);
    for (char *at = reader->why; *at != '\0'; at++) {
        *at = *at < ' ' || *at > '~' ? '?' : *at;
    }
    return err;
}

static bool word_in(const char *word, const char *const *words)
{
    while (*words != NULL && strcmp(word, *words) != 0) {
        words++;
    }
    return *words != NULL;
}

/* Every keyword is one that is kept, or one that says nothing about values. */
static aver_err schema_keywords(schema_reader *reader, const json_t *schema)
{
    static const char *const notes[] = {"title",       "description", "default",       "examples",
                                        "example",     "$schema",     "$id",           "$comment",
                                        "deprecated",  "$defs",       "readOnly",      "writeOnly",
                                        "definitions", "$anchor",     "discriminator", NULL};
    static const char *const kept[] = {"type",
                                       "enum",
                                       "const",
                                       "anyOf",
                                       "oneOf",
                                       "allOf",
                                       "$ref",
                                       "properties",
                                       "required",
                                       "additionalProperties",
                                       "items",
                                       "prefixItems",
                                       "minItems",
                                       "maxItems",
                                       "minLength",
                                       "maxLength",
                                       "pattern",
                                       "format",
                                       "minimum",
                                       "maximum",
                                       "exclusiveMinimum",
                                       "exclusiveMaximum",
                                       NULL};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)schema, key, value)
    {
        bool nothing = json_is_false(value) && strcmp(key, "uniqueItems") == 0;
        if (!nothing && !word_in(key, notes) && !word_in(key, kept)) {
            return aver_schema_fail(reader, AVER_E_UNSUPPORTED, key, "is not supported");
        }
    }
    return AVER_OK;
}

/* Keywords that may not stand beside one that says everything; a type may beside values. */
static aver_err schema_alone(schema_reader *reader, const json_t *schema, const char *keyword)
{
    static const char *const others[] = {"$ref",
                                         "const",
                                         "enum",
                                         "anyOf",
                                         "oneOf",
                                         "allOf",
                                         "properties",
                                         "required",
                                         "additionalProperties",
                                         "items",
                                         "prefixItems",
                                         "minItems",
                                         "maxItems",
                                         "minLength",
                                         "maxLength",
                                         "pattern",
                                         "minimum",
                                         "maximum",
                                         "exclusiveMinimum",
                                         "exclusiveMaximum",
                                         "type",
                                         NULL};
    bool values = strcmp(keyword, "const") == 0 || strcmp(keyword, "enum") == 0;
    for (size_t i = 0; others[i] != NULL; i++) {
        bool same = strcmp(others[i], keyword) == 0;
        bool judged = values && strcmp(others[i], "type") == 0;
        if (!same && !judged && json_object_get(schema, others[i]) != NULL) {
            return aver_schema_fail(reader, AVER_E_UNSUPPORTED, others[i],
                                    "beside another keyword that excludes it");
        }
    }
    return AVER_OK;
}

void aver_schema_any(schema_reader *reader)
{
    if (!reader->has_any) {
        reader->any = aver_grammar_json_value(reader->builder, &reader->any_object);
        reader->has_any = true;
    }
}

static aver_err schema_choices(schema_reader *reader, const json_t *schemas, const char *keyword,
                               uint32_t rule)
{
    size_t count = json_array_size(schemas);
    if (count == 0 || count > AVER_SCHEMA_CHOICES_MAX) {
        return aver_schema_fail(reader, AVER_E_FORMAT, keyword, "must be 1 to 512 schemas");
    }
    aver_err err = AVER_OK;
    for (size_t i = 0; i < count && err == AVER_OK; i++) {
        aver_grammar_item item;
        err = aver_schema_item(reader, json_array_get(schemas, i), &item);
        if (err == AVER_OK) {
            aver_grammar_rule_items(reader->builder, rule, &item, 1);
        }
    }
    return err;
}

/* A step of a JSON pointer (RFC 6901), without percent signs. */
static const json_t *pointer_step(const json_t *at, const char *token, size_t size)
{
    char name[POINTER_BYTES];
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        char byte = token[i];
        if (byte == '~' && i + 1 < size) {
            byte = token[++i] == '1' ? '/' : '~';
        }
        name[length++] = byte;
    }
    name[length] = '\0';
    if (json_is_array(at)) {
        bool number = length > 0 && length < 6 && strspn(name, "0123456789") == length;
        return number ? json_array_get(at, strtoul(name, NULL, 10)) : NULL;
    }
    return json_object_get(at, name);
}

static const json_t *pointer_find(const json_t *root, const char *pointer)
{
    const json_t *at = root;
    pointer++;
    while (at != NULL && *pointer == '/') {
        size_t size = strcspn(pointer + 1, "/");
        at = pointer_step(at, pointer + 1, size);
        pointer += 1 + size;
    }
    return *pointer == '\0' ? at : NULL;
}

/* Each target is one rule, so that schemas may refer to themselves. */
static aver_err schema_reference(schema_reader *reader, const json_t *reference, uint32_t rule)
{
    const char *pointer = json_string_value(reference);
    aver_grammar_item item;
    if (pointer == NULL || pointer[0] != '#' || strlen(pointer) >= POINTER_BYTES) {
        return aver_schema_fail(reader, AVER_E_UNSUPPORTED, "$ref", "must point into this schema");
    }
    const json_t *known = json_object_get(reader->references, pointer);
    if (known != NULL) {
        item = AVER_GRAMMAR_RULE((uint32_t)json_integer_value(known));
        aver_grammar_rule_items(reader->builder, rule, &item, 1);
        return AVER_OK;
    }
    const json_t *target = pointer_find(reader->root, pointer);
    if (target == NULL) {
        return aver_schema_fail(reader, AVER_E_FORMAT, "$ref", "points to nothing");
    }
    if (json_object_set_new(reader->references, pointer, json_integer(rule)) != 0) {
        return AVER_E_NOMEM;
    }
    aver_err err = aver_schema_item(reader, target, &item);
    if (err == AVER_OK) {
        aver_grammar_rule_items(reader->builder, rule, &item, 1);
    }
    return err;
}

static aver_err schema_count(schema_reader *reader, const json_t *schema, const char *keyword,
                             uint32_t most, uint32_t absent, uint32_t *ret_count)
{
    const json_t *value = json_object_get(schema, keyword);
    *ret_count = absent;
    if (value == NULL) {
        return AVER_OK;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return aver_schema_fail(reader, AVER_E_FORMAT, keyword, "must be a whole number");
    }
    if (json_integer_value(value) > most) {
        return aver_schema_fail(reader, AVER_E_LIMIT, keyword, "is too large");
    }
    *ret_count = (uint32_t)json_integer_value(value);
    return AVER_OK;
}

aver_err aver_schema_range(schema_reader *reader, const json_t *schema, const char *min_keyword,
                           const char *max_keyword, uint32_t most, uint32_t *ret_min,
                           uint32_t *ret_max)
{
    aver_err err = schema_count(reader, schema, min_keyword, most, 0, ret_min);
    err = err == AVER_OK
              ? schema_count(reader, schema, max_keyword, most, AVER_GRAMMAR_NO_MAX, ret_max)
              : err;
    if (err == AVER_OK && *ret_max < *ret_min) {
        err = aver_schema_fail(reader, AVER_E_FORMAT, max_keyword, "is less than its opposite");
    }
    return err;
}

static aver_err schema_type(schema_reader *reader, const json_t *schema, const char *type,
                            uint32_t rule)
{
    aver_grammar_item item;
    if (strcmp(type, "object") == 0) {
        return aver_schema_object(reader, schema, rule);
    }
    if (strcmp(type, "array") == 0) {
        return aver_schema_array(reader, schema, rule);
    }
    if (strcmp(type, "string") == 0) {
        return aver_schema_string(reader, schema, rule);
    }
    if (strcmp(type, "number") == 0 || strcmp(type, "integer") == 0) {
        return aver_schema_number(reader, schema, type[0] == 'i', rule);
    }
    if (strcmp(type, "boolean") == 0) {
        item = aver_grammar_literal(reader->builder, AVER_VIEW_LITERAL("true"));
        aver_grammar_rule_items(reader->builder, rule, &item, 1);
        item = aver_grammar_literal(reader->builder, AVER_VIEW_LITERAL("false"));
    } else if (strcmp(type, "null") == 0) {
        item = aver_grammar_literal(reader->builder, AVER_VIEW_LITERAL("null"));
    } else {
        return aver_schema_fail(reader, AVER_E_FORMAT, type, "is no type");
    }
    aver_grammar_rule_items(reader->builder, rule, &item, 1);
    return AVER_OK;
}

/* What a schema without a type means by its keywords; NULL: any value. */
static const char *schema_guess(const json_t *schema)
{
    static const char *const guesses[][2] = {
        {"properties", "object"},       {"additionalProperties", "object"},
        {"required", "object"},         {"items", "array"},
        {"prefixItems", "array"},       {"minItems", "array"},
        {"maxItems", "array"},          {"pattern", "string"},
        {"minLength", "string"},        {"maxLength", "string"},
        {"minimum", "number"},          {"maximum", "number"},
        {"exclusiveMinimum", "number"}, {"exclusiveMaximum", "number"}};
    for (size_t i = 0; i < sizeof(guesses) / sizeof(guesses[0]); i++) {
        if (json_object_get(schema, guesses[i][0]) != NULL) {
            return guesses[i][1];
        }
    }
    return aver_schema_format(json_string_value(json_object_get(schema, "format"))) != NULL
               ? "string"
               : NULL;
}

static aver_err schema_types(schema_reader *reader, const json_t *schema, uint32_t rule)
{
    const json_t *type = json_object_get(schema, "type");
    const char *guess = type == NULL ? schema_guess(schema) : json_string_value(type);
    if (guess != NULL) {
        return schema_type(reader, schema, guess, rule);
    }
    if (type == NULL) {
        aver_schema_any(reader);
        aver_grammar_rule_items(reader->builder, rule, &reader->any, 1);
        return AVER_OK;
    }
    aver_err err = json_array_size(type) == 0 ? aver_schema_fail(reader, AVER_E_FORMAT, "type",
                                                                 "must be one or more names")
                                              : AVER_OK;
    for (size_t i = 0; i < json_array_size(type) && err == AVER_OK; i++) {
        const char *name = json_string_value(json_array_get(type, i));
        err = schema_type(reader, schema, name == NULL ? "" : name, rule);
    }
    return err;
}

static aver_err schema_all_of(schema_reader *reader, const json_t *schemas, uint32_t rule)
{
    if (json_array_size(schemas) != 1) {
        return aver_schema_fail(reader, AVER_E_UNSUPPORTED, "allOf", "of more than one schema");
    }
    return schema_choices(reader, schemas, "allOf", rule);
}

/* The first of these that is there decides; the others may not be beside it. */
static aver_err schema_read(schema_reader *reader, const json_t *schema, uint32_t rule)
{
    static const char *const deciding[] = {"$ref", "const", "enum", "anyOf", "oneOf", "allOf"};
    for (size_t i = 0; i < sizeof(deciding) / sizeof(deciding[0]); i++) {
        const json_t *value = json_object_get(schema, deciding[i]);
        if (value == NULL) {
            continue;
        }
        aver_err err = schema_alone(reader, schema, deciding[i]);
        if (err != AVER_OK) {
            return err;
        }
        switch (i) {
        case 0:
            return schema_reference(reader, value, rule);
        case 1:
            return aver_schema_const(reader, value, json_object_get(schema, "type"), rule);
        case 2:
            return aver_schema_enum(reader, value, json_object_get(schema, "type"), rule);
        case 5:
            return schema_all_of(reader, value, rule);
        default:
            return schema_choices(reader, value, deciding[i], rule);
        }
    }
    return schema_types(reader, schema, rule);
}

aver_err aver_schema_item(schema_reader *reader, const json_t *schema, aver_grammar_item *ret_item)
{
    if (++reader->schemas_count > SCHEMAS_MAX || reader->depth >= DEPTH_MAX) {
        return aver_schema_fail(reader, AVER_E_LIMIT, "there", "are too many schemas in it");
    }
    if (json_is_true(schema)) {
        aver_schema_any(reader);
        *ret_item = reader->any;
        return AVER_OK;
    }
    if (!json_is_object(schema)) {
        return aver_schema_fail(reader, AVER_E_FORMAT, "a schema", "must be an object");
    }
    uint32_t rule = aver_grammar_rule(reader->builder);
    reader->depth++;
    aver_err err = schema_keywords(reader, schema);
    err = err == AVER_OK ? schema_read(reader, schema, rule) : err;
    reader->depth--;
    *ret_item = AVER_GRAMMAR_RULE(rule);
    return err;
}

aver_err aver_grammar_schema_read(aver_grammar_builder *builder, const json_t *schema,
                                  aver_grammar_item *ret_item, char ret_why[AVER_GRAMMAR_WHY_BYTES])
{
    schema_reader reader = {
        .builder = builder, .root = schema, .why = ret_why, .references = json_object()};
    if (reader.references == NULL) {
        return AVER_E_NOMEM;
    }
    reader.space = aver_grammar_json_space(builder);
    aver_grammar_item item;
    aver_err err = aver_schema_item(&reader, schema, &item);
    json_decref(reader.references);
    if (err == AVER_OK && aver_grammar_builder_status(builder) != AVER_OK) {
        err = aver_schema_fail(&reader, aver_grammar_builder_status(builder), "it", "is too large");
    }
    if (err == AVER_OK) {
        *ret_item = item;
    }
    return err;
}
