/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TEE_TEE_H
#define AVER_TEE_TEE_H

/*
 * tee: producing evidence. A platform turns 64 bytes of report data into evidence; everything above
 * is the same for all. Ownership: aver_tee_close. Threads: one quote at a time; the keeper calls it
 * from a worker thread, since hardware is slow.
 */

#include "aver/bytes.h"

#define AVER_EVIDENCE_BYTES_MAX (256 * 1024)

typedef struct aver_tee aver_tee;

typedef struct aver_tee_platform {
    const char *name;
    bool simulated;
    /* OK if this machine has it. options is the operator's text for it, or NULL. */
    aver_err (*open)(const char *options, aver_tee **ret_tee);
    void (*close)(aver_tee *tee);
    /* ret_evidence is initialised by the caller. */
    aver_err (*quote)(aver_tee *tee, const uint8_t report_data[static 64], aver_buf *ret_evidence);
} aver_tee_platform;

/* Platforms compiled into this program, NULL-terminated: of aver-node real ones only. */
const aver_tee_platform *const *aver_tee_platforms(void);

#endif
