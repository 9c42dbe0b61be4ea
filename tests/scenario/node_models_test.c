/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several models on one node: every answer is of the model that was asked, as its receipt says,
 * however often models are loaded and unloaded to stay within a budget; a file that changed is not
 * served; one engine's death is not another's; adapters and vectors can be computed again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/capsule.h"
#include "base/sys.h"
#include "cli/review.h"
#include "codec/json.h"
#include "codec/text.h"
#include "support/cli_run.h"
#include "support/made_model.h"
#include "support/node_client.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES       4 /* that generate text; the last one has an adapter */
#define BODY_BYTES  512
#define TEXT_BYTES  512
#define SPEC_BYTES  320
#define BUDGET_SLOP (48ull << 20) /* of the processes themselves: program, stacks, sockets */

static const char *const names[NAMES] = {"stories15M", "one", "two", "tuned"};

static made_models made;
static char one_path[MADE_MODEL_PATH_BYTES], two_path[MADE_MODEL_PATH_BYTES],
    lora_path[MADE_MODEL_PATH_BYTES], other_lora_path[MADE_MODEL_PATH_BYTES],
    vectors_path[MADE_MODEL_PATH_BYTES];
static char one_spec[SPEC_BYTES], two_spec[SPEC_BYTES], tuned_spec[SPEC_BYTES],
    vectors_spec[SPEC_BYTES], alias_spec[SPEC_BYTES];
static char texts[NAMES][TEXT_BYTES]; /* what each gives, of a node with all of them in memory */
static uint64_t needs[NAMES];
static node_fixture node;

static void start_with(const char *const *more)
{
    const char *args[NODE_FIXTURE_ARGS_MAX] = {"--model", one_spec,   "--model",   two_spec,
                                               "--model", tuned_spec, "--model",   vectors_spec,
                                               "--model", alias_spec, "--context", "256"};
    size_t count = 12;

    for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
        args[count++] = more[i];
    }
    node_fixture_start(&node, args);
}

static void completion_body(const char *model, bool stream, unsigned tokens, char *ret_body)
{
    (void)snprintf(ret_body, BODY_BYTES,
                   "{\"model\":\"%s\",\"prompt\":\"Once\",\"max_tokens\":%u,\"temperature\":0,"
                   "\"seed\":7%s}",
                   model, tokens, stream ? ",\"stream\":true" : "");
}

/* The keyset's entry of a name. */
static const aver_keyset_model *keyset_model(const node_session *session, const char *name)
{
    for (size_t i = 0; i < session->keyset.models_count; i++) {
        if (strcmp(session->keyset.models[i].name, name) == 0) {
            return &session->keyset.models[i];
        }
    }
    return NULL;
}

/* Asks, checks everything that the receipt says, and gives the text. */
static void ask_checked(node_session *session, const char *name, char ret_text[TEXT_BYTES])
{
    char body[BODY_BYTES];
    node_question question = {.path = "/v1/completions", .body = body, .sealed = true};
    const aver_keyset_model *model = keyset_model(session, name);
    node_answer answer;
    aver_buf text;

    assert_non_null(model);
    completion_body(name, false, 8, body);
    node_ask(session, &question, &answer);
    if (answer.status != 200 || !node_answer_check(session, &question, &answer)) {
        fail_msg("%s: status %u, %s", name, answer.status, answer.code);
    }
    assert_memory_equal(answer.said.model_root, model->root, 32);
    assert_memory_equal(answer.said.numeric_class, model->numeric_class, 32);
    node_answer_text(&answer, &text);
    (void)snprintf(ret_text, TEXT_BYTES, "%.*s", (int)text.size, (const char *)text.data);
    aver_buf_deinit(&text);
    node_answer_deinit(&answer);
}

static uint64_t model_metric(node_session *session, const char *metric, const char *name)
{
    char full[160];

    (void)snprintf(full, sizeof(full), "%s{model=\"%s\"}", metric, name);
    return node_metric(session, full);
}

static void test_each_model_answers_as_itself(void **state)
{
    char text[TEXT_BYTES];
    node_session session;

    (void)state;
    start_with(NULL);
    node_session_open(&session, &node, false);
    assert_int_equal(session.keyset.models_count, 5);
    for (size_t i = 0; i < NAMES; i++) {
        ask_checked(&session, names[i], texts[i]);
        needs[i] = model_metric(&session, "aver_model_memory_bytes", names[i]);
        assert_true(needs[i] > 0);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(texts[i], texts[k]);
        }
    }
    /* Another name of the same model has the same root, in no entry of its own. */
    assert_null(keyset_model(&session, "eins"));
    char body[BODY_BYTES];
    node_question question = {.path = "/v1/completions", .body = body};
    node_answer answer;
    completion_body("eins", false, 8, body);
    node_ask(&session, &question, &answer);
    assert_true(node_answer_check(&session, &question, &answer));
    assert_memory_equal(answer.said.model_root, keyset_model(&session, "one")->root, 32);
    node_answer_deinit(&answer);
    ask_checked(&session, "one", text);
    assert_string_equal(text, texts[1]);
    node_session_close(&session);
}

/* The list of models: roots, kinds, states, adapters. */
static void test_the_list_says_what_each_is(void **state)
{
    static const char *const wanted[] = {"stories15M", "one", "two", "tuned", "vectors", "eins"};
    node_session session;
    aver_buf list;
    json_t *json;

    (void)state;
    node_session_open(&session, &node, false);
    aver_buf_init(&list, 65536);
    assert_int_equal(node_get(&session, "/v1/models", &list), 200);
    assert_int_equal(aver_json_parse(aver_buf_view(&list), 65536, &json, NULL), AVER_OK);
    const json_t *data = json_object_get(json, "data");
    assert_int_equal(json_array_size(data), 6);
    for (size_t i = 0; i < 6; i++) {
        const json_t *item = json_array_get(data, i);
        const json_t *own = json_object_get(item, "aver");

        assert_string_equal(json_string_value(json_object_get(item, "id")), wanted[i]);
        assert_string_equal(json_string_value(json_object_get(own, "state")), "ready");
        assert_string_equal(json_string_value(json_object_get(own, "kind")),
                            i == 4 ? "embed" : "generate");
        assert_int_equal(json_array_size(json_object_get(own, "lora")), i == 3 ? 1 : 0);
        assert_int_equal(strlen(json_string_value(json_object_get(own, "root"))), 64);
    }
    json_decref(json);
    aver_buf_deinit(&list);
    node_session_close(&session);
}

static void test_the_wrong_endpoint_is_refused(void **state)
{
    static const struct {
        const char *path;
        const char *body;
    } wrong[] = {
        {"/v1/completions", "{\"model\":\"vectors\",\"prompt\":\"x\"}"},
        {"/v1/chat/completions",
         "{\"model\":\"vectors\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}"},
        {"/v1/embeddings", "{\"model\":\"one\",\"input\":\"x\"}"},
    };
    node_session session;

    (void)state;
    node_session_open(&session, &node, false);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        node_question question = {.path = wrong[i].path, .body = wrong[i].body, .sealed = true};
        node_answer answer;

        node_ask(&session, &question, &answer);
        assert_int_equal(answer.status, 400);
        assert_string_equal(answer.param, "model");
        assert_int_equal(answer.receipt.size, 0);
        node_answer_deinit(&answer);
    }
    node_session_close(&session);
}

/* A capsule of what was said, as a client would keep it. */
static void capsule_make(node_session *session, const char *body, node_answer *answer,
                         aver_buf *ret_capsule)
{
    aver_capsule capsule = {.bundle = aver_buf_view(&session->bundle),
                            .has_salt = true,
                            .has_request = true,
                            .has_response = true,
                            .has_tokens = true,
                            .request = aver_view_text(body),
                            .response = aver_buf_view(&answer->body)};

    assert_true(node_fetch_receipt(session, answer->said.receipt_id, answer));
    capsule.receipt = aver_buf_view(&answer->receipt);
    capsule.tokens = aver_buf_view(&answer->tokens);
    memcpy(capsule.salt, answer->salt, 32);
    aver_buf_init(ret_capsule, AVER_CAPSULE_BYTES_MAX);
    assert_int_equal(aver_capsule_encode(&capsule, ret_capsule), AVER_OK);
}

static aver_review review(const aver_buf *capsule, const char *model, const char *lora)
{
    aver_review_options options = {
        .capsule = aver_buf_view(capsule), .model_path = model, .lora = lora, .threads = 1};
    aver_review result;

    assert_int_equal(aver_review_run(&options, &result), AVER_OK);
    if (result.broken != NULL) {
        fail_msg("%s: %s", result.broken, result.why);
    }
    return result;
}

static void assert_same(const aver_buf *capsule, const char *model, const char *lora)
{
    aver_review result = review(capsule, model, lora);

    if (!result.judged || result.result.outcome != AVER_RECHECK_SAME) {
        fail_msg("%s / %s", result.why, result.result.detail);
    }
}

static void assert_not_judged(const aver_buf *capsule, const char *model, const char *lora,
                              const char *words)
{
    aver_review result = review(capsule, model, lora);

    assert_false(result.judged);
    if (strstr(result.why, words) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", words, result.why);
    }
}

static void test_an_adapter_belongs_to_the_model(void **state)
{
    char body[BODY_BYTES], scaled[SPEC_BYTES];
    node_question question = {.path = "/v1/completions", .body = body, .sealed = true};
    node_session session;
    node_answer answer;
    aver_buf capsule;

    (void)state;
    node_session_open(&session, &node, false);
    completion_body("tuned", false, 12, body);
    node_ask(&session, &question, &answer);
    assert_true(node_answer_check(&session, &question, &answer));
    capsule_make(&session, body, &answer, &capsule);
    (void)snprintf(scaled, sizeof(scaled), "%s:2", lora_path);
    assert_same(&capsule, one_path, scaled);
    assert_not_judged(&capsule, one_path, NULL, "--lora");
    assert_not_judged(&capsule, one_path, lora_path, "roots differ"); /* another scale */
    (void)snprintf(scaled, sizeof(scaled), "%s:2", other_lora_path);
    assert_not_judged(&capsule, one_path, scaled, "roots differ");
    aver_buf_deinit(&capsule);
    node_answer_deinit(&answer);
    node_session_close(&session);
}

static void test_vectors_are_computed_again(void **state)
{
    static const char *const bodies[] = {
        "{\"model\":\"vectors\",\"input\":[\"a cat\",\"a dog and more\",\"x\"]}",
        "{\"model\":\"vectors\",\"input\":[\"a cat\",\"x\"],\"encoding_format\":\"base64\"}",
    };
    node_session session;

    (void)state;
    node_session_open(&session, &node, false);
    for (size_t i = 0; i < 2; i++) {
        node_question question = {.path = "/v1/embeddings", .body = bodies[i], .sealed = true};
        node_answer answer;
        aver_buf capsule;

        node_ask(&session, &question, &answer);
        assert_int_equal(answer.status, 200);
        assert_true(node_answer_check(&session, &question, &answer));
        assert_true(answer.said.has_step_digest);
        assert_memory_equal(answer.said.model_root, keyset_model(&session, "vectors")->root, 32);
        capsule_make(&session, bodies[i], &answer, &capsule);
        assert_same(&capsule, vectors_path, NULL);
        assert_not_judged(&capsule, one_path, NULL, "roots differ");
        aver_buf_deinit(&capsule);
        node_answer_deinit(&answer);
    }
    node_session_close(&session);
}

/* A policy of the reader's own files takes the adapted model, and no other. */
static void test_policies_name_the_adapted_root(void **state)
{
    char policy[CLI_RUN_PATH_BYTES], capsule[CLI_RUN_PATH_BYTES], program[512], lora[SPEC_BYTES];
    const char *bin = getenv("AVER_BIN");
    cli_run run;

    (void)state;
    cli_run_open(&run, &node);
    cli_run_path(&run, "tuned.json", policy);
    cli_run_path(&run, "tuned.capsule", capsule);
    (void)snprintf(program, sizeof(program), "%s/aver-node-sim", bin != NULL ? bin : ".");
    (void)snprintf(lora, sizeof(lora), "%s:2", lora_path);
    const char *const pin[] = {"policy", "pin",    "--program", program, "--sim", "--model",
                               one_path, "--lora", lora,        "-o",    policy,  NULL};
    const char *const ask[] = {"ask",    "-u",           node.url, "-p", policy, "--sim-root",
                               run.root, "--completion", "-n",     "6",  "-o",   capsule,
                               "Once",   "-m",           "tuned",  NULL};
    const char *const base[] = {"ask", "-u",  node.url, "-p", policy, "--sim-root", run.root,
                                "-m",  "one", "-n",     "6",  "x",    NULL};
    const char *const recheck[] = {"recheck", capsule, "--model",    one_path, "--lora", lora,
                                   "-p",      policy,  "--sim-root", run.root, NULL};
    const char *const without[] = {"recheck", capsule, "--model", one_path, NULL};
    assert_int_equal(cli_run_words(&run, pin), 0);
    if (cli_run_words(&run, ask) != 0) {
        fail_msg("ask: %s%s", run.out, run.err);
    }
    /* The prompt does not leave for a model that the policy does not name. */
    assert_int_not_equal(cli_run_words(&run, base), 0);
    if (cli_run_words(&run, recheck) != 0) {
        fail_msg("recheck: %s%s", run.out, run.err);
    }
    assert_non_null(strstr(run.out, "same digest"));
    assert_int_equal(cli_run_words(&run, without), 3);
    (void)unlink(policy);
    (void)snprintf(lora, sizeof(lora), "%s:2", other_lora_path);
    assert_int_equal(cli_run_words(&run, pin), 0);
    assert_int_equal(cli_run_words(&run, ask), 1);
    cli_run_close(&run);
}

typedef struct killer {
    unsigned pieces;
    bool done;
} killer;

/* The engine of the second model dies while the first one's streams. */
static void kill_other(void *context)
{
    killer *self = context;
    pid_t engines[16];

    if (++self->pieces == 3 && node_fixture_engines(&node, engines, 16) >= 2) {
        (void)kill(engines[1], SIGKILL);
        self->done = true;
    }
}

static void test_one_engines_death_is_not_anothers(void **state)
{
    char body[BODY_BYTES], text[TEXT_BYTES];
    killer self = {.pieces = 0};
    node_question question = {.path = "/v1/completions",
                              .body = body,
                              .sealed = true,
                              .on_piece = kill_other,
                              .context = &self};
    node_session session;
    node_answer answer;

    (void)state;
    node_session_open(&session, &node, false);
    completion_body(names[0], true, 200, body);
    node_ask(&session, &question, &answer);
    assert_true(self.done);
    assert_true(answer.done);
    assert_true(node_answer_check(&session, &question, &answer));
    assert_true(answer.said.finish == AVER_FINISH_LENGTH || answer.said.finish == AVER_FINISH_STOP);
    node_answer_deinit(&answer);
    for (size_t i = 0; i < NAMES; i++) {
        ask_checked(&session, names[i], text);
        assert_string_equal(text, texts[i]);
    }
    assert_int_equal(node_metric(&session, "aver_engine_restarts_total"), 1);
    node_session_close(&session);
    assert_int_equal(node_fixture_stop(&node), 0);
}

/* Room for the two largest together, and not for three. */
static uint64_t budget_of_two(void)
{
    uint64_t most = 0;
    uint64_t second = 0;

    for (size_t i = 0; i < NAMES; i++) {
        if (needs[i] > most) {
            second = most;
            most = needs[i];
        } else if (needs[i] > second) {
            second = needs[i];
        }
    }
    return most + second;
}

static void assert_within(node_session *session, uint64_t budget)
{
    uint64_t counted = node_metric(session, "aver_models_memory_bytes");
    uint64_t real = node_fixture_proportional_bytes(&node);

    assert_true(counted <= budget);
    if (real > budget + BUDGET_SLOP) {
        fail_msg("%llu bytes are resident, %llu allowed", (unsigned long long)real,
                 (unsigned long long)budget);
    }
}

static void test_models_take_turns_within_a_budget(void **state)
{
    uint64_t budget = budget_of_two();
    char memory[32], text[TEXT_BYTES];
    node_session session;

    (void)state;
    (void)snprintf(memory, sizeof(memory), "%llu", (unsigned long long)budget);
    start_with((const char *const[]){"--memory", memory, NULL});
    node_session_open(&session, &node, false);
    assert_int_equal(session.keyset.models_count, 5);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < NAMES; i++) {
            ask_checked(&session, names[i], text);
            assert_string_equal(text, texts[i]);
            assert_within(&session, budget);
        }
    }
    uint64_t evictions = 0;
    for (size_t i = 0; i < NAMES; i++) {
        evictions += model_metric(&session, "aver_model_evictions_total", names[i]);
        assert_true(model_metric(&session, "aver_model_loads_total", names[i]) > 1);
    }
    assert_true(evictions > NAMES);
    node_session_close(&session);
}

#define CROWD        8
#define CROWD_ROUNDS 12

static void *crowd_work(void *context)
{
    size_t index = (size_t)(uintptr_t)context;
    char text[TEXT_BYTES];
    node_session session;

    node_session_open(&session, &node, false);
    for (size_t i = 0; i < CROWD_ROUNDS; i++) {
        size_t name = (index + i / 3) % NAMES;

        ask_checked(&session, names[name], text);
        assert_string_equal(text, texts[name]);
    }
    node_session_close(&session);
    return NULL;
}

static void test_a_crowd_gets_right_answers(void **state)
{
    pthread_t threads[CROWD];
    node_session session;

    (void)state;
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_work, (void *)(uintptr_t)i), 0);
    }
    for (size_t i = 0; i < CROWD; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    node_session_open(&session, &node, false);
    assert_within(&session, budget_of_two());
    node_session_close(&session);
}

static unsigned ask_status(node_session *session, const char *name, char *ret_code)
{
    char body[BODY_BYTES];
    node_question question = {.path = "/v1/completions", .body = body, .sealed = true};
    node_answer answer;

    completion_body(name, false, 4, body);
    node_ask(session, &question, &answer);
    unsigned status = answer.status;
    (void)snprintf(ret_code, 64, "%s", answer.code);
    if (status == 503) {
        assert_int_equal(answer.receipt.size, 0);
        assert_string_not_equal(answer.retry_after, "");
    }
    node_answer_deinit(&answer);
    return status;
}

static void file_copy(const char *from, const char *to)
{
    aver_buf bytes;

    aver_buf_init(&bytes, 64u << 20);
    assert_int_equal(aver_file_read(from, 64u << 20, &bytes), AVER_OK);
    assert_int_equal(aver_file_write(to, aver_buf_view(&bytes), 0600), AVER_OK);
    aver_buf_deinit(&bytes);
}

/* Files that change while the model is out of memory are not served under the old root. */
static void test_a_file_that_changed_is_not_served(void **state)
{
    char kept[MADE_MODEL_PATH_BYTES], other[MADE_MODEL_PATH_BYTES], text[TEXT_BYTES], code[64];
    node_session session;
    unsigned status = 503;

    (void)state;
    node_session_open(&session, &node, false);
    assert_true(made_models_text(&made, "other", 99, other));
    (void)snprintf(kept, sizeof(kept), "%s/kept", made.dir);
    file_copy(two_path, kept);
    ask_checked(&session, names[0], text);
    ask_checked(&session, "tuned", text);
    ask_checked(&session, names[0], text);
    ask_checked(&session, "tuned", text);
    while (model_metric(&session, "aver_model_ready", "two") != 0) {
        ask_checked(&session, names[0], text);
        ask_checked(&session, "tuned", text);
        node_fixture_sleep_ms(100);
    }
    file_copy(other, two_path);
    assert_int_equal(ask_status(&session, "two", code), 503);
    assert_string_equal(code, "model_changed");
    assert_true(node_fixture_log_has(&node, "model.changed"));
    ask_checked(&session, "one", text);
    assert_string_equal(text, texts[1]);
    assert_int_equal(ask_status(&session, "two", code), 503);
    file_copy(kept, two_path);
    for (unsigned i = 0; i < 100 && status == 503; i++) {
        status = ask_status(&session, "two", code);
        node_fixture_sleep_ms(200);
    }
    assert_int_equal(status, 200);
    ask_checked(&session, "two", text);
    assert_string_equal(text, texts[2]);
    node_session_close(&session);
    assert_int_equal(node_fixture_stop(&node), 0);
}

static void start_fails(const char *const *args, int status, const char *words)
{
    node_fixture failing;

    assert_int_equal(node_fixture_fail(&failing, args), status);
    if (!node_fixture_log_has(&failing, words)) {
        fail_msg("the log does not say \"%s\"", words);
    }
    node_fixture_remove(&failing);
}

static void test_what_cannot_be_served_ends_the_start(void **state)
{
    char narrow[SPEC_BYTES], twice[SPEC_BYTES], thin[SPEC_BYTES], weak[MADE_MODEL_PATH_BYTES];
    char key[SPEC_BYTES], fewer[SPEC_BYTES], taken[SPEC_BYTES], file_only[32];
    struct stat info;
    const struct {
        const char *args[10];
        const char *words;
    } cases[] = {
        {{"--platform", key, "--model", one_spec, "--memory", "1M", NULL}, "--memory allows"},
        {{"--platform", key, "--model", one_spec, "--model", twice, NULL},
         "two models of the name"},
        {{"--platform", key, "--model", one_spec, "--model", narrow, NULL}, "are the same model"},
        {{"--platform", key, "--model", one_spec, "--model", fewer, NULL}, "are the same model"},
        {{"--platform", key, "--model", one_spec, "--model", two_spec, "--model", taken, NULL},
         "two models of the name"},
        /* Room for the file, none for what its engine needs. */
        {{"--platform", key, "--model", one_spec, "--memory", file_only, NULL}, "one needs"},
        {{"--platform", key, "--model", thin, NULL}, "Use --profile fast"},
        {{"--platform", key, "--model", one_spec, "--model", two_spec, "--model-name", "x", NULL},
         "--model-name is for one model"},
    };

    (void)state;
    (void)snprintf(key, sizeof(key), "sim:key=%s/key", made.dir);
    (void)snprintf(twice, sizeof(twice), "%s,name=one", two_path);
    (void)snprintf(narrow, sizeof(narrow), "%s,name=narrow,context=64", one_path);
    (void)snprintf(fewer, sizeof(fewer), "%s,name=fewer,slots=3", one_path);
    (void)snprintf(taken, sizeof(taken), "%s,name=two", one_path);
    assert_int_equal(stat(one_path, &info), 0);
    (void)snprintf(file_only, sizeof(file_only), "%lld", (long long)info.st_size + 1000);
    made_models_lora(&made, "weak", one_path, 8, 5, weak);
    (void)snprintf(thin, sizeof(thin), "%s,lora=%s", one_path, weak);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start_fails(cases[i].args, 2, cases[i].words);
    }
    start_fails((const char *const[]){"--platform", key, "--model", "/absent.gguf", NULL}, 1,
                "cannot open the model file");
}

static int setup(void **state)
{
    (void)state;
    (void)node_fixture_model();
    made_models_init(&made);
    if (!made_models_text(&made, "one", 1, one_path)) {
        made_models_deinit(&made);
        exit(77);
    }
    (void)made_models_text(&made, "two", 2, two_path);
    made_models_lora(&made, "lora", one_path, 32, 3, lora_path);
    made_models_lora(&made, "other-lora", one_path, 32, 4, other_lora_path);
    made_models_bert(&made, "vectors", 5, vectors_path);
    (void)snprintf(one_spec, sizeof(one_spec), "%s,name=one", one_path);
    (void)snprintf(two_spec, sizeof(two_spec), "%s,name=two,slots=2", two_path);
    (void)snprintf(tuned_spec, sizeof(tuned_spec), "%s,name=tuned,lora=%s:2", one_path, lora_path);
    (void)snprintf(vectors_spec, sizeof(vectors_spec), "%s,name=vectors", vectors_path);
    (void)snprintf(alias_spec, sizeof(alias_spec), "%s,name=eins", one_path);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    made_models_deinit(&made);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_cannot_be_served_ends_the_start),
        cmocka_unit_test(test_each_model_answers_as_itself),
        cmocka_unit_test(test_the_list_says_what_each_is),
        cmocka_unit_test(test_the_wrong_endpoint_is_refused),
        cmocka_unit_test(test_an_adapter_belongs_to_the_model),
        cmocka_unit_test(test_vectors_are_computed_again),
        cmocka_unit_test(test_policies_name_the_adapted_root),
        cmocka_unit_test(test_one_engines_death_is_not_anothers),
        cmocka_unit_test(test_models_take_turns_within_a_budget),
        cmocka_unit_test(test_a_crowd_gets_right_answers),
        cmocka_unit_test(test_a_file_that_changed_is_not_served),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
