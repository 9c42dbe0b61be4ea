/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_CONFINE_H
#define AVER_ENGINE_CONFINE_H

/*
 * confine: takes away what an engine process never needs. After it: no new files, no sockets, no
 * programs, no signals to others, no executable memory; only memory, threads, time, and the
 * descriptors already open. A forbidden call kills the process; asking for a file by name only
 * fails (EACCES), since the C library does so now and then and lives without. Also: no core dumps,
 * no ptrace, and the process dies with the thread that started it.
 */

#include "aver/err.h"

/* Once a process, before untrusted bytes are parsed. UNSUPPORTED where the kernel has no seccomp.
 */
AVER_MUST_USE aver_err aver_confine_engine(void);

#endif
