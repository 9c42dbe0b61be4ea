// SPDX-License-Identifier: Apache-2.0
/** policy: what the reader accepts (docs/verifier.md), and whether a verdict satisfies it. */
import { hexDecode, hexEncode, refuse, utf8Text } from "./bytes.mjs";
import { jsonParse } from "./json.mjs";
import { CHECKS, FAIL, PASS, checksBetween } from "./verdict.mjs";

const POLICY_BYTES_MAX = 262144;
const ANY_OF_MAX = 8;

const LIST_MAX = 256;
const PLATFORMS_MAX = 16;
const REQUIRE_MAX = 64;
const NAME_MAX = 63;
const AGE_MAX_S = 10n * 366n * 24n * 3600n;
const LEVEL_MAX = (1n << 63n) - 1n;

/** What a policy may name, whether or not this verifier can judge it. */
const PLATFORMS = ["sim", "nitro", "sgx", "tdx", "snp", "nvidia", "azure", "cca", "tpm"];
const PROFILES = ["verified", "fast"];

/** Bytes of each kind of measurement. */
const KINDS = {
  program: 32, pcr0: 48, pcr1: 48, pcr2: 48, pcr3: 48, pcr4: 48, pcr8: 48, mrtd: 48, rtmr0: 48,
  rtmr1: 48, rtmr2: 48, rtmr3: 48, mrenclave: 32, mrsigner: 32, measurement: 48,
};

/** An array of at most so many, each read by the reader. */
function listOf(most, read) {
  return (value, name) => {
    if (!Array.isArray(value) || value.length > most) {
      refuse(`${name} is not an array of at most ${most}`);
    }
    return value.map((one) => read(one, name));
  };
}

/** One of these words. */
function wordOf(words) {
  return (value, name) => (words.includes(value) ? value : refuse(`${name} has an unknown word`));
}

function hexOf(size) {
  return (value, name) => {
    const bytes = typeof value === "string" ? hexDecode(value) : [];
    return bytes.length === size
      ? hexEncode(bytes) : refuse(`${name} has what is not ${2 * size} hex digits`);
  };
}

function profile(value, name) {
  return BigInt(PROFILES.indexOf(wordOf(PROFILES)(value, name)) + 1);
}

function count(most) {
  return (value, name) => (typeof value === "bigint" && value >= 0n && value <= most
    ? value : refuse(`${name} is not a whole number from 0 to ${most}`));
}

function flag(value, name) {
  return typeof value === "boolean" ? value : refuse(`${name} is not true or false`);
}

function label(value, name) {
  return typeof value === "string" && value.length <= NAME_MAX && /^[\x20-\x7e]+$/.test(value)
    ? value : refuse(`${name} is not a text of 1 to ${NAME_MAX} printable ASCII characters`);
}

function version(value) {
  return value === 1n ? value : refuse("version is not 1");
}

/** One entry: {platform, values: {kind: hex}}. */
function measurement(entry, name) {
  if (!(entry instanceof Map)) {
    refuse(`${name} has an entry that is no object`);
  }
  const platform = wordOf(PLATFORMS)(entry.get("platform"), `${name}: platform`);
  const values = {};
  for (const [member, value] of entry) {
    if (member === "name") {
      label(value, `${name}: ${member}`);
    } else if (Object.hasOwn(KINDS, member)) {
      values[member] = hexOf(KINDS[member])(value, `${name}: ${member}`);
    } else if (member !== "platform") {
      refuse(`${name}: there is no kind ${member}`);
    }
  }
  return Object.keys(values).length > 0
    ? { platform, values } : refuse(`${name} has an entry that measures nothing`);
}

/** Names of which one must pass. */
function anyOf(value, name) {
  const names = Array.isArray(value) ? value : [value];
  if (names.length < 1) {
    refuse(`${name} has an empty list, which nothing can satisfy`);
  }
  return listOf(ANY_OF_MAX, wordOf(CHECKS))(names, name);
}

const MEMBERS = {
  version: ["version", version, undefined],
  name: ["name", label, ""],
  platforms: ["platforms", listOf(PLATFORMS_MAX, wordOf(PLATFORMS)), []],
  measurements: ["measurements", listOf(LIST_MAX, measurement), []],
  models: ["models", listOf(LIST_MAX, hexOf(32)), []],
  configs: ["configs", listOf(LIST_MAX, hexOf(32)), null],
  profiles: ["profiles", listOf(PROFILES.length, profile), null],
  max_evidence_age_s: ["evidenceAgeMaxS", count(AGE_MAX_S), 300n],
  max_receipt_age_s: ["receiptAgeMaxS", count(AGE_MAX_S), 300n],
  min_tcb: ["levelMin", count(LEVEL_MAX), 0n],
  accept_debug: ["acceptDebug", flag, false],
  allow_stripped: ["allowStripped", flag, false],
  require: ["require", listOf(REQUIRE_MAX, anyOf), []],
};

/**
 * @param {Uint8Array} bytes JSON
 * @throws {FormatError} what is wrong with it, for the person who wrote it
 */
export function policyParse(bytes) {
  if (bytes.length > POLICY_BYTES_MAX) {
    refuse(`a policy has at most ${POLICY_BYTES_MAX} bytes`);
  }
  const members = jsonParse(utf8Text(bytes));
  if (!(members instanceof Map)) {
    refuse("a policy is a JSON object");
  }
  const policy = {};
  for (const [field, , absent] of Object.values(MEMBERS)) {
    policy[field] = absent;
  }
  for (const [name, value] of members) {
    if (!Object.hasOwn(MEMBERS, name)) {
      refuse(`a policy has no member ${name}`);
    }
    const [field, read] = MEMBERS[name];
    policy[field] = read(value, name);
  }
  return policy.version === 1n ? policy : refuse("version is missing");
}

/** Whether the policy allows a model of this root under this profile. */
export function policyAllowsModel(policy, root, profile) {
  return policy.models.includes(hexEncode(root)) &&
    (policy.profiles === null || policy.profiles.includes(profile));
}

const EVIDENCE = checksBetween("bundle.format", "binding");
const KEYSET = ["keyset.format", "keyset.platform", "keyset.incarnation"];
const RECEIPT = [...checksBetween("receipt.format", "receipt.response"), "receipt.finish",
  "receipt.time"];
const one = (name) => [name];

const ALWAYS = {
  bundle: [...EVIDENCE, ...KEYSET, "model.allowed"].map(one),
  connect: [...[...EVIDENCE, ...KEYSET, "model.allowed", "nonce"].map(one),
    ["channel.seal", "channel.tls"]],
  capsule: ["capsule.format", ...EVIDENCE, ...KEYSET, "model.allowed", ...RECEIPT].map(one),
};
ALWAYS.answer = [...ALWAYS.connect, ...[...RECEIPT, "receipt.route"].map(one),
  ["receipt.enc", "channel.tls"]];

/** What a policy asks for by itself; on connecting, what is about the answer waits for it. */
function requiredByPolicy(policy, use) {
  const waits = (name) => name.startsWith("receipt.") || name === "time.as-of";
  return policy.require.filter((names) => use !== "connect" || !names.some(waits));
}

/**
 * Whether the policy accepts this verdict for this use: nothing failed, and everything required
 * passed.
 * @param {object} policy
 * @param {"bundle"|"connect"|"answer"|"capsule"} use
 * @param {Verdict} verdict
 * @returns {{accepted: boolean, why: string[]}} why it is refused: names of checks
 */
export function policyAccepts(policy, use, verdict) {
  const stripped = policy.allowStripped && use === "capsule"
    ? ["receipt.request", "receipt.response"] : [];
  const wanted = [
    ...ALWAYS[use].filter((names) => !names.some((name) => stripped.includes(name))),
    ...requiredByPolicy(policy, use),
  ];
  const failed = CHECKS.filter((name) => verdict.status(name) === FAIL);
  const missing = wanted
    .filter((names) => !names.some((name) => verdict.status(name) === PASS))
    .map((names) => names.join(" or "));
  const why = [...new Set([...failed, ...missing])];
  return { accepted: why.length === 0, why };
}
