/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays and objects of a JSON schema. */
#include "engine/grammar_schema.h"

#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX    256
#define COUNT_MAX      4096
#define NAME_BYTES_MAX 65536

/* Items of one schema: min to max of them, parted by commas. */
static void array_items(schema_reader *reader, aver_grammar_item item, uint32_t min, uint32_t max,
                        uint32_t rule)
{
    aver_grammar_builder *builder = reader->builder;
    if (min == 0) {
        aver_grammar_rule_items(builder, rule, NULL, 0);
    }
    if (max == 0) {
        return;
    }
    uint32_t more = aver_grammar_rule(builder);
    aver_grammar_item comma[] = {AVER_GRAMMAR_BYTE(','), reader->space, item};
    aver_grammar_rule_items(builder, more, comma, 3);
    aver_grammar_item some[] = {
        item, aver_grammar_repeat(builder, AVER_GRAMMAR_RULE(more), min == 0 ? 0 : min - 1,
                                  max == AVER_GRAMMAR_NO_MAX ? max : max - 1)};
    aver_grammar_rule_items(builder, rule, some, 2);
}

/* Exactly these items, one schema each. */
static aver_err array_tuple(schema_reader *reader, const json_t *schemas, uint32_t rule)
{
    size_t count = json_array_size(schemas);
    aver_grammar_item items[3 * MEMBERS_MAX];
    size_t items_count = 0;
    if (count > MEMBERS_MAX) {
        return aver_schema_fail(reader, AVER_E_LIMIT, "prefixItems", "are more than 256");
    }
    for (size_t i = 0; i < count; i++) {
        if (i != 0) {
            items[items_count++] = AVER_GRAMMAR_BYTE(',');
            items[items_count++] = reader->space;
        }
        aver_err err = aver_schema_item(reader, json_array_get(schemas, i), &items[items_count]);
        if (err != AVER_OK) {
            return err;
        }
        items_count++;
    }
    aver_grammar_rule_items(reader->builder, rule, items, items_count);
    return AVER_OK;
}

aver_err aver_schema_array(schema_reader *reader, const json_t *schema, uint32_t rule)
{
    uint32_t min = 0;
    uint32_t max = 0;
    const json_t *items = json_object_get(schema, "items");
    const json_t *prefix = json_object_get(schema, "prefixItems");
    uint32_t inside = aver_grammar_rule(reader->builder);
    aver_err err = aver_schema_range(reader, schema, "minItems", "maxItems", COUNT_MAX, &min, &max);
    if (err != AVER_OK) {
        return err;
    }
    prefix = prefix == NULL && json_is_array(items) ? items : prefix;
    if (prefix != NULL) {
        size_t count = json_array_size(prefix);
        if (!json_is_array(prefix) || min > count || max < count) {
            return aver_schema_fail(reader, AVER_E_UNSUPPORTED, "prefixItems",
                                    "of another number than the array has");
        }
        err = array_tuple(reader, prefix, inside);
    } else {
        aver_grammar_item item;
        aver_schema_any(reader);
        item = reader->any;
        err = items == NULL ? AVER_OK : aver_schema_item(reader, items, &item);
        array_items(reader, item, min, max, inside);
    }
    aver_grammar_item whole[] = {AVER_GRAMMAR_BYTE('['), reader->space, AVER_GRAMMAR_RULE(inside),
                                 reader->space, AVER_GRAMMAR_BYTE(']')};
    aver_grammar_rule_items(reader->builder, rule, whole, 5);
    return err;
}

/* "name": value */
static aver_grammar_item object_pair(schema_reader *reader, aver_grammar_item name,
                                     aver_grammar_item value)
{
    uint32_t rule = aver_grammar_rule(reader->builder);
    aver_grammar_item items[] = {name, AVER_GRAMMAR_BYTE(':'), reader->space, value};
    aver_grammar_rule_items(reader->builder, rule, items, 4);
    return AVER_GRAMMAR_RULE(rule);
}

static aver_err object_name(schema_reader *reader, const char *name, aver_grammar_item *ret_item)
{
    aver_buf text;
    aver_buf_init(&text, NAME_BYTES_MAX);
    aver_json_append_string(&text, aver_view_text(name));
    aver_err err = aver_buf_status(&text);
    if (err == AVER_OK) {
        *ret_item = aver_grammar_literal(reader->builder, aver_buf_view(&text));
    }
    aver_buf_deinit(&text);
    return err;
}

typedef struct object_member {
    aver_grammar_item pair;
    bool required;
} object_member;

typedef struct object_members {
    object_member list[MEMBERS_MAX];
    size_t count;
} object_members;

/* Among the first count of them. */
static bool names_have(const json_t *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const char *other = json_string_value(json_array_get(names, i));
        if (other != NULL && strcmp(name, other) == 0) {
            return true;
        }
    }
    return false;
}

static aver_err object_member_add(schema_reader *reader, const char *name, const json_t *schema,
                                  bool required, object_members *members)
{
    aver_grammar_item key, value;
    if (members->count == MEMBERS_MAX) {
        return aver_schema_fail(reader, AVER_E_LIMIT, "properties", "are more than 256");
    }
    aver_err err = aver_schema_item(reader, schema, &value);
    err = err == AVER_OK ? object_name(reader, name, &key) : err;
    if (err == AVER_OK) {
        members->list[members->count++] =
            (object_member){object_pair(reader, key, value), required};
    }
    return err;
}

static aver_err object_members_read(schema_reader *reader, const json_t *schema,
                                    object_members *members)
{
    json_t *properties = json_object_get(schema, "properties");
    const json_t *required = json_object_get(schema, "required");
    const json_t *additional = json_object_get(schema, "additionalProperties");
    const char *name;
    json_t *value;
    aver_err err = AVER_OK;
    size_t count = json_array_size(required);
    if (count > MEMBERS_MAX) {
        return aver_schema_fail(reader, AVER_E_LIMIT, "required", "are more than 256");
    }
    json_object_foreach(properties, name, value)
    {
        err = object_member_add(reader, name, value, names_have(required, count, name), members);
        if (err != AVER_OK) {
            return err;
        }
    }
    for (size_t i = 0; i < count && err == AVER_OK; i++) {
        name = json_string_value(json_array_get(required, i));
        if (name == NULL) {
            return aver_schema_fail(reader, AVER_E_FORMAT, "required", "must be names");
        }
        if (json_object_get(properties, name) != NULL || names_have(required, i, name)) {
            continue;
        }
        if (json_is_false(additional)) {
            return aver_schema_fail(reader, AVER_E_FORMAT, "required", "names what is not allowed");
        }
        err = object_member_add(reader, name, json_is_object(additional) ? additional : json_true(),
                                true, members);
    }
    return err;
}

/* The members in order, from the last to the first: what may follow when none stands before, and
 * when one does. */
static aver_grammar_item object_rest(schema_reader *reader, const object_members *members)
{
    aver_grammar_builder *builder = reader->builder;
    uint32_t first = aver_grammar_rule(builder);
    uint32_t later = aver_grammar_rule(builder);
    aver_grammar_rule_items(builder, first, NULL, 0);
    aver_grammar_rule_items(builder, later, NULL, 0);
    for (size_t i = members->count; i > 0; i--) {
        const object_member *member = &members->list[i - 1];
        aver_grammar_item after_first = AVER_GRAMMAR_RULE(first);
        aver_grammar_item after_later = AVER_GRAMMAR_RULE(later);
        aver_grammar_item begin[] = {member->pair, after_later};
        aver_grammar_item go_on[] = {AVER_GRAMMAR_BYTE(','), reader->space, member->pair,
                                     after_later};
        first = aver_grammar_rule(builder);
        later = aver_grammar_rule(builder);
        aver_grammar_rule_items(builder, first, begin, 2);
        aver_grammar_rule_items(builder, later, go_on, 4);
        if (!member->required) {
            aver_grammar_rule_items(builder, first, &after_first, 1);
            aver_grammar_rule_items(builder, later, &after_later, 1);
        }
    }
    return AVER_GRAMMAR_RULE(first);
}

/* No members are named: any name, values of one schema. */
static aver_err object_map(schema_reader *reader, const json_t *additional, uint32_t rule)
{
    aver_grammar_item value;
    aver_err err = aver_schema_item(reader, additional, &value);
    if (err != AVER_OK) {
        return err;
    }
    aver_grammar_item name = aver_grammar_json_string(reader->builder, 0, AVER_GRAMMAR_NO_MAX);
    array_items(reader, object_pair(reader, name, value), 0, AVER_GRAMMAR_NO_MAX, rule);
    return AVER_OK;
}

aver_err aver_schema_object(schema_reader *reader, const json_t *schema, uint32_t rule)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *additional = json_object_get(schema, "additionalProperties");
    const json_t *required = json_object_get(schema, "required");
    if ((properties != NULL && !json_is_object(properties)) ||
        (required != NULL && !json_is_array(required))) {
        return aver_schema_fail(reader, AVER_E_FORMAT, "properties", "must be an object");
    }
    if (additional != NULL && !json_is_object(additional) && !json_is_boolean(additional)) {
        return aver_schema_fail(reader, AVER_E_FORMAT, "additionalProperties", "must be a schema");
    }
    bool named = json_object_size(properties) > 0 || json_array_size(required) > 0;
    if (!named && properties == NULL && !json_is_false(additional) && !json_is_object(additional)) {
        aver_schema_any(reader);
        aver_grammar_rule_items(reader->builder, rule, &reader->any_object, 1);
        return AVER_OK;
    }
    object_members *members = calloc(1, sizeof(*members));
    uint32_t inside = aver_grammar_rule(reader->builder);
    aver_err err = members == NULL ? AVER_E_NOMEM : AVER_OK;
    if (err == AVER_OK && !named && json_is_object(additional)) {
        err = object_map(reader, additional, inside);
    } else if (err == AVER_OK) {
        err = object_members_read(reader, schema, members);
        aver_grammar_item rest = object_rest(reader, members);
        aver_grammar_rule_items(reader->builder, inside, &rest, 1);
    }
    free(members);
    aver_grammar_item whole[] = {AVER_GRAMMAR_BYTE('{'), reader->space, AVER_GRAMMAR_RULE(inside),
                                 reader->space, AVER_GRAMMAR_BYTE('}')};
    aver_grammar_rule_items(reader->builder, rule, whole, 5);
    return err;
}
