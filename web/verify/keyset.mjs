// SPDX-License-Identifier: Apache-2.0
/** keyset: what one start of a node is (docs/receipts.md section 2). */
import { equal, hexEncode, refuse } from "./bytes.mjs";
import { cborDecode } from "./cbor.mjs";
import { bytes, list, only, optional, record, text, tuple, uint } from "./shape.mjs";

export const KEYSET_BYTES_MAX = 65536;
const MODELS_MAX = 64;

const roles = record({
  1: ["receipt", bytes(32)],
  2: ["statement", optional(bytes(33))],
  3: ["wallet", optional(bytes(33))],
  4: ["seal", bytes(32)],
  5: ["tls", optional(bytes(32))],
  6: ["vrf", optional(bytes(33))],
});

const model = tuple(text(127), bytes(32), bytes(32), uint(1n, 2n));

const shape = record({
  0: ["version", only(1n)],
  1: ["platform", text(23)],
  2: ["nodeId", bytes(32)],
  3: ["incarnation", bytes(32)],
  4: ["keys", roles],
  5: ["software", text(63)],
  6: ["program", bytes(32)],
  7: ["models", list(MODELS_MAX, model)],
  8: ["configDigest", bytes(32)],
});

/**
 * @param {Uint8Array} encoding
 * @returns {object} the fields, models as {name, root, numericClass, profile}
 */
export function keysetParse(encoding) {
  const keyset = shape(cborDecode(encoding, KEYSET_BYTES_MAX), "keyset");
  const keys = Object.values(keyset.keys).map(hexEncode);
  if (new Set(keys).size !== keys.length) {
    refuse("one key serves two roles");
  }
  keyset.models = keyset.models.map(([name, root, numericClass, profile]) =>
    ({ name, root, numericClass, profile }));
  if (new Set(keyset.models.map((one) => hexEncode(one.root))).size !== keyset.models.length) {
    refuse("one model root stands there twice");
  }
  return keyset;
}

/** The keyset's model of this root, or undefined. */
export function keysetModel(keyset, root) {
  return keyset.models.find((one) => equal(one.root, root));
}
