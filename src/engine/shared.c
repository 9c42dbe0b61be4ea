/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/shared.h"

#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_BYTES 160

void aver_shared_digest(const aver_view *texts, size_t count, uint8_t ret_digest[static 32])
{
    uint8_t number[4];
    aver_sha256 hash;
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, AVER_VIEW_LITERAL("aver/shared/1"));
    for (size_t i = 0; i < count; i++) {
        aver_be32_write(number, (uint32_t)texts[i].size);
        aver_sha256_update(&hash, AVER_VIEW_OF(number));
        aver_sha256_update(&hash, texts[i]);
    }
    aver_sha256_final(&hash, ret_digest);
}

/* A chat with the text as its system message. The user's word only ends the message; prompts have
 * another one there. */
static aver_err shared_job(aver_view text, aver_job *job)
{
    json_t *list = json_pack("[{s:s%,s:s},{s:s,s:s}]", "content", (const char *)text.data,
                             text.size, "role", "system", "content", ".", "role", "user");
    char *words = list == NULL ? NULL : json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
    job->endpoint = AVER_ENDPOINT_CHAT;
    aver_buf_init(&job->prompt, AVER_JOB_PROMPT_BYTES_MAX);
    aver_buf_append_text(&job->prompt, words == NULL ? "" : words);
    free(words);
    json_decref(list);
    return list == NULL ? AVER_E_FORMAT : aver_buf_status(&job->prompt);
}

static aver_err shared_decode(aver_slots *slots, uint32_t index, const aver_ids *ids)
{
    aver_host *host = slots->host;
    aver_err err = AVER_OK;
    for (size_t i = 0; i < ids->count && err == AVER_OK; i++) {
        aver_slots_put(slots, index, ids->ids[i], false);
        if (aver_host_put_count(host) == aver_host_batch_tokens(host) || i + 1 == ids->count) {
            err = aver_host_decode(host);
        }
    }
    return err;
}

static aver_err shared_read_one(aver_slots *slots, uint32_t index, aver_view text, char *why)
{
    aver_job job = {0};
    aver_ids ids = {0};
    const aver_prompt *prompt = aver_host_prompt(slots->host);
    aver_err err = shared_job(text, &job);
    err = err == AVER_OK ? aver_prompt_read(prompt, &job, slots->context_tokens, &ids, why) : err;
    err = err == AVER_OK ? shared_decode(slots, index, &ids) : err;
    aver_ids_free(&ids);
    aver_job_deinit(&job);
    return err;
}

aver_err aver_shared_read(aver_slots *slots, const aver_view *texts, size_t count,
                          char ret_why[160])
{
    aver_err err = AVER_OK;
    for (size_t i = 0; i < count && err == AVER_OK; i++) {
        char why[WHY_BYTES] = "it cannot be read";
        err = shared_read_one(slots, slots->count + (uint32_t)i, texts[i], why);
        if (err != AVER_OK) {
            (void)snprintf(ret_why, WHY_BYTES, "shared prefix %zu: %.130s", i + 1, why);
        }
    }
    return err;
}
