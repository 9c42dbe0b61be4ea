/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/azure_hcl.h"

#include "attest/family.h"
#include "codec/text.h"

#include <string.h>

enum {
    HCL_HEADER_BYTES = 32,
    HCL_REPORT_BYTES = 1184,
    HCL_REQUEST_BYTES = 20,
    HCL_REQUEST_AT = HCL_HEADER_BYTES + HCL_REPORT_BYTES,
    HCL_CLAIMS_AT = HCL_REQUEST_AT + HCL_REQUEST_BYTES,
    HCL_VERSION_MAX = 2,
    HCL_REQUEST_TYPE = 2,
    HCL_CLAIMS_MARKS_MAX = 512,
};

static bool hcl_header_sound(aver_view bytes)
{
    uint8_t any = 0;
    for (size_t i = 16; i < HCL_HEADER_BYTES; i++) {
        any |= bytes.data[i];
    }
    return memcmp(bytes.data, "HCLA", 4) == 0 && any == 0 &&
           aver_le32_read(bytes.data + 12) == HCL_REQUEST_TYPE;
}

aver_err aver_hcl_parse(aver_view bytes, aver_hcl *ret_hcl, const char **ret_why)
{
    if (bytes.size < HCL_CLAIMS_AT || !hcl_header_sound(bytes)) {
        *ret_why = "it does not begin as an HCL report";
        return AVER_E_FORMAT;
    }
    const uint8_t *request = bytes.data + HCL_REQUEST_AT;
    uint32_t request_bytes = aver_le32_read(request);
    uint32_t request_version = aver_le32_read(request + 4);
    uint32_t kind = aver_le32_read(request + 8);
    uint32_t hash = aver_le32_read(request + 12);
    aver_hcl hcl = {.version = aver_le32_read(bytes.data + 4),
                    .report_bytes = aver_le32_read(bytes.data + 8),
                    .request_type = HCL_REQUEST_TYPE,
                    .claims_bytes = aver_le32_read(request + 16)};
    if (hcl.version == 0 || hcl.version > HCL_VERSION_MAX || request_version == 0 ||
        request_version > HCL_VERSION_MAX) {
        *ret_why = "it is of a version that is not known here";
    } else if (hcl.claims_bytes > bytes.size - HCL_CLAIMS_AT || hcl.report_bytes > bytes.size ||
               hcl.report_bytes < HCL_REPORT_BYTES ||
               request_bytes != HCL_REQUEST_BYTES + hcl.claims_bytes) {
        *ret_why = "its sizes do not fit into each other";
    } else if (kind != AVER_HCL_SNP && kind != AVER_HCL_TDX) {
        *ret_why = "the hardware's report is of neither SEV-SNP nor TDX";
    } else if (hash < AVER_HCL_SHA256 || hash > AVER_HCL_SHA512) {
        *ret_why = "its claims are hashed in a way that is not known here";
    } else {
        hcl.kind = (aver_hcl_kind)kind;
        hcl.hash = (aver_hcl_hash)hash;
        hcl.report = aver_view_slice(bytes, HCL_HEADER_BYTES, HCL_REPORT_BYTES);
        hcl.claims = aver_view_slice(bytes, HCL_CLAIMS_AT, hcl.claims_bytes);
        *ret_hcl = hcl;
        return AVER_OK;
    }
    return AVER_E_FORMAT;
}

void aver_hcl_report_data(const aver_hcl *hcl, uint8_t ret_report_data[static 64])
{
    memset(ret_report_data, 0, 64);
    switch (hcl->hash) {
    case AVER_HCL_SHA256:
        aver_sha256_of(hcl->claims, ret_report_data);
        break;
    case AVER_HCL_SHA384:
        aver_sha384_of(hcl->claims, ret_report_data);
        break;
    case AVER_HCL_SHA512:
        aver_sha512_of(hcl->claims, ret_report_data);
        break;
    }
}

static bool hcl_is_text(const json_t *object, const char *name, const char *text)
{
    const json_t *member = json_object_get(object, name);
    return json_is_string(member) && strcmp(json_string_value(member), text) == 0;
}

/* A number of a JSON Web Key: base64url, big-endian (RFC 7518 section 6.3.1). */
static aver_err hcl_number(const json_t *key, const char *name, aver_buf *ret_number)
{
    const json_t *member = json_object_get(key, name);
    return !json_is_string(member)
               ? AVER_E_FORMAT
               : aver_base64url_decode(
                     aver_view_make(json_string_value(member), json_string_length(member)),
                     ret_number);
}

static aver_err hcl_key_open(const json_t *jwk, aver_public_key *ret_key)
{
    aver_buf modulus;
    aver_buf exponent;
    aver_public_key key = {0};
    aver_buf_init(&modulus, AVER_RSA_BYTES_MAX);
    aver_buf_init(&exponent, 8);
    aver_err err = hcl_is_text(jwk, "kty", "RSA") ? AVER_OK : AVER_E_UNSUPPORTED;
    if (err == AVER_OK) {
        err = hcl_number(jwk, "n", &modulus);
    }
    if (err == AVER_OK) {
        err = hcl_number(jwk, "e", &exponent);
    }
    if (err == AVER_OK) {
        err = aver_rsa_key_new(aver_buf_view(&modulus), aver_buf_view(&exponent), &key.rsa);
    }
    aver_buf_deinit(&modulus);
    aver_buf_deinit(&exponent);
    if (err == AVER_OK) {
        *ret_key = key;
    }
    return err == AVER_E_UNSUPPORTED || err == AVER_E_LIMIT ? AVER_E_FORMAT : err;
}

/* The one key of that name. */
static const json_t *hcl_key_find(const json_t *claims, const char *kid)
{
    const json_t *keys = json_object_get(claims, "keys");
    const json_t *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);
        if (hcl_is_text(key, "kid", kid)) {
            found = key;
            count++;
        }
    }
    return count == 1 ? found : NULL;
}

aver_err aver_hcl_claims_read(const aver_hcl *hcl, json_t **ret_json, aver_public_key *ret_key,
                              const char **ret_why)
{
    json_t *json = NULL;
    aver_err err =
        aver_json_parse_large(hcl->claims, hcl->claims.size, HCL_CLAIMS_MARKS_MAX, &json, NULL);
    if (err != AVER_OK) {
        *ret_why = "the runtime claims cannot be read";
        return err;
    }
    const json_t *key = hcl_key_find(json, "HCLAkPub");
    *ret_why = "the runtime claims hold no key HCLAkPub, or more than one";
    err = key == NULL ? AVER_E_FORMAT : AVER_OK;
    if (err == AVER_OK) {
        *ret_why = "the key HCLAkPub of the runtime claims is no RSA key of 2048 to 4096 bits";
        err = hcl_key_open(key, ret_key);
    }
    if (err == AVER_OK) {
        *ret_json = json;
    } else {
        json_decref(json);
    }
    return err;
}

bool aver_hcl_td_equal(const aver_hcl *hcl, aver_view quote_body)
{
    /* Where TDREPORT_STRUCT and the body of a quote hold the same (TDX module specification,
     * TDREPORT; DCAP quote format, TD report of TDX 1.0). */
    static const struct {
        uint16_t report, body, bytes;
    } parts[] = {
        {128, 520, 64},  /* REPORTDATA */
        {264, 0, 16},    /* TEE_TCB_SVN */
        {280, 16, 48},   /* MRSEAM */
        {328, 64, 48},   /* MRSIGNERSEAM */
        {376, 112, 8},   /* attributes of the module */
        {512, 120, 16},  /* ATTRIBUTES, XFAM */
        {528, 136, 48},  /* MRTD */
        {576, 184, 144}, /* MRCONFIGID, MROWNER, MROWNERCONFIG */
        {720, 328, 192}, /* RTMR 0 to 3 */
    };
    bool equal = hcl->report.data[0] == 0x81;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        equal = equal && memcmp(hcl->report.data + parts[i].report, quote_body.data + parts[i].body,
                                parts[i].bytes) == 0;
    }
    return equal;
}
