/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/text.h"
#include "engine/spell.h"

#include <string.h>

typedef struct test_speller {
    aver_buf stops[AVER_JOB_STOPS_MAX];
    size_t stops_count;
    aver_spell spell;
    aver_buf text;
    bool stopped;
} test_speller;

static void speller_open(test_speller *speller, const char *const *stops, size_t count)
{
    memset(speller, 0, sizeof(*speller));
    for (size_t i = 0; i < count; i++) {
        aver_buf_init(&speller->stops[i], AVER_JOB_STOP_BYTES_MAX);
        aver_buf_append_text(&speller->stops[i], stops[i]);
    }
    speller->stops_count = count;
    aver_spell_init(&speller->spell, speller->stops, count);
    aver_buf_init(&speller->text, 1 << 16);
}

static void speller_close(test_speller *speller)
{
    aver_spell_deinit(&speller->spell);
    aver_buf_deinit(&speller->text);
    for (size_t i = 0; i < speller->stops_count; i++) {
        aver_buf_deinit(&speller->stops[i]);
    }
}

/* Gives the text that came out at once. */
static aver_view speller_push(test_speller *speller, const char *piece, size_t size)
{
    aver_view text;
    assert_false(speller->stopped);
    assert_int_equal(
        aver_spell_push(&speller->spell, aver_view_make(piece, size), &text, &speller->stopped),
        AVER_OK);
    assert_true(aver_utf8_valid(text));
    aver_buf_append(&speller->text, text);
    return text;
}

static void speller_finish(test_speller *speller, const char *expected)
{
    aver_view text;
    if (!speller->stopped) {
        assert_int_equal(aver_spell_flush(&speller->spell, &text), AVER_OK);
        aver_buf_append(&speller->text, text);
    }
    assert_true(aver_view_equal_text(aver_buf_view(&speller->text), expected));
    speller_close(speller);
}

#define PUSH(text) speller_push(&s, text, sizeof(text) - 1)

static void plain_text_comes_out_at_once(void **state)
{
    (void)state;
    test_speller s;
    speller_open(&s, NULL, 0);
    assert_int_equal(PUSH("Hello").size, 5);
    assert_int_equal(PUSH(" world").size, 6);
    speller_finish(&s, "Hello world");
}

static void a_stop_string_across_tokens_never_shows(void **state)
{
    (void)state;
    static const char *const stops[] = {"\nUser:"};
    test_speller s;
    speller_open(&s, stops, 1);
    assert_int_equal(PUSH("yes").size, 3);
    assert_int_equal(PUSH("\n").size, 0);
    assert_int_equal(PUSH("Us").size, 0);
    assert_false(s.stopped);
    assert_int_equal(PUSH("er: more").size, 0);
    assert_true(s.stopped);
    speller_finish(&s, "yes");
}

static void a_beginning_that_breaks_off_is_given_back(void **state)
{
    (void)state;
    static const char *const stops[] = {"aab"};
    test_speller s;
    speller_open(&s, stops, 1);
    assert_int_equal(PUSH("aa").size, 0);
    assert_int_equal(PUSH("a").size, 1);
    assert_int_equal(PUSH("c").size, 3);
    assert_int_equal(PUSH("aa").size, 0);
    speller_finish(&s, "aaacaa");
}

static void the_first_of_several_stops_wins(void **state)
{
    (void)state;
    static const char *const stops[] = {"END", "x", "yz", "D"};
    test_speller s;
    speller_open(&s, stops, 4);
    (void)PUSH("abENDx");
    assert_true(s.stopped);
    speller_finish(&s, "ab");
}

static void characters_are_never_split(void **state)
{
    (void)state;
    test_speller s;
    speller_open(&s, NULL, 0);
    assert_int_equal(PUSH("a\xe2").size, 1);
    assert_int_equal(PUSH("\x82").size, 0);
    assert_int_equal(PUSH("\xac").size, 3);
    assert_int_equal(PUSH("\xf0\x9f\x98").size, 0);
    assert_int_equal(PUSH("\x80!").size, 5);
    speller_finish(&s, "a\xe2\x82\xac\xf0\x9f\x98\x80!");
}

static void bytes_that_are_no_characters_are_replaced(void **state)
{
    (void)state;
    test_speller s;
    speller_open(&s, NULL, 0);
    assert_int_equal(PUSH("a\xff").size, 4);
    (void)PUSH("\xe2\x82");
    speller_finish(&s, "a\xef\xbf\xbd\xef\xbf\xbd");
}

/* Cut in every possible way, the text is the same. */
static void the_text_does_not_depend_on_the_cuts(void **state)
{
    (void)state;
    static const char whole[] = "ab\xe2\x82\xac stop stox sto\xf0\x9f\x98\x80p st STOP tail";
    static const char *const stops[] = {"stop!", "STOP"};
    const size_t size = sizeof(whole) - 1;
    for (uint32_t cuts = 0; cuts < 4096; cuts++) {
        test_speller s;
        size_t start = 0;
        speller_open(&s, stops, 2);
        for (size_t i = 1; i <= size && !s.stopped; i++) {
            if (i == size || (cuts * 2654435761u >> (i % 32) & 1) != 0) {
                (void)speller_push(&s, whole + start, i - start);
                start = i;
            }
        }
        assert_true(s.stopped);
        speller_finish(&s, "ab\xe2\x82\xac stop stox sto\xf0\x9f\x98\x80p st ");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_comes_out_at_once),
        cmocka_unit_test(a_stop_string_across_tokens_never_shows),
        cmocka_unit_test(a_beginning_that_breaks_off_is_given_back),
        cmocka_unit_test(the_first_of_several_stops_wins),
        cmocka_unit_test(characters_are_never_split),
        cmocka_unit_test(bytes_that_are_no_characters_are_replaced),
        cmocka_unit_test(the_text_does_not_depend_on_the_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
