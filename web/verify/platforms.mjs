// SPDX-License-Identifier: Apache-2.0
/**
 * platforms: which families' evidence this verifier can judge. A family is added by writing its
 * judge, shaped as sim.mjs says, and naming it here; its kinds of measurement stand in policy.mjs
 * already. What is not listed is an unknown platform, and refused.
 */
import { sim } from "./sim.mjs";

export const platforms = [sim];
