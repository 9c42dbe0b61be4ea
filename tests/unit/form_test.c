/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a form: calls of tools and JSON, from a real model that was trained for neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/engine_run.h"
#include "../support/model.h"
#include "../support/schema_check.h"
#include "codec/json.h"

#include <stdio.h>

#define BODY_BYTES_MAX 8192
#define CONTEXT_TOKENS 1024

#define MESSAGES                                                                                   \
    "\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Once upon a time\"}]"
#define TOOLS                                                                                      \
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"parameters\":"         \
    "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\",\"maxLength\":12},"        \
    "\"unit\":{\"enum\":[\"C\",\"F\"]}},\"required\":[\"city\",\"unit\"]}}},"                      \
    "{\"type\":\"function\",\"function\":{\"name\":\"clock\",\"parameters\":{\"type\":\"object\"," \
    "\"properties\":{\"zone\":{\"type\":\"integer\",\"minimum\":-12,\"maximum\":14}},"             \
    "\"required\":[\"zone\"]}}}]"

static run *stories;

static int stories_open(void **state)
{
    (void)state;
    stories = run_new(model_find(MODEL_STORIES));
    aver_engine_options options = run_options(stories, 4);
    options.context_tokens = CONTEXT_TOKENS;
    run_start(stories, &options);
    return 0;
}

static int stories_close(void **state)
{
    (void)state;
    run_free(stories);
    return 0;
}

static run_answer *ask(const char *members)
{
    char body[BODY_BYTES_MAX];
    int size = snprintf(body, sizeof(body), "{" MESSAGES ",%s}", members);
    assert_in_range(size, 1, (int)sizeof(body) - 1);
    run_answer *answer = run_one(stories, body);
    if (answer->refused) {
        fail_msg("refused: %s", answer->why);
    }
    return answer;
}

static void recheck(const aver_recheck_claim *claim, aver_recheck_result *ret_result)
{
    aver_engine_options options = run_options(stories, 1);
    options.context_tokens = CONTEXT_TOKENS;
    assert_int_equal(aver_recheck_run(&options, claim, ret_result), AVER_OK);
}

static void assert_rechecks(const run_answer *answer)
{
    aver_recheck_result result;
    aver_recheck_claim claim = run_claim(stories, answer);
    recheck(&claim, &result);
    if (result.outcome != AVER_RECHECK_SAME) {
        fail_msg("outcome %d: %s", (int)result.outcome, result.detail);
    }
}

static void answers_under_a_schema_are_valid(void **state)
{
    (void)state;
    static const char *const schemas[] = {
        "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":20},"
        "\"age\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":99},\"kind\":{\"enum\":[\"cat\","
        "\"dog\"]},\"toys\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":8},"
        "\"minItems\":1,\"maxItems\":3}},\"required\":[\"name\",\"age\",\"kind\",\"toys\"],"
        "\"additionalProperties\":false}",
        "{\"$defs\":{\"node\":{\"type\":\"object\",\"properties\":{\"value\":{\"type\":\"number\","
        "\"minimum\":0,\"maximum\":10},\"next\":{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":"
        "\"#/$defs/node\"}]}},\"required\":[\"value\",\"next\"],\"additionalProperties\":false}},"
        "\"$ref\":\"#/$defs/node\"}",
        "{\"type\":\"object\",\"properties\":{\"code\":{\"type\":\"string\",\"pattern\":"
        "\"^[A-Z]{2}[0-9]{3}$\"},\"ok\":{\"type\":\"boolean\"}},\"required\":[\"code\",\"ok\"],"
        "\"additionalProperties\":false}",
        "{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{\"type\":\"integer\","
        "\"minimum\":-5,\"maximum\":5},\"minItems\":2,\"maxItems\":2},\"minItems\":2,"
        "\"maxItems\":3}",
    };
    for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
        json_t *schema = json_loads(schemas[i], 0, NULL);
        assert_non_null(schema);
        for (int seed = 0; seed < 4; seed++) {
            char members[BODY_BYTES_MAX];
            (void)snprintf(members, sizeof(members),
                           "\"max_tokens\":300,\"seed\":%d,\"temperature\":%s,\"response_format\":"
                           "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"s\",\"strict\":"
                           "true,\"schema\":%s}}",
                           seed, seed == 0 ? "0" : "1", schemas[i]);
            run_answer *answer = ask(members);
            json_t *value = json_loadb((const char *)answer->text.data, answer->text.size, 0, NULL);
            if (value == NULL || !schema_valid(schema, schema, value)) {
                fail_msg("seed %d: %.*s", seed, (int)answer->text.size, answer->text.data);
            }
            assert_int_equal(answer->finish, AVER_FINISH_STOP);
            json_decref(value);
            if (seed < 2) {
                assert_rechecks(answer);
            }
        }
        json_decref(schema);
    }
}

static void a_json_object_is_one(void **state)
{
    (void)state;
    for (int seed = 1; seed < 4; seed++) {
        char members[256];
        (void)snprintf(members, sizeof(members),
                       "\"max_tokens\":400,\"seed\":%d,\"temperature\":0.7,\"response_format\":"
                       "{\"type\":\"json_object\"}",
                       seed);
        run_answer *answer = ask(members);
        json_t *value = json_loadb((const char *)answer->text.data, answer->text.size, 0, NULL);
        if (answer->finish == AVER_FINISH_STOP) {
            assert_true(json_is_object(value));
        } else {
            assert_int_equal(answer->finish, AVER_FINISH_LENGTH);
            assert_int_equal(answer->text.data[0], '{');
        }
        json_decref(value);
        assert_rechecks(answer);
    }
}

static void json_that_is_cut_ends_by_length(void **state)
{
    (void)state;
    run_answer *answer = ask("\"max_tokens\":3,\"seed\":1,\"response_format\":{\"type\":"
                             "\"json_object\"}");
    assert_int_equal(answer->finish, AVER_FINISH_LENGTH);
    assert_int_equal(answer->count, 3);
    assert_rechecks(answer);
}

static void assert_call_valid(const aver_speech_call *call)
{
    json_t *arguments = NULL;
    assert_int_equal(aver_json_parse(call->arguments, 1 << 20, &arguments, NULL), AVER_OK);
    if (aver_view_equal_text(call->name, "weather")) {
        const char *unit = json_string_value(json_object_get(arguments, "unit"));
        assert_true(json_is_string(json_object_get(arguments, "city")));
        assert_true(unit != NULL && (strcmp(unit, "C") == 0 || strcmp(unit, "F") == 0));
    } else {
        assert_true(aver_view_equal_text(call->name, "clock"));
        assert_in_range(json_integer_value(json_object_get(arguments, "zone")) + 12, 0, 26);
    }
    json_decref(arguments);
}

static void required_calls_are_made_whatever_the_model_is(void **state)
{
    (void)state;
    for (int seed = 0; seed < 5; seed++) {
        char members[BODY_BYTES_MAX];
        (void)snprintf(members, sizeof(members),
                       TOOLS ",\"tool_choice\":\"required\",\"parallel_tool_calls\":false,"
                             "\"max_tokens\":200,\"seed\":%d",
                       seed);
        run_answer *answer = ask(members);
        assert_int_equal(answer->finish, AVER_FINISH_TOOL);
        assert_int_equal(answer->text.size, 0);
        assert_int_equal(answer->calls[0].count, 1);
        assert_call_valid(&answer->calls[0].list[0]);
        assert_rechecks(answer);
    }
}

static void a_named_call_is_made(void **state)
{
    (void)state;
    run_answer *answer = ask(TOOLS ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":"
                                   "\"clock\"}},\"parallel_tool_calls\":false,\"max_tokens\":200");
    assert_int_equal(answer->finish, AVER_FINISH_TOOL);
    assert_int_equal(answer->calls[0].count, 1);
    assert_true(aver_view_equal_text(answer->calls[0].list[0].name, "clock"));
    assert_call_valid(&answer->calls[0].list[0]);
    assert_rechecks(answer);
}

static void every_choice_makes_its_own_calls(void **state)
{
    (void)state;
    run_answer *answer = ask(TOOLS ",\"tool_choice\":\"required\",\"parallel_tool_calls\":false,"
                                   "\"max_tokens\":200,\"seed\":3,\"n\":3");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(answer->calls[i].count, 1);
        assert_call_valid(&answer->calls[i].list[0]);
    }
    assert_rechecks(answer);
    aver_recheck_result result;
    aver_recheck_claim claim = run_claim(stories, answer);
    const aver_speech_call *calls = claim.choices[1].calls;
    claim.choices[1].calls = claim.choices[2].calls;
    bool same = aver_view_equal(claim.choices[1].calls[0].arguments, calls[0].arguments) &&
                aver_view_equal(claim.choices[1].calls[0].name, calls[0].name);
    recheck(&claim, &result);
    assert_int_equal(result.outcome, same ? AVER_RECHECK_SAME : AVER_RECHECK_CALL);
    assert_true(same || result.choice == 1);
}

static void a_changed_call_is_found(void **state)
{
    (void)state;
    run_answer *answer = ask(TOOLS ",\"tool_choice\":\"required\",\"parallel_tool_calls\":false,"
                                   "\"max_tokens\":200,\"seed\":3");
    aver_recheck_result result;
    aver_recheck_claim claim = run_claim(stories, answer);
    aver_speech_call *call = &answer->calls[0].list[0];
    uint8_t *arguments = (uint8_t *)(uintptr_t)call->arguments.data;
    for (size_t i = 0; i < call->arguments.size; i++) {
        arguments[i] ^= 1;
        recheck(&claim, &result);
        assert_int_equal(result.outcome, AVER_RECHECK_CALL);
        arguments[i] ^= 1;
        i += 6;
    }
    ((uint8_t *)(uintptr_t)call->name.data)[0] ^= 1;
    recheck(&claim, &result);
    assert_int_equal(result.outcome, AVER_RECHECK_CALL);
    ((uint8_t *)(uintptr_t)call->name.data)[0] ^= 1;
    claim.choices[0].calls_count = 0;
    recheck(&claim, &result);
    assert_int_equal(result.outcome, AVER_RECHECK_CALL);
    claim.choices[0].calls_count = 1;
    claim.choices[0].finish = AVER_FINISH_STOP;
    recheck(&claim, &result);
    assert_int_equal(result.outcome, AVER_RECHECK_FINISH);
    claim.choices[0].finish = AVER_FINISH_TOOL;
    claim.choices[0].text = aver_view_text("more");
    recheck(&claim, &result);
    assert_int_equal(result.outcome, AVER_RECHECK_TEXT);
    claim.choices[0].text = (aver_view){NULL, 0};
    recheck(&claim, &result);
    assert_int_equal(result.outcome, AVER_RECHECK_SAME);
}

/* With both, the answer is of the form or calls. */
static void tools_and_a_form_leave_both_ways(void **state)
{
    (void)state;
    size_t called = 0;
    for (int seed = 0; seed < 8; seed++) {
        char members[BODY_BYTES_MAX];
        (void)snprintf(members, sizeof(members),
                       TOOLS ",\"parallel_tool_calls\":false,\"max_tokens\":200,\"seed\":%d,"
                             "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
                             "\"name\":\"s\",\"schema\":{\"type\":\"object\",\"properties\":{"
                             "\"topic\":{\"type\":\"string\",\"maxLength\":9}},\"required\":"
                             "[\"topic\"]}}}",
                       seed);
        run_answer *answer = ask(members);
        called += answer->calls[0].count;
        if (answer->calls[0].count != 0) {
            assert_call_valid(&answer->calls[0].list[0]);
            assert_int_equal(answer->finish, AVER_FINISH_TOOL);
        } else {
            assert_int_equal(answer->finish, AVER_FINISH_STOP);
            json_t *value = json_loadb((const char *)answer->text.data, answer->text.size, 0, NULL);
            assert_true(json_is_string(json_object_get(value, "topic")));
            json_decref(value);
        }
        assert_rechecks(answer);
    }
    print_message("%zu of 8 called\n", called);
}

/* Members that ask for nothing change nothing. */
static void free_answers_are_what_they_were(void **state)
{
    (void)state;
    run_answer *answer = ask("\"max_tokens\":20,\"seed\":7");
    char text[1024];
    (void)snprintf(text, sizeof(text), "%.*s", (int)answer->text.size, answer->text.data);
    answer = ask("\"max_tokens\":20,\"seed\":7,\"tools\":[],\"response_format\":{\"type\":"
                 "\"text\"}");
    assert_true(aver_view_equal_text(aver_buf_view(&answer->text), text));
    assert_rechecks(answer);
}

static void what_cannot_be_done_is_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *members, *word;
    } cases[] = {
        {"\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"s\",\"schema\":"
         "{\"type\":\"array\",\"uniqueItems\":true}}}",
         "uniqueItems"},
        {"\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"s\",\"schema\":"
         "{\"$ref\":\"#\"}}}",
         "allow no answer"},
        {"\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true,"
         "\"parameters\":{\"not\":{}}}}],\"tool_choice\":\"required\"",
         "not"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[BODY_BYTES_MAX];
        (void)snprintf(body, sizeof(body), "{" MESSAGES ",%s}", cases[i].members);
        run_answer *answer = run_one(stories, body);
        assert_true(answer->refused);
        if (strstr(answer->why, cases[i].word) == NULL) {
            fail_msg("%s: %s", cases[i].members, answer->why);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_under_a_schema_are_valid),
        cmocka_unit_test(a_json_object_is_one),
        cmocka_unit_test(json_that_is_cut_ends_by_length),
        cmocka_unit_test(required_calls_are_made_whatever_the_model_is),
        cmocka_unit_test(a_named_call_is_made),
        cmocka_unit_test(every_choice_makes_its_own_calls),
        cmocka_unit_test(a_changed_call_is_found),
        cmocka_unit_test(tools_and_a_form_leave_both_ways),
        cmocka_unit_test(free_answers_are_what_they_were),
        cmocka_unit_test(what_cannot_be_done_is_refused_in_words),
    };
    if (model_find(MODEL_STORIES) == NULL) {
        return MODEL_SKIP_STATUS;
    }
    return cmocka_run_group_tests(tests, stories_open, stories_close);
}
