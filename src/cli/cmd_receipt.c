/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/capsule.h"
#include "cli/cli.h"
#include "cli/inputs.h"
#include "codec/text.h"
#include "receipt/show.h"

#include <string.h>

/* The bytes as text without blanks at its ends. */
static aver_view receipt_trim(aver_view text)
{
    while (text.size > 0 && strchr(" \t\r\n", text.data[text.size - 1]) != NULL) {
        text.size--;
    }
    while (text.size > 0 && strchr(" \t\r\n", text.data[0]) != NULL) {
        text = aver_view_slice(text, 1, text.size - 1);
    }
    return text;
}

/* The receipt in a capsule, bare, or as base64url text. message is for the last form. */
static bool receipt_find(aver_view bytes, aver_buf *message, aver_receipt *ret_receipt)
{
    aver_capsule capsule;
    if (aver_capsule_decode(bytes, &capsule) == AVER_OK) {
        return capsule.receipt.size > 0 &&
               aver_receipt_decode_unverified(capsule.receipt, ret_receipt) == AVER_OK;
    }
    if (aver_receipt_decode_unverified(bytes, ret_receipt) == AVER_OK) {
        return true;
    }
    return aver_base64url_decode(receipt_trim(bytes), message) == AVER_OK &&
           aver_receipt_decode_unverified(aver_buf_view(message), ret_receipt) == AVER_OK;
}

static aver_exit receipt_run_show(aver_cli *cli, const aver_args *args)
{
    aver_buf bytes;
    aver_buf message;
    aver_buf out;
    aver_buf_init(&bytes, AVER_CAPSULE_BYTES_MAX);
    aver_buf_init(&message, AVER_RECEIPT_BYTES_MAX);
    aver_buf_init(&out, 256 * 1024);
    aver_receipt receipt;
    aver_exit code = aver_inputs_file(cli, args->operands[0], AVER_CAPSULE_BYTES_MAX, &bytes);
    if (code == AVER_EXIT_DONE && !receipt_find(aver_buf_view(&bytes), &message, &receipt)) {
        code =
            aver_cli_fail(cli, AVER_EXIT_REFUSED, "there is no receipt in %s", args->operands[0]);
    }
    if (code == AVER_EXIT_DONE) {
        aver_receipt_show(&receipt, aver_args_has(args, "json"), &out);
        code = aver_inputs_write(cli, "-", aver_buf_view(&out));
    }
    aver_buf_deinit(&bytes);
    aver_buf_deinit(&message);
    aver_buf_deinit(&out);
    return code;
}

static const aver_option receipt_show_options[] = {
    AVER_INPUTS_OPTION_JSON,
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_receipt_show = {
    .name = "receipt show",
    .operands = "FILE|-",
    .summary = "print what a receipt says; judges nothing",
    .options = receipt_show_options,
    .notes =
        "FILE may be a capsule, a receipt, or a receipt as base64url text (header Aver-Receipt).\n",
    .operands_min = 1,
    .operands_max = 1,
    .run = receipt_run_show,
};
