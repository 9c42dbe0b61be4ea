// SPDX-License-Identifier: Apache-2.0
/**
 * shape: the tables of docs/receipts.md as code. A shape names each key of a map, what its value
 * may be, and whether it may be absent; a key that no shape lists is refused. One reader for all
 * tables keeps them as strict as each other.
 */
import { refuse } from "./bytes.mjs";

const UINT_END = 1n << 64n;

/** An unsigned integer as it is; times, seeds and counts need all 64 bits. */
export function uint(least = 0n, most = UINT_END - 1n) {
  return (value, name) => {
    if (typeof value !== "bigint" || value < least || value > most) {
      refuse(`${name} is not an unsigned integer from ${least} to ${most}`);
    }
    return value;
  };
}

/** A byte string of so many bytes. */
export function bytes(least, most = least) {
  return (value, name) => {
    if (!(value instanceof Uint8Array) || value.length < least || value.length > most) {
      const size = least === most ? `${least}` : `${least} to ${most}`;
      refuse(`${name} is not a byte string of ${size} bytes`);
    }
    return value;
  };
}

/** 1 to most printable ASCII characters. */
export function text(most) {
  return (value, name) => {
    if (typeof value !== "string" || value.length > most || !/^[\x20-\x7e]+$/.test(value)) {
      refuse(`${name} is not a text of 1 to ${most} printable ASCII characters`);
    }
    return value;
  };
}

/** Only this value. */
export function only(wanted) {
  return (value, name) => (value === wanted ? value : refuse(`${name} is not ${wanted}`));
}

export function bool(value, name) {
  return typeof value === "boolean" ? value : refuse(`${name} is not true or false`);
}

/** An array with one reader for each element. */
export function tuple(...readers) {
  return (value, name) => {
    if (!Array.isArray(value) || value.length !== readers.length) {
      refuse(`${name} is not an array of ${readers.length}`);
    }
    return readers.map((reader, i) => reader(value[i], `${name}[${i}]`));
  };
}

/** An array of like elements. */
export function list(most, reader) {
  return (value, name) => {
    if (!Array.isArray(value) || value.length > most) {
      refuse(`${name} is not an array of at most ${most}`);
    }
    return value.map((element, i) => reader(element, `${name}[${i}]`));
  };
}

/** Marks a field that may be absent. */
export function optional(reader) {
  return { reader, optional: true };
}

/**
 * A map with integer keys.
 * @param {Object<number, [string, function|object]>} fields key to name and reader
 */
export function record(fields) {
  return (value, name) => {
    if (!(value instanceof Map)) {
      refuse(`${name} is not a map`);
    }
    const found = {};
    let known = 0;
    for (const [key, [field, kind]] of Object.entries(fields)) {
      const here = value.has(BigInt(key));
      if (here) {
        known++;
        found[field] = (kind.reader ?? kind)(value.get(BigInt(key)), `${name}: ${field}`);
      } else if (!kind.optional) {
        refuse(`${name} has no ${field}`);
      }
    }
    return known === value.size ? found : refuse(`${name} has a key that is not known`);
  };
}
