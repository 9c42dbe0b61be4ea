/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/shares.h"

#include <string.h>

#define CALLERS_MAX 12u

static const uint8_t *id_of(uint32_t number)
{
    static uint8_t id[AVER_JOB_CALLER_BYTES];

    memset(id, 7, sizeof(id));
    memcpy(id + 8, &number, sizeof(number));
    return id;
}

/* Takes a place if there is one. */
static aver_shares_word come(aver_shares *shares, uint32_t number)
{
    aver_shares_word word = aver_shares_ask(shares, id_of(number));

    if (word == AVER_SHARES_PLACE) {
        aver_shares_take(shares, id_of(number));
    }
    return word;
}

static uint32_t flood(aver_shares *shares, uint32_t number)
{
    uint32_t count = 0;

    while (come(shares, number) == AVER_SHARES_PLACE) {
        count++;
    }
    return count;
}

static aver_shares shares_of(uint32_t room_max)
{
    aver_shares shares;

    assert_int_equal(aver_shares_init(&shares, room_max), AVER_OK);
    return shares;
}

static void who_is_alone_has_the_room_and_others_still_find_a_place(void **state)
{
    static const uint32_t rooms[] = {1, 2, 7, 68, 1000};

    (void)state;
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        aver_shares shares = shares_of(rooms[i]);

        assert_int_equal(flood(&shares, 1), rooms[i]);
        assert_int_equal(come(&shares, 1), AVER_SHARES_FULL);
        for (uint32_t other = 0; other < rooms[i] / 8 + 1; other++) {
            assert_int_equal(come(&shares, 2 + other), AVER_SHARES_PLACE);
        }
        assert_int_equal(come(&shares, 5000), AVER_SHARES_FULL);
        aver_shares_deinit(&shares);
    }
}

static void who_has_more_than_its_share_comes_back_to_it(void **state)
{
    aver_shares shares = shares_of(68);

    (void)state;
    assert_int_equal(flood(&shares, 1), 68);
    assert_int_equal(come(&shares, 2), AVER_SHARES_PLACE);
    assert_int_equal(come(&shares, 2), AVER_SHARES_FULL);
    for (uint32_t i = 0; i < 34; i++) {
        aver_shares_leave(&shares, id_of(1));
        assert_int_equal(come(&shares, 1), AVER_SHARES_OWN);
        if (i > 0) {
            assert_int_equal(come(&shares, 2), AVER_SHARES_PLACE);
        }
    }
    assert_int_equal(come(&shares, 2), AVER_SHARES_OWN);
    assert_int_equal(shares.count, 68);
    /* Gone is gone: the other one may have all again. */
    for (uint32_t i = 0; i < 34; i++) {
        aver_shares_leave(&shares, id_of(2));
    }
    assert_int_equal(shares.callers_count, 1);
    assert_int_equal(flood(&shares, 1), 34);
    aver_shares_deinit(&shares);
}

/* While most of the room is free nobody is told to wait for nothing. */
static void shares_only_count_where_room_is_scarce(void **state)
{
    aver_shares shares = shares_of(64);

    (void)state;
    for (uint32_t other = 2; other < 10; other++) {
        assert_int_equal(come(&shares, other), AVER_SHARES_PLACE);
    }
    assert_int_equal(flood(&shares, 1), 32 - 8);
    assert_int_equal(come(&shares, 1), AVER_SHARES_OWN);
    assert_int_equal(come(&shares, 2), AVER_SHARES_PLACE);
    aver_shares_deinit(&shares);
}

/* Against counts of the test's own, in any order of coming and going. */
static void random_use_counts_right_and_keeps_to_the_rules(void **state)
{
    uint32_t random = 5;

    (void)state;
    for (uint32_t room = 1; room < 60; room += 7) {
        aver_shares shares = shares_of(room);
        uint32_t counts[CALLERS_MAX] = {0};
        uint32_t sum = 0;

        for (int i = 0; i < 20000; i++) {
            random = random * 1664525u + 1013904223u;
            uint32_t number = (random >> 16) % CALLERS_MAX;
            if (random >> 31 == 0 && counts[number] > 0) {
                aver_shares_leave(&shares, id_of(number));
                counts[number]--;
                sum--;
            } else if (come(&shares, number) == AVER_SHARES_PLACE) {
                assert_true(sum < room || (counts[number] == 0 && sum <= room + room / 8));
                counts[number]++;
                sum++;
            } else {
                assert_true(counts[number] > 0 || sum == room + room / 8 + 1);
            }
            assert_int_equal(shares.count, sum);
        }
        aver_shares_deinit(&shares);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_alone_has_the_room_and_others_still_find_a_place),
        cmocka_unit_test(who_has_more_than_its_share_comes_back_to_it),
        cmocka_unit_test(shares_only_count_where_room_is_scarce),
        cmocka_unit_test(random_use_counts_right_and_keeps_to_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
