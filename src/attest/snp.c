/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/snp_cert.h"

#include "attest/compare.h"
#include "attest/family.h"
#include "crypto/hash.h"

#include <stdlib.h>
#include <string.h>

/* ARK-Milan, ARK-Genoa, ARK-Turin: SHA-256 of the DER, as AMD's key service gives them. */
static const uint8_t snp_roots[3][32] = {
    {0x69, 0xd0, 0x63, 0xb4, 0x53, 0x44, 0xd2, 0x6a, 0x2e, 0x94, 0xe1,
     0xf4, 0x21, 0x0d, 0xe4, 0x9e, 0xf5, 0x55, 0x30, 0x82, 0x87, 0xd4,
     0xc1, 0x74, 0x44, 0x5c, 0x95, 0x63, 0x9a, 0x54, 0x0b, 0xcd},
    {0x4c, 0x65, 0x98, 0xd1, 0x9c, 0x18, 0x71, 0x9c, 0x5d, 0xfd, 0x4a,
     0x7d, 0x33, 0x5f, 0x67, 0x4e, 0x5b, 0xfe, 0x1d, 0x8f, 0x80, 0x0c,
     0xea, 0x2c, 0xf2, 0x70, 0xc1, 0x0d, 0x10, 0x3d, 0xb2, 0xf1},
    {0x1f, 0x08, 0x41, 0x61, 0xa4, 0x4b, 0xb6, 0xd9, 0x37, 0x78, 0xa9,
     0x04, 0x87, 0x7d, 0x48, 0x19, 0xca, 0xfa, 0x5d, 0x05, 0xef, 0x41,
     0x93, 0xb2, 0xde, 0xd9, 0xdd, 0x9c, 0x73, 0xdd, 0x3f, 0x6a},
};

static const char *const snp_checks[] = {"evidence.format",
                                         "platform.root",
                                         "evidence.validity",
                                         "evidence.revocation",
                                         "evidence.signature",
                                         "snp.key",
                                         "snp.product",
                                         "snp.hwid",
                                         "snp.tcb",
                                         "snp.policy",
                                         "snp.vmpl",
                                         "evidence.nonce",
                                         "evidence.debug",
                                         NULL};
/* Those that need the certificate. */
static const char *const snp_checks_certs[] = {"evidence.validity",
                                               "evidence.revocation",
                                               "evidence.signature",
                                               "snp.key",
                                               "snp.product",
                                               "snp.hwid",
                                               "snp.tcb",
                                               NULL};
static const char *const snp_required[] = {
    "evidence.format", "platform.root", "evidence.validity", "evidence.signature", "snp.key",
    "snp.product",     "snp.tcb",       "snp.policy",        "evidence.debug",     NULL};

/* Bits of a guest policy. */
#define SNP_POLICY_ONE      (1ull << 17) /* reserved, must be one */
#define SNP_POLICY_MIGRATE  (1ull << 18)
#define SNP_POLICY_RESERVED (~((1ull << 26) - 1))

/* What certificates give, kept by the cache. */
typedef struct snp_path {
    aver_family_roots roots;
    aver_certs certs; /* leaf, then the chain */
    aver_x509_result result;
    bool has_cert;
    aver_snp_cert cert;
    aver_snp_product root_product;
} snp_path;

static void snp_path_free(void *value)
{
    snp_path *path = value;
    if (path != NULL) {
        if (path->has_cert) {
            aver_snp_cert_deinit(&path->cert);
        }
        aver_certs_deinit(&path->certs);
        aver_family_roots_close(&path->roots);
    }
    free(path);
}

/* ARK-Milan is Milan. */
static aver_snp_product snp_root_product(const aver_cert *root)
{
    char name[AVER_SNP_NAME_BYTES];
    if (aver_cert_common_name(root, name, sizeof name) != AVER_OK ||
        strncmp(name, "ARK-", 4) != 0) {
        return AVER_SNP_NONE;
    }
    return aver_snp_product_of_name(aver_view_text(name + 4));
}

static aver_err snp_path_certs(const aver_attest_input *input, snp_path *path)
{
    aver_err err = aver_certs_add(&path->certs, input->leaf);
    if (err == AVER_OK && path->certs.count != 1) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK && input->chain.size > 0) {
        err = aver_certs_add(&path->certs, input->chain);
    }
    return err;
}

/* Judges the path at this time. FORMAT if a certificate cannot be read. */
static aver_err snp_path_judge(const aver_attest_input *input, snp_path *path)
{
    aver_err err = aver_family_roots_open(&input->roots, snp_roots, 3, &path->roots);
    if (err == AVER_OK) {
        err = snp_path_certs(input, path);
    }
    if (err != AVER_OK) {
        return err;
    }
    const aver_x509_options options = {.roots = path->roots.roots, .time_s = input->time_s};
    err = aver_x509_judge(&path->certs, 0, &options, &path->result);
    if (err == AVER_OK && path->result.path == AVER_PATH_GOOD) {
        path->root_product = snp_root_product(path->result.chain[path->result.chain_count - 1]);
    }
    if (err == AVER_OK) {
        err = aver_snp_cert_read(&path->certs.list[0], &path->cert);
        path->has_cert = err == AVER_OK;
        err = err == AVER_E_FORMAT ? AVER_OK : err;
    }
    return err;
}

static void snp_path_key(const aver_attest_input *input, uint8_t ret_key[static 32])
{
    aver_view parts[2 + AVER_ATTEST_ROOTS_MAX] = {input->leaf, input->chain};
    for (size_t i = 0; i < input->roots.given_count; i++) {
        parts[2 + i] = input->roots.given[i];
    }
    aver_attest_cache_key("snp/path", parts, 2 + input->roots.given_count, ret_key);
}

/* From the cache where it holds at this time, else judged anew; the caller hands it to
 * snp_path_end. */
static aver_err snp_path_get(const aver_attest_input *input, snp_path **ret_path)
{
    uint8_t key[32] = {0};
    snp_path *path = NULL;
    if (input->cache != NULL) {
        snp_path_key(input, key);
        path = aver_attest_cache_find(input->cache, key);
    }
    if (path != NULL && input->time_s >= path->result.not_before_s &&
        input->time_s <= path->result.not_after_s) {
        *ret_path = path;
        return AVER_OK;
    }
    path = calloc(1, sizeof *path);
    aver_err err = path == NULL ? AVER_E_NOMEM : snp_path_judge(input, path);
    if (err != AVER_OK) {
        snp_path_free(path);
        return err;
    }
    if (input->cache != NULL && path->result.path == AVER_PATH_GOOD) {
        aver_attest_cache_put(input->cache, key, path, snp_path_free);
    }
    *ret_path = path;
    return AVER_OK;
}

static void snp_path_end(const aver_attest_input *input, snp_path *path)
{
    if (input->cache == NULL || path->result.path != AVER_PATH_GOOD) {
        snp_path_free(path);
    }
}

static aver_err snp_judge_signature(const aver_snp_report *report, const snp_path *path,
                                    aver_verdict *verdict)
{
    uint8_t digest[AVER_SHA384_BYTES];
    if (!path->has_cert) {
        aver_verdict_add(verdict, "evidence.signature", AVER_CHECK_SKIP,
                         "the certificate is not one that signs reports");
        return AVER_OK;
    }
    aver_sha384_of(aver_view_slice(report->bytes, 0, AVER_SNP_SIGNED_BYTES), digest);
    aver_err err = aver_ecdsa_key_verify(path->cert.key, AVER_VIEW_OF(digest),
                                         AVER_VIEW_OF(report->signature));
    if (err != AVER_OK && err != AVER_E_PROOF) {
        return err;
    }
    aver_family_told(verdict, "evidence.signature", err == AVER_OK, AVER_REASON_BAD_SIGNATURE,
                     "by the certificate's key",
                     "the signature of the certificate's key does not hold");
    return AVER_OK;
}

static void snp_judge_key(const aver_snp_report *report, const aver_snp_cert *cert,
                          aver_verdict *verdict)
{
    aver_snp_signer wanted = cert->is_vlek ? AVER_SNP_VLEK : AVER_SNP_VCEK;
    if (report->signer == wanted) {
        aver_verdict_add(verdict, "snp.key", AVER_CHECK_PASS, "%s", aver_snp_signer_text(wanted));
    } else {
        aver_verdict_fail(verdict, "snp.key", AVER_REASON_KEY_MISMATCH,
                          "the report names key kind %d, the certificate is of a %s",
                          (int)report->signer, aver_snp_signer_text(wanted));
    }
}

static void snp_judge_product(const aver_snp_report *report, const snp_path *path,
                              aver_verdict *verdict)
{
    const char *name = "snp.product";
    aver_snp_product product = path->cert.product;
    aver_snp_product processor =
        aver_snp_product_of_cpuid(report->cpuid_family, report->cpuid_model);
    if (product == AVER_SNP_NONE) {
        aver_verdict_fail(verdict, name, AVER_REASON_KEY_MISMATCH, "no known product: %s",
                          path->cert.product_name);
    } else if (path->result.path == AVER_PATH_GOOD && path->root_product != product) {
        aver_verdict_fail(verdict, name, AVER_REASON_KEY_MISMATCH,
                          "the certificate is of %s, its root of %s", path->cert.product_name,
                          path->root_product != AVER_SNP_NONE
                              ? aver_snp_product_name(path->root_product)
                              : "none");
    } else if (report->has_cpuid && processor != product) {
        aver_verdict_fail(verdict, name, AVER_REASON_KEY_MISMATCH,
                          "the certificate is of %s, the processor is family %u model %u",
                          path->cert.product_name, report->cpuid_family, report->cpuid_model);
    } else {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "%s", path->cert.product_name);
    }
}

static void snp_judge_hwid(const aver_snp_report *report, const aver_snp_cert *cert,
                           aver_verdict *verdict)
{
    const char *name = "snp.hwid";
    aver_view found = aver_view_slice(report->chip_id, 0, cert->chip_id_size);
    aver_view rest = aver_view_slice(report->chip_id, cert->chip_id_size,
                                     report->chip_id.size - cert->chip_id_size);
    if (cert->is_vlek) {
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "a VLEK is of a provider: %s",
                         cert->provider);
    } else if (aver_snp_is_zero(report->chip_id)) {
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "the report hides the chip");
    } else if (!aver_view_equal(found, aver_view_make(cert->chip_id, cert->chip_id_size)) ||
               !aver_snp_is_zero(rest)) {
        aver_verdict_fail(verdict, name, AVER_REASON_KEY_MISMATCH,
                          "the report is of chip %s, the certificate of %s",
                          aver_short_of(report->chip_id).text,
                          aver_short_of(aver_view_make(cert->chip_id, cert->chip_id_size)).text);
    } else {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "chip %s", aver_short_of(found).text);
    }
}

static void snp_judge_tcb(const aver_snp_report *report, const aver_snp_cert *cert,
                          aver_verdict *verdict)
{
    aver_snp_tcb found = aver_snp_tcb_of(report->reported_tcb, cert->product);
    const aver_snp_tcb *wanted = &cert->tcb;
    const struct {
        const char *name;
        uint8_t found, wanted;
    } parts[] = {{"FMC", found.fmc, wanted->fmc},
                 {"bootloader", found.bootloader, wanted->bootloader},
                 {"TEE", found.tee, wanted->tee},
                 {"SNP firmware", found.snp, wanted->snp},
                 {"microcode", found.microcode, wanted->microcode}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].found != parts[i].wanted) {
            aver_verdict_fail(verdict, "snp.tcb", AVER_REASON_TCB_MISMATCH,
                              "the report says %s %u, the certificate %u", parts[i].name,
                              parts[i].found, parts[i].wanted);
            return;
        }
    }
    aver_verdict_add(verdict, "snp.tcb", AVER_CHECK_PASS,
                     "bootloader %u, TEE %u, SNP firmware %u, microcode %u", found.bootloader,
                     found.tee, found.snp, found.microcode);
}

static void snp_judge_policy(const aver_snp_report *report, aver_verdict *verdict)
{
    const char *name = "snp.policy";
    if ((report->policy & SNP_POLICY_ONE) == 0 || (report->policy & SNP_POLICY_RESERVED) != 0) {
        aver_verdict_fail(verdict, name, AVER_REASON_MALFORMED,
                          "reserved bits of the guest policy %016llx",
                          (unsigned long long)report->policy);
    } else if ((report->policy & SNP_POLICY_MIGRATE) != 0) {
        aver_verdict_fail(verdict, name, AVER_REASON_MEASUREMENT_MISMATCH,
                          "a migration agent may move the guest, and with it its secrets");
    } else {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "%016llx",
                         (unsigned long long)report->policy);
    }
}

static void snp_judge_vmpl(const aver_attest_input *input, const aver_snp_report *report,
                           aver_verdict *verdict)
{
    if (!input->has_vmpl) {
        aver_verdict_add(verdict, "snp.vmpl", AVER_CHECK_SKIP,
                         "level %u, and the reader expects none", report->vmpl);
    } else if (report->vmpl == input->vmpl) {
        aver_verdict_add(verdict, "snp.vmpl", AVER_CHECK_PASS, "level %u", report->vmpl);
    } else {
        aver_verdict_fail(verdict, "snp.vmpl", AVER_REASON_VMPL_MISMATCH, "level %u, not %u",
                          report->vmpl, input->vmpl);
    }
}

/* The certificates alone and the report against them. */
static aver_err snp_judge_path(const aver_attest_input *input, const aver_snp_report *report,
                               const snp_path *path, aver_verdict *verdict)
{
    aver_err err = AVER_OK;
    aver_family_path_told(verdict, &path->result);
    if (path->result.path == AVER_PATH_GOOD) {
        err = aver_family_revocation(input, &path->result, verdict);
    }
    if (err == AVER_OK) {
        err = snp_judge_signature(report, path, verdict);
    }
    if (err != AVER_OK) {
        return err;
    }
    if (!path->has_cert) {
        aver_verdict_fail(verdict, "snp.key", AVER_REASON_KEY_MISMATCH,
                          "the certificate is no VCEK or VLEK as AMD makes them");
        return AVER_OK;
    }
    snp_judge_key(report, &path->cert, verdict);
    snp_judge_product(report, path, verdict);
    snp_judge_hwid(report, &path->cert, verdict);
    snp_judge_tcb(report, &path->cert, verdict);
    return AVER_OK;
}

static aver_err snp_judge(const aver_attest_input *input, aver_verdict *verdict,
                          aver_claims *claims, bool *ret_readable)
{
    aver_snp_report report;
    snp_path *path = NULL;
    aver_err err = aver_snp_report_parse(input->evidence, &report);
    if (err != AVER_OK) {
        aver_verdict_fail(verdict, "evidence.format", AVER_REASON_MALFORMED, "the report is %s",
                          aver_err_text(err));
        return AVER_OK;
    }
    aver_verdict_add(verdict, "evidence.format", AVER_CHECK_PASS, "version %u", report.version);
    err = input->leaf.size > 0 ? snp_path_get(input, &path) : AVER_OK;
    if (err == AVER_E_FORMAT || err == AVER_E_LIMIT) {
        aver_verdict_fail(verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED,
                          "a certificate cannot be read");
    } else if (err != AVER_OK) {
        return err;
    } else if (path == NULL) {
        aver_verdict_fail(verdict, "platform.root", AVER_REASON_COLLATERAL_MISSING,
                          "no VCEK or VLEK was given");
    } else {
        err = snp_judge_path(input, &report, path, verdict);
    }
    if (path == NULL || err == AVER_OK) {
        aver_snp_claim(&report, path != NULL && path->has_cert ? &path->cert : NULL, claims);
        aver_verdict_skip_all(verdict, snp_checks_certs, "there is no certificate to judge by");
        snp_judge_policy(&report, verdict);
        snp_judge_vmpl(input, &report, verdict);
        aver_family_nonce_told(input, claims, verdict);
        aver_family_debug_told(input, claims, verdict);
        *ret_readable = true;
        err = AVER_OK;
    }
    if (path != NULL) {
        snp_path_end(input, path);
    }
    return err;
}

const aver_family_verifier aver_family_snp = {
    .name = "snp", .checks = snp_checks, .required = snp_required, .judge = snp_judge};
