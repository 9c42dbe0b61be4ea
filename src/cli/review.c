/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/review.h"

#include "aver/bundle.h"
#include "cli/answer.h"
#include "cli/said.h"
#include "cli/served.h"
#include "cli/settings.h"
#include "cli/vectors.h"
#include "engine/recheck_embed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything that the capsule says, borrowed from its bytes unless said otherwise. */
typedef struct review_run {
    const aver_review_options *options;
    aver_capsule capsule;
    aver_receipt receipt;
    aver_bundle bundle;
    aver_keyset keyset;
    aver_settings settings;
    aver_job job; /* owned, as are the next three */
    aver_said said;
    aver_vectors vectors; /* of embeddings */
    aver_tokens tokens;
    aver_review *review;
} review_run;

/* Notes why no judgement is possible. */
static aver_err review_cannot(review_run *run, const char *why)
{
    (void)snprintf(run->review->why, sizeof run->review->why, "%s", why);
    return AVER_E_UNSUPPORTED;
}

static aver_err review_broken(review_run *run, const char *check, const char *why)
{
    run->review->broken = check;
    (void)snprintf(run->review->why, sizeof run->review->why, "%s", why);
    return AVER_E_PROOF;
}

static aver_err review_open(review_run *run)
{
    if (aver_capsule_decode(run->options->capsule, &run->capsule) != AVER_OK) {
        return review_broken(run, "capsule.format", "this is no capsule");
    }
    if (run->capsule.receipt.size == 0 ||
        aver_receipt_decode_unverified(run->capsule.receipt, &run->receipt) != AVER_OK) {
        return review_broken(run, "receipt.format", "the capsule has no receipt that can be read");
    }
    if (aver_bundle_decode(run->capsule.bundle, &run->bundle) != AVER_OK) {
        return review_broken(run, "bundle.format", "the bundle cannot be read");
    }
    if (aver_keyset_decode(run->bundle.keyset_bytes, &run->keyset) != AVER_OK) {
        return review_broken(run, "keyset.format", "the keyset cannot be read");
    }
    if (aver_receipt_verify_signature(run->capsule.receipt,
                                      run->keyset.keys[AVER_ROLE_RECEIPT].bytes) != AVER_OK) {
        return review_broken(run, "receipt.signature", "the receipt is not signed by this keyset");
    }
    return AVER_OK;
}

/* The receipt commits to these very bytes. */
static aver_err review_commitments(review_run *run)
{
    const aver_capsule *capsule = &run->capsule;
    if (!capsule->has_salt || !capsule->has_request || !capsule->has_response ||
        !capsule->has_tokens) {
        return review_cannot(
            run, "salt, request, answer and token ids are needed, and some are stripped");
    }
    uint8_t found[32];
    aver_commit_request(capsule->salt, capsule->request, found);
    if (memcmp(found, run->receipt.request_commitment, sizeof found) != 0) {
        return review_broken(run, "receipt.request", "the receipt commits to another request");
    }
    aver_commit_response(capsule->salt, capsule->response, found);
    if (memcmp(found, run->receipt.response_commitment, sizeof found) != 0) {
        return review_broken(run, "receipt.response", "the receipt commits to another answer");
    }
    aver_commit_tokens(capsule->salt, capsule->tokens, found);
    if (!run->options->tokens_uncommitted &&
        memcmp(found, run->receipt.tokens_commitment, sizeof found) != 0) {
        return review_broken(run, "receipt.tokens", "the receipt commits to other token ids");
    }
    return AVER_OK;
}

/* The settings of the answer, from the configuration document that the receipt names. */
static aver_err review_config(review_run *run)
{
    uint8_t digest[32];
    aver_config_digest(run->bundle.config, digest);
    if (run->bundle.config.size == 0 || memcmp(digest, run->receipt.config_digest, 32) != 0) {
        return review_cannot(run, "the configuration document of the answer is missing");
    }
    char why[AVER_SETTINGS_WHY_BYTES] = "";
    aver_err err =
        aver_settings_read(run->bundle.config, run->receipt.model_root, &run->settings, why);
    if (err == AVER_E_UNSUPPORTED) {
        return review_cannot(run, why);
    }
    if (err != AVER_OK) {
        return review_cannot(run, "the configuration document cannot be read");
    }
    if (run->settings.profile != AVER_PROFILE_VERIFIED) {
        return review_cannot(run, "the answer was not given under the deterministic profile");
    }
    return AVER_OK;
}

static aver_err review_answer(review_run *run, aver_endpoint endpoint)
{
    aver_err err = AVER_OK;
    if (endpoint == AVER_ENDPOINT_EMBEDDINGS) {
        err = aver_vectors_read(run->capsule.response, &run->vectors);
        return err == AVER_OK || err == AVER_E_NOMEM
                   ? err
                   : review_cannot(run, "the answer's vectors cannot be read");
    }
    err = run->receipt.has_stream ? aver_said_events(run->capsule.response, endpoint, &run->said)
                                  : aver_said_body(run->capsule.response, endpoint, &run->said);
    return err == AVER_OK ? err : review_cannot(run, "the answer's text cannot be read");
}

static bool review_endpoint(const char *path, aver_endpoint *ret_endpoint)
{
    if (strcmp(path, "/v1/embeddings") == 0) {
        *ret_endpoint = AVER_ENDPOINT_EMBEDDINGS;
        return true;
    }
    if (strcmp(path, "/v1/responses") == 0) {
        *ret_endpoint = AVER_ENDPOINT_RESPONSES;
        return true;
    }
    return aver_answer_endpoint(path, ret_endpoint);
}

/* Whether what was said can be compared, choice by choice, with the tokens. */
static aver_err review_choices(review_run *run)
{
    size_t count = run->tokens.choices_count;
    if (run->job.endpoint == AVER_ENDPOINT_EMBEDDINGS && count != 1) {
        return review_cannot(run, "vectors have no choices");
    }
    if (count > AVER_JOB_CHOICES_MAX || run->said.choices_count > count) {
        return review_cannot(run, "the answer has other choices than its token ids");
    }
    run->review->prompt_tokens = run->tokens.prompt_count;
    run->review->generated_tokens = aver_tokens_generated(&run->tokens);
    return AVER_OK;
}

static aver_err review_job(review_run *run)
{
    aver_endpoint endpoint;
    if (!review_endpoint(run->receipt.path, &endpoint)) {
        return review_cannot(run, "answers of this path cannot be computed again");
    }
    aver_job_refusal refusal;
    aver_err err = aver_job_parse(run->capsule.request, endpoint, &run->job, &refusal);
    if (err != AVER_OK) {
        return review_cannot(run, "the request cannot be read");
    }
    if (run->job.has_seed && run->job.sampling.seed != run->receipt.seed) {
        return review_broken(run, "receipt.request",
                             "the answer was drawn with another seed than the request fixes");
    }
    run->job.sampling.seed = run->receipt.seed;
    run->job.has_seed = true;
    err = review_answer(run, endpoint);
    if (err != AVER_OK) {
        return err;
    }
    err = aver_tokens_decode(run->capsule.tokens, &run->tokens);
    if (err != AVER_OK) {
        return review_cannot(run, "the token ids cannot be read");
    }
    return review_choices(run);
}

/* What is claimed of one choice. Of a single one the receipt tells how it ended. */
static void review_claim_choice(const review_run *run, size_t index, size_t ids_before,
                                aver_recheck_choice *choice)
{
    const aver_said_choice *said = &run->said.choices[index];
    bool alone = run->tokens.choices_count == 1;
    *choice = (aver_recheck_choice){
        .ids = run->tokens.ids + run->tokens.prompt_count + ids_before,
        .count = run->tokens.counts[index],
        .text = aver_buf_view(&said->text),
        .calls = said->calls,
        .calls_count = said->calls_count,
        .finish = said->ended && !alone ? said->finish : run->receipt.finish,
    };
}

static aver_err review_vectors(review_run *run, const aver_engine_options *options)
{
    aver_recheck_vectors claim = {
        .job = &run->job,
        .prompt_ids = run->tokens.ids,
        .prompt_count = run->tokens.prompt_count,
        .floats = run->vectors.floats,
        .vectors_count = run->vectors.count,
        .vector_size = run->vectors.size,
        .kv_type = run->settings.kv_type,
    };
    memcpy(claim.step_digest, run->receipt.step_digest, sizeof claim.step_digest);
    memcpy(claim.numeric_class, run->receipt.numeric_class, sizeof claim.numeric_class);
    return aver_recheck_embed_run(options, &claim, &run->review->result);
}

static aver_err review_texts(review_run *run, const aver_engine_options *options)
{
    aver_recheck_claim claim = {
        .job = &run->job,
        .prompt_ids = run->tokens.ids,
        .prompt_count = run->tokens.prompt_count,
        .choices_count = run->tokens.choices_count,
        .template_digest = run->settings.template_digest,
        .kv_type = run->settings.kv_type,
    };
    size_t ids_before = 0;
    for (size_t i = 0; i < claim.choices_count; i++) {
        review_claim_choice(run, i, ids_before, &claim.choices[i]);
        ids_before += run->tokens.counts[i];
    }
    memcpy(claim.step_digest, run->receipt.step_digest, sizeof claim.step_digest);
    memcpy(claim.numeric_class, run->receipt.numeric_class, sizeof claim.numeric_class);
    return aver_recheck_run(options, &claim, &run->review->result);
}

static aver_err review_engine(review_run *run, const aver_served *served)
{
    if (memcmp(served->root, run->receipt.model_root, 32) != 0) {
        if (run->settings.adapters_count > 0 && served->adapters_count == 0) {
            return review_cannot(run,
                                 "the answer was given with LoRA adapters: name them by --lora");
        }
        return review_cannot(run,
                             "the answer is of another model than this file (their roots differ)");
    }
    aver_engine_options options = {
        .profile = AVER_PROFILE_VERIFIED,
        .slots = 1,
        .context_tokens = run->settings.context_tokens,
        .threads = run->options->threads,
    };
    aver_served_options(served, &options);
    aver_err err = run->job.endpoint == AVER_ENDPOINT_EMBEDDINGS ? review_vectors(run, &options)
                                                                 : review_texts(run, &options);
    run->review->judged = err == AVER_OK;
    return err;
}

static aver_err review_compute(review_run *run)
{
    if (run->receipt.profile != AVER_PROFILE_VERIFIED || !run->receipt.has_step_digest) {
        return review_cannot(run, "the answer was not given under the deterministic profile");
    }
    aver_served served;
    char why[AVER_SERVED_WHY_BYTES] = "";
    /* Sealed copies: what is computed with is what the root was computed over. */
    aver_err err =
        aver_served_open(run->options->model_path, run->options->lora, true, &served, why);
    if (err != AVER_OK) {
        (void)snprintf(run->review->why, sizeof run->review->why, "%s", why);
        return err == AVER_E_NOMEM ? err : AVER_E_UNSUPPORTED;
    }
    err = review_engine(run, &served);
    aver_served_close(&served);
    return err;
}

aver_err aver_review_run(const aver_review_options *options, aver_review *ret_review)
{
    review_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return AVER_E_NOMEM;
    }
    aver_review review = {0};
    run->options = options;
    run->review = &review;
    aver_err (*const steps[])(review_run *) = {review_open, review_commitments, review_config,
                                               review_job, review_compute};
    aver_err err = AVER_OK;
    for (size_t i = 0; err == AVER_OK && i < sizeof steps / sizeof steps[0]; i++) {
        err = steps[i](run);
    }
    if (err == AVER_E_PROOF || err == AVER_E_UNSUPPORTED) {
        err = AVER_OK;
    }
    if (err == AVER_OK) {
        *ret_review = review;
    }
    aver_job_deinit(&run->job);
    aver_said_deinit(&run->said);
    aver_tokens_deinit(&run->tokens);
    aver_vectors_deinit(&run->vectors);
    free(run);
    return err;
}
