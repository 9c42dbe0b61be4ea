/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_CCA_TOKEN_H
#define AVER_ATTEST_CCA_TOKEN_H

/*
 * cca_token: the attestation token of a realm (Arm CCA; Realm Management Monitor specification and
 * the RATS profile that is drafted for it):
 *
 *   399({ 44234: bytes of a COSE_Sign1 (platform token), 44241: the same (realm token) })
 *
 * The platform token is signed by the platform's attestation key, the realm token by a key of the
 * realm that it holds itself; the platform token's challenge is the hash of that key. Two forms
 * of it are in use: profiles "http://arm.com/CCA-SSD/1.0.0" (the realm's key as an octet string of
 * a point) and "tag:arm.com,2023:cca_platform#1.0.0" with "tag:arm.com,2023:realm#1.0.0" (as a
 * COSE_Key).
 */

#include "attest/cose_document.h"

#define AVER_CCA_EXTENSIBLE     4
#define AVER_CCA_COMPONENTS_MAX 32

typedef enum aver_cca_profile {
    AVER_CCA_PROFILE_UNKNOWN = 0,
    AVER_CCA_PROFILE_OLD,
    AVER_CCA_PROFILE_2023,
} aver_cca_profile;

typedef struct aver_cca_component {
    aver_view kind, measurement, version, signer, hash_algorithm; /* empty: not told */
} aver_cca_component;

typedef struct aver_cca_platform {
    aver_cose_document cose;
    aver_cca_profile profile;
    aver_view profile_text, challenge, implementation_id, instance_id, config, hash_algorithm,
        service;
    uint64_t lifecycle;
    aver_cca_component components[AVER_CCA_COMPONENTS_MAX];
    size_t components_count;
} aver_cca_platform;

typedef struct aver_cca_realm {
    aver_cose_document cose;
    aver_cca_profile profile; /* OLD where the token names none */
    aver_view profile_text, challenge, personalization, hash_algorithm, key, key_hash_algorithm,
        initial, extensible[AVER_CCA_EXTENSIBLE];
    uint8_t point[AVER_ECDSA_POINT_BYTES_MAX]; /* of key, x || y */
    aver_curve curve;
} aver_cca_realm;

/* All views point into the token. */
typedef struct aver_cca_token {
    aver_cca_platform platform;
    aver_cca_realm realm;
} aver_cca_token;

/* FORMAT or LIMIT, with words. */
AVER_MUST_USE aver_err aver_cca_token_parse(aver_view bytes, aver_cca_token *ret_token,
                                            const char **ret_why);

#endif
