/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

#include "codec/date.h"
#include "codec/text.h"

#include <stdio.h>
#include <string.h>

enum { TCB_TEXT_BYTES_MAX = 256 * 1024 };

static aver_view tcb_text(const json_t *object, const char *name)
{
    const json_t *text = json_object_get(object, name);
    return json_is_string(text) ? aver_view_make(json_string_value(text), json_string_length(text))
                                : (aver_view){0};
}

static bool tcb_hex(const json_t *object, const char *name, uint8_t *ret_bytes, size_t size)
{
    return json_is_string(json_object_get(object, name)) &&
           aver_hex_decode(tcb_text(object, name), ret_bytes, size) == AVER_OK;
}

static bool tcb_number(const json_t *object, const char *name, uint32_t max, uint32_t *ret_number)
{
    const json_t *number = json_object_get(object, name);
    json_int_t value = json_integer_value(number);
    if (!json_is_integer(number) || value < 0 || (uint64_t)value > max) {
        return false;
    }
    *ret_number = (uint32_t)value;
    return true;
}

static bool tcb_date(const json_t *object, const char *name, uint64_t *ret_time_s)
{
    return aver_date_read(tcb_text(object, name), ret_time_s);
}

static bool tcb_window(const json_t *object, aver_dcap_window *ret_window)
{
    return tcb_date(object, "issueDate", &ret_window->from_s) &&
           tcb_date(object, "nextUpdate", &ret_window->to_s);
}

/* NULL is in *ret_list where there is none. */
static bool tcb_advisories(const json_t *level, const json_t **ret_list)
{
    const json_t *list = json_object_get(level, "advisoryIDs");
    *ret_list = list;
    if (list == NULL) {
        return true;
    }
    if (!json_is_array(list) || json_array_size(list) > AVER_DCAP_ADVISORIES_MAX) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *advisory = json_array_get(list, i);
        if (!json_is_string(advisory) || json_string_length(advisory) == 0 ||
            json_string_length(advisory) > AVER_DCAP_ADVISORY_BYTES_MAX) {
            return false;
        }
    }
    return true;
}

static bool tcb_status(const json_t *level, aver_tcb_status *ret_status)
{
    *ret_status = aver_tcb_status_find(tcb_text(level, "tcbStatus"));
    return *ret_status != AVER_TCB_NONE;
}

/* A list of {svn, ...}, or in version 2 members named with their numbers. */
static bool tcb_components(const json_t *tcb, const char *name, uint32_t version,
                           uint8_t ret_components[AVER_DCAP_COMPONENTS])
{
    const json_t *list = json_object_get(tcb, name);
    bool listed = version >= 3;
    if (listed && (!json_is_array(list) || json_array_size(list) != AVER_DCAP_COMPONENTS)) {
        return false;
    }
    for (size_t i = 0; i < AVER_DCAP_COMPONENTS; i++) {
        char member[32];
        uint32_t svn = 0;
        (void)snprintf(member, sizeof member, "sgxtcbcomp%02zusvn", i + 1);
        if (!tcb_number(listed ? json_array_get(list, i) : tcb, listed ? "svn" : member, 0xff,
                        &svn)) {
            return false;
        }
        ret_components[i] = (uint8_t)svn;
    }
    return true;
}

static bool tcb_level(const json_t *object, bool tdx, uint32_t version, aver_dcap_level *level)
{
    const json_t *tcb = json_object_get(object, "tcb");
    uint32_t pce_svn = 0;
    if (!tcb_components(tcb, "sgxtcbcomponents", version, level->sgx) ||
        (tdx && !tcb_components(tcb, "tdxtcbcomponents", version, level->tdx)) ||
        !tcb_number(tcb, "pcesvn", 0xffff, &pce_svn) || !tcb_status(object, &level->status) ||
        !tcb_date(object, "tcbDate", &level->date_s)) {
        return false;
    }
    level->pce_svn = (uint16_t)pce_svn;
    return tcb_advisories(object, &level->advisories);
}

static bool tcb_levels(const json_t *object, uint32_t version, aver_dcap_tcb *tcb)
{
    const json_t *list = json_object_get(object, "tcbLevels");
    if (!json_is_array(list) || json_array_size(list) == 0 ||
        json_array_size(list) > AVER_DCAP_LEVELS_MAX) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!tcb_level(json_array_get(list, i), tcb->tdx, version, &tcb->levels[i])) {
            return false;
        }
    }
    tcb->levels_count = json_array_size(list);
    return true;
}

static bool tcb_isv_levels(const json_t *object, aver_dcap_isv_level *levels, size_t *ret_count)
{
    const json_t *list = json_object_get(object, "tcbLevels");
    if (!json_is_array(list) || json_array_size(list) > AVER_DCAP_MODULE_LEVELS_MAX) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *level = json_array_get(list, i);
        uint32_t isv_svn = 0;
        if (!tcb_number(json_object_get(level, "tcb"), "isvsvn", 0xffff, &isv_svn) ||
            !tcb_status(level, &levels[i].status) ||
            !tcb_date(level, "tcbDate", &levels[i].date_s) ||
            !tcb_advisories(level, &levels[i].advisories)) {
            return false;
        }
        levels[i].isv_svn = (uint16_t)isv_svn;
    }
    *ret_count = json_array_size(list);
    return true;
}

static bool tcb_module(const json_t *object, aver_dcap_module *module)
{
    return tcb_hex(object, "mrsigner", module->mr_signer, sizeof module->mr_signer) &&
           tcb_hex(object, "attributes", module->attributes, sizeof module->attributes) &&
           tcb_hex(object, "attributesMask", module->attributes_mask,
                   sizeof module->attributes_mask);
}

/* TDX_ and the module's version as two hex digits. */
static bool tcb_module_id(const json_t *object, uint8_t *ret_version)
{
    aver_view id = tcb_text(object, "id");
    return id.size == 6 && memcmp(id.data, "TDX_", 4) == 0 &&
           aver_hex_decode(aver_view_slice(id, 4, 2), ret_version, 1) == AVER_OK;
}

static bool tcb_modules(const json_t *object, aver_dcap_tcb *tcb)
{
    const json_t *list = json_object_get(object, "tdxModuleIdentities");
    const json_t *module = json_object_get(object, "tdxModule");
    tcb->has_module = module != NULL;
    if (module != NULL && !tcb_module(module, &tcb->module)) {
        return false;
    }
    if (list == NULL) {
        return true;
    }
    if (!json_is_array(list) || json_array_size(list) > AVER_DCAP_MODULES_MAX) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *identity = json_array_get(list, i);
        aver_dcap_module *into = &tcb->modules[i];
        if (!tcb_module_id(identity, &into->version) || !tcb_module(identity, into) ||
            !tcb_isv_levels(identity, into->levels, &into->levels_count)) {
            return false;
        }
    }
    tcb->modules_count = json_array_size(list);
    return true;
}

static const char *tcb_read(const json_t *object, aver_dcap_tcb *tcb)
{
    uint32_t version = 0;
    uint32_t type = 0;
    if (!tcb_number(object, "version", UINT32_MAX, &version) || version < 2 || version > 3) {
        return "its version is neither 2 nor 3";
    }
    tcb->tdx = aver_view_equal_text(tcb_text(object, "id"), "TDX");
    if (version == 2 ? json_object_get(object, "id") != NULL
                     : !tcb->tdx && !aver_view_equal_text(tcb_text(object, "id"), "SGX")) {
        return "its id is neither SGX nor TDX";
    }
    if (!tcb_number(object, "tcbType", UINT32_MAX, &type) || type != 0) {
        return "its levels are to be compared in a way that is not known";
    }
    if (!tcb_window(object, &tcb->window) ||
        !tcb_hex(object, "fmspc", tcb->fmspc, sizeof tcb->fmspc) ||
        !tcb_hex(object, "pceId", tcb->pceid, sizeof tcb->pceid) ||
        !tcb_number(object, "tcbEvaluationDataNumber", UINT32_MAX, &tcb->evaluation)) {
        return "dates, FMSPC, PCE id or evaluation number cannot be read";
    }
    if (!tcb_levels(object, version, tcb)) {
        return "its levels cannot be read";
    }
    if (tcb->tdx && !tcb_modules(object, tcb)) {
        return "its TDX modules cannot be read";
    }
    return NULL;
}

static aver_err tcb_failed(char ret_why[AVER_DCAP_WHY_BYTES], const char *what, const char *why)
{
    (void)snprintf(ret_why, AVER_DCAP_WHY_BYTES, "%s: %s", what, why);
    return AVER_E_FORMAT;
}

static aver_err tcb_parse(aver_view text, const char *what, json_t **ret_json,
                          char ret_why[AVER_DCAP_WHY_BYTES])
{
    char why[AVER_JSON_WHY_BYTES] = "";
    aver_err err = aver_json_parse(text, TCB_TEXT_BYTES_MAX, ret_json, why);
    return err == AVER_E_FORMAT || err == AVER_E_LIMIT ? tcb_failed(ret_why, what, why) : err;
}

aver_err aver_dcap_tcb_read(aver_view text, aver_dcap_tcb *ret_tcb,
                            char ret_why[AVER_DCAP_WHY_BYTES])
{
    aver_err err = tcb_parse(text, "TCB info", &ret_tcb->json, ret_why);
    const char *why = err == AVER_OK ? tcb_read(ret_tcb->json, ret_tcb) : NULL;
    return why != NULL ? tcb_failed(ret_why, "TCB info", why) : err;
}

static bool tcb_mask32(const json_t *object, const char *name, uint32_t *ret_number)
{
    /* Hex of the number as people write it, not of its bytes in memory. */
    uint8_t bytes[4];
    if (!tcb_hex(object, name, bytes, sizeof bytes)) {
        return false;
    }
    *ret_number = aver_be32_read(bytes);
    return true;
}

static const char *identity_read(const json_t *object, aver_dcap_identity *identity)
{
    uint32_t version = 0;
    uint32_t product = 0;
    identity->tdx = aver_view_equal_text(tcb_text(object, "id"), "TD_QE");
    if (!identity->tdx && !aver_view_equal_text(tcb_text(object, "id"), "QE")) {
        return "its id is neither QE nor TD_QE";
    }
    if (!tcb_number(object, "version", UINT32_MAX, &version) || version != 2) {
        return "its version is not 2";
    }
    if (!tcb_window(object, &identity->window) ||
        !tcb_number(object, "tcbEvaluationDataNumber", UINT32_MAX, &identity->evaluation) ||
        !tcb_number(object, "isvprodid", 0xffff, &product)) {
        return "dates, evaluation number or product cannot be read";
    }
    identity->isv_prod_id = (uint16_t)product;
    if (!tcb_mask32(object, "miscselect", &identity->misc_select) ||
        !tcb_mask32(object, "miscselectMask", &identity->misc_select_mask) ||
        !tcb_hex(object, "attributes", identity->attributes, sizeof identity->attributes) ||
        !tcb_hex(object, "attributesMask", identity->attributes_mask,
                 sizeof identity->attributes_mask) ||
        !tcb_hex(object, "mrsigner", identity->mr_signer, sizeof identity->mr_signer)) {
        return "what it says of the enclave cannot be read";
    }
    return tcb_isv_levels(object, identity->levels, &identity->levels_count)
               ? NULL
               : "its levels cannot be read";
}

aver_err aver_dcap_identity_read(aver_view text, aver_dcap_identity *ret_identity,
                                 char ret_why[AVER_DCAP_WHY_BYTES])
{
    aver_err err = tcb_parse(text, "QE identity", &ret_identity->json, ret_why);
    const char *why = err == AVER_OK ? identity_read(ret_identity->json, ret_identity) : NULL;
    return why != NULL ? tcb_failed(ret_why, "QE identity", why) : err;
}
