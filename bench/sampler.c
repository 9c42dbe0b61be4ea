/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler: the choice of the top k of a whole vocabulary, with vector instructions and without, and
 * by llama.cpp's own sampler chain of top-k alone, over the same logits. The chain begins, as a
 * server's does at each token, with the list of all candidates, which it then sorts in part.
 *
 *   bench-sampler [vocabulary]
 */
#include "base/sys.h"
#include "engine/sampler_select.h"

#include <llama.h>
#include <stdio.h>
#include <stdlib.h>

#define VOCABULARY     128256u
#define VOCABULARY_MAX 4194304u
#define ROWS           8u /* of logits, taken in turn */
#define ROUNDS         31
#define DRAWS          40u /* a round */
#define GOAL_SCALAR    1.5
#define GOAL_PEER      1.0

enum { WAY_VECTOR, WAY_SCALAR, WAY_PEER, WAYS };

typedef struct sampler_bench {
    uint32_t size;
    int32_t k;
    float *logits;
    aver_sampler_candidate *candidates;
    llama_token_data *peer_data;
    llama_token_data_array peer;
    struct llama_sampler *chain;
    double sink; /* so that nothing is chosen in vain */
} sampler_bench;

static _Noreturn void bench_die(const char *what)
{
    (void)fprintf(stderr, "bench-sampler: %s\n", what);
    exit(1);
}

/* Sums of random numbers: near the bell shape that logits have. */
static void bench_fill(sampler_bench *bench)
{
    uint64_t state = UINT64_C(88172645463325252);
    for (size_t i = 0; i < (size_t)ROWS * bench->size; i++) {
        float sum = 0.0F;
        for (unsigned part = 0; part < 6; part++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            sum += (float)(state >> 40) * 0x1p-24F;
        }
        bench->logits[i] = (sum - 3.0F) * 4.0F;
    }
}

static void bench_peer(sampler_bench *bench, const float *logits)
{
    for (uint32_t i = 0; i < bench->size; i++) {
        bench->peer_data[i] = (llama_token_data){(llama_token)i, logits[i], 0.0F};
    }
    bench->peer = (llama_token_data_array){bench->peer_data, bench->size, -1, false};
    llama_sampler_apply(bench->chain, &bench->peer);
}

static void bench_choose(sampler_bench *bench, int way, const float *logits)
{
    size_t k = (size_t)bench->k;
    if (way == WAY_PEER) {
        bench_peer(bench, logits);
        bench->sink += (double)bench->peer.data[0].logit;
        return;
    }
    size_t count = way == WAY_VECTOR
                       ? aver_sampler_select(logits, bench->size, k, bench->candidates)
                       : aver_sampler_select_scalar(logits, bench->size, k, bench->candidates);
    bench->sink += (double)bench->candidates[count - 1].logit;
}

/* All three must choose the same logits, or their times say nothing. */
static void bench_agree(sampler_bench *bench)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        const float *logits = bench->logits + (size_t)row * bench->size;
        bench_peer(bench, logits);
        for (int way = WAY_VECTOR; way <= WAY_SCALAR; way++) {
            bench_choose(bench, way, logits);
            for (int32_t i = 0; i < bench->k; i++) {
                if (bench->candidates[i].logit != bench->peer.data[i].logit) {
                    bench_die("the choices differ");
                }
            }
        }
    }
}

static double bench_round(sampler_bench *bench, int way)
{
    uint64_t start = aver_time_monotonic_ns();
    for (uint32_t draw = 0; draw < DRAWS; draw++) {
        bench_choose(bench, way, bench->logits + (size_t)(draw % ROWS) * bench->size);
    }
    return (double)(aver_time_monotonic_ns() - start) / 1000.0 / DRAWS;
}

static int double_compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void bench_measure(sampler_bench *bench, double ret_medians_us[WAYS])
{
    double values[WAYS][ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++) {
        for (int way = 0; way < WAYS; way++) {
            values[way][i] = bench_round(bench, way);
        }
    }
    for (int way = 0; way < WAYS; way++) {
        qsort(values[way], ROUNDS, sizeof(double), double_compare);
        ret_medians_us[way] = values[way][ROUNDS / 2];
    }
}

static void bench_k(sampler_bench *bench, int32_t k)
{
    double us[WAYS];
    bench->k = k;
    bench->chain = llama_sampler_chain_init(llama_sampler_chain_default_params());
    llama_sampler_chain_add(bench->chain, llama_sampler_init_top_k(k));
    bench_agree(bench);
    bench_measure(bench, us);
    llama_sampler_free(bench->chain);
    double scalar = us[WAY_SCALAR] / us[WAY_VECTOR];
    double peer = us[WAY_PEER] / us[WAY_VECTOR];
    (void)printf("top %d of %u: vector %.1f us, scalar %.1f us, llama.cpp %.1f us\n", (int)k,
                 bench->size, us[WAY_VECTOR], us[WAY_SCALAR], us[WAY_PEER]);
    (void)printf("figure sampler_select_ratio_top%d %.2f x goal >= %.1f %s\n", (int)k, scalar,
                 GOAL_SCALAR, scalar >= GOAL_SCALAR ? "ok" : "short");
    (void)printf("figure sampler_peer_ratio_top%d %.2f x goal >= %.1f %s\n", (int)k, peer,
                 GOAL_PEER, peer >= GOAL_PEER ? "ok" : "short");
}

int main(int argc, char **argv)
{
    sampler_bench bench = {.size = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : VOCABULARY};
    if (bench.size < 256 || bench.size > VOCABULARY_MAX) {
        bench_die("a vocabulary of 256 to 4194304 tokens");
    }
    bench.logits = malloc((size_t)ROWS * bench.size * sizeof(*bench.logits));
    bench.candidates = malloc(bench.size * sizeof(*bench.candidates));
    bench.peer_data = malloc(bench.size * sizeof(*bench.peer_data));
    if (bench.logits == NULL || bench.candidates == NULL || bench.peer_data == NULL) {
        bench_die("no memory");
    }
    bench_fill(&bench);
    bench_k(&bench, 1);
    bench_k(&bench, 40);
    bench_k(&bench, 200);
    free(bench.peer_data);
    free(bench.candidates);
    free(bench.logits);
    return bench.sink > 0.0 ? 0 : 1;
}
