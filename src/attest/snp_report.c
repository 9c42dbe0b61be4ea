/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/snp_report.h"

#include "attest/family.h"

#include <string.h>

enum {
    SNP_ALGORITHM_P384 = 1,
    SNP_COORDINATE_BYTES = 72, /* of which 48 are used */
    SNP_P384_BYTES = 48,
    SNP_VERSION_MIN = 2,
    SNP_VERSION_CPUID = 3,
    SNP_VERSION_MITIGATION = 5,
    SNP_VERSION_MAX = 5,
};

static bool snp_zero(const uint8_t *bytes, size_t from, size_t to)
{
    uint8_t any = 0;
    for (size_t i = from; i < to; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

/* What the versions up to this one leave unused. */
static bool snp_reserved_zero(const uint8_t *bytes, uint32_t version)
{
    size_t cpuid_end = version >= SNP_VERSION_CPUID ? 0x18b : 0x188;
    size_t launch_end = version >= SNP_VERSION_MITIGATION ? 0x208 : 0x1f8;
    return snp_zero(bytes, 0x4c, 0x50) && snp_zero(bytes, cpuid_end, 0x1a0) &&
           snp_zero(bytes, 0x1eb, 0x1ec) && snp_zero(bytes, 0x1ef, 0x1f0) &&
           snp_zero(bytes, launch_end, AVER_SNP_SIGNED_BYTES);
}

/* Little-endian numbers of 72 bytes, of which a P-384 number fills 48. */
static bool snp_signature(const uint8_t *bytes, uint8_t ret_signature[static 96])
{
    for (size_t i = 0; i < 2; i++) {
        const uint8_t *number = bytes + AVER_SNP_SIGNED_BYTES + i * SNP_COORDINATE_BYTES;
        if (!snp_zero(number, SNP_P384_BYTES, SNP_COORDINATE_BYTES)) {
            return false;
        }
        for (size_t j = 0; j < SNP_P384_BYTES; j++) {
            ret_signature[i * SNP_P384_BYTES + j] = number[SNP_P384_BYTES - 1 - j];
        }
    }
    return snp_zero(bytes, AVER_SNP_SIGNED_BYTES + 2 * (size_t)SNP_COORDINATE_BYTES,
                    AVER_SNP_REPORT_BYTES);
}

static void snp_views(aver_view bytes, aver_snp_report *report)
{
    report->family_id = aver_view_slice(bytes, 0x10, 16);
    report->image_id = aver_view_slice(bytes, 0x20, 16);
    report->report_data = aver_view_slice(bytes, 0x50, 64);
    report->measurement = aver_view_slice(bytes, 0x90, 48);
    report->host_data = aver_view_slice(bytes, 0xc0, 32);
    report->id_key_digest = aver_view_slice(bytes, 0xe0, 48);
    report->author_key_digest = aver_view_slice(bytes, 0x110, 48);
    report->report_id = aver_view_slice(bytes, 0x140, 32);
    report->report_id_ma = aver_view_slice(bytes, 0x160, 32);
    report->chip_id = aver_view_slice(bytes, 0x1a0, 64);
}

static void snp_numbers(const uint8_t *bytes, aver_snp_report *report)
{
    report->guest_svn = aver_le32_read(bytes + 0x04);
    report->policy = aver_le64_read(bytes + 0x08);
    report->vmpl = aver_le32_read(bytes + 0x30);
    report->signature_algorithm = aver_le32_read(bytes + 0x34);
    report->current_tcb = aver_le64_read(bytes + 0x38);
    report->platform_info = aver_le64_read(bytes + 0x40);
    report->key_info = aver_le32_read(bytes + 0x48);
    report->reported_tcb = aver_le64_read(bytes + 0x180);
    report->committed_tcb = aver_le64_read(bytes + 0x1e0);
    report->launch_tcb = aver_le64_read(bytes + 0x1f0);
    report->has_cpuid = report->version >= SNP_VERSION_CPUID;
    report->cpuid_family = report->has_cpuid ? bytes[0x188] : 0;
    report->cpuid_model = report->has_cpuid ? bytes[0x189] : 0;
    report->cpuid_stepping = report->has_cpuid ? bytes[0x18a] : 0;
    report->signer = (aver_snp_signer)(report->key_info >> 2 & 7);
}

aver_err aver_snp_report_parse(aver_view bytes, aver_snp_report *ret_report)
{
    aver_snp_report report = {.bytes = bytes};
    if (bytes.size != AVER_SNP_REPORT_BYTES) {
        return AVER_E_FORMAT;
    }
    report.version = aver_le32_read(bytes.data);
    if (report.version < SNP_VERSION_MIN || report.version > SNP_VERSION_MAX) {
        return AVER_E_UNSUPPORTED;
    }
    snp_numbers(bytes.data, &report);
    snp_views(bytes, &report);
    if (report.signature_algorithm != SNP_ALGORITHM_P384) {
        return AVER_E_UNSUPPORTED;
    }
    /* Bits of key info behind the signing key are reserved. */
    if (!snp_reserved_zero(bytes.data, report.version) || report.key_info >> 5 != 0 ||
        !snp_signature(bytes.data, report.signature)) {
        return AVER_E_FORMAT;
    }
    *ret_report = report;
    return AVER_OK;
}

aver_snp_product aver_snp_product_of_cpuid(uint8_t family, uint8_t model)
{
    if (family == 0x19) {
        return model <= 0x0f                    ? AVER_SNP_MILAN
               : model >= 0x10 && model <= 0x1f ? AVER_SNP_GENOA
               : model >= 0xa0 && model <= 0xaf ? AVER_SNP_GENOA
                                                : AVER_SNP_NONE;
    }
    return family == 0x1a && model <= 0x1f ? AVER_SNP_TURIN : AVER_SNP_NONE;
}

static const char *const snp_names[] = {
    [AVER_SNP_NONE] = "",
    [AVER_SNP_MILAN] = "Milan",
    [AVER_SNP_GENOA] = "Genoa",
    [AVER_SNP_TURIN] = "Turin",
};

const char *aver_snp_product_name(aver_snp_product product)
{
    return snp_names[product];
}

aver_snp_product aver_snp_product_of_name(aver_view name)
{
    for (size_t i = AVER_SNP_MILAN; i <= AVER_SNP_TURIN; i++) {
        size_t size = strlen(snp_names[i]);
        if (name.size >= size && memcmp(name.data, snp_names[i], size) == 0 &&
            (name.size == size || name.data[size] == '-')) {
            return (aver_snp_product)i;
        }
    }
    return AVER_SNP_NONE;
}

aver_snp_tcb aver_snp_tcb_of(uint64_t value, aver_snp_product product)
{
    if (product == AVER_SNP_TURIN) {
        return (aver_snp_tcb){.fmc = (uint8_t)value,
                              .bootloader = (uint8_t)(value >> 8),
                              .tee = (uint8_t)(value >> 16),
                              .snp = (uint8_t)(value >> 24),
                              .microcode = (uint8_t)(value >> 56)};
    }
    return (aver_snp_tcb){.bootloader = (uint8_t)value,
                          .tee = (uint8_t)(value >> 8),
                          .snp = (uint8_t)(value >> 48),
                          .microcode = (uint8_t)(value >> 56)};
}
