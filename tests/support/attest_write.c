/* SPDX-License-Identifier: Apache-2.0 */
#include "support/attest_write.h"

#include "codec/json.h"
#include "codec/text.h"
#include "crypto/hash.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WRITE_JSON_BYTES_MAX = 1024 * 1024 };

static void must(bool good)
{
    if (!good) {
        (void)fputs("a case cannot be written\n", stderr);
        abort();
    }
}

static void put(json_t *object, const char *name, json_t *value)
{
    must(value != NULL && json_object_set_new(object, name, value) == 0);
}

static FILE *write_open(const char *folder, const char *name, const char *mode)
{
    char path[PATH_MAX];
    must(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
    FILE *file = fopen(path, mode);
    must(file != NULL);
    return file;
}

/* The name of a file that holds these bytes. */
static json_t *write_bytes(const char *folder, aver_view bytes)
{
    uint8_t digest[32];
    char name[65];
    aver_sha256_of(bytes, digest);
    aver_hex_encode(AVER_VIEW_OF(digest), name);
    FILE *file = write_open(folder, name, "wb");
    must(fwrite(bytes.data, 1, bytes.size, file) == bytes.size && fclose(file) == 0);
    return json_string(name);
}

static void write_one(json_t *files, const char *folder, const char *name, aver_view bytes)
{
    if (bytes.size > 0) {
        put(files, name, write_bytes(folder, bytes));
    }
}

static void write_list(json_t *files, const char *folder, const char *name, const aver_view *list,
                       size_t count)
{
    json_t *names = json_array();
    for (size_t i = 0; i < count; i++) {
        must(json_array_append_new(names, write_bytes(folder, list[i])) == 0);
    }
    if (count > 0) {
        put(files, name, names);
    } else {
        json_decref(names);
    }
}

static json_t *write_files(const char *folder, const aver_attest_input *input)
{
    json_t *files = json_object();
    put(files, "evidence", write_bytes(folder, input->evidence));
    write_one(files, folder, "leaf", input->leaf);
    write_one(files, folder, "chain", input->chain);
    write_one(files, folder, "collateral", input->collateral);
    write_one(files, folder, "key", input->key);
    write_list(files, folder, "crl", input->crls, input->crls_count);
    write_list(files, folder, "rim", input->rims, input->rims_count);
    write_list(files, folder, "roots", input->roots.given, input->roots.given_count);
    write_list(files, folder, "rim_roots", input->rim_roots.given, input->rim_roots.given_count);
    return files;
}

static json_t *write_statuses(uint32_t accepted)
{
    json_t *list = json_array();
    for (aver_tcb_status status = AVER_TCB_UP_TO_DATE; status < AVER_TCB_STATUS_COUNT; status++) {
        if ((accepted & AVER_TCB_SET(status)) != 0) {
            must(json_array_append_new(list, json_string(aver_tcb_status_text(status))) == 0);
        }
    }
    return list;
}

static json_t *write_params(const aver_attest_input *input)
{
    json_t *params = json_object();
    char nonce[2 * 256 + 1];
    put(params, "time", json_integer((json_int_t)input->time_s));
    put(params, "allow_debug", json_boolean(input->allow_debug));
    if (input->nonce.size > 0) {
        must(input->nonce.size <= 256);
        aver_hex_encode(input->nonce, nonce);
        put(params, "nonce", json_string(nonce));
    }
    if (input->accept_tcb != 0) {
        put(params, "accept_tcb", write_statuses(input->accept_tcb));
    }
    if (input->has_vmpl) {
        put(params, "vmpl", json_integer(input->vmpl));
    }
    if (input->evaluation_min != 0) {
        put(params, "evaluation_min", json_integer(input->evaluation_min));
    }
    if (input->require_revocation) {
        put(params, "require_revocation", json_true());
    }
    return params;
}

static json_t *write_claims(const aver_claims *claims)
{
    aver_buf text;
    json_t *fields = NULL;
    aver_buf_init(&text, WRITE_JSON_BYTES_MAX);
    aver_claims_json(claims, &text);
    must(aver_json_parse(aver_buf_view(&text), WRITE_JSON_BYTES_MAX, &fields, NULL) == AVER_OK);
    aver_buf_deinit(&text);
    return fields;
}

static json_t *write_expect(bool holds, const aver_verdict *verdict, const aver_claims *claims,
                            bool readable)
{
    json_t *expect = json_object();
    json_t *fails = json_object();
    put(expect, "verdict", json_string(holds ? "valid" : "invalid"));
    if (!holds) {
        put(expect, "reason", json_string(aver_reason_text(aver_verdict_reason(verdict))));
    }
    for (size_t i = 0; i < verdict->count; i++) {
        const aver_check *check = &verdict->checks[i];
        if (check->status == AVER_CHECK_FAIL) {
            put(fails, check->name, json_string(aver_reason_text(check->reason)));
        }
    }
    put(expect, "fails", fails);
    put(expect, "fields", readable ? write_claims(claims) : json_null());
    return expect;
}

/* Appends the entry to the list of cases, and drops it. */
static void write_entry(const char *folder, const char *list, json_t *entry)
{
    aver_buf text;
    aver_buf_init(&text, WRITE_JSON_BYTES_MAX);
    aver_json_append_ordered(&text, entry);
    aver_buf_append_byte(&text, '\n');
    must(aver_buf_status(&text) == AVER_OK);
    FILE *file = write_open(folder, list, "ab");
    must(fwrite(text.data, 1, text.size, file) == text.size && fclose(file) == 0);
    aver_buf_deinit(&text);
    json_decref(entry);
}

void attest_write(aver_family family, const aver_attest_input *input, const aver_verdict *verdict,
                  const aver_claims *claims, bool readable)
{
    static unsigned count;
    const char *folder = getenv("AVER_CASES");
    char id[64];
    if (folder == NULL) {
        return;
    }
    bool holds = readable && aver_attest_holds(family, input->signature_only, verdict);
    json_t *entry = json_object();
    (void)snprintf(id, sizeof id, "%s/made-%ld-%u", aver_family_name(family), (long)getpid(),
                   count++);
    put(entry, "id", json_string(id));
    put(entry, "family", json_string(aver_family_name(family)));
    put(entry, "kind", json_string("synthetic"));
    put(entry, "files", write_files(folder, input));
    put(entry, "params", write_params(input));
    if (input->signature_only) {
        put(entry, "level", json_string("signature_only"));
    }
    put(entry, "expect", write_expect(holds, verdict, claims, readable));
    write_entry(folder, "cases.jsonl", entry);
}

static json_t *write_hex32(const uint8_t *bytes)
{
    char hex[65];
    if (bytes == NULL) {
        return json_null();
    }
    aver_hex_encode(aver_view_make(bytes, 32), hex);
    return json_string(hex);
}

void attest_write_capsule(forge_state *forge)
{
    static aver_verdict verdict;
    const char *folder = getenv("AVER_CASES");
    const aver_verify_context *context = &forge->context;
    if (folder == NULL) {
        return;
    }
    aver_buf policy;
    json_t *entry = json_object();
    json_t *fails = json_array();
    aver_buf_init(&policy, AVER_POLICY_BYTES_MAX);
    forge_policy_text(&policy);
    if (forge->edits.edit_policy != NULL) {
        forge->edits.edit_policy(&policy);
    }
    aver_verdict_init(&verdict);
    put(entry, "accepted", json_boolean(forge_judge_capsule(forge, &verdict)));
    for (size_t i = 0; i < verdict.count; i++) {
        if (verdict.checks[i].status == AVER_CHECK_FAIL) {
            must(json_array_append_new(fails, json_string(verdict.checks[i].name)) == 0);
        }
    }
    put(entry, "fails", fails);
    put(entry, "simulated", json_boolean(verdict.simulated));
    put(entry, "capsule", write_bytes(folder, aver_buf_view(&forge->capsule)));
    put(entry, "policy", write_bytes(folder, aver_buf_view(&policy)));
    write_list(entry, folder, "roots", context->roots.test_roots.given,
               context->roots.test_roots.given_count);
    put(entry, "now_ms", json_integer((json_int_t)context->now_ms));
    put(entry, "model_root", write_hex32(context->model_root));
    put(entry, "node_id", write_hex32(context->node_id));
    write_entry(folder, "capsules.jsonl", entry);
    aver_buf_deinit(&policy);
}
