// SPDX-License-Identifier: Apache-2.0
/**
 * dcap_collateral: the JSON object that comes with a quote (docs/verifier.md): TCB info and QE
 * identity as signed texts, their signatures in hex, the chains of their signers in PEM, and the
 * revocation lists of root and PCK authority in hex or PEM.
 */
import { FormatError, hexDecode, refuse, utf8Bytes, utf8Text } from "./bytes.mjs";
import { ecdsaVerify } from "./crypto.mjs";
import { identityRead, tcbInfoRead } from "./dcap_tcb.mjs";
import { CRL_REASON, REASON } from "./family.mjs";
import { jsonParse } from "./json.mjs";
import { certificatesRead, crlsRead, hasKeyOn } from "./x509.mjs";
import { crlJudge, pathJudge } from "./x509_path.mjs";

const COLLATERAL_BYTES_MAX = 1 << 20;
const SIGNER_NAME = "Intel SGX TCB Signing";
const OTHER_ESCAPE = /(?<!\\)(?:\\\\)*\\u(?!00[0-7][0-9a-fA-F])|(?<!\\)(?:\\\\)*\\u0000/;
const MEMBERS = ["tcb_info", "tcb_info_signature", "tcb_info_issuer_chain", "qe_identity",
  "qe_identity_signature", "qe_identity_issuer_chain", "pck_crl", "root_ca_crl"];

/** A step of the judgement that failed: a class and words. */
export class Fault {
  constructor(reason, why) {
    this.reason = reason;
    this.why = why;
  }
}

/** What the reader gives, or a Fault of that class where it finds the form wrong. */
export function orFault(reason, read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) {
      return new Fault(reason, error.message);
    }
    throw error;
  }
}

function readMembers(bytes) {
  if (bytes.length > COLLATERAL_BYTES_MAX) {
    refuse("the collateral is too large");
  }
  const text = utf8Text(bytes);
  if (OTHER_ESCAPE.test(text)) {
    refuse("the collateral has escapes of what its texts do not hold");
  }
  const object = jsonParse(text);
  if (!(object instanceof Map)) {
    refuse("the collateral is no JSON object");
  }
  return Object.fromEntries(MEMBERS.map((name) => {
    const value = object.has(name) ? object.get(name) : "";
    return [name, typeof value === "string" ? value : refuse(`${name} is not a text`)];
  }));
}

function readList(members, name) {
  const text = members[name];
  return text === ""
    ? new Fault(REASON.COLLATERAL_MISSING, `the collateral has no ${name}`)
    : orFault(REASON.MALFORMED,
      () => crlsRead(text.startsWith("-") ? utf8Bytes(text) : hexDecode(text)));
}

/** A list against a path: it must speak of the entry that it is for. */
async function listFault(list, path, entry, timeS) {
  const { state, why, covered } = await crlJudge(list, path, timeS);
  if (state in CRL_REASON) {
    return new Fault(CRL_REASON[state], why);
  }
  return covered === entry ? null : new Fault(REASON.COLLATERAL_MISMATCH,
    "a revocation list is of another authority than those of the certificates");
}

/** Of the PCK certificate by its authority's list, and of that authority by the root's. */
async function revocationOf(lists, path, timeS) {
  const unread = [lists.pck, lists.root].find((list) => list instanceof Fault);
  if (unread || path?.path !== "good") {
    return unread;
  }
  if (path.chain.length !== 3) {
    return new Fault(REASON.CHAIN_UNTRUSTED, "the path is not of PCK, authority and root");
  }
  return await listFault(lists.root, path, 1, timeS) ?? listFault(lists.pck, path, 0, timeS);
}

async function signerFault(leaf, lists, pool, { roots, timeS }) {
  const path = await pathJudge(leaf, pool, roots, timeS);
  if (path.path !== "good") {
    return new Fault(path.path === "expired" ? REASON.EXPIRED : REASON.CHAIN_UNTRUSTED, path.why);
  }
  if (leaf.commonName() !== SIGNER_NAME) {
    return new Fault(REASON.KEY_MISMATCH, "the signer is not named as one for TCB signing");
  }
  const fault = await listFault(lists.root, path, 0, timeS);
  return fault ?? (await hasKeyOn("P-256", leaf)
    ? null : new Fault(REASON.KEY_MISMATCH, "the signer's key is not one of P-256"));
}

/** A signed text, read; or the Fault that stands in the way; undefined where nobody can tell. */
async function signedText(members, name, read, lists, pool, judging) {
  const [text, hex, pem] = ["", "_signature", "_issuer_chain"].map((end) => members[name + end]);
  if (text === "" || hex === "" || pem === "") {
    return new Fault(REASON.COLLATERAL_MISSING,
      `the collateral lacks ${name}, its signature or its issuer's chain`);
  }
  const signature = orFault(REASON.MALFORMED, () => hexDecode(hex));
  if (signature.length !== 64) {
    return new Fault(REASON.MALFORMED, `the signature of ${name} is not hex of 64 bytes`);
  }
  const chain = orFault(REASON.MALFORMED, () => certificatesRead(utf8Bytes(pem)));
  if (chain instanceof Fault) {
    return chain;
  }
  if (lists.root instanceof Fault) {
    return undefined; // without it, the signer may have been revoked
  }
  const fault = await signerFault(chain[0], lists, [...pool, ...chain], judging);
  if (fault) {
    return fault;
  }
  const { point } = chain[0].key;
  return await ecdsaVerify("P-256", point, "SHA-256", utf8Bytes(text), signature)
    ? orFault(REASON.MALFORMED, () => read(text))
    : new Fault(REASON.BAD_SIGNATURE, "the signature is not the signer's over that text");
}

/**
 * @param {Uint8Array|undefined} bytes
 * @param {object|null} path of the PCK certificate
 * @param {Certificate[]} pool the certificates of the quote
 * @param {{roots: object, timeS: number}} judging
 * @returns {Promise<{revocation: Fault|null|undefined, info, identity}>} revocation is null where
 *   the lists clear the path, undefined where it cannot be judged; info and identity are Faults
 *   where they do not hold, and undefined where they cannot be judged
 */
export async function collateralJudge(bytes, path, pool, judging) {
  if (!bytes?.length) {
    return { revocation: new Fault(REASON.COLLATERAL_MISSING, "no collateral was given") };
  }
  const members = orFault(REASON.MALFORMED, () => readMembers(bytes));
  if (members instanceof Fault) {
    return { revocation: members };
  }
  const lists = {
    root: readList(members, "root_ca_crl"), pck: readList(members, "pck_crl"),
  };
  return {
    revocation: await revocationOf(lists, path, judging.timeS),
    info: await signedText(members, "tcb_info", tcbInfoRead, lists, pool, judging),
    identity: await signedText(members, "qe_identity", identityRead, lists, pool, judging),
  };
}
