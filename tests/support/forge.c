/* SPDX-License-Identifier: Apache-2.0 */
#include "support/forge.h"

#include "base/check.h"
#include "codec/text.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORGE_EVIDENCE_AGE_MS = 10000, FORGE_ANSWER_AGE_MS = 2000, FORGE_TOKENS = 4 };

static const char forge_request[] =
    "{\"messages\":[{\"content\":\"Tell a story.\",\"role\":\"user\"}],\"model\":\"story\"}";
static const char forge_config[] = "{\"n_ctx\":512}";

static const aver_platform *const forge_platforms[] = {&aver_platform_sim, NULL};

static void forge_must(aver_err err)
{
    AVER_ASSERT(err == AVER_OK);
}

void forge_bytes(const char *name, uint8_t ret_bytes[static 32])
{
    aver_sha256_tagged("aver test forge ", aver_view_text(name), (aver_view){0}, ret_bytes);
}

static aver_ed25519 *forge_key(const char *name)
{
    uint8_t seed[32];
    aver_ed25519 *key = NULL;
    forge_bytes(name, seed);
    forge_must(aver_ed25519_from_seed(seed, &key));
    return key;
}

void forge_sim_root(uint8_t ret_key[static 32])
{
    aver_ed25519 *key = forge_key("root");
    memcpy(ret_key, aver_ed25519_public(key), 32);
    aver_ed25519_free(key);
}

static void forge_put_hex(aver_buf *out, const char *name)
{
    uint8_t bytes[32];
    forge_bytes(name, bytes);
    aver_hex_append(out, AVER_VIEW_OF(bytes));
}

void forge_policy_text(aver_buf *out)
{
    uint8_t config[32];
    aver_config_digest(aver_view_text(forge_config), config);
    aver_buf_append_text(out, "{\"version\":1,\"name\":\"forge\",\"platforms\":[\"sim\"],"
                              "\"measurements\":[{\"platform\":\"sim\",\"program\":\"");
    forge_put_hex(out, "program");
    aver_buf_append_text(out, "\"}],\"models\":[\"");
    forge_put_hex(out, "model");
    aver_buf_append_text(out, "\"],\"configs\":[\"");
    aver_hex_append(out, AVER_VIEW_OF(config));
    aver_buf_append_text(
        out, "\"],\"max_evidence_age_s\":300,\"max_receipt_age_s\":300,\"min_tcb\":3}\n");
    forge_must(aver_buf_status(out));
}

void forge_init(forge_state *forge)
{
    memset(forge, 0, sizeof *forge);
    aver_buf *bufs[] = {&forge->keyset_bytes,  &forge->evidence,      &forge->bundle,
                        &forge->receipt_bytes, &forge->opening_bytes, &forge->head_bytes,
                        &forge->request,       &forge->response,      &forge->tokens,
                        &forge->config,        &forge->capsule};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) {
        aver_buf_init(bufs[i], AVER_CAPSULE_BYTES_MAX + 16);
    }
    forge->root_key = forge_key("root");
    forge->device_key = forge_key("device");
    forge->receipt_key = forge_key("receipt");
    forge_bytes("salt", forge->salt);
    forge_bytes("enc", forge->enc);
    forge_bytes("nonce", forge->nonce);
    forge_bytes("client nonce", forge->client_nonce);
    forge_bytes("tls", forge->tls_digest);
}

void forge_deinit(forge_state *forge)
{
    aver_buf *bufs[] = {&forge->keyset_bytes,  &forge->evidence,      &forge->bundle,
                        &forge->receipt_bytes, &forge->opening_bytes, &forge->head_bytes,
                        &forge->request,       &forge->response,      &forge->tokens,
                        &forge->config,        &forge->capsule};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) {
        aver_buf_deinit(bufs[i]);
    }
    aver_ed25519_free(forge->root_key);
    aver_ed25519_free(forge->device_key);
    aver_ed25519_free(forge->receipt_key);
    aver_policy_free(forge->policy);
    memset(forge, 0, sizeof *forge);
}

static void forge_put_key(aver_key *key, const uint8_t *bytes, uint8_t size)
{
    key->present = true;
    key->size = size;
    memcpy(key->bytes, bytes, size);
}

static void forge_put_model(aver_keyset_model *model, const char *name, const char *root_name)
{
    (void)snprintf(model->name, sizeof model->name, "%s", name);
    forge_bytes(root_name, model->root);
    forge_bytes("class", model->numeric_class);
    model->profile = AVER_PROFILE_VERIFIED;
}

static void forge_build_keyset(forge_state *forge)
{
    aver_keyset *keyset = &forge->keyset;
    uint8_t seal[32];
    forge_bytes("seal", seal);
    aver_buf_append_text(&forge->config, forge_config);
    (void)snprintf(keyset->platform, sizeof keyset->platform, "sim");
    (void)snprintf(keyset->software, sizeof keyset->software, "aver-node 0.1.0");
    forge_bytes("node", keyset->node_id);
    forge_bytes("program", keyset->program_digest);
    forge_put_key(&keyset->keys[AVER_ROLE_RECEIPT], aver_ed25519_public(forge->receipt_key), 32);
    forge_put_key(&keyset->keys[AVER_ROLE_SEAL], seal, 32);
    forge_put_key(&keyset->keys[AVER_ROLE_TLS], forge->tls_digest, 32);
    aver_sha256_of(aver_view_make(aver_ed25519_public(forge->receipt_key), 32),
                   keyset->incarnation);
    forge_put_model(&keyset->models[0], "story", "model");
    forge_put_model(&keyset->models[1], "other", "model not allowed");
    keyset->models_count = 2;
    aver_config_digest(aver_buf_view(&forge->config), keyset->config_digest);
    if (forge->edits.edit_keyset) {
        forge->edits.edit_keyset(keyset);
    }
    forge_must(aver_keyset_encode(keyset, &forge->keyset_bytes));
    if (forge->edits.edit_keyset_bytes) {
        forge->edits.edit_keyset_bytes(&forge->keyset_bytes);
    }
}

static void forge_sign(const aver_ed25519 *key, const char *tag, aver_view a, aver_view b,
                       uint8_t ret_signature[64])
{
    aver_buf message;
    aver_buf_init(&message, 4096);
    aver_buf_append_text(&message, tag);
    aver_buf_append(&message, a);
    aver_buf_append(&message, b);
    forge_must(aver_buf_status(&message));
    forge_must(aver_ed25519_sign(key, aver_buf_view(&message), ret_signature));
    aver_buf_deinit(&message);
}

static void forge_build_evidence(forge_state *forge, const uint8_t nonce_root[static 32])
{
    aver_sim_statement statement = {.time_ms = FORGE_NOW_MS - FORGE_EVIDENCE_AGE_MS, .tcb = 3};
    aver_sim_device device = {0};
    uint8_t keyset_digest[32];
    uint8_t signature[64];
    aver_buf bytes;
    aver_buf_init(&bytes, 4096);
    aver_keyset_digest(aver_buf_view(&forge->keyset_bytes), keyset_digest);
    aver_binding(keyset_digest, nonce_root, (aver_view){0}, statement.report_data);
    forge_bytes("program", statement.program);
    if (forge->edits.edit_statement) {
        forge->edits.edit_statement(&statement);
    }
    memcpy(device.key, aver_ed25519_public(forge->device_key), 32);
    forge_bytes("machine", device.machine_id);
    forge_sign(forge->root_key, AVER_SIM_DEVICE_TAG, AVER_VIEW_OF(device.key),
               AVER_VIEW_OF(device.machine_id), device.signature);
    if (forge->edits.edit_device) {
        forge->edits.edit_device(&device);
    }
    forge_must(aver_sim_statement_encode(&statement, &bytes));
    forge_sign(forge->device_key, AVER_SIM_STATEMENT_TAG, aver_buf_view(&bytes), (aver_view){0},
               signature);
    forge_must(
        aver_sim_evidence_encode(&device, aver_buf_view(&bytes), signature, &forge->evidence));
    if (forge->edits.edit_evidence) {
        forge->edits.edit_evidence(&forge->evidence);
    }
    aver_buf_deinit(&bytes);
}

/* Two nonces were waiting for this quote; the reader's is the second. */
static void forge_build_bundle(forge_state *forge)
{
    uint8_t leaves[2][32];
    uint8_t other[32];
    static aver_bundle bundle;
    bundle = (aver_bundle){
        .has_nonce_path = true, .nonce_count = 2, .nonce_index = 1, .nonce_path_size = 1};
    forge_bytes("somebody else's nonce", other);
    aver_nonce_leaf(other, leaves[0]);
    aver_nonce_leaf(forge->nonce, leaves[1]);
    aver_merkle_node(leaves[0], leaves[1], bundle.nonce_root);
    memcpy(bundle.nonce_path[0], leaves[0], 32);
    forge_build_evidence(forge, bundle.nonce_root);
    (void)snprintf(bundle.platform, sizeof bundle.platform, "sim");
    bundle.evidence = aver_buf_view(&forge->evidence);
    bundle.keyset_bytes = aver_buf_view(&forge->keyset_bytes);
    bundle.config = aver_buf_view(&forge->config);
    if (forge->edits.edit_bundle) {
        forge->edits.edit_bundle(&bundle);
    }
    forge_must(aver_bundle_encode(&bundle, &forge->bundle));
    if (forge->edits.edit_bundle_bytes) {
        forge->edits.edit_bundle_bytes(&forge->bundle);
    }
}

/* Request, response (events or a body) and tokens. */
static void forge_build_bodies(forge_state *forge)
{
    static int32_t ids[FORGE_TOKENS] = {1, 403, 407, 261};
    aver_buf_append_text(&forge->request, forge_request);
    for (int i = 0; i < FORGE_EVENTS && !forge->edits.whole; i++) {
        if (forge->edits.named) {
            aver_buf_append_text(&forge->response, "event: response.output_text.delta\n");
        }
        aver_buf_append_format(&forge->response,
                               "data: {\"choices\":[{\"delta\":{\"content\":\"word %d \"}}]}\n\n",
                               i);
    }
    if (forge->edits.whole) {
        aver_buf_append_text(&forge->response,
                             "{\"choices\":[{\"message\":{\"content\":\"Once upon a time.\"}}]}");
    }
    aver_tokens tokens = {
        .ids = ids, .prompt_count = 1, .choices_count = 1, .counts = {FORGE_TOKENS - 1}};
    if (forge->edits.choices) {
        tokens.choices_count = 2;
        tokens.counts[0] = 1;
        tokens.counts[1] = FORGE_TOKENS - 2;
    }
    forge_must(aver_tokens_encode(&tokens, &forge->tokens));
}

static void forge_fill_receipt(forge_state *forge, aver_receipt *receipt)
{
    aver_keyset_digest(aver_buf_view(&forge->keyset_bytes), receipt->keyset_digest);
    aver_evidence_digest(aver_buf_view(&forge->evidence), receipt->evidence_digest);
    memcpy(receipt->node_id, forge->keyset.node_id, 32);
    memcpy(receipt->incarnation, forge->keyset.incarnation, 32);
    memcpy(receipt->config_digest, forge->keyset.config_digest, 32);
    memcpy(receipt->platform, forge->keyset.platform, sizeof receipt->platform);
    memcpy(receipt->client_nonce, forge->client_nonce, 32);
    forge_bytes("receipt id", receipt->receipt_id);
    forge_bytes("model", receipt->model_root);
    forge_bytes("class", receipt->numeric_class);
    forge_bytes("steps", receipt->step_digest);
    aver_sha256_of(AVER_VIEW_OF(forge->enc), receipt->enc_digest);
    aver_commit_request(forge->salt, aver_buf_view(&forge->request), receipt->request_commitment);
    aver_commit_response(forge->salt, aver_buf_view(&forge->response),
                         receipt->response_commitment);
    aver_commit_tokens(forge->salt, aver_buf_view(&forge->tokens), receipt->tokens_commitment);
    (void)snprintf(receipt->method, sizeof receipt->method, "POST");
    (void)snprintf(receipt->path, sizeof receipt->path, "/v1/chat/completions");
    (void)snprintf(receipt->executor, sizeof receipt->executor, "llama.cpp 0.5.0");
}

static void forge_build_receipt(forge_state *forge)
{
    aver_receipt *receipt = &forge->receipt;
    *receipt =
        (aver_receipt){.seed = FORGE_SEED,
                       .channel = forge->edits.unsealed ? AVER_CHANNEL_TLS : AVER_CHANNEL_SEAL,
                       .has_enc_digest = !forge->edits.unsealed,
                       .status = 200,
                       .has_stream = !forge->edits.whole,
                       .finish = AVER_FINISH_STOP,
                       .has_client_nonce = true,
                       .duration_us = 41000,
                       .issued_at_ms = FORGE_NOW_MS - FORGE_ANSWER_AGE_MS,
                       .time_source = AVER_TIME_HOST,
                       .isolation = AVER_ISOLATION_SHARED,
                       .process_model = AVER_PROCESS_SPLIT,
                       .engine_incarnation = 1,
                       .profile = AVER_PROFILE_VERIFIED,
                       .has_step_digest = true,
                       .prompt_tokens = 1,
                       .generated_tokens = FORGE_TOKENS - 1};
    forge_fill_receipt(forge, receipt);
    if (!forge->edits.whole) {
        forge_must(aver_stream_tree(aver_buf_view(&forge->response), UINT64_MAX,
                                    &receipt->stream_size, receipt->stream_root));
    }
    if (forge->edits.edit_receipt) {
        forge->edits.edit_receipt(receipt);
    }
    forge_must(aver_receipt_sign(receipt, forge->receipt_key, &forge->receipt_bytes));
    if (forge->edits.edit_receipt_bytes) {
        forge->edits.edit_receipt_bytes(&forge->receipt_bytes);
    }
}

static void forge_build_signed_stream(forge_state *forge)
{
    aver_opening *opening = &forge->opening;
    aver_head *head = &forge->head;
    memcpy(opening->receipt_id, forge->receipt.receipt_id, 32);
    memcpy(opening->keyset_digest, forge->receipt.keyset_digest, 32);
    memcpy(opening->incarnation, forge->receipt.incarnation, 32);
    memcpy(opening->request_commitment, forge->receipt.request_commitment, 32);
    opening->issued_at_ms = forge->receipt.issued_at_ms - forge->receipt.duration_us / 1000;
    memcpy(head->receipt_id, forge->receipt.receipt_id, 32);
    if (!forge->edits.whole) {
        forge_must(aver_stream_tree(aver_buf_view(&forge->response), AVER_STREAM_HEAD_EVENTS,
                                    &head->size, head->root));
    }
    if (forge->edits.edit_opening) {
        forge->edits.edit_opening(opening);
    }
    if (forge->edits.edit_head) {
        forge->edits.edit_head(head);
    }
    forge_must(aver_opening_sign(opening, forge->receipt_key, &forge->opening_bytes));
    forge_must(
        aver_head_sign(head, forge->receipt.incarnation, forge->receipt_key, &forge->head_bytes));
}

static void forge_build_capsule(forge_state *forge)
{
    aver_capsule capsule = {.bundle = aver_buf_view(&forge->bundle),
                            .has_salt = true,
                            .has_request = !forge->edits.stripped,
                            .has_response = !forge->edits.stripped,
                            .has_tokens = !forge->edits.stripped && !forge->edits.cut,
                            .request = aver_buf_view(&forge->request),
                            .response = aver_buf_view(&forge->response),
                            .tokens = aver_buf_view(&forge->tokens),
                            .has_enc = !forge->edits.unsealed};
    memcpy(capsule.salt, forge->salt, 32);
    memcpy(capsule.enc, forge->enc, 32);
    if (forge->edits.cut) {
        capsule.opening = aver_buf_view(&forge->opening_bytes);
        capsule.head = aver_buf_view(&forge->head_bytes);
    } else {
        capsule.receipt = aver_buf_view(&forge->receipt_bytes);
    }
    if (forge->edits.edit_capsule) {
        forge->edits.edit_capsule(&capsule);
    }
    forge_must(aver_capsule_encode(&capsule, &forge->capsule));
    if (forge->edits.edit_capsule_bytes) {
        forge->edits.edit_capsule_bytes(&forge->capsule);
    }
}

static void forge_build_reader(forge_state *forge)
{
    aver_buf text;
    char why[200];
    aver_buf_init(&text, AVER_POLICY_BYTES_MAX);
    forge_policy_text(&text);
    if (forge->edits.edit_policy) {
        forge->edits.edit_policy(&text);
    }
    forge_must(aver_policy_parse(aver_buf_view(&text), &forge->policy, why));
    aver_buf_deinit(&text);
    forge->context = (aver_verify_context){
        .use = AVER_USE_ANSWER,
        .policy = forge->policy,
        .platforms = forge_platforms,
        .roots = {.has_sim_root = true},
        .now_ms = FORGE_NOW_MS,
        .nonce = forge->nonce,
        .node_id = forge->keyset.node_id,
        .tls_spki_digest = forge->tls_digest,
        .seal_key = forge->edits.unsealed ? NULL : forge->keyset.keys[AVER_ROLE_SEAL].bytes,
        .model_root = forge->keyset.models[0].root};
    memcpy(forge->context.roots.sim_root, aver_ed25519_public(forge->root_key), 32);
    forge->transcript = (aver_transcript){.salt = forge->salt,
                                          .enc = forge->edits.unsealed ? NULL : forge->enc,
                                          .method = "POST",
                                          .path = "/v1/chat/completions",
                                          .client_nonce = forge->client_nonce,
                                          .has_seed = true,
                                          .seed = FORGE_SEED,
                                          .has_request = true,
                                          .has_response = true,
                                          .has_tokens = true,
                                          .request = aver_buf_view(&forge->request),
                                          .response = aver_buf_view(&forge->response),
                                          .tokens = aver_buf_view(&forge->tokens),
                                          .streamed = !forge->edits.whole,
                                          .model_root = forge->keyset.models[0].root};
    if (!forge->edits.whole) {
        forge->transcript.opening = aver_buf_view(&forge->opening_bytes);
        forge->transcript.heads = aver_buf_view(&forge->head_bytes);
        forge_must(aver_stream_tree(aver_buf_view(&forge->response), UINT64_MAX,
                                    &forge->transcript.events_count,
                                    forge->transcript.events_root));
    }
}

void forge_build(forge_state *forge)
{
    forge_build_bodies(forge);
    forge_build_keyset(forge);
    forge_build_bundle(forge);
    forge_build_receipt(forge);
    forge_build_signed_stream(forge);
    if (forge->edits.cut || forge->receipt_bytes.size) {
        forge_build_capsule(forge);
    }
    forge_build_reader(forge);
    if (forge->edits.edit_transcript) {
        forge->edits.edit_transcript(&forge->transcript);
    }
    if (forge->edits.edit_context) {
        forge->edits.edit_context(&forge->context);
    }
}

static bool forge_accepts(const forge_state *forge, aver_use use, const aver_verdict *verdict)
{
    char why[400];
    bool accepted = aver_policy_accepts(forge->policy, use, verdict, why);
    AVER_ASSERT(accepted == (why[0] == '\0'));
    return accepted;
}

bool forge_judge_connect(forge_state *forge, aver_verdict *verdict)
{
    static aver_judged judged;
    forge->context.use = AVER_USE_CONNECT;
    forge_must(
        aver_verify_bundle(aver_buf_view(&forge->bundle), &forge->context, verdict, &judged));
    return forge_accepts(forge, AVER_USE_CONNECT, verdict);
}

bool forge_judge_answer(forge_state *forge, aver_verdict *verdict)
{
    static aver_judged judged;
    aver_receipt receipt;
    forge->context.use = AVER_USE_ANSWER;
    forge_must(
        aver_verify_bundle(aver_buf_view(&forge->bundle), &forge->context, verdict, &judged));
    forge_must(aver_verify_receipt(aver_buf_view(&forge->receipt_bytes), &judged,
                                   &forge->transcript, &forge->context, verdict, &receipt));
    return forge_accepts(forge, AVER_USE_ANSWER, verdict);
}

bool forge_judge_capsule(forge_state *forge, aver_verdict *verdict)
{
    aver_receipt receipt;
    aver_verify_context context = forge->context;
    context.nonce = NULL;
    context.tls_spki_digest = NULL;
    context.seal_key = NULL;
    forge_must(aver_verify_capsule(aver_buf_view(&forge->capsule), &context, verdict, &receipt));
    return forge_accepts(forge, AVER_USE_CAPSULE, verdict);
}
