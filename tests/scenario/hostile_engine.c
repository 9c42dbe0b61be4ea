/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine that lies: it replaces the token of step 5 of every job by its neighbour in the
 * vocabulary. A genuine keeper signs what it says; a re-check finds it. The engine's own code has
 * no door for that: the linker puts this function in the place of the drawing one (--wrap).
 */
#include "engine/answer.h"
#include "engine/link.h"

#define STEP 5

aver_err __real_aver_answer_draw(aver_answer *answer, const float *logits, int32_t *ret_token);
aver_err __wrap_aver_answer_draw(aver_answer *answer, const float *logits, int32_t *ret_token);

aver_err __wrap_aver_answer_draw(aver_answer *answer, const float *logits, int32_t *ret_token)
{
    aver_err err = __real_aver_answer_draw(answer, logits, ret_token);
    if (err == AVER_OK && answer->generated_count == STEP) {
        *ret_token += *ret_token > 300 ? -1 : 1;
    }
    return err;
}

int main(void)
{
    aver_engine_files files = aver_link_files();

    return aver_engine_serve(AVER_LINK_SOCKET_FD, &files, true);
}
