/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "base/secret.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static void secret_sizes_are_bounded(void **state)
{
    (void)state;
    aver_secret *secret = NULL;
    assert_err(aver_secret_new(0, &secret), AVER_E_LIMIT);
    assert_err(aver_secret_new(AVER_SECRET_BYTES_MAX + 1, &secret), AVER_E_LIMIT);
    assert_null(secret);
    assert_ok(aver_secret_new(AVER_SECRET_BYTES_MAX, &secret));
    assert_int_equal(aver_secret_size(secret), AVER_SECRET_BYTES_MAX);
    aver_secret_free(secret);
    aver_secret_free(NULL);
}

static void secret_starts_zeroed_after_another_used_the_place(void **state)
{
    (void)state;
    aver_secret *secret;
    assert_ok(aver_secret_new(32, &secret));
    uint8_t *place = aver_secret_data(secret);
    memset(place, 0xaa, 32);
    aver_secret_free(secret);
    /* The page outlives its secrets, so the freed place can still be looked at. */
    for (size_t i = 0; i < 32; i++) {
        assert_int_equal(place[i], 0);
    }
    assert_ok(aver_secret_new(64, &secret));
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(aver_secret_bytes(secret)[i], 0);
    }
    aver_secret_free(secret);
}

static void secrets_do_not_overlap(void **state)
{
    (void)state;
    enum { COUNT = 200 }; /* more than three pages hold */
    aver_secret *secrets[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        assert_ok(aver_secret_new(64, &secrets[i]));
        memset(aver_secret_data(secrets[i]), (int)i, 64);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < 64; j++) {
            assert_int_equal(aver_secret_bytes(secrets[i])[j], i);
        }
        aver_secret_free(secrets[i]);
    }
}

static void secret_random_differs_and_copy_copies(void **state)
{
    (void)state;
    aver_secret *a;
    aver_secret *b;
    assert_ok(aver_secret_random(32, &a));
    assert_ok(aver_secret_random(32, &b));
    assert_memory_not_equal(aver_secret_bytes(a), aver_secret_bytes(b), 32);
    aver_secret_free(b);
    assert_ok(aver_secret_copy(aver_view_make(aver_secret_bytes(a), 32), &b));
    assert_memory_equal(aver_secret_bytes(a), aver_secret_bytes(b), 32);
    aver_secret_free(a);
    aver_secret_free(b);
}

/* Takes and gives back secrets, each filled with the thread's own number; NULL if one was changed.
 */
static void *secret_thread(void *own)
{
    uint8_t mark = *(const uint8_t *)own;
    for (int round = 0; round < 2000; round++) {
        aver_secret *secrets[5];
        for (size_t i = 0; i < 5; i++) {
            if (aver_secret_new(64, &secrets[i]) != AVER_OK) {
                return NULL;
            }
            memset(aver_secret_data(secrets[i]), mark, 64);
        }
        for (size_t i = 0; i < 5; i++) {
            for (size_t j = 0; j < 64; j++) {
                if (aver_secret_bytes(secrets[i])[j] != mark) {
                    return NULL;
                }
            }
            aver_secret_free(secrets[i]);
        }
    }
    return own;
}

static void secrets_of_threads_do_not_mix(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    uint8_t marks[THREADS];
    for (uint8_t i = 0; i < THREADS; i++) {
        marks[i] = (uint8_t)(i + 1);
        assert_int_equal(pthread_create(&threads[i], NULL, secret_thread, &marks[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &marks[i]);
    }
}

static void secret_is_not_inherited_by_a_child(void **state)
{
    (void)state;
    aver_secret *secret;
    assert_ok(aver_secret_copy(AVER_VIEW_LITERAL("0123456789abcdef"), &secret));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        static const uint8_t zeros[16];
        _exit(memcmp(aver_secret_bytes(secret), zeros, sizeof zeros) == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_memory_equal(aver_secret_bytes(secret), "0123456789abcdef", 16);
    aver_secret_free(secret);
}

static void equal_secret_sees_every_bit_and_the_size(void **state)
{
    (void)state;
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};
    assert_true(aver_equal_secret(AVER_VIEW_OF(a), AVER_VIEW_OF(b)));
    for (size_t bit = 0; bit < 256; bit++) {
        b[bit / 8] = (uint8_t)(1U << (bit % 8));
        assert_false(aver_equal_secret(AVER_VIEW_OF(a), AVER_VIEW_OF(b)));
        b[bit / 8] = 0;
    }
    assert_false(aver_equal_secret(aver_view_make(a, 31), AVER_VIEW_OF(b)));
    assert_true(aver_equal_secret(aver_view_make(NULL, 0), aver_view_make(a, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secret_sizes_are_bounded),
        cmocka_unit_test(secret_starts_zeroed_after_another_used_the_place),
        cmocka_unit_test(secrets_do_not_overlap),
        cmocka_unit_test(secret_random_differs_and_copy_copies),
        cmocka_unit_test(secrets_of_threads_do_not_mix),
        cmocka_unit_test(secret_is_not_inherited_by_a_child),
        cmocka_unit_test(equal_secret_sees_every_bit_and_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
