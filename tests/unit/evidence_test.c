/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/bundle.h"
#include "base/log.h"
#include "base/sys.h"
#include "crypto/merkle.h"
#include "node/evidence.h"

#include <event2/event.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define EVIDENCE_ASKERS 200

/* A platform whose evidence is the report data itself; slow, or refusing, on demand. */
static atomic_uint evidence_quotes;
static atomic_bool evidence_refuse;

static aver_err evidence_quote(aver_tee *tee, const uint8_t report_data[static 64],
                               aver_buf *ret_evidence)
{
    struct timespec pause = {.tv_nsec = 20000000};

    (void)tee;
    (void)nanosleep(&pause, NULL);
    atomic_fetch_add(&evidence_quotes, 1);
    if (atomic_load(&evidence_refuse)) {
        return AVER_E_IO;
    }
    aver_buf_append(ret_evidence, aver_view_make(report_data, 64));
    return AVER_OK;
}

static const aver_tee_platform evidence_platform = {.name = "test", .quote = evidence_quote};

typedef struct evidence_asked {
    struct event_base *base;
    const aver_keyring *keyring;
    uint8_t nonce[32];
    aver_err err;
    bool called;
    unsigned *left;
} evidence_asked;

/* The bundle must bind this very nonce. */
static void evidence_made(aver_err err, aver_view bytes, void *context)
{
    evidence_asked *asked = context;
    aver_bundle bundle;
    uint8_t leaf[32], binding[64];

    assert_false(asked->called);
    asked->called = true;
    asked->err = err;
    if (err == AVER_OK) {
        assert_int_equal(aver_bundle_decode(bytes, &bundle), AVER_OK);
        assert_true(bundle.has_nonce_path);
        aver_nonce_leaf(asked->nonce, leaf);
        assert_int_equal(aver_merkle_verify(leaf, bundle.nonce_index, bundle.nonce_count,
                                            (const uint8_t(*)[32])bundle.nonce_path,
                                            bundle.nonce_path_size, bundle.nonce_root),
                         AVER_OK);
        aver_binding(asked->keyring->keyset_digest, bundle.nonce_root, (aver_view){0}, binding);
        assert_true(aver_view_equal(bundle.evidence, AVER_VIEW_OF(binding)));
        assert_true(aver_view_equal(bundle.keyset_bytes, aver_buf_view(&asked->keyring->keyset)));
    }
    if (--*asked->left == 0) {
        (void)event_base_loopbreak(asked->base);
    }
}

static void evidence_ask_all(aver_evidence *evidence, struct event_base *base,
                             const aver_keyring *keyring, evidence_asked *asked, unsigned count,
                             unsigned forgotten)
{
    unsigned left = count - forgotten;

    for (unsigned i = 0; i < count; i++) {
        asked[i] = (evidence_asked){.base = base, .keyring = keyring, .left = &left};
        aver_random(asked[i].nonce, 32);
        assert_int_equal(aver_evidence_ask(evidence, asked[i].nonce, evidence_made, &asked[i]),
                         AVER_OK);
    }
    for (unsigned i = 0; i < forgotten; i++) {
        aver_evidence_forget(evidence, &asked[i]);
    }
    (void)event_base_dispatch(base);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(asked[i].called, i >= forgotten);
    }
}

static void evidence_keyring_init(aver_keyring *keyring, uint8_t digest, const char *keyset)
{
    *keyring = (aver_keyring){.keyset_digest = {digest}};
    aver_buf_init(&keyring->keyset, 1024);
    aver_buf_append_text(&keyring->keyset, keyset);
    aver_buf_init(&keyring->config, 1024);
}

static void evidence_keyring_deinit(aver_keyring *keyring)
{
    aver_buf_deinit(&keyring->keyset);
    aver_buf_deinit(&keyring->config);
}

typedef struct evidence_turn {
    struct event_base *base;
    const evidence_asked *asked; /* who must not have been told yet */
    unsigned *left;              /* NULL: nobody else waits */
    bool called;
    aver_err err;
} evidence_turn;

static void evidence_turned(aver_err err, aver_view bundle, void *context)
{
    evidence_turn *turn = context;

    assert_false(turn->called);
    turn->called = true;
    turn->err = err;
    assert_int_equal(bundle.size > 0, err == AVER_OK);
    for (unsigned i = 0; turn->asked != NULL && i < 2; i++) {
        assert_false(turn->asked[i].called);
    }
    if (turn->left == NULL) {
        (void)event_base_loopbreak(turn->base);
    }
}

/* The latest bundle pairs the keyset with a quote over that keyset. */
static void evidence_latest_is_of(const aver_evidence *evidence, const aver_keyring *keyring)
{
    aver_bundle bundle;
    uint8_t binding[64], digest[32];

    assert_int_equal(aver_bundle_decode(aver_evidence_bundle(evidence), &bundle), AVER_OK);
    aver_binding(keyring->keyset_digest, bundle.nonce_root, (aver_view){0}, binding);
    assert_true(aver_view_equal(bundle.evidence, AVER_VIEW_OF(binding)));
    assert_true(aver_view_equal(bundle.keyset_bytes, aver_buf_view(&keyring->keyset)));
    aver_evidence_digest(bundle.evidence, digest);
    assert_memory_equal(digest, aver_evidence_latest(evidence), 32);
    assert_true(aver_evidence_recent(evidence, digest));
}

/* One asker whose quote is in flight for the former keyset, and one who waits. */
static void evidence_rotate_in_flight(aver_evidence *evidence, struct event_base *base,
                                      const aver_keyring *present, const aver_keyring *next,
                                      aver_err wanted)
{
    evidence_asked asked[2];
    unsigned left = 2;
    evidence_turn turn = {.base = base, .asked = asked, .left = &left};
    unsigned quotes = atomic_load(&evidence_quotes);

    for (unsigned i = 0; i < 2; i++) {
        asked[i] = (evidence_asked){.base = base, .keyring = next, .left = &left};
        aver_random(asked[i].nonce, 32);
    }
    assert_int_equal(aver_evidence_ask(evidence, asked[0].nonce, evidence_made, &asked[0]),
                     AVER_OK);
    assert_int_equal(aver_evidence_rotate(evidence, next, evidence_turned, &turn), AVER_OK);
    assert_int_equal(aver_evidence_rotate(evidence, next, evidence_turned, &turn), AVER_E_USAGE);
    assert_int_equal(aver_evidence_ask(evidence, asked[1].nonce, evidence_made, &asked[1]),
                     AVER_OK);
    evidence_latest_is_of(evidence, present);
    (void)event_base_dispatch(base);
    assert_true(turn.called);
    assert_int_equal(turn.err, wanted);
    assert_int_equal(asked[0].err, wanted);
    assert_int_equal(asked[1].err, wanted);
    /* The one in flight, the same batch again, and the one that waited. */
    assert_int_equal(atomic_load(&evidence_quotes), quotes + 3);
}

static void test_bundles_hold_the_keyset_that_their_quote_binds(void **state)
{
    struct event_base *base = event_base_new();
    aver_keyring keyrings[3];
    aver_evidence_options options = {
        .base = base, .platform = &evidence_platform, .keyring = &keyrings[0]};
    evidence_turn turn = {.base = base};
    evidence_asked asked[1];
    aver_evidence *evidence;
    uint8_t former[32];

    (void)state;
    evidence_keyring_init(&keyrings[0], 1, "first");
    evidence_keyring_init(&keyrings[1], 2, "second");
    evidence_keyring_init(&keyrings[2], 3, "third");
    assert_int_equal(aver_evidence_new(&options, &evidence), AVER_OK);
    evidence_ask_all(evidence, base, &keyrings[0], asked, 1, 0);
    memcpy(former, aver_evidence_latest(evidence), 32);

    /* A platform that fails now leaves the present keyset and its evidence in place. */
    atomic_store(&evidence_refuse, true);
    evidence_rotate_in_flight(evidence, base, &keyrings[0], &keyrings[1], AVER_E_IO);
    atomic_store(&evidence_refuse, false);
    evidence_latest_is_of(evidence, &keyrings[0]);
    assert_true(aver_evidence_recent(evidence, former));
    evidence_ask_all(evidence, base, &keyrings[0], asked, 1, 0);

    evidence_rotate_in_flight(evidence, base, &keyrings[0], &keyrings[1], AVER_OK);
    evidence_latest_is_of(evidence, &keyrings[1]);
    assert_false(aver_evidence_recent(evidence, former));
    memcpy(former, aver_evidence_latest(evidence), 32);

    /* Nobody asks: the keyset is replaced all the same. */
    assert_int_equal(aver_evidence_rotate(evidence, &keyrings[2], evidence_turned, &turn), AVER_OK);
    (void)event_base_dispatch(base);
    assert_true(turn.called);
    assert_int_equal(turn.err, AVER_OK);
    evidence_latest_is_of(evidence, &keyrings[2]);
    assert_false(aver_evidence_recent(evidence, former));
    evidence_ask_all(evidence, base, &keyrings[2], asked, 1, 0);
    aver_evidence_free(evidence);
    for (unsigned i = 0; i < 3; i++) {
        evidence_keyring_deinit(&keyrings[i]);
    }
    event_base_free(base);
}

static void test_one_quote_serves_a_batch(void **state)
{
    static evidence_asked asked[EVIDENCE_ASKERS];
    struct event_base *base = event_base_new();
    aver_keyring keyring;
    aver_evidence_options options = {
        .base = base, .platform = &evidence_platform, .keyring = &keyring};
    const uint8_t unknown[32] = {0};
    aver_evidence *evidence;
    uint8_t first[32];

    (void)state;
    evidence_keyring_init(&keyring, 9, "keyset");
    assert_int_equal(aver_evidence_new(&options, &evidence), AVER_OK);
    evidence_ask_all(evidence, base, &keyring, asked, EVIDENCE_ASKERS, 3);
    /* The first nonce goes alone, all others wait for the next quote. */
    assert_int_equal(atomic_load(&evidence_quotes), 2);
    for (unsigned i = 3; i < EVIDENCE_ASKERS; i++) {
        assert_int_equal(asked[i].err, AVER_OK);
    }
    memcpy(first, aver_evidence_latest(evidence), 32);
    assert_true(aver_evidence_recent(evidence, first));
    assert_false(aver_evidence_recent(evidence, unknown));

    atomic_store(&evidence_refuse, true);
    evidence_ask_all(evidence, base, &keyring, asked, 1, 0);
    assert_int_equal(asked[0].err, AVER_E_IO);
    /* A platform that fails once leaves the last good evidence in place. */
    assert_memory_equal(first, aver_evidence_latest(evidence), 32);
    atomic_store(&evidence_refuse, false);
    evidence_ask_all(evidence, base, &keyring, asked, 5, 0);
    assert_int_equal(asked[0].err, AVER_OK);
    assert_true(aver_evidence_recent(evidence, first));
    aver_evidence_free(evidence);
    evidence_keyring_deinit(&keyring);
    event_base_free(base);
}

static void test_quotes_keep_their_distance(void **state)
{
    enum { TURNS = 4, INTERVAL_MS = 20 };
    static evidence_asked asked[1];
    struct event_base *base = event_base_new();
    aver_keyring keyring;
    aver_evidence_options options = {.base = base,
                                     .platform = &evidence_platform,
                                     .keyring = &keyring,
                                     .interval_ms = INTERVAL_MS};
    aver_evidence *evidence;

    (void)state;
    evidence_keyring_init(&keyring, 9, "keyset");
    assert_int_equal(aver_evidence_new(&options, &evidence), AVER_OK);
    uint64_t begun_ns = aver_time_monotonic_ns();
    for (unsigned turn = 0; turn < TURNS; turn++) {
        evidence_ask_all(evidence, base, &keyring, asked, 1, 0);
        assert_int_equal(asked[0].err, AVER_OK);
    }
    assert_true(aver_time_monotonic_ns() - begun_ns >= (TURNS - 1) * INTERVAL_MS * 1000000ull);
    aver_evidence_free(evidence);
    evidence_keyring_deinit(&keyring);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_quote_serves_a_batch),
        cmocka_unit_test(test_quotes_keep_their_distance),
        cmocka_unit_test(test_bundles_hold_the_keyset_that_their_quote_binds),
    };
    aver_log_setup(AVER_LOG_SILENT, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
