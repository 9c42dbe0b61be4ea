/* SPDX-License-Identifier: Apache-2.0 */
/* Tricks on the wire: somebody sits between client and node, or the node is another one. */
#include "cli/demo.h"

#include "cli/demo_proxy.h"

#include <stdio.h>
#include <unistd.h>

#define DEMO_HOUR_MS 3600000u

/* Connects; fills the row from the verdict on the connection. The prompt must not have left. */
static void demo_wire_connect(const aver_session_options *options, aver_demo_row *row)
{
    aver_session *session = NULL;
    aver_err err = aver_session_new(options, &session);
    if (err == AVER_OK) {
        row->tried = true;
        aver_demo_judge_row(row, &session->verdict, session->accepted);
    } else {
        (void)snprintf(row->detail, sizeof row->detail, "%s",
                       session != NULL ? session->remote.why : aver_err_text(err));
    }
    aver_session_free(session);
}

/* A node that serves the policy's program with one bit of one weight changed, under the same name.
 */
void aver_demo_try_model(aver_demo *demo, aver_demo_row *row)
{
    char path[AVER_DEMO_PATH_MAX + 32];
    (void)snprintf(path, sizeof path, "%s/changed.gguf", demo->dir);
    aver_demo_node node = {0};
    aver_demo_node_options options = {
        .program = demo->program,
        .model = path,
        .model_name = demo->model_name,
        .profile = "fast",
        .key = demo->key,
        .dir = demo->dir,
        .tag = "changed",
    };
    aver_err err = aver_demo_spoil_model(demo->small, path);
    if (err == AVER_OK) {
        err = aver_demo_node_start(&options, &node);
    }
    if (err == AVER_OK) {
        aver_session_options session = aver_demo_options(demo);
        session.url = node.url;
        demo_wire_connect(&session, row);
    }
    aver_demo_node_stop(&node);
    (void)unlink(path);
}

void aver_demo_try_age(aver_demo *demo, aver_demo_row *row)
{
    aver_session_options options = aver_demo_options(demo);
    options.url = demo->node.url;
    options.clock_ahead_ms = DEMO_HOUR_MS;
    demo_wire_connect(&options, row);
}

/* A proxy before the demo's node, for the time of one connection. */
static void demo_wire_between(aver_demo *demo, aver_demo_row *row, aver_demo_tamper tamper)
{
    char path[AVER_DEMO_PATH_MAX];
    char address[AVER_DEMO_PATH_MAX];
    unsigned posts = 0;
    bool tls = tamper == AVER_DEMO_TLS;
    aver_demo_proxy *proxy = NULL;
    (void)snprintf(path, sizeof path, "%.400s/between-%d.sock", demo->dir, (int)tamper);
    if (aver_demo_proxy_start(tamper, demo->node.unix_socket, tls ? NULL : path,
                              aver_buf_view(&demo->session->bundle), address, &proxy) != AVER_OK) {
        return;
    }
    aver_session_options options = aver_demo_options(demo);
    options.url = tls ? address : NULL;
    options.unix_socket = tls ? NULL : path;
    demo_wire_connect(&options, row);
    aver_demo_proxy_stop(proxy, &posts);
    if (posts > 0) {
        row->refused = false;
        (void)snprintf(row->detail, sizeof row->detail, "the prompt left all the same");
    }
}

void aver_demo_try_tls(aver_demo *demo, aver_demo_row *row)
{
    demo_wire_between(demo, row, AVER_DEMO_TLS);
}

void aver_demo_try_nonce(aver_demo *demo, aver_demo_row *row)
{
    demo_wire_between(demo, row, AVER_DEMO_REPLAY);
}

/* How the transfer ended, before what the check found. */
static void demo_wire_note(aver_demo_row *row, aver_err transfer)
{
    char found[sizeof row->detail];
    const char *how = transfer == AVER_OK        ? "the body ended in good order"
                      : transfer == AVER_E_PROOF ? "a seal broke"
                                                 : "the connection broke";
    (void)snprintf(found, sizeof found, "%s", row->detail);
    (void)snprintf(row->detail, sizeof row->detail, "%s; %.250s", how, found);
}

/* A carrier that is judged honest, since the seal protects the prompt, and then spoils the answer.
 */
static void demo_wire_spoil(aver_demo *demo, aver_demo_row *row, aver_demo_tamper tamper)
{
    char path[AVER_DEMO_PATH_MAX];
    char address[AVER_DEMO_PATH_MAX];
    aver_demo_proxy *proxy = NULL;
    (void)snprintf(path, sizeof path, "%.400s/spoil-%d.sock", demo->dir, (int)tamper);
    if (aver_demo_proxy_start(tamper, demo->node.unix_socket, path, (aver_view){NULL, 0}, address,
                              &proxy) != AVER_OK) {
        return;
    }
    aver_session *session = NULL;
    aver_answered answered;
    aver_answered_init(&answered);
    aver_session_options options = aver_demo_options(demo);
    options.unix_socket = path;
    aver_err err = aver_session_new(&options, &session);
    if (err == AVER_OK && session->accepted) {
        aver_question question = aver_demo_question(session, demo->chat, true);
        err = aver_session_ask(session, &question, NULL, NULL, &answered);
        if (err == AVER_OK) {
            row->tried = true;
            aver_demo_judge_row(row, &answered.verdict, answered.accepted);
            demo_wire_note(row, answered.transfer);
        }
    }
    aver_answered_deinit(&answered);
    aver_session_free(session);
    aver_demo_proxy_stop(proxy, NULL);
}

void aver_demo_try_flip(aver_demo *demo, aver_demo_row *row)
{
    demo_wire_spoil(demo, row, AVER_DEMO_FLIP);
}

void aver_demo_try_strip(aver_demo *demo, aver_demo_row *row)
{
    demo_wire_spoil(demo, row, AVER_DEMO_STRIP);
}

void aver_demo_try_cut(aver_demo *demo, aver_demo_row *row)
{
    demo_wire_spoil(demo, row, AVER_DEMO_CUT);
}
