// SPDX-License-Identifier: Apache-2.0
/**
 * snp_report: the attestation report of AMD SEV-SNP (SEV Secure Nested Paging Firmware ABI,
 * ATTESTATION_REPORT), versions 2 to 5, and what its levels and processors are.
 */
import { concat, isZero, number64At, numberAt, refuse } from "./bytes.mjs";

const REPORT_BYTES = 1184;
const SIGNED_BYTES = 0x2a0;
const COORDINATE_BYTES = 72;
const P384_BYTES = 48;
const ALGORITHM_P384 = 1;

/** Bit 19 of the guest policy: the host may look inside. */
export const POLICY_DEBUG = 1n << 19n;

const VIEWS = {
  family_id: [0x10, 16], image_id: [0x20, 16], report_data: [0x50, 64], measurement: [0x90, 48],
  host_data: [0xc0, 32], id_key_digest: [0xe0, 48], author_key_digest: [0x110, 48],
  report_id: [0x140, 32], report_id_ma: [0x160, 32], chip_id: [0x1a0, 64],
};

/** What each version leaves unused must be zero. */
function checkReserved(bytes, version, keyInfo) {
  const unused = [
    [0x4c, 0x50], [version >= 3 ? 0x18b : 0x188, 0x1a0], [0x1eb, 0x1ec], [0x1ef, 0x1f0],
    [version >= 5 ? 0x208 : 0x1f8, SIGNED_BYTES],
    [SIGNED_BYTES + P384_BYTES, SIGNED_BYTES + COORDINATE_BYTES],
    [SIGNED_BYTES + COORDINATE_BYTES + P384_BYTES, REPORT_BYTES],
  ];
  if (keyInfo >>> 5 !== 0 || unused.some(([from, to]) => !isZero(bytes.subarray(from, to)))) {
    refuse("the report has something where its version has nothing");
  }
}

/** Little-endian numbers, of which a P-384 number fills 48 bytes, as r || s. */
function signatureOf(bytes) {
  return concat(...[0, COORDINATE_BYTES].map((at) =>
    bytes.slice(SIGNED_BYTES + at, SIGNED_BYTES + at + P384_BYTES).reverse()));
}

/** @param {Uint8Array} bytes */
export function snpReportRead(bytes) {
  const version = bytes.length === REPORT_BYTES
    ? numberAt(bytes, 0, 4) : refuse(`the report is not of ${REPORT_BYTES} bytes`);
  const algorithm = numberAt(bytes, 0x34, 4);
  const keyInfo = numberAt(bytes, 0x48, 4);
  if (version < 2 || version > 5 || algorithm !== ALGORITHM_P384) {
    refuse("the report is of a version or an algorithm that is not known");
  }
  checkReserved(bytes, version, keyInfo);
  const views = Object.entries(VIEWS)
    .map(([name, [at, size]]) => [name, bytes.subarray(at, at + size)]);
  return {
    version,
    algorithm,
    keyInfo,
    views: Object.fromEntries(views),
    guestSvn: numberAt(bytes, 0x04, 4),
    policy: number64At(bytes, 0x08),
    vmpl: numberAt(bytes, 0x30, 4),
    platformInfo: number64At(bytes, 0x40),
    tcb: {
      current_tcb: number64At(bytes, 0x38), reported_tcb: number64At(bytes, 0x180),
      committed_tcb: number64At(bytes, 0x1e0), launch_tcb: number64At(bytes, 0x1f0),
    },
    cpuid: version >= 3
      ? { family: bytes[0x188], model: bytes[0x189], stepping: bytes[0x18a] } : null,
    signer: { 0: "vcek", 1: "vlek" }[(keyInfo >> 2) & 7] ?? "none",
    signed: bytes.subarray(0, SIGNED_BYTES),
    signature: signatureOf(bytes),
  };
}

const PRODUCTS = ["Milan", "Genoa", "Turin"];

/** "Milan-B0" and "Milan" are of Milan; undefined for what is of none. */
export function productOfName(name) {
  return PRODUCTS.find((product) => name === product || name?.startsWith(`${product}-`));
}

/** Family 19h: models 00h to 0fh, and 10h to 1fh or a0h to afh; family 1ah: models to 1fh. */
export function productOfCpuid({ family, model }) {
  if (family === 0x19) {
    const genoa = (model >= 0x10 && model <= 0x1f) || (model >= 0xa0 && model <= 0xaf);
    return model <= 0x0f ? "Milan" : genoa ? "Genoa" : undefined;
  }
  return family === 0x1a && model <= 0x1f ? "Turin" : undefined;
}

/** Where each level stands in the 64 bits of a TCB, by its byte. */
const PLACES = { bl: 0, tee: 1, snp: 6, ucode: 7 };
const PLACES_TURIN = { fmc: 0, bl: 1, tee: 2, snp: 3, ucode: 7 };

/** @param {bigint} tcb @param {string|undefined} product */
export function tcbParts(tcb, product) {
  const places = Object.entries(product === "Turin" ? PLACES_TURIN : PLACES);
  return Object.fromEntries(places.map(([name, place]) =>
    [name, Number((tcb >> BigInt(8 * place)) & 255n)]));
}
