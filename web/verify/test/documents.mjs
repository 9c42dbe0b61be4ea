// SPDX-License-Identifier: Apache-2.0
/**
 * documents: the worked examples of docs/receipts.md and the answers of tests/golden, judged as
 * they must be for ever. Prints each fault and ends with 1 if there is any.
 */
import { readFileSync, readdirSync } from "node:fs";
import { concat, equal, hexDecode, hexEncode, utf8Bytes } from "../bytes.mjs";
import { bundleNonceRoot, bundleParse, bundleReportData, bundleUnwrap } from "../bundle.mjs";
import { capsuleParse } from "../capsule.mjs";
import { labelled, merkleLeaf } from "../crypto.mjs";
import { keysetParse } from "../keyset.mjs";
import { messageIdentity, messageParse, messageSignedBy, tokensParse } from "../receipt.mjs";
import { eventsRoot, eventsSplit } from "../stream.mjs";
import { policyParse, verifyBundle, verifyCapsule } from "../verify.mjs";

/** When the evidence of the page was made, and when the reader of the golden answers lives. */
const EVIDENCE_MS = 1772366390000n;
const GOLDEN_NOW_MS = 1803902400000n;

const top = new URL("../../../", import.meta.url);
const faults = [];

/** The hex blocks of the page by name. */
function blocksOf(page) {
  const blocks = {};
  for (const [, name, hex] of page.matchAll(/```hex name=(\S+)\n([0-9a-f\n]*)```/g)) {
    blocks[name] = hexDecode(hex.replaceAll("\n", ""));
  }
  return blocks;
}

const blocks = blocksOf(readFileSync(new URL("docs/receipts.md", top), "utf8"));

function expect(name, found) {
  if (!equal(blocks[name], found)) {
    faults.push(`receipts.md, ${name}: ${found && hexEncode(found)}`);
  }
}

async function digestsAreThoseOfThePage() {
  const operator = concat(hexDecode("deadbeef"), new Uint8Array(16));
  expect("node-id", await labelled("aver/node/1", operator, utf8Bytes("alpha")));
  expect("keyset-digest", await labelled("aver/keyset/1", blocks.keyset));
  expect("config-digest", await labelled("aver/config/1", blocks.config));
  expect("evidence-digest", await labelled("aver/evidence/1", blocks.evidence));
  expect("nonce-leaf", await merkleLeaf(concat(utf8Bytes("aver/nonce/1"), blocks.nonce)));
  for (const kind of ["request", "response", "tokens"]) {
    expect(`${kind}-commitment`,
      await labelled(`aver/commit/${kind}/1`, blocks.salt, blocks[kind]));
  }
  expect("stream-root", await eventsRoot(eventsSplit(blocks["stream-events"])));
}

async function messagesAreThoseOfThePage() {
  const bundle = bundleParse(bundleUnwrap(blocks.bundle));
  const keyset = keysetParse(bundle.keyset);
  expect("report-data", await bundleReportData(bundle));
  expect("nonce-root", await bundleNonceRoot(bundle, blocks.nonce));
  for (const kind of ["receipt", "opening", "head"]) {
    const message = messageParse(blocks[kind], kind);
    if (!await messageSignedBy(message, keyset.keys.receipt)) {
      faults.push(`receipts.md, ${kind}: the signature does not hold`);
    }
  }
  expect("receipt-identity", await messageIdentity(messageParse(blocks.receipt, "receipt")));
  expect("stream-root", messageParse(blocks.head, "head").root);
  const { prompt, choices } = tokensParse(blocks.tokens);
  const { engine } = messageParse(blocks.receipt, "receipt");
  if (BigInt(prompt.length) !== engine.promptTokens ||
      BigInt(choices.flat().length) !== engine.generatedTokens) {
    faults.push("receipts.md, tokens: the counts are not the receipt's");
  }
  const { cut } = capsuleParse(blocks["capsule-cut"]);
  if (!equal(cut.opening, utf8Bytes("o"))) {
    faults.push("receipts.md, capsule-cut: it has another opening");
  }
}

const policy = policyParse(readFileSync(new URL("tests/golden/policy.json", top)));
const context = { policy, roots: { sim: blocks["sim-root"] }, nowMs: GOLDEN_NOW_MS };

async function wrappersAreTakenOff() {
  const young = { ...context, nowMs: EVIDENCE_MS };
  const text = Buffer.from(blocks.bundle).toString("base64url");
  const json = JSON.stringify(["application/vnd.aver.bundle+cbor", text]);
  const type = utf8Bytes("application/vnd.aver.bundle+cbor");
  const cbor = concat(Uint8Array.of(0x82, 0x78, type.length), type,
    Uint8Array.of(0x59, blocks.bundle.length >> 8, blocks.bundle.length & 255), blocks.bundle);
  for (const wrapped of [utf8Bytes(json), cbor, blocks.bundle]) {
    const { accepted, why } = await verifyBundle(wrapped, young);
    if (!accepted) {
      faults.push(`a wrapped bundle is refused: ${why}`);
    }
  }
  const { accepted } = await verifyBundle(utf8Bytes(json.replace("\"]", "=\"]")), young);
  if (accepted) {
    faults.push("base64url with padding is accepted");
  }
}

/** Checks may have been added since; those that were made then are judged as they were then. */
async function goldenIsJudgedAsItWas(name) {
  const file = (suffix) => readFileSync(new URL(`tests/golden/${name}${suffix}`, top));
  const { accepted, checks } = await verifyCapsule(new Uint8Array(file(".capsule")), context);
  const found = new Set([accepted ? "accepted" : "refused",
    ...checks.map(({ name: check, status }) => `${check} ${status}`)]);
  for (const line of file(".verdict").toString().split("\n")) {
    if (line && !found.has(line)) {
      faults.push(`golden ${name}: "${line}" does not hold`);
    }
  }
}

await digestsAreThoseOfThePage();
await messagesAreThoseOfThePage();
await wrappersAreTakenOff();
const golden = readdirSync(new URL("tests/golden/", top)).filter((one) => one.endsWith(".capsule"));
for (const one of golden) {
  await goldenIsJudgedAsItWas(one.slice(0, -".capsule".length));
}
faults.forEach((fault) => console.log(fault));
console.log(`${Object.keys(blocks).length} blocks, ${golden.length} golden answers, ` +
  `${faults.length} faults`);
process.exitCode = faults.length === 0 && golden.length >= 9 ? 0 : 1;
