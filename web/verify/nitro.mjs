// SPDX-License-Identifier: Apache-2.0
/**
 * nitro: attestation documents of AWS Nitro Enclaves, as AWS describes them: a COSE_Sign1 over a
 * CBOR map, signed by a certificate of the module that leads to AWS's root for enclaves.
 */
import { FormatError, hexEncode, isZero, refuse } from "./bytes.mjs";
import { cborDecodeLenient } from "./cbor.mjs";
import { ES384, coseRead } from "./cose.mjs";
import { ecdsaVerify, sha256 } from "./crypto.mjs";
import { REASON, debugTold, evidenceRead, nonceTold, pathTold, rootsOf } from "./family.mjs";
import { Certificate, hasKeyOn } from "./x509.mjs";
import { pathJudge } from "./x509_path.mjs";

/** CN=aws.nitro-enclaves, 2019-10-28 to 2049-10-28. */
const ROOTS = ["641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"];

const EVIDENCE_BYTES_MAX = 262144;
const PAYLOAD_BYTES_MAX = 16384;
const PCRS_MAX = 32n;
const CABUNDLE_MAX = 8;

function text(value, name) {
  return typeof value === "string" && value.length > 0 && value.length <= 128
    ? value : refuse(`${name} is not a text of 1 to 128 bytes`);
}

function bytes(least, most) {
  return (value, name) => (value instanceof Uint8Array && value.length >= least &&
    value.length <= most ? value : refuse(`${name} is not a byte string of its size`));
}

function time(value) {
  return typeof value === "bigint" && value >= 0n ? value : refuse("timestamp is no time");
}

function pcrs(value) {
  if (!(value instanceof Map) || value.size === 0) {
    refuse("pcrs is not a map with members");
  }
  for (const [index, pcr] of value) {
    const sized = pcr instanceof Uint8Array && [32, 48, 64].includes(pcr.length);
    if (typeof index !== "bigint" || index < 0n || index >= PCRS_MAX || !sized) {
      refuse("a PCR has an index or a size that there is not");
    }
  }
  return value;
}

function cabundle(value) {
  const read = bytes(1, 1024);
  return Array.isArray(value) && value.length > 0 && value.length <= CABUNDLE_MAX
    ? value.map((one) => read(one, "cabundle")) : refuse("cabundle is not a list of its length");
}

const MEMBERS = {
  module_id: text, digest: text, timestamp: time, pcrs, certificate: bytes(1, 1024), cabundle,
};
const OPTIONAL = ["public_key", "user_data", "nonce"];

function parse(evidence) {
  const cose = coseRead(evidence, EVIDENCE_BYTES_MAX);
  const map = cborDecodeLenient(cose.payload, PAYLOAD_BYTES_MAX);
  if (!(map instanceof Map) || [...map.keys()].some((key) => typeof key !== "string")) {
    refuse("the document is not a map with names");
  }
  const document = { cose };
  for (const [name, read] of Object.entries(MEMBERS)) {
    document[name] = read(map.get(name), name);
  }
  for (const name of OPTIONAL) {
    const value = map.get(name) ?? null;
    document[name] = value === null ? null : bytes(0, 1024)(value, name);
  }
  return document;
}

/** The certificates, leaf first; null where one cannot be read. */
function certificatesOf(document, verdict) {
  try {
    return [document.certificate, ...document.cabundle.slice().reverse()]
      .map((der) => new Certificate(der));
  } catch (error) {
    if (!(error instanceof FormatError)) {
      throw error;
    }
    verdict.fail("platform.root", `a certificate cannot be read: ${error.message}`,
      REASON.CHAIN_UNTRUSTED);
    return null;
  }
}

async function judgeSignature({ cose }, leaf, keyed, verdict) {
  const known = cose.algorithm === ES384;
  if (!known || !keyed) {
    verdict.skip("evidence.signature",
      known ? "the leaf has no key of P-384" : "it is not of ES384");
  } else {
    verdict.decide("evidence.signature",
      await ecdsaVerify("P-384", leaf.key.point, "SHA-384", cose.signed, cose.signature),
      "by the leaf's key", "the signature of the leaf's key does not hold", REASON.BAD_SIGNATURE);
  }
  verdict.decide("nitro.algorithm", known, "ES384",
    `COSE algorithm ${cose.algorithm}, the hardware signs with ES384 (-35)`, REASON.MALFORMED);
}

/** AWS names the leaf after the module: "<module id>.<region>.aws...". */
function judgeLeaf({ module_id: module }, leaf, keyed, verdict) {
  const name = leaf.commonName() ?? "";
  if (!keyed || !leaf.maySign()) {
    verdict.fail("nitro.leaf", keyed
      ? "the leaf may not sign documents" : "the leaf has no key of P-384", REASON.CHAIN_UNTRUSTED);
  } else {
    verdict.decide("nitro.leaf", name === module || name.startsWith(`${module}.`), name,
      `the leaf is of ${name || "nobody"}, the document of ${module}`, REASON.KEY_MISMATCH);
  }
}

function judgePcrs({ pcrs: found, digest }, verdict) {
  const missing = [0n, 1n, 2n].find((index) => !found.has(index));
  const other = [...found].find(([, pcr]) => pcr.length !== 48)?.[0];
  const sized = missing === undefined && other === undefined;
  verdict.decide("nitro.pcrs", sized && digest === "SHA384", `${found.size} of SHA-384`,
    sized ? "the digest is not SHA384"
      : `PCR ${missing ?? other} ${missing === undefined ? "is no SHA-384 digest" : "is missing"}`,
    REASON.MALFORMED);
}

function judgeTime({ timestamp }, leaf, verdict) {
  const timeS = Number(timestamp / 1000n);
  verdict.decide("nitro.time", timeS >= leaf.fromS && timeS <= leaf.toS,
    "within the validity of the leaf",
    "the document says it was made when its leaf was not valid", REASON.EXPIRED);
}

const hexOrNull = (value) => (value === null ? null : hexEncode(value));

/** Numbers stay numbers as long as they keep all their digits. */
function plain(value) {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

async function claimsOf(document, leaf) {
  const hex = [...document.pcrs].map(([index, pcr]) => [String(index), hexEncode(pcr)]);
  // An image has something in all three; a debugger's enclave shows zeros there.
  const debug = [0n, 1n, 2n].some((index) => {
    const pcr = document.pcrs.get(index);
    return pcr !== undefined && isZero(pcr);
  });
  const { user_data: userData, nonce } = document;
  return {
    debug,
    nonce: nonce ?? undefined,
    reportData: userData?.length === 64 ? userData : undefined,
    timeMs: document.timestamp,
    measurements: Object.fromEntries([...document.pcrs].map(([i, pcr]) => [`pcr${i}`, pcr])),
    fields: {
      module_id: document.module_id,
      digest: document.digest,
      timestamp_ms: plain(document.timestamp),
      debug,
      pcrs: Object.fromEntries(hex),
      public_key: hexOrNull(document.public_key),
      user_data: hexOrNull(userData),
      nonce: hexOrNull(nonce),
      leaf_not_before: leaf.fromS,
      leaf_not_after: leaf.toS,
      leaf_sha256: hexEncode(await sha256(leaf.der)),
      cabundle0_sha256: hexEncode(await sha256(document.cabundle[0])),
      cabundle_len: document.cabundle.length,
    },
  };
}

async function judge(input, verdict) {
  const roots = rootsOf(input, ROOTS);
  const document = evidenceRead(verdict, () => parse(input.evidence));
  const certificates = document && certificatesOf(document, verdict);
  if (!certificates) {
    return document && { fields: {}, debug: false };
  }
  const [leaf, ...others] = certificates;
  await pathTold(await pathJudge(leaf, others, roots, input.timeS), verdict);
  const keyed = await hasKeyOn("P-384", leaf);
  await judgeSignature(document, leaf, keyed, verdict);
  judgeLeaf(document, leaf, keyed, verdict);
  judgePcrs(document, verdict);
  judgeTime(document, leaf, verdict);
  const claims = await claimsOf(document, leaf);
  nonceTold(input, claims, verdict);
  debugTold(input, claims, verdict);
  return claims;
}

const REQUIRED = ["evidence.format", "platform.root", "evidence.validity", "evidence.signature",
  "nitro.algorithm", "nitro.leaf", "nitro.pcrs", "nitro.time", "evidence.debug"];

export const nitro = {
  name: "nitro", checks: [...REQUIRED, "evidence.nonce"], required: REQUIRED, judge,
};
