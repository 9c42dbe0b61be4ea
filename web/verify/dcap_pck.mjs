// SPDX-License-Identifier: Apache-2.0
/**
 * dcap_pck: what a PCK certificate says about its platform, in the extension of Intel's SGX PCK
 * Certificate and CRL Profile Specification.
 */
import { refuse } from "./bytes.mjs";
import { TAG, derNumber, derOid, derRead } from "./der.mjs";

const INTEL = "1.2.840.113741.1.13.1";
const PCE_SVN = 17;
const CPU_SVN = 18;
const FLAGS = ["dynamic_platform", "cached_keys", "smt_enabled"];

function octets(element, size, name) {
  const { content } = element.as(TAG.OCTETS, name);
  return content.length === size ? content : refuse(`${name} is not of ${size} bytes`);
}

/** The pairs of a sequence by the last number of their names, undefined for names of others. */
function pairsOf(element, above) {
  return element.as(TAG.SEQUENCE, "SGX extension").children.map((pair) => {
    const [oid, value] = pair.sequence("SGX extension", 2);
    const name = derOid(oid, "SGX extension");
    const number = name.startsWith(`${above}.`) ? name.slice(above.length + 1) : "";
    return [/^\d+$/.test(number) ? Number(number) : undefined, value];
  });
}

/** 16 components, then the PCE's number and the CPU's SVN as one. */
function readTcb(element, info) {
  const seen = new Set();
  for (const [number, value] of pairsOf(element, `${INTEL}.2`)) {
    if (number === undefined || number < 1 || number > CPU_SVN || seen.has(number)) {
      refuse("the SGX extension has a TCB of other members");
    }
    seen.add(number);
    if (number === CPU_SVN) {
      info.cpuSvn = octets(value, 16, "CPUSVN");
    } else if (number === PCE_SVN) {
      info.pceSvn = derNumber(value, 0xffff, "PCESVN");
    } else {
      info.components[number - 1] = derNumber(value, 255, "SVN");
    }
  }
  return seen.size === CPU_SVN || refuse("the SGX extension lacks a member of the TCB");
}

function readConfiguration(element, info) {
  info.flags = Object.fromEntries(FLAGS.map((flag) => [flag, false]));
  for (const [number, value] of pairsOf(element, `${INTEL}.7`)) {
    const flag = FLAGS[number - 1] ?? refuse("the SGX extension has another configuration");
    info.flags[flag] = value.as(TAG.BOOLEAN, flag).content[0] !== 0;
  }
}

const MEMBERS = {
  1: (value, info) => { info.ppid = octets(value, 16, "PPID"); },
  2: readTcb,
  3: (value, info) => { info.pceid = octets(value, 2, "PCE id"); },
  4: (value, info) => { info.fmspc = octets(value, 6, "FMSPC"); },
  5: (value, info) => { info.sgxType = derNumber(value, 255, "SGX type", TAG.ENUMERATED); },
  6: (value, info) => { info.instance = octets(value, 16, "instance"); },
  7: readConfiguration,
};
const NEEDED = [1, 2, 3, 4, 5];

/** What nothing is said of yet. */
export function pckUnknown() {
  return {
    ppid: new Uint8Array(16), components: new Uint8Array(16), pceSvn: 0,
    cpuSvn: new Uint8Array(16), pceid: new Uint8Array(2), fmspc: new Uint8Array(6), sgxType: 0,
  };
}

/**
 * Fills info; what a fault stands behind stays as it was.
 * @param {Certificate} certificate
 * @param {object} info of pckUnknown
 */
export function pckRead(certificate, info) {
  const extension = certificate.extension(INTEL)
    ?? refuse("the certificate has no SGX extension");
  const seen = new Set();
  for (const [number, value] of pairsOf(derRead(extension), INTEL)) {
    if (number !== undefined && (number < 1 || number > 31 || seen.has(number))) {
      refuse("the SGX extension has a member twice, or one that there is not");
    }
    seen.add(number);
    MEMBERS[number]?.(value, info);
  }
  return NEEDED.every((number) => seen.has(number)) || refuse("the SGX extension lacks a member");
}
