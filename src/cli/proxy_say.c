/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/proxy.h"

#include "base/sys.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SAY_BYTES_MAX 16384

/* As far as there is room; a name is never cut. */
__attribute__((format(printf, 3, 4))) static size_t say_add(char text[400], size_t size,
                                                            const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int more = vsnprintf(text + size, 400 - size, format, args);
    va_end(args);
    if (more < 0 || size + (size_t)more >= 400) {
        text[size] = '\0';
        return size;
    }
    return size + (size_t)more;
}

void aver_proxy_checks_text(const aver_verdict *verdict, char ret_text[400])
{
    unsigned counts[AVER_CHECK_SKIP + 1] = {0};
    for (size_t i = 0; i < verdict->count; i++) {
        counts[verdict->checks[i].status]++;
    }
    size_t size = say_add(ret_text, 0, "pass=%u fail=%u skip=%u%s", counts[AVER_CHECK_PASS],
                          counts[AVER_CHECK_FAIL], counts[AVER_CHECK_SKIP],
                          verdict->simulated ? " simulated" : "");
    const char *between = " failed=";
    for (size_t i = 0; i < verdict->count; i++) {
        if (verdict->checks[i].status == AVER_CHECK_FAIL) {
            size = say_add(ret_text, size, "%s%s", between, verdict->checks[i].name);
            between = ",";
        }
    }
}

void aver_proxy_say(aver_proxy_job *job, const aver_proxy_refusal *refusal)
{
    aver_buf body;
    aver_buf_init(&body, SAY_BYTES_MAX);
    aver_error_body(&body, refusal->status, refusal->code, refusal->param, refusal->message);
    aver_proxy_job_reply(job, refusal->status, "application/json", aver_buf_view(&body));
    aver_buf_deinit(&body);
}

void aver_proxy_say_blocked(aver_proxy *proxy, aver_proxy_job *job,
                            const aver_proxy_verified *verified)
{
    aver_proxy_record record = {.at_ms = aver_time_wall_ms(),
                                .status = 502,
                                .outcome = verified->reached ? AVER_PROXY_REFUSED : AVER_PROXY_NONE,
                                .duration_ms =
                                    (aver_time_monotonic_ns() - job->begun_ns) / 1000000};
    aver_proxy_refusal refusal = {
        .status = 502,
        .code = verified->reached ? "verification_failed" : "node_unreachable",
        .param = verified->reached ? verified->check : NULL,
    };
    (void)snprintf(refusal.message, sizeof refusal.message, "%s, nothing was sent: %.180s",
                   verified->reached ? "The node is refused" : "The node cannot be verified",
                   verified->why);
    (void)snprintf(record.path, sizeof record.path, "%.63s", job->path);
    (void)snprintf(record.why, sizeof record.why, "%s", verified->why);
    if (verified->reached) {
        aver_proxy_checks_text(&verified->verdict, record.checks);
        aver_proxy_job_header(job, "Aver-Checks", record.checks);
        aver_proxy_job_header(job, "X-Should-Retry", "false");
    }
    aver_proxy_job_header(job, "Aver-Verdict", aver_proxy_outcome_text(record.outcome));
    aver_proxy_say(job, &refusal);
    aver_proxy_records_add(&proxy->records, &record);
}
