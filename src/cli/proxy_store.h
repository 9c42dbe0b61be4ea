/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_PROXY_STORE_H
#define AVER_CLI_PROXY_STORE_H

/*
 * proxy_store: capsules in a folder, one file an answer, written whole or not at all, readable by
 * their owner alone (they hold question, answer and salt). Number and bytes are bounded: the oldest
 * of the store's own files goes first, when a newer one is written; files of other names are never
 * touched.
 *
 *   20260102T030405Z-0123456789abcdef.capsule    time, and 8 bytes of the answer's own
 *
 * Threads: any; each call locks.
 */

#include "aver/bytes.h"
#include "cli/proxy_record.h"

#define AVER_PROXY_STORE_FILES_DEFAULT 10000u
#define AVER_PROXY_STORE_FILES_MAX     1000000u
#define AVER_PROXY_STORE_MIB_DEFAULT   1024u

typedef struct aver_proxy_store aver_proxy_store;

/* Reads what is there already, and removes what is too much. IO with errno. */
AVER_MUST_USE aver_err aver_proxy_store_open(const char *dir, uint64_t files_max,
                                             uint64_t bytes_max, aver_proxy_store **ret_store);
void aver_proxy_store_close(aver_proxy_store *store);
/* mark: 8 bytes that no other answer has. Counted, and room made for it, once it is written: what
 * fails is not counted and pushes nothing out. LIMIT: it is larger than all together may be. */
AVER_MUST_USE aver_err aver_proxy_store_put(aver_proxy_store *store, const uint8_t mark[static 8],
                                            aver_view capsule,
                                            char ret_name[AVER_PROXY_CAPSULE_NAME_BYTES]);
/* ABSENT if name is none of the store's own, or is gone. */
AVER_MUST_USE aver_err aver_proxy_store_get(aver_proxy_store *store, const char *name,
                                            aver_buf *ret_capsule);
/* Files and bytes now. */
void aver_proxy_store_size(aver_proxy_store *store, uint64_t *ret_files, uint64_t *ret_bytes);
/* True for a name as above. */
bool aver_proxy_store_name_valid(const char *name);

#endif
