/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

#include <string.h>

/* Where a list of words hangs: below which command. */
typedef struct fish_place {
    FILE *out;
    const char *first;
} fish_place;

static void fish_quoted(FILE *out, const char *text, size_t size)
{
    (void)fputc('\'', out);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\'' || text[i] == '\\') {
            (void)fputc('\\', out);
        }
        (void)fputc(text[i], out);
    }
    (void)fputc('\'', out);
}

static void fish_value(FILE *out, const char *value)
{
    char words[AVER_COMPLETION_WORDS_BYTES];

    switch (aver_completion_kind_of(value, words)) {
    case AVER_COMPLETION_FILE:
        (void)fputs(" -r -F", out);
        break;
    case AVER_COMPLETION_FOLDER:
        (void)fputs(" -x -a '(__fish_complete_directories)'", out);
        break;
    case AVER_COMPLETION_WORDS:
        (void)fprintf(out, " -x -a '%s'", words);
        break;
    case AVER_COMPLETION_ANY:
        (void)fputs(" -x", out);
        break;
    }
}

static void fish_options(FILE *out, const char *begin, const aver_option *options)
{
    for (const aver_option *option = options; option->name != NULL; option++) {
        (void)fprintf(out, "%s -l %s", begin, option->name);
        if (option->letter != 0) {
            (void)fprintf(out, " -s %c", option->letter);
        }
        if (option->value != NULL) {
            fish_value(out, option->value);
        }
        (void)fputs(" -d ", out);
        fish_quoted(out, option->help, strcspn(option->help, "\n"));
        (void)fputc('\n', out);
    }
}

static void fish_word(void *context, const char *word, const char *summary)
{
    const fish_place *place = context;

    (void)fprintf(place->out, "complete -c aver -n '__aver_is %s' -a %s -d ", place->first, word);
    fish_quoted(place->out, summary, strlen(summary));
    (void)fputc('\n', place->out);
}

static void fish_first(void *context, const char *word, const char *summary)
{
    const fish_place *place = context;
    fish_place below = {.out = place->out, .first = word};

    fish_word(context, word, summary);
    (void)aver_completion_each(word, fish_word, &below);
}

void aver_completion_fish(FILE *out)
{
    static const char *const nodes[] = {"complete -c aver-node", "complete -c aver-node-sim"};
    fish_place top = {.out = out, .first = ""};
    char words[AVER_COMPLETION_WORDS_BYTES];
    char begin[96];

    (void)fputs("# Completes aver, aver-node and aver-node-sim in fish; written by: "
                "aver completion fish\n"
                "\n"
                "function __aver_begins\n"
                "    set -l typed (commandline -opc)[2..]\n"
                "    test \"$typed[1]\" = help; and set -e typed[1]\n"
                "    for i in (seq (count $argv))\n"
                "        test \"$typed[$i]\" = \"$argv[$i]\"; or return 1\n"
                "    end\n"
                "    test \"$argv[-1]\" != ''\n"
                "end\n"
                "\n"
                "function __aver_is\n"
                "    set -l typed (commandline -opc)[2..]\n"
                "    test \"$typed[1]\" = help; and set -e typed[1]\n"
                "    test \"$typed\" = \"$argv\"\n"
                "end\n"
                "\n"
                "complete -c aver -f\n"
                "complete -c aver -n '__aver_is' -a 'help version'\n",
                out);
    (void)aver_completion_each("", fish_first, &top);
    for (const aver_command *const *at = aver_cli_commands(); *at != NULL; at++) {
        (void)snprintf(begin, sizeof(begin), "complete -c aver -n '__aver_begins %s'", (*at)->name);
        fish_options(out, begin, (*at)->options);
        if (aver_completion_kind_of((*at)->operands, words) == AVER_COMPLETION_FILE) {
            (void)fprintf(out, "complete -c aver -n '__aver_begins %s' -F\n", (*at)->name);
        }
    }
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        (void)fprintf(out, "%s -f\n", nodes[i]);
        fish_options(out, nodes[i], aver_completion_node_options());
    }
}
