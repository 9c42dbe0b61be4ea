/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys.h"
#include "cli/proxy_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Paths with rules of their own; all others take the member "aver" and must bring a receipt. */
static const aver_proxy_route post_routes[] = {
    {.path = "/v1/receipts", .bare = true, .unproven = true},
};

static aver_proxy_route post_route(const char *path)
{
    for (size_t i = 0; i < sizeof post_routes / sizeof post_routes[0]; i++) {
        if (strcmp(path, post_routes[i].path) == 0) {
            return post_routes[i];
        }
    }
    return (aver_proxy_route){.path = path};
}

/* The body as it will be sealed. FORMAT, LIMIT: the client has been told. */
static aver_err post_body(aver_proxy_answer *answer)
{
    const aver_judged *judged = &answer->node->session->judged;
    aver_view body = aver_buf_view(&answer->job->body);
    aver_proxy_refusal refusal = {.status = 503, .code = "overloaded", .message = "No memory."};
    aver_proxy_claims claims = {.path = answer->job->path};
    aver_random(claims.base.nonce, sizeof claims.base.nonce);
    memcpy(claims.base.keyset_digest, judged->keyset_digest, 32);
    memcpy(claims.base.evidence_digest, judged->evidence_digest, 32);
    claims.base.deadline_ms = aver_time_wall_ms() + AVER_ANSWERED_DEADLINE_MS;
    aver_buf_clear(&answer->reply.request);
    aver_err err =
        aver_proxy_body_make(body, &claims, &answer->reply.request, &answer->facts, &refusal);
    if (err == AVER_OK && answer->route.bare) {
        aver_buf_clear(&answer->reply.request);
        aver_buf_append(&answer->reply.request, body);
        err = aver_buf_status(&answer->reply.request);
    }
    if (err != AVER_OK) {
        aver_proxy_say(answer->job, &refusal);
        return err;
    }
    memcpy(answer->reply.nonce, answer->facts.nonce, 32);
    return AVER_OK;
}

/* A model that the node has and the policy does not allow gets no prompt. */
static aver_err post_model(aver_proxy_answer *answer)
{
    const aver_session *session = answer->node->session;
    const aver_keyset *keyset = &session->judged.keyset;
    answer->model_root = NULL;
    for (size_t i = 0; i < keyset->models_count; i++) {
        const aver_keyset_model *model = &keyset->models[i];
        if (strcmp(model->name, answer->facts.model) != 0) {
            continue;
        }
        answer->model_root = model->root;
        if (!aver_policy_allows_model(session->options.policy, model->root) ||
            !aver_policy_allows_profile(session->options.policy, model->profile)) {
            aver_proxy_answer_refuse(answer, "model.allowed",
                                     "the policy does not allow this model; nothing was sent");
            return AVER_E_PROOF;
        }
    }
    return AVER_OK;
}

static aver_err post_send(aver_proxy_answer *answer)
{
    aver_posting posting = {
        .path = answer->job->path,
        .has_nonce = !answer->route.bare,
        .has_seed = !answer->route.unproven && answer->facts.has_seed,
        .seed = answer->facts.seed,
        .model_root = answer->model_root,
        .unproven = answer->route.unproven,
        .response_bytes_max = answer->proxy->response_bytes_max,
        .stop = &answer->job->gone,
        .on_head = aver_proxy_answer_on_head,
        .on_event = aver_proxy_answer_on_event,
        .context = answer,
    };
    aver_err err = aver_proxy_worker_connect(answer->worker, answer->node);
    if (err != AVER_OK) {
        return err;
    }
    return aver_answered_post(answer->node->session, &answer->worker->remote, &posting,
                              &answer->reply);
}

static void post_unreachable(aver_proxy_answer *answer, aver_err err)
{
    aver_proxy_refusal refusal = {.status = 502, .code = "node_unreachable"};
    const aver_proxy_worker *worker = answer->worker;
    const char *why = worker->open ? aver_client_why(worker->remote.client) : "";
    if (err == AVER_E_NOMEM || err == AVER_E_LIMIT) {
        refusal = (aver_proxy_refusal){.status = 503, .code = "overloaded"};
        why = aver_err_text(err);
    }
    (void)snprintf(refusal.message, sizeof refusal.message, "The node did not answer: %.180s",
                   why[0] != '\0' ? why : aver_err_text(err));
    (void)snprintf(answer->record.why, sizeof answer->record.why, "%s",
                   atomic_load(&answer->job->gone) ? "the client went away" : refusal.message);
    aver_proxy_answer_say(answer, &refusal);
}

/* True if the node must be verified anew, and the request be sent once more. */
static bool post_once(aver_proxy_answer *answer, bool last)
{
    if (post_body(answer) != AVER_OK || post_model(answer) != AVER_OK) {
        return false;
    }
    aver_err err = post_send(answer);
    if (err == AVER_OK) {
        if (answer->reply.outdated && !last) {
            return true;
        }
        aver_proxy_answer_finish(answer);
        return false;
    }
    if (err == AVER_E_PROOF && !last) {
        return true;
    }
    if (answer->relay.begun) {
        aver_proxy_answer_abandon(answer, aver_err_text(err));
    } else {
        post_unreachable(answer, err);
    }
    return false;
}

static void post_reset(aver_proxy_answer *answer)
{
    aver_answered_deinit(&answer->reply);
    aver_answered_init(&answer->reply);
}

static void post_run(aver_proxy_answer *answer)
{
    aver_proxy_nodes *nodes = &answer->proxy->nodes;
    aver_proxy_node *stale = NULL;
    aver_proxy_verified verified;
    bool again = true;
    for (int attempt = 0; attempt < 2 && again; attempt++) {
        if (aver_proxy_nodes_get(nodes, stale, &answer->node, &verified) != AVER_OK) {
            aver_proxy_say_blocked(answer->proxy, answer->job, &verified);
            break;
        }
        again = post_once(answer, attempt > 0);
        if (again) {
            post_reset(answer);
            stale = answer->node;
            answer->node = NULL;
        }
    }
    if (answer->node != NULL) {
        aver_proxy_nodes_drop(nodes, answer->node);
    }
    if (stale != NULL) {
        aver_proxy_nodes_drop(nodes, stale);
    }
}

void aver_proxy_post(aver_proxy_worker *worker, aver_proxy_job *job)
{
    aver_proxy_answer *answer = calloc(1, sizeof *answer);
    if (answer == NULL) {
        aver_proxy_say(job, &(aver_proxy_refusal){.status = 503, .code = "overloaded"});
        return;
    }
    answer->proxy = worker->proxy;
    answer->worker = worker;
    answer->job = job;
    answer->route = post_route(job->path);
    aver_answered_init(&answer->reply);
    post_run(answer);
    aver_proxy_relay_deinit(&answer->relay);
    aver_answered_deinit(&answer->reply);
    free(answer);
}
