/* SPDX-License-Identifier: Apache-2.0 */
#include "net/fetch.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { FETCH_URL_BYTES_MAX = 2048 };

typedef struct fetch_state {
    const aver_fetch_request *request;
    aver_buf *body;
    size_t head_bytes;
    aver_err failure;
} fetch_state;

bool aver_fetch_base_valid(const char *base)
{
    static const char scheme[] = "https://";
    size_t size = strlen(base);
    if (size >= FETCH_URL_BYTES_MAX / 2 || strncmp(base, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    const char *host = base + sizeof scheme - 1;
    for (const char *at = host; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~' || strchr("@?#\\\"<>", *at) != NULL) {
            return false;
        }
    }
    return host[0] != '\0' && host[0] != '/' && host[0] != ':';
}

static size_t fetch_on_body(char *bytes, size_t one, size_t count, void *context)
{
    fetch_state *state = context;
    aver_buf_append(state->body, aver_view_make(bytes, one * count));
    state->failure = aver_buf_status(state->body);
    return state->failure == AVER_OK ? one * count : 0;
}

static void fetch_header(const fetch_state *state, const char *line, size_t size)
{
    const char *colon = memchr(line, ':', size);
    size_t name = colon != NULL ? (size_t)(colon - line) : 0;
    for (size_t i = 0; name > 0 && i < state->request->headers_count; i++) {
        const aver_fetch_header *wanted = &state->request->headers[i];
        if (strlen(wanted->name) == name && strncasecmp(wanted->name, line, name) == 0 &&
            wanted->value->size == 0) {
            size_t at = name + 1;
            while (at < size && (line[at] == ' ' || line[at] == '\t')) {
                at++;
            }
            while (size > at && (uint8_t)line[size - 1] <= ' ') {
                size--;
            }
            aver_buf_append(wanted->value, aver_view_make(line + at, size - at));
        }
    }
}

static size_t fetch_on_header(char *bytes, size_t one, size_t count, void *context)
{
    fetch_state *state = context;
    size_t size = one * count;
    if (size > AVER_FETCH_HEAD_BYTES_MAX - state->head_bytes) {
        state->failure = AVER_E_LIMIT;
        return 0;
    }
    state->head_bytes += size;
    fetch_header(state, bytes, size);
    return size;
}

static bool fetch_options(CURL *curl, const char *url, fetch_state *state, char *curl_why)
{
    const aver_fetch_request *request = state->request;
    unsigned failed = CURLE_OK;
    failed |= curl_easy_setopt(curl, CURLOPT_URL, url);
    failed |= curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    failed |= curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    failed |= curl_easy_setopt(curl, CURLOPT_PROXY, "");
    failed |= curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    failed |= curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    failed |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    failed |= curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    failed |= curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    failed |= curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    failed |= curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    if (request->ca_file != NULL) {
        failed |= curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file);
        failed |= curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    failed |= curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    failed |= curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)request->timeout_ms);
    failed |= curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, curl_why);
    failed |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, fetch_on_body);
    failed |= curl_easy_setopt(curl, CURLOPT_WRITEDATA, state);
    failed |= curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, fetch_on_header);
    failed |= curl_easy_setopt(curl, CURLOPT_HEADERDATA, state);
    return failed == 0;
}

static aver_err fetch_perform(CURL *curl, const char *url, fetch_state *state,
                              char ret_why[AVER_FETCH_WHY_BYTES])
{
    char curl_why[CURL_ERROR_SIZE] = "";
    long status = 0;
    if (!fetch_options(curl, url, state, curl_why)) {
        return AVER_E_NOMEM;
    }
    CURLcode code = curl_easy_perform(curl);
    if (state->failure != AVER_OK) {
        (void)snprintf(ret_why, AVER_FETCH_WHY_BYTES, "the answer is larger than allowed");
        return state->failure;
    }
    if (code == CURLE_OUT_OF_MEMORY) {
        return AVER_E_NOMEM;
    }
    if (code != CURLE_OK) {
        (void)snprintf(ret_why, AVER_FETCH_WHY_BYTES, "%.200s",
                       curl_why[0] != '\0' ? curl_why : curl_easy_strerror(code));
        return AVER_E_IO;
    }
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        (void)snprintf(ret_why, AVER_FETCH_WHY_BYTES, "the service answers with status %ld%s",
                       status,
                       status >= 300 && status < 400 ? ", and redirects are not followed" : "");
        return AVER_E_PEER;
    }
    return AVER_OK;
}

aver_err aver_fetch(const aver_fetch_request *request, aver_buf *ret_body,
                    char ret_why[AVER_FETCH_WHY_BYTES])
{
    char url[FETCH_URL_BYTES_MAX];
    fetch_state state = {.request = request, .body = ret_body};
    size_t base = strlen(request->base);
    ret_why[0] = '\0';
    if (!aver_fetch_base_valid(request->base)) {
        (void)snprintf(ret_why, AVER_FETCH_WHY_BYTES,
                       "a source must be https://host[:port][/path]");
        return AVER_E_USAGE;
    }
    base -= request->base[base - 1] == '/' ? 1 : 0;
    if (snprintf(url, sizeof url, "%.*s%s", (int)base, request->base, request->path) >=
        (int)sizeof url) {
        return AVER_E_LIMIT;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return AVER_E_NOMEM;
    }
    CURL *curl = curl_easy_init();
    aver_err err = curl != NULL ? fetch_perform(curl, url, &state, ret_why) : AVER_E_NOMEM;
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    return err;
}
