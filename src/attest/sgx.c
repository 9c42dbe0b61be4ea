/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

#include <string.h>

#define SGX_SIGNED                                                                                 \
    "evidence.format", "platform.root", "evidence.validity", "evidence.signature", "intel.pck",    \
        "intel.qe-signature", "intel.qe-binding", "sgx.attributes", "evidence.debug"

static const char *const sgx_checks[] = {"evidence.format",
                                         "platform.root",
                                         "evidence.validity",
                                         "evidence.revocation",
                                         "evidence.signature",
                                         "intel.pck",
                                         "intel.qe-signature",
                                         "intel.qe-binding",
                                         "intel.tcb-signature",
                                         "intel.tcb-validity",
                                         "intel.tcb-platform",
                                         "intel.tcb-evaluation",
                                         "intel.identity-signature",
                                         "intel.qe-identity",
                                         "sgx.attributes",
                                         "evidence.nonce",
                                         "tcb.status",
                                         "evidence.debug",
                                         NULL};
static const char *const sgx_required[] = {
    SGX_SIGNED,           "evidence.revocation", "intel.tcb-signature",
    "intel.tcb-validity", "intel.tcb-platform",  "intel.identity-signature",
    "intel.qe-identity",  "tcb.status",          NULL};
static const char *const sgx_required_signature_only[] = {SGX_SIGNED, NULL};

enum { SGX_INIT = 1, SGX_DEBUG = 2 };

static void sgx_judge_body(const aver_dcap_quote *quote, aver_verdict *verdict)
{
    aver_dcap_report report;
    aver_dcap_report_read(quote->body, &report);
    /* INIT is set by the hardware alone; of the flags, 3, 8, 9 and those above 10 are not in use.
     */
    uint64_t flags = aver_le64_read(report.attributes.data);
    bool known = (flags & ~UINT64_C(0x4f7)) == 0;
    aver_family_told(verdict, "sgx.attributes", known && (flags & SGX_INIT) != 0,
                     AVER_REASON_MALFORMED, "an initialised enclave",
                     known ? "the report is not of an initialised enclave"
                           : "attributes are set that no enclave has");
}

static void sgx_claim_body(const aver_dcap_quote *quote, aver_claims *claims)
{
    aver_dcap_report report;
    aver_dcap_report_read(quote->body, &report);
    claims->debug = (report.attributes.data[0] & SGX_DEBUG) != 0;
    aver_claims_put_text(claims, "kind", AVER_VIEW_LITERAL("sgx"));
    aver_claims_put_bytes(claims, "cpu_svn", report.cpu_svn);
    aver_claims_put_uint(claims, "misc_select", report.misc_select);
    aver_claims_put_bytes(claims, "attributes", report.attributes);
    aver_claims_put_bool(claims, "debug", claims->debug);
    aver_claims_put_bytes(claims, "mr_enclave", report.mr_enclave);
    aver_claims_put_bytes(claims, "mr_signer", report.mr_signer);
    aver_claims_put_uint(claims, "isv_prod_id", report.isv_prod_id);
    aver_claims_put_uint(claims, "isv_svn", report.isv_svn);
    aver_claims_put_bytes(claims, "isv_ext_prod_id", report.ext_product_id);
    aver_claims_put_bytes(claims, "isv_family_id", report.family_id);
    aver_claims_put_bytes(claims, "config_id", report.config_id);
    aver_claims_put_uint(claims, "config_svn", report.config_svn);
    aver_claims_put_bytes(claims, "report_data", report.report_data);
    aver_claims_measure(claims, "mrenclave", report.mr_enclave);
    aver_claims_measure(claims, "mrsigner", report.mr_signer);
    memcpy(claims->report_data, report.report_data.data, sizeof claims->report_data);
    claims->has_report_data = true;
    claims->nonce = report.report_data;
    claims->has_nonce = true;
}

static const aver_dcap_kind sgx_kind = {.judge_body = sgx_judge_body, .claim_body = sgx_claim_body};

static aver_err sgx_judge(const aver_attest_input *input, aver_verdict *verdict,
                          aver_claims *claims, bool *ret_readable)
{
    return aver_dcap_judge(&sgx_kind, input, verdict, claims, ret_readable);
}

const aver_family_verifier aver_family_sgx = {.name = "sgx",
                                              .checks = sgx_checks,
                                              .required = sgx_required,
                                              .required_signature_only =
                                                  sgx_required_signature_only,
                                              .judge = sgx_judge};
