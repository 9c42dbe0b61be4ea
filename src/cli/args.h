/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_ARGS_H
#define AVER_CLI_ARGS_H

/*
 * args: the words of a command line against a table of options.
 *
 *   --name VALUE   --name=VALUE   -n VALUE   -nVALUE   --flag   -f   --   OPERAND
 *
 * An option given twice, unless its value ends in " ...", an unknown one, a missing or an unwanted
 * value are refused in words.
 * Ownership: everything borrows argv and the table.
 */

#include "aver/bytes.h"

#define AVER_ARGS_OPTIONS_MAX  40
#define AVER_ARGS_OPERANDS_MAX 8
#define AVER_ARGS_MORE_MAX     63 /* values beyond the first of all options together */
#define AVER_ARGS_WHY_BYTES    200

typedef struct aver_option {
    const char *name; /* without its dashes; NULL ends a table */
    char letter;      /* 0: none */
    /* What help calls the value; NULL: a flag. With " ..." at its end it may be given again. */
    const char *value;
    const char *help;
} aver_option;

typedef struct aver_args {
    const aver_option *options;
    const char *values[AVER_ARGS_OPTIONS_MAX]; /* NULL: not given; "" for a flag */
    struct {
        size_t option;
        const char *value;
    } more[AVER_ARGS_MORE_MAX]; /* the second and later ones, in their order */
    size_t more_count;
    const char *operands[AVER_ARGS_OPERANDS_MAX];
    size_t operands_count;
    bool help; /* --help or -h was given: everything else is then unchecked */
} aver_args;

/* USAGE with words in ret_why. */
AVER_MUST_USE aver_err aver_args_parse(const aver_option *options, int argc,
                                       const char *const *argv, aver_args *ret_args,
                                       char ret_why[AVER_ARGS_WHY_BYTES]);
/* True for an option that may be given more than once. */
bool aver_option_repeats(const aver_option *option);
/* name must be in the table (asserted). NULL if it was not given. */
const char *aver_args_get(const aver_args *args, const char *name);
/* The value at this place, 0 the first, of an option that may be given again; NULL behind the last.
 */
const char *aver_args_get_at(const aver_args *args, const char *name, size_t place);
bool aver_args_has(const aver_args *args, const char *name);
/* A whole decimal number in [min, max]; *ret_value keeps what it held if the option is absent. */
AVER_MUST_USE aver_err aver_args_uint(const aver_args *args, const char *name, uint64_t min,
                                      uint64_t max, uint64_t *ret_value,
                                      char ret_why[AVER_ARGS_WHY_BYTES]);
/* A decimal fraction with at most six digits behind the point, in millionths. */
AVER_MUST_USE aver_err aver_args_ppm(const aver_args *args, const char *name, uint32_t max_ppm,
                                     uint32_t *ret_ppm, char ret_why[AVER_ARGS_WHY_BYTES]);

#endif
