/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/compare.h"
#include "attest/foreign_work.h"
#include "codec/text.h"
#include "crypto/hash.h"

#include <string.h>

/*
 * dstack's guests extend RTMR3 by events: {"imr":3,"event_type":N,"digest":hex,"event":name,
 * "event_payload":hex} with digest = SHA-384(event_type as 4 little-endian bytes ":" name ":"
 * payload). What comes after the event "system-ready" was put there by the application itself.
 */
enum {
    DSTACK_REGISTER = 3,
    DSTACK_EVENTS_MAX = 1024,
    DSTACK_PAYLOAD_BYTES_MAX = 65536,
    DSTACK_CONFIG_COMPOSE = 1, /* MRCONFIGID begins with it where SHA-256 of the compose follows */
};

typedef struct dstack_log {
    uint8_t rtmr3[48];
    bool ready, has_compose, twice;
    uint8_t compose[32];
    const char *why; /* what is wrong, or NULL */
} dstack_log;

static void dstack_compose(dstack_log *log, aver_view payload)
{
    log->twice = log->twice || log->has_compose;
    log->has_compose = true;
    if (payload.size == sizeof log->compose) {
        memcpy(log->compose, payload.data, sizeof log->compose);
    } else {
        log->why = "an event compose-hash holds no SHA-256";
    }
}

static aver_err dstack_extend(dstack_log *log, const json_t *event)
{
    aver_view name = aver_foreign_text(event, "event");
    json_int_t type = json_integer_value(json_object_get(event, "event_type"));
    uint8_t shown[48];
    uint8_t found[48];
    aver_buf text;
    if (type < 0 || type > UINT32_MAX ||
        !aver_foreign_hex(aver_foreign_text(event, "digest"), shown, sizeof shown)) {
        log->why = "an event has no type or no digest";
        return AVER_OK;
    }
    aver_buf_init(&text, name.size + DSTACK_PAYLOAD_BYTES_MAX + 8);
    for (size_t i = 0; i < 4; i++) {
        aver_buf_append_byte(&text, (uint8_t)((uint64_t)type >> 8 * i));
    }
    aver_buf_append_byte(&text, ':');
    aver_buf_append(&text, name);
    aver_buf_append_byte(&text, ':');
    size_t before = text.size;
    aver_err err = aver_hex_decode_buf(aver_foreign_text(event, "event_payload"), &text);
    if (err == AVER_OK) {
        aver_view payload = aver_view_slice(aver_buf_view(&text), before, text.size - before);
        aver_sha384_of(aver_buf_view(&text), found);
        if (memcmp(found, shown, sizeof found) != 0) {
            log->why = "the digest of an event is not that of its fields";
        } else if (aver_view_equal_text(name, "system-ready")) {
            log->ready = true;
        } else if (aver_view_equal_text(name, "compose-hash") && !log->ready) {
            dstack_compose(log, payload);
        }
        uint8_t joined[96];
        memcpy(joined, log->rtmr3, 48);
        memcpy(joined + 48, found, 48);
        aver_sha384_of(AVER_VIEW_OF(joined), log->rtmr3);
    } else if (err != AVER_E_NOMEM) {
        log->why = "the payload of an event is no hex, or too long";
        err = AVER_OK;
    }
    aver_buf_deinit(&text);
    return err;
}

static aver_err dstack_replay(dstack_log *log, const json_t *events)
{
    aver_err err = AVER_OK;
    *log = (dstack_log){0};
    if (!json_is_array(events) || json_array_size(events) > DSTACK_EVENTS_MAX) {
        log->why = "the event log is no array of events";
        return AVER_OK;
    }
    for (size_t i = 0; i < json_array_size(events) && err == AVER_OK && log->why == NULL; i++) {
        const json_t *event = json_array_get(events, i);
        const json_t *place = json_object_get(event, "imr");
        if (!json_is_integer(place)) {
            log->why = "an event does not say which register it extends";
        } else if (json_integer_value(place) == DSTACK_REGISTER) {
            err = dstack_extend(log, event);
        }
    }
    return err;
}

static aver_err dstack_events(aver_foreign_work *work, json_t *event_log, dstack_log *log)
{
    const char *name = "dstack.events";
    aver_verdict *verdict = &work->judged->verdict;
    const aver_claim *rtmr3 = aver_claims_find(&work->judged->claims, NULL, "rtmr3");
    json_t *events = NULL;
    if (rtmr3 == NULL) {
        log->why = "the evidence has no such register";
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "%s", log->why);
        return AVER_OK;
    }
    if (event_log == NULL || json_is_null(event_log)) {
        log->why = "no event log is shown";
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "%s", log->why);
        return AVER_OK;
    }
    aver_err err = aver_foreign_nested(event_log, &events);
    if (err == AVER_OK) {
        err = dstack_replay(log, events);
    }
    if (err == AVER_OK && log->why == NULL &&
        !aver_view_equal(rtmr3->bytes, AVER_VIEW_OF(log->rtmr3))) {
        log->why = "the events do not give the register of the evidence";
    }
    if (err == AVER_OK && log->why != NULL) {
        aver_verdict_fail(verdict, name, AVER_REASON_MEASUREMENT_MISMATCH, "%s", log->why);
    } else if (err == AVER_OK) {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "they give RTMR3 %s",
                         aver_short_of(rtmr3->bytes).text);
    }
    json_decref(events);
    return err;
}

/* 0: MRCONFIGID says nothing about it, 1: it names this digest, -1: another. */
static int dstack_config(const aver_foreign_work *work, const uint8_t digest[static 32])
{
    const aver_claim *config = aver_claims_find(&work->judged->claims, NULL, "mr_config_id");
    if (config == NULL || config->bytes.size < 33 ||
        config->bytes.data[0] != DSTACK_CONFIG_COMPOSE) {
        return 0;
    }
    return memcmp(config->bytes.data + 1, digest, 32) == 0 ? 1 : -1;
}

static void dstack_compose_told(aver_foreign_work *work, const dstack_log *log, aver_view compose)
{
    const char *name = "dstack.compose";
    aver_verdict *verdict = &work->judged->verdict;
    uint8_t digest[32];
    if (compose.size == 0) {
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "no compose document is shown");
        return;
    }
    aver_sha256_of(compose, digest);
    int config = dstack_config(work, digest);
    bool in_log = log->why == NULL && log->has_compose && !log->twice &&
                  memcmp(log->compose, digest, sizeof digest) == 0;
    bool other = log->why == NULL && log->has_compose && !in_log;
    if (config < 0 || other || (!in_log && config == 0)) {
        aver_verdict_fail(verdict, name, AVER_REASON_MEASUREMENT_MISMATCH,
                          log->twice            ? "two of them were measured before the start"
                          : config < 0 || other ? "another was measured than %s, which is shown"
                                                : "%s is shown, and none was measured",
                          aver_short_of(AVER_VIEW_OF(digest)).text);
    } else {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "%s, measured in %s",
                         aver_short_of(AVER_VIEW_OF(digest)).text, in_log ? "RTMR3" : "MRCONFIGID");
    }
}

aver_err aver_dstack_judge(aver_foreign_work *work, json_t *event_log, aver_view compose)
{
    dstack_log log = {0};
    if (!work->judged->readable) {
        return AVER_OK;
    }
    aver_err err = dstack_events(work, event_log, &log);
    if (err == AVER_OK) {
        dstack_compose_told(work, &log, compose);
    }
    return err;
}
