/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/ear.h"

#include "codec/json.h"
#include "codec/text.h"
#include "crypto/hash.h"
#include "crypto/jws.h"

#include <string.h>

#define EAR_DEVELOPER       "aver"
#define EAR_BUILD           "libaver " AVER_VERSION
#define EAR_CHECKS_PROFILE  "urn:aver:verdict:1"
#define EAR_JSON_BYTES_MAX  (4ul * 1024 * 1024)
#define EAR_NONCE_BYTES_MIN 8
#define EAR_NONCE_BYTES_MAX 64

/* Values of draft-ietf-rats-ar4si, and where its tiers begin. */
enum {
    EAR_NO_CLAIM = 0,
    EAR_AFFIRMING = 2,
    EAR_BOOT_AFFIRMING = 3,
    EAR_WARNING = 32,
    EAR_NOT_RECOGNISED = 33,
    EAR_CONTRAINDICATED = 96,
    EAR_UNKNOWN_HARDWARE = 97,
    EAR_BAD_PROOF = 99,
};

typedef struct ear_vector {
    unsigned instance, configuration, executables, hardware, runtime;
} ear_vector;

static aver_check_status ear_status(const aver_verdict *verdict, const char *name)
{
    const aver_check *check = aver_verdict_find(verdict, name);
    return check != NULL ? check->status : AVER_CHECK_SKIP;
}

static bool ear_failed(const aver_verdict *verdict, const char *name)
{
    return ear_status(verdict, name) == AVER_CHECK_FAIL;
}

static bool ear_passed(const aver_verdict *verdict, const char *name)
{
    return ear_status(verdict, name) == AVER_CHECK_PASS;
}

/* What speaks for or against one thing: a check, with what its FAIL and its PASS say. */
static unsigned ear_by_check(const aver_verdict *verdict, const char *name, unsigned failed,
                             unsigned passed)
{
    return ear_failed(verdict, name) ? failed : ear_passed(verdict, name) ? passed : EAR_NO_CLAIM;
}

/* Reasons that are about proofs, not about what is proven. */
static bool ear_bad_proof(const aver_verdict *verdict)
{
    for (size_t i = 0; i < verdict->count; i++) {
        aver_reason reason = verdict->checks[i].reason;
        if (reason == AVER_REASON_MALFORMED || reason == AVER_REASON_BAD_SIGNATURE ||
            reason == AVER_REASON_CHAIN_UNTRUSTED || reason == AVER_REASON_KEY_MISMATCH) {
            return true;
        }
    }
    return ear_failed(verdict, "platform.root") || ear_failed(verdict, "evidence.signature") ||
           ear_failed(verdict, "evidence.format");
}

static unsigned ear_hardware(const aver_verdict *verdict, const aver_claims *claims)
{
    bool known_faults = claims != NULL && claims->tcb_status != AVER_TCB_NONE &&
                        claims->tcb_status != AVER_TCB_UP_TO_DATE;
    if (ear_failed(verdict, "platform.known")) {
        return EAR_UNKNOWN_HARDWARE;
    }
    if (ear_failed(verdict, "evidence.revocation") || ear_failed(verdict, "evidence.validity") ||
        ear_failed(verdict, "tcb.status") || ear_failed(verdict, "tcb.min")) {
        return EAR_CONTRAINDICATED;
    }
    if (!ear_passed(verdict, "platform.root") || !ear_passed(verdict, "evidence.signature")) {
        return EAR_NO_CLAIM;
    }
    return known_faults ? EAR_WARNING : EAR_AFFIRMING;
}

static ear_vector ear_judge(const aver_ear *ear)
{
    const aver_verdict *verdict = ear->verdict;
    bool debug = ear->claims != NULL && ear->claims->debug;
    ear_vector vector = {0};
    if (ear_bad_proof(verdict)) {
        return (ear_vector){EAR_BAD_PROOF, EAR_BAD_PROOF, EAR_BAD_PROOF, EAR_BAD_PROOF,
                            EAR_BAD_PROOF};
    }
    if (verdict->simulated) {
        return vector; /* nobody's hardware says anything */
    }
    vector.instance = ear_by_check(verdict, "machine.allowed", EAR_CONTRAINDICATED, EAR_AFFIRMING);
    vector.configuration = ear_by_check(verdict, "evidence.debug", EAR_CONTRAINDICATED,
                                        debug ? EAR_WARNING : EAR_AFFIRMING);
    if (ear_failed(verdict, "config.allowed")) {
        vector.configuration = EAR_CONTRAINDICATED;
    }
    vector.executables =
        ear_by_check(verdict, "measurement.allowed", EAR_NOT_RECOGNISED, EAR_BOOT_AFFIRMING);
    vector.hardware = ear_hardware(verdict, ear->claims);
    vector.runtime = ear_by_check(verdict, "evidence.debug", EAR_CONTRAINDICATED,
                                  debug ? EAR_WARNING : EAR_AFFIRMING);
    return vector;
}

static const char *ear_tier(const aver_ear *ear, const ear_vector *vector)
{
    const unsigned values[] = {vector->instance, vector->configuration, vector->executables,
                               vector->hardware, vector->runtime};
    unsigned worst = 0;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        worst = values[i] > worst ? values[i] : worst;
    }
    if (!ear->accepted || worst >= EAR_CONTRAINDICATED) {
        return "contraindicated";
    }
    if (ear->verdict->simulated || worst < EAR_AFFIRMING) {
        return "none";
    }
    return worst >= EAR_WARNING ? "warning" : "affirming";
}

static void ear_put_vector(const ear_vector *vector, aver_buf *out)
{
    const struct {
        const char *name;
        unsigned value;
    } entries[] = {{"instance-identity", vector->instance},
                   {"configuration", vector->configuration},
                   {"executables", vector->executables},
                   {"hardware", vector->hardware},
                   {"runtime-opaque", vector->runtime}};
    bool any = false;
    aver_buf_append_text(out, ",\"ear_trustworthiness_vector\":{");
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        if (entries[i].value != EAR_NO_CLAIM) {
            aver_buf_append_format(out, "%s\"%s\":%u", any ? "," : "", entries[i].name,
                                   entries[i].value);
            any = true;
        }
    }
    /* The format wants an entry at least: this one claims nothing. */
    aver_buf_append_text(out, any ? "}" : "\"hardware\":0}");
}

/* RFC 6920: the policy by the hash of its text. */
static void ear_put_policy(aver_view policy, aver_buf *out)
{
    uint8_t digest[32];
    if (policy.size > 0) {
        aver_sha256_of(policy, digest);
        aver_buf_append_text(out, ",\"ear_appraisal_policy_ids\":[\"ni:///sha-256;");
        aver_base64url_append(out, AVER_VIEW_OF(digest));
        aver_buf_append_text(out, "\"]");
    }
}

static void ear_put_submodule(const aver_ear *ear, aver_buf *out)
{
    ear_vector vector = ear_judge(ear);
    aver_buf_append_format(out, "{\"eat_profile\":\"%s\",\"ear_status\":\"%s\"", EAR_CHECKS_PROFILE,
                           ear_tier(ear, &vector));
    ear_put_vector(&vector, out);
    ear_put_policy(ear->policy, out);
    if (ear->claims != NULL) {
        aver_buf_append_text(out, ",\"ear_attester_claims\":{\"aver_claims\":");
        aver_claims_json(ear->claims, out);
        aver_buf_append_byte(out, '}');
    }
    aver_buf_append_text(out, ",\"ear_verifier_claims\":{\"aver_verdict\":");
    aver_verdict_json(ear->verdict, ear->accepted, out);
    aver_buf_append_text(out, "}}");
}

void aver_ear_json(const aver_ear *ear, aver_buf *out)
{
    const char *platform =
        ear->platform != NULL && ear->platform[0] != '\0' ? ear->platform : "unknown";
    ear_vector vector = ear_judge(ear);
    aver_buf_append_format(out,
                           "{\"eat_profile\":\"%s\",\"iat\":%llu,"
                           "\"ear_verifier_id\":{\"developer\":\"%s\",\"build\":\"%s\"},"
                           "\"ear_status\":\"%s\"",
                           AVER_EAR_PROFILE, (unsigned long long)ear->issued_s, EAR_DEVELOPER,
                           EAR_BUILD, ear_tier(ear, &vector));
    if (ear->nonce.size >= EAR_NONCE_BYTES_MIN && ear->nonce.size <= EAR_NONCE_BYTES_MAX) {
        aver_buf_append_text(out, ",\"eat_nonce\":\"");
        aver_base64url_append(out, ear->nonce);
        aver_buf_append_byte(out, '"');
    }
    aver_buf_append_text(out, ",\"submods\":{");
    aver_json_append_string(out, aver_view_text(platform));
    aver_buf_append_byte(out, ':');
    ear_put_submodule(ear, out);
    aver_buf_append_text(out, "}}");
}

aver_err aver_ear_jwt(const aver_ear *ear, aver_view key_pem, aver_buf *ret_text)
{
    aver_buf json;
    aver_buf_init(&json, EAR_JSON_BYTES_MAX);
    aver_ear_json(ear, &json);
    aver_err err = aver_buf_status(&json);
    err = err == AVER_OK ? aver_jws_sign(key_pem, "eat+jwt", aver_buf_view(&json), ret_text) : err;
    aver_buf_deinit(&json);
    return err;
}
