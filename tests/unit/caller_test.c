/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "node/caller.h"

#include <string.h>

static const uint8_t key[AVER_CALLER_KEY_BYTES] = {1, 2, 3};
static const uint8_t near_peer[] = {4, 127, 0, 0, 1};
static const uint8_t far_peer[] = {4, 127, 0, 0, 2};

typedef struct caller_id {
    uint8_t bytes[AVER_JOB_CALLER_BYTES];
} caller_id;

static caller_id id_of(bool checked, const char *authorization, aver_view peer)
{
    caller_id id;

    aver_caller_id(key, checked, authorization, peer, id.bytes);
    return id;
}

static void a_token_that_was_checked_is_the_caller(void **state)
{
    aver_view near = AVER_VIEW_OF(near_peer);
    aver_view far = AVER_VIEW_OF(far_peer);
    caller_id one = id_of(true, "Bearer one", near);
    caller_id same = id_of(true, "bearer one", far);
    caller_id two = id_of(true, "Bearer two", near);

    (void)state;
    assert_memory_equal(one.bytes, same.bytes, sizeof(one.bytes));
    assert_memory_not_equal(one.bytes, two.bytes, sizeof(one.bytes));
}

static void tokens_that_nobody_checks_make_no_callers(void **state)
{
    aver_view near = AVER_VIEW_OF(near_peer);
    caller_id one = id_of(false, "Bearer one", near);
    caller_id two = id_of(false, "Bearer two", near);
    caller_id none = id_of(false, NULL, near);
    caller_id other = id_of(false, "Bearer one", AVER_VIEW_OF(far_peer));
    caller_id local = id_of(false, "Bearer one", (aver_view){NULL, 0});

    (void)state;
    assert_memory_equal(one.bytes, two.bytes, sizeof(one.bytes));
    assert_memory_equal(one.bytes, none.bytes, sizeof(one.bytes));
    assert_memory_not_equal(one.bytes, other.bytes, sizeof(one.bytes));
    assert_memory_not_equal(one.bytes, local.bytes, sizeof(one.bytes));
}

/* Another node, or this one after a start, calls the same caller something else. */
static void ids_cannot_be_linked_without_the_key(void **state)
{
    const uint8_t other_key[AVER_CALLER_KEY_BYTES] = {1, 2, 4};
    uint8_t digest[AVER_SHA256_BYTES];
    uint8_t other[AVER_JOB_CALLER_BYTES];
    caller_id id = id_of(true, "Bearer token", (aver_view){NULL, 0});

    (void)state;
    aver_caller_id(other_key, true, "Bearer token", (aver_view){NULL, 0}, other);
    assert_memory_not_equal(id.bytes, other, sizeof(other));
    aver_sha256_of(AVER_VIEW_LITERAL("token"), digest);
    assert_memory_not_equal(id.bytes, digest, sizeof(id.bytes));
    aver_hmac_sha256(AVER_VIEW_OF(key), AVER_VIEW_LITERAL("token"), digest);
    assert_memory_equal(id.bytes, digest, sizeof(id.bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_that_was_checked_is_the_caller),
        cmocka_unit_test(tokens_that_nobody_checks_make_no_callers),
        cmocka_unit_test(ids_cannot_be_linked_without_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
