/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_SIM_VERIFY_H
#define AVER_ATTEST_SIM_VERIFY_H

/* sim_verify: judges the simulator's evidence (src/tee/sim.h has its layout). Linked only where a reader may name a simulator root. */

#include "aver/verify.h"

extern const aver_platform aver_platform_sim;

#endif
