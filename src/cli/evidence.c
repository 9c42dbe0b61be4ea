/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence.h"

#include "base/sys.h"
#include "cli/inputs.h"
#include "codec/date.h"
#include "codec/text.h"

#include <limits.h>
#include <string.h>

#define EVIDENCE_NONCE_BYTES_MAX 4096u
#define EVIDENCE_TIME_MAX_S      253402300799ull /* the end of 9999 */

static aver_exit evidence_file(const aver_cli *cli, aver_evidence *evidence, const char *path,
                               size_t size_max, aver_view *ret_bytes)
{
    if (evidence->files_count == AVER_EVIDENCE_FILES_MAX) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "there are too many files");
    }
    aver_buf *bytes = &evidence->files[evidence->files_count++];
    aver_buf_init(bytes, size_max);
    aver_exit code = aver_inputs_file(cli, path, size_max, bytes);
    *ret_bytes = aver_buf_view(bytes);
    return code;
}

static aver_exit evidence_option(const aver_cli *cli, const aver_args *args, const char *name,
                                 aver_evidence *evidence, aver_view *ret_bytes)
{
    const char *path = aver_args_get(args, name);
    return path == NULL
               ? AVER_EXIT_DONE
               : evidence_file(cli, evidence, path, AVER_ATTEST_COLLATERAL_BYTES_MAX, ret_bytes);
}

/* FILE,FILE */
static aver_exit evidence_list(const aver_cli *cli, const aver_args *args, const char *name,
                               aver_evidence *evidence, aver_view *views, size_t views_max,
                               size_t *count)
{
    const char *at = aver_args_get(args, name);
    aver_exit code = AVER_EXIT_DONE;
    while (at != NULL && code == AVER_EXIT_DONE) {
        char path[PATH_MAX];
        size_t size = strcspn(at, ",");
        if (*count == views_max || size >= sizeof path) {
            return aver_cli_fail(cli, AVER_EXIT_USAGE, "--%s has more than %zu files", name,
                                 views_max);
        }
        memcpy(path, at, size);
        path[size] = '\0';
        code = evidence_file(cli, evidence, path, AVER_ATTEST_COLLATERAL_BYTES_MAX, &views[*count]);
        *count += 1;
        at = at[size] == ',' ? at + size + 1 : NULL;
    }
    return code;
}

static aver_exit evidence_files(const aver_cli *cli, const aver_args *args, aver_evidence *evidence)
{
    aver_attest_input *input = &evidence->input;
    const struct {
        const char *name;
        aver_view *bytes;
    } singles[] = {{"collateral", &input->collateral},
                   {"leaf", &input->leaf},
                   {"chain", &input->chain},
                   {"key", &input->key}};
    const struct {
        const char *name;
        aver_view *views;
        size_t max;
        size_t *count;
    } lists[] = {{"crl", input->crls, AVER_ATTEST_CRLS_MAX, &input->crls_count},
                 {"rim", input->rims, AVER_ATTEST_RIMS_MAX, &input->rims_count},
                 {"roots", input->roots.given, AVER_ATTEST_ROOTS_MAX, &input->roots.given_count},
                 {"rim-roots", input->rim_roots.given, AVER_ATTEST_ROOTS_MAX,
                  &input->rim_roots.given_count}};
    aver_exit code = AVER_EXIT_DONE;
    for (size_t i = 0; i < sizeof singles / sizeof singles[0] && code == AVER_EXIT_DONE; i++) {
        code = evidence_option(cli, args, singles[i].name, evidence, singles[i].bytes);
    }
    for (size_t i = 0; i < sizeof lists / sizeof lists[0] && code == AVER_EXIT_DONE; i++) {
        code = evidence_list(cli, args, lists[i].name, evidence, lists[i].views, lists[i].max,
                             lists[i].count);
    }
    return code;
}

static aver_exit evidence_time(const aver_cli *cli, const aver_args *args, uint64_t *ret_time_s)
{
    const char *text = aver_args_get(args, "time");
    char why[AVER_ARGS_WHY_BYTES];
    *ret_time_s = aver_time_wall_ms() / 1000;
    if (text == NULL || aver_date_read(aver_view_text(text), ret_time_s) ||
        aver_args_uint(args, "time", 0, EVIDENCE_TIME_MAX_S, ret_time_s, why) == AVER_OK) {
        return AVER_EXIT_DONE;
    }
    return aver_cli_fail(cli, AVER_EXIT_USAGE,
                         "--time must be seconds since 1970, or a time like 2026-01-02T03:04:05Z");
}

static aver_exit evidence_statuses(const aver_cli *cli, const aver_args *args, uint32_t *ret_set)
{
    const char *at = aver_args_get(args, "accept-tcb");
    while (at != NULL) {
        size_t size = strcspn(at, ",");
        aver_tcb_status status = aver_tcb_status_find(aver_view_make(at, size));
        if (status == AVER_TCB_NONE) {
            return aver_cli_fail(cli, AVER_EXIT_USAGE, "--accept-tcb: \"%.*s\" is no TCB status",
                                 (int)(size < 60 ? size : 60), at);
        }
        *ret_set |= AVER_TCB_SET(status);
        at = at[size] == ',' ? at + size + 1 : NULL;
    }
    return AVER_EXIT_DONE;
}

static aver_exit evidence_numbers(const aver_cli *cli, const aver_args *args,
                                  aver_attest_input *input)
{
    char why[AVER_ARGS_WHY_BYTES];
    uint64_t vmpl = 0;
    uint64_t evaluation = 0;
    if (aver_args_uint(args, "vmpl", 0, 3, &vmpl, why) != AVER_OK ||
        aver_args_uint(args, "evaluation-min", 0, UINT32_MAX, &evaluation, why) != AVER_OK) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "%s", why);
    }
    input->has_vmpl = aver_args_has(args, "vmpl");
    input->vmpl = (uint32_t)vmpl;
    input->evaluation_min = (uint32_t)evaluation;
    input->allow_debug = aver_args_has(args, "allow-debug");
    input->require_revocation = aver_args_has(args, "require-revocation");
    input->signature_only = aver_args_has(args, "signature-only");
    return evidence_statuses(cli, args, &input->accept_tcb);
}

static aver_exit evidence_nonce(const aver_cli *cli, const aver_args *args, aver_evidence *evidence)
{
    const char *text = aver_args_get(args, "nonce");
    if (text == NULL) {
        return AVER_EXIT_DONE;
    }
    if (text[0] == '\0' || aver_hex_decode_buf(aver_view_text(text), &evidence->nonce) != AVER_OK) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "--nonce must be pairs of hex digits");
    }
    evidence->input.nonce = aver_buf_view(&evidence->nonce);
    return AVER_EXIT_DONE;
}

aver_exit aver_evidence_open_common(const aver_cli *cli, const aver_args *args,
                                    aver_evidence *ret_evidence)
{
    memset(ret_evidence, 0, sizeof *ret_evidence);
    aver_buf_init(&ret_evidence->nonce, EVIDENCE_NONCE_BYTES_MAX);
    aver_exit code = evidence_time(cli, args, &ret_evidence->input.time_s);
    code = code == AVER_EXIT_DONE ? evidence_numbers(cli, args, &ret_evidence->input) : code;
    code = code == AVER_EXIT_DONE ? evidence_nonce(cli, args, ret_evidence) : code;
    return code == AVER_EXIT_DONE ? evidence_files(cli, args, ret_evidence) : code;
}

aver_exit aver_evidence_open(const aver_cli *cli, const aver_args *args, const char *path,
                             aver_evidence *ret_evidence)
{
    const char *name = aver_args_get(args, "family");
    aver_family family = AVER_FAMILY_NITRO;
    bool found = name != NULL && aver_family_find(name, &family);
    if (!found) {
        memset(ret_evidence, 0, sizeof *ret_evidence);
        aver_buf_init(&ret_evidence->nonce, EVIDENCE_NONCE_BYTES_MAX);
        return aver_cli_fail(cli, AVER_EXIT_USAGE,
                             "say what made the evidence: --family nitro, sgx, tdx, snp, nvidia, "
                             "azure, cca or tpm");
    }
    aver_exit code = aver_evidence_open_common(cli, args, ret_evidence);
    ret_evidence->family = family;
    return code == AVER_EXIT_DONE
               ? evidence_file(cli, ret_evidence, path, AVER_ATTEST_EVIDENCE_BYTES_MAX,
                               &ret_evidence->input.evidence)
               : code;
}

void aver_evidence_close(aver_evidence *evidence)
{
    for (size_t i = 0; i < evidence->files_count; i++) {
        aver_buf_deinit(&evidence->files[i]);
    }
    aver_buf_deinit(&evidence->nonce);
    evidence->files_count = 0;
}
