/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/cbor.h"
#include "crypto/merkle.h"
#include "receipt/receipt_checks.h"

#include "aver/stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FORETOLD_TWO "the node signed two things: "

/* One comparison in progress: the tree grows with the heads, so that each event is hashed once. */
typedef struct foretold_run {
    const uint8_t *key;
    const aver_opening *said;
    bool has_events;
    aver_view events; /* not yet in the tree */
    aver_merkle tree;
    char *fault;
} foretold_run;

__attribute__((format(printf, 2, 3))) static void foretold_fault(foretold_run *run,
                                                                 const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(run->fault, AVER_FORETOLD_FAULT_BYTES, format, args);
    va_end(args);
}

/* True if it says nothing about the message. */
static bool foretold_broken(aver_err err)
{
    return err == AVER_E_NOMEM || err == AVER_E_CRYPTO;
}

static aver_err foretold_opening(foretold_run *run, aver_view message)
{
    aver_opening opening;
    const aver_opening *said = run->said;
    aver_err err = aver_opening_open(message, run->key, &opening);
    if (foretold_broken(err)) {
        return err;
    }
    if (err != AVER_OK) {
        foretold_fault(run, "the opening is not signed by the receipt key");
    } else if (memcmp(opening.receipt_id, said->receipt_id, 32) != 0) {
        foretold_fault(run, FORETOLD_TWO "the opening is of another receipt id");
    } else if (memcmp(opening.keyset_digest, said->keyset_digest, 32) != 0) {
        foretold_fault(run, FORETOLD_TWO "the opening names another keyset");
    } else if (memcmp(opening.incarnation, said->incarnation, 32) != 0) {
        foretold_fault(run, FORETOLD_TWO "the opening names another incarnation");
    } else if (memcmp(opening.request_commitment, said->request_commitment, 32) != 0) {
        foretold_fault(run, FORETOLD_TWO "the opening commits to another request");
    }
    return AVER_OK;
}

static void foretold_events(foretold_run *run, const aver_head *head)
{
    uint8_t root[32];
    if (head->size < run->tree.size) {
        foretold_fault(run, "a head of %llu events follows one of %llu",
                       (unsigned long long)head->size, (unsigned long long)run->tree.size);
        return;
    }
    size_t size = 1;
    while (run->tree.size < head->size && size > 0) {
        size = aver_stream_event_size(run->events);
        if (size > 0) {
            aver_merkle_append(&run->tree, aver_view_slice(run->events, 0, size));
            run->events = aver_view_slice(run->events, size, run->events.size - size);
        }
    }
    aver_merkle_root(&run->tree, root);
    if (run->tree.size < head->size) {
        foretold_fault(run, "a head is of %llu events, only %llu were received",
                       (unsigned long long)head->size, (unsigned long long)run->tree.size);
    } else if (memcmp(root, head->root, sizeof root) != 0) {
        foretold_fault(run, FORETOLD_TWO "the first %llu events are others than those of a head",
                       (unsigned long long)head->size);
    }
}

static aver_err foretold_head(foretold_run *run, aver_view message)
{
    aver_head head;
    aver_err err = aver_head_open(message, run->key, &head);
    if (foretold_broken(err)) {
        return err;
    }
    if (err != AVER_OK) {
        foretold_fault(run, "a head is not signed by the receipt key");
    } else if (memcmp(head.receipt_id, run->said->receipt_id, 32) != 0) {
        foretold_fault(run, FORETOLD_TWO "a head is of another receipt id");
    } else if (run->has_events) {
        foretold_events(run, &head);
    }
    return AVER_OK;
}

aver_err aver_check_foretold(const aver_judged *judged, const aver_transcript *transcript,
                             const aver_opening *said, char ret_fault[AVER_FORETOLD_FAULT_BYTES])
{
    foretold_run run = {.key = judged->keyset.keys[AVER_ROLE_RECEIPT].bytes,
                        .said = said,
                        .has_events = transcript->has_response,
                        .events = transcript->response,
                        .fault = ret_fault};
    aver_err err = AVER_OK;
    aver_merkle_init(&run.tree);
    ret_fault[0] = '\0';
    if (judged->parsed && transcript->opening.size) {
        err = foretold_opening(&run, transcript->opening);
    }
    aver_cbor_cursor cursor = aver_cbor_open(transcript->heads, 0);
    aver_view rest = judged->parsed ? transcript->heads : (aver_view){0};
    while (err == AVER_OK && ret_fault[0] == '\0' && rest.size) {
        aver_view head;
        if (aver_cbor_skip(&cursor, &head) == AVER_OK) {
            err = foretold_head(&run, head);
            rest = aver_view_slice(rest, head.size, rest.size - head.size);
        } else {
            foretold_fault(&run, "a head cannot be read");
        }
    }
    return err;
}
