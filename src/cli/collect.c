/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/collect.h"

#include "base/sys.h"
#include "net/fetch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { COLLECT_FOLDER_MODE = 0700, COLLECT_FILE_MODE = 0600 };

aver_err aver_collect_fail(aver_collect_job *job, aver_err err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(job->result->why, sizeof job->result->why, format, arguments);
    va_end(arguments);
    return err;
}

aver_err aver_collect_get(aver_collect_job *job, const char *service, const char *path,
                          const char *const *header, aver_buf *ret_body, aver_buf *ret_header)
{
    const aver_collect_options *options = job->options;
    char why[AVER_FETCH_WHY_BYTES] = "";
    aver_fetch_request request = {.base = options->source != NULL ? options->source : service,
                                  .path = path,
                                  .ca_file = options->ca_file,
                                  .timeout_ms = options->timeout_ms};
    for (size_t i = 0; header != NULL && i < 2; i++) {
        request.headers[i] = (aver_fetch_header){header[i], ret_header};
        request.headers_count = i + 1;
    }
    aver_err err = aver_fetch(&request, ret_body, why);
    if (err == AVER_OK && header != NULL && aver_buf_status(ret_header) != AVER_OK) {
        err = aver_buf_status(ret_header);
    }
    if (err == AVER_OK || err == AVER_E_NOMEM) {
        return err;
    }
    return aver_collect_fail(job, err == AVER_E_IO || err == AVER_E_USAGE ? err : AVER_E_PEER,
                             "%.60s%.80s: %s", request.base, path, why);
}

aver_err aver_collect_item_add(aver_collect_job *job, const char *option,
                               aver_collect_item **ret_item, const char *format, ...)
{
    aver_collect_item *item = &job->result->items[job->result->count];
    char name[256];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    if (size >= (int)sizeof name || snprintf(item->path, sizeof item->path, "%s/%s",
                                             job->options->cache, name) >= (int)sizeof item->path) {
        return aver_collect_fail(job, AVER_E_USAGE, "the folder's name is too long");
    }
    item->option = option;
    item->fetched = false;
    job->result->count++;
    *ret_item = item;
    return AVER_OK;
}

aver_err aver_collect_read(const aver_collect_item *item, aver_buf *ret_bytes)
{
    aver_err err = aver_file_read(item->path, AVER_ATTEST_COLLATERAL_BYTES_MAX, ret_bytes);
    return err == AVER_E_NOMEM ? err : AVER_OK;
}

aver_err aver_collect_write(aver_collect_job *job, aver_collect_item *item, aver_view bytes)
{
    aver_err err = aver_file_write(item->path, bytes, COLLECT_FILE_MODE);
    if (err == AVER_OK) {
        item->fetched = true;
        return err;
    }
    return err == AVER_E_NOMEM
               ? err
               : aver_collect_fail(job, AVER_E_IO, "%s cannot be written", item->path);
}

aver_err aver_collect_judge(aver_collect_job *job, const aver_attest_input *input)
{
    bool readable = false;
    aver_verdict_init(&job->verdict);
    aver_err err =
        aver_attest_judge(job->options->family, input, &job->verdict, &job->claims, &readable);
    if (err == AVER_OK && !readable) {
        const aver_check *format = aver_verdict_find(&job->verdict, "evidence.format");
        return aver_collect_fail(job, AVER_E_USAGE, "the evidence cannot be read: %s",
                                 format != NULL ? format->detail : "");
    }
    return err == AVER_E_USAGE
               ? aver_collect_fail(job, AVER_E_USAGE, "a root of yours cannot be read")
               : err;
}

bool aver_collect_passed(const aver_collect_job *job, const char *const *names)
{
    for (; *names != NULL; names++) {
        const aver_check *check = aver_verdict_find(&job->verdict, *names);
        if (check == NULL || check->status != AVER_CHECK_PASS) {
            return false;
        }
    }
    return true;
}

bool aver_collect_list_good(const aver_collect_job *job)
{
    const aver_check *check = aver_verdict_find(&job->verdict, "evidence.revocation");
    return check != NULL &&
           (check->status == AVER_CHECK_PASS ||
            (check->status == AVER_CHECK_FAIL && check->reason == AVER_REASON_REVOKED));
}

static aver_err collect_folder(aver_collect_job *job)
{
    if (mkdir(job->options->cache, COLLECT_FOLDER_MODE) == 0 || errno == EEXIST) {
        return AVER_OK;
    }
    return aver_collect_fail(job, AVER_E_IO, "%.200s cannot be made", job->options->cache);
}

aver_err aver_collect(const aver_collect_options *options, aver_collect_result *ret_result)
{
    aver_collect_job *job = calloc(1, sizeof *job);
    memset(ret_result, 0, sizeof *ret_result);
    if (job == NULL) {
        return AVER_E_NOMEM;
    }
    job->options = options;
    job->result = ret_result;
    aver_err err = collect_folder(job);
    if (err == AVER_OK) {
        switch (options->family) {
        case AVER_FAMILY_SGX:
        case AVER_FAMILY_TDX:
            err = aver_collect_intel(job);
            break;
        case AVER_FAMILY_SNP:
            err = aver_collect_amd(job);
            break;
        case AVER_FAMILY_NITRO:
            err = aver_collect_fail(job, AVER_E_USAGE,
                                    "a Nitro document needs nothing beside itself");
            break;
        case AVER_FAMILY_NVIDIA:
        case AVER_FAMILY_AZURE:
        case AVER_FAMILY_CCA:
        case AVER_FAMILY_TPM:
        default:
            err = aver_collect_fail(job, AVER_E_USAGE,
                                    "no service of this family can be asked yet: sgx, tdx, snp");
        }
    }
    free(job);
    return err;
}
