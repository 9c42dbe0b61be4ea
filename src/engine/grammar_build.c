/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/grammar_build.h"

#include "engine/grammar_state.h"

#include <stdlib.h>
#include <string.h>

#define CODE_MAX   (AVER_GRAMMAR_ITEMS_MAX * 2)
#define BYTE_COUNT 256

struct aver_grammar_builder {
    aver_grammar grammar;
    size_t code_room, alternatives_room, rules_room, sets_room;
    size_t items_count;
    aver_err failure;
};

void aver_grammar_fail(aver_grammar_builder *builder, aver_err err)
{
    if (builder->failure == AVER_OK) {
        builder->failure = err;
    }
}

/* Makes room for one more of count elements. */
static bool builder_room(aver_grammar_builder *builder, void **array, size_t *room, size_t count,
                         size_t count_max, size_t size)
{
    if (builder->failure != AVER_OK) {
        return false;
    }
    if (count >= count_max) {
        aver_grammar_fail(builder, AVER_E_LIMIT);
        return false;
    }
    if (count < *room) {
        return true;
    }
    size_t wanted = *room * 2 + 64;
    void *grown = realloc(*array, wanted * size);
    if (grown == NULL) {
        aver_grammar_fail(builder, AVER_E_NOMEM);
        return false;
    }
    *array = grown;
    *room = wanted;
    return true;
}

static uint32_t builder_set(aver_grammar_builder *builder, const grammar_set *set)
{
    aver_grammar *grammar = &builder->grammar;
    for (size_t i = 0; i < grammar->sets_count; i++) {
        if (memcmp(&grammar->sets[i], set, sizeof(*set)) == 0) {
            return (uint32_t)i;
        }
    }
    if (!builder_room(builder, (void **)&grammar->sets, &builder->sets_room, grammar->sets_count,
                      AVER_GRAMMAR_SETS_MAX, sizeof(*set))) {
        return 0;
    }
    grammar->sets[grammar->sets_count] = *set;
    return (uint32_t)grammar->sets_count++;
}

static grammar_set set_of_bytes(unsigned first, unsigned last)
{
    grammar_set set = {{0, 0, 0, 0}};
    for (unsigned byte = first; byte <= last; byte++) {
        set.bits[byte >> 6] |= (uint64_t)1 << (byte & 63);
    }
    return set;
}

aver_grammar_item aver_grammar_bytes(aver_grammar_builder *builder, uint8_t first, uint8_t last)
{
    grammar_set set = set_of_bytes(first, last);
    return (aver_grammar_item){false, builder_set(builder, &set)};
}

aver_err aver_grammar_builder_new(aver_grammar_builder **ret_builder)
{
    aver_grammar_builder *builder = calloc(1, sizeof(*builder));
    if (builder == NULL) {
        return AVER_E_NOMEM;
    }
    for (unsigned byte = 0; byte < BYTE_COUNT; byte++) {
        grammar_set set = set_of_bytes(byte, byte);
        (void)builder_set(builder, &set);
    }
    if (builder->failure != AVER_OK) {
        aver_grammar_builder_free(builder);
        return AVER_E_NOMEM;
    }
    *ret_builder = builder;
    return AVER_OK;
}

static void grammar_deinit(aver_grammar *grammar)
{
    free(grammar->code);
    free(grammar->alternatives);
    free(grammar->rules);
    free(grammar->sets);
}

void aver_grammar_builder_free(aver_grammar_builder *builder)
{
    if (builder != NULL) {
        grammar_deinit(&builder->grammar);
        free(builder);
    }
}

void aver_grammar_free(aver_grammar *grammar)
{
    if (grammar != NULL) {
        grammar_deinit(grammar);
        free(grammar);
    }
}

aver_err aver_grammar_builder_status(const aver_grammar_builder *builder)
{
    return builder->failure;
}

aver_err aver_grammar_builder_finish(aver_grammar_builder *builder, uint32_t root,
                                     aver_grammar **ret_grammar)
{
    aver_grammar_run *run = NULL;
    if (builder->failure != AVER_OK) {
        return builder->failure;
    }
    aver_grammar *grammar = malloc(sizeof(*grammar));
    if (grammar == NULL) {
        return AVER_E_NOMEM;
    }
    *grammar = builder->grammar;
    grammar->root = root;
    memset(&builder->grammar, 0, sizeof(builder->grammar));
    aver_grammar_fail(builder, AVER_E_USAGE);
    aver_err err = aver_grammar_run_new(grammar, &run);
    if (err == AVER_OK && aver_grammar_run_ended(run)) {
        err = AVER_E_FORMAT;
    }
    aver_grammar_run_free(run);
    if (err != AVER_OK) {
        aver_grammar_free(grammar);
        return err;
    }
    *ret_grammar = grammar;
    return AVER_OK;
}

uint32_t aver_grammar_rule(aver_grammar_builder *builder)
{
    aver_grammar *grammar = &builder->grammar;
    if (!builder_room(builder, (void **)&grammar->rules, &builder->rules_room, grammar->rules_count,
                      AVER_GRAMMAR_RULES_MAX, sizeof(*grammar->rules))) {
        return 0;
    }
    grammar->rules[grammar->rules_count] = (grammar_rule){GRAMMAR_NONE, GRAMMAR_NONE};
    return (uint32_t)grammar->rules_count++;
}

static void builder_code(aver_grammar_builder *builder, grammar_kind kind, uint32_t value)
{
    aver_grammar *grammar = &builder->grammar;
    if (builder_room(builder, (void **)&grammar->code, &builder->code_room, grammar->code_count,
                     CODE_MAX, sizeof(*grammar->code))) {
        grammar->code[grammar->code_count++] = (grammar_code){kind, value};
    }
}

/* An alternative of items already counted. */
static void builder_alternative(aver_grammar_builder *builder, uint32_t rule,
                                const aver_grammar_item *items, size_t count)
{
    aver_grammar *grammar = &builder->grammar;
    builder->items_count += count;
    if (builder->items_count > AVER_GRAMMAR_ITEMS_MAX) {
        aver_grammar_fail(builder, AVER_E_LIMIT);
    }
    uint32_t start = (uint32_t)grammar->code_count;
    for (size_t i = 0; i < count; i++) {
        builder_code(builder, items[i].is_rule ? GRAMMAR_RULE : GRAMMAR_SET, items[i].value);
    }
    builder_code(builder, GRAMMAR_END, 0);
    if (!builder_room(builder, (void **)&grammar->alternatives, &builder->alternatives_room,
                      grammar->alternatives_count, CODE_MAX, sizeof(*grammar->alternatives))) {
        return;
    }
    uint32_t index = (uint32_t)grammar->alternatives_count++;
    grammar->alternatives[index] = (grammar_alternative){start, GRAMMAR_NONE};
    grammar_rule *to = &grammar->rules[rule];
    if (to->last == GRAMMAR_NONE) {
        to->first = index;
    } else {
        grammar->alternatives[to->last].next = index;
    }
    to->last = index;
}

void aver_grammar_rule_add(aver_grammar_builder *builder, uint32_t rule,
                           const aver_grammar_sequence *sequence)
{
    if (sequence->failed) {
        aver_grammar_fail(builder, AVER_E_LIMIT);
    }
    if (builder->failure == AVER_OK) {
        builder_alternative(builder, rule, sequence->items, sequence->count);
    }
}

void aver_grammar_rule_items(aver_grammar_builder *builder, uint32_t rule,
                             const aver_grammar_item *items, size_t count)
{
    if (builder->failure == AVER_OK) {
        builder_alternative(builder, rule, items, count);
    }
}

void aver_grammar_put(aver_grammar_sequence *sequence, aver_grammar_item item)
{
    if (sequence->count >= AVER_GRAMMAR_SEQUENCE_MAX) {
        sequence->failed = true;
        return;
    }
    sequence->items[sequence->count++] = item;
}

void aver_grammar_put_rule(aver_grammar_sequence *sequence, uint32_t rule)
{
    aver_grammar_put(sequence, (aver_grammar_item){true, rule});
}

void aver_grammar_put_bytes(aver_grammar_sequence *sequence, aver_view bytes)
{
    for (size_t i = 0; i < bytes.size && !sequence->failed; i++) {
        aver_grammar_put(sequence, (aver_grammar_item){false, bytes.data[i]});
    }
}

void aver_grammar_put_text(aver_grammar_sequence *sequence, const char *text)
{
    aver_grammar_put_bytes(sequence, aver_view_text(text));
}

aver_grammar_item aver_grammar_group(aver_grammar_builder *builder,
                                     const aver_grammar_sequence *sequence)
{
    uint32_t rule = aver_grammar_rule(builder);
    aver_grammar_rule_add(builder, rule, sequence);
    return (aver_grammar_item){true, rule};
}

aver_grammar_item aver_grammar_literal(aver_grammar_builder *builder, aver_view bytes)
{
    uint32_t rule = aver_grammar_rule(builder);
    uint32_t part = rule;
    /* Long ones in parts, each of which ends in a reference to the next. */
    for (size_t at = 0; builder->failure == AVER_OK;) {
        aver_grammar_item items[AVER_GRAMMAR_SEQUENCE_MAX];
        size_t count = 0;
        while (at < bytes.size && count < AVER_GRAMMAR_SEQUENCE_MAX - 1) {
            items[count++] = (aver_grammar_item){false, bytes.data[at++]};
        }
        uint32_t next = at < bytes.size ? aver_grammar_rule(builder) : 0;
        if (at < bytes.size) {
            items[count++] = (aver_grammar_item){true, next};
        }
        if (builder->failure == AVER_OK) {
            builder_alternative(builder, part, items, count);
        }
        if (at >= bytes.size) {
            break;
        }
        part = next;
    }
    return (aver_grammar_item){true, rule};
}

/* item, and then what follows or nothing more. */
static aver_grammar_item builder_optional(aver_grammar_builder *builder, aver_grammar_item item,
                                          const aver_grammar_item *after)
{
    uint32_t rule = aver_grammar_rule(builder);
    aver_grammar_item items[2] = {item, {false, 0}};
    if (after != NULL) {
        items[1] = *after;
    }
    if (builder->failure == AVER_OK) {
        builder_alternative(builder, rule, items, after != NULL ? 2 : 1);
        builder_alternative(builder, rule, items, 0);
    }
    return (aver_grammar_item){true, rule};
}

static aver_grammar_item builder_any_number(aver_grammar_builder *builder, aver_grammar_item item)
{
    uint32_t rule = aver_grammar_rule(builder);
    aver_grammar_item items[2] = {item, {true, rule}};
    if (builder->failure == AVER_OK) {
        builder_alternative(builder, rule, items, 2);
        builder_alternative(builder, rule, items, 0);
    }
    return (aver_grammar_item){true, rule};
}

aver_grammar_item aver_grammar_repeat(aver_grammar_builder *builder, aver_grammar_item item,
                                      uint32_t min, uint32_t max)
{
    if (max != AVER_GRAMMAR_NO_MAX && max > AVER_GRAMMAR_RULES_MAX) {
        max = AVER_GRAMMAR_NO_MAX;
    }
    aver_grammar_item tail = {true, 0};
    bool has_tail = false;
    if (max == AVER_GRAMMAR_NO_MAX) {
        tail = builder_any_number(builder, item);
        has_tail = true;
    }
    for (uint32_t i = min; max != AVER_GRAMMAR_NO_MAX && i < max && builder->failure == AVER_OK;
         i++) {
        tail = builder_optional(builder, item, has_tail ? &tail : NULL);
        has_tail = true;
    }
    /* The copies that must be there, each followed by the rest. */
    uint32_t left = min;
    while (left > 0 && builder->failure == AVER_OK) {
        uint32_t rule = aver_grammar_rule(builder);
        aver_grammar_item items[2] = {item, tail};
        if (builder->failure == AVER_OK) {
            builder_alternative(builder, rule, items, has_tail ? 2 : 1);
        }
        tail = (aver_grammar_item){true, rule};
        has_tail = true;
        left--;
    }
    if (!has_tail) {
        tail = (aver_grammar_item){true, aver_grammar_rule(builder)};
        aver_grammar_rule_items(builder, tail.value, NULL, 0);
    }
    return tail;
}
