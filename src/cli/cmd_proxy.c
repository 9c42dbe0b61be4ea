/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/sys.h"
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/proxy.h"
#include "codec/json.h"
#include "node/bearer.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROXY_LISTEN_DEFAULT     "tcp:127.0.0.1:8008"
#define PROXY_OUTPUT_BYTES_MAX   (32u * 1024 * 1024)
#define PROXY_WRITE_TIMEOUT_MS   30000
#define PROXY_WRITE_BYTES_MIN    (64u * 1024)          /* a client that is slower is cut */
#define PROXY_RESPONSES_BYTES    (1024u * 1024 * 1024) /* of all answers in work together */
#define PROXY_RESPONSE_BYTES_MIN (1024u * 1024)
#define PROXY_READY_BYTES_MAX    1024
#define PROXY_DRAIN_TICK_MS      50
#define PROXY_DRAIN_MAX_MS       30000

/* Everything of one `aver proxy`. */
typedef struct proxy_run {
    aver_cli *cli;
    const aver_args *args;
    aver_policy *policy;
    aver_buf token;
    aver_bearer *tokens;
    aver_proxy_options options;
    aver_proxy proxy;
    struct event_base *base;
    struct event *signals[2];
    struct event *tick;
    int drain_ticks; /* that are left; 0: nobody has asked it to end */
} proxy_run;

static bool proxy_is_loopback(const char *address)
{
    return strncmp(address, "tcp:127.", 8) == 0 || strncmp(address, "tcp:[::1]:", 10) == 0 ||
           strncmp(address, "unix:", 5) == 0;
}

static aver_exit proxy_listen_option(proxy_run *run)
{
    const char *address = aver_args_get(run->args, "listen");
    run->options.address = address != NULL ? address : PROXY_LISTEN_DEFAULT;
    if (proxy_is_loopback(run->options.address)) {
        return AVER_EXIT_DONE;
    }
    if (!aver_args_has(run->args, "plain-network")) {
        return aver_cli_fail(run->cli, AVER_EXIT_USAGE,
                             "%s is not this machine alone, and clients of the proxy speak without "
                             "encryption; say --plain-network if that is what you want",
                             run->options.address);
    }
    if (aver_args_get(run->args, "client-token-file") == NULL) {
        return aver_cli_fail(run->cli, AVER_EXIT_USAGE,
                             "at %s anybody could use the node in your name, and read your "
                             "capsules: --plain-network needs a --client-token-file",
                             run->options.address);
    }
    return AVER_EXIT_DONE;
}

static aver_exit proxy_store_option(proxy_run *run)
{
    const char *dir = aver_args_get(run->args, "store");
    uint64_t files = AVER_PROXY_STORE_FILES_DEFAULT, mib = AVER_PROXY_STORE_MIB_DEFAULT;
    uint64_t streams = AVER_PROXY_STREAMS_DEFAULT;
    char why[AVER_ARGS_WHY_BYTES];
    if (aver_args_uint(run->args, "store-files", 1, AVER_PROXY_STORE_FILES_MAX, &files, why) !=
            AVER_OK ||
        aver_args_uint(run->args, "store-mib", 1, 1024 * 1024, &mib, why) != AVER_OK ||
        aver_args_uint(run->args, "streams", 1, AVER_PROXY_STREAMS_MAX, &streams, why) != AVER_OK) {
        return aver_cli_fail(run->cli, AVER_EXIT_USAGE, "%s", why);
    }
    run->options.streams_max = (unsigned)streams;
    if (dir == NULL) {
        return AVER_EXIT_DONE;
    }
    aver_err err = aver_proxy_store_open(dir, files, mib * 1024 * 1024, &run->proxy.store);
    return err == AVER_OK ? AVER_EXIT_DONE
                          : aver_cli_fail(run->cli, AVER_EXIT_IO, "%s cannot be used: %s", dir,
                                          aver_err_text(err));
}

static aver_exit proxy_tokens_option(proxy_run *run)
{
    const char *path = aver_args_get(run->args, "client-token-file");
    if (path == NULL) {
        return AVER_EXIT_DONE;
    }
    if (aver_bearer_open(path, &run->tokens) != AVER_OK) {
        return aver_cli_fail(run->cli, AVER_EXIT_USAGE, "%s holds no tokens, one a line", path);
    }
    run->options.tokens = run->tokens;
    return AVER_EXIT_DONE;
}

static aver_exit proxy_inputs(proxy_run *run)
{
    const aver_args *args = run->args;
    aver_session_options *session = &run->options.session;
    aver_exit code = proxy_listen_option(run);
    if (code == AVER_EXIT_DONE) {
        code = aver_inputs_policy(run->cli, aver_args_get(args, "policy"), &run->policy);
    }
    if (code == AVER_EXIT_DONE) {
        code = aver_inputs_roots(run->cli, aver_args_get(args, "sim-root"), &session->roots);
    }
    if (code == AVER_EXIT_DONE) {
        code = aver_inputs_token(run->cli, aver_args_get(args, "token-file"), &run->token);
    }
    if (code == AVER_EXIT_DONE) {
        code = proxy_tokens_option(run);
    }
    if (code == AVER_EXIT_DONE) {
        code = proxy_store_option(run);
    }
    session->url = aver_args_get(args, "url");
    session->unix_socket = aver_args_get(args, "unix");
    if (code == AVER_EXIT_DONE && session->url == NULL && session->unix_socket == NULL) {
        code = aver_cli_fail(run->cli, AVER_EXIT_USAGE, "which node? --url URL or --unix PATH");
    }
    session->bearer = run->token.size > 0 ? (const char *)run->token.data : NULL;
    session->policy = run->policy;
    session->platforms = run->cli->platforms;
    run->options.hold = aver_args_has(args, "hold");
    return code;
}

/* What a command line may not ask for is said before anybody is served. */
static aver_exit proxy_check_url(proxy_run *run)
{
    const aver_session_options *session = &run->options.session;
    aver_remote remote;
    aver_err err = aver_remote_open(&remote, session->url, session->unix_socket, session->bearer);
    aver_exit code = AVER_EXIT_DONE;
    if (err != AVER_OK) {
        code = aver_cli_fail(run->cli, aver_remote_exit(err), "%s",
                             remote.why[0] != '\0' ? remote.why : aver_err_text(err));
    }
    aver_remote_close(&remote);
    return code;
}

/* Answers that run may end, for a while; a second signal is not that patient. */
static void proxy_on_signal(evutil_socket_t number, short what, void *context)
{
    proxy_run *run = context;
    const struct timeval tick = {.tv_usec = PROXY_DRAIN_TICK_MS * 1000};
    (void)number;
    (void)what;
    if (run->drain_ticks > 0 || run->proxy.server == NULL) {
        (void)event_base_loopbreak(run->base);
        return;
    }
    run->drain_ticks = PROXY_DRAIN_MAX_MS / PROXY_DRAIN_TICK_MS;
    aver_log(AVER_LOG_INFO, "proxy.drain", "%u requests are still running",
             aver_server_exchanges(run->proxy.server));
    aver_server_drain(run->proxy.server);
    (void)event_add(run->tick, &tick);
    event_active(run->tick, EV_TIMEOUT, 0);
}

static void proxy_on_tick(evutil_socket_t fd, short what, void *context)
{
    proxy_run *run = context;
    (void)fd;
    (void)what;
    if (aver_server_connections(run->proxy.server) == 0 || --run->drain_ticks <= 1) {
        (void)event_base_loopbreak(run->base);
    }
}

static aver_err proxy_loop(proxy_run *run)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    run->base = event_base_new();
    if (run->base == NULL) {
        return AVER_E_NOMEM;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        run->signals[i] = evsignal_new(run->base, numbers[i], proxy_on_signal, run);
        if (run->signals[i] == NULL || event_add(run->signals[i], NULL) != 0) {
            return AVER_E_NOMEM;
        }
    }
    run->tick = event_new(run->base, -1, EV_PERSIST, proxy_on_tick, run);
    return run->tick != NULL ? aver_proxy_lane_open(&run->proxy.lane, run->base) : AVER_E_NOMEM;
}

static aver_err proxy_open(proxy_run *run)
{
    aver_proxy *proxy = &run->proxy;
    size_t share = PROXY_RESPONSES_BYTES / run->options.streams_max;
    aver_server_options server = {.base = run->base,
                                  .limits = {.output_bytes_max = PROXY_OUTPUT_BYTES_MAX,
                                             .write_timeout_ms = PROXY_WRITE_TIMEOUT_MS,
                                             .write_bytes_min = PROXY_WRITE_BYTES_MIN},
                                  .on_request = aver_proxy_on_request,
                                  .context = proxy};
    proxy->options = &run->options;
    proxy->begun_ms = aver_time_wall_ms();
    proxy->response_bytes_max = share > AVER_ANSWERED_RESPONSE_BYTES_MAX
                                    ? AVER_ANSWERED_RESPONSE_BYTES_MAX
                                : share < PROXY_RESPONSE_BYTES_MIN ? PROXY_RESPONSE_BYTES_MIN
                                                                   : share;
    aver_err err = aver_proxy_pool_new(proxy, &proxy->pool);
    if (err == AVER_OK) {
        err = aver_server_new(&server, &proxy->server);
    }
    if (err == AVER_OK) {
        err = aver_server_listen(proxy->server, run->options.address, false, proxy->bound);
    }
    return err;
}

/* {"pid","listen"}: for programs that start this one. */
static aver_exit proxy_ready(const proxy_run *run)
{
    const char *path = aver_args_get(run->args, "ready-file");
    aver_buf text;
    if (path == NULL) {
        return AVER_EXIT_DONE;
    }
    aver_buf_init(&text, PROXY_READY_BYTES_MAX);
    aver_buf_append_format(&text, "{\"pid\":%ld,\"listen\":[", (long)getpid());
    aver_json_append_string(&text, aver_view_text(run->proxy.bound));
    aver_buf_append_text(&text, "]}\n");
    aver_exit code = aver_inputs_write(run->cli, path, aver_buf_view(&text));
    aver_buf_deinit(&text);
    return code;
}

static aver_exit proxy_serve(proxy_run *run)
{
    aver_err err = proxy_loop(run);
    if (err == AVER_OK) {
        err = proxy_open(run);
    }
    if (err != AVER_OK) {
        return aver_cli_fail_err(run->cli, err, run->options.address);
    }
    aver_log(AVER_LOG_INFO, "proxy.listen", "%s", run->proxy.bound);
    aver_exit code = proxy_ready(run);
    if (code == AVER_EXIT_DONE) {
        (void)event_base_dispatch(run->base);
    }
    return code;
}

/* First the server: its exchanges tell their workers to stop. */
static void proxy_close(proxy_run *run)
{
    aver_server_free(run->proxy.server);
    aver_proxy_pool_free(run->proxy.pool);
    aver_proxy_lane_close(&run->proxy.lane);
    struct event *events[] = {run->signals[0], run->signals[1], run->tick};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (events[i] != NULL) {
            event_free(events[i]);
        }
    }
    if (run->base != NULL) {
        event_base_free(run->base);
    }
}

static aver_exit proxy_run_command(aver_cli *cli, const aver_args *args)
{
    proxy_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return AVER_EXIT_CANNOT;
    }
    run->cli = cli;
    run->args = args;
    aver_buf_init(&run->token, 8192);
    aver_log_setup(AVER_LOG_INFO, aver_args_has(args, "log-json"));
    aver_exit code = proxy_inputs(run);
    if (code == AVER_EXIT_DONE) {
        code = proxy_check_url(run);
    }
    if (code == AVER_EXIT_DONE) {
        aver_proxy_nodes_init(&run->proxy.nodes, &run->options.session);
        aver_proxy_records_init(&run->proxy.records);
        code = proxy_serve(run);
        proxy_close(run);
        aver_proxy_records_deinit(&run->proxy.records);
        aver_proxy_nodes_deinit(&run->proxy.nodes);
    }
    aver_proxy_store_close(run->proxy.store);
    aver_bearer_free(run->tokens);
    aver_policy_free(run->policy);
    aver_buf_wipe(&run->token);
    aver_buf_deinit(&run->token);
    free(run);
    return code;
}

static const aver_option proxy_options[] = {
    {"url", 'u', "URL", "the node, https://HOST:PORT"},
    {"unix", 0, "PATH", "the node's Unix socket instead; the seal alone protects what is asked"},
    {"policy", 'p', "FILE", "what you accept (required); see aver policy pin"},
    AVER_INPUTS_OPTION_SIM_ROOT,
    {"listen", 'l', "ADDRESS", "tcp:HOST:PORT or unix:PATH (default " PROXY_LISTEN_DEFAULT ")"},
    {"plain-network", 0, NULL,
     "listen beyond this machine, unencrypted; needs --client-token-file"},
    {"store", 'o', "DIR", "keep each answer as a capsule in DIR"},
    {"store-files", 0, "N", "at most so many capsules, the oldest goes first (default 10000)"},
    {"store-mib", 0, "N", "at most so many MiB of them (default 1024)"},
    {"hold", 0, NULL, "send nothing of a stream before all of it is verified"},
    {"streams", 0, "N", "answers at once, others wait (default 128, at most 1024)"},
    {"token-file", 0, "FILE", "bearer token for the node, first line of FILE"},
    {"client-token-file", 0, "FILE", "clients must show one of these tokens, one a line"},
    {"ready-file", 0, "FILE", "written when it serves: pid and address as JSON"},
    {"log-json", 0, NULL, "log lines as JSON"},
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_proxy = {
    .name = "proxy",
    .operands = "",
    .summary = "a local OpenAI endpoint that verifies, seals and checks for any client",
    .options = proxy_options,
    .notes =
        "Clients use http://127.0.0.1:8008/v1 as their base URL, with any key. The node is\n"
        "verified before anything leaves, each request is sealed to it, each receipt is\n"
        "checked. What cannot be verified is answered with 502 and the name of the check; a\n"
        "stream that turns out wrong ends with an error and a cut connection, without [DONE].\n"
        "http://127.0.0.1:8008/ shows the verdicts. A client's own key is never sent on: the\n"
        "node gets the token of --token-file, or none.\n",
    .run = proxy_run_command,
};
