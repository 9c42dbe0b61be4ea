/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "model/adapters.h"

#include <string.h>

static void without_adapters_the_root_is_the_models(void **state)
{
    static const uint8_t base[32] = {7};
    uint8_t root[32] = {0};

    (void)state;
    aver_adapted_root(base, NULL, 0, root);
    assert_memory_equal(root, base, 32);
}

static void every_part_changes_the_root(void **state)
{
    static const uint8_t base[32] = {1};
    static const uint8_t other[32] = {2};
    static const aver_adapter_root one[2] = {{{3}, 1000000}, {{4}, 500000}};
    static const aver_adapter_root swapped[2] = {{{4}, 500000}, {{3}, 1000000}};
    static const aver_adapter_root scaled[2] = {{{3}, 1000001}, {{4}, 500000}};
    uint8_t bytes[14 + 32 + 36 + 36] = "aver/adapted/1";
    uint8_t first[32], again[32], expected[32];

    (void)state;
    bytes[14] = 1;
    bytes[46] = 3;
    memcpy(bytes + 78, "\x00\x0f\x42\x40", 4);
    bytes[82] = 4;
    memcpy(bytes + 114, "\x00\x07\xa1\x20", 4);
    aver_sha256_of(AVER_VIEW_OF(bytes), expected);
    aver_adapted_root(base, one, 2, first);
    assert_memory_equal(first, expected, 32);
    aver_adapted_root(other, one, 2, again);
    assert_memory_not_equal(first, again, 32);
    aver_adapted_root(base, swapped, 2, again);
    assert_memory_not_equal(first, again, 32);
    aver_adapted_root(base, scaled, 2, again);
    assert_memory_not_equal(first, again, 32);
    aver_adapted_root(base, one, 1, again);
    assert_memory_not_equal(first, again, 32);
}

static void an_adapter_is_named_by_file_and_scale(void **state)
{
    static const struct {
        const char *text;
        const char *path;
        uint32_t scale_ppm;
    } good[] = {
        {"a.gguf", "a.gguf", 1000000},         {"a.gguf:0.5", "a.gguf", 500000},
        {"a.gguf:100", "a.gguf", 100000000},   {"a.gguf:.000001", "a.gguf", 1},
        {"a:b.gguf", "a:b.gguf", 1000000},     {"a:b.gguf:2", "a:b.gguf", 2000000},
        {"a.gguf:1.", "a.gguf", 1000000},      {"a.gguf:", "a.gguf:", 1000000},
        {"a.gguf:-1", "a.gguf:-1", 1000000},   {"a.gguf:1.2.3", "a.gguf:1.2.3", 1000000},
        {"a.gguf:1e3", "a.gguf:1e3", 1000000}, {"a.gguf:.", "a.gguf:.", 1000000},
        {"a.gguf:099.5", "a.gguf", 99500000},
    };
    static const char *const bad[] = {"", ":1", "a.gguf:0", "a.gguf:0.0", "a.gguf:101",
                                      "a.gguf:1000", "a.gguf:0.0000001", "a.gguf:100.000001",
                                      "a.gguf:1.0000000", "a.gguf:0001",
                                      /* times a million it is 448384 beyond 2^64 */
                                      "a.gguf:18446744073710"};
    char path[AVER_ADAPTER_PATH_BYTES_MAX] = "";
    char words[AVER_ADAPTER_PATH_BYTES_MAX + 1];
    uint32_t scale_ppm = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(aver_adapter_spec_parse(good[i].text, path, &scale_ppm), AVER_OK);
        assert_string_equal(path, good[i].path);
        assert_int_equal(scale_ppm, good[i].scale_ppm);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(aver_adapter_spec_parse(bad[i], path, &scale_ppm), AVER_E_FORMAT);
    }
    memset(words, 'x', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    assert_int_equal(aver_adapter_spec_parse(words, path, &scale_ppm), AVER_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_adapters_the_root_is_the_models),
        cmocka_unit_test(every_part_changes_the_root),
        cmocka_unit_test(an_adapter_is_named_by_file_and_scale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
