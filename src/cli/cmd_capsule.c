/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/capsule.h"
#include "cli/answer.h"
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/show.h"

static void capsule_part(const aver_term *term, const char *name, bool present, size_t size)
{
    aver_term_print(term, AVER_STYLE_PLAIN, "  %-10s", name);
    if (present) {
        aver_term_print(term, AVER_STYLE_PLAIN, "%zu bytes\n", size);
    } else {
        aver_term_print(term, AVER_STYLE_FAINT, "not in it\n");
    }
}

/* The answer's text as the capsule has it, unverified. */
static void capsule_text(const aver_term *term, const aver_capsule *capsule)
{
    aver_receipt receipt;
    aver_endpoint endpoint;
    if (!capsule->has_response || capsule->receipt.size == 0 ||
        aver_receipt_decode_unverified(capsule->receipt, &receipt) != AVER_OK ||
        !aver_answer_endpoint(receipt.path, &endpoint)) {
        return;
    }
    aver_buf text;
    aver_buf_init(&text, AVER_ANSWER_TEXT_BYTES_MAX);
    char error[AVER_ANSWER_ERROR_BYTES_MAX];
    aver_err err = receipt.has_stream ? aver_answer_events(capsule->response, endpoint, &text)
                                      : aver_answer_body(capsule->response, endpoint, &text, error);
    if (err == AVER_OK && text.size > 0) {
        aver_term_print(term, AVER_STYLE_FAINT, "answer, as the file has it (not verified):\n");
        aver_term_text(term, aver_buf_view(&text));
        (void)fputc('\n', term->file);
    }
    aver_buf_deinit(&text);
}

static aver_exit capsule_open(const aver_cli *cli, const char *path, aver_buf *bytes,
                              aver_capsule *ret_capsule)
{
    aver_exit code = aver_inputs_file(cli, path, AVER_CAPSULE_BYTES_MAX, bytes);
    if (code == AVER_EXIT_DONE &&
        aver_capsule_decode(aver_buf_view(bytes), ret_capsule) != AVER_OK) {
        code = aver_cli_fail(cli, AVER_EXIT_REFUSED, "%s is no capsule", path);
    }
    return code;
}

static aver_exit capsule_run_show(aver_cli *cli, const aver_args *args)
{
    aver_buf bytes;
    aver_buf_init(&bytes, AVER_CAPSULE_BYTES_MAX);
    aver_capsule capsule;
    aver_exit code = capsule_open(cli, args->operands[0], &bytes, &capsule);
    if (code == AVER_EXIT_DONE) {
        const aver_term *term = &cli->out;
        capsule_part(term, "receipt", capsule.receipt.size > 0, capsule.receipt.size);
        capsule_part(term, "bundle", true, capsule.bundle.size);
        capsule_part(term, "salt", capsule.has_salt, sizeof capsule.salt);
        capsule_part(term, "enc", capsule.has_enc, sizeof capsule.enc);
        capsule_part(term, "request", capsule.has_request, capsule.request.size);
        capsule_part(term, "response", capsule.has_response, capsule.response.size);
        capsule_part(term, "tokens", capsule.has_tokens, capsule.tokens.size);
        capsule_part(term, "opening", capsule.opening.size > 0, capsule.opening.size);
        capsule_part(term, "head", capsule.head.size > 0, capsule.head.size);
        capsule_text(term, &capsule);
    }
    aver_buf_deinit(&bytes);
    return code;
}

static aver_exit capsule_run_strip(aver_cli *cli, const aver_args *args)
{
    bool salt = aver_args_has(args, "salt");
    /* What only the salt can compare goes with it: no reader accepts it without. */
    bool request = salt || aver_args_has(args, "request");
    bool response = salt || aver_args_has(args, "response");
    bool tokens = salt || aver_args_has(args, "tokens");
    if (!request && !response && !tokens) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE,
                             "say what to strip: --request, --response, --tokens, --salt");
    }
    aver_buf bytes;
    aver_buf out;
    aver_buf_init(&bytes, AVER_CAPSULE_BYTES_MAX);
    aver_buf_init(&out, AVER_CAPSULE_BYTES_MAX);
    aver_capsule capsule;
    aver_exit code = capsule_open(cli, args->operands[0], &bytes, &capsule);
    if (code == AVER_EXIT_DONE) {
        capsule.has_request = capsule.has_request && !request;
        capsule.has_response = capsule.has_response && !response;
        capsule.has_tokens = capsule.has_tokens && !tokens;
        capsule.has_salt = capsule.has_salt && !salt;
        aver_err err = aver_capsule_encode(&capsule, &out);
        code = err == AVER_OK ? aver_inputs_write(cli, args->operands[1], aver_buf_view(&out))
                              : aver_cli_fail_err(cli, err, "strip");
    }
    aver_buf_deinit(&bytes);
    aver_buf_deinit(&out);
    return code;
}

static const aver_option capsule_show_options[] = {{NULL, 0, NULL, NULL}};

const aver_command aver_command_capsule_show = {
    .name = "capsule show",
    .operands = "FILE.capsule",
    .summary = "list the parts of a saved answer; judges nothing",
    .options = capsule_show_options,
    .operands_min = 1,
    .operands_max = 1,
    .run = capsule_run_show,
};

static const aver_option capsule_strip_options[] = {
    {"request", 0, NULL, "leave out the request"},
    {"response", 0, NULL, "leave out the answer"},
    {"tokens", 0, NULL, "leave out the token ids"},
    {"salt", 0, NULL, "leave out the salt: then nobody can test a guess at the rest"},
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_capsule_strip = {
    .name = "capsule strip",
    .operands = "IN OUT",
    .summary = "make a copy of a saved answer without its private parts",
    .options = capsule_strip_options,
    .notes =
        "The checks on what was left out become SKIP; a policy accepts such a copy only if it has\n"
        "\"allow_stripped\": true.\n",
    .operands_min = 2,
    .operands_max = 2,
    .run = capsule_run_strip,
};
