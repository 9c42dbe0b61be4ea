/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/templates.h"
#include "engine/speech_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUT_BYTES_MAX 65536

#define TOOLS                                                                                      \
    "[{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"description\":\"d\","            \
    "\"parameters\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"},"          \
    "\"days\":{\"type\":\"integer\"}},\"required\":[\"city\"]}}},"                                 \
    "{\"type\":\"function\",\"function\":{\"name\":\"clock\",\"parameters\":{\"type\":\"object\"," \
    "\"properties\":{}}}}]"

typedef struct said {
    char text[OUT_BYTES_MAX];
    size_t size;
    char calls[OUT_BYTES_MAX]; /* each as <name arguments> */
    size_t calls_size;
    size_t calls_count;
} said;

static uint32_t random_state = 99;

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % bound;
}

static void said_add(char *to, size_t *to_size, aver_view bytes)
{
    assert_true(*to_size + bytes.size < OUT_BYTES_MAX);
    if (bytes.size != 0) {
        memcpy(to + *to_size, bytes.data, bytes.size);
    }
    *to_size += bytes.size;
    to[*to_size] = '\0';
}

static void said_take(said *self, const aver_speech *speech, aver_view plain)
{
    size_t count = 0;
    const aver_speech_call *calls = aver_speech_calls(speech, &count);
    said_add(self->text, &self->size, plain);
    for (size_t i = 0; i < count; i++) {
        said_add(self->calls, &self->calls_size, AVER_VIEW_LITERAL("<"));
        said_add(self->calls, &self->calls_size, calls[i].name);
        said_add(self->calls, &self->calls_size, AVER_VIEW_LITERAL(" "));
        said_add(self->calls, &self->calls_size, calls[i].arguments);
        said_add(self->calls, &self->calls_size, AVER_VIEW_LITERAL(">"));
        self->calls_count++;
    }
}

static aver_err plan_make(const aver_native *native, const char *tools, aver_tool_choice choice,
                          const char *name, bool parallel, aver_speech_plan **ret_plan,
                          char why[160])
{
    aver_job job = {.endpoint = AVER_ENDPOINT_CHAT, .tool_choice = choice};
    job.parallel_tool_calls = parallel;
    (void)snprintf(job.tool_name, sizeof(job.tool_name), "%s", name);
    aver_buf_init(&job.tools, AVER_JOB_BODY_BYTES_MAX);
    aver_buf_append_text(&job.tools, tools);
    aver_err err = aver_speech_plan_make(native, &job, ret_plan, why);
    aver_buf_deinit(&job.tools);
    return err;
}

static aver_speech_plan *plan_of(const aver_native *native, aver_tool_choice choice, bool parallel)
{
    char why[160] = "";
    aver_speech_plan *plan = NULL;
    aver_err err = plan_make(native, TOOLS, choice, "clock", parallel, &plan, why);
    if (err != AVER_OK) {
        print_error("%s\n", why);
    }
    assert_int_equal(err, AVER_OK);
    assert_non_null(plan);
    return plan;
}

/* step 0: random pieces. */
static void say(const aver_speech_plan *plan, const char *text, size_t step, bool cut, said *self)
{
    aver_speech *speech = NULL;
    aver_view plain = {NULL, 0};
    size_t size = strlen(text);
    memset(self, 0, sizeof(*self));
    assert_int_equal(aver_speech_new(plan, &speech), AVER_OK);
    for (size_t at = 0; at < size;) {
        size_t piece = step == 0 ? 1 + random_below(9) : step;
        piece = piece < size - at ? piece : size - at;
        assert_int_equal(aver_speech_push(speech, aver_view_make(text + at, piece), &plain),
                         AVER_OK);
        said_take(self, speech, plain);
        at += piece;
    }
    assert_int_equal(aver_speech_flush(speech, (aver_view){NULL, 0}, cut, &plain), AVER_OK);
    said_take(self, speech, plain);
    assert_int_equal(aver_speech_calls_count(speech), self->calls_count);
    aver_speech_free(speech);
}

static void assert_ends(const aver_speech_plan *plan, const char *text, bool cut, const char *plain,
                        const char *calls)
{
    static said out;
    for (size_t step = 0; step < 12; step++) {
        say(plan, text, step == 11 ? strlen(text) + 1 : step, cut, &out);
        if (strcmp(out.text, plain) != 0 || strcmp(out.calls, calls) != 0) {
            fail_msg("in pieces of %zu \"%s\"\n gave \"%s\" and %s\n not  \"%s\" and %s", step,
                     text, out.text, out.calls, plain, calls);
        }
    }
}

static void assert_says(const aver_speech_plan *plan, const char *text, const char *plain,
                        const char *calls)
{
    assert_ends(plan, text, false, plain, calls);
}

static void assert_cut(const aver_speech_plan *plan, const char *text, const char *plain,
                       const char *calls)
{
    assert_ends(plan, text, true, plain, calls);
}

static aver_native *native_open(const char *source)
{
    aver_native *native = aver_native_new(source, strlen(source), "<s>", "</s>");
    assert_non_null(native);
    return native;
}

static void our_own_calls_are_found(void **state)
{
    (void)state;
    aver_speech_plan *plan = plan_of(NULL, AVER_TOOL_CHOICE_AUTO, true);
    assert_says(plan, "It is late.", "It is late.", "");
    assert_says(plan, "{\"tool_calls\":[{\"name\":\"clock\",\"arguments\":{}}]}", "", "<clock {}>");
    assert_says(plan,
                " \n{ \"tool_calls\" : [ {\"name\": \"weather\", \"arguments\": {\"city\": "
                "\"a}\\\"]\", \"days\": 2} } , {\"arguments\":{ },\"name\":\"clock\"} ] }\n",
                "", "<weather {\"city\": \"a}\\\"]\", \"days\": 2}><clock { }>");
    aver_speech_plan_free(plan);
}

static void what_only_looks_like_our_own_calls_is_text(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"tool_call\":[{\"name\":\"clock\",\"arguments\":{}}]}",
        "{\"tool_calls\":{\"name\":\"clock\",\"arguments\":{}}}",
        "{\"tool_calls\"",
        "{",
        "  ",
        "{}",
        "[1]",
        "Calls: {\"tool_calls\":[{\"name\":\"clock\",\"arguments\":{}}]}",
    };
    static const char *const begun[] = {
        "{\"name\":\"nobody\",\"arguments\":{}}]}",
        "{\"name\":\"clock\",\"arguments\":[]}]}",
        "{\"name\":\"clock\"}]}",
        "{\"name\":\"clock\",\"arguments\":{},\"x\":1}]}",
        "{\"name\":\"clock\",\"arguments\":{}",
        "{\"name\":\"clock\",\"arguments\":{\"a\":1,\"a\":2}}]}",
        "]}",
        " ] } ",
        " , ]}",
        "",
    };
    aver_speech_plan *plan = plan_of(NULL, AVER_TOOL_CHOICE_AUTO, true);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_says(plan, texts[i], texts[i], "");
    }
    for (size_t i = 0; i < sizeof(begun) / sizeof(begun[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), " { \"tool_calls\":[%s", begun[i]);
        assert_says(plan, text, text, "");
    }
    /* What follows a whole call and is none is text; the call stays. */
    assert_says(plan, "{\"tool_calls\":[{\"name\":\"clock\",\"arguments\":{}},{\"name\":1}]}",
                "{\"name\":1}]}", "<clock {}>");
    assert_says(plan, "{\"tool_calls\":[{\"name\":\"clock\",\"arguments\":{}}]} and more",
                " and more", "<clock {}>");
    assert_says(plan, "{\"tool_calls\":[{\"name\":\"clock\",\"arguments\":{}},{\"name\":\"clo",
                "{\"name\":\"clo", "<clock {}>");
    aver_speech_plan_free(plan);
}

static void without_parallel_calls_there_is_one(void **state)
{
    (void)state;
    aver_speech_plan *plan = plan_of(NULL, AVER_TOOL_CHOICE_AUTO, false);
    assert_says(plan,
                "{\"tool_calls\":[{\"name\":\"clock\",\"arguments\":{}},{\"name\":\"clock\","
                "\"arguments\":{}}]}",
                "{\"name\":\"clock\",\"arguments\":{}}]}", "<clock {}>");
    aver_speech_plan_free(plan);
    aver_native *native = native_open(TEMPLATE_TAGS);
    plan = plan_of(native, AVER_TOOL_CHOICE_AUTO, false);
    static said out;
    say(plan,
        "<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n</tool_call>\n"
        "<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n</tool_call>",
        4, false, &out);
    assert_int_equal(out.calls_count, 1);
    aver_speech_plan_free(plan);
    aver_native_free(native);
}

static void calls_in_tags_are_found(void **state)
{
    (void)state;
    aver_native *native = native_open(TEMPLATE_TAGS);
    aver_speech_plan *plan = plan_of(native, AVER_TOOL_CHOICE_AUTO, true);
    assert_says(plan, "It is <b>late</b>.", "It is <b>late</b>.", "");
    assert_says(plan,
                "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n"
                "</tool_call>",
                "", "<weather {\"city\": \"Rome\"}>");
    assert_says(plan,
                "I look.\n\n<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n</tool_call>\n"
                "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"</tool>\"}}\n"
                "</tool_call>",
                "I look.", "<clock {}><weather {\"city\": \"</tool>\"}>");
    aver_speech_plan_free(plan);
    aver_native_free(native);
}

static void bad_calls_in_tags_are_text(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "<tool_call>",
        "<tool_call>\n{\"name\": \"nobody\", \"arguments\": {}}\n</tool_call>",
        "<tool_call>\n{\"name\": \"clock\", \"arguments\": {}",
        "a <tool_call> b </tool_call> c",
        "<tool_call>\n{\"name\": \"clock\", \"arguments\": 1}\n</tool_call>",
        "<tool_call><tool_call><tool_call>",
        "<tool_cal",
        "x \n <tool_call>\n[[[[[[[[[[[[[[[[[[[[",
    };
    aver_native *native = native_open(TEMPLATE_TAGS);
    aver_speech_plan *plan = plan_of(native, AVER_TOOL_CHOICE_AUTO, true);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_says(plan, texts[i], texts[i], "");
    }
    assert_says(plan,
                "<tool_call> no\n<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n"
                "</tool_call> yes",
                "<tool_call> no yes", "<clock {}>");
    aver_speech_plan_free(plan);
    aver_native_free(native);
}

static void what_is_cut_of_our_own_calls_is_no_text(void **state)
{
    (void)state;
    aver_speech_plan *plan = plan_of(NULL, AVER_TOOL_CHOICE_AUTO, true);
    static const char *const parts[][2] = {
        {"{", ""},
        {"{\"tool_ca", ""},
        {"{\"tool_calls\":[", ""},
        {"{\"tool_calls\":[{\"na", ""},
        {"{\"tool_calls\":[{\"name\":\"clo", ""},
        {"{\"tool_calls\":[{\"name\":\"weather\"", "<weather >"},
        {"{\"tool_calls\":[{\"name\" : \"weather\" , \"argu", "<weather >"},
        {"{\"tool_calls\":[{\"name\":\"weather\",\"arguments\": ", "<weather >"},
        {"{\"tool_calls\":[{\"name\":\"weather\",\"arguments\":{\"city\":\"R, \\\"",
         "<weather {\"city\":\"R, \\\">"},
        {"{\"tool_calls\":[{\"name\":\"weather\",\"arguments\":{\"city\":\"Rome\"} ",
         "<weather {\"city\":\"Rome\"} >"},
        {"{\"tool_calls\":[{\"arguments\":{\"a\":[1]},\"name\":\"clock\"", "<clock {\"a\":[1]}>"},
        {"{\"tool_calls\":[{\"arguments\":{\"a\":[1]},\"name\":\"clock", ""},
        {"{\"tool_calls\":[{\"name\":\"clock\",\"arguments\":{}},{\"name\":\"weather\",\"arguments"
         "\":{\"city",
         "<clock {}><weather {\"city>"},
        {"{\"tool_calls\":[{\"name\":\"clock\",\"arguments\":{}} , ", "<clock {}>"},
        {"{\"tool_calls\":[{\"name\":\"clock\",\"arguments\":{}}] ", "<clock {}>"},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        assert_cut(plan, parts[i][0], "", parts[i][1]);
    }
    aver_speech_plan_free(plan);
}

static void what_is_no_call_of_our_own_is_text_where_it_is_cut(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "It is late",
        "  ",
        "{\"title",
        "{\"tool_calls\":[]",
        "{\"tool_calls\":[{\"name\":\"nobody\"",
        "{\"tool_calls\":[{\"name\":\"clock\",\"arguments\":[1",
        "{\"tool_calls\":[{\"name\":1",
        "{\"tool_calls\":[{\"name\":\"clock\",\"x\":1",
        "{\"tool_calls\":[{\"name\":\"clock\",\"name\":\"clock\"",
        "{\"tool_calls\":[{\"name\" 1",
        "{\"tool_calls\":[{1",
        "{\"tool_calls\":[{\"name\":\"clock\",\"arguments\":{\"a\":}",
    };
    aver_speech_plan *plan = plan_of(NULL, AVER_TOOL_CHOICE_AUTO, true);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_cut(plan, texts[i], texts[i], "");
    }
    aver_speech_plan_free(plan);
}

static void what_is_cut_of_calls_of_templates_is_no_text(void **state)
{
    (void)state;
    aver_native *native = native_open(TEMPLATE_TAGS);
    aver_speech_plan *plan = plan_of(native, AVER_TOOL_CHOICE_AUTO, true);
    assert_cut(plan, "It is <b>late", "It is <b>late", "");
    assert_cut(plan, "I look. <tool_ca", "I look. ", "");
    assert_cut(plan, "I look.\n<tool_call>", "I look.\n", "");
    assert_cut(plan, "<tool_call>\n{\"na", "", "");
    assert_cut(plan, "<tool_call>\n{\"name\": \"clo", "", "");
    assert_cut(plan, "<tool_call>\n{\"name\": \"clock\"", "", "<clock >");
    assert_cut(plan, "I look.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Ro",
               "I look.", "<weather {\"city\": \"Ro>");
    assert_cut(plan,
               "<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n"
               "{\"name\": \"weather\", \"arguments\": {\"ci",
               "", "<clock {}><weather {\"ci>");
    assert_cut(plan, "a <tool_call> b </tool_call> c", "a <tool_call> b </tool_call> c", "");
    assert_cut(plan, "<tool_call>\n{\"name\": \"nobody\", \"arg",
               "<tool_call>\n{\"name\": \"nobody\", \"arg", "");
    aver_speech_plan_free(plan);
    aver_native_free(native);
    native = native_open(TEMPLATE_BARE);
    plan = plan_of(native, AVER_TOOL_CHOICE_AUTO, true);
    assert_cut(plan, "{\"name\": \"weather\", \"parameters\": {\"city\": \"Ro", "",
               "<weather {\"city\": \"Ro>");
    assert_cut(plan, "Sets: {1, 2} and", "Sets: {1, 2} and", "");
    aver_speech_plan_free(plan);
    aver_native_free(native);
    native = native_open(TEMPLATE_LIST);
    plan = plan_of(native, AVER_TOOL_CHOICE_AUTO, true);
    assert_cut(plan, "[TOOL_CALLS] [{\"name\": \"clock\", \"arguments\": {}, \"id\": \"abc\"}, ",
               "", "<clock {}>");
    assert_cut(plan, "[TOOL_CALLS] [{\"name\": \"weather\", \"arguments\": {\"city", "",
               "<weather {\"city>");
    aver_speech_plan_free(plan);
    aver_native_free(native);
}

static void bare_calls_are_found(void **state)
{
    (void)state;
    aver_native *native = native_open(TEMPLATE_BARE);
    aver_speech_plan *plan = plan_of(native, AVER_TOOL_CHOICE_AUTO, true);
    assert_says(plan, "Sets: {1, 2} and {}.", "Sets: {1, 2} and {}.", "");
    assert_says(plan, "{\"name\": \"weather\", \"parameters\": {\"city\": \"Rome\"}}", "",
                "<weather {\"city\": \"Rome\"}>");
    aver_speech_plan_free(plan);
    aver_native_free(native);
}

static void listed_calls_are_found(void **state)
{
    (void)state;
    aver_native *native = native_open(TEMPLATE_LIST);
    aver_speech_plan *plan = plan_of(native, AVER_TOOL_CHOICE_AUTO, true);
    assert_says(plan, "Plain [1] text.", "Plain [1] text.", "");
    assert_says(plan,
                "[TOOL_CALLS] [{\"name\": \"clock\", \"arguments\": {}, \"id\": \"abc\"}, "
                "{\"name\": \"weather\", \"arguments\": {\"city\": \"x\"}, \"id\": \"def\"}]",
                "", "<clock {}><weather {\"city\": \"x\"}>");
    aver_speech_plan_free(plan);
    aver_native_free(native);
}

/* A model that opens calls for ever, or nests without end, costs no more than its text. */
static void hostile_text_is_bounded(void **state)
{
    (void)state;
    static const char *const parts[] = {"<tool_call>",
                                        "[",
                                        "{\"a\":",
                                        "<tool_call>\n{",
                                        "}",
                                        ">",
                                        "<tool_call>\n{\"name\": \"clock\", \"arguments\": {\"a\":"
                                        " ["};
    enum { SIZE = 200000 };
    char *text = malloc(SIZE + 64);
    assert_non_null(text);
    aver_native *native = native_open(TEMPLATE_TAGS);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t size = 0;
        while (size < SIZE) {
            memcpy(text + size, parts[i], strlen(parts[i]));
            size += strlen(parts[i]);
        }
        for (size_t k = 0; k < 2; k++) {
            aver_speech *speech = NULL;
            aver_view plain = {NULL, 0};
            size_t out = 0;
            aver_speech_plan *plan = plan_of(k == 0 ? native : NULL, AVER_TOOL_CHOICE_AUTO, true);
            assert_int_equal(aver_speech_new(plan, &speech), AVER_OK);
            for (size_t at = 0; at < size; at += 5) {
                size_t piece = size - at < 5 ? size - at : 5;
                assert_int_equal(aver_speech_push(speech, aver_view_make(text + at, piece), &plain),
                                 AVER_OK);
                out += plain.size;
            }
            assert_int_equal(aver_speech_flush(speech, (aver_view){NULL, 0}, false, &plain),
                             AVER_OK);
            out += plain.size;
            assert_int_equal(out, size);
            aver_speech_free(speech);
            aver_speech_plan_free(plan);
        }
    }
    aver_native_free(native);
    free(text);
}

/* Nor is more held of it than a call may have, in whatever it hopes for. */
static void little_is_held_of_what_never_ends(void **state)
{
    (void)state;
    static const char *const begins[] = {"", "{", "{\"tool_calls\":[", "{\"tool_calls\":[{\"a",
                                         "<tool_call>\n{\"name\": \"clock\", \"arguments\": {"};
    static char spaces[4096];
    aver_native *native = native_open(TEMPLATE_TAGS);
    memset(spaces, ' ', sizeof(spaces));
    for (size_t i = 0; i < 2 * sizeof(begins) / sizeof(begins[0]); i++) {
        aver_speech *speech = NULL;
        aver_view plain = {NULL, 0};
        aver_speech_plan *plan = plan_of(i % 2 == 0 ? NULL : native, AVER_TOOL_CHOICE_AUTO, true);
        size_t in = strlen(begins[i / 2]);
        assert_int_equal(aver_speech_new(plan, &speech), AVER_OK);
        assert_int_equal(aver_speech_push(speech, aver_view_text(begins[i / 2]), &plain), AVER_OK);
        size_t out = plain.size;
        for (int k = 0; k < 200; k++) {
            in += sizeof(spaces);
            assert_int_equal(
                aver_speech_push(speech, aver_view_make(spaces, sizeof(spaces)), &plain), AVER_OK);
            out += plain.size;
            assert_true(in - out <= AVER_SPEECH_HELD_BYTES_MAX + sizeof(spaces));
        }
        assert_int_equal(aver_speech_flush(speech, (aver_view){NULL, 0}, false, &plain), AVER_OK);
        assert_int_equal(out + plain.size, in);
        aver_speech_free(speech);
        aver_speech_plan_free(plan);
    }
    aver_native_free(native);
}

/* Whether answers may be this text, by the plan's grammar. */
static bool plan_allows(const aver_speech_plan *plan, const char *text)
{
    aver_view before;
    aver_grammar_run *run = NULL;
    const aver_grammar *grammar = aver_speech_grammar(plan, &before);
    assert_non_null(grammar);
    assert_int_equal(aver_grammar_run_new(grammar, &run), AVER_OK);
    if (before.size != 0) {
        assert_int_equal(aver_grammar_run_take(run, before), AVER_OK);
    }
    bool allowed =
        aver_grammar_run_take(run, aver_view_text(text)) == AVER_OK && aver_grammar_run_whole(run);
    aver_grammar_run_free(run);
    return allowed;
}

static void assert_done_after(const aver_speech_plan *plan, const char *text)
{
    aver_speech *speech = NULL;
    aver_view plain = {NULL, 0};
    assert_int_equal(aver_speech_new(plan, &speech), AVER_OK);
    assert_false(aver_speech_done(speech));
    assert_int_equal(aver_speech_push(speech, aver_view_text(text), &plain), AVER_OK);
    assert_true(aver_speech_done(speech) && aver_speech_calls_count(speech) == 1);
    aver_speech_free(speech);
}

static void forced_calls_are_what_the_grammar_allows(void **state)
{
    (void)state;
    static const struct {
        const char *source, *weather, *clock, *both;
    } cases[] = {
        {NULL, "{\"tool_calls\":[{\"name\":\"weather\",\"arguments\":{\"city\":\"x\"}}]}",
         "{\"tool_calls\":[{\"name\":\"clock\",\"arguments\":{}}]}",
         "{\"tool_calls\":[{\"name\":\"clock\",\"arguments\":{}},{\"name\":\"clock\","
         "\"arguments\":{}}]}"},
        {TEMPLATE_TAGS,
         "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"x\"}}\n</tool_call>",
         "<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n</tool_call>",
         "<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n"
         "{\"name\": \"clock\", \"arguments\": {}}\n</tool_call>"},
        {TEMPLATE_BARE, "{\"name\": \"weather\", \"parameters\": {\"city\": \"x\"}}",
         "{\"name\": \"clock\", \"parameters\": {}}", NULL},
        {TEMPLATE_LIST,
         "[TOOL_CALLS] [{\"name\": \"weather\", \"arguments\": {\"city\": \"x\"}, \"id\": "
         "\"abcdefghi\"}]",
         "[TOOL_CALLS] [{\"name\": \"clock\", \"arguments\": {}, \"id\": \"abcdefghi\"}]", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        aver_native *native = cases[i].source == NULL ? NULL : native_open(cases[i].source);
        aver_speech_plan *plan = plan_of(native, AVER_TOOL_CHOICE_REQUIRED, true);
        print_message("case %zu\n", i);
        assert_true(plan_allows(plan, cases[i].weather));
        assert_true(plan_allows(plan, cases[i].clock));
        assert_false(plan_allows(plan, "It is late."));
        assert_false(plan_allows(plan, ""));
        assert_true(cases[i].both == NULL || plan_allows(plan, cases[i].both));
        aver_speech_plan_free(plan);
        plan = plan_of(native, AVER_TOOL_CHOICE_NAMED, false);
        assert_false(plan_allows(plan, cases[i].weather));
        assert_true(plan_allows(plan, cases[i].clock));
        /* Of some templates the grammar has any number; the stream ends after one. */
        assert_true(cases[i].source != NULL || !plan_allows(plan, cases[i].both));
        assert_done_after(plan, cases[i].clock);
        aver_speech_plan_free(plan);
        aver_native_free(native);
    }
}

static void begun_calls_are_held_to_their_grammar(void **state)
{
    (void)state;
    aver_native *native = native_open(TEMPLATE_TAGS);
    aver_speech_plan *plan = plan_of(native, AVER_TOOL_CHOICE_AUTO, true);
    aver_view before;
    aver_grammar_run *run = NULL;
    assert_null(aver_speech_grammar(plan, &before));
    assert_non_null(aver_speech_grammar_of_calls(plan));
    assert_int_equal(aver_grammar_run_new(aver_speech_grammar_of_calls(plan), &run), AVER_OK);
    assert_true(aver_grammar_run_allows(
        run, AVER_VIEW_LITERAL("<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\"")));
    assert_false(
        aver_grammar_run_allows(run, AVER_VIEW_LITERAL("<tool_call>\n{\"name\": \"nobody\"")));
    aver_grammar_run_free(run);
    aver_speech_plan_free(plan);
    aver_native_free(native);
}

static void jobs_that_ask_for_nothing_have_no_plan(void **state)
{
    (void)state;
    char why[160] = "";
    aver_speech_plan *plan = NULL;
    assert_int_equal(plan_make(NULL, TOOLS, AVER_TOOL_CHOICE_NONE, "", true, &plan, why), AVER_OK);
    assert_null(plan);
    assert_int_equal(plan_make(NULL, "", AVER_TOOL_CHOICE_AUTO, "", true, &plan, why), AVER_OK);
    assert_null(plan);
}

static void what_cannot_be_forced_is_refused_in_words(void **state)
{
    (void)state;
    char why[160] = "";
    aver_speech_plan *plan = NULL;
    assert_int_not_equal(plan_make(NULL, TOOLS, AVER_TOOL_CHOICE_NAMED, "nobody", true, &plan, why),
                         AVER_OK);
    assert_non_null(strstr(why, "tool_choice"));
    static const char strict[] =
        "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true,\"parameters\":"
        "{\"type\":\"object\",\"patternProperties\":{}}}}]";
    assert_int_not_equal(plan_make(NULL, strict, AVER_TOOL_CHOICE_REQUIRED, "", true, &plan, why),
                         AVER_OK);
    assert_non_null(strstr(why, "patternProperties"));
    assert_null(plan);
    /* Not strict: any object. */
    static const char loose[] =
        "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":"
        "{\"type\":\"object\",\"patternProperties\":{}}}}]";
    assert_int_equal(plan_make(NULL, loose, AVER_TOOL_CHOICE_REQUIRED, "", true, &plan, why),
                     AVER_OK);
    assert_true(
        plan_allows(plan, "{\"tool_calls\":[{\"name\":\"f\",\"arguments\":{\"any\":[1]}}]}"));
    aver_speech_plan_free(plan);
}

/* Tools that would make llama-common's own converter work for ever. */
static void tools_of_any_kind_make_a_plan_in_bounded_time(void **state)
{
    (void)state;
    char why[160] = "";
    aver_native *native = native_open(TEMPLATE_TAGS);
    json_t *parameters = json_pack("{s:s,s:{}}", "type", "object", "properties");
    for (int i = 0; i < 3000; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "p%d", i);
        assert_int_equal(json_object_set_new(json_object_get(parameters, "properties"), name,
                                             json_pack("{s:s}", "type", "string")),
                         0);
    }
    json_t *tools = json_pack("[{s:s,s:{s:s,s:o}}]", "type", "function", "function", "name", "f",
                              "parameters", parameters);
    char *text = json_dumps(tools, JSON_COMPACT);
    for (int choice = AVER_TOOL_CHOICE_AUTO; choice <= AVER_TOOL_CHOICE_REQUIRED; choice += 2) {
        aver_speech_plan *plan = NULL;
        assert_int_equal(plan_make(native, text, (aver_tool_choice)choice, "", true, &plan, why),
                         AVER_OK);
        aver_speech_plan_free(plan);
    }
    free(text);
    json_decref(tools);
    aver_native_free(native);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_own_calls_are_found),
        cmocka_unit_test(what_only_looks_like_our_own_calls_is_text),
        cmocka_unit_test(without_parallel_calls_there_is_one),
        cmocka_unit_test(calls_in_tags_are_found),
        cmocka_unit_test(bad_calls_in_tags_are_text),
        cmocka_unit_test(what_is_cut_of_our_own_calls_is_no_text),
        cmocka_unit_test(what_is_no_call_of_our_own_is_text_where_it_is_cut),
        cmocka_unit_test(what_is_cut_of_calls_of_templates_is_no_text),
        cmocka_unit_test(bare_calls_are_found),
        cmocka_unit_test(listed_calls_are_found),
        cmocka_unit_test(hostile_text_is_bounded),
        cmocka_unit_test(little_is_held_of_what_never_ends),
        cmocka_unit_test(forced_calls_are_what_the_grammar_allows),
        cmocka_unit_test(begun_calls_are_held_to_their_grammar),
        cmocka_unit_test(jobs_that_ask_for_nothing_have_no_plan),
        cmocka_unit_test(what_cannot_be_forced_is_refused_in_words),
        cmocka_unit_test(tools_of_any_kind_make_a_plan_in_bounded_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
