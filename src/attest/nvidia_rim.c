/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/nvidia_rim.h"

#include "codec/text.h"
#include "crypto/hash.h"

#include <stdio.h>
#include <string.h>

#define RIM_SWID      "http://standards.iso.org/iso/19770/-2/2015/schema.xsd"
#define RIM_DSIG      "http://www.w3.org/2000/09/xmldsig#"
#define RIM_HASHES    "http://www.w3.org/2001/04/xmlenc#sha384"
#define RIM_C14N      "http://www.w3.org/2006/12/xml-c14n11"
#define RIM_ENVELOPED "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
#define RIM_DIGEST    "http://www.w3.org/2001/04/xmldsig-more#sha384"
#define RIM_ECDSA     "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"

#define RIM_CANONICAL_BYTES_MAX (6 * AVER_XML_BYTES_MAX)

/* A child element that must be there, the next after another (0: the first). */
static bool rim_next(const aver_xml *xml, size_t node, size_t after, const char *local,
                     size_t *ret_child)
{
    size_t child = aver_xml_child(xml, node, after);
    if (child == AVER_XML_NONE || !aver_xml_is(xml, child, RIM_DSIG, local)) {
        return false;
    }
    *ret_child = child;
    return true;
}

/* True if the child is the last one. */
static bool rim_last(const aver_xml *xml, size_t node, size_t child)
{
    return aver_xml_child(xml, node, child) == AVER_XML_NONE && aver_xml_no_text(xml, node);
}

/* An element that says by its Algorithm alone what it is. */
static bool rim_algorithm(const aver_xml *xml, size_t node, const char *wanted)
{
    aver_view found;
    return aver_xml_attribute_get(xml, node, "", "Algorithm", &found) &&
           aver_view_equal_text(found, wanted) && aver_xml_child(xml, node, 0) == AVER_XML_NONE &&
           aver_xml_no_text(xml, node);
}

static bool rim_reference_fits(const aver_xml *xml, size_t reference, aver_view *ret_digest)
{
    aver_view uri;
    aver_view type;
    size_t transforms = 0;
    size_t first = 0;
    size_t second = 0;
    size_t method = 0;
    size_t value = 0;
    return aver_xml_attribute_get(xml, reference, "", "URI", &uri) && uri.size == 0 &&
           !aver_xml_attribute_get(xml, reference, "", "Type", &type) &&
           rim_next(xml, reference, 0, "Transforms", &transforms) &&
           rim_next(xml, transforms, 0, "Transform", &first) &&
           rim_algorithm(xml, first, RIM_ENVELOPED) &&
           rim_next(xml, transforms, first, "Transform", &second) &&
           rim_algorithm(xml, second, RIM_C14N) && rim_last(xml, transforms, second) &&
           rim_next(xml, reference, transforms, "DigestMethod", &method) &&
           rim_algorithm(xml, method, RIM_DIGEST) &&
           rim_next(xml, reference, method, "DigestValue", &value) &&
           rim_last(xml, reference, value) && aver_xml_text(xml, value, ret_digest) == AVER_OK;
}

static bool rim_signed_info_fits(aver_nvidia_rim *rim)
{
    const aver_xml *xml = &rim->xml;
    size_t method = 0;
    size_t algorithm = 0;
    size_t reference = 0;
    return rim_next(xml, rim->signed_info, 0, "CanonicalizationMethod", &method) &&
           rim_algorithm(xml, method, RIM_C14N) &&
           rim_next(xml, rim->signed_info, method, "SignatureMethod", &algorithm) &&
           rim_algorithm(xml, algorithm, RIM_ECDSA) &&
           rim_next(xml, rim->signed_info, algorithm, "Reference", &reference) &&
           rim_last(xml, rim->signed_info, reference) &&
           rim_reference_fits(xml, reference, &rim->digest_text);
}

/* Base64 (RFC 4648) in lines. */
static aver_err rim_base64(aver_view text, aver_buf *ret_bytes)
{
    aver_buf joined;
    aver_buf_init(&joined, AVER_XML_BYTES_MAX);
    for (size_t i = 0; i < text.size; i++) {
        if (memchr(" \t\r\n", text.data[i], 4) == NULL) {
            aver_buf_append_byte(&joined, text.data[i]);
        }
    }
    aver_err err = aver_buf_status(&joined);
    if (err == AVER_OK) {
        err = aver_base64_decode(aver_buf_view(&joined), ret_bytes);
    }
    aver_buf_deinit(&joined);
    return err;
}

static aver_err rim_certificate_add(aver_view text, aver_certs *certs)
{
    aver_buf der;
    aver_buf_init(&der, AVER_CERT_BYTES_MAX);
    aver_err err = rim_base64(text, &der);
    if (err == AVER_OK) {
        err = aver_certs_add_der(certs, aver_buf_view(&der));
    }
    aver_buf_deinit(&der);
    return err;
}

/* X509Data: certificates alone, at least one. */
static bool rim_certificates_fit(const aver_nvidia_rim *rim)
{
    const aver_xml *xml = &rim->xml;
    size_t at = aver_xml_child(xml, rim->certificates, 0);
    bool fit = at != AVER_XML_NONE && aver_xml_no_text(xml, rim->certificates);
    for (; fit && at != AVER_XML_NONE; at = aver_xml_child(xml, rim->certificates, at)) {
        aver_view text;
        fit = aver_xml_is(xml, at, RIM_DSIG, "X509Certificate") &&
              aver_xml_text(xml, at, &text) == AVER_OK;
    }
    return fit;
}

aver_err aver_nvidia_rim_certs_read(aver_nvidia_rim *rim)
{
    aver_err err = AVER_OK;
    for (size_t at = aver_xml_child(&rim->xml, rim->certificates, 0);
         at != AVER_XML_NONE && err == AVER_OK;
         at = aver_xml_child(&rim->xml, rim->certificates, at)) {
        aver_view text;
        err = aver_xml_text(&rim->xml, at, &text);
        if (err == AVER_OK) {
            err = rim_certificate_add(text, &rim->certs);
        }
    }
    return err;
}

static aver_err rim_signature_read(aver_nvidia_rim *rim)
{
    const aver_xml *xml = &rim->xml;
    size_t value = 0;
    size_t key_info = 0;
    if (!rim_next(xml, rim->signature, 0, "SignedInfo", &rim->signed_info) ||
        !rim_signed_info_fits(rim) ||
        !rim_next(xml, rim->signature, rim->signed_info, "SignatureValue", &value) ||
        aver_xml_text(xml, value, &rim->signature_text) != AVER_OK ||
        !rim_next(xml, rim->signature, value, "KeyInfo", &key_info) ||
        !rim_last(xml, rim->signature, key_info) ||
        !rim_next(xml, key_info, 0, "X509Data", &rim->certificates) ||
        !rim_last(xml, key_info, rim->certificates) || !rim_certificates_fit(rim)) {
        return AVER_E_FORMAT;
    }
    return AVER_OK;
}

/* A decimal number without a sign or surplus zeros, up to most. */
static bool rim_number(aver_view text, size_t most, size_t *ret_number)
{
    size_t number = 0;
    if (text.size == 0 || text.size > 3 || (text.size > 1 && text.data[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        number = number * 10 + (size_t)(text.data[i] - '0');
    }
    *ret_number = number;
    return number <= most;
}

static bool rim_digest(const aver_nvidia_rim *rim, size_t node, size_t alternative,
                       uint8_t ret_digest[static AVER_SHA384_BYTES])
{
    char name[16];
    aver_view text;
    (void)snprintf(name, sizeof name, "Hash%zu", alternative);
    return aver_xml_attribute_get(&rim->xml, node, RIM_HASHES, name, &text) &&
           aver_hex_decode(text, ret_digest, AVER_SHA384_BYTES) == AVER_OK;
}

/* One Resource. */
static bool rim_value_fits(const aver_nvidia_rim *rim, size_t node,
                           aver_nvidia_rim_value *ret_value)
{
    aver_view type;
    aver_view index_text;
    aver_view active;
    aver_view alternatives;
    aver_view size;
    uint8_t digest[AVER_SHA384_BYTES];
    size_t index = 0;
    aver_nvidia_rim_value value = {.node = node};
    if (!aver_xml_attribute_get(&rim->xml, node, "", "type", &type) ||
        !aver_view_equal_text(type, "Measurement") ||
        !aver_xml_attribute_get(&rim->xml, node, "", "index", &index_text) ||
        !rim_number(index_text, 253, &index) ||
        !aver_xml_attribute_get(&rim->xml, node, "", "active", &active) ||
        !aver_xml_attribute_get(&rim->xml, node, "", "alternatives", &alternatives) ||
        !rim_number(alternatives, AVER_NVIDIA_RIM_ALTERNATIVES_MAX, &value.alternatives) ||
        !aver_xml_attribute_get(&rim->xml, node, "", "size", &size) ||
        !aver_view_equal_text(size, "48")) {
        return false;
    }
    value.index = (uint8_t)index;
    value.active = aver_view_equal_text(active, "True");
    if (!value.active && !aver_view_equal_text(active, "False")) {
        return false;
    }
    for (size_t i = 0; i < value.alternatives; i++) {
        if (!rim_digest(rim, node, i, digest)) {
            return false;
        }
    }
    *ret_value = value;
    return value.alternatives > 0;
}

static aver_err rim_values_read(aver_nvidia_rim *rim, size_t payload)
{
    for (size_t at = aver_xml_child(&rim->xml, payload, 0); at != AVER_XML_NONE;
         at = aver_xml_child(&rim->xml, payload, at)) {
        if (rim->values_count == AVER_NVIDIA_RIM_VALUES_MAX) {
            return AVER_E_LIMIT;
        }
        aver_nvidia_rim_value *value = &rim->values[rim->values_count];
        if (!aver_xml_is(&rim->xml, at, RIM_SWID, "Resource") || !rim_value_fits(rim, at, value)) {
            return AVER_E_FORMAT;
        }
        for (size_t i = 0; i < rim->values_count; i++) {
            if (rim->values[i].index == value->index) {
                return AVER_E_FORMAT;
            }
        }
        rim->values_count++;
        rim->active_count += value->active ? 1 : 0;
    }
    return AVER_OK;
}

static bool rim_meta_read(aver_nvidia_rim *rim, size_t meta)
{
    return aver_xml_attribute_get(&rim->xml, meta, "", "colloquialVersion", &rim->version) &&
           rim->version.size > 0 && rim->version.size < AVER_NVIDIA_VERSION_BYTES &&
           aver_xml_attribute_get(&rim->xml, meta, "", "edition", &rim->edition) &&
           aver_xml_attribute_get(&rim->xml, meta, "", "product", &rim->product);
}

/* The root's children: one Meta, one Payload, one Signature; others of SWID are passed over. */
static aver_err rim_read(aver_nvidia_rim *rim)
{
    const aver_xml *xml = &rim->xml;
    size_t meta = AVER_XML_NONE;
    size_t payload = AVER_XML_NONE;
    rim->signature = AVER_XML_NONE;
    if (!aver_xml_is(xml, 0, RIM_SWID, "SoftwareIdentity")) {
        return AVER_E_FORMAT;
    }
    for (size_t at = aver_xml_child(xml, 0, 0); at != AVER_XML_NONE;
         at = aver_xml_child(xml, 0, at)) {
        size_t *place = aver_xml_is(xml, at, RIM_SWID, "Meta")        ? &meta
                        : aver_xml_is(xml, at, RIM_SWID, "Payload")   ? &payload
                        : aver_xml_is(xml, at, RIM_DSIG, "Signature") ? &rim->signature
                                                                      : NULL;
        if (place != NULL && *place != AVER_XML_NONE) {
            return AVER_E_FORMAT;
        }
        if (place != NULL) {
            *place = at;
        } else if (!aver_view_equal_text(xml->nodes[at].name.space, RIM_SWID)) {
            return AVER_E_FORMAT;
        }
    }
    if (meta == AVER_XML_NONE || payload == AVER_XML_NONE || rim->signature == AVER_XML_NONE ||
        !rim_meta_read(rim, meta)) {
        return AVER_E_FORMAT;
    }
    aver_err err = rim_values_read(rim, payload);
    return err == AVER_OK ? rim_signature_read(rim) : err;
}

aver_err aver_nvidia_rim_open(aver_view text, aver_nvidia_rim *ret_rim)
{
    aver_err err = aver_xml_parse(text, &ret_rim->xml);
    if (err != AVER_OK) {
        return err;
    }
    aver_certs_init(&ret_rim->certs);
    ret_rim->values_count = 0;
    ret_rim->active_count = 0;
    err = rim_read(ret_rim);
    if (err != AVER_OK) {
        aver_nvidia_rim_close(ret_rim);
    }
    return err;
}

void aver_nvidia_rim_close(aver_nvidia_rim *rim)
{
    aver_certs_deinit(&rim->certs);
    aver_xml_deinit(&rim->xml);
}

/* SHA-384 of the canonical form of a node. */
static aver_err rim_canonical_digest(const aver_nvidia_rim *rim, size_t node, size_t without,
                                     uint8_t ret_digest[static AVER_SHA384_BYTES])
{
    aver_buf canonical;
    aver_buf_init(&canonical, RIM_CANONICAL_BYTES_MAX);
    aver_xml_canonical(&rim->xml, node, without, &canonical);
    aver_err err = aver_buf_status(&canonical);
    if (err == AVER_OK) {
        aver_sha384_of(aver_buf_view(&canonical), ret_digest);
    }
    aver_buf_deinit(&canonical);
    return err;
}

static aver_err rim_verify_document(const aver_nvidia_rim *rim)
{
    uint8_t digest[AVER_SHA384_BYTES];
    aver_buf wanted;
    aver_buf_init(&wanted, sizeof digest);
    aver_err err = rim_canonical_digest(rim, 0, rim->signature, digest);
    if (err == AVER_OK) {
        err = rim_base64(rim->digest_text, &wanted);
    }
    if (err == AVER_OK && !aver_view_equal(aver_buf_view(&wanted), AVER_VIEW_OF(digest))) {
        err = AVER_E_PROOF;
    }
    aver_buf_deinit(&wanted);
    return err;
}

static aver_err rim_verify_signed_info(const aver_nvidia_rim *rim)
{
    uint8_t digest[AVER_SHA384_BYTES];
    aver_curve curve;
    aver_view point;
    aver_buf signature;
    aver_buf_init(&signature, AVER_NVIDIA_SIGNATURE);
    aver_err err = rim_canonical_digest(rim, rim->signed_info, AVER_XML_NONE, digest);
    if (err == AVER_OK) {
        err = rim_base64(rim->signature_text, &signature);
    }
    if (err == AVER_OK) {
        err = aver_cert_ec_point(&rim->certs.list[0], &curve, &point);
    }
    if (err == AVER_OK) {
        err = curve == AVER_CURVE_P384
                  ? aver_ecdsa_verify(curve, point, AVER_VIEW_OF(digest), aver_buf_view(&signature))
                  : AVER_E_PROOF;
    }
    aver_buf_deinit(&signature);
    return err;
}

aver_err aver_nvidia_rim_verify(const aver_nvidia_rim *rim)
{
    aver_err err = rim_verify_document(rim);
    if (err == AVER_OK) {
        err = rim_verify_signed_info(rim);
    }
    return err == AVER_OK || err == AVER_E_NOMEM || err == AVER_E_CRYPTO ? err : AVER_E_PROOF;
}

bool aver_nvidia_rim_matches(const aver_nvidia_rim *rim, const aver_nvidia_rim_value *value,
                             const aver_nvidia_report *report)
{
    const aver_nvidia_block *block = aver_nvidia_report_block(report, (uint8_t)(value->index + 1));
    uint8_t digest[AVER_SHA384_BYTES];
    for (size_t i = 0; block != NULL && i < value->alternatives; i++) {
        if (rim_digest(rim, value->node, i, digest) &&
            aver_view_equal(AVER_VIEW_OF(digest), block->value)) {
            return true;
        }
    }
    return false;
}
