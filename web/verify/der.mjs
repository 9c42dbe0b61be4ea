// SPDX-License-Identifier: Apache-2.0
/**
 * der: ITU-T X.690 in its distinguished form and nothing else: tags and lengths in their shortest
 * form, definite lengths, no surplus octets in numbers, no unused bits that are set, sets in order,
 * strings in one piece. Readers of certificates that take more than that can be told two stories.
 */
import { concat, refuse } from "./bytes.mjs";

/** Nothing that is signed is nested deeper than this; recursion needs a bound. */
const DEPTH_MAX = 24;

/** First octets of the types that certificates use. */
export const TAG = {
  BOOLEAN: 0x01, INTEGER: 0x02, BITS: 0x03, OCTETS: 0x04, NULL: 0x05, OID: 0x06, ENUMERATED: 0x0a,
  UTF8: 0x0c, PRINTABLE: 0x13, T61: 0x14, IA5: 0x16, UTC_TIME: 0x17, GENERAL_TIME: 0x18,
  UNIVERSAL: 0x1c, BMP: 0x1e, SEQUENCE: 0x30, SET: 0x31,
};

const CONSTRUCTED = 0x20;

/** One octet, or for numbers from 31 on one or two more in base 128. */
function tagEnd(bytes, at) {
  const first = bytes[at];
  if ((first & 31) !== 31) {
    return first === 0 ? refuse("DER: an end of contents") : at + 1;
  }
  const [high, low] = [bytes[at + 1], bytes[at + 2]];
  if (high < 0x80) {
    return high >= 31 ? at + 2 : refuse("DER: a tag is longer than it need be");
  }
  return high > 0x80 && low < 0x80 ? at + 3 : refuse("DER: a tag of another form");
}

/** @returns {{start: number, length: number}} of the content */
function lengthAt(bytes, at) {
  const first = bytes[at];
  if (first < 0x80) {
    return { start: at + 1, length: first };
  }
  const octets = first & 127;
  if (first === undefined || octets < 1 || octets > 4 || bytes[at + 1] === 0) {
    refuse("DER: a length of another form");
  }
  let length = 0;
  for (let i = 1; i <= octets; i++) {
    length = length * 256 + (bytes[at + i] ?? refuse("DER: the bytes end in a length"));
  }
  return length >= 0x80
    ? { start: at + 1 + octets, length } : refuse("DER: a length is longer than it need be");
}

function checkInteger(content) {
  const [first, second] = content;
  const surplus = content.length > 1 && first === (second & 0x80 ? 0xff : 0x00);
  if (content.length === 0 || surplus) {
    refuse("DER: a number with surplus octets");
  }
}

function checkBits(content) {
  const unused = content[0];
  const last = content.length > 1 ? content[content.length - 1] : 0;
  if (content.length === 0 || unused > 7 || (content.length === 1 && unused !== 0) ||
      (last & ((1 << unused) - 1)) !== 0) {
    refuse("DER: a bit string with unused bits that are set");
  }
}

/** The rules of the universal types: only sequences and sets have an inside. */
function checkUniversal(tag, content) {
  const nested = [TAG.SEQUENCE, TAG.SET].includes(tag | CONSTRUCTED);
  if (nested !== ((tag & CONSTRUCTED) !== 0)) {
    refuse("DER: a type with an inside that it has not, or the reverse");
  }
  if (tag === TAG.INTEGER || tag === TAG.ENUMERATED) {
    checkInteger(content);
  } else if (tag === TAG.BITS) {
    checkBits(content);
  } else if (tag === TAG.BOOLEAN && (content.length !== 1 || ![0, 255].includes(content[0]))) {
    refuse("DER: a boolean of another form");
  } else if (tag === TAG.NULL && content.length !== 0) {
    refuse("DER: a null that holds something");
  }
}

function compare(a, b) {
  const size = Math.min(a.length, b.length);
  for (let i = 0; i < size; i++) {
    if (a[i] !== b[i]) {
      return a[i] - b[i];
    }
  }
  return a.length - b.length;
}

/** One element. Views point into the bytes. */
class Element {
  constructor(tag, whole, content, children) {
    this.tag = tag;
    this.whole = whole;
    this.content = content;
    /** @type {Element[]|null} null where it has no inside */
    this.children = children;
  }

  /** This element, if it is of that type. */
  as(tag, name) {
    return this.tag === tag ? this : refuse(`${name} is not of its type`);
  }

  /** The elements of a sequence, of which there are so many. */
  sequence(name, least, most = least) {
    const { children } = this.as(TAG.SEQUENCE, name);
    return children.length >= least && children.length <= most
      ? children : refuse(`${name} has more or fewer members than it may`);
  }
}

function inside(content, tag, depth) {
  const children = [];
  for (let at = 0; at < content.length;) {
    const child = elementAt(content, at, depth + 1);
    const before = children[children.length - 1];
    if (tag === TAG.SET && before && compare(before.whole, child.whole) > 0) {
      refuse("DER: a set out of order");
    }
    children.push(child);
    at += child.whole.length;
  }
  return children;
}

function elementAt(bytes, at, depth) {
  if (depth > DEPTH_MAX || at >= bytes.length) {
    refuse(depth > DEPTH_MAX ? "DER: nested too deep" : "DER: the bytes end too early");
  }
  const tag = bytes[at];
  const { start, length } = lengthAt(bytes, tagEnd(bytes, at));
  if (length > bytes.length - start) {
    refuse("DER: the bytes end too early");
  }
  const content = bytes.subarray(start, start + length);
  if ((tag & 0xc0) === 0) {
    checkUniversal(tag, content);
  }
  return new Element(tag, bytes.subarray(at, start + length), content,
    tag & CONSTRUCTED ? inside(content, tag, depth) : null);
}

/**
 * The one element that the bytes are.
 * @param {Uint8Array} bytes
 * @returns {Element}
 */
export function derRead(bytes) {
  const element = elementAt(bytes, 0, 0);
  return element.whole.length === bytes.length ? element : refuse("DER: bytes behind the end");
}

/** An object identifier in dotted form. */
export function derOid(element, name) {
  const { content } = element.as(TAG.OID, name);
  const numbers = [];
  let number = 0;
  for (const [i, octet] of content.entries()) {
    if ((number === 0 && octet === 0x80) || number > 2 ** 40) {
      refuse(`${name}: an object identifier of another form`);
    }
    number = number * 128 + (octet & 127);
    if (octet < 0x80) {
      numbers.push(number);
      number = 0;
    } else if (i === content.length - 1) {
      refuse(`${name}: an object identifier ends too early`);
    }
  }
  const first = numbers.length > 0 ? Math.min(Math.floor(numbers[0] / 40), 2) : 0;
  return numbers.length > 0
    ? [first, numbers[0] - 40 * first, ...numbers.slice(1)].join(".")
    : refuse(`${name}: an empty object identifier`);
}

/** A number from 0 to most, which is below 2^32. */
export function derNumber(element, most, name, tag = TAG.INTEGER) {
  const { content } = element.as(tag, name);
  const value = content.reduce((sum, octet) => sum * 256 + octet, 0);
  return content[0] < 0x80 && content.length <= 5 && value <= most
    ? value : refuse(`${name} is not a number from 0 to ${most}`);
}

/** The bytes of a bit string that has whole ones. */
export function derBytes(element, name) {
  const { content } = element.as(TAG.BITS, name);
  return content[0] === 0 ? content.subarray(1) : refuse(`${name} has no whole bytes`);
}

function derUnsigned(element, size, name) {
  const { content } = element.as(TAG.INTEGER, name);
  const digits = content[0] === 0 ? content.subarray(1) : content;
  return content[0] < 0x80 && digits.length <= size
    ? concat(new Uint8Array(size - digits.length), digits)
    : refuse(`${name} has a number that is out of range`);
}

/** A signature of ECDSA (RFC 3279 section 2.2.3) as r || s. */
export function derSignature(bytes, size) {
  const numbers = derRead(bytes).sequence("ECDSA signature", 2);
  return concat(...numbers.map((number) => derUnsigned(number, size, "ECDSA signature")));
}
