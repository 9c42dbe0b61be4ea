// SPDX-License-Identifier: Apache-2.0
/**
 * verify: the judge, for readers in a browser or in Node.js. A second implementation of what
 * docs/receipts.md and docs/verifier.md describe, so that nobody need take one program's word.
 *
 * The reader gives a context, and nothing that is judged is a measure of itself:
 *   policy     from policyParse
 *   roots      {sim: 32 bytes} or {}; also {tests: [...]}, certificates (DER or PEM) that count in
 *              the place of the makers' for hardware, which makes the verdict a simulated one
 *   nowMs      the reader's clock, bigint, milliseconds since 1970
 *   nonce, nodeId, modelRoot, tlsKey, sealKey, asOfMs   optional, what the reader chose or saw
 *
 * Each function resolves to {accepted, simulated, why, checks, receipt}: simulated says that some
 * of it proves nothing, why names the checks that refuse, checks has all in order as {name, status,
 * detail}, receipt is what could be read of it.
 */
import { bundleUnwrap } from "./bundle.mjs";
import { capsuleParse } from "./capsule.mjs";
import { judgeBundle } from "./judge_bundle.mjs";
import { judgeCut, judgeReceipt, receiptRead } from "./judge_receipt.mjs";
import { platforms } from "./platforms.mjs";
import { policyAccepts } from "./policy.mjs";
import { FAIL, Verdict, attempt } from "./verdict.mjs";

export { FormatError, base64urlDecode, hexDecode, hexEncode } from "./bytes.mjs";
export { policyParse } from "./policy.mjs";
export { StreamReader } from "./stream.mjs";
export { CHECKS, HARDWARE_CHECKS } from "./verdict.mjs";
export { judgeEvidence } from "./attest.mjs";

function conclude(context, use, verdict, receipt) {
  return {
    ...policyAccepts(context.policy, use, verdict),
    simulated: verdict.simulated,
    checks: verdict.list(),
    receipt,
  };
}

/** The bare bundle, or null with bundle.format FAIL where its wrapper is broken. */
function unwrap(encoding, verdict) {
  const bundle = attempt(verdict, "bundle.format", () => bundleUnwrap(encoding));
  return verdict.status("bundle.format") === FAIL ? null : bundle;
}

/** Evidence alone, or with a nonce and a channel before a prompt leaves. */
async function verifyEvidence(encoding, context, use) {
  const verdict = new Verdict();
  const bundle = unwrap(encoding, verdict);
  if (bundle) {
    await judgeBundle(bundle, { platforms, reliedMs: context.nowMs, ...context }, verdict);
  }
  return conclude(context, use, verdict, null);
}

export function verifyBundle(encoding, context) {
  return verifyEvidence(encoding, context, "bundle");
}

export function verifyConnection(encoding, context) {
  return verifyEvidence(encoding, context, "connect");
}

/**
 * A live answer.
 * @param {Uint8Array} bundleBytes the bundle that was judged before the prompt left
 * @param {Uint8Array|undefined} message the receipt; absent where a stream was cut before it
 * @param {object} transcript {salt, request, response or events, tokens, enc, route, nonce, seed,
 *   opening, heads, broken, modelRoot}: what the reader sent and received; modelRoot is that of the
 *   context unless it is here
 */
export async function verifyAnswer(bundleBytes, message, transcript, context) {
  const verdict = new Verdict();
  const bundle = unwrap(bundleBytes, verdict);
  const judged = bundle
    ? await judgeBundle(bundle, { platforms, reliedMs: context.nowMs, ...context }, verdict) : {};
  if (!message && transcript.opening) {
    const head = transcript.heads?.at(-1);
    await judgeCut({ opening: transcript.opening, head }, judged, transcript, verdict);
    return conclude(context, "answer", verdict, null);
  }
  const receipt = receiptRead(message, verdict);
  if (receipt) {
    await judgeReceipt(receipt, judged, { ...transcript, live: true }, context, verdict);
  }
  return conclude(context, "answer", verdict, receipt);
}

/** A saved answer, offline. */
export async function verifyCapsule(encoding, context) {
  const verdict = new Verdict();
  const capsule = attempt(verdict, "capsule.format", () => capsuleParse(encoding));
  if (!capsule) {
    return conclude(context, "capsule", verdict, null);
  }
  const receipt = capsule.cut ? null : receiptRead(capsule.receipt, verdict);
  const judged = await judgeBundle(capsule.bundle,
    { platforms, ...context, reliedMs: receipt?.keeper.issuedMs }, verdict);
  if (receipt) {
    await judgeReceipt(receipt, judged, capsule, context, verdict);
  } else if (capsule.cut) {
    await judgeCut(capsule.cut, judged, capsule, verdict);
  }
  return conclude(context, "capsule", verdict, receipt);
}
