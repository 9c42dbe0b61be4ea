/* SPDX-License-Identifier: Apache-2.0 */
/* Tricks that only computing again can find. */
#include "cli/demo.h"

#include "cli/review.h"

#include <stdio.h>
#include <string.h>

#define DEMO_TOKEN_MIN 4

static void demo_recheck_found(aver_demo_row *row, const aver_review *review)
{
    const aver_recheck_result *result = &review->result;
    row->tried = review->judged;
    row->refused = review->judged && result->outcome == AVER_RECHECK_TOKEN;
    if (row->refused) {
        (void)snprintf(row->detail, sizeof row->detail,
                       "first wrong token at position %llu: claimed %d, expected %d",
                       (unsigned long long)result->position, result->token_claimed,
                       result->token_expected);
    } else {
        (void)snprintf(row->detail, sizeof row->detail, "%s",
                       review->judged ? result->detail : review->why);
    }
}

/* A capsule with the generated token at the middle changed; *ret_position is its place. */
static aver_err demo_recheck_change(aver_view from, aver_buf *ret_capsule, uint64_t *ret_position)
{
    aver_capsule capsule;
    aver_tokens ids = {0};
    aver_buf tokens;
    aver_buf_init(&tokens, AVER_TOKENS_BYTES_MAX);
    aver_err err = aver_capsule_decode(from, &capsule);
    if (err == AVER_OK) {
        err = aver_tokens_decode(capsule.tokens, &ids);
    }
    size_t generated = aver_tokens_generated(&ids);
    if (err == AVER_OK && generated < DEMO_TOKEN_MIN) {
        err = AVER_E_ABSENT;
    }
    if (err == AVER_OK) {
        *ret_position = generated / 2;
        int32_t *token = &ids.ids[ids.prompt_count + generated / 2];
        *token = *token > 300 ? *token - 1 : *token + 1;
        err = aver_tokens_encode(&ids, &tokens);
    }
    if (err == AVER_OK) {
        capsule.tokens = aver_buf_view(&tokens);
        err = aver_capsule_encode(&capsule, ret_capsule);
    }
    aver_tokens_deinit(&ids);
    aver_buf_deinit(&tokens);
    return err;
}

/* Starts a node of the small model, asks it, and stops it. */
static aver_err demo_recheck_ask(aver_demo *demo, const char *engine, const char *tag,
                                 aver_buf *ret_capsule)
{
    aver_demo_node node = {0};
    aver_demo_node_options options = {
        .program = demo->program,
        .model = demo->small,
        .model_name = "small",
        .profile = "verified",
        .engine = engine,
        .key = demo->key,
        .dir = demo->dir,
        .tag = tag,
    };
    aver_err err = aver_demo_node_start(&options, &node);
    if (err == AVER_OK) {
        err = aver_demo_capsule(demo, &node, demo->small_chat, ret_capsule);
    }
    aver_demo_node_stop(&node);
    return err;
}

void aver_demo_try_token(aver_demo *demo, aver_demo_row *row)
{
    aver_buf good;
    aver_buf changed;
    aver_review review = {0};
    uint64_t position = 0;
    aver_buf_init(&good, AVER_CAPSULE_BYTES_MAX);
    aver_buf_init(&changed, AVER_CAPSULE_BYTES_MAX);
    aver_err err = AVER_OK;
    if (demo->verified) {
        aver_buf_append(&good, aver_buf_view(&demo->capsule));
    } else {
        err = demo_recheck_ask(demo, NULL, "honest", &good);
    }
    if (err == AVER_OK) {
        err = demo_recheck_change(aver_buf_view(&good), &changed, &position);
    }
    aver_review_options options = {
        .capsule = aver_buf_view(&changed),
        .model_path = demo->verified ? demo->model : demo->small,
        .tokens_uncommitted = true,
    };
    if (err == AVER_OK && aver_review_run(&options, &review) == AVER_OK) {
        demo_recheck_found(row, &review);
        row->refused = row->refused && review.result.position == position;
    }
    /* Taken at its word, the receipt refuses the changed ids before anything is computed. */
    options.tokens_uncommitted = false;
    if (row->refused) {
        bool named = aver_review_run(&options, &review) == AVER_OK && review.broken != NULL &&
                     strcmp(review.broken, "receipt.tokens") == 0;
        row->refused = named;
    }
    aver_buf_deinit(&good);
    aver_buf_deinit(&changed);
}

/* Every signature is genuine: only the engine lies. */
void aver_demo_try_engine(aver_demo *demo, aver_demo_row *row)
{
    aver_buf capsule;
    aver_review review = {0};
    aver_buf_init(&capsule, AVER_CAPSULE_BYTES_MAX);
    aver_err err = demo_recheck_ask(demo, demo->engine, "hostile", &capsule);
    aver_review_options options = {.capsule = aver_buf_view(&capsule), .model_path = demo->small};
    if (err == AVER_OK && aver_review_run(&options, &review) == AVER_OK) {
        demo_recheck_found(row, &review);
    } else {
        (void)snprintf(row->detail, sizeof row->detail, "%s", aver_err_text(err));
    }
    aver_buf_deinit(&capsule);
}
