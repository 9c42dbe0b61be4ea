/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include "base/sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The model of the wanted name, or the first one that the policy allows, or the first. */
static const aver_keyset_model *session_model(const aver_session *session,
                                              const aver_keyset *keyset)
{
    const char *wanted = session->options.model;
    for (size_t i = 0; i < keyset->models_count; i++) {
        const aver_keyset_model *model = &keyset->models[i];
        if (wanted != NULL ? strcmp(model->name, wanted) == 0
                           : aver_policy_allows_model(session->options.policy, model->root)) {
            return model;
        }
    }
    return wanted == NULL && keyset->models_count > 0 ? &keyset->models[0] : NULL;
}

/* What of the keyset the reader will use, so that the checks are about that very key and model. */
static aver_err session_choose(aver_session *session)
{
    aver_bundle *bundle = malloc(sizeof *bundle);
    aver_keyset *keyset = malloc(sizeof *keyset);
    aver_err err = bundle != NULL && keyset != NULL ? AVER_OK : AVER_E_NOMEM;
    if (err == AVER_OK && aver_bundle_decode(aver_buf_view(&session->bundle), bundle) == AVER_OK &&
        aver_keyset_decode(bundle->keyset_bytes, keyset) == AVER_OK) {
        memcpy(session->seal_key, keyset->keys[AVER_ROLE_SEAL].bytes, sizeof session->seal_key);
        session->context.seal_key = session->seal_key;
        const aver_keyset_model *model = session_model(session, keyset);
        if (model != NULL) {
            (void)snprintf(session->model, sizeof session->model, "%s", model->name);
            memcpy(session->model_root, model->root, sizeof session->model_root);
            session->context.model_root = session->options.any_model ? NULL : session->model_root;
        }
    }
    free(bundle);
    free(keyset);
    return err;
}

static aver_err session_judge(aver_session *session)
{
    const aver_session_options *options = &session->options;
    session->context = (aver_verify_context){
        .use = AVER_USE_CONNECT,
        .policy = options->policy,
        .platforms = options->platforms,
        .roots = options->roots,
        .now_ms = aver_time_wall_ms() + options->clock_ahead_ms,
        .nonce = session->nonce,
        .node_id = session->remote.has_node_id ? session->remote.node_id : NULL,
        .tls_spki_digest = session->remote.has_tls ? session->remote.tls_digest : NULL,
    };
    aver_err err = session_choose(session);
    if (err != AVER_OK) {
        return err;
    }
    aver_verdict_init(&session->verdict);
    err = aver_verify_bundle(aver_buf_view(&session->bundle), &session->context, &session->verdict,
                             &session->judged);
    if (err == AVER_OK) {
        session->accepted =
            aver_policy_accepts(options->policy, AVER_USE_CONNECT, &session->verdict, session->why);
    }
    return err;
}

aver_err aver_session_renew(aver_session *session)
{
    session->accepted = false;
    session->why[0] = '\0';
    session->model[0] = '\0';
    aver_verdict_init(&session->verdict);
    aver_buf_clear(&session->bundle);
    aver_random(session->nonce, sizeof session->nonce);
    aver_err err = aver_remote_attestation(&session->remote, session->nonce, &session->bundle);
    return err == AVER_OK ? session_judge(session) : err;
}

aver_err aver_session_new(const aver_session_options *options, aver_session **ret_session)
{
    aver_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return AVER_E_NOMEM;
    }
    session->options = *options;
    aver_buf_init(&session->bundle, AVER_BUNDLE_BYTES_MAX);
    *ret_session = session;
    aver_err err =
        aver_remote_open(&session->remote, options->url, options->unix_socket, options->bearer);
    if (err == AVER_OK && options->timeout_ms != 0) {
        aver_remote_limit(&session->remote, options->timeout_ms);
    }
    return err == AVER_OK ? aver_session_renew(session) : err;
}

void aver_session_free(aver_session *session)
{
    if (session == NULL) {
        return;
    }
    aver_remote_close(&session->remote);
    aver_buf_deinit(&session->bundle);
    free(session);
}
