// SPDX-License-Identifier: Apache-2.0
/**
 * dcap_status: where a platform stands among the levels of Intel's TCB info, and whether quoting
 * enclave and TDX module are those that Intel describes.
 */
import { equal } from "./bytes.mjs";
import { REASON } from "./family.mjs";

const ADVISORIES_MAX = 96;
const OUT_OF_DATE = "OutOfDate";
const CONFIGURATION = ["ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded"];
const IN_ORDER = ["UpToDate", "SWHardeningNeeded", ...CONFIGURATION];

const reaches = (found, wanted, from) =>
  wanted.every((least, i) => i < from || found[i] >= least);

/**
 * Levels are listed from the newest down; a platform stands at the first whose every number it
 * reaches. The first two of a trust domain are of the module, which has levels of its own from
 * version 1 on.
 */
function levelOf({ tcbLevels }, pck, teeTcbSvn) {
  const from = teeTcbSvn?.[1] > 0 ? 2 : 0;
  return tcbLevels.find(({ tcb }) => reaches(pck.components, tcb.sgx, 0) &&
    pck.pceSvn >= tcb.pcesvn && (!teeTcbSvn || reaches(teeTcbSvn, tcb.tdx, from)));
}

const isvLevelOf = (levels, svn) => levels?.find(({ tcb }) => svn >= tcb.isvsvn);

function moduleOf({ tdxModuleIdentities: modules = [] }, version) {
  return modules.find(({ id }) => id === version);
}

/** undefined for modules of version 0, which have no levels; below all of them is out of date. */
function moduleStatus(info, [svn, version]) {
  const level = isvLevelOf(moduleOf(info, version)?.tcbLevels, svn);
  return version === 0
    ? {} : { status: level?.tcbStatus ?? OUT_OF_DATE, advisories: level?.advisoryIDs };
}

/** A part that is out of date or revoked makes the platform so; what else it says adds nothing. */
function withPart(platform, part) {
  if (part === "Revoked") {
    return part;
  }
  if (part !== OUT_OF_DATE) {
    return platform;
  }
  if (CONFIGURATION.includes(platform)) {
    return "OutOfDateConfigurationNeeded";
  }
  return IN_ORDER.includes(platform) ? OUT_OF_DATE : platform;
}

/** With the module that runs now; undefined where the quote does not say which. */
function currentStatus(info, pck, svn, qe) {
  const level = svn && levelOf(info, pck, svn);
  return level && withPart(withPart(level.tcbStatus, moduleStatus(info, svn).status), qe);
}

/** Launched on what is out of date, on a platform that is in order now: launch it again. */
function relaunchOf(launched, current) {
  const old = launched === OUT_OF_DATE || launched === "OutOfDateConfigurationNeeded";
  if (!old || !IN_ORDER.includes(current)) {
    return undefined;
  }
  return launched !== OUT_OF_DATE || CONFIGURATION.includes(current)
    ? "TDRelaunchAdvisedConfigurationNeeded" : "TDRelaunchAdvised";
}

/**
 * @param {object} info of tcbInfoRead
 * @param {object} identity of identityRead
 * @param {object} pck of pckRead
 * @param {object} qe the quoting enclave's report
 * @param {object|null} domain the trust domain's, null for an enclave
 * @returns {{platform, module, qe, all, relaunch, date, advisories, full}} date is undefined where
 *   the platform is below every level, relaunch where launching again would not put the domain in
 *   order; full: there are more advisories than can be told
 */
export function standingOf(info, identity, pck, qe, domain) {
  const svn = domain?.views.tee_tcb_svn;
  const level = levelOf(info, pck, svn);
  const enclave = isvLevelOf(identity.tcbLevels, qe.isvSvn);
  const module = domain ? moduleStatus(info, svn) : {};
  const qeStatus = enclave?.tcbStatus ?? OUT_OF_DATE;
  const platform = level?.tcbStatus ?? OUT_OF_DATE;
  const all = withPart(withPart(platform, module.status), qeStatus);
  const current = domain && currentStatus(info, pck, domain.views.tee_tcb_svn2, qeStatus);
  const advisories = [level?.advisoryIDs, module.advisories, enclave?.advisoryIDs]
    .flatMap((list) => list ?? []);
  return {
    platform,
    module: module.status,
    qe: qeStatus,
    all,
    relaunch: level && relaunchOf(all, current),
    date: level?.tcbDate,
    advisories: [...new Set(advisories)].slice(0, ADVISORIES_MAX).sort(),
    full: new Set(advisories).size > ADVISORIES_MAX,
  };
}

const masked = (found, mask, wanted) => wanted.every((byte, i) => (found[i] & mask[i]) === byte);

/** What is wrong with the TDX module, as [reason, why]; null if nothing. */
export function moduleFault(info, { views }) {
  const version = views.tee_tcb_svn[1];
  const module = version > 0 ? moduleOf(info, version) : info.tdxModule;
  const why = !module ? `the TCB info describes no TDX module of version ${version}`
    : !equal(views.mr_signer_seam, module.mrsigner) ? "the TDX module is signed by another"
      : !masked(views.seam_attributes, module.attributesMask, module.attributes)
        ? "the TDX module has other attributes" : null;
  return why && [REASON.MEASUREMENT_MISMATCH, why];
}

/** The same of the quoting enclave. */
export function enclaveFault(identity, qe) {
  const { miscselect, miscselectMask, attributes, attributesMask, mrsigner, isvprodid } = identity;
  // Hex of the number as people write it, not of its bytes in memory.
  const misc = [24, 16, 8, 0].map((shift) => (qe.miscSelect >>> shift) & 255);
  const faults = [
    [(qe.attributes[0] & 2) !== 0, "it is open to a debugger"],
    [!masked(misc, miscselectMask, miscselect), "MISCSELECT"],
    [!masked(qe.attributes, attributesMask, attributes), "attributes"],
    [!equal(qe.mrSigner, mrsigner), "MRSIGNER"],
    [qe.isvProdId !== isvprodid, "product id"],
  ];
  const fault = faults.find(([bad]) => bad);
  return fault
    ? [REASON.QE_IDENTITY_MISMATCH, `not the enclave of Intel's identity: ${fault[1]}`] : null;
}
