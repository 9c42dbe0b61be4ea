/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

#include "codec/text.h"

#include <string.h>

static void tcb_levels(aver_dcap_json *json, aver_dcap_tcb *tcb)
{
    (void)aver_dcap_json_into(json, '[');
    while (aver_dcap_json_more(json, ']')) {
        if (tcb->levels_count == AVER_DCAP_LEVELS_MAX) {
            json->bad = true;
            return;
        }
        aver_dcap_read_level(json, &tcb->levels[tcb->levels_count++]);
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
            aver_dcap_read_isv_levels(json, module->levels, &module->levels_count);
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
        aver_dcap_read_date(json, &tcb->window.from_s);
        break;
    case TCB_NEXT:
        aver_dcap_read_date(json, &tcb->window.to_s);
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

aver_err aver_dcap_tcb_read(aver_view text, aver_dcap_tcb *ret_tcb,
                            char ret_why[AVER_DCAP_WHY_BYTES])
{
    aver_dcap_json json;
    aver_err err = aver_dcap_text_copy(text, &ret_tcb->text);
    if (err == AVER_E_NOMEM) {
        return err;
    }
    const char *why = "it is of no size that it can have";
    if (err == AVER_OK) {
        aver_dcap_json_open(&json, aver_view_make(ret_tcb->text, text.size));
        why = tcb_read(&json, ret_tcb);
    }
    return why != NULL ? aver_dcap_text_failed(ret_why, "TCB info", why) : AVER_OK;
}
