/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/grammar_json.h"

#include <string.h>

#define BLANKS_MAX   20
#define DIGITS_MAX   16 /* of a whole number of no bounds */
#define FRACTION_MAX 16
#define EXPONENT_MAX 2
#define RANGES_MAX   1024
#define ITEMS(array) (array), sizeof(array) / sizeof((array)[0])

/* The characters that a string holds only escaped, and the letters that stand for some of them. */
static const aver_grammar_range escaped_ranges[] = {
    {0, 0x1f}, {'"', '"'}, {'\\', '\\'}, {0x7f, 0x7f}};
static const struct {
    uint8_t character, letter;
} escapes[] = {{'"', '"'},  {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'},
               {'\n', 'n'}, {'\r', 'r'},  {'\t', 't'}};

static aver_grammar_item bytes_class(aver_grammar_builder *builder, const char *pairs)
{
    aver_grammar_range ranges[8];
    size_t count = 0;
    for (size_t i = 0; pairs[i] != '\0' && count < 8; i += 2) {
        ranges[count++] = (aver_grammar_range){(uint8_t)pairs[i], (uint8_t)pairs[i + 1]};
    }
    return aver_grammar_class(builder, ranges, count, false);
}

aver_grammar_item aver_grammar_json_space(aver_grammar_builder *builder)
{
    uint32_t rule = aver_grammar_rule(builder);
    aver_grammar_item blank = AVER_GRAMMAR_BYTE(' ');
    aver_grammar_item line[] = {AVER_GRAMMAR_BYTE('\n'),
                                aver_grammar_repeat(builder, blank, 0, BLANKS_MAX)};
    aver_grammar_rule_items(builder, rule, NULL, 0);
    aver_grammar_rule_items(builder, rule, &blank, 1);
    aver_grammar_rule_items(builder, rule, ITEMS(line));
    return AVER_GRAMMAR_RULE(rule);
}

static bool ranges_have(const aver_grammar_range *ranges, size_t count, uint32_t point)
{
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].first <= point && point <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* What is left of a range when those that must be escaped are taken out. */
static size_t range_plain(aver_grammar_range range, aver_grammar_range *plain, size_t count)
{
    for (size_t i = 0; i < sizeof(escaped_ranges) / sizeof(escaped_ranges[0]); i++) {
        const aver_grammar_range *hole = &escaped_ranges[i];
        if (hole->last < range.first || hole->first > range.last) {
            continue;
        }
        if (hole->first > range.first && count < RANGES_MAX) {
            plain[count++] = (aver_grammar_range){range.first, hole->first - 1};
        }
        if (hole->last >= range.last) {
            return count;
        }
        range.first = hole->last + 1;
    }
    if (count < RANGES_MAX) {
        plain[count++] = range;
    }
    return count;
}

aver_grammar_item aver_grammar_json_char(aver_grammar_builder *builder,
                                         const aver_grammar_range *ranges, size_t count,
                                         bool negate)
{
    aver_grammar_range plain[RANGES_MAX];
    size_t plain_count = 0;
    uint32_t rule = aver_grammar_rule(builder);
    for (size_t i = 0; i < count && plain_count < RANGES_MAX; i++) {
        if (negate) {
            plain[plain_count++] = ranges[i];
        } else {
            plain_count = range_plain(ranges[i], plain, plain_count);
        }
    }
    for (size_t i = 0; negate && i < sizeof(escaped_ranges) / sizeof(escaped_ranges[0]); i++) {
        if (plain_count < RANGES_MAX) {
            plain[plain_count++] = escaped_ranges[i];
        }
    }
    if (plain_count >= RANGES_MAX) {
        aver_grammar_fail(builder, AVER_E_LIMIT);
    }
    aver_grammar_item item = aver_grammar_class(builder, plain, plain_count, negate);
    aver_grammar_rule_items(builder, rule, &item, 1);
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        if (ranges_have(ranges, count, escapes[i].character) != negate) {
            aver_grammar_item pair[] = {AVER_GRAMMAR_BYTE('\\'),
                                        AVER_GRAMMAR_BYTE(escapes[i].letter)};
            aver_grammar_rule_items(builder, rule, ITEMS(pair));
        }
    }
    return AVER_GRAMMAR_RULE(rule);
}

/* Four hexadecimal digits that are neither NUL nor half of a pair. */
static aver_grammar_item json_hex(aver_grammar_builder *builder)
{
    uint32_t rule = aver_grammar_rule(builder);
    aver_grammar_item zero = AVER_GRAMMAR_BYTE('0');
    aver_grammar_item some = bytes_class(builder, "19afAF");
    aver_grammar_item any = bytes_class(builder, "09afAF");
    aver_grammar_item high = bytes_class(builder, "19acACefEF");
    aver_grammar_item last[] = {zero, zero, zero, some};
    aver_grammar_item third[] = {zero, zero, some, any};
    aver_grammar_item second[] = {zero, some, any, any};
    aver_grammar_item first[] = {high, any, any, any};
    aver_grammar_item low[] = {bytes_class(builder, "ddDD"), bytes_class(builder, "07"), any, any};
    aver_grammar_rule_items(builder, rule, ITEMS(last));
    aver_grammar_rule_items(builder, rule, ITEMS(third));
    aver_grammar_rule_items(builder, rule, ITEMS(second));
    aver_grammar_rule_items(builder, rule, ITEMS(first));
    aver_grammar_rule_items(builder, rule, ITEMS(low));
    return AVER_GRAMMAR_RULE(rule);
}

aver_grammar_item aver_grammar_json_any_char(aver_grammar_builder *builder)
{
    aver_grammar_item item = aver_grammar_json_char(builder, NULL, 0, true);
    aver_grammar_item hex[] = {AVER_GRAMMAR_BYTE('\\'), AVER_GRAMMAR_BYTE('u'), json_hex(builder)};
    aver_grammar_rule_items(builder, item.value, ITEMS(hex));
    return item;
}

aver_grammar_item aver_grammar_json_string(aver_grammar_builder *builder, uint32_t min,
                                           uint32_t max)
{
    uint32_t rule = aver_grammar_rule(builder);
    aver_grammar_item inside =
        aver_grammar_repeat(builder, aver_grammar_json_any_char(builder), min, max);
    aver_grammar_item items[] = {AVER_GRAMMAR_BYTE('"'), inside, AVER_GRAMMAR_BYTE('"')};
    aver_grammar_rule_items(builder, rule, ITEMS(items));
    return AVER_GRAMMAR_RULE(rule);
}

/* Zero, or a number that begins with another digit. */
static aver_grammar_item json_whole(aver_grammar_builder *builder, uint32_t digits_max)
{
    uint32_t rule = aver_grammar_rule(builder);
    aver_grammar_item digit = bytes_class(builder, "09");
    aver_grammar_item zero = AVER_GRAMMAR_BYTE('0');
    aver_grammar_item more[] = {bytes_class(builder, "19"),
                                aver_grammar_repeat(builder, digit, 0, digits_max - 1)};
    aver_grammar_rule_items(builder, rule, &zero, 1);
    aver_grammar_rule_items(builder, rule, ITEMS(more));
    return AVER_GRAMMAR_RULE(rule);
}

static aver_grammar_item json_fraction(aver_grammar_builder *builder)
{
    uint32_t rule = aver_grammar_rule(builder);
    aver_grammar_item items[] = {
        AVER_GRAMMAR_BYTE('.'),
        aver_grammar_repeat(builder, bytes_class(builder, "09"), 1, FRACTION_MAX)};
    aver_grammar_rule_items(builder, rule, ITEMS(items));
    return AVER_GRAMMAR_RULE(rule);
}

static aver_grammar_item json_exponent(aver_grammar_builder *builder)
{
    uint32_t rule = aver_grammar_rule(builder);
    aver_grammar_item sign = bytes_class(builder, "++--");
    aver_grammar_item items[] = {
        bytes_class(builder, "eeEE"), aver_grammar_repeat(builder, sign, 0, 1),
        aver_grammar_repeat(builder, bytes_class(builder, "09"), 1, EXPONENT_MAX)};
    aver_grammar_rule_items(builder, rule, ITEMS(items));
    return AVER_GRAMMAR_RULE(rule);
}

aver_grammar_item aver_grammar_json_number(aver_grammar_builder *builder, bool integer)
{
    uint32_t rule = aver_grammar_rule(builder);
    aver_grammar_item items[4] = {
        aver_grammar_repeat(builder, AVER_GRAMMAR_BYTE('-'), 0, 1),
        json_whole(builder, DIGITS_MAX),
    };
    size_t count = 2;
    if (!integer) {
        items[count++] = aver_grammar_repeat(builder, json_fraction(builder), 0, 1);
        items[count++] = aver_grammar_repeat(builder, json_exponent(builder), 0, 1);
    }
    aver_grammar_rule_items(builder, rule, items, count);
    return AVER_GRAMMAR_RULE(rule);
}

static uint64_t power_of_ten(unsigned exponent)
{
    uint64_t power = 1;
    while (exponent-- > 0) {
        power *= 10;
    }
    return power;
}

static aver_grammar_item digits_between(aver_grammar_builder *builder, unsigned first,
                                        unsigned last)
{
    aver_grammar_range range = {'0' + first, '0' + last};
    return aver_grammar_class(builder, &range, 1, false);
}

/* Numbers from least to most, all written with so many digits. */
static aver_grammar_item digits_range(aver_grammar_builder *builder, uint64_t least, uint64_t most,
                                      unsigned digits)
{
    uint32_t rule = aver_grammar_rule(builder);
    uint64_t power = digits == 0 ? 1 : power_of_ten(digits - 1);
    uint64_t first = least / power;
    uint64_t last = most / power;
    if (digits == 0) {
        aver_grammar_rule_items(builder, rule, NULL, 0);
        return AVER_GRAMMAR_RULE(rule);
    }
    if (first == last) {
        aver_grammar_item items[] = {
            digits_between(builder, (unsigned)first, (unsigned)first),
            digits_range(builder, least % power, most % power, digits - 1)};
        aver_grammar_rule_items(builder, rule, ITEMS(items));
        return AVER_GRAMMAR_RULE(rule);
    }
    if (least % power != 0) {
        aver_grammar_item items[] = {digits_between(builder, (unsigned)first, (unsigned)first),
                                     digits_range(builder, least % power, power - 1, digits - 1)};
        aver_grammar_rule_items(builder, rule, ITEMS(items));
        first++;
    }
    if (most % power != power - 1) {
        aver_grammar_item items[] = {digits_between(builder, (unsigned)last, (unsigned)last),
                                     digits_range(builder, 0, most % power, digits - 1)};
        aver_grammar_rule_items(builder, rule, ITEMS(items));
        last--;
    }
    if (first <= last) {
        aver_grammar_item items[] = {
            digits_between(builder, (unsigned)first, (unsigned)last),
            aver_grammar_repeat(builder, digits_between(builder, 0, 9), digits - 1, digits - 1)};
        aver_grammar_rule_items(builder, rule, ITEMS(items));
    }
    return AVER_GRAMMAR_RULE(rule);
}

/* An alternative of rule: what stands before, a number of least to most, what stands after. */
static void whole_range(aver_grammar_builder *builder, uint32_t rule, bool minus, uint64_t least,
                        uint64_t most, const aver_grammar_item *after)
{
    unsigned digits = 1;
    while (digits <= DIGITS_MAX && least <= most) {
        uint64_t last = power_of_ten(digits) - 1;
        if (least <= last) {
            aver_grammar_item items[3];
            size_t count = 0;
            if (minus) {
                items[count++] = AVER_GRAMMAR_BYTE('-');
            }
            items[count++] = digits_range(builder, least, most < last ? most : last, digits);
            if (after != NULL) {
                items[count++] = *after;
            }
            aver_grammar_rule_items(builder, rule, items, count);
            least = last + 1;
        }
        digits++;
    }
}

/* With a fraction a number lies between its whole part and the next. */
static void sign_range(aver_grammar_builder *builder, uint32_t rule, bool minus, uint64_t least,
                       uint64_t most, bool fractions)
{
    whole_range(builder, rule, minus, least, most, NULL);
    if (fractions && most > least) {
        aver_grammar_item fraction = json_fraction(builder);
        whole_range(builder, rule, minus, least, most - 1, &fraction);
    }
}

aver_grammar_item aver_grammar_json_between(aver_grammar_builder *builder, int64_t least,
                                            int64_t most, bool fractions)
{
    uint32_t rule = aver_grammar_rule(builder);
    if (most >= 0) {
        sign_range(builder, rule, false, least > 0 ? (uint64_t)least : 0, (uint64_t)most,
                   fractions);
    }
    if (least < 0) {
        uint64_t nearest = most < 0 ? (uint64_t)-most : fractions ? 0 : 1;
        sign_range(builder, rule, true, nearest, (uint64_t)-least, fractions);
    }
    return AVER_GRAMMAR_RULE(rule);
}

/* "[" or "{", none or more members parted by commas, and what closes. */
static void json_list(aver_grammar_builder *builder, uint32_t rule, char open, char close,
                      aver_grammar_item member)
{
    aver_grammar_item space = aver_grammar_json_space(builder);
    uint32_t more = aver_grammar_rule(builder);
    uint32_t all = aver_grammar_rule(builder);
    aver_grammar_item comma[] = {AVER_GRAMMAR_BYTE(','), space, member};
    aver_grammar_item some[] = {
        member, aver_grammar_repeat(builder, AVER_GRAMMAR_RULE(more), 0, AVER_GRAMMAR_NO_MAX)};
    aver_grammar_item items[] = {AVER_GRAMMAR_BYTE(open), space, AVER_GRAMMAR_RULE(all), space,
                                 AVER_GRAMMAR_BYTE(close)};
    aver_grammar_rule_items(builder, more, ITEMS(comma));
    aver_grammar_rule_items(builder, all, ITEMS(some));
    aver_grammar_rule_items(builder, all, NULL, 0);
    aver_grammar_rule_items(builder, rule, ITEMS(items));
}

aver_grammar_item aver_grammar_json_value(aver_grammar_builder *builder,
                                          aver_grammar_item *ret_object)
{
    uint32_t value = aver_grammar_rule(builder);
    uint32_t object = aver_grammar_rule(builder);
    uint32_t array = aver_grammar_rule(builder);
    uint32_t member = aver_grammar_rule(builder);
    aver_grammar_item space = aver_grammar_json_space(builder);
    aver_grammar_item string = aver_grammar_json_string(builder, 0, AVER_GRAMMAR_NO_MAX);
    aver_grammar_item pair[] = {string, AVER_GRAMMAR_BYTE(':'), space, AVER_GRAMMAR_RULE(value)};
    aver_grammar_rule_items(builder, member, ITEMS(pair));
    json_list(builder, object, '{', '}', AVER_GRAMMAR_RULE(member));
    json_list(builder, array, '[', ']', AVER_GRAMMAR_RULE(value));
    aver_grammar_item kinds[] = {
        AVER_GRAMMAR_RULE(object),
        AVER_GRAMMAR_RULE(array),
        string,
        aver_grammar_json_number(builder, false),
        aver_grammar_literal(builder, AVER_VIEW_LITERAL("true")),
        aver_grammar_literal(builder, AVER_VIEW_LITERAL("false")),
        aver_grammar_literal(builder, AVER_VIEW_LITERAL("null")),
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        aver_grammar_rule_items(builder, value, &kinds[i], 1);
    }
    *ret_object = AVER_GRAMMAR_RULE(object);
    return AVER_GRAMMAR_RULE(value);
}
