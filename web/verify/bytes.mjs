// SPDX-License-Identifier: Apache-2.0
/**
 * bytes: byte strings and their text forms. Everything here is strict: one text stands for one
 * byte string and the reverse, so that nothing can be changed in a form without changing what it
 * says.
 */

/** Thrown by every parser: the bytes are not what the documents describe. */
export class FormatError extends Error {}

/** @param {string} why */
export function refuse(why) {
  throw new FormatError(why);
}

const encoder = new TextEncoder();
// A decoder that neither mends broken sequences nor swallows a byte order mark.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @param {string} text @returns {Uint8Array} */
export function utf8Bytes(text) {
  return encoder.encode(text);
}

/** @param {Uint8Array} bytes @returns {string} */
export function utf8Text(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    return refuse("text is not UTF-8");
  }
}

/** @param {...Uint8Array} parts @returns {Uint8Array} */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {number} value below 2^32 @returns {Uint8Array} four bytes, the highest first */
export function u32be(value) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/**
 * Whether both are there and equal. The time taken does not depend on where they differ.
 * @param {Uint8Array|undefined} a
 * @param {Uint8Array|undefined} b
 */
export function equal(a, b) {
  if (!a || !b || a.length !== b.length) {
    return false;
  }
  let difference = 0;
  for (let i = 0; i < a.length; i++) {
    difference |= a[i] ^ b[i];
  }
  return difference === 0;
}

/** The little-endian number of so many bytes at that place, at most 6. */
export function numberAt(bytes, at, size) {
  let number = 0;
  for (let i = size - 1; i >= 0; i--) {
    number = number * 256 + bytes[at + i];
  }
  return number;
}

/** The little-endian number of 64 bits at that place. */
export function number64At(bytes, at) {
  return (BigInt(numberAt(bytes, at + 4, 4)) << 32n) | BigInt(numberAt(bytes, at, 4));
}

/** Whether every byte is zero. */
export function isZero(bytes) {
  return bytes.every((byte) => byte === 0);
}

/** @param {Uint8Array} bytes @returns {string} lower case */
export function hexEncode(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} text @returns {Uint8Array} */
export function hexDecode(text) {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
    refuse("this is not hex");
  }
  return Uint8Array.from({ length: text.length / 2 }, (_, i) =>
    parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** @param {Uint8Array} bytes @returns {string} without padding */
export function base64urlEncode(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const left = Math.min(3, bytes.length - i);
    const word = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let digit = 0; digit <= left; digit++) {
      text += BASE64URL[(word >> (18 - 6 * digit)) & 63];
    }
  }
  return text;
}

/**
 * No padding, no white space, and no bits set behind the last byte: a text that differs is refused
 * rather than read as the same bytes.
 * @param {string} text
 * @returns {Uint8Array}
 */
export function base64urlDecode(text) {
  if (text.length % 4 === 1) {
    refuse("base64url of this length does not exist");
  }
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let word = 0;
  let bits = 0;
  let at = 0;
  for (const letter of text) {
    const digit = BASE64URL.indexOf(letter);
    if (digit < 0) {
      refuse("a character is not of base64url");
    }
    word = ((word << 6) | digit) & 0xfff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (word >> bits) & 255;
    }
  }
  if ((word & ((1 << bits) - 1)) !== 0) {
    refuse("base64url has bits behind its last byte");
  }
  return bytes;
}

/** Standard base64 (RFC 4648 section 4) with its padding, as strict as the other. */
export function base64Decode(text) {
  const digits = text.replace(/={1,2}$/, "");
  if (text.length % 4 !== 0 || /[-_=]/.test(digits)) {
    refuse("this is not base64");
  }
  return base64urlDecode(digits.replaceAll("+", "-").replaceAll("/", "_"));
}
