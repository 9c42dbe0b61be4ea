/* SPDX-License-Identifier: Apache-2.0 */
#include "node/keeper.h"

#include "base/log.h"
#include "base/sys.h"
#include "node/keeper_start.h"
#include "node/notify.h"

#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define KEEPER_DRAIN_MAX_NS (30ull * 1000 * 1000 * 1000)
/* After the running answers were cancelled: time for their receipts to leave. */
#define KEEPER_DRAIN_LAST_NS (2ull * 1000 * 1000 * 1000)
/* Between two attempts to replace the seal key. */
#define KEEPER_ROTATE_RETRY_NS (5ull * 1000 * 1000 * 1000)
#define KEEPER_EXIT_FAILURE    1
#define KEEPER_EXIT_USAGE      2

static void keeper_end(aver_keeper *keeper)
{
    (void)event_base_loopbreak(keeper->base);
}

/* Nothing runs any more: what is still on its way out may leave, then the loop ends. */
static void keeper_drain_last(aver_keeper *keeper, uint64_t now_ns)
{
    if (keeper->closing_ns == 0) {
        keeper->closing_ns = now_ns;
        aver_server_drain(keeper->server);
    }
    if (aver_server_connections(keeper->server) == 0 ||
        now_ns - keeper->closing_ns > KEEPER_DRAIN_LAST_NS) {
        keeper_end(keeper);
    }
}

/* Ends the loop once nothing runs any more, or the time for that is over. */
static void keeper_drain_step(aver_keeper *keeper)
{
    uint64_t now_ns = aver_time_monotonic_ns();
    uint64_t waited_ns = now_ns - keeper->drain_started_ns;

    if (aver_server_exchanges(keeper->server) == 0) {
        keeper_drain_last(keeper, now_ns);
    } else if (waited_ns > KEEPER_DRAIN_MAX_NS + KEEPER_DRAIN_LAST_NS) {
        aver_log(AVER_LOG_WARN, "node.drain", "ended with %u exchanges cut",
                 aver_server_exchanges(keeper->server));
        keeper_end(keeper);
    } else if (waited_ns > KEEPER_DRAIN_MAX_NS) {
        aver_calls_cancel_all(keeper);
    }
}

static void keeper_drain(aver_keeper *keeper)
{
    aver_log(AVER_LOG_INFO, "node.drain", "%u requests are still running", keeper->calls.count);
    keeper->phase = AVER_KEEPER_DRAINING;
    keeper->drain_started_ns = aver_time_monotonic_ns();
    /* Nothing hangs on it: without a manager there is nobody to tell. */
    if (aver_notify_send("STOPPING=1\nSTATUS=finishing what runs\n") == AVER_E_IO) {
        aver_log(AVER_LOG_WARN, "node.notify", "the service manager cannot be told");
    }
    keeper_drain_step(keeper);
}

void aver_keeper_on_signal(int number, short what, void *context)
{
    aver_keeper *keeper = context;

    (void)what;
    if (keeper->phase == AVER_KEEPER_SERVING) {
        keeper_drain(keeper);
        return;
    }
    aver_log(AVER_LOG_INFO, "node.signal", "signal %d: ended at once", number);
    keeper_end(keeper);
}

void aver_keeper_on_hangup(int number, short what, void *context)
{
    aver_keeper *keeper = context;

    (void)number;
    (void)what;
    if (keeper->phase == AVER_KEEPER_SERVING) {
        (void)aver_domain_watch(&keeper->domain, keeper->tls, keeper->keyring->tls_key, true);
    }
}

void aver_keeper_on_tick(int fd, short what, void *context)
{
    aver_keeper *keeper = context;

    (void)fd;
    (void)what;
    aver_calls_tick(keeper);
    aver_models_tick(&keeper->models);
    aver_vault_expire(keeper->vault, aver_time_monotonic_ns() / 1000000);
    aver_keeper_rotate(keeper);
    (void)aver_domain_watch(&keeper->domain, keeper->tls, keeper->keyring->tls_key, false);
    if (keeper->phase == AVER_KEEPER_DRAINING) {
        keeper_drain_step(keeper);
    }
}

/* The certificate carries the newest evidence, so that its age stays below what policies ask. */
static void keeper_renewed(aver_err err, aver_view bundle, void *context)
{
    aver_keeper *keeper = context;
    aver_buf cmw;

    (void)bundle;
    if (err != AVER_OK ||
        aver_domain_watch(&keeper->domain, keeper->tls, keeper->keyring->tls_key, false)) {
        return;
    }
    aver_buf_init(&cmw, AVER_BUNDLE_BYTES_MAX + 128);
    err = aver_cmw_wrap_cbor(aver_evidence_bundle(keeper->evidence), &cmw);
    if (err == AVER_OK) {
        err = aver_tls_server_renew(keeper->tls, keeper->keyring->tls_key, AVER_KEEPER_COMMON_NAME,
                                    aver_buf_view(&cmw));
    }
    if (err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "tls.renew", "the certificate stays as it is: %s",
                 aver_err_text(err));
    }
    aver_buf_deinit(&cmw);
}

void aver_keeper_on_renewal(int fd, short what, void *context)
{
    aver_keeper *keeper = context;
    uint8_t nonce[AVER_NONCE_BYTES];

    (void)fd;
    (void)what;
    aver_random(nonce, sizeof(nonce));
    aver_err err = aver_evidence_ask(keeper->evidence, nonce, keeper_renewed, keeper);
    if (err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "evidence.ask", "no new evidence: %s", aver_err_text(err));
    }
}

static void keeper_rotate_failed(aver_keeper *keeper, aver_err err)
{
    aver_log(AVER_LOG_ERROR, "seal.rotate", "the seal key stays for now: %s", aver_err_text(err));
    aver_keyring_free(keeper->keyring_next);
    keeper->keyring_next = NULL;
    keeper->rotate_after_ns = aver_time_monotonic_ns() + KEEPER_ROTATE_RETRY_NS;
}

/* The next keyring has its evidence. Calls in work keep the digests that they began with. */
static void keeper_rotated(aver_err err, aver_view bundle, void *context)
{
    aver_keeper *keeper = context;

    if (err != AVER_OK) {
        keeper_rotate_failed(keeper, err);
        return;
    }
    aver_log(AVER_LOG_INFO, "seal.rotate", "a new seal key, after %" PRIu64 " sealed requests",
             aver_replay_count(keeper->replay));
    aver_keyring_succeed(keeper->keyring_next, keeper->keyring);
    keeper->keyring = keeper->keyring_next;
    keeper->keyring_next = NULL;
    aver_replay_clear(keeper->replay);
    keeper->metrics.seal_keys++;
    keeper_renewed(AVER_OK, bundle, keeper);
}

void aver_keeper_rotate(aver_keeper *keeper)
{
    if (keeper->keyring_next != NULL || keeper->phase != AVER_KEEPER_SERVING ||
        aver_replay_count(keeper->replay) < keeper->options->seal_uses ||
        aver_time_monotonic_ns() < keeper->rotate_after_ns) {
        return;
    }
    aver_err err = aver_keyring_renew(keeper->keyring, &keeper->keyring_next);
    if (err == AVER_OK) {
        err = aver_evidence_rotate(keeper->evidence, keeper->keyring_next, keeper_rotated, keeper);
    }
    if (err != AVER_OK) {
        keeper_rotate_failed(keeper, err);
    }
}

aver_err aver_keeper_on_events(aver_view events, void *context)
{
    return aver_calls_events(context, events);
}

aver_err aver_keeper_on_busy(uint64_t job_id, void *context)
{
    return aver_calls_busy(context, job_id);
}

void aver_keeper_on_dead(aver_keeper *keeper)
{
    /* The start sees it by itself. */
    if (keeper->phase == AVER_KEEPER_LOADING || aver_models_alive(&keeper->models)) {
        return;
    }
    if (keeper->exit_status == 0) {
        keeper->exit_status = KEEPER_EXIT_FAILURE;
    }
    if (keeper->phase == AVER_KEEPER_SERVING) {
        keeper_drain(keeper);
    } else {
        keeper_end(keeper);
    }
}

int aver_keeper_run(const aver_node_build *build, const aver_node_options *options)
{
    aver_keeper keeper = {.build = build, .options = options, .phase = AVER_KEEPER_LOADING};

    aver_err err = aver_keeper_start(&keeper);
    if (err == AVER_OK) {
        (void)event_base_dispatch(keeper.base);
        aver_log(AVER_LOG_INFO, "node.end", "ended");
    } else if (keeper.exit_status == 0) {
        keeper.exit_status = err == AVER_E_USAGE ? KEEPER_EXIT_USAGE : KEEPER_EXIT_FAILURE;
    }
    aver_keeper_stop(&keeper);
    return keeper.exit_status;
}
