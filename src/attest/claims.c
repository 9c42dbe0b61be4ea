/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/claims.h"

#include "base/check.h"
#include "codec/json.h"
#include "codec/text.h"

#include <string.h>

void aver_claims_init(aver_claims *claims)
{
    /* Entries and room behind their counts are never read. */
    claims->has_report_data = false;
    memset(claims->report_data, 0, sizeof claims->report_data);
    claims->debug = false;
    claims->simulated = false;
    claims->has_time = false;
    claims->time_ms = 0;
    claims->tcb = 0;
    claims->tcb_status = AVER_TCB_NONE;
    claims->measurements_count = 0;
    claims->machine_id_size = 0;
    claims->list_count = 0;
    claims->room_used = 0;
    claims->has_nonce = false;
    claims->nonce = (aver_view){0};
    claims->group = NULL;
    claims->full = false;
}

static aver_claim *claims_next(aver_claims *claims, const char *name, aver_claim_kind kind)
{
    if (claims->list_count == AVER_CLAIMS_LIST_MAX) {
        claims->full = true;
        return &claims->spare;
    }
    aver_claim *claim = &claims->list[claims->list_count++];
    *claim = (aver_claim){.group = claims->group, .name = name, .kind = kind};
    return claim;
}

void aver_claims_put_bytes(aver_claims *claims, const char *name, aver_view bytes)
{
    claims_next(claims, name, AVER_CLAIM_BYTES)->bytes = bytes;
}

void aver_claims_put_text(aver_claims *claims, const char *name, aver_view text)
{
    claims_next(claims, name, AVER_CLAIM_TEXT)->bytes = text;
}

void aver_claims_put_uint(aver_claims *claims, const char *name, uint64_t number)
{
    claims_next(claims, name, AVER_CLAIM_UINT)->number = number;
}

void aver_claims_put_bool(aver_claims *claims, const char *name, bool value)
{
    claims_next(claims, name, AVER_CLAIM_BOOL)->number = value;
}

void aver_claims_put_null(aver_claims *claims, const char *name)
{
    (void)claims_next(claims, name, AVER_CLAIM_NULL);
}

void aver_claims_put_empty(aver_claims *claims, const char *name)
{
    (void)claims_next(claims, name, AVER_CLAIM_EMPTY);
}

void aver_claims_put_at(aver_claims *claims, const char *name, uint32_t key, aver_view bytes)
{
    aver_claim *claim = claims_next(claims, name, AVER_CLAIM_BYTES);
    claim->place = AVER_CLAIM_IN_MAP;
    claim->key = key;
    claim->bytes = bytes;
}

void aver_claims_put_member(aver_claims *claims, const char *name, aver_view text)
{
    aver_claim *claim = claims_next(claims, name, AVER_CLAIM_TEXT);
    claim->place = AVER_CLAIM_IN_LIST;
    claim->bytes = text;
}

void aver_claims_put_member_bytes(aver_claims *claims, const char *name, aver_view bytes)
{
    aver_claim *claim = claims_next(claims, name, AVER_CLAIM_BYTES);
    claim->place = AVER_CLAIM_IN_LIST;
    claim->bytes = bytes;
}

void aver_claims_put_member_uint(aver_claims *claims, const char *name, uint64_t number)
{
    aver_claim *claim = claims_next(claims, name, AVER_CLAIM_UINT);
    claim->place = AVER_CLAIM_IN_LIST;
    claim->number = number;
}

void aver_claims_put_json(aver_claims *claims, const char *name, aver_view json)
{
    claims_next(claims, name, AVER_CLAIM_JSON)->bytes = json;
}

aver_view aver_claims_copy(aver_claims *claims, aver_view bytes)
{
    if (bytes.size > AVER_CLAIMS_ROOM_BYTES - claims->room_used) {
        claims->full = true;
        return (aver_view){0};
    }
    uint8_t *place = claims->room + claims->room_used;
    if (bytes.size > 0) {
        memcpy(place, bytes.data, bytes.size);
    }
    claims->room_used += bytes.size;
    return aver_view_make(place, bytes.size);
}

void aver_claims_measure(aver_claims *claims, const char *kind, aver_view bytes)
{
    AVER_ASSERT(bytes.size <= AVER_MEASUREMENT_BYTES_MAX);
    if (claims->measurements_count == AVER_MEASUREMENTS_MAX) {
        claims->full = true;
        return;
    }
    aver_measurement *measurement = &claims->measurements[claims->measurements_count++];
    measurement->kind = kind;
    measurement->size = (uint8_t)bytes.size;
    if (bytes.size > 0) {
        memcpy(measurement->bytes, bytes.data, bytes.size);
    }
}

static bool claims_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

const aver_claim *aver_claims_find(const aver_claims *claims, const char *group, const char *name)
{
    for (size_t i = 0; i < claims->list_count; i++) {
        const aver_claim *claim = &claims->list[i];
        if (claim->place == AVER_CLAIM_SINGLE && strcmp(claim->name, name) == 0 &&
            claims_same_text(claim->group, group)) {
            return claim;
        }
    }
    return NULL;
}

static void claims_json_value(const aver_claim *claim, aver_buf *out)
{
    switch (claim->kind) {
    case AVER_CLAIM_BYTES:
        aver_buf_append_byte(out, '"');
        aver_hex_append(out, claim->bytes);
        aver_buf_append_byte(out, '"');
        return;
    case AVER_CLAIM_TEXT:
        aver_json_append_string(out, claim->bytes);
        return;
    case AVER_CLAIM_JSON:
        aver_buf_append(out, claim->bytes);
        return;
    case AVER_CLAIM_UINT:
        aver_buf_append_format(out, "%llu", (unsigned long long)claim->number);
        return;
    case AVER_CLAIM_BOOL:
        aver_buf_append_text(out, claim->number != 0 ? "true" : "false");
        return;
    case AVER_CLAIM_NULL:
        aver_buf_append_text(out, "null");
        return;
    case AVER_CLAIM_EMPTY:
        aver_buf_append_text(out, "[]");
        return;
    }
}

static bool claims_together(const aver_claim *a, const aver_claim *b)
{
    return a->place != AVER_CLAIM_SINGLE && a->place == b->place && strcmp(a->name, b->name) == 0 &&
           claims_same_text(a->group, b->group);
}

/* One value without its name; entries of a map or list stand together. Returns the index behind. */
static size_t claims_json_values(const aver_claims *claims, size_t at, aver_buf *out)
{
    const aver_claim *first = &claims->list[at];
    if (first->place == AVER_CLAIM_SINGLE) {
        claims_json_value(first, out);
        return at + 1;
    }
    bool map = first->place == AVER_CLAIM_IN_MAP;
    size_t i = at;
    for (; i < claims->list_count && claims_together(first, &claims->list[i]); i++) {
        const aver_claim *claim = &claims->list[i];
        aver_buf_append_byte(out, i > at ? ',' : map ? '{' : '[');
        if (map) {
            aver_buf_append_format(out, "\"%u\":", (unsigned)claim->key);
        }
        claims_json_value(claim, out);
    }
    aver_buf_append_byte(out, map ? '}' : ']');
    return i;
}

/* A claim's place: "snp", "reported_tcb_parts.bl" are three parts. The last takes what is left. */
typedef struct claims_path {
    aver_view parts[AVER_CLAIMS_DEPTH_MAX];
    size_t count;
} claims_path;

static void claims_path_add(claims_path *path, const char *text)
{
    size_t parts_max = AVER_CLAIMS_DEPTH_MAX - path->count;
    while (text != NULL && parts_max > 0) {
        size_t size = parts_max > 1 ? strcspn(text, ".") : strlen(text);
        path->parts[path->count++] = aver_view_make(text, size);
        text = text[size] == '.' ? text + size + 1 : NULL;
        parts_max--;
    }
}

/* How many objects both paths lie in. */
static size_t claims_path_shared(const claims_path *a, const claims_path *b)
{
    size_t count = 0;
    while (count + 1 < a->count && count + 1 < b->count &&
           aver_view_equal(a->parts[count], b->parts[count])) {
        count++;
    }
    return count;
}

void aver_claims_json(const aver_claims *claims, aver_buf *out)
{
    claims_path before = {.count = 0};
    aver_buf_append_byte(out, '{');
    for (size_t i = 0; i < claims->list_count;) {
        const aver_claim *claim = &claims->list[i];
        claims_path path = {.count = 0};
        claims_path_add(&path, claim->group);
        claims_path_add(&path, claim->name);
        size_t shared = claims_path_shared(&before, &path);
        for (size_t depth = before.count; depth > shared + 1; depth--) {
            aver_buf_append_byte(out, '}');
        }
        aver_buf_append_text(out, i > 0 ? "," : "");
        for (size_t part = shared; part < path.count; part++) {
            aver_json_append_string(out, path.parts[part]);
            aver_buf_append_text(out, part + 1 < path.count ? ":{" : ":");
        }
        i = claims_json_values(claims, i, out);
        before = path;
    }
    for (size_t depth = before.count; depth > 1; depth--) {
        aver_buf_append_byte(out, '}');
    }
    aver_buf_append_byte(out, '}');
}

static const char *const tcb_texts[AVER_TCB_STATUS_COUNT] = {
    [AVER_TCB_NONE] = "",
    [AVER_TCB_UP_TO_DATE] = "UpToDate",
    [AVER_TCB_SW_HARDENING_NEEDED] = "SWHardeningNeeded",
    [AVER_TCB_CONFIGURATION_NEEDED] = "ConfigurationNeeded",
    [AVER_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED] = "ConfigurationAndSWHardeningNeeded",
    [AVER_TCB_RELAUNCH_ADVISED] = "TDRelaunchAdvised",
    [AVER_TCB_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] = "TDRelaunchAdvisedConfigurationNeeded",
    [AVER_TCB_OUT_OF_DATE] = "OutOfDate",
    [AVER_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED] = "OutOfDateConfigurationNeeded",
    [AVER_TCB_REVOKED] = "Revoked",
};

const char *aver_tcb_status_text(aver_tcb_status status)
{
    return (size_t)status < AVER_TCB_STATUS_COUNT ? tcb_texts[status] : "";
}

aver_tcb_status aver_tcb_status_find(aver_view text)
{
    for (size_t i = 1; i < AVER_TCB_STATUS_COUNT; i++) {
        if (aver_view_equal_text(text, tcb_texts[i])) {
            return (aver_tcb_status)i;
        }
    }
    return AVER_TCB_NONE;
}
