// SPDX-License-Identifier: Apache-2.0
/**
 * x509: certificates and revocation lists of RFC 5280, as far as the makers of TEEs use them: keys
 * of P-256, P-384 and RSA, signatures of ECDSA, RSA-PSS and RSA PKCS #1 with SHA-2. What is read
 * here is only read; x509_path.mjs judges it.
 */
import { FormatError, base64Decode, equal, hexEncode, refuse, utf8Text } from "./bytes.mjs";
import { ecdsaKeySound, ecdsaVerify, rsaVerify } from "./crypto.mjs";
import { dateOfGeneralTime, dateOfUtcTime } from "./date.mjs";
import { TAG, derBytes, derNumber, derOid, derRead, derSignature } from "./der.mjs";

const CERTS_MAX = 10;
const CERT_BYTES_MAX = 8192;
const CRL_BYTES_MAX = 524288;

const OID = {
  COMMON_NAME: "2.5.4.3", KEY_USAGE: "2.5.29.15", BASIC: "2.5.29.19",
  ISSUER_KEY: "2.5.29.35", SUBJECT_KEY: "2.5.29.14",
  EC: "1.2.840.10045.2.1", RSA: "1.2.840.113549.1.1.1", PSS: "1.2.840.113549.1.1.10",
  MGF1: "1.2.840.113549.1.1.8",
};

const CURVES = {
  "1.2.840.10045.3.1.7": { name: "P-256", size: 32 },
  "1.3.132.0.34": { name: "P-384", size: 48 },
};

const HASHES = {
  "2.16.840.1.101.3.4.2.1": "SHA-256",
  "2.16.840.1.101.3.4.2.2": "SHA-384",
  "2.16.840.1.101.3.4.2.3": "SHA-512",
};

const SIGNATURES = {
  "1.2.840.10045.4.3.2": { kind: "ECDSA", hash: "SHA-256" },
  "1.2.840.10045.4.3.3": { kind: "ECDSA", hash: "SHA-384" },
  "1.2.840.10045.4.3.4": { kind: "ECDSA", hash: "SHA-512" },
  "1.2.840.113549.1.1.11": { kind: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  "1.2.840.113549.1.1.12": { kind: "RSASSA-PKCS1-v1_5", hash: "SHA-384" },
  "1.2.840.113549.1.1.13": { kind: "RSASSA-PKCS1-v1_5", hash: "SHA-512" },
};

/** Bits of key usage, by their number in the bit string. */
export const USAGE = { SIGN: 0, CERT_SIGN: 5, CRL_SIGN: 6 };

/** What a path may say must be understood, and is: or says nothing that a path could break. */
const CRITICAL_KNOWN = new Set([OID.KEY_USAGE, OID.BASIC, "2.5.29.17", "2.5.29.31", "2.5.29.32",
  "2.5.29.37"]);

/** What the reader gives, or null where it finds the form wrong. */
function orNull(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) {
      return null;
    }
    throw error;
  }
}

function latin(content) {
  return String.fromCharCode(...content);
}

function readTime(element) {
  return element.tag === TAG.UTC_TIME ? dateOfUtcTime(latin(element.content))
    : dateOfGeneralTime(latin(element.as(TAG.GENERAL_TIME, "date").content));
}

/** Whether an algorithm's parameters are NULL or, where that is allowed, absent. */
function plain(parameters) {
  return parameters === undefined || parameters.tag === TAG.NULL;
}

function readHash(element, name) {
  const [oid, parameters] = element.sequence(name, 1, 2);
  const hash = HASHES[derOid(oid, name)];
  return hash && plain(parameters) ? hash : refuse(`${name} is not SHA-2`);
}

/** RFC 4055: hash, mask, salt and trailer; the defaults of each are of SHA-1, which counts not. */
function readPss(parameters) {
  const members = new Map(parameters.sequence("RSA-PSS", 0, 4)
    .map((member) => [member.tag & 31, member.children?.[0]]));
  const [hash, mask, salt, trailer] = [0, 1, 2, 3].map((number) => members.get(number));
  if (!hash || !mask || !salt || (trailer && derNumber(trailer, 1, "RSA-PSS") !== 1)) {
    refuse("RSA-PSS with parameters of another form");
  }
  const [oid, maskHash] = mask.sequence("RSA-PSS", 2);
  const found = readHash(hash, "RSA-PSS");
  if (derOid(oid, "RSA-PSS") !== OID.MGF1 || readHash(maskHash, "RSA-PSS") !== found) {
    refuse("RSA-PSS with another mask than of its hash");
  }
  return { kind: "RSA-PSS", hash: found, saltLength: derNumber(salt, 64, "RSA-PSS") };
}

/** How something is signed; null for a way that is not known, which is no fault of the form. */
function readAlgorithm(element) {
  const [oid, parameters] = element.sequence("signature algorithm", 1, 2);
  const name = derOid(oid, "signature algorithm");
  if (name === OID.PSS) {
    return parameters ? orNull(() => readPss(parameters)) : null;
  }
  return plain(parameters) ? SIGNATURES[name] ?? null : null;
}

function readRsa(bits) {
  const [n, e] = derRead(derBytes(bits, "RSA key")).sequence("RSA key", 2)
    .map((number) => number.as(TAG.INTEGER, "RSA key").content);
  const modulus = n[0] === 0 ? n.subarray(1) : refuse("an RSA key of a negative number");
  return { kind: "RSA", n: modulus, e, bits: 8 * modulus.length };
}

/** A key that is of no kind that is known here is no fault of the form. */
function readKey(element) {
  const [algorithm, bits] = element.sequence("key", 2);
  const [oid, parameters] = algorithm.sequence("key", 1, 2);
  const kind = derOid(oid, "key");
  if (kind === OID.RSA && plain(parameters)) {
    return readRsa(bits);
  }
  const curve = kind === OID.EC && parameters?.tag === TAG.OID
    ? CURVES[derOid(parameters, "key")] : undefined;
  const point = derBytes(bits, "key");
  return curve && point.length === 1 + 2 * curve.size && point[0] === 4
    ? { kind: "EC", curve, point } : { kind: "other" };
}

/** Of the types that have more than one byte a character. */
const UNIT_BYTES = { [TAG.UNIVERSAL]: 4, [TAG.BMP]: 2 };
const LATIN = [TAG.PRINTABLE, TAG.T61, TAG.IA5];

function readText({ tag, content, whole }) {
  if ((tag & 0xc0) !== 0 || content.length % (UNIT_BYTES[tag] ?? 1) !== 0) {
    refuse("a name has a value that is no text");
  }
  const other = LATIN.includes(tag) ? latin(content) : `#${hexEncode(whole)}`;
  return tag === TAG.UTF8 ? utf8Text(content) : other;
}

/** The attributes of a name as {oid, text}; a value that is no text stays as hex. */
function readName(element) {
  return element.as(TAG.SEQUENCE, "name").children.flatMap((set) =>
    set.as(TAG.SET, "name").children.map((pair) => {
      const [oid, value] = pair.sequence("name", 2);
      return { oid: derOid(oid, "name"), text: readText(value) };
    }));
}

/** Names are alike (RFC 5280 section 7.1) but for case and runs of spaces. */
function nameKey(attributes) {
  return JSON.stringify(attributes.map(({ oid, text }) =>
    [oid, text.trim().replace(/ +/g, " ").toLowerCase()]));
}

/** @returns {{oid: string, critical: boolean, value: Uint8Array}[]} */
function readExtensions(element) {
  return (element?.as(TAG.SEQUENCE, "extensions").children ?? []).map((one) => {
    const parts = one.sequence("extension", 2, 3);
    const critical = parts.length === 3 && parts[1].as(TAG.BOOLEAN, "extension").content[0] !== 0;
    const value = parts[parts.length - 1].as(TAG.OCTETS, "extension").content;
    return { oid: derOid(parts[0], "extension"), critical, value };
  });
}

/** The value of an extension, undefined if it is absent; twice is an error. */
function extensionOf(extensions, oid) {
  const found = extensions.filter((one) => one.oid === oid);
  return found.length > 1 ? refuse(`extension ${oid} is there twice`) : found[0]?.value;
}

function readUsage(value) {
  const { content } = derRead(value).as(TAG.BITS, "key usage");
  return (bit) => ((content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0;
}

function readBasic(value) {
  const parts = derRead(value).sequence("basic constraints", 0, 2);
  const ca = parts[0]?.tag === TAG.BOOLEAN && parts.shift().content[0] !== 0;
  const pathMax = parts.length > 0 ? derNumber(parts[0], 255, "path length") : Infinity;
  return ca || pathMax === Infinity ? { ca, pathMax } : refuse("a path length without a CA");
}

/** [0] of an authority key identifier, or a subject key identifier. */
function readKeyId(value, tag) {
  const element = derRead(value);
  const found = tag === TAG.OCTETS ? element.as(tag, "key identifier")
    : element.as(TAG.SEQUENCE, "key identifier").children.find((one) => one.tag === tag);
  return found?.content;
}

/** What extensions say that a path needs; a fault in them makes the certificate unfit for one. */
function readRights(extensions) {
  const read = (oid, reader, absent) => {
    const value = extensionOf(extensions, oid);
    return value ? reader(value) : absent;
  };
  return {
    usage: read(OID.KEY_USAGE, readUsage, null),
    basic: read(OID.BASIC, readBasic, null),
    issuerKeyId: read(OID.ISSUER_KEY, (value) => readKeyId(value, 0x80), undefined),
    subjectKeyId: read(OID.SUBJECT_KEY, (value) => readKeyId(value, TAG.OCTETS), undefined),
    strange: extensions.find(({ oid, critical }) => critical && !CRITICAL_KNOWN.has(oid))?.oid,
  };
}

/** [0] of a certificate: 2 or 3, since 1 is what its absence says. */
function readVersion(element) {
  return element.children?.length === 1
    ? 1 + derNumber(element.children[0], 2, "version") : refuse("the version is of another form");
}

function readSigned(der, name) {
  const [tbs, algorithm, bits] = derRead(der).sequence(name, 3);
  return { tbs, algorithm, signature: derBytes(bits, name) };
}

/** The algorithm, which stands inside what is signed as well; null, by which nothing is signed, if
 * the two differ. */
function readSignedBy(inner, outer) {
  const [signed, named] = [readAlgorithm(inner), readAlgorithm(outer)];
  return equal(inner.whole, outer.whole) ? signed && named : null;
}

function takeTagged(rest, tag) {
  return rest[0]?.tag === tag ? rest.shift() : undefined;
}

export class Certificate {
  /** @param {Uint8Array} der */
  constructor(der) {
    if (der.length > CERT_BYTES_MAX) {
      refuse(`a certificate of more than ${CERT_BYTES_MAX} bytes`);
    }
    const { tbs, algorithm, signature } = readSigned(der, "certificate");
    const rest = [...tbs.sequence("certificate", 6, 10)];
    const version = takeTagged(rest, 0xa0);
    this.der = der;
    this.version = version ? readVersion(version) : 1;
    const [serial, inner, issuer, validity, subject, key, ...optional] = rest;
    if (!key) {
      refuse("a certificate has too few members");
    }
    this.signed = { bytes: tbs.whole, by: readSignedBy(inner, algorithm), signature };
    this.serial = hexEncode(serial.as(TAG.INTEGER, "serial number").content);
    this.issuer = nameKey(readName(issuer));
    this.subjectNames = readName(subject);
    this.subject = nameKey(this.subjectNames);
    [this.fromS, this.toS] = validity.sequence("validity", 2).map(readTime);
    this.key = readKey(key);
    takeTagged(optional, 0x81);
    takeTagged(optional, 0x82);
    const wrapped = takeTagged(optional, 0xa3);
    if (optional.length > 0 || (wrapped && (this.version !== 3 || wrapped.children.length !== 1))) {
      refuse("a certificate has members that its version has not");
    }
    this.extensions = readExtensions(wrapped?.children[0]);
    this.#readRights();
  }

  #readRights() {
    try {
      this.rights = readRights(this.extensions);
    } catch (error) {
      if (!(error instanceof FormatError)) {
        throw error;
      }
      this.broken = error.message;
      this.rights = { usage: null, basic: null };
    }
  }

  extension(oid) {
    return extensionOf(this.extensions, oid);
  }

  /** The common name, undefined if there is none or more than one. */
  commonName() {
    const found = this.subjectNames.filter(({ oid }) => oid === OID.COMMON_NAME);
    return found.length === 1 ? found[0].text : undefined;
  }

  may(usage) {
    return this.rights.usage === null || this.rights.usage(usage);
  }

  /** No authority, and one whose key may sign documents. */
  maySign() {
    return !this.broken && !this.rights.basic?.ca && this.may(USAGE.SIGN);
  }
}

/** Whether the certificate has a key on that curve: the point is one of it. */
export async function hasKeyOn(curve, { key }) {
  return key.curve?.name === curve && ecdsaKeySound(curve, key.point);
}

/** Whether the key of this certificate signed what {bytes, by, signature} says. */
export async function signedBy({ bytes, by, signature }, { key }) {
  if (by?.kind === "ECDSA" && key.kind === "EC") {
    const numbers = orNull(() => derSignature(signature, key.curve.size));
    return numbers !== null &&
      ecdsaVerify(key.curve.name, key.point, by.hash, bytes, numbers);
  }
  return key.kind === "RSA" && by !== null && by.kind !== "ECDSA" &&
    rsaVerify(by, key, bytes, signature);
}

function readRevoked(element) {
  const [serial, date, extensions] = element.sequence("revocation", 2, 3);
  readTime(date);
  if (readExtensions(extensions).some(({ critical }) => critical)) {
    refuse("a revocation has a critical extension");
  }
  return hexEncode(serial.as(TAG.INTEGER, "revocation").content);
}

/** @param {Uint8Array} der a revocation list of RFC 5280 section 5 */
export function crlRead(der) {
  if (der.length > CRL_BYTES_MAX) {
    refuse(`a revocation list of more than ${CRL_BYTES_MAX} bytes`);
  }
  const { tbs, algorithm, signature } = readSigned(der, "revocation list");
  const rest = [...tbs.sequence("revocation list", 4, 7)];
  if (takeTagged(rest, TAG.INTEGER)?.content[0] !== 1) {
    refuse("a revocation list of another version than 2");
  }
  const [inner, issuer, from, ...behind] = rest;
  const to = [TAG.UTC_TIME, TAG.GENERAL_TIME].includes(behind[0]?.tag) ? behind.shift() : null;
  const revoked = takeTagged(behind, TAG.SEQUENCE);
  const extensions = readExtensions(takeTagged(behind, 0xa0)?.children[0]);
  if (behind.length > 0 || !from) {
    refuse("a revocation list has more or fewer members than it may");
  }
  return {
    signed: { bytes: tbs.whole, by: readSignedBy(inner, algorithm), signature },
    issuer: nameKey(readName(issuer)),
    fromS: readTime(from),
    toS: to && readTime(to),
    revoked: new Set(revoked?.children.map(readRevoked)),
    strange: extensions.find(({ critical }) => critical)?.oid,
  };
}

/** The DER in each of the PEM blocks of this label, with nothing but white space between. */
function pemRead(bytes, label) {
  const text = utf8Text(bytes).replace(/\0+$/, "");
  const found = [];
  const block = new RegExp(
    `[ \\t\\r\\n]*-----BEGIN ${label}-----([^-]*)-----END ${label}-----[ \\t\\r\\n]*`, "y");
  while (block.lastIndex < text.length) {
    const match = block.exec(text);
    if (!match) {
      refuse(`this is not PEM of a ${label}`);
    }
    found.push(base64Decode(match[1].replace(/[ \t\r\n]/g, "")));
  }
  return found.length > 0 ? found : refuse("there is nothing in it");
}

/** One certificate in DER, or one or more in PEM. */
export function certificatesRead(bytes) {
  const ders = bytes[0] === TAG.SEQUENCE ? [bytes] : pemRead(bytes, "CERTIFICATE");
  return ders.length <= CERTS_MAX
    ? ders.map((der) => new Certificate(der)) : refuse(`more than ${CERTS_MAX} certificates`);
}

/** One revocation list, DER or PEM. */
export function crlsRead(bytes) {
  const ders = bytes[0] === TAG.SEQUENCE ? [bytes] : pemRead(bytes, "X509 CRL");
  return ders.length === 1 ? crlRead(ders[0]) : refuse("more than one revocation list");
}
