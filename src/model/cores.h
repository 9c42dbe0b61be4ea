/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_MODEL_CORES_H
#define AVER_MODEL_CORES_H

/*
 * cores: the same worker on several threads at once. Workers share their context and divide the
 * work among themselves, so a thread that cannot be started only makes the run slower; the caller's
 * thread is one of them.
 */

#define AVER_CORES_MAX 256

/* Cores that this process may use by its affinity mask, at least 1. */
unsigned aver_cores_count(void);
/* Returns when every worker has returned. threads 0 means aver_cores_count(). */
void aver_cores_run(void *(*worker)(void *context), void *context, unsigned threads);

#endif
