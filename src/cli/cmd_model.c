/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/served.h"
#include "codec/json.h"
#include "codec/text.h"
#include "engine/profile.h"

#include <stdlib.h>
#include <string.h>

#define MODEL_TYPES_MAX 64
#define MODEL_LINE_MAX  512

typedef struct model_count {
    uint32_t type;
    uint64_t tensors;
    uint64_t bytes;
} model_count;

typedef struct model_facts {
    model_count counts[MODEL_TYPES_MAX];
    size_t counts_size;
    uint64_t bytes;
    bool embeds;       /* gives vectors and no text */
    bool invariant;    /* the deterministic profile can be claimed */
    char outside[160]; /* the first tensor that stands against it */
} model_facts;

static void model_count_tensor(model_facts *facts, const aver_gguf_tensor *tensor)
{
    size_t at = 0;
    while (at < facts->counts_size && facts->counts[at].type != tensor->type) {
        at++;
    }
    if (at == facts->counts_size) {
        if (at == MODEL_TYPES_MAX) {
            return;
        }
        facts->counts[facts->counts_size++] = (model_count){.type = tensor->type};
    }
    facts->counts[at].tensors++;
    facts->counts[at].bytes += tensor->data.size;
}

static void model_gather(const aver_weights *weights, model_facts *facts)
{
    aver_profile_facts profile;
    aver_profile_read(weights->gguf, &profile);
    facts->invariant = profile.invariant;
    facts->embeds = profile.embeds;
    (void)snprintf(facts->outside, sizeof facts->outside, "%s", profile.why);
    facts->bytes = weights->bytes.size;
    for (uint64_t i = 0; i < aver_gguf_tensor_count(weights->gguf); i++) {
        model_count_tensor(facts, aver_gguf_tensor_at(weights->gguf, i));
    }
}

static void model_put_json(const aver_served *served, const model_facts *facts, aver_view name,
                           aver_buf *out)
{
    const aver_weights *weights = &served->weights;
    aver_buf_append_text(out, "{\"root\":\"");
    aver_hex_append(out, AVER_VIEW_OF(served->root));
    aver_buf_append_text(out, "\",\"name\":");
    aver_json_append_string(out, name);
    aver_buf_append_format(
        out, ",\"bytes\":%llu,\"tensors\":%llu,\"items\":%llu,\"deterministic\":%s",
        (unsigned long long)facts->bytes, (unsigned long long)aver_gguf_tensor_count(weights->gguf),
        (unsigned long long)aver_gguf_item_count(weights->gguf),
        facts->invariant ? "true" : "false");
    aver_buf_append_text(out, ",\"types\":{");
    for (size_t i = 0; i < facts->counts_size; i++) {
        aver_buf_append_format(out, "%s\"%s\":%llu", i > 0 ? "," : "",
                               aver_gguf_type_name(facts->counts[i].type),
                               (unsigned long long)facts->counts[i].tensors);
    }
    aver_buf_append_text(out, "}}\n");
}

static void model_print_adapters(const aver_cli *cli, const aver_served *served)
{
    char root[65];
    for (size_t i = 0; i < served->adapters_count; i++) {
        aver_hex_encode(AVER_VIEW_OF(served->adapters[i].root), root);
        aver_term_print(&cli->out, AVER_STYLE_PLAIN, "  adapter   %s, scale %u.%06u\n", root,
                        served->scales_ppm[i] / 1000000, served->scales_ppm[i] % 1000000);
    }
}

static void model_print(const aver_cli *cli, const aver_served *served, const model_facts *facts,
                        aver_view name)
{
    const aver_weights *weights = &served->weights;
    char root[65];
    aver_hex_encode(AVER_VIEW_OF(served->root), root);
    aver_term_print(&cli->out, AVER_STYLE_STRONG, "%s\n", root);
    aver_term_print(&cli->out, AVER_STYLE_PLAIN, "  name      ");
    aver_term_text(&cli->out, name);
    aver_term_print(&cli->out, AVER_STYLE_PLAIN,
                    "\n  size      %llu bytes, %llu tensors, %llu metadata items\n",
                    (unsigned long long)facts->bytes,
                    (unsigned long long)aver_gguf_tensor_count(weights->gguf),
                    (unsigned long long)aver_gguf_item_count(weights->gguf));
    for (size_t i = 0; i < facts->counts_size; i++) {
        aver_term_print(&cli->out, AVER_STYLE_PLAIN, "  %-9s %llu tensors, %llu bytes\n",
                        aver_gguf_type_name(facts->counts[i].type),
                        (unsigned long long)facts->counts[i].tensors,
                        (unsigned long long)facts->counts[i].bytes);
    }
    model_print_adapters(cli, served);
    if (facts->embeds) {
        aver_term_print(&cli->out, AVER_STYLE_PLAIN, "  kind      gives vectors\n");
    }
    aver_term_print(&cli->out, AVER_STYLE_PLAIN, "  profile   ");
    if (facts->invariant) {
        aver_term_print(&cli->out, AVER_STYLE_GOOD,
                        "verified: answers can be re-checked bit for bit\n");
    } else {
        aver_term_print(&cli->out, AVER_STYLE_WARN, "fast only: %s\n", facts->outside);
    }
}

static aver_exit model_run_root(aver_cli *cli, const aver_args *args)
{
    aver_served served;
    char why[AVER_SERVED_WHY_BYTES] = "";
    aver_err err =
        aver_served_open(args->operands[0], aver_args_get(args, "lora"), false, &served, why);
    if (err != AVER_OK) {
        bool bad = err == AVER_E_FORMAT || err == AVER_E_LIMIT || err == AVER_E_UNSUPPORTED;
        aver_exit code = bad ? AVER_EXIT_REFUSED : AVER_EXIT_IO;
        return aver_cli_fail(cli, err == AVER_E_USAGE ? AVER_EXIT_USAGE : code, "%s",
                             why[0] != '\0' ? why : aver_err_text(err));
    }
    model_facts facts = {0};
    model_gather(&served.weights, &facts);
    aver_view name = aver_view_text("");
    if (aver_gguf_text(served.weights.gguf, "general.name", &name) != AVER_OK ||
        !aver_utf8_valid(name)) {
        name = aver_view_text("(none)");
    }
    aver_exit code = AVER_EXIT_DONE;
    if (aver_args_has(args, "json")) {
        aver_buf out;
        aver_buf_init(&out, 1024 * 1024);
        model_put_json(&served, &facts, name, &out);
        code = aver_inputs_write(cli, "-", aver_buf_view(&out));
        aver_buf_deinit(&out);
    } else {
        model_print(cli, &served, &facts, name);
    }
    aver_served_close(&served);
    return code;
}

static const aver_option model_root_options[] = {
    {"lora", 0, "FILE[:SCALE],...", "LoRA adapters on it: the root of all together"},
    AVER_INPUTS_OPTION_JSON,
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_model_root = {
    .name = "model root",
    .operands = "FILE.gguf",
    .summary = "compute the root of a model file",
    .options = model_root_options,
    .notes =
        "The root covers every byte of the file; it is what keysets, receipts and policies name.\n",
    .operands_min = 1,
    .operands_max = 1,
    .run = model_run_root,
};
