/* SPDX-License-Identifier: Apache-2.0 */
/* review: a capsule that contradicts itself is refused before anything is computed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/review.h"
#include "support/forge.h"

#include <string.h>

/* {2: 512}: what a review needs of a configuration document. */
static const uint8_t config[] = {0xa1, 0x02, 0x19, 0x02, 0x00};
static const char request_text[] =
    "{\"model\":\"story\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],\"seed\":7}";

static void set_config_digest(aver_keyset *keyset)
{
    aver_config_digest(AVER_VIEW_OF(config), keyset->config_digest);
}

static void set_config(aver_bundle *bundle)
{
    bundle->config = AVER_VIEW_OF(config);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_seed_than_the_request_fixes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
