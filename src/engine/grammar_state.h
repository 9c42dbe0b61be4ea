/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_GRAMMAR_STATE_H
#define AVER_ENGINE_GRAMMAR_STATE_H

/* grammar_state: a finished grammar as builder and run know it. */

#include "engine/grammar_build.h"

#define GRAMMAR_NONE UINT32_MAX

/* A place in an alternative; after the last item of each stands an end. */
typedef struct grammar_code {
    uint32_t kind; /* grammar_kind */
    uint32_t value;
} grammar_code;

typedef enum grammar_kind { GRAMMAR_SET = 0, GRAMMAR_RULE, GRAMMAR_END } grammar_kind;

typedef struct grammar_alternative {
    uint32_t code; /* index of its first place */
    uint32_t next; /* alternative of the same rule, or GRAMMAR_NONE */
} grammar_alternative;

typedef struct grammar_rule {
    uint32_t first, last; /* alternatives, or GRAMMAR_NONE */
} grammar_rule;

typedef struct grammar_set {
    uint64_t bits[4];
} grammar_set;

struct aver_grammar {
    grammar_code *code;
    grammar_alternative *alternatives;
    grammar_rule *rules;
    grammar_set *sets;
    size_t code_count, alternatives_count, rules_count, sets_count;
    uint32_t root;
};

static inline bool grammar_set_has(const grammar_set *set, uint8_t byte)
{
    return (set->bits[byte >> 6] >> (byte & 63) & 1) != 0;
}

#endif
