/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/cca_token.h"

#include "attest/compare.h"
#include "attest/family.h"
#include "crypto/hash.h"
#include "crypto/public_key.h"

#include <string.h>

static const char *const cca_checks[] = {
    "evidence.format",     "platform.root", "evidence.signature", "cca.profile",    "cca.binding",
    "cca.realm-signature", "cca.lifecycle", "evidence.nonce",     "evidence.debug", NULL};
static const char *const cca_required[] = {
    "evidence.format",     "platform.root", "evidence.signature", "cca.profile", "cca.binding",
    "cca.realm-signature", "cca.lifecycle", "evidence.debug",     NULL};

/* Lifecycle states, by their high octet; the low one is the implementer's. */
enum { CCA_SECURED = 0x30, CCA_DEBUG_OTHER = 0x40, CCA_DEBUG_PLATFORM = 0x50 };

static const char *cca_lifecycle_text(uint64_t lifecycle)
{
    switch (lifecycle >> 8) {
    case 0x00:
        return "unknown";
    case 0x10:
        return "assembly and test";
    case 0x20:
        return "provisioning";
    case CCA_SECURED:
        return "secured";
    case CCA_DEBUG_OTHER:
        return "debugging beside the platform";
    case CCA_DEBUG_PLATFORM:
        return "recoverable debugging of the platform";
    case 0x60:
        return "decommissioned";
    default:
        return "a state that is not defined";
    }
}

static bool cca_is_debug(uint64_t lifecycle)
{
    return lifecycle >> 8 == CCA_DEBUG_OTHER || lifecycle >> 8 == CCA_DEBUG_PLATFORM;
}

/* The hash that a claim names, or 0. */
static size_t cca_hash(aver_view algorithm, aver_view bytes,
                       uint8_t ret_digest[static AVER_SHA512_BYTES])
{
    if (aver_view_equal_text(algorithm, "sha-256")) {
        aver_sha256_of(bytes, ret_digest);
        return AVER_SHA256_BYTES;
    }
    if (aver_view_equal_text(algorithm, "sha-384")) {
        aver_sha384_of(bytes, ret_digest);
        return AVER_SHA384_BYTES;
    }
    if (aver_view_equal_text(algorithm, "sha-512")) {
        aver_sha512_of(bytes, ret_digest);
        return AVER_SHA512_BYTES;
    }
    return 0;
}

static void cca_signature_told(const char *name, const char *whose, aver_err err,
                               aver_verdict *verdict)
{
    if (err == AVER_OK) {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "by %s", whose);
    } else if (err == AVER_E_UNSUPPORTED) {
        aver_verdict_fail(verdict, name, AVER_REASON_BAD_SIGNATURE,
                          "its algorithm is not that of %s", whose);
    } else {
        aver_verdict_fail(verdict, name, AVER_REASON_BAD_SIGNATURE,
                          "the signature of %s does not hold", whose);
    }
}

static bool cca_is_answer(aver_err err)
{
    return err == AVER_OK || err == AVER_E_PROOF || err == AVER_E_UNSUPPORTED;
}

static aver_err cca_judge_platform(const aver_attest_input *input,
                                   const aver_cca_platform *platform, aver_verdict *verdict)
{
    aver_public_key key = {0};
    if (input->key.size == 0) {
        aver_verdict_fail(verdict, "platform.root", AVER_REASON_COLLATERAL_MISSING,
                          "the platform's public key was not given");
        aver_verdict_add(verdict, "evidence.signature", AVER_CHECK_SKIP,
                         "the platform's public key was not given");
        return AVER_OK;
    }
    aver_err err = aver_public_key_open(input->key, &key);
    if (err == AVER_E_FORMAT || err == AVER_E_LIMIT || err == AVER_E_UNSUPPORTED ||
        (err == AVER_OK && key.ec == NULL)) {
        aver_public_key_close(&key);
        return AVER_E_USAGE; /* the reader's own file */
    }
    if (err != AVER_OK) {
        return err;
    }
    aver_verdict_add(verdict, "platform.root", AVER_CHECK_PASS,
                     "the reader's own key of the platform, %s",
                     aver_short_of(AVER_VIEW_OF(key.sha256)).text);
    err = aver_cose_document_verify(&platform->cose, key.curve, key.ec);
    aver_public_key_close(&key);
    if (cca_is_answer(err)) {
        cca_signature_told("evidence.signature", "the platform's key", err, verdict);
        err = AVER_OK;
    }
    return err;
}

static void cca_judge_profile(const aver_cca_token *token, aver_verdict *verdict)
{
    const aver_cca_platform *platform = &token->platform;
    const aver_cca_realm *realm = &token->realm;
    const char *name = "cca.profile";
    const char *why = NULL;
    uint8_t digest[AVER_SHA512_BYTES];
    size_t realm_bytes = cca_hash(realm->hash_algorithm, (aver_view){0}, digest);
    if (platform->profile == AVER_CCA_PROFILE_UNKNOWN) {
        why = "the platform token is of a profile that is not known here";
    } else if (realm->profile == AVER_CCA_PROFILE_UNKNOWN) {
        why = "the realm token is of a profile that is not known here";
    } else if ((realm->key.data[0] == 0x04) != (realm->profile == AVER_CCA_PROFILE_OLD)) {
        why = "the realm's key is not in the form of its profile";
    } else if (realm->initial.size != realm_bytes) {
        why = "the realm's measurements are not of the hash that it names";
    } else if (cca_hash(platform->hash_algorithm, (aver_view){0}, digest) == 0) {
        why = "the platform measures with a hash that is not known here";
    }
    if (why != NULL) {
        aver_verdict_fail(verdict, name, AVER_REASON_MALFORMED, "%s", why);
    } else {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "%.*s", (int)platform->profile_text.size,
                         (const char *)platform->profile_text.data);
    }
}

static void cca_judge_binding(const aver_cca_token *token, aver_verdict *verdict)
{
    uint8_t digest[AVER_SHA512_BYTES];
    size_t size = cca_hash(token->realm.key_hash_algorithm, token->realm.key, digest);
    if (size == 0) {
        aver_verdict_fail(verdict, "cca.binding", AVER_REASON_KEY_MISMATCH,
                          "the realm's key is hashed in a way that is not known here");
    } else if (!aver_view_equal(aver_view_make(digest, size), token->platform.challenge)) {
        aver_verdict_fail(verdict, "cca.binding", AVER_REASON_KEY_MISMATCH,
                          "the platform token is for key %s, the realm has %s",
                          aver_short_of(token->platform.challenge).text,
                          aver_short_of(aver_view_make(digest, size)).text);
    } else {
        aver_verdict_add(verdict, "cca.binding", AVER_CHECK_PASS, "key %s",
                         aver_short_of(token->platform.challenge).text);
    }
}

static aver_err cca_judge_realm(const aver_cca_realm *realm, aver_verdict *verdict)
{
    aver_ecdsa_key *key = NULL;
    aver_err err = aver_ecdsa_key_new(
        realm->curve, aver_view_make(realm->point, 2 * aver_curve_bytes(realm->curve)), &key);
    if (err == AVER_E_FORMAT) {
        aver_verdict_fail(verdict, "cca.realm-signature", AVER_REASON_BAD_SIGNATURE,
                          "the realm's key is not on its curve");
        return AVER_OK;
    }
    if (err == AVER_OK) {
        err = aver_cose_document_verify(&realm->cose, realm->curve, key);
    }
    aver_ecdsa_key_free(key);
    if (cca_is_answer(err)) {
        cca_signature_told("cca.realm-signature", "the realm's key", err, verdict);
        err = AVER_OK;
    }
    return err;
}

static void cca_judge_lifecycle(const aver_attest_input *input, uint64_t lifecycle,
                                aver_verdict *verdict)
{
    bool good = lifecycle >> 8 == CCA_SECURED || (cca_is_debug(lifecycle) && input->allow_debug);
    if (good) {
        aver_verdict_add(verdict, "cca.lifecycle", AVER_CHECK_PASS, "%04llx: %s",
                         (unsigned long long)lifecycle, cca_lifecycle_text(lifecycle));
    } else {
        aver_verdict_fail(verdict, "cca.lifecycle", AVER_REASON_DEBUG_ENABLED,
                          "%04llx: %s, not secured", (unsigned long long)lifecycle,
                          cca_lifecycle_text(lifecycle));
    }
}

static void cca_claim_platform(const aver_cca_platform *platform, aver_claims *claims)
{
    aver_claims_put_text(claims, "platform_profile", platform->profile_text);
    aver_claims_put_bytes(claims, "platform_challenge", platform->challenge);
    aver_claims_put_bytes(claims, "implementation_id", platform->implementation_id);
    aver_claims_put_bytes(claims, "instance_id", platform->instance_id);
    aver_claims_put_bytes(claims, "platform_config", platform->config);
    aver_claims_put_uint(claims, "lifecycle", platform->lifecycle);
    aver_claims_put_text(claims, "platform_hash_alg", platform->hash_algorithm);
    if (platform->service.size > 0) {
        aver_claims_put_text(claims, "verification_service", platform->service);
    }
    aver_claims_put_uint(claims, "sw_components", platform->components_count);
    for (size_t i = 0; i < platform->components_count; i++) {
        aver_claims_put_member_bytes(claims, "sw_component_measurements",
                                     platform->components[i].measurement);
    }
    for (size_t i = 0; i < platform->components_count; i++) {
        aver_claims_put_member_bytes(claims, "sw_component_signers",
                                     platform->components[i].signer);
    }
    aver_claims_measure(claims, "implementation_id", platform->implementation_id);
    memcpy(claims->machine_id, platform->instance_id.data, platform->instance_id.size);
    claims->machine_id_size = (uint8_t)platform->instance_id.size;
}

static void cca_claim_realm(const aver_cca_realm *realm, aver_claims *claims)
{
    static const char *const kinds[AVER_CCA_EXTENSIBLE] = {"rem0", "rem1", "rem2", "rem3"};
    aver_claims_put_bytes(claims, "realm_challenge", realm->challenge);
    aver_claims_put_bytes(claims, "realm_personalization", realm->personalization);
    aver_claims_put_text(claims, "realm_hash_alg", realm->hash_algorithm);
    aver_claims_put_bytes(claims, "realm_public_key", realm->key);
    aver_claims_put_text(claims, "realm_public_key_hash_alg", realm->key_hash_algorithm);
    aver_claims_put_bytes(claims, "realm_initial_measurement", realm->initial);
    if (realm->profile_text.size > 0) {
        aver_claims_put_text(claims, "realm_profile", realm->profile_text);
    }
    aver_claims_measure(claims, "rim", realm->initial);
    aver_claims_measure(claims, "personalization", realm->personalization);
    for (size_t i = 0; i < AVER_CCA_EXTENSIBLE; i++) {
        aver_claims_put_member_bytes(claims, "realm_extensible_measurements", realm->extensible[i]);
        aver_claims_measure(claims, kinds[i], realm->extensible[i]);
    }
    claims->has_nonce = true;
    claims->nonce = realm->challenge;
    claims->has_report_data = true;
    memcpy(claims->report_data, realm->challenge.data, sizeof claims->report_data);
}

static aver_err cca_judge(const aver_attest_input *input, aver_verdict *verdict,
                          aver_claims *claims, bool *ret_readable)
{
    aver_cca_token token;
    const char *why = NULL;
    if (aver_cca_token_parse(input->evidence, &token, &why) != AVER_OK) {
        aver_verdict_fail(verdict, "evidence.format", AVER_REASON_MALFORMED, "%s", why);
        return AVER_OK;
    }
    aver_verdict_add(verdict, "evidence.format", AVER_CHECK_PASS, "%zu components",
                     token.platform.components_count);
    aver_err err = cca_judge_platform(input, &token.platform, verdict);
    if (err == AVER_OK) {
        cca_judge_profile(&token, verdict);
        cca_judge_binding(&token, verdict);
        err = cca_judge_realm(&token.realm, verdict);
    }
    if (err == AVER_OK) {
        cca_judge_lifecycle(input, token.platform.lifecycle, verdict);
        claims->debug = cca_is_debug(token.platform.lifecycle);
        cca_claim_platform(&token.platform, claims);
        cca_claim_realm(&token.realm, claims);
        aver_family_nonce_told(input, claims, verdict);
        aver_family_debug_told(input, claims, verdict);
        *ret_readable = true;
    }
    return err;
}

const aver_family_verifier aver_family_cca = {
    .name = "cca", .checks = cca_checks, .required = cca_required, .judge = cca_judge};
