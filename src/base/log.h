/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_BASE_LOG_H
#define AVER_BASE_LOG_H

/*
 * log: one line an event on standard error, either text for people or JSON for machines. Never
 * prompts, answers, keys or tokens.
 *
 *   {"ts":"2026-01-02T03:04:05.678Z","level":"warn","event":"engine.exit","detail":"..."}
 *
 *   2026-01-02T03:04:05.678Z warn engine.exit: ...
 *
 * event is a dotted constant name; detail is printf-formatted, cut at 512 bytes, everything but
 * printable ASCII escaped. The default is text from INFO up; errno is preserved. The verifier
 * library does not log: it returns checks. Threads: safe; one write(2) a line.
 */

#include <stdbool.h>

typedef enum aver_log_level {
    AVER_LOG_DEBUG,
    AVER_LOG_INFO,
    AVER_LOG_WARN,
    AVER_LOG_ERROR,
    AVER_LOG_SILENT, /* as a threshold: nothing is written */
} aver_log_level;

void aver_log_setup(aver_log_level threshold, bool json);
void aver_log(aver_log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
