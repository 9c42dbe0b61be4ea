/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/host_pin.h"

#include <ggml.h>
#include <stdlib.h>
#include <string.h>

#define TENSORS 4u

/* The index-th of the cores, for the calling thread alone. */
static bool pin_take(const aver_host_pin *pin, unsigned index)
{
    cpu_set_t one;
    for (size_t core = 0; core < CPU_SETSIZE; core++) {
        if (CPU_ISSET(core, &pin->cores) && index-- == 0) {
            CPU_ZERO(&one);
            CPU_SET(core, &one);
            return sched_setaffinity(0, sizeof(one), &one) == 0;
        }
    }
    return false;
}

static void pin_step(struct ggml_tensor *to, const struct ggml_tensor *from, int index, int count,
                     void *context)
{
    aver_host_pin *pin = context;
    (void)to;
    (void)from;
    (void)count;
    atomic_fetch_add(&pin->pinned, pin_take(pin, (unsigned)index) ? 1 : 0);
}

/* One tensor whose making is for each thread to pin itself. */
static bool pin_run(aver_host_pin *pin, struct ggml_threadpool *pool, unsigned threads)
{
    struct ggml_init_params params = {.mem_size = TENSORS * ggml_tensor_overhead() +
                                                  ggml_graph_overhead_custom(TENSORS, false) +
                                                  1024};
    struct ggml_context *context = ggml_init(params);
    if (context == NULL) {
        return false;
    }
    struct ggml_tensor *from = ggml_new_tensor_1d(context, GGML_TYPE_F32, 1);
    struct ggml_cgraph *graph = ggml_new_graph_custom(context, TENSORS, false);
    ggml_set_zero(from);
    ggml_build_forward_expand(graph,
                              ggml_map_custom1(context, from, pin_step, GGML_N_TASKS_MAX, pin));
    struct ggml_cplan plan = ggml_graph_plan(graph, (int)threads, pool);
    bool good = true;
    if (plan.work_size > 0) {
        plan.work_data = malloc(plan.work_size);
        good = plan.work_data != NULL;
    }
    good = good && ggml_graph_compute(graph, &plan) == GGML_STATUS_SUCCESS;
    free(plan.work_data);
    ggml_free(context);
    return good;
}

void aver_host_pin_init(aver_host_pin *pin, struct ggml_threadpool *pool, unsigned threads)
{
    memset(pin, 0, sizeof(*pin));
    if (sched_getaffinity(0, sizeof(pin->cores), &pin->cores) != 0) {
        return;
    }
    pin->count = (unsigned)CPU_COUNT(&pin->cores);
    if (threads >= 2 && threads <= pin->count) {
        pin->on = pin_run(pin, pool, threads) && atomic_load(&pin->pinned) == threads;
        if (!pin->on) {
            (void)sched_setaffinity(0, sizeof(pin->cores), &pin->cores);
        }
    }
}

void aver_host_pin_hold(const aver_host_pin *pin, bool held)
{
    if (!pin->on) {
        return;
    }
    if (held) {
        (void)pin_take(pin, 0);
    } else {
        (void)sched_setaffinity(0, sizeof(pin->cores), &pin->cores);
    }
}
