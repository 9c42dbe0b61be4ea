/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_PROXY_RECORD_H
#define AVER_CLI_PROXY_RECORD_H

/*
 * proxy_record: the last answers, for the page that shows them: verdicts, never what was asked or
 * answered. Threads: any.
 */

#include "aver/keyset.h"

#include <pthread.h>

#define AVER_PROXY_RECORDS_MAX        100
#define AVER_PROXY_CAPSULE_NAME_BYTES 48
/* In the place of a name, where a capsule was to be stored and could not be. */
#define AVER_PROXY_CAPSULE_NOT_STORED "not-stored"

typedef enum aver_proxy_outcome {
    AVER_PROXY_ACCEPTED = 1,
    AVER_PROXY_REFUSED = 2, /* an answer came, or the node was there, and a check failed */
    AVER_PROXY_NONE = 3,    /* nothing to judge: no answer, or one that has no receipt */
} aver_proxy_outcome;
const char *aver_proxy_outcome_text(aver_proxy_outcome outcome); /* "accepted", ... */

typedef struct aver_proxy_record {
    uint64_t at_ms; /* wall clock at its end */
    char path[64];
    char model[AVER_NAME_BYTES_MAX];
    uint32_t status; /* as the client was told; 0: it was gone */
    aver_proxy_outcome outcome;
    char checks[400];                            /* as in the header Aver-Checks */
    char why[400];                               /* what stood in the way */
    char capsule[AVER_PROXY_CAPSULE_NAME_BYTES]; /* empty: there was none to store */
    uint64_t prompt_tokens, generated_tokens;
    uint64_t duration_ms;
} aver_proxy_record;

typedef struct aver_proxy_records {
    pthread_mutex_t mutex;
    aver_proxy_record ring[AVER_PROXY_RECORDS_MAX];
    uint64_t count; /* of all there ever were */
    uint64_t outcomes[AVER_PROXY_NONE + 1];
} aver_proxy_records;

void aver_proxy_records_init(aver_proxy_records *records);
void aver_proxy_records_deinit(aver_proxy_records *records);
void aver_proxy_records_add(aver_proxy_records *records, const aver_proxy_record *record);
/* The newest first; *ret_count of them, at most max. ret_outcomes: how many of each there were. */
void aver_proxy_records_read(aver_proxy_records *records, size_t max,
                             aver_proxy_record *ret_records, size_t *ret_count,
                             uint64_t ret_outcomes[AVER_PROXY_NONE + 1]);

#endif
