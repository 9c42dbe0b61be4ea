/* SPDX-License-Identifier: Apache-2.0 */
#include "support/tdx_make.h"

#include "base/check.h"
#include "crypto/hash.h"

#include <string.h>

enum {
    TDX_EXTENSION_BYTES_MAX = 1024,
    TDX_QUOTE_BYTES_MAX = 32768,
    TDX_BODY_BYTES = 584,
    TDX_REPORT_BYTES = 384,
    TDX_TCB_MEMBERS = 18,
};

static const uint8_t tdx_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

static void append_le16(aver_buf *out, uint16_t value)
{
    aver_buf_append_byte(out, (uint8_t)value);
    aver_buf_append_byte(out, (uint8_t)(value >> 8));
}

static void append_le32(aver_buf *out, size_t value)
{
    append_le16(out, (uint16_t)value);
    append_le16(out, (uint16_t)(value >> 16));
}

static void append_tlv(aver_buf *out, uint8_t tag, aver_view value)
{
    aver_buf_append_byte(out, tag);
    if (value.size >= 128) {
        aver_buf_append_byte(out, 0x82);
        aver_buf_append_be16(out, (uint16_t)value.size);
    } else {
        aver_buf_append_byte(out, (uint8_t)value.size);
    }
    aver_buf_append(out, value);
}

/* SEQUENCE { Intel's prefix number [part], value }; value is whole where tag is 0. */
static void append_entry(aver_buf *out, uint8_t number, uint8_t part, uint8_t tag, aver_view value)
{
    aver_buf inner;
    aver_buf_init(&inner, TDX_EXTENSION_BYTES_MAX);
    aver_buf_append_byte(&inner, 0x06);
    aver_buf_append_byte(&inner, (uint8_t)(sizeof tdx_oid + (part != 0 ? 2 : 1)));
    aver_buf_append(&inner, AVER_VIEW_OF(tdx_oid));
    aver_buf_append_byte(&inner, number);
    if (part != 0) {
        aver_buf_append_byte(&inner, part);
    }
    append_tlv(&inner, tag, value);
    append_tlv(out, 0x30, aver_buf_view(&inner));
    aver_buf_deinit(&inner);
}

/* The extension in which a PCK certificate describes its platform. */
static void extension_make(aver_buf *out)
{
    static const uint8_t octets[18] = {1};
    aver_buf tcb;
    aver_buf all;
    aver_buf_init(&tcb, TDX_EXTENSION_BYTES_MAX);
    aver_buf_init(&all, TDX_EXTENSION_BYTES_MAX);
    for (uint8_t part = 1; part < TDX_TCB_MEMBERS; part++) {
        append_entry(&tcb, 2, part, 0x02, aver_view_make(octets, 1));
    }
    append_entry(&tcb, 2, TDX_TCB_MEMBERS, 0x04, aver_view_make(octets, 16));
    append_entry(&all, 1, 0, 0x04, aver_view_make(octets, 16));
    append_entry(&all, 2, 0, 0x30, aver_buf_view(&tcb));
    append_entry(&all, 3, 0, 0x04, aver_view_make(octets, 2));
    append_entry(&all, 4, 0, 0x04, aver_view_make(octets, 6));
    append_entry(&all, 5, 0, 0x0a, aver_view_make(octets, 1));
    append_tlv(out, 0x30, aver_buf_view(&all));
    aver_buf_deinit(&tcb);
    aver_buf_deinit(&all);
}

static void certificates_make(tdx_made *made)
{
    aver_buf extension;
    aver_buf_init(&extension, TDX_EXTENSION_BYTES_MAX);
    extension_make(&extension);
    const pki_extension extensions[] = {
        {.oid = "1.2.840.113741.1.13.1", .value = aver_buf_view(&extension)}, {.oid = NULL}};
    made->root = pki_cert_make(&(pki_options){
        .name = "Test SGX Root CA", .key = pki_key(0, PKI_P256), .ca = true, .path_length = -1});
    made->middle = pki_cert_make(&(pki_options){.name = "Intel SGX PCK Platform CA",
                                                .key = pki_key(1, PKI_P256),
                                                .issuer = &made->root,
                                                .ca = true,
                                                .path_length = 0,
                                                .serial = 2});
    made->leaf = pki_cert_make(&(pki_options){.name = "Intel SGX PCK Certificate",
                                              .key = pki_key(2, PKI_P256),
                                              .issuer = &made->middle,
                                              .serial = 3,
                                              .extensions = extensions});
    aver_buf_deinit(&extension);
}

static void append_signature(aver_buf *out, EVP_PKEY *key, aver_view text)
{
    uint8_t digest[32];
    uint8_t signature[132];
    aver_sha256_of(text, digest);
    AVER_ASSERT(pki_sign(key, AVER_VIEW_OF(digest), signature) == 64);
    aver_buf_append(out, aver_view_make(signature, 64));
}

static void signed_part_make(const tdx_recipe *recipe, aver_buf *out)
{
    static const uint8_t vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                       0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
    static const uint8_t user_data[20] = {0};
    uint8_t body[TDX_BODY_BYTES] = {0};
    append_le16(out, 4);
    append_le16(out, 2);
    append_le32(out, 0x81);
    append_le32(out, 0);
    aver_buf_append(out, AVER_VIEW_OF(vendor));
    aver_buf_append(out, AVER_VIEW_OF(user_data));
    body[120] = recipe->debug ? 1 : 0;
    body[128] = 3; /* x87 and SSE */
    memset(body + 136, 0x77, 48);
    memcpy(body + 184, recipe->mr_config_id, 48);
    memcpy(body + 472, recipe->rtmr3, 48);
    memcpy(body + 520, recipe->report_data, 64);
    aver_buf_append(out, AVER_VIEW_OF(body));
}

/* The quoting enclave's report, its signature and the certificates. */
static void certified_make(const tdx_made *made, aver_view key, aver_buf *out)
{
    uint8_t report[TDX_REPORT_BYTES] = {0};
    aver_buf pem;
    aver_sha256_of(key, report + 320);
    aver_buf_append(out, AVER_VIEW_OF(report));
    append_signature(out, made->leaf.key, AVER_VIEW_OF(report));
    append_le16(out, 0);
    aver_buf_init(&pem, TDX_QUOTE_BYTES_MAX);
    pki_pem(&made->leaf, &pem);
    pki_pem(&made->middle, &pem);
    pki_pem(&made->root, &pem);
    append_le16(out, 5);
    append_le32(out, pem.size);
    aver_buf_append(out, aver_buf_view(&pem));
    aver_buf_deinit(&pem);
}

void tdx_make(const tdx_recipe *recipe, tdx_made *ret_made)
{
    uint8_t point[132];
    aver_buf certified;
    certificates_make(ret_made);
    EVP_PKEY *key = pki_key(3, PKI_P256);
    aver_view public_key = aver_view_make(point, pki_point(key, point));
    aver_buf_init(&certified, TDX_QUOTE_BYTES_MAX);
    certified_make(ret_made, public_key, &certified);
    aver_buf *quote = &ret_made->quote;
    aver_buf_init(quote, TDX_QUOTE_BYTES_MAX);
    signed_part_make(recipe, quote);
    aver_buf signature;
    aver_buf_init(&signature, 64);
    append_signature(&signature, recipe->other_signer ? pki_key(4, PKI_P256) : key,
                     aver_buf_view(quote));
    append_le32(quote, 64 + 64 + 2 + 4 + certified.size);
    aver_buf_append(quote, aver_buf_view(&signature));
    aver_buf_append(quote, public_key);
    append_le16(quote, 6);
    append_le32(quote, certified.size);
    aver_buf_append(quote, aver_buf_view(&certified));
    AVER_ASSERT(aver_buf_status(quote) == AVER_OK);
    aver_buf_deinit(&signature);
    aver_buf_deinit(&certified);
}

void tdx_unmake(tdx_made *made)
{
    pki_cert_deinit(&made->root);
    pki_cert_deinit(&made->middle);
    pki_cert_deinit(&made->leaf);
    aver_buf_deinit(&made->quote);
}
