/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_OPTIONS_H
#define AVER_NODE_OPTIONS_H

/*
 * options: the command line of a node, and the configuration file that it names. A setting of the
 * file holds unless the command line has an option of that name.
 * Ownership: strings point into argv or into the text of the file, which the options own.
 */

#include "aver/receipt.h"
#include "base/log.h"
#include "engine/engine.h"
#include "node/config_file.h"
#include "node/model_option.h"
#include "tee/tee.h"

#define AVER_NODE_LISTENERS_MAX    8
#define AVER_NODE_QUEUE_MAX        4096
#define AVER_NODE_MODELS_MAX       AVER_KEYSET_MODELS_MAX
#define AVER_NODE_SERVER_NAMES_MAX 12

/* What differs between the programs that are built from the same main. */
typedef struct aver_node_build {
    const char *program;                       /* "aver-node" */
    const aver_tee_platform *const *platforms; /* NULL-terminated */
    const char *engine_option; /* name of the option that runs another engine program, NULL: there
                                  is none */
    const char *platform_help; /* what --platform takes beside the names */
} aver_node_build;

typedef struct aver_node_options {
    aver_model_option models[AVER_NODE_MODELS_MAX]; /* at least one */
    size_t models_count;
    const char *model_name; /* of the only one; NULL: from its option or its file */
    uint64_t memory_bytes;  /* for the models that are loaded, 0: no limit */
    const char *listen[AVER_NODE_LISTENERS_MAX];
    size_t listen_count;
    const char *platform; /* NAME[:options], NULL: the only one that opens */
    aver_profile profile;
    uint32_t slots;
    uint32_t context_tokens; /* 0: the engine's choice, as in the next two */
    uint32_t threads;
    bool pin; /* each engine thread stays on a core of its own */
    uint32_t batch_tokens;
    uint32_t queue;
    const char *shared_prefixes[AVER_ENGINE_SHARED_MAX]; /* files */
    size_t shared_count;
    const char *token_file;
    uint8_t operator_address[20];
    const char *name;
    bool single_process;
    uint32_t receipts_max;
    uint32_t seal_uses; /* sealed requests before the seal key is replaced */
    bool log_json;
    aver_log_level log_level;
    const char *ready_file;
    const char *server_names[AVER_NODE_SERVER_NAMES_MAX];
    size_t server_names_count;
    const char *csr;         /* NULL: none is written */
    const char *certificate; /* NULL: the node's own */
    const char *engine_program;
    aver_node_config config; /* empty without a file */
} aver_node_options;

typedef enum aver_options_outcome {
    AVER_OPTIONS_RUN = 1,
    AVER_OPTIONS_SHOWN = 2, /* help or version was printed */
    AVER_OPTIONS_WRONG = 3, /* words were printed on standard error */
} aver_options_outcome;

aver_options_outcome aver_node_options_parse(const aver_node_build *build, int argc,
                                             char *const *argv, aver_node_options *ret_options);
void aver_node_options_deinit(aver_node_options *options);

#endif
