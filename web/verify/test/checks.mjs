// SPDX-License-Identifier: Apache-2.0
/**
 * checks: for each named check an answer in which it alone fails, and the answers in which nothing
 * does. Prints each fault and ends with 1 if there is any.
 */
import { readFileSync } from "node:fs";
import { concat, utf8Bytes } from "../bytes.mjs";
import { sha256 } from "../crypto.mjs";
import { CHECKS, HARDWARE_CHECKS, policyParse, verifyAnswer, verifyBundle, verifyCapsule,
  verifyConnection } from "../verify.mjs";
import { sim } from "../sim.mjs";
import { NOW_MS, bytesOf, encode, forge, keys, mapOf, policyText, sign } from "./forge.mjs";

const faults = [];
const failedAlone = new Set();

async function contextOf(policyEdit) {
  return {
    policy: policyParse(await policyText(policyEdit)),
    roots: { sim: keys.root.public },
    nowMs: NOW_MS,
  };
}

/** What a reader knows of its own live question. */
async function liveOf(edits, policyEdit) {
  const made = await forge(edits);
  const { salt, request, response, events, tokens, enc } = made.bodies;
  return {
    made,
    context: {
      ...await contextOf(policyEdit), nonce: await bytesOf("nonce"), nodeId: await bytesOf("node"),
      modelRoot: await bytesOf("model"), tlsKey: await bytesOf("tls"),
      sealKey: enc && await bytesOf("seal"),
    },
    transcript: {
      salt, request, tokens, enc, events, response: events ? undefined : response,
      opening: made.said.opening, heads: made.said.heads,
      route: { method: "POST", path: "/v1/chat/completions" },
      nonce: await bytesOf("caller's nonce"), seed: 7n,
    },
  };
}

function compare(title, result, wanted) {
  const failed = result.checks.filter(({ status }) => status === "FAIL").map(({ name }) => name);
  if (failed.join() !== wanted.join() || result.accepted !== (wanted.length === 0)) {
    faults.push(`${title}: ${result.accepted ? "accepted" : "refused"}, failed [${failed}], ` +
      `not [${wanted}]; ${result.why}`);
  }
  if (failed.length === 1) {
    failedAlone.add(failed[0]);
  }
}

/** A saved answer of these edits: exactly these checks fail. */
async function saved(wanted, edits, policyEdit, contextEdit = {}) {
  const { capsule } = await forge(edits);
  const context = { ...await contextOf(policyEdit), ...contextEdit };
  compare(`saved ${wanted}`, await verifyCapsule(capsule, context), wanted);
}

/** A live answer: edit(live) may change what the reader knows. */
async function live(wanted, edits, edit = () => {}, policyEdit = undefined) {
  const one = await liveOf(edits, policyEdit);
  await edit(one);
  const { made, transcript, context } = one;
  const receipt = "message" in one ? one.message : made.receipt;
  compare(`live ${wanted}`, await verifyAnswer(made.bundle, receipt, transcript, context), wanted);
}

const none = () => {};

const flip = (bytes) => {
  const copy = bytes.slice();
  copy[copy.length - 1] ^= 1;
  return copy;
};

async function goodAnswersAreAccepted() {
  await saved([], {});
  await saved([], { unsealed: true });
  await saved([], { stream: true });
  await saved([], { stripped: true }, (policy) => { policy.allow_stripped = true; });
  await live([], {});
  await live([], { stream: true });
  await live([], { unsealed: true });
  const { made, context } = await liveOf({});
  compare("bundle", await verifyBundle(made.bundle, await contextOf()), []);
  compare("connection", await verifyConnection(made.bundle, context), []);
  // One of several suffices, and the answer may bring it: so the connection is not asked for it.
  const later = await liveOf({}, (policy) => {
    policy.require = [["receipt.tokens", "capsule.format"]];
  });
  compare("awaited", await verifyConnection(later.made.bundle, later.context), []);
}

async function evidenceIsJudged() {
  await saved(["capsule.format"], { capsule: (fields) => { fields[0] = 2; } });
  await saved(["bundle.format"], { capsule: (fields) => { fields[2] = utf8Bytes("b"); } });
  const other = (fields) => { fields[1] = "tpm"; };
  await saved(["platform.known"], { keyset: other, bundle: other },
    (policy) => { policy.platforms = ["tpm"]; });
  await saved(["platform.allowed"], {}, (policy) => { policy.platforms = ["tpm"]; });
  await saved(["evidence.format"], { evidence: (fields) => { fields[0] = "it proves all"; } });
  await saved(["evidence.format"], { bundle: (fields) => { fields[8] = utf8Bytes("log"); } });
  await saved(["platform.root"], { root: keys.stranger });
  await saved(["platform.root"], {}, undefined, { roots: {} });
  await saved(["evidence.signature"], { evidence: (fields) => { fields[3] = flip(fields[3]); } });
  await saved(["evidence.debug"], { statement: (fields) => { fields[5] = true; } });
  await saved(["evidence.age"], { statement: (fields) => { fields[3] = NOW_MS - 302001n; } });
  await saved(["measurement.allowed"], {}, (policy) => {
    policy.measurements[0].program = "00".repeat(32);
  });
  await saved(["machine.allowed"], {}, (policy) => { policy.machines = ["00ff"]; });
  await saved(["tcb.min"], {}, (policy) => { policy.min_tcb = 4; });
  await saved(["binding"], { bundle: (fields) => { fields[5] = flip(fields[5]); } });
}

async function keysetIsJudged() {
  await saved(["keyset.format"], { keyset: (fields) => { fields[7][1] = fields[7][0]; } });
  await saved(["keyset.format"], { keyset: (fields) => { fields[4].set(4n, fields[4].get(1n)); } });
  await saved(["keyset.format"], { keyset: (fields) => { fields[7][0][3] = 3; } });
  await saved(["keyset.platform"], { keyset: (fields) => { fields[1] = "snp"; } });
  await saved(["keyset.incarnation"], { keyset: (fields) => { fields[3] = flip(fields[3]); } });
  await saved(["keyset.config"], { bundle: (fields) => { fields[9] = utf8Bytes("{}"); } });
  await saved(["config.allowed"], {}, (policy) => { policy.configs = []; });
  const other = await bytesOf("other model");
  await live(["model.allowed"], {}, async (one) => {
    one.transcript.modelRoot = one.context.modelRoot;
    one.context.modelRoot = other;
  });
  await live(["node.id"], {}, async (one) => { one.context.nodeId = other; });
  await live(["nonce"], {}, async (one) => { one.context.nonce = other; });
  await live(["channel.tls"], {}, async (one) => { one.context.tlsKey = other; });
  await live(["channel.seal"], {}, async (one) => { one.context.sealKey = other; });
}

async function receiptNamesAreJudged() {
  const receipt = (edit) => ({ receipt: edit });
  const key = (number) => receipt((keeper) => { keeper[number] = flip(keeper[number]); });
  await saved(["receipt.format"], { kid: await bytesOf("kid") });
  await saved(["receipt.format"], receipt((keeper) => { keeper[29] = 1; }));
  await saved(["receipt.format"], receipt((keeper) => { delete keeper[11]; }));
  await saved(["receipt.format"], receipt((keeper) => { keeper[18] = 1; }));
  await saved(["receipt.signature"], { signer: keys.stranger });
  await saved(["receipt.keyset"], key(5));
  await saved(["receipt.evidence"], key(6));
  await saved(["receipt.incarnation"], key(3));
  await saved(["receipt.platform"], receipt((keeper) => { keeper[4] = "snp"; }));
  await saved(["receipt.node"], key(2));
  await saved(["receipt.config"], key(8));
  const other = await bytesOf("other model");
  await saved(["receipt.model"], receipt((keeper, engine) => {
    keeper[7] = other;
    engine[2] = 2;
  }));
  await saved(["receipt.class"], receipt((keeper, engine) => { engine[3] = flip(engine[3]); }));
  await saved(["receipt.class"], receipt((keeper, engine) => { delete engine[4]; }));
  await saved([], receipt((keeper, engine) => {
    delete engine[4];
    keeper[13] = "/tokenize";
  }));
}

async function transcriptIsJudged() {
  const change = (number) => ({ capsule: (fields) => { fields[number] = flip(fields[number]); } });
  await saved(["receipt.request"], change(5));
  await saved(["receipt.response"], change(6));
  await saved(["receipt.tokens"], change(7));
  await saved(["receipt.tokens"], { receipt: (keeper, engine) => { engine[6] = 2; } });
  await saved(["receipt.stream"], { stream: true, receipt: (keeper) => {
    keeper[19] = flip(keeper[19]);
  } });
  await saved(["receipt.enc"], change(8));
  await saved(["receipt.finish"], { receipt: (keeper) => { keeper[20] = 4; } });
  await saved(["receipt.finish"], { receipt: (keeper) => { keeper[14] = 206; } });
  await saved(["receipt.time"], {}, undefined, { nowMs: NOW_MS - 62001n });
  await saved([], {}, undefined, { nowMs: NOW_MS - 62000n });
  await saved(["time.as-of"], {}, undefined, { asOfMs: NOW_MS - 62001n });
  await live(["receipt.route"], {}, (one) => { one.transcript.route.path = "/v1/completions"; });
  await live(["receipt.nonce"], {}, (one) => { one.transcript.nonce = new Uint8Array(32); });
  await live(["receipt.seed"], {}, (one) => { one.transcript.seed = 8n; });
  await live(["receipt.enc"], {}, (one) => { one.transcript.enc = undefined; });
  await live(["receipt.time"], { statement: (fields) => { fields[3] = NOW_MS - 350000n; },
    receipt: (keeper) => { keeper[24] = NOW_MS - 300001n; } }, none,
  (policy) => { policy.max_evidence_age_s = 400; });
  await live(["receipt.format"], {}, (one) => { one.message = undefined; });
}

async function streamsAreJudged() {
  const stream = (edits) => ({ stream: true, ...edits });
  await live(["receipt.stream"], stream({ opening: (fields) => { fields[4] = flip(fields[4]); } }));
  await live(["receipt.stream"], stream({ openingSigner: keys.stranger }));
  await live(["receipt.stream"], stream({ head: (fields) => { fields[3] = flip(fields[3]); } }));
  await live(["receipt.stream"], stream({ head: (fields) => { fields[2] = 4; } }));
  await live(["receipt.stream"], stream({ headSigner: keys.stranger }));
  await live(["receipt.stream"], stream({}), (one) => { one.transcript.broken = true; });
  await live(["receipt.stream"], {}, (one) => {
    one.transcript.events = [one.transcript.response];
    one.transcript.response = undefined;
  });
  await live(["receipt.stream"], stream({}), async (one) => {
    const { made: { said, bodies }, transcript } = one;
    const root = await bytesOf("nothing");
    const id = await bytesOf("receipt id");
    const back = await sign("head", encode(mapOf({ 0: 1, 1: id, 2: 0, 3: root })), id);
    transcript.heads = [...said.heads, back];
    transcript.events = bodies.events;
  });
  await saved(["receipt.format"], stream({ cut: true }));
  await saved(["receipt.format", "receipt.signature"], stream({ cut: true,
    openingSigner: keys.stranger }));
  await saved(["receipt.format", "receipt.stream"], stream({ cut: true,
    head: (fields) => { fields[3] = flip(fields[3]); } }));
  await saved(["receipt.format", "receipt.request"], stream({ cut: true,
    capsule: (fields) => { fields[5] = flip(fields[5]); } }));
}

/** A key under which R = neutral point, S = 0 is a signature of every message. */
async function weakKeysAreRefused() {
  const weak = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));
  const signer = { sign: async () => concat(weak, new Uint8Array(32)) };
  const incarnation = await sha256(weak);
  await saved(["receipt.signature"], { signer, keyset: (fields) => {
    fields[4].set(1n, weak);
    fields[3] = incarnation;
  } });
}

/** Whatever a family's judge is added as, an unknown platform stays refused. */
async function platformsAreWhatIsGiven() {
  const { capsule } = await forge({});
  const context = { ...await contextOf(), platforms: [{ ...sim, name: "other" }] };
  compare("other platforms", await verifyCapsule(capsule, context), ["platform.known"]);
}

/** The names are those of the table in docs/verifier.md, in its order. */
function namesAreThoseOfTheDocument() {
  const page = readFileSync(new URL("../../../docs/verifier.md", import.meta.url), "utf8");
  const table = page.slice(page.indexOf("## Checks"), page.indexOf("### When something"));
  const names = [...table.matchAll(/^\| `([a-z0-9.-]+)` \|/gm)].map(([, name]) => name);
  if (names.join() !== CHECKS.join()) {
    const missing = names.filter((name) => !CHECKS.includes(name));
    const surplus = CHECKS.filter((name) => !names.includes(name));
    faults.push("verdict.mjs has other checks than docs/verifier.md, or in another order: " +
      `it lacks [${missing}] and has [${surplus}] besides`);
  }
}

await goodAnswersAreAccepted();
await evidenceIsJudged();
await keysetIsJudged();
await receiptNamesAreJudged();
await transcriptIsJudged();
await streamsAreJudged();
await weakKeysAreRefused();
await platformsAreWhatIsGiven();
namesAreThoseOfTheDocument();
// Those of hardware: test/vectors.mjs.
const never = CHECKS.filter((name) => !failedAlone.has(name) && !HARDWARE_CHECKS.includes(name));
if (never.length > 0) {
  faults.push(`no answer in which these alone fail: ${never}`);
}
faults.forEach((fault) => console.log(fault));
console.log(`${CHECKS.length} checks, ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
