/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/grammar_run.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_BYTES_MAX   ((size_t)64 * 1024 * 1024)
#define WORD_BYTES_MAX    256 /* longer ones are in no text */
#define WORD_PIECE_MAX    4096
#define LEVEL_PLACES_ROOM 64

typedef struct word {
    uint32_t start;
    uint16_t size;
    uint16_t shared; /* bytes in common with the one before in order */
    int32_t token;
} word;

struct aver_grammar_words {
    aver_buf bytes;
    word *sorted; /* those with bytes */
    size_t sorted_count;
    aver_view *views; /* by token */
    uint32_t count;
};

static int word_compare(const void *a, const void *b, void *context)
{
    const uint8_t *bytes = context;
    const word *left = a;
    const word *right = b;
    size_t size = left->size < right->size ? left->size : right->size;
    int order = memcmp(bytes + left->start, bytes + right->start, size);
    if (order != 0) {
        return order;
    }
    if (left->size != right->size) {
        return left->size < right->size ? -1 : 1;
    }
    return left->token < right->token ? -1 : 1;
}

static void words_sort(aver_grammar_words *words)
{
    const uint8_t *bytes = words->bytes.data;
    qsort_r(words->sorted, words->sorted_count, sizeof(word), word_compare, words->bytes.data);
    for (size_t i = 1; i < words->sorted_count; i++) {
        const word *before = &words->sorted[i - 1];
        word *self = &words->sorted[i];
        size_t size = before->size < self->size ? before->size : self->size;
        uint16_t shared = 0;
        while (shared < size && bytes[before->start + shared] == bytes[self->start + shared]) {
            shared++;
        }
        self->shared = shared;
    }
}

static aver_err words_read(aver_grammar_words *words, aver_grammar_piece_fn *piece, void *context)
{
    aver_buf text;
    aver_err err = AVER_OK;
    aver_buf_init(&text, WORD_PIECE_MAX);
    for (uint32_t i = 0; i < words->count && err == AVER_OK; i++) {
        aver_buf_clear(&text);
        err = piece(context, (int32_t)i, &text);
        err = err == AVER_OK ? aver_buf_status(&text) : err;
        if (err != AVER_OK || text.size == 0 || text.size > WORD_BYTES_MAX) {
            continue;
        }
        words->sorted[words->sorted_count++] =
            (word){(uint32_t)words->bytes.size, (uint16_t)text.size, 0, (int32_t)i};
        aver_buf_append(&words->bytes, aver_buf_view(&text));
    }
    aver_buf_deinit(&text);
    return err == AVER_OK ? aver_buf_status(&words->bytes) : err;
}

aver_err aver_grammar_words_new(uint32_t count, aver_grammar_piece_fn *piece, void *context,
                                aver_grammar_words **ret_words)
{
    aver_grammar_words *words = calloc(1, sizeof(*words));
    if (words == NULL) {
        return AVER_E_NOMEM;
    }
    words->count = count;
    aver_buf_init(&words->bytes, WORDS_BYTES_MAX);
    words->sorted = calloc((size_t)count + 1, sizeof(*words->sorted));
    words->views = calloc((size_t)count + 1, sizeof(*words->views));
    aver_err err = words->sorted == NULL || words->views == NULL
                       ? AVER_E_NOMEM
                       : words_read(words, piece, context);
    if (err != AVER_OK) {
        aver_grammar_words_free(words);
        return err;
    }
    words_sort(words);
    for (size_t i = 0; i < words->sorted_count; i++) {
        const word *self = &words->sorted[i];
        words->views[self->token] = aver_view_make(words->bytes.data + self->start, self->size);
    }
    *ret_words = words;
    return AVER_OK;
}

void aver_grammar_words_free(aver_grammar_words *words)
{
    if (words != NULL) {
        aver_buf_deinit(&words->bytes);
        free(words->sorted);
        free(words->views);
        free(words);
    }
}

aver_view aver_grammar_word(const aver_grammar_words *words, int32_t token)
{
    bool known = token >= 0 && (uint32_t)token < words->count;
    return known ? words->views[token] : (aver_view){NULL, 0};
}

/* One walk through the words in order: what two of them share is gone through once. */
typedef struct walk {
    aver_grammar_run *run;
    uint32_t *nodes; /* places of all levels, one after the other */
    size_t nodes_count, nodes_room;
    size_t starts[WORD_BYTES_MAX + 2]; /* of each level's places; level n: after n bytes */
    size_t marks[WORD_BYTES_MAX + 2];  /* chains there were when it was made */
    size_t level;                      /* the deepest that is there */
    size_t dead;                       /* bytes with which the present word fails; 0: none */
} walk;

static bool walk_add(walk *self, const grammar_places *places)
{
    if (self->nodes_count + places->count > self->nodes_room) {
        size_t room = self->nodes_room * 2 + places->count + LEVEL_PLACES_ROOM;
        uint32_t *nodes = realloc(self->nodes, room * sizeof(*nodes));
        if (nodes == NULL) {
            return false;
        }
        self->nodes = nodes;
        self->nodes_room = room;
    }
    if (places->count > 0) {
        memcpy(self->nodes + self->nodes_count, places->nodes,
               places->count * sizeof(*places->nodes));
    }
    self->nodes_count += places->count;
    self->level++;
    self->starts[self->level + 1] = self->nodes_count;
    self->marks[self->level] = self->run->nodes_count;
    return true;
}

/* Back to the level after this many bytes. */
static void walk_cut(walk *self, size_t level)
{
    if (self->level > level) {
        self->level = level;
        self->nodes_count = self->starts[level + 1];
    }
    aver_grammar_nodes_cut(self->run, self->marks[self->level]);
}

static bool walk_byte(walk *self, uint8_t byte)
{
    grammar_places *from = &self->run->places[1];
    grammar_places *to = &self->run->places[2];
    from->count = self->starts[self->level + 1] - self->starts[self->level];
    if (from->count > 0) {
        memcpy(from->nodes, self->nodes + self->starts[self->level],
               from->count * sizeof(*from->nodes));
    }
    return aver_grammar_step(self->run, from, byte, to) == AVER_OK && walk_add(self, to);
}

static bool walk_word(walk *self, const word *at, const uint8_t *bytes)
{
    if (self->dead != 0 && at->shared >= self->dead) {
        return false; /* it fails where the one before did */
    }
    walk_cut(self, at->shared);
    self->dead = 0;
    while (self->level < at->size) {
        if (!walk_byte(self, bytes[at->start + self->level])) {
            self->dead = self->level + 1;
            return false;
        }
    }
    return true;
}

size_t aver_grammar_words_allowed(const aver_grammar_words *words, aver_grammar_run *run,
                                  bool *allowed)
{
    size_t count = 0;
    walk *self = calloc(1, sizeof(*self));
    memset(allowed, 0, words->count * sizeof(*allowed));
    if (self == NULL) {
        return 0;
    }
    self->run = run;
    self->marks[0] = run->nodes_count;
    self->nodes = malloc(AVER_GRAMMAR_PLACES_MAX * sizeof(*self->nodes));
    self->nodes_room = AVER_GRAMMAR_PLACES_MAX;
    if (self->nodes != NULL) {
        self->nodes_count = run->places[0].count;
        memcpy(self->nodes, run->places[0].nodes, self->nodes_count * sizeof(*self->nodes));
        self->starts[1] = self->nodes_count;
        uint64_t work_max = run->work_total + (uint64_t)words->count * AVER_GRAMMAR_WORD_WORK;
        for (size_t i = 0; i < words->sorted_count && run->work_total <= work_max; i++) {
            if (walk_word(self, &words->sorted[i], words->bytes.data)) {
                allowed[words->sorted[i].token] = true;
                count++;
            }
        }
        if (run->work_total > work_max) {
            memset(allowed, 0, words->count * sizeof(*allowed));
            count = 0;
        }
        aver_grammar_nodes_cut(run, self->marks[0]);
    }
    free(self->nodes);
    free(self);
    return count;
}
