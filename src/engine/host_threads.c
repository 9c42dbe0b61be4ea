/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/host_threads.h"

#include "base/sys.h"

#include <ggml-cpu.h>
#include <string.h>

enum { WAY_ALL, WAY_ONE };

/* A decode that takes longer is not used to time the way that is probably slower. */
#define DEAR_NS UINT64_C(20000000)
/* The lowest level at which ggml's threads spin before they sleep: one or two milliseconds, longer
 * than it takes to draw tokens between two decodes. To wake a thread up for each decode costs an
 * answer alone some percent. */
#define POLL 1

static void threads_use(aver_host_threads *threads, uint32_t way)
{
    int32_t count = way == WAY_ALL ? (int32_t)threads->most : 1;
    threads->way = way;
    aver_host_pin_hold(&threads->pin, way == WAY_ALL);
    llama_attach_threadpool(threads->context, threads->pools[way], NULL);
    llama_set_n_threads(threads->context, count, count);
}

static struct ggml_threadpool *threads_pool(unsigned count)
{
    struct ggml_threadpool_params params = ggml_threadpool_params_default((int)count);
    params.poll = POLL;
    return ggml_threadpool_new(&params);
}

bool aver_host_threads_init(aver_host_threads *threads, struct llama_context *context,
                            unsigned most, bool pins)
{
    memset(threads, 0, sizeof(*threads));
    threads->context = context;
    threads->most = most;
    threads->pools[WAY_ALL] = threads_pool(most);
    /* A pool of its own, so that nobody is woken up to find nothing to do. */
    threads->pools[WAY_ONE] = most > 1 ? threads_pool(1) : NULL;
    if (threads->pools[WAY_ALL] == NULL || (most > 1 && threads->pools[WAY_ONE] == NULL)) {
        aver_host_threads_deinit(threads);
        return false;
    }
    if (pins) {
        aver_host_pin_init(&threads->pin, threads->pools[WAY_ALL], most);
    }
    threads_use(threads, WAY_ALL);
    return true;
}

void aver_host_threads_deinit(aver_host_threads *threads)
{
    aver_host_pin_hold(&threads->pin, false);
    for (uint32_t way = 0; way < 2; way++) {
        if (threads->pools[way] != NULL) {
            ggml_threadpool_free(threads->pools[way]);
        }
    }
    memset(threads, 0, sizeof(*threads));
}

void aver_host_threads_forget(aver_host_threads *threads)
{
    memset(threads->paces, 0, sizeof(threads->paces));
}

static uint32_t threads_size(uint32_t tokens)
{
    return tokens <= 1 ? 0 : (34u - (uint32_t)__builtin_clz(tokens - 1)) / 3;
}

void aver_host_threads_begin(aver_host_threads *threads, uint32_t tokens)
{
    if (threads->most == 1) {
        return;
    }
    threads->size = threads_size(tokens);
    threads->tokens = tokens;
    threads->begun_ns = aver_time_monotonic_ns();
    uint32_t way =
        aver_host_pace_choose(&threads->paces[threads->size], tokens, DEAR_NS, threads->begun_ns);
    if (way != threads->way) {
        threads_use(threads, way);
    }
}

void aver_host_threads_end(aver_host_threads *threads)
{
    if (threads->most > 1) {
        uint64_t now_ns = aver_time_monotonic_ns();
        aver_host_pace_learn(&threads->paces[threads->size], threads->tokens,
                             now_ns - threads->begun_ns, now_ns);
    }
}
