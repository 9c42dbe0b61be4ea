/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/proxy_relay.h"

#include <string.h>

typedef enum relay_kind {
    RELAY_MIDDLE = 1, /* more will follow */
    RELAY_FINISH,     /* the end of one choice */
    RELAY_LAST,       /* the end of the answer */
    RELAY_UNKNOWN,
} relay_kind;

void aver_proxy_relay_init(aver_proxy_relay *relay, aver_proxy_job *job, uint32_t choices,
                           bool hold, size_t kept_bytes_max)
{
    *relay = (aver_proxy_relay){.job = job, .hold = hold, .finishes_left = choices};
    aver_buf_init(&relay->kept, kept_bytes_max);
}

void aver_proxy_relay_deinit(aver_proxy_relay *relay)
{
    aver_buf_wipe(&relay->kept);
    aver_buf_deinit(&relay->kept);
}

void aver_proxy_relay_begin(aver_proxy_relay *relay)
{
    relay->begun = true;
    aver_proxy_job_begin(relay->job, 200, "text/event-stream");
}

static bool relay_has(aver_view bytes, const char *text)
{
    return bytes.size > 0 && memmem(bytes.data, bytes.size, text, strlen(text)) != NULL;
}

static bool relay_begins(aver_view bytes, const char *text)
{
    size_t size = strlen(text);
    return bytes.size >= size && memcmp(bytes.data, text, size) == 0;
}

/*
 * By the text alone: inside a string of JSON the quotes would be escaped, so that nothing that a
 * model writes looks like these members. A wrong guess delays, and never lets anything through that
 * the verdict would not.
 */
static relay_kind relay_read(const aver_stream_item *item)
{
    static const char *const names[] = {"event: response.completed\n",
                                        "event: response.incomplete\n", "event: response.failed\n",
                                        "event: error\n"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (relay_begins(item->raw, names[i])) {
            return RELAY_LAST;
        }
    }
    if (relay_begins(item->value, "{\"error\"")) {
        return RELAY_LAST;
    }
    if (relay_has(item->value, "\"finish_reason\":\"")) {
        return RELAY_FINISH;
    }
    if (relay_begins(item->raw, "event: ") || relay_has(item->value, "\"finish_reason\":null")) {
        return RELAY_MIDDLE;
    }
    return RELAY_UNKNOWN;
}

static aver_err relay_keep(aver_proxy_relay *relay, aver_view bytes)
{
    aver_buf_append(&relay->kept, bytes);
    return aver_buf_status(&relay->kept);
}

/* What was kept back only because more might follow. */
static aver_err relay_let_go(aver_proxy_relay *relay)
{
    aver_err err = AVER_OK;
    if (relay->kept.size > 0) {
        err = aver_proxy_job_write(relay->job, aver_buf_view(&relay->kept));
        aver_buf_clear(&relay->kept);
    }
    return err;
}

aver_err aver_proxy_relay_event(aver_proxy_relay *relay, const aver_stream_item *item)
{
    relay_kind kind = relay_read(item);
    if (relay_begins(item->value, "{\"error\"") || relay_begins(item->raw, "event: error\n")) {
        relay->failed = true;
    }
    relay->named = relay->named || relay_begins(item->raw, "event: ");
    if (kind == RELAY_LAST) {
        relay->hold = true;
    } else if (kind == RELAY_FINISH) {
        relay->finishes_left -= relay->finishes_left > 0 ? 1 : 0;
        relay->hold = relay->hold || relay->finishes_left == 0;
    }
    if (relay->hold) {
        return relay_keep(relay, item->raw);
    }
    aver_err err = relay_let_go(relay);
    if (err != AVER_OK) {
        return err;
    }
    return kind == RELAY_UNKNOWN ? relay_keep(relay, item->raw)
                                 : aver_proxy_job_write(relay->job, item->raw);
}

void aver_proxy_relay_end(aver_proxy_relay *relay, bool pass, bool cut, aver_view outcome)
{
    aver_err err = pass ? relay_let_go(relay) : AVER_OK;
    if (err == AVER_OK) {
        err = aver_proxy_job_write(relay->job, outcome);
    }
    aver_proxy_job_end(relay->job, cut || err != AVER_OK);
}
