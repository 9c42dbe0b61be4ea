// SPDX-License-Identifier: Apache-2.0
/** receipt: the signed messages, receipt, opening and head (docs/receipts.md sections 6 to 9). */
import { equal, refuse, utf8Bytes } from "./bytes.mjs";
import { Tag, cborDecode, cborEncodeArray } from "./cbor.mjs";
import { ed25519Verify, sha256 } from "./crypto.mjs";
import { bytes, list, only, optional, record, text, tuple, uint } from "./shape.mjs";

export const MESSAGE_BYTES_MAX = 4096;
const SIGN1_TAG = 18n;

const sign1Shape = tuple(bytes(0, MESSAGE_BYTES_MAX), record({}), bytes(0, MESSAGE_BYTES_MAX),
  bytes(64));

/**
 * A COSE_Sign1 of one kind: its parts, signature not yet looked at.
 * @param {Uint8Array} encoding
 * @param {"receipt"|"opening"|"head"} kind
 */
function sign1Parse(encoding, kind) {
  const item = cborDecode(encoding, MESSAGE_BYTES_MAX);
  if (!(item instanceof Tag) || item.tag !== SIGN1_TAG) {
    refuse(`the ${kind} is not a tagged COSE_Sign1`);
  }
  const [header, , payload, signature] = sign1Shape(item.value, kind);
  const { kid } = record({
    1: ["algorithm", only(-8n)],
    3: ["type", only(`application/vnd.aver.${kind}+cbor`)],
    4: ["kid", bytes(32)],
  })(cborDecode(header, MESSAGE_BYTES_MAX), `${kind}: protected header`);
  const signed = cborEncodeArray(
    ["Signature1", header, utf8Bytes(`aver/${kind}/1`), payload]);
  return { kid, payload, signature, signed };
}

const keeperShape = record({
  1: ["id", bytes(32)],
  2: ["nodeId", bytes(32)],
  3: ["incarnation", bytes(32)],
  4: ["platform", text(23)],
  5: ["keysetDigest", bytes(32)],
  6: ["evidenceDigest", bytes(32)],
  7: ["modelRoot", bytes(32)],
  8: ["configDigest", bytes(32)],
  9: ["seed", uint()],
  10: ["channel", uint(1n, 2n)],
  11: ["encDigest", optional(bytes(32))],
  12: ["method", text(7)],
  13: ["path", text(255)],
  14: ["status", uint(1n, 999n)],
  15: ["request", bytes(32)],
  16: ["response", bytes(32)],
  17: ["tokens", bytes(32)],
  18: ["events", optional(uint())],
  19: ["eventsRoot", optional(bytes(32))],
  20: ["finish", uint(1n, 5n)],
  21: ["nonce", optional(bytes(32))],
  22: ["jobId", optional(bytes(32))],
  23: ["durationUs", uint()],
  24: ["issuedMs", uint()],
  25: ["timeSource", uint(1n, 3n)],
  26: ["isolation", uint(1n, 3n)],
  27: ["processModel", uint(1n, 2n)],
  28: ["engineIncarnation", uint()],
});

const engineShape = record({
  1: ["executor", text(63)],
  2: ["profile", uint(1n, 2n)],
  3: ["numericClass", bytes(32)],
  4: ["stepDigest", optional(bytes(32))],
  5: ["promptTokens", uint()],
  6: ["generatedTokens", uint()],
});

const payloads = {
  receipt: record({ 0: ["version", only(1n)], 1: ["keeper", keeperShape],
    2: ["engine", engineShape] }),
  opening: record({ 0: ["version", only(1n)], 1: ["id", bytes(32)], 2: ["keysetDigest", bytes(32)],
    3: ["incarnation", bytes(32)], 4: ["request", bytes(32)], 5: ["issuedMs", uint()] }),
  head: record({ 0: ["version", only(1n)], 1: ["id", bytes(32)], 2: ["events", uint()],
    3: ["root", bytes(32)] }),
};

/** What the tables cannot say of a receipt field by field. */
function receiptCohere({ keeper }, kid) {
  if (!equal(keeper.incarnation, kid)) {
    refuse("kid and incarnation differ");
  }
  if ((keeper.channel === 1n) !== (keeper.encDigest !== undefined)) {
    refuse("an encapsulated key without a seal, or the reverse");
  }
  if ((keeper.events === undefined) !== (keeper.eventsRoot === undefined)) {
    refuse("number and root of the events do not come together");
  }
}

/**
 * A message of a kind: fields of its payload, and what is needed to check its signature.
 * @param {Uint8Array} encoding
 * @param {"receipt"|"opening"|"head"} kind
 */
export function messageParse(encoding, kind) {
  const { kid, payload, signature, signed } = sign1Parse(encoding, kind);
  const fields = payloads[kind](cborDecode(payload, MESSAGE_BYTES_MAX), kind);
  if (kind === "receipt") {
    receiptCohere(fields, kid);
  }
  if (kind === "opening" && !equal(fields.incarnation, kid)) {
    refuse("kid and incarnation differ");
  }
  return { ...fields, kid, signature, signed };
}

/** Whether this key signed the message. */
export function messageSignedBy(message, key) {
  return ed25519Verify(key, message.signed, message.signature);
}

/** What tells one message from every other: SHA-256 of its Sig_structure. */
export function messageIdentity(message) {
  return sha256(message.signed);
}

const TOKENS_BYTES_MAX = 2 << 20;
const TOKENS_MAX = 262144;
const CHOICES_MAX = 128;
const ids = list(TOKENS_MAX, uint(0n, (1n << 31n) - 1n));

/**
 * The token document: prompt, then each choice.
 * @param {Uint8Array} encoding
 * @returns {{prompt: bigint[], choices: bigint[][]}}
 */
export function tokensParse(encoding) {
  const [prompt, ...choices] = list(1 + CHOICES_MAX, ids)(
    cborDecode(encoding, TOKENS_BYTES_MAX, TOKENS_MAX + CHOICES_MAX + 2), "tokens");
  if (choices.length === 0) {
    refuse("tokens: no choice is there");
  }
  if (choices.reduce((sum, choice) => sum + choice.length, prompt.length) > TOKENS_MAX) {
    refuse(`tokens: more than ${TOKENS_MAX}`);
  }
  return { prompt, choices };
}
