/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "cli/proxy_relay.h"
#include "support/bytes.h"

#include <event2/event.h>
#include <string.h>

#define MIDDLE "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":null}]}\n\n"
#define FINISH "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define USAGE  "data: {\"choices\":[],\"usage\":{}}\n\n"
#define DELTA  "event: response.output_text.delta\ndata: {\"delta\":\"x\"}\n\n"
#define LAST   "event: response.completed\ndata: {}\n\n"
#define FAILED "data: {\"error\":{\"message\":\"x\"}}\n\n"
/* A model may write this: its quotes are escaped. */
#define SPOKEN "data: {\"c\":\"\\\"finish_reason\\\":\\\"stop\\\"\",\"finish_reason\":null}\n\n"

/* A job that nobody answers: what is written stays in out. */
typedef struct relay_bench {
    struct event_base *base;
    aver_proxy_lane lane;
    aver_proxy_job job;
    aver_proxy_relay relay;
} relay_bench;

static relay_bench bench;

static void bench_open(uint32_t choices, bool hold)
{
    memset(&bench, 0, sizeof(bench));
    bench.base = event_base_new();
    assert_non_null(bench.base);
    assert_ok(aver_proxy_lane_open(&bench.lane, bench.base));
    bench.job.lane = &bench.lane;
    atomic_init(&bench.job.references, 1000);
    (void)pthread_mutex_init(&bench.job.mutex, NULL);
    (void)pthread_cond_init(&bench.job.room, NULL);
    aver_buf_init(&bench.job.headers, 1024);
    aver_buf_init(&bench.job.out, 1 << 20);
    aver_proxy_relay_init(&bench.relay, &bench.job, choices, hold, 1 << 20);
    aver_proxy_relay_begin(&bench.relay);
}

static void bench_close(void)
{
    aver_proxy_relay_deinit(&bench.relay);
    aver_buf_deinit(&bench.job.out);
    aver_buf_deinit(&bench.job.headers);
    aver_proxy_lane_close(&bench.lane);
    event_base_free(bench.base);
}

static void feed(const char *raw)
{
    const char *value = strstr(raw, "data: ") + 6;
    const aver_stream_item item = {.kind = AVER_STREAM_EVENT,
                                   .raw = aver_view_text(raw),
                                   .value = aver_view_make(value, strlen(value) - 2)};
    assert_ok(aver_proxy_relay_event(&bench.relay, &item));
}

/* Everything that went out so far. */
static void assert_out(const char *wanted)
{
    assert_int_equal(bench.job.out.size, strlen(wanted));
    assert_memory_equal(bench.job.out.data, wanted, strlen(wanted));
}

static void only_the_end_of_a_stream_waits(void **state)
{
    (void)state;
    bench_open(1, false);
    feed(MIDDLE);
    assert_out(MIDDLE);
    feed(SPOKEN);
    assert_out(MIDDLE SPOKEN);
    feed(FINISH);
    assert_out(MIDDLE SPOKEN);
    feed(USAGE);
    assert_out(MIDDLE SPOKEN);
    aver_proxy_relay_end(&bench.relay, true, false, AVER_VIEW_LITERAL("outcome"));
    assert_out(MIDDLE SPOKEN FINISH USAGE "outcome");
    assert_true(bench.job.ended);
    assert_false(bench.job.cut);
    bench_close();
}

static void of_several_choices_the_last_end_waits(void **state)
{
    (void)state;
    bench_open(2, false);
    feed(MIDDLE);
    feed(FINISH);
    feed(MIDDLE);
    assert_out(MIDDLE FINISH MIDDLE);
    feed(FINISH);
    feed(MIDDLE);
    assert_out(MIDDLE FINISH MIDDLE);
    bench_close();
}

static void what_was_kept_of_a_refused_stream_is_thrown_away(void **state)
{
    (void)state;
    bench_open(1, false);
    feed(MIDDLE);
    feed(FINISH);
    aver_proxy_relay_end(&bench.relay, false, true, AVER_VIEW_LITERAL("error"));
    assert_out(MIDDLE "error");
    assert_true(bench.job.ended && bench.job.cut);
    bench_close();
}

static void named_events_wait_by_their_name(void **state)
{
    (void)state;
    bench_open(1, false);
    feed(DELTA);
    assert_out(DELTA);
    feed(LAST);
    assert_out(DELTA);
    assert_true(bench.relay.named);
    assert_false(bench.relay.failed);
    bench_close();
}

static void an_error_waits(void **state)
{
    (void)state;
    bench_open(1, false);
    feed(MIDDLE);
    feed(FAILED);
    assert_out(MIDDLE);
    assert_true(bench.relay.failed);
    bench_close();
}

static void of_unknown_events_the_newest_waits(void **state)
{
    (void)state;
    bench_open(1, false);
    feed(USAGE);
    assert_out("");
    feed(USAGE);
    assert_out(USAGE);
    feed(MIDDLE);
    assert_out(USAGE USAGE MIDDLE);
    bench_close();
}

static void with_hold_everything_waits(void **state)
{
    (void)state;
    bench_open(1, true);
    feed(MIDDLE);
    feed(FINISH);
    assert_out("");
    aver_proxy_relay_end(&bench.relay, true, false, AVER_VIEW_LITERAL("outcome"));
    assert_out(MIDDLE FINISH "outcome");
    bench_close();
}

static void a_client_that_is_gone_ends_the_relay(void **state)
{
    (void)state;
    const aver_stream_item item = {.kind = AVER_STREAM_EVENT,
                                   .raw = AVER_VIEW_LITERAL(MIDDLE),
                                   .value = AVER_VIEW_LITERAL("\"finish_reason\":null")};
    bench_open(1, false);
    atomic_store(&bench.job.gone, true);
    assert_err(aver_proxy_relay_event(&bench.relay, &item), AVER_E_PEER);
    bench_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_end_of_a_stream_waits),
        cmocka_unit_test(of_several_choices_the_last_end_waits),
        cmocka_unit_test(what_was_kept_of_a_refused_stream_is_thrown_away),
        cmocka_unit_test(named_events_wait_by_their_name),
        cmocka_unit_test(an_error_waits),
        cmocka_unit_test(of_unknown_events_the_newest_waits),
        cmocka_unit_test(with_hold_everything_waits),
        cmocka_unit_test(a_client_that_is_gone_ends_the_relay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
