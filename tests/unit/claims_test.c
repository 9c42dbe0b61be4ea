/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/claims.h"

#include <string.h>

static aver_claims claims;

static int set_up(void **state)
{
    (void)state;
    aver_claims_init(&claims);
    return 0;
}

static void assert_json(const char *expected)
{
    aver_buf out;
    aver_buf_init(&out, 1024 * 1024);
    aver_claims_json(&claims, &out);
    assert_int_equal(aver_buf_status(&out), AVER_OK);
    aver_buf_append_byte(&out, 0);
    assert_string_equal((const char *)out.data, expected);
    aver_buf_deinit(&out);
}

static void nothing_is_an_empty_object(void **state)
{
    (void)state;
    assert_json("{}");
}

static void every_kind_has_its_form(void **state)
{
    (void)state;
    aver_claims_put_bytes(&claims, "bytes", AVER_VIEW_LITERAL("\x01\xff"));
    aver_claims_put_text(&claims, "text", AVER_VIEW_LITERAL("a\"\n"));
    aver_claims_put_uint(&claims, "number", UINT64_MAX);
    aver_claims_put_bool(&claims, "yes", true);
    aver_claims_put_bool(&claims, "no", false);
    aver_claims_put_null(&claims, "null");
    aver_claims_put_empty(&claims, "empty");
    aver_claims_put_json(&claims, "shape", AVER_VIEW_LITERAL("[[11,[0,1]]]"));
    assert_json("{\"bytes\":\"01ff\",\"text\":\"a\\\"\\n\",\"number\":18446744073709551615,"
                "\"yes\":true,\"no\":false,\"null\":null,\"empty\":[],\"shape\":[[11,[0,1]]]}");
}

static void maps_and_lists_gather_their_entries(void **state)
{
    (void)state;
    aver_claims_put_at(&claims, "pcrs", 0, AVER_VIEW_LITERAL("\x10"));
    aver_claims_put_at(&claims, "pcrs", 17, AVER_VIEW_LITERAL("\x11"));
    aver_claims_put_member(&claims, "names", AVER_VIEW_LITERAL("x"));
    aver_claims_put_member(&claims, "names", AVER_VIEW_LITERAL("y"));
    aver_claims_put_member_bytes(&claims, "hashes", AVER_VIEW_LITERAL("\x12"));
    aver_claims_put_member_uint(&claims, "numbers", 4);
    assert_json("{\"pcrs\":{\"0\":\"10\",\"17\":\"11\"},\"names\":[\"x\",\"y\"],"
                "\"hashes\":[\"12\"],\"numbers\":[4]}");
}

static void groups_and_points_are_maps(void **state)
{
    (void)state;
    aver_claims_put_uint(&claims, "a", 1);
    aver_claims_put_uint(&claims, "parts.bl", 2);
    aver_claims_put_uint(&claims, "parts.tee", 3);
    claims.group = "snp";
    aver_claims_put_uint(&claims, "version", 4);
    aver_claims_put_uint(&claims, "parts.bl", 5);
    aver_claims_put_uint(&claims, "parts.deep.er", 6);
    aver_claims_put_uint(&claims, "vmpl", 7);
    claims.group = NULL;
    aver_claims_put_at(&claims, "tpm.pcrs", 1, AVER_VIEW_LITERAL("\x08"));
    aver_claims_put_uint(&claims, "last", 9);
    assert_json("{\"a\":1,\"parts\":{\"bl\":2,\"tee\":3},"
                "\"snp\":{\"version\":4,\"parts\":{\"bl\":5,\"deep\":{\"er\":6}},\"vmpl\":7},"
                "\"tpm\":{\"pcrs\":{\"1\":\"08\"}},\"last\":9}");
}

static void points_beyond_the_depth_are_text(void **state)
{
    (void)state;
    aver_claims_put_uint(&claims, "a.b.c.d.e.f.g.h", 1);
    assert_json("{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f.g.h\":1}}}}}}");
}

static void what_does_not_fit_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < AVER_CLAIMS_LIST_MAX; i++) {
        aver_claims_put_member_uint(&claims, "numbers", i);
    }
    assert_false(claims.full);
    aver_claims_put_uint(&claims, "more", 1);
    assert_true(claims.full);
    assert_null(aver_claims_find(&claims, NULL, "more"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_an_empty_object, set_up),
        cmocka_unit_test_setup(every_kind_has_its_form, set_up),
        cmocka_unit_test_setup(maps_and_lists_gather_their_entries, set_up),
        cmocka_unit_test_setup(groups_and_points_are_maps, set_up),
        cmocka_unit_test_setup(points_beyond_the_depth_are_text, set_up),
        cmocka_unit_test_setup(what_does_not_fit_is_told, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
