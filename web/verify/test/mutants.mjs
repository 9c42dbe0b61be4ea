// SPDX-License-Identifier: Apache-2.0
/**
 * mutants FILE: judges what tests/interop/mutant_maker.c wrote and compares: a policy is read or
 * refused by both, and a capsule is accepted or refused by both with the same failing checks.
 */
import { readFileSync } from "node:fs";
import { FormatError, hexDecode, policyParse, verifyCapsule } from "../verify.mjs";
import { checksBetween } from "../verdict.mjs";

const AT_ONCE = 64;
const SHOWN_MAX = 20;
const FAILURES_MIN = 10;

/** What is judged of a saved answer: mutants in which none of these failed would prove little. */
const REACHED = [...checksBetween("capsule.format", "model.allowed"),
  ...checksBetween("receipt.format", "receipt.enc"), "receipt.finish", "receipt.time"];

const root = hexDecode(readFileSync(new URL("../../../tests/golden/sim-root.hex", import.meta.url),
  "latin1").trim());

/** Reads the records one after the other. */
class Records {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  uint(size) {
    let value = 0n;
    for (; size > 0; size--) {
      value = (value << 8n) | BigInt(this.bytes[this.at++]);
    }
    return value;
  }

  sized() {
    const size = Number(this.uint(4));
    this.at += size;
    return new Uint8Array(this.bytes.subarray(this.at - size, this.at));
  }

  next() {
    if (this.at === this.bytes.length) {
      return null;
    }
    const letter = String.fromCharCode(this.bytes[this.at++]);
    return letter === "P"
      ? { letter, good: this.uint(1) === 1n, text: this.sized() }
      : { letter, policy: Number(this.uint(1)), nowMs: this.uint(8), capsule: this.sized(),
          wanted: Buffer.from(this.sized()).toString() };
  }
}

/** The policy, or null where it cannot be read. */
function policyRead(text) {
  try {
    return policyParse(text);
  } catch (error) {
    if (error instanceof FormatError) {
      return null;
    }
    throw error;
  }
}

async function judge({ capsule, policy, nowMs }, policies) {
  const { accepted, checks } = await verifyCapsule(capsule,
    { policy: policies[policy], roots: { sim: root }, nowMs });
  const failed = checks.filter(({ status }) => status === "FAIL").map(({ name }) => name);
  return [accepted ? "accepted" : "refused", ...failed];
}

class Comparison {
  constructor() {
    this.wrong = 0;
    this.counts = { policies: 0, policiesGood: 0, capsules: 0, accepted: 0 };
    /** How often each check failed, and how often it alone. */
    this.failures = new Map();
  }

  differ(what) {
    if (this.wrong++ < SHOWN_MAX) {
      console.log(what);
    }
  }

  policy({ good, text }, found) {
    this.counts.policies++;
    this.counts.policiesGood += good ? 1 : 0;
    if (good !== (found !== null)) {
      this.differ(`policy ${this.counts.policies}: libaver ${good ? "reads" : "refuses"} it: ` +
        JSON.stringify(Buffer.from(text).toString("latin1")));
    }
  }

  capsule(record, found) {
    const [word, ...failed] = record.wanted.split(" ");
    this.counts.accepted += word === "accepted" ? 1 : 0;
    for (const name of failed) {
      const [all, alone] = this.failures.get(name) ?? [0, 0];
      this.failures.set(name, [all + 1, alone + (failed.length === 1 ? 1 : 0)]);
    }
    const wanted = [word, ...failed.sort()].join(" ");
    const here = [found[0], ...found.slice(1).sort()].join(" ");
    if (wanted !== here) {
      this.differ(`capsule ${this.counts.capsules}, policy ${record.policy}, now ` +
        `${record.nowMs}:\n  libaver ${wanted}\n  here    ${here}`);
    }
    this.counts.capsules++;
  }
}

async function main(file) {
  const records = new Records(readFileSync(file));
  const comparison = new Comparison();
  const policies = [];
  for (let record = records.next(); record;) {
    const batch = [];
    for (; record && batch.length < AT_ONCE; record = records.next()) {
      if (record.letter === "P") {
        const policy = policyRead(record.text);
        comparison.policy(record, policy);
        policies.push(policy);
      } else {
        batch.push(record);
      }
    }
    // The crypto works on other threads: many at once keep them busy.
    const found = await Promise.all(batch.map((one) => judge(one, policies)));
    batch.forEach((one, i) => comparison.capsule(one, found[i]));
  }
  const { policies: texts, policiesGood, capsules, accepted } = comparison.counts;
  console.log(`${texts} policies, ${policiesGood} can be read; ${capsules} capsules, ` +
    `${accepted} accepted; ${comparison.wrong} disagreements`);
  console.log("failures, and alone: " + [...comparison.failures]
    .map(([name, [all, alone]]) => `${name} ${all} ${alone}`).join(", "));
  const untouched = REACHED.filter((name) => !(comparison.failures.get(name)?.[0] >= FAILURES_MIN));
  if (untouched.length > 0) {
    console.log(`too few mutants in which these fail: ${untouched.join(", ")}`);
  }
  return comparison.wrong === 0 && untouched.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv[2]);
