/* SPDX-License-Identifier: Apache-2.0 */
#include "support/nvidia_make.h"

#include "base/check.h"
#include "codec/text.h"
#include "codec/xml.h"
#include "crypto/hash.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 1 << 20 };

const nvidia_recipe nvidia_recipe_good = {.version = 0x11,
                                          .code = 0xe0,
                                          .param1 = 1,
                                          .param2 = 0xff,
                                          .answer_version = 0x11,
                                          .answer_code = 0x60,
                                          .nonce = "thirty-two bytes of a nonce here",
                                          .driver = "550.1"};

static void put_le16(aver_buf *out, size_t value)
{
    aver_buf_append_byte(out, (uint8_t)value);
    aver_buf_append_byte(out, (uint8_t)(value >> 8));
}

/* What the device measures at an index. */
static void measured(unsigned index, uint8_t ret_digest[48])
{
    memset(ret_digest, (int)(index + 1), 48);
}

static void fwid_of(unsigned device, uint8_t ret_fwid[48])
{
    memset(ret_fwid, (int)(0xf0 + device), 48);
}

static void put_blocks(const nvidia_recipe *r, aver_buf *out)
{
    aver_buf record;
    aver_buf_init(&record, TEXT_BYTES_MAX);
    for (unsigned i = 0; i < NVIDIA_MAKE_BLOCKS; i++) {
        uint8_t digest[48];
        size_t size = r->short_digest && i == 5 ? 32 : 48;
        measured(i, digest);
        aver_buf_append_byte(&record, (uint8_t)(r->same_index && i == 3 ? 1 : i + 1));
        aver_buf_append_byte(&record, 1);
        put_le16(&record, size + 3);
        aver_buf_append_byte(&record, 1);
        put_le16(&record, size);
        aver_buf_append(&record, aver_view_make(digest, size));
    }
    if (r->spare) {
        aver_buf_append_byte(&record, 0);
    }
    aver_buf_append_byte(out, NVIDIA_MAKE_BLOCKS);
    put_le16(out, record.size);
    aver_buf_append_byte(out, (uint8_t)(record.size >> 16));
    aver_buf_append(out, aver_buf_view(&record));
    aver_buf_deinit(&record);
}

static void put_field(aver_buf *out, unsigned type, aver_view value)
{
    put_le16(out, type);
    put_le16(out, value.size);
    aver_buf_append(out, value);
}

static void put_opaque(const nvidia_recipe *r, aver_buf *out)
{
    static const uint8_t vbios[8] = {0x00, 0xa5, 0x00, 0x96, 0x01, 0, 0, 0};
    uint8_t fwid[48];
    uint8_t decoder = r->decoder_on ? 0xaa : 0x55;
    aver_buf opaque;
    aver_buf_init(&opaque, TEXT_BYTES_MAX);
    fwid_of(r->device + (r->other_fwid ? 1 : 0), fwid);
    if (r->driver != NULL) {
        put_field(&opaque, 3, aver_view_make(r->driver, strlen(r->driver) + 1));
        put_field(&opaque, 6, AVER_VIEW_OF(vbios));
        put_field(&opaque, 11, aver_view_make(&decoder, 1));
        put_field(&opaque, 36, AVER_VIEW_LITERAL("\x02\x00"));
    } else {
        put_field(&opaque, 6, AVER_VIEW_LITERAL("96.00.A5.00.01"));
    }
    if (!r->no_fwid) {
        put_field(&opaque, 20, AVER_VIEW_OF(fwid));
    }
    if (r->field_twice) {
        put_field(&opaque, 6, AVER_VIEW_OF(vbios));
    }
    put_le16(out, opaque.size);
    aver_buf_append(out, aver_buf_view(&opaque));
    aver_buf_deinit(&opaque);
}

static void put_report(const nvidia_recipe *r, nvidia_made *made)
{
    static const uint8_t answer_nonce[32] = "and thirty-two of the device's  ";
    aver_buf *out = &made->report;
    uint8_t digest[48];
    uint8_t signature[132];
    const uint8_t request[4] = {r->version, r->code, r->param1, r->param2};
    const uint8_t response[4] = {r->answer_version, r->answer_code, r->answer_param1,
                                 r->answer_slot};
    aver_buf_append(out, AVER_VIEW_OF(request));
    aver_buf_append(out, AVER_VIEW_OF(r->nonce));
    aver_buf_append_byte(out, r->slot);
    aver_buf_append(out, AVER_VIEW_OF(response));
    put_blocks(r, out);
    aver_buf_append(out, AVER_VIEW_OF(answer_nonce));
    put_opaque(r, out);
    aver_sha384_of(aver_buf_view(out), digest);
    size_t size = pki_sign(r->other_signer ? made->chip.key : made->leaf.key, AVER_VIEW_OF(digest),
                           signature);
    aver_buf_append(out, aver_view_make(signature, size < 96 ? size : 96));
    for (; size < 96; size++) {
        aver_buf_append_byte(out, 0);
    }
}

/* The value of the extension that names the firmware; returns its size. */
static size_t put_firmware(const nvidia_recipe *r, uint8_t ret_value[128])
{
    static const uint8_t head[] = {0x30, 0x3d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                   0x65, 0x03, 0x04, 0x02, 0x02, 0x04, 0x30};
    size_t at = 0;
    ret_value[at++] = 0x30;
    ret_value[at++] = r->tcb_info ? 69 : 66;
    if (r->tcb_info) { /* [0] vendor, [6] the firmware's list */
        memcpy(ret_value + at, "\x80\x04test\xa6\x3f", 8);
        at += 8;
        ret_value[1] = 71;
    } else {
        memcpy(ret_value + at, "\x02\x01\x01", 3);
        at += 3;
    }
    memcpy(ret_value + at, head, sizeof head);
    at += sizeof head;
    fwid_of(r->device, ret_value + at);
    at += 48;
    return r->broken_cert_fwid ? at - 1 : at;
}

static pki_cert make_cert(const char *name, EVP_PKEY *key, const pki_cert *issuer, uint64_t serial)
{
    return pki_cert_make(&(pki_options){.name = name,
                                        .key = key,
                                        .issuer = issuer,
                                        .ca = true,
                                        .path_length = -1,
                                        .serial = serial});
}

static void make_leaf(const nvidia_recipe *r, nvidia_made *made)
{
    uint8_t firmware[128];
    size_t size = put_firmware(r, firmware);
    pki_extension extensions[] = {{r->tcb_info ? "2.23.133.5.4.1.1" : "2.23.133.5.4.1", r->critical,
                                   aver_view_make(firmware, size)},
                                  {NULL, false, {0}}};
    made->leaf = pki_cert_make(
        &(pki_options){.name = "TEST A01 GSP FMC LF",
                       .key = pki_key(5 + r->device, r->leaf_p256 ? PKI_P256 : PKI_P384),
                       .issuer = &made->chip,
                       .ca = r->leaf_is_ca,
                       .path_length = -1,
                       .to_s = r->leaf_to_s,
                       .serial = 100,
                       .extensions = r->no_cert_fwid ? NULL : extensions});
}

void nvidia_make(const nvidia_recipe *recipe, nvidia_made *ret_made)
{
    nvidia_made *made = ret_made;
    aver_buf_init(&made->report, TEXT_BYTES_MAX);
    aver_buf_init(&made->chain, TEXT_BYTES_MAX);
    made->root = make_cert("test device root", pki_key(0, PKI_P384), NULL, 1);
    made->maker = make_cert("test maker", pki_key(1, PKI_P384), &made->root, 2);
    made->chip = make_cert("TEST A01 GSP BROM", pki_key(9 + recipe->device, PKI_P384), &made->maker,
                           3 + recipe->device);
    make_leaf(recipe, made);
    made->values_root = make_cert("test values root", pki_key(2, PKI_P384), NULL, 1);
    made->values_ca = make_cert("test values CA", pki_key(3, PKI_P384), &made->values_root, 2);
    pki_pem(&made->leaf, &made->chain);
    pki_pem(&made->chip, &made->chain);
    pki_pem(&made->maker, &made->chain);
    pki_pem(&made->root, &made->chain);
    put_report(recipe, made);
}

void nvidia_made_deinit(nvidia_made *made)
{
    pki_cert_deinit(&made->root);
    pki_cert_deinit(&made->maker);
    pki_cert_deinit(&made->chip);
    pki_cert_deinit(&made->leaf);
    pki_cert_deinit(&made->values_root);
    pki_cert_deinit(&made->values_ca);
    aver_buf_deinit(&made->report);
    aver_buf_deinit(&made->chain);
}

static void put_resource(const nvidia_values *values, unsigned index, aver_buf *out)
{
    uint8_t digest[48];
    bool active = index >= values->from && index < values->to;
    measured(index + (active && values->wrong != 0 && values->wrong == index ? 100 : 0), digest);
    aver_buf_append_format(out,
                           "  <n:Resource type=\"Measurement\" index=\"%u\" active=\"%s\" "
                           "alternatives=\"2\" size=\"48\" h:Hash0=\"",
                           index, active ? "True" : "False");
    for (size_t i = 0; i < sizeof digest; i++) {
        aver_buf_append_text(out, "ee");
    }
    aver_buf_append_text(out, "\" h:Hash1=\"");
    aver_hex_append(out, AVER_VIEW_OF(digest));
    aver_buf_append_text(out, "\"/>\n");
}

/* All but the signature and the end. */
static void put_tag(const nvidia_values *values, aver_buf *out)
{
    aver_buf_append_format(
        out,
        "<SoftwareIdentity xmlns=\"http://standards.iso.org/iso/19770/-2/2015/schema.xsd\""
        " xmlns:n=\"http://standards.iso.org/iso/19770/-2/2015/schema.xsd\""
        " xmlns:h=\"http://www.w3.org/2001/04/xmlenc#sha384\" tagId=\"t\" name=\"T\">\n"
        " <n:Entity name=\"Test\" role=\"tagCreator\"/>\n"
        " <n:Meta colloquialVersion=\"%s\" edition=\"%s\" product=\"T\"/>\n <n:Payload>\n",
        values->version, values->edition != NULL ? values->edition : "GPU");
    for (unsigned i = 0; i < NVIDIA_MAKE_BLOCKS; i++) {
        put_resource(values, i, out);
    }
    aver_buf_append_text(out, " </n:Payload>\n");
}

static const char end_of_tag[] = "</SoftwareIdentity>\n";

static void put_signed_info(aver_view digest, aver_buf *out)
{
    aver_buf_append_text(
        out, "<ds:SignedInfo><ds:CanonicalizationMethod "
             "Algorithm=\"http://www.w3.org/2006/12/xml-c14n11\"/><ds:SignatureMethod "
             "Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384\"/><ds:Reference "
             "URI=\"\"><ds:Transforms><ds:Transform "
             "Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/><ds:Transform "
             "Algorithm=\"http://www.w3.org/2006/12/xml-c14n11\"/></ds:Transforms><ds:DigestMethod "
             "Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#sha384\"/><ds:DigestValue>");
    aver_base64_append(out, digest);
    aver_buf_append_text(out, "</ds:DigestValue></ds:Reference></ds:SignedInfo>");
}

/* SHA-384 of the canonical form of a text's root, or of the first element of that name in it. */
static void canonical_digest(const aver_buf *text, const char *local, uint8_t ret_digest[48])
{
    aver_xml xml;
    aver_buf canonical;
    aver_buf_init(&canonical, TEXT_BYTES_MAX);
    size_t node = 0;
    aver_err err = aver_xml_parse(aver_buf_view(text), &xml);
    AVER_ASSERT(err == AVER_OK);
    while (local != NULL &&
           (xml.nodes[node].is_text || !aver_view_equal_text(xml.nodes[node].name.local, local))) {
        node++;
        AVER_ASSERT(node < xml.nodes_count);
    }
    aver_xml_canonical(&xml, node, AVER_XML_NONE, &canonical);
    aver_sha384_of(aver_buf_view(&canonical), ret_digest);
    aver_buf_deinit(&canonical);
    aver_xml_deinit(&xml);
}

static void put_certificate(const pki_cert *cert, aver_buf *out)
{
    aver_buf_append_text(out, "<ds:X509Certificate>");
    aver_base64_append(out, aver_buf_view(&cert->der));
    aver_buf_append_text(out, "\n</ds:X509Certificate>");
}

static void replace_in(aver_buf *text, const char *from, const char *to)
{
    aver_buf copy;
    aver_buf_init(&copy, TEXT_BYTES_MAX);
    const uint8_t *at = memmem(text->data, text->size, from, strlen(from));
    AVER_ASSERT(at != NULL);
    size_t before = (size_t)(at - text->data);
    aver_buf_append(&copy, aver_view_make(text->data, before));
    aver_buf_append_text(&copy, to);
    aver_buf_append(&copy, aver_view_make(at + strlen(from), text->size - before - strlen(from)));
    aver_buf_clear(text);
    aver_buf_append(text, aver_buf_view(&copy));
    aver_buf_deinit(&copy);
}

/* Signature around SignedInfo, whose signature is made from the text as it stands. */
static void put_signature(const nvidia_made *made, const nvidia_values *values, aver_buf *text,
                          const aver_buf *signed_info)
{
    uint8_t digest[48];
    uint8_t signature[132];
    aver_buf whole;
    aver_buf_init(&whole, TEXT_BYTES_MAX);
    pki_cert leaf = pki_cert_make(&(pki_options){.name = "test values signer",
                                                 .key = pki_key(4, PKI_P384),
                                                 .issuer = &made->values_ca,
                                                 .ca = values->leaf_is_ca,
                                                 .path_length = -1,
                                                 .to_s = values->leaf_to_s,
                                                 .serial = 7});
    aver_buf_append_text(text, "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">");
    aver_buf_append(text, aver_buf_view(signed_info));
    aver_buf_append(&whole, aver_buf_view(text));
    aver_buf_append_text(&whole, "</ds:Signature>");
    aver_buf_append_text(&whole, end_of_tag);
    canonical_digest(&whole, "SignedInfo", digest);
    size_t size = pki_sign(values->other_signer ? made->values_ca.key : leaf.key,
                           AVER_VIEW_OF(digest), signature);
    aver_buf_append_text(text, "<ds:SignatureValue>");
    aver_base64_append(text, aver_view_make(signature, size));
    aver_buf_append_text(text, "</ds:SignatureValue><ds:KeyInfo><ds:X509Data>");
    put_certificate(&leaf, text);
    put_certificate(&made->values_ca, text);
    put_certificate(&made->values_root, text);
    aver_buf_append_text(text, "</ds:X509Data></ds:KeyInfo></ds:Signature>");
    pki_cert_deinit(&leaf);
    aver_buf_deinit(&whole);
}

void nvidia_make_values(const nvidia_made *made, const nvidia_values *values, aver_buf *out)
{
    uint8_t digest[48];
    aver_buf text;
    aver_buf whole;
    aver_buf signed_info;
    aver_buf_init(&text, TEXT_BYTES_MAX);
    aver_buf_init(&whole, TEXT_BYTES_MAX);
    aver_buf_init(&signed_info, TEXT_BYTES_MAX);
    put_tag(values, &text);
    if (values->replace != NULL) {
        replace_in(&text, values->replace, values->with);
    }
    aver_buf_append(&whole, aver_buf_view(&text));
    aver_buf_append_text(&whole, end_of_tag);
    canonical_digest(&whole, NULL, digest);
    put_signed_info(AVER_VIEW_OF(digest), &signed_info);
    put_signature(made, values, &text, &signed_info);
    aver_buf_append_text(&text, end_of_tag);
    if (values->tamper != NULL) {
        replace_in(&text, values->tamper, values->into);
    }
    aver_buf_append(out, aver_buf_view(&text));
    aver_buf_deinit(&text);
    aver_buf_deinit(&whole);
    aver_buf_deinit(&signed_info);
}
