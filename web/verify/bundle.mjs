// SPDX-License-Identifier: Apache-2.0
/** bundle: all that is needed to judge a node (docs/receipts.md sections 3 to 5). */
import { base64urlDecode, concat, refuse, u32be, utf8Bytes, utf8Text } from "./bytes.mjs";
import { cborDecode } from "./cbor.mjs";
import { labelled, merkleLeaf, merklePathRoot, sha512 } from "./crypto.mjs";
import { KEYSET_BYTES_MAX } from "./keyset.mjs";
import { bytes, list, only, optional, record, text, tuple, uint } from "./shape.mjs";

export const BUNDLE_BYTES_MAX = 1 << 20;
const MEDIA_TYPE = "application/vnd.aver.bundle+cbor";
const NONCES_MAX = 65536n;
const PATH_MAX = 16;
const COLLATERAL_MAX = 16;
const COLLATERAL_NAME_BYTES_MAX = 64;
const some = bytes(1, BUNDLE_BYTES_MAX);

/** Certificates and other collateral: text to bytes, in order of the map. */
function collateral(value, name) {
  if (!(value instanceof Map) || value.size > COLLATERAL_MAX) {
    refuse(`${name} is not a map of at most ${COLLATERAL_MAX}`);
  }
  for (const [key, part] of value) {
    const size = typeof key === "string" ? utf8Bytes(key).length : 0;
    if (size < 1 || size > COLLATERAL_NAME_BYTES_MAX || !(part instanceof Uint8Array)) {
      refuse(`${name} has a part without a proper name, or one that is no byte string`);
    }
  }
  return value;
}

const noncePath = tuple(uint(1n, NONCES_MAX), uint(0n, NONCES_MAX - 1n), list(PATH_MAX, bytes(32)));

const shape = record({
  0: ["version", only(1n)],
  1: ["platform", text(23)],
  2: ["evidence", bytes(1, 262144)],
  3: ["collateral", collateral],
  4: ["keyset", bytes(1, KEYSET_BYTES_MAX)],
  5: ["nonceRoot", bytes(32)],
  6: ["noncePath", optional(noncePath)],
  7: ["gpuEvidence", optional(some)],
  8: ["eventLog", optional(some)],
  9: ["config", optional(some)],
});

/**
 * A bare bundle.
 * @param {Uint8Array} encoding
 */
export function bundleParse(encoding) {
  const bundle = shape(cborDecode(encoding, BUNDLE_BYTES_MAX), "bundle");
  if (bundle.noncePath) {
    const [size, index, path] = bundle.noncePath;
    if (index >= size) {
      refuse("the nonce path has a leaf behind the end of its tree");
    }
    bundle.noncePath = { size: Number(size), index: Number(index), path };
  }
  return bundle;
}

/**
 * The bare bundle inside its conceptual message wrapper, or as it is: the first byte tells.
 * @param {Uint8Array} encoding
 */
export function bundleUnwrap(encoding) {
  if (encoding[0] === 0x5b) {
    const parts = wrapperJson(utf8Text(encoding));
    return base64urlDecode(parts);
  }
  if (encoding[0] === 0x82) {
    const [type, bundle] = tuple(only(MEDIA_TYPE), some)(
      cborDecode(encoding, BUNDLE_BYTES_MAX + 64), "wrapper");
    return type && bundle;
  }
  return encoding;
}

/** The base64url text of a JSON wrapper. */
function wrapperJson(json) {
  let parts;
  try {
    parts = JSON.parse(json);
  } catch {
    refuse("the wrapper is not JSON");
  }
  if (!Array.isArray(parts) || parts.length !== 2 || parts[0] !== MEDIA_TYPE ||
      typeof parts[1] !== "string") {
    refuse("the wrapper is not an array of media type and text");
  }
  return parts[1];
}

/** The 64 bytes that hardware signs for this bundle (section 4). */
export async function bundleReportData(bundle) {
  const parts = [
    await labelled("aver/keyset/1", bundle.keyset),
    bundle.nonceRoot,
    bundle.gpuEvidence ? await labelled("aver/gpu/1", bundle.gpuEvidence) : new Uint8Array(0),
  ];
  const framed = parts.map((part) => concat(u32be(part.length), part));
  return sha512(utf8Bytes("aver/bind/1"), ...framed);
}

/** The root that the bundle's path leads to from this nonce, or null. */
export async function bundleNonceRoot(bundle, nonce) {
  const { size, index, path } = bundle.noncePath;
  const leaf = await merkleLeaf(concat(utf8Bytes("aver/nonce/1"), nonce));
  return merklePathRoot(leaf, index, size, path);
}
