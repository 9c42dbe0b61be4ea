// SPDX-License-Identifier: Apache-2.0
/** verify_browser_page: web/verify at work in a page; what it found goes back to the test. */
import { hexDecode, policyParse, verifyCapsule } from "/web/verify/verify.mjs";
import { compareMutants } from "/web/verify/test/compare.mjs";

async function bytesOf(path) {
  const response = await fetch(path);
  if (!response.ok) {
    throw new Error(`${path}: ${response.status}`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

async function textOf(path) {
  return new TextDecoder().decode(await bytesOf(path));
}

async function hasEd25519() {
  try {
    await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    return true;
  } catch {
    return false;
  }
}

/** The golden capsules and their verdicts, as {accepted, checks: "name STATUS" each}. */
async function golden(roots) {
  const policy = policyParse(await bytesOf("/tests/golden/policy.json"));
  const verdicts = {};
  for (const name of JSON.parse(await textOf("/names"))) {
    const capsule = await bytesOf(`/tests/golden/${name}.capsule`);
    const context = { policy, roots, nowMs: BigInt(Date.now()) };
    const { accepted, checks } = await verifyCapsule(capsule, context);
    verdicts[name] = { accepted, checks: checks.map((check) => `${check.name} ${check.status}`) };
  }
  return verdicts;
}

async function run() {
  const said = { agent: navigator.userAgent, ed25519: await hasEd25519(), lines: [] };
  if (said.ed25519) {
    const roots = { sim: hexDecode((await textOf("/tests/golden/sim-root.hex")).trim()) };
    said.golden = await golden(roots);
    said.agreed = await compareMutants(await bytesOf("/mutants"), roots,
      (line) => said.lines.push(line));
  }
  return said;
}

let said;
try {
  said = await run();
} catch (error) {
  said = { error: `${error}\n${error.stack}` };
}
await fetch("/said", { method: "POST", body: JSON.stringify(said) });
