/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/snp_cert.h"
#include "cli/collect.h"
#include "codec/text.h"

#include <stdio.h>
#include <string.h>

/*
 * AMD's key distribution service: the VCEK of one chip at one firmware level, the chain of its
 * product line, and the list of that line. The key of a provider (VLEK) comes from the provider.
 */
#define AMD_SERVICE "https://kdsintf.amd.com"

enum {
    AMD_PATH_BYTES = 320,
    AMD_CHIP_BYTES = 64,
    AMD_CHIP_TURIN_BYTES = 8,
};

typedef enum amd_part { AMD_CHAIN, AMD_LIST, AMD_LEAF, AMD_PARTS } amd_part;

typedef struct amd_work {
    aver_snp_report report;
    aver_snp_product product;
    bool vlek;
    char chip[2 * AMD_CHIP_BYTES + 1];
    aver_collect_item *items[AMD_PARTS]; /* leaf: NULL where the reader gave it */
    aver_buf bytes[AMD_PARTS];
} amd_work;

static aver_err amd_open(aver_collect_job *job, amd_work *work)
{
    const char *named = job->options->product;
    if (aver_snp_report_parse(job->options->input->evidence, &work->report) != AVER_OK) {
        return aver_collect_fail(job, AVER_E_USAGE, "the report cannot be read");
    }
    const aver_snp_report *report = &work->report;
    work->product = report->has_cpuid
                        ? aver_snp_product_of_cpuid(report->cpuid_family, report->cpuid_model)
                    : named != NULL ? aver_snp_product_of_name(aver_view_text(named))
                                    : AVER_SNP_NONE;
    work->vlek = report->signer == AVER_SNP_VLEK;
    if (work->product == AVER_SNP_NONE) {
        return aver_collect_fail(job, AVER_E_USAGE,
                                 "the report does not say which product made it: --product Milan, "
                                 "Genoa or Turin");
    }
    if (work->vlek && job->options->input->leaf.size == 0) {
        return aver_collect_fail(job, AVER_E_USAGE,
                                 "the report is signed by a provider's key (VLEK): get the "
                                 "certificate there, and give it by --leaf");
    }
    if (!work->vlek && aver_snp_is_zero(report->chip_id)) {
        return aver_collect_fail(job, AVER_E_USAGE, "the report hides its chip: ask the host");
    }
    size_t size = work->product == AVER_SNP_TURIN ? AMD_CHIP_TURIN_BYTES : AMD_CHIP_BYTES;
    aver_hex_encode(aver_view_slice(report->chip_id, 0, size), work->chip);
    return AVER_OK;
}

static aver_err amd_items(aver_collect_job *job, amd_work *work)
{
    const char *product = aver_snp_product_name(work->product);
    const char *key = work->vlek ? "vlek" : "vcek";
    aver_err err =
        aver_collect_item_add(job, "chain", &work->items[AMD_CHAIN], "%s-%s.pem", product, key);
    if (err == AVER_OK) {
        err = aver_collect_item_add(job, "crl", &work->items[AMD_LIST], "%s-%s.crl", product, key);
    }
    if (err == AVER_OK && !work->vlek) {
        err = aver_collect_item_add(job, "leaf", &work->items[AMD_LEAF], "%s-%016llx.vcek",
                                    work->chip, (unsigned long long)work->report.reported_tcb);
    }
    return err;
}

static void amd_path(const amd_work *work, amd_part part, char ret_path[AMD_PATH_BYTES])
{
    const char *product = aver_snp_product_name(work->product);
    const char *key = work->vlek ? "vlek" : "vcek";
    aver_snp_tcb tcb = aver_snp_tcb_of(work->report.reported_tcb, work->product);
    char fmc[16] = "";
    if (part != AMD_LEAF) {
        (void)snprintf(ret_path, AMD_PATH_BYTES, "/%s/v1/%s/%s", key, product,
                       part == AMD_CHAIN ? "cert_chain" : "crl");
        return;
    }
    if (work->product == AVER_SNP_TURIN) {
        (void)snprintf(fmc, sizeof fmc, "fmcSPL=%02u&", tcb.fmc);
    }
    (void)snprintf(ret_path, AMD_PATH_BYTES,
                   "/vcek/v1/%s/%s?%sblSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u", product,
                   work->chip, fmc, tcb.bootloader, tcb.tee, tcb.snp, tcb.microcode);
}

/* *ret_path: leaf and chain lead to a root and are this report's; *ret_list: so is the list. */
static aver_err amd_judge(aver_collect_job *job, const amd_work *work, bool *ret_path,
                          bool *ret_list)
{
    static const char *const checks[] = {"platform.root",
                                         "evidence.validity",
                                         "evidence.signature",
                                         "snp.key",
                                         "snp.product",
                                         "snp.hwid",
                                         "snp.tcb",
                                         NULL};
    aver_attest_input input = *job->options->input;
    input.chain = aver_buf_view(&work->bytes[AMD_CHAIN]);
    input.crls[0] = aver_buf_view(&work->bytes[AMD_LIST]);
    input.crls_count = input.crls[0].size > 0 ? 1 : 0;
    if (!work->vlek) {
        input.leaf = aver_buf_view(&work->bytes[AMD_LEAF]);
    }
    *ret_path = false;
    *ret_list = false;
    if (input.leaf.size == 0 || input.chain.size == 0) {
        return AVER_OK;
    }
    aver_err err = aver_collect_judge(job, &input);
    const aver_check *hwid = aver_verdict_find(&job->verdict, "snp.hwid");
    /* A provider's key is of no chip. */
    const char *const *wanted = checks;
    static const char *const of_provider[] = {"platform.root",
                                              "evidence.validity",
                                              "evidence.signature",
                                              "snp.key",
                                              "snp.product",
                                              "snp.tcb",
                                              NULL};
    if (work->vlek && (hwid == NULL || hwid->status != AVER_CHECK_FAIL)) {
        wanted = of_provider;
    }
    *ret_path = err == AVER_OK && aver_collect_passed(job, wanted);
    *ret_list = *ret_path && input.crls_count > 0 && aver_collect_list_good(job);
    return err;
}

static aver_err amd_refused(aver_collect_job *job)
{
    for (size_t i = 0; i < job->verdict.count; i++) {
        const aver_check *check = &job->verdict.checks[i];
        if (check->status == AVER_CHECK_FAIL) {
            return aver_collect_fail(job, AVER_E_PEER, "what came is not good: %s: %s", check->name,
                                     check->detail);
        }
    }
    return aver_collect_fail(job, AVER_E_PEER, "what came is not good");
}

/* Fetches what is wanted into work, judges it all, and keeps it if it is good. */
static aver_err amd_renew(aver_collect_job *job, amd_work *work, bool path_too)
{
    const bool wanted[AMD_PARTS] = {
        [AMD_CHAIN] = path_too, [AMD_LIST] = true, [AMD_LEAF] = path_too && !work->vlek};
    bool path = false;
    bool list = false;
    aver_err err = AVER_OK;
    for (size_t i = 0; i < AMD_PARTS && err == AVER_OK; i++) {
        char address[AMD_PATH_BYTES];
        if (wanted[i]) {
            amd_path(work, (amd_part)i, address);
            aver_buf_clear(&work->bytes[i]);
            err = aver_collect_get(job, AMD_SERVICE, address, NULL, &work->bytes[i], NULL);
        }
    }
    if (err == AVER_OK) {
        err = amd_judge(job, work, &path, &list);
    }
    if (err == AVER_OK && (!path || !list)) {
        err = amd_refused(job);
    }
    for (size_t i = 0; i < AMD_PARTS && err == AVER_OK; i++) {
        err = wanted[i] ? aver_collect_write(job, work->items[i], aver_buf_view(&work->bytes[i]))
                        : AVER_OK;
    }
    return err;
}

aver_err aver_collect_amd(aver_collect_job *job)
{
    amd_work work = {0};
    bool path = false;
    bool list = false;
    for (size_t i = 0; i < AMD_PARTS; i++) {
        aver_buf_init(&work.bytes[i], AVER_ATTEST_COLLATERAL_BYTES_MAX / 4);
    }
    aver_err err = amd_open(job, &work);
    if (err == AVER_OK) {
        err = amd_items(job, &work);
    }
    for (size_t i = 0; i < AMD_PARTS && err == AVER_OK; i++) {
        err = work.items[i] != NULL ? aver_collect_read(work.items[i], &work.bytes[i]) : AVER_OK;
    }
    if (err == AVER_OK) {
        err = amd_judge(job, &work, &path, &list);
    }
    if (err == AVER_OK && (!path || !list || job->options->refresh)) {
        bool good = path && list;
        err = amd_renew(job, &work, !path || job->options->refresh);
        job->result->stale_refresh = good && err != AVER_OK && err != AVER_E_NOMEM;
        err = job->result->stale_refresh ? AVER_OK : err;
    }
    for (size_t i = 0; i < AMD_PARTS; i++) {
        aver_buf_deinit(&work.bytes[i]);
    }
    return err;
}
