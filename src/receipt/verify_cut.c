/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/verify.h"

#include "attest/compare.h"
#include "aver/stream.h"
#include "base/secret.h"
#include "receipt/receipt_checks.h"

#include <string.h>

/* What was signed before the cut, as far as its signatures hold. */
typedef struct cut_state {
    const aver_judged *judged;
    aver_verdict *verdict;
    bool has_opening, has_head;
    aver_opening opening;
    aver_head head;
} cut_state;

/* Adds receipt.signature for opening and head together. */
static aver_err cut_judge_signatures(cut_state *cut, aver_view opening, aver_view head)
{
    const uint8_t *key = cut->judged->keyset.keys[AVER_ROLE_RECEIPT].bytes;
    const char *fault = NULL;
    aver_err err = aver_opening_open(opening, key, &cut->opening);
    if (err == AVER_E_NOMEM || err == AVER_E_CRYPTO) {
        return err;
    }
    cut->has_opening = err == AVER_OK;
    if (!cut->has_opening) {
        fault = "the opening is not signed by the receipt key";
    } else if (head.size) {
        err = aver_head_open(head, key, &cut->head);
        if (err == AVER_E_NOMEM || err == AVER_E_CRYPTO) {
            return err;
        }
        if (err != AVER_OK) {
            fault = "the head is not signed by the receipt key";
        } else if (memcmp(cut->head.receipt_id, cut->opening.receipt_id, 32) != 0) {
            fault = "the head is of another answer";
        } else {
            cut->has_head = true;
        }
    }
    aver_verdict_add(cut->verdict, "receipt.signature", fault ? AVER_CHECK_FAIL : AVER_CHECK_PASS,
                     "%s",
                     fault       ? fault
                     : head.size ? "opening and head"
                                 : "opening");
    return AVER_OK;
}

/* Adds receipt.stream; *ret_proven is the number of events that the head covers. */
static aver_err cut_judge_stream(const cut_state *cut, const aver_transcript *transcript,
                                 uint64_t *ret_proven)
{
    uint64_t count = 0;
    uint8_t root[32];
    char fault[AVER_FORETOLD_FAULT_BYTES];
    aver_err err = aver_check_foretold(cut->judged, transcript, &cut->opening, fault);
    if (err != AVER_OK) {
        return err;
    }
    if (fault[0] != '\0') {
        aver_verdict_add(cut->verdict, "receipt.stream", AVER_CHECK_FAIL, "%s", fault);
        return AVER_OK;
    }
    if (!cut->has_head) {
        aver_verdict_add(cut->verdict, "receipt.stream", AVER_CHECK_SKIP,
                         "no head was signed before the cut");
        return AVER_OK;
    }
    if (!transcript->has_response) {
        aver_verdict_add(cut->verdict, "receipt.stream", AVER_CHECK_SKIP,
                         "the events are not here to compare");
        return AVER_OK;
    }
    err = aver_stream_tree(transcript->response, cut->head.size, &count, root);
    if (err == AVER_OK && count == cut->head.size &&
        aver_equal_secret(AVER_VIEW_OF(root), AVER_VIEW_OF(cut->head.root))) {
        aver_verdict_add(cut->verdict, "receipt.stream", AVER_CHECK_PASS,
                         "the first %llu events are those signed", (unsigned long long)count);
        *ret_proven = count;
    } else {
        aver_verdict_add(cut->verdict, "receipt.stream", AVER_CHECK_FAIL,
                         "the first %llu events are not those that were signed",
                         (unsigned long long)cut->head.size);
    }
    return AVER_OK;
}

static void cut_judge_opening(const cut_state *cut, const aver_transcript *transcript)
{
    const aver_opening *opening = &cut->opening;
    aver_verdict_compare(cut->verdict, "receipt.keyset", "keyset",
                         AVER_VIEW_OF(opening->keyset_digest),
                         AVER_VIEW_OF(cut->judged->keyset_digest), "the bundle");
    aver_verdict_compare(cut->verdict, "receipt.incarnation", "incarnation",
                         AVER_VIEW_OF(opening->incarnation),
                         AVER_VIEW_OF(cut->judged->keyset.incarnation), "the keyset");
    aver_check_request(cut->verdict, transcript, opening->request_commitment);
}

aver_err aver_verify_cut(aver_view opening, aver_view head, const aver_judged *judged,
                         const aver_transcript *transcript, const aver_verify_context *context,
                         aver_verdict *verdict)
{
    (void)context; /* a cut stream is refused under every policy */
    cut_state cut = {.judged = judged, .verdict = verdict};
    uint64_t proven = 0;
    if (opening.size == 0) {
        aver_verdict_add(verdict, "receipt.format", AVER_CHECK_FAIL,
                         "there is no receipt, and nothing was signed before the end");
        aver_verdict_skip_all(verdict, aver_receipt_check_names, "there is no receipt");
        return AVER_OK;
    }
    if (judged->parsed) {
        aver_err err = cut_judge_signatures(&cut, opening, head);
        if (err != AVER_OK) {
            return err;
        }
    }
    if (cut.has_opening) {
        cut_judge_opening(&cut, transcript);
        aver_err err = cut_judge_stream(&cut, transcript, &proven);
        if (err != AVER_OK) {
            return err;
        }
    }
    aver_verdict_add(verdict, "receipt.format", AVER_CHECK_FAIL,
                     "cut stream: proven up to event %llu", (unsigned long long)proven);
    aver_verdict_skip_all(verdict, aver_receipt_check_names,
                          "the stream was cut before its receipt");
    return AVER_OK;
}
