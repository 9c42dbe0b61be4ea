/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <string.h>

#define HELP_OPTION_COLUMNS 24

static const char help_exit_text[] =
    "exit codes:\n"
    "  0  accepted, or done\n"
    "  1  refused: a check failed, or one that the policy requires did not pass\n"
    "  2  usage: the command line, or a file of your own, is wrong\n"
    "  3  cannot judge\n"
    "  4  no connection, or a file could not be read or written\n"
    "  5  the node answered with an error\n";

const char *aver_help_exit_text(void)
{
    return help_exit_text;
}

static void help_command_lines(const aver_term *term, const char *prefix)
{
    size_t size = strlen(prefix);
    for (const aver_command *const *at = aver_cli_commands(); *at != NULL; at++) {
        if (strncmp((*at)->name, prefix, size) == 0) {
            aver_term_print(term, AVER_STYLE_ACCENT, "  %-16s", (*at)->name);
            aver_term_print(term, AVER_STYLE_PLAIN, "%s\n", (*at)->summary);
        }
    }
}

void aver_help_overview(const aver_term *term)
{
    aver_term_print(term, AVER_STYLE_STRONG, "aver");
    aver_term_print(term, AVER_STYLE_PLAIN,
                    " %s: AI answers that can be checked by whoever reads them\n\n"
                    "usage: aver COMMAND [options]\n"
                    "       aver help COMMAND\n\n",
                    AVER_VERSION);
    help_command_lines(term, "");
    aver_term_print(term, AVER_STYLE_PLAIN, "\n%s", help_exit_text);
    aver_term_print(term, AVER_STYLE_PLAIN,
                    "\nColour appears on terminals only; NO_COLOR=1 turns it off.\n");
}

static void help_option(const aver_term *term, const aver_option *option)
{
    char left[64];
    int size = snprintf(left, sizeof left, "%c%c%s --%s%s%s", option->letter != 0 ? '-' : ' ',
                        option->letter != 0 ? option->letter : ' ', option->letter != 0 ? "," : " ",
                        option->name, option->value != NULL ? " " : "",
                        option->value != NULL ? option->value : "");
    aver_term_print(term, AVER_STYLE_ACCENT, "  %-*s", HELP_OPTION_COLUMNS, left);
    if (size >= HELP_OPTION_COLUMNS) {
        aver_term_print(term, AVER_STYLE_PLAIN, "\n  %-*s", HELP_OPTION_COLUMNS, "");
    }
    aver_term_print(term, AVER_STYLE_PLAIN, "%s\n", option->help);
}

void aver_help_command(const aver_term *term, const aver_command *command)
{
    aver_term_print(term, AVER_STYLE_STRONG, "aver %s", command->name);
    aver_term_print(term, AVER_STYLE_PLAIN, ": %s\n\nusage: aver %s%s%s%s\n", command->summary,
                    command->name, command->options[0].name != NULL ? " [options]" : "",
                    command->operands[0] != '\0' ? " " : "", command->operands);
    if (command->options[0].name != NULL) {
        (void)fputc('\n', term->file);
    }
    for (const aver_option *option = command->options; option->name != NULL; option++) {
        help_option(term, option);
    }
    if (command->notes != NULL) {
        aver_term_print(term, AVER_STYLE_PLAIN, "\n%s", command->notes);
    }
    aver_term_print(term, AVER_STYLE_PLAIN, "\n%s", help_exit_text);
}

bool aver_help_topic(const aver_term *term, const char *name)
{
    if (strcmp(name, "exit") == 0) {
        aver_term_print(term, AVER_STYLE_PLAIN, "%s", help_exit_text);
        return true;
    }
    char prefix[32];
    int size = snprintf(prefix, sizeof prefix, "%s ", name);
    if (size < 2 || (size_t)size >= sizeof prefix) {
        return false;
    }
    for (const aver_command *const *at = aver_cli_commands(); *at != NULL; at++) {
        if (strncmp((*at)->name, prefix, (size_t)size) == 0) {
            aver_term_print(term, AVER_STYLE_PLAIN, "usage: aver %s COMMAND [options]\n\n", name);
            help_command_lines(term, prefix);
            return true;
        }
    }
    return false;
}
