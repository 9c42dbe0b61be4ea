/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can a caller tell by the time of its first token that another caller asked the same before?
 *
 * A trial: the victim asks a prompt, so that it is remembered; then an attacker asks this prompt
 * and one of the same words in another order that nobody asked, which of both first by a draw. Each
 * of the attacker's questions comes from a scope of its own, so that it never meets what it asked
 * itself. At last the victim asks its prompt and a new one: this difference must show, or the test
 * would see nothing at all.
 *
 * Time is the processor time of the thread that computes, so that other work on the machine does
 * not count. The pairs are compared by a signed-rank test whose chances come from seeded flips of
 * the signs: if both times of a pair have the same distribution, each flip is as likely as what was
 * measured.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/engine_run.h"
#include "../support/model.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#define SLOTS  4
#define TRIALS 96
#define WORDS  44
#define FLIPS  49999
#define ALPHA  1e-4

typedef struct pair {
    double remembered_us; /* of the prompt that the victim asked before */
    double cold_us;
} pair;

static run *stories;
static uint32_t random_state = 20261120u;
static double first_token_us; /* when the first token of the question came */
static double started_us;
static uint64_t read_before, read_count; /* tokens that the model read up to it */
static uint8_t scope_next = 2;

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % bound;
}

static double thread_us(void)
{
    struct timespec time;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time), 0);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void on_event(const run_answer *answer, const aver_event *event)
{
    if (event->kind == AVER_EVENT_TOKEN && answer->count == 0) {
        first_token_us = thread_us() - started_us;
        read_count = aver_engine_tokens(stories->engine) - read_before;
    }
}

/* Common words in random order. */
static void words_draw(const char **words)
{
    static const char *const known[] = {"dog",  "tree",  "house", "ball", "red",   "big",
                                        "girl", "boy",   "sun",   "park", "happy", "little",
                                        "cat",  "water", "bird",  "day",  "car",   "friend"};
    for (size_t i = 0; i < WORDS; i++) {
        words[i] = known[random_below(18)];
    }
}

static void words_shuffle(const char **words)
{
    for (size_t i = WORDS - 1; i > 0; i--) {
        size_t other = random_below((uint32_t)i + 1);
        const char *word = words[i];
        words[i] = words[other];
        words[other] = word;
    }
}

static double ask_words(uint8_t scope, const char *const *words, bool *ret_cached)
{
    char body[2048];
    size_t at = (size_t)snprintf(body, sizeof(body), "{\"model\":\"m\",\"prompt\":\"The");
    for (size_t i = 0; i < WORDS; i++) {
        at += (size_t)snprintf(body + at, sizeof(body) - at, " %s", words[i]);
    }
    (void)snprintf(body + at, sizeof(body) - at, "\",\"max_tokens\":1,\"temperature\":0}");
    run_clear(stories);
    run_answer *answer = run_prepare(stories, 0, body);
    answer->job.has_cache_scope = scope != 0;
    memset(answer->job.cache_scope, scope, sizeof(answer->job.cache_scope));
    read_before = aver_engine_tokens(stories->engine);
    started_us = thread_us();
    assert_int_equal(aver_engine_submit(stories->engine, 0, &answer->job), AVER_OK);
    run_finish(stories);
    assert_true(answer->done);
    assert_int_equal(read_count, answer->prompt_count - answer->cached_count);
    *ret_cached = answer->cached_count > 0;
    return first_token_us;
}

/* Every fourth attacker has no scope at all. */
static uint8_t attacker_scope(void)
{
    scope_next = scope_next == 255 ? 2 : (uint8_t)(scope_next + 1);
    return scope_next % 4 == 0 ? 0 : scope_next;
}

static void attack(const char *const *asked, const char *const *other, pair *ret_pair)
{
    bool asked_first = random_below(2) == 0;
    bool cached = false;
    uint64_t counts[2];
    for (int i = 0; i < 2; i++) {
        bool is_asked = (i == 0) == asked_first;
        double us = ask_words(attacker_scope(), is_asked ? asked : other, &cached);
        *(is_asked ? &ret_pair->remembered_us : &ret_pair->cold_us) = us;
        counts[is_asked] = read_count;
        assert_false(cached);
    }
    /* The part that no clock is needed for. */
    assert_int_equal(counts[0], counts[1]);
}

static void victim_again(const char *const *asked, const char *const *other, pair *ret_pair)
{
    bool cached = false;
    ret_pair->remembered_us = ask_words(1, asked, &cached);
    assert_true(cached);
    uint64_t hit = read_count;
    ret_pair->cold_us = ask_words(1, other, &cached);
    assert_true(read_count > hit);
}

static int pair_compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    double left = fabs(*x);
    double right = fabs(*y);
    return left < right ? -1 : (left > right ? 1 : 0);
}

/* The chance that differences of both signs, each as likely as the other, give a sum of signed
 * ranks as far from 0 as this one. */
static double signed_rank_p(const pair *pairs)
{
    double differences[TRIALS];
    double sum = 0.0;
    unsigned beyond = 1;
    for (size_t i = 0; i < TRIALS; i++) {
        differences[i] = pairs[i].remembered_us - pairs[i].cold_us;
    }
    qsort(differences, TRIALS, sizeof(differences[0]), pair_compare);
    for (size_t i = 0; i < TRIALS; i++) {
        sum += (double)(i + 1) * (differences[i] > 0.0 ? 1.0 : (differences[i] < 0.0 ? -1.0 : 0.0));
    }
    for (unsigned flip = 0; flip < FLIPS; flip++) {
        double flipped = 0.0;
        for (size_t i = 0; i < TRIALS; i++) {
            flipped += (double)(i + 1) * (random_below(1u << 16) & 256 ? 1.0 : -1.0);
        }
        beyond += fabs(flipped) >= fabs(sum) ? 1 : 0;
    }
    return (double)beyond / (double)(FLIPS + 1);
}

static double pairs_median(const pair *pairs, bool remembered)
{
    double values[TRIALS];
    for (size_t i = 0; i < TRIALS; i++) {
        values[i] = remembered ? pairs[i].remembered_us : pairs[i].cold_us;
    }
    qsort(values, TRIALS, sizeof(values[0]), pair_compare);
    return values[TRIALS / 2];
}

static void only_the_owner_sees_what_is_remembered(void **state)
{
    (void)state;
    static pair attacks[TRIALS];
    static pair owns[TRIALS];
    const char *asked[WORDS];
    const char *other[WORDS];
    bool cached = false;
    for (size_t i = 0; i < TRIALS; i++) {
        words_draw(asked);
        (void)ask_words(1, asked, &cached);
        memcpy(other, asked, sizeof(other));
        words_shuffle(other);
        attack(asked, other, &attacks[i]);
        words_shuffle(other);
        victim_again(asked, other, &owns[i]);
    }
    double attack_p = signed_rank_p(attacks);
    double own_p = signed_rank_p(owns);
    print_message("attacker: remembered %.0f us, cold %.0f us, p %.4g\n",
                  pairs_median(attacks, true), pairs_median(attacks, false), attack_p);
    print_message("owner:    remembered %.0f us, cold %.0f us, p %.4g\n", pairs_median(owns, true),
                  pairs_median(owns, false), own_p);
    assert_true(attack_p >= ALPHA);
    assert_true(own_p < ALPHA);
}

/* The test of the test: equal pairs pass, a small steady difference does not. */
static void the_rank_test_tells_a_difference_of_some_percent(void **state)
{
    (void)state;
    static pair pairs[TRIALS];
    for (size_t i = 0; i < TRIALS; i++) {
        pairs[i].remembered_us = 1000.0 + random_below(100);
        pairs[i].cold_us = 1000.0 + random_below(100);
    }
    assert_true(signed_rank_p(pairs) >= ALPHA);
    for (size_t i = 0; i < TRIALS; i++) {
        pairs[i].remembered_us -= 30.0;
    }
    assert_true(signed_rank_p(pairs) < ALPHA);
}

static int stories_open(void **state)
{
    (void)state;
    stories = run_open(model_find(MODEL_STORIES), SLOTS);
    stories->watch = on_event;
    return 0;
}

static int stories_close(void **state)
{
    (void)state;
    run_free(stories);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rank_test_tells_a_difference_of_some_percent),
        cmocka_unit_test(only_the_owner_sees_what_is_remembered),
    };
    if (model_find(MODEL_STORIES) == NULL) {
        return MODEL_SKIP_STATUS;
    }
    return cmocka_run_group_tests(tests, stories_open, stories_close);
}
