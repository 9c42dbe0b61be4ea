// SPDX-License-Identifier: Apache-2.0
/**
 * dcap_quote: the layout of Intel's ECDSA quotes of versions 3, 4 and 5 (Intel SGX DCAP and TDX DCAP
 * quoting library references): header, body, and the data of the signature, to the last byte.
 */
import { equal, hexDecode, isZero, number64At, numberAt, refuse } from "./bytes.mjs";

const HEADER_BYTES = 48;
const KEY_P256 = 2;
const TEE_SGX = 0;
const TEE_TDX = 0x81;
const CERTS_NESTED = 6;
const CERTS_TYPE_MAX = 7;
const INTEL_QE = hexDecode("939a7233f79c4ca9940a0db3957f0607");

export const BODY_SGX = 1;
const BODY_TD10 = 2;
const BODY_TD15 = 3;
const BODY_BYTES = { [BODY_SGX]: 384, [BODY_TD10]: 584, [BODY_TD15]: 648 };
const REPORT_BYTES = 384;

/** Takes one part after the other from the front. */
class Parts {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  take(size) {
    if (size > this.bytes.length - this.at) {
      refuse("the quote ends too early");
    }
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }

  number(size) {
    return numberAt(this.take(size), 0, size);
  }

  rest() {
    return this.bytes.subarray(this.at);
  }
}

function readHeader(header) {
  const quote = {
    version: numberAt(header, 0, 2),
    keyType: numberAt(header, 2, 2),
    teeType: numberAt(header, 4, 4),
    qeSvn: numberAt(header, 8, 2),
    pceSvn: numberAt(header, 10, 2),
    userData: header.subarray(28, 48),
  };
  if (quote.version < 3 || quote.version > 5 || quote.keyType !== KEY_P256 ||
      (quote.teeType !== TEE_SGX && quote.teeType !== TEE_TDX)) {
    refuse("the quote is of a version, a key or a TEE that is not known");
  }
  return equal(header.subarray(12, 28), INTEL_QE)
    ? quote : refuse("the quote was not made by Intel's quoting enclave");
}

/** Version 5 says which body follows; before, the version and the kind of TEE do. */
function readBody(parts, { version, teeType }) {
  const tdx = teeType === TEE_TDX;
  let kind = tdx ? BODY_TD10 : BODY_SGX;
  let size = BODY_BYTES[kind];
  if (version === 5) {
    kind = parts.number(2);
    size = parts.number(4);
  }
  if ((tdx && version === 3) || size !== BODY_BYTES[kind] || (kind !== BODY_SGX) !== tdx) {
    refuse("the quote has a body of another kind or size than it says");
  }
  return { kind, body: parts.take(size) };
}

/** What the quoting enclave says, and by whose certificates. */
function readQe(parts) {
  const qe = { qeReport: parts.take(REPORT_BYTES), qeSignature: parts.take(64) };
  qe.qeAuth = parts.take(parts.number(2));
  qe.certsType = parts.number(2);
  qe.certs = parts.take(parts.number(4));
  const known = qe.certsType >= 1 && qe.certsType <= CERTS_TYPE_MAX &&
    qe.certsType !== CERTS_NESTED;
  return known && parts.rest().length === 0
    ? qe : refuse("the quote's certification data are of another type or size");
}

/** From version 4 on the quoting enclave's part is inside certification data of its own type. */
function readSignature(bytes, version) {
  const parts = new Parts(bytes);
  const signature = { signature: parts.take(64), key: parts.take(64) };
  if (version > 3 && (parts.number(2) !== CERTS_NESTED ||
      parts.number(4) !== parts.rest().length)) {
    refuse("the quote's certification data hold no report of the quoting enclave");
  }
  return { ...signature, ...readQe(parts) };
}

/**
 * @param {Uint8Array} evidence
 * @param {boolean} tdx whether a trust domain's is wanted, else an enclave's
 */
export function quoteRead(evidence, tdx) {
  const parts = new Parts(evidence);
  const header = readHeader(parts.take(HEADER_BYTES));
  const body = readBody(parts, header);
  const signed = evidence.subarray(0, parts.at);
  const signature = parts.take(parts.number(4));
  const trailing = parts.rest();
  if (!isZero(trailing)) {
    refuse("something other than zeros is behind the quote");
  }
  const quote = {
    ...header, ...body, signed, trailing: trailing.length,
    ...readSignature(signature, header.version),
  };
  return tdx === (quote.teeType === TEE_TDX)
    ? quote : refuse(tdx ? "the quote is of an enclave" : "the quote is of a trust domain");
}

const RESERVED = [[20, 32], [96, 128], [160, 192], [262, 304]];

/** The report of an enclave (REPORTBODY), of the quote or of the quoting enclave. */
export function reportRead(body) {
  return {
    cpuSvn: body.subarray(0, 16),
    miscSelect: numberAt(body, 16, 4),
    extProductId: body.subarray(32, 48),
    attributes: body.subarray(48, 64),
    mrEnclave: body.subarray(64, 96),
    mrSigner: body.subarray(128, 160),
    configId: body.subarray(192, 256),
    isvProdId: numberAt(body, 256, 2),
    isvSvn: numberAt(body, 258, 2),
    configSvn: numberAt(body, 260, 2),
    familyId: body.subarray(304, 320),
    reportData: body.subarray(320, 384),
    reservedZero: RESERVED.every(([from, to]) => isZero(body.subarray(from, to))),
  };
}

/** The report of a trust domain; that of 1.5 has two members more. */
export function domainRead({ kind, body }) {
  const measurement = (at) => body.subarray(at, at + 48);
  const later = kind === BODY_TD15
    ? { tee_tcb_svn2: body.subarray(584, 600), mr_service_td: measurement(600) } : {};
  return {
    attributes: number64At(body, 120),
    xfam: number64At(body, 128),
    reportData: body.subarray(520, 584),
    views: {
      tee_tcb_svn: body.subarray(0, 16),
      mr_seam: measurement(16),
      mr_signer_seam: measurement(64),
      seam_attributes: body.subarray(112, 120),
      td_attributes: body.subarray(120, 128),
      xfam: body.subarray(128, 136),
      mr_td: measurement(136),
      mr_config_id: measurement(184),
      mr_owner: measurement(232),
      mr_owner_config: measurement(280),
      rtmr0: measurement(328),
      rtmr1: measurement(376),
      rtmr2: measurement(424),
      rtmr3: measurement(472),
      report_data: body.subarray(520, 584),
      ...later,
    },
  };
}
