/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_GRAMMAR_SCHEMA_H
#define AVER_ENGINE_GRAMMAR_SCHEMA_H

/* grammar_schema: a JSON schema on its way to a grammar, as the files know it that read it. */

#include "engine/grammar_json.h"

#define AVER_SCHEMA_CHOICES_MAX 512 /* of enum, anyOf */

typedef struct schema_reader {
    aver_grammar_builder *builder;
    const json_t *root;
    json_t *references; /* pointer -> rule */
    size_t schemas_count;
    size_t depth; /* of schemas in one another, references followed */
    bool has_any;
    aver_grammar_item any, any_object, space;
    char *why;
} schema_reader;

/* Puts "schema: WORD WORDS" into the reader's why, and gives err. */
aver_err aver_schema_fail(schema_reader *reader, aver_err err, const char *word, const char *words);
/* The values of a schema within the one that is read. */
AVER_MUST_USE aver_err aver_schema_item(schema_reader *reader, const json_t *schema,
                                        aver_grammar_item *ret_item);
/* Makes reader->any and reader->any_object. */
void aver_schema_any(schema_reader *reader);
/* Two counts, 0 and AVER_GRAMMAR_NO_MAX where they are absent. */
AVER_MUST_USE aver_err aver_schema_range(schema_reader *reader, const json_t *schema,
                                         const char *min_keyword, const char *max_keyword,
                                         uint32_t most, uint32_t *ret_min, uint32_t *ret_max);
/* Alternatives of a rule: the values named by a schema, those of its type among them (NULL: any);
 * the arrays, the objects, the strings, the numbers that it allows. */
AVER_MUST_USE aver_err aver_schema_const(schema_reader *reader, const json_t *value,
                                         const json_t *type, uint32_t rule);
AVER_MUST_USE aver_err aver_schema_enum(schema_reader *reader, const json_t *values,
                                        const json_t *type, uint32_t rule);
AVER_MUST_USE aver_err aver_schema_string(schema_reader *reader, const json_t *schema,
                                          uint32_t rule);
AVER_MUST_USE aver_err aver_schema_number(schema_reader *reader, const json_t *schema, bool integer,
                                          uint32_t rule);
AVER_MUST_USE aver_err aver_schema_array(schema_reader *reader, const json_t *schema,
                                         uint32_t rule);
AVER_MUST_USE aver_err aver_schema_object(schema_reader *reader, const json_t *schema,
                                          uint32_t rule);

/* The pattern of a format that is kept. NULL: every other one is a note, as the standard has it. */
const char *aver_schema_format(const char *format);

#endif
