/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/grammar_run.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS     GRAMMAR_BUCKETS
#define SWEEP_COUNT (AVER_GRAMMAR_NODES_MAX / 2)

static uint32_t bucket_of(uint32_t code, uint32_t parent)
{
    uint32_t mixed = code * 2654435761u ^ (parent + 0x9e3779b9u) * 2246822519u;
    return (mixed ^ mixed >> 15) % BUCKETS;
}

/* The one node of this place and chain. GRAMMAR_NONE: too many. */
static uint32_t run_node(aver_grammar_run *run, uint32_t code, uint32_t parent)
{
    uint32_t bucket = bucket_of(code, parent);
    for (uint32_t at = run->buckets[bucket]; at != GRAMMAR_NONE; at = run->nodes[at].next) {
        if (run->nodes[at].code == code && run->nodes[at].parent == parent) {
            return at;
        }
    }
    if (run->nodes_count >= AVER_GRAMMAR_NODES_MAX) {
        return GRAMMAR_NONE;
    }
    if (run->nodes_count == run->nodes_room) {
        size_t room = run->nodes_room * 2 + 256;
        grammar_node *nodes = realloc(run->nodes, room * sizeof(*nodes));
        if (nodes == NULL) {
            return GRAMMAR_NONE;
        }
        run->nodes = nodes;
        run->nodes_room = room;
    }
    uint32_t at = (uint32_t)run->nodes_count++;
    run->nodes[at] = (grammar_node){code, parent, run->buckets[bucket], 0};
    run->buckets[bucket] = at;
    return at;
}

/* Forgets the nodes made since there were count of them. */
void aver_grammar_nodes_cut(aver_grammar_run *run, size_t count)
{
    while (run->nodes_count > count) {
        const grammar_node *node = &run->nodes[--run->nodes_count];
        run->buckets[bucket_of(node->code, node->parent)] = node->next;
    }
}

/* Puts a place on the list of those to look at, unless it was there for this byte. */
static bool run_push(aver_grammar_run *run, uint32_t code, uint32_t parent)
{
    uint32_t node = run_node(run, code, parent);
    if (node == GRAMMAR_NONE) {
        return false;
    }
    if (run->nodes[node].stamp == run->stamp) {
        return true;
    }
    run->nodes[node].stamp = run->stamp;
    if (run->work_count >= AVER_GRAMMAR_WORK_MAX || run->work_done >= AVER_GRAMMAR_WORK_MAX) {
        return false;
    }
    run->work[run->work_count++] = node;
    run->work_done++;
    run->work_total++;
    return true;
}

/* All places of bytes that this one leads to without one. */
static bool run_expand(aver_grammar_run *run, uint32_t node, grammar_places *places)
{
    const aver_grammar *grammar = run->grammar;
    uint32_t code = run->nodes[node].code;
    uint32_t parent = run->nodes[node].parent;
    const grammar_code *at = &grammar->code[code];
    if (at->kind == GRAMMAR_END) {
        if (parent == GRAMMAR_NONE) {
            places->whole = true;
            return true;
        }
        return run_push(run, run->nodes[parent].code, run->nodes[parent].parent);
    }
    if (at->kind == GRAMMAR_SET) {
        if (places->count >= AVER_GRAMMAR_PLACES_MAX) {
            return false;
        }
        places->nodes[places->count++] = node;
        return true;
    }
    /* A rule at the end of a sequence returns to where the sequence would: loops do not grow. */
    uint32_t chain =
        grammar->code[code + 1].kind == GRAMMAR_END ? parent : run_node(run, code + 1, parent);
    if (chain == GRAMMAR_NONE && grammar->code[code + 1].kind != GRAMMAR_END) {
        return false;
    }
    for (uint32_t i = grammar->rules[at->value].first; i != GRAMMAR_NONE;
         i = grammar->alternatives[i].next) {
        if (!run_push(run, grammar->alternatives[i].code, chain)) {
            return false;
        }
    }
    return true;
}

static bool run_drain(aver_grammar_run *run, grammar_places *places)
{
    while (run->work_count > 0) {
        if (!run_expand(run, run->work[--run->work_count], places)) {
            run->work_count = 0;
            return false;
        }
    }
    return true;
}

static void run_step_begin(aver_grammar_run *run, grammar_places *places)
{
    run->stamp++;
    run->work_count = 0;
    run->work_done = 0;
    places->count = 0;
    places->whole = false;
}

aver_err aver_grammar_step(aver_grammar_run *run, const grammar_places *from, uint8_t byte,
                           grammar_places *to)
{
    const aver_grammar *grammar = run->grammar;
    run_step_begin(run, to);
    for (size_t i = 0; i < from->count; i++) {
        const grammar_node *node = &run->nodes[from->nodes[i]];
        if (!grammar_set_has(&grammar->sets[grammar->code[node->code].value], byte)) {
            continue;
        }
        if (!run_push(run, node->code + 1, node->parent) || !run_drain(run, to)) {
            return AVER_E_LIMIT;
        }
    }
    return to->count > 0 || to->whole ? AVER_OK : AVER_E_FORMAT;
}

aver_err aver_grammar_run_new(const aver_grammar *grammar, aver_grammar_run **ret_run)
{
    aver_grammar_run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return AVER_E_NOMEM;
    }
    run->grammar = grammar;
    for (size_t i = 0; i < BUCKETS; i++) {
        run->buckets[i] = GRAMMAR_NONE;
    }
    run_step_begin(run, &run->places[0]);
    bool ok = true;
    for (uint32_t i = grammar->rules[grammar->root].first; i != GRAMMAR_NONE && ok;
         i = grammar->alternatives[i].next) {
        ok = run_push(run, grammar->alternatives[i].code, GRAMMAR_NONE) &&
             run_drain(run, &run->places[0]);
    }
    if (!ok) {
        aver_grammar_run_free(run);
        return AVER_E_LIMIT;
    }
    *ret_run = run;
    return AVER_OK;
}

void aver_grammar_run_free(aver_grammar_run *run)
{
    if (run != NULL) {
        free(run->nodes);
        free(run);
    }
}

/* Marks what the places need; a chain's end is always older than its beginning. */
static void run_mark(aver_grammar_run *run)
{
    run->stamp++;
    for (size_t i = 0; i < run->places[0].count; i++) {
        uint32_t at = run->places[0].nodes[i];
        while (at != GRAMMAR_NONE && run->nodes[at].stamp != run->stamp) {
            run->nodes[at].stamp = run->stamp;
            at = run->nodes[at].parent;
        }
    }
}

/* Forgets the chains that no place needs any more. */
static aver_err run_sweep(aver_grammar_run *run)
{
    uint32_t *moved = malloc(run->nodes_count * sizeof(*moved));
    if (moved == NULL) {
        return AVER_E_NOMEM;
    }
    run_mark(run);
    for (size_t i = 0; i < BUCKETS; i++) {
        run->buckets[i] = GRAMMAR_NONE;
    }
    size_t kept = 0;
    for (size_t i = 0; i < run->nodes_count; i++) {
        grammar_node node = run->nodes[i];
        if (node.stamp != run->stamp) {
            continue;
        }
        node.parent = node.parent == GRAMMAR_NONE ? GRAMMAR_NONE : moved[node.parent];
        uint32_t bucket = bucket_of(node.code, node.parent);
        node.next = run->buckets[bucket];
        run->buckets[bucket] = (uint32_t)kept;
        moved[i] = (uint32_t)kept;
        run->nodes[kept++] = node;
    }
    run->nodes_count = kept;
    for (size_t i = 0; i < run->places[0].count; i++) {
        run->places[0].nodes[i] = moved[run->places[0].nodes[i]];
    }
    free(moved);
    return AVER_OK;
}

static aver_err run_go(aver_grammar_run *run, aver_view bytes, unsigned *ret_at)
{
    unsigned at = 0; /* the place that holds where the run is: 0 is where it was before */
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned to = at == 1 ? 2 : 1;
        aver_err err = aver_grammar_step(run, &run->places[at], bytes.data[i], &run->places[to]);
        if (err != AVER_OK) {
            return err;
        }
        at = to;
    }
    *ret_at = at;
    return AVER_OK;
}

aver_err aver_grammar_run_take(aver_grammar_run *run, aver_view bytes)
{
    unsigned at = 0;
    aver_err err = run->nodes_count > SWEEP_COUNT ? run_sweep(run) : AVER_OK;
    if (err != AVER_OK) {
        return err;
    }
    size_t nodes_count = run->nodes_count;
    err = run_go(run, bytes, &at);
    if (err != AVER_OK) {
        aver_grammar_nodes_cut(run, nodes_count);
        return err;
    }
    if (at != 0) {
        memcpy(&run->places[0], &run->places[at], sizeof(run->places[0]));
    }
    return AVER_OK;
}

bool aver_grammar_run_allows(aver_grammar_run *run, aver_view bytes)
{
    unsigned at = 0;
    size_t nodes_count = run->nodes_count;
    aver_err err = run_go(run, bytes, &at);
    aver_grammar_nodes_cut(run, nodes_count);
    return err == AVER_OK;
}

bool aver_grammar_run_whole(const aver_grammar_run *run)
{
    return run->places[0].whole;
}

bool aver_grammar_run_ended(const aver_grammar_run *run)
{
    return run->places[0].count == 0;
}
