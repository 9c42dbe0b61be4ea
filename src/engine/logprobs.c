/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/logprobs.h"

#include "engine/sampler.h"

#include <math.h>
#include <string.h>

#define PPM             1000000.0
#define PIECE_BYTES_MAX 4096

void aver_logprobs_init(aver_logprobs *logprobs)
{
    *logprobs = (aver_logprobs){0};
    aver_buf_init(&logprobs->pieces, (size_t)AVER_LOGPROBS_MAX * PIECE_BYTES_MAX);
}

void aver_logprobs_deinit(aver_logprobs *logprobs)
{
    aver_buf_wipe(&logprobs->pieces);
    aver_buf_deinit(&logprobs->pieces);
    *logprobs = (aver_logprobs){0};
}

static bool logit_finite(float logit)
{
    return logit > -INFINITY && logit < INFINITY;
}

/* Keeps the first count of ids sorted by falling logit; ids come in rising order, so of equals the
 * later one stands behind. */
static size_t rank_insert(const float *logits, int32_t *ids, size_t count, size_t count_max,
                          int32_t id)
{
    size_t at = count < count_max ? count : count_max - 1;
    if (count == count_max && !(logits[id] > logits[ids[at]])) {
        return count;
    }
    while (at > 0 && logits[id] > logits[ids[at - 1]]) {
        ids[at] = ids[at - 1];
        at--;
    }
    ids[at] = id;
    return count < count_max ? count + 1 : count_max;
}

/* log(sum of exp) over the finite logits, less the highest; highest must be finite. */
static double rank_log_sum(const float *logits, uint32_t size, float highest)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < size; i++) {
        if (logit_finite(logits[i])) {
            sum += aver_sampler_exp((double)logits[i] - (double)highest);
        }
    }
    return log(sum);
}

static int32_t rank_ppm(float logit, float highest, double log_sum)
{
    if (!logit_finite(logit)) {
        return AVER_LOGPROBS_PPM_LEAST;
    }
    double ppm = rint(((double)logit - (double)highest - log_sum) * PPM);
    if (ppm < (double)AVER_LOGPROBS_PPM_LEAST) {
        return AVER_LOGPROBS_PPM_LEAST;
    }
    return ppm > 0.0 ? 0 : (int32_t)ppm;
}

size_t aver_logprobs_rank(const float *logits, uint32_t size, int32_t drawn, uint32_t top,
                          aver_logprob *ret_list)
{
    int32_t ids[AVER_LOGPROBS_MAX];
    size_t count = 0;
    size_t count_max = top < 1 ? 1 : top;
    for (uint32_t i = 0; i < size; i++) {
        if (logit_finite(logits[i])) {
            count = rank_insert(logits, ids, count, count_max, (int32_t)i);
        }
    }
    float highest = count > 0 ? logits[ids[0]] : 0.0F;
    double log_sum = count > 0 ? rank_log_sum(logits, size, highest) : 0.0;
    ret_list[0] =
        (aver_logprob){.token = drawn, .logprob_ppm = rank_ppm(logits[drawn], highest, log_sum)};
    count = count < top ? count : top;
    for (size_t i = 0; i < count; i++) {
        ret_list[i + 1] = (aver_logprob){.token = ids[i],
                                         .logprob_ppm = rank_ppm(logits[ids[i]], highest, log_sum)};
    }
    return count + 1;
}

aver_err aver_logprobs_read(aver_logprobs *logprobs, const aver_host *host, const float *logits,
                            int32_t drawn, uint32_t top)
{
    char piece[PIECE_BYTES_MAX];
    size_t ends[AVER_LOGPROBS_MAX];
    uint32_t size = aver_host_info(host)->vocabulary_size;
    aver_buf_clear(&logprobs->pieces);
    logprobs->count = aver_logprobs_rank(logits, size, drawn, top, logprobs->list);
    for (size_t i = 0; i < logprobs->count; i++) {
        size_t piece_size = 0;
        aver_err err =
            aver_host_piece(host, logprobs->list[i].token, piece, sizeof(piece), &piece_size);
        if (err != AVER_OK) {
            return err;
        }
        aver_buf_append(&logprobs->pieces, aver_view_make(piece, piece_size));
        ends[i] = logprobs->pieces.size;
    }
    /* Only now does the buffer stay where it is. */
    for (size_t i = 0, start = 0; i < logprobs->count; start = ends[i], i++) {
        logprobs->list[i].piece =
            aver_view_slice(aver_buf_view(&logprobs->pieces), start, ends[i] - start);
    }
    return aver_buf_status(&logprobs->pieces);
}
