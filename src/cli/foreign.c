/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/foreign.h"

#include "cli/inputs.h"
#include "cli/show.h"

#include <stdlib.h>

#define FOREIGN_JSON_BYTES_MAX (4u * 1024 * 1024)
#define FOREIGN_BODY_BYTES_MAX (64ul * 1024 * 1024)
enum { FOREIGN_OPERANDS_MAX = 3 };

/* Files, options and what was found. */
typedef struct foreign_run {
    aver_foreign format;
    aver_evidence evidence;
    aver_buf files[FOREIGN_OPERANDS_MAX];
    aver_buf request, response;
    aver_view request_view, response_view;
    uint8_t nonce[32], tls_key[32], seal_key[32];
    aver_foreign_input input;
    aver_foreign_judged judged;
    bool accepted;
    const char *why;
} foreign_run;

/* USAGE if one of these options is given, which are for the other kind of file. */
static aver_exit foreign_refuse(const aver_cli *cli, const aver_args *args,
                                const char *const *names, const char *whose)
{
    for (; *names != NULL; names++) {
        if (aver_args_has(args, *names)) {
            return aver_cli_fail(cli, AVER_EXIT_USAGE, "--%s is for %s alone", *names, whose);
        }
    }
    return AVER_EXIT_DONE;
}

aver_exit aver_foreign_not_wanted(const aver_cli *cli, const aver_args *args)
{
    static const char *const names[] = {"request",
                                        "response",
                                        "tls-key",
                                        "domain",
                                        "seal-key",
                                        "any-age",
                                        "time",
                                        "nonce",
                                        "collateral",
                                        "leaf",
                                        "chain",
                                        "key",
                                        "crl",
                                        "rim",
                                        "roots",
                                        "vmpl",
                                        "rim-roots",
                                        "accept-tcb",
                                        "evaluation-min",
                                        "signature-only",
                                        "allow-debug",
                                        "require-revocation",
                                        NULL};
    return args->operands_count > 1
               ? aver_cli_fail(cli, AVER_EXIT_USAGE, "one capsule at a time")
               : foreign_refuse(cli, args, names, "files of other systems (--format)");
}

aver_exit aver_foreign_wanted(const aver_cli *cli, const aver_args *args, bool *ret_foreign,
                              aver_foreign *ret_format)
{
    const char *name = aver_args_get(args, "format");
    if (name != NULL) {
        *ret_foreign = true;
        return aver_foreign_find(name, ret_format)
                   ? AVER_EXIT_DONE
                   : aver_cli_fail(cli, AVER_EXIT_USAGE,
                                   "--format must be near, aci or tinfoil, not \"%.40s\"", name);
    }
    /* With a policy it is a capsule; standard input can be read once only. */
    if (aver_args_has(args, "policy") || args->operands[0][0] == '-') {
        return AVER_EXIT_DONE;
    }
    aver_buf bytes;
    aver_buf_init(&bytes, AVER_CAPSULE_BYTES_MAX);
    aver_exit code = aver_inputs_file(cli, args->operands[0], AVER_CAPSULE_BYTES_MAX, &bytes);
    *ret_foreign = code == AVER_EXIT_DONE && aver_foreign_detect(aver_buf_view(&bytes), ret_format);
    aver_buf_deinit(&bytes);
    return code;
}

/* The exact bytes of a file, where the option is given. */
static aver_exit foreign_body(const aver_cli *cli, const aver_args *args, const char *name,
                              aver_buf *bytes, aver_view *view, const aver_view **ret_body)
{
    const char *path = aver_args_get(args, name);
    if (path == NULL) {
        return AVER_EXIT_DONE;
    }
    aver_exit code = aver_inputs_file(cli, path, FOREIGN_BODY_BYTES_MAX, bytes);
    *view = aver_buf_view(bytes);
    *ret_body = view;
    return code;
}

static aver_exit foreign_key(const aver_cli *cli, const aver_args *args, const char *name,
                             uint8_t key[static 32], const uint8_t **ret_key)
{
    const char *text = aver_args_get(args, name);
    if (text == NULL) {
        return AVER_EXIT_DONE;
    }
    *ret_key = key;
    return aver_inputs_hex32(cli, name, text, key);
}

static aver_exit foreign_files(const aver_cli *cli, const aver_args *args, foreign_run *run)
{
    aver_view *const views[] = {&run->input.message, &run->input.report, &run->input.session};
    aver_exit code = AVER_EXIT_DONE;
    for (size_t i = 0; i < args->operands_count && code == AVER_EXIT_DONE; i++) {
        code =
            aver_inputs_file(cli, args->operands[i], AVER_FOREIGN_FILE_BYTES_MAX, &run->files[i]);
        *views[i] = aver_buf_view(&run->files[i]);
    }
    return code;
}

static aver_exit foreign_open(const aver_cli *cli, const aver_args *args, foreign_run *run)
{
    static const size_t counts[][2] = {
        [AVER_FOREIGN_NEAR] = {2, 2}, [AVER_FOREIGN_ACI] = {2, 3}, [AVER_FOREIGN_TINFOIL] = {1, 1}};
    static const char *const refused[] = {"policy", "sim-root", "test-roots",
                                          "ear",    "ear-key",  NULL};
    aver_foreign_input *input = &run->input;
    if (args->operands_count < counts[run->format][0] ||
        args->operands_count > counts[run->format][1]) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "%s files: see aver help verify for which",
                             aver_foreign_name(run->format));
    }
    aver_exit code = foreign_refuse(cli, args, refused, "capsules");
    code = code == AVER_EXIT_DONE ? aver_evidence_open_common(cli, args, &run->evidence) : code;
    code =
        code == AVER_EXIT_DONE ? foreign_key(cli, args, "nonce", run->nonce, &input->nonce) : code;
    code = code == AVER_EXIT_DONE ? foreign_key(cli, args, "tls-key", run->tls_key, &input->tls_key)
                                  : code;
    code = code == AVER_EXIT_DONE
               ? foreign_key(cli, args, "seal-key", run->seal_key, &input->seal_key)
               : code;
    code = code == AVER_EXIT_DONE ? foreign_body(cli, args, "request", &run->request,
                                                 &run->request_view, &input->request)
                                  : code;
    code = code == AVER_EXIT_DONE ? foreign_body(cli, args, "response", &run->response,
                                                 &run->response_view, &input->response)
                                  : code;
    input->domain = aver_args_get(args, "domain");
    input->any_age = aver_args_has(args, "any-age");
    input->evidence = &run->evidence.input;
    return code == AVER_EXIT_DONE ? foreign_files(cli, args, run) : code;
}

static aver_exit foreign_json(const aver_cli *cli, const foreign_run *run)
{
    aver_buf out;
    aver_buf_init(&out, FOREIGN_JSON_BYTES_MAX);
    aver_buf_append_format(
        &out, "{\"format\":\"%s\",\"reason\":\"%s\",\"verdict\":", aver_foreign_name(run->format),
        aver_reason_text(aver_verdict_reason(&run->judged.verdict)));
    aver_verdict_json(&run->judged.verdict, run->accepted, &out);
    aver_buf_append_text(&out, ",\"claims\":");
    if (run->judged.readable) {
        aver_claims_json(&run->judged.claims, &out);
    } else {
        aver_buf_append_text(&out, "null");
    }
    aver_buf_append_text(&out, "}\n");
    aver_exit code = aver_buf_status(&out) == AVER_OK
                         ? aver_inputs_write(cli, "-", aver_buf_view(&out))
                         : aver_cli_fail_err(cli, aver_buf_status(&out), "verify");
    aver_buf_deinit(&out);
    return code;
}

static void foreign_print(const aver_cli *cli, const aver_args *args, const foreign_run *run)
{
    const aver_verdict *verdict = &run->judged.verdict;
    bool quiet = aver_args_has(args, "quiet");
    bool explain = aver_args_has(args, "explain");
    if (explain) {
        aver_show_from from = {.input = run->evidence.input, .claims = &run->judged.claims};
        aver_show_explained(&cli->out, verdict, run->judged.readable ? &from : NULL);
        (void)fputc('\n', cli->out.file);
        aver_show_limits(&cli->out);
    } else if (!quiet) {
        aver_show_checks(&cli->out, verdict);
    }
    if (!quiet && run->judged.readable) {
        (void)fputc('\n', cli->out.file);
        aver_show_claims(&cli->out, &run->judged.claims);
        (void)fputc('\n', cli->out.file);
    }
    aver_show_line(&cli->out, verdict, run->accepted, run->why, NULL,
                   aver_foreign_name(run->format));
    if (!run->accepted && !quiet && !explain) {
        aver_show_remedy(&cli->out, verdict);
    }
}

static aver_exit foreign_judge(const aver_cli *cli, const aver_args *args, foreign_run *run)
{
    aver_err err = aver_foreign_judge(run->format, &run->input, &run->judged);
    aver_exit code = AVER_EXIT_DONE;
    if (err == AVER_E_USAGE) {
        code = aver_cli_fail(cli, AVER_EXIT_USAGE, "a root of yours cannot be read");
    } else if (err != AVER_OK) {
        code = aver_cli_fail_err(cli, err, "cannot judge");
    } else {
        run->accepted = aver_foreign_holds(run->format, &run->input, &run->judged, &run->why);
        if (aver_args_has(args, "json")) {
            code = foreign_json(cli, run);
        } else {
            foreign_print(cli, args, run);
        }
        code = run->accepted ? code : AVER_EXIT_REFUSED;
    }
    aver_foreign_judged_deinit(&run->judged);
    return code;
}

aver_exit aver_foreign_run(aver_cli *cli, const aver_args *args, aver_foreign format)
{
    foreign_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return aver_cli_fail_err(cli, AVER_E_NOMEM, "verify");
    }
    run->format = format;
    for (size_t i = 0; i < FOREIGN_OPERANDS_MAX; i++) {
        aver_buf_init(&run->files[i], AVER_FOREIGN_FILE_BYTES_MAX);
    }
    aver_buf_init(&run->request, FOREIGN_BODY_BYTES_MAX);
    aver_buf_init(&run->response, FOREIGN_BODY_BYTES_MAX);
    aver_exit code = foreign_open(cli, args, run);
    if (code == AVER_EXIT_DONE) {
        code = foreign_judge(cli, args, run);
    }
    for (size_t i = 0; i < FOREIGN_OPERANDS_MAX; i++) {
        aver_buf_deinit(&run->files[i]);
    }
    aver_buf_deinit(&run->request);
    aver_buf_deinit(&run->response);
    aver_evidence_close(&run->evidence);
    free(run);
    return code;
}
