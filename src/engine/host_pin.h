/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_HOST_PIN_H
#define AVER_ENGINE_HOST_PIN_H

/*
 * host_pin: keeps each of the threads that decode on a core of its own; private to src/engine.
 *
 * Each thread does so itself, as a step of a small graph that all of them compute: a confined
 * engine may set its own threads' cores in no other way, since a call that names a thread could
 * name one of another process too.
 *
 * Threads: one owner, the thread that decodes.
 */

#include <ggml-cpu.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct aver_host_pin {
    cpu_set_t cores;    /* that this thread may use when it is free */
    unsigned count;     /* of them */
    atomic_uint pinned; /* threads */
    bool on;
} aver_host_pin;

/* Pins this thread and those of the pool. Without as many cores as threads, or where the system
 * refuses, all stay free, and pin->on is false. */
void aver_host_pin_init(aver_host_pin *pin, struct ggml_threadpool *pool, unsigned threads);
/* This thread on its core, or free: it decodes alone, and goes where there is room. */
void aver_host_pin_hold(const aver_host_pin *pin, bool held);

#endif
