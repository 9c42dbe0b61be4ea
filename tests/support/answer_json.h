/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_ANSWER_JSON_H
#define AVER_TESTS_SUPPORT_ANSWER_JSON_H

/* answer_json: what a node answered, as JSON, and the way to a member of it. */

#include "codec/json.h"
#include "support/node_client.h"

#define ANSWER_JSON_NAMES_BYTES 4096

/* The whole body; of a stream the array of its events, whose names ret_names gets, each with a
 * space behind it (NULL: not wanted). The caller's; what is no JSON ends the test. */
json_t *answer_json(const node_answer *answer, char *ret_names);
/* By a path as "data.1.index"; NULL if it leads nowhere. */
const json_t *answer_at(const json_t *json, const char *path);
/* "" if there is no text. */
const char *answer_text_at(const json_t *json, const char *path);

#endif
