/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_JOB_READ_H
#define AVER_TESTS_SUPPORT_JOB_READ_H

/* job_read: request bodies that must be taken, and those that must be refused for one reason. */

#include "engine/job.h"

#include <stdio.h>
#include <string.h>

static inline aver_job job_take(aver_endpoint endpoint, const char *body)
{
    aver_job job;
    aver_job_refusal refusal = {0};
    aver_err err = aver_job_parse(aver_view_text(body), endpoint, &job, &refusal);
    if (err != AVER_OK) {
        print_error("%s: %s (%s)\n", body, refusal.message, refusal.param);
    }
    assert_int_equal(err, AVER_OK);
    return job;
}

static inline void job_refused(aver_endpoint endpoint, const char *body, const char *code,
                               const char *param)
{
    aver_job job;
    aver_job_refusal refusal = {0};
    aver_err err = aver_job_parse(aver_view_text(body), endpoint, &job, &refusal);
    if (err == AVER_OK || strcmp(refusal.code, code) != 0 || strcmp(refusal.param, param) != 0) {
        print_error("%s: %d %s (%s)\n", body, (int)err, refusal.code, refusal.param);
        fail();
    }
    assert_int_equal(err == AVER_E_UNSUPPORTED, strncmp(code, "unsupported", 11) == 0);
    assert_true(refusal.message[0] != '\0');
}

/* The prompt of a body must be wanted. */
static inline void job_prompts(aver_endpoint endpoint, const char *body, const char *wanted)
{
    aver_job job = job_take(endpoint, body);
    if (!aver_view_equal_text(aver_buf_view(&job.prompt), wanted)) {
        fail_msg("%s gives %.*s", body, (int)job.prompt.size, (const char *)job.prompt.data);
    }
    aver_job_deinit(&job);
}

#endif
