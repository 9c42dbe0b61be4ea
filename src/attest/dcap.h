/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_DCAP_H
#define AVER_ATTEST_DCAP_H

/*
 * dcap: what the verifiers of Intel's quotes share. sgx.c and tdx.c hold what differs.
 *
 *   quote:        header | body | signature by the attestation key
 *                 attestation key <- QE report, signed by the PCK key <- PCK certificate <- root
 *   collateral:   TCB info and QE identity, signed by the TCB signing certificate <- root;
 *                 revocation lists of the root and of the PCK CA
 *
 *   dcap_quote       the layout of a quote, strictly
 *   dcap_der         the DER of the extension in which a PCK certificate describes the platform
 *   dcap_pck         the PCK certificate: its path, its key, its extension
 *   dcap_collateral  the JSON object, its paths, lists and signatures
 *   dcap_json        a reader of signed texts that keeps nothing
 *   dcap_levels      what TCB info and QE identity have in common: dates, levels
 *   dcap_tcb         TCB info, read from its signed text
 *   dcap_identity    QE identity, the same
 *   dcap_status      levels, module, quoting enclave, and what they make together
 *   dcap_basis       certificates and collateral, opened or remembered
 *   dcap_judge       the checks in their order
 *   dcap_claims      what is said
 */

#include "attest/family.h"

#define AVER_DCAP_REPORT_BYTES       384
#define AVER_DCAP_TD10_BYTES         584
#define AVER_DCAP_TD15_BYTES         648
#define AVER_DCAP_COMPONENTS         16
#define AVER_DCAP_LEVELS_MAX         96
#define AVER_DCAP_MODULES_MAX        16
#define AVER_DCAP_ISV_LEVELS_MAX     32
#define AVER_DCAP_ADVISORIES_MAX     96
#define AVER_DCAP_ADVISORY_BYTES_MAX 32
#define AVER_DCAP_WHY_BYTES          200

/* Kinds of body, by the numbers of quote version 5. */
typedef enum aver_dcap_body {
    AVER_DCAP_BODY_SGX = 1,
    AVER_DCAP_BODY_TD10 = 2,
    AVER_DCAP_BODY_TD15 = 3,
} aver_dcap_body;

/* Views into the evidence. */
typedef struct aver_dcap_quote {
    uint16_t version, key_type, qe_svn, pce_svn;
    uint32_t tee_type;
    aver_view user_data;
    aver_dcap_body kind;
    aver_view body;
    aver_view signed_part; /* header and body, as the attestation key signed them */
    aver_view signature, key;
    aver_view qe_report, qe_signature, qe_auth;
    uint16_t certs_type; /* of the certification data; of the inner one where it is nested */
    aver_view certs;
    size_t trailing; /* zero bytes behind the quote */
} aver_dcap_quote;

/* FORMAT with words. tdx: a body of a trust domain is wanted, else one of an enclave. */
AVER_MUST_USE aver_err aver_dcap_quote_read(aver_view evidence, bool tdx,
                                            aver_dcap_quote *ret_quote,
                                            char ret_why[AVER_DCAP_WHY_BYTES]);

/* An enclave's report (SGX REPORTBODY), of the quote or of the quoting enclave. */
typedef struct aver_dcap_report {
    aver_view cpu_svn, attributes, mr_enclave, mr_signer, report_data;
    aver_view ext_product_id, config_id, family_id;
    uint32_t misc_select;
    uint16_t isv_prod_id, isv_svn, config_svn;
    bool reserved_zero;
} aver_dcap_report;
void aver_dcap_report_read(aver_view body, aver_dcap_report *ret_report);
/* A trust domain's report (TDREPORT of TDX 1.0, and of 1.5 with two members more). */
typedef struct aver_dcap_td {
    aver_view tee_tcb_svn, mr_seam, mr_signer_seam, seam_attributes, td_attributes, xfam, mr_td,
        mr_config_id, mr_owner, mr_owner_config, rtmr[4], report_data;
    aver_view tee_tcb_svn2, mr_service_td; /* empty in 1.0 */
} aver_dcap_td;
void aver_dcap_td_read(const aver_dcap_quote *quote, aver_dcap_td *ret_td);

bool aver_dcap_zero(aver_view bytes);

/*
 * A reader of JSON that goes through a signed text once, copies nothing and gives views into it.
 * Strict in all that it gives: texts without escapes, whole numbers, nothing behind the end. What
 * is wrong sticks as bad, after which every call gives nothing.
 */
typedef struct aver_dcap_json {
    aver_view text;
    size_t at;
    bool first, bad;
} aver_dcap_json;
void aver_dcap_json_open(aver_dcap_json *json, aver_view text);
/* True if nothing but white space is left. */
bool aver_dcap_json_end(aver_dcap_json *json);
/* Into an object or array by its opening bracket; then, while _more with the closing one is true,
 * one member (by _member) or element is there to be read. */
bool aver_dcap_json_into(aver_dcap_json *json, uint8_t bracket);
bool aver_dcap_json_more(aver_dcap_json *json, uint8_t bracket);
/* The place of the member's name in names, which end with NULL; SIZE_MAX for another. Each may be
 * there once: seen holds a bit of each. */
size_t aver_dcap_json_member(aver_dcap_json *json, const char *const *names, uint32_t *seen);
bool aver_dcap_json_text(aver_dcap_json *json, aver_view *ret_text);
/* The same with escapes, by number those of ASCII, copied to into, which has room for the whole
 * text. */
bool aver_dcap_json_unescape(aver_dcap_json *json, uint8_t *into, aver_view *ret_text);
bool aver_dcap_json_number(aver_dcap_json *json, uint32_t max, uint32_t *ret_number);
bool aver_dcap_json_hex(aver_dcap_json *json, uint8_t *ret_bytes, size_t size);
void aver_dcap_json_skip(aver_dcap_json *json);

/* One step of the judgement: good, or a class and words. */
typedef struct aver_dcap_fault {
    bool made; /* false: it could not be judged, and why says what stands in the way */
    aver_reason reason;
    char why[AVER_DCAP_WHY_BYTES];
} aver_dcap_fault;
void aver_dcap_good(aver_dcap_fault *fault);
void aver_dcap_bad(aver_dcap_fault *fault, aver_reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void aver_dcap_stopped(aver_dcap_fault *fault, const char *why);
bool aver_dcap_held(const aver_dcap_fault *fault);

/* A window of time, in seconds. */
typedef struct aver_dcap_window {
    uint64_t from_s, to_s;
} aver_dcap_window;
void aver_dcap_window_cut(aver_dcap_window *window, uint64_t from_s, uint64_t to_s);
bool aver_dcap_window_holds(const aver_dcap_window *window, uint64_t time_s);

typedef enum aver_dcap_ca {
    AVER_DCAP_CA_UNKNOWN = 0,
    AVER_DCAP_CA_PROCESSOR,
    AVER_DCAP_CA_PLATFORM,
} aver_dcap_ca;

/* What a PCK certificate says. */
typedef struct aver_dcap_pck_info {
    uint8_t ppid[16], components[AVER_DCAP_COMPONENTS], cpu_svn[16], pceid[2], fmspc[6];
    uint16_t pce_svn;
    uint8_t sgx_type;
    bool has_instance, has_configuration;
    uint8_t instance[16];
    bool dynamic, cached_keys, smt;
    uint8_t sha256[32];
    aver_dcap_ca ca;
} aver_dcap_pck_info;
/* FORMAT with words. */
AVER_MUST_USE aver_err aver_dcap_extension_read(aver_view extension, aver_dcap_pck_info *ret_info,
                                                char ret_why[AVER_DCAP_WHY_BYTES]);

/* Of the PCK certificate, what a later quote of the platform needs: remembered. */
typedef struct aver_dcap_pck {
    aver_ecdsa_key *key;         /* NULL if there is none to be had */
    aver_ecdsa_key *attestation; /* room for the key of a quote; NULL before the first */
    aver_dcap_pck_info info;
    aver_dcap_fault named;      /* intel.pck */
    aver_dcap_fault revocation; /* evidence.revocation */
    uint8_t root[32];
    size_t path_count;
    aver_dcap_window path, lists;
} aver_dcap_pck;
void aver_dcap_pck_free(void *pck);

typedef enum aver_dcap_level_form {
    AVER_DCAP_LEVEL_NAMED = 1, /* each number a member of its own, as version 2 has them */
    AVER_DCAP_LEVEL_SGX,
    AVER_DCAP_LEVEL_TDX,
} aver_dcap_level_form;

typedef struct aver_dcap_level {
    aver_dcap_level_form form;
    uint8_t sgx[AVER_DCAP_COMPONENTS], tdx[AVER_DCAP_COMPONENTS];
    uint16_t pce_svn;
    aver_tcb_status status;
    uint64_t date_s;
    aver_view advisories; /* the array as it stands in the text, or empty */
} aver_dcap_level;

typedef struct aver_dcap_isv_level {
    uint16_t isv_svn;
    aver_tcb_status status;
    uint64_t date_s;
    aver_view advisories;
} aver_dcap_isv_level;

typedef struct aver_dcap_module {
    uint8_t version; /* the number in its id: TDX_01, TDX_03 */
    uint8_t mr_signer[48], attributes[8], attributes_mask[8];
    aver_dcap_isv_level levels[AVER_DCAP_ISV_LEVELS_MAX];
    size_t levels_count;
} aver_dcap_module;

typedef struct aver_dcap_tcb {
    uint8_t *text; /* owned; views are into it */
    bool tdx;
    aver_dcap_window window;
    uint8_t fmspc[6], pceid[2];
    uint32_t evaluation;
    aver_dcap_level levels[AVER_DCAP_LEVELS_MAX];
    size_t levels_count;
    bool has_module; /* for modules of version 0 */
    aver_dcap_module module;
    aver_dcap_module modules[AVER_DCAP_MODULES_MAX];
    size_t modules_count;
} aver_dcap_tcb;

typedef struct aver_dcap_identity {
    uint8_t *text; /* owned; views are into it */
    bool tdx;
    aver_dcap_window window;
    uint32_t evaluation;
    uint32_t misc_select, misc_select_mask;
    uint8_t attributes[16], attributes_mask[16], mr_signer[32];
    uint16_t isv_prod_id;
    aver_dcap_isv_level levels[AVER_DCAP_ISV_LEVELS_MAX];
    size_t levels_count;
} aver_dcap_identity;

/* Members of both, read where the reader stands. */
void aver_dcap_read_date(aver_dcap_json *json, uint64_t *ret_time_s);
void aver_dcap_read_number16(aver_dcap_json *json, uint16_t *ret_number);
void aver_dcap_read_level(aver_dcap_json *json, aver_dcap_level *level);
void aver_dcap_read_isv_levels(aver_dcap_json *json, aver_dcap_isv_level *levels, size_t *count);
/* A copy of a text, which views into it then share the life of. FORMAT: of no size that it can
 * have. */
AVER_MUST_USE aver_err aver_dcap_text_copy(aver_view text, uint8_t **ret_copy);
/* FORMAT, with "what: why". */
AVER_MUST_USE aver_err aver_dcap_text_failed(char ret_why[AVER_DCAP_WHY_BYTES], const char *what,
                                             const char *why);
/* FORMAT with words. ret is zero before; its text is to be freed in each case. */
AVER_MUST_USE aver_err aver_dcap_tcb_read(aver_view text, aver_dcap_tcb *ret_tcb,
                                          char ret_why[AVER_DCAP_WHY_BYTES]);
AVER_MUST_USE aver_err aver_dcap_identity_read(aver_view text, aver_dcap_identity *ret_identity,
                                               char ret_why[AVER_DCAP_WHY_BYTES]);

/* Of the collateral, what a later quote needs: remembered. */
typedef struct aver_dcap_collateral {
    aver_dcap_fault tcb_signed, identity_signed; /* intel.tcb-signature, -identity-signature */
    bool has_tcb, has_identity;                  /* signed rightly, and read */
    aver_dcap_tcb tcb;
    aver_dcap_identity identity;
    aver_dcap_window window; /* of the paths and of the root's list */
} aver_dcap_collateral;
void aver_dcap_collateral_free(void *collateral);

/* Members of the collateral's JSON object, all texts. */
typedef enum aver_dcap_member {
    AVER_DCAP_TCB_INFO,
    AVER_DCAP_TCB_SIGNATURE,
    AVER_DCAP_TCB_CHAIN,
    AVER_DCAP_IDENTITY,
    AVER_DCAP_IDENTITY_SIGNATURE,
    AVER_DCAP_IDENTITY_CHAIN,
    AVER_DCAP_PCK_LIST,
    AVER_DCAP_ROOT_LIST,
} aver_dcap_member;
#define AVER_DCAP_MEMBERS 8

/* What the first judgement of a platform needs: certificates, lists. Everything is released
 * together. */
typedef struct aver_dcap_work {
    const aver_attest_input *input;
    uint8_t roots[AVER_ATTEST_ROOTS_MAX][32]; /* their SHA-256 */
    size_t roots_count;
    aver_certs certs;
    aver_x509_result pck_path;
    /* The one who signed the collateral, judged once for both texts. */
    bool has_signer;
    size_t signer;
    aver_ecdsa_key *signer_key;
    aver_dcap_fault signer_fault;
    uint8_t *texts; /* owned: what members are views of */
    aver_view members[AVER_DCAP_MEMBERS];
    aver_crl *root_list, *pck_list;
} aver_dcap_work;

AVER_MUST_USE aver_err aver_dcap_work_open(const aver_attest_input *input,
                                           aver_dcap_work *ret_work);
void aver_dcap_work_close(aver_dcap_work *work);
/* Adds the certificates of pem that are not there yet; *ret_leaf is the first one's place. FORMAT,
 * LIMIT. */
AVER_MUST_USE aver_err aver_dcap_work_certs(aver_dcap_work *work, aver_view pem, size_t *ret_leaf);
AVER_MUST_USE aver_err aver_dcap_work_path(aver_dcap_work *work, size_t leaf,
                                           aver_x509_result *ret_path);
AVER_MUST_USE aver_err aver_dcap_work_key(const aver_cert *cert, aver_ecdsa_key **ret_key);

/* Fills pck from the certificates of a quote; work->pck_path is set. *ret_read false: they are no
 * certificates. */
AVER_MUST_USE aver_err aver_dcap_pck_open(aver_dcap_work *work, aver_view pem, aver_dcap_pck *pck,
                                          bool *ret_read);
/* Reads the collateral into work and collateral, and judges revocation for both paths. */
AVER_MUST_USE aver_err aver_dcap_collateral_open(aver_dcap_work *work, aver_dcap_pck *pck,
                                                 aver_dcap_collateral *collateral);

/* What a quote is judged by: remembered, or opened for this judgement. */
typedef struct aver_dcap_basis {
    uint8_t pck_id[32], collateral_id[32];
    aver_dcap_work work;
    bool cold; /* pck and collateral are this judgement's own */
    bool certs_read;
    aver_dcap_pck *pck;
    aver_dcap_collateral *collateral;
} aver_dcap_basis;
/* basis is zero before, and to be released in each case: then what held is remembered. */
AVER_MUST_USE aver_err aver_dcap_basis_open(const aver_attest_input *input,
                                            const aver_dcap_quote *quote, aver_dcap_basis *basis);
void aver_dcap_basis_release(const aver_attest_input *input, aver_dcap_basis *basis);

/* How a platform stands. */
typedef struct aver_dcap_standing {
    aver_tcb_status platform, qe, module, all; /* NONE: no level, or no such thing */
    aver_tcb_status relaunch; /* what Intel calls a domain that a new launch would put in order */
    bool below;               /* below every level that the TCB info lists */
    uint64_t date_s;          /* of the platform's level */
    aver_view advisories[3];  /* of platform, module and quoting enclave */
} aver_dcap_standing;

/* td is NULL for an enclave. */
void aver_dcap_standing_find(const aver_dcap_tcb *tcb, const aver_dcap_identity *identity,
                             const aver_dcap_pck_info *pck, const aver_dcap_report *qe,
                             const aver_dcap_td *td, aver_dcap_standing *ret_standing);
/* tdx.module and intel.qe-identity. */
void aver_dcap_module_judge(const aver_dcap_tcb *tcb, const aver_dcap_td *td,
                            aver_dcap_fault *ret_fault);
void aver_dcap_identity_judge(const aver_dcap_identity *identity, const aver_dcap_report *qe,
                              aver_dcap_fault *ret_fault);

/* What differs between sgx and tdx. */
typedef struct aver_dcap_kind {
    bool tdx;
    /* Adds the checks of the body itself, and tells claims->debug. */
    void (*judge_body)(const aver_dcap_quote *quote, aver_verdict *verdict);
    void (*claim_body)(const aver_dcap_quote *quote, aver_claims *claims);
} aver_dcap_kind;
AVER_MUST_USE aver_err aver_dcap_judge(const aver_dcap_kind *kind, const aver_attest_input *input,
                                       aver_verdict *verdict, aver_claims *claims,
                                       bool *ret_readable);

void aver_dcap_quote_claim(const aver_dcap_quote *quote, aver_claims *claims);
void aver_dcap_pck_claim(const aver_dcap_pck_info *info, aver_claims *claims);
void aver_dcap_standing_claim(const aver_dcap_standing *standing, aver_claims *claims);

#endif
