/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_LOAD_STREAM_H
#define AVER_TESTS_SUPPORT_LOAD_STREAM_H

/*
 * load_stream: one streamed answer, from the status line to the end of the chunked body, as the
 * load of benches needs it: HTTP, seal and events with as little work as there can be.
 */

#include "net/seal.h"

#include <stdbool.h>

#define LOAD_STREAM_LAST_BYTES 512

typedef struct load_stream {
    unsigned status; /* 0: no head yet */
    bool ended;      /* the last chunk is there */
    bool done;       /* [DONE] */
    bool has_text;   /* some text came */
    bool has_usage;
    bool has_receipt;
    uint64_t prompt_tokens, generated_tokens;
    aver_seal *seal;    /* owned; NULL: not sealed */
    aver_buf head;      /* bytes of the head so far */
    aver_buf lines;     /* text of an event that is not whole yet */
    aver_buf plain;     /* what one feed opened */
    char size_text[20]; /* of the chunk under way */
    size_t size_count;
    size_t chunk_left;
    bool in_chunk;
    bool chunk_tail; /* the line end behind a chunk is still to come */
    bool chunked;
    char last[LOAD_STREAM_LAST_BYTES]; /* the last line, for messages */
} load_stream;

void load_stream_init(load_stream *stream);
void load_stream_deinit(load_stream *stream);
/* For the next answer; takes seal. */
void load_stream_begin(load_stream *stream, aver_seal *seal);
void load_stream_end(load_stream *stream);
/* False for what is no answer of the expected form. */
bool load_stream_feed(load_stream *stream, aver_view bytes);

#endif
