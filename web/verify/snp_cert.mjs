// SPDX-License-Identifier: Apache-2.0
/**
 * snp_cert: what a VCEK or VLEK certificate says in AMD's extensions (VCEK Certificate and KDS
 * Interface Specification): product, firmware levels, and the chip or the provider.
 */
import { refuse } from "./bytes.mjs";
import { TAG, derNumber, derRead } from "./der.mjs";
import { productOfName } from "./snp_report.mjs";

const AMD = "1.3.6.1.4.1.3704.1.";
const LEVELS = { bl: "3.1", tee: "3.2", snp: "3.3", ucode: "3.8" };
const TEXT_BYTES_MAX = 63;

function text(value, name) {
  const { content } = derRead(value).as(TAG.IA5, name);
  const characters = String.fromCharCode(...content);
  return content.length <= TEXT_BYTES_MAX && /^[\x20-\x7e]+$/.test(characters)
    ? characters : refuse(`${name} is no text`);
}

function must(certificate, number) {
  return certificate.extension(AMD + number) ?? refuse(`extension ${AMD}${number} is missing`);
}

/** Raw bytes: 64, or on Turin the 8 that its chips have. */
function chipOf(certificate, product, isVlek) {
  const chip = certificate.extension(`${AMD}4`);
  const sized = chip && (chip.length === 64 || (product === "Turin" && chip.length === 8));
  return isVlek === (chip === undefined) && (isVlek || sized)
    ? chip : refuse("the hardware id is missing, or of another size, or in a VLEK");
}

function providerOf(certificate, isVlek) {
  const provider = certificate.extension(`${AMD}5`);
  return isVlek === (provider !== undefined)
    ? provider && text(provider, "provider") : refuse("a VLEK alone has a provider");
}

/**
 * @param {Certificate} certificate
 * @throws {FormatError} it is none that AMD makes for reports
 */
export function snpCertRead(certificate) {
  const name = certificate.commonName();
  const { key } = certificate;
  if (name !== "SEV-VCEK" && name !== "SEV-VLEK") {
    refuse("its name is not that of a VCEK or VLEK");
  }
  const isVlek = name === "SEV-VLEK";
  const productName = text(must(certificate, "2"), "product");
  const product = productOfName(productName);
  const levels = product === "Turin" ? { ...LEVELS, fmc: "3.9" } : LEVELS;
  return {
    isVlek,
    productName,
    product,
    provider: providerOf(certificate, isVlek),
    tcb: Object.fromEntries(Object.entries(levels).map(([part, number]) =>
      [part, derNumber(derRead(must(certificate, number)), 255, "firmware level")])),
    chipId: chipOf(certificate, product, isVlek),
    point: key.point,
  };
}
