/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TEE_SIM_H
#define AVER_TEE_SIM_H

/*
 * sim: the simulator platform, in an archive of its own that aver-node never links. It signs
 * whatever it is told, with a root key in a file; it proves nothing, says so in every line, and
 * passes only where a reader names its root by hand.
 *
 * Evidence, deterministic CBOR:
 *   {0: "aver simulator: proves nothing", 1: device certificate, 2: statement, 3: signature}
 *   device certificate = [device public key, machine id,
 *                         root signature over "aver/sim/device/1" || key || machine id]
 *   statement = {0: 1, 1: program digest, 2: report data, 3: time in ms, 4: tcb, 5: debug}
 *   signature = device key over "aver/sim/statement/1" || statement bytes
 */

#include "tee/tee.h"

/*
 * options: "key=FILE[,tcb=N][,debug=1][,program=FILE][,machine=TEXT]", tcb 1 where absent. FILE
 * holds the 32-byte root seed, made (0600) if absent; FILE.pub gets the root's public key in hex,
 * which the reader gives by hand. The program measured is the running one unless program= names
 * another file; machine tells simulated machines of one root apart.
 */
extern const aver_tee_platform aver_tee_sim;

#endif
