/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of characters: ranges of code points as sequences of ranges of bytes. */
#include "engine/grammar_build.h"

#include <stdlib.h>

/* One alternative of a class: a sequence of ranges of bytes. */
static void class_add_bytes(aver_grammar_builder *builder, uint32_t rule, const uint8_t *first,
                            const uint8_t *last, size_t size)
{
    aver_grammar_item items[4];
    for (size_t i = 0; i < size; i++) {
        items[i] = aver_grammar_bytes(builder, first[i], last[i]);
    }
    aver_grammar_rule_items(builder, rule, items, size);
}

size_t aver_grammar_utf8_write(uint32_t point, uint8_t bytes[static 4])
{
    if (point < 0x80) {
        bytes[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        bytes[0] = (uint8_t)(0xc0 | point >> 6);
        bytes[1] = (uint8_t)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        bytes[0] = (uint8_t)(0xe0 | point >> 12);
        bytes[1] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
        bytes[2] = (uint8_t)(0x80 | (point & 0x3f));
        return 3;
    }
    bytes[0] = (uint8_t)(0xf0 | point >> 18);
    bytes[1] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
    bytes[2] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    bytes[3] = (uint8_t)(0x80 | (point & 0x3f));
    return 4;
}

/* The end of the longest run of code points from first to at most last whose UTF-8 is one sequence
 * of byte ranges: same length, and once a byte differs all bytes after it go from lowest to
 * highest. */
static uint32_t class_run_end(uint32_t first, uint32_t last)
{
    static const uint32_t lengths[] = {0x7f, 0x7ff, 0xffff, 0x10ffff};
    uint32_t end = last;
    for (size_t i = 0; i < 4; i++) {
        if (first <= lengths[i]) {
            end = end < lengths[i] ? end : lengths[i];
            break;
        }
    }
    if (first < 0x80) {
        return end;
    }
    for (uint32_t shift = 6; shift <= 18; shift += 6) {
        uint32_t mask = ((uint32_t)1 << shift) - 1;
        if ((first & ~mask) == (end & ~mask)) {
            break; /* all higher bytes are the same */
        }
        if ((first & mask) != 0) {
            return first | mask;
        }
        if ((end & mask) != mask) {
            end = (end & ~mask) - 1;
        }
    }
    return end;
}

static void class_add_range(aver_grammar_builder *builder, uint32_t rule, uint32_t first,
                            uint32_t last)
{
    while (first <= last && aver_grammar_builder_status(builder) == AVER_OK) {
        uint8_t low[4], high[4];
        uint32_t end = class_run_end(first, last);
        size_t size = aver_grammar_utf8_write(first, low);
        (void)aver_grammar_utf8_write(end, high);
        class_add_bytes(builder, rule, low, high, size);
        first = end + 1;
    }
}

/* Without the surrogates, which no UTF-8 holds. */
static void class_add(aver_grammar_builder *builder, uint32_t rule, uint32_t first, uint32_t last)
{
    if (first < 0xd800 && last >= 0xd800) {
        class_add_range(builder, rule, first, 0xd7ff);
        first = 0xe000;
    } else if (first >= 0xd800 && first < 0xe000) {
        first = 0xe000;
    }
    if (last >= 0xd800 && last < 0xe000) {
        last = 0xd7ff;
    }
    if (first <= last) {
        class_add_range(builder, rule, first, last > 0x10ffff ? 0x10ffff : last);
    }
}

static int range_compare(const void *a, const void *b)
{
    const aver_grammar_range *left = a;
    const aver_grammar_range *right = b;
    return left->first < right->first ? -1 : left->first > right->first ? 1 : 0;
}

aver_grammar_item aver_grammar_class(aver_grammar_builder *builder,
                                     const aver_grammar_range *ranges, size_t count, bool negate)
{
    uint32_t rule = aver_grammar_rule(builder);
    aver_grammar_range *sorted = calloc(count + 1, sizeof(*sorted));
    if (sorted == NULL) {
        aver_grammar_fail(builder, AVER_E_NOMEM);
        return (aver_grammar_item){true, 0};
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = ranges[i];
    }
    qsort(sorted, count, sizeof(*sorted), range_compare);
    uint32_t next = 0; /* the first code point not yet decided */
    for (size_t i = 0; i < count; i++) {
        uint32_t first = sorted[i].first > next ? sorted[i].first : next;
        if (negate && sorted[i].first > next) {
            class_add(builder, rule, next, sorted[i].first - 1);
        } else if (!negate && sorted[i].last >= first) {
            class_add(builder, rule, first, sorted[i].last);
        }
        next = sorted[i].last + 1 > next ? sorted[i].last + 1 : next;
    }
    if (negate && next <= 0x10ffff) {
        class_add(builder, rule, next, 0x10ffff);
    }
    free(sorted);
    return (aver_grammar_item){true, rule};
}
