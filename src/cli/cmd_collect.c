/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys.h"
#include "cli/cli.h"
#include "cli/collect.h"
#include "cli/evidence.h"
#include "net/fetch.h"

#include <stdlib.h>

enum { COLLECT_TIMEOUT_S = 30, COLLECT_TIMEOUT_MAX_S = 600 };

static aver_exit collect_print(const aver_cli *cli, const aver_collect_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        const aver_collect_item *item = &result->items[i];
        aver_term_print(&cli->out, AVER_STYLE_PLAIN, "--%s %s\n", item->option, item->path);
        aver_term_print(&cli->err, AVER_STYLE_FAINT, "%s %s\n",
                        item->fetched ? "fetched" : "kept   ", item->path);
    }
    if (result->stale_refresh) {
        aver_term_print(&cli->err, AVER_STYLE_WARN,
                        "the refresh failed: %s; what is there still holds\n", result->why);
    }
    return AVER_EXIT_DONE;
}

static aver_exit collect_run(const aver_cli *cli, const aver_collect_options *options)
{
    aver_collect_result *result = calloc(1, sizeof *result);
    if (result == NULL) {
        return aver_cli_fail_err(cli, AVER_E_NOMEM, "attest collect");
    }
    aver_err err = aver_collect(options, result);
    aver_exit code = AVER_EXIT_DONE;
    if (err == AVER_OK) {
        code = collect_print(cli, result);
    } else if (result->why[0] == '\0') {
        code = aver_cli_fail_err(cli, err, "attest collect");
    } else {
        code = aver_cli_fail(cli,
                             err == AVER_E_USAGE  ? AVER_EXIT_USAGE
                             : err == AVER_E_PEER ? AVER_EXIT_PEER
                                                  : AVER_EXIT_IO,
                             "%s", result->why);
    }
    free(result);
    return code;
}

static aver_exit collect_options(const aver_cli *cli, const aver_args *args,
                                 aver_collect_options *options)
{
    uint64_t timeout_s = COLLECT_TIMEOUT_S;
    char why[AVER_ARGS_WHY_BYTES];
    options->cache = aver_args_get(args, "cache");
    options->source = aver_args_get(args, "source");
    options->ca_file = aver_args_get(args, "ca");
    options->product = aver_args_get(args, "product");
    options->refresh = aver_args_has(args, "refresh");
    if (aver_args_uint(args, "timeout", 1, COLLECT_TIMEOUT_MAX_S, &timeout_s, why) != AVER_OK) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "%s", why);
    }
    options->timeout_ms = (uint32_t)timeout_s * 1000;
    if (options->cache == NULL || options->cache[0] == '\0') {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "say where to keep it: --cache FOLDER");
    }
    if (options->source != NULL && !aver_fetch_base_valid(options->source)) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "--source must be https://host[:port][/path]");
    }
    return AVER_EXIT_DONE;
}

static aver_exit collect_command(aver_cli *cli, const aver_args *args)
{
    aver_collect_options options = {0};
    aver_evidence *evidence = calloc(1, sizeof *evidence);
    if (evidence == NULL) {
        return aver_cli_fail_err(cli, AVER_E_NOMEM, "attest collect");
    }
    aver_exit code = collect_options(cli, args, &options);
    if (code == AVER_EXIT_DONE) {
        code = aver_evidence_open(cli, args, args->operands[0], evidence);
    }
    if (code == AVER_EXIT_DONE) {
        options.family = evidence->family;
        options.input = &evidence->input;
        code = collect_run(cli, &options);
    }
    aver_evidence_close(evidence);
    free(evidence);
    return code;
}

static const aver_option collect_table[] = {
    {"cache", 0, "FOLDER", "where to keep it (required)"},
    {"source", 0, "URL", "a mirror of the maker's service, instead of it"},
    {"ca", 0, "FILE", "authorities for that server, PEM (default: the system's)"},
    {"product", 0, "Milan|Genoa|Turin", "snp: for reports that do not say it (version 2)"},
    {"timeout", 0, "SECONDS", "for each document (30)"},
    {"refresh", 0, NULL, "fetch also what still holds"},
    AVER_EVIDENCE_OPTIONS,
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_attest_collect = {
    .name = "attest collect",
    .operands = "FILE|-",
    .summary = "fetch what a piece of evidence is judged by, and keep it while it holds",
    .options = collect_table,
    .notes =
        "Prints the options for aver attest judge. Intel's and AMD's documents alone (sgx, tdx,\n"
        "snp). The evidence says which documents, never from where: that is the maker's service, "
        "or\n"
        "the mirror that you name. Everything is judged by the signatures inside before it is "
        "kept.\n",
    .operands_min = 1,
    .operands_max = 1,
    .run = collect_command,
};
