/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"
#include "base/sys.h"
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/session.h"
#include "cli/show.h"
#include "codec/json.h"
#include "codec/text.h"

#include <stdlib.h>
#include <string.h>

#define ASK_TOKENS_DEFAULT      256
#define ASK_TOKENS_MAX          131072
#define ASK_TEMPERATURE_PPM     700000
#define ASK_TEMPERATURE_PPM_MAX 2000000
#define ASK_SEED_MAX            ((UINT64_C(1) << 53) - 1)
#define ASK_WHY_BYTES           200
#define ASK_TIMEOUT_S           600
#define ASK_TIMEOUT_MAX_S       86400
#define ASK_JSON_BYTES_MAX      (64u * 1024 * 1024)

/* Everything of one `aver ask`. */
typedef struct ask_run {
    aver_cli *cli;
    const aver_args *args;
    aver_policy *policy;
    aver_buf token, prompt;
    aver_question question;
    aver_session_options options;
    aver_session *session;
    aver_answered reply;
    bool json;
    bool sent; /* the prompt left, sealed */
} ask_run;

static aver_exit ask_numbers(ask_run *run)
{
    char why[AVER_ARGS_WHY_BYTES];
    uint64_t tokens = ASK_TOKENS_DEFAULT;
    uint64_t seed = aver_random_u64() & ASK_SEED_MAX;
    uint64_t timeout_s = ASK_TIMEOUT_S;
    uint32_t temperature = ASK_TEMPERATURE_PPM;
    if (aver_args_uint(run->args, "max-tokens", 1, ASK_TOKENS_MAX, &tokens, why) != AVER_OK ||
        aver_args_uint(run->args, "seed", 0, ASK_SEED_MAX, &seed, why) != AVER_OK ||
        aver_args_uint(run->args, "timeout", 1, ASK_TIMEOUT_MAX_S, &timeout_s, why) != AVER_OK ||
        aver_args_ppm(run->args, "temperature", ASK_TEMPERATURE_PPM_MAX, &temperature, why) !=
            AVER_OK) {
        return aver_cli_fail(run->cli, AVER_EXIT_USAGE, "%s", why);
    }
    run->options.timeout_ms = timeout_s * 1000;
    bool completion = aver_args_has(run->args, "completion");
    const char *system = aver_args_get(run->args, "system");
    if (completion && system != NULL) {
        return aver_cli_fail(run->cli, AVER_EXIT_USAGE, "--completion has no --system text");
    }
    run->question = (aver_question){
        .endpoint = completion ? AVER_ENDPOINT_COMPLETION : AVER_ENDPOINT_CHAT,
        .system = system,
        .max_tokens = (uint32_t)tokens,
        .temperature_ppm = temperature,
        .seed = seed,
    };
    return AVER_EXIT_DONE;
}

static aver_exit ask_prompt(ask_run *run)
{
    const char *text = run->args->operands[0];
    if (strcmp(text, "-") == 0) {
        aver_exit code =
            aver_inputs_file(run->cli, "-", AVER_INPUTS_PROMPT_BYTES_MAX, &run->prompt);
        if (code != AVER_EXIT_DONE) {
            return code;
        }
    } else {
        aver_buf_append_text(&run->prompt, text);
    }
    if (aver_buf_status(&run->prompt) != AVER_OK) {
        return aver_cli_fail(run->cli, AVER_EXIT_USAGE, "the prompt is too long");
    }
    run->question.prompt = aver_buf_view(&run->prompt);
    if (!aver_utf8_valid(run->question.prompt) ||
        !aver_utf8_valid(aver_view_text(run->question.system))) {
        return aver_cli_fail(run->cli, AVER_EXIT_USAGE, "the prompt is no UTF-8 text");
    }
    return AVER_EXIT_DONE;
}

static aver_exit ask_inputs(ask_run *run)
{
    const aver_args *args = run->args;
    aver_exit code = ask_numbers(run);
    if (code == AVER_EXIT_DONE) {
        code = aver_inputs_policy(run->cli, aver_args_get(args, "policy"), &run->policy);
    }
    if (code == AVER_EXIT_DONE) {
        code = aver_inputs_roots(run->cli, aver_args_get(args, "sim-root"), &run->options.roots);
    }
    if (code == AVER_EXIT_DONE) {
        code = aver_inputs_token(run->cli, aver_args_get(args, "token-file"), &run->token);
    }
    if (code == AVER_EXIT_DONE) {
        code = aver_inputs_writable(run->cli, aver_args_get(args, "save"));
    }
    if (code == AVER_EXIT_DONE) {
        code = ask_prompt(run);
    }
    const char *unix_socket = aver_args_get(args, "unix");
    const char *url = aver_args_get(args, "url");
    run->options.url = url != NULL || unix_socket != NULL ? url : "https://127.0.0.1:8000";
    run->options.unix_socket = unix_socket;
    run->options.bearer = run->token.size > 0 ? (const char *)run->token.data : NULL;
    run->options.model = aver_args_get(args, "model");
    run->options.policy = run->policy;
    run->options.platforms = run->cli->platforms;
    return code;
}

/* What passed, if a timeout ended the last request; else these words. */
static const char *ask_why(const ask_run *run, const char *otherwise, char ret_why[ASK_WHY_BYTES])
{
    const aver_remote *remote = &run->session->remote;
    if (remote->client == NULL || !aver_client_timed_out(remote->client)) {
        return otherwise;
    }
    if (aver_remote_left_ms(remote) > 1) {
        return aver_client_why(remote->client);
    }
    (void)snprintf(ret_why, ASK_WHY_BYTES, "it was not whole in time (--timeout is %llu s)",
                   (unsigned long long)run->options.timeout_ms / 1000);
    return ret_why;
}

/* The words for a node that could not be reached or judged, and the exit code. */
static aver_exit ask_unreachable(const ask_run *run, aver_err err)
{
    const aver_remote *remote = &run->session->remote;
    const char *where = run->options.url != NULL ? run->options.url : run->options.unix_socket;
    if (err == AVER_E_PEER && remote->status != 0) {
        return aver_cli_fail(run->cli, AVER_EXIT_PEER, "%s answered %s", where, remote->why);
    }
    char why[ASK_WHY_BYTES];
    const char *words = remote->why[0] != '\0' ? remote->why : aver_err_text(err);
    return aver_cli_fail(run->cli, err == AVER_E_USAGE ? AVER_EXIT_USAGE : AVER_EXIT_IO, "%s: %s",
                         where, ask_why(run, words, why));
}

/* The words for a node that the policy does not accept, and the exit code. */
static aver_exit ask_judged(ask_run *run)
{
    const aver_session *session = run->session;
    if (session->accepted && session->model[0] == '\0') {
        return aver_cli_fail(run->cli, AVER_EXIT_PEER, "the node has no model named %s",
                             run->options.model != NULL ? run->options.model : "at all");
    }
    if (session->accepted) {
        run->question.model = session->model;
        return AVER_EXIT_DONE;
    }
    const aver_term *err_term = &run->cli->err;
    if (!run->json) {
        aver_show_checks(err_term, &session->verdict);
        aver_show_line(err_term, &session->verdict, false, session->why, NULL,
                       session->judged.bundle.platform);
    }
    const char *again = run->sent ? " again" : "";
    if (run->json) {
        aver_term_print(err_term, AVER_STYLE_PLAIN, "The prompt was not sent%s: %s\n", again,
                        session->why);
    } else {
        aver_show_remedy(err_term, &session->verdict);
        aver_term_print(err_term, AVER_STYLE_PLAIN, "The prompt was not sent%s.\n", again);
    }
    return AVER_EXIT_REFUSED;
}

static aver_exit ask_connect(ask_run *run)
{
    aver_err err = aver_session_new(&run->options, &run->session);
    if (run->session == NULL) {
        return aver_cli_fail_err(run->cli, err, "ask");
    }
    return err == AVER_OK ? ask_judged(run) : ask_unreachable(run, err);
}

/* The node replaced its keys after it was judged, and says so: it is judged again. */
static aver_exit ask_reconnect(ask_run *run)
{
    aver_err err = aver_session_renew(run->session);
    aver_exit code = err == AVER_OK ? ask_judged(run) : ask_unreachable(run, err);
    if (code == AVER_EXIT_DONE) {
        aver_answered_deinit(&run->reply);
        aver_answered_init(&run->reply);
    }
    return code;
}

static void ask_on_text(aver_view text, void *context)
{
    const ask_run *run = context;
    if (!run->json) {
        aver_term_text(&run->cli->out, text);
        (void)fflush(run->cli->out.file);
    }
}

/* Also after a failure: what was received can be judged by others. */
static aver_exit ask_save(const ask_run *run)
{
    const char *path = aver_args_get(run->args, "save");
    if (path == NULL) {
        return AVER_EXIT_DONE;
    }
    aver_buf bytes;
    aver_buf_init(&bytes, AVER_CAPSULE_BYTES_MAX);
    aver_err err = aver_answered_capsule(run->session, &run->reply, &bytes);
    aver_exit code = AVER_EXIT_DONE;
    if (err != AVER_OK) {
        code = aver_cli_fail_err(run->cli, err, "no capsule can be made of this exchange");
    } else {
        code = aver_inputs_write(run->cli, path, aver_buf_view(&bytes));
    }
    if (code == AVER_EXIT_DONE) {
        (void)fprintf(run->cli->err.file, "saved %s%s\n", path,
                      run->reply.accepted ? "" : " (of an answer that was REFUSED)");
    }
    aver_buf_deinit(&bytes);
    return code;
}

static void ask_json_verdict(aver_buf *out, const aver_verdict *verdict, bool accepted)
{
    aver_buf_append_text(out, "\"verdict\":");
    aver_verdict_json(verdict, accepted, out);
}

/* One document: {"text","model","error","verdict","receipt"}. */
static aver_exit ask_print_json(const ask_run *run)
{
    const aver_answered *reply = &run->reply;
    bool asked = run->session->accepted;
    aver_buf out;
    aver_buf_init(&out, ASK_JSON_BYTES_MAX);
    aver_buf_append_text(&out, "{\"text\":");
    aver_json_append_string(&out, aver_buf_view(&reply->text));
    aver_buf_append_format(&out, ",\"prompt_sent\":%s,\"model\":", run->sent ? "true" : "false");
    aver_json_append_string(&out, aver_view_text(run->session->model));
    if (reply->error[0] != '\0') {
        aver_buf_append_text(&out, ",\"error\":");
        aver_json_append_string(&out, aver_view_text(reply->error));
    }
    aver_buf_append_text(&out, ",");
    ask_json_verdict(&out, asked ? &reply->verdict : &run->session->verdict,
                     asked && reply->accepted);
    if (reply->receipt.size > 0) {
        aver_buf_append_format(&out,
                               ",\"tokens\":{\"prompt\":%llu,\"generated\":%llu},\"seed\":%llu",
                               (unsigned long long)reply->fields.prompt_tokens,
                               (unsigned long long)reply->fields.generated_tokens,
                               (unsigned long long)reply->fields.seed);
        aver_buf_append_text(&out, ",\"receipt\":\"");
        aver_base64url_append(&out, aver_buf_view(&reply->receipt));
        aver_buf_append_text(&out, "\"");
    }
    aver_buf_append_text(&out, "}\n");
    aver_exit code = AVER_EXIT_CANNOT;
    if (aver_buf_status(&out) == AVER_OK) {
        code = fwrite(out.data, 1, out.size, run->cli->out.file) == out.size ? AVER_EXIT_DONE
                                                                             : AVER_EXIT_IO;
    }
    aver_buf_wipe(&out);
    aver_buf_deinit(&out);
    return code;
}

static aver_exit ask_verdict(const ask_run *run)
{
    const aver_answered *reply = &run->reply;
    const aver_term *err_term = &run->cli->err;
    if (!run->json && reply->text.size > 0 && reply->text.data[reply->text.size - 1] != '\n') {
        (void)fputc('\n', run->cli->out.file);
        (void)fflush(run->cli->out.file);
    }
    if (reply->error[0] != '\0') {
        bool carried = !reply->sealed && !run->session->remote.has_tls;
        (void)aver_cli_fail(run->cli, AVER_EXIT_PEER, "the node answered %u: %s%s", reply->status,
                            reply->error,
                            carried ? " (not sealed: whoever carried it may have written it)" : "");
    } else if (reply->transfer != AVER_OK) {
        char why[ASK_WHY_BYTES];
        const char *words = reply->transfer == AVER_E_PROOF
                                ? "a sealed piece was changed on its way"
                                : aver_err_text(reply->transfer);
        (void)aver_cli_fail(run->cli, AVER_EXIT_IO, "the answer broke off: %s",
                            ask_why(run, words, why));
    }
    if (reply->error[0] != '\0' && reply->receipt.size == 0) {
        return AVER_EXIT_PEER;
    }
    if (aver_args_has(run->args, "verbose")) {
        aver_show_checks(err_term, &reply->verdict);
    }
    aver_show_line(err_term, &reply->verdict, reply->accepted, reply->why, run->session->model_root,
                   run->session->judged.bundle.platform);
    if (reply->error[0] != '\0') {
        return AVER_EXIT_PEER;
    }
    if (aver_client_timed_out(run->session->remote.client)) {
        return AVER_EXIT_IO;
    }
    return reply->accepted ? AVER_EXIT_DONE : AVER_EXIT_REFUSED;
}

/* Once more, and no more than that, if the node had other keys than those that were judged. */
static aver_exit ask_exchange(ask_run *run)
{
    run->sent = true;
    aver_err err = aver_session_ask(run->session, &run->question, ask_on_text, run, &run->reply);
    if (err == AVER_OK && run->reply.outdated) {
        aver_exit again = ask_reconnect(run);
        if (again != AVER_EXIT_DONE) {
            return again;
        }
        err = aver_session_ask(run->session, &run->question, ask_on_text, run, &run->reply);
    }
    if (err == AVER_E_NOMEM || err == AVER_E_LIMIT || err == AVER_E_CRYPTO) {
        return aver_cli_fail_err(run->cli, err, "ask");
    }
    if (err != AVER_OK) {
        char why[ASK_WHY_BYTES];
        return aver_cli_fail(run->cli, AVER_EXIT_IO, "the node did not answer: %s",
                             ask_why(run, aver_client_why(run->session->remote.client), why));
    }
    aver_exit code = ask_verdict(run);
    aver_exit saved = ask_save(run);
    return code == AVER_EXIT_DONE ? saved : code;
}

static aver_exit ask_run_command(aver_cli *cli, const aver_args *args)
{
    ask_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return AVER_EXIT_CANNOT;
    }
    run->cli = cli;
    run->args = args;
    run->json = aver_args_has(args, "json");
    aver_buf_init(&run->token, 8192);
    aver_buf_init(&run->prompt, AVER_INPUTS_PROMPT_BYTES_MAX);
    aver_answered_init(&run->reply);
    aver_exit code = ask_inputs(run);
    if (code == AVER_EXIT_DONE) {
        code = ask_connect(run);
        if (code == AVER_EXIT_DONE) {
            code = ask_exchange(run);
        }
        if (run->json && run->session != NULL && run->session->verdict.count > 0) {
            aver_exit printed = ask_print_json(run);
            code = code == AVER_EXIT_DONE ? printed : code;
        }
    }
    aver_session_free(run->session);
    aver_answered_deinit(&run->reply);
    aver_policy_free(run->policy);
    aver_buf_wipe(&run->token);
    aver_buf_wipe(&run->prompt);
    aver_buf_deinit(&run->token);
    aver_buf_deinit(&run->prompt);
    free(run);
    return code;
}

static const aver_option ask_options[] = {
    {"url", 'u', "URL", "the node (default https://127.0.0.1:8000)"},
    {"unix", 0, "PATH", "the node's Unix socket instead; the seal alone protects the prompt"},
    {"policy", 'p', "FILE", "what you accept (required); see aver policy pin"},
    AVER_INPUTS_OPTION_SIM_ROOT,
    {"model", 'm', "NAME", "the model to ask (default: the first that the policy allows)"},
    {"max-tokens", 'n', "N", "longest answer (default 256)"},
    {"temperature", 't', "T", "0 (always the likeliest word) to 2 (default 0.7)"},
    {"seed", 0, "N", "seed of the draws (default: a random one, sent inside the seal)"},
    {"system", 0, "TEXT", "system message"},
    {"completion", 0, NULL, "continue the text instead of answering it"},
    {"token-file", 0, "FILE", "bearer token, first line of FILE"},
    {"timeout", 0, "SECONDS", "for the whole exchange (default 600); 300 of silence end it too"},
    {"save", 'o', "FILE", "save the answer as a capsule, also one that was refused"},
    AVER_INPUTS_OPTION_JSON,
    {"verbose", 'v', NULL, "print every check"},
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_ask = {
    .name = "ask",
    .operands = "PROMPT|-",
    .summary = "ask a model that is verified before the prompt leaves",
    .options = ask_options,
    .notes =
        "The node is judged first, by fresh evidence over this very connection. If the policy "
        "does\n"
        "not accept it, the checks are listed and nothing is sent. The prompt travels sealed to "
        "the\n"
        "verified key; the answer streams to standard output; the verdict on its receipt is one\n"
        "line on standard error. If the node replaced its keys meanwhile, it is judged again and\n"
        "asked once more.\n",
    .operands_min = 1,
    .operands_max = 1,
    .run = ask_run_command,
};
