/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

#include "codec/der.h"

#include <stdio.h>
#include <string.h>

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_OCTETS = 0x04,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_SEQUENCE = 0x30,
};

/* 1.2.840.113741.1.13.1, which every name in the extension begins with. */
static const uint8_t der_intel[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

/* Takes one element of that tag (one octet) from the front; false if it is not that. */
static bool der_take(aver_view *rest, uint8_t tag, aver_view *ret_content)
{
    if (rest->size < 2 || rest->data[0] != tag) {
        return false;
    }
    size_t head = 2;
    size_t size = rest->data[1];
    if (size >= 0x80) {
        size_t octets = size & 0x7f;
        if (octets == 0 || octets > 4 || rest->size < 2 + octets) {
            return false;
        }
        size = 0;
        for (size_t i = 0; i < octets; i++) {
            size = size << 8 | rest->data[2 + i];
        }
        head += octets;
    }
    if (size > rest->size - head) {
        return false;
    }
    *ret_content = aver_view_slice(*rest, head, size);
    *rest = aver_view_slice(*rest, head + size, rest->size - head - size);
    return true;
}

/* A number of at most 16 bits. */
static bool der_number(aver_view rest, uint8_t tag, uint16_t *ret_number)
{
    aver_view digits;
    if (!der_take(&rest, tag, &digits) || rest.size != 0 || digits.size == 0 || digits.size > 3 ||
        (digits.data[0] & 0x80) != 0 || (digits.size == 3 && digits.data[0] != 0)) {
        return false;
    }
    unsigned number = 0;
    for (size_t i = 0; i < digits.size; i++) {
        number = number << 8 | digits.data[i];
    }
    *ret_number = (uint16_t)number;
    return true;
}

static bool der_octets(aver_view rest, uint8_t *ret_bytes, size_t size)
{
    aver_view octets;
    if (!der_take(&rest, DER_OCTETS, &octets) || rest.size != 0 || octets.size != size) {
        return false;
    }
    memcpy(ret_bytes, octets.data, size);
    return true;
}

static bool der_bool(aver_view rest, bool *ret_value)
{
    aver_view octets;
    if (!der_take(&rest, DER_BOOLEAN, &octets) || rest.size != 0 || octets.size != 1) {
        return false;
    }
    *ret_value = octets.data[0] != 0;
    return true;
}

/*
 * SEQUENCE { OID, value }: the numbers of the OID behind Intel's prefix and that of the level
 * above, one octet, and what follows it. ret_number is 0 for a name of another kind.
 */
static bool der_pair(aver_view *rest, aver_view above, uint8_t *ret_number, aver_view *ret_value)
{
    aver_view pair;
    aver_view oid;
    if (!der_take(rest, DER_SEQUENCE, &pair) || !der_take(&pair, DER_OID, &oid)) {
        return false;
    }
    size_t prefix = sizeof der_intel + above.size;
    bool known =
        oid.size == prefix + 1 && memcmp(oid.data, der_intel, sizeof der_intel) == 0 &&
        (above.size == 0 || memcmp(oid.data + sizeof der_intel, above.data, above.size) == 0);
    *ret_number = known ? oid.data[prefix] : 0;
    *ret_value = pair;
    return true;
}

/* 16 components, then the PCE's number and the CPU's SVN as one. */
static bool der_tcb(aver_view value, aver_dcap_pck_info *info)
{
    static const uint8_t above[] = {2};
    uint32_t seen = 0;
    aver_view members;
    if (!der_take(&value, DER_SEQUENCE, &members) || value.size != 0) {
        return false;
    }
    while (members.size > 0) {
        uint8_t number = 0;
        uint16_t svn = 0;
        aver_view member;
        if (!der_pair(&members, AVER_VIEW_OF(above), &number, &member) || number < 1 ||
            number > 18 || (seen & 1u << number) != 0) {
            return false;
        }
        seen |= 1u << number;
        if (number == 18) {
            if (!der_octets(member, info->cpu_svn, sizeof info->cpu_svn)) {
                return false;
            }
        } else if (!der_number(member, DER_INTEGER, &svn) || (number < 17 && svn > 0xff)) {
            return false;
        } else if (number == 17) {
            info->pce_svn = svn;
        } else {
            info->components[number - 1] = (uint8_t)svn;
        }
    }
    return seen == 0x7fffe;
}

static bool der_configuration(aver_view value, aver_dcap_pck_info *info)
{
    static const uint8_t above[] = {7};
    bool *const flags[] = {&info->dynamic, &info->cached_keys, &info->smt};
    aver_view members;
    if (!der_take(&value, DER_SEQUENCE, &members) || value.size != 0) {
        return false;
    }
    while (members.size > 0) {
        uint8_t number = 0;
        aver_view member;
        if (!der_pair(&members, AVER_VIEW_OF(above), &number, &member) || number < 1 ||
            number > 3 || !der_bool(member, flags[number - 1])) {
            return false;
        }
    }
    info->has_configuration = true;
    return true;
}

static bool der_member(uint8_t number, aver_view value, aver_dcap_pck_info *info)
{
    uint16_t type = 0;
    switch (number) {
    case 1:
        return der_octets(value, info->ppid, sizeof info->ppid);
    case 2:
        return der_tcb(value, info);
    case 3:
        return der_octets(value, info->pceid, sizeof info->pceid);
    case 4:
        return der_octets(value, info->fmspc, sizeof info->fmspc);
    case 5:
        if (!der_number(value, DER_ENUMERATED, &type) || type > 0xff) {
            return false;
        }
        info->sgx_type = (uint8_t)type;
        return true;
    case 6:
        info->has_instance = true;
        return der_octets(value, info->instance, sizeof info->instance);
    case 7:
        return der_configuration(value, info);
    default:
        return true;
    }
}

aver_err aver_dcap_extension_read(aver_view extension, aver_dcap_pck_info *ret_info,
                                  char ret_why[AVER_DCAP_WHY_BYTES])
{
    uint32_t seen = 0;
    aver_view members;
    bool sound = aver_der_check(extension) == AVER_OK &&
                 der_take(&extension, DER_SEQUENCE, &members) && extension.size == 0;
    while (sound && members.size > 0) {
        uint8_t number = 0;
        aver_view value;
        sound = der_pair(&members, (aver_view){0}, &number, &value) && number < 32 &&
                (number == 0 || (seen & 1u << number) == 0) && der_member(number, value, ret_info);
        seen |= sound ? 1u << number : 0;
    }
    /* PPID, TCB, PCE id, FMSPC and type are in every one. */
    if (!sound || (seen & 0x3e) != 0x3e) {
        (void)snprintf(ret_why, AVER_DCAP_WHY_BYTES, "the certificate's SGX extension %s",
                       sound ? "lacks a member" : "is not well formed");
        return AVER_E_FORMAT;
    }
    return AVER_OK;
}
