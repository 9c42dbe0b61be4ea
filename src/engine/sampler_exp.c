/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sampler_exp.h"

#include <string.h>

/*
 * exp(x) = 2^k * exp(r), k the nearest integer to x / ln 2, |r| <= ln 2 / 2. ln 2 is split so that
 * k times its high part is exact; exp(r) is its Taylor polynomial of degree 13 by Horner's rule,
 * whose remainder is below 2^-56. The result is within 2 units in the last place of the true value
 * for -700 <= x <= 0, and the same bits on every machine with IEEE 754 doubles: only + - * are
 * used, in this order, without contraction.
 */
#define LOG2_E      1.4426950408889634
#define LN2_HIGH    6.93147180369123816490e-01 /* the last 21 bits of its fraction are zero */
#define LN2_LOW     1.90821492927058770002e-10
#define ROUND_MAGIC 6755399441055744.0 /* 1.5 * 2^52: adding it rounds to an integer */
#define EXP_LEAST   (-700.0)           /* below, the result is 0 */

/* No branch, no call: a compiler can run several of these side by side. x in [EXP_LEAST, 0]. */
static inline __attribute__((always_inline)) double exp_core(double x)
{
    double shifted = x * LOG2_E + ROUND_MAGIC;
    double k = shifted - ROUND_MAGIC;
    double r = (x - k * LN2_HIGH) - k * LN2_LOW;
    double sum = 1.0 / 6227020800.0;
    sum = sum * r + 1.0 / 479001600.0;
    sum = sum * r + 1.0 / 39916800.0;
    sum = sum * r + 1.0 / 3628800.0;
    sum = sum * r + 1.0 / 362880.0;
    sum = sum * r + 1.0 / 40320.0;
    sum = sum * r + 1.0 / 5040.0;
    sum = sum * r + 1.0 / 720.0;
    sum = sum * r + 1.0 / 120.0;
    sum = sum * r + 1.0 / 24.0;
    sum = sum * r + 1.0 / 6.0;
    sum = sum * r + 0.5;
    sum = sum * r + 1.0;
    sum = sum * r + 1.0;
    /* The low bits of shifted are k in two's complement; above them stands only the magic number.
     */
    uint64_t bits;
    double scale;
    memcpy(&bits, &shifted, sizeof(bits));
    bits = (bits + 1023) << 52;
    memcpy(&scale, &bits, sizeof(scale));
    return sum * scale;
}

/* 0 outside [EXP_LEAST, 0] and for NaN. */
static inline __attribute__((always_inline)) double exp_checked(double x)
{
    double low = x >= EXP_LEAST ? x : EXP_LEAST;
    double clamped = low <= 0.0 ? low : 0.0;
    double value = exp_core(clamped);
    value = x >= EXP_LEAST ? value : 0.0;
    return x <= 0.0 ? value : 0.0;
}

double aver_sampler_exp(double x)
{
    return exp_checked(x);
}

static inline __attribute__((always_inline)) void
weigh_all(const float *logits, uint32_t size, float highest, double scale, double *weights)
{
    for (uint32_t i = 0; i < size; i++) {
        weights[i] = exp_checked(((double)logits[i] - (double)highest) * scale);
    }
}

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("avx2"))) static void weigh_avx2(const float *logits, uint32_t size,
                                                       float highest, double scale, double *weights)
{
    weigh_all(logits, size, highest, scale, weights);
}

__attribute__((target("avx512f"))) static void
weigh_avx512(const float *logits, uint32_t size, float highest, double scale, double *weights)
{
    weigh_all(logits, size, highest, scale, weights);
}
#endif

void aver_sampler_weigh(const float *logits, uint32_t size, float highest, double scale,
                        double *ret_weights)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx512f")) {
        weigh_avx512(logits, size, highest, scale, ret_weights);
        return;
    }
    if (__builtin_cpu_supports("avx2")) {
        weigh_avx2(logits, size, highest, scale, ret_weights);
        return;
    }
#endif
    weigh_all(logits, size, highest, scale, ret_weights);
}
