/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

#include <string.h>

/*
 * COMP_WORDS is cut at "=" too: "--name=va" arrives as three words. _aver_kind is what the word to
 * complete is: a value of the option before it, if that takes one, or else an operand.
 */
static const char bash_begin[] =
    "# Completes aver, aver-node and aver-node-sim in bash; written by: aver completion bash\n"
    "\n"
    "_aver_reply() {\n"
    "    case $1 in\n"
    "    file)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$2\") ;;\n"
    "    folder)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -d -- \"$2\") ;;\n"
    "    any) COMPREPLY=() ;;\n"
    "    *) mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$2\") ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "# What begins with these words: the words that may follow.\n"
    "_aver_next() {\n"
    "    case $1 in\n";

static const char bash_describe[] =
    "    *) return 1 ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "# _aver_describe COMMAND PREVIOUS-WORD: sets options, operand, and kind if the previous word "
    "is\n"
    "# an option with a value.\n"
    "_aver_describe() {\n"
    "    case $1 in\n";

static const char bash_end[] =
    "    esac\n"
    "}\n"
    "\n"
    "_aver() {\n"
    "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local at=1 command='' words options='--help' operand=any kind=''\n"
    "    if [[ $current == '=' ]]; then\n"
    "        current=''\n"
    "    elif [[ $previous == '=' ]] && ((COMP_CWORD > 2)); then\n"
    "        previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    if [[ ${COMP_WORDS[0]##*/} == aver-node* ]]; then\n"
    "        command=aver-node\n"
    "    else\n"
    "        if [[ ${COMP_WORDS[1]} == help ]] && ((COMP_CWORD > 1)); then\n"
    "            at=2\n"
    "        fi\n"
    "        while words=$(_aver_next \"$command\"); do\n"
    "            if ((at >= COMP_CWORD)); then\n"
    "                _aver_reply \"$words\" \"$current\"\n"
    "                return\n"
    "            fi\n"
    "            command+=${command:+ }${COMP_WORDS[at]}\n"
    "            at=$((at + 1))\n"
    "        done\n"
    "    fi\n"
    "    _aver_describe \"$command\" \"$previous\"\n"
    "    if [[ -n $kind ]]; then\n"
    "        _aver_reply \"$kind\" \"$current\"\n"
    "    elif [[ $current == -* ]]; then\n"
    "        _aver_reply \"$options\" \"$current\"\n"
    "    else\n"
    "        _aver_reply \"$operand\" \"$current\"\n"
    "    fi\n"
    "}\n"
    "\n"
    "complete -F _aver aver aver-node aver-node-sim\n";

static const char *bash_kind(const char *value, char ret_words[static AVER_COMPLETION_WORDS_BYTES])
{
    switch (aver_completion_kind_of(value, ret_words)) {
    case AVER_COMPLETION_FILE:
        return "file";
    case AVER_COMPLETION_FOLDER:
        return "folder";
    case AVER_COMPLETION_WORDS:
        return ret_words;
    case AVER_COMPLETION_ANY:
        break;
    }
    return "any";
}

static void bash_word(void *context, const char *word, const char *summary)
{
    (void)summary;
    (void)fprintf(context, " %s", word);
}

static void bash_no_word(void *context, const char *word, const char *summary)
{
    (void)context;
    (void)word;
    (void)summary;
}

static void bash_first(void *context, const char *word, const char *summary)
{
    (void)summary;
    if (aver_completion_each(word, bash_no_word, NULL)) {
        (void)fprintf(context, "    %s) echo", word);
        (void)aver_completion_each(word, bash_word, context);
        (void)fprintf(context, " ;;\n");
    }
}

static void bash_next(FILE *out)
{
    (void)fprintf(out, "    '') echo help version");
    (void)aver_completion_each("", bash_word, out);
    (void)fprintf(out, " ;;\n");
    (void)aver_completion_each("", bash_first, out);
}

static void bash_options(FILE *out, const char *name, const char *operands,
                         const aver_option *options)
{
    char words[AVER_COMPLETION_WORDS_BYTES];
    bool has_help = false;

    (void)fprintf(out, "    '%s')\n        operand='%s'\n        options='", name,
                  bash_kind(operands, words));
    for (const aver_option *option = options; option->name != NULL; option++) {
        (void)fprintf(out, "--%s ", option->name);
        has_help = has_help || strcmp(option->name, "help") == 0;
    }
    (void)fprintf(out, "%s'\n        case $2 in\n", has_help ? "" : "--help");
    for (const aver_option *option = options; option->name != NULL; option++) {
        if (option->value == NULL) {
            continue;
        }
        (void)fprintf(out, "        --%s", option->name);
        if (option->letter != 0) {
            (void)fprintf(out, " | -%c", option->letter);
        }
        (void)fprintf(out, ") kind='%s' ;;\n", bash_kind(option->value, words));
    }
    (void)fprintf(out, "        esac ;;\n");
}

void aver_completion_bash(FILE *out)
{
    (void)fputs(bash_begin, out);
    bash_next(out);
    (void)fputs(bash_describe, out);
    for (const aver_command *const *at = aver_cli_commands(); *at != NULL; at++) {
        bash_options(out, (*at)->name, (*at)->operands, (*at)->options);
    }
    bash_options(out, "aver-node", "", aver_completion_node_options());
    (void)fputs(bash_end, out);
}
