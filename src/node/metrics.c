/* SPDX-License-Identifier: Apache-2.0 */
#include "node/metrics.h"

#include <inttypes.h>

static const uint64_t histogram_bounds_us[AVER_HISTOGRAM_BOUNDS] = {
    5000,   10000,   25000,   50000,   100000,   250000,
    500000, 1000000, 2500000, 5000000, 10000000, 60000000,
};

void aver_histogram_add(aver_histogram *histogram, uint64_t us)
{
    size_t at = 0;

    while (at < AVER_HISTOGRAM_BOUNDS && us > histogram_bounds_us[at]) {
        at++;
    }
    histogram->counts[at]++;
    histogram->sum_us += us;
}

void aver_metrics_answer(aver_metrics *metrics, uint32_t status)
{
    uint32_t class = status / 100;

    if (class < sizeof(metrics->answers) / sizeof(metrics->answers[0])) {
        metrics->answers[class]++;
    }
}

static void metrics_head(aver_buf *out, const char *name, const char *type, const char *help)
{
    aver_buf_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void metrics_value(aver_buf *out, const char *name, const char *type, const char *help,
                          uint64_t value)
{
    metrics_head(out, name, type, help);
    aver_buf_append_format(out, "%s %" PRIu64 "\n", name, value);
}

static void metrics_histogram(aver_buf *out, const char *name, const char *help,
                              const aver_histogram *histogram)
{
    uint64_t total = 0;

    metrics_head(out, name, "histogram", help);
    for (size_t i = 0; i < AVER_HISTOGRAM_BOUNDS; i++) {
        total += histogram->counts[i];
        aver_buf_append_format(out, "%s_bucket{le=\"%" PRIu64 ".%03" PRIu64 "\"} %" PRIu64 "\n",
                               name, histogram_bounds_us[i] / 1000000,
                               histogram_bounds_us[i] / 1000 % 1000, total);
    }
    total += histogram->counts[AVER_HISTOGRAM_BOUNDS];
    aver_buf_append_format(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, total);
    aver_buf_append_format(out, "%s_sum %" PRIu64 ".%06" PRIu64 "\n%s_count %" PRIu64 "\n", name,
                           histogram->sum_us / 1000000, histogram->sum_us % 1000000, name, total);
}

static void metrics_counters(const aver_metrics *metrics, aver_buf *out)
{
    metrics_head(out, "aver_answers_total", "counter", "Answers sent, by class of status.");
    for (uint32_t class = 2; class <= 5; class ++) {
        aver_buf_append_format(out, "aver_answers_total{class=\"%uxx\"} %" PRIu64 "\n", class,
                               metrics->answers[class]);
    }
    metrics_head(out, "aver_receipts_total", "counter", "Receipts signed, by finish.");
    for (uint32_t finish = AVER_FINISH_STOP; finish <= AVER_FINISH_ERROR; finish++) {
        aver_buf_append_format(out, "aver_receipts_total{finish=\"%s\"} %" PRIu64 "\n",
                               aver_finish_text((aver_finish)finish), metrics->receipts[finish]);
    }
    metrics_value(out, "aver_sealed_requests_total", "counter", "Sealed requests opened.",
                  metrics->sealed_requests);
    metrics_value(out, "aver_seal_keys_total", "counter", "Seal keys made after the first.",
                  metrics->seal_keys);
    metrics_value(out, "aver_prompt_tokens_total", "counter", "Tokens of prompts.",
                  metrics->prompt_tokens);
    metrics_value(out, "aver_generated_tokens_total", "counter", "Tokens generated.",
                  metrics->generated_tokens);
    metrics_value(out, "aver_engine_restarts_total", "counter", "Engines started after the first.",
                  metrics->engine_restarts);
}

static void metrics_gauges(const aver_metrics_gauges *gauges, aver_buf *out)
{
    metrics_value(out, "aver_quotes_total", "counter", "Quotes made by the platform.",
                  gauges->quotes);
    metrics_value(out, "aver_exchanges", "gauge", "HTTP exchanges running.", gauges->exchanges);
    metrics_value(out, "aver_connections", "gauge", "Connections open.", gauges->connections);
    metrics_value(out, "aver_jobs", "gauge", "Requests at the engine or waiting for it.",
                  gauges->jobs);
    metrics_value(out, "aver_slots", "gauge", "Requests that the engine runs at once.",
                  gauges->slots);
    metrics_value(out, "aver_receipts_kept", "gauge", "Receipts that can be fetched again.",
                  gauges->receipts_kept);
    metrics_value(out, "aver_seals_seen", "gauge", "Encapsulations remembered.",
                  gauges->seals_seen);
    metrics_value(out, "aver_engine_ready", "gauge", "1 if the engine answers.",
                  gauges->ready ? 1 : 0);
    metrics_value(out, "aver_draining", "gauge", "1 if the node is on its way out.",
                  gauges->draining ? 1 : 0);
}

void aver_metrics_write(const aver_metrics *metrics, const aver_metrics_gauges *gauges,
                        aver_buf *out)
{
    metrics_counters(metrics, out);
    metrics_gauges(gauges, out);
    metrics_histogram(out, "aver_request_duration_seconds", "From arrival to the receipt.",
                      &metrics->duration);
    metrics_histogram(out, "aver_first_token_seconds", "From arrival to the first token.",
                      &metrics->first_token);
}
