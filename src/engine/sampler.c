/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sampler.h"

#include "crypto/hash.h"
#include "engine/sampler_best.h"
#include "engine/sampler_exp.h"
#include "engine/sampler_select.h"
#include "engine/sampler_space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PPM 1000000.0
/* Part of the rejected mass that may be dropped unsorted; below 1 so that rounding cannot matter.
 */
#define DROP_MARGIN 0.5
#define SUM_LANES   8

typedef aver_sampler_candidate candidate;

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
    aver_sampler_space *space; /* of the draw under way */
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
    aver_sampler_space_join();
    *ret_sampler = sampler;
    return AVER_OK;
}

void aver_sampler_free(aver_sampler *sampler)
{
    if (sampler != NULL) {
        aver_sampler_space_leave();
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
    float *penalised = sampler->space->logits;
    memcpy(penalised, logits, sampler->vocabulary_size * sizeof(*logits));
    float repetition = (float)(sampling->repetition_penalty_ppm / PPM);
    for (size_t i = 0; i < sampler->seen.count; i++) {
        float *logit = &penalised[sampler->seen.tokens[i]];
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
            double logit = (double)penalised[token];
            penalised[token] = (float)(logit - count * frequency - presence);
        }
    }
}

static void heap_sink(candidate *heap, size_t count, size_t at)
{
    candidate moved = heap[at];
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && aver_sampler_before(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!aver_sampler_before(&heap[child], &moved)) {
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

static size_t sampler_top_k(aver_sampler *sampler, const float *logits, float highest,
                            double *ret_sum)
{
    double scale = PPM / (double)sampler->sampling.temperature_ppm;
    candidate *candidates = sampler->space->candidates;
    size_t count =
        aver_sampler_select(logits, sampler->vocabulary_size, sampler->sampling.top_k, candidates);
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        double x = ((double)candidates[i].logit - (double)highest) * scale;
        candidates[i].weight = aver_sampler_exp(x);
        sum += candidates[i].weight;
    }
    *ret_sum = sum;
    return count;
}

/* What top_p and min_p do not reject for certain, so that less is left to sort. */
static size_t sampler_gather(aver_sampler *sampler, const float *logits, double sum)
{
    const aver_sampling *sampling = &sampler->sampling;
    const aver_sampler_space *space = sampler->space;
    double rejected = sum * (double)(1000000 - sampling->top_p_ppm) / PPM;
    double least = rejected * DROP_MARGIN / (double)sampler->vocabulary_size;
    double least_m = sampling->min_p_ppm / PPM;
    return aver_sampler_gather(logits, space->weights, sampler->vocabulary_size,
                               least > least_m ? least : least_m, space->candidates);
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
static double sampler_uniform(const char *tag, uint64_t seed, uint64_t step)
{
    uint8_t numbers[16];
    uint8_t digest[AVER_SHA256_BYTES];
    aver_be64_write(numbers, seed);
    aver_be64_write(numbers + 8, step);
    aver_sha256_tagged(tag, AVER_VIEW_OF(numbers), (aver_view){NULL, 0}, digest);
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

/* The same over all weights in order of id. */
static int32_t sampler_pick_any(const double *weights, uint32_t size, double target)
{
    double reached = 0.0;
    int32_t token = 0;
    for (uint32_t i = 0; i < size; i++) {
        if (weights[i] > 0.0) {
            token = (int32_t)i;
            reached += weights[i];
            if (reached > target) {
                break;
            }
        }
    }
    return token;
}

/* Eight sums side by side, element i going to sum i mod 8, then added pairwise: one fixed order,
 * and a fast one. */
static double sampler_sum(const double *weights, uint32_t size)
{
    double lanes[SUM_LANES] = {0};
    uint32_t whole = size / SUM_LANES * SUM_LANES;
    for (uint32_t i = 0; i < whole; i += SUM_LANES) {
        for (uint32_t lane = 0; lane < SUM_LANES; lane++) {
            lanes[lane] += weights[i + lane];
        }
    }
    for (uint32_t i = whole; i < size; i++) {
        lanes[i % SUM_LANES] += weights[i];
    }
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
           ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

static int32_t sampler_random(aver_sampler *sampler, const float *logits, float highest,
                              const char *tag, uint64_t step)
{
    const aver_sampling *sampling = &sampler->sampling;
    candidate *candidates = sampler->space->candidates;
    double uniform = sampler_uniform(tag, sampling->seed, step);
    bool cuts = sampling->top_p_ppm < 1000000 || sampling->min_p_ppm != 0;
    double sum = 0.0;
    size_t count = 0;
    if (sampling->top_k != 0 && sampling->top_k < sampler->vocabulary_size) {
        count = sampler_top_k(sampler, logits, highest, &sum);
    } else {
        double scale = PPM / (double)sampling->temperature_ppm;
        double *weights = sampler->space->weights;
        aver_sampler_weigh(logits, sampler->vocabulary_size, highest, scale, weights);
        sum = sampler_sum(weights, sampler->vocabulary_size);
        if (!cuts) {
            return sampler_pick_any(weights, sampler->vocabulary_size, uniform * sum);
        }
        count = sampler_gather(sampler, logits, sum);
    }
    if (cuts) {
        count = sampler_top_p(sampling, candidates, count, sum, &sum);
    }
    return sampler_pick(candidates, count, uniform * sum);
}

/* allowed: NULL, or by token whether it is a candidate. */
static aver_err sampler_draw(aver_sampler *sampler, const float *logits, const bool *allowed,
                             const char *tag, uint64_t step, int32_t *ret_token)
{
    bool copies = allowed != NULL || sampler_penalises(&sampler->sampling);
    bool random = sampler->sampling.temperature_ppm != 0;
    aver_err err = AVER_OK;
    if (copies || random) {
        err = aver_sampler_space_take(sampler->vocabulary_size, &sampler->space);
        if (err != AVER_OK) {
            return err;
        }
    }
    if (copies) {
        sampler_penalise(sampler, logits);
        logits = sampler->space->logits;
    }
    for (uint32_t i = 0; allowed != NULL && i < sampler->vocabulary_size; i++) {
        sampler->space->logits[i] = allowed[i] ? sampler->space->logits[i] : -INFINITY;
    }
    int32_t best = aver_sampler_best(logits, sampler->vocabulary_size);
    if (best < 0) {
        err = AVER_E_FORMAT;
    } else {
        *ret_token = random ? sampler_random(sampler, logits, logits[best], tag, step) : best;
    }
    aver_sampler_space_give(sampler->space);
    sampler->space = NULL;
    return err;
}

aver_err aver_sampler_draw(aver_sampler *sampler, const float *logits, uint64_t step,
                           int32_t *ret_token)
{
    return sampler_draw(sampler, logits, NULL, "aver/draw/1", step, ret_token);
}

aver_err aver_sampler_redraw(aver_sampler *sampler, const float *logits, const bool *allowed,
                             uint64_t step, int32_t *ret_token)
{
    return sampler_draw(sampler, logits, allowed, "aver/redraw/1", step, ret_token);
}
