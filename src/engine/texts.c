/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/texts.h"

#include "codec/json.h"
#include "engine/spell.h"

#include <stdio.h>
#include <stdlib.h>

#define WHY_BYTES       160
#define PIECE_BYTES_MAX 4096

typedef struct texts_run {
    const aver_host *host;
    const aver_job *job;
    aver_ids ids;  /* TOKENIZE */
    aver_buf text; /* the others */
    char why[WHY_BYTES];
} texts_run;

bool aver_texts_has(aver_endpoint endpoint)
{
    return endpoint == AVER_ENDPOINT_TOKENIZE || endpoint == AVER_ENDPOINT_DETOKENIZE ||
           endpoint == AVER_ENDPOINT_APPLY_TEMPLATE;
}

static aver_err texts_refuse(texts_run *run, const char *words)
{
    (void)snprintf(run->why, sizeof(run->why), "%s", words);
    return AVER_E_FORMAT;
}

/* The text of one token id of the list; characters may be spread over several. */
static aver_err texts_add_token(texts_run *run, const json_t *item, aver_spell *spell)
{
    char piece[PIECE_BYTES_MAX];
    size_t size = 0;
    bool stopped = false;
    aver_view text;
    json_int_t token = json_integer_value(item);
    if (!json_is_integer(item) || token < 0 ||
        token >= (json_int_t)aver_host_info(run->host)->vocabulary_size) {
        return texts_refuse(run, "tokens: there is an id that this model does not have");
    }
    aver_err err = aver_host_piece(run->host, (int32_t)token, piece, sizeof(piece), &size);
    err =
        err == AVER_OK ? aver_spell_push(spell, aver_view_make(piece, size), &text, &stopped) : err;
    if (err == AVER_OK) {
        aver_buf_append(&run->text, text);
        err = aver_buf_status(&run->text);
    }
    return err;
}

static aver_err texts_detokenize(texts_run *run)
{
    json_t *list = NULL;
    aver_spell spell;
    aver_view text;
    aver_err err =
        aver_json_parse(aver_buf_view(&run->job->prompt), AVER_JOB_PROMPT_BYTES_MAX, &list, NULL);
    if (err != AVER_OK || !json_is_array(list)) {
        json_decref(list);
        return err == AVER_E_NOMEM ? err : texts_refuse(run, "the tokens cannot be read");
    }
    aver_spell_init(&spell, NULL, 0);
    for (size_t i = 0; i < json_array_size(list) && err == AVER_OK; i++) {
        err = texts_add_token(run, json_array_get(list, i), &spell);
    }
    err = err == AVER_OK ? aver_spell_flush(&spell, &text) : err;
    if (err == AVER_OK) {
        aver_buf_append(&run->text, text);
        err = aver_buf_status(&run->text);
    }
    aver_spell_deinit(&spell);
    json_decref(list);
    return err;
}

static aver_err texts_work(texts_run *run)
{
    const aver_prompt *prompt = aver_host_prompt(run->host);
    switch (run->job->endpoint) {
    case AVER_ENDPOINT_TOKENIZE:
        return aver_prompt_tokenize(prompt, aver_buf_view(&run->job->prompt), run->job->add_special,
                                    aver_host_info(run->host)->context_tokens, &run->ids, run->why);
    case AVER_ENDPOINT_DETOKENIZE:
        return texts_detokenize(run);
    case AVER_ENDPOINT_APPLY_TEMPLATE:
        return aver_prompt_text(prompt, run->job, &run->text, run->why);
    case AVER_ENDPOINT_CHAT:
    case AVER_ENDPOINT_COMPLETION:
    case AVER_ENDPOINT_EMBEDDINGS:
    case AVER_ENDPOINT_RESPONSES:
        break;
    }
    return texts_refuse(run, "no such job");
}

/* One event for each id, with its piece. */
static aver_err texts_emit_pieces(const texts_run *run, uint64_t job_id, aver_event_fn *on_event,
                                  void *context)
{
    char bytes[PIECE_BYTES_MAX];
    for (size_t i = 0; i < run->ids.count; i++) {
        size_t size = 0;
        aver_err err = aver_host_piece(run->host, run->ids.ids[i], bytes, sizeof(bytes), &size);
        if (err != AVER_OK) {
            return err;
        }
        aver_logprob piece = {.token = run->ids.ids[i], .piece = aver_view_make(bytes, size)};
        aver_event event = {.kind = AVER_EVENT_TOKEN,
                            .job_id = job_id,
                            .token = piece.token,
                            .logprobs = &piece,
                            .logprobs_count = 1};
        on_event(&event, context);
    }
    return AVER_OK;
}

/* Where a piece ends that begins at start: before the middle of a character. */
static size_t texts_piece_end(aver_view text, size_t start)
{
    size_t end = start + AVER_TEXTS_PIECE_BYTES_MAX;
    if (end >= text.size) {
        return text.size;
    }
    while (end > start + 1 && (text.data[end] & 0xC0) == 0x80) {
        end--;
    }
    return end;
}

static void texts_emit(const texts_run *run, uint64_t job_id, aver_event_fn *on_event,
                       void *context)
{
    aver_view text = aver_buf_view(&run->text);
    aver_event started = {.kind = AVER_EVENT_STARTED,
                          .job_id = job_id,
                          .prompt_ids = run->ids.ids,
                          .prompt_count = run->ids.count};
    aver_event done = {.kind = AVER_EVENT_DONE, .job_id = job_id, .finish = AVER_FINISH_STOP};
    on_event(&started, context);
    if (run->job->endpoint == AVER_ENDPOINT_TOKENIZE && run->job->has_logprobs &&
        texts_emit_pieces(run, job_id, on_event, context) != AVER_OK) {
        done.finish = AVER_FINISH_ERROR;
    }
    for (size_t start = 0, end = 0; start < text.size; start = end) {
        end = texts_piece_end(text, start);
        aver_event piece = {.kind = AVER_EVENT_TEXT,
                            .job_id = job_id,
                            .text = aver_view_slice(text, start, end - start)};
        on_event(&piece, context);
    }
    on_event(&done, context);
}

aver_err aver_texts_run(const aver_host *host, uint64_t job_id, const aver_job *job,
                        aver_event_fn *on_event, void *context)
{
    texts_run run = {.host = host, .job = job};
    aver_buf_init(&run.text, AVER_TEXTS_BYTES_MAX);
    aver_err err = texts_work(&run);
    if (err == AVER_OK) {
        texts_emit(&run, job_id, on_event, context);
    } else if (err != AVER_E_NOMEM) {
        aver_event refused = {
            .kind = AVER_EVENT_REFUSED,
            .job_id = job_id,
            .text = aver_view_text(run.why[0] != '\0' ? run.why : "the text is larger than 4 MiB")};
        on_event(&refused, context);
        err = AVER_OK;
    }
    aver_buf_wipe(&run.text);
    aver_buf_deinit(&run.text);
    aver_ids_free(&run.ids);
    return err;
}
