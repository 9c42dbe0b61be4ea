/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_BEARER_H
#define AVER_NODE_BEARER_H

/*
 * bearer: the tokens that may ask. One a line in a file, '#' begins a comment line; only their
 * SHA-256 stays in memory, and each comparison looks at all of them in constant time.
 * Limits: AVER_BEARER_TOKENS_MAX tokens of 8 to AVER_BEARER_TOKEN_BYTES_MAX printable bytes.
 */

#include "aver/bytes.h"

#define AVER_BEARER_TOKENS_MAX      4096
#define AVER_BEARER_TOKEN_BYTES_MAX 512

typedef struct aver_bearer aver_bearer;

/* FORMAT (logged with the line's number) for a line that is no token, USAGE for a file without any.
 */
AVER_MUST_USE aver_err aver_bearer_open(const char *path, aver_bearer **ret_bearer);
AVER_MUST_USE aver_err aver_bearer_parse(aver_view text, aver_bearer **ret_bearer);
void aver_bearer_free(aver_bearer *bearer);
/* authorization: the header's value or NULL. True if bearer is NULL: nobody asked for tokens. */
bool aver_bearer_allows(const aver_bearer *bearer, const char *authorization);
/* The token of the header, borrowed from it; empty if there is none. */
aver_view aver_bearer_token(const char *authorization);

#endif
