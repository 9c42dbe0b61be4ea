/* SPDX-License-Identifier: Apache-2.0 */
#include "model/cores.h"

#include <pthread.h>
#include <sched.h>

unsigned aver_cores_count(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) != 0) {
        return 1;
    }
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : (unsigned)count;
}

void aver_cores_run(void *(*worker)(void *context), void *context, unsigned threads)
{
    pthread_t ids[AVER_CORES_MAX];
    unsigned started = 0;
    threads = threads == 0 ? aver_cores_count() : threads;
    threads = threads > AVER_CORES_MAX ? AVER_CORES_MAX : threads;
    while (started + 1 < threads && pthread_create(&ids[started], NULL, worker, context) == 0) {
        started++;
    }
    (void)worker(context);
    for (unsigned i = 0; i < started; i++) {
        (void)pthread_join(ids[i], NULL);
    }
}
