/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manual_make SOURCES OUTPUT: the manual pages in mdoc, from the tables that --help is printed from
 * and from what stands in the folder SOURCES.
 *
 * Each command of aver gets the page OUTPUT/aver-COMMAND.1: name, synopsis, description, options
 * and exit status from its table, then SOURCES/aver-COMMAND.1.in (examples and the like) as it is.
 * Any other NAME.SECTION.in becomes a page in which these lines are replaced:
 *
 *   @COMMANDS@  list of the commands    @OPTIONS@   options of the node
 *   @EXIT@      exit status of aver     @SETTINGS@  the options that a configuration file may have
 */
#include "cli/cli.h"
#include "node/option_table.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MANUAL_DATE     "November 20, 2026"
#define MANUAL_PATH_MAX 1024
#define MANUAL_LINE_MAX 4096
#define MANUAL_NAME_MAX 64

static const char *manual_sources;
static const char *manual_output;

static void manual_fail(const char *path)
{
    (void)fprintf(stderr, "manual_make: %s: %s\n", path, strerror(errno));
    exit(1);
}

static FILE *manual_open(const char *folder, const char *name, const char *suffix, const char *mode)
{
    char path[MANUAL_PATH_MAX];
    int size = snprintf(path, sizeof path, "%s/%s%s", folder, name, suffix);

    FILE *file = size > 0 && (size_t)size < sizeof path ? fopen(path, mode) : NULL;
    if (file == NULL && (mode[0] == 'w' || errno != ENOENT)) {
        manual_fail(path);
    }
    return file;
}

/* Text of a line that is no macro line. */
static void manual_text(FILE *out, const char *text, size_t size)
{
    if (size > 0 && (text[0] == '.' || text[0] == '\'')) {
        (void)fputs("\\&", out);
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\\') {
            (void)fputs("\\e", out);
        } else if (text[i] == '-') {
            (void)fputs("\\-", out);
        } else {
            (void)fputc(text[i], out);
        }
    }
    (void)fputc('\n', out);
}

/* One argument of a macro. */
static void manual_argument(FILE *out, const char *text)
{
    (void)fputs(" \"", out);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            (void)fputs("\\(dq", out);
        } else if (*text == '-') {
            (void)fputs("\\-", out);
        } else if (*text == '\\') {
            (void)fputs("\\e", out);
        } else {
            (void)fputc(*text, out);
        }
    }
    (void)fputc('"', out);
}

static void manual_item(FILE *out, char letter, const char *name, const char *value)
{
    (void)fputs(".It", out);
    if (letter != 0) {
        (void)fprintf(out, " Fl %c ,", letter);
    }
    (void)fprintf(out, " Fl \\-%s", name);
    if (value != NULL) {
        (void)fputs(" Ar", out);
        manual_argument(out, value);
    }
    (void)fputc('\n', out);
}

/* Lines as they are; an empty one begins a paragraph, those that begin with a blank stay apart. */
static void manual_lines(FILE *out, const char *text)
{
    bool literal = false;

    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        bool indented = size > 0 && text[0] == ' ';

        if (indented != literal) {
            (void)fputs(indented ? ".Bd -literal -offset indent\n" : ".Ed\n", out);
            literal = indented;
        }
        if (size == 0) {
            (void)fputs(".Pp\n", out);
        } else {
            manual_text(out, text, size);
        }
        text += size + (text[size] == '\n' ? 1 : 0);
    }
    if (literal) {
        (void)fputs(".Ed\n", out);
    }
}

static void manual_head(FILE *out, const char *title, const char *section)
{
    (void)fprintf(out,
                  ".\\\" SPDX-License-Identifier: Apache-2.0\n"
                  ".Dd %s\n.Dt %s %s\n.Os aver\n",
                  MANUAL_DATE, title, section);
}

static void manual_options(FILE *out, const aver_option *options)
{
    if (options[0].name == NULL) {
        return;
    }
    (void)fputs(".Bl -tag -width Ds\n", out);
    for (const aver_option *option = options; option->name != NULL; option++) {
        manual_item(out, option->letter, option->name, option->value);
        manual_lines(out, option->help);
    }
    (void)fputs(".El\n", out);
}

static void manual_exit(FILE *out)
{
    (void)fputs(".Bl -tag -width Ds\n", out);
    for (const char *at = aver_help_exit_text(); *at != '\0';) {
        size_t size = strcspn(at, "\n");

        if (size > 5 && at[0] == ' ' && at[2] >= '0' && at[2] <= '9') {
            (void)fprintf(out, ".It %c\n", at[2]);
            manual_text(out, at + 5, size - 5);
        }
        at += size + (at[size] == '\n' ? 1 : 0);
    }
    (void)fputs(".El\n", out);
}

static void manual_node_options(FILE *out, bool file_only)
{
    (void)fputs(".Bl -tag -width Ds\n", out);
    for (const aver_node_option *at = aver_node_option_table; at->name != NULL; at++) {
        if (!file_only) {
            manual_item(out, 0, at->name, at->value);
        } else if (at->kind == AVER_OPTION_COMMAND) {
            continue;
        } else {
            (void)fputs(".It Cm", out);
            manual_argument(out, at->name);
            (void)fputs(" = Ar", out);
            manual_argument(out, at->value != NULL ? at->value : "yes|no");
            (void)fputc('\n', out);
        }
        manual_lines(out, at->help);
        if (file_only && at->kind == AVER_OPTION_REPEATS) {
            (void)fputs("May stand in several lines.\n", out);
        }
    }
    (void)fputs(".El\n", out);
}

/* "policy pin" as "aver-policy-pin". */
static void manual_command_name(const char *command, char ret_name[static MANUAL_NAME_MAX])
{
    (void)snprintf(ret_name, MANUAL_NAME_MAX, "aver-%s", command);
    for (char *at = ret_name; *at != '\0'; at++) {
        *at = *at == ' ' ? '-' : *at;
    }
}

static void manual_commands(FILE *out)
{
    char name[MANUAL_NAME_MAX];

    (void)fputs(".Bl -tag -width Ds\n", out);
    for (const aver_command *const *at = aver_cli_commands(); *at != NULL; at++) {
        manual_command_name((*at)->name, name);
        (void)fprintf(out, ".It Xr %s 1\n", name);
        manual_text(out, (*at)->summary, strlen((*at)->summary));
    }
    (void)fputs(".El\n", out);
}

static void manual_expand(FILE *out, const char *line)
{
    if (strcmp(line, "@COMMANDS@\n") == 0) {
        manual_commands(out);
    } else if (strcmp(line, "@OPTIONS@\n") == 0) {
        manual_node_options(out, false);
    } else if (strcmp(line, "@SETTINGS@\n") == 0) {
        manual_node_options(out, true);
    } else if (strcmp(line, "@EXIT@\n") == 0) {
        manual_exit(out);
    } else {
        (void)fputs(line, out);
    }
}

static void manual_copy(FILE *out, FILE *in)
{
    char line[MANUAL_LINE_MAX];

    while (fgets(line, sizeof line, in) != NULL) {
        manual_expand(out, line);
    }
}

static void manual_close(FILE *out, const char *name)
{
    bool good = ferror(out) == 0;

    if (fclose(out) != 0 || !good) {
        manual_fail(name);
    }
}

static void manual_command(const aver_command *command)
{
    char name[MANUAL_NAME_MAX];

    manual_command_name(command->name, name);
    FILE *out = manual_open(manual_output, name, ".1", "w");
    manual_head(out, name, "1");
    (void)fprintf(out, ".Sh NAME\n.Nm %s\n.Nd", name);
    manual_argument(out, command->summary);
    (void)fprintf(out, "\n.Sh SYNOPSIS\n.Nm aver %s\n", command->name);
    if (command->options[0].name != NULL) {
        (void)fputs(".Op Ar options\n", out);
    }
    if (command->operands[0] != '\0') {
        (void)fputs(".Ar", out);
        manual_argument(out, command->operands);
        (void)fputc('\n', out);
    }
    (void)fputs(".Sh DESCRIPTION\n", out);
    manual_lines(out, command->notes != NULL ? command->notes : command->summary);
    manual_options(out, command->options);
    (void)fputs(".Sh EXIT STATUS\n", out);
    manual_exit(out);
    FILE *rest = manual_open(manual_sources, name, ".1.in", "r");
    if (rest != NULL) {
        manual_copy(out, rest);
        (void)fclose(rest);
    }
    manual_close(out, name);
}

/* A page of its own, not the rest of a command's. */
static bool manual_is_page(const char *file)
{
    char name[MANUAL_NAME_MAX];
    size_t size = strlen(file);

    if (size < 5 || size >= sizeof name || strcmp(file + size - 3, ".in") != 0) {
        return false;
    }
    for (const aver_command *const *at = aver_cli_commands(); *at != NULL; at++) {
        manual_command_name((*at)->name, name);
        size_t stem = strlen(name);
        if (strncmp(file, name, stem) == 0 && strcmp(file + stem, ".1.in") == 0) {
            return false;
        }
    }
    return true;
}

static void manual_page(const char *file)
{
    char name[MANUAL_NAME_MAX];
    char title[MANUAL_NAME_MAX];

    (void)snprintf(name, sizeof name, "%.*s", (int)(strlen(file) - 3), file);
    (void)snprintf(title, sizeof title, "%.*s", (int)(strlen(name) - 2), name);
    FILE *in = manual_open(manual_sources, file, "", "r");
    FILE *out = manual_open(manual_output, name, "", "w");
    if (in == NULL) {
        manual_fail(file);
    }
    manual_head(out, title, name + strlen(name) - 1);
    manual_copy(out, in);
    (void)fclose(in);
    manual_close(out, name);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: manual_make SOURCES OUTPUT\n");
        return 2;
    }
    manual_sources = argv[1];
    manual_output = argv[2];
    for (const aver_command *const *at = aver_cli_commands(); *at != NULL; at++) {
        manual_command(*at);
    }
    DIR *folder = opendir(manual_sources);
    if (folder == NULL) {
        manual_fail(manual_sources);
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (manual_is_page(entry->d_name)) {
            manual_page(entry->d_name);
        }
    }
    (void)closedir(folder);
    return 0;
}
