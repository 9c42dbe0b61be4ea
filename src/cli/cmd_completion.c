/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

#include "base/check.h"
#include "node/option_table.h"

#include <string.h>

#define COMPLETION_NODE_OPTIONS_MAX 64
#define COMPLETION_WORD_BYTES       32

static bool completion_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '|';
}

/* "a|b|c" with nothing but small letters, digits and dashes. */
static bool completion_words(const char *value, char *ret_words)
{
    size_t size = strlen(value);

    if (size >= AVER_COMPLETION_WORDS_BYTES || strchr(value, '|') == NULL) {
        return false;
    }
    for (size_t i = 0; i <= size; i++) {
        if (value[i] != '\0' && !completion_word_byte(value[i])) {
            return false;
        }
        ret_words[i] = '\0';
        if (value[i] != '\0') {
            ret_words[i] = value[i] == '|' ? ' ' : value[i];
        }
    }
    return true;
}

aver_completion_kind aver_completion_kind_of(const char *value,
                                             char ret_words[static AVER_COMPLETION_WORDS_BYTES])
{
    char words[AVER_COMPLETION_WORDS_BYTES];

    if (value == NULL) {
        return AVER_COMPLETION_ANY;
    }
    if (completion_words(value, words)) {
        memcpy(ret_words, words, sizeof(words));
        return AVER_COMPLETION_WORDS;
    }
    if (strstr(value, "FILE") != NULL || strstr(value, "PATH") != NULL ||
        strstr(value, "PROGRAM") != NULL) {
        return AVER_COMPLETION_FILE;
    }
    return strstr(value, "DIR") != NULL ? AVER_COMPLETION_FOLDER : AVER_COMPLETION_ANY;
}

bool aver_completion_each(const char *first,
                          void (*tell)(void *context, const char *word, const char *summary),
                          void *context)
{
    char last[COMPLETION_WORD_BYTES] = "";
    size_t first_size = strlen(first);
    bool any = false;

    for (const aver_command *const *at = aver_cli_commands(); *at != NULL; at++) {
        const char *name = (*at)->name;
        char word[COMPLETION_WORD_BYTES];

        if (first_size > 0) {
            if (strncmp(name, first, first_size) != 0 || name[first_size] != ' ') {
                continue;
            }
            name += first_size + 1;
        }
        size_t size = strcspn(name, " ");
        AVER_ASSERT(size < sizeof(word));
        memcpy(word, name, size);
        word[size] = '\0';
        /* Commands of one first word stand together in the table. */
        if (strcmp(word, last) != 0) {
            tell(context, word, name[size] == '\0' ? (*at)->summary : "commands of this name");
        }
        memcpy(last, word, sizeof(word));
        any = true;
    }
    return any;
}

const aver_option *aver_completion_node_options(void)
{
    static aver_option options[COMPLETION_NODE_OPTIONS_MAX];
    size_t count = 0;

    for (const aver_node_option *at = aver_node_option_table; at->name != NULL; at++) {
        AVER_ASSERT(count + 1 < COMPLETION_NODE_OPTIONS_MAX);
        options[count++] = (aver_option){.name = at->name, .value = at->value, .help = at->help};
    }
    options[count] = (aver_option){.name = NULL};
    return options;
}

static aver_exit completion_run(aver_cli *cli, const aver_args *args)
{
    static const struct {
        const char *name;
        void (*write)(FILE *out);
    } shells[] = {{"bash", aver_completion_bash},
                  {"zsh", aver_completion_zsh},
                  {"fish", aver_completion_fish}};

    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(args->operands[0], shells[i].name) == 0) {
            shells[i].write(cli->out.file);
            return AVER_EXIT_DONE;
        }
    }
    return aver_cli_fail(cli, AVER_EXIT_USAGE, "the shells known are bash, zsh and fish");
}

static const aver_option completion_options[] = {
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_completion = {
    .name = "completion",
    .operands = "bash|zsh|fish",
    .summary = "write the script that completes command lines in a shell",
    .options = completion_options,
    .notes = "Packages install it. Otherwise: source <(aver completion bash), or for fish:\n"
             "aver completion fish | source\n",
    .operands_min = 1,
    .operands_max = 1,
    .run = completion_run,
};
