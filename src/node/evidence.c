/* SPDX-License-Identifier: Apache-2.0 */
#include "node/evidence.h"

#include "base/check.h"
#include "base/log.h"
#include "base/sys.h"
#include "node/nonce_tree.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

typedef struct evidence_asker {
    aver_evidence_fn *done; /* NULL: forgotten */
    void *context;
} evidence_asker;

typedef struct evidence_batch {
    size_t count, capacity;
    uint8_t (*nonces)[AVER_NONCE_BYTES];
    evidence_asker *askers;
} evidence_batch;

struct aver_evidence {
    aver_evidence_options options;
    struct event *finished_event;
    int finished_fd;
    evidence_batch waiting;
    evidence_batch running;    /* count 0: no quote in flight */
    aver_nonce_tree *tree;     /* of the running batch */
    const aver_keyring *bound; /* whose keyset the quote in flight binds */
    const aver_keyring *next;  /* NULL: the present one stays */
    evidence_asker rotated;    /* who waits for the next one to be the present one */
    aver_buf latest_bundle;
    uint8_t recent[AVER_EVIDENCE_RECENT][32];
    uint64_t quotes;     /* finished ones; the newest digest is at (quotes - 1) mod RECENT */
    size_t recent_count; /* digests that are still known */

    pthread_t worker;
    bool worker_started;
    pthread_mutex_t mutex; /* guards the members below */
    pthread_cond_t wanted;
    bool stop;
    bool want; /* report_data waits for the worker */
    uint8_t report_data[64];
    aver_buf quote; /* the worker's until finished_fd fires, then the loop's */
    aver_err quote_err;
};

static void evidence_batch_clear(evidence_batch *batch)
{
    free(batch->nonces);
    free(batch->askers);
    *batch = (evidence_batch){.count = 0};
}

static aver_err evidence_batch_grow(evidence_batch *batch)
{
    size_t capacity = batch->capacity == 0 ? 16 : batch->capacity * 2;

    if (batch->count < batch->capacity) {
        return AVER_OK;
    }
    if (batch->count >= AVER_NONCE_BATCH_MAX) {
        return AVER_E_LIMIT;
    }
    void *nonces = realloc(batch->nonces, capacity * sizeof(*batch->nonces));
    if (nonces == NULL) {
        return AVER_E_NOMEM;
    }
    batch->nonces = nonces;
    void *askers = realloc(batch->askers, capacity * sizeof(*batch->askers));
    if (askers == NULL) {
        return AVER_E_NOMEM;
    }
    batch->askers = askers;
    batch->capacity = capacity;
    return AVER_OK;
}

/* Nonces that arrive meanwhile make the next batch larger, not the wait longer. */
static void evidence_pace(uint64_t interval_ns, uint64_t *begun_ns)
{
    uint64_t now_ns = aver_time_monotonic_ns();
    uint64_t since_ns = now_ns - *begun_ns;

    if (*begun_ns != 0 && since_ns < interval_ns) {
        uint64_t rest_ns = interval_ns - since_ns;
        struct timespec rest = {.tv_sec = (time_t)(rest_ns / 1000000000u),
                                .tv_nsec = (long)(rest_ns % 1000000000u)};
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
        now_ns = aver_time_monotonic_ns();
    }
    *begun_ns = now_ns;
}

static void *evidence_work(void *context)
{
    aver_evidence *evidence = context;
    const uint64_t interval_ns = (uint64_t)evidence->options.interval_ms * 1000000u;
    const uint64_t one = 1;
    uint64_t begun_ns = 0;

    (void)pthread_mutex_lock(&evidence->mutex);
    while (!evidence->stop) {
        if (!evidence->want) {
            (void)pthread_cond_wait(&evidence->wanted, &evidence->mutex);
            continue;
        }
        uint8_t report_data[64];
        memcpy(report_data, evidence->report_data, sizeof(report_data));
        evidence->want = false;
        (void)pthread_mutex_unlock(&evidence->mutex);
        evidence_pace(interval_ns, &begun_ns);
        aver_buf_clear(&evidence->quote);
        evidence->quote_err =
            evidence->options.platform->quote(evidence->options.tee, report_data, &evidence->quote);
        if (write(evidence->finished_fd, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
            aver_log(AVER_LOG_ERROR, "evidence.wake", "the loop could not be woken: %s",
                     strerror(errno));
        }
        (void)pthread_mutex_lock(&evidence->mutex);
    }
    (void)pthread_mutex_unlock(&evidence->mutex);
    return NULL;
}

static void evidence_bundle_fill(const aver_evidence *evidence, aver_bundle *bundle)
{
    const aver_keyring *keyring = evidence->bound;

    (void)snprintf(bundle->platform, sizeof(bundle->platform), "%s",
                   evidence->options.platform->name);
    bundle->evidence = aver_buf_view(&evidence->quote);
    bundle->keyset_bytes = aver_buf_view(&keyring->keyset);
    bundle->config = aver_buf_view(&keyring->config);
    aver_nonce_tree_root(evidence->tree, bundle->nonce_root);
}

/* Hands each asker its bundle; the batch was taken out of the struct, so callbacks may ask anew. */
static void evidence_deliver(evidence_batch *batch, const aver_nonce_tree *tree,
                             aver_bundle *bundle, aver_err err)
{
    aver_buf bytes;

    aver_buf_init(&bytes, AVER_BUNDLE_BYTES_MAX);
    for (size_t i = 0; i < batch->count; i++) {
        aver_err one = err;

        aver_buf_clear(&bytes);
        if (batch->askers[i].done == NULL) {
            continue;
        }
        if (one == AVER_OK) {
            bundle->has_nonce_path = true;
            bundle->nonce_count = batch->count;
            bundle->nonce_index = i;
            aver_nonce_tree_path(tree, i, bundle->nonce_path, &bundle->nonce_path_size);
            one = aver_bundle_encode(bundle, &bytes);
        }
        batch->askers[i].done(one, one == AVER_OK ? aver_buf_view(&bytes) : (aver_view){0},
                              batch->askers[i].context);
    }
    aver_buf_deinit(&bytes);
}

static aver_err evidence_accept(aver_evidence *evidence, const aver_bundle *bundle)
{
    aver_buf bytes;

    if (evidence->quote_err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "evidence.failed", "the platform gave no quote: %s",
                 aver_err_text(evidence->quote_err));
        return evidence->quote_err;
    }
    aver_buf_init(&bytes, AVER_BUNDLE_BYTES_MAX);
    aver_err err = aver_bundle_encode(bundle, &bytes);
    if (err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "evidence.bundle", "no bundle: %s", aver_err_text(err));
        aver_buf_deinit(&bytes);
        return err;
    }
    aver_buf_deinit(&evidence->latest_bundle);
    evidence->latest_bundle = bytes;
    if (evidence->next != NULL) {
        evidence->options.keyring = evidence->next;
        evidence->recent_count = 0;
    }
    aver_evidence_digest(bundle->evidence,
                         evidence->recent[evidence->quotes % AVER_EVIDENCE_RECENT]);
    evidence->quotes++;
    if (evidence->recent_count < AVER_EVIDENCE_RECENT) {
        evidence->recent_count++;
    }
    return AVER_OK;
}

/* Tells who wanted the next keyring what became of it. */
static void evidence_rotated(aver_evidence *evidence, aver_err err)
{
    evidence_asker rotated = evidence->rotated;

    if (evidence->next == NULL) {
        return;
    }
    evidence->next = NULL;
    evidence->rotated = (evidence_asker){.done = NULL};
    rotated.done(err, err == AVER_OK ? aver_buf_view(&evidence->latest_bundle) : (aver_view){0},
                 rotated.context);
}

/* Gives the running batch to the worker, bound to the keyset that comes, or else to the present. */
static void evidence_send(aver_evidence *evidence)
{
    uint8_t root[32];

    evidence->bound = evidence->next != NULL ? evidence->next : evidence->options.keyring;
    aver_nonce_tree_root(evidence->tree, root);
    (void)pthread_mutex_lock(&evidence->mutex);
    aver_binding(evidence->bound->keyset_digest, root, (aver_view){0}, evidence->report_data);
    evidence->want = true;
    (void)pthread_cond_signal(&evidence->wanted);
    (void)pthread_mutex_unlock(&evidence->mutex);
}

/* One more place in a batch. */
static aver_err evidence_batch_add(evidence_batch *batch, const uint8_t nonce[AVER_NONCE_BYTES],
                                   aver_evidence_fn *done, void *context)
{
    aver_err err = evidence_batch_grow(batch);
    if (err != AVER_OK) {
        return err;
    }
    memcpy(batch->nonces[batch->count], nonce, AVER_NONCE_BYTES);
    batch->askers[batch->count] = (evidence_asker){.done = done, .context = context};
    batch->count++;
    return AVER_OK;
}

/* A next keyring that nobody asks about needs a nonce of its own. */
static aver_err evidence_fill(aver_evidence *evidence)
{
    uint8_t nonce[AVER_NONCE_BYTES];

    if (evidence->next == NULL || evidence->waiting.count > 0) {
        return AVER_OK;
    }
    aver_random(nonce, sizeof(nonce));
    return evidence_batch_add(&evidence->waiting, nonce, NULL, NULL);
}

/* Sends the waiting nonces to the worker, if it is free. */
static aver_err evidence_begin(aver_evidence *evidence)
{
    if (evidence->running.count > 0) {
        return AVER_OK;
    }
    aver_err err = evidence_fill(evidence);
    if (err != AVER_OK || evidence->waiting.count == 0) {
        return err;
    }
    err = aver_nonce_tree_new((const uint8_t(*)[AVER_NONCE_BYTES])evidence->waiting.nonces,
                              evidence->waiting.count, &evidence->tree);
    if (err != AVER_OK) {
        return err;
    }
    evidence->running = evidence->waiting;
    evidence->waiting = (evidence_batch){.count = 0};
    evidence_send(evidence);
    return AVER_OK;
}

static void evidence_finished(evutil_socket_t fd, short what, void *context)
{
    aver_evidence *evidence = context;
    evidence_batch batch = evidence->running;
    aver_nonce_tree *tree = evidence->tree;
    aver_bundle bundle = {0};
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof(count)) != (ssize_t)sizeof(count)) {
        return;
    }
    if (evidence->next != NULL && evidence->bound != evidence->next) {
        /* Its keyset is on its way out: the same nonces again, for the next one. */
        evidence_send(evidence);
        return;
    }
    evidence_bundle_fill(evidence, &bundle);
    aver_err err = evidence_accept(evidence, &bundle);
    evidence_rotated(evidence, err);
    evidence_deliver(&batch, tree, &bundle, err);
    evidence_batch_clear(&batch);
    aver_nonce_tree_free(tree);
    evidence->running = (evidence_batch){.count = 0};
    evidence->tree = NULL;
    err = evidence_begin(evidence);
    if (err != AVER_OK) {
        evidence_rotated(evidence, err);
        batch = evidence->waiting;
        evidence->waiting = (evidence_batch){.count = 0};
        evidence_deliver(&batch, NULL, &bundle, err);
        evidence_batch_clear(&batch);
    }
}

static aver_err evidence_start(aver_evidence *evidence)
{
    evidence->finished_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (evidence->finished_fd < 0) {
        return AVER_E_IO;
    }
    evidence->finished_event = event_new(evidence->options.base, evidence->finished_fd,
                                         EV_READ | EV_PERSIST, evidence_finished, evidence);
    if (evidence->finished_event == NULL || event_add(evidence->finished_event, NULL) != 0) {
        return AVER_E_NOMEM;
    }
    if (pthread_create(&evidence->worker, NULL, evidence_work, evidence) != 0) {
        return AVER_E_IO;
    }
    evidence->worker_started = true;
    return AVER_OK;
}

aver_err aver_evidence_new(const aver_evidence_options *options, aver_evidence **ret_evidence)
{
    aver_evidence *evidence = calloc(1, sizeof(*evidence));
    if (evidence == NULL) {
        return AVER_E_NOMEM;
    }
    evidence->options = *options;
    evidence->finished_fd = -1;
    aver_buf_init(&evidence->latest_bundle, AVER_BUNDLE_BYTES_MAX);
    aver_buf_init(&evidence->quote, AVER_EVIDENCE_BYTES_MAX);
    (void)pthread_mutex_init(&evidence->mutex, NULL);
    (void)pthread_cond_init(&evidence->wanted, NULL);
    aver_err err = evidence_start(evidence);
    if (err != AVER_OK) {
        aver_evidence_free(evidence);
        return err;
    }
    *ret_evidence = evidence;
    return AVER_OK;
}

void aver_evidence_free(aver_evidence *evidence)
{
    if (evidence == NULL) {
        return;
    }
    if (evidence->worker_started) {
        (void)pthread_mutex_lock(&evidence->mutex);
        evidence->stop = true;
        (void)pthread_cond_signal(&evidence->wanted);
        (void)pthread_mutex_unlock(&evidence->mutex);
        (void)pthread_join(evidence->worker, NULL);
    }
    if (evidence->finished_event != NULL) {
        event_free(evidence->finished_event);
    }
    if (evidence->finished_fd >= 0) {
        (void)close(evidence->finished_fd);
    }
    evidence_batch_clear(&evidence->waiting);
    evidence_batch_clear(&evidence->running);
    aver_nonce_tree_free(evidence->tree);
    aver_buf_deinit(&evidence->latest_bundle);
    aver_buf_deinit(&evidence->quote);
    (void)pthread_cond_destroy(&evidence->wanted);
    (void)pthread_mutex_destroy(&evidence->mutex);
    free(evidence);
}

aver_err aver_evidence_ask(aver_evidence *evidence, const uint8_t nonce[static AVER_NONCE_BYTES],
                           aver_evidence_fn *done, void *context)
{
    AVER_ASSERT(done != NULL);
    aver_err err = evidence_batch_add(&evidence->waiting, nonce, done, context);
    if (err != AVER_OK) {
        return err;
    }
    err = evidence_begin(evidence);
    if (err != AVER_OK) {
        evidence->waiting.count--;
    }
    return err;
}

aver_err aver_evidence_rotate(aver_evidence *evidence, const aver_keyring *next,
                              aver_evidence_fn *done, void *context)
{
    AVER_ASSERT(done != NULL);
    if (evidence->next != NULL) {
        return AVER_E_USAGE;
    }
    evidence->next = next;
    evidence->rotated = (evidence_asker){.done = done, .context = context};
    aver_err err = evidence_begin(evidence);
    if (err != AVER_OK) {
        evidence->next = NULL;
        evidence->rotated = (evidence_asker){.done = NULL};
    }
    return err;
}

static void evidence_batch_forget(evidence_batch *batch, const void *context)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->askers[i].context == context) {
            batch->askers[i].done = NULL;
        }
    }
}

void aver_evidence_forget(aver_evidence *evidence, const void *context)
{
    evidence_batch_forget(&evidence->waiting, context);
    evidence_batch_forget(&evidence->running, context);
}

aver_view aver_evidence_bundle(const aver_evidence *evidence)
{
    return aver_buf_view(&evidence->latest_bundle);
}

const uint8_t *aver_evidence_latest(const aver_evidence *evidence)
{
    AVER_ASSERT(evidence->quotes > 0);
    return evidence->recent[(evidence->quotes - 1) % AVER_EVIDENCE_RECENT];
}

bool aver_evidence_recent(const aver_evidence *evidence, const uint8_t digest[static 32])
{
    for (uint64_t i = 1; i <= evidence->recent_count; i++) {
        if (memcmp(evidence->recent[(evidence->quotes - i) % AVER_EVIDENCE_RECENT], digest, 32) ==
            0) {
            return true;
        }
    }
    return false;
}

uint64_t aver_evidence_quotes(const aver_evidence *evidence)
{
    return evidence->quotes;
}
