/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attest: how long a judgement of real evidence takes, family by family: cold, with nothing known,
 * and warm, with certificates and collateral in the cache. Beside it, in the same run:
 *
 *   floor   the plain OpenSSL operations that the format demands, with keys already made: cold the
 *           signatures of the path, the lists, the collateral and the evidence; warm those that
 *           only this evidence has
 *   peer    the npm package @phala/dcap-qvl where it can judge the same bytes
 *
 * Rounds of all take turns, medians count. One thread. Evidence comes from AVER_SHARED; SKIP
 * without it.
 *
 *   bench-attest [FAMILY]
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "aver/attest.h"
#include "base/sys.h"
#include "cli/manifest.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS      31
#define WARM_TIMES  8 /* judgements of a warm round, which is short */
#define PEER_ROUNDS 9
#define NS_OF_MS    1e6

/* How often each operation is demanded. */
typedef struct floor_count {
    unsigned p256, p384, rsa4096, rsa2048;
} floor_count;

typedef struct bench_case {
    const char *name;
    const char *id; /* of the manifest */
    floor_count cold, warm;
    double cold_goal_ms, warm_goal_ms; /* 0: none */
    bool peer;
} bench_case;

/*
 * DCAP cold: PCK and its issuer, TCB signer, two lists, TCB info, QE identity, QE report, quote.
 * Nitro cold: leaf and its three issuers below the root, the document.
 * SNP cold: VCEK and ASK by RSA-4096, the report.
 */
static const bench_case cases[] = {
    {"sgx", "sgx/v3-00a067110000-dcap-qvl", {.p256 = 9}, {.p256 = 2}, 0.8, 0.15, true},
    {"tdx", "tdx/v4-00806f050000-go-tpm-tools", {.p256 = 9}, {.p256 = 2}, 0.8, 0.15, true},
    {"tdx5", "tdx/v5-90c06f000000-go-tdx-guest", {.p256 = 9}, {.p256 = 2}, 0.8, 0.15, true},
    {"nitro", "nitro/20251110-fastcrypto", {.p384 = 5}, {.p384 = 1}, 3.0, 0.6, false},
    {"snp", "snp/v3-milan-vcek-trustee", {.p384 = 1, .rsa4096 = 2}, {.p384 = 1}, 0.9, 0, false},
    {"nvidia", "nvidia/gh100-attestation-sdk", {.p384 = 5}, {.p384 = 1}, 0, 0, false},
    {"azure",
     "azure/snp-milan-trustee-v1",
     {.p384 = 1, .rsa4096 = 2, .rsa2048 = 1},
     {.p384 = 1, .rsa2048 = 1},
     0,
     0,
     false},
    {"cca", "cca/tf-rmm-ccatoken", {.p384 = 2}, {.p384 = 2}, 0, 0, false},
};

enum { CASES = sizeof cases / sizeof cases[0] };

/* One operation with everything ready but its inputs' arithmetic. */
typedef struct floor_keys {
    EC_KEY *ec[2]; /* P-256, P-384 */
    ECDSA_SIG *signatures[2];
    EVP_PKEY *rsa[2]; /* 4096, 2048 */
    uint8_t rsa_signatures[2][512];
    size_t rsa_sizes[2];
    uint8_t digest[48];
} floor_keys;

static void must(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "bench-attest: %s\n", what);
        exit(1);
    }
}

static void floor_make_rsa(floor_keys *keys, size_t i, unsigned bits)
{
    keys->rsa[i] = EVP_RSA_gen(bits);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(keys->rsa[i], NULL);
    keys->rsa_sizes[i] = sizeof keys->rsa_signatures[i];
    must(context != NULL && EVP_PKEY_sign_init(context) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_signature_md(context, EVP_sha384()) == 1 &&
             EVP_PKEY_sign(context, keys->rsa_signatures[i], &keys->rsa_sizes[i], keys->digest,
                           48) == 1,
         "RSA");
    EVP_PKEY_CTX_free(context);
}

static void floor_make(floor_keys *keys)
{
    static const int curves[] = {NID_X9_62_prime256v1, NID_secp384r1};
    memset(keys->digest, 7, sizeof keys->digest);
    for (size_t i = 0; i < 2; i++) {
        keys->ec[i] = EC_KEY_new_by_curve_name(curves[i]);
        must(keys->ec[i] != NULL && EC_KEY_generate_key(keys->ec[i]) == 1, "EC");
        keys->signatures[i] = ECDSA_do_sign(keys->digest, i == 0 ? 32 : 48, keys->ec[i]);
        must(keys->signatures[i] != NULL, "ECDSA");
    }
    floor_make_rsa(keys, 0, 4096);
    floor_make_rsa(keys, 1, 2048);
}

static void floor_free(floor_keys *keys)
{
    for (size_t i = 0; i < 2; i++) {
        EC_KEY_free(keys->ec[i]);
        ECDSA_SIG_free(keys->signatures[i]);
        EVP_PKEY_free(keys->rsa[i]);
    }
}

static void floor_rsa(const floor_keys *keys, size_t i)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(keys->rsa[i], NULL);
    must(context != NULL && EVP_PKEY_verify_init(context) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_signature_md(context, EVP_sha384()) == 1 &&
             EVP_PKEY_verify(context, keys->rsa_signatures[i], keys->rsa_sizes[i], keys->digest,
                             48) == 1,
         "RSA verification");
    EVP_PKEY_CTX_free(context);
}

static double floor_round(const floor_keys *keys, const floor_count *count)
{
    uint64_t start = aver_time_monotonic_ns();
    for (unsigned i = 0; i < count->p256; i++) {
        must(ECDSA_do_verify(keys->digest, 32, keys->signatures[0], keys->ec[0]) == 1, "P-256");
    }
    for (unsigned i = 0; i < count->p384; i++) {
        must(ECDSA_do_verify(keys->digest, 48, keys->signatures[1], keys->ec[1]) == 1, "P-384");
    }
    for (unsigned i = 0; i < count->rsa4096; i++) {
        floor_rsa(keys, 0);
    }
    for (unsigned i = 0; i < count->rsa2048; i++) {
        floor_rsa(keys, 1);
    }
    return (double)(aver_time_monotonic_ns() - start) / NS_OF_MS;
}

static double judge_round(const aver_manifest_case *loaded, aver_attest_cache *cache,
                          unsigned times)
{
    static aver_verdict verdict;
    static aver_claims claims;
    aver_attest_input input = loaded->input;
    input.cache = cache;
    /* Of the makers, by their digests, as every reader has them. Emulators have none. */
    input.roots.given_count = 0;
    uint64_t start = aver_time_monotonic_ns();
    for (unsigned i = 0; i < times; i++) {
        bool readable = false;
        aver_verdict_init(&verdict);
        must(aver_attest_judge(loaded->family, &input, &verdict, &claims, &readable) == AVER_OK &&
                 aver_attest_holds(loaded->family, input.signature_only, &verdict),
             loaded->id);
    }
    return (double)(aver_time_monotonic_ns() - start) / NS_OF_MS / times;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof values[0], compare);
    return values[count / 2];
}

/* What a program writes into its standard output, up to the size; false if it fails. */
static bool peer_read(char *const *words, char *ret_text, size_t size)
{
    int ends[2];
    pid_t pid = 0;
    size_t got = 0;
    int status = 1;
    posix_spawn_file_actions_t actions;
    must(pipe(ends) == 0 && posix_spawn_file_actions_init(&actions) == 0 &&
             posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) == 0 &&
             posix_spawn_file_actions_addclose(&actions, ends[0]) == 0,
         "pipe");
    bool started = posix_spawnp(&pid, words[0], &actions, NULL, words, environ) == 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    for (ssize_t more = 1; started && more > 0 && got + 1 < size; got += (size_t)more) {
        more = read(ends[0], ret_text + got, size - 1 - got);
        more = more < 0 ? 0 : more;
    }
    ret_text[got] = '\0';
    (void)close(ends[0]);
    return started && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* Median milliseconds of the peer on the same files, or 0 if it cannot be had. */
static double peer_run(const char *manifest, const char *id)
{
    char modules[1024], script[1024], rounds[16], name[1024], file[1024], text[64];
    const char *peer = getenv("AVER_PEER_DCAP");
    const char *source = getenv("AVER_SOURCE");
    char node[] = "node";
    char *const words[] = {node, script, file, name, rounds, NULL};
    if (peer == NULL || peer[0] == '\0' || source == NULL) {
        return 0;
    }
    (void)snprintf(modules, sizeof modules, "%s/node_modules", peer);
    (void)snprintf(script, sizeof script, "%s/bench/attest_peer.cjs", source);
    (void)snprintf(rounds, sizeof rounds, "%d", PEER_ROUNDS);
    (void)snprintf(name, sizeof name, "%s", id);
    (void)snprintf(file, sizeof file, "%s", manifest);
    must(setenv("NODE_PATH", modules, 1) == 0, "setenv");
    return peer_read(words, text, sizeof text) ? strtod(text, NULL) : 0;
}

static void figure(const char *name, const char *what, double value, const char *unit, double goal)
{
    (void)printf("figure attest_%s_%s %.3f %s goal <= %.2f %s\n", name, what, value, unit, goal,
                 value <= goal ? "ok" : "short");
}

static void case_run(const bench_case *one, const aver_manifest *manifest, const char *path,
                     const floor_keys *keys)
{
    aver_manifest_case loaded;
    aver_attest_cache *cache = NULL;
    char why[AVER_MANIFEST_WHY_BYTES] = "not in the manifest";
    double cold[ROUNDS], warm[ROUNDS], floor_cold[ROUNDS], floor_warm[ROUNDS];
    size_t index = 0;
    while (index < aver_manifest_count(manifest) &&
           strcmp(aver_manifest_id(manifest, index), one->id) != 0) {
        index++;
    }
    if (index == aver_manifest_count(manifest) ||
        aver_manifest_load(manifest, index, 0, &loaded, why) != AVER_OK) {
        (void)printf("SKIP %s: %s\n", one->id, why);
        return;
    }
    must(aver_attest_cache_new(64, &cache) == AVER_OK, "cache");
    (void)judge_round(&loaded, cache, 1);
    for (size_t i = 0; i < ROUNDS; i++) {
        cold[i] = judge_round(&loaded, NULL, 1);
        floor_cold[i] = floor_round(keys, &one->cold);
        warm[i] = judge_round(&loaded, cache, WARM_TIMES);
        floor_warm[i] = floor_round(keys, &one->warm);
    }
    double cold_ms = median(cold, ROUNDS);
    double warm_ms = median(warm, ROUNDS);
    double cold_floor_ms = median(floor_cold, ROUNDS);
    double warm_floor_ms = median(floor_warm, ROUNDS);
    double peer_ms = one->peer ? peer_run(path, one->id) : 0;
    (void)printf("%-7s cold %.3f ms, %.2f x its floor of %.3f; warm %.3f ms, %.2f x its floor of "
                 "%.3f",
                 one->name, cold_ms, cold_ms / cold_floor_ms, cold_floor_ms, warm_ms,
                 warm_ms / warm_floor_ms, warm_floor_ms);
    if (peer_ms > 0) {
        (void)printf("; peer %.2f ms, %.0f x cold, %.0f x warm", peer_ms, peer_ms / cold_ms,
                     peer_ms / warm_ms);
    }
    (void)printf("\n");
    if (one->cold_goal_ms > 0) {
        figure(one->name, "cold", cold_ms, "ms", one->cold_goal_ms);
    }
    if (one->warm_goal_ms > 0) {
        figure(one->name, "warm", warm_ms, "ms", one->warm_goal_ms);
    }
    figure(one->name, "warm_floor", warm_ms / warm_floor_ms, "x", 1.3);
    aver_attest_cache_free(cache);
    aver_manifest_unload(&loaded);
}

int main(int argc, char **argv)
{
    const char *shared = getenv("AVER_SHARED");
    char path[1024];
    floor_keys keys = {0};
    aver_cli cli = {0};
    aver_manifest manifest;
    (void)snprintf(path, sizeof path, "%s/vectors/manifest.json",
                   shared != NULL ? shared : "../shared");
    aver_buf probe;
    aver_buf_init(&probe, (size_t)64 << 20);
    aver_err err = aver_file_read(path, (size_t)64 << 20, &probe);
    aver_buf_deinit(&probe);
    if (err != AVER_OK) {
        (void)printf("SKIP: no evidence of real hardware in AVER_SHARED\n");
        return 0;
    }
    must(aver_manifest_open(&cli, path, &manifest) == AVER_EXIT_DONE,
         "the manifest cannot be read");
    floor_make(&keys);
    for (size_t i = 0; i < CASES; i++) {
        if (argc < 2 || strcmp(argv[1], cases[i].name) == 0) {
            case_run(&cases[i], &manifest, path, &keys);
        }
    }
    floor_free(&keys);
    aver_manifest_close(&manifest);
    return 0;
}
