/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_PROMPT_MESSAGES_H
#define AVER_ENGINE_PROMPT_MESSAGES_H

/*
 * prompt_messages: the messages and tools of a job as one template wants them. Where the template
 * knows nothing of tools, they are put into words by our own convention (speech_own.h).
 */

#include "engine/job.h"
#include "engine/template.h"

typedef struct aver_prompt_messages {
    json_t *messages; /* owned */
    json_t *tools;    /* owned; NULL: none that the template is to see */
} aver_prompt_messages;

/* able: NULL for the plain template. FORMAT with words in ret_why. */
AVER_MUST_USE aver_err aver_prompt_messages_make(const aver_template_abilities *able,
                                                 const aver_job *job,
                                                 aver_prompt_messages *ret_messages,
                                                 char ret_why[160]);
void aver_prompt_messages_deinit(aver_prompt_messages *messages);

#endif
