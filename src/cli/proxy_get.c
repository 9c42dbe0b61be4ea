/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/proxy.h"

#include "aver/capsule.h"

#include <stdio.h>
#include <string.h>

#define GET_BODY_BYTES_MAX (16u * 1024 * 1024)
#define GET_CAPSULES_PATH  "/aver/capsules/"

/* One answer that passes through. */
typedef struct get_run {
    aver_proxy_job *job;
    uint32_t status;
    char type[AVER_PROXY_TYPE_BYTES_MAX];
    aver_buf body;
} get_run;

static aver_err get_on_head(const aver_response *response, void *context)
{
    get_run *run = context;
    const char *type = aver_client_header(response->client, "Content-Type");
    const char *retry = aver_client_header(response->client, "Retry-After");
    (void)snprintf(run->type, sizeof run->type, "%s",
                   type != NULL ? type : "application/octet-stream");
    if (retry != NULL) {
        aver_proxy_job_header(run->job, "Retry-After", retry);
    }
    return AVER_OK;
}

static aver_err get_on_body(aver_view bytes, void *context)
{
    get_run *run = context;
    aver_buf_append(&run->body, bytes);
    return aver_buf_status(&run->body);
}

static aver_err get_once(aver_proxy_worker *worker, const aver_proxy_node *node, get_run *run)
{
    aver_client_request request = {.method = "GET",
                                   .path = run->job->target,
                                   .stop = &run->job->gone,
                                   .on_head = get_on_head,
                                   .on_body = get_on_body,
                                   .context = run};
    aver_err err = aver_proxy_worker_connect(worker, node);
    if (err != AVER_OK) {
        return err;
    }
    aver_buf_clear(&run->body);
    return aver_client_send(worker->remote.client, &request, &run->status);
}

/* No seal covers documents: without the judged connection whoever carries them chose the words. */
static void get_answer(get_run *run, aver_err err, bool judged, const char *why)
{
    if (err != AVER_OK) {
        aver_proxy_refusal refusal = {.status = 502, .code = "node_unreachable"};
        (void)snprintf(refusal.message, sizeof refusal.message, "The node did not answer: %.180s",
                       why);
        aver_proxy_say(run->job, &refusal);
        return;
    }
    aver_proxy_job_header(run->job, "Aver-Verdict", "none");
    aver_proxy_job_header(run->job, "Aver-Source", judged ? "node" : "carrier");
    aver_proxy_job_reply(run->job, run->status, run->type, aver_buf_view(&run->body));
}

/* Public documents of the node. */
static void get_pass(aver_proxy_worker *worker, aver_proxy_job *job)
{
    aver_proxy_nodes *nodes = &worker->proxy->nodes;
    aver_proxy_node *node = NULL, *stale = NULL;
    aver_proxy_verified verified;
    get_run run = {.job = job};
    aver_buf_init(&run.body, GET_BODY_BYTES_MAX);
    aver_err err = aver_proxy_nodes_get(nodes, NULL, &node, &verified);
    if (err == AVER_OK) {
        err = get_once(worker, node, &run);
        if (err == AVER_E_PROOF) {
            stale = node;
            node = NULL;
            err = aver_proxy_nodes_get(nodes, stale, &node, &verified);
            err = err == AVER_OK ? get_once(worker, node, &run) : err;
        }
    }
    if (node == NULL) {
        aver_proxy_say_blocked(worker->proxy, job, &verified);
    } else {
        get_answer(&run, err, worker->open && worker->remote.has_tls,
                   worker->open ? aver_client_why(worker->remote.client) : "");
        aver_proxy_nodes_drop(nodes, node);
    }
    if (stale != NULL) {
        aver_proxy_nodes_drop(nodes, stale);
    }
    aver_buf_deinit(&run.body);
}

static void get_capsule(aver_proxy *proxy, aver_proxy_job *job, const char *name)
{
    char disposition[128];
    aver_buf bytes;
    aver_buf_init(&bytes, AVER_CAPSULE_BYTES_MAX);
    if (proxy->store == NULL || aver_proxy_store_get(proxy->store, name, &bytes) != AVER_OK) {
        aver_proxy_say(job, &(aver_proxy_refusal){.status = 404,
                                                  .code = "no_capsule",
                                                  .message = "There is no such capsule."});
    } else {
        (void)snprintf(disposition, sizeof disposition, "attachment; filename=\"%s\"", name);
        aver_proxy_job_header(job, "Content-Disposition", disposition);
        aver_proxy_job_header(job, "Cache-Control", "no-store");
        aver_proxy_job_reply(job, 200, AVER_CAPSULE_MEDIA_TYPE, aver_buf_view(&bytes));
    }
    aver_buf_wipe(&bytes);
    aver_buf_deinit(&bytes);
}

void aver_proxy_get(aver_proxy_worker *worker, aver_proxy_job *job)
{
    const size_t size = sizeof GET_CAPSULES_PATH - 1;
    if (strncmp(job->path, GET_CAPSULES_PATH, size) == 0) {
        get_capsule(worker->proxy, job, job->path + size);
    } else {
        get_pass(worker, job);
    }
}
