/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_ANSWER_H
#define AVER_CLI_ANSWER_H

/*
 * answer: the text inside an answer of a node: joined from the events of a stream
 * (choices[0].delta.content, or choices[0].text of completions) or taken from a whole body
 * (choices[0].message.content, or choices[0].text). Also the words of an error body.
 */

#include "engine/job.h"

#define AVER_ANSWER_TEXT_BYTES_MAX  (8u * 1024 * 1024)
#define AVER_ANSWER_ERROR_BYTES_MAX 240

/* From a signed path; false for another one. */
bool aver_answer_endpoint(const char *path, aver_endpoint *ret_endpoint);
const char *aver_answer_path(aver_endpoint endpoint);
/*
 * Appends what one event adds; nothing for events without text (roles, usage). FORMAT if it is no
 * event of this endpoint. An error event fills ret_error (its size as above) and adds nothing.
 */
AVER_MUST_USE aver_err aver_answer_event(aver_view json, aver_endpoint endpoint, aver_buf *text,
                                         char *ret_error);
/* Appends the text of a whole body. */
AVER_MUST_USE aver_err aver_answer_body(aver_view json, aver_endpoint endpoint, aver_buf *text,
                                        char *ret_error);
/* Appends the text of all events that lie one after the other ("data: ...\n\n"). */
AVER_MUST_USE aver_err aver_answer_events(aver_view events, aver_endpoint endpoint, aver_buf *text);
/* The message of {"error":{"message"}}; or the first line of anything else, made printable. */
void aver_answer_error(aver_view body, char ret_error[AVER_ANSWER_ERROR_BYTES_MAX]);
/* True if the node refused the request only because it has other keys, or other evidence, now. */
bool aver_answer_outdated(uint32_t status, aver_view body);

#endif
