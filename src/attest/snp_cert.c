/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/snp_cert.h"

#include <string.h>

#define SNP_OID "1.3.6.1.4.1.3704.1."

enum { DER_INTEGER = 0x02, DER_IA5_STRING = 0x16, SNP_TURIN_CHIP_BYTES = 8, SNP_CHIP_BYTES = 64 };

/* An INTEGER from 0 to 255 in its shortest form. */
static aver_err snp_level(const aver_cert *cert, const char *oid, uint8_t *ret_level)
{
    aver_view value;
    aver_err err = aver_cert_extension(cert, oid, &value);
    if (err != AVER_OK) {
        return err == AVER_E_ABSENT ? AVER_E_FORMAT : err;
    }
    bool wide =
        value.size == 4 && value.data[1] == 2 && value.data[2] == 0 && value.data[3] >= 0x80;
    bool narrow = value.size == 3 && value.data[1] == 1 && value.data[2] < 0x80;
    if ((!wide && !narrow) || value.data[0] != DER_INTEGER) {
        return AVER_E_FORMAT;
    }
    *ret_level = value.data[value.size - 1];
    return AVER_OK;
}

/* An IA5String of printable characters. */
static aver_err snp_text(const aver_cert *cert, const char *oid, char ret_text[AVER_SNP_NAME_BYTES])
{
    aver_view value;
    aver_err err = aver_cert_extension(cert, oid, &value);
    if (err != AVER_OK) {
        return err;
    }
    if (value.size < 3 || value.size - 2 >= AVER_SNP_NAME_BYTES ||
        value.data[0] != DER_IA5_STRING || value.data[1] != value.size - 2) {
        return AVER_E_FORMAT;
    }
    for (size_t i = 2; i < value.size; i++) {
        if (value.data[i] < 0x20 || value.data[i] > 0x7e) {
            return AVER_E_FORMAT;
        }
        ret_text[i - 2] = (char)value.data[i];
    }
    ret_text[value.size - 2] = '\0';
    return AVER_OK;
}

static aver_err snp_levels(const aver_cert *cert, aver_snp_cert *ret)
{
    aver_err err = snp_level(cert, SNP_OID "3.1", &ret->tcb.bootloader);
    if (err == AVER_OK) {
        err = snp_level(cert, SNP_OID "3.2", &ret->tcb.tee);
    }
    if (err == AVER_OK) {
        err = snp_level(cert, SNP_OID "3.3", &ret->tcb.snp);
    }
    if (err == AVER_OK) {
        err = snp_level(cert, SNP_OID "3.8", &ret->tcb.microcode);
    }
    if (err == AVER_OK && ret->product == AVER_SNP_TURIN) {
        err = snp_level(cert, SNP_OID "3.9", &ret->tcb.fmc);
    }
    return err;
}

/* Raw bytes: 64, or on Turin the 8 that its chips have. */
static aver_err snp_chip(const aver_cert *cert, aver_snp_cert *ret)
{
    aver_view value;
    aver_err err = aver_cert_extension(cert, SNP_OID "4", &value);
    if (err == AVER_E_ABSENT) {
        return ret->is_vlek ? AVER_OK : AVER_E_FORMAT;
    }
    if (err != AVER_OK) {
        return err;
    }
    bool sized = value.size == SNP_CHIP_BYTES ||
                 (ret->product == AVER_SNP_TURIN && value.size == SNP_TURIN_CHIP_BYTES);
    if (!sized || ret->is_vlek) {
        return AVER_E_FORMAT;
    }
    memcpy(ret->chip_id, value.data, value.size);
    ret->chip_id_size = value.size;
    return AVER_OK;
}

static aver_err snp_names_read(const aver_cert *cert, aver_snp_cert *ret)
{
    char name[AVER_SNP_NAME_BYTES];
    aver_err err = aver_cert_common_name(cert, name, sizeof name);
    if (err != AVER_OK || (strcmp(name, "SEV-VCEK") != 0 && strcmp(name, "SEV-VLEK") != 0)) {
        return AVER_E_FORMAT;
    }
    ret->is_vlek = strcmp(name, "SEV-VLEK") == 0;
    err = snp_text(cert, SNP_OID "2", ret->product_name);
    if (err != AVER_OK) {
        return err == AVER_E_ABSENT ? AVER_E_FORMAT : err;
    }
    ret->product = aver_snp_product_of_name(aver_view_text(ret->product_name));
    err = snp_text(cert, SNP_OID "5", ret->provider);
    if (err == AVER_E_ABSENT) {
        return ret->is_vlek ? AVER_E_FORMAT : AVER_OK;
    }
    return err == AVER_OK && !ret->is_vlek ? AVER_E_FORMAT : err;
}

aver_err aver_snp_cert_read(const aver_cert *cert, aver_snp_cert *ret_cert)
{
    aver_snp_cert read = {0};
    aver_curve curve;
    aver_view point;
    aver_err err = snp_names_read(cert, &read);
    if (err == AVER_OK) {
        err = snp_levels(cert, &read);
    }
    if (err == AVER_OK) {
        err = snp_chip(cert, &read);
    }
    if (err == AVER_OK) {
        err = aver_cert_ec_point(cert, &curve, &point);
    }
    if (err == AVER_OK) {
        err =
            curve == AVER_CURVE_P384 ? aver_ecdsa_key_new(curve, point, &read.key) : AVER_E_FORMAT;
    }
    if (err != AVER_OK) {
        return err == AVER_E_NOMEM ? err : AVER_E_FORMAT;
    }
    *ret_cert = read;
    return AVER_OK;
}

void aver_snp_cert_deinit(aver_snp_cert *cert)
{
    aver_ecdsa_key_free(cert->key);
    *cert = (aver_snp_cert){0};
}
