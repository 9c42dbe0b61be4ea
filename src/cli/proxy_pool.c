/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cli/proxy.h"

#include <stdlib.h>
#include <string.h>

#define POOL_STACK_BYTES (1024u * 1024)

typedef struct aver_proxy_pool {
    aver_proxy *proxy;
    pthread_mutex_t mutex;
    pthread_cond_t work;
    aver_proxy_job *first, *last; /* that wait, the oldest first */
    size_t waiting, idle, count, max;
    bool greeted; /* the node was verified once, or it was tried */
    bool stop;
    pthread_t threads[AVER_PROXY_STREAMS_MAX];
} aver_proxy_pool;

static void worker_disconnect(aver_proxy_worker *worker)
{
    if (worker->open) {
        aver_remote_close(&worker->remote);
        worker->open = false;
    }
}

aver_err aver_proxy_worker_connect(aver_proxy_worker *worker, const aver_proxy_node *node)
{
    const aver_session_options *options = &worker->proxy->options->session;
    const aver_remote *judged = &node->session->remote;
    if (worker->open && memcmp(worker->tls_digest, judged->tls_digest, 32) == 0) {
        return AVER_OK;
    }
    worker_disconnect(worker);
    aver_err err =
        aver_remote_open(&worker->remote, options->url, options->unix_socket, options->bearer);
    if (err != AVER_OK) {
        return err;
    }
    /* A certificate with another key than the judged one ends the handshake. */
    worker->remote.has_tls = judged->has_tls;
    memcpy(worker->remote.tls_digest, judged->tls_digest, 32);
    memcpy(worker->tls_digest, judged->tls_digest, 32);
    worker->open = true;
    return AVER_OK;
}

static aver_proxy_job *pool_take(aver_proxy_pool *pool)
{
    (void)pthread_mutex_lock(&pool->mutex);
    pool->idle++;
    while (pool->first == NULL && !pool->stop) {
        (void)pthread_cond_wait(&pool->work, &pool->mutex);
    }
    pool->idle--;
    aver_proxy_job *job = pool->stop ? NULL : pool->first;
    if (job != NULL) {
        pool->first = job->next_waiting;
        pool->last = pool->first != NULL ? pool->last : NULL;
        pool->waiting--;
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    return job;
}

/* The first verdict, before anybody asks: a refused node is a line in the log, and a proxy that is
 * blocked. */
static void pool_greet(aver_proxy_pool *pool)
{
    aver_proxy_nodes *nodes = &pool->proxy->nodes;
    aver_proxy_node *node = NULL;
    (void)pthread_mutex_lock(&pool->mutex);
    bool first = !pool->greeted;
    pool->greeted = true;
    (void)pthread_mutex_unlock(&pool->mutex);
    if (first && aver_proxy_nodes_get(nodes, NULL, &node, NULL) == AVER_OK) {
        aver_proxy_nodes_drop(nodes, node);
    }
}

static void *pool_run(void *context)
{
    aver_proxy_pool *pool = context;
    pool_greet(pool);
    aver_proxy_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL) {
        return NULL;
    }
    worker->proxy = pool->proxy;
    for (aver_proxy_job *job = pool_take(pool); job != NULL; job = pool_take(pool)) {
        if (!atomic_load(&job->gone)) {
            if (job->post) {
                aver_proxy_post(worker, job);
            } else {
                aver_proxy_get(worker, job);
            }
        }
        aver_proxy_job_drop(job);
    }
    worker_disconnect(worker);
    free(worker);
    return NULL;
}

/* Under the mutex. */
static void pool_spawn(aver_proxy_pool *pool)
{
    pthread_attr_t attr;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, POOL_STACK_BYTES);
    if (pthread_create(&pool->threads[pool->count], &attr, pool_run, pool) == 0) {
        pool->count++;
    } else {
        aver_log(AVER_LOG_WARN, "proxy.thread", "no more than %zu workers can be had", pool->count);
    }
    (void)pthread_attr_destroy(&attr);
}

aver_err aver_proxy_pool_new(aver_proxy *proxy, aver_proxy_pool **ret_pool)
{
    aver_proxy_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return AVER_E_NOMEM;
    }
    pool->proxy = proxy;
    pool->max = proxy->options->streams_max;
    (void)pthread_mutex_init(&pool->mutex, NULL);
    (void)pthread_cond_init(&pool->work, NULL);
    (void)pthread_mutex_lock(&pool->mutex);
    pool_spawn(pool);
    (void)pthread_mutex_unlock(&pool->mutex);
    if (pool->count == 0) {
        aver_proxy_pool_free(pool);
        return AVER_E_NOMEM;
    }
    *ret_pool = pool;
    return AVER_OK;
}

void aver_proxy_pool_submit(aver_proxy_pool *pool, aver_proxy_job *job)
{
    (void)pthread_mutex_lock(&pool->mutex);
    job->next_waiting = NULL;
    if (pool->last != NULL) {
        pool->last->next_waiting = job;
    } else {
        pool->first = job;
    }
    pool->last = job;
    pool->waiting++;
    if (pool->waiting > pool->idle && pool->count < pool->max) {
        pool_spawn(pool);
    }
    (void)pthread_cond_signal(&pool->work);
    (void)pthread_mutex_unlock(&pool->mutex);
}

void aver_proxy_pool_free(aver_proxy_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&pool->mutex);
    pool->stop = true;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->count; i++) {
        (void)pthread_join(pool->threads[i], NULL);
    }
    while (pool->first != NULL) {
        aver_proxy_job *job = pool->first;
        pool->first = job->next_waiting;
        aver_proxy_job_drop(job);
    }
    (void)pthread_cond_destroy(&pool->work);
    (void)pthread_mutex_destroy(&pool->mutex);
    free(pool);
}
