/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/compare.h"
#include "attest/family.h"
#include "attest/foreign_aci.h"
#include "codec/jcs.h"
#include "codec/text.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"

#include <string.h>

/*
 * The receipt of one request:
 *
 *   {"api_version":"aci/1","workload_keyset_digest":"sha256:hex","served_at":N,"key_id":text,
 *    "event_log":[{"type":"request.received","body_hash":"sha256:hex"},...],"signature":hex,...}
 *
 * signature is Ed25519 over the canonical text of the document without it, by the key of that
 * key_id in the keyset. The session that an aggregator's event "upstream.verified" names is a
 * document of its own: session_id = SHA-256(canonical session).
 */
enum { ACI_EVENTS_MAX = 256 };

/* The only event of that type; NULL where there is none or more than one. */
static const json_t *aci_event(const json_t *receipt, const char *type)
{
    const json_t *log = json_object_get(receipt, "event_log");
    const json_t *found = NULL;
    for (size_t i = 0; i < json_array_size(log); i++) {
        const json_t *event = json_array_get(log, i);
        if (aver_view_equal_text(aver_foreign_text(event, "type"), type)) {
            if (found != NULL) {
                return NULL;
            }
            found = event;
        }
    }
    return found;
}

static bool aci_body(const json_t *receipt, const char *type, uint8_t ret_digest[static 32])
{
    const json_t *event = aci_event(receipt, type);
    return event != NULL && aver_foreign_digest(aver_foreign_text(event, "body_hash"), ret_digest);
}

bool aver_aci_receipt_sound(const aver_foreign_work *work, const char **ret_why)
{
    const json_t *receipt = work->message;
    const json_t *log = json_object_get(receipt, "event_log");
    const json_t *time = json_object_get(receipt, "served_at");
    uint8_t digest[64];
    const char *why = NULL;
    if (!aver_view_equal_text(aver_foreign_text(receipt, "api_version"), "aci/1")) {
        why = "the receipt is not of aci/1";
    } else if (!json_is_array(log) || json_array_size(log) == 0 ||
               json_array_size(log) > ACI_EVENTS_MAX ||
               !aver_view_equal_text(aver_foreign_text(json_array_get(log, 0), "type"),
                                     "request.received")) {
        why = "the receipt's events do not begin with the request";
    } else if (!aci_body(receipt, "request.received", digest) ||
               !aci_body(receipt, "response.returned", digest)) {
        why = "the receipt has not one hash of a request and one of a response";
    } else if (!aver_foreign_lower_hex(aver_foreign_text(receipt, "signature"), digest, 64) ||
               aver_foreign_text(receipt, "key_id").size == 0 || !json_is_integer(time)) {
        why = "the receipt lacks a signature, a key or a time of its form";
    } else if (work->session != NULL &&
               !aver_view_equal_text(aver_foreign_text(work->session, "api_version"), "aci/1")) {
        why = "the session is not of aci/1";
    }
    *ret_why = why;
    return why == NULL;
}

static void aci_receipt_told(aver_foreign_work *work, const aver_aci *aci)
{
    uint8_t named[32];
    bool same =
        aver_foreign_digest(aver_foreign_text(work->message, "workload_keyset_digest"), named) &&
        memcmp(named, aci->digest, sizeof named) == 0;
    aver_family_told(&work->judged->verdict, "aci.receipt", same, AVER_REASON_KEY_MISMATCH,
                     "it names this keyset", "it names another keyset than the report shows");
}

/* The receipt key of that name, where it is one for Ed25519. */
static bool aci_key(const aver_aci *aci, aver_view id, uint8_t ret_key[static 32])
{
    const json_t *list = json_object_get(aci->keyset, "receipt_signing_keys");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        if (aver_view_equal(aver_foreign_text(entry, "key_id"), id) &&
            aver_view_equal_text(aver_foreign_text(entry, "algo"), "ed25519")) {
            return aver_foreign_lower_hex(aver_foreign_text(entry, "public_key"), ret_key, 32);
        }
    }
    return false;
}

static aver_err aci_signed_text(json_t *receipt, aver_buf *ret_text)
{
    json_t *bare = json_copy(receipt);
    if (bare == NULL || json_object_del(bare, "signature") != 0) {
        json_decref(bare);
        return AVER_E_NOMEM;
    }
    aver_err err = aver_jcs_append(ret_text, bare);
    json_decref(bare);
    return err;
}

static aver_err aci_signature(aver_foreign_work *work, const aver_aci *aci)
{
    const char *name = "foreign.signature";
    aver_verdict *verdict = &work->judged->verdict;
    uint8_t key[32];
    uint8_t signature[64];
    aver_buf text;
    if (!aci_key(aci, aver_foreign_text(work->message, "key_id"), key)) {
        aver_verdict_fail(verdict, name, AVER_REASON_BAD_SIGNATURE,
                          "the keyset has no Ed25519 receipt key of that name");
        return AVER_OK;
    }
    aver_buf_init(&text, 2 * AVER_FOREIGN_FILE_BYTES_MAX);
    aver_err err = aci_signed_text(work->message, &text);
    if (err == AVER_OK && aver_foreign_hex(aver_foreign_text(work->message, "signature"), signature,
                                           sizeof signature)) {
        err = aver_ed25519_verify(key, aver_buf_view(&text), signature);
    }
    aver_buf_deinit(&text);
    if (err == AVER_OK) {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "Ed25519 by %s",
                         aver_short_of(AVER_VIEW_OF(key)).text);
    } else if (err == AVER_E_PROOF || err == AVER_E_FORMAT || err == AVER_E_LIMIT) {
        aver_verdict_fail(verdict, name, AVER_REASON_BAD_SIGNATURE,
                          "the signature is not that of %s over the receipt",
                          aver_short_of(AVER_VIEW_OF(key)).text);
        err = AVER_OK;
    }
    return err;
}

/* The last word on the upstream: a service may have tried several. NULL where there is none. */
static const json_t *aci_last_upstream(const json_t *receipt)
{
    const json_t *log = json_object_get(receipt, "event_log");
    const json_t *found = NULL;
    for (size_t i = 0; i < json_array_size(log); i++) {
        const json_t *event = json_array_get(log, i);
        if (aver_view_equal_text(aver_foreign_text(event, "type"), "upstream.verified")) {
            found = event;
        }
    }
    return found;
}

/* The event if it says that a session was verified, else NULL. */
static const json_t *aci_verified(const json_t *event)
{
    uint8_t id[32];
    bool verified = aver_view_equal_text(aver_foreign_text(event, "result"), "verified") &&
                    aver_foreign_lower_hex(aver_foreign_text(event, "session_id"), id, sizeof id);
    return verified ? event : NULL;
}

/* That the workload has no upstream is not bound to the evidence: what the receipt says counts. */
static void aci_upstream(aver_foreign_work *work, const aver_aci *aci, const json_t *last,
                         const json_t *verified)
{
    const char *name = "aci.upstream";
    aver_verdict *verdict = &work->judged->verdict;
    if (aci->direct && last == NULL) {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "the workload serves by itself");
    } else if (verified == NULL) {
        aver_verdict_fail(verdict, name, AVER_REASON_CHAIN_UNTRUSTED,
                          "the prompt went on to a service that was not verified");
    } else {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS,
                         "the workload says that it verified session %.16s…",
                         (const char *)aver_foreign_text(verified, "session_id").data);
    }
}

/* "data:TYPE;base64,TEXT" whose bytes have the digest that the session names. */
static aver_err aci_session_evidence(const json_t *session, bool *ret_same)
{
    const json_t *evidence = json_object_get(session, "evidence");
    aver_view data = aver_foreign_text(evidence, "data");
    static const char mark[] = ";base64,";
    size_t at = 0;
    uint8_t named[32];
    uint8_t found[32];
    while (at + sizeof mark - 1 <= data.size &&
           memcmp(data.data + at, mark, sizeof mark - 1) != 0) {
        at++;
    }
    at += sizeof mark - 1;
    *ret_same = false;
    if (at > data.size || !aver_foreign_digest(aver_foreign_text(evidence, "digest"), named)) {
        return AVER_OK;
    }
    aver_buf bytes;
    aver_buf_init(&bytes, AVER_FOREIGN_FILE_BYTES_MAX);
    aver_err err = aver_base64_decode(aver_view_slice(data, at, data.size - at), &bytes);
    if (err == AVER_OK) {
        aver_sha256_of(aver_buf_view(&bytes), found);
        *ret_same = memcmp(found, named, sizeof named) == 0;
    }
    aver_buf_deinit(&bytes);
    return err == AVER_E_NOMEM ? err : AVER_OK;
}

static aver_err aci_session_fault(const aver_foreign_work *work, const json_t *event,
                                  const char **ret_why)
{
    uint8_t named[32];
    uint8_t found[32];
    bool same = false;
    json_int_t served = json_integer_value(json_object_get(work->message, "served_at"));
    const json_t *from = json_object_get(work->session, "established_at");
    const json_t *to = json_object_get(work->session, "expires_at");
    aver_err err = aver_aci_digest(work->session, found);
    *ret_why = "it has no canonical text";
    if (err != AVER_OK) {
        return err == AVER_E_FORMAT ? AVER_OK : err;
    }
    err = aci_session_evidence(work->session, &same);
    if (err != AVER_OK) {
        return err;
    }
    if (!aver_foreign_lower_hex(aver_foreign_text(event, "session_id"), named, sizeof named) ||
        memcmp(named, found, sizeof named) != 0) {
        *ret_why = "it is not the one that the receipt names";
    } else if (!same) {
        *ret_why = "its evidence has not the digest that it names";
    } else if (!json_is_integer(from) || !json_is_integer(to) ||
               served < json_integer_value(from) || served > json_integer_value(to)) {
        *ret_why = "the answer was served outside its time";
    } else {
        *ret_why = NULL;
    }
    return AVER_OK;
}

static aver_err aci_session(aver_foreign_work *work, const json_t *event)
{
    const char *name = "aci.session";
    aver_verdict *verdict = &work->judged->verdict;
    const char *why = NULL;
    if (work->session == NULL || event == NULL) {
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "%s",
                         event == NULL ? "the receipt names none" : "no session was given");
        return AVER_OK;
    }
    aver_err err = aci_session_fault(work, event, &why);
    if (err == AVER_OK && why != NULL) {
        aver_verdict_fail(verdict, name, AVER_REASON_COLLATERAL_MISMATCH, "%s", why);
    } else if (err == AVER_OK) {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS,
                         "it is the one of the receipt; the evidence inside was not judged again");
    }
    return err;
}

aver_err aver_aci_receipt_judge(aver_foreign_work *work, const aver_aci *aci)
{
    const json_t *last = aci_last_upstream(work->message);
    const json_t *verified = last != NULL ? aci_verified(last) : NULL;
    uint8_t request[32] = {0};
    uint8_t response[32] = {0};
    aci_receipt_told(work, aci);
    aver_err err = aci_signature(work, aci);
    if (err != AVER_OK) {
        return err;
    }
    if (aci_body(work->message, "request.received", request) &&
        aci_body(work->message, "response.returned", response)) {
        aver_foreign_body_told(work, "foreign.request", work->input->request, request, "request");
        aver_foreign_body_told(work, "foreign.response", work->input->response, response,
                               "response");
    }
    aci_upstream(work, aci, last, verified);
    return aci_session(work, verified);
}
