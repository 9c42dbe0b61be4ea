/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sampler.h"

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

double aver_sampler_exp(double x)
{
    static const double inverse[] = {
        1.0 / 6227020800.0,
        1.0 / 479001600.0,
        1.0 / 39916800.0,
        1.0 / 3628800.0,
        1.0 / 362880.0,
        1.0 / 40320.0,
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    };
    if (!(x >= EXP_LEAST)) {
        return 0.0;
    }
    double k = (x * LOG2_E + ROUND_MAGIC) - ROUND_MAGIC;
    double r = (x - k * LN2_HIGH) - k * LN2_LOW;
    double sum = inverse[0];
    for (size_t i = 1; i < sizeof(inverse) / sizeof(inverse[0]); i++) {
        sum = sum * r + inverse[i];
    }
    uint64_t bits = (uint64_t)((int64_t)k + 1023) << 52;
    double scale;
    memcpy(&scale, &bits, sizeof(scale));
    return sum * scale;
}
