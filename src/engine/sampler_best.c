/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sampler_best.h"

#include <math.h>

int32_t aver_sampler_best_scalar(const float *logits, uint32_t count)
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

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define LANES 8u
#define BLOCK (4u * LANES)

/* What is not below infinity (it, and NaN) becomes the lowest there is. */
__attribute__((target("avx2"))) static inline __m256 finite_load(const float *logits)
{
    __m256 values = _mm256_loadu_ps(logits);
    __m256 below = _mm256_cmp_ps(values, _mm256_set1_ps(INFINITY), _CMP_LT_OQ);
    return _mm256_blendv_ps(_mm256_set1_ps(-INFINITY), values, below);
}

__attribute__((target("avx2"))) static float highest_avx2(const float *logits, uint32_t count)
{
    __m256 high[4];
    float lanes[LANES];
    for (uint32_t k = 0; k < 4; k++) {
        high[k] = _mm256_set1_ps(-INFINITY);
    }
    for (uint32_t i = 0; i < count; i += BLOCK) {
        for (uint32_t k = 0; k < 4; k++) {
            high[k] = _mm256_max_ps(high[k], finite_load(logits + i + (size_t)k * LANES));
        }
    }
    high[0] = _mm256_max_ps(_mm256_max_ps(high[0], high[1]), _mm256_max_ps(high[2], high[3]));
    _mm256_storeu_ps(lanes, high[0]);
    float highest = -INFINITY;
    for (uint32_t i = 0; i < LANES; i++) {
        highest = lanes[i] > highest ? lanes[i] : highest;
    }
    return highest;
}

/* The first place that holds this value; count if there is none. */
__attribute__((target("avx2"))) static uint32_t first_avx2(const float *logits, uint32_t count,
                                                           float value)
{
    __m256 wanted = _mm256_set1_ps(value);
    for (uint32_t i = 0; i < count; i += LANES) {
        __m256 equal = _mm256_cmp_ps(_mm256_loadu_ps(logits + i), wanted, _CMP_EQ_OQ);
        unsigned mask = (unsigned)_mm256_movemask_ps(equal);
        if (mask != 0) {
            return i + (uint32_t)__builtin_ctz(mask);
        }
    }
    return count;
}

/* Whole blocks side by side, the rest one by one. */
__attribute__((target("avx2"))) static int32_t best_avx2(const float *logits, uint32_t count)
{
    uint32_t whole = count / BLOCK * BLOCK;
    float highest = highest_avx2(logits, whole);
    int32_t rest = aver_sampler_best_scalar(logits + whole, count - whole);
    if (rest >= 0 && logits[whole + (uint32_t)rest] > highest) {
        return (int32_t)whole + rest;
    }
    return highest > -INFINITY ? (int32_t)first_avx2(logits, whole, highest) : -1;
}
#endif

int32_t aver_sampler_best(const float *logits, uint32_t count)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx2")) {
        return best_avx2(logits, count);
    }
#endif
    return aver_sampler_best_scalar(logits, count);
}
