// SPDX-License-Identifier: Apache-2.0
/**
 * family: what the judges of all hardware have in common. A family is an object
 *
 *   name, checks, required, requiredSignatureOnly   names of checks
 *   judge(input, verdict)   resolves to the claims, or to null where the evidence cannot be read
 *
 * and claims are {fields, debug, nonce, reportData, timeMs, measurements, tcbStatus}: fields holds
 * every value under the name of docs/verifier.md, bytes as hex; the others are what policies judge.
 */
import { FormatError, equal, hexEncode } from "./bytes.mjs";
import { sha256 } from "./crypto.mjs";
import { dateWrite } from "./date.mjs";
import { attempt } from "./verdict.mjs";
import { certificatesRead, crlsRead } from "./x509.mjs";
import { crlJudge } from "./x509_path.mjs";

/** The classes of faults. */
export const REASON = {
  MALFORMED: "malformed", BAD_SIGNATURE: "bad_signature", CHAIN_UNTRUSTED: "chain_untrusted",
  EXPIRED: "expired", REVOKED: "revoked", NONCE_MISMATCH: "nonce_mismatch",
  DEBUG_ENABLED: "debug_enabled", KEY_MISMATCH: "key_mismatch",
  MEASUREMENT_MISMATCH: "measurement_mismatch", QE_IDENTITY_MISMATCH: "qe_identity_mismatch",
  TCB_OUT_OF_DATE: "tcb_out_of_date", TCB_MISMATCH: "tcb_mismatch",
  COLLATERAL_MISSING: "collateral_missing", COLLATERAL_MISMATCH: "collateral_mismatch",
  VMPL_MISMATCH: "vmpl_mismatch",
};

/** The reader's roots, or the pinned ones; roots that cannot be read are the reader's mistake. */
export function rootsOf(input, pinned) {
  try {
    return input.roots ? { given: input.roots.flatMap(certificatesRead) } : { pinned };
  } catch (error) {
    throw error instanceof FormatError ? new TypeError(`a root of yours: ${error.message}`) : error;
  }
}

/** The first bytes, for people. */
export function short(bytes) {
  return bytes.length > 8 ? `${hexEncode(bytes.subarray(0, 8))}...` : hexEncode(bytes);
}

/** Evidence in its form, or null with evidence.format FAIL. */
export function evidenceRead(verdict, read) {
  return attempt(verdict, "evidence.format", read, REASON.MALFORMED);
}

export async function pathTold(path, verdict) {
  if (path.path === "good") {
    const root = await sha256(path.chain[path.chain.length - 1].der);
    verdict.pass("platform.root", `root ${short(root)}, ${path.chain.length} certificates`);
    verdict.pass("evidence.validity", `from ${dateWrite(path.fromS)} to ${dateWrite(path.toS)}`);
  } else if (path.path === "expired") {
    verdict.skip("platform.root", "a certificate is not valid at that time");
    verdict.fail("evidence.validity", path.why, REASON.EXPIRED);
  } else {
    verdict.fail("platform.root", path.why, REASON.CHAIN_UNTRUSTED);
    verdict.skip("evidence.validity", "the certificates lead to no trusted root");
  }
}

/** The class of what a revocation list says; it speaks for nobody if it is not its issuer's. */
export const CRL_REASON = {
  unsigned: REASON.BAD_SIGNATURE, expired: REASON.EXPIRED, revoked: REASON.REVOKED,
};

/** Throws FormatError for a list that cannot be read. */
async function revocationOf(input, path) {
  const covered = new Set();
  for (const bytes of input.crls ?? []) {
    const { state, why, covered: one } = await crlJudge(crlsRead(bytes), path, input.timeS);
    if (state in CRL_REASON) {
      return { why, reason: CRL_REASON[state] };
    }
    if (one !== undefined) {
      covered.add(one);
    }
  }
  return { covered: covered.size };
}

/** evidence.revocation of a good path, by the lists that the reader gives. */
export async function revocationTold(input, path, verdict) {
  const name = "evidence.revocation";
  const wanted = path.chain.length - 1;
  try {
    const { why, reason, covered } = await revocationOf(input, path);
    if (reason) {
      verdict.fail(name, why, reason);
    } else if (covered < wanted && input.requireRevocation) {
      verdict.fail(name, `lists speak of ${covered} of ${wanted} certificates`,
        REASON.COLLATERAL_MISSING);
    } else if (covered === 0) {
      verdict.skip(name, "no revocation list was given");
    } else {
      verdict.pass(name, `lists speak of ${covered} of ${wanted} certificates, none is on them`);
    }
  } catch (error) {
    if (!(error instanceof FormatError)) {
      throw error;
    }
    verdict.fail(name, error.message, REASON.MALFORMED);
  }
}

export function nonceTold(input, { nonce }, verdict) {
  const name = "evidence.nonce";
  if (!input.nonce?.length) {
    verdict.skip(name, "the reader expects nothing there");
  } else {
    verdict.decide(name, equal(nonce, input.nonce), short(input.nonce),
      `the evidence carries ${nonce ? short(nonce) : "none"}, not ${short(input.nonce)}`,
      REASON.NONCE_MISMATCH);
  }
}

export function debugTold(input, { debug }, verdict) {
  verdict.decide("evidence.debug", !debug || input.allowDebug === true,
    debug ? "debugging is on, and the reader accepts that" : "debugging is off",
    "debugging is on: the operator can read and change everything inside", REASON.DEBUG_ENABLED);
}

export function statusTold(input, { tcbStatus }, verdict) {
  const accepted = input.acceptTcb ?? ["UpToDate"];
  if (tcbStatus !== undefined) {
    verdict.decide("tcb.status", accepted.includes(tcbStatus), tcbStatus,
      `${tcbStatus} is not among the statuses that the reader accepts`,
      tcbStatus === "Revoked" ? REASON.REVOKED : REASON.TCB_OUT_OF_DATE);
  }
}
