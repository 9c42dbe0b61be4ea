/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_SPEECH_PLAN_H
#define AVER_ENGINE_SPEECH_PLAN_H

/* speech_plan: a plan as its streams know it. */

#include "engine/speech.h"
#include "engine/speech_native.h"
#include "engine/speech_own.h"

struct aver_speech_plan {
    json_t *tools;              /* owned; NULL: no calls */
    aver_native_parser *native; /* owned; NULL: calls by our own convention, if any */
    aver_view marks[AVER_NATIVE_MARKS_MAX];
    size_t marks_count;
    bool parallel;
    aver_grammar *grammar;       /* owned; NULL: answers are free */
    aver_grammar *calls_grammar; /* owned; NULL: calls are free */
    aver_view before;            /* what the grammar has read before the answer */
};

/* aver_speech_plan_new for a template, or NULL for our own convention. */
AVER_MUST_USE aver_err aver_speech_plan_make(const aver_native *native, const aver_job *job,
                                             aver_speech_plan **ret_plan, char ret_why[160]);

#endif
