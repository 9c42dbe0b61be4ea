/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/schema_check.h"
#include "../support/schema_run.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_BYTES_MAX 4096

static uint32_t random_state = 7;

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % bound;
}

static aver_err grammar_of_text(const char *text, aver_grammar **ret_grammar)
{
    char why[AVER_GRAMMAR_WHY_BYTES] = "";
    aver_grammar_builder *builder = NULL;
    uint32_t root = 0;
    assert_int_equal(aver_grammar_builder_new(&builder), AVER_OK);
    aver_err err = aver_grammar_text_read(builder, aver_view_text(text), &root, why);
    assert_true((err == AVER_OK) == (why[0] == '\0'));
    err = err == AVER_OK ? aver_grammar_builder_finish(builder, root, ret_grammar) : err;
    aver_grammar_builder_free(builder);
    return err;
}

static void assert_text_grammar(const char *grammar_text, const char *const *in,
                                const char *const *out)
{
    aver_grammar *grammar = NULL;
    assert_int_equal(grammar_of_text(grammar_text, &grammar), AVER_OK);
    for (; *in != NULL; in++) {
        if (!grammar_has(grammar, *in)) {
            fail_msg("%s must have \"%s\"", grammar_text, *in);
        }
    }
    for (; *out != NULL; out++) {
        if (grammar_has(grammar, *out)) {
            fail_msg("%s must not have \"%s\"", grammar_text, *out);
        }
    }
    aver_grammar_free(grammar);
}

static void the_notation_of_grammars_means_what_it_says(void **state)
{
    (void)state;
    assert_text_grammar("root ::= \"a\" b* c # words\nb ::= \"b\"\nc ::= \"c\" | \"d\"{2,3}\n",
                        LIST("ac", "abbbc", "add", "addd"), LIST("", "a", "ad", "adddd", "abca"));
    assert_text_grammar("root ::= (\"x\" | \"yz\")+ \"!\"?", LIST("x", "yz", "xyzx!"),
                        LIST("", "y", "!", "x!!"));
    assert_text_grammar("root ::= [^a-c\\n]{2}", LIST("de", "\xc3\xa9z", "\xf0\x9f\x98\x80x"),
                        LIST("a", "ae", "e\n", "\xc3\xa9", "\xff\xff"));
    assert_text_grammar("root ::= [\\u00e0-\\u00ff]+ [\\U00010000-\\U0010ffff]?",
                        LIST("\xc3\xa0", "\xc3\xbf", "\xc3\xa0\xf0\x90\x80\x80"),
                        LIST("\xc3", "\xc2\xbf", "\xc4\x80", "\xc3\xa0\xef\xbf\xbf"));
    assert_text_grammar("root ::= \"(\" root \")\" | \"\"", LIST("", "()", "((()))"),
                        LIST("(", ")", "(()"));
    assert_text_grammar("root ::= .{1,2}", LIST("a", "\xe2\x82\xac\n"), LIST("", "abc"));
}

static void every_character_of_a_class_is_in_it_and_no_other(void **state)
{
    (void)state;
    aver_grammar *grammar = NULL;
    assert_int_equal(grammar_of_text("root ::= [\\u07f0-\\u0810\\u3fff-\\U00010400b]", &grammar),
                     AVER_OK);
    for (uint32_t point = 1; point < 0x10500; point++) {
        uint8_t utf8[5] = {0};
        bool in = (point >= 0x7f0 && point <= 0x810) || (point >= 0x3fff && point <= 0x10400) ||
                  point == 'b';
        in = in && !(point >= 0xd800 && point < 0xe000);
        (void)aver_grammar_utf8_write(point, utf8);
        assert_int_equal(grammar_has(grammar, (const char *)utf8), in);
    }
    aver_grammar_free(grammar);
}

static void bad_grammars_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "rot ::= \"a\"",
        "root ::= b",
        "root ::= \"a",
        "root ::= [a",
        "root ::= (\"a\"",
        "root ::= \"a\")",
        "root ::= *",
        "root ::= \"a\"{3,2}",
        "root ::= \"a\"{",
        "root ::= \"\\q\"",
        "root = \"a\"",
        "root ::= \"a\"\nroot ::= \"b\"",
        "root ::= root",
        "root ::= root \"a\"",
        "root ::= \"\xff\"",
        "root ::= \"\\U00110000\"",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        aver_grammar *grammar = NULL;
        if (grammar_of_text(bad[i], &grammar) == AVER_OK) {
            fail_msg("taken: %s", bad[i]);
        }
        assert_null(grammar);
    }
}

/* Texts that grow the places without end are stopped, each within its bounds. */
static void grammars_that_run_away_are_stopped(void **state)
{
    (void)state;
    static const char *const wild[] = {
        "root ::= \"[\" root \"]\" | \"[\" root \"]\" \"\" | \"x\"",
        "root ::= \"[\" a | \"[\" b\na ::= root \"]\"\nb ::= root \"]\" \"\" ",
        "root ::= \"[\" root \"]\" \"y\"? | \"[\" root \"]\" \"z\"?",
    };
    for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
        aver_grammar *grammar = NULL;
        aver_grammar_run *run = NULL;
        aver_err err = AVER_OK;
        assert_int_equal(grammar_of_text(wild[i], &grammar), AVER_OK);
        assert_int_equal(aver_grammar_run_new(grammar, &run), AVER_OK);
        size_t count = 0;
        while (err == AVER_OK && count < 200000) {
            err = aver_grammar_run_take(run, AVER_VIEW_LITERAL("["));
            count++;
        }
        assert_int_equal(err, AVER_E_LIMIT);
        /* It stands where it was, and says the same again. */
        assert_int_equal(aver_grammar_run_take(run, AVER_VIEW_LITERAL("[")), AVER_E_LIMIT);
        assert_int_equal(aver_grammar_run_take(run, AVER_VIEW_LITERAL("?")), AVER_E_FORMAT);
        aver_grammar_run_free(run);
        aver_grammar_free(grammar);
    }
    aver_grammar *grammar = NULL;
    assert_int_equal(
        grammar_of_text("root ::= a a a a a a \"x\"\na ::= b? b? b? b? b? b? b?\n"
                        "b ::= c? c? c? c? c? c? c? c?\nc ::= \"1\"? \"2\"? \"3\"? \"4\"?",
                        &grammar),
        AVER_E_LIMIT);
}

static void long_texts_need_no_more_room(void **state)
{
    (void)state;
    aver_grammar_run *run = NULL;
    aver_grammar *grammar = schema_open("{\"type\":\"array\",\"items\":{\"type\":\"object\","
                                        "\"properties\":{\"a\":{\"type\":\"string\"}}}}");
    assert_int_equal(aver_grammar_run_new(grammar, &run), AVER_OK);
    assert_int_equal(aver_grammar_run_take(run, AVER_VIEW_LITERAL("[{}")), AVER_OK);
    for (int i = 0; i < 50000; i++) {
        assert_int_equal(aver_grammar_run_take(run, AVER_VIEW_LITERAL(",{\"a\":\"b\"}")), AVER_OK);
    }
    assert_int_equal(aver_grammar_run_take(run, AVER_VIEW_LITERAL("]")), AVER_OK);
    assert_true(aver_grammar_run_whole(run) && aver_grammar_run_ended(run));
    aver_grammar_run_free(run);
    aver_grammar_free(grammar);
}

static void schemas_of_scalars(void **state)
{
    (void)state;
    assert_schema("{\"type\":\"string\"}", LIST("\"\"", "\"a\\n\\u00e9\"", "\"\xc3\xa9\""),
                  LIST("a", "\"", "\"\n\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\q\"", "\"\x7f\""));
    assert_schema("{\"type\":\"integer\"}", LIST("0", "-17", "1234567890123456"),
                  LIST("01", "1.0", "12345678901234567", "-", "1e3"));
    assert_schema("{\"type\":\"number\"}", LIST("0", "-17.25", "1e-9", "2.5E+10"),
                  LIST("01", "1.", ".5", "1e999"));
    assert_schema("{\"type\":[\"boolean\",\"null\"]}", LIST("true", "false", "null"),
                  LIST("0", "nul"));
    assert_schema("{\"enum\":[\"a\\\"b\",1,null,{\"k\":[2]}]}",
                  LIST("\"a\\\"b\"", "1", "null", "{\"k\":[2]}"), LIST("2", "\"a\""));
    assert_schema("{\"type\":\"string\",\"enum\":[\"a\",1]}", LIST("\"a\""), LIST("1"));
    assert_schema("{\"const\":\"x\"}", LIST("\"x\""), LIST("\"y\""));
    assert_schema("{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}",
                  LIST("\"ab\"", "\"\xc3\xa9\\n\xe2\x82\xac\""), LIST("\"a\"", "\"abcd\""));
    assert_schema("{}", LIST("{\"a\":[1,{}]}", "\"x\"", "-1.5", "[ ]"), LIST("{a:1}", "[1,]"));
}

static void bounds_of_whole_numbers_are_exact(void **state)
{
    (void)state;
    static const int64_t bounds[][2] = {{0, 9},     {0, 0},     {7, 7},       {3, 12}, {95, 1203},
                                        {-5, -5},   {-9, 4},    {-1203, -95}, {-1, 1}, {1, 1999},
                                        {100, 999}, {99, 1000}, {-10, 0}};
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        char schema[128];
        (void)snprintf(schema, sizeof(schema),
                       "{\"type\":\"integer\",\"minimum\":%d,\"maximum\":%d}", (int)bounds[i][0],
                       (int)bounds[i][1]);
        aver_grammar *grammar = schema_open(schema);
        for (int number = -2100; number <= 2100; number++) {
            char text[16];
            (void)snprintf(text, sizeof(text), "%d", number);
            bool in = number >= bounds[i][0] && number <= bounds[i][1];
            if (grammar_has(grammar, text) != in) {
                fail_msg("%s: %s", schema, text);
            }
        }
        aver_grammar_free(grammar);
    }
    assert_schema("{\"type\":\"number\",\"minimum\":0,\"maximum\":2}",
                  LIST("0", "0.5", "1.999", "2"), LIST("2.1", "-0.5", "3"));
    assert_schema("{\"type\":\"number\",\"exclusiveMinimum\":-1.5,\"exclusiveMaximum\":3}",
                  LIST("-1", "-0.25", "2", "1.5"), LIST("-1.5", "3", "2.5e1", "-1.25"));
}

static void patterns_match_the_inside_of_strings(void **state)
{
    (void)state;
    assert_schema("{\"pattern\":\"^[A-Z]{2}-\\\\d{3,4}$\"}", LIST("\"AB-123\"", "\"AB-1234\""),
                  LIST("\"AB-12\"", "\"aB-123\"", "\"AB-12345\""));
    assert_schema("{\"pattern\":\"^(red|green)?(,\\\\w+)*$\"}",
                  LIST("\"\"", "\"red\"", "\"green,a_1,b\""), LIST("\"blue\"", "\"red,\""));
    assert_schema("{\"pattern\":\"^.\\\\.[^\\\"]$\"}", LIST("\"\\\".x\"", "\"a.\\\\\""),
                  LIST("\"a.\\\"\"", "\"\n.x\"", "\"axx\""));
    assert_schema("{\"pattern\":\"b+\"}", LIST("\"abbc\"", "\"b\""), LIST("\"\"", "\"ac\""));
    assert_schema("{\"pattern\":\"^a|b$\"}", LIST("\"ax\"", "\"xb\""), LIST("\"xa\"", "\"bx\""));
    assert_schema("{\"pattern\":\"^\\\\S+@\\\\S+$\"}", LIST("\"a@b\""), LIST("\"a @b\"", "\"@b\""));
    assert_schema("{\"type\":\"string\",\"format\":\"date\"}", LIST("\"2024-02-28\""),
                  LIST("\"2024-13-01\"", "\"2024-2-01\"", "\"2024-02-30\""));
    assert_schema("{\"type\":\"string\",\"format\":\"email\"}", LIST("\"any\""), LIST("1"));
}

static void schemas_of_objects_and_arrays(void **state)
{
    (void)state;
    assert_schema("{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"integer\"},"
                  "\"a\":{\"type\":\"boolean\"},\"c\":{\"type\":\"null\"}},\"required\":[\"a\"]}",
                  LIST("{\"a\":true}", "{\"b\": 1, \"a\": false}",
                       "{\"b\":1,\"a\":true,\"c\":null}", "{\n  \"a\": true\n}"),
                  LIST("{}", "{\"b\":1}", "{\"a\":true,\"b\":1}", "{\"a\":true,}", "{,\"a\":true}",
                       "{\"a\":true,\"x\":1}"));
    assert_schema("{\"type\":\"object\"}", LIST("{}", "{\"x\":{\"y\":[]}}"), LIST("[]", "1"));
    assert_schema("{\"type\":\"object\",\"additionalProperties\":false}", LIST("{}", "{ }"),
                  LIST("{\"x\":1}"));
    assert_schema("{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}",
                  LIST("{}", "{\"x\":1,\"y\":2}"), LIST("{\"x\":\"1\"}"));
    assert_schema("{\"required\":[\"z\"],\"additionalProperties\":{\"type\":\"integer\"}}",
                  LIST("{\"z\":1}"), LIST("{}", "{\"z\":\"\"}"));
    assert_schema("{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":1,"
                  "\"maxItems\":3}",
                  LIST("[1]", "[1, 2,3]"), LIST("[]", "[1,2,3,4]", "[1,]", "[\"1\"]"));
    assert_schema("{\"type\":\"array\",\"maxItems\":0}", LIST("[]"), LIST("[1]"));
    assert_schema("{\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"null\"}]}",
                  LIST("[1,null]"), LIST("[1]", "[1,null,2]"));
    assert_schema("{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"array\",\"items\":"
                  "{\"$ref\":\"#\"}}]}",
                  LIST("1", "[]", "[[1],[2,[]]]"), LIST("[[\"\"]]", "["));
    assert_schema("{\"$defs\":{\"n\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":"
                  "\"integer\"},\"next\":{\"anyOf\":[{\"$ref\":\"#/$defs/n\"},{\"type\":\"null\"}]}"
                  "},\"required\":[\"v\",\"next\"]}},\"allOf\":[{\"$ref\":\"#/$defs/n\"}]}",
                  LIST("{\"v\":1,\"next\":null}", "{\"v\":1,\"next\":{\"v\":2,\"next\":null}}"),
                  LIST("{\"v\":1}", "{\"v\":1,\"next\":{}}"));
}

static void what_cannot_be_kept_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *word;
    } cases[] = {
        {"{\"type\":\"array\",\"uniqueItems\":true}", "uniqueItems"},
        {"{\"not\":{}}", "not"},
        {"{\"type\":\"number\",\"multipleOf\":3}", "multipleOf"},
        {"{\"patternProperties\":{}}", "patternProperties"},
        {"{\"allOf\":[{},{}]}", "allOf"},
        {"{\"anyOf\":[]}", "anyOf"},
        {"{\"anyOf\":[{}],\"properties\":{}}", "properties"},
        {"{\"enum\":[]}", "enum"},
        {"{\"type\":\"strin\"}", "strin"},
        {"{\"type\":\"string\",\"enum\":[1]}", "enum"},
        {"{\"type\":[]}", "type"},
        {"{\"$ref\":\"https://x\"}", "$ref"},
        {"{\"$ref\":\"#/$defs/none\"}", "$ref"},
        {"{\"type\":\"string\",\"minLength\":3,\"maxLength\":2}", "maxLength"},
        {"{\"type\":\"string\",\"maxLength\":99999}", "maxLength"},
        {"{\"type\":\"integer\",\"minimum\":3,\"maximum\":2}", "minimum"},
        {"{\"type\":\"number\",\"minimum\":0.2,\"maximum\":0.8}", "minimum"},
        {"{\"type\":\"integer\",\"minimum\":1e20}", "minimum"},
        {"{\"type\":\"string\",\"pattern\":\"(?=a)\"}", "look"},
        {"{\"type\":\"string\",\"pattern\":\"a\\\\b\"}", "escape"},
        {"{\"type\":\"string\",\"pattern\":\"(a\"}", "closed"},
        {"{\"type\":\"string\",\"pattern\":\"a)\"}", "opened"},
        {"{\"type\":\"string\",\"pattern\":\"a{9999}\"}", "1024"},
        {"{\"type\":\"string\",\"pattern\":\"a\",\"minLength\":1}", "pattern"},
        {"{\"type\":\"object\",\"required\":[\"a\"],\"additionalProperties\":false}", "required"},
        {"{\"properties\":{\"a\":false}}", "schema"},
        {"{\"a\\u00e9\\u001b\":1}", "a"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[AVER_GRAMMAR_WHY_BYTES] = "";
        aver_grammar *grammar = NULL;
        json_t *schema = json_of(cases[i].schema);
        assert_int_not_equal(grammar_of_json(schema, &grammar, why), AVER_OK);
        if (strstr(why, cases[i].word) == NULL) {
            fail_msg("%s: %s", cases[i].schema, why);
        }
        json_decref(schema);
    }
}

/* One of the bytes by which the text may go on; after a while such as lead to its end. */
static int byte_next(aver_grammar_run *run, size_t written)
{
    static const char closing[] = "\"}]0nlte123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ,:-.";
    uint8_t byte = 0;
    if (written < 150) {
        for (int tries = 0; tries < 200; tries++) {
            byte = (uint8_t)random_below(256);
            if (aver_grammar_run_allows(run, aver_view_make(&byte, 1))) {
                return byte;
            }
        }
    }
    for (int tries = 0; tries < 20 && random_below(3) == 0; tries++) {
        byte = (uint8_t) "ac-.xZ"[random_below(6)];
        if (aver_grammar_run_allows(run, aver_view_make(&byte, 1))) {
            return byte;
        }
    }
    for (size_t i = 0; closing[i] != '\0'; i++) {
        if (aver_grammar_run_allows(run, aver_view_make(&closing[i], 1))) {
            return (uint8_t)closing[i];
        }
    }
    for (unsigned i = 0; i < 256; i++) {
        byte = (uint8_t)i;
        if (aver_grammar_run_allows(run, aver_view_make(&byte, 1))) {
            return byte;
        }
    }
    return -1;
}

static size_t text_random(const aver_grammar *grammar, char *text)
{
    aver_grammar_run *run = NULL;
    size_t size = 0;
    assert_int_equal(aver_grammar_run_new(grammar, &run), AVER_OK);
    while (size < TEXT_BYTES_MAX - 1) {
        if (aver_grammar_run_whole(run) && (size > 150 || random_below(4) == 0)) {
            break;
        }
        int byte = byte_next(run, size);
        if (byte < 0) {
            break;
        }
        text[size++] = (char)byte;
        assert_int_equal(aver_grammar_run_take(run, aver_view_make(&text[size - 1], 1)), AVER_OK);
    }
    assert_true(aver_grammar_run_whole(run));
    aver_grammar_run_free(run);
    text[size] = '\0';
    return size;
}

static void every_text_of_a_schema_is_valid_under_it(void **state)
{
    (void)state;
    static const char *const schemas[] = {
        "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"minLength\":1,"
        "\"maxLength\":12},\"age\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":130},\"tags\":"
        "{\"type\":\"array\",\"items\":{\"enum\":[\"a\",\"b\",7]},\"maxItems\":4}},\"required\":"
        "[\"name\",\"age\"],\"additionalProperties\":false}",
        "{\"type\":\"object\",\"properties\":{\"code\":{\"type\":\"string\",\"pattern\":"
        "\"^[A-Z]{3}(-[0-9]{2,5}|x+y?)$\"},\"any\":{\"type\":\"string\",\"pattern\":\"a.c\"}},"
        "\"required\":[\"code\",\"any\"],\"additionalProperties\":false}",
        "{\"$defs\":{\"tree\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":[\"number\","
        "\"null\"]},\"kids\":{\"type\":\"array\",\"maxItems\":2,\"items\":{\"$ref\":"
        "\"#/$defs/tree\"}}},\"required\":[\"v\",\"kids\"],\"additionalProperties\":false}},"
        "\"$ref\":\"#/$defs/tree\"}",
        "{\"anyOf\":[{\"type\":\"number\",\"minimum\":-20,\"exclusiveMaximum\":11},{\"const\":"
        "{\"a\":[1,\"\\u00e9\"]}},{\"type\":\"object\",\"additionalProperties\":{\"type\":"
        "\"boolean\"}}]}",
        "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"string\",\"maxLength\":3},{\"type\":"
        "\"integer\",\"exclusiveMinimum\":-7}]}",
        "{\"type\":\"object\"}",
        "{}",
    };
    char text[TEXT_BYTES_MAX];
    for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
        json_t *schema = json_of(schemas[i]);
        aver_grammar *grammar = schema_open(schemas[i]);
        for (int round = 0; round < 300; round++) {
            size_t size = text_random(grammar, text);
            json_t *value = json_loadb(text, size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
            bool twice = value == NULL && i >= 3; /* free names may come twice */
            if (value == NULL && twice) {
                value = json_loadb(text, size, JSON_DECODE_ANY, NULL);
            }
            if (value == NULL || !schema_valid(schema, schema, value)) {
                fail_msg("schema %zu: %s", i, text);
            }
            json_decref(value);
        }
        aver_grammar_free(grammar);
        json_decref(schema);
    }
}

static void schemas_that_would_explode_are_bounded(void **state)
{
    (void)state;
    char why[AVER_GRAMMAR_WHY_BYTES];
    aver_grammar *grammar = NULL;
    /* Each definition refers to the next one twice. */
    json_t *schema = json_of("{\"$ref\":\"#/$defs/0\",\"$defs\":{}}");
    for (int i = 0; i < 50; i++) {
        char name[16];
        char next[32];
        (void)snprintf(name, sizeof(name), "%d", i);
        (void)snprintf(next, sizeof(next), "#/$defs/%d", i + 1);
        json_t *definition =
            i == 49 ? json_pack("{s:s}", "type", "null")
                    : json_pack("{s:[{s:s},{s:s}]}", "anyOf", "$ref", next, "$ref", next);
        assert_int_equal(json_object_set_new(json_object_get(schema, "$defs"), name, definition),
                         0);
    }
    assert_int_equal(grammar_of_json(schema, &grammar, why), AVER_OK);
    assert_true(grammar_has(grammar, "null"));
    aver_grammar_free(grammar);
    json_decref(schema);
    static const char *const wild[] = {
        "{\"type\":\"string\",\"pattern\":\"^(((((a?){99}){99}){99}){99}){99}$\"}",
        "{\"type\":\"string\",\"pattern\":\"^((((((((((((((((((((a))))))))))))))))))))$\"}",
    };
    for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
        schema = json_of(wild[i]);
        aver_err err = grammar_of_json(schema, &grammar, why);
        if (err == AVER_OK) {
            aver_grammar_run *run = NULL;
            assert_int_equal(aver_grammar_run_new(grammar, &run), AVER_OK);
            err = aver_grammar_run_take(run, AVER_VIEW_LITERAL("\""));
            aver_grammar_run_free(run);
            aver_grammar_free(grammar);
        }
        if (err != AVER_E_LIMIT) {
            fail_msg("%s: %s", wild[i], aver_err_text(err));
        }
        json_decref(schema);
    }
}

static aver_err piece_of(void *context, int32_t token, aver_buf *piece)
{
    const char *const *pieces = context;
    aver_buf_append_text(piece, pieces[token]);
    return AVER_OK;
}

static void the_words_of_a_vocabulary_are_allowed_as_the_run_allows_them(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "",     "a",   "[",   "[[",    "]",    "],",     "1",        "12",   ",",
        ", ",   "\"",  "\"a", "\"a\"", "\"]",  "[\"",    "[1",       "[1,",  "[1]",
        "{",    "\n",  " ",   "  ",    "\xc3", "\xa9",   "\xc3\xa9", "[[[[", "[[[[[[[[[[[[",
        "null", "nul", "l",   "t",     "true", "false]", "\"\\u"};
    enum { COUNT = sizeof(pieces) / sizeof(pieces[0]) };
    bool allowed[COUNT];
    aver_grammar_words *words = NULL;
    aver_grammar_run *run = NULL;
    aver_grammar *grammar = schema_open(
        "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":[\"string\","
        "\"integer\",\"null\",\"boolean\"]}]}}");
    assert_int_equal(aver_grammar_words_new(COUNT, piece_of, (void *)(uintptr_t)pieces, &words),
                     AVER_OK);
    assert_int_equal(aver_grammar_run_new(grammar, &run), AVER_OK);
    for (int step = 0; step < 400; step++) {
        size_t count = aver_grammar_words_allowed(words, run, allowed);
        size_t found = 0;
        for (int32_t i = 0; i < COUNT; i++) {
            aver_view word = aver_grammar_word(words, i);
            assert_true(aver_view_equal_text(word, pieces[i]));
            bool expected = word.size > 0 && aver_grammar_run_allows(run, word);
            assert_int_equal(allowed[i], expected);
            found += expected ? 1 : 0;
        }
        assert_int_equal(count, found);
        if (count == 0) {
            break;
        }
        uint32_t pick = random_below((uint32_t)count);
        for (int32_t i = 0; i < COUNT; i++) {
            if (allowed[i] && pick-- == 0) {
                assert_int_equal(aver_grammar_run_take(run, aver_grammar_word(words, i)), AVER_OK);
                break;
            }
        }
    }
    assert_int_equal(aver_grammar_word(words, COUNT).size, 0);
    assert_int_equal(aver_grammar_word(words, -1).size, 0);
    aver_grammar_run_free(run);
    aver_grammar_words_free(words);
    aver_grammar_free(grammar);
}

/* 200 places at once, and all of them go on with every letter. */
static void looking_for_words_is_bounded(void **state)
{
    (void)state;
    char source[8192] = "root ::= ";
    static const char *const pieces[] = {"a", "ab", "abc", "abcd", "b", "bc", "c", "cd"};
    bool allowed[8];
    aver_grammar_words *words = NULL;
    for (int alternatives = 1; alternatives <= 200; alternatives += 199) {
        aver_grammar *grammar = NULL;
        aver_grammar_run *run = NULL;
        size_t size = strlen("root ::= ");
        for (int i = 0; i < alternatives; i++) {
            size += (size_t)snprintf(source + size, sizeof(source) - size, "%s[a-z]* \"%d\"",
                                     i == 0 ? "" : " | ", i);
        }
        assert_int_equal(grammar_of_text(source, &grammar), AVER_OK);
        assert_int_equal(aver_grammar_words_new(8, piece_of, (void *)(uintptr_t)pieces, &words),
                         AVER_OK);
        assert_int_equal(aver_grammar_run_new(grammar, &run), AVER_OK);
        assert_int_equal(aver_grammar_words_allowed(words, run, allowed),
                         alternatives == 1 ? 8 : 0);
        assert_true(allowed[0] == (alternatives == 1));
        assert_int_equal(aver_grammar_run_take(run, AVER_VIEW_LITERAL("abc0")), AVER_OK);
        aver_grammar_run_free(run);
        aver_grammar_words_free(words);
        aver_grammar_free(grammar);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_notation_of_grammars_means_what_it_says),
        cmocka_unit_test(every_character_of_a_class_is_in_it_and_no_other),
        cmocka_unit_test(bad_grammars_are_refused),
        cmocka_unit_test(grammars_that_run_away_are_stopped),
        cmocka_unit_test(long_texts_need_no_more_room),
        cmocka_unit_test(schemas_of_scalars),
        cmocka_unit_test(bounds_of_whole_numbers_are_exact),
        cmocka_unit_test(patterns_match_the_inside_of_strings),
        cmocka_unit_test(schemas_of_objects_and_arrays),
        cmocka_unit_test(what_cannot_be_kept_is_refused_by_name),
        cmocka_unit_test(every_text_of_a_schema_is_valid_under_it),
        cmocka_unit_test(schemas_that_would_explode_are_bounded),
        cmocka_unit_test(the_words_of_a_vocabulary_are_allowed_as_the_run_allows_them),
        cmocka_unit_test(looking_for_words_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
