/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_MODEL_FILES_H
#define AVER_NODE_MODEL_FILES_H

/*
 * model_files: the files of all models, weights and adapters, each in memory at most once. A file
 * is open while somebody uses it; opened again, it must have the root that it had first. One that
 * has not is read once and remembered: as long as it stays as it is, it is refused unread.
 *
 *   want(files of one model) -> worker copies, seals and hashes -> done, in the loop
 *
 * Threads: the loop's; the worker has an order of its own and is joined before done is called.
 */

#include "model/weights.h"
#include "node/residency.h"

#include <time.h>

struct event_base;

#define AVER_MODEL_FILES_MAX (AVER_RESIDENTS_MAX * AVER_RESIDENT_FILES_MAX)

/* Which file a path led to, and its version: who changes it changes its ctime. */
typedef struct aver_file_stamp {
    uint64_t device;
    uint64_t inode;
    uint64_t bytes;
    struct timespec changed;  /* mtime */
    struct timespec recorded; /* ctime */
} aver_file_stamp;

typedef struct aver_model_file {
    aver_resident_file counted; /* its size */
    char *path;                 /* owned */
    bool known;                 /* root is that of the first opening */
    uint8_t root[32];
    unsigned users; /* weights are open while there are some */
    aver_weights weights;
    aver_err refused_err; /* PROOF or FORMAT: what was last there is not what was promised */
    aver_file_stamp refused;
} aver_model_file;

/* OK; PROOF: another root than before; or what opening said, with words. */
typedef void aver_model_files_fn(aver_err err, const char *why, void *context);

struct aver_model_order;

typedef struct aver_model_files {
    struct event_base *base;
    unsigned threads;                            /* for copying and hashing, 0: all cores */
    aver_model_file *list[AVER_MODEL_FILES_MAX]; /* owned */
    size_t count;
    uint64_t settle_ns; /* a file younger than this may change again without another ctime */
    uint64_t reads;     /* files that were copied and hashed so far */
    struct aver_model_order *order; /* NULL: none in work */
} aver_model_files;

void aver_model_files_init(aver_model_files *files, struct event_base *base, unsigned threads);
/* Waits for the worker and closes everything. */
void aver_model_files_deinit(aver_model_files *files);
/* The entry of a path, made if it is new; ABSENT or IO if there is no such file. */
AVER_MUST_USE aver_err aver_model_files_add(aver_model_files *files, const char *path,
                                            aver_model_file **ret_file);
/*
 * Uses these files: one user more each. Later done is called from the loop; after a failure nothing
 * is used. A file that turns out to be the same as another one is replaced by it in list, which
 * must live until then. One order at a time.
 */
AVER_MUST_USE aver_err aver_model_files_want(aver_model_files *files, aver_model_file **list,
                                             size_t count, aver_model_files_fn *done,
                                             void *context);
/* One user less each; closed by the last. */
void aver_model_files_leave(aver_model_file *const *list, size_t count);

#endif
