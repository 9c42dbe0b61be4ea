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

const KINDS_MAX = 24;
const MACHINE_BYTES_MAX = 64;
const STATUSES = ["UpToDate", "SWHardeningNeeded", "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded", "TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded",
  "OutOfDate", "OutOfDateConfigurationNeeded", "Revoked"];

/** Bytes of each kind of measurement; the second size is not for nitro. */
const KINDS = {
  program: [32], mrenclave: [32], mrsigner: [32], host_data: [32], implementation_id: [32],
  mrtd: [48], rtmr0: [48], rtmr1: [48], rtmr2: [48], rtmr3: [48], mr_seam: [48],
  mr_config_id: [48], mr_owner: [48], mr_owner_config: [48], mr_service_td: [48],
  measurement: [48], id_key_digest: [48], author_key_digest: [48],
  family_id: [16], image_id: [16], personalization: [64],
  rim: [32, 64], rem0: [32, 64], rem1: [32, 64], rem2: [32, 64], rem3: [32, 64],
};
for (let index = 0; index < 24; index += 1) {
  KINDS[`pcr${index}`] = [48, 32];
}

/** What a kind stands for, by platform. */
const MEANINGS = {
  sim: { image: "program" },
  nitro: { image: "pcr0", kernel: "pcr1", init: "pcr2", role: "pcr3", signer: "pcr8" },
  sgx: { image: "mrenclave", signer: "mrsigner" },
  tdx: { firmware: "mrtd", kernel: "rtmr1", init: "rtmr2" },
  snp: { firmware: "measurement", signer: "id_key_digest" },
  azure: { firmware: "pcr0", kernel: "pcr4" },
  cca: { image: "rim" },
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

function hexOf(...sizes) {
  return (value, name) => {
    const bytes = typeof value === "string" ? hexDecode(value) : [];
    return sizes.includes(bytes.length)
      ? hexEncode(bytes) : refuse(`${name} has what is not ${2 * sizes[0]} hex digits`);
  };
}

function machine(value, name) {
  const bytes = typeof value === "string" ? hexDecode(value) : [];
  return bytes.length > 0 && bytes.length <= MACHINE_BYTES_MAX
    ? hexEncode(bytes) : refuse(`${name} has what is not 2 to ${2 * MACHINE_BYTES_MAX} hex digits`);
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

/** One entry: {platform, values: [[kind, hex]]}. */
function measurement(entry, name) {
  if (!(entry instanceof Map)) {
    refuse(`${name} has an entry that is no object`);
  }
  const platform = wordOf(PLATFORMS)(entry.get("platform"), `${name}: platform`);
  const meanings = Object.hasOwn(MEANINGS, platform) ? MEANINGS[platform] : {};
  const values = [];
  for (const [member, value] of entry) {
    const kind = Object.hasOwn(meanings, member) ? meanings[member] : member;
    if (member === "name") {
      label(value, `${name}: ${member}`);
    } else if (Object.hasOwn(KINDS, kind)) {
      const sizes = platform === "nitro" ? KINDS[kind].slice(0, 1) : KINDS[kind];
      values.push([kind, hexOf(...sizes)(value, `${name}: ${member}`)]);
    } else if (member !== "platform") {
      refuse(`${name}: there is no kind ${member}`);
    }
  }
  return values.length > 0 && values.length <= KINDS_MAX
    ? { platform, values } : refuse(`${name} has an entry of no or too many values`);
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
  machines: ["machines", listOf(LIST_MAX, machine), null],
  accept_tcb: ["statuses", listOf(STATUSES.length + 1, wordOf(STATUSES)), ["UpToDate"]],
  min_evaluation: ["evaluationMin", count(2n ** 32n - 1n), 0n],
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
  const waived = policy.allowStripped && use === "capsule"
    ? ["receipt.request", "receipt.response"] : [];
  if (verdict.timeless) {
    waived.push("evidence.age");
  }
  const wanted = [
    ...ALWAYS[use].filter((names) => !names.some((name) => waived.includes(name))),
    ...verdict.required.map(one),
    ...requiredByPolicy(policy, use),
  ];
  const failed = CHECKS.filter((name) => verdict.status(name) === FAIL);
  const missing = wanted
    .filter((names) => !names.some((name) => verdict.status(name) === PASS))
    .map((names) => names.join(" or "));
  const why = [...new Set([...failed, ...missing])];
  return { accepted: why.length === 0, why };
}
