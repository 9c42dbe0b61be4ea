// SPDX-License-Identifier: Apache-2.0
/** judge_bundle: the checks of evidence and keyset, capsule.format aside up to channel.seal. */
import { equal, hexEncode } from "./bytes.mjs";
import { bundleNonceRoot, bundleParse, bundleReportData } from "./bundle.mjs";
import { labelled, sha256 } from "./crypto.mjs";
import { keysetModel, keysetParse } from "./keyset.mjs";
import { policyAllowsModel } from "./policy.mjs";
import { attempt } from "./verdict.mjs";

/** How far two clocks may be apart. */
export const SKEW_MS = 60000n;

async function judgeEvidence(bundle, context, verdict) {
  const platform = context.platforms.find((one) => one.name === bundle.platform);
  verdict.decide("platform.allowed", context.policy.platforms.includes(bundle.platform),
    `the policy allows ${bundle.platform}`, `the policy does not allow ${bundle.platform}`);
  verdict.decide("platform.known", platform !== undefined,
    "this verifier can judge it", `${bundle.platform} is an unknown platform to this verifier`);
  if (!platform) {
    return null;
  }
  verdict.simulated ||= platform.simulated;
  const claims = await platform.judge(bundle, { ...context, atMs: momentOf(context) }, verdict);
  if (claims) {
    judgeClaims(claims, bundle.platform, context, verdict);
    verdict.decide("binding", equal(claims.reportData, await bundleReportData(bundle)),
      "the evidence commits to keyset, nonces and GPU evidence", "the report data is another");
  }
  return claims;
}

/** Certificates of a saved answer are judged at its moment, never in the reader's future. */
function momentOf({ nowMs, reliedMs }) {
  return reliedMs !== undefined && reliedMs < nowMs ? reliedMs : nowMs;
}

function judgeClaims(claims, platform, { policy, reliedMs }, verdict) {
  verdict.decide("evidence.debug", !claims.debug || policy.acceptDebug,
    claims.debug ? "debugging is on, and the policy accepts that" : "no debugger can look in",
    "debugging is on");
  judgeAge(claims.timeMs, policy, reliedMs, verdict);
  const fits = ({ platform: name, values }) => name === platform &&
    values.every(([kind, value]) =>
      claims.measurements[kind] && hexEncode(claims.measurements[kind]) === value);
  verdict.decide("measurement.allowed", policy.measurements.some(fits),
    "the policy allows what was measured", "the policy has no entry for what was measured");
  if (policy.machines) {
    const machine = claims.machineId && hexEncode(claims.machineId);
    verdict.decide("machine.allowed", policy.machines.includes(machine),
      "the policy names it", "the policy does not name it");
  }
  verdict.decide("tcb.min", claims.level >= policy.levelMin,
    `firmware level ${claims.level}`, `firmware level ${claims.level} is too low`);
}

function judgeAge(timeMs, policy, reliedMs, verdict) {
  verdict.timeless ||= timeMs === undefined;
  if (timeMs === undefined || reliedMs === undefined) {
    verdict.skip("evidence.age", "no time to compare");
    return;
  }
  const ageMs = reliedMs - timeMs;
  verdict.decide("evidence.age", ageMs <= policy.evidenceAgeMaxS * 1000n && ageMs >= -SKEW_MS,
    `${ageMs} ms old when it was relied on`, `${ageMs} ms old when it was relied on`);
}

async function judgeKeyset(keyset, bundle, context, verdict) {
  const { policy, nodeId } = context;
  verdict.decide("keyset.platform", keyset.platform === bundle.platform,
    keyset.platform, `the keyset names ${keyset.platform}`);
  verdict.decide("keyset.incarnation",
    equal(keyset.incarnation, await sha256(keyset.keys.receipt)),
    "it is the hash of the receipt key", "it is not the hash of the receipt key");
  if (bundle.config) {
    verdict.decide("keyset.config",
      equal(keyset.configDigest, await labelled("aver/config/1", bundle.config)),
      "the keyset commits to this document", "the keyset commits to another document");
  } else {
    verdict.skip("keyset.config", "the bundle has no configuration document");
  }
  if (policy.configs) {
    verdict.decide("config.allowed", policy.configs.includes(hexEncode(keyset.configDigest)),
      "the policy names it", "the policy does not name it");
  } else {
    verdict.skip("config.allowed", "the policy names no configurations");
  }
  judgeModel(keyset, context, verdict);
  if (nodeId) {
    verdict.decide("node.id", equal(keyset.nodeId, nodeId), "the node asked for", "another node");
  } else {
    verdict.skip("node.id", "no node was named");
  }
}

function judgeModel(keyset, { policy, modelRoot }, verdict) {
  const allowed = (one) => one && policyAllowsModel(policy, one.root, one.profile);
  verdict.decide("model.allowed",
    modelRoot ? allowed(keysetModel(keyset, modelRoot)) : keyset.models.some(allowed),
    "the policy allows it", "the keyset has no such model that the policy allows");
}

async function judgeNonce(bundle, nonce, verdict) {
  if (!nonce) {
    verdict.skip("nonce", "the reader gave none");
    return;
  }
  const root = bundle.noncePath ? await bundleNonceRoot(bundle, nonce) : null;
  verdict.decide("nonce", root && equal(root, bundle.nonceRoot),
    "the evidence is younger than the nonce", "the nonce is not under the bundle's nonce root");
}

function judgeChannel(keys, { tlsKey, sealKey }, verdict) {
  if (tlsKey) {
    verdict.decide("channel.tls", equal(keys.tls, tlsKey),
      "the connection ends at the keyset's key", "the connection ends at another key");
  } else {
    verdict.skip("channel.tls", "there is no connection");
  }
  if (sealKey) {
    verdict.decide("channel.seal", equal(keys.seal, sealKey),
      "sealed to the keyset's key", "sealed to another key");
  } else {
    verdict.skip("channel.seal", "nothing is sealed");
  }
}

/**
 * Judges a bare bundle. What the later judge of a receipt needs comes back; parts that could not
 * be read are absent from it.
 * @param {Uint8Array} encoding
 * @param {object} context see verify.mjs; reliedMs is the moment at which it was relied on
 * @param {Verdict} verdict
 */
export async function judgeBundle(encoding, context, verdict) {
  const bundle = attempt(verdict, "bundle.format", () => bundleParse(encoding));
  if (!bundle) {
    return {};
  }
  const claims = await judgeEvidence(bundle, context, verdict);
  const keyset = attempt(verdict, "keyset.format", () => keysetParse(bundle.keyset));
  await judgeNonce(bundle, context.nonce, verdict);
  if (keyset) {
    await judgeKeyset(keyset, bundle, context, verdict);
    judgeChannel(keyset.keys, context, verdict);
  }
  return {
    keyset,
    evidenceTimeMs: claims?.timeMs,
    keysetDigest: await labelled("aver/keyset/1", bundle.keyset),
    evidenceDigest: await labelled("aver/evidence/1", bundle.evidence),
  };
}
