/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_GRAMMAR_RUN_H
#define AVER_ENGINE_GRAMMAR_RUN_H

/* grammar_run: a run as its steps and the vocabulary know it. */

#include "engine/grammar_state.h"

#define GRAMMAR_BUCKETS 4096u

/* A place in the grammar and the chain to return to; equal ones are one node. */
typedef struct grammar_node {
    uint32_t code;
    uint32_t parent; /* a node whose code is where it goes on, or GRAMMAR_NONE */
    uint32_t next;   /* in its bucket */
    uint64_t stamp;  /* of the byte for which it was last looked at */
} grammar_node;

typedef struct grammar_places {
    uint32_t nodes[AVER_GRAMMAR_PLACES_MAX]; /* at sets */
    size_t count;
    bool whole; /* the text may end here */
} grammar_places;

struct aver_grammar_run {
    const aver_grammar *grammar;
    grammar_node *nodes;
    size_t nodes_count, nodes_room;
    uint32_t buckets[GRAMMAR_BUCKETS];
    uint64_t stamp;
    uint32_t work[AVER_GRAMMAR_WORK_MAX];
    size_t work_count, work_done; /* of the byte at hand */
    uint64_t work_total;          /* of all bytes */
    grammar_places places[3];     /* the first is where the run stands */
};

/* The places after one byte more; the nodes made stay until they are cut. FORMAT: none, LIMIT. */
AVER_MUST_USE aver_err aver_grammar_step(aver_grammar_run *run, const grammar_places *from,
                                         uint8_t byte, grammar_places *to);
void aver_grammar_nodes_cut(aver_grammar_run *run, size_t count);

#endif
