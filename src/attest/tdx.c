/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

#include <string.h>

#define TDX_SIGNED                                                                                 \
    "evidence.format", "platform.root", "evidence.validity", "evidence.signature", "intel.pck",    \
        "intel.qe-signature", "intel.qe-binding", "tdx.attributes", "tdx.xfam", "evidence.debug"

static const char *const tdx_checks[] = {"evidence.format",
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
                                         "tdx.module",
                                         "tdx.attributes",
                                         "tdx.xfam",
                                         "evidence.nonce",
                                         "tcb.status",
                                         "evidence.debug",
                                         NULL};
static const char *const tdx_required[] = {TDX_SIGNED,
                                           "evidence.revocation",
                                           "intel.tcb-signature",
                                           "intel.tcb-validity",
                                           "intel.tcb-platform",
                                           "intel.identity-signature",
                                           "intel.qe-identity",
                                           "tdx.module",
                                           "tcb.status",
                                           NULL};
static const char *const tdx_required_signature_only[] = {TDX_SIGNED, NULL};

/*
 * Bits of TDATTRIBUTES: 0 DEBUG; 4 HGS_PLUS_PROF, 5 PERF_PROF, 6 PMT_PROF, by which the host learns
 * what the domain does; 16 ICSSD, 27 LASS, 28 SEPT_VE_DISABLE, 29 MIGRATABLE, 30 PKS, 31 KL, 62
 * TPA, 63 PERFMON. Every other one is reserved.
 */
#define TDX_ATTRIBUTES_DEBUG   UINT64_C(0x1)
#define TDX_ATTRIBUTES_PROFILE UINT64_C(0x70)
#define TDX_ATTRIBUTES_MIGRATE UINT64_C(0x20000000)
#define TDX_ATTRIBUTES_KNOWN   UINT64_C(0xc0000000f8010071)

/* XFAM as XCR0 and IA32_XSS number state: x87 and SSE always; AVX-512 in its three parts and with
 * AVX, MPX never, CET and AMX in their two parts. 19 is APX. */
#define TDX_XFAM_ALWAYS UINT64_C(0x3)
#define TDX_XFAM_KNOWN  UINT64_C(0xedbe7)
#define TDX_XFAM_AVX    UINT64_C(0x4)
#define TDX_XFAM_AVX512 UINT64_C(0xe0)
#define TDX_XFAM_CET    UINT64_C(0x1800)
#define TDX_XFAM_AMX    UINT64_C(0x60000)

static bool tdx_whole(uint64_t xfam, uint64_t parts)
{
    return (xfam & parts) == 0 || (xfam & parts) == parts;
}

static bool tdx_xfam_sound(uint64_t xfam)
{
    return (xfam & TDX_XFAM_ALWAYS) == TDX_XFAM_ALWAYS && (xfam & ~TDX_XFAM_KNOWN) == 0 &&
           tdx_whole(xfam, TDX_XFAM_AVX512) && tdx_whole(xfam, TDX_XFAM_CET) &&
           tdx_whole(xfam, TDX_XFAM_AMX) &&
           ((xfam & TDX_XFAM_AVX512) == 0 || (xfam & TDX_XFAM_AVX) != 0);
}

static void tdx_judge_body(const aver_dcap_quote *quote, aver_verdict *verdict)
{
    aver_dcap_td td;
    aver_dcap_td_read(quote, &td);
    const char *name = "tdx.attributes";
    uint64_t attributes = aver_le64_read(td.td_attributes.data);
    if ((attributes & ~TDX_ATTRIBUTES_KNOWN) != 0) {
        aver_verdict_fail(verdict, name, AVER_REASON_MALFORMED,
                          "attributes are set that are reserved");
    } else if ((attributes & TDX_ATTRIBUTES_PROFILE) != 0) {
        aver_verdict_fail(verdict, name, AVER_REASON_DEBUG_ENABLED,
                          "the host may profile the domain");
    } else if ((attributes & TDX_ATTRIBUTES_MIGRATE) != 0) {
        aver_verdict_fail(verdict, name, AVER_REASON_MEASUREMENT_MISMATCH,
                          "a migration domain may move its memory to another machine");
    } else {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "every attribute is a known one");
    }
    aver_family_told(verdict, "tdx.xfam", tdx_xfam_sound(aver_le64_read(td.xfam.data)),
                     AVER_REASON_MALFORMED, "a set that TDX allows",
                     "no trust domain can have this set of extended features");
}

static void tdx_claim_registers(const aver_dcap_td *td, aver_claims *claims)
{
    static const char *const names[] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3"};
    aver_claims_put_bytes(claims, "mr_td", td->mr_td);
    aver_claims_measure(claims, "mrtd", td->mr_td);
    for (size_t i = 0; i < 4; i++) {
        aver_claims_put_bytes(claims, names[i], td->rtmr[i]);
        aver_claims_measure(claims, names[i], td->rtmr[i]);
    }
    aver_claims_put_bytes(claims, "mr_config_id", td->mr_config_id);
    aver_claims_put_bytes(claims, "mr_owner", td->mr_owner);
    aver_claims_put_bytes(claims, "mr_owner_config", td->mr_owner_config);
    aver_claims_put_bytes(claims, "mr_seam", td->mr_seam);
    aver_claims_put_bytes(claims, "mr_signer_seam", td->mr_signer_seam);
    aver_claims_measure(claims, "mr_config_id", td->mr_config_id);
    aver_claims_measure(claims, "mr_owner", td->mr_owner);
    aver_claims_measure(claims, "mr_owner_config", td->mr_owner_config);
    aver_claims_measure(claims, "mr_seam", td->mr_seam);
}

static void tdx_claim_body(const aver_dcap_quote *quote, aver_claims *claims)
{
    aver_dcap_td td;
    aver_dcap_td_read(quote, &td);
    uint64_t attributes = aver_le64_read(td.td_attributes.data);
    claims->debug = (attributes & TDX_ATTRIBUTES_DEBUG) != 0;
    aver_claims_put_text(claims, "kind", AVER_VIEW_LITERAL("tdx"));
    aver_claims_put_bytes(claims, "tee_tcb_svn", td.tee_tcb_svn);
    if (quote->kind == AVER_DCAP_BODY_TD15) {
        aver_claims_put_bytes(claims, "tee_tcb_svn2", td.tee_tcb_svn2);
        aver_claims_put_bytes(claims, "mr_service_td", td.mr_service_td);
        aver_claims_measure(claims, "mr_service_td", td.mr_service_td);
    }
    aver_claims_put_bytes(claims, "seam_attributes", td.seam_attributes);
    aver_claims_put_bytes(claims, "td_attributes", td.td_attributes);
    aver_claims_put_bytes(claims, "xfam", td.xfam);
    aver_claims_put_bool(claims, "debug", claims->debug);
    tdx_claim_registers(&td, claims);
    aver_claims_put_bytes(claims, "report_data", td.report_data);
    memcpy(claims->report_data, td.report_data.data, sizeof claims->report_data);
    claims->has_report_data = true;
    claims->nonce = td.report_data;
    claims->has_nonce = true;
}

static const aver_dcap_kind tdx_kind = {
    .tdx = true, .judge_body = tdx_judge_body, .claim_body = tdx_claim_body};

static aver_err tdx_judge(const aver_attest_input *input, aver_verdict *verdict,
                          aver_claims *claims, bool *ret_readable)
{
    return aver_dcap_judge(&tdx_kind, input, verdict, claims, ret_readable);
}

const aver_family_verifier aver_family_tdx = {.name = "tdx",
                                              .checks = tdx_checks,
                                              .required = tdx_required,
                                              .required_signature_only =
                                                  tdx_required_signature_only,
                                              .judge = tdx_judge};
