/* SPDX-License-Identifier: Apache-2.0 */
/* Tricks on paper: a saved answer is changed, or judged by somebody else. */
#include "cli/demo.h"

#include "base/sys.h"
#include "crypto/ed25519.h"

#include <string.h>

static void demo_paper_judge(const aver_demo *demo, aver_demo_row *row, const aver_policy *policy,
                             aver_view capsule)
{
    aver_verify_context context = {
        .use = AVER_USE_CAPSULE,
        .policy = policy,
        .platforms = demo->cli->platforms,
        .roots = demo->roots,
        .now_ms = aver_time_wall_ms(),
    };
    char why[400];
    aver_verdict verdict;
    aver_receipt receipt;
    aver_verdict_init(&verdict);
    if (aver_verify_capsule(capsule, &context, &verdict, &receipt) == AVER_OK) {
        row->tried = true;
        aver_demo_judge_row(row, &verdict,
                            aver_policy_accepts(policy, AVER_USE_CAPSULE, &verdict, why));
    }
}

/* The first letter after the last occurrence of a text that the body certainly has. */
static bool demo_paper_flip(aver_buf *body, const char *after)
{
    size_t size = strlen(after);
    for (size_t at = body->size; at-- > 0;) {
        if (at + size < body->size && memcmp(body->data + at, after, size) == 0) {
            for (size_t i = at + size; i < body->size; i++) {
                uint8_t *c = &body->data[i];
                if ((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') {
                    *c = *c == 'e' ? 'a' : 'e';
                    return true;
                }
            }
        }
    }
    return false;
}

static void demo_paper_change(aver_demo *demo, aver_demo_row *row, bool request)
{
    aver_capsule capsule;
    aver_buf body;
    aver_buf out;
    aver_buf_init(&body, AVER_CAPSULE_BYTES_MAX);
    aver_buf_init(&out, AVER_CAPSULE_BYTES_MAX);
    if (aver_capsule_decode(aver_buf_view(&demo->capsule), &capsule) == AVER_OK) {
        aver_buf_append(&body, request ? capsule.request : capsule.response);
        const char *after = request ? (demo->chat ? "\"content\":\"" : "\"prompt\":\"")
                                    : (demo->chat ? "\"content\":\"" : "\"text\":\"");
        bool flipped = demo_paper_flip(&body, after);
        if (request) {
            capsule.request = aver_buf_view(&body);
        } else {
            capsule.response = aver_buf_view(&body);
        }
        if (flipped && aver_capsule_encode(&capsule, &out) == AVER_OK) {
            demo_paper_judge(demo, row, demo->policy, aver_buf_view(&out));
        }
    }
    aver_buf_deinit(&body);
    aver_buf_deinit(&out);
}

void aver_demo_try_answer(aver_demo *demo, aver_demo_row *row)
{
    demo_paper_change(demo, row, false);
}

void aver_demo_try_prompt(aver_demo *demo, aver_demo_row *row)
{
    demo_paper_change(demo, row, true);
}

/* The same receipt, word for word, signed by a key that the evidence does not name. */
void aver_demo_try_signature(aver_demo *demo, aver_demo_row *row)
{
    aver_capsule capsule;
    aver_receipt receipt;
    aver_ed25519 *key = NULL;
    aver_buf message;
    aver_buf out;
    aver_buf_init(&message, AVER_RECEIPT_BYTES_MAX);
    aver_buf_init(&out, AVER_CAPSULE_BYTES_MAX);
    if (aver_capsule_decode(aver_buf_view(&demo->capsule), &capsule) == AVER_OK &&
        aver_receipt_decode_unverified(capsule.receipt, &receipt) == AVER_OK &&
        aver_ed25519_new(&key) == AVER_OK &&
        aver_receipt_sign(&receipt, key, &message) == AVER_OK) {
        capsule.receipt = aver_buf_view(&message);
        if (aver_capsule_encode(&capsule, &out) == AVER_OK) {
            demo_paper_judge(demo, row, demo->policy, aver_buf_view(&out));
        }
    }
    aver_ed25519_free(key);
    aver_buf_deinit(&message);
    aver_buf_deinit(&out);
}

/* Somebody who accepts real hardware only, and the same program and model on it. */
void aver_demo_try_production(aver_demo *demo, aver_demo_row *row)
{
    aver_buf text;
    aver_policy *policy = NULL;
    char why[200];
    char path[AVER_DEMO_PATH_MAX + 32];
    aver_buf_init(&text, AVER_POLICY_BYTES_MAX);
    (void)snprintf(path, sizeof path, "%s/demo.policy.json", demo->dir);
    if (aver_file_read(path, AVER_POLICY_BYTES_MAX, &text) == AVER_OK) {
        /* "platforms" alone becomes another: of the same length, so that nothing else moves. */
        static const char from[] = "\"platforms\": [\"sim\"]";
        static const char to[] = "\"platforms\": [\"tdx\"]";
        for (size_t i = 0; i + sizeof from - 1 <= text.size; i++) {
            if (memcmp(text.data + i, from, sizeof from - 1) == 0) {
                memcpy(text.data + i, to, sizeof to - 1);
            }
        }
        if (aver_policy_parse(aver_buf_view(&text), &policy, why) == AVER_OK) {
            demo_paper_judge(demo, row, policy, aver_buf_view(&demo->capsule));
        }
    }
    aver_policy_free(policy);
    aver_buf_deinit(&text);
}
