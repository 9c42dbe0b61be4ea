/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors: of length 1, the same bits whoever asks beside them and on however many threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "engine/embed.h"
#include "engine/engine.h"
#include "engine/recheck_embed.h"
#include "model/weights.h"
#include "support/made_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_MAX    8
#define VECTORS_MAX 16
#define FLOATS_MAX  512
#define IDS_MAX     2048

typedef struct answer {
    float vectors[VECTORS_MAX][FLOATS_MAX];
    size_t count;
    size_t size;
    int32_t ids[IDS_MAX];
    size_t ids_count;
    bool started, done, refused;
    aver_event end;
    char why[200];
} answer;

typedef struct bench {
    aver_weights weights;
    aver_engine *engine;
    answer answers[JOBS_MAX];
} bench;

static made_models made;
static char bert_path[MADE_MODEL_PATH_BYTES];

static void on_event(const aver_event *event, void *context)
{
    bench *b = context;
    answer *a = &b->answers[event->job_id];

    assert_false(a->done || a->refused);
    if (event->kind == AVER_EVENT_STARTED) {
        assert_false(a->started);
        assert_true(event->prompt_count <= IDS_MAX);
        a->started = true;
        a->ids_count = event->prompt_count;
        memcpy(a->ids, event->prompt_ids, event->prompt_count * sizeof(int32_t));
    } else if (event->kind == AVER_EVENT_VECTOR) {
        assert_true(a->started && a->count < VECTORS_MAX && event->vector_count <= FLOATS_MAX);
        assert_int_equal(event->choice, a->count);
        a->size = event->vector_count;
        memcpy(a->vectors[a->count++], event->vector, event->vector_count * sizeof(float));
    } else if (event->kind == AVER_EVENT_DONE) {
        a->done = true;
        a->end = *event;
    } else {
        assert_int_equal(event->kind, AVER_EVENT_REFUSED);
        a->refused = true;
        (void)snprintf(a->why, sizeof(a->why), "%.*s", (int)event->text.size,
                       (const char *)event->text.data);
    }
}

static bench *bench_new(const char *path, uint32_t threads)
{
    char why[160] = "";
    bench *b = calloc(1, sizeof(*b));

    assert_non_null(b);
    assert_int_equal(aver_weights_open(path, 0, 0, &b->weights, why), AVER_OK);
    const aver_engine_options options = {.weights_fd = b->weights.fd,
                                         .profile = AVER_PROFILE_VERIFIED,
                                         .slots = 4,
                                         .threads = threads};
    aver_err err = aver_engine_new(&options, on_event, b, &b->engine, why);
    if (err != AVER_OK) {
        fail_msg("engine: %s", why);
    }
    assert_true(aver_engine_about(b->engine)->embeds);
    assert_int_equal(aver_engine_about(b->engine)->profile, AVER_PROFILE_VERIFIED);
    return b;
}

static void bench_free(bench *b)
{
    aver_engine_free(b->engine);
    aver_weights_close(&b->weights);
    free(b);
}

static void submit_as(bench *b, uint8_t caller, uint64_t id, aver_endpoint endpoint,
                      const char *body)
{
    aver_job job;
    aver_job_refusal refusal;
    aver_err err = aver_job_parse(aver_view_text(body), endpoint, &job, &refusal);

    if (err != AVER_OK) {
        fail_msg("job: %s", refusal.message);
    }
    memset(&b->answers[id], 0, sizeof(b->answers[id]));
    memset(job.caller, caller, sizeof(job.caller));
    assert_int_equal(aver_engine_submit(b->engine, id, &job), AVER_OK);
    aver_job_deinit(&job);
}

static void submit(bench *b, uint64_t id, aver_endpoint endpoint, const char *body)
{
    submit_as(b, 0, id, endpoint, body);
}

static void finish(bench *b)
{
    while (aver_engine_busy(b->engine)) {
        assert_int_equal(aver_engine_step(b->engine), AVER_OK);
    }
}

static const answer *ask(bench *b, uint64_t id, const char *body)
{
    submit(b, id, AVER_ENDPOINT_EMBEDDINGS, body);
    finish(b);
    assert_true(b->answers[id].done);
    assert_int_equal(b->answers[id].end.finish, AVER_FINISH_STOP);
    return &b->answers[id];
}

/* A body whose only input has this many words of one letter. */
static void long_body(char *body, size_t size_max, size_t words)
{
    size_t at = (size_t)snprintf(body, size_max, "{\"model\":\"m\",\"input\":\"");

    for (size_t i = 0; i < words; i++) {
        at += (size_t)snprintf(body + at, size_max - at, "%c ", (char)('a' + i % 26));
    }
    (void)snprintf(body + at, size_max - at, "\"}");
}

static double product(const float *a, const float *b, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += (double)a[i] * (double)b[i];
    }
    return sum;
}

static void each_input_has_a_vector_of_length_one(void **state)
{
    bench *b = bench_new(bert_path, 1);
    const answer *a = ask(b, 1, "{\"model\":\"m\",\"input\":[\"one\",\"two and more\",\"one\"]}");

    (void)state;
    assert_int_equal(a->count, 3);
    assert_int_equal(a->size, 64);
    assert_int_equal(aver_engine_about(b->engine)->vector_size, 64);
    for (size_t i = 0; i < 3; i++) {
        assert_true(fabs(product(a->vectors[i], a->vectors[i], 64) - 1.0) < 1e-6);
    }
    assert_memory_equal(a->vectors[0], a->vectors[2], 64 * sizeof(float));
    assert_memory_not_equal(a->vectors[0], a->vectors[1], 64 * sizeof(float));
    assert_int_equal(a->end.generated_count, 0);
    bench_free(b);
}

/* By hand, as engine.h writes it down. */
static void the_digest_chains_inputs_and_vectors(void **state)
{
    bench *b = bench_new(bert_path, 1);
    const answer *a = ask(b, 1, "{\"model\":\"m\",\"input\":[\"ab\",\"c\"]}");
    /* [CLS] a b [SEP], [CLS] c [SEP] */
    static const size_t lengths[] = {4, 3};
    uint8_t digest[32];
    const int32_t *ids = a->ids;
    aver_buf bytes;

    (void)state;
    assert_int_equal(a->ids_count, 7);
    aver_buf_init(&bytes, 4096);
    aver_buf_append_text(&bytes, "aver/embed/1");
    aver_buf_append_be32(&bytes, 2);
    aver_sha256_of(aver_buf_view(&bytes), digest);
    for (size_t i = 0; i < 2; i++) {
        aver_buf_clear(&bytes);
        aver_buf_append(&bytes, AVER_VIEW_OF(digest));
        aver_buf_append_be32(&bytes, (uint32_t)lengths[i]);
        for (size_t k = 0; k < lengths[i]; k++) {
            aver_buf_append_be32(&bytes, (uint32_t)*ids++);
        }
        aver_buf_append(&bytes, aver_view_make(a->vectors[i], 64 * sizeof(float)));
        aver_sha256_of(aver_buf_view(&bytes), digest);
    }
    assert_true(a->end.has_step_digest);
    assert_memory_equal(a->end.step_digest, digest, 32);
    aver_buf_deinit(&bytes);
    bench_free(b);
}

/* Bit for bit: alone, beside others, in another order, on more threads. */
static void bits_do_not_depend_on_neighbours_or_threads(void **state)
{
    static char body[8192];
    bench *one = bench_new(bert_path, 1);
    static float wanted[FLOATS_MAX];

    (void)state;
    long_body(body, sizeof(body), 200);
    memcpy(wanted, ask(one, 0, body)->vectors[0], 64 * sizeof(float));
    for (uint32_t threads = 1; threads <= 4; threads++) {
        bench *other = bench_new(bert_path, threads);

        assert_memory_equal(aver_engine_about(other->engine)->numeric_class,
                            aver_engine_about(one->engine)->numeric_class, 32);
        submit(other, 1, AVER_ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":[\"x\",\"y z\"]}");
        submit(other, 0, AVER_ENDPOINT_EMBEDDINGS, body);
        submit(other, 2, AVER_ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":\"w\"}");
        finish(other);
        assert_memory_equal(other->answers[0].vectors[0], wanted, 64 * sizeof(float));
        bench_free(other);
    }
    bench_free(one);
}

static void requests_take_turns(void **state)
{
    bench *b = bench_new(bert_path, 1);

    (void)state;
    submit(b, 1, AVER_ENDPOINT_EMBEDDINGS,
           "{\"model\":\"m\",\"input\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]}");
    submit(b, 2, AVER_ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":\"a\"}");
    assert_int_equal(aver_engine_step(b->engine), AVER_OK);
    assert_int_equal(aver_engine_step(b->engine), AVER_OK);
    assert_true(b->answers[2].done);
    assert_int_equal(b->answers[1].count, 1);
    aver_engine_cancel(b->engine, 1);
    assert_true(b->answers[1].done);
    assert_int_equal(b->answers[1].end.finish, AVER_FINISH_ABORTED);
    assert_false(b->answers[1].end.has_step_digest);
    assert_false(aver_engine_busy(b->engine));
    bench_free(b);
}

/* However many requests a caller has, others wait for one input of them. */
static void callers_take_turns(void **state)
{
    static const char body[] = "{\"model\":\"m\",\"input\":[\"a\",\"b\"]}";
    bench *b = bench_new(bert_path, 1);

    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        submit_as(b, 1, i, AVER_ENDPOINT_EMBEDDINGS, body);
    }
    submit_as(b, 2, 3, AVER_ENDPOINT_EMBEDDINGS, body);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(aver_engine_step(b->engine), AVER_OK);
    }
    assert_true(b->answers[3].done);
    assert_int_equal(b->answers[0].count, 1);
    assert_int_equal(b->answers[1].count, 1);
    assert_int_equal(b->answers[2].count, 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(aver_engine_step(b->engine), AVER_OK);
    }
    assert_false(aver_engine_busy(b->engine));
    for (int i = 0; i < 3; i++) {
        assert_true(b->answers[i].done);
    }
    bench_free(b);
}

static void what_cannot_be_embedded_is_refused(void **state)
{
    static char body[8192];
    bench *b = bench_new(bert_path, 1);

    (void)state;
    /* 254 letters and the two around them are 256 tokens: what the context holds. */
    long_body(body, sizeof(body), 254);
    assert_int_equal(ask(b, 1, body)->ids_count, 256);
    long_body(body, sizeof(body), 255);
    submit(b, 2, AVER_ENDPOINT_EMBEDDINGS, body);
    assert_true(b->answers[2].refused);
    assert_non_null(strstr(b->answers[2].why, "257"));
    submit(b, 3, AVER_ENDPOINT_COMPLETION, "{\"model\":\"m\",\"prompt\":\"x\"}");
    assert_true(b->answers[3].refused);
    submit(b, 4, AVER_ENDPOINT_TOKENIZE, "{\"model\":\"m\",\"content\":\"x\"}");
    assert_true(b->answers[4].refused);
    assert_false(aver_engine_busy(b->engine));
    bench_free(b);
}

typedef struct claim {
    aver_job job;
    aver_engine_options options;
    aver_recheck_vectors vectors;
    float floats[3 * FLOATS_MAX];
    int32_t ids[IDS_MAX];
} claim;

/* What a re-check is told of an answer. */
static void claim_make(bench *b, claim *c)
{
    static const char body[] = "{\"model\":\"m\",\"input\":[\"one\",\"two and more\"]}";
    const answer *a = ask(b, 1, body);
    aver_job_refusal refusal;

    *c = (claim){.options = {.weights_fd = b->weights.fd, .threads = 1}};
    assert_int_equal(
        aver_job_parse(aver_view_text(body), AVER_ENDPOINT_EMBEDDINGS, &c->job, &refusal), AVER_OK);
    memcpy(c->floats, a->vectors[0], 64 * sizeof(float));
    memcpy(c->floats + 64, a->vectors[1], 64 * sizeof(float));
    memcpy(c->ids, a->ids, a->ids_count * sizeof(int32_t));
    c->vectors = (aver_recheck_vectors){.job = &c->job,
                                        .prompt_ids = c->ids,
                                        .prompt_count = a->ids_count,
                                        .floats = c->floats,
                                        .vectors_count = 2,
                                        .vector_size = 64,
                                        .kv_type = "none"};
    memcpy(c->vectors.step_digest, a->end.step_digest, 32);
    memcpy(c->vectors.numeric_class, aver_engine_about(b->engine)->numeric_class, 32);
}

static aver_recheck_result recheck(const claim *c)
{
    aver_recheck_result result = {0};

    assert_int_equal(aver_recheck_embed_run(&c->options, &c->vectors, &result), AVER_OK);
    return result;
}

/* Each lie alone is found; what cannot be compared is not judged. */
static void a_recheck_finds_what_was_changed(void **state)
{
    static claim c;
    bench *b = bench_new(bert_path, 2);
    uint32_t bits;

    (void)state;
    claim_make(b, &c);
    assert_int_equal(recheck(&c).outcome, AVER_RECHECK_SAME);
    memcpy(&bits, &c.floats[64 + 5], sizeof(bits));
    bits ^= 1;
    memcpy(&c.floats[64 + 5], &bits, sizeof(bits));
    assert_int_equal(recheck(&c).outcome, AVER_RECHECK_TEXT);
    assert_int_equal(recheck(&c).position, 1);
    bits ^= 1;
    memcpy(&c.floats[64 + 5], &bits, sizeof(bits));
    c.vectors.step_digest[31] ^= 1;
    assert_int_equal(recheck(&c).outcome, AVER_RECHECK_DIGEST);
    c.vectors.step_digest[31] ^= 1;
    c.ids[2] ^= 1;
    assert_int_equal(recheck(&c).outcome, AVER_RECHECK_PROMPT);
    c.ids[2] ^= 1;
    c.vectors.prompt_count--;
    assert_int_equal(recheck(&c).outcome, AVER_RECHECK_PROMPT);
    c.vectors.prompt_count++;
    c.vectors.vectors_count = 1;
    assert_int_equal(recheck(&c).outcome, AVER_RECHECK_TEXT);
    c.vectors.vectors_count = 2;
    c.vectors.vector_size = 32;
    assert_int_equal(recheck(&c).outcome, AVER_RECHECK_TEXT);
    c.vectors.vector_size = 64;
    c.vectors.numeric_class[0] ^= 1;
    assert_int_equal(recheck(&c).outcome, AVER_RECHECK_CANNOT);
    c.vectors.numeric_class[0] ^= 1;
    c.vectors.kv_type = "Q8_0";
    assert_int_equal(recheck(&c).outcome, AVER_RECHECK_CANNOT);
    c.vectors.kv_type = "none";
    assert_int_equal(recheck(&c).outcome, AVER_RECHECK_SAME);
    aver_job_deinit(&c.job);
    bench_free(b);
}

/* Text that spells a control token is text. */
static void control_tokens_cannot_be_written(void **state)
{
    bench *b = bench_new(bert_path, 1);
    const answer *a = ask(b, 1, "{\"model\":\"m\",\"input\":\"[SEP]\"}");

    (void)state;
    assert_true(a->ids_count > 3);
    for (size_t i = 1; i + 1 < a->ids_count; i++) {
        assert_true(a->ids[i] >= 5);
    }
    bench_free(b);
}

/* The published similarity of this pair. */
static void a_real_model_gives_the_published_similarity(void **state)
{
    const char *shared = getenv("AVER_SHARED");
    char path[4096];
    FILE *file;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/models/all-MiniLM-L6-v2-q8_0.gguf",
                   shared != NULL ? shared : ".");
    file = fopen(path, "rb");
    if (file == NULL) {
        (void)printf("SKIP: no all-MiniLM-L6-v2-q8_0.gguf in AVER_SHARED\n");
        skip();
    }
    (void)fclose(file);
    bench *b = bench_new(path, 1);
    const answer *a = ask(b, 1,
                          "{\"model\":\"m\",\"input\":[\"A man is eating food.\","
                          "\"A man is eating a piece of bread.\"]}");
    assert_int_equal(a->size, 384);
    double found = product(a->vectors[0], a->vectors[1], 384);
    if (fabs(found - 0.755) > 0.005) {
        fail_msg("similarity %.4f", found);
    }
    static char body[8192];
    static float wanted[FLOATS_MAX];
    long_body(body, sizeof(body), 400);
    memcpy(wanted, ask(b, 2, body)->vectors[0], 384 * sizeof(float));
    bench_free(b);
    for (uint32_t threads = 2; threads <= 4; threads++) {
        b = bench_new(path, threads);
        assert_memory_equal(ask(b, 2, body)->vectors[0], wanted, 384 * sizeof(float));
        bench_free(b);
    }
}

static int setup(void **state)
{
    (void)state;
    made_models_init(&made);
    made_models_bert(&made, "bert", 5, bert_path);
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
        cmocka_unit_test(each_input_has_a_vector_of_length_one),
        cmocka_unit_test(the_digest_chains_inputs_and_vectors),
        cmocka_unit_test(bits_do_not_depend_on_neighbours_or_threads),
        cmocka_unit_test(requests_take_turns),
        cmocka_unit_test(callers_take_turns),
        cmocka_unit_test(what_cannot_be_embedded_is_refused),
        cmocka_unit_test(a_recheck_finds_what_was_changed),
        cmocka_unit_test(control_tokens_cannot_be_written),
        cmocka_unit_test(a_real_model_gives_the_published_similarity),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
