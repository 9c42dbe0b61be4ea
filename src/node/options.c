/* SPDX-License-Identifier: Apache-2.0 */
#include "node/options.h"

#include "base/check.h"
#include "codec/text.h"
#include "engine/engine.h"
#include "net/tls.h"
#include "node/option_table.h"
#include "node/replay.h"
#include "node/vault.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_DEFAULT_LISTEN "tcp:127.0.0.1:8000" /* as the table's help says */
#define OPTIONS_THREADS_MAX    1024
#define OPTIONS_CONTEXT_MAX    AVER_JOB_TOKENS_MAX
#define OPTIONS_BATCH_MAX      65536
#define OPTIONS_COUNT_MAX      64
#define OPTIONS_WHERE_BYTES    256

static const char options_help_end[] =
    "\n"
    "Signals: SIGTERM or SIGINT ends after the answers that run, at most 30 s; a second one at "
    "once.\n"
    "Exit status: 0 ended as asked, 1 failure, 2 usage, or nothing here can give evidence.\n";

typedef struct options_reader {
    const aver_node_build *build;
    aver_node_options *options;
    struct option table[OPTIONS_COUNT_MAX]; /* of getopt; each flag is NULL, each val an id */
    uint32_t given[OPTIONS_COUNT_MAX];      /* how often the command line has it */
    const char *value;
    const char *name;
    char where[OPTIONS_WHERE_BYTES]; /* "--", or file and line */
} options_reader;

static bool options_wrong(const options_reader *reader, const char *want)
{
    (void)fprintf(stderr, "%s: %s%s wants %s, not \"%s\"\n", reader->build->program, reader->where,
                  reader->name, want, reader->value);
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

static bool options_model(const options_reader *reader)
{
    aver_node_options *options = reader->options;
    char why[AVER_MODEL_OPTION_WHY_BYTES] = "out of memory";

    if (options->models_count == AVER_NODE_MODELS_MAX) {
        return options_wrong(reader, "to be given at most 64 times");
    }
    if (aver_model_option_parse(reader->value, &options->models[options->models_count], why) !=
        AVER_OK) {
        (void)fprintf(stderr, "%s: %s%s: %s\n", reader->build->program, reader->where, reader->name,
                      why);
        return false;
    }
    options->models_count++;
    return true;
}

static bool options_memory(const options_reader *reader)
{
    if (aver_size_parse(reader->value, &reader->options->memory_bytes) != AVER_OK) {
        return options_wrong(reader, "a number of bytes, with K, M, G or T after it or without");
    }
    return true;
}

static bool options_shared_prefix(const options_reader *reader)
{
    aver_node_options *options = reader->options;

    if (options->shared_count == AVER_ENGINE_SHARED_MAX) {
        return options_wrong(reader, "to be given at most 8 times");
    }
    options->shared_prefixes[options->shared_count++] = reader->value;
    return true;
}

static bool options_server_name(const options_reader *reader)
{
    aver_node_options *options = reader->options;

    if (!aver_tls_name_valid(reader->value)) {
        return options_wrong(reader, "the name of a host, or an address");
    }
    if (options->server_names_count == AVER_NODE_SERVER_NAMES_MAX) {
        return options_wrong(reader, "to be given at most 12 times");
    }
    options->server_names[options->server_names_count++] = reader->value;
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
    static const char *const pins[] = {"auto", "off", "on", NULL};
    static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
    aver_node_options *options = reader->options;
    uint32_t index = 0;
    bool good;

    if (option == AVER_OPTION_PROFILE) {
        good = options_choice(reader, profiles, "verified or fast", &index);
        options->profile = index == 0 ? AVER_PROFILE_VERIFIED : AVER_PROFILE_FAST;
    } else if (option == AVER_OPTION_PIN) {
        good = options_choice(reader, pins, "auto, on or off", &index);
        options->pin = index == 2;
    } else if (option == AVER_OPTION_LOG) {
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
    case AVER_OPTION_SLOTS:
        return options_number(reader, 1, AVER_ENGINE_SLOTS_MAX, &options->slots);
    case AVER_OPTION_CONTEXT:
        return options_number(reader, 32, OPTIONS_CONTEXT_MAX, &options->context_tokens);
    case AVER_OPTION_THREADS:
        return options_number(reader, 1, OPTIONS_THREADS_MAX, &options->threads);
    case AVER_OPTION_BATCH:
        return options_number(reader, 16, OPTIONS_BATCH_MAX, &options->batch_tokens);
    case AVER_OPTION_QUEUE:
        return options_number(reader, 0, AVER_NODE_QUEUE_MAX, &options->queue);
    case AVER_OPTION_SEAL_USES:
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
    case AVER_OPTION_MODEL:
        return options_model(reader);
    case AVER_OPTION_MEMORY:
        return options_memory(reader);
    case AVER_OPTION_MODEL_NAME:
        return options_text(reader, &options->model_name);
    case AVER_OPTION_LISTEN:
        return options_listen(reader);
    case AVER_OPTION_SERVER_NAME:
        return options_server_name(reader);
    case AVER_OPTION_CSR:
        options->csr = reader->value;
        return true;
    case AVER_OPTION_CERTIFICATE:
        options->certificate = reader->value;
        return true;
    case AVER_OPTION_PLATFORM:
        options->platform = reader->value;
        return true;
    case AVER_OPTION_SHARED_PREFIX:
        return options_shared_prefix(reader);
    case AVER_OPTION_TOKEN_FILE:
        options->token_file = reader->value;
        return true;
    case AVER_OPTION_OPERATOR:
        return options_operator(reader);
    case AVER_OPTION_NAME:
        return options_text(reader, &options->name);
    case AVER_OPTION_SINGLE_PROCESS:
        options->single_process = true;
        return true;
    case AVER_OPTION_READY_FILE:
        options->ready_file = reader->value;
        return true;
    case AVER_OPTION_ENGINE:
        options->engine_program = reader->value;
        return true;
    case AVER_OPTION_PROFILE:
    case AVER_OPTION_PIN:
    case AVER_OPTION_LOG:
    case AVER_OPTION_LOG_LEVEL:
        return options_words(reader, option);
    default:
        return options_numbers(reader, option);
    }
}

static void options_show_help(const aver_node_build *build)
{
    (void)printf("usage: %s --model FILE [options]\n\n"
                 "Serves a model inside a trusted execution environment; every answer carries a "
                 "signed receipt.\n\n",
                 build->program);
    aver_node_option_table_print();
    (void)printf("%s\nPlatforms in this program:", options_help_end);
    for (size_t i = 0; build->platforms[i] != NULL; i++) {
        (void)printf(" %s", build->platforms[i]->name);
    }
    (void)printf("%s\n", build->platforms[0] == NULL ? " none" : "");
    if (build->platform_help != NULL) {
        (void)printf("%s\n", build->platform_help);
    }
}

/* The table as getopt wants it, with the option that only some builds have. */
static void options_table_make(options_reader *reader)
{
    const aver_node_option *option = aver_node_option_table;
    size_t count = 0;

    for (; option->name != NULL; option++) {
        AVER_ASSERT(count + 2 < OPTIONS_COUNT_MAX);
        reader->table[count++] =
            (struct option){option->name, option->value != NULL ? required_argument : no_argument,
                            NULL, (int)option->id};
    }
    if (reader->build->engine_option != NULL) {
        reader->table[count] = (struct option){reader->build->engine_option, required_argument,
                                               NULL, AVER_OPTION_ENGINE};
    }
}

static bool options_show(const options_reader *reader, int option)
{
    if (option == AVER_OPTION_HELP) {
        options_show_help(reader->build);
    } else if (option == AVER_OPTION_VERSION) {
        (void)printf("%s %s\n", reader->build->program, AVER_VERSION);
    }
    return option == AVER_OPTION_HELP || option == AVER_OPTION_VERSION;
}

/* Which options the command line has, and the name of the configuration file. */
static aver_options_outcome options_scan(options_reader *reader, int argc, char *const *argv,
                                         const char **ret_config)
{
    const char *program = reader->build->program;
    int index = 0;
    int option;

    optind = 0;
    while ((option = getopt_long(argc, argv, "", reader->table, &index)) >= 0) {
        if (option == '?') {
            (void)fprintf(stderr, "%s: see --help\n", program);
            return AVER_OPTIONS_WRONG;
        }
        if (options_show(reader, option)) {
            return AVER_OPTIONS_SHOWN;
        }
        reader->given[index]++;
        if (option == AVER_OPTION_CONFIG) {
            *ret_config = optarg;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "%s: \"%s\" is no option; see --help\n", program, argv[optind]);
        return AVER_OPTIONS_WRONG;
    }
    return AVER_OPTIONS_RUN;
}

static bool options_command_line(options_reader *reader, int argc, char *const *argv)
{
    int index = 0;
    int option;

    (void)snprintf(reader->where, sizeof(reader->where), "--");
    optind = 0;
    while ((option = getopt_long(argc, argv, "", reader->table, &index)) >= 0) {
        reader->value = optarg;
        reader->name = reader->table[index].name;
        if (option != AVER_OPTION_CONFIG && !options_one(reader, option)) {
            return false;
        }
    }
    return true;
}

static const aver_node_option options_build_only = {
    .name = "", .value = "PROGRAM", .id = AVER_OPTION_ENGINE, .kind = AVER_OPTION_ONCE};

/* The row of a name, and its place in getopt's table; NULL for what no file may say. */
static const aver_node_option *options_find(const options_reader *reader, const char *name,
                                            size_t *ret_index)
{
    size_t count = 0;

    for (const aver_node_option *option = aver_node_option_table; option->name != NULL; option++) {
        if (strcmp(option->name, name) == 0 && option->kind != AVER_OPTION_COMMAND) {
            *ret_index = count;
            return option;
        }
        count++;
    }
    if (reader->build->engine_option != NULL && strcmp(reader->build->engine_option, name) == 0) {
        *ret_index = count;
        return &options_build_only;
    }
    return NULL;
}

/* seen: the lines of each name so far. */
static bool options_setting(options_reader *reader, const aver_node_setting *setting,
                            uint32_t *seen)
{
    size_t index = 0;
    const aver_node_option *option = options_find(reader, setting->name, &index);

    reader->name = setting->name;
    reader->value = setting->value;
    if (option == NULL) {
        (void)fprintf(stderr, "%s: %s\"%s\" is no setting of a file\n", reader->build->program,
                      reader->where, setting->name);
        return false;
    }
    if (++seen[index] > 1 && option->kind != AVER_OPTION_REPEATS) {
        return options_wrong(reader, "to be given once");
    }
    if (reader->given[index] > 0) {
        return true;
    }
    if (option->value == NULL) {
        static const char *const answers[] = {"no", "yes", NULL};
        uint32_t yes = 0;

        if (!options_choice(reader, answers, "yes or no", &yes)) {
            return false;
        }
        return yes == 0 || options_one(reader, (int)option->id);
    }
    return options_one(reader, (int)option->id);
}

/* Every line is read; one whose name the command line has is then set aside. */
static bool options_file(options_reader *reader, const char *path)
{
    aver_node_config *config = &reader->options->config;
    uint32_t seen[OPTIONS_COUNT_MAX] = {0};
    char why[AVER_NODE_CONFIG_WHY_BYTES];

    if (aver_node_config_open(path, config, why) != AVER_OK) {
        (void)fprintf(stderr, "%s: %s: %s\n", reader->build->program, path, why);
        return false;
    }
    for (size_t i = 0; i < config->count; i++) {
        (void)snprintf(reader->where, sizeof(reader->where), "%s: line %u: ", path,
                       config->settings[i].line);
        if (!options_setting(reader, &config->settings[i], seen)) {
            return false;
        }
    }
    return true;
}

static bool options_complete(const aver_node_build *build, aver_node_options *options)
{
    if (options->models_count == 0) {
        (void)fprintf(stderr, "%s: --model FILE is missing; see --help\n", build->program);
        return false;
    }
    if (options->model_name != NULL &&
        (options->models_count > 1 || options->models[0].name != NULL)) {
        (void)fprintf(stderr,
                      "%s: --model-name is for one model without a name: use --model "
                      "FILE,name=NAME\n",
                      build->program);
        return false;
    }
    if (options->listen_count == 0) {
        options->listen[options->listen_count++] = OPTIONS_DEFAULT_LISTEN;
    }
    return true;
}

aver_options_outcome aver_node_options_parse(const aver_node_build *build, int argc,
                                             char *const *argv, aver_node_options *ret_options)
{
    aver_node_options options = {.profile = AVER_PROFILE_VERIFIED,
                                 .slots = 4,
                                 .queue = 64,
                                 .name = "node",
                                 .receipts_max = AVER_VAULT_ENTRIES_MAX,
                                 .seal_uses = AVER_REPLAY_USES_DEFAULT,
                                 .log_level = AVER_LOG_INFO};
    options_reader reader = {.build = build, .options = &options};
    const char *config = NULL;

    options_table_make(&reader);
    aver_options_outcome outcome = options_scan(&reader, argc, argv, &config);
    if (outcome != AVER_OPTIONS_RUN) {
        return outcome;
    }
    if ((config != NULL && !options_file(&reader, config)) ||
        !options_command_line(&reader, argc, argv) || !options_complete(build, &options)) {
        aver_node_options_deinit(&options);
        return AVER_OPTIONS_WRONG;
    }
    *ret_options = options;
    return AVER_OPTIONS_RUN;
}

void aver_node_options_deinit(aver_node_options *options)
{
    for (size_t i = 0; i < options->models_count; i++) {
        aver_model_option_deinit(&options->models[i]);
    }
    options->models_count = 0;
    aver_node_config_deinit(&options->config);
}
