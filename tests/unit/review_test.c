/* SPDX-License-Identifier: Apache-2.0 */
/* review: a capsule that contradicts itself is refused before anything is computed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/review.h"
#include "codec/cbor.h"
#include "support/forge.h"

#include <string.h>

/* A configuration document of docs/protocol.md section 6, with its LoRA roots and upstreams. */
static uint8_t config_bytes[128];
static aver_view config;
static const char request_text[] =
    "{\"model\":\"story\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],\"seed\":7}";

typedef struct config_facts {
    uint64_t version, profile;
    unsigned loras, upstreams;
    uint64_t key_more; /* 0: none */
    bool key_missing;  /* the last one */
} config_facts;

static const config_facts config_good = {.version = 1, .profile = AVER_PROFILE_VERIFIED};

static void config_put_roots(aver_buf *out, uint64_t key, unsigned count)
{
    static const uint8_t root[32] = {7};
    aver_cbor_put_uint(out, key);
    aver_cbor_put_array(out, count);
    for (unsigned i = 0; i < count; i++) {
        aver_cbor_put_bytes(out, AVER_VIEW_OF(root));
    }
}

static void config_make(const config_facts *facts)
{
    static const uint8_t template_digest[32] = {9};
    aver_buf out;
    aver_buf_init(&out, sizeof config_bytes);
    aver_cbor_put_map(&out, 9 + (facts->key_more ? 1u : 0u) - (facts->key_missing ? 1u : 0u));
    const uint64_t numbers[] = {facts->version, facts->profile, 512};
    for (uint64_t key = 0; key < 3; key++) {
        aver_cbor_put_uint(&out, key);
        aver_cbor_put_uint(&out, numbers[key]);
    }
    aver_cbor_put_uint(&out, 3);
    aver_cbor_put_bytes(&out, AVER_VIEW_OF(template_digest));
    for (uint64_t key = 4; key < 6; key++) {
        aver_cbor_put_uint(&out, key);
        aver_cbor_put_uint(&out, 1);
    }
    aver_cbor_put_uint(&out, 6);
    aver_cbor_put_text(&out, "Q8_0");
    config_put_roots(&out, 7, facts->loras);
    if (!facts->key_missing) {
        config_put_roots(&out, 8, facts->upstreams);
    }
    if (facts->key_more) {
        aver_cbor_put_uint(&out, facts->key_more);
        aver_cbor_put_uint(&out, 1);
    }
    assert_int_equal(aver_buf_status(&out), AVER_OK);
    memcpy(config_bytes, out.data, out.size);
    config = aver_view_make(config_bytes, out.size);
    aver_buf_deinit(&out);
}

static void set_config_digest(aver_keyset *keyset)
{
    aver_config_digest(config, keyset->config_digest);
}

static void set_config(aver_bundle *bundle)
{
    bundle->config = config;
}

static void set_request(aver_capsule *capsule)
{
    capsule->request = aver_view_text(request_text);
}

static void commit_to_request(aver_receipt *receipt)
{
    uint8_t salt[32];
    forge_bytes("salt", salt);
    aver_commit_request(salt, aver_view_text(request_text), receipt->request_commitment);
}

static void drawn_with_the_seed_asked_for(aver_receipt *receipt)
{
    commit_to_request(receipt);
    receipt->seed = 7;
}

static void drawn_with_another_seed(aver_receipt *receipt)
{
    commit_to_request(receipt);
    receipt->seed = 8;
}

static void review(void (*edit_receipt)(aver_receipt *receipt), aver_review *ret_review)
{
    static forge_state made;
    forge_init(&made);
    made.edits = (forge_edits){.edit_keyset = set_config_digest,
                               .edit_bundle = set_config,
                               .edit_receipt = edit_receipt,
                               .edit_capsule = set_request};
    forge_build(&made);
    const aver_review_options options = {.capsule = aver_buf_view(&made.capsule),
                                         .model_path = "/nonexistent/model.gguf"};
    assert_int_equal(aver_review_run(&options, ret_review), AVER_OK);
    forge_deinit(&made);
}

/* Whoever may choose the seed may draw until the answer pleases. */
static void another_seed_than_the_request_fixes_is_refused(void **state)
{
    (void)state;
    aver_review found;
    config_make(&config_good);
    review(drawn_with_another_seed, &found);
    assert_non_null(found.broken);
    assert_string_equal(found.broken, "receipt.request");
    assert_non_null(strstr(found.why, "seed"));
    assert_false(found.judged);
    /* With its own seed the review goes on to the model, which is not there. */
    review(drawn_with_the_seed_asked_for, &found);
    assert_null(found.broken);
    assert_false(found.judged);
    assert_non_null(strstr(found.why, "/nonexistent/model.gguf"));
}

/* What cannot be repeated here is no lie of the node's. */
static void settings_that_cannot_be_repeated_are_not_judged(void **state)
{
    (void)state;
    static const struct {
        config_facts facts;
        const char *words;
    } cases[] = {
        {{.version = 3, .profile = 1}, "another version"},
        {{.version = 1, .profile = 2}, "deterministic profile"},
        {{.version = 1, .profile = 1, .loras = 1}, "LoRA"},
        {{.version = 1, .profile = 1, .upstreams = 1}, "upstreams"},
        {{.version = 1, .profile = 1, .key_more = 9}, "does not know"},
        {{.version = 1, .profile = 1, .key_missing = true}, "cannot be read"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        aver_review found;
        config_make(&cases[i].facts);
        review(drawn_with_the_seed_asked_for, &found);
        assert_null(found.broken);
        assert_false(found.judged);
        if (strstr(found.why, cases[i].words) == NULL) {
            fail_msg("case %zu: %s", i, found.why);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_seed_than_the_request_fixes_is_refused),
        cmocka_unit_test(settings_that_cannot_be_repeated_are_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
