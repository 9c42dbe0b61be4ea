/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/remote.h"

#include "aver/bundle.h"
#include "cli/answer.h"
#include "codec/text.h"
#include "net/tls.h"

#include <stdio.h>
#include <string.h>

#define REMOTE_ATTESTATION_BYTES_MAX (2u * 1024 * 1024)

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

aver_err aver_remote_open(aver_remote *remote, const char *url, const char *unix_socket,
                          const char *bearer)
{
    *remote = (aver_remote){0};
    aver_client_options options = {
        .url = url != NULL ? url : "http://localhost",
        .unix_socket = unix_socket,
        .bearer = bearer,
        .on_certificate = remote_on_certificate,
        .context = remote,
    };
    return aver_client_new(&options, &remote->client);
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
    (void)snprintf(remote->why, sizeof remote->why, "%.200s",
                   why != NULL && why[0] != '\0' ? why : aver_err_text(err));
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
