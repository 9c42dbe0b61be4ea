/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/verify.h"

#include "aver/stream.h"

#include <stdlib.h>
#include <string.h>

static aver_transcript capsule_transcript(const aver_capsule *capsule)
{
    return (aver_transcript){.salt = capsule->has_salt ? capsule->salt : NULL,
                             .enc = capsule->has_enc ? capsule->enc : NULL,
                             .has_request = capsule->has_request,
                             .has_response = capsule->has_response,
                             .has_tokens = capsule->has_tokens,
                             .request = capsule->request,
                             .response = capsule->response,
                             .tokens = capsule->tokens};
}

/* Fills in the tree over the saved events. */
static void capsule_stream(const aver_receipt *receipt, aver_transcript *transcript)
{
    if (receipt->has_stream && transcript->has_response) {
        transcript->streamed = true;
        transcript->events_broken =
            aver_stream_tree(transcript->response, UINT64_MAX, &transcript->events_count,
                             transcript->events_root) != AVER_OK;
    }
}

static aver_err capsule_judge(const aver_capsule *capsule, const aver_verify_context *context,
                              aver_verdict *verdict, aver_judged *judged, aver_receipt *ret_receipt)
{
    aver_transcript transcript = capsule_transcript(capsule);
    bool readable = false;
    if (capsule->receipt.size) {
        aver_err err = aver_receipt_decode_unverified(capsule->receipt, ret_receipt);
        if (err == AVER_E_NOMEM) {
            return err;
        }
        readable = err == AVER_OK;
    }
    /* The receipt's own word about its time is judged with the rest: evidence must have been young
     * then. */
    uint64_t issued_ms = ret_receipt->issued_at_ms;
    aver_err err = aver_verify_bundle_at(capsule->bundle, context, readable ? &issued_ms : NULL,
                                         verdict, judged);
    if (err != AVER_OK) {
        return err;
    }
    if (capsule->receipt.size == 0) {
        return aver_verify_cut(capsule->opening, capsule->head, judged, &transcript, context,
                               verdict);
    }
    if (readable) {
        capsule_stream(ret_receipt, &transcript);
    }
    return aver_verify_receipt(capsule->receipt, judged, &transcript, context, verdict,
                               ret_receipt);
}

aver_err aver_verify_capsule(aver_view bytes, const aver_verify_context *context,
                             aver_verdict *verdict, aver_receipt *ret_receipt)
{
    memset(ret_receipt, 0, sizeof *ret_receipt);
    aver_capsule capsule;
    aver_err err = aver_capsule_decode(bytes, &capsule);
    if (err == AVER_E_NOMEM) {
        return err;
    }
    if (err != AVER_OK) {
        aver_verdict_add(verdict, "capsule.format", AVER_CHECK_FAIL, "the capsule is %s",
                         aver_err_text(err));
        return AVER_OK;
    }
    aver_verdict_add(verdict, "capsule.format", AVER_CHECK_PASS, "%zu bytes", bytes.size);
    aver_judged *judged = malloc(sizeof *judged);
    if (!judged) {
        return AVER_E_NOMEM;
    }
    aver_verify_context offline = *context;
    offline.use = AVER_USE_CAPSULE;
    err = capsule_judge(&capsule, &offline, verdict, judged, ret_receipt);
    free(judged);
    return err;
}
