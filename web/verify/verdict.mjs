// SPDX-License-Identifier: Apache-2.0
/**
 * verdict: the named checks and their outcomes (docs/verifier.md). A check that was never reached
 * counts as SKIP, and SKIP is never PASS.
 */
import { FormatError } from "./bytes.mjs";

export const PASS = "PASS";
export const FAIL = "FAIL";
export const SKIP = "SKIP";

/** All checks, in the order of the document; ranges of them are named by their ends. */
export const CHECKS = [
  "capsule.format", "bundle.format", "platform.known", "platform.allowed", "evidence.format",
  "platform.root", "evidence.signature", "evidence.debug", "evidence.age", "measurement.allowed",
  "machine.allowed", "tcb.min", "binding", "keyset.format", "keyset.platform", "keyset.incarnation", "keyset.config",
  "config.allowed", "model.allowed", "node.id", "nonce", "channel.tls", "channel.seal",
  "receipt.format", "receipt.signature", "receipt.keyset", "receipt.evidence",
  "receipt.incarnation", "receipt.platform", "receipt.node", "receipt.model", "receipt.config",
  "receipt.class", "receipt.request", "receipt.response", "receipt.tokens", "receipt.stream",
  "receipt.enc", "receipt.route", "receipt.nonce", "receipt.seed", "receipt.finish",
  "receipt.time", "time.as-of",
];

/** Made only where the policy names machines, and then a FAIL refuses. */
const ONLY_IF_ASKED = "machine.allowed";

/** The checks from one to another that are always made, both included. */
export function checksBetween(first, last) {
  return CHECKS.slice(CHECKS.indexOf(first), CHECKS.indexOf(last) + 1)
    .filter((name) => name !== ONLY_IF_ASKED);
}

export class Verdict {
  constructor() {
    /** @type {Map<string, {status: string, detail: string}>} */
    this.found = new Map();
    /** Some evidence came from a simulator. */
    this.simulated = false;
  }

  /**
   * A failure stays: what one part of the judgement refused, no later part can mend. A pass gives
   * way to a failure for the same reason.
   */
  add(name, status, detail) {
    if (!CHECKS.includes(name)) {
      throw new Error(`there is no check ${name}`);
    }
    if (this.found.get(name)?.status !== FAIL) {
      this.found.set(name, { status, detail });
    }
  }

  pass(name, detail) {
    this.add(name, PASS, detail);
  }

  fail(name, detail) {
    this.add(name, FAIL, detail);
  }

  skip(name, detail) {
    this.add(name, SKIP, detail);
  }

  decide(name, good, detailPass, detailFail) {
    this.add(name, good ? PASS : FAIL, good ? detailPass : detailFail);
  }

  status(name) {
    return this.found.get(name)?.status ?? SKIP;
  }

  /** @returns {{name: string, status: string, detail: string}[]} every check, in order */
  list() {
    return CHECKS.filter((name) => name !== ONLY_IF_ASKED || this.found.has(name)).map((name) => ({
      name,
      ...(this.found.get(name) ?? { status: SKIP, detail: "cannot be judged" }),
    }));
  }
}

/**
 * Runs a parser; the check is PASS with its result, or FAIL with its complaint and null. Errors of
 * the program itself are no verdict and go on.
 */
export function attempt(verdict, name, parse) {
  try {
    const value = parse();
    verdict.pass(name, "well formed");
    return value;
  } catch (error) {
    if (!(error instanceof FormatError)) {
      throw error;
    }
    verdict.fail(name, error.message);
    return null;
  }
}
