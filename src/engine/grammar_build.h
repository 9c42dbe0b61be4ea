/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_GRAMMAR_BUILD_H
#define AVER_ENGINE_GRAMMAR_BUILD_H

/*
 * grammar_build: a grammar under construction. A rule is one of its alternatives; an alternative is
 * a sequence of items; an item is one byte of a set, or a rule. Failures stick, so that a writer
 * may go on and ask once at the end; items made after a failure may be anything.
 *
 * grammar_text reads llama-common's notation of grammars into it, grammar_schema a JSON schema.
 */

#include "engine/grammar.h"

#include <jansson.h>

#define AVER_GRAMMAR_WHY_BYTES 160

typedef struct aver_grammar_item {
    bool is_rule;
    uint32_t value; /* of a rule or a set; sets 0 to 255 are the single bytes */
} aver_grammar_item;

#define AVER_GRAMMAR_BYTE(byte) ((aver_grammar_item){false, (uint8_t)(byte)})
#define AVER_GRAMMAR_RULE(rule) ((aver_grammar_item){true, (rule)})

/* What is written one item after the other, of bounded size. */
#define AVER_GRAMMAR_SEQUENCE_MAX 1024
typedef struct aver_grammar_sequence {
    aver_grammar_item items[AVER_GRAMMAR_SEQUENCE_MAX];
    size_t count;
    bool failed; /* too many items */
} aver_grammar_sequence;

typedef struct aver_grammar_range {
    uint32_t first, last; /* code points, last included */
} aver_grammar_range;

typedef struct aver_grammar_builder aver_grammar_builder;

AVER_MUST_USE aver_err aver_grammar_builder_new(aver_grammar_builder **ret_builder);
void aver_grammar_builder_free(aver_grammar_builder *builder);
/* AVER_OK, LIMIT or NOMEM. */
aver_err aver_grammar_builder_status(const aver_grammar_builder *builder);
void aver_grammar_fail(aver_grammar_builder *builder, aver_err err);
/* Consumes the builder's rules. LIMIT if the grammar runs away before its first byte, FORMAT if no
 * text is in it. */
AVER_MUST_USE aver_err aver_grammar_builder_finish(aver_grammar_builder *builder, uint32_t root,
                                                   aver_grammar **ret_grammar);

uint32_t aver_grammar_rule(aver_grammar_builder *builder); /* one without alternatives */
void aver_grammar_rule_add(aver_grammar_builder *builder, uint32_t rule,
                           const aver_grammar_sequence *sequence);
void aver_grammar_rule_items(aver_grammar_builder *builder, uint32_t rule,
                             const aver_grammar_item *items, size_t count);

void aver_grammar_put(aver_grammar_sequence *sequence, aver_grammar_item item);
void aver_grammar_put_rule(aver_grammar_sequence *sequence, uint32_t rule);
void aver_grammar_put_bytes(aver_grammar_sequence *sequence, aver_view bytes);
void aver_grammar_put_text(aver_grammar_sequence *sequence, const char *text);

/* One byte from first to last, last included. */
aver_grammar_item aver_grammar_bytes(aver_grammar_builder *builder, uint8_t first, uint8_t last);
/* A rule of bytes, as many as there are. */
aver_grammar_item aver_grammar_literal(aver_grammar_builder *builder, aver_view bytes);
/* One character of UTF-8 that is in one of the ranges, or in none of them. Surrogates are none. */
aver_grammar_item aver_grammar_class(aver_grammar_builder *builder,
                                     const aver_grammar_range *ranges, size_t count, bool negate);
/* UTF-8 of a code point; how many bytes. */
size_t aver_grammar_utf8_write(uint32_t point, uint8_t bytes[static 4]);
/* One alternative of this sequence alone, as one item. */
aver_grammar_item aver_grammar_group(aver_grammar_builder *builder,
                                     const aver_grammar_sequence *sequence);
/* From min times to max times; AVER_GRAMMAR_NO_MAX: any number. */
#define AVER_GRAMMAR_NO_MAX UINT32_MAX
aver_grammar_item aver_grammar_repeat(aver_grammar_builder *builder, aver_grammar_item item,
                                      uint32_t min, uint32_t max);

/* Reads a whole text of rules; *ret_root is the rule "root". FORMAT with words. */
AVER_MUST_USE aver_err aver_grammar_text_read(aver_grammar_builder *builder, aver_view text,
                                              uint32_t *ret_root,
                                              char ret_why[AVER_GRAMMAR_WHY_BYTES]);

/* The JSON values that a schema describes, as JSON text with little white space, members in the
 * schema's order. UNSUPPORTED, FORMAT or LIMIT with words that name the keyword. */
AVER_MUST_USE aver_err aver_grammar_schema_read(aver_grammar_builder *builder, const json_t *schema,
                                                aver_grammar_item *ret_item,
                                                char ret_why[AVER_GRAMMAR_WHY_BYTES]);

#endif
