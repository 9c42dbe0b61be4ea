/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include "base/check.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define ARGS_FRACTION_DIGITS 6

static size_t args_index(const aver_option *options, const char *name, size_t size)
{
    size_t i = 0;
    while (options[i].name != NULL) {
        AVER_ASSERT(i < AVER_ARGS_OPTIONS_MAX);
        if (strlen(options[i].name) == size && memcmp(options[i].name, name, size) == 0) {
            return i;
        }
        i++;
    }
    return AVER_ARGS_OPTIONS_MAX;
}

static size_t args_letter_index(const aver_option *options, char letter)
{
    for (size_t i = 0; options[i].name != NULL; i++) {
        AVER_ASSERT(i < AVER_ARGS_OPTIONS_MAX);
        if (options[i].letter == letter) {
            return i;
        }
    }
    return AVER_ARGS_OPTIONS_MAX;
}

bool aver_option_repeats(const aver_option *option)
{
    static const char mark[] = " ...";
    size_t size = option->value != NULL ? strlen(option->value) : 0;
    return size >= sizeof mark && strcmp(option->value + size - (sizeof mark - 1), mark) == 0;
}

static aver_err args_keep(aver_args *args, size_t index, const char *value, char *ret_why)
{
    if (args->values[index] == NULL) {
        args->values[index] = value;
        return AVER_OK;
    }
    if (args->more_count == AVER_ARGS_MORE_MAX) {
        (void)snprintf(ret_why, AVER_ARGS_WHY_BYTES, "option --%s is given too often",
                       args->options[index].name);
        return AVER_E_USAGE;
    }
    args->more[args->more_count].option = index;
    args->more[args->more_count++].value = value;
    return AVER_OK;
}

/* One option whose value may be joined to it; takes the next word if it needs one. */
static aver_err args_take(aver_args *args, size_t index, const char *joined, int argc,
                          const char *const *argv, int *at, char *ret_why)
{
    const aver_option *option = &args->options[index];
    if (args->values[index] != NULL && !aver_option_repeats(option)) {
        (void)snprintf(ret_why, AVER_ARGS_WHY_BYTES, "option --%s is given twice", option->name);
        return AVER_E_USAGE;
    }
    if (option->value == NULL) {
        if (joined != NULL) {
            (void)snprintf(ret_why, AVER_ARGS_WHY_BYTES, "option --%s takes no value",
                           option->name);
            return AVER_E_USAGE;
        }
        args->values[index] = "";
        return AVER_OK;
    }
    if (joined == NULL && *at + 1 < argc) {
        joined = argv[++*at];
    }
    if (joined == NULL) {
        (void)snprintf(ret_why, AVER_ARGS_WHY_BYTES, "option --%s needs a value: %s", option->name,
                       option->value);
        return AVER_E_USAGE;
    }
    return args_keep(args, index, joined, ret_why);
}

static aver_err args_take_long(aver_args *args, int argc, const char *const *argv, int *at,
                               char *ret_why)
{
    const char *word = argv[*at] + 2;
    const char *equals = strchr(word, '=');
    size_t size = equals != NULL ? (size_t)(equals - word) : strlen(word);
    size_t index = args_index(args->options, word, size);
    if (index == AVER_ARGS_OPTIONS_MAX) {
        (void)snprintf(ret_why, AVER_ARGS_WHY_BYTES, "unknown option --%.*s",
                       (int)(size < 60 ? size : 60), word);
        return AVER_E_USAGE;
    }
    return args_take(args, index, equals != NULL ? equals + 1 : NULL, argc, argv, at, ret_why);
}

static aver_err args_take_short(aver_args *args, int argc, const char *const *argv, int *at,
                                char *ret_why)
{
    const char *word = argv[*at];
    size_t index = args_letter_index(args->options, word[1]);
    if (index == AVER_ARGS_OPTIONS_MAX) {
        (void)snprintf(ret_why, AVER_ARGS_WHY_BYTES, "unknown option %.60s", word);
        return AVER_E_USAGE;
    }
    return args_take(args, index, word[2] != '\0' ? word + 2 : NULL, argc, argv, at, ret_why);
}

static aver_err args_take_operand(aver_args *args, const char *word, char *ret_why)
{
    if (args->operands_count == AVER_ARGS_OPERANDS_MAX) {
        (void)snprintf(ret_why, AVER_ARGS_WHY_BYTES, "too many words");
        return AVER_E_USAGE;
    }
    args->operands[args->operands_count++] = word;
    return AVER_OK;
}

aver_err aver_args_parse(const aver_option *options, int argc, const char *const *argv,
                         aver_args *ret_args, char ret_why[AVER_ARGS_WHY_BYTES])
{
    aver_args args = {.options = options};
    bool options_over = false;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        aver_err err = AVER_OK;
        if (options_over || word[0] != '-' || word[1] == '\0') {
            err = args_take_operand(&args, word, ret_why);
        } else if (strcmp(word, "--") == 0) {
            options_over = true;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            *ret_args = (aver_args){.options = options, .help = true};
            return AVER_OK;
        } else if (word[1] == '-') {
            err = args_take_long(&args, argc, argv, &i, ret_why);
        } else {
            err = args_take_short(&args, argc, argv, &i, ret_why);
        }
        if (err != AVER_OK) {
            return err;
        }
    }
    *ret_args = args;
    return AVER_OK;
}

const char *aver_args_get(const aver_args *args, const char *name)
{
    size_t index = args_index(args->options, name, strlen(name));
    AVER_ASSERT(index < AVER_ARGS_OPTIONS_MAX);
    return args->values[index];
}

const char *aver_args_get_at(const aver_args *args, const char *name, size_t place)
{
    size_t index = args_index(args->options, name, strlen(name));
    AVER_ASSERT(index < AVER_ARGS_OPTIONS_MAX && aver_option_repeats(&args->options[index]));
    if (place == 0) {
        return args->values[index];
    }
    for (size_t i = 0; i < args->more_count; i++) {
        if (args->more[i].option == index && --place == 0) {
            return args->more[i].value;
        }
    }
    return NULL;
}

bool aver_args_has(const aver_args *args, const char *name)
{
    return aver_args_get(args, name) != NULL;
}

aver_err aver_args_uint(const aver_args *args, const char *name, uint64_t min, uint64_t max,
                        uint64_t *ret_value, char ret_why[AVER_ARGS_WHY_BYTES])
{
    const char *text = aver_args_get(args, name);
    if (text == NULL) {
        return AVER_OK;
    }
    uint64_t value = 0;
    bool good = text[0] != '\0';
    for (const char *at = text; good && *at != '\0'; at++) {
        unsigned digit = (unsigned)(*at - '0');
        good = isdigit((unsigned char)*at) && value <= (max - (digit > max ? max : digit)) / 10;
        value = value * 10 + digit;
    }
    if (!good || value < min || value > max) {
        (void)snprintf(ret_why, AVER_ARGS_WHY_BYTES,
                       "--%s must be a whole number from %llu to %llu", name,
                       (unsigned long long)min, (unsigned long long)max);
        return AVER_E_USAGE;
    }
    *ret_value = value;
    return AVER_OK;
}

/* "0.75" in millionths; false for anything but digits, one point, and at most six digits behind it.
 */
static bool args_fraction(const char *text, uint32_t max_ppm, uint32_t *ret_ppm)
{
    uint64_t value = 0;
    unsigned behind = 0;
    bool point = false;
    bool digits = false;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '.' && !point) {
            point = true;
            continue;
        }
        if (!isdigit((unsigned char)*at) || (point && behind == ARGS_FRACTION_DIGITS)) {
            return false;
        }
        digits = true;
        behind += point ? 1 : 0;
        value = value * 10 + (unsigned)(*at - '0');
        if (value > UINT32_MAX) {
            return false;
        }
    }
    for (; behind < ARGS_FRACTION_DIGITS; behind++) {
        value *= 10;
    }
    if (!digits || value > max_ppm) {
        return false;
    }
    *ret_ppm = (uint32_t)value;
    return true;
}

aver_err aver_args_ppm(const aver_args *args, const char *name, uint32_t max_ppm, uint32_t *ret_ppm,
                       char ret_why[AVER_ARGS_WHY_BYTES])
{
    const char *text = aver_args_get(args, name);
    if (text == NULL || args_fraction(text, max_ppm, ret_ppm)) {
        return AVER_OK;
    }
    (void)snprintf(
        ret_why, AVER_ARGS_WHY_BYTES,
        "--%s must be a number from 0 to %u.%u, with at most six digits behind the point", name,
        max_ppm / 1000000, max_ppm % 1000000 / 100000);
    return AVER_E_USAGE;
}
