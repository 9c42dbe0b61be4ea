/* SPDX-License-Identifier: Apache-2.0 */
/* verify: each named check has a case in which it alone fails, and the table of checks is walked to
 * prove that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/forge.h"

#include <string.h>

typedef enum flow_kind { FLOW_ANSWER, FLOW_CONNECT, FLOW_CAPSULE } flow_kind;

typedef struct lone_case {
    const char *check;
    flow_kind flow;
    bool unreadable; /* what depends on the damaged part may become SKIP or be left out */
    forge_edits edits;
} lone_case;

static uint8_t wrong[32];

static void append_byte(aver_buf *bytes)
{
    aver_buf_append_byte(bytes, 0);
}

static void flip_last(aver_buf *bytes)
{
    bytes->data[bytes->size - 1] ^= 1;
}

static void no_platforms(aver_verify_context *context)
{
    static const aver_platform *const none[] = {NULL};
    context->platforms = none;
}

static void other_root(aver_verify_context *context)
{
    context->roots.sim_root[0] ^= 1;
}

static void no_root(aver_verify_context *context)
{
    context->roots.has_sim_root = false;
}

static void foreign_device(aver_sim_device *device)
{
    device->machine_id[0] ^= 1;
}

static void debug_on(aver_sim_statement *statement)
{
    statement->debug = true;
}

static void evidence_old(aver_sim_statement *statement)
{
    statement->time_ms = FORGE_NOW_MS - 301000;
}

static void evidence_future(aver_sim_statement *statement)
{
    statement->time_ms = FORGE_NOW_MS + 61000;
}

static void other_program(aver_sim_statement *statement)
{
    statement->program[0] ^= 1;
}

static void old_firmware(aver_sim_statement *statement)
{
    statement->tcb = 2;
}

static void other_report_data(aver_sim_statement *statement)
{
    statement->report_data[63] ^= 1;
}

static void other_nonce_root(aver_bundle *bundle)
{
    bundle->nonce_root[0] ^= 1;
}

static void other_keyset_platform(aver_keyset *keyset)
{
    memcpy(keyset->platform, "tdx", 4);
}

static void other_incarnation(aver_keyset *keyset)
{
    keyset->incarnation[0] ^= 1;
}

static void other_config(aver_bundle *bundle)
{
    bundle->config = AVER_VIEW_LITERAL("{\"n_ctx\":4096}");
}

static void config_not_listed(aver_keyset *keyset)
{
    aver_config_digest(AVER_VIEW_LITERAL("{\"n_ctx\":4096}"), keyset->config_digest);
}

static void ask_other_model(aver_verify_context *context)
{
    static uint8_t root[32];
    forge_bytes("model not allowed", root);
    context->model_root = root;
}

static void ask_absent_model(aver_verify_context *context)
{
    context->model_root = wrong;
}

static void no_models(aver_keyset *keyset)
{
    keyset->models_count = 0;
}

static void ask_other_node(aver_verify_context *context)
{
    context->node_id = wrong;
}

static void other_nonce(aver_verify_context *context)
{
    context->nonce = wrong;
}

static void no_nonce_path(aver_bundle *bundle)
{
    bundle->has_nonce_path = false;
}

static void other_tls(aver_verify_context *context)
{
    context->tls_spki_digest = wrong;
}

static void no_tls_key(aver_keyset *keyset)
{
    keyset->keys[AVER_ROLE_TLS].present = false;
}

static void other_seal(aver_verify_context *context)
{
    context->seal_key = wrong;
}

static void receipt_keyset(aver_receipt *receipt)
{
    receipt->keyset_digest[0] ^= 1;
}

static void receipt_evidence(aver_receipt *receipt)
{
    receipt->evidence_digest[0] ^= 1;
}

static void receipt_incarnation(aver_receipt *receipt)
{
    receipt->incarnation[0] ^= 1;
}

static void receipt_platform(aver_receipt *receipt)
{
    memcpy(receipt->platform, "tdx", 4);
}

static void receipt_node(aver_receipt *receipt)
{
    receipt->node_id[0] ^= 1;
}

/* A model that the keyset has and the policy does not allow. */
static void receipt_model(aver_receipt *receipt)
{
    forge_bytes("model not allowed", receipt->model_root);
}

static void ask_any_model(aver_transcript *transcript)
{
    transcript->model_root = NULL;
}

static void any_model(aver_verify_context *context)
{
    context->model_root = NULL;
}

static void receipt_config(aver_receipt *receipt)
{
    receipt->config_digest[0] ^= 1;
}

static void receipt_class(aver_receipt *receipt)
{
    receipt->numeric_class[0] ^= 1;
}

static void receipt_profile(aver_receipt *receipt)
{
    receipt->profile = AVER_PROFILE_FAST;
}

static void other_request(aver_transcript *transcript)
{
    transcript->request = AVER_VIEW_LITERAL("{\"messages\":[]}");
}

static void shorter_response(aver_transcript *transcript)
{
    transcript->response.size--;
}

static void other_tokens(aver_transcript *transcript)
{
    /* [[1], [403, 407, 262]]: the same counts, one other id. */
    static const uint8_t tokens[] = {0x82, 0x81, 0x01, 0x83, 0x19, 0x01, 0x93,
                                     0x19, 0x01, 0x97, 0x19, 0x01, 0x06};
    transcript->tokens = AVER_VIEW_OF(tokens);
}

static void receipt_token_count(aver_receipt *receipt)
{
    receipt->generated_tokens++;
}

static void event_missing(aver_transcript *transcript)
{
    transcript->events_count--;
}

static void event_changed(aver_transcript *transcript)
{
    transcript->events_root[0] ^= 1;
}

static void event_broken(aver_transcript *transcript)
{
    transcript->events_broken = true;
}

static void stream_claimed_whole(aver_transcript *transcript)
{
    transcript->streamed = false;
}

static void whole_claimed_stream(aver_receipt *receipt)
{
    receipt->has_stream = false;
}

static void other_enc(aver_transcript *transcript)
{
    transcript->enc = wrong;
}

static void no_enc(aver_transcript *transcript)
{
    transcript->enc = NULL;
}

static void receipt_unsealed(aver_receipt *receipt)
{
    receipt->channel = AVER_CHANNEL_TLS;
    receipt->has_enc_digest = false;
}

static void other_path(aver_transcript *transcript)
{
    transcript->path = "/v1/completions";
}

static void other_method(aver_transcript *transcript)
{
    transcript->method = "PUT";
}

static void other_client_nonce(aver_transcript *transcript)
{
    transcript->client_nonce = wrong;
}

static void receipt_no_nonce(aver_receipt *receipt)
{
    receipt->has_client_nonce = false;
}

static void receipt_seed(aver_receipt *receipt)
{
    receipt->seed++;
}

static void receipt_aborted(aver_receipt *receipt)
{
    receipt->finish = AVER_FINISH_ABORTED;
}

static void receipt_error(aver_receipt *receipt)
{
    receipt->finish = AVER_FINISH_ERROR;
    receipt->status = 500;
}

static void receipt_status(aver_receipt *receipt)
{
    receipt->status = 503;
}

static void receipt_future(aver_receipt *receipt)
{
    receipt->issued_at_ms = FORGE_NOW_MS + 61000;
}

static void receipt_before_evidence(aver_receipt *receipt)
{
    receipt->issued_at_ms = FORGE_NOW_MS - 10000 - 61000;
}

static void receipt_old(aver_receipt *receipt)
{
    receipt->issued_at_ms = FORGE_NOW_MS - 301000;
}

static void policy_ages(aver_sim_statement *statement)
{
    statement->time_ms = FORGE_NOW_MS - 299000;
}

static void as_of_earlier(aver_verify_context *context)
{
    context->as_of_ms = FORGE_NOW_MS - 3600000;
}

static void capsule_old(aver_receipt *receipt)
{
    receipt->issued_at_ms = FORGE_NOW_MS - 10000 + 301000;
}

static void reader_later(aver_verify_context *context)
{
    context->now_ms = FORGE_NOW_MS + 100ull * 365 * 24 * 3600 * 1000;
}

static void policy_replace(aver_buf *json, const char *from, const char *to)
{
    uint8_t *at = memmem(json->data, json->size, from, strlen(from));
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
}

static void other_platform(aver_buf *json)
{
    policy_replace(json, "\"platforms\":[\"sim\"]", "\"platforms\":[\"tdx\"]");
}

static const lone_case lone_cases[] = {
    {"capsule.format", FLOW_CAPSULE, true, {.edit_capsule_bytes = append_byte}},
    {"bundle.format", FLOW_ANSWER, true, {.edit_bundle_bytes = append_byte}},
    {"platform.known", FLOW_ANSWER, true, {.edit_context = no_platforms}},
    {"platform.allowed", FLOW_ANSWER, false, {.edit_policy = other_platform}},
    {"evidence.format", FLOW_ANSWER, true, {.edit_evidence = append_byte}},
    {"platform.root", FLOW_ANSWER, false, {.edit_context = other_root}},
    {"platform.root", FLOW_ANSWER, false, {.edit_context = no_root}},
    {"platform.root", FLOW_ANSWER, false, {.edit_device = foreign_device}},
    {"evidence.signature", FLOW_ANSWER, false, {.edit_evidence = flip_last}},
    {"evidence.debug", FLOW_ANSWER, false, {.edit_statement = debug_on}},
    {"evidence.age", FLOW_ANSWER, false, {.edit_statement = evidence_old}},
    {"evidence.age", FLOW_CONNECT, false, {.edit_statement = evidence_future}},
    {"evidence.age",
     FLOW_CAPSULE,
     false,
     {.edit_receipt = capsule_old, .edit_context = reader_later}},
    {"measurement.allowed", FLOW_ANSWER, false, {.edit_statement = other_program}},
    {"tcb.min", FLOW_ANSWER, false, {.edit_statement = old_firmware}},
    {"binding", FLOW_ANSWER, false, {.edit_statement = other_report_data}},
    {"binding", FLOW_CAPSULE, false, {.edit_bundle = other_nonce_root}},
    {"keyset.format", FLOW_ANSWER, true, {.edit_keyset_bytes = append_byte}},
    {"keyset.platform", FLOW_ANSWER, false, {.edit_keyset = other_keyset_platform}},
    {"keyset.incarnation", FLOW_ANSWER, false, {.edit_keyset = other_incarnation}},
    {"keyset.config", FLOW_ANSWER, false, {.edit_bundle = other_config}},
    {"config.allowed",
     FLOW_ANSWER,
     false,
     {.edit_keyset = config_not_listed, .edit_bundle = other_config}},
    {"model.allowed", FLOW_CONNECT, false, {.edit_context = ask_other_model}},
    {"model.allowed", FLOW_CONNECT, false, {.edit_context = ask_absent_model}},
    {"model.allowed", FLOW_CONNECT, false, {.edit_keyset = no_models, .edit_context = any_model}},
    {"node.id", FLOW_CONNECT, false, {.edit_context = ask_other_node}},
    {"nonce", FLOW_ANSWER, false, {.edit_context = other_nonce}},
    {"nonce", FLOW_ANSWER, false, {.edit_bundle = no_nonce_path}},
    {"channel.tls", FLOW_ANSWER, false, {.edit_context = other_tls}},
    {"channel.tls", FLOW_ANSWER, false, {.edit_keyset = no_tls_key}},
    {"channel.seal", FLOW_ANSWER, false, {.edit_context = other_seal}},
    {"receipt.format", FLOW_ANSWER, true, {.edit_receipt_bytes = append_byte}},
    {"receipt.format", FLOW_ANSWER, true, {.edit_receipt_bytes = aver_buf_clear}},
    {"receipt.signature", FLOW_ANSWER, false, {.edit_receipt_bytes = flip_last}},
    {"receipt.keyset", FLOW_ANSWER, false, {.edit_receipt = receipt_keyset}},
    {"receipt.evidence", FLOW_ANSWER, false, {.edit_receipt = receipt_evidence}},
    {"receipt.incarnation", FLOW_ANSWER, false, {.edit_receipt = receipt_incarnation}},
    {"receipt.platform", FLOW_ANSWER, false, {.edit_receipt = receipt_platform}},
    {"receipt.node", FLOW_ANSWER, false, {.edit_receipt = receipt_node}},
    {"receipt.model", FLOW_ANSWER, false, {.edit_receipt = receipt_model}},
    {"receipt.model",
     FLOW_ANSWER,
     false,
     {.edit_receipt = receipt_model, .edit_transcript = ask_any_model, .edit_context = any_model}},
    {"receipt.config", FLOW_ANSWER, false, {.edit_receipt = receipt_config}},
    {"receipt.class", FLOW_ANSWER, false, {.edit_receipt = receipt_class}},
    {"receipt.class", FLOW_ANSWER, false, {.edit_receipt = receipt_profile}},
    {"receipt.request", FLOW_ANSWER, false, {.edit_transcript = other_request}},
    {"receipt.response", FLOW_ANSWER, false, {.edit_transcript = shorter_response}},
    {"receipt.tokens", FLOW_ANSWER, false, {.edit_transcript = other_tokens}},
    {"receipt.tokens", FLOW_ANSWER, false, {.edit_receipt = receipt_token_count}},
    {"receipt.stream", FLOW_ANSWER, false, {.edit_transcript = event_missing}},
    {"receipt.stream", FLOW_ANSWER, false, {.edit_transcript = event_changed}},
    {"receipt.stream", FLOW_ANSWER, false, {.edit_transcript = event_broken}},
    {"receipt.stream", FLOW_ANSWER, false, {.edit_transcript = stream_claimed_whole}},
    {"receipt.stream", FLOW_ANSWER, false, {.edit_receipt = whole_claimed_stream}},
    {"receipt.enc", FLOW_ANSWER, false, {.edit_transcript = other_enc}},
    {"receipt.enc", FLOW_ANSWER, false, {.edit_transcript = no_enc}},
    {"receipt.enc", FLOW_ANSWER, false, {.edit_receipt = receipt_unsealed}},
    {"receipt.enc", FLOW_CAPSULE, false, {.edit_receipt = receipt_unsealed}},
    {"receipt.route", FLOW_ANSWER, false, {.edit_transcript = other_path}},
    {"receipt.route", FLOW_ANSWER, false, {.edit_transcript = other_method}},
    {"receipt.nonce", FLOW_ANSWER, false, {.edit_transcript = other_client_nonce}},
    {"receipt.nonce", FLOW_ANSWER, false, {.edit_receipt = receipt_no_nonce}},
    {"receipt.seed", FLOW_ANSWER, false, {.edit_receipt = receipt_seed}},
    {"receipt.finish", FLOW_ANSWER, false, {.edit_receipt = receipt_aborted}},
    {"receipt.finish", FLOW_ANSWER, false, {.edit_receipt = receipt_error}},
    {"receipt.finish", FLOW_CAPSULE, false, {.edit_receipt = receipt_status}},
    {"receipt.time", FLOW_ANSWER, false, {.edit_receipt = receipt_future}},
    {"receipt.time", FLOW_CAPSULE, false, {.edit_receipt = receipt_future}},
    {"receipt.time", FLOW_ANSWER, false, {.edit_receipt = receipt_before_evidence}},
    {"receipt.time",
     FLOW_ANSWER,
     false,
     {.edit_receipt = receipt_old, .edit_statement = policy_ages}},
    {"time.as-of", FLOW_CAPSULE, false, {.edit_context = as_of_earlier}},
};

enum { LONE_CASES = sizeof lone_cases / sizeof lone_cases[0] };

static bool run_flow(forge_state *forge, flow_kind flow, aver_verdict *verdict)
{
    aver_verdict_init(verdict);
    switch (flow) {
    case FLOW_CONNECT:
        return forge_judge_connect(forge, verdict);
    case FLOW_CAPSULE:
        return forge_judge_capsule(forge, verdict);
    case FLOW_ANSWER:
        break;
    }
    return forge_judge_answer(forge, verdict);
}

static void make_forge(forge_state *made, const forge_edits *edits)
{
    forge_init(made);
    if (edits) {
        made->edits = *edits;
    }
    forge_build(made);
}

static aver_check_status status_of(const aver_verdict *verdict, const char *name)
{
    const aver_check *check = aver_verdict_find(verdict, name);
    return check ? check->status : AVER_CHECK_SKIP;
}

static size_t count_of(const aver_verdict *verdict, aver_check_status status)
{
    size_t count = 0;
    for (size_t i = 0; i < verdict->count; i++) {
        count += verdict->checks[i].status == status ? 1 : 0;
    }
    return count;
}

static void a_good_answer_passes_every_check_that_a_node_can_pass(void **state)
{
    (void)state;
    static forge_state made;
    static aver_verdict verdict;
    make_forge(&made, NULL);
    assert_true(run_flow(&made, FLOW_ANSWER, &verdict));
    for (const aver_check_name *name = aver_check_names(); name->name; name++) {
        const aver_check *check = aver_verdict_find(&verdict, name->name);
        if (name->of != NULL || strcmp(name->name, "capsule.format") == 0) {
            assert_null(check);
            continue;
        }
        assert_non_null(check);
        bool as_of = strcmp(name->name, "time.as-of") == 0;
        assert_int_equal(check->status, as_of ? AVER_CHECK_SKIP : AVER_CHECK_PASS);
    }
    assert_true(verdict.simulated);
    assert_true(run_flow(&made, FLOW_CONNECT, &verdict));
    assert_true(run_flow(&made, FLOW_CAPSULE, &verdict));
    assert_true(verdict.simulated);
    forge_deinit(&made);
}

/* Everything but the lone check is as in the good verdict. */
static void assert_alone(const lone_case *lone, const aver_verdict *good, const aver_verdict *bad)
{
    for (const aver_check_name *name = aver_check_names(); name->name; name++) {
        aver_check_status before = status_of(good, name->name);
        aver_check_status after = status_of(bad, name->name);
        bool fine = strcmp(name->name, lone->check) == 0
                        ? after == AVER_CHECK_FAIL
                        : after == before || (lone->unreadable && after == AVER_CHECK_SKIP);
        if (!fine) {
            fail_msg("case %s: check %s went from %s to %s", lone->check, name->name,
                     aver_check_status_text(before), aver_check_status_text(after));
        }
    }
    assert_int_equal(count_of(bad, AVER_CHECK_FAIL), 1);
}

static void each_tampering_fails_its_own_check_alone(void **state)
{
    (void)state;
    static forge_state made;
    static aver_verdict good;
    static aver_verdict bad;
    for (size_t i = 0; i < LONE_CASES; i++) {
        make_forge(&made, NULL);
        assert_true(run_flow(&made, lone_cases[i].flow, &good));
        forge_deinit(&made);
        make_forge(&made, &lone_cases[i].edits);
        if (run_flow(&made, lone_cases[i].flow, &bad)) {
            fail_msg("case %zu of %s was accepted", i, lone_cases[i].check);
        }
        assert_alone(&lone_cases[i], &good, &bad);
        assert_true(aver_verdict_failed(&bad));
        assert_false(aver_verdict_failed(&good));
        forge_deinit(&made);
    }
}

static void every_check_of_the_table_has_such_a_case(void **state)
{
    (void)state;
    for (const aver_check_name *name = aver_check_names(); name->name; name++) {
        /* Those of one platform: unit/checks_test. */
        bool found = name->of != NULL;
        for (size_t i = 0; i < LONE_CASES; i++) {
            found = found || strcmp(lone_cases[i].check, name->name) == 0;
        }
        if (!found) {
            fail_msg("no negative case for %s", name->name);
        }
    }
}

static void no_request(aver_transcript *transcript)
{
    transcript->has_request = false;
}

static void no_response(aver_transcript *transcript)
{
    transcript->has_response = false;
}

static void no_route(aver_transcript *transcript)
{
    transcript->path = NULL;
}

static void no_reader_nonce(aver_verify_context *context)
{
    context->nonce = NULL;
}

static void no_channel(aver_verify_context *context)
{
    context->seal_key = NULL;
    context->tls_spki_digest = NULL;
}

static void a_live_answer_with_anything_left_out_is_refused(void **state)
{
    (void)state;
    static const forge_edits left_out[] = {
        {.edit_transcript = no_request}, {.edit_transcript = no_response},
        {.edit_transcript = no_route},   {.edit_context = no_reader_nonce},
        {.edit_context = no_channel},
    };
    static forge_state made;
    static aver_verdict verdict;
    for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++) {
        make_forge(&made, &left_out[i]);
        assert_false(run_flow(&made, FLOW_ANSWER, &verdict));
        /* Nothing is wrong, something is missing. */
        assert_false(aver_verdict_failed(&verdict));
        forge_deinit(&made);
    }
}

/* Without a seal the connection itself must end at the node. */
static void an_unsealed_answer_needs_the_nodes_own_tls(void **state)
{
    (void)state;
    static forge_state made;
    static aver_verdict verdict;
    forge_edits edits = {.unsealed = true, .whole = true};
    make_forge(&made, &edits);
    assert_true(run_flow(&made, FLOW_ANSWER, &verdict));
    forge_deinit(&made);
    edits.edit_context = no_channel;
    make_forge(&made, &edits);
    assert_false(run_flow(&made, FLOW_ANSWER, &verdict));
    assert_false(aver_verdict_failed(&verdict));
    forge_deinit(&made);
}

static void allow_stripped(aver_buf *json)
{
    aver_buf_clear(json);
    forge_policy_text(json);
    /* The closing brace and newline make room for one more member. */
    json->size -= 2;
    aver_buf_append_text(json, ",\"allow_stripped\":true}");
}

static void a_stripped_capsule_is_accepted_only_where_the_policy_says_so(void **state)
{
    (void)state;
    static forge_state made;
    static aver_verdict verdict;
    forge_edits edits = {.stripped = true};
    make_forge(&made, &edits);
    assert_false(run_flow(&made, FLOW_CAPSULE, &verdict));
    assert_false(aver_verdict_failed(&verdict));
    assert_int_equal(status_of(&verdict, "receipt.request"), AVER_CHECK_SKIP);
    assert_int_equal(status_of(&verdict, "receipt.stream"), AVER_CHECK_SKIP);
    forge_deinit(&made);
    edits.edit_policy = allow_stripped;
    make_forge(&made, &edits);
    assert_true(run_flow(&made, FLOW_CAPSULE, &verdict));
    /* A live answer is not a capsule: there nothing may be missing. */
    made.transcript.has_response = false;
    assert_false(run_flow(&made, FLOW_ANSWER, &verdict));
    forge_deinit(&made);
}

static void require_as_of(aver_buf *json)
{
    allow_stripped(json);
    json->size -= 1;
    aver_buf_append_text(json, ",\"require\":[[\"time.as-of\",\"nonce\"]]}");
}

static void what_the_policy_asks_for_must_pass_not_be_skipped(void **state)
{
    (void)state;
    static forge_state made;
    static aver_verdict verdict;
    char why[400];
    const forge_edits edits = {.edit_policy = require_as_of};
    make_forge(&made, &edits);
    assert_false(run_flow(&made, FLOW_CAPSULE, &verdict));
    assert_false(aver_policy_accepts(made.policy, AVER_USE_CAPSULE, &verdict, why));
    assert_non_null(strstr(why, "time.as-of is SKIP: needs a timestamp or witnessed checkpoint"));
    /* Any one of a list is enough. */
    assert_true(run_flow(&made, FLOW_ANSWER, &verdict));
    forge_deinit(&made);
}

static void accept_debug(aver_buf *json)
{
    json->size -= 2;
    aver_buf_append_text(json, ",\"accept_debug\":true}");
}

static void debug_passes_only_where_it_is_accepted_and_says_so(void **state)
{
    (void)state;
    static forge_state made;
    static aver_verdict verdict;
    const forge_edits edits = {.edit_policy = accept_debug, .edit_statement = debug_on};
    make_forge(&made, &edits);
    assert_true(run_flow(&made, FLOW_ANSWER, &verdict));
    assert_non_null(
        strstr(aver_verdict_find(&verdict, "evidence.debug")->detail, "debugging is on"));
    forge_deinit(&made);
}

static void without_path(aver_bundle *bundle)
{
    /* Offline the path answers nobody's nonce; here it would only be bytes that no check covers. */
    bundle->has_nonce_path = false;
}

static void a_capsule_with_any_bit_changed_is_refused(void **state)
{
    (void)state;
    static forge_state made;
    static aver_verdict verdict;
    const forge_edits edits = {.whole = true, .edit_bundle = without_path};
    make_forge(&made, &edits);
    assert_true(run_flow(&made, FLOW_CAPSULE, &verdict));
    for (size_t i = 0; i < made.capsule.size; i++) {
        made.capsule.data[i] ^= (uint8_t)(1u << (i % 8));
        if (run_flow(&made, FLOW_CAPSULE, &verdict)) {
            fail_msg("accepted with byte %zu of %zu changed", i, made.capsule.size);
        }
        made.capsule.data[i] ^= (uint8_t)(1u << (i % 8));
    }
    assert_true(run_flow(&made, FLOW_CAPSULE, &verdict));
    forge_deinit(&made);
}

static void a_capsule_cut_short_anywhere_is_refused(void **state)
{
    (void)state;
    static forge_state made;
    static aver_verdict verdict;
    const forge_edits edits = {.whole = true};
    make_forge(&made, &edits);
    size_t whole = made.capsule.size;
    for (size_t size = 0; size < whole; size++) {
        made.capsule.size = size;
        assert_false(run_flow(&made, FLOW_CAPSULE, &verdict));
        assert_int_equal(status_of(&verdict, "capsule.format"), AVER_CHECK_FAIL);
    }
    made.capsule.size = whole;
    forge_deinit(&made);
}

static void the_verdict_as_json_names_every_check(void **state)
{
    (void)state;
    static forge_state made;
    static aver_verdict verdict;
    aver_buf text;
    aver_buf_init(&text, 65536);
    make_forge(&made, NULL);
    assert_true(run_flow(&made, FLOW_ANSWER, &verdict));
    aver_verdict_json(&verdict, true, &text);
    aver_buf_append_byte(&text, 0);
    assert_int_equal(aver_buf_status(&text), AVER_OK);
    assert_non_null(strstr((const char *)text.data,
                           "{\"accepted\":true,\"simulated\":true,\"checks\":[{\"name\":"));
    assert_non_null(strstr((const char *)text.data,
                           "{\"name\":\"time.as-of\",\"status\":\"SKIP\",\"detail\":"));
    aver_buf_deinit(&text);
    forge_deinit(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_answer_passes_every_check_that_a_node_can_pass),
        cmocka_unit_test(each_tampering_fails_its_own_check_alone),
        cmocka_unit_test(every_check_of_the_table_has_such_a_case),
        cmocka_unit_test(a_live_answer_with_anything_left_out_is_refused),
        cmocka_unit_test(an_unsealed_answer_needs_the_nodes_own_tls),
        cmocka_unit_test(a_stripped_capsule_is_accepted_only_where_the_policy_says_so),
        cmocka_unit_test(what_the_policy_asks_for_must_pass_not_be_skipped),
        cmocka_unit_test(debug_passes_only_where_it_is_accepted_and_says_so),
        cmocka_unit_test(a_capsule_with_any_bit_changed_is_refused),
        cmocka_unit_test(a_capsule_cut_short_anywhere_is_refused),
        cmocka_unit_test(the_verdict_as_json_names_every_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
