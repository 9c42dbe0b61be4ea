/* SPDX-License-Identifier: Apache-2.0 */
#include "node/choice.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#define CHOICE_TOKENS_FIRST 128u

void aver_choice_init(aver_choice *choice, size_t bytes_max)
{
    *choice = (aver_choice){.tokens = NULL};
    aver_buf_init(&choice->text, bytes_max);
    aver_buf_init(&choice->logprobs, bytes_max);
    aver_buf_init(&choice->calls, bytes_max);
}

static void choice_drop_tokens(aver_choice *choice)
{
    if (choice->tokens != NULL) {
        aver_wipe(choice->tokens, choice->tokens_capacity * sizeof(*choice->tokens));
        free(choice->tokens);
    }
}

void aver_choice_deinit(aver_choice *choice)
{
    choice_drop_tokens(choice);
    aver_buf_wipe(&choice->text);
    aver_buf_deinit(&choice->text);
    aver_buf_wipe(&choice->logprobs);
    aver_buf_deinit(&choice->logprobs);
    aver_buf_wipe(&choice->calls);
    aver_buf_deinit(&choice->calls);
    memset(choice, 0, sizeof(*choice));
}

aver_err aver_choice_add_token(aver_choice *choice, int32_t token)
{
    if (choice->count == choice->tokens_capacity) {
        size_t capacity =
            choice->tokens_capacity == 0 ? CHOICE_TOKENS_FIRST : 2 * choice->tokens_capacity;
        int32_t *tokens = malloc(capacity * sizeof(*tokens));

        if (tokens == NULL) {
            return AVER_E_NOMEM;
        }
        if (choice->count > 0) {
            memcpy(tokens, choice->tokens, choice->count * sizeof(*tokens));
        }
        choice_drop_tokens(choice);
        choice->tokens = tokens;
        choice->tokens_capacity = capacity;
    }
    choice->tokens[choice->count++] = token;
    return AVER_OK;
}

aver_err aver_choice_status(const aver_choice *choice)
{
    aver_err err = aver_buf_status(&choice->text);

    err = err == AVER_OK ? aver_buf_status(&choice->logprobs) : err;
    return err == AVER_OK ? aver_buf_status(&choice->calls) : err;
}
