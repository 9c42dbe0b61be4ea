/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys.h"
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/peek.h"
#include "cli/result.h"
#include "cli/session.h"
#include "cli/show.h"
#include "codec/text.h"
#include "net/tls.h"
#include "receipt/show.h"

#include <stdlib.h>
#include <string.h>

#define ATTEST_FILE_BYTES_MAX      (2ul * 1024 * 1024)
#define ATTEST_AUTHORITY_BYTES_MAX 65536u

/* A nonce from the command line, or a fresh one, printed so that it can be used again. */
static aver_exit attest_nonce(const aver_cli *cli, const aver_args *args,
                              uint8_t ret_nonce[static 32])
{
    const char *text = aver_args_get(args, "nonce");
    if (text != NULL) {
        return aver_inputs_hex32(cli, "nonce", text, ret_nonce);
    }
    char hex[65];
    aver_random(ret_nonce, 32);
    aver_hex_encode(aver_view_make(ret_nonce, 32), hex);
    aver_term_print(&cli->err, AVER_STYLE_PLAIN, "nonce %s\n", hex);
    return AVER_EXIT_DONE;
}

/* What the node says, judged by nobody. */
static aver_exit attest_fetch_unjudged(aver_cli *cli, const aver_args *args, aver_buf *bundle)
{
    const char *url = aver_args_get(args, "url");
    const char *unix_socket = aver_args_get(args, "unix");
    uint8_t nonce[32];
    aver_exit code = attest_nonce(cli, args, nonce);
    if (code != AVER_EXIT_DONE) {
        return code;
    }
    aver_remote remote;
    aver_err err = aver_remote_open(&remote, url, unix_socket, NULL);
    if (err == AVER_OK) {
        err = aver_remote_attestation(&remote, nonce, bundle);
    }
    if (err != AVER_OK) {
        code = aver_cli_fail(cli, aver_remote_exit(err), "%s: %s", url != NULL ? url : unix_socket,
                             remote.why);
    }
    aver_remote_close(&remote);
    return code;
}

/* Whoever takes the file trusts it for these names, so they are said before. */
static void attest_authority_names(const aver_cli *cli, aver_view der)
{
    aver_buf names;
    aver_buf_init(&names, ATTEST_AUTHORITY_BYTES_MAX);
    aver_err err = aver_tls_authority_names(der, &names);
    aver_term_print(&cli->err, AVER_STYLE_PLAIN,
                    "the authority vouches for %.*s; of host names also for those below them\n",
                    err == AVER_OK ? (int)names.size : 25,
                    err == AVER_OK ? (const char *)names.data : "names that cannot be read");
    aver_buf_deinit(&names);
}

/* The authority of the judged node's TLS key, as a file that other programs take. */
static aver_exit attest_authority(const aver_cli *cli, const aver_session *session,
                                  aver_buf *ret_pem)
{
    aver_buf der;
    aver_buf_init(&der, ATTEST_AUTHORITY_BYTES_MAX);
    aver_err err = session->remote.has_tls ? aver_client_peer_issuer(session->remote.client, &der)
                                           : AVER_E_ABSENT;
    if (err == AVER_OK) {
        err = aver_tls_authority_pem(aver_buf_view(&der), session->remote.tls_digest, ret_pem);
    }
    if (err == AVER_OK) {
        attest_authority_names(cli, aver_buf_view(&der));
    }
    aver_buf_deinit(&der);
    if (err == AVER_OK) {
        return AVER_EXIT_DONE;
    }
    return aver_cli_fail(cli, AVER_EXIT_CANNOT,
                         "no certificate can be given for --ca: the node shows none that its own "
                         "key has issued%s",
                         session->remote.has_tls ? "; if a CA has, plain clients need no file"
                                                 : "");
}

/* A session that the policy accepted; or the checks that stand in the way. */
static aver_exit attest_fetch_judged(aver_cli *cli, const aver_session *session, aver_err err)
{
    const aver_session_options *options = &session->options;
    const char *where = options->url != NULL ? options->url : options->unix_socket;
    if (err != AVER_OK) {
        return aver_cli_fail(cli, aver_remote_exit(err), "%s: %s", where, session->remote.why);
    }
    aver_show_line(&cli->err, &session->verdict, session->accepted, session->why, NULL,
                   session->judged.bundle.platform);
    if (session->accepted) {
        return AVER_EXIT_DONE;
    }
    aver_show_remedy(&cli->err, &session->verdict);
    return AVER_EXIT_REFUSED;
}

static aver_exit attest_session(aver_cli *cli, const aver_args *args, const aver_policy *policy,
                                aver_buf *bundle, aver_buf *pem)
{
    aver_session_options options = {
        .url = aver_args_get(args, "url"),
        .unix_socket = aver_args_get(args, "unix"),
        .any_model = true,
        .policy = policy,
        .platforms = cli->platforms,
    };
    aver_session *session = NULL;
    aver_exit code = aver_inputs_roots(cli, aver_args_get(args, "sim-root"), &options.roots);
    if (code != AVER_EXIT_DONE) {
        return code;
    }
    aver_err err = aver_session_new(&options, &session);
    if (session == NULL) {
        return aver_cli_fail_err(cli, err, "attest fetch");
    }
    code = attest_fetch_judged(cli, session, err);
    if (code == AVER_EXIT_DONE && aver_args_get(args, "ca") != NULL) {
        code = attest_authority(cli, session, pem);
    }
    if (code == AVER_EXIT_DONE) {
        aver_buf_append(bundle, aver_buf_view(&session->bundle));
    }
    aver_session_free(session);
    return code;
}

static aver_exit attest_fetch_verified(aver_cli *cli, const aver_args *args, aver_buf *bundle)
{
    const char *path = aver_args_get(args, "ca");
    aver_policy *policy = NULL;
    aver_buf pem;
    if (aver_args_get(args, "nonce") != NULL) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "with --policy the nonce is always a fresh one");
    }
    aver_buf_init(&pem, ATTEST_AUTHORITY_BYTES_MAX);
    aver_exit code = aver_inputs_policy(cli, aver_args_get(args, "policy"), &policy);
    if (code == AVER_EXIT_DONE) {
        code = aver_inputs_writable(cli, path);
    }
    if (code == AVER_EXIT_DONE) {
        code = attest_session(cli, args, policy, bundle, &pem);
    }
    if (code == AVER_EXIT_DONE && path != NULL) {
        code = aver_inputs_write(cli, path, aver_buf_view(&pem));
    }
    aver_policy_free(policy);
    aver_buf_deinit(&pem);
    return code;
}

/* Standard output is for the bundle, unless a file was all that was asked for. */
static aver_exit attest_fetch_write(const aver_cli *cli, const aver_args *args, aver_view bundle)
{
    const char *output = aver_args_get(args, "output");
    if (output == NULL && aver_args_get(args, "ca") != NULL) {
        return AVER_EXIT_DONE;
    }
    if (output == NULL && cli->out.terminal) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "a bundle is binary: say -o FILE");
    }
    return aver_inputs_write(cli, output != NULL ? output : "-", bundle);
}

static aver_exit attest_run_fetch(aver_cli *cli, const aver_args *args)
{
    bool judged = aver_args_get(args, "policy") != NULL;
    if (aver_args_get(args, "url") == NULL && aver_args_get(args, "unix") == NULL) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "a node is needed: --url URL or --unix PATH");
    }
    if (!judged && aver_args_get(args, "ca") != NULL) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE,
                             "--ca gives out what others will trust: it needs a --policy");
    }
    aver_buf bundle;
    aver_buf_init(&bundle, AVER_BUNDLE_BYTES_MAX);
    aver_exit code = judged ? attest_fetch_verified(cli, args, &bundle)
                            : attest_fetch_unjudged(cli, args, &bundle);
    if (code == AVER_EXIT_DONE) {
        code = attest_fetch_write(cli, args, aver_buf_view(&bundle));
    }
    aver_buf_deinit(&bundle);
    return code;
}

/* A bare bundle or one in a CMW record. */
static aver_exit attest_read(const aver_cli *cli, const char *path, aver_buf *ret_bundle)
{
    aver_buf bytes;
    aver_buf_init(&bytes, ATTEST_FILE_BYTES_MAX);
    aver_exit code = aver_inputs_file(cli, path, ATTEST_FILE_BYTES_MAX, &bytes);
    if (code == AVER_EXIT_DONE && aver_cmw_unwrap(aver_buf_view(&bytes), ret_bundle) != AVER_OK) {
        code = aver_cli_fail(cli, AVER_EXIT_REFUSED, "%s is no evidence bundle", path);
    }
    aver_buf_deinit(&bytes);
    return code;
}

/* Bundle, and in words also the platform's claims if this program can read them. */
static aver_exit attest_show(const aver_cli *cli, aver_view bytes, bool json)
{
    aver_judged *judged = calloc(1, sizeof *judged);
    if (judged == NULL) {
        return AVER_EXIT_CANNOT;
    }
    aver_buf out;
    aver_buf_init(&out, 8 * AVER_BUNDLE_BYTES_MAX);
    aver_exit code = AVER_EXIT_DONE;
    if (aver_bundle_decode(bytes, &judged->bundle) != AVER_OK) {
        code = aver_cli_fail(cli, AVER_EXIT_REFUSED, "this is no evidence bundle");
    } else {
        bool readable = aver_keyset_decode(judged->bundle.keyset_bytes, &judged->keyset) == AVER_OK;
        aver_bundle_show(&judged->bundle, readable ? &judged->keyset : NULL, json, &out);
        if (!json && aver_peek(bytes, cli->platforms, judged) == AVER_OK) {
            aver_claims_show(&judged->claims, false, &out);
        }
        code = aver_inputs_write(cli, "-", aver_buf_view(&out));
    }
    aver_buf_deinit(&out);
    free(judged);
    return code;
}

static aver_exit attest_run_show(aver_cli *cli, const aver_args *args)
{
    aver_buf bytes;
    aver_buf_init(&bytes, AVER_BUNDLE_BYTES_MAX);
    aver_exit code = attest_read(cli, args->operands[0], &bytes);
    if (code == AVER_EXIT_DONE) {
        code = attest_show(cli, aver_buf_view(&bytes), aver_args_has(args, "json"));
    }
    aver_buf_deinit(&bytes);
    return code;
}

/* What the bundle brought for Intel's platforms: the distance to a newer level is read there. */
static aver_show_from attest_from(const aver_judged *judged, uint64_t now_ms)
{
    aver_show_from from = {.input.time_s = now_ms / 1000,
                           .claims = judged->has_claims ? &judged->claims : NULL};
    for (size_t i = 0; i < judged->bundle.collateral_count; i++) {
        const aver_collateral *item = &judged->bundle.collateral[i];
        if (aver_view_equal_text(item->name, "collateral")) {
            from.input.collateral = item->value;
        }
    }
    return from;
}

static aver_exit attest_print(aver_cli *cli, const aver_args *args, const aver_verdict *verdict,
                              bool accepted, const char *why, const aver_show_from *from)
{
    if (!aver_args_has(args, "json")) {
        if (aver_args_has(args, "explain")) {
            aver_show_explained(&cli->out, verdict, from);
        } else {
            aver_show_checks(&cli->out, verdict);
        }
        aver_show_line(&cli->out, verdict, accepted, why, NULL, NULL);
        return AVER_EXIT_DONE;
    }
    aver_buf text;
    aver_buf_init(&text, 1024 * 1024);
    aver_verdict_json(verdict, accepted, &text);
    aver_buf_append_text(&text, "\n");
    aver_exit code = aver_inputs_write(cli, "-", aver_buf_view(&text));
    aver_buf_deinit(&text);
    return code;
}

static aver_exit attest_judge(aver_cli *cli, const aver_args *args,
                              const aver_verify_context *context, aver_view bundle)
{
    aver_judged *judged = calloc(1, sizeof *judged);
    if (judged == NULL) {
        return AVER_EXIT_CANNOT;
    }
    aver_verdict verdict;
    aver_verdict_init(&verdict);
    aver_err err = aver_verify_bundle(bundle, context, &verdict, judged);
    if (err != AVER_OK) {
        free(judged);
        return aver_cli_fail_err(cli, err, "cannot judge");
    }
    char why[400];
    bool accepted = aver_policy_accepts(context->policy, AVER_USE_BUNDLE, &verdict, why);
    aver_ear ear = {.verdict = &verdict,
                    .accepted = accepted,
                    .platform = judged->bundle.platform,
                    .claims = judged->has_claims ? &judged->claims : NULL,
                    .nonce = aver_view_make(context->nonce, context->nonce ? 32 : 0)};
    aver_exit code = AVER_EXIT_DONE;
    if (!aver_result_alone(args)) {
        aver_show_from from = attest_from(judged, context->now_ms);
        code = attest_print(cli, args, &verdict, accepted, why, &from);
    }
    code = code == AVER_EXIT_DONE
               ? aver_result_write(cli, args, aver_args_get(args, "policy"), &ear)
               : code;
    free(judged);
    return code == AVER_EXIT_DONE && !accepted ? AVER_EXIT_REFUSED : code;
}

static aver_exit attest_run_verify(aver_cli *cli, const aver_args *args)
{
    aver_policy *policy = NULL;
    uint8_t nonce[32];
    aver_verify_context context = {.use = AVER_USE_BUNDLE, .platforms = cli->platforms};
    aver_buf bundle;
    aver_buf test_roots;
    aver_buf_init(&bundle, AVER_BUNDLE_BYTES_MAX);
    aver_buf_init(&test_roots, AVER_INPUTS_ROOTS_BYTES_MAX);
    aver_exit code = aver_inputs_policy(cli, aver_args_get(args, "policy"), &policy);
    if (code == AVER_EXIT_DONE) {
        code = aver_inputs_roots(cli, aver_args_get(args, "sim-root"), &context.roots);
    }
    if (code == AVER_EXIT_DONE) {
        code = aver_inputs_test_roots(cli, aver_args_get(args, "test-roots"), &test_roots,
                                      &context.roots);
    }
    const char *text = aver_args_get(args, "nonce");
    if (code == AVER_EXIT_DONE && text != NULL) {
        code = aver_inputs_hex32(cli, "nonce", text, nonce);
        context.nonce = nonce;
    }
    if (code == AVER_EXIT_DONE) {
        code = attest_read(cli, args->operands[0], &bundle);
    }
    if (code == AVER_EXIT_DONE) {
        context.policy = policy;
        context.now_ms = aver_time_wall_ms();
        code = attest_judge(cli, args, &context, aver_buf_view(&bundle));
    }
    aver_policy_free(policy);
    aver_buf_deinit(&test_roots);
    aver_buf_deinit(&bundle);
    return code;
}

static const aver_option attest_fetch_options[] = {
    {"url", 'u', "URL", "the node"},
    {"unix", 0, "PATH", "the node's Unix socket instead"},
    {"nonce", 0, "HEX", "64 hex digits (default: fresh ones, printed on standard error)"},
    {"output", 'o', "FILE", "where to write the bundle (default standard output)"},
    {"policy", 'p', "FILE", "what you accept: the node is judged, and nothing written if refused"},
    AVER_INPUTS_OPTION_SIM_ROOT,
    {"ca", 0, "FILE", "the accepted node's own certificate authority, PEM, for plain clients"},
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_attest_fetch = {
    .name = "attest fetch",
    .operands = "",
    .summary = "fetch the evidence of a node, judged if there is a policy",
    .options = attest_fetch_options,
    .notes = "The names that the authority vouches for are said on standard error.\n"
             "The file of --ca is good until the node starts again: curl --cacert FILE, or\n"
             "NODE_EXTRA_CA_CERTS=FILE. Clients that use it know that they reach this very node;\n"
             "they check no receipts. For that, see aver proxy.\n",
    .run = attest_run_fetch,
};

static const aver_option attest_show_options[] = {
    AVER_INPUTS_OPTION_JSON,
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_attest_show = {
    .name = "attest show",
    .operands = "FILE|-",
    .summary = "print what evidence says; judges nothing",
    .options = attest_show_options,
    .operands_min = 1,
    .operands_max = 1,
    .run = attest_run_show,
};

static const aver_option attest_verify_options[] = {
    {"policy", 'p', "FILE", "what you accept (required)"},
    AVER_INPUTS_OPTION_SIM_ROOT,
    {"test-roots", 0, "FILE", "roots of your own instead of the makers', PEM; proves nothing"},
    {"nonce", 0, "HEX", "the nonce that you asked with"},
    AVER_RESULT_OPTIONS,
    {"explain", 0, NULL, "for each check: what it means, how far off it is, what would mend it"},
    AVER_INPUTS_OPTION_JSON,
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_attest_verify = {
    .name = "attest verify",
    .operands = "FILE|-",
    .summary = "judge evidence, offline",
    .options = attest_verify_options,
    .operands_min = 1,
    .operands_max = 1,
    .run = attest_run_verify,
};
