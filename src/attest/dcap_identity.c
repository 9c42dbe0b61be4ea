/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

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

/* What stands at its top and is compared only. */
typedef struct identity_head {
    aver_view id;
    uint32_t version, seen;
} identity_head;

static void identity_read_member(aver_dcap_json *json, size_t member, identity_head *head,
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
        aver_dcap_read_date(json, &identity->window.from_s);
        break;
    case IDENTITY_NEXT:
        aver_dcap_read_date(json, &identity->window.to_s);
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
        aver_dcap_read_number16(json, &identity->isv_prod_id);
        break;
    case IDENTITY_LEVELS:
        aver_dcap_read_isv_levels(json, identity->levels, &identity->levels_count);
        break;
    default:
        aver_dcap_json_skip(json);
    }
}

static const char *identity_read(aver_dcap_json *json, aver_dcap_identity *identity)
{
    identity_head head = {0};
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
    aver_err err = aver_dcap_text_copy(text, &ret_identity->text);
    if (err == AVER_E_NOMEM) {
        return err;
    }
    const char *why = "it is of no size that it can have";
    if (err == AVER_OK) {
        aver_dcap_json_open(&json, aver_view_make(ret_identity->text, text.size));
        why = identity_read(&json, ret_identity);
    }
    return why != NULL ? aver_dcap_text_failed(ret_why, "QE identity", why) : AVER_OK;
}
