/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_SIM_VERIFY_H
#define AVER_ATTEST_SIM_VERIFY_H

/* sim_verify: the parts of the simulator's evidence (src/tee/sim.h has its layout) that its judge
 * and its producer share. */

#include "aver/sim_verify.h"

#define AVER_SIM_WORDS         "aver simulator: proves nothing"
#define AVER_SIM_DEVICE_TAG    "aver/sim/device/1"
#define AVER_SIM_STATEMENT_TAG "aver/sim/statement/1"

typedef struct aver_sim_statement {
    uint8_t program[32];
    uint8_t report_data[64];
    uint64_t time_ms;
    uint64_t tcb;
    bool debug;
} aver_sim_statement;

/* A device key, certified by the root. */
typedef struct aver_sim_device {
    uint8_t key[32];
    uint8_t machine_id[32];
    uint8_t signature[64]; /* by the root, over AVER_SIM_DEVICE_TAG || key || machine_id */
} aver_sim_device;

AVER_MUST_USE aver_err aver_sim_statement_encode(const aver_sim_statement *statement,
                                                 aver_buf *ret_bytes);
AVER_MUST_USE aver_err aver_sim_evidence_encode(const aver_sim_device *device, aver_view statement,
                                                const uint8_t signature[static 64],
                                                aver_buf *ret_evidence);

#endif
