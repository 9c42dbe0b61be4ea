/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_SCHEMA_RUN_H
#define AVER_TESTS_SUPPORT_SCHEMA_RUN_H

/* schema_run: schemas made into grammars, and which texts those have. */

#include "codec/json.h"
#include "engine/grammar_build.h"

static inline json_t *json_of(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    return json;
}

static inline aver_err grammar_of_json(const json_t *schema, aver_grammar **ret_grammar,
                                       char why[AVER_GRAMMAR_WHY_BYTES])
{
    aver_grammar_builder *builder = NULL;
    aver_grammar_item root;
    assert_int_equal(aver_grammar_builder_new(&builder), AVER_OK);
    aver_err err = aver_grammar_schema_read(builder, schema, &root, why);
    assert_true(err != AVER_OK || root.is_rule);
    err = err == AVER_OK ? aver_grammar_builder_finish(builder, root.value, ret_grammar) : err;
    aver_grammar_builder_free(builder);
    return err;
}

static inline aver_grammar *schema_open(const char *text)
{
    char why[AVER_GRAMMAR_WHY_BYTES] = "";
    aver_grammar *grammar = NULL;
    json_t *schema = json_of(text);
    aver_err err = grammar_of_json(schema, &grammar, why);
    if (err != AVER_OK) {
        print_error("%s: %s\n", text, why);
    }
    assert_int_equal(err, AVER_OK);
    assert_string_equal(why, "");
    json_decref(schema);
    return grammar;
}

/* Byte by byte and at once; both must say the same. */
static inline bool grammar_has(const aver_grammar *grammar, const char *text)
{
    aver_grammar_run *run = NULL;
    assert_int_equal(aver_grammar_run_new(grammar, &run), AVER_OK);
    bool allowed = aver_grammar_run_allows(run, aver_view_text(text));
    bool went = true;
    for (const char *at = text; *at != '\0' && went; at++) {
        went = aver_grammar_run_take(run, aver_view_make(at, 1)) == AVER_OK;
    }
    assert_true(allowed == went);
    went = went && aver_grammar_run_whole(run);
    aver_grammar_run_free(run);
    return went;
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline void assert_schema(const char *schema, const char *const *in, const char *const *out)
{
    aver_grammar *grammar = schema_open(schema);
    for (; *in != NULL; in++) {
        if (!grammar_has(grammar, *in)) {
            fail_msg("%s must have %s", schema, *in);
        }
    }
    for (; *out != NULL; out++) {
        if (grammar_has(grammar, *out)) {
            fail_msg("%s must not have %s", schema, *out);
        }
    }
    aver_grammar_free(grammar);
}

#endif
