/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/fields.h"

#include <string.h>

typedef struct record {
    uint64_t number;
    uint32_t choice;
    bool yes;
    uint8_t fixed[4];
    char text[4];
    aver_view bytes;
    bool has_pair;
    uint64_t first;
    uint8_t second[2];
} record;

static const aver_field fields[] = {
    {.key = 0, .kind = AVER_FIELD_VERSION, .size = 1},
    {.key = 1, .kind = AVER_FIELD_UINT, .offset = offsetof(record, number)},
    {.key = 2, .kind = AVER_FIELD_ENUM, .offset = offsetof(record, choice), .size = 3},
    {.key = 3, .kind = AVER_FIELD_BOOL, .offset = offsetof(record, yes)},
    {.key = 4, .kind = AVER_FIELD_FIXED, .offset = offsetof(record, fixed), .size = 4},
    {.key = 5, .kind = AVER_FIELD_TEXT, .offset = offsetof(record, text), .size = 4},
    {.key = 6,
     .kind = AVER_FIELD_VIEW,
     .presence = AVER_FIELD_NONEMPTY,
     .offset = offsetof(record, bytes),
     .size = 3},
    {.key = 7,
     .kind = AVER_FIELD_UINT,
     .presence = AVER_FIELD_FLAGGED,
     .offset = offsetof(record, first),
     .flag = offsetof(record, has_pair)},
    {.key = 25,
     .kind = AVER_FIELD_FIXED,
     .presence = AVER_FIELD_FLAGGED,
     .offset = offsetof(record, second),
     .size = 2,
     .flag = offsetof(record, has_pair)},
};

static aver_err get(aver_view bytes, record *ret_record)
{
    aver_cbor_cursor cursor = aver_cbor_open(bytes, 0);
    *ret_record = (record){.number = 0};
    aver_err err = aver_fields_get(fields, AVER_FIELDS_COUNT(fields), &cursor, ret_record);
    return err == AVER_OK ? aver_cbor_end(&cursor) : err;
}

static const record good = {.number = 300,
                            .choice = 3,
                            .yes = true,
                            .fixed = {1, 2, 3, 4},
                            .text = "abc",
                            .bytes = {(const uint8_t *)"xyz", 3},
                            .has_pair = true,
                            .first = 9,
                            .second = {5, 6}};

static void a_record_comes_back_as_it_was(void **state)
{
    (void)state;
    static const uint8_t wanted[] = {0xa9, 0x00, 0x01, 0x01, 0x19, 0x01, 0x2c, 0x02, 0x03,
                                     0x03, 0xf5, 0x04, 0x44, 0x01, 0x02, 0x03, 0x04, 0x05,
                                     0x63, 'a',  'b',  'c',  0x06, 0x43, 'x',  'y',  'z',
                                     0x07, 0x09, 0x18, 0x19, 0x42, 0x05, 0x06};
    aver_buf bytes;
    record back;
    aver_buf_init(&bytes, 256);
    assert_int_equal(aver_fields_put(fields, AVER_FIELDS_COUNT(fields), &good, &bytes), AVER_OK);
    assert_true(aver_view_equal(aver_buf_view(&bytes), AVER_VIEW_OF(wanted)));
    assert_int_equal(get(aver_buf_view(&bytes), &back), AVER_OK);
    assert_int_equal(back.number, 300);
    assert_int_equal(back.choice, 3);
    assert_true(back.yes && back.has_pair);
    assert_string_equal(back.text, "abc");
    assert_true(aver_view_equal_text(back.bytes, "xyz"));
    assert_int_equal(back.first, 9);
    aver_buf_deinit(&bytes);
}

static void a_record_out_of_bounds_is_not_written(void **state)
{
    (void)state;
    aver_buf bytes;
    record bad = good;
    aver_buf_init(&bytes, 256);
    bad.choice = 0;
    assert_int_equal(aver_fields_put(fields, AVER_FIELDS_COUNT(fields), &bad, &bytes),
                     AVER_E_USAGE);
    bad.choice = 4;
    assert_int_equal(aver_fields_put(fields, AVER_FIELDS_COUNT(fields), &bad, &bytes),
                     AVER_E_USAGE);
    bad = good;
    memset(bad.text, 'x', sizeof bad.text);
    assert_int_equal(aver_fields_put(fields, AVER_FIELDS_COUNT(fields), &bad, &bytes),
                     AVER_E_USAGE);
    bad = good;
    bad.bytes = AVER_VIEW_LITERAL("wxyz");
    assert_int_equal(aver_fields_put(fields, AVER_FIELDS_COUNT(fields), &bad, &bytes),
                     AVER_E_LIMIT);
    assert_int_equal(bytes.size, 0);
    aver_buf_deinit(&bytes);
}

/* Writes map heads and fields by hand, so that one thing at a time is wrong. */
static void bytes_that_the_table_does_not_allow_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        aver_err err;
    } cases[] = {
        /* good, without the optional ones */
        {"\xa6\x00\x01\x01\x00\x02\x01\x03\xf4\x04\x44\x01\x02\x03\x04\x05\x61z", 18, AVER_OK},
        /* another version */
        {"\xa6\x00\x02\x01\x00\x02\x01\x03\xf4\x04\x44\x01\x02\x03\x04\x05\x61z", 18,
         AVER_E_UNSUPPORTED},
        /* choice 0, choice 4 */
        {"\xa6\x00\x01\x01\x00\x02\x00\x03\xf4\x04\x44\x01\x02\x03\x04\x05\x61z", 18,
         AVER_E_FORMAT},
        {"\xa6\x00\x01\x01\x00\x02\x04\x03\xf4\x04\x44\x01\x02\x03\x04\x05\x61z", 18,
         AVER_E_FORMAT},
        /* text empty, with a line feed, too long */
        {"\xa6\x00\x01\x01\x00\x02\x01\x03\xf4\x04\x44\x01\x02\x03\x04\x05\x60", 17, AVER_E_FORMAT},
        {"\xa6\x00\x01\x01\x00\x02\x01\x03\xf4\x04\x44\x01\x02\x03\x04\x05\x61\n", 18,
         AVER_E_FORMAT},
        {"\xa6\x00\x01\x01\x00\x02\x01\x03\xf4\x04\x44\x01\x02\x03\x04\x05\x64wxyz", 21,
         AVER_E_FORMAT},
        /* a required one missing, an unknown one more, one flag of a pair, an empty view */
        {"\xa5\x00\x01\x01\x00\x02\x01\x03\xf4\x04\x44\x01\x02\x03\x04", 15, AVER_E_FORMAT},
        {"\xa7\x00\x01\x01\x00\x02\x01\x03\xf4\x04\x44\x01\x02\x03\x04\x05\x61z\x08\x00", 20,
         AVER_E_FORMAT},
        {"\xa7\x00\x01\x01\x00\x02\x01\x03\xf4\x04\x44\x01\x02\x03\x04\x05\x61z\x07\x00", 20,
         AVER_E_FORMAT},
        {"\xa7\x00\x01\x01\x00\x02\x01\x03\xf4\x04\x44\x01\x02\x03\x04\x05\x61z\x06\x40", 20,
         AVER_E_FORMAT},
        /* a view above its maximum, a negative key, a key twice, bytes after the end */
        {"\xa7\x00\x01\x01\x00\x02\x01\x03\xf4\x04\x44\x01\x02\x03\x04\x05\x61z\x06\x44wxyz", 24,
         AVER_E_LIMIT},
        {"\xa7\x00\x01\x01\x00\x02\x01\x03\xf4\x04\x44\x01\x02\x03\x04\x05\x61z\x20\x00", 20,
         AVER_E_FORMAT},
        {"\xa7\x00\x01\x00\x01\x01\x00\x02\x01\x03\xf4\x04\x44\x01\x02\x03\x04\x05\x61z", 20,
         AVER_E_FORMAT},
        {"\xa6\x00\x01\x01\x00\x02\x01\x03\xf4\x04\x44\x01\x02\x03\x04\x05\x61z\x00", 19,
         AVER_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        record back;
        aver_err err = get(aver_view_make(cases[i].bytes, cases[i].size), &back);
        if (err != cases[i].err) {
            fail_msg("case %zu: %s instead of %s", i, aver_err_text(err),
                     aver_err_text(cases[i].err));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_comes_back_as_it_was),
        cmocka_unit_test(a_record_out_of_bounds_is_not_written),
        cmocka_unit_test(bytes_that_the_table_does_not_allow_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
