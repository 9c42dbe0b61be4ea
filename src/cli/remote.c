/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/remote.h"

#include "aver/bundle.h"
#include "base/sys.h"
#include "cli/answer.h"
#include "codec/text.h"
#include "net/tls.h"

#include <stdio.h>
#include <string.h>

#define REMOTE_ATTESTATION_BYTES_MAX (2u * 1024 * 1024)
#define REMOTE_STALL_TIMEOUT_MS      300000u /* a busy node says nothing while one waits */

static aver_err remote_on_certificate(aver_view der, void *context)
{
    aver_remote *remote = context;
    uint8_t digest[32];
    aver_err err = aver_tls_certificate_digest(der, digest);
    if (err != AVER_OK) {
        return err;
    }
    if (remote->has_tls && memcmp(remote->tls_digest, digest, sizeof digest) != 0) {
        return AVER_E_PROOF;
    }
    memcpy(remote->tls_digest, digest, sizeof digest);
    remote->has_tls = true;
    return AVER_OK;
}

aver_err aver_remote_node_id(const char *url, uint8_t ret_node_id[static 32])
{
    static const char prefix[] = "/n/";
    const char *host = strstr(url, "://");
    const char *at = strstr(host != NULL ? host + 3 : url, prefix);
    if (at == NULL) {
        return AVER_E_ABSENT;
    }
    at += sizeof prefix - 1;
    return aver_hex_decode(aver_view_make(at, strcspn(at, "/?#")), ret_node_id, 32);
}

/* What a command line may not ask for, in words. */
static aver_err remote_refuse(aver_remote *remote, const char *url, const char *unix_socket,
                              const char *bearer)
{
    if (url == NULL) {
        return AVER_OK;
    }
    remote->plain = unix_socket == NULL && strncmp(url, "http://", 7) == 0;
    aver_err err = aver_remote_node_id(url, remote->node_id);
    remote->has_node_id = err == AVER_OK;
    if (err == AVER_E_FORMAT) {
        (void)snprintf(remote->why, sizeof remote->why,
                       "behind /n/ there must be a node id of 64 hex digits");
        return AVER_E_USAGE;
    }
    if (bearer != NULL && unix_socket == NULL && strncmp(url, "https://", 8) != 0) {
        (void)snprintf(remote->why, sizeof remote->why,
                       "a token is never sent without TLS: use https:// or --unix");
        return AVER_E_USAGE;
    }
    const char *end = strstr(url, "/v1");
    if (end != NULL && (strcmp(end, "/v1") == 0 || strcmp(end, "/v1/") == 0)) {
        (void)snprintf(remote->why, sizeof remote->why, "leave out /v1: it is added");
        return AVER_E_USAGE;
    }
    return AVER_OK;
}

aver_err aver_remote_open(aver_remote *remote, const char *url, const char *unix_socket,
                          const char *bearer)
{
    *remote = (aver_remote){0};
    aver_err err = remote_refuse(remote, url, unix_socket, bearer);
    if (err != AVER_OK) {
        return err;
    }
    aver_client_options options = {
        .url = url != NULL ? url : "http://localhost",
        .unix_socket = unix_socket,
        .bearer = bearer,
        .stall_timeout_ms = REMOTE_STALL_TIMEOUT_MS,
        .on_certificate = remote_on_certificate,
        .context = remote,
    };
    err = aver_client_new(&options, &remote->client);
    if (err != AVER_OK) {
        (void)snprintf(remote->why, sizeof remote->why, "%s",
                       err == AVER_E_USAGE ? "a node's URL looks like https://HOST:PORT"
                                           : aver_err_text(err));
    }
    return err;
}

aver_exit aver_remote_exit(aver_err err)
{
    if (err == AVER_E_USAGE) {
        return AVER_EXIT_USAGE;
    }
    return err == AVER_E_PEER ? AVER_EXIT_PEER : AVER_EXIT_IO;
}

void aver_remote_limit(aver_remote *remote, uint64_t total_ms)
{
    remote->deadline_ns = aver_time_monotonic_ns() + total_ms * 1000000;
}

uint32_t aver_remote_left_ms(const aver_remote *remote)
{
    uint64_t now_ns = aver_time_monotonic_ns();
    if (remote->deadline_ns == 0) {
        return 0;
    }
    uint64_t left_ms = remote->deadline_ns > now_ns ? (remote->deadline_ns - now_ns) / 1000000 : 0;
    return left_ms == 0 ? 1 : left_ms > INT32_MAX ? INT32_MAX : (uint32_t)left_ms;
}

void aver_remote_close(aver_remote *remote)
{
    aver_client_free(remote->client);
    *remote = (aver_remote){0};
}

static aver_err remote_on_body(aver_view bytes, void *context)
{
    aver_buf *body = context;
    aver_buf_append(body, bytes);
    return aver_buf_status(body);
}

static void remote_explain(aver_remote *remote, aver_err err)
{
    const char *why = aver_client_why(remote->client);
    (void)snprintf(remote->why, sizeof remote->why, "%.180s%s",
                   why != NULL && why[0] != '\0' ? why : aver_err_text(err),
                   remote->plain ? " (over TCP a node speaks https:// only)" : "");
}

static aver_err remote_take_bundle(aver_remote *remote, aver_view body, aver_buf *ret_bundle)
{
    if (remote->status != 200) {
        char error[AVER_ANSWER_ERROR_BYTES_MAX];
        aver_answer_error(body, error);
        (void)snprintf(remote->why, sizeof remote->why, "%u: %.200s", remote->status, error);
        return AVER_E_PEER;
    }
    if (aver_cmw_unwrap(body, ret_bundle) != AVER_OK) {
        (void)snprintf(remote->why, sizeof remote->why, "its attestation is no evidence bundle");
        return AVER_E_PEER;
    }
    return AVER_OK;
}

aver_err aver_remote_attestation(aver_remote *remote, const uint8_t *nonce, aver_buf *ret_bundle)
{
    char path[128] = "/v1/attestation";
    if (nonce != NULL) {
        char hex[65];
        aver_hex_encode(aver_view_make(nonce, 32), hex);
        (void)snprintf(path, sizeof path, "/v1/attestation?nonce=%s", hex);
    }
    static const char *const headers[] = {"Accept: " AVER_BUNDLE_MEDIA_TYPE, NULL};
    aver_buf body;
    aver_buf_init(&body, REMOTE_ATTESTATION_BYTES_MAX);
    aver_client_request request = {
        .method = "GET",
        .path = path,
        .headers = headers,
        .timeout_ms = aver_remote_left_ms(remote),
        .no_bearer = true, /* nobody is judged yet */
        .on_body = remote_on_body,
        .context = &body,
    };
    remote->status = 0;
    aver_err err = aver_client_send(remote->client, &request, &remote->status);
    if (err == AVER_OK) {
        err = remote_take_bundle(remote, aver_buf_view(&body), ret_bundle);
    } else {
        remote_explain(remote, err);
    }
    aver_buf_deinit(&body);
    return err;
}
