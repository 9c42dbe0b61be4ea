/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/proxy_node.h"

#include "base/log.h"
#include "base/sys.h"
#include "codec/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES_VERIFY_TIMEOUT_MS 60000u

void aver_proxy_check_name(const char *why, char ret_name[64])
{
    size_t size = strcspn(why, " :;");
    (void)snprintf(ret_name, 64, "%.*s", (int)(size < 63 ? size : 63), why);
}

void aver_proxy_nodes_init(aver_proxy_nodes *nodes, const aver_session_options *options)
{
    *nodes = (aver_proxy_nodes){.options = *options};
    nodes->options.any_model = true;
    nodes->options.timeout_ms = NODES_VERIFY_TIMEOUT_MS;
    nodes->age_max_ms = aver_policy_evidence_age_max_ms(options->policy) / 2;
    (void)pthread_mutex_init(&nodes->mutex, NULL);
    (void)pthread_cond_init(&nodes->done, NULL);
}

/* Under the mutex. */
static void nodes_unref(aver_proxy_node *node)
{
    if (node != NULL && --node->references == 0) {
        aver_session_free(node->session);
        free(node);
    }
}

void aver_proxy_nodes_deinit(aver_proxy_nodes *nodes)
{
    nodes_unref(nodes->present);
    (void)pthread_cond_destroy(&nodes->done);
    (void)pthread_mutex_destroy(&nodes->mutex);
}

void aver_proxy_nodes_drop(aver_proxy_nodes *nodes, aver_proxy_node *node)
{
    (void)pthread_mutex_lock(&nodes->mutex);
    nodes_unref(node);
    (void)pthread_mutex_unlock(&nodes->mutex);
}

void aver_proxy_nodes_last(aver_proxy_nodes *nodes, aver_proxy_verified *ret_verified)
{
    (void)pthread_mutex_lock(&nodes->mutex);
    *ret_verified = nodes->last;
    (void)pthread_mutex_unlock(&nodes->mutex);
}

/* Both clocks: one stands still while a machine sleeps, the other can be set. */
static bool nodes_fresh(const aver_proxy_nodes *nodes, const aver_proxy_node *node)
{
    uint64_t now_ms = aver_time_wall_ms();
    uint64_t run_ms = (aver_time_monotonic_ns() - node->begun_ns) / 1000000;
    return run_ms < nodes->age_max_ms && now_ms >= node->begun_ms &&
           now_ms - node->begun_ms < nodes->age_max_ms;
}

static void nodes_tell(const aver_session *session, aver_err err, aver_proxy_verified *verified)
{
    verified->at_ms = aver_time_wall_ms();
    aver_verdict_init(&verified->verdict);
    if (err != AVER_OK || session == NULL) {
        const char *words = session != NULL ? session->remote.why : "";
        (void)snprintf(verified->why, sizeof verified->why, "%s",
                       words[0] != '\0' ? words : aver_err_text(err));
        return;
    }
    verified->reached = true;
    verified->accepted = session->accepted;
    verified->verdict = session->verdict;
    (void)snprintf(verified->why, sizeof verified->why, "%s", session->why);
    aver_proxy_check_name(session->why, verified->check);
    if (session->judged.parsed) {
        aver_hex_encode(AVER_VIEW_OF(session->judged.keyset.node_id), verified->node_id);
        (void)snprintf(verified->platform, sizeof verified->platform, "%s",
                       session->judged.bundle.platform);
    }
}

static void nodes_log(const aver_proxy_verified *verified)
{
    if (verified->accepted) {
        aver_log(AVER_LOG_INFO, "proxy.verified", "node %.16s accepted, %zu checks%s",
                 verified->node_id, verified->verdict.count,
                 verified->verdict.simulated ? "; SIMULATED: proves nothing" : "");
    } else {
        aver_log(AVER_LOG_WARN, "proxy.blocked", "%s: nothing is sent: %s",
                 verified->reached ? "the node is refused" : "the node cannot be verified",
                 verified->why);
    }
}

/* Without the mutex. */
static aver_err nodes_verify(const aver_proxy_nodes *nodes, aver_proxy_node **ret_node,
                             aver_proxy_verified *verified)
{
    aver_proxy_node *node = calloc(1, sizeof *node);
    if (node == NULL) {
        return AVER_E_NOMEM;
    }
    node->references = 1;
    node->begun_ns = aver_time_monotonic_ns();
    node->begun_ms = aver_time_wall_ms();
    aver_err err = aver_session_new(&nodes->options, &node->session);
    nodes_tell(node->session, err, verified);
    nodes_log(verified);
    if (err == AVER_OK && !verified->accepted) {
        err = AVER_E_PROOF;
    }
    if (err == AVER_OK) {
        *ret_node = node;
    } else {
        nodes_unref(node);
    }
    return err;
}

/* Under the mutex, which is given up meanwhile. */
static aver_err nodes_renew(aver_proxy_nodes *nodes)
{
    aver_proxy_node *node = NULL;
    aver_proxy_verified *verified = calloc(1, sizeof *verified);
    nodes->verifying = true;
    (void)pthread_mutex_unlock(&nodes->mutex);
    aver_err err = verified != NULL ? nodes_verify(nodes, &node, verified) : AVER_E_NOMEM;
    (void)pthread_mutex_lock(&nodes->mutex);
    nodes_unref(nodes->present);
    nodes->present = node;
    if (verified != NULL) {
        nodes->last = *verified;
    }
    nodes->verifying = false;
    nodes->attempts++;
    (void)pthread_cond_broadcast(&nodes->done);
    free(verified);
    return err;
}

/* Under the mutex: what the attempt that was waited for came to. */
static aver_err nodes_wait(aver_proxy_nodes *nodes)
{
    uint64_t before = nodes->attempts;
    while (nodes->verifying && nodes->attempts == before) {
        (void)pthread_cond_wait(&nodes->done, &nodes->mutex);
    }
    if (nodes->present != NULL) {
        return AVER_OK;
    }
    return nodes->last.reached ? AVER_E_PROOF : AVER_E_IO;
}

aver_err aver_proxy_nodes_get(aver_proxy_nodes *nodes, const aver_proxy_node *stale,
                              aver_proxy_node **ret_node, aver_proxy_verified *ret_verified)
{
    aver_err err = AVER_OK;
    bool anew = false;
    (void)pthread_mutex_lock(&nodes->mutex);
    while (err == AVER_OK && !anew &&
           (nodes->present == NULL || nodes->present == stale ||
            !nodes_fresh(nodes, nodes->present))) {
        anew = !nodes->verifying;
        err = anew ? nodes_renew(nodes) : nodes_wait(nodes);
    }
    if (err == AVER_OK) {
        nodes->present->references++;
        *ret_node = nodes->present;
    } else if (ret_verified != NULL) {
        *ret_verified = nodes->last;
    }
    (void)pthread_mutex_unlock(&nodes->mutex);
    return err;
}
