/* SPDX-License-Identifier: Apache-2.0 */
#include "node/bearer.h"

#include "base/log.h"
#include "base/secret.h"
#include "base/sys.h"
#include "crypto/hash.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BEARER_FILE_BYTES_MAX  (1024 * 1024)
#define BEARER_TOKEN_BYTES_MIN 8
#define BEARER_SCHEME          "Bearer "

struct aver_bearer {
    size_t count;
    uint8_t digests[AVER_BEARER_TOKENS_MAX][AVER_SHA256_BYTES];
};

static bool bearer_token_valid(aver_view token)
{
    if (token.size < BEARER_TOKEN_BYTES_MIN || token.size > AVER_BEARER_TOKEN_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < token.size; i++) {
        if (token.data[i] <= ' ' || token.data[i] > '~') {
            return false;
        }
    }
    return true;
}

/* The next line without its end; text moves behind it. */
static aver_view bearer_line(aver_view *text)
{
    const uint8_t *end = memchr(text->data, '\n', text->size);
    size_t size = end != NULL ? (size_t)(end - text->data) : text->size;
    aver_view line = aver_view_slice(*text, 0, size);
    size_t used = end != NULL ? size + 1 : size;

    *text = aver_view_slice(*text, used, text->size - used);
    if (line.size > 0 && line.data[line.size - 1] == '\r') {
        line.size--;
    }
    return line;
}

static aver_err bearer_fill(aver_bearer *bearer, aver_view text)
{
    for (size_t number = 1; text.size > 0; number++) {
        aver_view line = bearer_line(&text);

        if (line.size == 0 || line.data[0] == '#') {
            continue;
        }
        if (!bearer_token_valid(line)) {
            aver_log(AVER_LOG_ERROR, "tokens.bad", "line %zu is no token", number);
            return AVER_E_FORMAT;
        }
        if (bearer->count == AVER_BEARER_TOKENS_MAX) {
            return AVER_E_LIMIT;
        }
        aver_sha256_of(line, bearer->digests[bearer->count++]);
    }
    return bearer->count > 0 ? AVER_OK : AVER_E_USAGE;
}

aver_err aver_bearer_parse(aver_view text, aver_bearer **ret_bearer)
{
    aver_bearer *bearer = calloc(1, sizeof(*bearer));
    if (bearer == NULL) {
        return AVER_E_NOMEM;
    }
    aver_err err = bearer_fill(bearer, text);
    if (err != AVER_OK) {
        free(bearer);
        return err;
    }
    *ret_bearer = bearer;
    return AVER_OK;
}

aver_err aver_bearer_open(const char *path, aver_bearer **ret_bearer)
{
    aver_buf text;

    aver_buf_init(&text, BEARER_FILE_BYTES_MAX);
    aver_err err = aver_file_read(path, BEARER_FILE_BYTES_MAX, &text);
    if (err == AVER_OK) {
        err = aver_bearer_parse(aver_buf_view(&text), ret_bearer);
    }
    aver_buf_wipe(&text);
    aver_buf_deinit(&text);
    return err;
}

void aver_bearer_free(aver_bearer *bearer)
{
    free(bearer);
}

aver_view aver_bearer_token(const char *authorization)
{
    const size_t scheme_size = sizeof(BEARER_SCHEME) - 1;

    if (authorization == NULL || strncasecmp(authorization, BEARER_SCHEME, scheme_size) != 0) {
        return (aver_view){NULL, 0};
    }
    return aver_view_text(authorization + scheme_size);
}

bool aver_bearer_allows(const aver_bearer *bearer, const char *authorization)
{
    aver_view token = aver_bearer_token(authorization);
    uint8_t digest[AVER_SHA256_BYTES];
    bool found = false;

    if (bearer == NULL) {
        return true;
    }
    if (token.size == 0) {
        return false;
    }
    aver_sha256_of(token, digest);
    for (size_t i = 0; i < bearer->count; i++) {
        bool same = aver_equal_secret(AVER_VIEW_OF(digest), AVER_VIEW_OF(bearer->digests[i]));
        found = found || same;
    }
    return found;
}
