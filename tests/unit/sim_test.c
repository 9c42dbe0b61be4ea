/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/sim_verify.h"
#include "base/sys.h"
#include "codec/text.h"
#include "tee/sim.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct place {
    char folder[64];
    char key[96];
    char public_key[100];
    char options[256];
} place;

static void place_make(place *place_, const char *more)
{
    memcpy(place_->folder, "/tmp/aver-sim-XXXXXX", sizeof "/tmp/aver-sim-XXXXXX");
    assert_non_null(mkdtemp(place_->folder));
    (void)snprintf(place_->key, sizeof place_->key, "%s/root", place_->folder);
    (void)snprintf(place_->public_key, sizeof place_->public_key, "%s.pub", place_->key);
    (void)snprintf(place_->options, sizeof place_->options, "key=%s%s", place_->key, more);
}

static void place_remove(const place *place_)
{
    (void)unlink(place_->key);
    (void)unlink(place_->public_key);
    assert_int_equal(rmdir(place_->folder), 0); /* nothing else was left there */
}

static void root_read(const place *place_, aver_roots *ret_roots)
{
    aver_buf text;
    aver_buf_init(&text, 128);
    assert_int_equal(aver_file_read(place_->public_key, 128, &text), AVER_OK);
    assert_int_equal(text.size, 65);
    assert_int_equal(aver_hex_decode(aver_view_make(text.data, 64), ret_roots->sim_root, 32),
                     AVER_OK);
    ret_roots->has_sim_root = true;
    aver_buf_deinit(&text);
}

static void quote(const char *options, const uint8_t report_data[static 64], aver_buf *ret_evidence)
{
    aver_tee *tee = NULL;
    assert_int_equal(aver_tee_sim.open(options, &tee), AVER_OK);
    assert_int_equal(aver_tee_sim.quote(tee, report_data, ret_evidence), AVER_OK);
    aver_tee_sim.close(tee);
}

static aver_check_status judge(aver_view evidence, const aver_roots *roots, const char *name,
                               aver_claims *ret_claims)
{
    static aver_verdict verdict;
    static aver_bundle bundle;
    const aver_platform_input input = {.bundle = &bundle, .roots = roots};
    bool readable = false;
    aver_verdict_init(&verdict);
    bundle.evidence = evidence;
    assert_int_equal(aver_platform_sim.judge(&input, &verdict, ret_claims, &readable),
                     AVER_OK);
    assert_true(readable);
    const aver_check *check = aver_verdict_find(&verdict, name);
    assert_non_null(check);
    return check->status;
}

static void a_quote_verifies_under_the_published_root_alone(void **state)
{
    (void)state;
    place here;
    place_make(&here, ",tcb=7,debug=1");
    uint8_t report_data[64] = {5};
    aver_buf evidence;
    aver_roots roots = {0};
    aver_claims claims = {0};
    aver_buf_init(&evidence, AVER_EVIDENCE_BYTES_MAX);
    uint64_t before_ms = aver_time_wall_ms();
    quote(here.options, report_data, &evidence);
    root_read(&here, &roots);
    assert_int_equal(judge(aver_buf_view(&evidence), &roots, "platform.root", &claims),
                     AVER_CHECK_PASS);
    assert_int_equal(judge(aver_buf_view(&evidence), &roots, "evidence.signature", &claims),
                     AVER_CHECK_PASS);
    assert_memory_equal(claims.report_data, report_data, 64);
    assert_true(claims.simulated);
    assert_true(claims.debug);
    assert_int_equal(claims.tcb, 7);
    assert_true(claims.time_ms >= before_ms && claims.time_ms <= aver_time_wall_ms());
    assert_string_equal(claims.measurements[0].kind, "program");
    roots.sim_root[0] ^= 1;
    assert_int_equal(judge(aver_buf_view(&evidence), &roots, "platform.root", &claims),
                     AVER_CHECK_FAIL);
    aver_buf_deinit(&evidence);
    place_remove(&here);
}

static void the_root_stays_and_devices_change(void **state)
{
    (void)state;
    place here;
    place_make(&here, "");
    static const uint8_t report_data[64] = {0};
    aver_buf evidence[2];
    aver_roots roots[2] = {{0}, {0}};
    struct stat info;
    for (size_t i = 0; i < 2; i++) {
        aver_buf_init(&evidence[i], AVER_EVIDENCE_BYTES_MAX);
        quote(here.options, report_data, &evidence[i]);
        root_read(&here, &roots[i]);
    }
    assert_memory_equal(roots[0].sim_root, roots[1].sim_root, 32);
    assert_false(aver_view_equal(aver_buf_view(&evidence[0]), aver_buf_view(&evidence[1])));
    assert_int_equal(stat(here.key, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(info.st_size, 32);
    aver_buf_deinit(&evidence[0]);
    aver_buf_deinit(&evidence[1]);
    place_remove(&here);
}

static void the_measurement_is_of_the_program_named(void **state)
{
    (void)state;
    place here;
    place_make(&here, "");
    char options[512];
    static const uint8_t report_data[64] = {0};
    aver_claims claims[3] = {{.tcb = 0}, {.tcb = 0}, {.tcb = 0}};
    for (size_t i = 0; i < 3; i++) {
        aver_buf evidence;
        aver_roots roots = {0};
        aver_buf_init(&evidence, AVER_EVIDENCE_BYTES_MAX);
        (void)snprintf(options, sizeof options, "%s%s", here.options,
                       i == 2 ? ",program=/dev/null" : "");
        quote(options, report_data, &evidence);
        root_read(&here, &roots);
        assert_int_equal(judge(aver_buf_view(&evidence), &roots, "evidence.format", &claims[i]),
                         AVER_CHECK_PASS);
        aver_buf_deinit(&evidence);
    }
    assert_memory_equal(claims[0].measurements[0].bytes, claims[1].measurements[0].bytes, 32);
    assert_memory_not_equal(claims[0].measurements[0].bytes, claims[2].measurements[0].bytes, 32);
    assert_memory_equal(claims[0].machine_id, claims[1].machine_id, 32);
    place_remove(&here);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const char *const options[] = {NULL,
                                          "",
                                          "key",
                                          "key=",
                                          "tcb=1",
                                          "key=/x,y=1",
                                          "key=/x,tcb=-1",
                                          "key=/x,tcb=",
                                          "key=/x,debug=2",
                                          "key=/dev/null/x",
                                          "key=/dev/null"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        aver_tee *tee = NULL;
        assert_int_not_equal(aver_tee_sim.open(options[i], &tee), AVER_OK);
        assert_null(tee);
    }
}

static void the_real_platforms_do_not_hold_the_simulator(void **state)
{
    (void)state;
    for (const aver_tee_platform *const *platform = aver_tee_platforms(); *platform; platform++) {
        assert_false((*platform)->simulated);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quote_verifies_under_the_published_root_alone),
        cmocka_unit_test(the_root_stays_and_devices_change),
        cmocka_unit_test(the_measurement_is_of_the_program_named),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(the_real_platforms_do_not_hold_the_simulator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
