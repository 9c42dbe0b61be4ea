/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/model_option.h"

#include <string.h>

#define NAME_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void a_file_has_settings_of_its_own(void **state)
{
    char why[AVER_MODEL_OPTION_WHY_BYTES] = "";
    aver_model_option option;

    (void)state;
    assert_int_equal(aver_model_option_parse("/m/a,,b.gguf,lora=x.gguf:0.25,name=n,,m,context=64,"
                                             "slots=2,lora=y.gguf",
                                             &option, why),
                     AVER_OK);
    assert_string_equal(option.path, "/m/a,b.gguf");
    assert_string_equal(option.name, "n,m");
    assert_int_equal(option.context_tokens, 64);
    assert_int_equal(option.slots, 2);
    assert_int_equal(option.adapters_count, 2);
    assert_string_equal(option.adapters[0].path, "x.gguf");
    assert_int_equal(option.adapters[0].scale_ppm, 250000);
    assert_string_equal(option.adapters[1].path, "y.gguf");
    assert_int_equal(option.adapters[1].scale_ppm, 1000000);
    aver_model_option_deinit(&option);
    assert_int_equal(aver_model_option_parse("a.gguf", &option, why), AVER_OK);
    assert_null(option.name);
    assert_int_equal(option.context_tokens, 0);
    aver_model_option_deinit(&option);
}

static void wrong_settings_are_named(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } bad[] = {
        {"", "name of a file"},
        {",name=x", "name of a file"},
        {"a,", "after the file"},
        {"a,colour=red", "colour=red"},
        {"a,name=", "name="},
        {"a,name=x,name=y", "once"},
        {"a,name=\xc3(", "UTF-8"},
        {"a,name=" NAME_64 NAME_64, "127 bytes"},
        {"a,context=31", "context="},
        {"a,context=131073", "context="},
        {"a,context=64,context=64", "context=64"},
        {"a,context= 64", "context="},
        {"a,slots=0", "slots="},
        {"a,slots=257", "slots="},
        {"a,slots=-1", "slots="},
        {"a,slots=4x", "slots="},
        {"a,slots=4,slots=4", "slots=4"},
        {"a,lora=", "lora="},
        {"a,lora=x:0", "lora="},
        {"a,lora=1,lora=2,lora=3,lora=4,lora=5,lora=6,lora=7,lora=8,lora=9", "8 times"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char why[AVER_MODEL_OPTION_WHY_BYTES] = "";
        aver_model_option option;

        if (aver_model_option_parse(bad[i].text, &option, why) != AVER_E_FORMAT ||
            strstr(why, bad[i].words) == NULL) {
            fail_msg("%s: \"%s\"", bad[i].text, why);
        }
    }
}

static void sizes_have_units(void **state)
{
    static const char *const bad[] = {"",
                                      "0",
                                      "0K",
                                      "K",
                                      "4g",
                                      "4GB",
                                      "-1",
                                      " 4",
                                      "1.5G",
                                      "18446744073709551616",
                                      "99999999999T"};
    uint64_t bytes = 0;

    (void)state;
    assert_int_equal(aver_size_parse("1", &bytes), AVER_OK);
    assert_int_equal(bytes, 1);
    assert_int_equal(aver_size_parse("3K", &bytes), AVER_OK);
    assert_int_equal(bytes, 3072);
    assert_int_equal(aver_size_parse("2M", &bytes), AVER_OK);
    assert_int_equal(bytes, 2u << 20);
    assert_int_equal(aver_size_parse("4G", &bytes), AVER_OK);
    assert_true(bytes == 4ull << 30);
    assert_int_equal(aver_size_parse("1T", &bytes), AVER_OK);
    assert_true(bytes == 1ull << 40);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (aver_size_parse(bad[i], &bytes) == AVER_OK) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_settings_of_its_own),
        cmocka_unit_test(wrong_settings_are_named),
        cmocka_unit_test(sizes_have_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
