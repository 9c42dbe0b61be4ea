/* SPDX-License-Identifier: Apache-2.0 */
#include "support/node_client.h"

#include "base/sys.h"
#include "codec/json.h"
#include "codec/text.h"
#include "crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_BODY_MAX   (64u * 1024 * 1024)
#define CLIENT_SALT_LABEL "EXPORTER-aver-receipt-salt"

/* The state of one transfer. */
typedef struct client_transfer {
    node_session *session;
    const node_question *question;
    node_answer *answer;
    aver_seal *seal;
    aver_stream_reader *reader;
    aver_buf header_receipt;
    size_t received;
} client_transfer;

/* The tests compare the key with the keyset themselves. */
static aver_err client_certificate(aver_view der, void *context)
{
    (void)der;
    (void)context;
    return AVER_OK;
}

static bool session_attest(node_session *session)
{
    aver_buf cmw;
    aver_bundle bundle;
    uint8_t nonce[32], digest[32];
    char path[128] = "/v1/attestation?nonce=";

    aver_random(nonce, sizeof(nonce));
    aver_hex_encode(AVER_VIEW_OF(nonce), path + strlen(path));
    aver_buf_init(&cmw, CLIENT_BODY_MAX);
    aver_buf_init(&session->bundle, AVER_BUNDLE_BYTES_MAX);
    bool good = node_get(session, path, &cmw) == 200 &&
                aver_cmw_unwrap(aver_buf_view(&cmw), &session->bundle) == AVER_OK &&
                aver_bundle_decode(aver_buf_view(&session->bundle), &bundle) == AVER_OK &&
                aver_keyset_decode(bundle.keyset_bytes, &session->keyset) == AVER_OK;
    aver_buf_deinit(&cmw);
    if (!good) {
        return false;
    }
    aver_keyset_digest(bundle.keyset_bytes, session->keyset_digest);
    aver_evidence_digest(bundle.evidence, session->evidence_digest);
    return session->plain || (aver_client_peer_digest(session->client, digest) == AVER_OK &&
                              memcmp(digest, session->keyset.keys[AVER_ROLE_TLS].bytes, 32) == 0);
}

bool node_session_try(node_session *session, const node_fixture *node, bool plain)
{
    aver_client_options options = {.url = plain ? "http://localhost" : node->url,
                                   .unix_socket = plain ? node->unix_socket : NULL,
                                   .stall_timeout_ms = 60000,
                                   .on_certificate = client_certificate};

    *session = (node_session){.plain = plain};
    if (aver_client_new(&options, &session->client) != AVER_OK) {
        return false;
    }
    if (!session_attest(session)) {
        node_session_close(session);
        return false;
    }
    return true;
}

void node_session_open(node_session *session, const node_fixture *node, bool plain)
{
    if (!node_session_try(session, node, plain)) {
        (void)fprintf(stderr, "node client: no session with %s\n", node->url);
        exit(1);
    }
}

void node_session_close(node_session *session)
{
    aver_client_free(session->client);
    aver_buf_deinit(&session->bundle);
    session->client = NULL;
}

static aver_err transfer_item(const aver_stream_item *item, void *context)
{
    node_answer *answer = ((client_transfer *)context)->answer;

    switch (item->kind) {
    case AVER_STREAM_EVENT:
        aver_merkle_append(&answer->tree, item->raw);
        aver_buf_append(&answer->body, item->raw);
        break;
    case AVER_STREAM_DONE:
        answer->done = true;
        break;
    case AVER_STREAM_OPENING:
        aver_buf_append(&answer->opening, item->value);
        break;
    case AVER_STREAM_HEAD:
        aver_buf_clear(&answer->head);
        aver_buf_append(&answer->head, item->value);
        answer->heads++;
        break;
    case AVER_STREAM_TOKENS:
        aver_buf_append(&answer->tokens, item->value);
        break;
    case AVER_STREAM_RECEIPT:
        aver_buf_append(&answer->receipt, item->value);
        break;
    case AVER_STREAM_COMMENT:
        break;
    }
    return AVER_OK;
}

static aver_err transfer_head(const aver_response *response, void *context)
{
    client_transfer *transfer = context;
    node_answer *answer = transfer->answer;
    const char *nonce = aver_client_header(response->client, "Ehbp-Response-Nonce");
    const char *type = aver_client_header(response->client, "Content-Type");
    const char *receipt = aver_client_header(response->client, "Aver-Receipt");
    const char *retry = aver_client_header(response->client, "Retry-After");

    answer->status = response->status;
    answer->streamed = type != NULL && strcmp(type, "text/event-stream") == 0;
    (void)snprintf(answer->retry_after, sizeof(answer->retry_after), "%s",
                   retry != NULL ? retry : "");
    if (nonce != NULL && transfer->seal != NULL) {
        answer->sealed = true;
        aver_err err = aver_seal_expect(transfer->seal, nonce);
        if (err != AVER_OK) {
            return err;
        }
    }
    if (receipt == NULL) {
        return AVER_OK;
    }
    return answer->sealed ? aver_seal_receipt_open(transfer->seal, receipt, &answer->receipt)
                          : aver_base64url_decode(aver_view_text(receipt), &answer->receipt);
}

static aver_err transfer_body(aver_view bytes, void *context)
{
    client_transfer *transfer = context;
    node_answer *answer = transfer->answer;
    aver_buf plain;
    aver_err err = AVER_OK;

    transfer->received += bytes.size;
    if (transfer->question->on_piece != NULL) {
        transfer->question->on_piece(transfer->question->context);
    }
    if (transfer->question->pause_ms > 0) {
        node_fixture_sleep_ms(transfer->question->pause_ms);
    }
    aver_buf_init(&plain, CLIENT_BODY_MAX);
    if (answer->sealed) {
        err = aver_seal_feed(transfer->seal, bytes, &plain);
    } else {
        aver_buf_append(&plain, bytes);
    }
    if (err == AVER_OK && answer->streamed) {
        err = aver_stream_reader_feed(transfer->reader, aver_buf_view(&plain));
    } else if (err == AVER_OK) {
        aver_buf_append(&answer->body, aver_buf_view(&plain));
    }
    aver_buf_deinit(&plain);
    if (err == AVER_OK && transfer->question->cut_after_bytes != 0 &&
        transfer->received >= transfer->question->cut_after_bytes) {
        return AVER_E_AGAIN;
    }
    return err;
}

/* The error's code and param, from a whole body or from the last event. */
static void answer_error(node_answer *answer)
{
    aver_view body = aver_buf_view(&answer->body);
    json_t *json;

    if (answer->streamed) {
        const uint8_t *last = NULL;
        for (size_t i = 0; i + 6 <= body.size; i++) {
            if (memcmp(body.data + i, "data: ", 6) == 0 && (i == 0 || body.data[i - 1] == '\n')) {
                last = body.data + i + 6;
            }
        }
        if (last == NULL) {
            return;
        }
        body = aver_view_make(last, (size_t)(body.data + body.size - last));
        body.size = body.size >= 2 ? body.size - 2 : 0;
    }
    if (aver_json_parse(body, CLIENT_BODY_MAX, &json, NULL) != AVER_OK) {
        return;
    }
    const json_t *error = json_object_get(json, "error");
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *param = json_string_value(json_object_get(error, "param"));
    (void)snprintf(answer->code, sizeof(answer->code), "%s", code != NULL ? code : "");
    (void)snprintf(answer->param, sizeof(answer->param), "%s", param != NULL ? param : "");
    json_decref(json);
}

static void answer_init(node_answer *answer)
{
    *answer = (node_answer){.status = 0};
    aver_merkle_init(&answer->tree);
    aver_buf_init(&answer->body, CLIENT_BODY_MAX);
    aver_buf_init(&answer->receipt, AVER_RECEIPT_BYTES_MAX);
    aver_buf_init(&answer->tokens, AVER_TOKENS_BYTES_MAX);
    aver_buf_init(&answer->opening, AVER_RECEIPT_BYTES_MAX);
    aver_buf_init(&answer->head, AVER_RECEIPT_BYTES_MAX);
    aver_buf_init(&answer->sent, CLIENT_BODY_MAX);
}

void node_answer_deinit(node_answer *answer)
{
    aver_buf_deinit(&answer->body);
    aver_buf_deinit(&answer->receipt);
    aver_buf_deinit(&answer->tokens);
    aver_buf_deinit(&answer->opening);
    aver_buf_deinit(&answer->head);
    aver_buf_deinit(&answer->sent);
}

static aver_err transfer_prepare(client_transfer *transfer)
{
    const node_question *question = transfer->question;
    node_answer *answer = transfer->answer;

    if (question->enc_hex != NULL) {
        (void)snprintf(answer->enc_hex, sizeof(answer->enc_hex), "%s", question->enc_hex);
        aver_buf_append(&answer->sent, question->sealed_body);
        return AVER_OK;
    }
    if (!question->sealed) {
        aver_buf_append_text(&answer->sent, question->body);
        return AVER_OK;
    }
    aver_err err = aver_seal_offer(transfer->session->keyset.keys[AVER_ROLE_SEAL].bytes,
                                   aver_view_text(question->body), answer->enc_hex, &answer->sent,
                                   &transfer->seal);
    if (err == AVER_OK) {
        memcpy(answer->salt, aver_seal_salt(transfer->seal), 32);
        answer->has_salt = true;
    }
    return err;
}

/* On unsealed TLS the salt follows from the connection and the receipt's id. */
static void transfer_tls_salt(client_transfer *transfer)
{
    node_answer *answer = transfer->answer;
    aver_receipt receipt;
    aver_opening opening;
    const uint8_t *id = NULL;

    if (answer->has_salt || transfer->session->plain) {
        return;
    }
    if (aver_receipt_decode_unverified(aver_buf_view(&answer->receipt), &receipt) == AVER_OK) {
        id = receipt.receipt_id;
    } else if (aver_opening_open(aver_buf_view(&answer->opening),
                                 transfer->session->keyset.keys[AVER_ROLE_RECEIPT].bytes,
                                 &opening) == AVER_OK) {
        id = opening.receipt_id;
    }
    if (id != NULL) {
        answer->has_salt = aver_client_export(transfer->session->client, CLIENT_SALT_LABEL,
                                              aver_view_make(id, 32), answer->salt, 32) == AVER_OK;
    }
}

void node_ask(node_session *session, const node_question *question, node_answer *ret_answer)
{
    client_transfer transfer = {.session = session, .question = question, .answer = ret_answer};
    char enc_header[128] = "X-Unsealed: yes";
    const char *headers[] = {"Content-Type: application/json", enc_header, question->bearer, NULL};

    answer_init(ret_answer);
    ret_answer->err = transfer_prepare(&transfer);
    if (ret_answer->err != AVER_OK ||
        aver_stream_reader_new(transfer_item, &transfer, &transfer.reader) != AVER_OK) {
        return;
    }
    if (ret_answer->enc_hex[0] != '\0') {
        (void)snprintf(enc_header, sizeof(enc_header), "Ehbp-Encapsulated-Key: %s",
                       ret_answer->enc_hex);
    }
    aver_client_request request = {.method = "POST",
                                   .path = question->path,
                                   .headers = headers,
                                   .body = aver_buf_view(&ret_answer->sent),
                                   .on_head = transfer_head,
                                   .on_body = transfer_body,
                                   .context = &transfer};
    ret_answer->err = aver_client_send(session->client, &request, &ret_answer->status);
    transfer_tls_salt(&transfer);
    answer_error(ret_answer);
    aver_stream_reader_free(transfer.reader);
    aver_seal_free(transfer.seal);
}

static bool check_say(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "node answer: %s is wrong\n", what);
    }
    return good;
}

/* One of the keyset's, with the class that it has there. */
static bool check_model(const node_session *session, const aver_receipt *receipt)
{
    const aver_keyset_model *model = aver_keyset_find(&session->keyset, receipt->model_root);

    return model != NULL && memcmp(model->numeric_class, receipt->numeric_class, 32) == 0;
}

static bool check_fields(const node_session *session, const node_question *question,
                         const node_answer *answer, const aver_receipt *receipt)
{
    uint8_t digest[32], enc[32];
    bool good =
        check_say(memcmp(receipt->incarnation, session->keyset.incarnation, 32) == 0,
                  "incarnation") &&
        check_say(memcmp(receipt->keyset_digest, session->keyset_digest, 32) == 0, "keyset") &&
        check_say(check_model(session, receipt), "model") &&
        check_say(strcmp(receipt->path, question->path) == 0, "path") &&
        check_say(strcmp(receipt->method, "POST") == 0, "method") &&
        check_say(receipt->status == answer->status, "status") &&
        check_say(receipt->has_stream == answer->streamed, "stream flag") &&
        check_say(receipt->has_enc_digest == (answer->enc_hex[0] != '\0'), "enc flag");
    if (good && receipt->has_enc_digest) {
        good = aver_hex_decode(aver_view_text(answer->enc_hex), enc, 32) == AVER_OK;
        aver_sha256_of(AVER_VIEW_OF(enc), digest);
        good = check_say(good && memcmp(digest, receipt->enc_digest, 32) == 0, "enc");
    }
    return good;
}

static bool check_commitments(const node_question *question, const node_answer *answer,
                              const aver_receipt *receipt)
{
    uint8_t digest[32];

    if (!check_say(answer->has_salt, "salt")) {
        return false;
    }
    aver_commit_request(answer->salt, aver_view_text(question->body), digest);
    bool good = check_say(memcmp(digest, receipt->request_commitment, 32) == 0, "request");
    aver_commit_response(answer->salt, aver_buf_view(&answer->body), digest);
    good = check_say(memcmp(digest, receipt->response_commitment, 32) == 0, "response") && good;
    if (answer->tokens.size > 0) {
        aver_commit_tokens(answer->salt, aver_buf_view(&answer->tokens), digest);
        good = check_say(memcmp(digest, receipt->tokens_commitment, 32) == 0, "tokens") && good;
    }
    if (receipt->has_stream) {
        aver_merkle_root(&answer->tree, digest);
        good = check_say(answer->tree.size == receipt->stream_size, "stream size") && good;
        good = check_say(memcmp(digest, receipt->stream_root, 32) == 0, "stream root") && good;
    }
    return good;
}

bool node_answer_check(const node_session *session, const node_question *question,
                       node_answer *answer)
{
    const uint8_t *key = session->keyset.keys[AVER_ROLE_RECEIPT].bytes;
    aver_view message = aver_buf_view(&answer->receipt);
    aver_receipt receipt;

    if (!check_say(message.size > 0, "receipt (there is none)") ||
        !check_say(aver_receipt_verify_signature(message, key) == AVER_OK, "signature") ||
        !check_say(aver_receipt_decode_unverified(message, &receipt) == AVER_OK, "receipt")) {
        return false;
    }
    if (!check_fields(session, question, answer, &receipt) ||
        !check_commitments(question, answer, &receipt)) {
        return false;
    }
    answer->said = receipt;
    return true;
}

static aver_err client_collect(aver_view bytes, void *context)
{
    aver_buf *body = context;

    aver_buf_append(body, bytes);
    return aver_buf_status(body);
}

uint32_t node_get(node_session *session, const char *path, aver_buf *ret_body)
{
    aver_client_request request = {
        .method = "GET", .path = path, .on_body = client_collect, .context = ret_body};
    uint32_t status = 0;

    return aver_client_send(session->client, &request, &status) == AVER_OK ? status : 0;
}

/* Text of one JSON body: a whole answer or one event. */
static void answer_text_of(aver_view body, aver_buf *out)
{
    json_t *json;

    if (aver_json_parse(body, CLIENT_BODY_MAX, &json, NULL) != AVER_OK) {
        return;
    }
    const json_t *choice = json_array_get(json_object_get(json, "choices"), 0);
    const json_t *message = json_object_get(choice, "message");
    const json_t *delta = json_object_get(choice, "delta");
    const char *text =
        json_string_value(json_object_get(message != NULL ? message : delta, "content"));

    if (text == NULL) {
        text = json_string_value(json_object_get(choice, "text"));
    }
    aver_buf_append_text(out, text != NULL ? text : "");
    json_decref(json);
}

void node_answer_text(const node_answer *answer, aver_buf *ret_text)
{
    aver_view rest = aver_buf_view(&answer->body);

    aver_buf_init(ret_text, CLIENT_BODY_MAX);
    if (!answer->streamed) {
        answer_text_of(rest, ret_text);
        return;
    }
    while (rest.size > 6) {
        const uint8_t *end = memmem(rest.data, rest.size, "\n\n", 2);
        size_t size = end != NULL ? (size_t)(end - rest.data) : rest.size;

        answer_text_of(aver_view_slice(rest, 6, size - 6), ret_text);
        size = end != NULL ? size + 2 : size;
        rest = aver_view_slice(rest, size, rest.size - size);
    }
}

bool node_fetch_receipt(node_session *session, const uint8_t id[static 32], node_answer *answer)
{
    char body[128] = "{\"id\":\"";
    node_question question = {.path = "/v1/receipts", .body = body, .sealed = true};
    node_answer fetched;
    json_t *json = NULL;
    bool good = false;

    aver_hex_encode(aver_view_make(id, 32), body + strlen(body));
    (void)snprintf(body + strlen(body), sizeof(body) - strlen(body), "\"}");
    node_ask(session, &question, &fetched);
    if (fetched.status == 200 &&
        aver_json_parse(aver_buf_view(&fetched.body), CLIENT_BODY_MAX, &json, NULL) == AVER_OK) {
        aver_buf_clear(&answer->receipt);
        aver_buf_clear(&answer->tokens);
        good = aver_base64url_decode(
                   aver_view_text(json_string_value(json_object_get(json, "receipt"))),
                   &answer->receipt) == AVER_OK &&
               aver_base64url_decode(
                   aver_view_text(json_string_value(json_object_get(json, "tokens"))),
                   &answer->tokens) == AVER_OK;
        json_decref(json);
    }
    node_answer_deinit(&fetched);
    return good;
}

uint64_t node_metric(node_session *session, const char *name)
{
    char want[128];
    aver_buf text;
    uint64_t value = UINT64_MAX;

    aver_buf_init(&text, CLIENT_BODY_MAX);
    if (node_get(session, "/metrics", &text) == 200) {
        aver_buf_append_byte(&text, '\0');
        (void)snprintf(want, sizeof(want), "\n%s ", name);
        const char *at = strstr((const char *)text.data, want);
        if (at != NULL) {
            value = strtoull(at + strlen(want), NULL, 10);
        }
    }
    aver_buf_deinit(&text);
    return value;
}
