/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_GRAMMAR_JSON_H
#define AVER_ENGINE_GRAMMAR_JSON_H

/*
 * grammar_json: the parts that JSON texts are made of. What they allow is read by any strict
 * parser: no NUL, no half surrogate, numbers that fit 64 bits and doubles.
 */

#include "engine/grammar_build.h"

/* At most one blank, or a line break and at most 20 blanks. */
aver_grammar_item aver_grammar_json_space(aver_grammar_builder *builder);
/* One character of a string, plain or escaped: one of the ranges, or one of none of them. */
aver_grammar_item aver_grammar_json_char(aver_grammar_builder *builder,
                                         const aver_grammar_range *ranges, size_t count,
                                         bool negate);
/* Any character of a string. */
aver_grammar_item aver_grammar_json_any_char(aver_grammar_builder *builder);
/* A whole string of so many characters. */
aver_grammar_item aver_grammar_json_string(aver_grammar_builder *builder, uint32_t min,
                                           uint32_t max);
aver_grammar_item aver_grammar_json_number(aver_grammar_builder *builder, bool integer);
/* least <= most, both of at most 15 digits. With fractions: only such as lie between. */
aver_grammar_item aver_grammar_json_between(aver_grammar_builder *builder, int64_t least,
                                            int64_t most, bool fractions);
/* Any value; any object. */
aver_grammar_item aver_grammar_json_value(aver_grammar_builder *builder,
                                          aver_grammar_item *ret_object);

/*
 * The inside of strings that match a pattern of ECMA-262: alternatives, groups, classes, bounded
 * and unbounded repetition, \d \w \s and their opposites; anchors at the ends of alternatives only.
 * UNSUPPORTED, FORMAT or LIMIT with words.
 */
AVER_MUST_USE aver_err aver_grammar_pattern_read(aver_grammar_builder *builder, aver_view pattern,
                                                 aver_grammar_item *ret_item,
                                                 char ret_why[AVER_GRAMMAR_WHY_BYTES]);

#endif
