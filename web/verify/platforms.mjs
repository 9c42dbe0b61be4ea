// SPDX-License-Identifier: Apache-2.0
/**
 * platforms: which platforms' evidence this verifier can judge in a bundle. The simulator has a
 * judge of its own; the others are families of attest.mjs, which find their collateral in the
 * bundle. What is not listed is an unknown platform, and refused.
 */
import { refuse } from "./bytes.mjs";
import { FAMILIES } from "./attest.mjs";
import { REASON } from "./family.mjs";
import { sim } from "./sim.mjs";
import { attempt } from "./verdict.mjs";

const CRLS_MAX = 8;

/** The parts that a platform takes from a bundle; "crl" stands for crl.0, crl.1, ... */
const TAKES = {
  nitro: [], sgx: ["collateral"], tdx: ["collateral"], snp: ["leaf", "chain", "crl"],
};

function takeParts(bundle, takes) {
  const input = { crls: [] };
  for (const [name, bytes] of bundle.collateral) {
    const [, number] = /^crl\.([0-7])$/.exec(name) ?? [];
    if (number !== undefined && takes.includes("crl")) {
      input.crls[Number(number)] = bytes;
    } else if (name !== "crl" && takes.includes(name)) {
      input[name] = bytes;
    } else {
      refuse("the bundle has collateral that nobody judges on this platform");
    }
  }
  if (bundle.eventLog || (bundle.gpuEvidence && takes.length === 0)) {
    refuse("the bundle has an event log or GPU evidence, which nobody judges on this platform");
  }
  const gap = Array.from(input.crls).some((one) => !one?.length);
  return gap || input.crls.length > CRLS_MAX
    ? refuse("the bundle has collateral with gaps in its numbers") : input;
}

function inputOf(bundle, parts, { roots, policy, atMs }) {
  return {
    ...parts,
    evidence: bundle.evidence,
    roots: roots.tests,
    timeS: Number(atMs / 1000n),
    allowDebug: policy.acceptDebug,
    acceptTcb: policy.statuses,
    evaluationMin: Number(policy.evaluationMin),
  };
}

function platformOf(family) {
  const judge = async (bundle, context, verdict) => {
    verdict.simulated ||= context.roots.tests !== undefined;
    verdict.required = family.required;
    const parts = attempt(verdict, "evidence.format",
      () => takeParts(bundle, TAKES[family.name]), REASON.MALFORMED);
    const claims = parts && await family.judge(inputOf(bundle, parts, context), verdict);
    for (const name of family.checks) {
      if (parts && !verdict.found.has(name)) {
        verdict.skip(name, "an earlier check stands in the way");
      }
    }
    if (claims && bundle.gpuEvidence) {
      verdict.fail("gpu.evidence", "this verifier does not judge evidence of GPUs");
    }
    return claims && { level: 0n, measurements: {}, ...claims };
  };
  return { name: family.name, simulated: false, judge };
}

export const platforms = [sim, ...[...FAMILIES.values()].map(platformOf)];
