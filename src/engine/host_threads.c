/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/host_threads.h"

#include <ggml-cpu.h>
#include <string.h>
#include <time.h>

/* Judged together: shorter ones tell the noise of one wake-up. */
#define WINDOW_NS UINT64_C(4000000)
/* Of one core. Some of it is always missing: the caller prepares and ends each decode alone. */
#define MISSING_MOST  0.4
#define REST_LEAST_NS UINT64_C(20000000)
#define REST_MOST_NS  UINT64_C(2000000000)

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void threads_use(aver_host_threads *threads, unsigned count)
{
    bool one = count == 1 && threads->one != NULL;
    threads->count = count;
    threads->window_ns = 0;
    threads->window_processor_ns = 0;
    if (threads->context != NULL) {
        llama_attach_threadpool(threads->context, one ? threads->one : threads->all, NULL);
        llama_set_n_threads(threads->context, (int32_t)count, (int32_t)count);
    }
}

static struct ggml_threadpool *threads_pool(unsigned count)
{
    struct ggml_threadpool_params params = ggml_threadpool_params_default((int)count);
    params.poll = 0;
    return ggml_threadpool_new(&params);
}

bool aver_host_threads_init(aver_host_threads *threads, struct llama_context *context,
                            unsigned most)
{
    memset(threads, 0, sizeof(*threads));
    threads->context = context;
    threads->most = most;
    threads->rest_ns = REST_LEAST_NS;
    threads->all = threads_pool(most);
    /* A pool of its own, so that nobody is woken up to find nothing to do. */
    threads->one = most > 1 ? threads_pool(1) : NULL;
    if (threads->all == NULL || (most > 1 && threads->one == NULL)) {
        aver_host_threads_deinit(threads);
        return false;
    }
    threads_use(threads, most);
    return true;
}

void aver_host_threads_deinit(aver_host_threads *threads)
{
    if (threads->all != NULL) {
        ggml_threadpool_free(threads->all);
    }
    if (threads->one != NULL) {
        ggml_threadpool_free(threads->one);
    }
    memset(threads, 0, sizeof(*threads));
}

/* What was missing of the cores in the window decides on the next ones. */
static void threads_decide(aver_host_threads *threads)
{
    double got = (double)threads->window_processor_ns / (double)threads->window_ns;
    double missing = (double)threads->count - got;
    threads->window_ns = 0;
    threads->window_processor_ns = 0;
    if (missing <= MISSING_MOST) {
        threads->rest_ns = threads->count == threads->most ? REST_LEAST_NS : threads->rest_ns;
        return;
    }
    unsigned lost = (unsigned)missing + 1;
    threads_use(threads, threads->count > lost ? threads->count - lost : 1);
    threads->left_ns = threads->rest_ns;
    threads->rest_ns = threads->rest_ns < REST_MOST_NS / 2 ? threads->rest_ns * 2 : REST_MOST_NS;
}

void aver_host_threads_judge(aver_host_threads *threads, uint64_t wall_ns, uint64_t processor_ns)
{
    if (threads->count < threads->most) {
        threads->left_ns -= wall_ns < threads->left_ns ? wall_ns : threads->left_ns;
        if (threads->left_ns == 0) {
            threads_use(threads, threads->most);
            return;
        }
    }
    threads->window_ns += wall_ns;
    threads->window_processor_ns += processor_ns;
    if (threads->count > 1 && threads->window_ns >= WINDOW_NS) {
        threads_decide(threads);
    }
}

void aver_host_threads_begin(aver_host_threads *threads)
{
    if (threads->most > 1) {
        threads->begun_ns = clock_ns(CLOCK_MONOTONIC);
        threads->begun_processor_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    }
}

void aver_host_threads_end(aver_host_threads *threads)
{
    if (threads->most > 1) {
        aver_host_threads_judge(threads, clock_ns(CLOCK_MONOTONIC) - threads->begun_ns,
                                clock_ns(CLOCK_PROCESS_CPUTIME_ID) - threads->begun_processor_ns);
    }
}
