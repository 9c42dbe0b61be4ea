/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutant_maker SEED COUNT FILE: answers that were tampered with, and policies, each with the
 * judgement of libaver, so that another implementation can be held against it.
 *
 * A mutant is a golden capsule with one to three changes anywhere in it, down to the statement
 * inside the evidence inside the bundle. What lies around a change is then made right again, or
 * not, by chance: lengths, digests, commitments, trees, and signatures by the keys that golden
 * answers are made with. So changes are met by deep checks as often as by the first.
 *
 * FILE is a row of records, numbers with the highest byte first: a letter, then
 *   P  u8 (1: can be read), u32 size, the text of a policy
 *   C  u8 number of the P that it is judged by, u64 the reader's time, u32 size, capsule,
 *      u32 size, text: "accepted" or "refused", then each failing check after a blank
 */
#include "base/check.h"
#include "base/sys.h"
#include "codec/text.h"
#include "support/mutate.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAKER_BASES_MAX = 32, MAKER_PATH_BYTES = 1024, MAKER_POLICY_MUTANTS = 1000 };

typedef struct maker_state {
    uint64_t random;
    aver_buf bases[MAKER_BASES_MAX];
    size_t bases_count;
    aver_policy *policies[32];
    size_t policies_count;
    uint8_t root[32];
    mutate_keys keys;
    FILE *out;
} maker_state;

static const aver_platform *const maker_platforms[] = {&aver_platform_sim, NULL};

/* Members put behind those of the policy that golden answers are judged by; a member that is there
 * twice makes a policy that cannot be read. */
static const char *const maker_policies[] = {
    "",
    ",\"profiles\":[\"verified\"]",
    ",\"profiles\":[\"fast\"]",
    ",\"profiles\":[]",
    ",\"allow_stripped\":true",
    ",\"accept_debug\":true",
    ",\"allow_stripped\":true,\"accept_debug\":true,\"profiles\":[\"fast\",\"verified\"]",
    ",\"require\":[\"receipt.tokens\"]",
    ",\"require\":[[\"receipt.stream\",\"receipt.enc\"],\"config.allowed\"]",
    ",\"require\":[\"time.as-of\"]",
};

static const char *const maker_policy_odds[] = {
    ",\"version\":1",
    ",\"profiles\":[\"slow\"]",
    ",\"require\":[\"receipt\"]",
    ",\"require\":[[]]",
    ",\"require\":\"nonce\"",
    ",\"accept_debug\":1",
    ",\"allow_stripped\":null",
    ",\"profiles\":[null]",
    ",\"other\":0",
    ",\"require\":[[\"nonce\",\"nonce\",\"nonce\",\"nonce\",\"nonce\",\"nonce\",\"nonce\","
    "\"nonce\",\"nonce\"]]",
    ",\"require\":[[[\"nonce\"]]]",
    ",\"require\":[]",
    ",\"require\":[[\"nonce\"]]",
    ",\"profiles\":[\"fast\",\"fast\"]",
    ",\"n\\u0061me\":\"twice\"",
    ",\"profiles\":[\"f\\u0061st\"]",
    ",\"require\":[\"nonce\\u0000\"]",
    ",\"require\":[\"\\ud800\"]",
};

static void maker_must(bool good)
{
    AVER_ASSERT(good);
}

static void maker_put(maker_state *maker, const void *bytes, size_t size)
{
    maker_must(fwrite(bytes, 1, size, maker->out) == size);
}

static void maker_put_uint(maker_state *maker, uint64_t value, unsigned size)
{
    for (; size > 0; size--) {
        uint8_t byte = (uint8_t)(value >> (8 * (size - 1)));
        maker_put(maker, &byte, 1);
    }
}

static void maker_put_sized(maker_state *maker, aver_view bytes)
{
    maker_put_uint(maker, bytes.size, 4);
    maker_put(maker, bytes.data, bytes.size);
}

/* Writes a policy as libaver finds it; it is kept where it can be read and keep is true. */
static void maker_put_policy(maker_state *maker, aver_view text, bool keep)
{
    char why[200];
    aver_policy *policy = NULL;
    bool good = aver_policy_parse(text, &policy, why) == AVER_OK;
    maker_put(maker, "P", 1);
    maker_put_uint(maker, good, 1);
    maker_put_sized(maker, text);
    if (keep) {
        maker_must(good);
        maker->policies[maker->policies_count++] = policy;
    } else {
        aver_policy_free(policy);
    }
}

/* The golden policy with these members behind its own. */
static void maker_policy_text(const char *members, aver_buf *out)
{
    forge_policy_text(out);
    while (out->size > 0 && out->data[out->size - 1] != '}') {
        out->size--;
    }
    out->size--;
    aver_buf_append_text(out, members);
    aver_buf_append_text(out, "}\n");
}

static void maker_policies_put(maker_state *maker)
{
    aver_buf text;
    aver_buf_init(&text, AVER_POLICY_BYTES_MAX);
    for (size_t i = 0; i < sizeof maker_policies / sizeof maker_policies[0]; i++) {
        aver_buf_clear(&text);
        maker_policy_text(maker_policies[i], &text);
        maker_put_policy(maker, aver_buf_view(&text), true);
    }
    for (size_t i = 0; i < sizeof maker_policy_odds / sizeof maker_policy_odds[0]; i++) {
        aver_buf_clear(&text);
        maker_policy_text(maker_policy_odds[i], &text);
        maker_put_policy(maker, aver_buf_view(&text), false);
    }
    for (int i = 0; i < MAKER_POLICY_MUTANTS; i++) {
        aver_buf_clear(&text);
        maker_policy_text(maker_policies[mutate_below(&maker->random, maker->policies_count)],
                          &text);
        mutate_text(&maker->random, &text);
        maker_put_policy(maker, aver_buf_view(&text), false);
    }
    aver_buf_deinit(&text);
}

static int maker_name_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int maker_is_capsule(const struct dirent *entry)
{
    const char *suffix = strstr(entry->d_name, ".capsule");
    return suffix && strcmp(suffix, ".capsule") == 0;
}

/* Golden answers in order of their names, whatever the order of the folder. */
static void maker_open(maker_state *maker)
{
    const char *source = getenv("AVER_SOURCE");
    char path[MAKER_PATH_BYTES];
    char *names[MAKER_BASES_MAX];
    (void)snprintf(path, sizeof path, "%s/tests/golden", source ? source : ".");
    DIR *folder = opendir(path);
    maker_must(folder != NULL);
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (maker_is_capsule(entry)) {
            maker_must(maker->bases_count < MAKER_BASES_MAX);
            names[maker->bases_count] = strdup(entry->d_name);
            maker_must(names[maker->bases_count++] != NULL);
        }
    }
    (void)closedir(folder);
    qsort(names, maker->bases_count, sizeof names[0], maker_name_order);
    for (size_t i = 0; i < maker->bases_count; i++) {
        (void)snprintf(path, sizeof path, "%s/tests/golden/%s", source ? source : ".", names[i]);
        aver_buf_init(&maker->bases[i], AVER_CAPSULE_BYTES_MAX);
        maker_must(aver_file_read(path, AVER_CAPSULE_BYTES_MAX, &maker->bases[i]) == AVER_OK);
        free(names[i]);
    }
    maker_must(maker->bases_count > 0);
    mutate_keys_init(&maker->keys);
    forge_sim_root(maker->root);
}

static void maker_close(maker_state *maker)
{
    for (size_t i = 0; i < maker->bases_count; i++) {
        aver_buf_deinit(&maker->bases[i]);
    }
    for (size_t i = 0; i < maker->policies_count; i++) {
        aver_policy_free(maker->policies[i]);
    }
    mutate_keys_deinit(&maker->keys);
}

/* Mostly a year after the answers; now and then at an edge of what receipt.time allows. */
static uint64_t maker_now_ms(maker_state *maker)
{
    static const uint64_t now_ms[] = {FORGE_NOW_MS, FORGE_NOW_MS - 62000, FORGE_NOW_MS - 62001, 0,
                                      UINT64_MAX};
    uint64_t pick = mutate_below(&maker->random, 64);
    return pick < 5 ? now_ms[pick] : FORGE_NOW_MS + 365ull * 24 * 3600 * 1000;
}

static void maker_put_capsule(maker_state *maker, aver_view capsule)
{
    static aver_verdict verdict;
    aver_receipt receipt;
    char why[400];
    aver_buf text;
    /* Half by the policy of the golden answers, half by any. */
    size_t policy = mutate_below(&maker->random, 2 * maker->policies_count);
    policy = policy < maker->policies_count ? policy : 0;
    aver_verify_context context = {.use = AVER_USE_CAPSULE,
                                   .policy = maker->policies[policy],
                                   .platforms = maker_platforms,
                                   .roots = {.has_sim_root = true},
                                   .now_ms = maker_now_ms(maker)};
    memcpy(context.roots.sim_root, maker->root, 32);
    aver_verdict_init(&verdict);
    maker_must(aver_verify_capsule(capsule, &context, &verdict, &receipt) == AVER_OK);
    aver_buf_init(&text, 4096);
    aver_buf_append_text(&text, aver_policy_accepts(context.policy, AVER_USE_CAPSULE, &verdict, why)
                                    ? "accepted"
                                    : "refused");
    for (size_t i = 0; i < verdict.count; i++) {
        if (verdict.checks[i].status == AVER_CHECK_FAIL) {
            aver_buf_append_format(&text, " %s", verdict.checks[i].name);
        }
    }
    maker_put(maker, "C", 1);
    maker_put_uint(maker, policy, 1);
    maker_put_uint(maker, context.now_ms, 8);
    maker_put_sized(maker, capsule);
    maker_put_sized(maker, aver_buf_view(&text));
    aver_buf_deinit(&text);
}

static void maker_put_mutant(maker_state *maker)
{
    aver_buf mutant;
    aver_buf_init(&mutant, AVER_CAPSULE_BYTES_MAX);
    aver_view base = aver_buf_view(&maker->bases[mutate_below(&maker->random, maker->bases_count)]);
    aver_view other =
        aver_buf_view(&maker->bases[mutate_below(&maker->random, maker->bases_count)]);
    mutate_capsule(&maker->random, &maker->keys, base, other, &mutant);
    maker_put_capsule(maker, aver_buf_view(&mutant));
    aver_buf_deinit(&mutant);
}

int main(int argc, char **argv)
{
    static maker_state maker;
    if (argc != 4) {
        (void)fprintf(stderr, "usage: mutant_maker SEED COUNT FILE\n");
        return 2;
    }
    maker.random = strtoull(argv[1], NULL, 10);
    uint64_t count = strtoull(argv[2], NULL, 10);
    maker.out = fopen(argv[3], "wb");
    maker_must(maker.out != NULL);
    maker_open(&maker);
    maker_policies_put(&maker);
    for (size_t i = 0; i < maker.bases_count; i++) {
        maker_put_capsule(&maker, aver_buf_view(&maker.bases[i]));
    }
    for (uint64_t i = 0; i < count; i++) {
        maker_put_mutant(&maker);
    }
    maker_close(&maker);
    maker_must(fclose(maker.out) == 0);
    return 0;
}
