/* SPDX-License-Identifier: Apache-2.0 */
/* schema_refusal: schemas at their bounds and one beyond, and one case for each refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/schema_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX (1u << 20)

typedef struct refused_case {
    const char *schema;
    const char *words; /* the refusal has them */
} refused_case;

static void schema_refused(const char *text, aver_err wanted, const char *words)
{
    char why[AVER_GRAMMAR_WHY_BYTES] = "";
    aver_grammar *grammar = NULL;
    json_t *schema = json_of(text);
    aver_err err = grammar_of_json(schema, &grammar, why);
    if (err != wanted || strstr(why, words) == NULL) {
        fail_msg("%.200s: %s, \"%s\"", text, aver_err_text(err), why);
    }
    json_decref(schema);
}

static void refused_all(const refused_case *cases, size_t count, aver_err wanted)
{
    for (size_t i = 0; i < count; i++) {
        schema_refused(cases[i].schema, wanted, cases[i].words);
    }
}

#define REFUSED(wanted, ...)                                                                       \
    refused_all((const refused_case[]){__VA_ARGS__},                                               \
                sizeof((const refused_case[]){__VA_ARGS__}) / sizeof(refused_case), wanted)

/* What stands beside a keyword that decides would not be kept to. */
static void what_a_deciding_keyword_leaves_unread_is_refused(void **state)
{
    (void)state;
    static const char *const deciding[] = {
        "\"$ref\":\"#/$defs/a\"", "\"const\":\"x\"", "\"enum\":[\"x\"]",
        "\"anyOf\":[{}]",         "\"oneOf\":[{}]",  "\"allOf\":[{}]",
    };
    static const char *const beside[][2] = {
        {"const", "\"y\""},        {"enum", "[\"y\"]"},
        {"anyOf", "[{}]"},         {"oneOf", "[{}]"},
        {"allOf", "[{}]"},         {"properties", "{}"},
        {"required", "[]"},        {"additionalProperties", "false"},
        {"items", "{}"},           {"prefixItems", "[]"},
        {"minItems", "1"},         {"maxItems", "1"},
        {"minLength", "1"},        {"maxLength", "1"},
        {"pattern", "\"a\""},      {"minimum", "1"},
        {"maximum", "1"},          {"exclusiveMinimum", "1"},
        {"exclusiveMaximum", "1"}, {"type", "\"integer\""},
    };
    for (size_t i = 0; i < sizeof(deciding) / sizeof(deciding[0]); i++) {
        for (size_t j = 0; j < sizeof(beside) / sizeof(beside[0]); j++) {
            char text[256];
            bool same = strncmp(deciding[i] + 1, beside[j][0], strlen(beside[j][0])) == 0;
            bool values = i == 1 || i == 2;
            if (same || (values && strcmp(beside[j][0], "type") == 0)) {
                continue;
            }
            (void)snprintf(text, sizeof(text), "{%s,\"%s\":%s,\"$defs\":{\"a\":{}}}", deciding[i],
                           beside[j][0], beside[j][1]);
            schema_refused(text, AVER_E_UNSUPPORTED, "beside another keyword");
        }
    }
}

static void values_of_another_shape_are_refused(void **state)
{
    (void)state;
    REFUSED(AVER_E_FORMAT, {"{\"enum\":7}", "1 to 512 values"},
            {"{\"enum\":[]}", "1 to 512 values"}, {"{\"anyOf\":{\"a\":{}}}", "1 to 512 schemas"},
            {"{\"anyOf\":[]}", "1 to 512 schemas"}, {"{\"type\":\"string\",\"const\":1}", "const"},
            {"{\"type\":\"string\",\"enum\":[1]}", "no value of its type"},
            {"{\"type\":7}", "one or more names"}, {"{\"type\":[7]}", "is no type"},
            {"{\"type\":\"array\",\"minItems\":\"1\"}", "whole number"},
            {"{\"type\":\"array\",\"minItems\":1.5}", "whole number"},
            {"{\"type\":\"array\",\"minItems\":-1}", "whole number"},
            {"{\"type\":\"array\",\"minItems\":2,\"maxItems\":1}", "maxItems"},
            {"{\"type\":\"string\",\"pattern\":7}", "must be a string"},
            {"{\"type\":\"number\",\"minimum\":\"1\"}", "must be a number"},
            {"{\"type\":\"number\",\"exclusiveMinimum\":true}", "must be a number"},
            {"{\"type\":\"number\",\"maximum\":\"1\"}", "must be a number"},
            {"{\"type\":\"object\",\"properties\":[]}", "must be an object"},
            {"{\"type\":\"object\",\"required\":\"a\"}", "must be an object"},
            {"{\"type\":\"object\",\"required\":[7]}", "must be names"},
            {"{\"properties\":{\"a\":{}},\"required\":[7,\"a\"]}", "must be names"},
            {"{\"type\":\"object\",\"additionalProperties\":7}", "must be a schema"},
            {"{\"type\":\"array\",\"items\":7}", "must be an object"},
            {"{\"type\":\"array\",\"prefixItems\":[7,{}]}", "must be an object"},
            {"{\"type\":\"array\",\"items\":[{},7]}", "must be an object"},
            {"{\"additionalProperties\":{\"type\":\"x\"}}", "is no type"},
            {"{\"properties\":{\"a\":{\"type\":\"x\"},\"b\":{}}}", "is no type"});
    REFUSED(AVER_E_UNSUPPORTED, {"{\"maxContains\":false}", "maxContains"},
            {"{\"uniqueItems\":true}", "uniqueItems"},
            {"{\"type\":\"array\",\"prefixItems\":7}", "prefixItems"},
            {"{\"type\":\"array\",\"prefixItems\":[{}],\"minItems\":2}", "prefixItems"},
            {"{\"type\":\"array\",\"prefixItems\":[{},{}],\"maxItems\":1}", "prefixItems"},
            {"{\"type\":\"string\",\"pattern\":\"a\",\"maxLength\":3}", "pattern"},
            {"{\"type\":\"string\",\"format\":\"date\",\"minLength\":3}", "pattern"},
            {"{\"type\":\"string\",\"format\":\"date\",\"pattern\":\"a\"}", "pattern"});
    assert_schema("{\"uniqueItems\":false,\"type\":\"null\"}", LIST("null"), LIST("1"));
}

static void constants_are_of_the_types_beside_them(void **state)
{
    (void)state;
    static const char *const types[] = {"object", "array",   "string", "integer",
                                        "number", "boolean", "null"};
    static const char *const values[] = {"{}", "[]", "\"a\"", "1", "1.5", "true", "null"};
    for (size_t i = 0; i < 7; i++) {
        char text[256];
        for (size_t j = 0; j < 7; j++) {
            bool is = i == j || (i == 4 && j == 3);
            (void)snprintf(text, sizeof(text), "{\"type\":\"%s\",\"enum\":[%s]}", types[i],
                           values[j]);
            if (is) {
                assert_schema(text, LIST(values[j]), LIST("\"b\""));
            } else {
                schema_refused(text, AVER_E_FORMAT, "no value of its type");
            }
        }
        (void)snprintf(text, sizeof(text), "{\"type\":[\"string\",\"%s\"],\"const\":%s}", types[i],
                       values[i]);
        assert_schema(text, LIST(values[i]), LIST("\"b\""));
        (void)snprintf(text, sizeof(text), "{\"type\":[\"%s\",\"string\"],\"const\":%s}", types[i],
                       values[i]);
        assert_schema(text, LIST(values[i]), LIST("\"b\""));
    }
    schema_refused("{\"type\":[7,\"null\"],\"const\":\"a\"}", AVER_E_FORMAT, "const");
    schema_refused("{\"type\":7,\"const\":7}", AVER_E_FORMAT, "const");
    schema_refused("{\"type\":7,\"enum\":[7]}", AVER_E_FORMAT, "enum");
}

static void references_are_followed_by_the_letter(void **state)
{
    (void)state;
    assert_schema("{\"$defs\":{\"a/b\":{\"const\":1},\"c~d\":{\"const\":2},\"~1\":{\"const\":3},"
                  "\"e~\":{\"const\":4},\"list\":[{\"const\":5},{\"const\":6}]},\"type\":\"array\","
                  "\"items\":[{\"$ref\":\"#/$defs/a~1b\"},{\"$ref\":\"#/$defs/c~0d\"},{\"$ref\":"
                  "\"#/$defs/~01\"},{\"$ref\":\"#/$defs/e~\"},{\"$ref\":\"#/$defs/list/1\"}]}",
                  LIST("[1,2,3,4,6]"), LIST("[1,2,3,4,5]", "[2,1,3,4,6]", "[1,2,3,4]"));
    REFUSED(AVER_E_FORMAT, {"{\"$defs\":{\"l\":[{}]},\"$ref\":\"#/$defs/l/1\"}", "nothing"},
            {"{\"$defs\":{\"l\":[{}]},\"$ref\":\"#/$defs/l/\"}", "nothing"},
            {"{\"$defs\":{\"l\":[{}]},\"$ref\":\"#/$defs/l/0x\"}", "nothing"},
            {"{\"$defs\":{\"l\":[{}]},\"$ref\":\"#/$defs/l/000000\"}", "nothing"},
            {"{\"$defs\":{\"a\":{}},\"$ref\":\"#a\"}", "nothing"},
            {"{\"$defs\":{\"a\":7},\"$ref\":\"#/$defs/a\"}", "must be an object"});
    REFUSED(AVER_E_UNSUPPORTED, {"{\"$ref\":7}", "into this schema"},
            {"{\"$ref\":\"\"}", "into this schema"},
            {"{\"$ref\":\"x/$defs/a\",\"$defs\":{\"a\":{}}}", "into this schema"});
}

static void bounds_of_numbers_are_the_narrower_ones(void **state)
{
    (void)state;
    assert_schema("{\"type\":\"integer\",\"minimum\":3,\"exclusiveMinimum\":1,\"maximum\":5}",
                  LIST("3", "5"), LIST("2", "6"));
    assert_schema("{\"type\":\"integer\",\"minimum\":1,\"exclusiveMinimum\":2,\"maximum\":5}",
                  LIST("3", "5"), LIST("2", "6"));
    assert_schema("{\"type\":\"integer\",\"minimum\":1,\"maximum\":5,\"exclusiveMaximum\":4}",
                  LIST("3"), LIST("4", "5"));
    assert_schema("{\"type\":\"integer\",\"minimum\":1,\"maximum\":3,\"exclusiveMaximum\":9}",
                  LIST("3"), LIST("4"));
    assert_schema("{\"type\":\"integer\",\"exclusiveMaximum\":4}", LIST("3", "-99"), LIST("4"));
    assert_schema("{\"type\":\"integer\",\"minimum\":-999999999999999,\"maximum\":"
                  "999999999999999}",
                  LIST("999999999999999", "-999999999999999"), LIST("1000000000000000"));
    REFUSED(AVER_E_LIMIT, {"{\"minimum\":1000000000000000}", "15 digits"},
            {"{\"minimum\":-1000000000000000}", "15 digits"},
            {"{\"maximum\":1000000000000000}", "15 digits"},
            {"{\"maximum\":-1000000000000000}", "15 digits"},
            {"{\"exclusiveMaximum\":1e300}", "15 digits"});
    REFUSED(AVER_E_UNSUPPORTED, {"{\"minimum\":2,\"maximum\":1}", "no whole number"});
}

/* No key is made twice, and those that are required need no type beside them. */
static void required_members_are_made_once(void **state)
{
    (void)state;
    assert_schema("{\"required\":[\"z\",\"z\"],\"additionalProperties\":{\"type\":\"integer\"}}",
                  LIST("{\"z\":1}"), LIST("{}", "{\"z\":1,\"z\":2}", "{\"z\":1, \"z\":2}"));
    assert_schema("{\"properties\":{\"z\":{\"type\":\"null\"}},\"required\":[\"z\",\"z\"]}",
                  LIST("{\"z\":null}"), LIST("{}", "{\"z\":null,\"z\":null}"));
    assert_schema("{\"properties\":{}}", LIST("{}"), LIST("{\"a\":1}", "1"));
    assert_schema("{\"format\":\"date\"}", LIST("\"2024-02-28\""), LIST("\"a\"", "1"));
    assert_schema("{\"properties\":{\"a\":{\"type\":\"null\"}},\"additionalProperties\":{\"type\":"
                  "\"integer\"}}",
                  LIST("{}", "{\"a\":null}"), LIST("{\"b\":1}"));
    assert_schema("{\"prefixItems\":[{\"type\":\"null\"}],\"items\":[{\"type\":\"integer\"}]}",
                  LIST("[null]"), LIST("[1]"));
    assert_schema("{\"type\":\"array\",\"items\":true}", LIST("[1,{}]"), LIST("1"));
    assert_schema("{\"type\":\"string\",\"maxLength\":1}", LIST("\"a\""), LIST("\"ab\""));
}

/* head, then middle count times parted by commas with its number for %u, then tail. */
static char *text_make(const char *head, const char *middle, size_t count, const char *tail)
{
    char *text = malloc(TEXT_BYTES_MAX);
    assert_non_null(text);
    size_t size = (size_t)snprintf(text, TEXT_BYTES_MAX, "%s", head);
    for (size_t i = 0; i < count; i++) {
        char number[16];
        const char *mark = strchr(middle, '@');
        (void)snprintf(number, sizeof(number), "%zu", i);
        size += (size_t)snprintf(text + size, TEXT_BYTES_MAX - size, "%s%.*s%s%s",
                                 i == 0 ? "" : ",", (int)(mark - middle), middle, number, mark + 1);
        assert_true(size < TEXT_BYTES_MAX);
    }
    size += (size_t)snprintf(text + size, TEXT_BYTES_MAX - size, "%s", tail);
    assert_true(size < TEXT_BYTES_MAX);
    return text;
}

static void counts_end_at_their_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *head, *middle, *tail;
        size_t most;
        aver_err err;
        const char *words;
    } cases[] = {
        {"{\"enum\":[", "@", "]}", 512, AVER_E_FORMAT, "1 to 512 values"},
        {"{\"anyOf\":[", "{\"const\":@}", "]}", 512, AVER_E_FORMAT, "1 to 512 schemas"},
        {"{\"prefixItems\":[", "{\"const\":@}", "]}", 256, AVER_E_LIMIT, "more than 256"},
        {"{\"properties\":{", "\"a@\":{\"type\":\"null\"}", "}}", 256, AVER_E_LIMIT,
         "more than 256"},
        {"{\"required\":[", "\"a@\"", "],\"additionalProperties\":{\"type\":\"null\"}}", 256,
         AVER_E_LIMIT, "required are more than 256"},
        {"{\"properties\":{\"a\":{\"type\":\"null\"},\"a0\":{\"type\":\"null\"}},\"required\":[",
         "\"a@\"", "],\"additionalProperties\":{\"type\":\"null\"}}", 255, AVER_E_LIMIT,
         "more than 256"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = text_make(cases[i].head, cases[i].middle, cases[i].most, cases[i].tail);
        aver_grammar_free(schema_open(text));
        free(text);
        text = text_make(cases[i].head, cases[i].middle, cases[i].most + 1, cases[i].tail);
        schema_refused(text, cases[i].err, cases[i].words);
        free(text);
    }
    aver_grammar_free(
        schema_open("{\"type\":\"array\",\"items\":{\"const\":1},\"maxItems\":4096}"));
    aver_grammar_free(schema_open("{\"type\":\"string\",\"maxLength\":16384}"));
    REFUSED(AVER_E_LIMIT, {"{\"type\":\"array\",\"maxItems\":4097}", "maxItems is too large"},
            {"{\"type\":\"array\",\"minItems\":4097}", "minItems is too large"},
            {"{\"type\":\"string\",\"maxLength\":16385}", "maxLength is too large"});
}

/* A name between head and tail, of as many bytes. */
static char *text_long(const char *head, size_t size, const char *tail)
{
    char *text = malloc(TEXT_BYTES_MAX);
    assert_non_null(text);
    int begun = snprintf(text, TEXT_BYTES_MAX, "%s", head);
    memset(text + begun, 'x', size);
    (void)snprintf(text + begun + size, TEXT_BYTES_MAX - (size_t)begun - size, "%s", tail);
    return text;
}

static void long_and_deep_schemas_end_at_their_bounds(void **state)
{
    (void)state;
    char *text = text_long("{\"const\":\"", 65536 - 1, "\"}");
    schema_refused(text, AVER_E_LIMIT, "a constant is too long");
    free(text);
    /* As long as a pointer may be: it is looked for. One byte more: it is not. */
    text = text_long("{\"$ref\":\"#/", 509, "\"}");
    schema_refused(text, AVER_E_FORMAT, "points to nothing");
    free(text);
    text = text_long("{\"$ref\":\"#/", 510, "\"}");
    schema_refused(text, AVER_E_UNSUPPORTED, "into this schema");
    free(text);
    for (size_t depth = 127; depth < 129; depth++) {
        json_t *schema = json_of("{\"type\":\"null\"}");
        for (size_t i = 0; i < depth; i++) {
            schema = json_pack("{s:[o]}", "anyOf", schema);
        }
        text = json_dumps(schema, 0);
        if (depth == 127) {
            aver_grammar_free(schema_open(text));
        } else {
            schema_refused(text, AVER_E_LIMIT, "too many schemas");
        }
        free(text);
        json_decref(schema);
    }
}

/* 16 times 512 schemas and those that hold them: one more than may be looked at. */
static void many_schemas_end_at_their_bound(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        json_t *list = json_array();
        size_t left = 8192 - 1 + more; /* besides the outermost */
        while (left > 0) {
            json_t *inner = json_array();
            size_t count = left > 512 ? 512 : left;
            for (size_t i = 1; i < count; i++) {
                assert_int_equal(json_array_append_new(inner, json_true()), 0);
            }
            json_t *holder = count == 1 ? json_true() : json_pack("{s:o}", "anyOf", inner);
            if (count == 1) {
                json_decref(inner);
            }
            assert_int_equal(json_array_append_new(list, holder), 0);
            left -= count;
        }
        json_t *schema = json_pack("{s:o}", "anyOf", list);
        char *text = json_dumps(schema, 0);
        if (more == 0) {
            aver_grammar_free(schema_open(text));
        } else {
            schema_refused(text, AVER_E_LIMIT, "too many schemas");
        }
        free(text);
        json_decref(schema);
    }
}

/* What is too large is said so, and words of the schema are repeated in plain letters. */
static void refusals_are_words_that_can_be_printed(void **state)
{
    (void)state;
    schema_refused("{\"a\\u00e9\\u001b\\u007f\":1}", AVER_E_UNSUPPORTED, "a???? is not supported");
    char *constant = text_long("\"@", 60000, "\"");
    char *text = text_make("{\"enum\":[", constant, 12, "]}");
    schema_refused(text, AVER_E_LIMIT, "it is too large");
    free(text);
    free(constant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_deciding_keyword_leaves_unread_is_refused),
        cmocka_unit_test(values_of_another_shape_are_refused),
        cmocka_unit_test(constants_are_of_the_types_beside_them),
        cmocka_unit_test(references_are_followed_by_the_letter),
        cmocka_unit_test(bounds_of_numbers_are_the_narrower_ones),
        cmocka_unit_test(required_members_are_made_once),
        cmocka_unit_test(counts_end_at_their_bounds),
        cmocka_unit_test(long_and_deep_schemas_end_at_their_bounds),
        cmocka_unit_test(many_schemas_end_at_their_bound),
        cmocka_unit_test(refusals_are_words_that_can_be_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
