// SPDX-License-Identifier: Apache-2.0
/**
 * json: a strict reader for policies. JSON.parse takes the last of two members with one name; a
 * reader of a policy would take the first. Here the second is an error.
 */
import { refuse } from "./bytes.mjs";

const DEPTH_MAX = 32;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORDS = [["true", true], ["false", false], ["null", null]];

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  /** Passes over white space and gives the next character. */
  next() {
    while (" \t\r\n".includes(this.text[this.at] ?? "end")) {
      this.at++;
    }
    return this.text[this.at];
  }

  expect(character) {
    if (this.next() !== character) {
      refuse(`"${character}" is missing at character ${this.at}`);
    }
    this.at++;
  }

  match(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) {
      refuse(`not JSON at character ${this.at}`);
    }
    this.at = pattern.lastIndex;
    return found[0];
  }

  /** Whole numbers keep all their digits; "1.0" and "1e0" are no whole numbers. */
  number() {
    const digits = this.match(NUMBER);
    return /[.eE]/.test(digits) ? Number(digits) : BigInt(digits);
  }

  string() {
    return JSON.parse(this.match(STRING));
  }

  value(depth) {
    if (depth > DEPTH_MAX) {
      refuse("nested too deep");
    }
    const first = this.next();
    if (first === "{") {
      return this.object(depth);
    }
    if (first === "[") {
      return this.array(depth);
    }
    if (first === "\"") {
      return this.string();
    }
    for (const [word, value] of WORDS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.number();
  }

  /** Reads elements until the closing character, each by one call. */
  series(open, close, element) {
    this.expect(open);
    if (this.next() === close) {
      this.at++;
      return;
    }
    for (;;) {
      element();
      if (this.next() === close) {
        this.at++;
        return;
      }
      this.expect(",");
    }
  }

  array(depth) {
    const items = [];
    this.series("[", "]", () => items.push(this.value(depth + 1)));
    return items;
  }

  object(depth) {
    const members = new Map();
    this.series("{", "}", () => {
      this.next();
      const name = this.string();
      this.expect(":");
      if (members.has(name)) {
        refuse(`the member ${JSON.stringify(name)} is there twice`);
      }
      members.set(name, this.value(depth + 1));
    });
    return members;
  }
}

/**
 * @param {string} text
 * @returns {*} objects as Map, so that no name of a member means anything to the language; whole
 *   numbers as BigInt
 */
export function jsonParse(text) {
  const reader = new Reader(text);
  const value = reader.value(0);
  if (reader.next() !== undefined) {
    refuse("characters behind the end");
  }
  return value;
}
