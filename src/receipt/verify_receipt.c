/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/verify.h"

#include "attest/compare.h"
#include "base/secret.h"
#include "base/sys.h"
#include "crypto/hash.h"
#include "receipt/receipt_checks.h"

#include <string.h>

enum { RECEIPT_STATUS_OK = 200 };

/* One judgement in progress. */
typedef struct receipt_judge {
    const aver_judged *judged;
    const aver_transcript *transcript;
    const aver_verify_context *context;
    aver_verdict *verdict;
    const aver_receipt *receipt;
    bool offline;
} receipt_judge;

static const char *const receipt_keyset_checks[] = {"receipt.signature", "receipt.keyset",
                                                    "receipt.evidence",  "receipt.incarnation",
                                                    "receipt.platform",  "receipt.node",
                                                    "receipt.model",     "receipt.config",
                                                    "receipt.class",     NULL};

static aver_err receipt_judge_signature(const receipt_judge *judge, aver_view message)
{
    const aver_key *key = &judge->judged->keyset.keys[AVER_ROLE_RECEIPT];
    aver_short text = aver_short_of(aver_view_make(key->bytes, key->size));
    aver_err err = aver_receipt_verify_signature(message, key->bytes);
    if (err != AVER_OK && err != AVER_E_PROOF && err != AVER_E_FORMAT) {
        return err;
    }
    aver_verdict_add(
        judge->verdict, "receipt.signature", err == AVER_OK ? AVER_CHECK_PASS : AVER_CHECK_FAIL,
        err == AVER_OK ? "receipt key %s" : "the signature does not hold for receipt key %s",
        text.text);
    return AVER_OK;
}

static void receipt_judge_digests(const receipt_judge *judge)
{
    const aver_receipt *receipt = judge->receipt;
    const aver_judged *judged = judge->judged;
    const aver_keyset *keyset = &judged->keyset;
    const struct {
        const char *name;
        const char *what;
        const uint8_t *found;
        const uint8_t *wanted;
        const char *source;
    } digests[] = {
        {"receipt.keyset", "keyset", receipt->keyset_digest, judged->keyset_digest, "the bundle"},
        {"receipt.evidence", "evidence", receipt->evidence_digest, judged->evidence_digest,
         "the bundle"},
        {"receipt.incarnation", "incarnation", receipt->incarnation, keyset->incarnation,
         "the keyset"},
        {"receipt.node", "node", receipt->node_id, keyset->node_id, "the keyset"},
        {"receipt.config", "configuration", receipt->config_digest, keyset->config_digest,
         "the keyset"},
    };
    for (size_t i = 0; i < sizeof digests / sizeof digests[0]; i++) {
        aver_verdict_compare(judge->verdict, digests[i].name, digests[i].what,
                             aver_view_make(digests[i].found, 32),
                             aver_view_make(digests[i].wanted, 32), digests[i].source);
    }
    if (strcmp(receipt->platform, keyset->platform) == 0) {
        aver_verdict_add(judge->verdict, "receipt.platform", AVER_CHECK_PASS, "%s",
                         receipt->platform);
    } else {
        aver_verdict_add(judge->verdict, "receipt.platform", AVER_CHECK_FAIL,
                         "the receipt says %s, the keyset %s", receipt->platform, keyset->platform);
    }
}

static void receipt_judge_model(const receipt_judge *judge)
{
    const uint8_t *root = judge->receipt->model_root;
    const uint8_t *asked =
        judge->transcript->model_root ? judge->transcript->model_root : judge->context->model_root;
    const aver_keyset_model *model = aver_keyset_find(&judge->judged->keyset, root);
    aver_short text = aver_short_of(aver_view_make(root, 32));
    if (!model) {
        aver_verdict_add(judge->verdict, "receipt.model", AVER_CHECK_FAIL,
                         "model root %s is not in the keyset", text.text);
    } else if (asked && memcmp(asked, root, 32) != 0) {
        aver_verdict_add(judge->verdict, "receipt.model", AVER_CHECK_FAIL,
                         "model root %s answered, %s was asked for", text.text,
                         aver_short_of(aver_view_make(asked, 32)).text);
    } else if (!aver_policy_allows_model(judge->context->policy, root)) {
        aver_verdict_add(judge->verdict, "receipt.model", AVER_CHECK_FAIL,
                         "model root %s is not among the %zu allowed", text.text,
                         aver_policy_model_count(judge->context->policy));
    } else if (!aver_policy_allows_profile(judge->context->policy, model->profile)) {
        aver_verdict_add(judge->verdict, "receipt.model", AVER_CHECK_FAIL,
                         "model root %s ran under a profile that the policy does not allow",
                         text.text);
    } else {
        aver_verdict_add(judge->verdict, "receipt.model", AVER_CHECK_PASS, "%s, root %s",
                         model->name, text.text);
    }
}

/* What is read from the vocabulary or the template was not computed by the weights. */
static bool receipt_computes(const aver_receipt *receipt)
{
    static const char *const paths[] = {"/tokenize", "/detokenize", "/apply-template"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (strcmp(receipt->path, paths[i]) == 0) {
            return false;
        }
    }
    return true;
}

static void receipt_judge_class(const receipt_judge *judge)
{
    const aver_receipt *receipt = judge->receipt;
    const aver_keyset_model *model = aver_keyset_find(&judge->judged->keyset, receipt->model_root);
    if (!model) {
        aver_verdict_add(judge->verdict, "receipt.class", AVER_CHECK_SKIP,
                         "the model is not in the keyset");
    } else if ((uint32_t)receipt->profile != model->profile) {
        aver_verdict_add(judge->verdict, "receipt.class", AVER_CHECK_FAIL,
                         "profile %u answered, the keyset says %u for this model",
                         (unsigned)receipt->profile, (unsigned)model->profile);
    } else if (receipt->profile == AVER_PROFILE_VERIFIED && !receipt->has_step_digest &&
               receipt_computes(receipt)) {
        aver_verdict_add(judge->verdict, "receipt.class", AVER_CHECK_FAIL,
                         "profile verified without a step digest: nothing could be computed again");
    } else {
        aver_verdict_compare(judge->verdict, "receipt.class", "numeric class",
                             AVER_VIEW_OF(receipt->numeric_class),
                             AVER_VIEW_OF(model->numeric_class), "the keyset");
    }
}

/* The counts of a token document against those that the receipt states. */
static aver_err receipt_tokens_counted(const receipt_judge *judge, bool *ret_agree)
{
    aver_tokens tokens = {0};
    aver_err err = aver_tokens_decode(judge->transcript->tokens, &tokens);
    if (err == AVER_E_NOMEM) {
        return err;
    }
    *ret_agree = err == AVER_OK && tokens.prompt_count == judge->receipt->prompt_tokens &&
                 aver_tokens_generated(&tokens) == judge->receipt->generated_tokens;
    aver_tokens_deinit(&tokens);
    return AVER_OK;
}

static aver_err receipt_judge_tokens(const receipt_judge *judge)
{
    const aver_transcript *transcript = judge->transcript;
    bool agree = true;
    if (transcript->has_tokens && transcript->salt) {
        aver_err err = receipt_tokens_counted(judge, &agree);
        if (err != AVER_OK) {
            return err;
        }
    }
    if (!agree) {
        aver_verdict_add(
            judge->verdict, "receipt.tokens", AVER_CHECK_FAIL,
            "the token document does not hold the %llu and %llu ids that the receipt counts",
            (unsigned long long)judge->receipt->prompt_tokens,
            (unsigned long long)judge->receipt->generated_tokens);
        return AVER_OK;
    }
    aver_check_commitment(judge->verdict, "receipt.tokens", transcript, transcript->has_tokens,
                          transcript->tokens, judge->receipt->tokens_commitment);
    return AVER_OK;
}

static void receipt_judge_events(const receipt_judge *judge)
{
    const aver_receipt *receipt = judge->receipt;
    const aver_transcript *transcript = judge->transcript;
    if (transcript->events_broken) {
        aver_verdict_add(judge->verdict, "receipt.stream", AVER_CHECK_FAIL,
                         "the bytes end inside an event");
    } else if (transcript->events_count != receipt->stream_size) {
        aver_verdict_add(judge->verdict, "receipt.stream", AVER_CHECK_FAIL,
                         "%llu events were received, %llu signed",
                         (unsigned long long)transcript->events_count,
                         (unsigned long long)receipt->stream_size);
    } else if (!aver_equal_secret(AVER_VIEW_OF(transcript->events_root),
                                  AVER_VIEW_OF(receipt->stream_root))) {
        aver_verdict_add(judge->verdict, "receipt.stream", AVER_CHECK_FAIL,
                         "the %llu events received are not those that were signed",
                         (unsigned long long)receipt->stream_size);
    } else {
        aver_verdict_add(judge->verdict, "receipt.stream", AVER_CHECK_PASS, "all %llu events",
                         (unsigned long long)receipt->stream_size);
    }
}

static aver_err receipt_foretold(const receipt_judge *judge,
                                 char ret_fault[AVER_FORETOLD_FAULT_BYTES])
{
    const aver_receipt *receipt = judge->receipt;
    aver_opening said = {.issued_at_ms = receipt->issued_at_ms};
    memcpy(said.receipt_id, receipt->receipt_id, 32);
    memcpy(said.keyset_digest, receipt->keyset_digest, 32);
    memcpy(said.incarnation, receipt->incarnation, 32);
    memcpy(said.request_commitment, receipt->request_commitment, 32);
    return aver_check_foretold(judge->judged, judge->transcript, &said, ret_fault);
}

static aver_err receipt_judge_stream(const receipt_judge *judge)
{
    const char *name = "receipt.stream";
    bool streamed = judge->transcript->streamed;
    bool signed_stream = judge->receipt->has_stream;
    char fault[AVER_FORETOLD_FAULT_BYTES];
    aver_err err = receipt_foretold(judge, fault);
    if (err != AVER_OK) {
        return err;
    }
    if (fault[0] != '\0') {
        aver_verdict_add(judge->verdict, name, AVER_CHECK_FAIL, "%s", fault);
    } else if (streamed && signed_stream) {
        receipt_judge_events(judge);
    } else if (streamed) {
        aver_verdict_add(judge->verdict, name, AVER_CHECK_FAIL,
                         "a stream was received, the receipt is of a whole body");
    } else if (!signed_stream) {
        aver_verdict_add(judge->verdict, name, AVER_CHECK_SKIP, "a whole body, not a stream");
    } else if (judge->offline && !judge->transcript->has_response) {
        aver_verdict_add(judge->verdict, name, AVER_CHECK_SKIP,
                         "the answer is not here to compare");
    } else {
        aver_verdict_add(judge->verdict, name, AVER_CHECK_FAIL,
                         "a whole body was received, the receipt is of a stream");
    }
    return AVER_OK;
}

static void receipt_judge_enc(const receipt_judge *judge)
{
    const aver_receipt *receipt = judge->receipt;
    const uint8_t *enc = judge->transcript->enc;
    if (enc && !receipt->has_enc_digest) {
        aver_verdict_add(judge->verdict, "receipt.enc", AVER_CHECK_FAIL,
                         "the request was sealed, the receipt is of an unsealed one");
    } else if (enc) {
        uint8_t digest[32];
        aver_sha256_of(aver_view_make(enc, 32), digest);
        aver_verdict_compare(judge->verdict, "receipt.enc", "sealed request",
                             AVER_VIEW_OF(receipt->enc_digest), AVER_VIEW_OF(digest), "the reader");
    } else if (!receipt->has_enc_digest) {
        aver_verdict_add(judge->verdict, "receipt.enc", AVER_CHECK_SKIP,
                         "not sealed: sent over TLS alone");
    } else if (judge->offline) {
        aver_verdict_add(judge->verdict, "receipt.enc", AVER_CHECK_SKIP,
                         "the encapsulated key is not here to compare");
    } else {
        aver_verdict_add(judge->verdict, "receipt.enc", AVER_CHECK_FAIL,
                         "the receipt is of a sealed request, the reader sealed none");
    }
}

static void receipt_judge_route(const receipt_judge *judge)
{
    const aver_receipt *receipt = judge->receipt;
    const aver_transcript *transcript = judge->transcript;
    if (!transcript->method || !transcript->path) {
        aver_verdict_add(judge->verdict, "receipt.route", AVER_CHECK_SKIP,
                         "%s %.160s, nothing to compare with", receipt->method, receipt->path);
        return;
    }
    bool same = strcmp(receipt->method, transcript->method) == 0 &&
                strcmp(receipt->path, transcript->path) == 0;
    aver_verdict_add(judge->verdict, "receipt.route", same ? AVER_CHECK_PASS : AVER_CHECK_FAIL,
                     same ? "%s %.80s" : "the receipt is of %s %.80s, not of what was asked",
                     receipt->method, receipt->path);
}

static void receipt_judge_nonce(const receipt_judge *judge)
{
    const aver_receipt *receipt = judge->receipt;
    const uint8_t *nonce = judge->transcript->client_nonce;
    if (!nonce) {
        aver_verdict_add(judge->verdict, "receipt.nonce", AVER_CHECK_SKIP,
                         "the reader has no nonce to compare with");
    } else if (!receipt->has_client_nonce) {
        aver_verdict_add(judge->verdict, "receipt.nonce", AVER_CHECK_FAIL,
                         "the receipt carries no nonce");
    } else {
        aver_verdict_compare(judge->verdict, "receipt.nonce", "nonce",
                             AVER_VIEW_OF(receipt->client_nonce), aver_view_make(nonce, 32),
                             "the reader");
    }
}

/* Whoever may choose the seed may draw until an answer pleases. */
static void receipt_judge_seed(const receipt_judge *judge)
{
    unsigned long long found = judge->receipt->seed;
    unsigned long long wanted = judge->transcript->seed;
    if (!judge->transcript->has_seed) {
        aver_verdict_add(judge->verdict, "receipt.seed", AVER_CHECK_SKIP,
                         "%llu, the reader has none to compare with", found);
    } else if (found == wanted) {
        aver_verdict_add(judge->verdict, "receipt.seed", AVER_CHECK_PASS, "%llu", found);
    } else {
        aver_verdict_add(judge->verdict, "receipt.seed", AVER_CHECK_FAIL,
                         "the answer was drawn with seed %llu, %llu was sent", found, wanted);
    }
}

static void receipt_judge_finish(const receipt_judge *judge)
{
    const char *finish = aver_finish_text(judge->receipt->finish);
    unsigned status = (unsigned)judge->receipt->status;
    switch (judge->receipt->finish) {
    case AVER_FINISH_STOP:
    case AVER_FINISH_LENGTH:
    case AVER_FINISH_TOOL:
        aver_verdict_add(judge->verdict, "receipt.finish",
                         status == RECEIPT_STATUS_OK ? AVER_CHECK_PASS : AVER_CHECK_FAIL,
                         "%s, status %u", finish, status);
        return;
    case AVER_FINISH_ABORTED:
        aver_verdict_add(judge->verdict, "receipt.finish", AVER_CHECK_FAIL,
                         "%s: the caller went away before the answer was complete", finish);
        return;
    case AVER_FINISH_ERROR:
        break;
    }
    aver_verdict_add(judge->verdict, "receipt.finish", AVER_CHECK_FAIL,
                     "%s: the node could not complete the answer, status %u", finish, status);
}

static void receipt_judge_time(const receipt_judge *judge)
{
    const char *name = "receipt.time";
    const aver_claims *claims = &judge->judged->claims;
    uint64_t issued_ms = judge->receipt->issued_at_ms;
    uint64_t now_ms = judge->context->now_ms;
    uint64_t age_max_ms = aver_policy_receipt_age_max_ms(judge->context->policy);
    char text[21];
    aver_time_format(issued_ms, text);
    if (issued_ms > now_ms && issued_ms - now_ms > AVER_CLOCK_SKEW_MS) {
        aver_verdict_add(judge->verdict, name, AVER_CHECK_FAIL,
                         "issued at %s, in the reader's future", text);
    } else if (judge->judged->has_claims && claims->has_time && claims->time_ms > issued_ms &&
               claims->time_ms - issued_ms > AVER_CLOCK_SKEW_MS) {
        aver_verdict_add(judge->verdict, name, AVER_CHECK_FAIL,
                         "issued at %s, before its evidence was made", text);
    } else if (!judge->offline && now_ms > issued_ms && now_ms - issued_ms > age_max_ms) {
        aver_verdict_add(judge->verdict, name, AVER_CHECK_FAIL,
                         "issued at %s, %llu s ago, at most %llu allowed", text,
                         (unsigned long long)(now_ms - issued_ms) / 1000,
                         (unsigned long long)age_max_ms / 1000);
    } else {
        aver_verdict_add(judge->verdict, name, AVER_CHECK_PASS, "issued at %s", text);
    }
}

static void receipt_judge_as_of(const receipt_judge *judge)
{
    uint64_t as_of_ms = judge->context->as_of_ms;
    uint64_t issued_ms = judge->receipt->issued_at_ms;
    if (as_of_ms && issued_ms > as_of_ms && issued_ms - as_of_ms > AVER_CLOCK_SKEW_MS) {
        char issued[21];
        char as_of[21];
        aver_time_format(issued_ms, issued);
        aver_time_format(as_of_ms, as_of);
        aver_verdict_add(judge->verdict, "time.as-of", AVER_CHECK_FAIL,
                         "the receipt itself says %s, after %s", issued, as_of);
    } else {
        aver_verdict_add(judge->verdict, "time.as-of", AVER_CHECK_SKIP,
                         "needs a timestamp or witnessed checkpoint");
    }
}

static aver_err receipt_judge_node(const receipt_judge *judge, aver_view message)
{
    if (!judge->judged->parsed) {
        aver_verdict_skip_all(judge->verdict, receipt_keyset_checks,
                              "bundle or keyset could not be read");
        return AVER_OK;
    }
    aver_err err = receipt_judge_signature(judge, message);
    if (err == AVER_OK) {
        receipt_judge_digests(judge);
        receipt_judge_model(judge);
        receipt_judge_class(judge);
    }
    return err;
}

aver_err aver_verify_receipt(aver_view message, const aver_judged *judged,
                             const aver_transcript *transcript, const aver_verify_context *context,
                             aver_verdict *verdict, aver_receipt *ret_receipt)
{
    memset(ret_receipt, 0, sizeof *ret_receipt);
    aver_err err = aver_receipt_decode_unverified(message, ret_receipt);
    if (err == AVER_E_NOMEM) {
        return err;
    }
    if (err != AVER_OK) {
        aver_verdict_add(verdict, "receipt.format", AVER_CHECK_FAIL,
                         message.size ? "the receipt is %s" : "there is no receipt",
                         aver_err_text(err));
        aver_verdict_skip_all(verdict, aver_receipt_check_names, "the receipt could not be read");
        return AVER_OK;
    }
    aver_verdict_add(verdict, "receipt.format", AVER_CHECK_PASS, "%zu bytes", message.size);
    const receipt_judge judge = {.judged = judged,
                                 .transcript = transcript,
                                 .context = context,
                                 .verdict = verdict,
                                 .receipt = ret_receipt,
                                 .offline = context->use == AVER_USE_CAPSULE};
    err = receipt_judge_node(&judge, message);
    if (err != AVER_OK) {
        return err;
    }
    aver_check_request(verdict, transcript, ret_receipt->request_commitment);
    aver_check_commitment(verdict, "receipt.response", transcript, transcript->has_response,
                          transcript->response, ret_receipt->response_commitment);
    err = receipt_judge_tokens(&judge);
    if (err == AVER_OK) {
        err = receipt_judge_stream(&judge);
    }
    if (err != AVER_OK) {
        return err;
    }
    receipt_judge_enc(&judge);
    receipt_judge_route(&judge);
    receipt_judge_nonce(&judge);
    receipt_judge_seed(&judge);
    receipt_judge_finish(&judge);
    receipt_judge_time(&judge);
    receipt_judge_as_of(&judge);
    return AVER_OK;
}
