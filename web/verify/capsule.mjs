// SPDX-License-Identifier: Apache-2.0
/** capsule: an answer with all that is needed to judge it offline (docs/receipts.md section 10). */
import { BUNDLE_BYTES_MAX } from "./bundle.mjs";
import { refuse } from "./bytes.mjs";
import { cborDecode } from "./cbor.mjs";
import { MESSAGE_BYTES_MAX } from "./receipt.mjs";
import { bytes, list, only, optional, record } from "./shape.mjs";

export const CAPSULE_BYTES_MAX = 16 << 20;
const body = bytes(0, CAPSULE_BYTES_MAX);
const message = bytes(1, MESSAGE_BYTES_MAX);

const shape = record({
  0: ["version", only(1n)],
  1: ["receipt", optional(message)],
  2: ["bundle", bytes(1, BUNDLE_BYTES_MAX)],
  4: ["salt", optional(bytes(32))],
  5: ["request", optional(body)],
  6: ["response", optional(body)],
  7: ["tokens", optional(body)],
  8: ["enc", optional(bytes(32))],
  9: ["cut", optional(list(2, message))],
});

/** @param {Uint8Array} encoding */
export function capsuleParse(encoding) {
  const capsule = shape(cborDecode(encoding, CAPSULE_BYTES_MAX), "capsule");
  if ((capsule.receipt === undefined) === (capsule.cut === undefined)) {
    refuse("neither a receipt nor an opening, or both");
  }
  if (capsule.cut) {
    const [opening, head] = capsule.cut;
    if (!opening) {
      refuse("the capsule of a cut stream has no opening");
    }
    capsule.cut = { opening, head };
  }
  return capsule;
}
