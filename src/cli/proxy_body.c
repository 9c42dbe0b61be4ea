/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/proxy_body.h"

#include "codec/json.h"
#include "codec/text.h"

#include <stdio.h>
#include <string.h>

/* The member "aver" needs room in what a node takes. */
#define BODY_BYTES_MAX   (AVER_QUESTION_BODY_BYTES_MAX - 2048u)
#define BODY_CHOICES_MAX 1024

/* One body while it is read. */
typedef struct body_run {
    const aver_proxy_claims *claims;
    json_t *json;
    aver_question_claims own; /* as they will be sent */
    aver_proxy_refusal *refusal;
} body_run;

static aver_err body_refuse(aver_proxy_refusal *refusal, uint32_t status, const char *code,
                            const char *param, const char *message)
{
    *refusal = (aver_proxy_refusal){.status = status, .code = code, .param = param};
    (void)snprintf(refusal->message, sizeof refusal->message, "%s", message);
    return AVER_E_FORMAT;
}

static aver_err body_take_nonce(body_run *run, const json_t *value)
{
    const char *text = json_string_value(value);
    if (text == NULL || aver_hex_decode(aver_view_text(text), run->own.nonce, 32) != AVER_OK) {
        return body_refuse(run->refusal, 400, "invalid_value", "aver.nonce",
                           "aver.nonce must be 64 hex digits.");
    }
    return AVER_OK;
}

static aver_err body_take_deadline(body_run *run, const json_t *value)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return body_refuse(run->refusal, 400, "invalid_value", "aver.deadline_ms",
                           "aver.deadline_ms must be a whole number of milliseconds.");
    }
    run->own.deadline_ms = (uint64_t)json_integer_value(value);
    return AVER_OK;
}

static aver_err body_same_text(const body_run *run, const json_t *value, const char *wanted,
                               uint32_t status, const char *code, const char *param)
{
    const char *text = json_string_value(value);
    if (text == NULL || strcmp(text, wanted) != 0) {
        return body_refuse(run->refusal, status, code, param,
                           "This is not what the proxy verified, or what was asked for.");
    }
    return AVER_OK;
}

static aver_err body_same_digest(const body_run *run, const json_t *value,
                                 const uint8_t digest[static 32], const char *code,
                                 const char *param)
{
    char hex[65];
    aver_hex_encode(aver_view_make(digest, 32), hex);
    return body_same_text(run, value, hex, 409, code, param);
}

/* One member of the client's own "aver". */
static aver_err body_take_claim(body_run *run, const char *name, const json_t *value)
{
    const aver_question_claims *base = &run->claims->base;
    if (strcmp(name, "nonce") == 0) {
        return body_take_nonce(run, value);
    }
    if (strcmp(name, "deadline_ms") == 0) {
        return body_take_deadline(run, value);
    }
    if (strcmp(name, "method") == 0) {
        return body_same_text(run, value, "POST", 400, "route_mismatch", "aver.method");
    }
    if (strcmp(name, "path") == 0) {
        return body_same_text(run, value, run->claims->path, 400, "route_mismatch", "aver.path");
    }
    if (strcmp(name, "keyset") == 0) {
        return body_same_digest(run, value, base->keyset_digest, "wrong_keyset", "aver.keyset");
    }
    if (strcmp(name, "evidence") == 0) {
        return body_same_digest(run, value, base->evidence_digest, "unknown_evidence",
                                "aver.evidence");
    }
    return body_refuse(run->refusal, 400, "unknown_parameter", "aver",
                       "The member aver has a member that is not known here.");
}

/* Reads the client's own member, and takes it out of the document. */
static aver_err body_take_claims(body_run *run)
{
    json_t *claims = json_object_get(run->json, "aver");
    const char *name;
    json_t *value;
    if (!json_is_object(claims)) {
        return body_refuse(run->refusal, 400, "invalid_value", "aver",
                           "The member aver must be an object.");
    }
    json_object_foreach(claims, name, value)
    {
        aver_err err = body_take_claim(run, name, value);
        if (err != AVER_OK) {
            return err;
        }
    }
    (void)json_object_del(run->json, "aver");
    return AVER_OK;
}

static void body_read_facts(const body_run *run, aver_proxy_body *ret_facts)
{
    const json_t *model = json_object_get(run->json, "model");
    const json_t *choices = json_object_get(run->json, "n");
    const json_t *seed = json_object_get(run->json, "seed");
    *ret_facts = (aver_proxy_body){.choices = 1};
    if (json_is_string(model) && json_string_length(model) < sizeof ret_facts->model) {
        (void)snprintf(ret_facts->model, sizeof ret_facts->model, "%s", json_string_value(model));
    }
    ret_facts->stream = json_is_true(json_object_get(run->json, "stream"));
    if (json_is_integer(choices) && json_integer_value(choices) > 0 &&
        json_integer_value(choices) <= BODY_CHOICES_MAX) {
        ret_facts->choices = (uint32_t)json_integer_value(choices);
    }
    if (json_is_integer(seed) && json_integer_value(seed) >= 0) {
        ret_facts->has_seed = true;
        ret_facts->seed = (uint64_t)json_integer_value(seed);
    }
    memcpy(ret_facts->nonce, run->own.nonce, sizeof ret_facts->nonce);
}

static void body_put_member(const body_run *run, bool first, aver_buf *out)
{
    const aver_question_claims *own = &run->own;
    aver_buf_append_format(out, "%s\"aver\":{\"method\":\"POST\",\"path\":", first ? "" : ",");
    aver_json_append_string(out, aver_view_text(run->claims->path));
    aver_buf_append_text(out, ",\"keyset\":\"");
    aver_hex_append(out, AVER_VIEW_OF(own->keyset_digest));
    aver_buf_append_text(out, "\",\"evidence\":\"");
    aver_hex_append(out, AVER_VIEW_OF(own->evidence_digest));
    aver_buf_append_text(out, "\",\"nonce\":\"");
    aver_hex_append(out, AVER_VIEW_OF(own->nonce));
    aver_buf_append_format(out, "\",\"deadline_ms\":%llu}}", (unsigned long long)own->deadline_ms);
}

/* The client's bytes up to the bracket that closes the object, which is the last that counts. */
static void body_put_verbatim(const body_run *run, aver_view body, aver_buf *out)
{
    while (body.size > 0 && body.data[body.size - 1] != '}') {
        body.size--;
    }
    aver_buf_append(out, aver_view_slice(body, 0, body.size - 1));
    body_put_member(run, json_object_size(run->json) == 0, out);
}

static int body_put_piece(const char *bytes, size_t size, void *context)
{
    aver_buf_append(context, aver_view_make(bytes, size));
    return 0;
}

/* Without the client's own member, its other members in their order. */
static void body_put_anew(const body_run *run, aver_buf *out)
{
    if (json_dump_callback(run->json, body_put_piece, out, JSON_COMPACT) != 0) {
        out->failure = AVER_E_NOMEM;
        return;
    }
    if (aver_buf_status(out) != AVER_OK) {
        return;
    }
    out->size--;
    body_put_member(run, json_object_size(run->json) == 0, out);
}

static aver_err body_parse(aver_view body, aver_proxy_refusal *refusal, json_t **ret_json)
{
    char why[AVER_JSON_WHY_BYTES] = "";
    if (body.size > BODY_BYTES_MAX) {
        (void)body_refuse(refusal, 413, NULL, NULL, "The body is larger than allowed.");
        return AVER_E_LIMIT;
    }
    aver_err err = aver_json_parse(body, BODY_BYTES_MAX, ret_json, why);
    if (err == AVER_E_FORMAT || err == AVER_E_LIMIT) {
        return body_refuse(refusal, 400, "invalid_json", NULL, why);
    }
    if (err == AVER_OK && !json_is_object(*ret_json)) {
        json_decref(*ret_json);
        return body_refuse(refusal, 400, "invalid_json", NULL, "The body must be an object.");
    }
    return err;
}

aver_err aver_proxy_body_make(aver_view body, const aver_proxy_claims *claims, aver_buf *ret_body,
                              aver_proxy_body *ret_facts, aver_proxy_refusal *ret_refusal)
{
    body_run run = {.claims = claims, .own = claims->base, .refusal = ret_refusal};
    aver_proxy_body facts;
    aver_buf out;
    aver_err err = body_parse(body, ret_refusal, &run.json);
    if (err != AVER_OK) {
        return err;
    }
    aver_buf_init(&out, AVER_QUESTION_BODY_BYTES_MAX);
    bool anew = json_object_get(run.json, "aver") != NULL;
    if (anew) {
        err = body_take_claims(&run);
    }
    if (err == AVER_OK) {
        body_read_facts(&run, &facts);
        if (anew) {
            body_put_anew(&run, &out);
        } else {
            body_put_verbatim(&run, body, &out);
        }
        aver_buf_append(ret_body, aver_buf_view(&out));
        err = aver_buf_status(&out) != AVER_OK ? aver_buf_status(&out) : aver_buf_status(ret_body);
        if (err == AVER_E_LIMIT) {
            (void)body_refuse(ret_refusal, 413, NULL, NULL, "The body is larger than allowed.");
        }
    }
    if (err == AVER_OK) {
        *ret_facts = facts;
    }
    aver_buf_wipe(&out);
    aver_buf_deinit(&out);
    json_decref(run.json);
    return err;
}
