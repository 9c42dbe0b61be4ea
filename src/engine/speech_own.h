/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_SPEECH_OWN_H
#define AVER_ENGINE_SPEECH_OWN_H

/*
 * speech_own: tools for models whose template knows nothing of them (docs/protocol.md, Tools). The
 * prompt describes them in words; a model that calls answers with nothing but
 *
 *   {"tool_calls":[{"name":NAME,"arguments":{...}}, ...]}
 */

#include "aver/bytes.h"
#include "engine/grammar_build.h"

#include <jansson.h>

/* Messages in which tools (NULL: none), calls and results are plain text. New reference. */
AVER_MUST_USE aver_err aver_own_messages(const json_t *messages, const json_t *tools,
                                         json_t **ret_messages);

/* Reads an answer piece by piece. Threads: one owner. */
typedef enum aver_own_state {
    AVER_OWN_BEFORE = 0, /* nothing but white space so far, or part of what calls begin with */
    AVER_OWN_BETWEEN,    /* calls have begun; one may begin, or the list end */
    AVER_OWN_CALL,       /* in one */
    AVER_OWN_AFTER,      /* the list has ended; the object may */
    AVER_OWN_ENDED,      /* the object has ended */
    AVER_OWN_PLAIN,      /* no calls are in what follows */
} aver_own_state;

#define AVER_OWN_CALL_BYTES_MAX ((size_t)1024 * 1024)
/* More than this is held of no text: it is plain then. */
#define AVER_OWN_HELD_BYTES_MAX ((size_t)512 * 1024)

typedef struct aver_own_reader {
    const json_t *tools; /* borrowed */
    aver_own_state state;
    aver_buf begun; /* what was understood before the first call was whole */
    bool called;    /* one was */
    aver_buf held;  /* text not yet understood */
    size_t scanned; /* of it */
    size_t depth;   /* of brackets in the call */
    bool in_string, escaped;
    bool comma; /* BETWEEN: one may stand here */
} aver_own_reader;

typedef aver_err aver_own_call_fn(aver_view name, aver_view arguments, void *context);

void aver_own_init(aver_own_reader *reader, const json_t *tools);
void aver_own_deinit(aver_own_reader *reader);
/* Text goes to plain as soon as it is known to be none of a call; whole calls to on_call. */
AVER_MUST_USE aver_err aver_own_push(aver_own_reader *reader, aver_view text, aver_buf *plain,
                                     aver_own_call_fn *on_call, void *context);
/* At the end: what was held and is no call. */
AVER_MUST_USE aver_err aver_own_flush(aver_own_reader *reader, aver_buf *plain);
/* At an end by length, instead: what may be part of a call is no text. A call whose name is whole
 * goes to on_call with its arguments as far as they came. */
AVER_MUST_USE aver_err aver_own_cut(aver_own_reader *reader, aver_buf *plain,
                                    aver_own_call_fn *on_call, void *context);

/* The answers that call: of these tools (one or more), at most one call or any number. */
AVER_MUST_USE aver_err aver_own_grammar(aver_grammar_builder *builder, const json_t *tools,
                                        bool parallel, aver_grammar_item *ret_item,
                                        char ret_why[AVER_GRAMMAR_WHY_BYTES]);

#endif
