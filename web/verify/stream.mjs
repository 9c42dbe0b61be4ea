// SPDX-License-Identifier: Apache-2.0
/**
 * stream: the events of a streamed answer and the signed messages between them (docs/receipts.md
 * section 9).
 */
import { base64urlDecode, concat, refuse, utf8Text } from "./bytes.mjs";
import { merkleLeaf, merkleRoot } from "./crypto.mjs";

const LF = 10;
const CR = 13;
const ITEM_BYTES_MAX = 16 << 20;
const NAME = /^event: [a-z_.]{1,64}$/;
const DONE = "data: [DONE]";
const COMMENT = /^: aver-(opening|head|tokens|receipt) (.*)$/;

/** Index behind the blank line that ends the item at start, or -1 where the bytes end before it. */
function itemEnd(bytes, start) {
  for (let at = bytes.indexOf(LF, start); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) {
      return at + 2;
    }
  }
  return -1;
}

/**
 * The events that a response body is, joined: each ends with its blank line. What stands in them is
 * not looked at; the root decides.
 * @param {Uint8Array} body
 * @param {boolean} cut whether a last event without its end is left out instead of refused
 * @returns {Uint8Array[]}
 */
export function eventsSplit(body, cut = false) {
  const events = [];
  for (let at = 0; at < body.length;) {
    const end = itemEnd(body, at);
    if (end < 0) {
      return cut ? events : refuse("the bytes end inside an event");
    }
    events.push(body.subarray(at, end));
    at = end;
  }
  return events;
}

/** @param {Uint8Array[]} events */
export async function eventsRoot(events) {
  return merkleRoot(await Promise.all(events.map(merkleLeaf)));
}

/** Whether the lines of an item are an event: one of data, maybe with a name above. */
function isEvent(lines) {
  const data = lines[lines.length - 1];
  return data.startsWith("data: ") && (lines.length === 1 ||
    (lines.length === 2 && NAME.test(lines[0]) && data !== DONE));
}

/**
 * Reads a stream as it arrives: push bytes, then look at what has come. Whoever shows the events
 * while they come has nothing proven yet; the judge decides at the end.
 */
export class StreamReader {
  constructor() {
    this.rest = new Uint8Array(0);
    /** Bytes of rest in which no item ends, but for one that may end with its last. */
    this.searched = 0;
    /** @type {Uint8Array[]} */
    this.events = [];
    /** @type {Uint8Array|undefined} */
    this.opening = undefined;
    /** @type {Uint8Array[]} */
    this.heads = [];
    /** @type {Uint8Array|undefined} */
    this.tokens = undefined;
    /** @type {Uint8Array|undefined} */
    this.receipt = undefined;
    this.done = false;
  }

  /** @param {Uint8Array} bytes @throws {FormatError} where the stream is none of a node */
  push(bytes) {
    this.rest = concat(this.rest, bytes);
    let end = itemEnd(this.rest, Math.max(0, this.searched - 1));
    for (; end >= 0; end = itemEnd(this.rest, 0)) {
      this.item(this.rest.subarray(0, end));
      this.rest = this.rest.subarray(end);
    }
    this.searched = this.rest.length;
    if (this.rest.length > ITEM_BYTES_MAX) {
      refuse("an event without end");
    }
  }

  /** Whether the bytes ended inside an item. */
  get broken() {
    return this.rest.length > 0;
  }

  item(item) {
    const lines = utf8Text(item.subarray(0, -2)).split("\n");
    if (this.done || item.includes(CR)) {
      refuse(this.done ? "something follows the end of the stream" : "a line ends with CR");
    }
    if (lines.length === 1 && lines[0] === DONE) {
      this.done = true;
    } else if (isEvent(lines)) {
      this.event(item);
    } else {
      this.comment(lines);
    }
  }

  event(item) {
    if (this.receipt) {
      refuse("an event follows the receipt");
    }
    this.events.push(item);
  }

  /** Comments that are not ours mean nothing: a proxy may send them to keep a connection. */
  comment(lines) {
    if (lines.some((line) => !line.startsWith(":"))) {
      refuse("this is neither event nor comment");
    }
    const [, kind, text] = (lines.length === 1 && COMMENT.exec(lines[0])) || [];
    if (kind === "head") {
      this.heads.push(base64urlDecode(text));
    } else if (kind) {
      if (this[kind]) {
        refuse(`the ${kind} comes twice`);
      }
      this[kind] = base64urlDecode(text);
    }
  }
}
