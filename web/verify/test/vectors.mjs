// SPDX-License-Identifier: Apache-2.0
/**
 * vectors: judges every case of a manifest whose family this verifier knows, and holds the outcome
 * against what the manifest expects and, where one is given, against what the other verifier said.
 * Prints each fault and ends with 1 if there is any.
 *
 *   node vectors.mjs MANIFEST.json [SAID.json] [--family NAME]
 *
 * SAID.json is what `aver vectors MANIFEST.json --json` prints.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { concat, hexDecode } from "../bytes.mjs";
import { FAMILIES, judgeEvidence } from "../attest.mjs";

const faults = [];
const counts = new Map();
/** Checks that some case of the project's own has failing alone. */
const failedAlone = new Set();

const words = process.argv.slice(2);
const at = words.indexOf("--family");
const only = at < 0 ? undefined : words.splice(at, 2)[1];
const [manifestPath, saidPath] = words;
const manifest = JSON.parse(readFileSync(manifestPath, "utf8"));
const said = saidPath ? JSON.parse(readFileSync(saidPath, "utf8")) : { cases: [] };
const saidOf = new Map(said.cases.map((one) => [one.id, one]));

const read = (name) => new Uint8Array(readFileSync(join(dirname(manifestPath), name)));
const list = (names) => (names === undefined ? undefined : [names].flat().map(read));
const joined = (names) => (names === undefined ? undefined : concat(...list(names)));

function inputOf({ files, params = {}, level }) {
  return {
    evidence: read(files.evidence),
    roots: list(files.roots),
    leaf: joined(files.leaf),
    chain: joined(files.chain),
    collateral: joined(files.collateral),
    crls: [...list(files.crl) ?? [], ...list(params.crl ?? undefined) ?? []],
    timeS: params.time,
    nonce: params.nonce ? hexDecode(params.nonce) : undefined,
    allowDebug: params.allow_debug ?? false,
    acceptTcb: params.accept_tcb ?? undefined,
    vmpl: params.vmpl ?? undefined,
    evaluationMin: params.evaluation_min,
    requireRevocation: params.require_revocation,
    signatureOnly: level === "signature_only",
  };
}

/** What the tests of this project expect of their own cases: all checks that fail, all claims. */
function againstMaker({ fails, fields }, found, tell) {
  const wanted = Object.entries(fails).map(([name, reason]) => ({ name, reason, status: "FAIL" }));
  if (failed(found.checks) !== failed(wanted)) {
    tell(`fails ${failed(found.checks)}; the other verifier: ${failed(wanted)}`);
  }
  if (wanted.length === 1) {
    failedAlone.add(wanted[0].name);
  }
  const names = Object.keys(found.claims ?? {}).filter((name) => !(name in (fields ?? {})));
  if (names.length > 0) {
    tell(`the other verifier has no claim ${names}`);
  }
}

/** Names are compared, not their order. */
function same(a, b) {
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) {
    return a === b;
  }
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Array.isArray(a) === Array.isArray(b) &&
    [...names].every((name) => same(a[name], b[name]));
}

function againstManifest({ expect }, found, tell) {
  const verdict = found.holds ? "valid" : "invalid";
  if (verdict !== expect.verdict) {
    if (!expect.optional) {
      tell(`${verdict}, not ${expect.verdict}`);
    }
    return;
  }
  const reasons = expect.reason_any ?? (expect.reason ? [expect.reason] : []);
  if (!found.holds && reasons.length > 0 && !reasons.includes(found.reason)) {
    tell(`class ${found.reason}, not ${reasons.join(" or ")}`);
  }
  if (expect.fails) {
    againstMaker(expect, found, tell);
  }
  for (const [name, value] of Object.entries(expect.fields ?? {})) {
    if (!same(found.claims?.[name], value)) {
      tell(`${name} is ${JSON.stringify(found.claims?.[name])}, not ${JSON.stringify(value)}`);
    }
  }
}

const failed = (checks) => checks.filter(({ status }) => status === "FAIL")
  .map(({ name, reason }) => `${name} (${reason})`).sort().join(", ");

function againstOther(other, found, tell) {
  const verdict = found.holds ? "valid" : "invalid";
  if (other.verdict !== verdict || other.reason !== (found.reason ?? "")) {
    tell(`${verdict} ${found.reason}, the other verifier: ${other.verdict} ${other.reason}`);
  }
  if (failed(other.checks) !== failed(found.checks)) {
    tell(`fails ${failed(found.checks)}; the other verifier: ${failed(other.checks)}`);
  }
}

async function run(one) {
  const before = faults.length;
  const tell = (words) => faults.push(`${one.id}: ${words}`);
  const found = await judgeEvidence(one.family, inputOf(one));
  againstManifest(one, found, (text) => {
    const fault = found.checks.find(({ status }) => status === "FAIL");
    tell(fault ? `${text} (${fault.name}: ${fault.detail})` : text);
  });
  const other = saidOf.get(one.id);
  if (other) {
    againstOther(other, found, tell);
  } else if (saidPath) {
    tell("the other verifier says nothing of it");
  }
  const [passed, all] = counts.get(one.family) ?? [0, 0];
  counts.set(one.family, [passed + (faults.length === before ? 1 : 0), all + 1]);
}

for (const one of manifest.vectors) {
  if (FAMILIES.has(one.family) && (only === undefined || only === one.family)) {
    await run(one);
  }
}
faults.forEach((fault) => console.log(fault));
for (const [family, [passed, all]] of counts) {
  console.log(`${family}: ${passed} of ${all}${saidPath ? ", as the other verifier" : ""}`);
}
const made = manifest.vectors.some(({ expect }) => expect.fails);
const never = [...counts.keys()].flatMap((family) => FAMILIES.get(family).checks)
  .filter((name) => made && !failedAlone.has(name));
if (never.length > 0) {
  console.log(`no case in which these alone fail: ${[...new Set(never)].join(", ")}`);
}
process.exitCode = faults.length === 0 && counts.size > 0 && never.length === 0 ? 0 : 1;
