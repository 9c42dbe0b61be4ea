/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/prompt.h"

#include "base/secret.h"
#include "crypto/hash.h"
#include "engine/prompt_messages.h"
#include "engine/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_BYTES          160
#define RENDERED_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define SPECIALS_MAX       65536
#define PRESERVED_MAX      64
#define PIECE_BYTES_MAX    4096
/* Input for one token */
#define CHARACTER_BYTES_MAX ((size_t)4)
#define FOLDED_TIMES        ((size_t)16)

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
    size_t piece_bytes_max; /* of input that one token can stand for: bounds the ids from below */
    aver_view *specials;    /* texts of control tokens, borrowed from the vocabulary; sorted */
    size_t specials_count;
    bool special_begins[256]; /* first bytes of them */
    aver_template_abilities abilities;
    aver_native *native;
    int32_t preserved[PRESERVED_MAX];
    size_t preserved_count;
    aver_grammar_words *words; /* NULL: not made yet */
};

void aver_ids_free(aver_ids *ids)
{
    if (ids->ids != NULL) {
        aver_wipe(ids->ids, ids->count * sizeof(*ids->ids));
    }
    free(ids->ids);
    *ids = (aver_ids){0};
}

static const char *vocab_text(const struct llama_vocab *vocab, llama_token token)
{
    const char *text = token < 0 ? NULL : llama_vocab_get_text(vocab, token);
    return text == NULL ? "" : text;
}

/* By bytes, a beginning of another before it. */
static int special_compare(const void *left, const void *right)
{
    const aver_view *a = left;
    const aver_view *b = right;
    int order = memcmp(a->data, b->data, a->size < b->size ? a->size : b->size);
    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

/* Bytes of a token's text; those of a vocabulary's own spelling (a space is three bytes there) if
 * it is too long to be spelled out. */
static size_t vocab_piece_bytes(const struct llama_vocab *vocab, llama_token token)
{
    char bytes[PIECE_BYTES_MAX];
    int32_t size = llama_token_to_piece(vocab, token, bytes, (int32_t)sizeof(bytes), 0, true);
    return size < 0 ? strlen(vocab_text(vocab, token)) : (size_t)size;
}

/* The most bytes of input for one token: those of the longest one, and at least one character's,
 * which may be an unknown one. Some tokenisers leave out spaces and accents: there no number is
 * sure, and FOLDED_TIMES the longest is more than any real text has. */
static size_t vocab_piece_bytes_max(const struct llama_vocab *vocab)
{
    enum llama_vocab_type type = llama_vocab_type(vocab);
    size_t longest = CHARACTER_BYTES_MAX;
    for (int32_t i = 0; i < llama_vocab_n_tokens(vocab); i++) {
        size_t size = vocab_piece_bytes(vocab, i);
        longest = size > longest ? size : longest;
    }
    return type == LLAMA_VOCAB_TYPE_WPM || type == LLAMA_VOCAB_TYPE_UGM ? longest * FOLDED_TIMES
                                                                        : longest;
}

static aver_err prompt_scan_vocabulary(aver_prompt *prompt)
{
    int32_t count = llama_vocab_n_tokens(prompt->vocab);
    prompt->specials = calloc((size_t)count + 1, sizeof(*prompt->specials));
    if (prompt->specials == NULL) {
        return AVER_E_NOMEM;
    }
    prompt->piece_bytes_max = vocab_piece_bytes_max(prompt->vocab);
    for (int32_t i = 0; i < count; i++) {
        aver_view text = aver_view_text(vocab_text(prompt->vocab, i));
        unsigned attributes = (unsigned)llama_vocab_get_attr(prompt->vocab, i);
        bool special = (attributes & (LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN)) != 0;
        if (special && text.size > 0 && prompt->specials_count < SPECIALS_MAX) {
            prompt->specials[prompt->specials_count++] = text;
            prompt->special_begins[text.data[0]] = true;
        }
    }
    qsort(prompt->specials, prompt->specials_count, sizeof(*prompt->specials), special_compare);
    return AVER_OK;
}

/* Control tokens that the model's calls are made of are text where calls are looked for. */
static void prompt_preserve(aver_prompt *prompt)
{
    for (size_t i = 0; prompt->preserved_count < PRESERVED_MAX; i++) {
        llama_token ids[2];
        aver_view text = aver_native_preserved(prompt->native, i);
        if (text.size == 0) {
            return;
        }
        int32_t count = llama_tokenize(prompt->vocab, (const char *)text.data, (int32_t)text.size,
                                       ids, 2, false, true);
        if (count == 1) {
            prompt->preserved[prompt->preserved_count++] = ids[0];
        }
    }
}

static aver_err prompt_template_open(aver_prompt *prompt, aver_view text, char *why)
{
    const char *eos = vocab_text(prompt->vocab, llama_vocab_eos(prompt->vocab));
    if (text.size == 0) {
        aver_sha256_of(AVER_VIEW_LITERAL(AVER_PROMPT_PLAIN), prompt->digest);
        return AVER_OK;
    }
    aver_sha256_of(text, prompt->digest);
    prompt->chat = aver_template_new((const char *)text.data, text.size, prompt->bos, eos, why);
    if (prompt->chat == NULL) {
        return AVER_E_FORMAT;
    }
    aver_template_able(prompt->chat, &prompt->abilities);
    if (prompt->abilities.tools) {
        prompt->native = aver_native_new((const char *)text.data, text.size, prompt->bos, eos);
        prompt->abilities.tools = prompt->native != NULL;
    }
    if (prompt->native != NULL) {
        prompt_preserve(prompt);
    }
    return AVER_OK;
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
        aver_native_free(prompt->native);
        aver_grammar_words_free(prompt->words);
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

static void text_render_plain(const json_t *messages, prompt_text *text)
{
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *json = json_object_get(json_array_get(messages, i), "content");
        aver_template_part newline = {"\n", 1, false};
        aver_template_part content = {json_string_value(json), json_string_length(json), true};
        if (i != 0) {
            text_add(&newline, text);
        }
        text_add(&content, text);
    }
}

static aver_err prompt_render_messages(const aver_prompt *prompt,
                                       const aver_prompt_messages *messages, prompt_text *text,
                                       char *why)
{
    if (prompt->chat == NULL) {
        text_render_plain(messages->messages, text);
    } else if (!aver_template_render(prompt->chat, messages->messages, messages->tools, text_add,
                                     text, why)) {
        return AVER_E_FORMAT;
    }
    return text->failed ? AVER_E_NOMEM : aver_buf_status(&text->bytes);
}

/* The first control token from low on, of those before high, whose byte at this depth is not less;
 * all of them are alike up to there. */
static size_t special_bound(const aver_prompt *prompt, size_t low, size_t high, size_t depth,
                            unsigned byte)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const aver_view *special = &prompt->specials[middle];
        if (special->size <= depth || special->data[depth] < byte) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The size of the longest control token's text at this place, or 0. A vocabulary may have thousands
 * of them, and callers choose the text: they are not tried one by one. */
static size_t special_at(const aver_prompt *prompt, aver_view text, size_t at)
{
    size_t longest = 0;
    size_t low = 0;
    size_t high = prompt->specials_count;
    if (!prompt->special_begins[text.data[at]]) {
        return 0;
    }
    for (size_t depth = 0; low < high && depth < text.size - at; depth++) {
        unsigned byte = text.data[at + depth];
        low = special_bound(prompt, low, high, depth, byte);
        high = special_bound(prompt, low, high, depth, byte + 1);
        if (low < high && prompt->specials[low].size == depth + 1) {
            longest = depth + 1;
        }
    }
    return longest;
}

/* The same text with other bytes in the place of control tokens; NULL if there are none. */
static char *text_hide(const aver_prompt *prompt, const char *bytes, size_t size)
{
    char *hidden = NULL;
    aver_view text = aver_view_make(bytes, size);
    for (size_t at = 0; at < size; at++) {
        size_t special = special_at(prompt, text, at);
        if (special != 0 && hidden == NULL) {
            hidden = malloc(size);
            if (hidden == NULL) {
                return NULL;
            }
            memcpy(hidden, bytes, size);
        }
        for (size_t i = 0; i < special; i++) {
            hidden[at + i] = bytes[at + i] == 'x' ? 'y' : 'x';
        }
    }
    return hidden;
}

/* A copy of what callers sent in which no string and no name holds a control token's text.
 * *ret_changed: something had to be hidden. NULL without memory. */
static json_t *json_hide(const aver_prompt *prompt, const json_t *json, bool *ret_changed)
{
    json_t *copy = NULL;
    const char *key;
    json_t *member;
    if (json_is_string(json)) {
        char *hidden = text_hide(prompt, json_string_value(json), json_string_length(json));
        *ret_changed = *ret_changed || hidden != NULL;
        copy = hidden == NULL ? json_copy((json_t *)(uintptr_t)json)
                              : json_stringn_nocheck(hidden, json_string_length(json));
        free(hidden);
        return copy;
    }
    if (json_is_array(json)) {
        copy = json_array();
        for (size_t i = 0; i < json_array_size(json); i++) {
            (void)json_array_append_new(copy,
                                        json_hide(prompt, json_array_get(json, i), ret_changed));
        }
        return copy;
    }
    if (!json_is_object(json)) {
        return json_copy((json_t *)(uintptr_t)json);
    }
    copy = json_object();
    json_object_foreach((json_t *)(uintptr_t)json, key, member)
    {
        char *hidden = text_hide(prompt, key, strlen(key) + 1);
        *ret_changed = *ret_changed || hidden != NULL;
        (void)json_object_set_new_nocheck(copy, hidden == NULL ? key : hidden,
                                          json_hide(prompt, member, ret_changed));
        free(hidden);
    }
    return copy;
}

static void part_push(prompt_text *text, size_t start, size_t end, bool input)
{
    aver_template_part part = {NULL, 0, input};
    if (start < end) {
        text_add(&part, text);
        text->parts[text->parts_count - 1] = (prompt_part){start, end, input};
    }
}

/* Where the two renderings differ stands callers' text. */
static aver_err text_mark(prompt_text *text, const prompt_text *hidden)
{
    prompt_text marked = {.parts = NULL};
    const uint8_t *a = text->bytes.data;
    const uint8_t *b = hidden->bytes.data;
    aver_buf_init(&marked.bytes, 1);
    for (size_t i = 0; i < text->parts_count && !marked.failed; i++) {
        const prompt_part *part = &text->parts[i];
        size_t start = part->start;
        while (start < part->end && !marked.failed) {
            bool input = part->input || a[start] != b[start];
            size_t end = start + 1;
            while (end < part->end && (part->input || (a[end] != b[end]) == input)) {
                end++;
            }
            part_push(&marked, start, end, input);
            start = end;
        }
    }
    free(text->parts);
    text->parts = marked.parts;
    text->parts_count = marked.parts_count;
    text->parts_max = marked.parts_max;
    return marked.failed ? AVER_E_NOMEM : AVER_OK;
}

/*
 * A template that writes callers' values as JSON loses the mark of input. So, if a control token's
 * text is in what they sent, all is rendered a second time with other bytes in its place, and what
 * then differs is theirs.
 */
static aver_err prompt_find_input(const aver_prompt *prompt, const aver_prompt_messages *messages,
                                  prompt_text *text, char *why)
{
    bool changed = false;
    prompt_text hidden = {.parts = NULL};
    aver_prompt_messages copy = {json_hide(prompt, messages->messages, &changed), NULL};
    if (messages->tools != NULL) {
        copy.tools = json_hide(prompt, messages->tools, &changed);
    }
    aver_buf_init(&hidden.bytes, RENDERED_BYTES_MAX);
    aver_err err = copy.messages == NULL ? AVER_E_NOMEM : AVER_OK;
    if (err == AVER_OK && changed) {
        err = prompt_render_messages(prompt, &copy, &hidden, why);
        if (err == AVER_OK && hidden.bytes.size != text->bytes.size) {
            (void)snprintf(why, WHY_BYTES,
                           "the chat template cannot keep a control token's text "
                           "in the request apart from its own");
            err = AVER_E_FORMAT;
        }
        err = err == AVER_OK ? text_mark(text, &hidden) : err;
    }
    aver_prompt_messages_deinit(&copy);
    aver_buf_wipe(&hidden.bytes);
    aver_buf_deinit(&hidden.bytes);
    free(hidden.parts);
    return err;
}

static aver_err prompt_render(const aver_prompt *prompt, const aver_job *job, prompt_text *text,
                              char *why)
{
    aver_prompt_messages messages;
    aver_err err = aver_prompt_messages_make(prompt->chat == NULL ? NULL : &prompt->abilities, job,
                                             &messages, why);
    if (err != AVER_OK) {
        return err;
    }
    err = prompt_render_messages(prompt, &messages, text, why);
    if (err == AVER_OK && prompt->chat != NULL) {
        err = prompt_find_input(prompt, &messages, text, why);
    }
    aver_prompt_messages_deinit(&messages);
    return err;
}

static bool text_overlaps_input(const prompt_text *text, size_t start, size_t end)
{
    size_t low = 0;
    size_t high = text->parts_count;
    /* The first part that ends behind the start. */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (text->parts[middle].end <= start) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < text->parts_count && text->parts[low].start < end; low++) {
        if (text->parts[low].input && text->parts[low].end > text->parts[low].start) {
            return true;
        }
    }
    return false;
}

/* Does a control token's text lie wholly or partly in what callers sent? */
static bool text_injects(const aver_prompt *prompt, const prompt_text *text)
{
    aver_view bytes = aver_buf_view(&text->bytes);
    for (size_t at = 0; at < bytes.size; at++) {
        size_t size = special_at(prompt, bytes, at);
        if (size != 0 && text_overlaps_input(text, at, at + size)) {
            return true;
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

static bool endpoint_has_messages(aver_endpoint endpoint)
{
    return endpoint == AVER_ENDPOINT_CHAT || endpoint == AVER_ENDPOINT_RESPONSES ||
           endpoint == AVER_ENDPOINT_APPLY_TEMPLATE;
}

static aver_err prompt_tokenise(const aver_prompt *prompt, const aver_job *job,
                                const prompt_text *text, aver_ids *ids)
{
    aver_view bytes = aver_buf_view(&text->bytes);
    if (!endpoint_has_messages(job->endpoint)) {
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

/* The ids that the caller gave, each one of the vocabulary. */
static aver_err prompt_take_ids(const aver_prompt *prompt, const aver_job *job, size_t ids_max,
                                aver_ids *ret_ids, char *why)
{
    uint32_t vocabulary = (uint32_t)llama_vocab_n_tokens(prompt->vocab);
    aver_ids ids = {.count = job->prompt.size / 4};
    aver_err err = prompt_check(&ids, ids_max, why);
    for (size_t i = 0; i < ids.count && err == AVER_OK; i++) {
        if (aver_be32_read(job->prompt.data + 4 * i) >= vocabulary) {
            (void)snprintf(why, WHY_BYTES, "prompt: this model has no such token");
            err = AVER_E_FORMAT;
        }
    }
    if (err != AVER_OK) {
        return err;
    }
    ids.ids = calloc(ids.count, sizeof(*ids.ids));
    if (ids.ids == NULL) {
        return AVER_E_NOMEM;
    }
    for (size_t i = 0; i < ids.count; i++) {
        ids.ids[i] = (int32_t)aver_be32_read(job->prompt.data + 4 * i);
    }
    *ret_ids = ids;
    return AVER_OK;
}

aver_err aver_prompt_read(const aver_prompt *prompt, const aver_job *job, size_t ids_max,
                          aver_ids *ret_ids, char ret_why[160])
{
    prompt_text text = {0};
    aver_ids ids = {0};
    aver_err err = AVER_OK;
    if (job->endpoint == AVER_ENDPOINT_COMPLETION && job->inputs_count > 0) {
        return prompt_take_ids(prompt, job, ids_max, ret_ids, ret_why);
    }
    aver_buf_init(&text.bytes, RENDERED_BYTES_MAX);
    if (endpoint_has_messages(job->endpoint)) {
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
    aver_buf_wipe(&text.bytes);
    aver_buf_deinit(&text.bytes);
    free(text.parts);
    if (err != AVER_OK) {
        aver_ids_free(&ids);
        return err;
    }
    *ret_ids = ids;
    return AVER_OK;
}

const aver_native *aver_prompt_native(const aver_prompt *prompt)
{
    return prompt->native;
}

int32_t aver_prompt_end(const aver_prompt *prompt)
{
    llama_token end = llama_vocab_eos(prompt->vocab);
    end = end < 0 || !llama_vocab_is_eog(prompt->vocab, end) ? llama_vocab_eot(prompt->vocab) : end;
    return end < 0 || !llama_vocab_is_eog(prompt->vocab, end) ? -1 : end;
}

aver_err aver_prompt_piece(const aver_prompt *prompt, int32_t token, aver_buf *piece)
{
    char bytes[PIECE_BYTES_MAX];
    bool special = false;
    if (llama_vocab_is_eog(prompt->vocab, token)) {
        return AVER_OK;
    }
    for (size_t i = 0; i < prompt->preserved_count; i++) {
        special = special || prompt->preserved[i] == token;
    }
    int32_t size =
        llama_token_to_piece(prompt->vocab, token, bytes, (int32_t)sizeof(bytes), 0, special);
    if (size < 0) {
        return AVER_E_LIMIT;
    }
    aver_buf_append(piece, aver_view_make(bytes, (size_t)size));
    return aver_buf_status(piece);
}

static aver_err word_piece(void *context, int32_t token, aver_buf *piece)
{
    aver_err err = aver_prompt_piece(context, token, piece);
    return err == AVER_E_LIMIT ? AVER_OK : err; /* in no text */
}

const aver_grammar_words *aver_prompt_words(const aver_prompt *self)
{
    aver_prompt *prompt = (aver_prompt *)(uintptr_t)self; /* made late, and seen by nobody before */
    uint32_t count = (uint32_t)llama_vocab_n_tokens(prompt->vocab);
    if (prompt->words == NULL &&
        aver_grammar_words_new(count, word_piece, prompt, &prompt->words) != AVER_OK) {
        return NULL;
    }
    return prompt->words;
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
        aver_ids_free(&ids);
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
    aver_buf_wipe(&text.bytes);
    aver_buf_deinit(&text.bytes);
    free(text.parts);
    return err;
}
