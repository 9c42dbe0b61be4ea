/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request body of every endpoint; an accepted job goes over the link and must come
 * back the same. */
#include "engine/job.h"
#include "engine/link.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void job_check(const aver_job *job)
{
    aver_buf frame;
    aver_link_message message;
    aver_buf_init(&frame, AVER_LINK_FRAME_BYTES_MAX + 64);
    aver_link_put_submit(&frame, 1, job);
    if (aver_buf_status(&frame) != AVER_OK ||
        aver_link_parse(aver_buf_view(&frame), &message) != AVER_OK) {
        abort();
    }
    if (!aver_view_equal(aver_buf_view(&message.job.prompt), aver_buf_view(&job->prompt)) ||
        message.job.sampling.seed != job->sampling.seed ||
        message.job.stops_count != job->stops_count || message.job.max_tokens != job->max_tokens) {
        abort();
    }
    /* Whatever else the engine is told: written again, it must be the same bytes. */
    aver_buf again;
    aver_buf_init(&again, AVER_LINK_FRAME_BYTES_MAX + 64);
    aver_link_put_submit(&again, 1, &message.job);
    if (!aver_view_equal(aver_buf_view(&again), aver_buf_view(&frame))) {
        abort();
    }
    aver_buf_deinit(&again);
    aver_link_message_deinit(&message);
    aver_buf_deinit(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int endpoint = AVER_ENDPOINT_CHAT; endpoint <= AVER_ENDPOINT_APPLY_TEMPLATE; endpoint++) {
        aver_job job;
        aver_job_refusal refusal = {0};
        if (aver_job_parse(aver_view_make(data, size), (aver_endpoint)endpoint, &job, &refusal) ==
            AVER_OK) {
            job_check(&job);
            aver_job_deinit(&job);
        } else if (refusal.code == NULL || refusal.message[0] == '\0') {
            abort();
        }
    }
    return 0;
}
