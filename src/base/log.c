/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/sys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LOG_DETAIL_BYTES_MAX = 512,
    LOG_EVENT_BYTES_MAX = 64,
    /* The longest escape of one byte is six characters; the rest is fixed text. */
    LOG_LINE_BYTES_MAX = 6 * (LOG_DETAIL_BYTES_MAX + LOG_EVENT_BYTES_MAX) + 128,
};

typedef struct log_line {
    char text[LOG_LINE_BYTES_MAX];
    size_t size;
} log_line;

static atomic_int log_threshold = AVER_LOG_INFO;
static atomic_bool log_json;

void aver_log_setup(aver_log_level threshold, bool json)
{
    atomic_store(&log_threshold, (int)threshold);
    atomic_store(&log_json, json);
}

static const char *log_level_text(aver_log_level level)
{
    static const char *const texts[] = {"debug", "info", "warn", "error", "silent"};
    return texts[level <= AVER_LOG_SILENT ? level : AVER_LOG_SILENT];
}

static void log_put(log_line *line, const char *text, size_t size)
{
    if (size <= sizeof line->text - line->size) {
        memcpy(line->text + line->size, text, size);
        line->size += size;
    }
}

static void log_put_text(log_line *line, const char *text)
{
    log_put(line, text, strlen(text));
}

/* One byte, such that the line stays one line of printable ASCII and valid JSON. */
static void log_put_escaped(log_line *line, unsigned char byte, bool json)
{
    char escape[8];
    if (json && (byte == '"' || byte == '\\')) {
        (void)snprintf(escape, sizeof escape, "\\%c", byte);
    } else if (json && byte < 0x20) {
        (void)snprintf(escape, sizeof escape, "\\u%04x", byte);
    } else if (byte < 0x20 || byte >= 0x7f) {
        (void)snprintf(escape, sizeof escape, "%s\\x%02x", json ? "\\" : "", byte);
    } else {
        escape[0] = (char)byte;
        escape[1] = '\0';
    }
    log_put_text(line, escape);
}

static void log_put_detail(log_line *line, const char *text, size_t size_max, bool json)
{
    for (size_t i = 0; i < size_max && text[i]; i++) {
        log_put_escaped(line, (unsigned char)text[i], json);
    }
}

static void log_put_time(log_line *line)
{
    uint64_t now_ms = aver_time_wall_ms();
    char seconds[21];
    aver_time_format(now_ms, seconds);
    char text[32];
    (void)snprintf(text, sizeof text, "%.19s.%03uZ", seconds, (unsigned)(now_ms % 1000));
    log_put_text(line, text);
}

static void log_compose(log_line *line, aver_log_level level, const char *event, const char *detail,
                        bool json)
{
    log_put_text(line, json ? "{\"ts\":\"" : "");
    log_put_time(line);
    log_put_text(line, json ? "\",\"level\":\"" : " ");
    log_put_text(line, log_level_text(level));
    log_put_text(line, json ? "\",\"event\":\"" : " ");
    log_put_detail(line, event, LOG_EVENT_BYTES_MAX, json);
    log_put_text(line, json ? "\",\"detail\":\"" : ": ");
    log_put_detail(line, detail, LOG_DETAIL_BYTES_MAX, json);
    log_put_text(line, json ? "\"}\n" : "\n");
}

void aver_log(aver_log_level level, const char *event, const char *format, ...)
{
    if (level >= AVER_LOG_SILENT || (int)level < atomic_load(&log_threshold)) {
        return;
    }
    int errno_saved = errno;
    char detail[LOG_DETAIL_BYTES_MAX + 1];
    va_list args;
    va_start(args, format);
    if (vsnprintf(detail, sizeof detail, format, args) < 0) {
        detail[0] = '\0';
    }
    va_end(args);
    log_line line;
    line.size = 0;
    log_compose(&line, level, event, detail, atomic_load(&log_json));
    ssize_t written;
    do {
        written = write(STDERR_FILENO, line.text, line.size);
    } while (written < 0 && errno == EINTR);
    errno = errno_saved;
}
