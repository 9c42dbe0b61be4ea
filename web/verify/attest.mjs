// SPDX-License-Identifier: Apache-2.0
/**
 * attest: the evidence of one TEE, judged by itself: bytes, collateral, roots, time and what is
 * expected go in; named checks and claims come out. Nothing is fetched, and nothing that is found
 * in the evidence is a measure of it.
 *
 * input:
 *   evidence            bytes
 *   timeS               seconds since 1970, at which certificates and collateral must be valid
 *   roots               a list of certificates (DER or PEM) that are trusted; absent: the makers'
 *   leaf, chain         snp: VCEK or VLEK, then ASK or ASVK and ARK; DER or PEM
 *   collateral          sgx, tdx: one JSON object as text in bytes
 *   crls                a list of revocation lists, DER or PEM
 *   nonce               what the evidence must carry: nitro: its nonce; others: the report data
 *   allowDebug, acceptTcb (names of statuses), evaluationMin, vmpl, requireRevocation, signatureOnly
 */
import { sgx, tdx } from "./dcap.mjs";
import { nitro } from "./nitro.mjs";
import { snp } from "./snp.mjs";
import { PASS, FAIL, Verdict } from "./verdict.mjs";

const EVIDENCE_BYTES_MAX = 262144;

export const FAMILIES = new Map([nitro, sgx, tdx, snp].map((family) => [family.name, family]));

function holds(family, input, verdict) {
  const required = input.signatureOnly ? family.requiredSignatureOnly : family.required;
  const failed = family.checks.some((name) => verdict.status(name) === FAIL);
  return !failed && required !== undefined &&
    required.every((name) => verdict.status(name) === PASS);
}

/**
 * @param {string} name of the family
 * @param {object} input
 * @returns {Promise<{holds: boolean, reason: string|undefined, checks: object[],
 *   claims: object|null}>} the class of the first fault; the checks of that family, in order; the
 *   claims by name, null where the evidence cannot be read, and true only as far as the checks go
 */
export async function judgeEvidence(name, input) {
  const family = FAMILIES.get(name);
  if (!family || !Number.isSafeInteger(input.timeS)) {
    throw new TypeError(family ? "the time is no whole number" : `there is no family ${name}`);
  }
  const verdict = new Verdict();
  let claims = null;
  if (input.evidence.length > EVIDENCE_BYTES_MAX) {
    verdict.fail("evidence.format", "more bytes than any evidence has", "malformed");
  } else {
    claims = await family.judge(input, verdict);
  }
  return {
    holds: holds(family, input, verdict),
    reason: verdict.reason(),
    checks: verdict.list(family.checks),
    claims: claims?.fields ?? null,
  };
}
