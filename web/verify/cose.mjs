// SPDX-License-Identifier: Apache-2.0
/** cose: a COSE_Sign1 (RFC 9052 section 4.2) that others made, and what its signature covers. */
import { refuse } from "./bytes.mjs";
import { Tag, cborDecodeLenient, cborEncodeArray } from "./cbor.mjs";

const TAG_SIGN1 = 18n;
const HEADER_ALGORITHM = 1n;
const PROTECTED_BYTES_MAX = 64;
const ARRAY = 4;
const INDEFINITE_ARRAY = 0x9f;
/** ES384 of RFC 9053. */
export const ES384 = -35n;

function readParts(value) {
  const parts = value instanceof Tag && value.tag === TAG_SIGN1 ? value.value : value;
  const [header, open, payload, signature] = Array.isArray(parts) && parts.length === 4
    ? parts : refuse("this is no COSE_Sign1");
  if (![header, payload, signature].every((part) => part instanceof Uint8Array)) {
    refuse("a part of the COSE_Sign1 is no byte string");
  }
  return open instanceof Map && open.size === 0
    ? { header, payload, signature } : refuse("the unprotected header is not an empty map");
}

/**
 * @param {Uint8Array} bytes
 * @param {number} sizeMax
 * @returns {{algorithm: bigint, payload: Uint8Array, signature: Uint8Array, signed: Uint8Array}}
 */
export function coseRead(bytes, sizeMax) {
  // Its own array has a definite length; behind a tag it begins with the first byte of its kind.
  if (bytes[Math.max(0, bytes.findIndex((byte) => byte >> 5 === ARRAY))] === INDEFINITE_ARRAY) {
    refuse("a COSE_Sign1 of indefinite length");
  }
  const { header, payload, signature } = readParts(cborDecodeLenient(bytes, sizeMax));
  const fields = cborDecodeLenient(header, PROTECTED_BYTES_MAX);
  const algorithm = fields instanceof Map && fields.size === 1
    ? fields.get(HEADER_ALGORITHM) : undefined;
  if (typeof algorithm !== "bigint") {
    refuse("the protected header is not the algorithm alone");
  }
  const signed = cborEncodeArray(["Signature1", header, new Uint8Array(0), payload]);
  return { algorithm, payload, signature, signed };
}
