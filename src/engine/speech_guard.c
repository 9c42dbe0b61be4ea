/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/speech_guard.h"

#include <string.h>

#define TAIL_BYTES_MAX ((size_t)64 * 1024)

aver_err aver_guard_init(aver_guard *guard, const aver_speech_plan *plan, const aver_host *host)
{
    aver_view before = {NULL, 0};
    memset(guard, 0, sizeof(*guard));
    guard->plan = plan;
    aver_buf_init(&guard->tail, TAIL_BYTES_MAX);
    if (plan == NULL) {
        return AVER_OK;
    }
    const aver_grammar *grammar = aver_speech_grammar(plan, &before);
    guard->waits = grammar == NULL && aver_speech_grammar_of_calls(plan) != NULL;
    if (grammar == NULL && !guard->waits) {
        return AVER_OK;
    }
    guard->words = aver_prompt_words(aver_host_prompt(host));
    if (guard->words == NULL) {
        return AVER_E_NOMEM;
    }
    aver_err err = grammar == NULL ? AVER_OK : aver_grammar_run_new(grammar, &guard->run);
    if (err == AVER_OK && guard->run != NULL && before.size != 0) {
        err = aver_grammar_run_take(guard->run, before);
    }
    return err;
}

void aver_guard_deinit(aver_guard *guard)
{
    aver_grammar_run_free(guard->run);
    aver_buf_deinit(&guard->tail);
    memset(guard, 0, sizeof(*guard));
}

bool aver_guard_allows(aver_guard *guard, int32_t token, bool is_end)
{
    if (guard->run == NULL) {
        return true;
    }
    aver_view word = aver_grammar_word(guard->words, token);
    return is_end ? aver_grammar_run_whole(guard->run)
                  : word.size != 0 && aver_grammar_run_allows(guard->run, word);
}

size_t aver_guard_allowed(aver_guard *guard, bool *allowed)
{
    return aver_grammar_words_allowed(guard->words, guard->run, allowed);
}

bool aver_guard_whole(const aver_guard *guard)
{
    return guard->run == NULL || aver_grammar_run_whole(guard->run);
}

bool aver_guard_ended(const aver_guard *guard)
{
    return guard->run != NULL && aver_grammar_run_whole(guard->run) &&
           aver_grammar_run_ended(guard->run);
}

/* Looks for a mark in the last bytes; from it on the text is held to the grammar of calls. */
static aver_err guard_wait(aver_guard *guard, aver_view bytes)
{
    const aver_view *marks = NULL;
    size_t count = aver_speech_marks(guard->plan, &marks);
    size_t longest = 1;
    const uint8_t *first = NULL;
    aver_buf_append(&guard->tail, bytes);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *found =
            memmem(guard->tail.data, guard->tail.size, marks[i].data, marks[i].size);
        first = found != NULL && (first == NULL || found < first) ? found : first;
        longest = marks[i].size > longest ? marks[i].size : longest;
    }
    aver_err err = aver_buf_status(&guard->tail);
    if (err == AVER_OK && first != NULL) {
        size_t at = (size_t)(first - guard->tail.data);
        guard->waits = false;
        err = aver_grammar_run_new(aver_speech_grammar_of_calls(guard->plan), &guard->run);
        if (err == AVER_OK &&
            aver_grammar_run_take(guard->run, aver_view_make(first, guard->tail.size - at)) !=
                AVER_OK) {
            aver_grammar_run_free(guard->run);
            guard->run = NULL;
        }
    } else if (err == AVER_OK && guard->tail.size >= longest) {
        aver_buf_consume(&guard->tail, guard->tail.size - (longest - 1));
    }
    return err;
}

aver_err aver_guard_take(aver_guard *guard, aver_view bytes)
{
    if (guard->waits) {
        return guard_wait(guard, bytes);
    }
    if (guard->run != NULL && bytes.size != 0 &&
        aver_grammar_run_take(guard->run, bytes) != AVER_OK) {
        aver_grammar_run_free(guard->run);
        guard->run = NULL;
    }
    return AVER_OK;
}
