/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_SIM_VERIFY_H
#define AVER_SIM_VERIFY_H

/*
 * sim_verify: judges the simulator's evidence, which proves nothing. It lies in an archive of its
 * own, libaver-sim (pkg-config aver-sim), linked only where a reader may name a simulator root by
 * hand: put &aver_platform_sim into the list of aver_verify_context.
 */

#include "aver/judge.h"

AVER_C_BEGIN

extern const aver_platform aver_platform_sim;

AVER_C_END

#endif
