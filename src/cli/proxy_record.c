/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/proxy_record.h"

#include <string.h>

const char *aver_proxy_outcome_text(aver_proxy_outcome outcome)
{
    switch (outcome) {
    case AVER_PROXY_ACCEPTED:
        return "accepted";
    case AVER_PROXY_REFUSED:
        return "refused";
    case AVER_PROXY_NONE:
        return "none";
    }
    return "none";
}

void aver_proxy_records_init(aver_proxy_records *records)
{
    memset(records, 0, sizeof *records);
    (void)pthread_mutex_init(&records->mutex, NULL);
}

void aver_proxy_records_deinit(aver_proxy_records *records)
{
    (void)pthread_mutex_destroy(&records->mutex);
}

void aver_proxy_records_add(aver_proxy_records *records, const aver_proxy_record *record)
{
    (void)pthread_mutex_lock(&records->mutex);
    records->ring[records->count % AVER_PROXY_RECORDS_MAX] = *record;
    records->count++;
    records->outcomes[record->outcome]++;
    (void)pthread_mutex_unlock(&records->mutex);
}

void aver_proxy_records_read(aver_proxy_records *records, size_t max,
                             aver_proxy_record *ret_records, size_t *ret_count,
                             uint64_t ret_outcomes[AVER_PROXY_NONE + 1])
{
    (void)pthread_mutex_lock(&records->mutex);
    size_t have =
        records->count < AVER_PROXY_RECORDS_MAX ? (size_t)records->count : AVER_PROXY_RECORDS_MAX;
    size_t count = have < max ? have : max;
    for (size_t i = 0; i < count; i++) {
        ret_records[i] = records->ring[(records->count - 1 - i) % AVER_PROXY_RECORDS_MAX];
    }
    memcpy(ret_outcomes, records->outcomes, sizeof records->outcomes);
    *ret_count = count;
    (void)pthread_mutex_unlock(&records->mutex);
}
