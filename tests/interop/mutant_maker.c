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
 *   C  u8 number of the P that it is judged by, u64 the reader's time, capsule, verdict
 *   L  the same of a live answer: u8, u64, u64 the time asked about or 0, the MAKER_PARTS parts, u8
 *      streamed, u8 broken, verdict; the seed among the parts has its lowest byte first
 * Capsule and parts are u32 size and so many bytes; a part that is not there has size 2^32 - 1. The
 * verdict is a text in the same form: "accepted" or "refused", then each failing check after a
 * blank.
 */
#include "base/check.h"
#include "base/sys.h"
#include "codec/text.h"
#include "support/mutate.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAKER_BASES_MAX = 32,
    MAKER_PATH_BYTES = 1024,
    MAKER_POLICY_MUTANTS = 1000,
    MAKER_LIVE_OF_16 = 3
};

/* What a live reader knows, in the order of the file. */
enum {
    LIVE_BUNDLE,
    LIVE_RECEIPT,
    LIVE_SALT,
    LIVE_REQUEST,
    LIVE_RESPONSE,
    LIVE_TOKENS,
    LIVE_ENC,
    LIVE_OPENING,
    LIVE_HEAD,
    LIVE_HEAD_AGAIN,
    LIVE_NONCE,
    LIVE_NODE,
    LIVE_TLS,
    LIVE_SEAL,
    LIVE_MODEL,
    LIVE_METHOD,
    LIVE_PATH,
    LIVE_CLIENT_NONCE,
    LIVE_SEED,
    MAKER_PARTS
};

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
    ",\"machines\":[\"00ff\"]",
    ",\"machines\":[],\"accept_tcb\":[\"OutOfDate\"],\"min_evaluation\":4",
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
    (",\"require\":[[\"nonce\",\"nonce\",\"nonce\",\"nonce\",\"nonce\",\"nonce\",\"nonce\","
     "\"nonce\",\"nonce\"]]"),
    ",\"require\":[[[\"nonce\"]]]",
    ",\"require\":[]",
    ",\"require\":[[\"nonce\"]]",
    ",\"profiles\":[\"fast\",\"fast\"]",
    ",\"n\\u0061me\":\"twice\"",
    ",\"profiles\":[\"f\\u0061st\"]",
    ",\"require\":[\"nonce\\u0000\"]",
    ",\"require\":[\"\\ud800\"]",
    ",\"machines\":[\"\"]",
    ",\"machines\":[\"0\"]",
    ",\"machines\":\"00\"",
    ",\"accept_tcb\":[\"Good\"]",
    ",\"accept_tcb\":[]",
    ",\"min_evaluation\":4294967296",
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

static void maker_put_verdict(maker_state *maker, const aver_verify_context *context,
                              const aver_verdict *verdict)
{
    char why[400];
    aver_buf text;
    aver_buf_init(&text, 4096);
    aver_buf_append_text(&text, aver_policy_accepts(context->policy, context->use, verdict, why)
                                    ? "accepted"
                                    : "refused");
    for (size_t i = 0; i < verdict->count; i++) {
        if (verdict->checks[i].status == AVER_CHECK_FAIL) {
            aver_buf_append_format(&text, " %s", verdict->checks[i].name);
        }
    }
    maker_put_sized(maker, aver_buf_view(&text));
    aver_buf_deinit(&text);
}

/* A reader without ties: policy (half the time that of the golden answers), roots and clock. Writes
 * the letter, and the number of the policy and the time behind it. */
static aver_verify_context maker_context(maker_state *maker, const char *letter, aver_use use)
{
    size_t policy = mutate_below(&maker->random, 2 * maker->policies_count);
    policy = policy < maker->policies_count ? policy : 0;
    aver_verify_context context = {.use = use,
                                   .policy = maker->policies[policy],
                                   .platforms = maker_platforms,
                                   .roots = {.has_sim_root = true},
                                   .now_ms = maker_now_ms(maker)};
    memcpy(context.roots.sim_root, maker->root, 32);
    if (use == AVER_USE_ANSWER && mutate_below(&maker->random, 16) != 0) {
        context.now_ms = FORGE_NOW_MS;
    }
    maker_put(maker, letter, 1);
    maker_put_uint(maker, policy, 1);
    maker_put_uint(maker, context.now_ms, 8);
    return context;
}

static void maker_put_capsule(maker_state *maker, aver_view capsule)
{
    static aver_verdict verdict;
    aver_receipt receipt;
    aver_verify_context context = maker_context(maker, "C", AVER_USE_CAPSULE);
    aver_verdict_init(&verdict);
    maker_must(aver_verify_capsule(capsule, &context, &verdict, &receipt) == AVER_OK);
    maker_put_sized(maker, capsule);
    maker_put_verdict(maker, &context, &verdict);
}

static aver_view maker_base(maker_state *maker)
{
    return aver_buf_view(&maker->bases[mutate_below(&maker->random, maker->bases_count)]);
}

/* What a live reader holds: the parts of two mutants that can be read. */
typedef struct maker_live {
    aver_view parts[MAKER_PARTS]; /* data NULL: not there */
    uint8_t known[MAKER_PARTS][32];
    bool streamed, broken;
    aver_buf heads;
} maker_live;

/* Of two bases, drawn one after the other: the same ones whatever the compiler. */
static void maker_mutate(maker_state *maker, aver_buf *out)
{
    aver_view base = maker_base(maker);
    aver_view other = maker_base(maker);
    mutate_capsule(&maker->random, &maker->keys, base, other, out);
}

/* Three times of four a mutant, else a good capsule. */
static void maker_mutant(maker_state *maker, aver_buf *out)
{
    if (mutate_below(&maker->random, 4) == 0) {
        aver_buf_append(out, maker_base(maker));
    } else {
        maker_mutate(maker, out);
    }
}

/* Until one can be read that has a receipt, or that has none. */
static void maker_decoded(maker_state *maker, bool cut, aver_buf *bytes, aver_capsule *ret_capsule)
{
    do {
        aver_buf_clear(bytes);
        maker_mutant(maker, bytes);
    } while (aver_capsule_decode(aver_buf_view(bytes), ret_capsule) != AVER_OK ||
             (ret_capsule->opening.size > 0) != cut);
}

/* A thing of 32 bytes that the reader knows: mostly right, or another, or not at all. */
static void maker_know(maker_state *maker, maker_live *live, size_t part, const char *name)
{
    forge_bytes(name, live->known[part]);
    uint64_t pick = mutate_below(&maker->random, 32);
    live->known[part][7] ^= pick == 0;
    live->parts[part] = pick == 1 ? (aver_view){0} : AVER_VIEW_OF(live->known[part]);
}

/* The events that are whole; what is behind them makes the stream broken. */
static void maker_events(maker_state *maker, maker_live *live)
{
    aver_view body = live->parts[LIVE_RESPONSE];
    size_t size = 0;
    size_t event = 1;
    while (event > 0) {
        event = aver_stream_event_size(aver_view_slice(body, size, body.size - size));
        size += event;
    }
    live->broken = size < body.size || mutate_below(&maker->random, 32) == 0;
    live->parts[LIVE_RESPONSE] = aver_view_slice(body, 0, size);
}

static void maker_live_fill(maker_state *maker, maker_live *live, const aver_capsule *capsule,
                            const aver_capsule *cut)
{
    static const uint8_t empty;
    aver_view *parts = live->parts;
    parts[LIVE_BUNDLE] = capsule->bundle;
    parts[LIVE_RECEIPT] = capsule->receipt;
    parts[LIVE_SALT] = capsule->has_salt ? AVER_VIEW_OF(capsule->salt) : (aver_view){0};
    parts[LIVE_ENC] = capsule->has_enc ? AVER_VIEW_OF(capsule->enc) : (aver_view){0};
    parts[LIVE_REQUEST] = capsule->has_request ? capsule->request : (aver_view){0};
    parts[LIVE_TOKENS] = capsule->has_tokens ? capsule->tokens : (aver_view){0};
    parts[LIVE_RESPONSE] = capsule->response.data ? capsule->response : aver_view_make(&empty, 0);
    maker_know(maker, live, LIVE_NONCE, "nonce");
    maker_know(maker, live, LIVE_NODE, "node");
    maker_know(maker, live, LIVE_TLS, "tls");
    maker_know(maker, live, LIVE_SEAL, "seal");
    maker_know(maker, live, LIVE_MODEL, "model");
    maker_know(maker, live, LIVE_CLIENT_NONCE, "client nonce");
    parts[LIVE_METHOD] = aver_view_text(mutate_below(&maker->random, 32) ? "POST" : "GET");
    parts[LIVE_PATH] = aver_view_text(mutate_below(&maker->random, 32) ? "/v1/chat/completions"
                                                                       : "/v1/completions");
    uint64_t seed = FORGE_SEED + (mutate_below(&maker->random, 32) == 0);
    memcpy(live->known[LIVE_SEED], &seed, sizeof seed);
    parts[LIVE_SEED] = aver_view_make(live->known[LIVE_SEED], sizeof seed);
    live->streamed = parts[LIVE_RESPONSE].size > 0 && parts[LIVE_RESPONSE].data[0] != '{';
    if (live->streamed) {
        maker_events(maker, live);
        parts[LIVE_OPENING] = mutate_below(&maker->random, 8) ? cut->opening : (aver_view){0};
        parts[LIVE_HEAD] = mutate_below(&maker->random, 8) ? cut->head : (aver_view){0};
        parts[LIVE_HEAD_AGAIN] = mutate_below(&maker->random, 8) ? (aver_view){0} : cut->head;
    }
    /* Now and then a part is not there. */
    for (size_t part = LIVE_RECEIPT; part < MAKER_PARTS; part++) {
        if (part != LIVE_RESPONSE && mutate_below(&maker->random, 48) == 0) {
            parts[part] = (aver_view){0};
        }
    }
}

static const char *maker_live_text(const maker_live *live, size_t part)
{
    return (const char *)live->parts[part].data;
}

static aver_transcript maker_transcript(maker_live *live)
{
    const aver_view *parts = live->parts;
    aver_transcript transcript = {.salt = parts[LIVE_SALT].data,
                                  .enc = parts[LIVE_ENC].data,
                                  .method = maker_live_text(live, LIVE_METHOD),
                                  .path = maker_live_text(live, LIVE_PATH),
                                  .client_nonce = parts[LIVE_CLIENT_NONCE].data,
                                  .has_seed = parts[LIVE_SEED].data,
                                  .has_request = parts[LIVE_REQUEST].data,
                                  .has_response = true,
                                  .has_tokens = parts[LIVE_TOKENS].data,
                                  .request = parts[LIVE_REQUEST],
                                  .response = parts[LIVE_RESPONSE],
                                  .tokens = parts[LIVE_TOKENS],
                                  .streamed = live->streamed,
                                  .events_broken = live->broken,
                                  .opening = parts[LIVE_OPENING]};
    memcpy(&transcript.seed, live->known[LIVE_SEED], sizeof transcript.seed);
    aver_buf_append(&live->heads, parts[LIVE_HEAD]);
    aver_buf_append(&live->heads, parts[LIVE_HEAD_AGAIN]);
    transcript.heads = aver_buf_view(&live->heads);
    if (live->streamed) {
        maker_must(aver_stream_tree(transcript.response, UINT64_MAX, &transcript.events_count,
                                    transcript.events_root) == AVER_OK);
    }
    return transcript;
}

static void maker_live_judge(const aver_verify_context *context, maker_live *live,
                             aver_verdict *verdict)
{
    static aver_judged judged;
    aver_receipt receipt;
    const aver_view *parts = live->parts;
    aver_transcript transcript = maker_transcript(live);
    aver_view head = parts[LIVE_HEAD_AGAIN].size ? parts[LIVE_HEAD_AGAIN] : parts[LIVE_HEAD];
    maker_must(aver_verify_bundle(parts[LIVE_BUNDLE], context, verdict, &judged) == AVER_OK);
    if (parts[LIVE_RECEIPT].size == 0 && parts[LIVE_OPENING].size > 0) {
        maker_must(aver_verify_cut(parts[LIVE_OPENING], head, &judged, &transcript, context,
                                   verdict) == AVER_OK);
    } else {
        maker_must(aver_verify_receipt(parts[LIVE_RECEIPT], &judged, &transcript, context, verdict,
                                       &receipt) == AVER_OK);
    }
}

static void maker_put_live(maker_state *maker)
{
    static aver_verdict verdict;
    maker_live live = {.streamed = false};
    aver_capsule capsule;
    aver_capsule cut;
    aver_buf capsule_bytes;
    aver_buf cut_bytes;
    aver_buf_init(&capsule_bytes, AVER_CAPSULE_BYTES_MAX);
    aver_buf_init(&cut_bytes, AVER_CAPSULE_BYTES_MAX);
    aver_buf_init(&live.heads, AVER_CAPSULE_BYTES_MAX);
    maker_decoded(maker, false, &capsule_bytes, &capsule);
    maker_decoded(maker, true, &cut_bytes, &cut);
    aver_verify_context context = maker_context(maker, "L", AVER_USE_ANSWER);
    maker_live_fill(maker, &live, &capsule, &cut);
    context.nonce = live.parts[LIVE_NONCE].data;
    context.node_id = live.parts[LIVE_NODE].data;
    context.tls_spki_digest = live.parts[LIVE_TLS].data;
    context.seal_key = live.parts[LIVE_SEAL].data;
    context.model_root = live.parts[LIVE_MODEL].data;
    uint64_t early = mutate_below(&maker->random, 16);
    context.as_of_ms = early == 0 ? FORGE_NOW_MS - 62001 : early == 1 ? FORGE_NOW_MS - 62000 : 0;
    aver_verdict_init(&verdict);
    maker_live_judge(&context, &live, &verdict);
    maker_put_uint(maker, context.as_of_ms, 8);
    for (size_t part = 0; part < MAKER_PARTS; part++) {
        if (live.parts[part].data) {
            maker_put_sized(maker, live.parts[part]);
        } else {
            maker_put_uint(maker, UINT32_MAX, 4);
        }
    }
    maker_put_uint(maker, live.streamed, 1);
    maker_put_uint(maker, live.broken, 1);
    maker_put_verdict(maker, &context, &verdict);
    aver_buf_deinit(&live.heads);
    aver_buf_deinit(&cut_bytes);
    aver_buf_deinit(&capsule_bytes);
}

static void maker_put_mutant(maker_state *maker)
{
    aver_buf mutant;
    aver_buf_init(&mutant, AVER_CAPSULE_BYTES_MAX);
    maker_mutate(maker, &mutant);
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
        if (mutate_below(&maker.random, 16) < MAKER_LIVE_OF_16) {
            maker_put_live(&maker);
        }
    }
    maker_close(&maker);
    maker_must(fclose(maker.out) == 0);
    return 0;
}
