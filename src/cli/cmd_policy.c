/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/peek.h"
#include "cli/pin.h"
#include "cli/remote.h"
#include "cli/served.h"
#include "codec/text.h"

#include <stdlib.h>
#include <string.h>

#define POLICY_KIND_BYTES 32

/* Names of kinds from the command line. */
typedef struct policy_kinds {
    char names[AVER_MEASUREMENTS_MAX][POLICY_KIND_BYTES];
} policy_kinds;

static aver_exit policy_pin_model(const aver_cli *cli, const char *path, const char *lora,
                                  aver_pin *pin)
{
    aver_served served;
    char why[AVER_SERVED_WHY_BYTES] = "";
    aver_err err = aver_served_open(path, lora, false, &served, why);
    if (err != AVER_OK) {
        bool usage = err == AVER_E_FORMAT || err == AVER_E_USAGE;
        return aver_cli_fail(cli, usage ? AVER_EXIT_USAGE : AVER_EXIT_IO, "%s",
                             why[0] != '\0' ? why : aver_err_text(err));
    }
    aver_pin_model(pin, served.root);
    aver_served_close(&served);
    return AVER_EXIT_DONE;
}

static aver_exit policy_pin_models(const aver_cli *cli, const aver_args *args, aver_pin *pin)
{
    const char *lora = aver_args_get(args, "lora");
    aver_exit code = AVER_EXIT_DONE;
    if (lora != NULL && aver_args_get_at(args, "model", 1) != NULL) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "--lora goes with one --model alone");
    }
    const char *model = aver_args_get_at(args, "model", 0);
    for (size_t i = 1; model != NULL && code == AVER_EXIT_DONE; i++) {
        code = policy_pin_model(cli, model, lora, pin);
        model = aver_args_get_at(args, "model", i);
    }
    return code;
}

/* KIND=HEX; the policy that is written says whether the platform has such a kind. */
static aver_exit policy_pin_value(const aver_cli *cli, const char *text, size_t size,
                                  policy_kinds *kinds, aver_pin *pin)
{
    const char *equals = memchr(text, '=', size);
    size_t name_size = equals != NULL ? (size_t)(equals - text) : 0;
    size_t digits = equals != NULL ? size - name_size - 1 : 0;
    if (pin->measurements_count == AVER_MEASUREMENTS_MAX || name_size == 0 ||
        name_size >= POLICY_KIND_BYTES || digits > 2 * (size_t)AVER_MEASUREMENT_BYTES_MAX) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "--measured wants KIND=HEX, by commas");
    }
    aver_measurement *place = &pin->measurements[pin->measurements_count];
    char *kind = kinds->names[pin->measurements_count++];
    memcpy(kind, text, name_size);
    kind[name_size] = '\0';
    *place = (aver_measurement){.kind = kind, .size = (uint8_t)(digits / 2)};
    if (aver_hex_decode(aver_view_make(equals + 1, digits), place->bytes, digits / 2) != AVER_OK) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "the value of %s is not in hex", kind);
    }
    return AVER_EXIT_DONE;
}

/* Values that the reader knows from a build of its own, or from whoever it trusts with that. */
static aver_exit policy_pin_measured(const aver_cli *cli, const aver_args *args,
                                     policy_kinds *kinds, aver_pin *pin)
{
    const char *at = aver_args_get(args, "measured");
    pin->platform = aver_args_get(args, "platform");
    if (at == NULL || !aver_args_has(args, "model") || aver_args_has(args, "program") ||
        aver_args_has(args, "sim")) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE,
                             "--platform NAME takes --measured KIND=HEX and --model FILE");
    }
    aver_exit code = AVER_EXIT_DONE;
    while (at != NULL && code == AVER_EXIT_DONE) {
        size_t size = strcspn(at, ",");
        code = policy_pin_value(cli, at, size, kinds, pin);
        at = at[size] == ',' ? at + size + 1 : NULL;
    }
    return code == AVER_EXIT_DONE ? policy_pin_models(cli, args, pin) : code;
}

static aver_exit policy_pin_files(const aver_cli *cli, const aver_args *args, policy_kinds *kinds,
                                  aver_pin *pin)
{
    if (aver_args_has(args, "platform") || aver_args_has(args, "measured")) {
        return aver_args_has(args, "platform")
                   ? policy_pin_measured(cli, args, kinds, pin)
                   : aver_cli_fail(cli, AVER_EXIT_USAGE, "--measured needs its --platform NAME");
    }

    const char *program = aver_args_get(args, "program");
    if (program == NULL || !aver_args_has(args, "model")) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE,
                             "--program FILE and --model FILE are needed (or --url URL)");
    }
    if (!aver_args_has(args, "sim")) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE,
                             "only the simulator measures a program file as such: say --sim, "
                             "name values by --platform and --measured, or look at a node by "
                             "--url");
    }
    aver_measurement *measurement = &pin->measurements[pin->measurements_count++];
    *measurement = (aver_measurement){.kind = "program", .size = 32};
    aver_err err = aver_pin_program(program, measurement->bytes);
    if (err != AVER_OK) {
        return aver_cli_fail(cli, AVER_EXIT_IO, "%s cannot be measured: %s", program,
                             aver_err_text(err));
    }
    pin->platform = "sim";
    return policy_pin_models(cli, args, pin);
}

static void policy_pin_show(const aver_cli *cli, const aver_judged *judged)
{
    char hex[2 * AVER_MEASUREMENT_BYTES_MAX + 1];
    aver_term_print(&cli->out, AVER_STYLE_STRONG, "What this node presents\n");
    aver_term_print(&cli->out, AVER_STYLE_PLAIN, "  platform     %s%s\n  software     %s\n",
                    judged->bundle.platform,
                    judged->claims.simulated ? " (SIMULATED: proves nothing)" : "",
                    judged->keyset.software);
    for (size_t i = 0; i < judged->claims.measurements_count; i++) {
        const aver_measurement *measurement = &judged->claims.measurements[i];
        aver_hex_encode(aver_view_make(measurement->bytes, measurement->size), hex);
        aver_term_print(&cli->out, AVER_STYLE_PLAIN, "  %-12s %s\n", measurement->kind, hex);
    }
    for (size_t i = 0; i < judged->keyset.models_count; i++) {
        const aver_keyset_model *model = &judged->keyset.models[i];
        aver_hex_encode(aver_view_make(model->root, 32), hex);
        aver_term_print(&cli->out, AVER_STYLE_PLAIN, "  model root   %s  ", hex);
        aver_term_text(&cli->out, aver_view_text(model->name));
        (void)fputc('\n', cli->out.file);
    }
    aver_hex_encode(AVER_VIEW_OF(judged->keyset.config_digest), hex);
    aver_term_print(&cli->out, AVER_STYLE_PLAIN, "  config       %s\n", hex);
    if (judged->claims.debug) {
        aver_term_print(&cli->out, AVER_STYLE_BAD, "  DEBUG MODE: open to its host\n");
    }
}

static void policy_pin_take(const aver_judged *judged, aver_pin *pin, char *ret_platform)
{
    memcpy(ret_platform, judged->bundle.platform, AVER_PLATFORM_BYTES_MAX);
    pin->platform = ret_platform;
    memcpy(pin->measurements, judged->claims.measurements, sizeof pin->measurements);
    pin->measurements_count = judged->claims.measurements_count;
    memcpy(pin->config_digest, judged->keyset.config_digest, sizeof pin->config_digest);
    for (size_t i = 0; i < judged->keyset.models_count; i++) {
        aver_pin_model(pin, judged->keyset.models[i].root);
    }
}

/* Shows what a node says of itself; nothing is trusted by being seen. */
static aver_exit policy_pin_remote(const aver_cli *cli, const aver_args *args, aver_pin *pin,
                                   char *ret_platform)
{
    aver_remote remote;
    aver_judged *judged = calloc(1, sizeof *judged);
    aver_buf bundle;
    aver_buf_init(&bundle, AVER_BUNDLE_BYTES_MAX);
    aver_exit code = AVER_EXIT_DONE;
    aver_err err = aver_remote_open(&remote, aver_args_get(args, "url"), NULL, NULL);
    if (err == AVER_OK) {
        err = aver_remote_attestation(&remote, NULL, &bundle);
    }
    if (err != AVER_OK || judged == NULL) {
        code = aver_cli_fail(cli, aver_remote_exit(err), "%s: %s", aver_args_get(args, "url"),
                             remote.why);
        goto out;
    }
    err = aver_peek(aver_buf_view(&bundle), cli->platforms, judged);
    if (err != AVER_OK) {
        code = aver_cli_fail(cli, AVER_EXIT_CANNOT, "the evidence of this node cannot be read");
        goto out;
    }
    policy_pin_show(cli, judged);
    if (judged->keyset.models_count > AVER_PIN_MODELS_MAX) {
        code = aver_cli_fail(cli, AVER_EXIT_CANNOT, "a policy is made of at most %d models",
                             AVER_PIN_MODELS_MAX);
        goto out;
    }
    policy_pin_take(judged, pin, ret_platform);

out:
    aver_buf_deinit(&bundle);
    aver_remote_close(&remote);
    free(judged);
    return code;
}

/* What the node presents now must be what the reader was shown and compared. */
static aver_exit policy_pin_compared(const aver_cli *cli, const aver_args *args,
                                     const aver_pin *pin)
{
    char digest[AVER_PIN_DIGEST_DIGITS + 1];
    const char *said = aver_args_get(args, "i-compared-these-values");
    aver_pin_digest(pin, digest);
    if (said != NULL && strcmp(said, digest) != 0) {
        return aver_cli_fail(cli, AVER_EXIT_REFUSED,
                             "nothing was written: these values are %s, you compared %.16s", digest,
                             said);
    }
    if (said == NULL) {
        aver_term_print(
            &cli->err, AVER_STYLE_WARN,
            "Nothing was written: compare these values with what you built or what you were\n"
            "given on another way, then say --i-compared-these-values=%s.\n",
            digest);
        return aver_args_has(args, "output") ? AVER_EXIT_REFUSED : AVER_EXIT_DONE;
    }
    return AVER_EXIT_DONE;
}

/* What is written can be read: platform and kinds may be words of the command line. */
static aver_exit policy_pin_readable(const aver_cli *cli, aver_view text)
{
    aver_policy *policy = NULL;
    char why[200] = "";
    aver_err err = aver_policy_parse(text, &policy, why);
    aver_policy_free(policy);
    return err == AVER_OK ? AVER_EXIT_DONE
                          : aver_cli_fail(cli, AVER_EXIT_USAGE, "this makes no policy: %s", why);
}

static aver_exit policy_pin_save(const aver_cli *cli, const aver_args *args, const aver_pin *pin)
{
    const char *path = aver_args_get(args, "output");
    if (aver_args_has(args, "url")) {
        aver_exit code = policy_pin_compared(cli, args, pin);
        if (code != AVER_EXIT_DONE || !aver_args_has(args, "i-compared-these-values")) {
            return code;
        }
    }
    aver_buf text;
    aver_buf_init(&text, AVER_POLICY_BYTES_MAX);
    aver_pin_write(pin, &text);
    aver_exit read = policy_pin_readable(cli, aver_buf_view(&text));
    if (read != AVER_EXIT_DONE) {
        aver_buf_deinit(&text);
        return read;
    }
    aver_exit code = aver_inputs_write(cli, path != NULL ? path : "-", aver_buf_view(&text));
    aver_buf_deinit(&text);
    return code;
}

static aver_exit policy_run_pin(aver_cli *cli, const aver_args *args)
{
    char platform[AVER_PLATFORM_BYTES_MAX];
    policy_kinds kinds;
    const char *name = aver_args_get(args, "name");
    aver_pin pin = {.name = name != NULL ? name : "pinned",
                    .verified_only = !aver_args_has(args, "fast")};
    if (!aver_utf8_valid(aver_view_text(pin.name))) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "--name is no UTF-8 text");
    }
    aver_exit code = aver_args_has(args, "url") ? policy_pin_remote(cli, args, &pin, platform)
                                                : policy_pin_files(cli, args, &kinds, &pin);
    return code == AVER_EXIT_DONE ? policy_pin_save(cli, args, &pin) : code;
}

static aver_exit policy_run_text(aver_cli *cli, const aver_args *args,
                                 void (*write)(const aver_policy *, aver_buf *))
{
    aver_policy *policy = NULL;
    aver_exit code = aver_inputs_policy(cli, args->operands[0], &policy);
    if (code != AVER_EXIT_DONE) {
        return code;
    }
    aver_buf text;
    aver_buf_init(&text, AVER_POLICY_BYTES_MAX);
    write(policy, &text);
    bool silent = text.size == 0;
    code = aver_inputs_write(cli, "-", aver_buf_view(&text));
    aver_buf_deinit(&text);
    aver_policy_free(policy);
    if (write == aver_policy_lint && code == AVER_EXIT_DONE) {
        if (silent) {
            aver_term_print(&cli->out, AVER_STYLE_GOOD, "no warnings\n");
        }
        return silent ? AVER_EXIT_DONE : AVER_EXIT_REFUSED;
    }
    return code;
}

static aver_exit policy_run_lint(aver_cli *cli, const aver_args *args)
{
    return policy_run_text(cli, args, aver_policy_lint);
}

static aver_exit policy_run_explain(aver_cli *cli, const aver_args *args)
{
    return policy_run_text(cli, args, aver_policy_explain);
}

static const aver_option policy_pin_options[] = {
    {"program", 0, "FILE", "the node's program, measured here"},
    {"model", 'm', "FILE ...", "a model (GGUF), whose root is computed here; may be repeated"},
    {"lora", 0, "FILE[:SCALE],...", "the LoRA adapters on the only model, in their order"},
    {"sim", 0, NULL, "for the simulator, which proves nothing"},
    {"platform", 0, "NAME", "for this hardware, with values that you know: nitro, tdx, snp ..."},
    {"measured", 0, "KIND=HEX,...", "those values, by kind or meaning: pcr0, mrtd, image, kernel"},
    {"url", 'u', "URL", "show what a running node presents instead"},
    {"i-compared-these-values", 0, "DIGEST", "write a policy of what --url showed, 16 hex digits"},
    {"fast", 0, NULL, "allow profile fast too, whose answers cannot be computed again"},
    {"name", 0, "TEXT", "name of the policy (default pinned)"},
    {"output", 'o', "FILE", "where to write it (default standard output)"},
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_policy_pin = {
    .name = "policy pin",
    .operands = "",
    .summary = "write a policy from files of your own",
    .options = policy_pin_options,
    .notes =
        "With --program and --model no network is used and nobody is trusted. With --url the "
        "node's own\n"
        "claims are shown, and a digest of them; they become a policy only if you say, by that\n"
        "digest, that you compared them, and the node still presents the same.\n",
    .run = policy_run_pin,
};

static const aver_option policy_no_options[] = {{NULL, 0, NULL, NULL}};

const aver_command aver_command_policy_lint = {
    .name = "policy lint",
    .operands = "FILE",
    .summary = "warn about a policy that is legal and unwise",
    .options = policy_no_options,
    .notes = "Exit 1 if there are warnings.\n",
    .operands_min = 1,
    .operands_max = 1,
    .run = policy_run_lint,
};

const aver_command aver_command_policy_explain = {
    .name = "policy explain",
    .operands = "FILE",
    .summary = "say in words what a policy accepts",
    .options = policy_no_options,
    .operands_min = 1,
    .operands_max = 1,
    .run = policy_run_explain,
};
