/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/nvidia_cert.h"

#include "codec/der.h"

#include <stdio.h>
#include <string.h>

#define NVIDIA_OID_DEVICE_ID "2.23.133.5.4.1"
#define NVIDIA_OID_TCB_INFO  "2.23.133.5.4.1.1"
#define NVIDIA_TAG_SEQUENCE  0x30
#define NVIDIA_TAG_FWIDS     0xa6 /* [6] of DiceTcbInfo */

const char *const aver_nvidia_extensions[] = {NVIDIA_OID_DEVICE_ID, NVIDIA_OID_TCB_INFO, NULL};

/* The head of a FWID: OBJECT IDENTIFIER of SHA-384, OCTET STRING of 48 bytes. */
static const uint8_t nvidia_fwid_head[] = {0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
                                           0x03, 0x04, 0x02, 0x02, 0x04, 0x30};

/* The next element of DER that was checked to be so: lengths are in their shortest form. */
static bool nvidia_der_take(aver_view *rest, uint8_t *ret_tag, aver_view *ret_value)
{
    size_t at = 2;
    if (rest->size < at || (rest->data[0] & 0x1f) == 0x1f) {
        return false;
    }
    size_t size = rest->data[1];
    if (size >= 0x80) {
        size_t octets = size & 0x7f;
        size = 0;
        if (octets > 2 || rest->size < at + octets) {
            return false;
        }
        for (; at < 2 + octets; at++) {
            size = size << 8 | rest->data[at];
        }
    }
    if (rest->size - at < size) {
        return false;
    }
    *ret_tag = rest->data[0];
    *ret_value = aver_view_slice(*rest, at, size);
    *rest = aver_view_slice(*rest, at + size, rest->size - at - size);
    return true;
}

static bool nvidia_fwid_is(uint8_t tag, aver_view value, uint8_t *ret_fwid)
{
    size_t head = sizeof nvidia_fwid_head;
    if (tag != NVIDIA_TAG_SEQUENCE || value.size != head + AVER_NVIDIA_FWID_BYTES ||
        memcmp(value.data, nvidia_fwid_head, head) != 0) {
        return false;
    }
    memcpy(ret_fwid, value.data + head, AVER_NVIDIA_FWID_BYTES);
    return true;
}

static aver_err nvidia_fwid_find(aver_view members, uint8_t *ret_fwid)
{
    while (members.size > 0) {
        uint8_t tag = 0;
        aver_view value;
        if (!nvidia_der_take(&members, &tag, &value)) {
            return AVER_E_FORMAT;
        }
        if (nvidia_fwid_is(tag, value, ret_fwid)) {
            return AVER_OK;
        }
        if (tag == NVIDIA_TAG_FWIDS) {
            members = value; /* what follows the list has no FWID */
        }
    }
    return AVER_E_ABSENT;
}

aver_err aver_nvidia_fwid_read(const aver_cert *leaf,
                               uint8_t ret_fwid[static AVER_NVIDIA_FWID_BYTES])
{
    aver_view extension;
    aver_view members;
    uint8_t tag = 0;
    aver_err err = aver_cert_extension(leaf, NVIDIA_OID_DEVICE_ID, &extension);
    if (err == AVER_E_ABSENT) {
        err = aver_cert_extension(leaf, NVIDIA_OID_TCB_INFO, &extension);
    }
    if (err == AVER_OK) {
        err = aver_der_check(extension) == AVER_OK ? AVER_OK : AVER_E_FORMAT;
    }
    if (err != AVER_OK) {
        return err;
    }
    if (!nvidia_der_take(&extension, &tag, &members) || tag != NVIDIA_TAG_SEQUENCE) {
        return AVER_E_FORMAT;
    }
    return nvidia_fwid_find(members, ret_fwid);
}

aver_err aver_nvidia_subject(const aver_cert *cert, char ret_text[static AVER_NVIDIA_SUBJECT_BYTES])
{
    static const char word[] = "serialNumber=";
    static const char number[] = "2.5.4.5=";
    char text[AVER_NVIDIA_SUBJECT_BYTES];
    size_t used = 0;
    bool start = true;
    aver_err err = aver_cert_subject(cert, text, sizeof text);
    if (err != AVER_OK) {
        return err;
    }
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (start && strncmp(text + i, word, sizeof word - 1) == 0) {
            memcpy(ret_text + used, number, sizeof number - 1); /* shorter than what it replaces */
            used += sizeof number - 1;
            i += sizeof word - 2;
            start = false;
            continue;
        }
        start = (text[i] == ',' || text[i] == '+') && (i == 0 || text[i - 1] != '\\');
        ret_text[used++] = text[i];
    }
    ret_text[used] = '\0';
    return AVER_OK;
}
