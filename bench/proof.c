/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof: what seal, receipt and evidence add to a request.
 *
 * The figure is a sum of parts: each round runs exactly the functions that a sealed, streamed
 * request of 64 tokens adds in the keeper (opening the seal, commitments, opening, tree, sealing of
 * each event, heads, tokens, receipt), its share of one quote (nonce tree, bundle), the TLS
 * exporter, and in the engine the step digest over 64 hidden rows of the story model. Beside it,
 * end to end against a running node: the same prompt sealed and unsealed, over one connection each,
 * client's work included.
 */
#include "base/log.h"
#include "base/sys.h"
#include "crypto/hash.h"
#include "net/tls.h"
#include "node/keyring.h"
#include "node/nonce_tree.h"
#include "node/openai.h"
#include "support/node_client.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS         1000
#define PAIRS          300
#define TOKENS         64
#define ROW_FLOATS     288 /* hidden size of the story model */
#define GOAL_MS        0.3
#define EVIDENCE_BYTES 1500

static const char request_text[] = "{\"model\":\"TinyStories-15M\",\"messages\":[{\"role\":"
                                   "\"user\",\"content\":\"Tell me a story about a "
                                   "dog that found a bone in the garden and did not know what to "
                                   "do with it.\"}],\"max_tokens\":64,\"stream\":true}";

typedef struct bench_parts {
    uint64_t seal_ns, receipt_ns, events_ns, evidence_ns, exporter_ns, digest_ns;
} bench_parts;

typedef struct bench_state {
    aver_hpke_key *seal_key;
    aver_ed25519 *receipt_key;
    aver_buf event; /* one event of a stream, as it leaves */
    uint8_t keyset_digest[32];
    uint8_t id[32];
    float rows[ROW_FLOATS];
    SSL *server, *client;
} bench_state;

static void bench_must(aver_err err)
{
    if (err != AVER_OK) {
        (void)fprintf(stderr, "proof: %s\n", aver_err_text(err));
        exit(1);
    }
}

static int bench_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : (x > y ? 1 : 0);
}

static double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), bench_compare);
    return values[count / 2];
}

/* A TLS 1.3 connection in memory, for its exporter. */
static void bench_tls(bench_state *state)
{
    aver_tls_key *key;
    SSL_CTX *server_context;
    SSL_CTX *client_context = SSL_CTX_new(TLS_client_method());
    BIO *server_bio = NULL, *client_bio = NULL;

    bench_must(aver_tls_key_new(&key));
    bench_must(aver_tls_server_new(key, "bench", (aver_view){0}, &server_context));
    if (client_context == NULL || BIO_new_bio_pair(&server_bio, 65536, &client_bio, 65536) != 1) {
        bench_must(AVER_E_CRYPTO);
    }
    state->server = SSL_new(server_context);
    state->client = SSL_new(client_context);
    SSL_set_bio(state->server, server_bio, server_bio);
    SSL_set_bio(state->client, client_bio, client_bio);
    SSL_set_accept_state(state->server);
    SSL_set_connect_state(state->client);
    for (int i = 0;
         i < 10 && !(SSL_is_init_finished(state->server) && SSL_is_init_finished(state->client));
         i++) {
        (void)SSL_do_handshake(state->client);
        (void)SSL_do_handshake(state->server);
    }
    if (!SSL_is_init_finished(state->server)) {
        bench_must(AVER_E_CRYPTO);
    }
    SSL_CTX_free(client_context);
    aver_tls_free(server_context);
    aver_tls_key_free(key);
}

static void bench_setup(bench_state *state)
{
    aver_openai_options options = {.endpoint = AVER_ENDPOINT_CHAT,
                                   .model = "TinyStories-15M",
                                   .fingerprint = "aver-000000000000"};
    aver_openai openai;

    bench_must(aver_hpke_key_new(&state->seal_key));
    bench_must(aver_ed25519_new(&state->receipt_key));
    aver_random(state->keyset_digest, 32);
    aver_random((uint8_t *)state->rows, sizeof(state->rows));
    bench_must(aver_openai_init(&openai, &options));
    aver_buf_init(&state->event, 4096);
    uint64_t characters = 0;
    aver_openai_put_piece(&openai, &(aver_openai_piece){.text = AVER_VIEW_LITERAL(" garden")},
                          &characters, &state->event);
    aver_openai_deinit(&openai);
    bench_tls(state);
}

/* Tree, commitment and sealing of the events, each sent on its own, with a head at the end. */
static void bench_events(bench_state *state, aver_seal *seal, aver_merkle *tree,
                         aver_commit *commit)
{
    aver_buf sealed, message;

    aver_buf_init(&message, AVER_RECEIPT_BYTES_MAX);
    for (unsigned i = 0; i < TOKENS; i++) {
        aver_view event = aver_buf_view(&state->event);

        aver_merkle_append(tree, event);
        aver_commit_update(commit, event);
        aver_buf_init(&sealed, 65536);
        bench_must(aver_seal_chunk(seal, event, &sealed));
        aver_buf_deinit(&sealed);
    }
    aver_head head = {.size = tree->size};
    memcpy(head.receipt_id, state->id, 32);
    aver_merkle_root(tree, head.root);
    bench_must(aver_head_sign(&head, state->keyset_digest, state->receipt_key, &message));
    aver_buf_deinit(&message);
}

static void bench_opening(bench_state *state)
{
    aver_opening opening = {.issued_at_ms = 1700000000000};
    aver_buf message;

    aver_buf_init(&message, AVER_RECEIPT_BYTES_MAX);
    bench_must(aver_opening_sign(&opening, state->receipt_key, &message));
    aver_buf_deinit(&message);
}

static void bench_receipt(bench_state *state, const aver_seal *seal, const aver_merkle *tree,
                          aver_commit *commit)
{
    const uint8_t *salt = aver_seal_salt(seal);
    int32_t tokens[TOKENS * 2];
    aver_receipt receipt = {.channel = AVER_CHANNEL_SEAL,
                            .has_enc_digest = true,
                            .platform = "sim",
                            .method = "POST",
                            .path = "/v1/chat/completions",
                            .status = 200,
                            .has_stream = true,
                            .stream_size = tree->size,
                            .finish = AVER_FINISH_LENGTH,
                            .issued_at_ms = 1700000000000,
                            .time_source = AVER_TIME_HOST,
                            .isolation = AVER_ISOLATION_SHARED,
                            .process_model = AVER_PROCESS_SPLIT,
                            .engine_incarnation = 1,
                            .executor = "llama.cpp/0.5.0",
                            .profile = AVER_PROFILE_VERIFIED,
                            .has_step_digest = true,
                            .prompt_tokens = TOKENS,
                            .generated_tokens = TOKENS};
    aver_buf document, message;

    for (int32_t i = 0; i < TOKENS * 2; i++) {
        tokens[i] = i * 97 % 32000;
    }
    aver_buf_init(&document, AVER_TOKENS_BYTES_MAX);
    aver_buf_init(&message, AVER_RECEIPT_BYTES_MAX);
    aver_sha256_of(aver_view_make(aver_seal_enc(seal), 32), receipt.enc_digest);
    aver_commit_request(salt, aver_view_text(request_text), receipt.request_commitment);
    aver_commit_final(commit, receipt.response_commitment);
    const aver_tokens ids = {
        .ids = tokens, .prompt_count = TOKENS, .choices_count = 1, .counts = {TOKENS}};
    bench_must(aver_tokens_encode(&ids, &document));
    aver_commit_tokens(salt, aver_buf_view(&document), receipt.tokens_commitment);
    aver_merkle_root(tree, receipt.stream_root);
    bench_must(aver_receipt_sign(&receipt, state->receipt_key, &message));
    aver_buf_deinit(&document);
    aver_buf_deinit(&message);
}

/* A nonce alone in its batch, the binding, and the bundle that goes out. The quote itself is the
 * platform's time. */
static void bench_evidence(const bench_state *state)
{
    static uint8_t evidence[EVIDENCE_BYTES], keyset[512];
    aver_bundle bundle = {.platform = "sim",
                          .evidence = AVER_VIEW_OF(evidence),
                          .keyset_bytes = AVER_VIEW_OF(keyset),
                          .has_nonce_path = true,
                          .nonce_count = 1};
    aver_nonce_tree *tree;
    uint8_t report_data[64];
    aver_buf bytes, text;

    bench_must(aver_nonce_tree_new(&state->id, 1, &tree));
    aver_nonce_tree_root(tree, bundle.nonce_root);
    aver_nonce_tree_path(tree, 0, bundle.nonce_path, &bundle.nonce_path_size);
    aver_binding(state->keyset_digest, bundle.nonce_root, (aver_view){0}, report_data);
    aver_buf_init(&bytes, AVER_BUNDLE_BYTES_MAX);
    aver_buf_init(&text, AVER_BUNDLE_BYTES_MAX);
    bench_must(aver_bundle_encode(&bundle, &bytes));
    bench_must(aver_cmw_wrap_json(aver_buf_view(&bytes), &text));
    aver_buf_deinit(&bytes);
    aver_buf_deinit(&text);
    aver_nonce_tree_free(tree);
}

static void bench_digest(const bench_state *state, size_t row_bytes)
{
    uint8_t digest[32] = {0}, token[4] = {0};
    aver_sha256 hash;

    for (unsigned i = 0; i < TOKENS; i++) {
        aver_sha256_init(&hash);
        aver_sha256_update(&hash, AVER_VIEW_OF(digest));
        aver_sha256_update(&hash, AVER_VIEW_OF(token));
        aver_sha256_update(&hash, aver_view_make(state->rows, row_bytes));
        aver_sha256_final(&hash, digest);
    }
}

static void bench_round(bench_state *state, bench_parts *parts)
{
    char enc_hex[65], nonce_hex[65];
    uint8_t exported[32];
    aver_buf sealed, plain;
    aver_seal *client, *seal;
    aver_merkle tree;
    aver_commit commit;

    aver_buf_init(&sealed, 65536);
    aver_buf_init(&plain, 65536);
    bench_must(aver_seal_offer(aver_hpke_key_public(state->seal_key), aver_view_text(request_text),
                               enc_hex, &sealed, &client));
    uint64_t t0 = aver_time_monotonic_ns();
    bench_must(
        aver_seal_accept(state->seal_key, enc_hex, aver_buf_view(&sealed), 65536, &plain, &seal));
    bench_must(aver_seal_respond(seal, nonce_hex));
    uint64_t t1 = aver_time_monotonic_ns();
    aver_merkle_init(&tree);
    aver_commit_response_init(&commit, aver_seal_salt(seal));
    bench_events(state, seal, &tree, &commit);
    uint64_t t2 = aver_time_monotonic_ns();
    bench_opening(state);
    bench_receipt(state, seal, &tree, &commit);
    uint64_t t3 = aver_time_monotonic_ns();
    bench_evidence(state);
    uint64_t t4 = aver_time_monotonic_ns();
    if (SSL_export_keying_material(state->server, exported, 32, "EXPORTER-aver-receipt-salt", 26,
                                   state->id, 32, 1) != 1) {
        bench_must(AVER_E_CRYPTO);
    }
    uint64_t t5 = aver_time_monotonic_ns();
    bench_digest(state, sizeof(state->rows));
    uint64_t t6 = aver_time_monotonic_ns();
    *parts = (bench_parts){t1 - t0, t3 - t2, t2 - t1, t4 - t3, t5 - t4, t6 - t5};
    aver_seal_free(client);
    aver_seal_free(seal);
    aver_buf_deinit(&sealed);
    aver_buf_deinit(&plain);
}

static double bench_micro(bench_state *state)
{
    static double values[7][ROUNDS];
    static const char *const names[] = {"seal opened",         "64 events: tree, seal, head",
                                        "opening and receipt", "nonce and bundle",
                                        "TLS exporter",        "step digest, 64 rows"};

    for (size_t i = 0; i < ROUNDS; i++) {
        bench_parts parts;

        bench_round(state, &parts);
        const uint64_t all[] = {parts.seal_ns,     parts.events_ns,   parts.receipt_ns,
                                parts.evidence_ns, parts.exporter_ns, parts.digest_ns};
        values[6][i] = 0;
        for (size_t part = 0; part < 6; part++) {
            values[part][i] = (double)all[part] / 1e6;
            values[6][i] += values[part][i];
        }
    }
    for (size_t part = 0; part < 6; part++) {
        (void)printf("  %-28s p50 %.4f ms\n", names[part], bench_median(values[part], ROUNDS));
    }
    return bench_median(values[6], ROUNDS);
}

static double bench_ask_ms(node_session *session, const node_fixture *node, bool sealed,
                           unsigned seed)
{
    char body[512];
    node_question question = {.path = "/v1/completions", .body = body, .sealed = sealed};
    node_answer answer;

    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"prompt\":\"A dog\",\"max_tokens\":4,\"seed\":%u}",
                   node->model, seed);
    uint64_t begin = aver_time_monotonic_ns();
    node_ask(session, &question, &answer);
    double ms = (double)(aver_time_monotonic_ns() - begin) / 1e6;
    if (answer.status != 200) {
        bench_must(AVER_E_PEER);
    }
    node_answer_deinit(&answer);
    return ms;
}

static void bench_end_to_end(void)
{
    static double plain[PAIRS], sealed[PAIRS];
    node_fixture node;
    node_session session;

    node_fixture_start(&node, NULL);
    node_session_open(&session, &node, false);
    for (unsigned i = 0; i < PAIRS; i++) {
        plain[i] = bench_ask_ms(&session, &node, false, i);
        sealed[i] = bench_ask_ms(&session, &node, true, i);
    }
    node_session_close(&session);
    (void)node_fixture_stop(&node);
    double a = bench_median(plain, PAIRS), b = bench_median(sealed, PAIRS);
    (void)printf(
        "  end to end, 4 tokens, p50: unsealed %.3f ms, sealed %.3f ms, difference %.3f ms "
        "(both carry receipts; the client's sealing included)\n",
        a, b, b - a);
}

int main(void)
{
    bench_state state = {.seal_key = NULL};

    aver_log_setup(AVER_LOG_ERROR, false);
    bench_setup(&state);
    double ms = bench_micro(&state);
    bench_end_to_end();
    (void)printf("figure proof_overhead_ms %.3f ms goal <= %.1f %s\n", ms, GOAL_MS,
                 ms <= GOAL_MS ? "ok" : "short");
    return 0;
}
