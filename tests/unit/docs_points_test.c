/* SPDX-License-Identifier: Apache-2.0 */
/* The fifty points of docs/verifier.md: each is there once, in order, and names checks that exist
 * or members of a policy, or says why not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/policy.h"
#include "support/docs_blocks.h"

#include <stdio.h>
#include <string.h>

#define POINTS 50

static bool is_check(const char *name, size_t size)
{
    for (const aver_check_name *at = aver_check_names(); at->name; at++) {
        if (strlen(at->name) == size && memcmp(at->name, name, size) == 0) {
            return true;
        }
    }
    return false;
}

/* Every word in backticks with a point in it is a check. Returns how many there are. */
static size_t checks_of(const char *cell, size_t cell_size)
{
    size_t count = 0;
    const char *end = cell + cell_size;
    while (cell < end) {
        const char *open = memchr(cell, '`', (size_t)(end - cell));
        const char *close = open != NULL ? memchr(open + 1, '`', (size_t)(end - open - 1)) : NULL;
        if (close == NULL) {
            return count;
        }
        size_t size = (size_t)(close - open - 1);
        if (is_check(open + 1, size)) {
            count++;
        } else if (memchr(open + 1, '.', size) != NULL) {
            fail_msg("docs/verifier.md: there is no check %.*s", (int)size, open + 1);
        }
        cell = close + 1;
    }
    return count;
}

static void each_point_is_answered(void **state)
{
    (void)state;
    aver_buf text;
    docs_file_read("docs", "verifier.md", &text);
    const char *at = strstr((const char *)text.data, "## Fifty points");
    assert_non_null(at);
    at = strstr(at, "|---|---|---|\n");
    assert_non_null(at);
    at = strchr(at, '\n') + 1;
    for (unsigned point = 1; point <= POINTS; point++) {
        char begin[16];
        (void)snprintf(begin, sizeof begin, "| %u | ", point);
        if (strncmp(at, begin, strlen(begin)) != 0) {
            fail_msg("docs/verifier.md: point %u is expected at \"%.40s\"", point, at);
        }
        const char *end = strchr(at, '\n');
        const char *words = at + strlen(begin);
        const char *cell = strstr(words, " | ");
        assert_non_null(end);
        assert_true(cell != NULL && cell < end && cell > words);
        size_t checks = checks_of(cell, (size_t)(end - cell));
        bool excused = memmem(cell, (size_t)(end - cell), "not applicable because ", 23) != NULL;
        if (checks == 0 && !excused) {
            fail_msg("docs/verifier.md: nothing answers point %u", point);
        }
        at = end + 1;
    }
    assert_int_equal(*at, '\n'); /* and no row more */
    aver_buf_deinit(&text);
}

/* At least sixty checks, as the list of the program has them. */
static void there_are_many_checks(void **state)
{
    (void)state;
    size_t count = 0;
    while (aver_check_names()[count].name != NULL) {
        count++;
    }
    assert_true(count >= 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_point_is_answered),
        cmocka_unit_test(there_are_many_checks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
