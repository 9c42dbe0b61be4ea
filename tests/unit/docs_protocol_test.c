/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs_protocol: the worked examples of docs/protocol.md, each computed again from the page's own
 * tables, and then held against the code that speaks the protocol.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/cbor.h"
#include "codec/text.h"
#include "crypto/hash.h"
#include "engine/link.h"
#include "engine/prompt.h"
#include "engine/shared.h"
#include "net/seal.h"
#include "node/keyring.h"
#include "support/docs_blocks.h"

#include <string.h>

#define SHARED_TEXT "You are a kind helper."

enum { PROTO_BYTES_MAX = 8192, PROTO_REQUEST_SPLIT = 32, PROTO_RESPONSE_SPLIT = 24 };

static docs_page page;

static aver_view get(const char *name)
{
    return docs_page_get(&page, name);
}

static const uint8_t *get32(const char *name)
{
    return docs_page_get32(&page, name);
}

static void expect(const char *name, aver_view found)
{
    docs_page_expect(&page, name, found);
}

static void expect_buf(const char *name, const aver_buf *found)
{
    assert_int_equal(aver_buf_status(found), AVER_OK);
    expect(name, aver_buf_view(found));
}

static aver_hpke_key *key_of(const char *name)
{
    aver_hpke_key *key = NULL;
    assert_int_equal(aver_hpke_key_from_scalar(get32(name), &key), AVER_OK);
    return key;
}

static void the_key_configuration_holds_the_seal_key(void **state)
{
    (void)state;
    uint8_t seal_key[32];
    aver_buf bytes;
    aver_hpke_key *key = key_of("seal-scalar");
    aver_buf_init(&bytes, PROTO_BYTES_MAX);
    expect("seal-key", aver_view_make(aver_hpke_key_public(key), 32));
    aver_buf_append_byte(&bytes, 0);
    aver_buf_append_be16(&bytes, 0x0020);
    aver_buf_append(&bytes, get("seal-key"));
    aver_buf_append_be16(&bytes, 4);
    aver_buf_append_be16(&bytes, 0x0001);
    aver_buf_append_be16(&bytes, 0x0002);
    expect_buf("key-config", &bytes);
    aver_buf_clear(&bytes);
    aver_seal_key_config(get32("seal-key"), &bytes);
    expect_buf("key-config", &bytes);
    assert_int_equal(aver_seal_key_config_parse(get("key-config"), seal_key), AVER_OK);
    expect("seal-key", AVER_VIEW_OF(seal_key));
    aver_buf_deinit(&bytes);
    aver_hpke_key_free(key);
}

static void request_chunk_put(aver_hpke *sender, aver_view plain, aver_buf *out)
{
    aver_buf_append_be32(out, (uint32_t)plain.size + 16);
    assert_int_equal(aver_hpke_seal(sender, (aver_view){0}, plain, out), AVER_OK);
}

static void the_sealed_request_follows_from_its_parts(void **state)
{
    (void)state;
    aver_buf body;
    aver_hpke *sender = NULL;
    uint8_t salt[32];
    aver_view plain = get("sealed-request");
    aver_hpke_key *ephemeral = key_of("ephemeral-scalar");
    aver_buf_init(&body, PROTO_BYTES_MAX);
    expect("enc", aver_view_make(aver_hpke_key_public(ephemeral), 32));
    assert_int_equal(aver_hpke_sender_fixed(get32("seal-key"), AVER_VIEW_LITERAL("ehbp request"),
                                            ephemeral, AVER_AEAD_AES_256_GCM, &sender),
                     AVER_OK);
    request_chunk_put(sender, aver_view_slice(plain, 0, PROTO_REQUEST_SPLIT), &body);
    request_chunk_put(sender,
                      aver_view_slice(plain, PROTO_REQUEST_SPLIT, plain.size - PROTO_REQUEST_SPLIT),
                      &body);
    expect_buf("request-body", &body);
    assert_int_equal(
        aver_hpke_export(sender, AVER_VIEW_LITERAL("aver receipt salt"), salt, sizeof salt),
        AVER_OK);
    expect("salt", AVER_VIEW_OF(salt));
    aver_buf_deinit(&body);
    aver_hpke_free(sender);
    aver_hpke_key_free(ephemeral);
}

/* The same bytes as a recipient takes them apart, who has nothing but the seal key. */
static void the_sealed_request_opens_by_the_table(void **state)
{
    (void)state;
    aver_buf plain;
    aver_hpke *recipient = NULL;
    uint8_t salt[32];
    aver_hpke_key *key = key_of("seal-scalar");
    aver_view body = get("request-body");
    aver_buf_init(&plain, PROTO_BYTES_MAX);
    assert_int_equal(
        aver_hpke_recipient(key, get32("enc"), AVER_VIEW_LITERAL("ehbp request"), &recipient),
        AVER_OK);
    for (size_t at = 0, chunks = 0; at < body.size || chunks < 2; chunks++) {
        size_t size = aver_be32_read(aver_view_slice(body, at, 4).data);
        assert_int_equal(
            aver_hpke_open(recipient, (aver_view){0}, aver_view_slice(body, at + 4, size), &plain),
            AVER_OK);
        at += 4 + size;
    }
    expect_buf("sealed-request", &plain);
    assert_int_equal(
        aver_hpke_export(recipient, AVER_VIEW_LITERAL("aver receipt salt"), salt, sizeof salt),
        AVER_OK);
    expect("salt", AVER_VIEW_OF(salt));
    aver_buf_deinit(&plain);
    aver_hpke_free(recipient);
    aver_hpke_key_free(key);
}

/* What the node makes of the request. */
static aver_seal *seal_accepted(aver_buf *plain)
{
    char enc_hex[65];
    aver_seal *seal = NULL;
    aver_hpke_key *key = key_of("seal-scalar");
    aver_hex_encode(get("enc"), enc_hex);
    aver_buf_init(plain, PROTO_BYTES_MAX);
    assert_int_equal(
        aver_seal_accept(key, enc_hex, get("request-body"), PROTO_BYTES_MAX, plain, &seal),
        AVER_OK);
    aver_hpke_key_free(key);
    return seal;
}

static void the_node_reads_the_sealed_request(void **state)
{
    (void)state;
    aver_buf plain;
    aver_seal *seal = seal_accepted(&plain);
    expect_buf("sealed-request", &plain);
    expect("salt", aver_view_make(aver_seal_salt(seal), 32));
    expect("enc", aver_view_make(aver_seal_enc(seal), 32));
    aver_seal_free(seal);
    aver_buf_deinit(&plain);
}

static void secret_export(const char *label, uint8_t ret_secret[static 32])
{
    aver_hpke *recipient = NULL;
    aver_hpke_key *key = key_of("seal-scalar");
    assert_int_equal(
        aver_hpke_recipient(key, get32("enc"), AVER_VIEW_LITERAL("ehbp request"), &recipient),
        AVER_OK);
    assert_int_equal(aver_hpke_export(recipient, aver_view_text(label), ret_secret, 32), AVER_OK);
    aver_hpke_free(recipient);
    aver_hpke_key_free(key);
}

static void the_response_keys_follow_from_the_nonce(void **state)
{
    (void)state;
    uint8_t secret[32];
    uint8_t prk[32];
    uint8_t key[32];
    uint8_t base[12];
    aver_buf salt;
    secret_export("ehbp response", secret);
    expect("response-secret", AVER_VIEW_OF(secret));
    aver_buf_init(&salt, 64);
    aver_buf_append(&salt, get("enc"));
    aver_buf_append(&salt, get("response-nonce"));
    aver_hkdf_sha256_extract(aver_buf_view(&salt), AVER_VIEW_OF(secret), prk);
    expect("response-prk", AVER_VIEW_OF(prk));
    assert_int_equal(aver_hkdf_sha256_expand(prk, AVER_VIEW_LITERAL("key"), key, sizeof key),
                     AVER_OK);
    assert_int_equal(aver_hkdf_sha256_expand(prk, AVER_VIEW_LITERAL("nonce"), base, sizeof base),
                     AVER_OK);
    expect("response-key", AVER_VIEW_OF(key));
    expect("response-base", AVER_VIEW_OF(base));
    aver_buf_deinit(&salt);
}

static void response_chunk_put(uint8_t sequence, aver_view plain, aver_buf *out)
{
    uint8_t nonce[12];
    aver_aead *aead = NULL;
    aver_view base = get("response-base");
    assert_int_equal(base.size, sizeof nonce);
    memcpy(nonce, base.data, sizeof nonce);
    nonce[11] ^= sequence;
    assert_int_equal(aver_aead_new(get32("response-key"), &aead), AVER_OK);
    aver_buf_append_be32(out, (uint32_t)plain.size + 16);
    assert_int_equal(aver_aead_seal(aead, nonce, (aver_view){0}, plain, out), AVER_OK);
    aver_aead_free(aead);
}

static void the_sealed_response_follows_from_its_parts(void **state)
{
    (void)state;
    aver_buf body;
    aver_view plain = get("response");
    size_t rest = plain.size - PROTO_RESPONSE_SPLIT;
    aver_buf_init(&body, PROTO_BYTES_MAX);
    response_chunk_put(0, aver_view_slice(plain, 0, PROTO_RESPONSE_SPLIT), &body);
    response_chunk_put(1, aver_view_slice(plain, PROTO_RESPONSE_SPLIT, rest), &body);
    expect_buf("response-body", &body);
    aver_buf_deinit(&body);
}

static void the_client_reads_the_sealed_response(void **state)
{
    (void)state;
    char nonce_hex[65];
    aver_buf plain;
    aver_seal *seal = seal_accepted(&plain);
    aver_hex_encode(get("response-nonce"), nonce_hex);
    assert_int_equal(aver_seal_expect(seal, nonce_hex), AVER_OK);
    aver_buf_clear(&plain);
    assert_int_equal(aver_seal_feed(seal, get("response-body"), &plain), AVER_OK);
    assert_int_equal(aver_seal_feed_end(seal), AVER_OK);
    expect_buf("response", &plain);
    aver_seal_free(seal);
    aver_buf_deinit(&plain);
}

static void the_receipt_header_follows_from_its_parts(void **state)
{
    (void)state;
    static const uint8_t nonce[12] = {0};
    uint8_t key[32];
    aver_aead *aead = NULL;
    aver_buf sealed;
    secret_export("aver receipt header", key);
    expect("receipt-header-key", AVER_VIEW_OF(key));
    aver_buf_init(&sealed, PROTO_BYTES_MAX);
    assert_int_equal(aver_aead_new(key, &aead), AVER_OK);
    assert_int_equal(
        aver_aead_seal(aead, nonce, (aver_view){0}, AVER_VIEW_LITERAL("receipt"), &sealed),
        AVER_OK);
    expect_buf("receipt-header", &sealed);
    aver_aead_free(aead);
    aver_buf_deinit(&sealed);
}

static void node_and_client_agree_on_the_receipt_header(void **state)
{
    (void)state;
    aver_view receipt = AVER_VIEW_LITERAL("receipt");
    aver_buf plain;
    aver_buf text;
    aver_buf wanted;
    aver_seal *seal = seal_accepted(&plain);
    aver_buf_init(&text, PROTO_BYTES_MAX);
    aver_buf_init(&wanted, PROTO_BYTES_MAX);
    aver_base64url_append(&wanted, get("receipt-header"));
    assert_int_equal(aver_seal_receipt_header(seal, receipt, &text), AVER_OK);
    assert_true(aver_view_equal(aver_buf_view(&text), aver_buf_view(&wanted)));
    aver_buf_append_byte(&text, 0);
    aver_buf_clear(&plain);
    assert_int_equal(aver_seal_receipt_open(seal, (const char *)text.data, &plain), AVER_OK);
    assert_true(aver_view_equal(aver_buf_view(&plain), receipt));
    aver_seal_free(seal);
    aver_buf_deinit(&wanted);
    aver_buf_deinit(&text);
    aver_buf_deinit(&plain);
}

/* The engine of the examples: what it says when it is ready. */
static aver_engine_info engine_described(void)
{
    aver_engine_info info = {
        .executor = "llama.cpp/0.5.0",
        .description = "llama 15.19 M Q8_0",
        .vocabulary_size = 32000,
        .context_tokens = 512,
        .slots = 4,
        .profile = AVER_PROFILE_VERIFIED,
        .chat_template_in_model = false,
        .kv_type = "Q8_0",
        .memory_bytes = 33554432,
    };
    memcpy(info.numeric_class, get32("numeric-class"), 32);
    aver_sha256_of(AVER_VIEW_LITERAL("aver/plain/1: message contents joined by a newline"),
                   info.template_digest);
    return info;
}

static void config_put_model(aver_buf *out, const aver_engine_info *info, aver_view root)
{
    aver_cbor_put_bytes(out, root);
    aver_cbor_put_uint(out, 1); /* verified */
    aver_cbor_put_uint(out, 512);
    aver_cbor_put_bytes(out, AVER_VIEW_OF(info->template_digest));
    aver_cbor_put_text(out, "Q8_0");
}

static void the_shared_digest_is_what_the_page_says(void **state)
{
    (void)state;
    static const uint8_t size[] = {0, 0, 0, sizeof(SHARED_TEXT) - 1};
    uint8_t digest[32];
    aver_view text = aver_view_text(SHARED_TEXT);
    aver_sha256_tagged("aver/shared/1", AVER_VIEW_OF(size), text, digest);
    expect("shared-digest", AVER_VIEW_OF(digest));
    aver_shared_digest(&text, 1, digest);
    expect("shared-digest", AVER_VIEW_OF(digest));
}

/* By the page's tables: a model, and the same with one adapter at half its strength. */
static void config_put(aver_buf *out, const aver_engine_info *info)
{
    aver_cbor_put_map(out, 5);
    aver_cbor_put_uint(out, 0);
    aver_cbor_put_uint(out, 2);
    aver_cbor_put_uint(out, 4);
    aver_cbor_put_uint(out, 1); /* shared */
    aver_cbor_put_uint(out, 5);
    aver_cbor_put_uint(out, 1); /* keeper and engine */
    aver_cbor_put_uint(out, 8);
    aver_cbor_put_array(out, 0);
    aver_cbor_put_uint(out, 9);
    aver_cbor_put_array(out, 2);
    aver_cbor_put_array(out, 7);
    config_put_model(out, info, get("base-root"));
    aver_cbor_put_array(out, 0);
    aver_cbor_put_null(out);
    aver_cbor_put_array(out, 7);
    config_put_model(out, info, get("adapted-root"));
    aver_cbor_put_array(out, 1);
    aver_cbor_put_array(out, 2);
    aver_cbor_put_bytes(out, get("adapter-root"));
    aver_cbor_put_uint(out, 500000);
    aver_cbor_put_null(out);
}

static void adapted_root_check(const aver_adapter_root *adapter)
{
    uint8_t scale[4] = {0x00, 0x07, 0xa1, 0x20};
    uint8_t root[32];
    aver_buf bytes;

    aver_buf_init(&bytes, PROTO_BYTES_MAX);
    aver_buf_append_text(&bytes, "aver/adapted/1");
    aver_buf_append(&bytes, get("base-root"));
    aver_buf_append(&bytes, get("adapter-root"));
    aver_buf_append(&bytes, AVER_VIEW_OF(scale));
    aver_sha256_of(aver_buf_view(&bytes), root);
    expect("adapted-root", AVER_VIEW_OF(root));
    aver_adapted_root(get32("base-root"), adapter, 1, root);
    expect("adapted-root", AVER_VIEW_OF(root));
    aver_buf_deinit(&bytes);
}

static void the_configuration_document_is_the_nodes(void **state)
{
    (void)state;
    static const uint8_t zeroes[32] = {0};
    aver_engine_info info = engine_described();
    aver_keyring *keyring = NULL;
    aver_adapter_root adapter = {.scale_ppm = 500000};
    aver_keyring_model models[2] = {{.name = "story", .root = get32("base-root"), .engine = &info},
                                    {.name = "tale",
                                     .root = get32("adapted-root"),
                                     .engine = &info,
                                     .adapters = &adapter,
                                     .adapters_count = 1}};
    aver_keyring_facts facts = {.platform = "sim",
                                .operator_address = zeroes,
                                .name = "node",
                                .models = models,
                                .models_count = 2,
                                .process_model = AVER_PROCESS_SPLIT};
    uint8_t digest[32];
    aver_buf bytes;
    memcpy(adapter.root, get32("adapter-root"), 32);
    adapted_root_check(&adapter);
    assert_string_equal(AVER_PROMPT_PLAIN, "aver/plain/1: message contents joined by a newline");
    aver_buf_init(&bytes, PROTO_BYTES_MAX);
    config_put(&bytes, &info);
    expect_buf("config", &bytes);
    aver_sha256_tagged("aver/config/1", get("config"), (aver_view){0}, digest);
    expect("config-digest", AVER_VIEW_OF(digest));
    assert_int_equal(aver_keyring_new(&facts, &keyring), AVER_OK);
    expect_buf("config", &keyring->config);
    expect("config-digest", AVER_VIEW_OF(keyring->config_digest));
    aver_keyring_free(keyring);
    aver_buf_deinit(&bytes);
}

/* The head of a frame by hand: its size, an array of members elements, the kind. */
static void frame_head_check(const char *name, uint8_t kind, uint8_t members)
{
    aver_view frame = get(name);
    assert_true(frame.size > 6);
    assert_int_equal(aver_be32_read(frame.data), frame.size - 4);
    assert_int_equal(frame.data[4], 0x80 | members);
    assert_int_equal(frame.data[5], kind);
}

static aver_link_message frame_parse(const char *name, aver_link_kind kind)
{
    aver_link_message message = {0};
    assert_int_equal(aver_link_parse(get(name), &message), AVER_OK);
    assert_int_equal(message.kind, kind);
    return message;
}

static void the_frame_load_is_the_keepers(void **state)
{
    (void)state;
    aver_engine_options options = {.profile = AVER_PROFILE_VERIFIED,
                                   .slots = 4,
                                   .context_tokens = 512,
                                   .batch_tokens = 0,
                                   .threads = 3,
                                   .adapters = {{.fd = -1, .scale_ppm = 500000}},
                                   .adapters_count = 1,
                                   .shared_prefixes = {aver_view_text(SHARED_TEXT)},
                                   .shared_count = 1};
    aver_buf bytes;
    aver_buf_init(&bytes, PROTO_BYTES_MAX);
    aver_link_put_load(&bytes, &options);
    expect_buf("load", &bytes);
    frame_head_check("load", 1, 9);
    aver_link_message message = frame_parse("load", AVER_LINK_LOAD);
    assert_int_equal(message.options.profile, AVER_PROFILE_VERIFIED);
    assert_int_equal(message.options.slots, 4);
    assert_int_equal(message.options.context_tokens, 512);
    assert_int_equal(message.options.batch_tokens, 0);
    assert_int_equal(message.options.threads, 3);
    assert_int_equal(message.options.adapters_count, 1);
    assert_int_equal(message.options.adapters[0].scale_ppm, 500000);
    assert_int_equal(message.options.shared_count, 1);
    assert_true(aver_view_equal_text(message.options.shared_prefixes[0], SHARED_TEXT));
    aver_link_message_deinit(&message);
    aver_buf_deinit(&bytes);
}

/* By the page's table of sampling members, in its order. */
static void sampling_put(aver_buf *out)
{
    aver_cbor_put_array(out, 8);
    aver_cbor_put_uint(out, 700000);
    aver_cbor_put_uint(out, 900000);
    aver_cbor_put_uint(out, 50000);
    aver_cbor_put_uint(out, 40);
    aver_cbor_put_uint(out, 1100000);
    aver_cbor_put_int(out, -500000);
    aver_cbor_put_int(out, 250000);
    aver_cbor_put_uint(out, 7);
}

static void the_frame_submit_is_the_keepers(void **state)
{
    (void)state;
    static const char body[] =
        "{\"model\":\"story\",\"prompt\":\"Once\",\"max_tokens\":16,\"temperature\":0.7,"
        "\"top_p\":0.9,\"min_p\":0.05,\"top_k\":40,\"repetition_penalty\":1.1,"
        "\"frequency_penalty\":-0.5,\"presence_penalty\":0.25,\"seed\":7,\"stop\":[\". \"]}";
    aver_job job = {0};
    aver_job_refusal refusal;
    aver_buf bytes;
    aver_buf_init(&bytes, PROTO_BYTES_MAX);
    aver_buf_append_be32(&bytes, (uint32_t)get("submit").size - 4);
    aver_cbor_put_array(&bytes, 18);
    aver_cbor_put_uint(&bytes, 2);
    aver_cbor_put_uint(&bytes, 1);
    aver_cbor_put_uint(&bytes, 2); /* completion */
    aver_cbor_put_text(&bytes, "Once");
    aver_cbor_put_uint(&bytes, 16);
    sampling_put(&bytes);
    aver_cbor_put_array(&bytes, 1);
    aver_cbor_put_bytes(&bytes, AVER_VIEW_LITERAL(". "));
    aver_cbor_put_uint(&bytes, 1);     /* choices */
    aver_cbor_put_null(&bytes);        /* logprobs */
    aver_cbor_put_array(&bytes, 0);    /* biases */
    aver_cbor_put_text(&bytes, "");    /* tools */
    aver_cbor_put_uint(&bytes, 0);     /* tool choice */
    aver_cbor_put_bool(&bytes, true);  /* parallel calls */
    aver_cbor_put_uint(&bytes, 0);     /* format */
    aver_cbor_put_text(&bytes, "");    /* schema */
    aver_cbor_put_null(&bytes);        /* cache scope */
    aver_cbor_put_bool(&bytes, false); /* add special */
    aver_cbor_put_bytes(&bytes, AVER_VIEW_OF(job.caller)); /* zeros */
    expect_buf("submit", &bytes);
    aver_buf_clear(&bytes);
    assert_int_equal(aver_job_parse(aver_view_text(body), AVER_ENDPOINT_COMPLETION, &job, &refusal),
                     AVER_OK);
    aver_link_put_submit(&bytes, 1, &job);
    expect_buf("submit", &bytes);
    aver_link_message message = frame_parse("submit", AVER_LINK_SUBMIT);
    aver_buf_clear(&bytes);
    aver_link_put_submit(&bytes, message.job_id, &message.job);
    expect_buf("submit", &bytes);
    aver_link_message_deinit(&message);
    aver_job_deinit(&job);
    aver_buf_deinit(&bytes);
}

/* The page's second job: the keeper writes it from a body, the engine reads all of it. */
static void the_frame_submit_carries_what_a_chat_may_ask(void **state)
{
    (void)state;
    static const char body[] =
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Rain?\"}],\"n\":2,"
        "\"logprobs\":true,\"top_logprobs\":3,\"logit_bias\":{\"9\":1.5,\"5\":-100},\"tools\":[{"
        "\"type\":\"function\",\"function\":{\"name\":\"get_weather\"}}],\"tool_choice\":{\"type\":"
        "\"function\",\"function\":{\"name\":\"get_weather\"}},\"parallel_tool_calls\":false,"
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":"
        "{\"type\":\"object\"}}},\"seed\":7}";
    aver_job job;
    aver_job_refusal refusal;
    aver_buf bytes;
    aver_buf_init(&bytes, PROTO_BYTES_MAX);
    assert_int_equal(aver_job_parse(aver_view_text(body), AVER_ENDPOINT_CHAT, &job, &refusal),
                     AVER_OK);
    job.has_cache_scope = true;
    for (unsigned i = 0; i < sizeof(job.cache_scope); i++) {
        job.cache_scope[i] = (uint8_t)i;
    }
    memset(job.caller, 0xca, sizeof(job.caller));
    aver_link_put_submit(&bytes, 2, &job);
    expect_buf("submit-chat", &bytes);
    aver_link_message message = frame_parse("submit-chat", AVER_LINK_SUBMIT);
    assert_int_equal(message.job.choices_count, 2);
    assert_int_equal(message.job.biases[0].bias_ppm, -100000000);
    assert_string_equal(message.job.tool_name, "get_weather");
    aver_buf_clear(&bytes);
    aver_link_put_submit(&bytes, message.job_id, &message.job);
    expect_buf("submit-chat", &bytes);
    aver_link_message_deinit(&message);
    aver_job_deinit(&job);
    aver_buf_deinit(&bytes);
}

static void the_frames_with_one_id_are_the_codes(void **state)
{
    (void)state;
    aver_buf bytes;
    aver_buf_init(&bytes, PROTO_BYTES_MAX);
    aver_link_put_cancel(&bytes, 1);
    expect_buf("cancel", &bytes);
    frame_head_check("cancel", 3, 2);
    assert_int_equal(frame_parse("cancel", AVER_LINK_CANCEL).job_id, 1);
    aver_buf_clear(&bytes);
    aver_link_put_busy(&bytes, 1);
    expect_buf("busy", &bytes);
    frame_head_check("busy", 7, 2);
    assert_int_equal(frame_parse("busy", AVER_LINK_BUSY).job_id, 1);
    aver_buf_clear(&bytes);
    aver_link_put_failed(&bytes, "no memory");
    expect_buf("failed", &bytes);
    frame_head_check("failed", 6, 2);
    assert_true(aver_view_equal_text(frame_parse("failed", AVER_LINK_FAILED).text, "no memory"));
    aver_buf_deinit(&bytes);
}

static void the_frame_ready_is_the_engines(void **state)
{
    (void)state;
    aver_engine_info info = engine_described();
    aver_buf bytes;
    aver_buf_init(&bytes, PROTO_BYTES_MAX);
    aver_buf_append_be32(&bytes, (uint32_t)get("ready").size - 4);
    aver_cbor_put_array(&bytes, 15);
    aver_cbor_put_uint(&bytes, 4);
    aver_cbor_put_text(&bytes, "llama.cpp/0.5.0");
    aver_cbor_put_text(&bytes, "llama 15.19 M Q8_0");
    aver_cbor_put_uint(&bytes, 32000);
    aver_cbor_put_uint(&bytes, 512);
    aver_cbor_put_uint(&bytes, 4);
    aver_cbor_put_uint(&bytes, 1); /* verified */
    aver_cbor_put_bool(&bytes, false);
    aver_cbor_put_text(&bytes, "Q8_0");
    aver_cbor_put_bytes(&bytes, get("numeric-class"));
    aver_cbor_put_bytes(&bytes, AVER_VIEW_OF(info.template_digest));
    aver_cbor_put_bool(&bytes, false);
    aver_cbor_put_uint(&bytes, 0);
    aver_cbor_put_uint(&bytes, 33554432);
    aver_cbor_put_null(&bytes);
    expect_buf("ready", &bytes);
    aver_buf_clear(&bytes);
    aver_link_put_ready(&bytes, &info);
    expect_buf("ready", &bytes);
    aver_link_message message = frame_parse("ready", AVER_LINK_READY);
    aver_buf_clear(&bytes);
    aver_link_put_ready(&bytes, &message.info);
    expect_buf("ready", &bytes);
    aver_buf_deinit(&bytes);
}

/* The kinds of event, as the page's table has them. */
static void events_put(aver_buf *out)
{
    static const uint8_t prompt[] = {0, 0, 0, 1, 0, 0, 0x23, 0x95};
    aver_cbor_put_array(out, 4);
    aver_cbor_put_uint(out, 1);
    aver_cbor_put_uint(out, 1);
    aver_cbor_put_bytes(out, AVER_VIEW_OF(prompt));
    aver_cbor_put_uint(out, 1); /* cached */
    aver_cbor_put_array(out, 5);
    aver_cbor_put_uint(out, 2);
    aver_cbor_put_uint(out, 1);
    aver_cbor_put_uint(out, 0); /* choice */
    aver_cbor_put_uint(out, 2501);
    aver_cbor_put_text(out, " upon");
    aver_cbor_put_array(out, 6);
    aver_cbor_put_uint(out, 5);
    aver_cbor_put_uint(out, 1);
    aver_cbor_put_uint(out, 0); /* choice */
    aver_cbor_put_uint(out, 2); /* length */
    aver_cbor_put_uint(out, 1);
    aver_cbor_put_text(out, "");
    aver_cbor_put_array(out, 5);
    aver_cbor_put_uint(out, 3);
    aver_cbor_put_uint(out, 1);
    aver_cbor_put_uint(out, 2); /* length */
    aver_cbor_put_uint(out, 1);
    aver_cbor_put_bytes(out, get("step-digest"));
    aver_cbor_put_array(out, 3);
    aver_cbor_put_uint(out, 4);
    aver_cbor_put_uint(out, 2);
    aver_cbor_put_text(out, "the prompt is empty");
}

static void the_frame_events_is_the_engines(void **state)
{
    (void)state;
    static const int32_t prompt[] = {1, 9109};
    aver_event events[] = {
        {.kind = AVER_EVENT_STARTED,
         .job_id = 1,
         .prompt_ids = prompt,
         .prompt_count = 2,
         .cached_count = 1},
        {.kind = AVER_EVENT_TOKEN, .job_id = 1, .token = 2501, .text = aver_view_text(" upon")},
        {.kind = AVER_EVENT_CHOICE,
         .job_id = 1,
         .finish = AVER_FINISH_LENGTH,
         .generated_count = 1},
        {.kind = AVER_EVENT_DONE,
         .job_id = 1,
         .finish = AVER_FINISH_LENGTH,
         .generated_count = 1,
         .has_step_digest = true},
        {.kind = AVER_EVENT_REFUSED, .job_id = 2, .text = aver_view_text("the prompt is empty")},
    };
    aver_buf items;
    aver_buf bytes;
    aver_buf_init(&items, PROTO_BYTES_MAX);
    aver_buf_init(&bytes, PROTO_BYTES_MAX);
    aver_buf_append_be32(&bytes, (uint32_t)get("events").size - 4);
    aver_cbor_put_array(&bytes, 6);
    aver_cbor_put_uint(&bytes, 5);
    events_put(&bytes);
    expect_buf("events", &bytes);
    memcpy(events[3].step_digest, get32("step-digest"), 32);
    for (size_t i = 0; i < 5; i++) {
        aver_link_put_event(&items, &events[i]);
    }
    aver_buf_clear(&bytes);
    aver_link_put_events(&bytes, 5, aver_buf_view(&items));
    expect_buf("events", &bytes);
    aver_buf_deinit(&items);
    aver_buf_deinit(&bytes);
}

static void the_keeper_reads_the_events(void **state)
{
    (void)state;
    aver_event event;
    int32_t ids[8];
    aver_link_room room = {.ids = ids, .ids_max = 8};
    bool more = false;
    aver_view rest = frame_parse("events", AVER_LINK_EVENTS).events;
    static const aver_event_kind kinds[] = {AVER_EVENT_STARTED, AVER_EVENT_TOKEN, AVER_EVENT_CHOICE,
                                            AVER_EVENT_DONE, AVER_EVENT_REFUSED};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        assert_int_equal(aver_link_event_next(&rest, &more, &event, &room), AVER_OK);
        assert_true(more);
        assert_int_equal(event.kind, kinds[i]);
        assert_int_equal(event.job_id, kinds[i] == AVER_EVENT_REFUSED ? 2 : 1);
    }
    assert_int_equal(ids[1], 9109);
    assert_int_equal(aver_link_event_next(&rest, &more, &event, &room), AVER_OK);
    assert_false(more);
}

static void the_keeper_reads_calls_vectors_and_texts(void **state)
{
    (void)state;
    aver_event event;
    float vector[2];
    aver_link_room room = {.vector = vector, .vector_max = 2};
    bool more = false;
    aver_buf items;
    aver_buf bytes;
    aver_buf_init(&items, PROTO_BYTES_MAX);
    aver_buf_init(&bytes, PROTO_BYTES_MAX);
    aver_view rest = frame_parse("events-more", AVER_LINK_EVENTS).events;
    for (unsigned kind = 0; kind < 4; kind++) {
        assert_int_equal(aver_link_event_next(&rest, &more, &event, &room), AVER_OK);
        assert_true(more);
        aver_link_put_event(&items, &event);
        if (event.kind == AVER_EVENT_TOKEN) {
            assert_int_equal(event.choice, 1);
            assert_int_equal(event.logprobs_count, 3);
            assert_int_equal(event.logprobs[2].logprob_ppm, -2302585);
        }
    }
    assert_true(vector[0] == 1.0f && vector[1] == -0.5f);
    assert_true(aver_view_equal_text(event.text, "Once"));
    aver_link_put_events(&bytes, 4, aver_buf_view(&items));
    expect_buf("events-more", &bytes);
    aver_buf_deinit(&items);
    aver_buf_deinit(&bytes);
}

/* Each step digest begins with the prompt; the page's is that of one token and a row of zeroes. */
static void the_step_digest_is_what_the_page_says(void **state)
{
    (void)state;
    static const uint8_t row[16] = {0};
    static const uint8_t prompt[] = {0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0x23, 0x95};
    static const uint8_t token[] = {0, 0, 0x09, 0xc5};
    uint8_t digest[32];
    aver_buf step;
    aver_buf_init(&step, PROTO_BYTES_MAX);
    aver_sha256_tagged("aver/step/1", AVER_VIEW_OF(prompt), (aver_view){0}, digest);
    aver_buf_append(&step, AVER_VIEW_OF(digest));
    aver_buf_append(&step, AVER_VIEW_OF(token));
    aver_buf_append(&step, AVER_VIEW_OF(row));
    aver_sha256_of(aver_buf_view(&step), digest);
    expect("step-digest", AVER_VIEW_OF(digest));
    aver_buf_deinit(&step);
}

static void every_block_of_the_page_is_checked(void **state)
{
    (void)state;
    docs_page_expect_all_used(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_configuration_holds_the_seal_key),
        cmocka_unit_test(the_sealed_request_follows_from_its_parts),
        cmocka_unit_test(the_sealed_request_opens_by_the_table),
        cmocka_unit_test(the_node_reads_the_sealed_request),
        cmocka_unit_test(the_response_keys_follow_from_the_nonce),
        cmocka_unit_test(the_sealed_response_follows_from_its_parts),
        cmocka_unit_test(the_client_reads_the_sealed_response),
        cmocka_unit_test(the_receipt_header_follows_from_its_parts),
        cmocka_unit_test(node_and_client_agree_on_the_receipt_header),
        cmocka_unit_test(the_configuration_document_is_the_nodes),
        cmocka_unit_test(the_shared_digest_is_what_the_page_says),
        cmocka_unit_test(the_step_digest_is_what_the_page_says),
        cmocka_unit_test(the_frame_load_is_the_keepers),
        cmocka_unit_test(the_frame_submit_is_the_keepers),
        cmocka_unit_test(the_frame_submit_carries_what_a_chat_may_ask),
        cmocka_unit_test(the_frames_with_one_id_are_the_codes),
        cmocka_unit_test(the_frame_ready_is_the_engines),
        cmocka_unit_test(the_frame_events_is_the_engines),
        cmocka_unit_test(the_keeper_reads_the_events),
        cmocka_unit_test(the_keeper_reads_calls_vectors_and_texts),
        cmocka_unit_test(every_block_of_the_page_is_checked),
    };
    docs_page_read(&page, "protocol.md");
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    docs_page_deinit(&page);
    return failures;
}
