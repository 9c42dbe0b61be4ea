/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

#include "codec/date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 256 * 1024 };

/* A copy of the text, which views into it then share the life of. */
aver_err aver_dcap_text_copy(aver_view text, uint8_t **ret_copy)
{
    if (text.size == 0 || text.size > TEXT_BYTES_MAX) {
        return AVER_E_FORMAT;
    }
    uint8_t *copy = malloc(text.size);
    if (copy == NULL) {
        return AVER_E_NOMEM;
    }
    memcpy(copy, text.data, text.size);
    *ret_copy = copy;
    return AVER_OK;
}

aver_err aver_dcap_text_failed(char ret_why[AVER_DCAP_WHY_BYTES], const char *what, const char *why)
{
    (void)snprintf(ret_why, AVER_DCAP_WHY_BYTES, "%s: %s", what, why);
    return AVER_E_FORMAT;
}

void aver_dcap_read_date(aver_dcap_json *json, uint64_t *ret_time_s)
{
    aver_view text;
    if (!aver_dcap_json_text(json, &text) || !aver_date_read(text, ret_time_s)) {
        json->bad = true;
    }
}

static void level_status(aver_dcap_json *json, aver_tcb_status *ret_status)
{
    aver_view text;
    *ret_status = aver_dcap_json_text(json, &text) ? aver_tcb_status_find(text) : AVER_TCB_NONE;
    json->bad = *ret_status == AVER_TCB_NONE;
}

void aver_dcap_read_number16(aver_dcap_json *json, uint16_t *ret_number)
{
    uint32_t number = 0;
    if (aver_dcap_json_number(json, 0xffff, &number)) {
        *ret_number = (uint16_t)number;
    }
}

/* The whole array, read once to see that it is one. */
static void level_advisories(aver_dcap_json *json, aver_view *ret_list)
{
    size_t count = 0;
    aver_view text;
    if (!aver_dcap_json_into(json, '[')) {
        return;
    }
    size_t from = json->at - 1;
    while (aver_dcap_json_more(json, ']')) {
        if (!aver_dcap_json_text(json, &text) || text.size == 0 ||
            text.size > AVER_DCAP_ADVISORY_BYTES_MAX || ++count > AVER_DCAP_ADVISORIES_MAX) {
            json->bad = true;
        }
    }
    *ret_list = aver_view_slice(json->text, from, json->at - from);
}

static void level_component(aver_dcap_json *json, uint8_t *ret_svn)
{
    static const char *const names[] = {"svn", NULL};
    uint32_t seen = 0;
    uint32_t svn = 0;
    (void)aver_dcap_json_into(json, '{');
    while (aver_dcap_json_more(json, '}')) {
        if (aver_dcap_json_member(json, names, &seen) == 0) {
            (void)aver_dcap_json_number(json, 0xff, &svn);
        } else {
            aver_dcap_json_skip(json);
        }
    }
    json->bad = json->bad || seen != 1;
    *ret_svn = (uint8_t)svn;
}

static void level_components(aver_dcap_json *json, uint8_t ret_svns[AVER_DCAP_COMPONENTS])
{
    size_t count = 0;
    (void)aver_dcap_json_into(json, '[');
    while (aver_dcap_json_more(json, ']')) {
        if (count == AVER_DCAP_COMPONENTS) {
            json->bad = true;
            return;
        }
        level_component(json, &ret_svns[count++]);
    }
    json->bad = json->bad || count != AVER_DCAP_COMPONENTS;
}

/* Version 2 of the TCB info names each component, version 3 has lists. */
static void level_numbers(aver_dcap_json *json, aver_dcap_level *level)
{
    static const char *const names[] = {
        "sgxtcbcomp01svn", "sgxtcbcomp02svn",  "sgxtcbcomp03svn",  "sgxtcbcomp04svn",
        "sgxtcbcomp05svn", "sgxtcbcomp06svn",  "sgxtcbcomp07svn",  "sgxtcbcomp08svn",
        "sgxtcbcomp09svn", "sgxtcbcomp10svn",  "sgxtcbcomp11svn",  "sgxtcbcomp12svn",
        "sgxtcbcomp13svn", "sgxtcbcomp14svn",  "sgxtcbcomp15svn",  "sgxtcbcomp16svn",
        "pcesvn",          "sgxtcbcomponents", "tdxtcbcomponents", NULL};
    uint32_t seen = 0;
    uint32_t svn = 0;
    (void)aver_dcap_json_into(json, '{');
    while (aver_dcap_json_more(json, '}')) {
        size_t member = aver_dcap_json_member(json, names, &seen);
        if (member < AVER_DCAP_COMPONENTS) {
            (void)aver_dcap_json_number(json, 0xff, &svn);
            level->sgx[member] = (uint8_t)svn;
        } else if (member == 16) {
            aver_dcap_read_number16(json, &level->pce_svn);
        } else if (member == 17) {
            level_components(json, level->sgx);
        } else if (member == 18) {
            level_components(json, level->tdx);
        } else {
            aver_dcap_json_skip(json);
        }
    }
    level->form = seen == 0x1ffff   ? AVER_DCAP_LEVEL_NAMED
                  : seen == 0x30000 ? AVER_DCAP_LEVEL_SGX
                                    : AVER_DCAP_LEVEL_TDX;
    json->bad = json->bad || (level->form == AVER_DCAP_LEVEL_TDX && seen != 0x70000);
}

void aver_dcap_read_level(aver_dcap_json *json, aver_dcap_level *level)
{
    static const char *const names[] = {"tcb", "tcbDate", "tcbStatus", "advisoryIDs", NULL};
    uint32_t seen = 0;
    (void)aver_dcap_json_into(json, '{');
    while (aver_dcap_json_more(json, '}')) {
        switch (aver_dcap_json_member(json, names, &seen)) {
        case 0:
            level_numbers(json, level);
            break;
        case 1:
            aver_dcap_read_date(json, &level->date_s);
            break;
        case 2:
            level_status(json, &level->status);
            break;
        case 3:
            level_advisories(json, &level->advisories);
            break;
        default:
            aver_dcap_json_skip(json);
        }
    }
    json->bad = json->bad || (seen & 7) != 7;
}

static void level_isv_svn(aver_dcap_json *json, uint16_t *ret_svn)
{
    static const char *const names[] = {"isvsvn", NULL};
    uint32_t seen = 0;
    (void)aver_dcap_json_into(json, '{');
    while (aver_dcap_json_more(json, '}')) {
        if (aver_dcap_json_member(json, names, &seen) == 0) {
            aver_dcap_read_number16(json, ret_svn);
        } else {
            aver_dcap_json_skip(json);
        }
    }
    json->bad = json->bad || seen != 1;
}

static void level_isv_level(aver_dcap_json *json, aver_dcap_isv_level *level)
{
    static const char *const names[] = {"tcb", "tcbDate", "tcbStatus", "advisoryIDs", NULL};
    uint32_t seen = 0;
    (void)aver_dcap_json_into(json, '{');
    while (aver_dcap_json_more(json, '}')) {
        switch (aver_dcap_json_member(json, names, &seen)) {
        case 0:
            level_isv_svn(json, &level->isv_svn);
            break;
        case 1:
            aver_dcap_read_date(json, &level->date_s);
            break;
        case 2:
            level_status(json, &level->status);
            break;
        case 3:
            level_advisories(json, &level->advisories);
            break;
        default:
            aver_dcap_json_skip(json);
        }
    }
    json->bad = json->bad || (seen & 7) != 7;
}

void aver_dcap_read_isv_levels(aver_dcap_json *json, aver_dcap_isv_level *levels, size_t *count)
{
    (void)aver_dcap_json_into(json, '[');
    while (aver_dcap_json_more(json, ']')) {
        if (*count == AVER_DCAP_ISV_LEVELS_MAX) {
            json->bad = true;
            return;
        }
        level_isv_level(json, &levels[(*count)++]);
    }
}
