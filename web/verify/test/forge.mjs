// SPDX-License-Identifier: Apache-2.0
/**
 * forge: a good answer made from fixed keys and a fixed time, with a hook at each stage where a
 * test may tamper before later stages sign or hash. Nothing of the verifier is used here but its
 * hashes: what is encoded wrong would else be read wrong in the same way.
 */
import { concat, hexDecode, hexEncode, u32be, utf8Bytes } from "../bytes.mjs";
import { labelled, merkleLeaf, merkleNode, merkleRoot, sha256, sha512 } from "../crypto.mjs";

const subtle = (globalThis.crypto ?? (await import("node:crypto")).webcrypto).subtle;

/** The reader's clock. */
export const NOW_MS = 1772366400000n;

function head(major, value) {
  const wide = BigInt(value);
  const sizes = [[24n, 0], [1n << 8n, 1], [1n << 16n, 2], [1n << 32n, 4], [1n << 64n, 8]];
  const [, size] = sizes.find(([end]) => wide < end);
  const info = size === 0 ? Number(wide) : 24 + Math.log2(size);
  const bytes = Array.from({ length: size }, (_, i) =>
    Number((wide >> BigInt(8 * (size - 1 - i))) & 255n));
  return Uint8Array.of((major << 5) | info, ...bytes);
}

/** Deterministic CBOR of numbers, bytes, texts, booleans, arrays, and Maps in order of keys. */
export function encode(value) {
  if (typeof value === "number" || typeof value === "bigint") {
    return value < 0 ? head(1, -1n - BigInt(value)) : head(0, value);
  }
  if (value instanceof Uint8Array) {
    return concat(head(2, value.length), value);
  }
  if (typeof value === "string") {
    return concat(head(3, utf8Bytes(value).length), utf8Bytes(value));
  }
  if (typeof value === "boolean") {
    return head(7, value ? 21 : 20);
  }
  if (Array.isArray(value)) {
    return concat(head(4, value.length), ...value.map(encode));
  }
  return concat(head(5, value.size), ...[...value].flat().map(encode));
}

/** A map from an object whose keys are small integers; what is undefined is left out. */
export function mapOf(fields) {
  return new Map(Object.entries(fields).filter(([, value]) => value !== undefined)
    .map(([key, value]) => [BigInt(key), value]));
}

/** 32 bytes that depend on the name only. */
export function bytesOf(name) {
  return sha256(utf8Bytes(`a test's ${name}`));
}

/** An Ed25519 key pair: {public, sign}. */
async function keyOf(name) {
  const seed = await bytesOf(name);
  // PKCS #8 of RFC 8410 up to the 32 bytes of the seed.
  const prefix = hexDecode("302e020100300506032b657004220420");
  const secret = await subtle.importKey("pkcs8", concat(prefix, seed), "Ed25519", true, ["sign"]);
  const { x } = await subtle.exportKey("jwk", secret);
  return {
    public: new Uint8Array(Buffer.from(x, "base64url")),
    sign: async (bytes) => new Uint8Array(await subtle.sign("Ed25519", secret, bytes)),
  };
}

export const keys = {
  root: await keyOf("root"),
  device: await keyOf("device"),
  receipt: await keyOf("receipt"),
  stranger: await keyOf("stranger"),
};

const config = utf8Bytes("{\"n_ctx\":512}");
const none = () => {};

async function makeKeyset(edits) {
  const fields = {
    0: 1, 1: "sim", 2: await bytesOf("node"), 3: await sha256(keys.receipt.public),
    4: mapOf({ 1: keys.receipt.public, 4: await bytesOf("seal"), 5: await bytesOf("tls") }),
    5: "aver-node 0", 6: await bytesOf("program"),
    7: [["story", await bytesOf("model"), await bytesOf("class"), 1],
      ["other", await bytesOf("other model"), await bytesOf("class"), 2]],
    8: await labelled("aver/config/1", config),
  };
  (edits.keyset ?? none)(fields);
  return { fields, encoding: encode(mapOf(fields)) };
}

async function makeEvidence(keyset, nonceRoot, edits) {
  const digest = await labelled("aver/keyset/1", keyset.encoding);
  const framed = [digest, nonceRoot, new Uint8Array(0)]
    .map((one) => concat(u32be(one.length), one));
  const statement = {
    0: 1, 1: await bytesOf("program"), 2: await sha512(utf8Bytes("aver/bind/1"), ...framed),
    3: NOW_MS - 10000n, 4: 3, 5: false,
  };
  (edits.statement ?? none)(statement);
  const bytes = encode(mapOf(statement));
  const machine = await bytesOf("machine");
  const signedDevice = concat(utf8Bytes("aver/sim/device/1"), keys.device.public, machine);
  const fields = {
    0: "aver simulator: proves nothing",
    1: [keys.device.public, machine, await (edits.root ?? keys.root).sign(signedDevice)],
    2: bytes,
    3: await keys.device.sign(concat(utf8Bytes("aver/sim/statement/1"), bytes)),
  };
  (edits.evidence ?? none)(fields);
  return encode(mapOf(fields));
}

async function makeBundle(keyset, edits) {
  const leaf = async (name) => merkleLeaf(concat(utf8Bytes("aver/nonce/1"), await bytesOf(name)));
  const path = [await leaf("other nonce")];
  const nonceRoot = await merkleNode(path[0], await leaf("nonce"));
  const evidence = await makeEvidence(keyset, nonceRoot, edits);
  const fields = {
    0: 1, 1: "sim", 2: evidence, 3: new Map(), 4: keyset.encoding, 5: nonceRoot,
    6: [2, 1, path], 9: config,
  };
  (edits.bundle ?? none)(fields);
  return { evidence: fields[2], encoding: encode(mapOf(fields)) };
}

/** A COSE_Sign1 of a kind. */
export async function sign(kind, payload, kid, key = keys.receipt) {
  const header = encode(mapOf({ 1: -8, 3: `application/vnd.aver.${kind}+cbor`, 4: kid }));
  const structure = encode(["Signature1", header, utf8Bytes(`aver/${kind}/1`), payload]);
  const message = [header, new Map(), payload, await key.sign(structure)];
  return concat(Uint8Array.of(0xd2), encode(message));
}

async function makeBodies(edits) {
  const bodies = {
    salt: await bytesOf("salt"),
    request: utf8Bytes("{\"model\":\"story\"}"),
    events: edits.stream ? [1, 2, 3].map((n) => utf8Bytes(`data: {"a":${n}}\n\n`)) : undefined,
    tokens: encode([[1], [403, 407], [5]]),
    enc: edits.unsealed ? undefined : await bytesOf("enc"),
  };
  bodies.response = edits.stream ? concat(...bodies.events) : utf8Bytes("{\"choices\":[]}");
  return bodies;
}

async function makeReceipt(keyset, bundle, bodies, edits) {
  const { salt, request, response, tokens, events, enc } = bodies;
  const keeper = {
    1: await bytesOf("receipt id"), 2: keyset.fields[2], 3: keyset.fields[3],
    4: keyset.fields[1], 5: await labelled("aver/keyset/1", keyset.encoding),
    6: await labelled("aver/evidence/1", bundle.evidence), 7: await bytesOf("model"),
    8: keyset.fields[8], 9: 7, 10: enc ? 1 : 2, 11: enc && await sha256(enc), 12: "POST",
    13: "/v1/chat/completions", 14: 200,
    15: await labelled("aver/commit/request/1", salt, request),
    16: await labelled("aver/commit/response/1", salt, response),
    17: await labelled("aver/commit/tokens/1", salt, tokens),
    18: events?.length, 19: events && await merkleRoot(await Promise.all(events.map(merkleLeaf))),
    20: 1, 21: await bytesOf("caller's nonce"), 23: 41000, 24: NOW_MS - 2000n, 25: 3, 26: 1, 27: 1,
    28: 1,
  };
  const engine = {
    1: "llama.cpp", 2: 1, 3: await bytesOf("class"), 4: await bytesOf("steps"), 5: 1, 6: 3,
  };
  (edits.receipt ?? none)(keeper, engine);
  const payload = encode(mapOf({ 0: 1, 1: mapOf(keeper), 2: mapOf(engine) }));
  const message = await sign("receipt", payload, edits.kid ?? keeper[3], edits.signer);
  return { keeper, message };
}

/** Opening, and a head over the first two events. */
async function makeSaid({ keeper }, { events }, edits) {
  const opening = { 0: 1, 1: keeper[1], 2: keeper[5], 3: keeper[3], 4: keeper[15], 5: keeper[24] };
  const covered = await Promise.all(events.slice(0, 2).map(merkleLeaf));
  const first = { 0: 1, 1: keeper[1], 2: 2, 3: await merkleRoot(covered) };
  (edits.opening ?? none)(opening);
  (edits.head ?? none)(first);
  return {
    opening: await sign("opening", encode(mapOf(opening)), opening[3], edits.openingSigner),
    heads: [await sign("head", encode(mapOf(first)), keeper[3], edits.headSigner)],
  };
}

/** The policy that accepts the good answer, as text. */
export async function policyText(edit = none) {
  const hex = async (name) => hexEncode(await bytesOf(name));
  const policy = {
    version: 1, platforms: ["sim"],
    measurements: [{ platform: "sim", program: await hex("program") }],
    models: [await hex("model")],
    configs: [hexEncode(await labelled("aver/config/1", config))],
    min_tcb: 3,
  };
  edit(policy);
  return utf8Bytes(JSON.stringify(policy));
}

/**
 * One answer: {capsule, bundle, receipt (message), bodies, said}.
 * @param {object} edits flags stream, unsealed, cut, stripped; hooks keyset, statement, evidence,
 *   bundle, receipt, opening, head, capsule; keys root, signer, openingSigner, headSigner
 */
export async function forge(edits = {}) {
  const keyset = await makeKeyset(edits);
  const bundle = await makeBundle(keyset, edits);
  const bodies = await makeBodies(edits);
  const receipt = await makeReceipt(keyset, bundle, bodies, edits);
  const said = edits.stream ? await makeSaid(receipt, bodies, edits) : { heads: [] };
  const shown = edits.stripped ? {} : bodies;
  const fields = {
    0: 1, 1: edits.cut ? undefined : receipt.message, 2: bundle.encoding, 4: bodies.salt,
    5: shown.request, 6: shown.response, 7: shown.tokens, 8: bodies.enc,
    9: edits.cut ? [said.opening, ...said.heads] : undefined,
  };
  (edits.capsule ?? none)(fields);
  return {
    capsule: encode(mapOf(fields)), bundle: bundle.encoding, receipt: receipt.message, bodies, said,
  };
}
