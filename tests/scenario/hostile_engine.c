/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine that lies: it replaces the token of step 5 of every job by its neighbour in the
 * vocabulary. A genuine keeper signs what it says; a re-check finds it.
 */
#include "engine/link.h"

#define STEP 5

static int32_t token_replace(uint64_t job_id, uint64_t step, int32_t token)
{
    (void)job_id;
    if (step != STEP) {
        return token;
    }
    return token > 300 ? token - 1 : token + 1;
}

int main(void)
{
    return aver_engine_serve(AVER_LINK_SOCKET_FD, AVER_LINK_WEIGHTS_FD, true, token_replace);
}
