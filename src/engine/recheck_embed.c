/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/recheck_embed.h"

#include "engine/embed_jobs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WHY_BYTES 160

typedef struct vectors_run {
    aver_embed *embed;
    const aver_recheck_vectors *claim;
    aver_embed_inputs inputs;
    aver_recheck_result result;
    bool decided;
} vectors_run;

__attribute__((format(printf, 3, 4))) static void
vectors_decide(vectors_run *run, aver_recheck_outcome outcome, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(run->result.detail, sizeof(run->result.detail), format, args);
    va_end(args);
    run->result.outcome = outcome;
    run->decided = true;
}

static bool vectors_can_judge(vectors_run *run)
{
    const aver_engine_info *info = aver_embed_info(run->embed);
    const aver_recheck_vectors *claim = run->claim;
    if (info->profile != AVER_PROFILE_VERIFIED) {
        vectors_decide(run, AVER_RECHECK_CANNOT,
                       "profile verified is not possible with this model");
    } else if (memcmp(info->numeric_class, claim->numeric_class, 32) != 0) {
        vectors_decide(run, AVER_RECHECK_CANNOT, "this machine is of another numeric class");
    } else if (claim->kv_type != NULL && strcmp(info->kv_type, claim->kv_type) != 0) {
        vectors_decide(run, AVER_RECHECK_CANNOT,
                       "the answer was given with %.7s KV memory, here is %s", claim->kv_type,
                       info->kv_type);
    }
    return !run->decided;
}

static aver_err vectors_inputs(vectors_run *run)
{
    const aver_recheck_vectors *claim = run->claim;
    char why[WHY_BYTES] = "";
    aver_err err = aver_embed_inputs_read(run->embed, claim->job, &run->inputs, why);
    if (err == AVER_E_NOMEM) {
        return err;
    }
    if (err != AVER_OK) {
        vectors_decide(run, AVER_RECHECK_PROMPT, "the request gives no inputs: %.150s", why);
    } else if (run->inputs.ids_count != claim->prompt_count ||
               memcmp(run->inputs.ids, claim->prompt_ids,
                      claim->prompt_count * sizeof(*claim->prompt_ids)) != 0) {
        vectors_decide(run, AVER_RECHECK_PROMPT,
                       "the request gives %zu tokens, others than claimed", run->inputs.ids_count);
    } else if (run->inputs.count != claim->vectors_count ||
               aver_embed_info(run->embed)->vector_size != claim->vector_size) {
        vectors_decide(run, AVER_RECHECK_TEXT,
                       "%zu vectors of %zu floats are claimed, %zu of %u are right",
                       claim->vectors_count, claim->vector_size, run->inputs.count,
                       aver_embed_info(run->embed)->vector_size);
    }
    return AVER_OK;
}

/* Numbers in JSON do not tell a zero from its negative; the digest does. */
static bool vectors_same(const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!(a[i] >= b[i] && a[i] <= b[i])) {
            return false;
        }
    }
    return true;
}

static aver_err vectors_compute(vectors_run *run)
{
    const aver_recheck_vectors *claim = run->claim;
    aver_embed_digest digest;
    uint32_t start = 0;
    aver_err err = AVER_OK;
    aver_embed_digest_init(&digest, (uint32_t)run->inputs.count);
    for (size_t i = 0; i < run->inputs.count && err == AVER_OK && !run->decided; i++) {
        const int32_t *ids = run->inputs.ids + start;
        size_t count = run->inputs.ends[i] - start;
        const float *vector = NULL;
        err = aver_embed_vector(run->embed, ids, count, &vector);
        if (err != AVER_OK) {
            break;
        }
        aver_embed_digest_add(&digest, ids, count, vector, claim->vector_size);
        if (!vectors_same(vector, claim->floats + i * claim->vector_size, claim->vector_size)) {
            run->result.position = i;
            vectors_decide(run, AVER_RECHECK_TEXT, "the vector of input %zu is another one", i);
        }
        start = run->inputs.ends[i];
    }
    if (err == AVER_OK && !run->decided) {
        if (memcmp(digest.bytes, claim->step_digest, sizeof(digest.bytes)) != 0) {
            vectors_decide(run, AVER_RECHECK_DIGEST,
                           "all vectors are right and the step digest is another");
        } else {
            vectors_decide(run, AVER_RECHECK_SAME, "%zu vectors, bit for bit the same",
                           claim->vectors_count);
        }
    }
    return err;
}

aver_err aver_recheck_embed_run(const aver_engine_options *options,
                                const aver_recheck_vectors *claim, aver_recheck_result *ret_result)
{
    char why[WHY_BYTES] = "";
    vectors_run run = {.claim = claim};
    aver_engine_options alone = *options;
    bool wanted = false;
    alone.slots = 1;
    alone.profile = AVER_PROFILE_VERIFIED;
    aver_err err = aver_embed_wanted(&alone, &wanted, why);
    if (err == AVER_OK && !wanted) {
        err = AVER_E_UNSUPPORTED;
        (void)snprintf(why, sizeof(why), "it gives no vectors");
    }
    err = err == AVER_OK ? aver_embed_new(&alone, &run.embed, why) : err;
    if (err != AVER_OK) {
        vectors_decide(&run, AVER_RECHECK_CANNOT, "the model cannot be run: %.150s", why);
        *ret_result = run.result;
        return AVER_OK;
    }
    if (vectors_can_judge(&run)) {
        err = vectors_inputs(&run);
        err = err == AVER_OK && !run.decided ? vectors_compute(&run) : err;
    }
    aver_embed_inputs_deinit(&run.inputs);
    aver_embed_free(run.embed);
    if (err == AVER_OK) {
        *ret_result = run.result;
    }
    return err;
}
