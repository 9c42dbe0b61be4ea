// SPDX-License-Identifier: Apache-2.0
/**
 * dcap_tcb: TCB info (versions 2 and 3) and quoting enclave identity (version 2), read from the very
 * text that Intel signed (Intel SGX and TDX Provisioning Certification Service, "Get TCB Info" and
 * "Get Enclave Identity").
 */
import { hexDecode, refuse, utf8Bytes } from "./bytes.mjs";
import { dateOfText } from "./date.mjs";
import { jsonParse } from "./json.mjs";

const TEXT_BYTES_MAX = 262144;
const COMPONENTS = 16;
const LEVELS_MAX = 96;
const MODULES_MAX = 16;
const ISV_LEVELS_MAX = 32;
const ADVISORIES_MAX = 96;
const U32_MAX = 2 ** 32 - 1;

/** From the best to the worst. */
const STATUSES = ["UpToDate", "SWHardeningNeeded", "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded", "TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded",
  "OutOfDate", "OutOfDateConfigurationNeeded", "Revoked"];

function text(value, name) {
  return typeof value === "string" ? value : refuse(`${name} is not a text`);
}

function number(most) {
  return (value, name) => (typeof value === "bigint" && value >= 0n && value <= BigInt(most)
    ? Number(value) : refuse(`${name} is not a number from 0 to ${most}`));
}

function hex(size) {
  return (value, name) => {
    const bytes = hexDecode(text(value, name));
    return bytes.length === size ? bytes : refuse(`${name} is not of ${size} bytes`);
  };
}

function list(least, most, read) {
  return (value, name) => (Array.isArray(value) && value.length >= least && value.length <= most
    ? value.map((one) => read(one, name)) : refuse(`${name} is not a list of its length`));
}

const date = (value, name) => dateOfText(text(value, name));

function status(value, name) {
  return STATUSES.includes(value) ? value : refuse(`${name} is no status`);
}

function advisory(value, name) {
  const size = utf8Bytes(text(value, name)).length;
  return size >= 1 && size <= 32 ? value : refuse(`${name} has one of another length`);
}

const absent = (read) => ({ read, absent: true });

/** An object with these members; others are passed over. */
function object(members) {
  return (value, name) => {
    if (!(value instanceof Map)) {
      refuse(`${name} is not an object`);
    }
    const found = {};
    for (const [member, kind] of Object.entries(members)) {
      if (value.has(member)) {
        found[member] = (kind.read ?? kind)(value.get(member), member);
      } else if (!kind.absent) {
        refuse(`${name} has no ${member}`);
      }
    }
    return found;
  };
}

const components = list(COMPONENTS, COMPONENTS,
  (value, name) => object({ svn: number(255) })(value, name).svn);

const NAMED = Array.from({ length: COMPONENTS },
  (_, i) => `sgxtcbcomp${String(i + 1).padStart(2, "0")}svn`);

/** Version 2 names each component; version 3 has a list, and for trust domains two. */
const numbers = (value, name) => {
  const read = object({
    pcesvn: number(0xffff),
    sgxtcbcomponents: absent(components),
    tdxtcbcomponents: absent(components),
    ...Object.fromEntries(NAMED.map((one) => [one, absent(number(255))])),
  })(value, name);
  const named = NAMED.filter((one) => one in read);
  const { pcesvn, sgxtcbcomponents: sgx, tdxtcbcomponents: tdx } = read;
  if (named.length === COMPONENTS && !sgx && !tdx) {
    return { form: "named", pcesvn, sgx: named.map((one) => read[one]) };
  }
  return named.length === 0 && sgx
    ? { form: tdx ? "TDX" : "SGX", pcesvn, sgx, tdx } : refuse(`${name} has other components`);
};

const advisoryIDs = absent(list(0, ADVISORIES_MAX, advisory));
const levels = list(1, LEVELS_MAX,
  object({ tcb: numbers, tcbDate: date, tcbStatus: status, advisoryIDs }));
const isvLevels = (least) => list(least, ISV_LEVELS_MAX, object({
  tcb: object({ isvsvn: number(0xffff) }), tcbDate: date, tcbStatus: status, advisoryIDs,
}));

const module = { mrsigner: hex(48), attributes: hex(8), attributesMask: hex(8) };

/** TDX_ and the module's version as two hex digits. */
function moduleVersion(value, name) {
  return /^TDX_[0-9a-fA-F]{2}$/.test(text(value, name))
    ? parseInt(value.slice(4), 16) : refuse(`${name} is of no module`);
}

const dates = { issueDate: date, nextUpdate: date, tcbEvaluationDataNumber: number(U32_MAX) };

const tcbInfo = object({
  id: absent(text),
  version: number(U32_MAX),
  ...dates,
  fmspc: hex(6),
  pceId: hex(2),
  tcbType: number(U32_MAX),
  tcbLevels: levels,
  tdxModule: absent(object(module)),
  tdxModuleIdentities: absent(list(0, MODULES_MAX,
    object({ ...module, id: moduleVersion, tcbLevels: isvLevels(0) }))),
});

const identity = object({
  id: text,
  version: number(U32_MAX),
  ...dates,
  miscselect: hex(4),
  miscselectMask: hex(4),
  attributes: hex(16),
  attributesMask: hex(16),
  mrsigner: hex(32),
  isvprodid: number(0xffff),
  tcbLevels: isvLevels(1),
});

function parse(signed, read, name) {
  const size = utf8Bytes(signed).length;
  return size >= 1 && size <= TEXT_BYTES_MAX
    ? read(jsonParse(signed), name) : refuse(`${name} is of no size that it can have`);
}

/** @param {string} signed */
export function tcbInfoRead(signed) {
  const info = parse(signed, tcbInfo, "TCB info");
  const ids = { 2: ["", undefined], 3: ["SGX", "TDX"] }[info.version];
  if (!ids?.includes(info.id) || info.tcbType !== 0) {
    refuse("TCB info of a version, an id or a type that is not known");
  }
  const form = info.version === 2 ? "named" : info.id;
  return info.tcbLevels.every(({ tcb }) => tcb.form === form)
    ? { ...info, tdx: info.id === "TDX" } : refuse("TCB info with levels of another kind");
}

/** @param {string} signed */
export function identityRead(signed) {
  const read = parse(signed, identity, "QE identity");
  return read.version === 2 && ["QE", "TD_QE"].includes(read.id)
    ? { ...read, tdx: read.id === "TD_QE" }
    : refuse("QE identity of a version or an id that is not known");
}
