/* SPDX-License-Identifier: Apache-2.0 */
#include "node/keeper_start.h"

#include "base/log.h"
#include "base/secret.h"
#include "base/sys.h"
#include "codec/json.h"
#include "codec/text.h"
#include "node/api.h"
#include "node/notify.h"

#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define START_READY_BYTES_MAX  65536
#define START_OUTPUT_BYTES_MAX (1024u * 1024)
/* The comment with all token ids must fit at once: up to five bytes an id, in base64. */
#define START_OUTPUT_BYTES_TOKEN 8u
#define START_SEALED_BYTES_MAX   (8u * 1024 * 1024)
#define START_TICK_MS            200
#define START_RENEWAL_S          60

static void start_process(void)
{
    struct rlimit files;

    aver_process_harden();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        aver_log(AVER_LOG_WARN, "node.privileges", "the kernel does not offer no_new_privs");
    }
    (void)signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

/* The platform of this name, opened with what follows the colon. */
static aver_err start_platform_named(aver_keeper *keeper, const char *text)
{
    size_t size = strcspn(text, ":");
    const char *options = text[size] == ':' ? text + size + 1 : NULL;

    for (size_t i = 0; keeper->build->platforms[i] != NULL; i++) {
        const aver_tee_platform *platform = keeper->build->platforms[i];

        if (strlen(platform->name) == size && memcmp(platform->name, text, size) == 0) {
            aver_err err = platform->open(options, &keeper->tee);
            if (err != AVER_OK) {
                aver_log(AVER_LOG_ERROR, "platform.open", "platform %s cannot be used here: %s",
                         platform->name, aver_err_text(err));
                return AVER_E_USAGE;
            }
            keeper->platform = platform;
            return AVER_OK;
        }
    }
    aver_log(AVER_LOG_ERROR, "platform.unknown", "this program has no platform \"%.*s\"", (int)size,
             text);
    return AVER_E_USAGE;
}

static aver_err start_platform_found(aver_keeper *keeper)
{
    for (size_t i = 0; keeper->build->platforms[i] != NULL; i++) {
        const aver_tee_platform *platform = keeper->build->platforms[i];
        aver_tee *tee;

        if (platform->open(NULL, &tee) != AVER_OK) {
            continue;
        }
        if (keeper->platform != NULL) {
            platform->close(tee);
            aver_log(AVER_LOG_ERROR, "platform.many",
                     "both %s and %s are here: choose one by --platform", keeper->platform->name,
                     platform->name);
            return AVER_E_USAGE;
        }
        keeper->platform = platform;
        keeper->tee = tee;
    }
    if (keeper->platform == NULL) {
        aver_log(AVER_LOG_ERROR, "platform.none",
                 "no trusted execution environment that this program knows is here: nothing could "
                 "prove what runs");
        return AVER_E_USAGE;
    }
    return AVER_OK;
}

static aver_err start_platform(aver_keeper *keeper)
{
    const char *text = keeper->options->platform;

    aver_err err = text != NULL ? start_platform_named(keeper, text) : start_platform_found(keeper);
    if (err == AVER_OK && keeper->platform->simulated) {
        aver_log(AVER_LOG_WARN, "platform.simulated", "SIMULATED TEE: proves nothing");
    }
    return err;
}

static aver_err start_loop(aver_keeper *keeper)
{
    static const int numbers[] = {SIGTERM, SIGINT};

    keeper->base = event_base_new();
    if (keeper->base == NULL) {
        return AVER_E_NOMEM;
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        keeper->signals[i] = evsignal_new(keeper->base, numbers[i], aver_keeper_on_signal, keeper);
        if (keeper->signals[i] == NULL || event_add(keeper->signals[i], NULL) != 0) {
            return AVER_E_NOMEM;
        }
    }
    if (keeper->options->certificate != NULL) {
        keeper->hangup = evsignal_new(keeper->base, SIGHUP, aver_keeper_on_hangup, keeper);
        if (keeper->hangup == NULL || event_add(keeper->hangup, NULL) != 0) {
            return AVER_E_NOMEM;
        }
    }
    return AVER_OK;
}

static aver_err start_models(aver_keeper *keeper)
{
    const aver_node_options *options = keeper->options;

    aver_err err =
        aver_shared_files_open(options->shared_prefixes, options->shared_count, &keeper->shared);
    err = err == AVER_OK ? aver_models_init(&keeper->models, keeper) : err;

    return err == AVER_OK ? aver_models_start(&keeper->models, keeper) : err;
}

static aver_err start_keys(aver_keeper *keeper)
{
    const aver_models *models = &keeper->models;
    aver_keyring_model served[AVER_MODELS_MAX];
    aver_keyring_facts facts = {
        .platform = keeper->platform->name,
        .operator_address = keeper->options->operator_address,
        .name = keeper->options->name,
        .models = served,
        .models_count = models->count,
        .process_model = keeper->options->single_process ? AVER_PROCESS_SINGLE : AVER_PROCESS_SPLIT,
    };

    for (size_t i = 0; i < models->count; i++) {
        const aver_model *model = models->list[i];

        served[i] = (aver_keyring_model){.name = model->name,
                                         .root = model->root,
                                         .engine = &model->info,
                                         .adapters = model->adapters,
                                         .adapters_count = model->files_count - 1};
    }
    return aver_keyring_new(&facts, &keeper->keyring);
}

typedef struct start_quote {
    struct event_base *base;
    aver_err err;
} start_quote;

static void start_quoted(aver_err err, aver_view bundle, void *context)
{
    start_quote *quote = context;

    (void)bundle;
    quote->err = err;
    (void)event_base_loopbreak(quote->base);
}

static aver_err start_evidence(aver_keeper *keeper)
{
    aver_evidence_options options = {.base = keeper->base,
                                     .interval_ms = AVER_EVIDENCE_INTERVAL_MS,
                                     .platform = keeper->platform,
                                     .tee = keeper->tee,
                                     .keyring = keeper->keyring};
    start_quote quote = {.base = keeper->base, .err = AVER_E_ABSENT};
    uint8_t nonce[AVER_NONCE_BYTES];

    aver_err err = aver_evidence_new(&options, &keeper->evidence);
    if (err != AVER_OK) {
        return err;
    }
    aver_random(nonce, sizeof(nonce));
    err = aver_evidence_ask(keeper->evidence, nonce, start_quoted, &quote);
    if (err != AVER_OK) {
        return err;
    }
    (void)event_base_dispatch(keeper->base);
    aver_evidence_forget(keeper->evidence, &quote);
    return quote.err;
}

static aver_err start_tls(aver_keeper *keeper)
{
    aver_buf cmw;

    aver_buf_init(&cmw, AVER_BUNDLE_BYTES_MAX + 128);
    aver_err err = aver_domain_open(&keeper->domain, keeper->options, keeper->keyring->tls_key);
    if (err == AVER_OK) {
        err = aver_cmw_wrap_cbor(aver_evidence_bundle(keeper->evidence), &cmw);
    }
    if (err == AVER_OK) {
        err = aver_tls_server_new(keeper->keyring->tls_key, AVER_KEEPER_COMMON_NAME,
                                  aver_buf_view(&cmw), &keeper->tls);
    }
    aver_buf_deinit(&cmw);
    return err;
}

static aver_err start_stores(aver_keeper *keeper)
{
    const char *token_file = keeper->options->token_file;

    aver_err err = aver_replay_new(keeper->options->seal_uses + AVER_REPLAY_SPARE, &keeper->replay);
    if (err == AVER_OK) {
        err = aver_vault_new(keeper->options->receipts_max, AVER_VAULT_BYTES_MAX, AVER_VAULT_TTL_MS,
                             &keeper->vault);
    }
    if (err == AVER_OK && token_file != NULL) {
        err = aver_bearer_open(token_file, &keeper->bearer);
        if (err != AVER_OK) {
            aver_log(AVER_LOG_ERROR, "tokens.open", "%s: %s", token_file, aver_err_text(err));
            err = AVER_E_USAGE;
        }
    }
    return err;
}

/* The most of a stream that may wait for its reader. */
static uint32_t start_output_max(const aver_keeper *keeper)
{
    uint64_t tokens =
        (uint64_t)aver_models_context_max(&keeper->models) * (AVER_JOB_CHOICES_MAX + 1);

    if (tokens > AVER_TOKENS_MAX) {
        tokens = AVER_TOKENS_MAX;
    }
    return START_OUTPUT_BYTES_MAX + (uint32_t)tokens * START_OUTPUT_BYTES_TOKEN;
}

static aver_err start_listeners(aver_keeper *keeper)
{
    aver_server_options options = {.base = keeper->base,
                                   .tls = keeper->tls,
                                   .limits = {.output_bytes_max = start_output_max(keeper)},
                                   .on_request = aver_api_handle,
                                   .context = keeper};

    aver_err err = aver_server_new(&options, &keeper->server);
    for (size_t i = 0; err == AVER_OK && i < keeper->options->listen_count; i++) {
        const char *address = keeper->options->listen[i];

        err = aver_server_listen(keeper->server, address, strncmp(address, "tcp:", 4) == 0,
                                 keeper->bound[i]);
        if (err != AVER_OK) {
            aver_log(AVER_LOG_ERROR, "node.listen", "%s: %s", address, aver_err_text(err));
        } else {
            aver_log(AVER_LOG_INFO, "node.listen", "%s", keeper->bound[i]);
        }
    }
    return err;
}

static aver_err start_timers(aver_keeper *keeper)
{
    struct timeval tick = {.tv_usec = START_TICK_MS * 1000};
    struct timeval renewal = {.tv_sec = START_RENEWAL_S};

    keeper->tick = event_new(keeper->base, -1, EV_PERSIST, aver_keeper_on_tick, keeper);
    keeper->renewal = event_new(keeper->base, -1, EV_PERSIST, aver_keeper_on_renewal, keeper);
    if (keeper->tick == NULL || keeper->renewal == NULL || event_add(keeper->tick, &tick) != 0 ||
        event_add(keeper->renewal, &renewal) != 0) {
        return AVER_E_NOMEM;
    }
    return AVER_OK;
}

static void start_put_hex(aver_buf *out, const char *name, const uint8_t bytes[static 32])
{
    aver_buf_append_format(out, ",\"%s\":\"", name);
    aver_hex_append(out, aver_view_make(bytes, 32));
    aver_buf_append_byte(out, '"');
}

static aver_err start_ready_file(const aver_keeper *keeper)
{
    const aver_model *model = keeper->models.list[0];
    aver_buf out;

    if (keeper->options->ready_file == NULL) {
        return AVER_OK;
    }
    aver_buf_init(&out, START_READY_BYTES_MAX);
    aver_buf_append_format(&out, "{\"pid\":%lld,\"listen\":[", (long long)getpid());
    for (size_t i = 0; i < keeper->options->listen_count; i++) {
        aver_buf_append_text(&out, i > 0 ? "," : "");
        aver_json_append_string(&out, aver_view_text(keeper->bound[i]));
    }
    aver_buf_append_byte(&out, ']');
    start_put_hex(&out, "node_id", keeper->keyring->node_id);
    start_put_hex(&out, "incarnation", keeper->keyring->incarnation);
    start_put_hex(&out, "keyset", keeper->keyring->keyset_digest);
    start_put_hex(&out, "model_root", model->root);
    aver_buf_append_text(&out, ",\"model\":");
    aver_json_append_string(&out, aver_view_text(model->name));
    aver_buf_append_text(&out, ",\"models\":[");
    for (size_t i = 0; i < keeper->models.names_count; i++) {
        const aver_model_name *name = &keeper->models.names[i];

        aver_buf_append_text(&out, i > 0 ? ",{\"name\":" : "{\"name\":");
        aver_json_append_string(&out, aver_view_text(name->text));
        start_put_hex(&out, "root", name->model->root);
        aver_buf_append_byte(&out, '}');
    }
    aver_buf_append_text(&out, "]}\n");
    aver_err err = aver_buf_status(&out);
    if (err == AVER_OK) {
        err = aver_file_write(keeper->options->ready_file, aver_buf_view(&out), 0644);
    }
    aver_buf_deinit(&out);
    return err;
}

static void start_notify(void)
{
    aver_err err = aver_notify_send("READY=1\nSTATUS=serving\n");

    if (err != AVER_OK && err != AVER_E_ABSENT) {
        aver_log(AVER_LOG_WARN, "node.notify", "the service manager cannot be told: %s",
                 aver_err_text(err));
    }
}

/* Answers at once of all models, and those that may wait beyond them, as far as there is room. */
static uint32_t start_calls(const aver_node_options *options)
{
    uint32_t sum = options->queue;

    for (size_t i = 0; i < options->models_count; i++) {
        uint32_t own = options->models[i].slots;
        sum += own != 0 ? own : options->slots;
    }
    return sum < AVER_CALLS_MAX ? sum : AVER_CALLS_MAX;
}

aver_err aver_keeper_start(aver_keeper *keeper)
{
    typedef aver_err start_step(aver_keeper * keeper);
    static start_step *const steps[] = {start_loop,   start_platform,  start_stores,
                                        start_models, start_keys,      start_evidence,
                                        start_tls,    start_listeners, start_timers};

    start_process();
    aver_buf_init(&keeper->sealed, START_SEALED_BYTES_MAX);
    keeper->started_s = aver_time_wall_ms() / 1000;
    aver_random(keeper->caller_key, sizeof(keeper->caller_key));
    aver_err err = aver_calls_init(&keeper->calls, start_calls(keeper->options));
    for (size_t i = 0; err == AVER_OK && i < sizeof(steps) / sizeof(steps[0]); i++) {
        err = steps[i](keeper);
    }
    if (err == AVER_OK) {
        keeper->phase = AVER_KEEPER_SERVING;
        err = start_ready_file(keeper);
    }
    if (err == AVER_OK) {
        start_notify();
    }
    if (err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "node.start", "not started: %s", aver_err_text(err));
    }
    return err;
}

void aver_keeper_stop(aver_keeper *keeper)
{
    struct event *events[] = {keeper->signals[0], keeper->signals[1], keeper->hangup, keeper->tick,
                              keeper->renewal};

    /* First the server: its exchanges tell calls and evidence that they are gone. */
    aver_server_free(keeper->server);
    aver_calls_deinit(&keeper->calls);
    aver_evidence_free(keeper->evidence);
    aver_models_deinit(&keeper->models);
    aver_shared_files_deinit(&keeper->shared);
    aver_tls_free(keeper->tls);
    aver_keyring_free(keeper->keyring_next);
    aver_keyring_free(keeper->keyring);
    aver_vault_free(keeper->vault);
    aver_replay_free(keeper->replay);
    aver_bearer_free(keeper->bearer);
    aver_wipe(keeper->caller_key, sizeof(keeper->caller_key));
    aver_buf_deinit(&keeper->sealed);
    if (keeper->platform != NULL) {
        keeper->platform->close(keeper->tee);
    }
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (events[i] != NULL) {
            event_free(events[i]);
        }
    }
    if (keeper->base != NULL) {
        event_base_free(keeper->base);
    }
}
