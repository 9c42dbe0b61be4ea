// SPDX-License-Identifier: Apache-2.0
/**
 * bundles: capsules with evidence of real hardware under test roots, which the unit tests made and
 * libaver judged: both verifiers must accept or refuse each, with the same failing checks. Prints
 * each fault and ends with 1 if there is any.
 *
 *   node bundles.mjs FOLDER
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hexDecode, policyParse, verifyCapsule } from "../verify.mjs";

const folder = process.argv[2];
const faults = [];
let accepted = 0;

const read = (name) => new Uint8Array(readFileSync(join(folder, name)));
const bytesOf = (hex) => (hex === null ? undefined : hexDecode(hex));

async function judge(one) {
  return verifyCapsule(read(one.capsule), {
    policy: policyParse(read(one.policy)),
    roots: one.roots ? { tests: one.roots.map(read) } : {},
    nowMs: BigInt(one.now_ms),
    modelRoot: bytesOf(one.model_root),
    nodeId: bytesOf(one.node_id),
  });
}

const lines = readFileSync(join(folder, "capsules.jsonl"), "utf8").split("\n").filter(Boolean);
for (const [i, line] of lines.entries()) {
  const wanted = JSON.parse(line);
  const found = await judge(wanted);
  const fails = found.checks.filter(({ status }) => status === "FAIL").map(({ name }) => name);
  // A platform that only the other verifier knows is refused here, whatever it says.
  const unknown = fails.includes("platform.known");
  const alike = found.accepted === wanted.accepted && found.simulated === wanted.simulated &&
    [...fails].sort().join() === [...wanted.fails].sort().join();
  if (unknown ? found.accepted : !alike) {
    faults.push(`capsule ${i}: ${found.accepted ? "accepted" : `refused by ${found.why}`}, fails [${
      fails}]; the other verifier: ${wanted.accepted ? "accepted" : "refused"}, fails [${
      wanted.fails}]`);
  }
  accepted += found.accepted ? 1 : 0;
}
faults.forEach((fault) => console.log(fault));
console.log(`${lines.length} capsules of hardware, ${accepted} accepted, ${faults.length} faults`);
process.exitCode = faults.length === 0 && accepted > 0 ? 0 : 1;
