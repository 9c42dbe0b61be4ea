/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/prompt.h"

#include "codec/json.h"
#include "crypto/hash.h"
#include "engine/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_BYTES          160
#define RENDERED_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define SPECIALS_MAX       65536

typedef struct prompt_part {
    size_t start;
    size_t end;
    bool input;
} prompt_part;

typedef struct prompt_text {
    aver_buf bytes;
    prompt_part *parts;
    size_t parts_count;
    size_t parts_max;
    bool failed; /* no memory */
} prompt_text;

struct aver_prompt {
    const struct llama_vocab *vocab;
    aver_template *chat; /* NULL: plain */
    char *bos;
    uint8_t digest[32];
    size_t piece_bytes_max; /* longest token text: bounds the count of ids from below */
    aver_view *specials;    /* texts of control tokens, borrowed from the vocabulary */
    size_t specials_count;
};

static const char *vocab_text(const struct llama_vocab *vocab, llama_token token)
{
    const char *text = token < 0 ? NULL : llama_vocab_get_text(vocab, token);
    return text == NULL ? "" : text;
}

static aver_err prompt_scan_vocabulary(aver_prompt *prompt)
{
    int32_t count = llama_vocab_n_tokens(prompt->vocab);
    prompt->specials = calloc((size_t)count + 1, sizeof(*prompt->specials));
    if (prompt->specials == NULL) {
        return AVER_E_NOMEM;
    }
    prompt->piece_bytes_max = 1;
    for (int32_t i = 0; i < count; i++) {
        aver_view text = aver_view_text(vocab_text(prompt->vocab, i));
        unsigned attributes = (unsigned)llama_vocab_get_attr(prompt->vocab, i);
        bool special = (attributes & (LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN)) != 0;
        if (special && text.size > 0 && prompt->specials_count < SPECIALS_MAX) {
            prompt->specials[prompt->specials_count++] = text;
        }
        if (text.size > prompt->piece_bytes_max) {
            prompt->piece_bytes_max = text.size;
        }
    }
    return AVER_OK;
}

static aver_err prompt_template_open(aver_prompt *prompt, aver_view text, char *why)
{
    if (text.size == 0) {
        aver_sha256_of(AVER_VIEW_LITERAL(AVER_PROMPT_PLAIN), prompt->digest);
        return AVER_OK;
    }
    aver_sha256_of(text, prompt->digest);
    prompt->chat =
        aver_template_new((const char *)text.data, text.size, prompt->bos,
                          vocab_text(prompt->vocab, llama_vocab_eos(prompt->vocab)), why);
    return prompt->chat == NULL ? AVER_E_FORMAT : AVER_OK;
}

aver_err aver_prompt_new(const struct llama_vocab *vocab, aver_view template_text,
                         aver_prompt **ret_prompt, char ret_why[160])
{
    aver_prompt *prompt = calloc(1, sizeof(*prompt));
    if (prompt == NULL) {
        return AVER_E_NOMEM;
    }
    prompt->vocab = vocab;
    prompt->bos = strdup(vocab_text(vocab, llama_vocab_bos(vocab)));
    aver_err err = prompt->bos == NULL ? AVER_E_NOMEM : prompt_scan_vocabulary(prompt);
    err = err == AVER_OK ? prompt_template_open(prompt, template_text, ret_why) : err;
    if (err != AVER_OK) {
        aver_prompt_free(prompt);
        return err;
    }
    *ret_prompt = prompt;
    return AVER_OK;
}

void aver_prompt_free(aver_prompt *prompt)
{
    if (prompt != NULL) {
        aver_template_free(prompt->chat);
        free(prompt->specials);
        free(prompt->bos);
        free(prompt);
    }
}

void aver_prompt_digest(const aver_prompt *prompt, uint8_t ret_digest[static 32])
{
    memcpy(ret_digest, prompt->digest, sizeof(prompt->digest));
}

static void text_add(const aver_template_part *part, void *context)
{
    prompt_text *text = context;
    if (text->parts_count == text->parts_max) {
        size_t parts_max = text->parts_max * 2 + 16;
        prompt_part *parts = realloc(text->parts, parts_max * sizeof(*parts));
        if (parts == NULL) {
            text->failed = true;
            return;
        }
        text->parts = parts;
        text->parts_max = parts_max;
    }
    size_t start = text->bytes.size;
    aver_buf_append(&text->bytes, aver_view_make(part->text, part->size));
    text->parts[text->parts_count++] = (prompt_part){start, text->bytes.size, part->input};
}

static void text_render_plain(const aver_template_message *messages, size_t count,
                              prompt_text *text)
{
    for (size_t i = 0; i < count; i++) {
        aver_template_part newline = {"\n", 1, false};
        aver_template_part content = {messages[i].content, messages[i].content_size, true};
        if (i != 0) {
            text_add(&newline, text);
        }
        text_add(&content, text);
    }
}

/* The messages borrow from json. */
static aver_err messages_list(const json_t *json, aver_template_message **ret_messages,
                              size_t *ret_count)
{
    size_t count = json_array_size(json);
    aver_template_message *messages = calloc(count + 1, sizeof(*messages));
    if (messages == NULL) {
        return AVER_E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *message = json_array_get(json, i);
        const json_t *content = json_object_get(message, "content");
        messages[i].role = json_string_value(json_object_get(message, "role"));
        messages[i].content = json_string_value(content);
        messages[i].content_size = json_string_length(content);
        messages[i].name = json_string_value(json_object_get(message, "name"));
        if (messages[i].role == NULL || messages[i].content == NULL) {
            free(messages);
            return AVER_E_FORMAT;
        }
    }
    *ret_messages = messages;
    *ret_count = count;
    return AVER_OK;
}

static aver_err prompt_render(const aver_prompt *prompt, const aver_job *job, prompt_text *text,
                              char *why)
{
    json_t *json = NULL;
    aver_template_message *messages = NULL;
    size_t count = 0;
    aver_err err = aver_json_parse(aver_buf_view(&job->prompt), RENDERED_BYTES_MAX, &json, NULL);
    err = err == AVER_OK ? messages_list(json, &messages, &count) : err;
    if (err != AVER_OK) {
        (void)snprintf(why, WHY_BYTES, "the messages cannot be read");
        goto out;
    }
    if (prompt->chat == NULL) {
        text_render_plain(messages, count, text);
    } else if (!aver_template_render(prompt->chat, messages, count, text_add, text, why)) {
        err = AVER_E_FORMAT;
        goto out;
    }
    err = text->failed ? AVER_E_NOMEM : aver_buf_status(&text->bytes);
out:
    free(messages);
    json_decref(json);
    return err;
}

static bool text_overlaps_input(const prompt_text *text, size_t start, size_t end)
{
    for (size_t i = 0; i < text->parts_count; i++) {
        const prompt_part *part = &text->parts[i];
        if (part->input && part->start < end && start < part->end) {
            return true;
        }
    }
    return false;
}

/* Does a control token's text lie wholly or partly in what came from messages? */
static bool text_injects(const aver_prompt *prompt, const prompt_text *text)
{
    const uint8_t *bytes = text->bytes.data;
    for (size_t i = 0; i < prompt->specials_count; i++) {
        aver_view special = prompt->specials[i];
        const uint8_t *found = bytes;
        size_t left = text->bytes.size;
        while ((found = memmem(found, left, special.data, special.size)) != NULL) {
            size_t start = (size_t)(found - bytes);
            if (text_overlaps_input(text, start, start + special.size)) {
                return true;
            }
            found++;
            left = text->bytes.size - start - 1;
        }
    }
    return false;
}

/* Appends to ids, which has room for text.size + 16 more. */
static aver_err ids_add(const aver_prompt *prompt, aver_view text, bool add_begin,
                        bool parse_special, aver_ids *ids)
{
    if (text.size == 0 && !add_begin) {
        return AVER_OK;
    }
    const char *bytes = text.data == NULL ? "" : (const char *)text.data;
    int32_t count = llama_tokenize(prompt->vocab, bytes, (int32_t)text.size, ids->ids + ids->count,
                                   (int32_t)(text.size + 16), add_begin, parse_special);
    if (count < 0) {
        return AVER_E_LIMIT;
    }
    ids->count += (size_t)count;
    return AVER_OK;
}

static aver_err ids_add_parts(const aver_prompt *prompt, const prompt_text *text, aver_ids *ids)
{
    aver_err err = ids_add(prompt, (aver_view){(const uint8_t *)"", 0}, true, false, ids);
    for (size_t i = 0; i < text->parts_count && err == AVER_OK; i++) {
        const prompt_part *part = &text->parts[i];
        aver_view bytes = aver_view_make(text->bytes.data + part->start, part->end - part->start);
        err = ids_add(prompt, bytes, false, !part->input, ids);
    }
    return err;
}

/* A template that writes the begin token itself would have it twice. */
static void text_drop_begin(const aver_prompt *prompt, prompt_text *text)
{
    size_t size = strlen(prompt->bos);
    prompt_part *first = text->parts;
    if (!llama_vocab_get_add_bos(prompt->vocab) || size == 0 || text->parts_count == 0 ||
        first->input || first->end - first->start < size ||
        memcmp(text->bytes.data, prompt->bos, size) != 0) {
        return;
    }
    aver_buf_consume(&text->bytes, size);
    for (size_t i = 0; i < text->parts_count; i++) {
        text->parts[i].start -= i == 0 ? 0 : size;
        text->parts[i].end -= size;
    }
}

static aver_err prompt_tokenise(const aver_prompt *prompt, const aver_job *job,
                                const prompt_text *text, aver_ids *ids)
{
    aver_view bytes = aver_buf_view(&text->bytes);
    if (job->endpoint == AVER_ENDPOINT_COMPLETION) {
        return ids_add(prompt, bytes, true, false, ids);
    }
    if (text_injects(prompt, text)) {
        return ids_add_parts(prompt, text, ids);
    }
    return ids_add(prompt, bytes, true, true, ids);
}

static aver_err prompt_check(const aver_ids *ids, size_t ids_max, char *why)
{
    if (ids->count > ids_max) {
        (void)snprintf(why, WHY_BYTES, "prompt of %zu tokens exceeds the context of %zu",
                       ids->count, ids_max);
        return AVER_E_LIMIT;
    }
    if (ids->count == 0) {
        (void)snprintf(why, WHY_BYTES, "the prompt is empty");
        return AVER_E_FORMAT;
    }
    return AVER_OK;
}

/* Tokenising is slow: what cannot fit is refused by its size alone. */
static aver_err prompt_size_check(const aver_prompt *prompt, size_t size, size_t ids_max, char *why)
{
    size_t least = size / prompt->piece_bytes_max;
    if (least <= ids_max) {
        return AVER_OK;
    }
    (void)snprintf(why, WHY_BYTES, "prompt of at least %zu tokens exceeds the context of %zu",
                   least, ids_max);
    return AVER_E_LIMIT;
}

aver_err aver_prompt_read(const aver_prompt *prompt, const aver_job *job, size_t ids_max,
                          aver_ids *ret_ids, char ret_why[160])
{
    prompt_text text = {0};
    aver_ids ids = {0};
    aver_err err = AVER_OK;
    aver_buf_init(&text.bytes, RENDERED_BYTES_MAX);
    if (job->endpoint != AVER_ENDPOINT_COMPLETION) {
        err = prompt_render(prompt, job, &text, ret_why);
        text_drop_begin(prompt, &text);
    } else {
        aver_buf_append(&text.bytes, aver_buf_view(&job->prompt));
        err = aver_buf_status(&text.bytes);
    }
    if (err != AVER_OK) {
        goto out;
    }
    err = prompt_size_check(prompt, text.bytes.size, ids_max, ret_why);
    if (err != AVER_OK) {
        goto out;
    }
    ids.ids = calloc(text.bytes.size + 16 * (text.parts_count + 2), sizeof(*ids.ids));
    err = ids.ids == NULL ? AVER_E_NOMEM : prompt_tokenise(prompt, job, &text, &ids);
    err = err == AVER_OK ? prompt_check(&ids, ids_max, ret_why) : err;
out:
    aver_buf_deinit(&text.bytes);
    free(text.parts);
    if (err != AVER_OK) {
        free(ids.ids);
        return err;
    }
    *ret_ids = ids;
    return AVER_OK;
}

aver_err aver_prompt_tokenize(const aver_prompt *prompt, aver_view text, bool add_begin,
                              size_t ids_max, aver_ids *ret_ids, char ret_why[160])
{
    aver_ids ids = {0};
    aver_err err = prompt_size_check(prompt, text.size, ids_max, ret_why);
    if (err != AVER_OK) {
        return err;
    }
    ids.ids = calloc(text.size + 16, sizeof(*ids.ids));
    err = ids.ids == NULL ? AVER_E_NOMEM : ids_add(prompt, text, add_begin, false, &ids);
    err = err == AVER_OK && ids.count > 0 ? prompt_check(&ids, ids_max, ret_why) : err;
    if (err != AVER_OK) {
        free(ids.ids);
        return err;
    }
    *ret_ids = ids;
    return AVER_OK;
}

aver_err aver_prompt_text(const aver_prompt *prompt, const aver_job *job, aver_buf *ret_text,
                          char ret_why[160])
{
    prompt_text text = {0};
    aver_buf_init(&text.bytes, RENDERED_BYTES_MAX);
    aver_err err = prompt_render(prompt, job, &text, ret_why);
    if (err == AVER_OK) {
        aver_buf_append(ret_text, aver_buf_view(&text.bytes));
        err = aver_buf_status(ret_text);
    }
    aver_buf_deinit(&text.bytes);
    free(text.parts);
    return err;
}
