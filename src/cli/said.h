/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_SAID_H
#define AVER_CLI_SAID_H

/*
 * said: everything that an answer of a node says, choice by choice: text, calls of tools, how it
 * ended. Read from a whole body or from the events of a stream; of chat, completions or responses.
 */

#include "aver/receipt.h"
#include "engine/job.h"
#include "engine/speech.h"

#define AVER_SAID_BYTES_MAX (64u * 1024 * 1024)

typedef struct aver_said_choice {
    aver_buf text;
    aver_speech_call calls[AVER_SPEECH_CALLS_MAX]; /* views of memory that the choice owns */
    size_t calls_count;
    bool ended;
    aver_finish finish; /* where it ended */
} aver_said_choice;

typedef struct aver_said {
    aver_said_choice *choices; /* owned, AVER_JOB_CHOICES_MAX of them */
    size_t choices_count;      /* the highest index named, and one; at least 1 */
} aver_said;

/* FORMAT if it is no answer of this endpoint, LIMIT if there is too much of it. */
AVER_MUST_USE aver_err aver_said_body(aver_view json, aver_endpoint endpoint, aver_said *ret_said);
/* Events that lie one after the other ("data: ...\n\n"). */
AVER_MUST_USE aver_err aver_said_events(aver_view events, aver_endpoint endpoint,
                                        aver_said *ret_said);
void aver_said_deinit(aver_said *said);

#endif
