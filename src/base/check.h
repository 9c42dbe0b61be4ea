/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_BASE_CHECK_H
#define AVER_BASE_CHECK_H

/*
 * check: assertions for mistakes of the programmer, never for bytes from outside. They stay in
 * every build: a wrong call ends the program with its place on standard error.
 */

#include <stdbool.h>

_Noreturn void aver_check_fail(const char *file, int line, const char *condition);

#define AVER_ASSERT(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            aver_check_fail(__FILE__, __LINE__, #condition);                                       \
        }                                                                                          \
    } while (false)

#endif
