/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

#include <stdio.h>
#include <string.h>

enum {
    QUOTE_HEADER_BYTES = 48,
    QUOTE_KEY_P256 = 2, /* ECDSA-256-with-P-256 */
    QUOTE_TEE_SGX = 0,
    QUOTE_TEE_TDX = 0x81,
    QUOTE_CERTS_CHAIN = 5,
    QUOTE_CERTS_NESTED = 6,
    QUOTE_CERTS_TYPE_MAX = 7,
};

static const uint8_t quote_intel_qe[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                           0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

static bool quote_take(aver_view *rest, size_t size, aver_view *ret_part)
{
    if (rest->size < size) {
        return false;
    }
    *ret_part = aver_view_slice(*rest, 0, size);
    *rest = aver_view_slice(*rest, size, rest->size - size);
    return true;
}

static bool quote_take16(aver_view *rest, uint16_t *ret_number)
{
    aver_view bytes;
    if (!quote_take(rest, 2, &bytes)) {
        return false;
    }
    *ret_number = aver_le16_read(bytes.data);
    return true;
}

static bool quote_take32(aver_view *rest, uint32_t *ret_number)
{
    aver_view bytes;
    if (!quote_take(rest, 4, &bytes)) {
        return false;
    }
    *ret_number = aver_le32_read(bytes.data);
    return true;
}

bool aver_dcap_zero(aver_view bytes)
{
    uint8_t any = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        any |= bytes.data[i];
    }
    return any == 0;
}

static const char *quote_header(aver_view header, aver_dcap_quote *quote)
{
    quote->version = aver_le16_read(header.data);
    quote->key_type = aver_le16_read(header.data + 2);
    quote->tee_type = aver_le32_read(header.data + 4);
    quote->qe_svn = aver_le16_read(header.data + 8);
    quote->pce_svn = aver_le16_read(header.data + 10);
    quote->user_data = aver_view_slice(header, 28, 20);
    if (quote->version < 3 || quote->version > 5) {
        return "its version is none of 3, 4, 5";
    }
    if (quote->key_type != QUOTE_KEY_P256) {
        return "its attestation key is not of ECDSA over P-256";
    }
    if (quote->tee_type != QUOTE_TEE_SGX && quote->tee_type != QUOTE_TEE_TDX) {
        return "it names no kind of TEE that there is";
    }
    if (memcmp(header.data + 12, quote_intel_qe, sizeof quote_intel_qe) != 0) {
        return "it was not made by Intel's quoting enclave";
    }
    return NULL;
}

/* Version 5 says which body follows; before, the version and the kind of TEE do. */
static const char *quote_body(aver_view *rest, aver_dcap_quote *quote)
{
    static const uint32_t sizes[] = {[AVER_DCAP_BODY_SGX] = AVER_DCAP_REPORT_BYTES,
                                     [AVER_DCAP_BODY_TD10] = AVER_DCAP_TD10_BYTES,
                                     [AVER_DCAP_BODY_TD15] = AVER_DCAP_TD15_BYTES};
    bool tdx = quote->tee_type == QUOTE_TEE_TDX;
    uint16_t kind = tdx ? AVER_DCAP_BODY_TD10 : AVER_DCAP_BODY_SGX;
    uint32_t size = sizes[kind];
    if (tdx && quote->version == 3) {
        return "version 3 has no body for a trust domain";
    }
    if (quote->version == 5 && (!quote_take16(rest, &kind) || !quote_take32(rest, &size))) {
        return "it ends before its body";
    }
    if (kind < AVER_DCAP_BODY_SGX || kind > AVER_DCAP_BODY_TD15 || size != sizes[kind] ||
        (kind != AVER_DCAP_BODY_SGX) != tdx) {
        return "kind and size of its body are none that go together";
    }
    quote->kind = (aver_dcap_body)kind;
    return quote_take(rest, size, &quote->body) ? NULL : "it ends inside its body";
}

static const char *quote_qe(aver_view *rest, aver_dcap_quote *quote)
{
    uint16_t auth_size = 0;
    uint32_t certs_size = 0;
    if (!quote_take(rest, AVER_DCAP_REPORT_BYTES, &quote->qe_report) ||
        !quote_take(rest, 64, &quote->qe_signature) || !quote_take16(rest, &auth_size) ||
        !quote_take(rest, auth_size, &quote->qe_auth) || !quote_take16(rest, &quote->certs_type) ||
        !quote_take32(rest, &certs_size) || !quote_take(rest, certs_size, &quote->certs)) {
        return "its signature data end too early";
    }
    if (rest->size != 0) {
        return "its signature data hold more than they say";
    }
    if (quote->certs_type < 1 || quote->certs_type > QUOTE_CERTS_TYPE_MAX ||
        quote->certs_type == QUOTE_CERTS_NESTED) {
        return "its certification data are of no type that may stand there";
    }
    return NULL;
}

static const char *quote_signature(aver_view rest, aver_dcap_quote *quote)
{
    uint16_t outer = 0;
    uint32_t outer_size = 0;
    if (!quote_take(&rest, 64, &quote->signature) || !quote_take(&rest, 64, &quote->key)) {
        return "its signature data end too early";
    }
    if (quote->version == 3) {
        return quote_qe(&rest, quote);
    }
    if (!quote_take16(&rest, &outer) || !quote_take32(&rest, &outer_size) ||
        outer_size != rest.size) {
        return "its certification data are of another size than they say";
    }
    return outer == QUOTE_CERTS_NESTED ? quote_qe(&rest, quote)
                                       : "its certification data hold no report of the quoting "
                                         "enclave";
}

static const char *quote_read(aver_view rest, aver_dcap_quote *quote)
{
    aver_view whole = rest;
    aver_view header;
    aver_view signature;
    uint32_t size = 0;
    if (!quote_take(&rest, QUOTE_HEADER_BYTES, &header)) {
        return "it is shorter than its header";
    }
    const char *why = quote_header(header, quote);
    if (why == NULL) {
        why = quote_body(&rest, quote);
    }
    if (why != NULL) {
        return why;
    }
    quote->signed_part = aver_view_slice(whole, 0, whole.size - rest.size);
    if (!quote_take32(&rest, &size) || !quote_take(&rest, size, &signature)) {
        return "it ends inside its signature data";
    }
    quote->trailing = rest.size;
    if (!aver_dcap_zero(rest)) {
        return "something other than zeros is behind it";
    }
    return quote_signature(signature, quote);
}

aver_err aver_dcap_quote_read(aver_view evidence, bool tdx, aver_dcap_quote *ret_quote,
                              char ret_why[AVER_DCAP_WHY_BYTES])
{
    aver_dcap_quote quote = {0};
    const char *why = quote_read(evidence, &quote);
    if (why == NULL && tdx != (quote.tee_type == QUOTE_TEE_TDX)) {
        why = tdx ? "it is of an enclave, not of a trust domain"
                  : "it is of a trust domain, not of an enclave";
    }
    if (why == NULL && !tdx) {
        aver_dcap_report report;
        aver_dcap_report_read(quote.body, &report);
        why = report.reserved_zero ? NULL : "reserved bytes of the enclave's report are not zero";
    }
    if (why != NULL) {
        (void)snprintf(ret_why, AVER_DCAP_WHY_BYTES, "the quote: %s", why);
        return AVER_E_FORMAT;
    }
    *ret_quote = quote;
    return AVER_OK;
}

/*
 *   0 CPUSVN 16 | 16 MISCSELECT 4 | 20 reserved 12 | 32 ISVEXTPRODID 16 | 48 ATTRIBUTES 16 |
 *   64 MRENCLAVE 32 | 96 reserved 32 | 128 MRSIGNER 32 | 160 reserved 32 | 192 CONFIGID 64 |
 *   256 ISVPRODID 2 | 258 ISVSVN 2 | 260 CONFIGSVN 2 | 262 reserved 42 | 304 ISVFAMILYID 16 |
 *   320 REPORTDATA 64
 */
void aver_dcap_report_read(aver_view body, aver_dcap_report *ret_report)
{
    *ret_report = (aver_dcap_report){
        .cpu_svn = aver_view_slice(body, 0, 16),
        .misc_select = aver_le32_read(body.data + 16),
        .ext_product_id = aver_view_slice(body, 32, 16),
        .attributes = aver_view_slice(body, 48, 16),
        .mr_enclave = aver_view_slice(body, 64, 32),
        .mr_signer = aver_view_slice(body, 128, 32),
        .config_id = aver_view_slice(body, 192, 64),
        .isv_prod_id = aver_le16_read(body.data + 256),
        .isv_svn = aver_le16_read(body.data + 258),
        .config_svn = aver_le16_read(body.data + 260),
        .family_id = aver_view_slice(body, 304, 16),
        .report_data = aver_view_slice(body, 320, 64),
        .reserved_zero = aver_dcap_zero(aver_view_slice(body, 20, 12)) &&
                         aver_dcap_zero(aver_view_slice(body, 96, 32)) &&
                         aver_dcap_zero(aver_view_slice(body, 160, 32)) &&
                         aver_dcap_zero(aver_view_slice(body, 262, 42)),
    };
}

/*
 *   0 TEE_TCB_SVN 16 | 16 MRSEAM 48 | 64 MRSIGNERSEAM 48 | 112 SEAMATTRIBUTES 8 |
 *   120 TDATTRIBUTES 8 | 128 XFAM 8 | 136 MRTD 48 | 184 MRCONFIGID 48 | 232 MROWNER 48 |
 *   280 MROWNERCONFIG 48 | 328 RTMR 4 x 48 | 520 REPORTDATA 64
 *   in 1.5 also: 584 TEE_TCB_SVN_2 16 | 600 MRSERVICETD 48
 */
void aver_dcap_td_read(const aver_dcap_quote *quote, aver_dcap_td *ret_td)
{
    aver_view body = quote->body;
    *ret_td = (aver_dcap_td){
        .tee_tcb_svn = aver_view_slice(body, 0, 16),
        .mr_seam = aver_view_slice(body, 16, 48),
        .mr_signer_seam = aver_view_slice(body, 64, 48),
        .seam_attributes = aver_view_slice(body, 112, 8),
        .td_attributes = aver_view_slice(body, 120, 8),
        .xfam = aver_view_slice(body, 128, 8),
        .mr_td = aver_view_slice(body, 136, 48),
        .mr_config_id = aver_view_slice(body, 184, 48),
        .mr_owner = aver_view_slice(body, 232, 48),
        .mr_owner_config = aver_view_slice(body, 280, 48),
        .rtmr = {aver_view_slice(body, 328, 48), aver_view_slice(body, 376, 48),
                 aver_view_slice(body, 424, 48), aver_view_slice(body, 472, 48)},
        .report_data = aver_view_slice(body, 520, 64),
    };
    if (quote->kind == AVER_DCAP_BODY_TD15) {
        ret_td->tee_tcb_svn2 = aver_view_slice(body, 584, 16);
        ret_td->mr_service_td = aver_view_slice(body, 600, 48);
    }
}
