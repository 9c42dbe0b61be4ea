// SPDX-License-Identifier: Apache-2.0
/**
 * compare: judges what tests/interop/mutant_maker.c wrote and compares: a policy is read or refused
 * by both, and a capsule is accepted or refused by both with the same failing checks. For Node.js and
 * for a page in a browser.
 */
import { CHECKS, FormatError, HARDWARE_CHECKS, policyParse, verifyAnswer, verifyCapsule } from "../verify.mjs";
import { utf8Text } from "../bytes.mjs";
import { eventsSplit } from "../stream.mjs";

const AT_ONCE = 64;
const SHOWN_MAX = 20;
/** Mutants in which a check hardly ever fails would prove little about it. */
const FAILURES_MIN = 10;

const ABSENT = 0xffffffffn;
/** Parts of a live answer, in the order of the file. */
const PARTS = ["bundle", "receipt", "salt", "request", "response", "tokens", "enc", "opening", "head",
  "headAgain", "nonce", "nodeId", "tlsKey", "sealKey", "modelRoot", "method", "path", "clientNonce",
  "seed"];

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

  text() {
    return utf8Text(this.sized());
  }

  /** A part that may not be there. */
  part() {
    if (this.uint(4) === ABSENT) {
      return undefined;
    }
    this.at -= 4;
    return this.sized();
  }

  live() {
    const asOfMs = this.uint(8);
    const parts = Object.fromEntries(PARTS.map((name) => [name, this.part()]));
    const [streamed, broken] = [this.uint(1) === 1n, this.uint(1) === 1n];
    return { ...parts, asOfMs: asOfMs || undefined, streamed, broken };
  }

  next() {
    if (this.at === this.bytes.length) {
      return null;
    }
    const letter = String.fromCharCode(this.bytes[this.at++]);
    if (letter === "P") {
      return { letter, good: this.uint(1) === 1n, text: this.sized() };
    }
    const reader = { policy: Number(this.uint(1)), nowMs: this.uint(8) };
    const judged = letter === "C" ? { capsule: this.sized() } : { live: this.live() };
    return { letter, ...reader, ...judged, wanted: this.text() };
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

/** A live answer as verifyAnswer wants it. */
function judgeLive(live, context) {
  const { bundle, receipt, streamed, broken, asOfMs } = live;
  const { nonce, nodeId, tlsKey, sealKey, modelRoot } = live;
  const events = streamed ? eventsSplit(live.response, true) : undefined;
  const route = live.method && live.path
    ? { method: utf8Text(live.method), path: utf8Text(live.path) } : undefined;
  const transcript = {
    salt: live.salt, request: live.request, tokens: live.tokens, enc: live.enc, events, broken,
    response: streamed ? undefined : live.response, opening: live.opening,
    heads: [live.head, live.headAgain].filter((one) => one), route, nonce: live.clientNonce,
    seed: live.seed && new DataView(live.seed.buffer).getBigUint64(0, true),
  };
  return verifyAnswer(bundle, receipt?.length > 0 ? receipt : undefined, transcript,
    { ...context, nonce, nodeId, tlsKey, sealKey, modelRoot, asOfMs });
}

async function judge({ capsule, live, policy, nowMs }, policies, roots) {
  const context = { policy: policies[policy], roots, nowMs };
  const { accepted, checks } = capsule
    ? await verifyCapsule(capsule, context) : await judgeLive(live, context);
  const failed = checks.filter(({ status }) => status === "FAIL").map(({ name }) => name);
  return [accepted ? "accepted" : "refused", ...failed];
}

class Comparison {
  /** @param {function(string)} say takes a line */
  constructor(say) {
    this.say = say;
    this.wrong = 0;
    this.counts = { policies: 0, policiesGood: 0, capsules: 0, live: 0, accepted: 0 };
    /** How often each check failed, and how often it alone. */
    this.failures = new Map();
  }

  differ(what) {
    if (this.wrong++ < SHOWN_MAX) {
      this.say(what);
    }
  }

  policy({ good, text }, found) {
    this.counts.policies++;
    this.counts.policiesGood += good ? 1 : 0;
    if (good !== (found !== null)) {
      this.differ(`policy ${this.counts.policies}: libaver ${good ? "reads" : "refuses"} it: ` +
        JSON.stringify(String.fromCharCode(...text)));
    }
  }

  answer(record, found) {
    const [word, ...failed] = record.wanted.split(" ");
    this.counts.accepted += word === "accepted" ? 1 : 0;
    for (const name of failed) {
      const [all, alone] = this.failures.get(name) ?? [0, 0];
      this.failures.set(name, [all + 1, alone + (failed.length === 1 ? 1 : 0)]);
    }
    const wanted = [word, ...failed.sort()].join(" ");
    const here = [found[0], ...found.slice(1).sort()].join(" ");
    if (wanted !== here) {
      this.differ(`${record.letter} ${this.counts.capsules}, policy ${record.policy}, now ` +
        `${record.nowMs}:\n  libaver ${wanted}\n  here    ${here}`);
    }
    this.counts[record.capsule ? "capsules" : "live"]++;
  }

  /** True if both agree, and each check was put to the test. */
  conclude() {
    const { policies: texts, policiesGood, capsules, live, accepted } = this.counts;
    this.say(`${texts} policies, ${policiesGood} can be read; ${capsules} capsules and ${live} ` +
      `live answers, ${accepted} accepted; ${this.wrong} disagreements`);
    this.say("failures, and alone: " + [...this.failures]
      .map(([name, [all, alone]]) => `${name} ${all} ${alone}`).join(", "));
    const untouched = CHECKS.filter((name) => !HARDWARE_CHECKS.includes(name) &&
      !(this.failures.get(name)?.[0] >= FAILURES_MIN));
    if (untouched.length > 0) {
      this.say(`too few mutants in which these fail: ${untouched.join(", ")}`);
    }
    return this.wrong === 0 && untouched.length === 0;
  }
}

/**
 * @param {Uint8Array} bytes the maker's file
 * @param {{sim: Uint8Array}} roots
 * @param {function(string)} say takes a line
 * @returns {Promise<boolean>} whether all is as it should be
 */
export async function compareMutants(bytes, roots, say) {
  const records = new Records(bytes);
  const comparison = new Comparison(say);
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
    const found = await Promise.all(batch.map((one) => judge(one, policies, roots)));
    batch.forEach((one, i) => comparison.answer(one, found[i]));
  }
  return comparison.conclude();
}
