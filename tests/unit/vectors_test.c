/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/vectors.h"

#include <string.h>

static void numbers_and_base64_give_the_same_floats(void **state)
{
    static const char numbers[] =
        "{\"data\":[{\"index\":0,\"embedding\":[1,-0.5,0.333333343]},"
        "{\"index\":1,\"embedding\":[0,1.17549435e-38,-3.40282347e+38]}]}";
    static const char base64[] = "{\"data\":[{\"index\":0,\"embedding\":\"AACAPwAAAL+rqqo+\"},"
                                 "{\"index\":1,\"embedding\":\"AAAAAAAAgAD//3//\"}]}";
    aver_vectors a, b;

    (void)state;
    assert_int_equal(aver_vectors_read(aver_view_text(numbers), &a), AVER_OK);
    assert_int_equal(aver_vectors_read(aver_view_text(base64), &b), AVER_OK);
    assert_int_equal(a.count, 2);
    assert_int_equal(a.size, 3);
    assert_int_equal(b.count, 2);
    assert_int_equal(b.size, 3);
    assert_memory_equal(a.floats, b.floats, 6 * sizeof(float));
    aver_vectors_deinit(&a);
    aver_vectors_deinit(&b);
}

static void what_is_no_list_of_vectors_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "{\"data\":[]}",
        "{\"data\":[{\"index\":0}]}",
        "{\"data\":[{\"embedding\":[1]}]}",
        "{\"data\":[{\"index\":1,\"embedding\":[1]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[\"1\"]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":\"\"}]}",
        "{\"data\":[{\"index\":0,\"embedding\":\"AACA\"}]}",
        "{\"data\":[{\"index\":0,\"embedding\":\"not base64!\"}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1,2]},{\"index\":1,\"embedding\":[1]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":0,\"embedding\":[1]}]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        aver_vectors vectors;

        if (aver_vectors_read(aver_view_text(bad[i]), &vectors) == AVER_OK) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_base64_give_the_same_floats),
        cmocka_unit_test(what_is_no_list_of_vectors_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
