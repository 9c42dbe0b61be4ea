/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_SPEECH_NATIVE_H
#define AVER_ENGINE_SPEECH_NATIVE_H

/*
 * speech_native: how models whose template knows tools call them, as llama-common learns it from
 * the template, behind a C face. No exception leaves it. What it is given to parse is bounded by
 * its caller in size; how deep brackets nest, by itself.
 */

#include "aver/bytes.h"

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AVER_NATIVE_MARKS_MAX 8

/* What was learnt from a template. Threads: it is only read. */
typedef struct aver_native aver_native;
/* How the calls of one job look. Threads: it is only read. */
typedef struct aver_native_parser aver_native_parser;

typedef struct aver_native_need {
    const json_t *tools; /* as OpenAI has them */
    bool required;       /* a call must be made */
    bool parallel;       /* more than one may */
} aver_native_need;

typedef enum aver_native_outcome {
    AVER_NATIVE_NONE,    /* no calls begin so */
    AVER_NATIVE_IN_CALL, /* more must come */
    AVER_NATIVE_BETWEEN, /* no call is open; more may come */
    AVER_NATIVE_WHOLE,   /* this is all of it */
} aver_native_outcome;

/* One call. The views live until the function returns. */
typedef void aver_native_call_fn(aver_view name, aver_view arguments, void *context);

/* NULL: nothing could be learnt, or nothing of calls. The template is one that
 * aver_template_new has taken and that knows tools. */
aver_native *aver_native_new(const char *source, size_t size, const char *bos, const char *eos);
void aver_native_free(aver_native *native);

/* Texts of tokens that are part of calls, control tokens too: index counts from 0, empty ends. */
aver_view aver_native_preserved(const aver_native *native, size_t index);

/* NULL: no parser can be made for these tools. */
aver_native_parser *aver_native_parser_new(const aver_native *native, const aver_native_need *need);
void aver_native_parser_free(aver_native_parser *parser);
/* Texts with which calls begin; none: calls are found only in the whole text. */
size_t aver_native_marks(const aver_native_parser *parser,
                         aver_view ret_marks[AVER_NATIVE_MARKS_MAX]);
/* The grammar of the calls, in llama-common's notation; empty: none. *ret_lazy: it begins with a
 * mark; else with the prompt's end (*ret_before), which stands before the answer. */
aver_view aver_native_grammar(const aver_native_parser *parser, bool *ret_lazy,
                              aver_view *ret_before);
/* One that began with the last text parsed and is not whole: name empty if it is not whole. */
typedef struct aver_native_part {
    aver_buf *name;      /* of the caller */
    aver_buf *arguments; /* of the caller; as far as they came */
    bool open;           /* there is one, or nothing but a mark yet */
} aver_native_part;

/*
 * Parses text, which begins with a mark or is the whole answer; ended: nothing follows it. Gives
 * the whole calls among those found, in order, and, if ended, what is plain text beside them. part
 * (NULL: not wanted): what is open in the end, if the text has not ended.
 */
aver_native_outcome aver_native_parse(const aver_native_parser *parser, aver_view text, bool ended,
                                      aver_native_call_fn *on_call, void *context, aver_buf *rest,
                                      aver_native_part *part);

#ifdef __cplusplus
}
#endif

#endif
