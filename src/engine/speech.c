/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/speech.h"

struct aver_speech_plan {
    bool calls;
};

aver_err aver_speech_plan_new(const aver_host *host, const aver_job *job,
                              aver_speech_plan **ret_plan, char ret_why[160])
{
    (void)host;
    (void)job;
    (void)ret_why;
    *ret_plan = NULL;
    return AVER_OK;
}

void aver_speech_plan_free(aver_speech_plan *plan)
{
    (void)plan;
}
