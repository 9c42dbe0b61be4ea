/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/term.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const term_codes[] = {
    [AVER_STYLE_PLAIN] = "",          [AVER_STYLE_STRONG] = "\x1b[1m",
    [AVER_STYLE_FAINT] = "\x1b[2m",   [AVER_STYLE_GOOD] = "\x1b[32m",
    [AVER_STYLE_BAD] = "\x1b[31m",    [AVER_STYLE_WARN] = "\x1b[33m",
    [AVER_STYLE_ACCENT] = "\x1b[36m",
};

void aver_term_init(aver_term *term, FILE *file, bool colour_allowed)
{
    const char *refused = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    term->file = file;
    term->terminal = isatty(fileno(file)) == 1;
    term->colour = colour_allowed && term->terminal && (refused == NULL || refused[0] == '\0') &&
                   (kind == NULL || strcmp(kind, "dumb") != 0);
}

/* C0 controls, DEL, and C1 controls as UTF-8 (C2 80 to C2 9F): what a terminal may take for an
 * order. */
static size_t term_control_size(aver_view text, size_t at)
{
    uint8_t byte = text.data[at];
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) {
        return 1;
    }
    if (byte == 0xc2 && at + 1 < text.size && text.data[at + 1] >= 0x80 &&
        text.data[at + 1] <= 0x9f) {
        return 2;
    }
    return 0;
}

void aver_term_text(const aver_term *term, aver_view text)
{
    if (text.size == 0) {
        return;
    }
    if (!term->terminal) {
        (void)fwrite(text.data, 1, text.size, term->file);
        return;
    }
    for (size_t i = 0; i < text.size; i++) {
        size_t control = term_control_size(text, i);
        if (control > 0) {
            (void)fputs("\xef\xbf\xbd", term->file);
            i += control - 1;
        } else {
            (void)fputc(text.data[i], term->file);
        }
    }
}

/* What does not fit the small buffer goes through one of its own size; without memory it is cut. */
__attribute__((format(printf, 2, 0))) static void
term_format(const aver_term *term, const char *format, va_list args)
{
    char small[1024];
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(small, sizeof small, format, args);
    char *large = size >= (int)sizeof small ? malloc((size_t)size + 1) : NULL;
    if (large != NULL) {
        (void)vsnprintf(large, (size_t)size + 1, format, again);
        aver_term_text(term, aver_view_make(large, (size_t)size));
    } else if (size > 0) {
        aver_term_text(term, aver_view_text(small));
    }
    va_end(again);
    free(large);
}

void aver_term_vprint(const aver_term *term, aver_style style, const char *format, va_list args)
{
    bool coloured = term->colour && style != AVER_STYLE_PLAIN;
    if (coloured) {
        (void)fputs(term_codes[style], term->file);
    }
    term_format(term, format, args);
    if (coloured) {
        (void)fputs("\x1b[0m", term->file);
    }
}

void aver_term_print(const aver_term *term, aver_style style, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    aver_term_vprint(term, style, format, args);
    va_end(args);
}

/* Columns of a word, its UTF-8 continuation bytes not counted. */
static unsigned term_width(aver_view word)
{
    unsigned width = 0;
    for (size_t i = 0; i < word.size; i++) {
        width += (word.data[i] & 0xc0) != 0x80 ? 1 : 0;
    }
    return width;
}

static void term_line(const aver_term *term, unsigned indent, unsigned *column)
{
    if (*column > 0) {
        (void)fputc('\n', term->file);
    }
    (void)fprintf(term->file, "%*s", (int)indent, "");
    *column = indent;
}

void aver_term_wrap(const aver_term *term, aver_view text, unsigned indent, unsigned columns,
                    unsigned *column)
{
    size_t at = 0;
    while (at < text.size) {
        if (text.data[at] == '\n') {
            term_line(term, indent, column);
            at++;
            continue;
        }
        size_t end = at + 1;
        while (end < text.size && text.data[end] != ' ' && text.data[end] != '\n') {
            end++;
        }
        aver_view word = aver_view_slice(text, at, end - at);
        unsigned width = term_width(word);
        if (*column == 0 || (*column > indent && *column + width > columns)) {
            term_line(term, indent, column);
            if (word.data[0] == ' ') {
                word = aver_view_slice(word, 1, word.size - 1);
                width--;
            }
        }
        aver_term_text(term, word);
        *column += width;
        at = end;
    }
}
