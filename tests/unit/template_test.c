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

static const aver_template_message messages[] = {
    {"developer", "Be brief.", 9, NULL},
    {"user", "Hi <|user|>", 11, "Bo"},
};

static void assert_renders(const char *source, const char *expected)
{
    rendering out = {.size = 0};
    char why[AVER_TEMPLATE_WHY_BYTES] = "";
    aver_template *chat = template_open(source);
    bool rendered = aver_template_render(chat, messages, 2, rendering_add, &out, why);
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
    assert_false(aver_template_render(chat, messages, 2, rendering_add, &out, why));
    assert_non_null(strstr(why, "roles must alternate"));
    aver_template_free(chat);
}

static void assert_refuses(const char *source, const char *words)
{
    char why[AVER_TEMPLATE_WHY_BYTES] = "";
    rendering out = {.size = 0};
    aver_template *chat = template_open(source);
    assert_false(aver_template_render(chat, messages, 2, rendering_add, &out, why));
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
    assert_false(aver_template_render(chat, messages, 2, rendering_add, &out, why));
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
        assert_true(aver_template_render(chat, messages, 2, rendering_add, &out, why));
        assert_string_equal(out.text, "1[Be brief.]2[Hi <|user|>]");
    }
    aver_template_free(chat);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
