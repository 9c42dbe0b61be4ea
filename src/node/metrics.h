/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_METRICS_H
#define AVER_NODE_METRICS_H

/*
 * metrics: counters of a node in the text form of Prometheus. No labels from outside, so their
 * number is fixed. Threads: the loop's.
 */

#include "aver/receipt.h"

#define AVER_HISTOGRAM_BOUNDS 12

typedef struct aver_histogram {
    uint64_t counts[AVER_HISTOGRAM_BOUNDS + 1]; /* not cumulative; the last is beyond all bounds */
    uint64_t sum_us;
} aver_histogram;

typedef struct aver_metrics {
    uint64_t answers[6];  /* by hundreds of the status: 1 to 5 */
    uint64_t receipts[6]; /* by aver_finish */
    uint64_t sealed_requests;
    uint64_t seal_keys; /* after the first */
    uint64_t prompt_tokens;
    uint64_t generated_tokens;
    uint64_t engine_restarts;
    aver_histogram duration; /* of requests that reached the engine */
    aver_histogram first_token;
} aver_metrics;

/* What is not counted but looked up when asked. */
typedef struct aver_metrics_gauges {
    uint32_t exchanges, connections, jobs, slots;
    uint64_t quotes;
    uint32_t receipts_kept;
    uint64_t seals_seen;
    bool ready, draining;
} aver_metrics_gauges;

void aver_histogram_add(aver_histogram *histogram, uint64_t us);
void aver_metrics_answer(aver_metrics *metrics, uint32_t status);
void aver_metrics_write(const aver_metrics *metrics, const aver_metrics_gauges *gauges,
                        aver_buf *out);

#endif
