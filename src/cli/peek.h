/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_PEEK_H
#define AVER_CLI_PEEK_H

/* peek: what evidence says of itself, read by a policy that accepts nothing. */

#include "aver/judge.h"

/* FORMAT if it cannot be read. Views in ret_judged point into bundle. */
AVER_MUST_USE aver_err aver_peek(aver_view bundle, const aver_platform *const *platforms,
                                 aver_judged *ret_judged);

#endif
