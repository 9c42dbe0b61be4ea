/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/show.h"

#include "codec/text.h"

#include <stdio.h>
#include <string.h>

#define SHOW_NAME_COLUMNS   25
#define SHOW_DETAIL_COLUMNS 33
#define SHOW_FAR_BYTES_MAX  65536

static aver_style show_style(aver_check_status status)
{
    switch (status) {
    case AVER_CHECK_PASS:
        return AVER_STYLE_GOOD;
    case AVER_CHECK_FAIL:
        return AVER_STYLE_BAD;
    case AVER_CHECK_SKIP:
        return AVER_STYLE_FAINT;
    }
    return AVER_STYLE_PLAIN;
}

static void show_wrapped(const aver_term *term, const char *text, unsigned indent)
{
    unsigned column = indent;
    aver_term_wrap(term, aver_view_text(text), indent, AVER_SHOW_COLUMNS, &column);
    (void)fputc('\n', term->file);
}

static void show_check(const aver_term *term, const aver_check *check)
{
    aver_term_print(term, show_style(check->status), "  %s", aver_check_status_text(check->status));
    aver_term_print(term, AVER_STYLE_PLAIN, "  %-*s", SHOW_NAME_COLUMNS, check->name);
    show_wrapped(term, check->detail, SHOW_DETAIL_COLUMNS);
}

void aver_show_checks(const aver_term *term, const aver_verdict *verdict)
{
    for (size_t i = 0; i < verdict->count; i++) {
        show_check(term, &verdict->checks[i]);
    }
}

static const char *show_meaning(const char *name)
{
    for (const aver_check_name *at = aver_check_names(); at->name != NULL; at++) {
        if (strcmp(at->name, name) == 0) {
            return at->meaning;
        }
    }
    return "";
}

static void show_field(const aver_term *term, const char *label, const char *text)
{
    aver_term_print(term, AVER_STYLE_FAINT, "        %-8s", label);
    show_wrapped(term, text, 16);
}

static void show_distance(const aver_term *term, const aver_check *check,
                          const aver_show_from *from)
{
    aver_buf words;
    aver_buf_init(&words, SHOW_FAR_BYTES_MAX);
    aver_explain_distance(&from->input, from->claims, check, &words);
    if (words.size > 0) {
        aver_buf_append_byte(&words, 0);
    }
    if (words.size > 0 && aver_buf_status(&words) == AVER_OK) {
        show_field(term, "far", (const char *)words.data);
    }
    aver_buf_deinit(&words);
}

void aver_show_explained(const aver_term *term, const aver_verdict *verdict,
                         const aver_show_from *from)
{
    for (size_t i = 0; i < verdict->count; i++) {
        const aver_check *check = &verdict->checks[i];
        aver_term_print(term, show_style(check->status), "  %s",
                        aver_check_status_text(check->status));
        aver_term_print(term, AVER_STYLE_STRONG, "  %s\n", check->name);
        show_field(term, "means", show_meaning(check->name));
        show_field(term, "found", check->detail);
        if (check->status == AVER_CHECK_FAIL && from != NULL) {
            show_distance(term, check, from);
        }
        if (check->status == AVER_CHECK_FAIL ||
            (check->status == AVER_CHECK_SKIP && aver_show_mends_skip(check->name))) {
            show_field(term, "mend", aver_show_mend(check->name));
        }
    }
}

void aver_show_short(const uint8_t bytes[static 8], char ret_text[24])
{
    aver_hex_encode(aver_view_make(bytes, 8), ret_text);
    memcpy(ret_text + 16, "\xe2\x80\xa6", 4);
}

static void show_passed(const aver_term *term, const aver_verdict *verdict)
{
    size_t passed = 0;
    size_t skipped = 0;
    for (size_t i = 0; i < verdict->count; i++) {
        passed += verdict->checks[i].status == AVER_CHECK_PASS ? 1 : 0;
        skipped += verdict->checks[i].status == AVER_CHECK_SKIP ? 1 : 0;
    }
    aver_term_print(term, AVER_STYLE_GOOD, "VERIFIED");
    aver_term_print(term, AVER_STYLE_PLAIN, " %zu checks", passed);
    if (skipped > 0) {
        aver_term_print(term, AVER_STYLE_PLAIN, " (%zu skipped)", skipped);
    }
}

static const aver_check *show_failed(const aver_verdict *verdict)
{
    for (size_t i = 0; i < verdict->count; i++) {
        if (verdict->checks[i].status == AVER_CHECK_FAIL) {
            return &verdict->checks[i];
        }
    }
    return NULL;
}

void aver_show_remedy(const aver_term *term, const aver_verdict *verdict)
{
    const aver_check *failed = show_failed(verdict);
    if (failed != NULL) {
        aver_term_print(term, AVER_STYLE_FAINT, "  mend  ");
        show_wrapped(term, aver_show_mend(failed->name), 8);
    }
}

void aver_show_line(const aver_term *term, const aver_verdict *verdict, bool accepted,
                    const char *why, const uint8_t *root, const char *platform)
{
    if (accepted) {
        show_passed(term, verdict);
    } else {
        const aver_check *failed = show_failed(verdict);
        aver_term_print(term, AVER_STYLE_BAD, "REFUSED");
        aver_term_print(term, AVER_STYLE_PLAIN, " %s%s%s", failed != NULL ? failed->name : why,
                        failed != NULL ? ": " : "", failed != NULL ? failed->detail : "");
    }
    if (root != NULL) {
        char text[24];
        aver_show_short(root, text);
        aver_term_print(term, AVER_STYLE_PLAIN, " \xc2\xb7 model %s", text);
    }
    if (platform != NULL && platform[0] != '\0') {
        aver_term_print(term, AVER_STYLE_PLAIN, " \xc2\xb7 %s", platform);
    }
    if (verdict->simulated) {
        aver_term_print(term, AVER_STYLE_WARN, " (SIMULATED: proves nothing)");
    }
    (void)fputc('\n', term->file);
}

void aver_show_limits(const aver_term *term)
{
    aver_term_print(term, AVER_STYLE_STRONG, "What a verdict does not claim\n");
    const char *at = aver_verdict_limits();
    while (*at != '\0') {
        size_t size = strcspn(at, "\n");
        unsigned column = 4;
        aver_term_print(term, AVER_STYLE_FAINT, "  - ");
        aver_term_wrap(term, aver_view_make(at, size), 4, AVER_SHOW_COLUMNS, &column);
        (void)fputc('\n', term->file);
        at += size + (at[size] == '\n' ? 1 : 0);
    }
}
