/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/text.h"
#include "engine/job_parse.h"

#include <string.h>

/* 2^53: beyond it JSON numbers are not exact everywhere. */
#define DEADLINE_MS_MAX ((json_int_t)1 << 53)

static aver_err claim_digest(job_parse *parse, const char *param, const json_t *value,
                             uint8_t digest[static 32], bool *ret_has)
{
    aver_view text = aver_view_make(json_string_value(value), json_string_length(value));
    if (!json_is_string(value) || aver_hex_decode(text, digest, 32) != AVER_OK) {
        return aver_job_refuse_value(parse, param, "64 hexadecimal digits");
    }
    *ret_has = true;
    return AVER_OK;
}

static aver_err claim_text(job_parse *parse, const char *param, const json_t *value, char *text,
                           size_t size_max)
{
    size_t size = json_string_length(value);
    if (!json_is_string(value) || size == 0 || size >= size_max) {
        return aver_job_refuse_value(parse, param, "a short string");
    }
    memcpy(text, json_string_value(value), size + 1);
    return AVER_OK;
}

static aver_err claim_read(job_parse *parse, const char *key, const json_t *value)
{
    aver_job_claims *claims = &parse->job.claims;
    if (strcmp(key, "method") == 0) {
        return claim_text(parse, "aver.method", value, claims->method, sizeof(claims->method));
    }
    if (strcmp(key, "path") == 0) {
        return claim_text(parse, "aver.path", value, claims->path, sizeof(claims->path));
    }
    if (strcmp(key, "keyset") == 0) {
        return claim_digest(parse, "aver.keyset", value, claims->keyset_digest,
                            &claims->has_keyset);
    }
    if (strcmp(key, "nonce") == 0) {
        return claim_digest(parse, "aver.nonce", value, claims->nonce, &claims->has_nonce);
    }
    if (strcmp(key, "evidence") == 0) {
        return claim_digest(parse, "aver.evidence", value, claims->evidence_digest,
                            &claims->has_evidence);
    }
    if (strcmp(key, "deadline_ms") != 0) {
        return aver_job_refuse_unknown(parse, "aver.", key);
    }
    json_int_t deadline_ms = json_integer_value(value);
    if (!json_is_integer(value) || deadline_ms < 0 || deadline_ms >= DEADLINE_MS_MAX) {
        return aver_job_refuse_value(parse, "aver.deadline_ms", "an integer from 0 to 2^53 - 1");
    }
    claims->deadline_ms = (uint64_t)deadline_ms;
    claims->has_deadline = true;
    return AVER_OK;
}

aver_err aver_job_claims_read(job_parse *parse, const char *key, const json_t *value)
{
    aver_job_claims *claims = &parse->job.claims;
    if (!json_is_object(value)) {
        return aver_job_refuse_value(parse, key, "an object");
    }
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        aver_err err = claim_read(parse, name, member);
        if (err != AVER_OK) {
            return err;
        }
    }
    if ((claims->method[0] == '\0') != (claims->path[0] == '\0')) {
        return aver_job_refuse_value(parse, "aver.method", "given together with aver.path");
    }
    claims->has_method_path = claims->method[0] != '\0';
    claims->present = true;
    return AVER_OK;
}
