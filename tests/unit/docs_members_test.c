/* SPDX-License-Identifier: Apache-2.0 */
/* docs_members: the table of members in docs/protocol.md, section 3, against the parser: each has
 * an effect on the paths that the page names, and on no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/job.h"
#include "support/docs_blocks.h"

#include <stdio.h>
#include <string.h>

enum { MEMBERS_MAX = 64, NAME_MAX_BYTES = 48, ENDPOINTS = AVER_ENDPOINT_APPLY_TEMPLATE };

typedef struct member {
    char name[NAME_MAX_BYTES];
    unsigned endpoints; /* a bit for each */
} member;

static const struct {
    const char *word;
    unsigned endpoints;
} words[] = {
    {"chat", 1u << AVER_ENDPOINT_CHAT},
    {"completions", 1u << AVER_ENDPOINT_COMPLETION},
    {"embeddings", 1u << AVER_ENDPOINT_EMBEDDINGS},
    {"responses", 1u << AVER_ENDPOINT_RESPONSES},
    {"tokenize", 1u << AVER_ENDPOINT_TOKENIZE},
    {"detokenize", 1u << AVER_ENDPOINT_DETOKENIZE},
    {"apply-template", 1u << AVER_ENDPOINT_APPLY_TEMPLATE},
    {"generation",
     1u << AVER_ENDPOINT_CHAT | 1u << AVER_ENDPOINT_COMPLETION | 1u << AVER_ENDPOINT_RESPONSES},
    {"all", (2u << AVER_ENDPOINT_APPLY_TEMPLATE) - 2},
};

/* The paths of a cell, up to its end or a semicolon. */
static unsigned cell_endpoints(const char *cell, size_t size)
{
    unsigned endpoints = 0;
    for (size_t at = 0; at < size;) {
        size_t length = strcspn(cell + at, ", |;");
        bool known = length == 0;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            if (strlen(words[i].word) == length && memcmp(words[i].word, cell + at, length) == 0) {
                endpoints |= words[i].endpoints;
                known = true;
            }
        }
        if (!known) {
            fail_msg("%.*s is no path", (int)length, cell + at);
        }
        at += length + 1;
    }
    return endpoints;
}

static void member_add(member *members, size_t *count, const char *name, size_t size,
                       unsigned endpoints)
{
    for (size_t i = 0; i < *count; i++) {
        if (strlen(members[i].name) == size && memcmp(members[i].name, name, size) == 0) {
            members[i].endpoints |= endpoints;
            return;
        }
    }
    assert_true(*count < MEMBERS_MAX && size < NAME_MAX_BYTES);
    (void)snprintf(members[*count].name, NAME_MAX_BYTES, "%.*s", (int)size, name);
    members[(*count)++].endpoints = endpoints;
}

/* "| `a`, `b` | chat; responses | ..." : the first name has the first part of the second cell. */
static void row_read(const char *row, member *members, size_t *count)
{
    const char *end = strstr(row + 2, " | ");
    assert_non_null(end);
    const char *paths = end + 3;
    const char *paths_end = strstr(paths, " | ");
    assert_non_null(paths_end);
    const char *part = paths;
    for (const char *at = strchr(row, '`'); at != NULL && at < end; at = strchr(at + 1, '`')) {
        const char *close = strchr(at + 1, '`');
        const char *semicolon = memchr(part, ';', (size_t)(paths_end - part));
        const char *part_end = semicolon != NULL ? semicolon : paths_end;
        member_add(members, count, at + 1, (size_t)(close - at - 1),
                   cell_endpoints(part, (size_t)(part_end - part)));
        part = semicolon != NULL ? semicolon + 2 : part;
        at = close;
    }
}

static size_t members_read(member *members)
{
    static const char head[] = "| member | paths | values; default |\n|---|---|---|\n";
    size_t count = 0;
    aver_buf page;
    docs_file_read("docs", "protocol.md", &page);
    const char *row = strstr((const char *)page.data, head);
    assert_non_null(row);
    for (row += sizeof head - 1; row[0] == '|'; row = strchr(row, '\n') + 1) {
        row_read(row, members, &count);
    }
    aver_buf_deinit(&page);
    return count;
}

/* A value that no member may have: one without effect is refused by its own name as unknown or not
 * supported, one with an effect for what it says. */
static bool has_effect(const char *name, aver_endpoint endpoint)
{
    char body[256];
    aver_job job;
    aver_job_refusal refusal = {0};
    (void)snprintf(body, sizeof body, "{\"%s\":{\"no such thing\":[{}]}}", name);
    assert_int_not_equal(aver_job_parse(aver_view_text(body), endpoint, &job, &refusal), AVER_OK);
    return strcmp(refusal.param, name) != 0 || (strcmp(refusal.code, "unknown_parameter") != 0 &&
                                                strcmp(refusal.code, "unsupported_parameter") != 0);
}

static void members_have_an_effect_where_the_page_says(void **state)
{
    (void)state;
    static member members[MEMBERS_MAX];
    size_t count = members_read(members);
    assert_true(count > 35);
    for (size_t i = 0; i < count; i++) {
        for (unsigned e = AVER_ENDPOINT_CHAT; e <= ENDPOINTS; e++) {
            bool said = (members[i].endpoints & 1u << e) != 0;
            if (has_effect(members[i].name, (aver_endpoint)e) != said) {
                fail_msg("%s of %s: the page says %s", members[i].name,
                         aver_endpoint_path((aver_endpoint)e), said ? "taken" : "not taken");
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_have_an_effect_where_the_page_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
