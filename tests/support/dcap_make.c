/* SPDX-License-Identifier: Apache-2.0 */
#include "support/dcap_make.h"

#include "base/check.h"
#include "codec/date.h"
#include "codec/json.h"
#include "codec/text.h"
#include "crypto/hash.h"

#include <stdio.h>
#include <string.h>

enum {
    MAKE_BYTES_MAX = 65536,
    KEY_ROOT = 0,
    KEY_CA,
    KEY_PCK,
    KEY_SIGNER,
    KEY_ATTESTATION,
    KEY_OTHER,
    SERIAL_CA = 3,
    SERIAL_SIGNER = 5,
    SERIAL_PCK = 7,
};

static const uint8_t make_prefix[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

static EVP_PKEY *make_key(size_t number)
{
    return pki_key(number, PKI_P256);
}

static void put_le(aver_buf *out, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        aver_buf_append_byte(out, (uint8_t)(number >> 8 * i));
    }
}

static void put_fill(aver_buf *out, uint8_t byte, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        aver_buf_append_byte(out, byte);
    }
}

static void put_der(aver_buf *out, uint8_t tag, aver_view content)
{
    aver_buf_append_byte(out, tag);
    if (content.size >= 256) {
        aver_buf_append_byte(out, 0x82);
        aver_buf_append_be16(out, (uint16_t)content.size);
    } else {
        if (content.size >= 128) {
            aver_buf_append_byte(out, 0x81);
        }
        aver_buf_append_byte(out, (uint8_t)content.size);
    }
    aver_buf_append(out, content);
}

/* SEQUENCE { Intel's prefix and these numbers, value }. */
static void put_pair(aver_buf *out, aver_view numbers, uint8_t tag, aver_view value)
{
    aver_buf oid;
    aver_buf pair;
    aver_buf_init(&oid, 64);
    aver_buf_init(&pair, 4096);
    aver_buf_append(&oid, AVER_VIEW_OF(make_prefix));
    aver_buf_append(&oid, numbers);
    put_der(&pair, 0x06, aver_buf_view(&oid));
    put_der(&pair, tag, value);
    put_der(out, 0x30, aver_buf_view(&pair));
    aver_buf_deinit(&oid);
    aver_buf_deinit(&pair);
}

static void put_tcb_extension(const dcap_recipe *r, aver_buf *out)
{
    uint8_t cpu_svn[16];
    memset(cpu_svn, r->pck_svn, sizeof cpu_svn);
    for (uint8_t i = 1; i <= 17; i++) {
        const uint8_t numbers[] = {2, i};
        const uint8_t svn[] = {i == 17 ? 11 : r->pck_svn};
        put_pair(out, AVER_VIEW_OF(numbers), 0x02, AVER_VIEW_OF(svn));
    }
    put_pair(out, AVER_VIEW_OF(((const uint8_t[]){2, 18})), 0x04, AVER_VIEW_OF(cpu_svn));
}

static void put_extension(const dcap_recipe *r, aver_buf *out)
{
    static const uint8_t one[] = {1}, two[] = {2}, three[] = {3}, four[] = {4}, five[] = {5};
    static const uint8_t pceid[2], fmspc[] = {0, 0x90, 0x6e, 0xa1, 0, 0}, type[] = {1};
    uint8_t ppid[16];
    aver_buf members;
    aver_buf tcb;
    memset(ppid, 0xab, sizeof ppid);
    aver_buf_init(&members, 4096);
    aver_buf_init(&tcb, 4096);
    put_pair(&members, AVER_VIEW_OF(one), 0x04, AVER_VIEW_OF(ppid));
    put_tcb_extension(r, &tcb);
    put_pair(&members, AVER_VIEW_OF(two), 0x30, aver_buf_view(&tcb));
    put_pair(&members, AVER_VIEW_OF(three), 0x04, AVER_VIEW_OF(pceid));
    put_pair(&members, AVER_VIEW_OF(four), 0x04, AVER_VIEW_OF(fmspc));
    put_pair(&members, AVER_VIEW_OF(five), 0x0a, AVER_VIEW_OF(type));
    if (r->extension_twice_ppid) {
        put_pair(&members, AVER_VIEW_OF(one), 0x04, AVER_VIEW_OF(ppid));
    }
    put_der(out, 0x30, aver_buf_view(&members));
    aver_buf_deinit(&members);
    aver_buf_deinit(&tcb);
}

static void make_certs(const dcap_recipe *r, dcap_made *made)
{
    aver_buf extension;
    aver_buf_init(&extension, 4096);
    put_extension(r, &extension);
    const pki_extension extensions[] = {
        {.oid = "1.2.840.113741.1.13.1", .value = aver_buf_view(&extension)}, {.oid = NULL}};
    pki_options root = {
        .name = "Intel SGX Root CA", .key = make_key(KEY_ROOT), .ca = true, .path_length = 1};
    made->root = pki_cert_make(&root);
    root.key = make_key(KEY_OTHER);
    pki_cert other = pki_cert_make(&root);
    made->ca = pki_cert_make(&(pki_options){.name = r->ca_name,
                                            .key = make_key(KEY_CA),
                                            .issuer = r->other_root ? &other : &made->root,
                                            .ca = true,
                                            .path_length = 0,
                                            .serial = SERIAL_CA});
    made->pck = pki_cert_make(&(pki_options){.name = r->pck_name,
                                             .key = make_key(KEY_PCK),
                                             .issuer = &made->ca,
                                             .path_length = -1,
                                             .serial = SERIAL_PCK,
                                             .from_s = PKI_NOW_S - PKI_YEAR_S,
                                             .to_s = r->pck_to_s,
                                             .extensions = r->no_extension ? NULL : extensions});
    made->signer = pki_cert_make(&(pki_options){.name = r->signer_name,
                                                .key = make_key(KEY_SIGNER),
                                                .issuer = &made->root,
                                                .path_length = -1,
                                                .serial = SERIAL_SIGNER});
    pki_cert_deinit(&other);
    aver_buf_deinit(&extension);
}

static void sign(EVP_PKEY *key, aver_view text, aver_buf *out)
{
    uint8_t digest[32];
    uint8_t signature[132];
    aver_sha256_of(text, digest);
    aver_buf_append(out, aver_view_make(signature, pki_sign(key, AVER_VIEW_OF(digest), signature)));
}

static void put_report(aver_buf *out, const uint8_t attributes[2], uint32_t misc, uint8_t signer,
                       uint16_t product, uint16_t svn, uint8_t reserved, aver_view data)
{
    put_fill(out, 5, 16);
    put_le(out, misc, 4);
    put_fill(out, 0, 28);
    aver_buf_append(out, aver_view_make(attributes, 2));
    put_fill(out, 0, 6);
    put_le(out, 0xe7, 8);
    put_fill(out, 0x11, 32);
    put_fill(out, reserved, 32);
    put_fill(out, signer, 32);
    put_fill(out, 0, 96);
    put_le(out, product, 2);
    put_le(out, svn, 2);
    put_fill(out, 0, 60);
    aver_buf_append(out, data);
}

static void put_td(const dcap_recipe *r, aver_view data, aver_buf *out)
{
    aver_buf_append(out, AVER_VIEW_OF(r->tee_tcb_svn));
    put_fill(out, 5, 14);
    put_fill(out, 0x5e, 48);
    put_fill(out, r->seam_signer, 48);
    put_le(out, r->seam_attributes, 8);
    put_le(out, r->td_attributes, 8);
    put_le(out, r->xfam, 8);
    put_fill(out, 0x77, 48);
    put_fill(out, 0, 144);
    for (uint8_t i = 0; i < 4; i++) {
        put_fill(out, (uint8_t)(0xa0 + i), 48);
    }
    aver_buf_append(out, data);
    if (r->td15) {
        aver_buf_append(out, AVER_VIEW_OF(r->tee_tcb_svn2));
        put_fill(out, 5, 14);
        put_fill(out, 0, 48);
    }
}

static void put_header(const dcap_recipe *r, aver_buf *out)
{
    static const uint8_t vendor[] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                     0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
    uint8_t data[64];
    memset(data, r->report_data, sizeof data);
    if (r->report_data_whole != NULL) {
        memcpy(data, r->report_data_whole, sizeof data);
    }
    put_le(out, r->version, 2);
    put_le(out, 2, 2);
    put_le(out, r->tdx ? 0x81 : 0, 4);
    put_le(out, r->tdx ? 0 : r->qe_svn, 2);
    put_le(out, r->tdx ? 0 : 11, 2);
    aver_buf_append(out, AVER_VIEW_OF(vendor));
    put_fill(out, 0, 20);
    if (r->version == 5) {
        put_le(out, !r->tdx ? 1 : r->td15 ? 3 : 2, 2);
        put_le(out, !r->tdx ? 384 : r->td15 ? 648 : 584, 4);
    }
    if (r->tdx) {
        put_td(r, AVER_VIEW_OF(data), out);
    } else {
        put_report(out, r->sgx_attributes, 0, 0x22, 3, 4, r->sgx_reserved, AVER_VIEW_OF(data));
    }
}

static void put_qe(const dcap_recipe *r, const dcap_made *made, aver_view key, aver_buf *out)
{
    static const uint8_t auth[32] = {0, 1, 2, 3};
    uint8_t data[64] = {0};
    aver_sha256 hash;
    aver_buf report;
    aver_buf certs;
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, r->qe_other_key ? AVER_VIEW_OF(auth) : key);
    aver_sha256_update(&hash, AVER_VIEW_OF(auth));
    aver_sha256_final(&hash, data);
    data[63] = r->qe_padded ? 1 : 0;
    aver_buf_init(&report, 384);
    aver_buf_init(&certs, MAKE_BYTES_MAX);
    const uint8_t attributes[] = {r->qe_attributes, 0};
    put_report(&report, attributes, r->qe_misc, r->qe_signer, r->qe_product, r->qe_svn, 0,
               AVER_VIEW_OF(data));
    aver_buf_append(out, aver_buf_view(&report));
    sign(make_key(r->qe_other_signer ? KEY_OTHER : KEY_PCK), aver_buf_view(&report), out);
    put_le(out, sizeof auth, 2);
    aver_buf_append(out, AVER_VIEW_OF(auth));
    pki_pem(&made->pck, &certs);
    pki_pem(&made->ca, &certs);
    pki_pem(&made->root, &certs);
    aver_buf_append_byte(&certs, 0);
    put_le(out, r->certs_type, 2);
    put_le(out, certs.size, 4);
    aver_buf_append(out, aver_buf_view(&certs));
    aver_buf_deinit(&report);
    aver_buf_deinit(&certs);
}

static void make_quote(const dcap_recipe *r, dcap_made *made)
{
    aver_buf signature;
    aver_buf qe;
    uint8_t key[132];
    aver_buf_init(&signature, MAKE_BYTES_MAX);
    aver_buf_init(&qe, MAKE_BYTES_MAX);
    aver_view point = aver_view_make(key, pki_point(make_key(KEY_ATTESTATION), key));
    put_header(r, &made->quote);
    sign(make_key(r->quote_other_signer ? KEY_OTHER : KEY_ATTESTATION), aver_buf_view(&made->quote),
         &signature);
    aver_buf_append(&signature, point);
    put_qe(r, made, point, &qe);
    if (r->version > 3) {
        put_le(&signature, 6, 2);
        put_le(&signature, qe.size, 4);
    }
    aver_buf_append(&signature, aver_buf_view(&qe));
    put_le(&made->quote, signature.size, 4);
    aver_buf_append(&made->quote, aver_buf_view(&signature));
    put_fill(&made->quote, r->trailing_byte, r->trailing);
    aver_buf_deinit(&signature);
    aver_buf_deinit(&qe);
}

/* The module's version has no part in levels of modules of version 0. */
static void put_components(aver_buf *out, const char *name, unsigned svn)
{
    aver_buf_append_format(out, "\"%s\":[", name);
    for (size_t i = 0; i < 16; i++) {
        aver_buf_append_format(out, "%s{\"svn\":%u,\"category\":\"OS/VMM\"}", i == 0 ? "" : ",",
                               i == 1 && name[0] == 't' ? 0 : svn);
    }
    aver_buf_append_text(out, "],");
}

static void put_level(const dcap_recipe *r, unsigned svn, const char *date, const char *status,
                      const char *advisories, aver_buf *out)
{
    aver_buf_append_text(out, "{\"tcb\":{");
    if (strcmp(r->tcb_version, "2") == 0) {
        for (size_t i = 1; i <= 16; i++) {
            aver_buf_append_format(out, "\"sgxtcbcomp%02zusvn\":%u,", i, svn);
        }
    } else {
        put_components(out, "sgxtcbcomponents", svn);
        if (r->tdx) {
            put_components(out, "tdxtcbcomponents", svn);
        }
    }
    aver_buf_append_format(out, "\"pcesvn\":%u},\"tcbDate\":\"%s\",\"tcbStatus\":\"%s\"%s%s}",
                           svn * 2, date, status, advisories != NULL ? ",\"advisoryIDs\":" : "",
                           advisories != NULL ? advisories : "");
}

static void put_dates(aver_buf *out, uint64_t next_s)
{
    char from[21];
    char to[21];
    aver_date_write(PKI_NOW_S - 86400, from);
    aver_date_write(next_s, to);
    aver_buf_append_format(out, "\"issueDate\":\"%s\",\"nextUpdate\":\"%s\",", from, to);
}

static void put_modules(const dcap_recipe *r, aver_buf *out)
{
    aver_buf_append_format(out,
                           "\"tdxModule\":{\"mrsigner\":\"%s\",\"attributes\":\"0000000000000000\","
                           "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"},",
                           r->module_signer);
    aver_buf_append_format(
        out,
        "\"tdxModuleIdentities\":[{\"id\":\"%s\",\"mrsigner\":\"%s\","
        "\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\","
        "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":5},\"tcbDate\":\"2025-05-14T00:00:00Z\","
        "\"tcbStatus\":\"%s\"},{\"tcb\":{\"isvsvn\":2},\"tcbDate\":\"2024-05-14T00:00:00Z\","
        "\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\":[\"INTEL-SA-00050\"]}]}],",
        r->module_id, r->module_signer, r->module_status);
}

static void put_tcb(const dcap_recipe *r, aver_buf *out)
{
    bool named = strcmp(r->tcb_version, "2") == 0;
    aver_buf_append_text(out, "{");
    if (!named) {
        aver_buf_append_format(out, "\"id\":\"%s\",", r->tcb_id);
    }
    aver_buf_append_format(out, "\"version\":%s,", r->tcb_version);
    put_dates(out, r->tcb_next_s);
    aver_buf_append_format(out,
                           "\"fmspc\":\"%s\",\"pceId\":\"%s\",\"tcbType\":%s,"
                           "\"tcbEvaluationDataNumber\":%u,",
                           r->fmspc, r->pceid, r->tcb_type, r->evaluation);
    if (r->tdx) {
        put_modules(r, out);
    }
    aver_buf_append_text(out, "\"tcbLevels\":[");
    put_level(r, 5, "2025-05-14T00:00:00Z", r->status, r->advisories, out);
    aver_buf_append_text(out, ",");
    put_level(r, 1, "2018-01-04T00:00:00Z", "OutOfDate", "[\"INTEL-SA-00010\"]", out);
    aver_buf_append_text(out, "]}");
}

static void put_identity(const dcap_recipe *r, aver_buf *out)
{
    aver_buf_append_format(out, "{\"id\":\"%s\",\"version\":2,", r->identity_id);
    put_dates(out, r->identity_next_s);
    aver_buf_append_format(
        out,
        "\"tcbEvaluationDataNumber\":%u,\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\""
        ",\"attributes\":\"11000000000000000000000000000000\","
        "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"",
        r->evaluation);
    for (size_t i = 0; i < 32; i++) {
        aver_buf_append_text(out, "4E");
    }
    aver_buf_append_format(out,
                           "\",\"isvprodid\":2,\"tcbLevels\":[{\"tcb\":{\"isvsvn\":8},"
                           "\"tcbDate\":\"2025-05-14T00:00:00Z\",\"tcbStatus\":\"%s\"%s%s},"
                           "{\"tcb\":{\"isvsvn\":4},\"tcbDate\":\"2020-05-14T00:00:00Z\","
                           "\"tcbStatus\":\"OutOfDate\"}]}",
                           r->qe_status, r->qe_advisories != NULL ? ",\"advisoryIDs\":" : "",
                           r->qe_advisories != NULL ? r->qe_advisories : "");
}

static void put_member(const dcap_recipe *r, const char *name, aver_view text, aver_buf *out)
{
    if (r->omit == NULL || strcmp(r->omit, name) != 0) {
        aver_buf_append_format(out, "%s\"%s\":", out->size > 1 ? "," : "", name);
        aver_json_append_string(out, text);
    }
}

static void put_hex_member(const dcap_recipe *r, const char *name, aver_view bytes, aver_buf *out)
{
    aver_buf hex;
    aver_buf_init(&hex, MAKE_BYTES_MAX);
    aver_hex_append(&hex, bytes);
    put_member(r, name, aver_buf_view(&hex), out);
    aver_buf_deinit(&hex);
}

/* The text, its signature and its signer's chain: three members of these names. */
static void put_signed(const dcap_recipe *r, const dcap_made *made, const char *const names[3],
                       aver_view text, bool other_signer)
{
    aver_buf part;
    aver_buf *out = (aver_buf *)(uintptr_t)&made->collateral;
    aver_buf_init(&part, MAKE_BYTES_MAX);
    put_member(r, names[0], text, out);
    sign(make_key(other_signer ? KEY_OTHER : KEY_SIGNER), text, &part);
    put_hex_member(r, names[1], aver_buf_view(&part), out);
    aver_buf_clear(&part);
    pki_pem(&made->signer, &part);
    pki_pem(&made->root, &part);
    put_member(r, names[2], aver_buf_view(&part), out);
    aver_buf_deinit(&part);
}

static void put_lists(const dcap_recipe *r, dcap_made *made)
{
    static const uint64_t pck[] = {SERIAL_PCK, 0};
    const uint64_t root[] = {r->revoke_ca ? SERIAL_CA : r->revoke_signer ? SERIAL_SIGNER : 0, 0};
    aver_buf list;
    aver_buf_init(&list, MAKE_BYTES_MAX);
    pki_crl(&(pki_crl_options){.issuer = r->other_ca_list ? &made->signer : &made->ca,
                               .revoked = r->revoke_pck ? pck : NULL},
            &list);
    put_hex_member(r, "pck_crl", aver_buf_view(&list), &made->collateral);
    aver_buf_clear(&list);
    pki_crl(&(pki_crl_options){.issuer = &made->root, .revoked = root}, &list);
    put_hex_member(r, "root_ca_crl", aver_buf_view(&list), &made->collateral);
    aver_buf_deinit(&list);
}

static void make_collateral(const dcap_recipe *r, dcap_made *made)
{
    static const char *const tcb[] = {"tcb_info", "tcb_info_signature", "tcb_info_issuer_chain"};
    static const char *const identity[] = {"qe_identity", "qe_identity_signature",
                                           "qe_identity_issuer_chain"};
    aver_buf text;
    aver_buf_init(&text, MAKE_BYTES_MAX);
    aver_buf_append_text(&made->collateral, "{");
    put_tcb(r, &text);
    put_signed(r, made, tcb, aver_buf_view(&text), r->tcb_other_signer);
    aver_buf_clear(&text);
    put_identity(r, &text);
    put_signed(r, made, identity, aver_buf_view(&text), r->identity_other_signer);
    put_lists(r, made);
    aver_buf_append_text(&made->collateral, "}");
    aver_buf_deinit(&text);
}

dcap_recipe dcap_recipe_good(bool tdx)
{
    return (dcap_recipe){
        .tdx = tdx,
        .version = tdx ? 4 : 3,
        .sgx_attributes = {0x05, 0},
        .td_attributes = 0x10000000,
        .xfam = 0x602e7,
        .tee_tcb_svn = {5, 1},
        .tee_tcb_svn2 = {5, 1},
        .report_data = 0x42,
        .qe_signer = 0x4e,
        .qe_attributes = 0x15,
        .qe_product = 2,
        .qe_svn = 8,
        .certs_type = 5,
        .pck_name = "Intel SGX PCK Certificate",
        .ca_name = "Intel SGX PCK Platform CA",
        .pck_svn = 5,
        .pck_to_s = PKI_NOW_S + PKI_YEAR_S,
        .tcb_id = tdx ? "TDX" : "SGX",
        .identity_id = tdx ? "TD_QE" : "QE",
        .fmspc = "00906EA10000",
        .pceid = "0000",
        .tcb_version = "3",
        .tcb_type = "0",
        .status = "UpToDate",
        .module_status = "UpToDate",
        .qe_status = "UpToDate",
        .evaluation = 17,
        .tcb_next_s = PKI_NOW_S + 30ull * 86400,
        .identity_next_s = PKI_NOW_S + 30ull * 86400,
        .signer_name = "Intel SGX TCB Signing",
        .module_signer =
            "00000000000000000000000000000000000000000000000000000000000000000000000000"
            "0000000000000000000000",
        .module_id = "TDX_01",
    };
}

void dcap_make(const dcap_recipe *recipe, dcap_made *ret_made)
{
    aver_buf_init(&ret_made->quote, MAKE_BYTES_MAX);
    aver_buf_init(&ret_made->collateral, MAKE_BYTES_MAX);
    make_certs(recipe, ret_made);
    make_quote(recipe, ret_made);
    make_collateral(recipe, ret_made);
    AVER_ASSERT(aver_buf_status(&ret_made->quote) == AVER_OK);
    AVER_ASSERT(aver_buf_status(&ret_made->collateral) == AVER_OK);
}

void dcap_unmake(dcap_made *made)
{
    pki_cert_deinit(&made->root);
    pki_cert_deinit(&made->ca);
    pki_cert_deinit(&made->pck);
    pki_cert_deinit(&made->signer);
    aver_buf_deinit(&made->quote);
    aver_buf_deinit(&made->collateral);
}

aver_attest_input dcap_input(const dcap_made *made)
{
    return (aver_attest_input){
        .evidence = aver_buf_view(&made->quote),
        .collateral = aver_buf_view(&made->collateral),
        .roots = {.given = {aver_buf_view(&made->root.der)}, .given_count = 1},
        .time_s = PKI_NOW_S};
}
