/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sampler_select.h"

#include <math.h>

typedef aver_sampler_candidate candidate;

/* A heap of at most k candidates whose first element stands last in their order. */
typedef struct select_heap {
    candidate *items;
    size_t count;
    size_t k;
} select_heap;

/* Puts moved where the first of the heap stood. */
static void heap_replace_worst(select_heap *heap, candidate moved)
{
    size_t at = 0;
    for (size_t child = 1; child < heap->count; child = 2 * at + 1) {
        if (child + 1 < heap->count &&
            aver_sampler_before(&heap->items[child], &heap->items[child + 1])) {
            child++;
        }
        if (!aver_sampler_before(&moved, &heap->items[child])) {
            break;
        }
        heap->items[at] = heap->items[child];
        at = child;
    }
    heap->items[at] = moved;
}

static void heap_put(select_heap *heap, candidate added)
{
    size_t at = heap->count++;
    for (size_t parent = (at - 1) / 2; at > 0 && aver_sampler_before(&heap->items[parent], &added);
         parent = (at - 1) / 2) {
        heap->items[at] = heap->items[parent];
        at = parent;
    }
    heap->items[at] = added;
}

/* The order is total, so the result does not depend on the way it is reached. */
static size_t heap_sort(select_heap *heap)
{
    size_t count = heap->count;
    while (heap->count > 1) {
        candidate worst = heap->items[0];
        heap->count--;
        heap_replace_worst(heap, heap->items[heap->count]);
        heap->items[heap->count] = worst;
    }
    return count;
}

/* Takes a logit that is finite and better than the worst kept. In order of id the later of equals
 * loses. */
static inline void heap_offer(select_heap *heap, float logit, uint32_t token)
{
    if (!(logit > -INFINITY && logit < INFINITY)) {
        return;
    }
    if (heap->count < heap->k) {
        heap_put(heap, (candidate){logit, (int32_t)token, 0.0});
    } else if (logit > heap->items[0].logit) {
        heap_replace_worst(heap, (candidate){logit, (int32_t)token, 0.0});
    }
}

size_t aver_sampler_select_scalar(const float *logits, uint32_t size, size_t k,
                                  candidate *ret_candidates)
{
    select_heap heap = {.items = ret_candidates, .k = k};
    for (uint32_t i = 0; i < size && k > 0; i++) {
        heap_offer(&heap, logits[i], i);
    }
    return heap_sort(&heap);
}

static size_t gather_range(const float *logits, const double *weights, uint32_t from, uint32_t to,
                           double least, candidate *ret_candidates)
{
    size_t count = 0;
    for (uint32_t i = from; i < to; i++) {
        if (weights[i] >= least && weights[i] > 0.0) {
            ret_candidates[count++] = (candidate){logits[i], (int32_t)i, weights[i]};
        }
    }
    return count;
}

size_t aver_sampler_gather_scalar(const float *logits, const double *weights, uint32_t size,
                                  double least, candidate *ret_candidates)
{
    return gather_range(logits, weights, 0, size, least, ret_candidates);
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define LANES 8u
#define BLOCK (4u * LANES)

/* Which of 32 logits are above the bar, one bit each; NaN never is. */
__attribute__((target("avx2"))) static inline uint32_t above_avx2(const float *logits, __m256 bar)
{
    __m256 above[BLOCK / LANES];
    for (uint32_t i = 0; i < BLOCK / LANES; i++) {
        above[i] = _mm256_cmp_ps(_mm256_loadu_ps(logits + (size_t)i * LANES), bar, _CMP_GT_OQ);
    }
    __m256 any = _mm256_or_ps(_mm256_or_ps(above[0], above[1]), _mm256_or_ps(above[2], above[3]));
    if (_mm256_testz_ps(any, any) != 0) {
        return 0;
    }
    uint32_t mask = 0;
    for (uint32_t i = 0; i < BLOCK / LANES; i++) {
        mask |= (uint32_t)_mm256_movemask_ps(above[i]) << (i * LANES);
    }
    return mask;
}

/* Once k are kept, nearly every block holds nothing better than the worst of them. */
__attribute__((target("avx2"))) static size_t select_avx2(const float *logits, uint32_t size,
                                                          size_t k, candidate *ret_candidates)
{
    select_heap heap = {.items = ret_candidates, .k = k};
    uint32_t i = 0;
    while (i < size && heap.count < k) {
        heap_offer(&heap, logits[i], i);
        i++;
    }
    for (; k > 0 && size - i >= BLOCK; i += BLOCK) {
        uint32_t mask = above_avx2(logits + i, _mm256_set1_ps(heap.items[0].logit));
        for (; mask != 0; mask &= mask - 1) {
            uint32_t token = i + (uint32_t)__builtin_ctz(mask);
            heap_offer(&heap, logits[token], token);
        }
    }
    for (; k > 0 && i < size; i++) {
        heap_offer(&heap, logits[i], i);
    }
    return heap_sort(&heap);
}

/* Eight weights at a time, as bits. */
__attribute__((target("avx2"))) static inline uint32_t heavy_avx2(const double *weights,
                                                                  __m256d least)
{
    __m256d zero = _mm256_setzero_pd();
    __m256d low = _mm256_loadu_pd(weights);
    __m256d high = _mm256_loadu_pd(weights + 4);
    low =
        _mm256_and_pd(_mm256_cmp_pd(low, least, _CMP_GE_OQ), _mm256_cmp_pd(low, zero, _CMP_GT_OQ));
    high = _mm256_and_pd(_mm256_cmp_pd(high, least, _CMP_GE_OQ),
                         _mm256_cmp_pd(high, zero, _CMP_GT_OQ));
    return (uint32_t)_mm256_movemask_pd(low) | (uint32_t)_mm256_movemask_pd(high) << 4;
}

__attribute__((target("avx2"))) static size_t gather_avx2(const float *logits,
                                                          const double *weights, uint32_t size,
                                                          double least, candidate *ret_candidates)
{
    uint32_t whole = size / LANES * LANES;
    size_t count = 0;
    for (uint32_t i = 0; i < whole; i += LANES) {
        uint32_t mask = heavy_avx2(weights + i, _mm256_set1_pd(least));
        for (; mask != 0; mask &= mask - 1) {
            uint32_t token = i + (uint32_t)__builtin_ctz(mask);
            ret_candidates[count++] = (candidate){logits[token], (int32_t)token, weights[token]};
        }
    }
    return count + gather_range(logits, weights, whole, size, least, ret_candidates + count);
}
#endif

size_t aver_sampler_select(const float *logits, uint32_t size, size_t k, candidate *ret_candidates)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx2")) {
        return select_avx2(logits, size, k, ret_candidates);
    }
#endif
    return aver_sampler_select_scalar(logits, size, k, ret_candidates);
}

size_t aver_sampler_gather(const float *logits, const double *weights, uint32_t size, double least,
                           candidate *ret_candidates)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx2")) {
        return gather_avx2(logits, weights, size, least, ret_candidates);
    }
#endif
    return aver_sampler_gather_scalar(logits, weights, size, least, ret_candidates);
}
