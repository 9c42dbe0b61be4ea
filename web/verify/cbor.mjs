// SPDX-License-Identifier: Apache-2.0
/**
 * cbor: deterministic CBOR (RFC 8949 section 4.2.1) and nothing else: shortest heads, definite
 * lengths, map keys in bytewise order and none twice, no floats, nothing behind the end. A format
 * in which one value has one encoding leaves nobody a choice of bytes to sign. Documents of others
 * are read by cborDecodeLenient, which also takes longer heads, indefinite arrays and maps, keys in
 * any order, and floats, of which only that they are there is told.
 *
 * Values: integers are BigInt, byte strings Uint8Array (views of the input), texts string, arrays
 * Array, maps Map, tags Tag, and true, false, null.
 */
import { refuse, utf8Bytes, utf8Text, concat } from "./bytes.mjs";

/** Nothing that is signed is nested deeper than this; recursion needs a bound. */
const DEPTH_MAX = 16;
/** What the tables describe has a few hundred items; a value takes far more memory than its byte. */
const ITEMS_MAX = 4096;

/** What an indefinite length has in the place of a count. */
const INDEFINITE = -1n;
const BREAK = 0xff;
/** A float, whose value nobody asks for. */
const FLOAT = Symbol("float");

/** A tagged value. */
export class Tag {
  /** @param {bigint} tag @param {*} value */
  constructor(tag, value) {
    this.tag = tag;
    this.value = value;
  }
}

/** Reads one item after the other from bytes whose bounds it never leaves. */
class Cursor {
  /** @param {Uint8Array} bytes @param {number} itemsMax @param {boolean} lenient */
  constructor(bytes, itemsMax, lenient) {
    this.bytes = bytes;
    this.at = 0;
    this.itemsLeft = itemsMax;
    this.lenient = lenient;
  }

  /** @param {number|bigint} size @returns {Uint8Array} */
  take(size) {
    if (size > this.bytes.length - this.at) {
      refuse("the bytes end too early");
    }
    const part = this.bytes.subarray(this.at, this.at + Number(size));
    this.at += part.length;
    return part;
  }

  /** @returns {{major: number, info: number, value: bigint}} a head in its shortest form */
  head() {
    const [first] = this.take(1);
    const major = first >> 5;
    const info = first & 31;
    if (info < 24) {
      return { major, info, value: BigInt(info) };
    }
    if (info === 31 && this.lenient && (major === 4 || major === 5)) {
      return { major, info, value: INDEFINITE };
    }
    if (info > 27) {
      refuse("an indefinite length or a reserved head");
    }
    const value = this.take(1 << (info - 24))
      .reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    const least = [24n, 1n << 8n, 1n << 16n, 1n << 32n][info - 24];
    if (major !== 7 && !this.lenient && value < least) {
      refuse("a head is longer than it need be");
    }
    return { major, info, value };
  }

  /** @param {bigint} count each item has a byte at least */
  count(count) {
    if (count === INDEFINITE) {
      return Infinity;
    }
    if (count > BigInt(this.bytes.length - this.at)) {
      refuse("more items are announced than there are bytes");
    }
    return Number(count);
  }

  /** @param {number} depth */
  item(depth) {
    if (depth > DEPTH_MAX || this.itemsLeft-- === 0) {
      refuse(depth > DEPTH_MAX ? "nested too deep" : "too many items");
    }
    const { major, info, value } = this.head();
    switch (major) {
      case 0: return value;
      case 1: return -1n - value;
      case 2: return this.take(value);
      case 3: return utf8Text(this.take(value));
      case 4: return this.array(this.count(value), depth);
      case 5: return this.map(this.count(value), depth);
      case 6: return new Tag(value, this.item(depth + 1));
      default: return this.simple(info);
    }
  }

  /** Whether another element follows of the so many that are announced, or a break. */
  more(done, count) {
    if (count === Infinity && this.bytes[this.at] === BREAK) {
      this.at++;
      return false;
    }
    return done < count;
  }

  /** @param {number} count @param {number} depth */
  array(count, depth) {
    const items = [];
    while (this.more(items.length, count)) {
      items.push(this.item(depth + 1));
    }
    return items;
  }

  /** @param {number} info */
  simple(info) {
    if (this.lenient && info >= 25 && info <= 27) {
      return FLOAT;
    }
    if (info < 20 || info > 22) {
      refuse("a float or an unknown simple value");
    }
    return [false, true, null][info - 20];
  }

  /** @param {number} pairs @param {number} depth */
  map(pairs, depth) {
    const map = new Map();
    let last = null;
    while (this.more(map.size, pairs)) {
      const start = this.at;
      const key = this.item(depth + 1);
      const encoding = this.bytes.subarray(start, this.at);
      if (typeof key !== "bigint" && typeof key !== "string") {
        refuse("a map key is neither integer nor text");
      }
      if (this.lenient ? map.has(key) : last && compare(last, encoding) >= 0) {
        refuse("map keys are out of order or twice");
      }
      last = encoding;
      map.set(key, this.item(depth + 1));
    }
    return map;
  }
}

/** Bytewise order, as RFC 8949 section 4.2.1 has it. */
function compare(a, b) {
  const size = Math.min(a.length, b.length);
  for (let i = 0; i < size; i++) {
    if (a[i] !== b[i]) {
      return a[i] - b[i];
    }
  }
  return a.length - b.length;
}

/**
 * The one item that the bytes are.
 * @param {Uint8Array} bytes
 * @param {number} sizeMax
 * @param {number} itemsMax with those in arrays and maps
 */
export function cborDecode(bytes, sizeMax, itemsMax = ITEMS_MAX) {
  return decode(bytes, sizeMax, itemsMax, false);
}

/** The same for documents of others, whose encoding need not be the deterministic one. */
export function cborDecodeLenient(bytes, sizeMax, itemsMax = ITEMS_MAX) {
  return decode(bytes, sizeMax, itemsMax, true);
}

function decode(bytes, sizeMax, itemsMax, lenient) {
  if (bytes.length > sizeMax) {
    refuse(`more than ${sizeMax} bytes`);
  }
  const cursor = new Cursor(bytes, itemsMax, lenient);
  const value = cursor.item(0);
  if (cursor.at !== bytes.length) {
    refuse("bytes behind the end");
  }
  return value;
}

/** @param {number} major @param {number} size below 2^32 */
function head(major, size) {
  if (size < 24) {
    return Uint8Array.of((major << 5) | size);
  }
  const width = size < 0x100 ? 1 : size < 0x10000 ? 2 : 4;
  const bytes = new Uint8Array(1 + width);
  bytes[0] = (major << 5) | (24 + Math.log2(width));
  for (let i = 0; i < width; i++) {
    bytes[width - i] = (size >>> (8 * i)) & 255;
  }
  return bytes;
}

/** An array of texts and byte strings: all that a Sig_structure needs. */
export function cborEncodeArray(items) {
  return concat(head(4, items.length), ...items.flatMap((item) => {
    const text = typeof item === "string";
    const bytes = text ? utf8Bytes(item) : item;
    return [head(text ? 3 : 2, bytes.length), bytes];
  }));
}
