/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_MODEL_MEMORY_H
#define AVER_MODEL_MEMORY_H

/* memory: how much this process may still take, from MemAvailable and from its memory cgroups (v2
 * and v1). */

#include <stdint.h>

/* Bytes; UINT64_MAX where the system does not say. */
uint64_t aver_memory_available(void);

#endif
