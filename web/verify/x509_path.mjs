// SPDX-License-Identifier: Apache-2.0
/**
 * x509_path: certificate paths of RFC 5280 section 6 at a time that the caller gives, to roots that
 * the caller names, and what revocation lists say about them.
 *
 * A root is one by its whole DER: another certificate with its key or name is not the root. Every
 * certificate of a good path, the root included, is valid at that time; each issuer says itself
 * that it is an authority, may sign certificates and may have so many below it.
 */
import { equal, hexEncode } from "./bytes.mjs";
import { sha256 } from "./crypto.mjs";
import { dateWrite } from "./date.mjs";
import { USAGE, hasKeyOn, signedBy } from "./x509.mjs";

const PATH_MAX = 10;
const RSA_BITS_MIN = 2048;

/** Pinned roots count only where they are among the certificates. */
async function trustedOf(certificates, roots) {
  if (roots.given) {
    return roots.given;
  }
  const digests = await Promise.all(certificates.map(async ({ der }) =>
    hexEncode(await sha256(der))));
  return certificates.filter((_, i) => roots.pinned.includes(digests[i]));
}

function mayBeIssuer(issuer, certificate) {
  const [wanted, found] = [certificate.rights.issuerKeyId, issuer.rights.subjectKeyId];
  return issuer.subject === certificate.issuer && !issuer.broken &&
    (!wanted || !found || equal(wanted, found)) && issuer.may(USAGE.CERT_SIGN);
}

function validAt(certificate, timeS) {
  return timeS >= certificate.fromS && timeS <= certificate.toS;
}

const same = (one) => (other) => equal(one.der, other.der);

/** From the leaf up to a trusted root, or as far as it goes. */
function climb(leaf, certificates, trusted, timeS) {
  const chain = [leaf];
  while (chain.length <= PATH_MAX) {
    const last = chain[chain.length - 1];
    if (last.subject === last.issuer) {
      return { chain, ends: trusted.some(same(last)) };
    }
    const candidates = [...trusted, ...certificates].filter((one) =>
      mayBeIssuer(one, last) && !chain.some(same(one)));
    const issuer = candidates.find((one) => validAt(one, timeS)) ?? candidates[0];
    if (!issuer) {
      return { chain, ends: false };
    }
    chain.push(issuer);
  }
  return { chain, ends: false };
}

/** What is wrong with the form or the rights of an entry of the path; null if nothing. */
function faultOf(certificate, above, below, isRoot) {
  const { basic, strange } = certificate.rights;
  if (certificate.broken || strange) {
    return certificate.broken ?? `extension ${strange} is critical and not known`;
  }
  if (!isRoot && !certificate.signed.by) {
    return "it is signed in a way that is not known here, or too weak";
  }
  if (certificate.key.kind === "RSA" && certificate.key.bits < RSA_BITS_MIN) {
    return `its RSA key is of ${certificate.key.bits} bits only`;
  }
  if (above === 0) {
    return null;
  }
  if (!basic?.ca || !certificate.may(USAGE.CERT_SIGN)) {
    return "it is no certificate authority";
  }
  return below > basic.pathMax ? "it may not have so many authorities below it" : null;
}

function bad(path, i, why) {
  return { path, chain: [], why: `certificate ${i} from the leaf: ${why}` };
}

function rightsFault(chain) {
  let below = 0;
  for (const [i, certificate] of chain.entries()) {
    const fault = faultOf(certificate, i, below, i + 1 === chain.length);
    if (fault) {
      return bad("untrusted", i, fault);
    }
    below += i > 0 && certificate.subject !== certificate.issuer ? 1 : 0;
  }
  return null;
}

/** The first whose key is no point of its curve. */
async function keysFault(chain) {
  for (const [i, certificate] of chain.entries()) {
    if (certificate.key.kind === "EC" && !await hasKeyOn(certificate.key.curve.name, certificate)) {
      return bad("untrusted", i, "its key is no point of its curve");
    }
  }
  return null;
}

/** From the root down, as each certificate vouches for the next. */
async function judgeChain(chain, timeS) {
  for (let i = chain.length - 1; i >= 0; i--) {
    const certificate = chain[i];
    if (i + 1 < chain.length && !await signedBy(certificate.signed, chain[i + 1])) {
      return bad("untrusted", i, "its issuer did not sign it");
    }
    if (!validAt(certificate, timeS)) {
      const { fromS, toS } = certificate;
      return bad("expired", i, timeS < fromS
        ? `it is valid from ${dateWrite(fromS)}` : `it is valid until ${dateWrite(toS)}`);
    }
  }
  return {
    path: "good",
    chain,
    fromS: Math.max(...chain.map(({ fromS }) => fromS)),
    toS: Math.min(...chain.map(({ toS }) => toS)),
  };
}

/**
 * @param {Certificate} leaf
 * @param {Certificate[]} certificates what came with it, in any order
 * @param {{given: Certificate[]}|{pinned: string[]}} roots digests in hex
 * @param {number} timeS
 * @returns {Promise<{path: "good"|"untrusted"|"expired", chain: Certificate[], why?: string,
 *   fromS?: number, toS?: number}>} the chain leaf first, empty unless good
 */
export async function pathJudge(leaf, certificates, roots, timeS) {
  const trusted = await trustedOf([leaf, ...certificates], roots);
  if (trusted.length === 0) {
    return { path: "untrusted", chain: [], why: "no certificate is a trusted root" };
  }
  const { chain, ends } = climb(leaf, certificates, trusted, timeS);
  if (!ends) {
    return bad("untrusted", chain.length - 1, "its issuer is not here, or is no trusted root");
  }
  return rightsFault(chain) ?? await keysFault(chain) ?? judgeChain(chain, timeS);
}

function crlTimes({ fromS, toS }, timeS) {
  if (toS === null) {
    return { state: "unsigned", why: "revocation list: it has no next update" };
  }
  if (timeS < fromS || timeS > toS) {
    const date = timeS < fromS ? `from ${dateWrite(fromS)}` : `until ${dateWrite(toS)}`;
    return { state: "expired", why: `revocation list: it is valid ${date}` };
  }
  return null;
}

/**
 * One revocation list against a good path.
 * @returns {Promise<{state: "absent"|"unsigned"|"expired"|"revoked"|"good", why?: string,
 *   covered?: number}>} absent: its issuer is not of the path; covered: the entry of the path that
 *   it speaks of, if any
 */
export async function crlJudge(crl, { chain }, timeS) {
  const issuer = chain.findIndex(({ subject }) => subject === crl.issuer);
  if (issuer < 0) {
    return { state: "absent" };
  }
  if (!chain[issuer].may(USAGE.CRL_SIGN) || !await signedBy(crl.signed, chain[issuer])) {
    return { state: "unsigned", why: "revocation list: it is not signed by its issuer" };
  }
  if (crl.strange) {
    return { state: "unsigned", why: "revocation list: it has a critical extension" };
  }
  const late = crlTimes(crl, timeS);
  if (late || issuer === 0) {
    return late ?? { state: "good" };
  }
  const covered = issuer - 1;
  return crl.revoked.has(chain[covered].serial)
    ? { state: "revoked", why: `certificate ${covered} from the leaf is on its issuer's list` }
    : { state: "good", covered };
}
