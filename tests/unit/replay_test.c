/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/replay.h"

#include <string.h>

static void replay_enc(uint32_t number, uint8_t ret_enc[32])
{
    memset(ret_enc, 0, 32);
    aver_be32_write(ret_enc, number);
}

static void test_remembers_all_and_only_what_it_saw(void **state)
{
    aver_replay *replay;
    uint8_t enc[32];

    (void)state;
    assert_int_equal(aver_replay_new(AVER_REPLAY_ENTRIES_MAX, &replay), AVER_OK);
    for (uint32_t i = 0; i < 100000; i++) {
        replay_enc(i, enc);
        assert_false(aver_replay_seen(replay, enc));
        assert_int_equal(aver_replay_add(replay, enc), AVER_OK);
    }
    for (uint32_t i = 0; i < 200000; i++) {
        replay_enc(i, enc);
        assert_int_equal(aver_replay_seen(replay, enc), i < 100000);
    }
    replay_enc(77, enc);
    assert_int_equal(aver_replay_add(replay, enc), AVER_E_USAGE);
    assert_int_equal(aver_replay_count(replay), 100000);
    aver_replay_free(replay);
}

static void test_says_when_it_is_full(void **state)
{
    aver_replay *replay;
    uint8_t enc[32];

    (void)state;
    assert_int_equal(aver_replay_new(3, &replay), AVER_OK);
    for (uint32_t i = 0; i < 4; i++) {
        replay_enc(i, enc);
        assert_int_equal(aver_replay_add(replay, enc), i < 3 ? AVER_OK : AVER_E_LIMIT);
    }
    assert_false(aver_replay_seen(replay, enc));
    aver_replay_free(replay);
}

/* For the next seal key: all is forgotten, and there is room for as many again. */
static void test_begins_anew_when_cleared(void **state)
{
    aver_replay *replay;
    uint8_t enc[32];

    (void)state;
    assert_int_equal(aver_replay_new(1000, &replay), AVER_OK);
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(aver_replay_count(replay), 0);
        for (uint32_t i = 0; i < 1001; i++) {
            replay_enc(i, enc);
            assert_false(aver_replay_seen(replay, enc));
            assert_int_equal(aver_replay_add(replay, enc), i < 1000 ? AVER_OK : AVER_E_LIMIT);
        }
        replay_enc(500, enc);
        assert_true(aver_replay_seen(replay, enc));
        aver_replay_clear(replay);
        assert_false(aver_replay_seen(replay, enc));
    }
    aver_replay_free(replay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remembers_all_and_only_what_it_saw),
        cmocka_unit_test(test_says_when_it_is_full),
        cmocka_unit_test(test_begins_anew_when_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
