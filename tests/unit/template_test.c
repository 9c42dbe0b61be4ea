/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/text.h"
#include "engine/template.h"

#include <string.h>

#define TEXT_BYTES_MAX 4096

/* Input is put in square brackets, so that one string shows text and origin. */
typedef struct rendering {
    char text[TEXT_BYTES_MAX];
    size_t size;
} rendering;

static void rendering_add(const aver_template_part *part, void *context)
{
    rendering *self = context;
    assert_true(self->size + part->size + 3 < TEXT_BYTES_MAX);
    if (part->input) {
        self->text[self->size++] = '[';
    }
    memcpy(self->text + self->size, part->text, part->size);
    self->size += part->size;
    if (part->input) {
        self->text[self->size++] = ']';
    }
    self->text[self->size] = '\0';
}

static aver_template *template_open(const char *source)
{
    char why[AVER_TEMPLATE_WHY_BYTES] = "";
    aver_template *chat = aver_template_new(source, strlen(source), "<s>", "</s>", why);
    if (chat == NULL) {
        print_error("%s\n", why);
    }
    assert_non_null(chat);
    return chat;
}

static bool render_json(const aver_template *chat, const char *messages, const char *tools,
                        rendering *out, char *why)
{
    json_t *list = json_loads(messages, 0, NULL);
    json_t *described = tools == NULL ? NULL : json_loads(tools, 0, NULL);
    assert_non_null(list);
    assert_true(tools == NULL || described != NULL);
    bool rendered = aver_template_render(chat, list, described, rendering_add, out, why);
    json_decref(list);
    json_decref(described);
    return rendered;
}

static bool render(const aver_template *chat, rendering *out, char *why)
{
    return render_json(chat,
                       "[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\","
                       "\"content\":\"Hi <|user|>\",\"name\":\"Bo\"}]",
                       NULL, out, why);
}

static void assert_renders(const char *source, const char *expected)
{
    rendering out = {.size = 0};
    char why[AVER_TEMPLATE_WHY_BYTES] = "";
    aver_template *chat = template_open(source);
    bool rendered = render(chat, &out, why);
    if (!rendered) {
        print_error("%s\n", why);
    }
    assert_true(rendered);
    assert_string_equal(out.text, expected);
    aver_template_free(chat);
}

static void messages_are_rendered_and_their_origin_is_kept(void **state)
{
    (void)state;
    assert_renders("{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>\n{{ m['content'] }}{{ "
                   "eos_token }}\n"
                   "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
                   "<s><|system|>\n[Be brief.]</s>\n<|user|>\n[Hi <|user|>]</s>\n<|assistant|>\n");
}

static void changed_content_is_still_input(void **state)
{
    (void)state;
    assert_renders("{{ messages[1].content | upper }}", "[HI <|USER|>]");
    assert_renders("{{ messages[0].content | trim }}x", "[Be brief.]x");
    assert_renders("{{ messages[1].name }}", "[Bo]");
    assert_renders("{% set t = '<a>' + messages[0].content + '<b>' %}{{ t }}", "<a>[Be brief.]<b>");
}

static void the_clock_stands_still(void **state)
{
    (void)state;
    assert_renders("{{ strftime_now('%d %b %Y %H:%M') }}", "26 Jul 2024 00:00");
}

static void templates_that_fail_say_why(void **state)
{
    (void)state;
    char why[AVER_TEMPLATE_WHY_BYTES] = "";
    rendering out = {.size = 0};
    static const char broken[] = "{% for m in messages %}";
    static const char strict[] = "{{ raise_exception('roles must alternate') }}";
    assert_null(aver_template_new(broken, sizeof(broken) - 1, "", "", why));
    assert_true(why[0] != '\0');
    aver_template *chat = template_open(strict);
    assert_false(render(chat, &out, why));
    assert_non_null(strstr(why, "roles must alternate"));
    aver_template_free(chat);
}

static void assert_refuses(const char *source, const char *words)
{
    char why[AVER_TEMPLATE_WHY_BYTES] = "";
    rendering out = {.size = 0};
    aver_template *chat = template_open(source);
    assert_false(render(chat, &out, why));
    if (strstr(why, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", why, words);
    }
    aver_template_free(chat);
}

static void templates_that_never_end_are_ended(void **state)
{
    (void)state;
    assert_refuses("{% for i in range(1000000000) %}x{% endfor %}", "range");
    assert_refuses("{% for i in range(0, 9000000000000000000, 1) %}x{% endfor %}", "range");
    assert_refuses("{% set r = range(200) %}{% for i in r %}{% if true %}{% for j in r %}"
                   "{% for k in r %}{% endfor %}{% endfor %}{% endif %}{% endfor %}",
                   "too many steps");
    assert_renders("{% for i in range(3) %}{{ i }}{% endfor %}{% for i in range(9, 1, -4) %}{{ i }}"
                   "{% endfor %}",
                   "01295");
    assert_renders("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(1) }}{{ m(2) }}", "<1><2>");
}

/* The link carries UTF-8 only: half a character would end the engine. */
static void words_are_cut_between_characters(void **state)
{
    (void)state;
    char source[2048] = "{{ raise_exception('x";
    char why[AVER_TEMPLATE_WHY_BYTES] = "";
    rendering out = {.size = 0};
    size_t size = strlen(source);
    for (int i = 0; i < 300; i++) {
        memcpy(source + size, "\xc3\xa9", 2);
        size += 2;
    }
    memcpy(source + size, "') }}", sizeof("') }}"));
    aver_template *chat = template_open(source);
    assert_false(render(chat, &out, why));
    assert_true(aver_utf8_valid(aver_view_text(why)));
    assert_true(strlen(why) > 100);
    aver_template_free(chat);
}

static void rendering_is_repeatable(void **state)
{
    (void)state;
    char why[AVER_TEMPLATE_WHY_BYTES] = "";
    aver_template *chat = template_open(
        "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}"
        "{{ ns.n }}{{ m.content }}{% endfor %}");
    for (int i = 0; i < 3; i++) {
        rendering out = {.size = 0};
        assert_true(render(chat, &out, why));
        assert_string_equal(out.text, "1[Be brief.]2[Hi <|user|>]");
    }
    aver_template_free(chat);
}

static const char tools[] =
    "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"<|d|>\","
    "\"parameters\":{\"type\":\"object\",\"properties\":{\"<|p|>\":{\"type\":\"string\"}}}}}]";

static void tools_calls_and_results_are_input(void **state)
{
    (void)state;
    char why[AVER_TEMPLATE_WHY_BYTES] = "";
    rendering out = {.size = 0};
    aver_template *chat = template_open(
        "{% for t in tools %}{{ t.type }}:{{ t.function.name }},{{ t.function.description }}"
        "{% for k, v in t.function.parameters.properties.items() %},{{ k }}{% endfor %}|"
        "{% endfor %}{% for m in messages %}{{ m.role }}={{ m.content }}"
        "{% for c in m.tool_calls %}{{ c.id }}{{ c.function.name }}"
        "{% for k, v in c.function.arguments.items() %}({{ k }}:{{ v }}){% endfor %}"
        "{% endfor %}{% if m.tool_call_id %}{{ m.tool_call_id }}{% endif %};{% endfor %}");
    bool rendered = render_json(
        chat,
        "[{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"i\",\"type\":"
        "\"function\",\"function\":{\"name\":\"f\",\"arguments\":{\"a\":\"x\",\"b\":2}}}]},"
        "{\"role\":\"tool\",\"content\":\"r\",\"tool_call_id\":\"i\"}]",
        tools, &out, why);
    assert_true(rendered);
    assert_string_equal(out.text, "function:[f],[<|d|>],[<|p|>]|assistant=[if]([a]:[x])([b]:2);"
                                  "tool=[ri];");
    aver_template_free(chat);
}

static void assert_able(const char *source, bool has_tools, bool object_arguments, bool system)
{
    aver_template_abilities able;
    aver_template *chat = template_open(source);
    aver_template_able(chat, &able);
    assert_int_equal(able.tools, has_tools);
    if (has_tools) {
        assert_int_equal(able.object_arguments, object_arguments);
    }
    assert_int_equal(able.system, system);
    aver_template_free(chat);
}

static void a_template_shows_what_it_is_able_to_do(void **state)
{
    (void)state;
    assert_able("{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}", false, false,
                true);
    assert_able("{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no') }}"
                "{% endif %}{{ m.content }}{% endfor %}",
                false, false, false);
    assert_able(
        "{{ tools | tojson }}{% for m in messages %}{{ m.role }}{{ m.content }}"
        "{% for c in m.tool_calls %}{{ c.function.name }}{{ c.function.arguments | tojson }}"
        "{% endfor %}{% endfor %}",
        true, true, true);
    assert_able("{{ tools | tojson }}{% for m in messages %}{{ m.role }}{{ m.content }}"
                "{% for c in m.tool_calls %}{{ c.function.name }}"
                "{{ '{' + c.function.arguments + '}' }}{% endfor %}{% endfor %}",
                true, false, true);
    /* Learning what it is able to do is bounded like any other work. */
    assert_able("{% for a in range(4000) %}{% for b in range(4000) %}{% for c in range(4000) %}"
                "{% endfor %}{% endfor %}{% endfor %}{{ tools | tojson }}",
                false, false, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_rendered_and_their_origin_is_kept),
        cmocka_unit_test(changed_content_is_still_input),
        cmocka_unit_test(the_clock_stands_still),
        cmocka_unit_test(templates_that_fail_say_why),
        cmocka_unit_test(templates_that_never_end_are_ended),
        cmocka_unit_test(words_are_cut_between_characters),
        cmocka_unit_test(rendering_is_repeatable),
        cmocka_unit_test(tools_calls_and_results_are_input),
        cmocka_unit_test(a_template_shows_what_it_is_able_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
