/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/proxy_tokens.h"

#include "codec/json.h"
#include "codec/text.h"

#include <string.h>

#define TOKENS_ANSWER_BYTES_MAX (4u * 1024 * 1024)

static void tokens_ask(const aver_receipt *receipt, aver_buf *out)
{
    aver_buf_append_text(out, "{\"id\":\"");
    aver_hex_append(out, AVER_VIEW_OF(receipt->receipt_id));
    aver_buf_append_text(out, "\"}");
}

/* Appends what the member "tokens" of the node's answer holds. */
static aver_err tokens_read(aver_view body, aver_buf *ret_tokens)
{
    json_t *json = NULL;
    aver_err err = aver_json_parse(body, TOKENS_ANSWER_BYTES_MAX, &json, NULL);
    if (err != AVER_OK) {
        return err;
    }
    const json_t *tokens = json_object_get(json, "tokens");
    err = AVER_E_FORMAT;
    if (json_is_string(tokens)) {
        err = aver_base64url_decode(
            aver_view_make(json_string_value(tokens), json_string_length(tokens)), ret_tokens);
    }
    json_decref(json);
    return err;
}

static bool tokens_committed(const aver_answered *reply, aver_view tokens)
{
    uint8_t found[32];
    aver_commit_tokens(reply->salt, tokens, found);
    return memcmp(found, reply->fields.tokens_commitment, sizeof found) == 0;
}

void aver_proxy_tokens_fetch(aver_proxy_answer *answer)
{
    aver_posting posting = {.path = "/v1/receipts",
                            .unproven = true,
                            .response_bytes_max = TOKENS_ANSWER_BYTES_MAX,
                            .stop = &answer->job->gone};
    aver_answered second;
    aver_buf tokens;
    aver_answered_init(&second);
    aver_buf_init(&tokens, AVER_TOKENS_BYTES_MAX);
    tokens_ask(&answer->reply.fields, &second.request);
    if (aver_answered_post(answer->node->session, &answer->worker->remote, &posting, &second) ==
            AVER_OK &&
        second.sealed && second.status == 200 &&
        tokens_read(aver_buf_view(&second.response), &tokens) == AVER_OK &&
        tokens_committed(&answer->reply, aver_buf_view(&tokens))) {
        aver_buf_append(&answer->reply.tokens, aver_buf_view(&tokens));
    }
    aver_buf_deinit(&tokens);
    aver_answered_deinit(&second);
}
