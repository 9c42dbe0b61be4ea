/* SPDX-License-Identifier: Apache-2.0 */
#include "net/client.h"

#include "base/secret.h"
#include "base/sys.h"
#include "net/client_tls.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLIENT_CONNECT_TIMEOUT_MS = 10000,
    CLIENT_STALL_TIMEOUT_MS = 120000,
    CLIENT_BODY_BYTES_MAX = 64 * 1024 * 1024,
    CLIENT_URL_BYTES_MAX = 4096,
    CLIENT_WHY_BYTES = 256,
    CLIENT_TOKEN_BYTES_MAX = 8192,
    CLIENT_HEAD_BYTES_MAX = 512 * 1024, /* interim heads and trailers too: libcurl keeps them all */
};

struct aver_client {
    CURL *curl;
    char url[CLIENT_URL_BYTES_MAX]; /* without a slash at its end */
    char *bearer;                   /* the whole header line */
    size_t body_bytes_max;
    uint32_t total_timeout_ms;
    uint32_t stall_timeout_ms;
    aver_client_tls tls;
    char curl_why[CURL_ERROR_SIZE];
    char why[CLIENT_WHY_BYTES];
    /* Of the request under way. */
    const aver_client_request *request;
    bool headed;
    bool stalled;
    bool expired;
    uint32_t status;
    size_t head_bytes;
    size_t body_bytes;
    aver_err failure;
    uint64_t progress_ns; /* when a byte last moved */
    curl_off_t moved_bytes;
};

/* After 101, say: bytes follow, and no answer came before them. */
static const char client_headless[] = "the answer has no final status";

static pthread_once_t client_once = PTHREAD_ONCE_INIT;

static void client_library_open(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool client_text_valid(const char *text)
{
    for (; *text; text++) {
        uint8_t byte = (uint8_t)*text;
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

static aver_err client_fail(aver_client *client, aver_err err, const char *why)
{
    if (client->failure == AVER_OK) {
        client->failure = err;
        snprintf(client->why, sizeof(client->why), "%s", why);
    }
    return err;
}

/* The head is whole: interim answers (1xx) and trailers are not told. */
static aver_err client_head_tell(aver_client *client)
{
    long status = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    if (client->headed || status < 200 || status > 999) {
        return AVER_OK;
    }
    client->headed = true;
    client->status = (uint32_t)status;
    const aver_response response = {.status = client->status, .client = client};
    if (!client->request->on_head) {
        return AVER_OK;
    }
    aver_err err = client->request->on_head(&response, client->request->context);
    return err == AVER_OK ? AVER_OK : client_fail(client, err, "ended by the head's receiver");
}

static size_t client_on_header(char *bytes, size_t one, size_t size, void *context)
{
    aver_client *client = context;
    client->head_bytes += size * one;
    if (client->head_bytes > CLIENT_HEAD_BYTES_MAX) {
        client_fail(client, AVER_E_LIMIT, "the answer's headers are larger than allowed");
        return 0;
    }
    bool empty =
        (size * one == 2 && memcmp(bytes, "\r\n", 2) == 0) || (size * one == 1 && bytes[0] == '\n');
    return empty && client_head_tell(client) != AVER_OK ? 0 : size * one;
}

/* Another thread wants the transfer to end. */
static bool client_stopped(aver_client *client)
{
    if (!client->request->stop || !atomic_load(client->request->stop)) {
        return false;
    }
    client_fail(client, AVER_E_IO, "ended by its caller");
    return true;
}

static size_t client_on_body(char *bytes, size_t one, size_t count, void *context)
{
    aver_client *client = context;
    size_t size = one * count;
    if (client_stopped(client) || client_head_tell(client) != AVER_OK) {
        return 0;
    }
    if (!client->headed) {
        client_fail(client, AVER_E_PEER, client_headless);
        return 0;
    }
    if (size > client->body_bytes_max - client->body_bytes) {
        client_fail(client, AVER_E_LIMIT, "the answer is larger than allowed");
        return 0;
    }
    client->body_bytes += size;
    if (!client->request->on_body || size == 0) {
        return size;
    }
    aver_err err = client->request->on_body(aver_view_make(bytes, size), client->request->context);
    if (err != AVER_OK) {
        client_fail(client, err, "ended by the body's receiver");
        return 0;
    }
    return size;
}

static int client_on_progress(void *context, curl_off_t down_total, curl_off_t down,
                              curl_off_t up_total, curl_off_t up)
{
    (void)down_total;
    (void)up_total;
    aver_client *client = context;
    uint64_t now = aver_time_monotonic_ns();
    if (down + up != client->moved_bytes) {
        client->moved_bytes = down + up;
        client->progress_ns = now;
    }
    if (client_stopped(client)) {
        return 1;
    }
    client->stalled = (now - client->progress_ns) / 1000000 > client->stall_timeout_ms;
    return client->stalled ? 1 : 0;
}

/* The connection is there, nothing is sent yet. */
static int client_on_connected(void *context, char *peer_ip, char *own_ip, int peer_port,
                               int own_port)
{
    (void)peer_ip;
    (void)own_ip;
    (void)peer_port;
    (void)own_port;
    aver_client *client = context;
    client->progress_ns = aver_time_monotonic_ns();
    aver_err err = aver_client_tls_adopt(&client->tls, client->curl);
    if (err != AVER_OK) {
        client_fail(client, err, "the connection's certificate is not the one that was accepted");
        return CURL_PREREQFUNC_ABORT;
    }
    return CURL_PREREQFUNC_OK;
}

static aver_err client_callbacks_set(aver_client *client)
{
    CURLcode failed = CURLE_OK;
    CURL *curl = client->curl;
    failed |= curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, client_on_header);
    failed |= curl_easy_setopt(curl, CURLOPT_HEADERDATA, client);
    failed |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, client_on_body);
    failed |= curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
    failed |= curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, client_on_progress);
    failed |= curl_easy_setopt(curl, CURLOPT_XFERINFODATA, client);
    failed |= curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    failed |= curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, client_on_connected);
    failed |= curl_easy_setopt(curl, CURLOPT_PREREQDATA, client);
    failed |= curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->curl_why);
    return failed == CURLE_OK ? AVER_OK : AVER_E_UNSUPPORTED;
}

static aver_err client_connection_set(aver_client *client, const aver_client_options *options)
{
    CURLcode failed = CURLE_OK;
    CURL *curl = client->curl;
    uint32_t connect_ms =
        options->connect_timeout_ms ? options->connect_timeout_ms : CLIENT_CONNECT_TIMEOUT_MS;
    failed |= curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    failed |= curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    failed |= curl_easy_setopt(curl, CURLOPT_PROXY, "");
    failed |= curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    failed |= curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    failed |= curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    failed |= curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    failed |= curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    failed |= curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    failed |= curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, options->unix_socket);
    return failed == CURLE_OK ? AVER_OK : AVER_E_UNSUPPORTED;
}

static aver_err client_url_set(aver_client *client, const char *url)
{
    size_t size = strlen(url);
    while (size > 0 && url[size - 1] == '/') {
        size--;
    }
    bool known = strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
    if (!known || size >= sizeof(client->url) || !client_text_valid(url)) {
        return AVER_E_USAGE;
    }
    memcpy(client->url, url, size);
    client->url[size] = '\0';
    client->tls.required = strncmp(url, "https://", 8) == 0;
    return AVER_OK;
}

static aver_err client_bearer_set(aver_client *client, const char *token)
{
    static const char name[] = "Authorization: Bearer ";
    if (!token) {
        return AVER_OK;
    }
    size_t size = strlen(token);
    if (size > CLIENT_TOKEN_BYTES_MAX || !client_text_valid(token)) {
        return AVER_E_USAGE;
    }
    client->bearer = malloc(sizeof(name) + size);
    if (!client->bearer) {
        return AVER_E_NOMEM;
    }
    memcpy(client->bearer, name, sizeof(name) - 1);
    memcpy(client->bearer + sizeof(name) - 1, token, size + 1);
    return AVER_OK;
}

aver_err aver_client_new(const aver_client_options *options, aver_client **ret_client)
{
    pthread_once(&client_once, client_library_open);
    aver_client *client = calloc(1, sizeof(*client));
    if (!client) {
        return AVER_E_NOMEM;
    }
    client->body_bytes_max =
        options->body_bytes_max ? options->body_bytes_max : CLIENT_BODY_BYTES_MAX;
    client->stall_timeout_ms =
        options->stall_timeout_ms ? options->stall_timeout_ms : CLIENT_STALL_TIMEOUT_MS;
    client->total_timeout_ms = options->total_timeout_ms;
    client->tls.on_certificate = options->on_certificate;
    client->tls.context = options->context;
    client->curl = curl_easy_init();
    aver_err err = client->curl ? client_url_set(client, options->url) : AVER_E_NOMEM;
    if (err == AVER_OK) {
        err = client_bearer_set(client, options->bearer);
    }
    if (err == AVER_OK) {
        err = client_connection_set(client, options);
    }
    if (err == AVER_OK) {
        err = client_callbacks_set(client);
    }
    if (err == AVER_OK) {
        err = aver_client_tls_setup(&client->tls, client->curl);
    }
    if (err != AVER_OK) {
        aver_client_free(client);
        return err;
    }
    *ret_client = client;
    return AVER_OK;
}

void aver_client_free(aver_client *client)
{
    if (!client) {
        return;
    }
    aver_client_tls_drop(&client->tls);
    curl_easy_cleanup(client->curl);
    if (client->bearer) {
        aver_wipe(client->bearer, strlen(client->bearer));
    }
    free(client->bearer);
    free(client);
}

static aver_err client_headers_append(struct curl_slist **list, const char *line)
{
    if (!client_text_valid(line)) {
        return AVER_E_USAGE;
    }
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (!longer) {
        return AVER_E_NOMEM;
    }
    *list = longer;
    return AVER_OK;
}

static void client_headers_free(struct curl_slist *list)
{
    for (struct curl_slist *at = list; at; at = at->next) {
        aver_wipe(at->data, strlen(at->data));
    }
    curl_slist_free_all(list);
}

static aver_err client_headers_new(const aver_client *client, const aver_client_request *request,
                                   struct curl_slist **ret_list)
{
    struct curl_slist *list = NULL;
    /* Without a value libcurl leaves the header out: bodies are sent at once, and are not called a
     * form. */
    aver_err err = client_headers_append(&list, "Expect:");
    bool typed = false;
    for (size_t i = 0; err == AVER_OK && request->headers && request->headers[i]; i++) {
        typed = typed || strncasecmp(request->headers[i], "Content-Type:", 13) == 0;
        err = client_headers_append(&list, request->headers[i]);
    }
    if (err == AVER_OK && !typed) {
        err = client_headers_append(&list, "Content-Type:");
    }
    if (err == AVER_OK && client->bearer && !request->no_bearer) {
        err = client_headers_append(&list, client->bearer);
    }
    if (err != AVER_OK) {
        client_headers_free(list);
        return err;
    }
    *ret_list = list;
    return AVER_OK;
}

static aver_err client_request_set(aver_client *client, const aver_client_request *request,
                                   struct curl_slist *headers)
{
    CURLcode failed = CURLE_OK;
    CURL *curl = client->curl;
    char url[2 * CLIENT_URL_BYTES_MAX];
    size_t size = strlen(request->path);
    if (request->path[0] != '/' || size >= CLIENT_URL_BYTES_MAX ||
        !client_text_valid(request->path)) {
        return AVER_E_USAGE;
    }
    snprintf(url, sizeof(url), "%s%s", client->url, request->path);
    uint32_t timeout_ms = request->timeout_ms ? request->timeout_ms : client->total_timeout_ms;
    failed |= curl_easy_setopt(curl, CURLOPT_URL, url);
    failed |= curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    failed |= curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (strcmp(request->method, "GET") == 0 && request->body.size == 0) {
        failed |= curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    } else {
        failed |= curl_easy_setopt(curl, CURLOPT_POST, 1L);
        failed |=
            curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
        failed |= curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                                   request->body.size ? (const char *)request->body.data : "");
    }
    failed |= curl_easy_setopt(curl, CURLOPT_NOBODY, (long)(strcmp(request->method, "HEAD") == 0));
    failed |= curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    return failed == CURLE_OK ? AVER_OK : AVER_E_USAGE;
}

/* What a transfer that libcurl ended means to the caller. */
static aver_err client_result(aver_client *client, CURLcode code)
{
    const char *why = client->curl_why[0] ? client->curl_why : curl_easy_strerror(code);
    if (client->failure != AVER_OK) {
        return client->failure;
    }
    if (client->tls.refused) {
        return client_fail(client, AVER_E_PROOF,
                           client->tls.on_certificate
                               ? "the server's certificate was not accepted"
                               : "nothing is there to judge the server's certificate");
    }
    if (client->stalled) {
        return client_fail(client, AVER_E_IO, "the server fell silent");
    }
    switch ((int)code) {
    case CURLE_OK:
        return client->headed ? AVER_OK : client_fail(client, AVER_E_PEER, client_headless);
    case CURLE_OUT_OF_MEMORY:
        return client_fail(client, AVER_E_NOMEM, why);
    case CURLE_URL_MALFORMAT:
        return client_fail(client, AVER_E_USAGE, why);
    case CURLE_OPERATION_TIMEDOUT:
        client->expired = true;
        return client_fail(client, AVER_E_IO, why);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return client_fail(client, AVER_E_IO, why);
    default:
        return client_fail(client, AVER_E_PEER, why);
    }
}

static void client_request_begin(aver_client *client, const aver_client_request *request)
{
    client->request = request;
    client->headed = false;
    client->stalled = false;
    client->expired = false;
    client->status = 0;
    client->head_bytes = 0;
    client->body_bytes = 0;
    client->failure = AVER_OK;
    client->moved_bytes = 0;
    client->progress_ns = aver_time_monotonic_ns();
    client->why[0] = '\0';
    client->curl_why[0] = '\0';
    client->tls.refused = false;
    /* A connection may be replaced by another in the request to come: the old one is not held. */
    aver_client_tls_drop(&client->tls);
}

aver_err aver_client_send(aver_client *client, const aver_client_request *request,
                          uint32_t *ret_status)
{
    struct curl_slist *headers = NULL;
    client_request_begin(client, request);
    aver_err err = client_headers_new(client, request, &headers);
    if (err == AVER_OK) {
        err = client_request_set(client, request, headers);
    }
    if (err == AVER_OK) {
        err = client_result(client, curl_easy_perform(client->curl));
    } else {
        client_fail(client, err, "not a request that can be sent");
    }
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, NULL);
    client_headers_free(headers);
    client->request = NULL;
    if (err == AVER_OK) {
        *ret_status = client->status;
    }
    return err;
}

const char *aver_client_header(const aver_client *client, const char *name)
{
    struct curl_header *header = NULL;
    if (curl_easy_header(client->curl, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
        return NULL;
    }
    return header->value;
}

const char *aver_client_why(const aver_client *client)
{
    return client->why;
}

bool aver_client_timed_out(const aver_client *client)
{
    return client->stalled || client->expired;
}

aver_err aver_client_export(aver_client *client, const char *label, aver_view context,
                            uint8_t *ret_bytes, size_t size)
{
    return aver_client_tls_export(&client->tls, label, context, ret_bytes, size);
}

aver_err aver_client_peer_digest(const aver_client *client, uint8_t ret_digest[static 32])
{
    return aver_client_tls_digest(&client->tls, ret_digest);
}

aver_err aver_client_peer_issuer(const aver_client *client, aver_buf *ret_der)
{
    return aver_client_tls_issuer(&client->tls, ret_der);
}
