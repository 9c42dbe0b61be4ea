/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/judge.h"

#include "attest/compare.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"

#include <string.h>

/* One judgement in progress. */
typedef struct judge_state {
    const aver_verify_context *context;
    const uint64_t *at_ms; /* when the evidence was relied on, or NULL */
    aver_verdict *verdict;
    aver_judged *judged;
} judge_state;

static const char *const judge_evidence_checks[] = {"evidence.format", "platform.root",
                                                    "evidence.signature", NULL};
static const char *const judge_claims_checks[] = {
    "evidence.debug", "evidence.age", "measurement.allowed", "tcb.min", "binding", NULL};
static const char *const judge_keyset_checks[] = {
    "keyset.platform", "keyset.incarnation", "keyset.config",
    "config.allowed",  "model.allowed",      "node.id",
    "channel.tls",     "channel.seal",       NULL};

static void judge_debug(const judge_state *judge)
{
    if (aver_verdict_find(judge->verdict, "evidence.debug")) {
        return; /* the platform's verifier has judged it */
    }
    if (!judge->judged->claims.debug) {
        aver_verdict_add(judge->verdict, "evidence.debug", AVER_CHECK_PASS, "debugging is off");
    } else if (aver_policy_accepts_debug(judge->context->policy)) {
        aver_verdict_add(judge->verdict, "evidence.debug", AVER_CHECK_PASS,
                         "debugging is on, and the policy accepts that");
    } else {
        aver_verdict_add(judge->verdict, "evidence.debug", AVER_CHECK_FAIL,
                         "debugging is on: the operator can read and change everything inside");
    }
}

static void judge_age(const judge_state *judge)
{
    const aver_claims *claims = &judge->judged->claims;
    uint64_t age_max_ms = aver_policy_evidence_age_max_ms(judge->context->policy);
    const char *name = "evidence.age";
    if (!claims->has_time) {
        judge->verdict->timeless = true;
        aver_verdict_add(judge->verdict, name, AVER_CHECK_SKIP,
                         "evidence of this platform carries no time");
        return;
    }
    if (!judge->at_ms) {
        aver_verdict_add(judge->verdict, name, AVER_CHECK_SKIP,
                         "no readable receipt says when the evidence was relied on");
        return;
    }
    uint64_t at_ms = *judge->at_ms;
    if (claims->time_ms > at_ms) {
        uint64_t ahead_ms = claims->time_ms - at_ms;
        aver_verdict_add(
            judge->verdict, name, ahead_ms > AVER_CLOCK_SKEW_MS ? AVER_CHECK_FAIL : AVER_CHECK_PASS,
            "made %llu s after it was relied on, at most %d allowed for clocks that differ",
            (unsigned long long)ahead_ms / 1000, AVER_CLOCK_SKEW_MS / 1000);
        return;
    }
    uint64_t age_ms = at_ms - claims->time_ms;
    aver_verdict_add(judge->verdict, name, age_ms > age_max_ms ? AVER_CHECK_FAIL : AVER_CHECK_PASS,
                     "%llu s old when it was relied on, at most %llu allowed",
                     (unsigned long long)age_ms / 1000, (unsigned long long)age_max_ms / 1000);
}

static void judge_binding(const judge_state *judge)
{
    const aver_judged *judged = judge->judged;
    uint8_t gpu_digest[32];
    aver_view gpu = {0};
    if (!judged->claims.has_report_data) {
        aver_verdict_add(judge->verdict, "binding", AVER_CHECK_FAIL,
                         "the evidence carries no 64 bytes of its program's own");
        return;
    }
    if (judged->bundle.gpu_evidence.size) {
        aver_gpu_evidence_digest(judged->bundle.gpu_evidence, gpu_digest);
        gpu = AVER_VIEW_OF(gpu_digest);
    }
    uint8_t wanted[64];
    aver_binding(judged->keyset_digest, judged->bundle.nonce_root, gpu, wanted);
    aver_verdict_compare(judge->verdict, "binding", "report data",
                         AVER_VIEW_OF(judged->claims.report_data), AVER_VIEW_OF(wanted),
                         "this keyset and these nonces");
}

static const aver_platform *judge_platform(const judge_state *judge)
{
    const char *name = judge->judged->bundle.platform;
    for (const aver_platform *const *platform = judge->context->platforms; platform && *platform;
         platform++) {
        if (strcmp((*platform)->name, name) == 0) {
            aver_verdict_add(judge->verdict, "platform.known", AVER_CHECK_PASS, "%s", name);
            return *platform;
        }
    }
    aver_verdict_add(judge->verdict, "platform.known", AVER_CHECK_FAIL,
                     "this verifier cannot judge evidence of platform %s", name);
    return NULL;
}

/* Certificates and collateral of a saved answer are judged at the moment of the answer, never in
 * the reader's future. */
static uint64_t judge_time(const judge_state *judge)
{
    uint64_t now_ms = judge->context->now_ms;
    return judge->at_ms && *judge->at_ms < now_ms ? *judge->at_ms : now_ms;
}

static aver_err judge_evidence(const judge_state *judge)
{
    aver_judged *judged = judge->judged;
    const aver_platform *platform = judge_platform(judge);
    bool allowed = aver_policy_allows_platform(judge->context->policy, judged->bundle.platform);
    aver_verdict_add(
        judge->verdict, "platform.allowed", allowed ? AVER_CHECK_PASS : AVER_CHECK_FAIL,
        allowed ? "%s is allowed" : "%s is not among the platforms that the policy allows",
        judged->bundle.platform);
    if (!platform) {
        aver_verdict_skip_all(judge->verdict, judge_evidence_checks, "the platform is not known");
        aver_verdict_skip_all(judge->verdict, judge_claims_checks, "the platform is not known");
        return AVER_OK;
    }
    judge->verdict->simulated = judge->verdict->simulated || platform->simulated;
    aver_platform_input input = {.bundle = &judged->bundle,
                                 .roots = &judge->context->roots,
                                 .policy = judge->context->policy,
                                 .at_ms = judge_time(judge)};
    aver_err err = platform->judge(&input, judge->verdict, &judged->claims, &judged->has_claims);
    if (err != AVER_OK) {
        return err;
    }
    if (!judged->has_claims) {
        aver_verdict_skip_all(judge->verdict, judge_evidence_checks,
                              "the evidence could not be read");
        aver_verdict_skip_all(judge->verdict, judge_claims_checks,
                              "the evidence could not be read");
        return AVER_OK;
    }
    judge_debug(judge);
    judge_age(judge);
    aver_judge_claims(judge->context->policy, judged->bundle.platform, &judged->claims,
                      judge->verdict);
    judge_binding(judge);
    return AVER_OK;
}

static void judge_config(const judge_state *judge)
{
    const aver_judged *judged = judge->judged;
    aver_view document = judged->bundle.config;
    if (document.size == 0) {
        aver_verdict_add(judge->verdict, "keyset.config", AVER_CHECK_SKIP,
                         "the bundle does not carry the configuration document");
    } else {
        uint8_t digest[32];
        aver_config_digest(document, digest);
        aver_verdict_compare(judge->verdict, "keyset.config", "configuration document",
                             AVER_VIEW_OF(digest), AVER_VIEW_OF(judged->keyset.config_digest),
                             "the keyset");
    }
    bool any;
    bool allowed =
        aver_policy_allows_config(judge->context->policy, judged->keyset.config_digest, &any);
    aver_short text = aver_short_of(AVER_VIEW_OF(judged->keyset.config_digest));
    if (any) {
        aver_verdict_add(judge->verdict, "config.allowed", AVER_CHECK_SKIP,
                         "the policy names no configurations; this one is %s", text.text);
    } else {
        aver_verdict_add(judge->verdict, "config.allowed",
                         allowed ? AVER_CHECK_PASS : AVER_CHECK_FAIL,
                         allowed ? "configuration %s is allowed"
                                 : "configuration %s is not among those that the policy allows",
                         text.text);
    }
}

/* The model asked for, or any of the keyset, is allowed; *ret_root is what the words are about. */
static bool judge_model_allowed(const judge_state *judge, const uint8_t **ret_root)
{
    const aver_keyset *keyset = &judge->judged->keyset;
    const uint8_t *wanted = judge->context->model_root;
    *ret_root = wanted ? wanted : keyset->models_count ? keyset->models[0].root : NULL;
    for (size_t i = 0; i < keyset->models_count; i++) {
        const uint8_t *root = keyset->models[i].root;
        if ((!wanted || memcmp(root, wanted, 32) == 0) &&
            aver_policy_allows_model(judge->context->policy, root) &&
            aver_policy_allows_profile(judge->context->policy, keyset->models[i].profile)) {
            *ret_root = root;
            return true;
        }
    }
    return false;
}

static void judge_model(const judge_state *judge)
{
    const uint8_t *root;
    bool allowed = judge_model_allowed(judge, &root);
    aver_short text = aver_short_of(aver_view_make(root, root ? 32 : 0));
    const aver_keyset_model *model = root ? aver_keyset_find(&judge->judged->keyset, root) : NULL;
    if (allowed) {
        aver_verdict_add(judge->verdict, "model.allowed", AVER_CHECK_PASS,
                         "model root %s is allowed", text.text);
    } else if (!root) {
        aver_verdict_add(judge->verdict, "model.allowed", AVER_CHECK_FAIL,
                         "the keyset names no model");
    } else if (judge->context->model_root && !model) {
        aver_verdict_add(judge->verdict, "model.allowed", AVER_CHECK_FAIL,
                         "model root %s, which was asked for, is not in the keyset", text.text);
    } else if (model && !aver_policy_allows_profile(judge->context->policy, model->profile)) {
        aver_verdict_add(judge->verdict, "model.allowed", AVER_CHECK_FAIL,
                         "model root %s runs under a profile that the policy does not allow",
                         text.text);
    } else {
        aver_verdict_add(judge->verdict, "model.allowed", AVER_CHECK_FAIL,
                         "model root %s is not among the %zu allowed", text.text,
                         aver_policy_model_count(judge->context->policy));
    }
}

static void judge_incarnation(const judge_state *judge)
{
    const aver_keyset *keyset = &judge->judged->keyset;
    const aver_key *key = &keyset->keys[AVER_ROLE_RECEIPT];
    uint8_t digest[32];
    aver_sha256_of(aver_view_make(key->bytes, key->size), digest);
    aver_verdict_compare(judge->verdict, "keyset.incarnation", "incarnation",
                         AVER_VIEW_OF(keyset->incarnation), AVER_VIEW_OF(digest),
                         "the receipt key");
}

static void judge_node(const judge_state *judge)
{
    const uint8_t *wanted = judge->context->node_id;
    if (!wanted) {
        aver_verdict_add(judge->verdict, "node.id", AVER_CHECK_SKIP,
                         "the reader asked for no node by its id");
        return;
    }
    aver_verdict_compare(judge->verdict, "node.id", "node",
                         AVER_VIEW_OF(judge->judged->keyset.node_id), aver_view_make(wanted, 32),
                         "the reader");
}

/* The key that this connection uses against the keyset's key of that role. */
static void judge_channel(const judge_state *judge, const char *name, aver_role role,
                          const uint8_t *found, const char *what)
{
    const aver_key *key = &judge->judged->keyset.keys[role];
    if (!found) {
        aver_verdict_add(judge->verdict, name, AVER_CHECK_SKIP,
                         "there is no such connection to compare with");
    } else if (!key->present) {
        aver_verdict_add(judge->verdict, name, AVER_CHECK_FAIL, "the keyset has no key for it");
    } else {
        aver_verdict_compare(judge->verdict, name, what, aver_view_make(found, 32),
                             aver_view_make(key->bytes, key->size), "the keyset");
    }
}

static aver_err judge_keyset(const judge_state *judge)
{
    aver_judged *judged = judge->judged;
    aver_err err = aver_keyset_decode(judged->bundle.keyset_bytes, &judged->keyset);
    if (err == AVER_E_NOMEM) {
        return err;
    }
    if (err != AVER_OK) {
        aver_verdict_add(judge->verdict, "keyset.format", AVER_CHECK_FAIL, "the keyset is %s",
                         aver_err_text(err));
        aver_verdict_skip_all(judge->verdict, judge_keyset_checks, "the keyset could not be read");
        return AVER_OK;
    }
    judged->parsed = true;
    aver_verdict_add(judge->verdict, "keyset.format", AVER_CHECK_PASS, "%s, %zu model%s",
                     judged->keyset.software, judged->keyset.models_count,
                     judged->keyset.models_count == 1 ? "" : "s");
    bool same = strcmp(judged->keyset.platform, judged->bundle.platform) == 0;
    aver_verdict_add(judge->verdict, "keyset.platform", same ? AVER_CHECK_PASS : AVER_CHECK_FAIL,
                     same ? "%s" : "the keyset says %s, the evidence is of %s",
                     judged->keyset.platform, judged->bundle.platform);
    judge_incarnation(judge);
    judge_config(judge);
    judge_model(judge);
    judge_node(judge);
    judge_channel(judge, "channel.tls", AVER_ROLE_TLS, judge->context->tls_spki_digest, "TLS key");
    judge_channel(judge, "channel.seal", AVER_ROLE_SEAL, judge->context->seal_key, "seal key");
    return AVER_OK;
}

static void judge_nonce(const judge_state *judge)
{
    const aver_bundle *bundle = &judge->judged->bundle;
    if (!judge->context->nonce) {
        aver_verdict_add(judge->verdict, "nonce", AVER_CHECK_SKIP, "the reader gave no nonce");
        return;
    }
    if (!bundle->has_nonce_path) {
        aver_verdict_add(judge->verdict, "nonce", AVER_CHECK_FAIL, "the bundle answers no nonce");
        return;
    }
    aver_short text = aver_short_of(aver_view_make(judge->context->nonce, AVER_NONCE_BYTES));
    uint8_t leaf[32];
    aver_nonce_leaf(judge->context->nonce, leaf);
    aver_err err = aver_merkle_verify(leaf, bundle->nonce_index, bundle->nonce_count,
                                      (const uint8_t(*)[32])bundle->nonce_path,
                                      bundle->nonce_path_size, bundle->nonce_root);
    if (err == AVER_OK) {
        aver_verdict_add(judge->verdict, "nonce", AVER_CHECK_PASS,
                         "nonce %s is among the %llu of this evidence", text.text,
                         (unsigned long long)bundle->nonce_count);
    } else {
        aver_verdict_add(judge->verdict, "nonce", AVER_CHECK_FAIL,
                         "the reader's nonce %s is not what this evidence answers", text.text);
    }
}

aver_err aver_verify_bundle_at(aver_view bytes, const aver_verify_context *context,
                               const uint64_t *at_ms, aver_verdict *verdict,
                               aver_judged *ret_judged)
{
    memset(ret_judged, 0, sizeof *ret_judged);
    aver_err err = aver_bundle_decode(bytes, &ret_judged->bundle);
    if (err == AVER_E_NOMEM) {
        return err;
    }
    if (err != AVER_OK) {
        aver_verdict_add(verdict, "bundle.format", AVER_CHECK_FAIL, "the bundle is %s",
                         aver_err_text(err));
        return AVER_OK;
    }
    aver_verdict_add(verdict, "bundle.format", AVER_CHECK_PASS, "%zu bytes", bytes.size);
    aver_keyset_digest(ret_judged->bundle.keyset_bytes, ret_judged->keyset_digest);
    aver_evidence_digest(ret_judged->bundle.evidence, ret_judged->evidence_digest);
    judge_state judge = {context, at_ms, verdict, ret_judged};
    err = judge_evidence(&judge);
    if (err == AVER_OK) {
        err = judge_keyset(&judge);
    }
    if (err == AVER_OK) {
        judge_nonce(&judge);
    }
    return err;
}

aver_err aver_verify_bundle(aver_view bytes, const aver_verify_context *context,
                            aver_verdict *verdict, aver_judged *ret_judged)
{
    return aver_verify_bundle_at(bytes, context, &context->now_ms, verdict, ret_judged);
}
