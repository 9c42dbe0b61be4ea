/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

#include "codec/date.h"
#include "codec/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TCB_TEXT_BYTES_MAX = 256 * 1024 };

static void tcb_date(aver_dcap_json *json, uint64_t *ret_time_s)
{
    aver_view text;
    if (!aver_dcap_json_text(json, &text) || !aver_date_read(text, ret_time_s)) {
        json->bad = true;
    }
}

static void tcb_status(aver_dcap_json *json, aver_tcb_status *ret_status)
{
    aver_view text;
    *ret_status = aver_dcap_json_text(json, &text) ? aver_tcb_status_find(text) : AVER_TCB_NONE;
    json->bad = *ret_status == AVER_TCB_NONE;
}

static void tcb_number16(aver_dcap_json *json, uint16_t *ret_number)
{
    uint32_t number = 0;
    if (aver_dcap_json_number(json, 0xffff, &number)) {
        *ret_number = (uint16_t)number;
    }
}

/* The whole array, read once to see that it is one. */
static void tcb_advisories(aver_dcap_json *json, aver_view *ret_list)
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

static void tcb_component(aver_dcap_json *json, uint8_t *ret_svn)
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

static void tcb_components(aver_dcap_json *json, uint8_t ret_svns[AVER_DCAP_COMPONENTS])
{
    size_t count = 0;
    (void)aver_dcap_json_into(json, '[');
    while (aver_dcap_json_more(json, ']')) {
        if (count == AVER_DCAP_COMPONENTS) {
            json->bad = true;
            return;
        }
        tcb_component(json, &ret_svns[count++]);
    }
    json->bad = json->bad || count != AVER_DCAP_COMPONENTS;
}

/* Version 2 of the TCB info names each component, version 3 has lists. */
static void tcb_numbers(aver_dcap_json *json, aver_dcap_level *level)
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
            tcb_number16(json, &level->pce_svn);
        } else if (member == 17) {
            tcb_components(json, level->sgx);
        } else if (member == 18) {
            tcb_components(json, level->tdx);
        } else {
            aver_dcap_json_skip(json);
        }
    }
    level->form = seen == 0x1ffff   ? AVER_DCAP_LEVEL_NAMED
                  : seen == 0x30000 ? AVER_DCAP_LEVEL_SGX
                                    : AVER_DCAP_LEVEL_TDX;
    json->bad = json->bad || (level->form == AVER_DCAP_LEVEL_TDX && seen != 0x70000);
}

static void tcb_level(aver_dcap_json *json, aver_dcap_level *level)
{
    static const char *const names[] = {"tcb", "tcbDate", "tcbStatus", "advisoryIDs", NULL};
    uint32_t seen = 0;
    (void)aver_dcap_json_into(json, '{');
    while (aver_dcap_json_more(json, '}')) {
        switch (aver_dcap_json_member(json, names, &seen)) {
        case 0:
            tcb_numbers(json, level);
            break;
        case 1:
            tcb_date(json, &level->date_s);
            break;
        case 2:
            tcb_status(json, &level->status);
            break;
        case 3:
            tcb_advisories(json, &level->advisories);
            break;
        default:
            aver_dcap_json_skip(json);
        }
    }
    json->bad = json->bad || (seen & 7) != 7;
}

static void tcb_levels(aver_dcap_json *json, aver_dcap_tcb *tcb)
{
    (void)aver_dcap_json_into(json, '[');
    while (aver_dcap_json_more(json, ']')) {
        if (tcb->levels_count == AVER_DCAP_LEVELS_MAX) {
            json->bad = true;
            return;
        }
        tcb_level(json, &tcb->levels[tcb->levels_count++]);
    }
}

static void tcb_isv_svn(aver_dcap_json *json, uint16_t *ret_svn)
{
    static const char *const names[] = {"isvsvn", NULL};
    uint32_t seen = 0;
    (void)aver_dcap_json_into(json, '{');
    while (aver_dcap_json_more(json, '}')) {
        if (aver_dcap_json_member(json, names, &seen) == 0) {
            tcb_number16(json, ret_svn);
        } else {
            aver_dcap_json_skip(json);
        }
    }
    json->bad = json->bad || seen != 1;
}

static void tcb_isv_level(aver_dcap_json *json, aver_dcap_isv_level *level)
{
    static const char *const names[] = {"tcb", "tcbDate", "tcbStatus", "advisoryIDs", NULL};
    uint32_t seen = 0;
    (void)aver_dcap_json_into(json, '{');
    while (aver_dcap_json_more(json, '}')) {
        switch (aver_dcap_json_member(json, names, &seen)) {
        case 0:
            tcb_isv_svn(json, &level->isv_svn);
            break;
        case 1:
            tcb_date(json, &level->date_s);
            break;
        case 2:
            tcb_status(json, &level->status);
            break;
        case 3:
            tcb_advisories(json, &level->advisories);
            break;
        default:
            aver_dcap_json_skip(json);
        }
    }
    json->bad = json->bad || (seen & 7) != 7;
}

static void tcb_isv_levels(aver_dcap_json *json, aver_dcap_isv_level *levels, size_t *count)
{
    (void)aver_dcap_json_into(json, '[');
    while (aver_dcap_json_more(json, ']')) {
        if (*count == AVER_DCAP_ISV_LEVELS_MAX) {
            json->bad = true;
            return;
        }
        tcb_isv_level(json, &levels[(*count)++]);
    }
}

/* TDX_ and the module's version as two hex digits. */
static void tcb_module_id(aver_dcap_json *json, uint8_t *ret_version)
{
    aver_view id;
    if (!aver_dcap_json_text(json, &id) || id.size != 6 || memcmp(id.data, "TDX_", 4) != 0 ||
        aver_hex_decode(aver_view_slice(id, 4, 2), ret_version, 1) != AVER_OK) {
        json->bad = true;
    }
}

/* wanted: the bits of the members that must be there. */
static void tcb_module(aver_dcap_json *json, uint32_t wanted, aver_dcap_module *module)
{
    static const char *const names[] = {"mrsigner", "attributes", "attributesMask",
                                        "id",       "tcbLevels",  NULL};
    uint32_t seen = 0;
    (void)aver_dcap_json_into(json, '{');
    while (aver_dcap_json_more(json, '}')) {
        switch (aver_dcap_json_member(json, names, &seen)) {
        case 0:
            (void)aver_dcap_json_hex(json, module->mr_signer, sizeof module->mr_signer);
            break;
        case 1:
            (void)aver_dcap_json_hex(json, module->attributes, sizeof module->attributes);
            break;
        case 2:
            (void)aver_dcap_json_hex(json, module->attributes_mask, sizeof module->attributes_mask);
            break;
        case 3:
            tcb_module_id(json, &module->version);
            break;
        case 4:
            tcb_isv_levels(json, module->levels, &module->levels_count);
            break;
        default:
            aver_dcap_json_skip(json);
        }
    }
    json->bad = json->bad || (seen & wanted) != wanted;
}

static void tcb_modules(aver_dcap_json *json, aver_dcap_tcb *tcb)
{
    (void)aver_dcap_json_into(json, '[');
    while (aver_dcap_json_more(json, ']')) {
        if (tcb->modules_count == AVER_DCAP_MODULES_MAX) {
            json->bad = true;
            return;
        }
        tcb_module(json, 0x1f, &tcb->modules[tcb->modules_count++]);
    }
}

enum {
    TCB_ID,
    TCB_VERSION,
    TCB_ISSUED,
    TCB_NEXT,
    TCB_FMSPC,
    TCB_PCEID,
    TCB_TYPE,
    TCB_EVALUATION,
    TCB_LEVELS,
    TCB_MODULE,
    TCB_MODULES,
};
static const char *const tcb_names[] = {"id",
                                        "version",
                                        "issueDate",
                                        "nextUpdate",
                                        "fmspc",
                                        "pceId",
                                        "tcbType",
                                        "tcbEvaluationDataNumber",
                                        "tcbLevels",
                                        "tdxModule",
                                        "tdxModuleIdentities",
                                        NULL};

/* Of one object, what stands at its top besides the rest. */
typedef struct tcb_head {
    aver_view id;
    uint32_t version, type, seen;
} tcb_head;

static void tcb_read_member(aver_dcap_json *json, size_t member, tcb_head *head, aver_dcap_tcb *tcb)
{
    switch (member) {
    case TCB_ID:
        (void)aver_dcap_json_text(json, &head->id);
        break;
    case TCB_VERSION:
        (void)aver_dcap_json_number(json, UINT32_MAX, &head->version);
        break;
    case TCB_ISSUED:
        tcb_date(json, &tcb->window.from_s);
        break;
    case TCB_NEXT:
        tcb_date(json, &tcb->window.to_s);
        break;
    case TCB_FMSPC:
        (void)aver_dcap_json_hex(json, tcb->fmspc, sizeof tcb->fmspc);
        break;
    case TCB_PCEID:
        (void)aver_dcap_json_hex(json, tcb->pceid, sizeof tcb->pceid);
        break;
    case TCB_TYPE:
        (void)aver_dcap_json_number(json, UINT32_MAX, &head->type);
        break;
    case TCB_EVALUATION:
        (void)aver_dcap_json_number(json, UINT32_MAX, &tcb->evaluation);
        break;
    case TCB_LEVELS:
        tcb_levels(json, tcb);
        break;
    case TCB_MODULE:
        tcb->has_module = true;
        tcb_module(json, 7, &tcb->module);
        break;
    case TCB_MODULES:
        tcb_modules(json, tcb);
        break;
    default:
        aver_dcap_json_skip(json);
    }
}

/* Every level is of the form that version and kind ask for. */
static bool tcb_levels_alike(const aver_dcap_tcb *tcb, uint32_t version)
{
    aver_dcap_level_form form = version == 2 ? AVER_DCAP_LEVEL_NAMED
                                : tcb->tdx   ? AVER_DCAP_LEVEL_TDX
                                             : AVER_DCAP_LEVEL_SGX;
    for (size_t i = 0; i < tcb->levels_count; i++) {
        if (tcb->levels[i].form != form) {
            return false;
        }
    }
    return tcb->levels_count > 0;
}

static const char *tcb_read(aver_dcap_json *json, aver_dcap_tcb *tcb)
{
    tcb_head head = {0};
    (void)aver_dcap_json_into(json, '{');
    while (aver_dcap_json_more(json, '}')) {
        tcb_read_member(json, aver_dcap_json_member(json, tcb_names, &head.seen), &head, tcb);
    }
    if (!aver_dcap_json_end(json) || (head.seen & 0x1fe) != 0x1fe) {
        return json->bad ? "it is not well formed" : "a member is missing";
    }
    if (head.version < 2 || head.version > 3) {
        return "its version is neither 2 nor 3";
    }
    tcb->tdx = head.version == 3 && aver_view_equal_text(head.id, "TDX");
    if (!tcb->tdx && !aver_view_equal_text(head.id, head.version == 3 ? "SGX" : "")) {
        return "its id is neither SGX nor TDX";
    }
    if (head.type != 0) {
        return "its levels are to be compared in a way that is not known";
    }
    return tcb_levels_alike(tcb, head.version) ? NULL : "its levels are of another kind than it";
}

/* A copy of the text, which views into it then share the life of. */
static aver_err tcb_text(aver_view text, uint8_t **ret_copy)
{
    if (text.size == 0 || text.size > TCB_TEXT_BYTES_MAX) {
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

static aver_err tcb_failed(char ret_why[AVER_DCAP_WHY_BYTES], const char *what, const char *why)
{
    (void)snprintf(ret_why, AVER_DCAP_WHY_BYTES, "%s: %s", what, why);
    return AVER_E_FORMAT;
}

aver_err aver_dcap_tcb_read(aver_view text, aver_dcap_tcb *ret_tcb,
                            char ret_why[AVER_DCAP_WHY_BYTES])
{
    aver_dcap_json json;
    aver_err err = tcb_text(text, &ret_tcb->text);
    if (err == AVER_E_NOMEM) {
        return err;
    }
    const char *why = "it is of no size that it can have";
    if (err == AVER_OK) {
        aver_dcap_json_open(&json, aver_view_make(ret_tcb->text, text.size));
        why = tcb_read(&json, ret_tcb);
    }
    return why != NULL ? tcb_failed(ret_why, "TCB info", why) : AVER_OK;
}

/* Hex of the number as people write it, not of its bytes in memory. */
static void identity_word(aver_dcap_json *json, uint32_t *ret_number)
{
    uint8_t bytes[4];
    if (aver_dcap_json_hex(json, bytes, sizeof bytes)) {
        *ret_number = aver_be32_read(bytes);
    }
}

enum {
    IDENTITY_ID,
    IDENTITY_VERSION,
    IDENTITY_ISSUED,
    IDENTITY_NEXT,
    IDENTITY_EVALUATION,
    IDENTITY_MISC,
    IDENTITY_MISC_MASK,
    IDENTITY_ATTRIBUTES,
    IDENTITY_ATTRIBUTES_MASK,
    IDENTITY_SIGNER,
    IDENTITY_PRODUCT,
    IDENTITY_LEVELS,
};
static const char *const identity_names[] = {
    "id",         "version",        "issueDate",  "nextUpdate",     "tcbEvaluationDataNumber",
    "miscselect", "miscselectMask", "attributes", "attributesMask", "mrsigner",
    "isvprodid",  "tcbLevels",      NULL};

static void identity_read_member(aver_dcap_json *json, size_t member, tcb_head *head,
                                 aver_dcap_identity *identity)
{
    switch (member) {
    case IDENTITY_ID:
        (void)aver_dcap_json_text(json, &head->id);
        break;
    case IDENTITY_VERSION:
        (void)aver_dcap_json_number(json, UINT32_MAX, &head->version);
        break;
    case IDENTITY_ISSUED:
        tcb_date(json, &identity->window.from_s);
        break;
    case IDENTITY_NEXT:
        tcb_date(json, &identity->window.to_s);
        break;
    case IDENTITY_EVALUATION:
        (void)aver_dcap_json_number(json, UINT32_MAX, &identity->evaluation);
        break;
    case IDENTITY_MISC:
        identity_word(json, &identity->misc_select);
        break;
    case IDENTITY_MISC_MASK:
        identity_word(json, &identity->misc_select_mask);
        break;
    case IDENTITY_ATTRIBUTES:
        (void)aver_dcap_json_hex(json, identity->attributes, sizeof identity->attributes);
        break;
    case IDENTITY_ATTRIBUTES_MASK:
        (void)aver_dcap_json_hex(json, identity->attributes_mask, sizeof identity->attributes_mask);
        break;
    case IDENTITY_SIGNER:
        (void)aver_dcap_json_hex(json, identity->mr_signer, sizeof identity->mr_signer);
        break;
    case IDENTITY_PRODUCT:
        tcb_number16(json, &identity->isv_prod_id);
        break;
    case IDENTITY_LEVELS:
        tcb_isv_levels(json, identity->levels, &identity->levels_count);
        break;
    default:
        aver_dcap_json_skip(json);
    }
}

static const char *identity_read(aver_dcap_json *json, aver_dcap_identity *identity)
{
    tcb_head head = {0};
    (void)aver_dcap_json_into(json, '{');
    while (aver_dcap_json_more(json, '}')) {
        identity_read_member(json, aver_dcap_json_member(json, identity_names, &head.seen), &head,
                             identity);
    }
    if (!aver_dcap_json_end(json) || head.seen != 0xfff) {
        return json->bad ? "it is not well formed" : "a member is missing";
    }
    identity->tdx = aver_view_equal_text(head.id, "TD_QE");
    if (!identity->tdx && !aver_view_equal_text(head.id, "QE")) {
        return "its id is neither QE nor TD_QE";
    }
    if (head.version != 2) {
        return "its version is not 2";
    }
    return identity->levels_count > 0 ? NULL : "it has no levels";
}

aver_err aver_dcap_identity_read(aver_view text, aver_dcap_identity *ret_identity,
                                 char ret_why[AVER_DCAP_WHY_BYTES])
{
    aver_dcap_json json;
    aver_err err = tcb_text(text, &ret_identity->text);
    if (err == AVER_E_NOMEM) {
        return err;
    }
    const char *why = "it is of no size that it can have";
    if (err == AVER_OK) {
        aver_dcap_json_open(&json, aver_view_make(ret_identity->text, text.size));
        why = identity_read(&json, ret_identity);
    }
    return why != NULL ? tcb_failed(ret_why, "QE identity", why) : AVER_OK;
}
