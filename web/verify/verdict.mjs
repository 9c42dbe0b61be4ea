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
  "capsule.format", "bundle.format", "platform.known", "platform.allowed", "foreign.format",
  "evidence.format", "platform.root", "evidence.validity", "evidence.revocation",
  "evidence.signature", "nitro.algorithm", "nitro.leaf", "nitro.pcrs", "nitro.time", "intel.pck",
  "intel.qe-signature", "intel.qe-binding", "intel.tcb-signature", "intel.tcb-validity",
  "intel.tcb-platform", "intel.tcb-evaluation", "intel.identity-signature", "intel.qe-identity",
  "sgx.attributes", "tdx.module", "tdx.attributes", "tdx.xfam", "snp.key", "snp.product",
  "snp.hwid", "snp.tcb", "snp.policy", "snp.vmpl", "nvidia.request", "nvidia.fwid",
  "nvidia.rim-signature", "nvidia.rim-version", "nvidia.measurements", "azure.format",
  "azure.runtime", "azure.key", "tpm.format", "tpm.signature", "tpm.pcrs", "cca.profile",
  "cca.binding", "cca.realm-signature", "cca.lifecycle", "gpu.evidence", "gpu.nonce",
  "evidence.nonce", "tcb.status", "evidence.debug", "evidence.age", "measurement.allowed",
  "machine.allowed", "tcb.min", "foreign.key", "aci.keyset", "tinfoil.sections", "foreign.binding",
  "foreign.nonce", "aci.expiry", "aci.roles", "foreign.tls", "foreign.seal", "tinfoil.rtmr3",
  "dstack.events", "dstack.compose", "aci.provenance", "aci.receipt", "foreign.signature",
  "foreign.request", "foreign.response", "aci.upstream", "aci.session", "binding", "keyset.format",
  "keyset.platform", "keyset.incarnation", "keyset.config", "config.allowed", "model.allowed",
  "node.id", "nonce", "channel.tls", "channel.seal", "receipt.format", "receipt.signature",
  "receipt.keyset", "receipt.evidence", "receipt.incarnation", "receipt.platform", "receipt.node",
  "receipt.model", "receipt.config", "receipt.class", "receipt.request", "receipt.response",
  "receipt.tokens", "receipt.stream", "receipt.enc", "receipt.route", "receipt.nonce",
  "receipt.seed", "receipt.finish", "receipt.time", "time.as-of",
];

const ALWAYS_MADE = new RegExp([
  "^(capsule|bundle|platform|keyset|config|model|channel|receipt|time)\\.",
  "^(evidence\\.(format|signature|debug|age)|measurement\\.allowed|tcb\\.min)$",
  "^(binding|node\\.id|nonce)$",
].join("|"));

/** Made only where the evidence is of hardware, or in another system's form. */
export const HARDWARE_CHECKS = CHECKS.filter((name) =>
  !ALWAYS_MADE.test(name) && name !== "machine.allowed");

/** Made only where evidence or policy ask for them; then a FAIL refuses. */
const ONLY_IF_ASKED = new Set([...HARDWARE_CHECKS, "machine.allowed"]);

/** The checks from one to another that are always made, both included. */
export function checksBetween(first, last) {
  return CHECKS.slice(CHECKS.indexOf(first), CHECKS.indexOf(last) + 1)
    .filter((name) => !ONLY_IF_ASKED.has(name));
}

export class Verdict {
  constructor() {
    /** @type {Map<string, {status: string, detail: string, reason?: string}>} */
    this.found = new Map();
    /** Some evidence came from a simulator, or under roots that the reader made. */
    this.simulated = false;
    /** The evidence has no time of its own: its age cannot be required. */
    this.timeless = false;
    /** @type {string[]} what the platform itself requires */
    this.required = [];
  }

  /**
   * A failure stays: what one part of the judgement refused, no later part can mend. A pass gives
   * way to a failure for the same reason.
   */
  add(name, status, detail, reason) {
    if (!CHECKS.includes(name)) {
      throw new Error(`there is no check ${name}`);
    }
    if (this.found.get(name)?.status !== FAIL) {
      this.found.set(name, reason ? { status, detail, reason } : { status, detail });
    }
  }

  pass(name, detail) {
    this.add(name, PASS, detail);
  }

  /** @param {string} [reason] the class of the fault, where evidence has one */
  fail(name, detail, reason) {
    this.add(name, FAIL, detail, reason);
  }

  skip(name, detail) {
    this.add(name, SKIP, detail);
  }

  decide(name, good, detailPass, detailFail, reason) {
    this.add(name, good ? PASS : FAIL, good ? detailPass : detailFail, good ? undefined : reason);
  }

  status(name) {
    return this.found.get(name)?.status ?? SKIP;
  }

  /** The class of the first failure, in the order of the checks; undefined if nothing failed. */
  reason() {
    return this.found.get(CHECKS.find((name) => this.status(name) === FAIL))?.reason;
  }

  /**
   * @param {string[]} [names] all that are always made, and of the others those that were
   * @returns {{name: string, status: string, detail: string}[]} those of these names, in order
   */
  list(names = CHECKS.filter((name) => !ONLY_IF_ASKED.has(name) || this.found.has(name))) {
    return CHECKS.filter((name) => names.includes(name)).map((name) => ({
      name,
      ...(this.found.get(name) ?? { status: SKIP, detail: "cannot be judged" }),
    }));
  }
}

/**
 * Runs a parser; the check is PASS with its result, or FAIL with its complaint and null. Errors of
 * the program itself are no verdict and go on.
 */
export function attempt(verdict, name, parse, reason) {
  try {
    const value = parse();
    verdict.pass(name, "well formed");
    return value;
  } catch (error) {
    if (!(error instanceof FormatError)) {
      throw error;
    }
    verdict.fail(name, error.message, reason);
    return null;
  }
}
