// SPDX-License-Identifier: Apache-2.0
/**
 * crypto: SHA-2, Ed25519, ECDSA and RSA by WebCrypto, and the RFC 9162 tree over SHA-256.
 *
 * Implementations of Ed25519 differ in what they let pass at the edges. Two verifiers that differ
 * can be told two stories, so the edges are decided here, before WebCrypto is asked: the scalar S
 * is below the order of the group, and the key is in its one canonical form and not of small order.
 */
import { base64urlEncode, concat, utf8Bytes } from "./bytes.mjs";

// Node.js 18 has WebCrypto, but not among its globals.
const webcrypto = globalThis.crypto ?? (await import("node:crypto")).webcrypto;
const subtle = webcrypto.subtle;

/** @param {...Uint8Array} parts @returns {Promise<Uint8Array>} */
export async function sha256(...parts) {
  return new Uint8Array(await subtle.digest("SHA-256", concat(...parts)));
}

/** @param {...Uint8Array} parts @returns {Promise<Uint8Array>} */
export async function sha512(...parts) {
  return new Uint8Array(await subtle.digest("SHA-512", concat(...parts)));
}

/** @param {...Uint8Array} parts @returns {Promise<Uint8Array>} */
export async function sha384(...parts) {
  return new Uint8Array(await subtle.digest("SHA-384", concat(...parts)));
}

/** SHA-256 of a text that says what is hashed, and of the parts. */
export function labelled(label, ...parts) {
  return sha256(utf8Bytes(label), ...parts);
}

const P = (1n << 255n) - 19n;
const ORDER = (1n << 252n) + 27742317777372353535851937790883648493n;
const Y_OF_ORDER_8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;
const SMALL_ORDER = new Set([0n, 1n, P - 1n, Y_OF_ORDER_8, P - Y_OF_ORDER_8]);

/** @param {Uint8Array} bytes the lowest first */
function littleEndian(bytes) {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** Whether a key is canonical and no point of small order; that it is a point is left to others. */
export function ed25519KeySound(key) {
  const y = littleEndian(key) & ((1n << 255n) - 1n);
  return y < P && !SMALL_ORDER.has(y);
}

/**
 * @param {Uint8Array} key 32 bytes
 * @param {Uint8Array} message
 * @param {Uint8Array} signature 64 bytes
 * @returns {Promise<boolean>}
 */
export async function ed25519Verify(key, message, signature) {
  if (!ed25519KeySound(key) || littleEndian(signature.subarray(32)) >= ORDER) {
    return false;
  }
  try {
    const imported = await subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
    return await subtle.verify("Ed25519", imported, signature, message);
  } catch (error) {
    // No curve point: some implementations say so only here. Anything else is not a verdict.
    if (error?.name === "DataError" || error?.name === "OperationError") {
      return false;
    }
    throw error;
  }
}

/** The verdict of WebCrypto, or false where it says that the key is none. */
async function verified(algorithm, format, key, use, message, signature) {
  try {
    const imported = await subtle.importKey(format, key, algorithm, false, ["verify"]);
    return await subtle.verify(use, imported, signature, message);
  } catch (error) {
    if (error?.name === "DataError" || error?.name === "OperationError") {
      return false;
    }
    throw error;
  }
}

/**
 * @param {"P-256"|"P-384"} curve
 * @param {Uint8Array} point uncompressed, with its 4 in front
 * @param {string} hash "SHA-256", ...
 * @param {Uint8Array} message
 * @param {Uint8Array} signature r || s
 */
export function ecdsaVerify(curve, point, hash, message, signature) {
  const algorithm = { name: "ECDSA", namedCurve: curve };
  return verified(algorithm, "raw", point, { name: "ECDSA", hash }, message, signature);
}

/** Whether the point is one of the curve: WebCrypto takes no other as a key. */
export async function ecdsaKeySound(curve, point) {
  try {
    await subtle.importKey("raw", point, { name: "ECDSA", namedCurve: curve }, false, ["verify"]);
    return true;
  } catch (error) {
    if (error?.name === "DataError" || error?.name === "OperationError") {
      return false;
    }
    throw error;
  }
}

/**
 * @param {{kind: "RSA-PSS"|"RSASSA-PKCS1-v1_5", hash: string, saltLength: number}} how
 * @param {{n: Uint8Array, e: Uint8Array}} key modulus and exponent, the highest byte first
 */
export function rsaVerify({ kind, hash, saltLength }, { n, e }, message, signature) {
  const jwk = { kty: "RSA", n: base64urlEncode(n), e: base64urlEncode(e) };
  return verified({ name: kind, hash }, "jwk", jwk, { name: kind, saltLength }, message, signature);
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** @param {Uint8Array} data */
export function merkleLeaf(data) {
  return sha256(LEAF, data);
}

/** @param {Uint8Array} left @param {Uint8Array} right */
export function merkleNode(left, right) {
  return sha256(NODE, left, right);
}

/**
 * The root over leaf hashes, RFC 9162 section 2.1. Joining neighbours level by level, an odd last
 * one moving up as it is, gives the same tree as splitting at the largest power of two.
 * @param {Uint8Array[]} leaves
 */
export async function merkleRoot(leaves) {
  if (leaves.length === 0) {
    return sha256();
  }
  let level = leaves;
  while (level.length > 1) {
    const above = [];
    for (let i = 0; i < level.length; i += 2) {
      above.push(i + 1 < level.length ? merkleNode(level[i], level[i + 1]) : level[i]);
    }
    level = await Promise.all(above);
  }
  return level[0];
}

/**
 * The root that an inclusion path leads to, RFC 9162 section 2.1.3.2, or null where the path has
 * another length than this leaf of this tree needs.
 * @param {Uint8Array} leaf its hash
 * @param {number} index
 * @param {number} size
 * @param {Uint8Array[]} path
 */
export async function merklePathRoot(leaf, index, size, path) {
  let at = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of path) {
    if (last === 0) {
      return null;
    }
    if (at % 2 === 1 || at === last) {
      hash = await merkleNode(sibling, hash);
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2);
        last = Math.floor(last / 2);
      }
    } else {
      hash = await merkleNode(hash, sibling);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? hash : null;
}
