// SPDX-License-Identifier: Apache-2.0
/**
 * dcap: quotes of Intel's enclaves (sgx) and trust domains (tdx). The quote is signed by an
 * attestation key, which the quoting enclave reports; that report is signed by the platform's PCK
 * key, whose certificate leads to Intel's root; and Intel's collateral says how the platform stands.
 */
import { FormatError, concat, equal, hexEncode, isZero, number64At, refuse } from "./bytes.mjs";
import { ecdsaVerify, sha256 } from "./crypto.mjs";
import { dateWrite } from "./date.mjs";
import { Fault, collateralJudge } from "./dcap_collateral.mjs";
import { pckRead, pckUnknown } from "./dcap_pck.mjs";
import { BODY_SGX, domainRead, quoteRead, reportRead } from "./dcap_quote.mjs";
import { enclaveFault, moduleFault, standingOf } from "./dcap_status.mjs";
import { REASON, debugTold, evidenceRead, nonceTold, pathTold, rootsOf, statusTold }
  from "./family.mjs";
import { certificatesRead, hasKeyOn } from "./x509.mjs";
import { pathJudge } from "./x509_path.mjs";

/** Intel SGX Root CA. */
const ROOTS = ["44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3"];
const CERTS_CHAIN = 5;
const AUTHORITIES = {
  "Intel SGX PCK Platform CA": "platform", "Intel SGX PCK Processor CA": "processor",
};

/** Adds a check of which a Fault says that it failed, and undefined that it cannot be judged. */
function told(verdict, name, fault, good) {
  if (fault !== undefined) {
    verdict.decide(name, !(fault instanceof Fault), good, fault?.why, fault?.reason);
  }
}

const faultOf = (found) => (found ? new Fault(...found) : null);

/** The certificates of the quote; null where there are none or they cannot be read. */
function certificatesOf({ certsType, certs }, verdict) {
  const fail = (why, reason) => verdict.fail("platform.root", why, reason);
  if (certsType !== CERTS_CHAIN) {
    fail(`the certification data are of type ${certsType} and hold no certificates`,
      REASON.COLLATERAL_MISSING);
    return null;
  }
  try {
    return certs[0] === 0x30 ? refuse("the certificates are not PEM") : certificatesRead(certs);
  } catch (error) {
    if (!(error instanceof FormatError)) {
      throw error;
    }
    fail(`the certification data cannot be read as certificates: ${error.message}`,
      REASON.MALFORMED);
    return null;
  }
}

/** What the leaf says about the platform, and the Fault in how it does. */
async function readPck(leaf, path) {
  const pck = { ...pckUnknown(), fault: null, key: null };
  pck.ca = AUTHORITIES[path.chain[1]?.commonName()];
  if (leaf.commonName() !== "Intel SGX PCK Certificate") {
    pck.fault = new Fault(REASON.KEY_MISMATCH, "the certificate is not named as a PCK certificate");
  } else if (path.path === "good" && !pck.ca) {
    pck.fault = new Fault(REASON.KEY_MISMATCH, "its issuer is neither platform nor processor CA");
  }
  try {
    pckRead(leaf, pck);
  } catch (error) {
    if (!(error instanceof FormatError)) {
      throw error;
    }
    pck.fault = new Fault(REASON.MALFORMED, error.message);
  }
  if (await hasKeyOn("P-256", leaf)) {
    pck.key = leaf.key.point;
  } else {
    pck.fault = new Fault(REASON.MALFORMED, "its key is not one of P-256");
  }
  pck.sha256 = await sha256(leaf.der);
  return pck;
}

async function judgeSignature(verdict, name, point, bytes, signature) {
  verdict.decide(name, await ecdsaVerify("P-256", point, "SHA-256", bytes, signature),
    "ECDSA P-256 with SHA-256", "the signature is not the key's over these bytes",
    REASON.BAD_SIGNATURE);
}

async function judgeSignatures(quote, qe, pck, verdict) {
  const uncompressed = Uint8Array.of(4);
  await judgeSignature(verdict, "evidence.signature", concat(uncompressed, quote.key),
    quote.signed, quote.signature);
  if (pck) {
    told(verdict, "intel.pck", pck.fault, `issued by the ${pck.ca ?? "unknown"} CA`);
  }
  if (pck?.key) {
    await judgeSignature(verdict, "intel.qe-signature", pck.key, quote.qeReport,
      quote.qeSignature);
  }
  const digest = await sha256(quote.key, quote.qeAuth);
  verdict.decide("intel.qe-binding",
    equal(qe.reportData.subarray(0, 32), digest) && isZero(qe.reportData.subarray(32)),
    "the quoting enclave reports this attestation key",
    "the quoting enclave reports another attestation key", REASON.BAD_SIGNATURE);
}

const held = (part) => (part instanceof Fault ? undefined : part);

function judgeValidity(info, identity, timeS, verdict) {
  const late = [info, identity].find((part) =>
    part && (timeS < part.issueDate || timeS > part.nextUpdate));
  if (late) {
    verdict.fail("intel.tcb-validity",
      `collateral is valid from ${dateWrite(late.issueDate)} to ${dateWrite(late.nextUpdate)}`,
      REASON.EXPIRED);
  } else if (info && identity) {
    verdict.pass("intel.tcb-validity", "TCB info and QE identity are in their time");
  }
}

function judgePlatform(info, pck, tdx, verdict) {
  const same = info.tdx === tdx && equal(info.fmspc, pck.fmspc) && equal(info.pceId, pck.pceid);
  verdict.decide("intel.tcb-platform", same, "FMSPC, PCE and kind of TEE are the same",
    "the TCB info is of another FMSPC, PCE or kind of TEE", REASON.COLLATERAL_MISMATCH);
  return same;
}

function judgeEvaluation(info, identity, least, verdict) {
  const found = Math.min(info.tcbEvaluationDataNumber, identity.tcbEvaluationDataNumber);
  if (least) {
    verdict.decide("intel.tcb-evaluation", found >= least, `${found}`,
      `the collateral is of evaluation ${found}, the reader asks for ${least}`, REASON.EXPIRED);
  }
}

/** The signed texts, each told; they come back where both hold and are of this platform. */
function judgeTexts(texts, { pck, qe, body, tdx, input }, verdict) {
  const [info, identity] = [held(texts.info), held(texts.identity)];
  told(verdict, "intel.tcb-signature", texts.info, "signed by Intel's TCB signing key");
  told(verdict, "intel.identity-signature", texts.identity, "signed by Intel's TCB signing key");
  judgeValidity(info, identity, input.timeS, verdict);
  const samePlatform = info && !pck.fault && judgePlatform(info, pck, tdx, verdict);
  if (info && identity) {
    judgeEvaluation(info, identity, input.evaluationMin, verdict);
  }
  if (identity) {
    const fault = identity.tdx === tdx ? faultOf(enclaveFault(identity, qe))
      : new Fault(REASON.COLLATERAL_MISMATCH, "the QE identity is for another kind of TEE");
    told(verdict, "intel.qe-identity", fault, "it is Intel's quoting enclave");
  }
  if (tdx && info?.tdx) {
    told(verdict, "tdx.module", faultOf(moduleFault(info, body)), "it is Intel's module");
  }
  return samePlatform && identity?.tdx === tdx ? { info, identity } : {};
}

function quoteFields(quote, qe) {
  const sgx = quote.kind === BODY_SGX;
  return {
    version: quote.version,
    att_key_type: quote.keyType,
    tee_type: quote.teeType,
    ...quote.version === 5 ? { body_type: quote.kind } : {},
    ...sgx ? { qe_svn: quote.qeSvn, pce_svn: quote.pceSvn } : {},
    user_data: hexEncode(quote.userData),
    cert_data_type: quote.certsType,
    trailing: quote.trailing,
    qe_mr_enclave: hexEncode(qe.mrEnclave),
    qe_mr_signer: hexEncode(qe.mrSigner),
    qe_isv_prod_id: qe.isvProdId,
    qe_isv_svn: qe.isvSvn,
  };
}

function pckFields(pck) {
  return {
    pck_sha256: hexEncode(pck.sha256),
    ...pck.ca ? { pck_ca: pck.ca } : {},
    fmspc: hexEncode(pck.fmspc),
    pceid: hexEncode(pck.pceid),
    pck_cpusvn: hexEncode(pck.cpuSvn),
    pck_pcesvn: pck.pceSvn,
    ppid: hexEncode(pck.ppid),
    sgx_type: pck.sgxType,
    ...pck.instance ? { platform_instance_id: hexEncode(pck.instance) } : {},
    ...pck.flags,
  };
}

function standingFields({ qe, module, platform, all, relaunch, date, advisories }) {
  return {
    qe_status: qe,
    ...module ? { tdx_module_status: module } : {},
    platform_status: platform,
    tcb_status: all,
    ...relaunch ? { tcb_relaunch: relaunch } : {},
    ...date ? { tcb_date: dateWrite(date) } : {},
    advisories,
  };
}

/** The date of the level as a number that reads like it. */
function levelOf({ date }) {
  return date ? BigInt(dateWrite(date).slice(0, 10).replaceAll("-", "")) : 0n;
}

function judgeStanding(texts, { pck, qe, body, tdx, input }, claims, verdict) {
  const { info, identity } = texts;
  if (!info) {
    return;
  }
  const standing = standingOf(info, identity, pck, qe, tdx ? body : null);
  Object.assign(claims.fields, standingFields(standing));
  claims.tcbStatus = standing.all;
  claims.level = levelOf(standing);
  if (standing.full) {
    verdict.fail("tcb.status", "there are more advisories than can be told", REASON.MALFORMED);
  } else if (!standing.date) {
    verdict.fail("tcb.status", "the platform is below every level that the TCB info lists",
      REASON.TCB_OUT_OF_DATE);
  } else if (input.acceptTcb?.includes(standing.relaunch)) {
    verdict.pass("tcb.status", `${standing.all}, and ${standing.relaunch}`);
  } else {
    statusTold(input, claims, verdict);
  }
}

/** Everything about the certificates of the quote, and Intel's word on them. */
async function judgeCertificates(quote, roots, state, verdict) {
  const { input } = state;
  const pool = certificatesOf(quote, verdict);
  let path = null;
  if (pool) {
    path = await pathJudge(pool[0], pool.slice(1), roots, input.timeS);
    await pathTold(path, verdict);
    state.pck = await readPck(pool[0], path);
  }
  if (input.signatureOnly || quote.certsType !== CERTS_CHAIN) {
    return {};
  }
  const texts = await collateralJudge(input.collateral, path, pool ?? [],
    { roots, timeS: input.timeS });
  told(verdict, "evidence.revocation", texts.revocation,
    "neither the PCK certificate nor its authority is on its issuer's list");
  return pool ? judgeTexts(texts, state, verdict) : {};
}

async function judge(kind, input, verdict) {
  const roots = rootsOf(input, ROOTS);
  const quote = evidenceRead(verdict, () => kind.read(input.evidence));
  if (!quote) {
    return null;
  }
  const state = {
    input, tdx: kind.tdx, qe: reportRead(quote.qeReport), body: kind.body(quote), pck: null,
  };
  const texts = await judgeCertificates(quote, roots, state, verdict);
  await judgeSignatures(quote, state.qe, state.pck, verdict);
  const claims = kind.claims(state.body);
  Object.assign(claims.fields, quoteFields(quote, state.qe), state.pck && pckFields(state.pck));
  claims.machineId = state.pck?.ppid;
  kind.judgeBody(state.body, verdict);
  judgeStanding(texts, state, claims, verdict);
  nonceTold(input, claims, verdict);
  debugTold(input, claims, verdict);
  return claims;
}

/** INIT is of the hardware alone; of the flags, 3, 8, 9 and those above 10 are not in use. */
const SGX_INIT = 1n;
const SGX_DEBUG = 2n;
const SGX_KNOWN = 0x4f7n;

function sgxRead(evidence) {
  const quote = quoteRead(evidence, false);
  return reportRead(quote.body).reservedZero
    ? quote : refuse("reserved bytes of the enclave's report are not zero");
}

function sgxJudge({ attributes }, verdict) {
  const flags = number64At(attributes, 0);
  verdict.decide("sgx.attributes", (flags & ~SGX_KNOWN) === 0n && (flags & SGX_INIT) !== 0n,
    "an initialised enclave", "the enclave is not initialised, or has attributes that none has",
    REASON.MALFORMED);
}

function sgxClaims(report) {
  const debug = (number64At(report.attributes, 0) & SGX_DEBUG) !== 0n;
  return {
    debug,
    nonce: report.reportData,
    reportData: report.reportData,
    measurements: { mrenclave: report.mrEnclave, mrsigner: report.mrSigner },
    fields: {
      kind: "sgx",
      debug,
      cpu_svn: hexEncode(report.cpuSvn),
      misc_select: report.miscSelect,
      attributes: hexEncode(report.attributes),
      mr_enclave: hexEncode(report.mrEnclave),
      mr_signer: hexEncode(report.mrSigner),
      isv_prod_id: report.isvProdId,
      isv_svn: report.isvSvn,
      isv_ext_prod_id: hexEncode(report.extProductId),
      isv_family_id: hexEncode(report.familyId),
      config_id: hexEncode(report.configId),
      config_svn: report.configSvn,
      report_data: hexEncode(report.reportData),
    },
  };
}

/**
 * TDATTRIBUTES: 0 DEBUG; 4 HGS_PLUS_PROF, 5 PERF_PROF, 6 PMT_PROF, by which the host learns what the
 * domain does; 16 ICSSD, 27 LASS, 28 SEPT_VE_DISABLE, 29 MIGRATABLE, 30 PKS, 31 KL, 62 TPA, 63
 * PERFMON. Others are reserved.
 */
const TD_DEBUG = 0x1n;
const TD_PROFILE = 0x70n;
const TD_MIGRATE = 0x20000000n;
const TD_KNOWN = 0xc0000000f8010071n;

/** State components of XFAM: x87 and SSE always, some only together, AVX-512 with AVX. */
const XFAM_ALWAYS = 0x3n;
const XFAM_KNOWN = 0xedbe7n;
const XFAM_AVX = 0x4n;
const XFAM_AVX512 = 0xe0n;
const XFAM_TOGETHER = [XFAM_AVX512, 0x1800n, 0x60000n];

function xfamSound(xfam) {
  return (xfam & XFAM_ALWAYS) === XFAM_ALWAYS && (xfam & ~XFAM_KNOWN) === 0n &&
    XFAM_TOGETHER.every((parts) => [0n, parts].includes(xfam & parts)) &&
    ((xfam & XFAM_AVX512) === 0n || (xfam & XFAM_AVX) !== 0n);
}

function tdxJudge({ attributes, xfam }, verdict) {
  const [, why, reason] = [
    [attributes & ~TD_KNOWN, "attributes are set that are reserved", REASON.MALFORMED],
    [attributes & TD_PROFILE, "the host may profile the domain", REASON.DEBUG_ENABLED],
    [attributes & TD_MIGRATE, "the domain may be moved, and with it its secrets",
      REASON.MEASUREMENT_MISMATCH],
  ].find(([bits]) => bits !== 0n) ?? [];
  verdict.decide("tdx.attributes", !why, "every attribute is one that keeps the host out", why,
    reason);
  verdict.decide("tdx.xfam", xfamSound(xfam), "a set that TDX allows",
    "no trust domain can have this set of extended features", REASON.MALFORMED);
}

function tdxClaims({ attributes, reportData, views }) {
  const debug = (attributes & TD_DEBUG) !== 0n;
  const { mr_td: mrtd, ...others } = views;
  const hex = Object.entries(views).map(([name, bytes]) => [name, hexEncode(bytes)]);
  return {
    debug,
    nonce: reportData,
    reportData,
    measurements: { mrtd, ...others },
    fields: { kind: "tdx", debug, ...Object.fromEntries(hex) },
  };
}

const SIGNED = ["evidence.format", "platform.root", "evidence.validity", "evidence.signature",
  "intel.pck", "intel.qe-signature", "intel.qe-binding", "evidence.debug"];
const COLLATERAL = ["evidence.revocation", "intel.tcb-signature", "intel.tcb-validity",
  "intel.tcb-platform", "intel.identity-signature", "intel.qe-identity", "tcb.status"];
const ASKED = ["intel.tcb-evaluation", "evidence.nonce"];

function familyOf(name, kind, ofBody, ofCollateral) {
  const required = [...SIGNED, ...ofBody, ...COLLATERAL, ...ofCollateral];
  return {
    name,
    checks: [...required, ...ASKED],
    required,
    requiredSignatureOnly: [...SIGNED, ...ofBody],
    judge: (input, verdict) => judge(kind, input, verdict),
  };
}

export const sgx = familyOf("sgx", {
  tdx: false, read: sgxRead, body: ({ body }) => reportRead(body), judgeBody: sgxJudge,
  claims: sgxClaims,
}, ["sgx.attributes"], []);

export const tdx = familyOf("tdx", {
  tdx: true, read: (evidence) => quoteRead(evidence, true), body: domainRead, judgeBody: tdxJudge,
  claims: tdxClaims,
}, ["tdx.attributes", "tdx.xfam"], ["tdx.module"]);
