/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "node/option_table.h"
#include "node/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 16

typedef struct fixture {
    char folder[64];
    char path[80];
    char words[2048]; /* what the last parse said on standard error */
    char pool[4096];  /* of all command lines: options borrow from it */
    size_t pool_used;
} fixture;

static const aver_tee_platform *const no_platforms[] = {NULL};
static const aver_node_build build = {.program = "node", .platforms = no_platforms};

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return -1;
    }
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/aver-options-XXXXXX");
    if (mkdtemp(f->folder) == NULL) {
        free(f);
        return -1;
    }
    (void)snprintf(f->path, sizeof(f->path), "%s/node.conf", f->folder);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;

    (void)unlink(f->path);
    (void)rmdir(f->folder);
    free(f);
    return 0;
}

static void write_file(const fixture *f, const char *text)
{
    assert_int_equal(aver_file_write(f->path, aver_view_text(text), 0600), AVER_OK);
}

static char *pool_word(fixture *f, const char *word)
{
    char *copy = f->pool + f->pool_used;
    size_t size = strlen(word) + 1;

    assert_true(size <= sizeof(f->pool) - f->pool_used);
    memcpy(copy, word, size);
    f->pool_used += size;
    return copy;
}

/* Parses the words, "--config" first if with_file, and keeps what was said. */
static aver_options_outcome parse(fixture *f, bool with_file, const char *const *words,
                                  aver_node_options *ret_options)
{
    char *argv[WORDS_MAX + 4] = {pool_word(f, "node")};
    int argc = 1;
    FILE *said = tmpfile();
    int real = dup(STDERR_FILENO);

    assert_true(said != NULL && real >= 0);
    if (with_file) {
        argv[argc++] = pool_word(f, "--config");
        argv[argc++] = pool_word(f, f->path);
    }
    for (size_t i = 0; words[i] != NULL; i++) {
        assert_true(i < WORDS_MAX);
        argv[argc++] = pool_word(f, words[i]);
    }
    (void)fflush(stderr);
    assert_true(dup2(fileno(said), STDERR_FILENO) >= 0);
    aver_options_outcome outcome = aver_node_options_parse(&build, argc, argv, ret_options);
    (void)fflush(stderr);
    assert_true(dup2(real, STDERR_FILENO) >= 0);
    (void)close(real);
    rewind(said);
    f->words[fread(f->words, 1, sizeof(f->words) - 1, said)] = '\0';
    (void)fclose(said);
    return outcome;
}

static void assert_refused(fixture *f, const char *text, const char *words)
{
    static const char *const none[] = {"--model", "m.gguf", NULL};
    aver_node_options options;

    write_file(f, text);
    assert_int_equal(parse(f, true, none, &options), AVER_OPTIONS_WRONG);
    if (strstr(f->words, words) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", words, f->words);
    }
}

static void test_the_file_sets_and_the_command_line_wins(void **state)
{
    static const char *const words[] = {"--slots", "9", "--listen=tcp:127.0.0.1:0", NULL};
    fixture *f = *state;
    aver_node_options options;

    write_file(f, "# a node\n\nmodel = a b.gguf\nslots=3\n\tqueue =  7 \t\r\n"
                  "listen = unix:/one\nlisten = unix:/two\nsingle-process = yes\n"
                  "log = json\npin = on\nname = K\xc3\xb6ln # 1");
    assert_int_equal(parse(f, true, words, &options), AVER_OPTIONS_RUN);
    assert_string_equal(f->words, "");
    assert_int_equal(options.models_count, 1);
    assert_string_equal(options.models[0].path, "a b.gguf");
    assert_int_equal(options.slots, 9);
    assert_int_equal(options.queue, 7);
    assert_int_equal(options.listen_count, 1);
    assert_string_equal(options.listen[0], "tcp:127.0.0.1:0");
    assert_true(options.single_process);
    assert_true(options.log_json);
    assert_true(options.pin);
    assert_string_equal(options.name, "K\xc3\xb6ln # 1");
    aver_node_options_deinit(&options);
}

static void test_a_list_of_the_file_holds_alone(void **state)
{
    static const char *const words[] = {"--model", "m", NULL};
    fixture *f = *state;
    aver_node_options options;

    write_file(f, "listen = unix:/one\nlisten = unix:/two\nsingle-process = no\n");
    assert_int_equal(parse(f, true, words, &options), AVER_OPTIONS_RUN);
    assert_int_equal(options.listen_count, 2);
    assert_string_equal(options.listen[1], "unix:/two");
    assert_false(options.single_process);
    aver_node_options_deinit(&options);
    assert_int_equal(parse(f, false, words, &options), AVER_OPTIONS_RUN);
    assert_int_equal(options.listen_count, 1);
    assert_string_equal(options.listen[0], "tcp:127.0.0.1:8000");
    aver_node_options_deinit(&options);
}

static void test_wrong_lines_are_refused_by_number(void **state)
{
    fixture *f = *state;

    assert_refused(f, "slots = 4\n\nslots = 5\n",
                   "node.conf: line 3: slots wants to be given once");
    assert_refused(f, "pin = 1\n", "line 1: pin wants auto, on or off, not \"1\"");
    assert_refused(f, "slots = 0\n", "line 1: slots wants a number from 1 to 256, not \"0\"");
    assert_refused(f, "# x\nslots = 4 # four\n", "line 2: slots wants a number");
    assert_refused(f, "colour = red\n", "line 1: \"colour\" is no setting of a file");
    assert_refused(f, "help = yes\n", "line 1: \"help\" is no setting of a file");
    assert_refused(f, "config = other\n", "line 1: \"config\" is no setting of a file");
    assert_refused(f, "slot = 4\n", "line 1: \"slot\" is no setting of a file");
    assert_refused(f, "--slots = 4\n", "line 1: \"--slots\" is no setting of a file");
    assert_refused(f, "sim-engine = /bin/true\n", "is no setting of a file");
    assert_refused(f, "single-process = maybe\n", "line 1: single-process wants yes or no");
    assert_refused(f, "single-process\n", "line 1: want: name = value");
    assert_refused(f, "\n\nslots 4\n", "line 3: want: name = value");
    assert_refused(f, "= 4\n", "line 1: want: name = value");
    assert_refused(f, "slots =\n", "line 1: a name without a value");
    assert_refused(f, "name = \"x\"\n", "line 1: values are not quoted");
    assert_refused(f, "name = 'x'\n", "line 1: values are not quoted");
    assert_refused(f, "slots{ = 4\n", "line 1: want: name = value");
    assert_refused(f, "slots9 = 4\n", "line 1: \"slots9\" is no setting of a file");
    assert_refused(f, "name = a\177b\n", "line 1: a control character");
    assert_refused(f, "name = a\033b\n", "line 1: a control character");
    assert_refused(f, "name = a\rb\n", "line 1: a control character");
    assert_refused(f, "name = \xc3(\n", "line 1: not UTF-8");
}

static void test_files_that_are_none(void **state)
{
    static const char *const none[] = {NULL};
    fixture *f = *state;
    aver_node_options options;

    (void)unlink(f->path);
    assert_int_equal(parse(f, true, none, &options), AVER_OPTIONS_WRONG);
    assert_non_null(strstr(f->words, f->path));
    write_file(f, "# only words\n");
    assert_int_equal(parse(f, true, none, &options), AVER_OPTIONS_WRONG);
    assert_non_null(strstr(f->words, "--model FILE is missing"));
}

static void test_texts_beyond_the_bounds(void **state)
{
    aver_node_config config;
    char why[AVER_NODE_CONFIG_WHY_BYTES];
    aver_buf text;

    (void)state;
    aver_buf_init(&text, 1 << 20);
    aver_buf_append_text(&text, "name = ");
    for (int i = 0; i <= AVER_NODE_CONFIG_VALUE_MAX; i++) {
        aver_buf_append_byte(&text, 'x');
    }
    assert_int_equal(aver_node_config_parse(aver_buf_view(&text), &config, why), AVER_E_LIMIT);
    assert_string_equal(why, "line 1: a value of more than 4096 bytes");
    text.size--;
    assert_int_equal(aver_node_config_parse(aver_buf_view(&text), &config, why), AVER_OK);
    assert_int_equal(strlen(config.settings[0].value), AVER_NODE_CONFIG_VALUE_MAX);
    aver_node_config_deinit(&config);
    aver_buf_clear(&text);
    for (int i = 0; i <= AVER_NODE_CONFIG_SETTINGS_MAX; i++) {
        aver_buf_append_text(&text, "a = b\n");
    }
    assert_int_equal(aver_node_config_parse(aver_buf_view(&text), &config, why), AVER_E_LIMIT);
    assert_string_equal(why, "line 257: more than 256 settings");
    while (text.size <= AVER_NODE_CONFIG_BYTES_MAX) {
        aver_buf_append_text(&text, "#\n");
    }
    assert_int_equal(aver_node_config_parse(aver_buf_view(&text), &config, why), AVER_E_LIMIT);
    assert_string_equal(why, "more than 65536 bytes");
    assert_int_equal(
        aver_node_config_parse(AVER_VIEW_LITERAL("a-name-of-more-than-thirty-two-bytes = 1\n"),
                               &config, why),
        AVER_E_LIMIT);
    assert_int_equal(aver_node_config_parse(AVER_VIEW_LITERAL("a = b\0c\n"), &config, why),
                     AVER_E_FORMAT);
    aver_buf_deinit(&text);
}

/* The file of the project, appended and terminated. */
static char *source_file(const char *name)
{
    const char *source = getenv("AVER_SOURCE");
    char path[1024];
    aver_buf text;

    assert_non_null(source);
    (void)snprintf(path, sizeof(path), "%s/%s", source, name);
    aver_buf_init(&text, 1 << 20);
    assert_int_equal(aver_file_read(path, 1 << 20, &text), AVER_OK);
    aver_buf_append_byte(&text, '\0');
    return (char *)text.data;
}

static void test_the_example_file_shows_every_setting_and_is_right(void **state)
{
    static const char *const none[] = {NULL};
    fixture *f = *state;
    char *example = source_file("deploy/node.conf");
    aver_node_options options;
    char want[80];
    size_t count = 0;

    /* "#name = value" becomes a setting, "# words" stays a comment. */
    for (char *at = strstr(example, "\n#"); at != NULL; at = strstr(at + 1, "\n#")) {
        at[1] = at[2] >= 'a' && at[2] <= 'z' ? ' ' : '#';
    }
    for (const aver_node_option *option = aver_node_option_table; option->name != NULL; option++) {
        (void)snprintf(want, sizeof(want), "\n %s = ", option->name);
        if (option->kind != AVER_OPTION_COMMAND && strstr(example, want) == NULL) {
            fail_msg("deploy/node.conf does not show %s", option->name);
        }
        count += option->kind != AVER_OPTION_COMMAND;
    }
    write_file(f, example);
    if (parse(f, true, none, &options) != AVER_OPTIONS_RUN) {
        fail_msg("deploy/node.conf: %s", f->words);
    }
    assert_int_equal(options.config.count, count);
    aver_node_options_deinit(&options);
    free(example);
}

static void test_the_reference_has_a_row_for_every_option(void **state)
{
    char *reference = source_file("docs/configuration.md");
    char want[80];
    size_t rows = 0;
    size_t options = 0;

    (void)state;
    for (const aver_node_option *option = aver_node_option_table; option->name != NULL; option++) {
        (void)snprintf(want, sizeof(want), "\n| `%s` |", option->name);
        if (strstr(reference, want) == NULL) {
            fail_msg("docs/configuration.md has no row for %s", option->name);
        }
        options++;
    }
    for (const char *at = strstr(reference, "\n| `"); at != NULL; at = strstr(at + 1, "\n| `")) {
        rows++;
    }
    assert_int_equal(rows, options);
    free(reference);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_file_sets_and_the_command_line_wins, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_list_of_the_file_holds_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_lines_are_refused_by_number, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_that_are_none, setup, teardown),
        cmocka_unit_test(test_texts_beyond_the_bounds),
        cmocka_unit_test_setup_teardown(test_the_example_file_shows_every_setting_and_is_right,
                                        setup, teardown),
        cmocka_unit_test(test_the_reference_has_a_row_for_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
