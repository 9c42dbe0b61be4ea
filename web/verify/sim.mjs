// SPDX-License-Identifier: Apache-2.0
/**
 * sim: the judge of the simulator's evidence (docs/receipts.md section 5). It proves nothing, and
 * is accepted only against a root that the reader named by hand.
 *
 * A platform's judge is an object {name, simulated, judge}. judge(bundle, {roots, policy, atMs},
 * verdict) adds the checks evidence.format, platform.root and evidence.signature to the verdict, and
 * resolves to what the evidence says, or to null where it cannot be read:
 *   {reportData, timeMs (bigint, absent if the evidence has none), level (bigint), debug,
 *    measurements: {kind: bytes}, machineId (bytes, absent if the evidence names no machine)}
 */
import { concat, utf8Bytes, refuse } from "./bytes.mjs";
import { cborDecode } from "./cbor.mjs";
import { ed25519Verify } from "./crypto.mjs";
import { bool, bytes, only, record, tuple, uint } from "./shape.mjs";
import { attempt } from "./verdict.mjs";

const EVIDENCE_BYTES_MAX = 262144;
const STATEMENT_BYTES_MAX = 512;

const evidenceShape = record({
  0: ["words", only("aver simulator: proves nothing")],
  1: ["device", tuple(bytes(32), bytes(32), bytes(64))],
  2: ["statement", bytes(1, STATEMENT_BYTES_MAX)],
  3: ["signature", bytes(64)],
});

const statementShape = record({
  0: ["version", only(1n)],
  1: ["program", bytes(32)],
  2: ["reportData", bytes(64)],
  3: ["timeMs", uint()],
  4: ["level", uint()],
  5: ["debug", bool],
});

function parse(bundle) {
  const evidence = evidenceShape(cborDecode(bundle.evidence, EVIDENCE_BYTES_MAX), "evidence");
  const statement = statementShape(
    cborDecode(evidence.statement, STATEMENT_BYTES_MAX), "statement");
  if (bundle.collateral.size !== 0 || bundle.gpuEvidence || bundle.eventLog) {
    refuse("the bundle has parts that nobody judges on this platform");
  }
  return { ...evidence, statement, statementBytes: evidence.statement };
}

async function judgeRoot(device, roots, verdict) {
  if (!roots.sim) {
    verdict.fail("platform.root", "no simulator root was given");
    return;
  }
  const [key, machine, signature] = device;
  const signed = concat(utf8Bytes("aver/sim/device/1"), key, machine);
  verdict.decide("platform.root", await ed25519Verify(roots.sim, signed, signature),
    "the simulator's root that you named signed this device", "another root signed this device");
}

async function judge(bundle, { roots }, verdict) {
  const evidence = attempt(verdict, "evidence.format", () => parse(bundle));
  if (!evidence) {
    return null;
  }
  await judgeRoot(evidence.device, roots, verdict);
  const signed = concat(utf8Bytes("aver/sim/statement/1"), evidence.statementBytes);
  verdict.decide("evidence.signature",
    await ed25519Verify(evidence.device[0], signed, evidence.signature),
    "the device signed it", "the device did not sign it");
  const { reportData, timeMs, level, debug, program } = evidence.statement;
  return {
    reportData, timeMs, level, debug, measurements: { program }, machineId: evidence.device[1],
  };
}

export const sim = { name: "sim", simulated: true, judge };
