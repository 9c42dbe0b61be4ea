// SPDX-License-Identifier: Apache-2.0
/**
 * snp: reports of AMD SEV-SNP, judged with the chip's certificate (VCEK) or the provider's (VLEK),
 * which leads to AMD's root of the product line.
 */
import { FormatError, equal, hexEncode, isZero, refuse } from "./bytes.mjs";
import { ecdsaVerify } from "./crypto.mjs";
import { REASON, debugTold, evidenceRead, nonceTold, pathTold, revocationTold, rootsOf, short }
  from "./family.mjs";
import { snpCertRead } from "./snp_cert.mjs";
import { POLICY_DEBUG, productOfCpuid, productOfName, snpReportRead, tcbParts }
  from "./snp_report.mjs";
import { certificatesRead, hasKeyOn } from "./x509.mjs";
import { pathJudge } from "./x509_path.mjs";

/** ARK-Milan, ARK-Genoa, ARK-Turin. */
const ROOTS = [
  "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd",
  "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1",
  "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a",
];

const POLICY_ONE = 1n << 17n;
const POLICY_MIGRATE = 1n << 18n;
const POLICY_KNOWN_END = 1n << 26n;

/** The leaf and the others; null where one cannot be read or there is no leaf. */
function certificatesOf(input, verdict) {
  if (!input.leaf?.length) {
    verdict.fail("platform.root", "no VCEK or VLEK was given", REASON.COLLATERAL_MISSING);
    return null;
  }
  try {
    const leaves = certificatesRead(input.leaf);
    if (leaves.length > 1) {
      throw new FormatError("more than one VCEK or VLEK");
    }
    return { leaf: leaves[0], others: input.chain?.length ? certificatesRead(input.chain) : [] };
  } catch (error) {
    if (!(error instanceof FormatError)) {
      throw error;
    }
    verdict.fail("platform.root", `a certificate cannot be read: ${error.message}`,
      REASON.CHAIN_UNTRUSTED);
    return null;
  }
}

/** What the certificate says, or null where it is none that signs reports. */
async function certOf(leaf, verdict) {
  try {
    const cert = snpCertRead(leaf);
    return await hasKeyOn("P-384", leaf) ? cert : refuse("its key is not one of P-384");
  } catch (error) {
    if (!(error instanceof FormatError)) {
      throw error;
    }
    verdict.skip("evidence.signature", "the certificate is not one that signs reports");
    verdict.fail("snp.key", `no VCEK or VLEK as AMD makes them: ${error.message}`,
      REASON.KEY_MISMATCH);
    return null;
  }
}

/** ARK-Milan is of Milan. */
function rootProduct(path) {
  const name = path.chain[path.chain.length - 1].commonName() ?? "";
  return name.startsWith("ARK-") ? productOfName(name.slice(4)) : undefined;
}

function judgeKey(report, cert, verdict) {
  const wanted = cert.isVlek ? "vlek" : "vcek";
  verdict.decide("snp.key", report.signer === wanted, wanted,
    `the report names a key of kind ${report.signer}, the certificate is of a ${wanted}`,
    REASON.KEY_MISMATCH);
}

function judgeProduct({ cpuid }, cert, path, verdict) {
  const { product, productName } = cert;
  const fail = (why) => verdict.fail("snp.product", why, REASON.KEY_MISMATCH);
  if (!product) {
    fail(`no known product: ${productName}`);
  } else if (path.path === "good" && rootProduct(path) !== product) {
    fail(`the certificate is of ${productName}, its root of ${rootProduct(path) ?? "none"}`);
  } else if (cpuid && productOfCpuid(cpuid) !== product) {
    fail(`the certificate is of ${productName}, the processor is family ${cpuid.family} model ` +
      `${cpuid.model}`);
  } else {
    verdict.pass("snp.product", productName);
  }
}

function judgeHwid({ views: { chip_id: found } }, cert, verdict) {
  const size = cert.chipId?.length;
  if (cert.isVlek) {
    verdict.skip("snp.hwid", `a VLEK is of a provider: ${cert.provider}`);
  } else if (isZero(found)) {
    verdict.skip("snp.hwid", "the report hides the chip");
  } else {
    verdict.decide("snp.hwid",
      equal(found.subarray(0, size), cert.chipId) && isZero(found.subarray(size)),
      `chip ${short(cert.chipId)}`,
      `the report is of chip ${short(found)}, the certificate of ${short(cert.chipId)}`,
      REASON.KEY_MISMATCH);
  }
}

function judgeTcb({ tcb }, cert, verdict) {
  const found = tcbParts(tcb.reported_tcb, cert.product);
  const other = Object.keys(cert.tcb).find((part) => cert.tcb[part] !== found[part]);
  verdict.decide("snp.tcb", other === undefined,
    Object.entries(found).map(([part, level]) => `${part} ${level}`).join(", "),
    `the report says ${other} ${found[other]}, the certificate ${cert.tcb[other]}`,
    REASON.TCB_MISMATCH);
}

function judgePolicy({ policy }, verdict) {
  const formed = (policy & POLICY_ONE) !== 0n && policy < POLICY_KNOWN_END;
  verdict.decide("snp.policy", formed && (policy & POLICY_MIGRATE) === 0n, hex64(policy),
    formed ? "a migration agent may move the guest, and with it its secrets"
      : `reserved bits of the guest policy ${hex64(policy)}`,
    formed ? REASON.MEASUREMENT_MISMATCH : REASON.MALFORMED);
}

function judgeVmpl({ vmpl: found }, { vmpl: wanted }, verdict) {
  if (wanted === undefined) {
    verdict.skip("snp.vmpl", `level ${found}, and the reader expects none`);
  } else {
    verdict.decide("snp.vmpl", found === wanted, `level ${found}`, `level ${found}, not ${wanted}`,
      REASON.VMPL_MISMATCH);
  }
}

/** Certificates, and the report against them; resolves to what the certificate says, or null. */
async function judgeCertificates(input, report, roots, verdict) {
  const read = certificatesOf(input, verdict);
  if (!read) {
    return null;
  }
  const path = await pathJudge(read.leaf, read.others, roots, input.timeS);
  await pathTold(path, verdict);
  if (path.path === "good") {
    await revocationTold(input, path, verdict);
  }
  const cert = await certOf(read.leaf, verdict);
  if (cert) {
    verdict.decide("evidence.signature",
      await ecdsaVerify("P-384", cert.point, "SHA-384", report.signed, report.signature),
      "by the certificate's key", "the signature of the certificate's key does not hold",
      REASON.BAD_SIGNATURE);
    judgeKey(report, cert, verdict);
    judgeProduct(report, cert, path, verdict);
    judgeHwid(report, cert, verdict);
    judgeTcb(report, cert, verdict);
  }
  return cert;
}

function hex64(value) {
  return value.toString(16).padStart(16, "0");
}

function fieldsOf(report, cert, debug) {
  const { cpuid, tcb } = report;
  const product = cert ? cert.product : productOfCpuid(cpuid ?? {});
  const hex = (entries, encode) =>
    Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, encode(value)]));
  return {
    version: report.version,
    guest_svn: report.guestSvn,
    vmpl: report.vmpl,
    signature_algo: report.algorithm,
    debug,
    policy: hex64(report.policy),
    platform_info: hex64(report.platformInfo),
    key_info: report.keyInfo.toString(16).padStart(8, "0"),
    signing_key: report.signer,
    ...cpuid ? {
      cpuid_family: cpuid.family, cpuid_model: cpuid.model, cpuid_stepping: cpuid.stepping,
    } : {},
    ...hex(report.views, hexEncode),
    ...hex(tcb, hex64),
    reported_tcb_parts: tcbParts(tcb.reported_tcb, product),
    ...cert ? { product_name: cert.productName } : {},
    ...cert?.isVlek ? { csp_id: cert.provider } : {},
  };
}

function claimsOf(report, cert) {
  const debug = (report.policy & POLICY_DEBUG) !== 0n;
  const { report_data: reportData, chip_id: chip } = report.views;
  const { measurement, host_data, id_key_digest, author_key_digest, family_id, image_id } =
    report.views;
  return {
    debug,
    nonce: reportData,
    reportData,
    level: report.tcb.reported_tcb,
    machineId: isZero(chip) ? undefined : chip,
    measurements: {
      measurement, host_data, id_key_digest, author_key_digest, family_id, image_id,
    },
    fields: fieldsOf(report, cert, debug),
  };
}

async function judge(input, verdict) {
  const roots = rootsOf(input, ROOTS);
  const report = evidenceRead(verdict, () => snpReportRead(input.evidence));
  if (!report) {
    return null;
  }
  const cert = await judgeCertificates(input, report, roots, verdict);
  const claims = claimsOf(report, cert);
  judgePolicy(report, verdict);
  judgeVmpl(report, input, verdict);
  nonceTold(input, claims, verdict);
  debugTold(input, claims, verdict);
  return claims;
}

const REQUIRED = ["evidence.format", "platform.root", "evidence.validity", "evidence.signature",
  "snp.key", "snp.product", "snp.tcb", "snp.policy", "evidence.debug"];

export const snp = {
  name: "snp",
  checks: [...REQUIRED, "evidence.revocation", "snp.hwid", "snp.vmpl", "evidence.nonce"],
  required: REQUIRED,
  judge,
};
