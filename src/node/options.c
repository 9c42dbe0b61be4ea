/* SPDX-License-Identifier: Apache-2.0 */
#include "node/options.h"

#include "codec/text.h"
#include "engine/engine.h"
#include "node/replay.h"
#include "node/vault.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_DEFAULT_LISTEN "tcp:127.0.0.1:8000"
#define OPTIONS_THREADS_MAX    1024
#define OPTIONS_CONTEXT_MAX    AVER_JOB_TOKENS_MAX
#define OPTIONS_BATCH_MAX      65536
#define OPTIONS_COUNT_MAX      24

enum {
    OPTION_MODEL = 256,
    OPTION_MODEL_NAME,
    OPTION_LISTEN,
    OPTION_PLATFORM,
    OPTION_PROFILE,
    OPTION_SLOTS,
    OPTION_CONTEXT,
    OPTION_THREADS,
    OPTION_BATCH,
    OPTION_QUEUE,
    OPTION_TOKEN_FILE,
    OPTION_OPERATOR,
    OPTION_NAME,
    OPTION_SINGLE_PROCESS,
    OPTION_RECEIPTS_MAX,
    OPTION_SEAL_USES,
    OPTION_LOG,
    OPTION_LOG_LEVEL,
    OPTION_READY_FILE,
    OPTION_ENGINE,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option options_table[] = {
    {"model", required_argument, NULL, OPTION_MODEL},
    {"model-name", required_argument, NULL, OPTION_MODEL_NAME},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"platform", required_argument, NULL, OPTION_PLATFORM},
    {"profile", required_argument, NULL, OPTION_PROFILE},
    {"slots", required_argument, NULL, OPTION_SLOTS},
    {"context", required_argument, NULL, OPTION_CONTEXT},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"batch", required_argument, NULL, OPTION_BATCH},
    {"queue", required_argument, NULL, OPTION_QUEUE},
    {"token-file", required_argument, NULL, OPTION_TOKEN_FILE},
    {"operator", required_argument, NULL, OPTION_OPERATOR},
    {"name", required_argument, NULL, OPTION_NAME},
    {"single-process", no_argument, NULL, OPTION_SINGLE_PROCESS},
    {"receipts-max", required_argument, NULL, OPTION_RECEIPTS_MAX},
    {"seal-uses", required_argument, NULL, OPTION_SEAL_USES},
    {"log", required_argument, NULL, OPTION_LOG},
    {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
    {"ready-file", required_argument, NULL, OPTION_READY_FILE},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
};

static const char options_help[] =
    "Serves a model inside a trusted execution environment; every answer carries a signed "
    "receipt.\n"
    "\n"
    "  --model FILE           GGUF model (required)\n"
    "  --model-name NAME      name that requests give; default: the one in the file\n"
    "  --listen ADDRESS       tcp:HOST:PORT (TLS 1.3), unix:PATH, vsock:PORT; may be repeated;\n"
    "                         default " OPTIONS_DEFAULT_LISTEN "; port 0 takes a free one\n"
    "  --platform NAME[:OPTIONS]  what gives evidence; default: the only one that this machine "
    "has\n"
    "  --profile verified|fast    verified (default): answers can be re-checked bit for bit\n"
    "  --slots N              answers at once, 1 to 256; default 4\n"
    "  --queue N              requests that may wait beyond them, 0 to 4096; default 64\n"
    "  --context N            tokens of context for each answer; default: the model's, at most "
    "4096\n"
    "  --batch N              tokens of one engine step at most; default 512\n"
    "  --threads N            threads of the engine; default: cores less one\n"
    "  --token-file FILE      bearer tokens that may ask, one a line; default: everyone may\n"
    "  --operator 0xADDRESS   address of the operator, part of the node's id\n"
    "  --name TEXT            name of this node among the operator's; default \"node\"\n"
    "  --single-process       the engine runs inside the keeper (platforms without processes)\n"
    "  --receipts-max N       receipts that can be fetched again, 1 to 65536; default 65536\n"
    "  --seal-uses N          sealed requests before the seal key is replaced, 16 to 16777216;\n"
    "                         default 4194304\n"
    "  --log text|json        form of the log on standard error; default text\n"
    "  --log-level debug|info|warn|error   default info\n"
    "  --ready-file FILE      written when the node serves: pid, addresses and ids as JSON\n"
    "  --help, --version\n"
    "\n"
    "Signals: SIGTERM or SIGINT ends after the answers that run, at most 30 s; a second one at "
    "once.\n"
    "Exit status: 0 ended as asked, 1 failure, 2 usage, or nothing here can give evidence.\n";

typedef struct options_reader {
    const aver_node_build *build;
    aver_node_options *options;
    const char *value;
    const char *name;
} options_reader;

static bool options_wrong(const options_reader *reader, const char *want)
{
    (void)fprintf(stderr, "%s: --%s wants %s, not \"%s\"\n", reader->build->program, reader->name,
                  want, reader->value);
    return false;
}

static bool options_number(const options_reader *reader, uint32_t minimum, uint32_t maximum,
                           uint32_t *ret_value)
{
    char want[64];
    char *end;

    errno = 0;
    unsigned long value = strtoul(reader->value, &end, 10);
    if (errno != 0 || end == reader->value || *end != '\0' || reader->value[0] == '-' ||
        value < minimum || value > maximum) {
        (void)snprintf(want, sizeof(want), "a number from %u to %u", minimum, maximum);
        return options_wrong(reader, want);
    }
    *ret_value = (uint32_t)value;
    return true;
}

/* The index of the value in a NULL-terminated list. */
static bool options_choice(const options_reader *reader, const char *const *names, const char *want,
                           uint32_t *ret_index)
{
    for (uint32_t i = 0; names[i] != NULL; i++) {
        if (strcmp(reader->value, names[i]) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return options_wrong(reader, want);
}

static bool options_operator(const options_reader *reader)
{
    const char *hex = reader->value;

    if (strncmp(hex, "0x", 2) != 0 ||
        aver_hex_decode(aver_view_text(hex + 2), reader->options->operator_address, 20) !=
            AVER_OK) {
        return options_wrong(reader, "0x and 40 hex digits");
    }
    return true;
}

static bool options_listen(const options_reader *reader)
{
    aver_node_options *options = reader->options;

    if (options->listen_count == AVER_NODE_LISTENERS_MAX) {
        return options_wrong(reader, "to be given at most 8 times");
    }
    options->listen[options->listen_count++] = reader->value;
    return true;
}

static bool options_text(const options_reader *reader, const char **ret_text)
{
    aver_view text = aver_view_text(reader->value);

    if (text.size == 0 || text.size >= AVER_NAME_BYTES_MAX || !aver_utf8_valid(text)) {
        return options_wrong(reader, "a name of 1 to 127 bytes of UTF-8");
    }
    *ret_text = reader->value;
    return true;
}

static bool options_words(const options_reader *reader, int option)
{
    static const char *const profiles[] = {"verified", "fast", NULL};
    static const char *const forms[] = {"text", "json", NULL};
    static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
    aver_node_options *options = reader->options;
    uint32_t index = 0;
    bool good;

    if (option == OPTION_PROFILE) {
        good = options_choice(reader, profiles, "verified or fast", &index);
        options->profile = index == 0 ? AVER_PROFILE_VERIFIED : AVER_PROFILE_FAST;
    } else if (option == OPTION_LOG) {
        good = options_choice(reader, forms, "text or json", &index);
        options->log_json = index == 1;
    } else {
        good = options_choice(reader, levels, "debug, info, warn or error", &index);
        options->log_level = (aver_log_level)(AVER_LOG_DEBUG + (int)index);
    }
    return good;
}

static bool options_numbers(const options_reader *reader, int option)
{
    aver_node_options *options = reader->options;

    switch (option) {
    case OPTION_SLOTS:
        return options_number(reader, 1, AVER_ENGINE_SLOTS_MAX, &options->slots);
    case OPTION_CONTEXT:
        return options_number(reader, 32, OPTIONS_CONTEXT_MAX, &options->context_tokens);
    case OPTION_THREADS:
        return options_number(reader, 1, OPTIONS_THREADS_MAX, &options->threads);
    case OPTION_BATCH:
        return options_number(reader, 16, OPTIONS_BATCH_MAX, &options->batch_tokens);
    case OPTION_QUEUE:
        return options_number(reader, 0, AVER_ENGINE_WAITING_MAX, &options->queue);
    case OPTION_SEAL_USES:
        return options_number(reader, AVER_REPLAY_USES_MIN, AVER_REPLAY_USES_MAX,
                              &options->seal_uses);
    default:
        return options_number(reader, 1, AVER_VAULT_ENTRIES_MAX, &options->receipts_max);
    }
}

static bool options_one(const options_reader *reader, int option)
{
    aver_node_options *options = reader->options;

    switch (option) {
    case OPTION_MODEL:
        options->model_path = reader->value;
        return true;
    case OPTION_MODEL_NAME:
        return options_text(reader, &options->model_name);
    case OPTION_LISTEN:
        return options_listen(reader);
    case OPTION_PLATFORM:
        options->platform = reader->value;
        return true;
    case OPTION_TOKEN_FILE:
        options->token_file = reader->value;
        return true;
    case OPTION_OPERATOR:
        return options_operator(reader);
    case OPTION_NAME:
        return options_text(reader, &options->name);
    case OPTION_SINGLE_PROCESS:
        options->single_process = true;
        return true;
    case OPTION_READY_FILE:
        options->ready_file = reader->value;
        return true;
    case OPTION_ENGINE:
        options->engine_program = reader->value;
        return true;
    case OPTION_PROFILE:
    case OPTION_LOG:
    case OPTION_LOG_LEVEL:
        return options_words(reader, option);
    default:
        return options_numbers(reader, option);
    }
}

static void options_show_help(const aver_node_build *build)
{
    (void)printf("usage: %s --model FILE [options]\n\n%s", build->program, options_help);
    (void)printf("\nPlatforms in this program:");
    for (size_t i = 0; build->platforms[i] != NULL; i++) {
        (void)printf(" %s", build->platforms[i]->name);
    }
    (void)printf("%s\n", build->platforms[0] == NULL ? " none" : "");
    if (build->platform_help != NULL) {
        (void)printf("%s\n", build->platform_help);
    }
}

static aver_options_outcome options_complete(const aver_node_build *build,
                                             aver_node_options *options)
{
    if (options->model_path == NULL) {
        (void)fprintf(stderr, "%s: --model FILE is missing; see --help\n", build->program);
        return AVER_OPTIONS_WRONG;
    }
    if (options->listen_count == 0) {
        options->listen[options->listen_count++] = OPTIONS_DEFAULT_LISTEN;
    }
    return AVER_OPTIONS_RUN;
}

aver_options_outcome aver_node_options_parse(const aver_node_build *build, int argc,
                                             char *const *argv, aver_node_options *ret_options)
{
    struct option table[OPTIONS_COUNT_MAX] = {0};
    aver_node_options options = {.profile = AVER_PROFILE_VERIFIED,
                                 .slots = 4,
                                 .queue = 64,
                                 .name = "node",
                                 .receipts_max = AVER_VAULT_ENTRIES_MAX,
                                 .seal_uses = AVER_REPLAY_USES_DEFAULT,
                                 .log_level = AVER_LOG_INFO};
    options_reader reader = {.build = build, .options = &options};
    int index = 0;
    int option;

    memcpy(table, options_table, sizeof(options_table));
    if (build->engine_option != NULL) {
        table[sizeof(options_table) / sizeof(options_table[0])] =
            (struct option){build->engine_option, required_argument, NULL, OPTION_ENGINE};
    }
    optind = 1;
    while ((option = getopt_long(argc, argv, "", table, &index)) >= 0) {
        reader.value = optarg;
        reader.name = table[index].name;
        if (option == OPTION_HELP) {
            options_show_help(build);
            return AVER_OPTIONS_SHOWN;
        }
        if (option == OPTION_VERSION) {
            (void)printf("%s %s\n", build->program, AVER_VERSION);
            return AVER_OPTIONS_SHOWN;
        }
        if (option == '?') {
            (void)fprintf(stderr, "%s: see --help\n", build->program);
            return AVER_OPTIONS_WRONG;
        }
        if (!options_one(&reader, option)) {
            return AVER_OPTIONS_WRONG;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "%s: \"%s\" is no option; see --help\n", build->program,
                      argv[optind]);
        return AVER_OPTIONS_WRONG;
    }
    aver_options_outcome outcome = options_complete(build, &options);
    if (outcome == AVER_OPTIONS_RUN) {
        *ret_options = options;
    }
    return outcome;
}
