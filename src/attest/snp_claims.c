/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/snp_cert.h"

#include <string.h>

const char *aver_snp_signer_text(aver_snp_signer signer)
{
    return signer == AVER_SNP_VCEK ? "vcek" : signer == AVER_SNP_VLEK ? "vlek" : "none";
}

bool aver_snp_is_zero(aver_view bytes)
{
    uint8_t any = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        any |= bytes.data[i];
    }
    return any == 0;
}

/* As 8 bytes with the highest first, which reads like the number. */
static void snp_claim_level(aver_claims *claims, const char *name, uint64_t value)
{
    uint8_t bytes[8];
    aver_be64_write(bytes, value);
    aver_claims_put_bytes(claims, name, aver_claims_copy(claims, AVER_VIEW_OF(bytes)));
}

static void snp_claim_levels(const aver_snp_report *report, aver_snp_product product,
                             aver_claims *claims)
{
    aver_snp_tcb tcb = aver_snp_tcb_of(report->reported_tcb, product);
    snp_claim_level(claims, "current_tcb", report->current_tcb);
    snp_claim_level(claims, "reported_tcb", report->reported_tcb);
    snp_claim_level(claims, "committed_tcb", report->committed_tcb);
    snp_claim_level(claims, "launch_tcb", report->launch_tcb);
    aver_claims_put_uint(claims, "reported_tcb_parts.bl", tcb.bootloader);
    if (product == AVER_SNP_TURIN) {
        aver_claims_put_uint(claims, "reported_tcb_parts.fmc", tcb.fmc);
    }
    aver_claims_put_uint(claims, "reported_tcb_parts.snp", tcb.snp);
    aver_claims_put_uint(claims, "reported_tcb_parts.tee", tcb.tee);
    aver_claims_put_uint(claims, "reported_tcb_parts.ucode", tcb.microcode);
}

static void snp_claim_identity(const aver_snp_report *report, aver_claims *claims)
{
    const struct {
        const char *name;
        aver_view bytes;
    } values[] = {{"report_data", report->report_data},
                  {"measurement", report->measurement},
                  {"host_data", report->host_data},
                  {"id_key_digest", report->id_key_digest},
                  {"author_key_digest", report->author_key_digest},
                  {"family_id", report->family_id},
                  {"image_id", report->image_id},
                  {"report_id", report->report_id},
                  {"report_id_ma", report->report_id_ma},
                  {"chip_id", report->chip_id}};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        aver_claims_put_bytes(claims, values[i].name, values[i].bytes);
    }
    aver_claims_measure(claims, "measurement", report->measurement);
    aver_claims_measure(claims, "host_data", report->host_data);
    aver_claims_measure(claims, "id_key_digest", report->id_key_digest);
    aver_claims_measure(claims, "author_key_digest", report->author_key_digest);
    aver_claims_measure(claims, "family_id", report->family_id);
    aver_claims_measure(claims, "image_id", report->image_id);
}

static void snp_claim_numbers(const aver_snp_report *report, aver_claims *claims)
{
    uint8_t key_info[4];
    aver_be32_write(key_info, report->key_info);
    aver_claims_put_uint(claims, "version", report->version);
    aver_claims_put_uint(claims, "guest_svn", report->guest_svn);
    aver_claims_put_uint(claims, "vmpl", report->vmpl);
    aver_claims_put_uint(claims, "signature_algo", report->signature_algorithm);
    aver_claims_put_bool(claims, "debug", claims->debug);
    snp_claim_level(claims, "policy", report->policy);
    snp_claim_level(claims, "platform_info", report->platform_info);
    aver_claims_put_bytes(claims, "key_info", aver_claims_copy(claims, AVER_VIEW_OF(key_info)));
    aver_claims_put_text(claims, "signing_key",
                         aver_view_text(aver_snp_signer_text(report->signer)));
    if (report->has_cpuid) {
        aver_claims_put_uint(claims, "cpuid_family", report->cpuid_family);
        aver_claims_put_uint(claims, "cpuid_model", report->cpuid_model);
        aver_claims_put_uint(claims, "cpuid_stepping", report->cpuid_stepping);
    }
}

void aver_snp_claim(const aver_snp_report *report, const aver_snp_cert *cert, aver_claims *claims)
{
    aver_snp_product product =
        cert != NULL ? cert->product
                     : aver_snp_product_of_cpuid(report->cpuid_family, report->cpuid_model);
    claims->debug = (report->policy & AVER_SNP_POLICY_DEBUG) != 0;
    claims->has_report_data = true;
    memcpy(claims->report_data, report->report_data.data, sizeof claims->report_data);
    claims->has_nonce = true;
    claims->nonce = report->report_data;
    claims->tcb = report->reported_tcb;
    memcpy(claims->machine_id, report->chip_id.data, sizeof claims->machine_id);
    claims->machine_id_size = aver_snp_is_zero(report->chip_id) ? 0 : sizeof claims->machine_id;
    snp_claim_numbers(report, claims);
    snp_claim_identity(report, claims);
    snp_claim_levels(report, product, claims);
    if (cert != NULL) {
        aver_view name = aver_view_text(cert->product_name);
        aver_claims_put_text(claims, "product_name", aver_claims_copy(claims, name));
        if (cert->is_vlek) {
            name = aver_view_text(cert->provider);
            aver_claims_put_text(claims, "csp_id", aver_claims_copy(claims, name));
        }
    }
}
