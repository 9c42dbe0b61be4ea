/* SPDX-License-Identifier: Apache-2.0 */
#include "node/option_table.h"

#include <stdio.h>
#include <string.h>

#define TABLE_COLUMNS 25 /* where the help begins */

const aver_node_option aver_node_option_table[] = {
    {"config", "FILE", AVER_OPTION_CONFIG, AVER_OPTION_COMMAND,
     "settings, one \"name = value\" a line, named as these options;\n"
     "what the command line gives replaces what the file says"},
    {"model", "FILE[,SETTING]...", AVER_OPTION_MODEL, AVER_OPTION_REPEATS,
     "GGUF model (required); may be repeated, at most 64. Settings of its\n"
     "own: name=NAME, context=N, slots=N, lora=FILE[:SCALE] (an adapter,\n"
     "at most 8); a comma inside one is written twice"},
    {"model-name", "NAME", AVER_OPTION_MODEL_NAME, AVER_OPTION_ONCE,
     "name that requests give for the only model; default: from the file"},
    {"memory", "SIZE", AVER_OPTION_MEMORY, AVER_OPTION_ONCE,
     "bytes (K, M, G, T) for weights and engines of the models that are\n"
     "loaded; the others wait until they are asked for; default: all stay"},
    {"listen", "ADDRESS", AVER_OPTION_LISTEN, AVER_OPTION_REPEATS,
     "tcp:HOST:PORT (TLS 1.3), unix:PATH, vsock:PORT; may be repeated;\n"
     "default tcp:127.0.0.1:8000; port 0 takes a free one"},
    {"server-name", "NAME", AVER_OPTION_SERVER_NAME, AVER_OPTION_REPEATS,
     "host or address that clients reach the node by, for its certificate,\n"
     "besides localhost, 127.0.0.1 and ::1; may be repeated"},
    {"csr", "FILE", AVER_OPTION_CSR, AVER_OPTION_ONCE,
     "written at start: a certificate request for the node's TLS key and its\n"
     "server names, for a CA"},
    {"certificate", "FILE", AVER_OPTION_CERTIFICATE, AVER_OPTION_ONCE,
     "what the CA issued, PEM with its chain; served once its key is the\n"
     "node's TLS key; read again when it changes, and at SIGHUP"},
    {"platform", "NAME[:OPTIONS]", AVER_OPTION_PLATFORM, AVER_OPTION_ONCE,
     "what gives evidence; default: the only one that this machine has"},
    {"profile", "verified|fast", AVER_OPTION_PROFILE, AVER_OPTION_ONCE,
     "verified (default): answers can be re-checked bit for bit"},
    {"slots", "N", AVER_OPTION_SLOTS, AVER_OPTION_ONCE, "answers at once, 1 to 256; default 4"},
    {"queue", "N", AVER_OPTION_QUEUE, AVER_OPTION_ONCE,
     "requests that may wait beyond them, 0 to 4096; default 64"},
    {"context", "N", AVER_OPTION_CONTEXT, AVER_OPTION_ONCE,
     "tokens of context for each answer; default: the model's, at most 4096"},
    {"batch", "N", AVER_OPTION_BATCH, AVER_OPTION_ONCE,
     "tokens of one engine step at most; default 256"},
    {"threads", "N", AVER_OPTION_THREADS, AVER_OPTION_ONCE,
     "threads of the engine; default: all cores, of more than four all but one"},
    {"pin", "auto|on|off", AVER_OPTION_PIN, AVER_OPTION_ONCE,
     "on: each engine thread stays on a core of its own; default auto, which\n"
     "is off: a pinned thread cannot leave a core that others use"},
    {"shared-prefix", "FILE", AVER_OPTION_SHARED_PREFIX, AVER_OPTION_REPEATS,
     "public text, such as a system message, that the prompts of all callers\n"
     "may begin with and which is then read once for all; at most 8"},
    {"token-file", "FILE", AVER_OPTION_TOKEN_FILE, AVER_OPTION_ONCE,
     "bearer tokens that may ask, one a line; default: everyone may"},
    {"operator", "0xADDRESS", AVER_OPTION_OPERATOR, AVER_OPTION_ONCE,
     "address of the operator, part of the node's id"},
    {"name", "TEXT", AVER_OPTION_NAME, AVER_OPTION_ONCE,
     "name of this node among the operator's; default \"node\""},
    {"single-process", NULL, AVER_OPTION_SINGLE_PROCESS, AVER_OPTION_ONCE,
     "the engine runs inside the keeper (platforms without processes)"},
    {"receipts-max", "N", AVER_OPTION_RECEIPTS_MAX, AVER_OPTION_ONCE,
     "receipts that can be fetched again, 1 to 65536; default 65536"},
    {"seal-uses", "N", AVER_OPTION_SEAL_USES, AVER_OPTION_ONCE,
     "sealed requests before the seal key is replaced, 16 to 16777216;\n"
     "default 4194304"},
    {"log", "text|json", AVER_OPTION_LOG, AVER_OPTION_ONCE,
     "form of the log on standard error; default text"},
    {"log-level", "debug|info|warn|error", AVER_OPTION_LOG_LEVEL, AVER_OPTION_ONCE,
     "what is logged at all; default info"},
    {"ready-file", "FILE", AVER_OPTION_READY_FILE, AVER_OPTION_ONCE,
     "written when the node serves: pid, addresses and ids as JSON"},
    {"help", NULL, AVER_OPTION_HELP, AVER_OPTION_COMMAND, "shows this"},
    {"version", NULL, AVER_OPTION_VERSION, AVER_OPTION_COMMAND, "shows the version"},
    {NULL, NULL, AVER_OPTION_HELP, AVER_OPTION_COMMAND, NULL},
};

static void table_print_help(const char *help, int column)
{
    if (column >= TABLE_COLUMNS) {
        (void)putchar('\n');
        column = 0;
    }
    for (const char *at = help; at != NULL;) {
        size_t size = strcspn(at, "\n");

        (void)printf("%*s%.*s\n", TABLE_COLUMNS - column, "", (int)size, at);
        column = 0;
        at = at[size] == '\n' ? at + size + 1 : NULL;
    }
}

void aver_node_option_table_print(void)
{
    for (const aver_node_option *option = aver_node_option_table; option->name != NULL; option++) {
        int column = printf("  --%s%s%s", option->name, option->value != NULL ? " " : "",
                            option->value != NULL ? option->value : "");

        table_print_help(option->help, column);
    }
}
