/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

#include <string.h>

/* Text inside single quotes and inside a description of _arguments or _describe. */
static void zsh_text(FILE *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\'') {
            (void)fputs("'\\''", out);
        } else if (strchr("[]:\\", text[i]) != NULL) {
            (void)fprintf(out, "\\%c", text[i]);
        } else {
            (void)fputc(text[i], out);
        }
    }
}

/* The first line of a help, in a description. */
static void zsh_help(FILE *out, const char *help)
{
    zsh_text(out, help, strcspn(help, "\n"));
}

static void zsh_action(FILE *out, const char *value)
{
    char words[AVER_COMPLETION_WORDS_BYTES];

    switch (aver_completion_kind_of(value, words)) {
    case AVER_COMPLETION_FILE:
        (void)fputs("_files", out);
        break;
    case AVER_COMPLETION_FOLDER:
        (void)fputs("_files -/", out);
        break;
    case AVER_COMPLETION_WORDS:
        (void)fprintf(out, "(%s)", words);
        break;
    case AVER_COMPLETION_ANY:
        (void)fputc(' ', out);
        break;
    }
}

/* '--name=[help]:VALUE:action', and the same for the letter. */
static void zsh_option(FILE *out, const char *dashes, const char *name, const aver_option *option)
{
    (void)fprintf(out, " \\\n        '%s%s%s%s[", aver_option_repeats(option) ? "*" : "", dashes,
                  name, option->value == NULL ? "" : (dashes[1] == '-' ? "=" : "+"));
    zsh_help(out, option->help);
    (void)fputc(']', out);
    if (option->value != NULL) {
        (void)fputc(':', out);
        zsh_text(out, option->value, strlen(option->value));
        (void)fputc(':', out);
        zsh_action(out, option->value);
    }
    (void)fputc('\'', out);
}

static void zsh_options(FILE *out, const char *name, const char *operands,
                        const aver_option *options)
{
    (void)fprintf(out, "    '%s')\n        _arguments -s", name);
    for (const aver_option *option = options; option->name != NULL; option++) {
        const char letter[2] = {option->letter, '\0'};

        zsh_option(out, "--", option->name, option);
        if (option->letter != 0) {
            zsh_option(out, "-", letter, option);
        }
    }
    if (operands[0] != '\0') {
        (void)fputs(" \\\n        '*:", out);
        zsh_text(out, operands, strlen(operands));
        (void)fputc(':', out);
        zsh_action(out, operands);
        (void)fputc('\'', out);
    }
    (void)fputs(" ;;\n", out);
}

static void zsh_word(void *context, const char *word, const char *summary)
{
    (void)fprintf(context, " '%s:", word);
    zsh_help(context, summary);
    (void)fputc('\'', context);
}

static void zsh_no_word(void *context, const char *word, const char *summary)
{
    (void)context;
    (void)word;
    (void)summary;
}

static void zsh_first(void *context, const char *word, const char *summary)
{
    (void)summary;
    if (aver_completion_each(word, zsh_no_word, NULL)) {
        (void)fprintf(context, "    '%s') next=(", word);
        (void)aver_completion_each(word, zsh_word, context);
        (void)fputs(" ) ;;\n", context);
    }
}

void aver_completion_zsh(FILE *out)
{
    (void)fputs("#compdef aver aver-node aver-node-sim\n"
                "# Completes in zsh; written by: aver completion zsh\n"
                "\n"
                "_aver_next() {\n"
                "    next=()\n"
                "    case $1 in\n"
                "    '') next=( 'help:help of a command' 'version:the version'",
                out);
    (void)aver_completion_each("", zsh_word, out);
    (void)fputs(" ) ;;\n", out);
    (void)aver_completion_each("", zsh_first, out);
    (void)fputs("    esac\n"
                "    (( $#next ))\n"
                "}\n"
                "\n"
                "_aver() {\n"
                "    local command=''\n"
                "    local -a next\n"
                "    if [[ ${words[1]:t} == aver-node* ]]; then\n"
                "        command=aver-node\n"
                "    fi\n"
                "    if [[ ${words[2]} == help ]] && (( CURRENT > 2 )); then\n"
                "        shift words\n"
                "        (( CURRENT-- ))\n"
                "    fi\n"
                "    while _aver_next \"$command\"; do\n"
                "        if (( CURRENT == 2 )); then\n"
                "            _describe word next\n"
                "            return\n"
                "        fi\n"
                "        command+=${command:+ }${words[2]}\n"
                "        shift words\n"
                "        (( CURRENT-- ))\n"
                "    done\n"
                "    case $command in\n",
                out);
    for (const aver_command *const *at = aver_cli_commands(); *at != NULL; at++) {
        zsh_options(out, (*at)->name, (*at)->operands, (*at)->options);
    }
    zsh_options(out, "aver-node", "", aver_completion_node_options());
    (void)fputs("    esac\n"
                "}\n"
                "\n"
                "if [[ $funcstack[1] == _aver ]]; then\n"
                "    _aver \"$@\"\n"
                "else\n"
                "    compdef _aver aver aver-node aver-node-sim\n"
                "fi\n",
                out);
}
