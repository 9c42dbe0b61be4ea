/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sampler.h"

#include "crypto/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PPM 1000000.0
/* Part of the rejected mass that may be dropped unsorted; below 1 so that rounding cannot matter.
 */
#define DROP_MARGIN 0.5

typedef struct candidate {
    float logit;
    int32_t token;
    double weight;
} candidate;

typedef struct token_window {
    int32_t tokens[AVER_SAMPLER_WINDOW];
    size_t count; /* at most AVER_SAMPLER_WINDOW */
    size_t next;
} token_window;

struct aver_sampler {
    uint32_t vocabulary_size;
    aver_sampling sampling;
    token_window seen; /* prompt and generated */
    token_window generated;
    float *logits; /* after penalties */
    candidate *candidates;
};

aver_err aver_sampler_new(uint32_t vocabulary_size, const aver_sampling *sampling,
                          aver_sampler **ret_sampler)
{
    aver_sampler *sampler = calloc(1, sizeof(*sampler));
    if (sampler == NULL) {
        return AVER_E_NOMEM;
    }
    sampler->vocabulary_size = vocabulary_size;
    sampler->sampling = *sampling;
    sampler->logits = calloc((size_t)vocabulary_size + 1, sizeof(*sampler->logits));
    sampler->candidates = calloc((size_t)vocabulary_size + 1, sizeof(*sampler->candidates));
    if (sampler->logits == NULL || sampler->candidates == NULL) {
        aver_sampler_free(sampler);
        return AVER_E_NOMEM;
    }
    *ret_sampler = sampler;
    return AVER_OK;
}

void aver_sampler_free(aver_sampler *sampler)
{
    if (sampler != NULL) {
        free(sampler->logits);
        free(sampler->candidates);
        free(sampler);
    }
}

static void window_put(token_window *window, int32_t token)
{
    window->tokens[window->next] = token;
    window->next = (window->next + 1) % AVER_SAMPLER_WINDOW;
    window->count += window->count < AVER_SAMPLER_WINDOW ? 1 : 0;
}

void aver_sampler_accept(aver_sampler *sampler, int32_t token, bool generated)
{
    if (token < 0 || (uint32_t)token >= sampler->vocabulary_size) {
        return;
    }
    window_put(&sampler->seen, token);
    if (generated) {
        window_put(&sampler->generated, token);
    }
}

static bool window_seen_before(const token_window *window, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (window->tokens[i] == window->tokens[index]) {
            return true;
        }
    }
    return false;
}

static size_t window_occurrences(const token_window *window, int32_t token)
{
    size_t count = 0;
    for (size_t i = 0; i < window->count; i++) {
        count += window->tokens[i] == token ? 1 : 0;
    }
    return count;
}

static bool sampler_penalises(const aver_sampling *sampling)
{
    return sampling->repetition_penalty_ppm != 1000000 || sampling->frequency_penalty_ppm != 0 ||
           sampling->presence_penalty_ppm != 0;
}

/* Copies the logits and lowers those of tokens in the windows. */
static void sampler_penalise(aver_sampler *sampler, const float *logits)
{
    const aver_sampling *sampling = &sampler->sampling;
    memcpy(sampler->logits, logits, sampler->vocabulary_size * sizeof(*logits));
    float repetition = (float)(sampling->repetition_penalty_ppm / PPM);
    for (size_t i = 0; i < sampler->seen.count; i++) {
        float *logit = &sampler->logits[sampler->seen.tokens[i]];
        if (!window_seen_before(&sampler->seen, i)) {
            *logit = *logit > 0.0F ? *logit / repetition : *logit * repetition;
        }
    }
    double frequency = sampling->frequency_penalty_ppm / PPM;
    double presence = sampling->presence_penalty_ppm / PPM;
    for (size_t i = 0; i < sampler->generated.count; i++) {
        int32_t token = sampler->generated.tokens[i];
        if (!window_seen_before(&sampler->generated, i)) {
            double count = (double)window_occurrences(&sampler->generated, token);
            double logit = (double)sampler->logits[token];
            sampler->logits[token] = (float)(logit - count * frequency - presence);
        }
    }
}

/* The highest finite logit, ties to the lowest id; -1 if none is finite. */
static int32_t sampler_greedy(const float *logits, uint32_t count)
{
    int32_t best = -1;
    float highest = -INFINITY;
    for (uint32_t i = 0; i < count; i++) {
        /* NaN compares false with everything; the infinities are passed over by the bounds. */
        if (logits[i] > highest && logits[i] < INFINITY) {
            highest = logits[i];
            best = (int32_t)i;
        }
    }
    return best;
}

/* True if a stands before b in the order of candidates. */
static bool candidate_before(const candidate *a, const candidate *b)
{
    return a->logit > b->logit || (!(a->logit < b->logit) && a->token < b->token);
}

static void heap_sink(candidate *heap, size_t count, size_t at)
{
    candidate moved = heap[at];
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && candidate_before(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!candidate_before(&heap[child], &moved)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

static void heap_build(candidate *heap, size_t count)
{
    for (size_t i = count / 2; i > 0; i--) {
        heap_sink(heap, count, i - 1);
    }
}

/* Swaps the first of count candidates behind the others. */
static const candidate *heap_pop(candidate *heap, size_t count)
{
    candidate first = heap[0];
    heap[0] = heap[count - 1];
    heap[count - 1] = first;
    heap_sink(heap, count - 1, 0);
    return &heap[count - 1];
}

/* Finite logits only, in order of id, with their weights relative to the highest; the sum of
 * weights. */
static size_t sampler_weigh(aver_sampler *sampler, const float *logits, float highest,
                            double *ret_sum)
{
    double scale = PPM / (double)sampler->sampling.temperature_ppm;
    double sum = 0.0;
    size_t count = 0;
    for (uint32_t i = 0; i < sampler->vocabulary_size; i++) {
        if (logits[i] > -INFINITY && logits[i] < INFINITY) {
            double weight = aver_sampler_exp(((double)logits[i] - (double)highest) * scale);
            sampler->candidates[count++] = (candidate){logits[i], (int32_t)i, weight};
            sum += weight;
        }
    }
    *ret_sum = sum;
    return count;
}

/* Moves the k first candidates, in order, to the front of the array; gives their sum in that order.
 */
static size_t sampler_top_k(candidate *candidates, size_t count, size_t k, double *ret_sum)
{
    k = k < count ? k : count;
    heap_build(candidates, count);
    for (size_t i = 0; i < k; i++) {
        (void)heap_pop(candidates, count - i);
    }
    /* The chosen lie at the end, last first. */
    for (size_t i = 0; i < count / 2; i++) {
        candidate swapped = candidates[i];
        candidates[i] = candidates[count - 1 - i];
        candidates[count - 1 - i] = swapped;
    }
    double sum = 0.0;
    for (size_t i = 0; i < k; i++) {
        sum += candidates[i].weight;
    }
    *ret_sum = sum;
    return k;
}

/* Drops what top_p and min_p reject for certain, so that less is left to sort. */
static size_t sampler_drop(const aver_sampling *sampling, candidate *candidates, size_t count,
                           double sum)
{
    double rejected = sum * (double)(1000000 - sampling->top_p_ppm) / PPM;
    double least_p = rejected * DROP_MARGIN / (double)count;
    double least_m = sampling->min_p_ppm / PPM;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (candidates[i].weight >= least_p && candidates[i].weight >= least_m) {
            candidates[kept++] = candidates[i];
        }
    }
    return kept;
}

/* Walks candidates in order until top_p of sum is reached or min_p fails; they lie at the array's
 * front afterwards. */
static size_t sampler_top_p(const aver_sampling *sampling, candidate *candidates, size_t count,
                            double sum, double *ret_sum)
{
    double enough = sum * ((double)sampling->top_p_ppm / PPM);
    double least = sampling->min_p_ppm / PPM;
    double reached = 0.0;
    size_t kept = 0;
    heap_build(candidates, count);
    while (kept < count) {
        const candidate *next = heap_pop(candidates, count - kept);
        if (kept > 0 &&
            (next->weight < least || (sampling->top_p_ppm < 1000000 && reached >= enough))) {
            break;
        }
        reached += next->weight;
        kept++;
    }
    for (size_t i = 0; i < count / 2; i++) {
        candidate swapped = candidates[i];
        candidates[i] = candidates[count - 1 - i];
        candidates[count - 1 - i] = swapped;
    }
    *ret_sum = reached;
    return kept;
}

/* In [0, 1): the top 53 bits of the hash. */
static double sampler_uniform(uint64_t seed, uint64_t step)
{
    uint8_t numbers[16];
    uint8_t digest[AVER_SHA256_BYTES];
    aver_be64_write(numbers, seed);
    aver_be64_write(numbers + 8, step);
    aver_sha256_tagged("aver/draw/1", AVER_VIEW_OF(numbers), (aver_view){NULL, 0}, digest);
    return (double)(aver_be64_read(digest) >> 11) * 0x1p-53;
}

/* The first candidate at which the running sum passes the drawn share of sum. */
static int32_t sampler_pick(const candidate *candidates, size_t count, double target)
{
    double reached = 0.0;
    int32_t token = candidates[0].token;
    for (size_t i = 0; i < count; i++) {
        if (candidates[i].weight > 0.0) {
            token = candidates[i].token;
        }
        reached += candidates[i].weight;
        if (reached > target) {
            break;
        }
    }
    return token;
}

static int32_t sampler_random(aver_sampler *sampler, const float *logits, float highest,
                              uint64_t step)
{
    const aver_sampling *sampling = &sampler->sampling;
    candidate *candidates = sampler->candidates;
    double sum = 0.0;
    size_t count = sampler_weigh(sampler, logits, highest, &sum);
    if (sampling->top_k != 0 && sampling->top_k < count) {
        count = sampler_top_k(candidates, count, sampling->top_k, &sum);
    }
    if (sampling->top_p_ppm < 1000000 || sampling->min_p_ppm != 0) {
        count = sampler_drop(sampling, candidates, count, sum);
        count = sampler_top_p(sampling, candidates, count, sum, &sum);
    }
    return sampler_pick(candidates, count, sampler_uniform(sampling->seed, step) * sum);
}

aver_err aver_sampler_draw(aver_sampler *sampler, const float *logits, uint64_t step,
                           int32_t *ret_token)
{
    if (sampler_penalises(&sampler->sampling)) {
        sampler_penalise(sampler, logits);
        logits = sampler->logits;
    }
    int32_t best = sampler_greedy(logits, sampler->vocabulary_size);
    if (best < 0) {
        return AVER_E_FORMAT;
    }
    if (sampler->sampling.temperature_ppm != 0) {
        best = sampler_random(sampler, logits, logits[best], step);
    }
    *ret_token = best;
    return AVER_OK;
}
