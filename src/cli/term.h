/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_TERM_H
#define AVER_CLI_TERM_H

/*
 * term: one output stream for people: colour only on a terminal and without NO_COLOR, and text of
 * others made harmless (a terminal obeys control characters; text from a node must not command it).
 */

#include "aver/bytes.h"

#include <stdarg.h>
#include <stdio.h>

typedef enum aver_style {
    AVER_STYLE_PLAIN,
    AVER_STYLE_STRONG,
    AVER_STYLE_FAINT,
    AVER_STYLE_GOOD,
    AVER_STYLE_BAD,
    AVER_STYLE_WARN,
    AVER_STYLE_ACCENT,
} aver_style;

typedef struct aver_term {
    FILE *file;
    bool terminal;
    bool colour;
} aver_term;

void aver_term_init(aver_term *term, FILE *file, bool colour_allowed);
/* Both treat what they print as aver_term_text does: any of it may be foreign. */
void aver_term_print(const aver_term *term, aver_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void aver_term_vprint(const aver_term *term, aver_style style, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
/* Foreign text; on a terminal control characters other than line feed and tab become U+FFFD. */
void aver_term_text(const aver_term *term, aver_view text);
/*
 * The same, wrapped at blanks to at most columns, each line after indent blanks. *column is the
 * place reached on the line (0 at first); pieces of one text may be given one after the other.
 */
void aver_term_wrap(const aver_term *term, aver_view text, unsigned indent, unsigned columns,
                    unsigned *column);

#endif
