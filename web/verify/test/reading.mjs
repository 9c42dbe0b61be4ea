// SPDX-License-Identifier: Apache-2.0
/**
 * reading: what the strict readers take and what they refuse. Prints each fault and ends with 1 if
 * there is any.
 */
import { base64urlDecode, base64urlEncode, concat, hexDecode, hexEncode, utf8Bytes, utf8Text }
  from "../bytes.mjs";
import { cborDecode } from "../cbor.mjs";
import { ed25519KeySound, ed25519Verify, merkleLeaf, merkleNode, merklePathRoot, merkleRoot }
  from "../crypto.mjs";
import { jsonParse } from "../json.mjs";
import { tokensParse } from "../receipt.mjs";
import { StreamReader } from "../stream.mjs";
import { FormatError } from "../verify.mjs";

const faults = [];
let count = 0;

function check(title, good) {
  count++;
  if (!good) {
    faults.push(title);
  }
}

/** Whether the reader refuses it as a format, not by another error. */
function refuses(read) {
  try {
    read();
    return false;
  } catch (error) {
    return error instanceof FormatError;
  }
}

const hex = (text) => hexDecode(text.replaceAll(" ", ""));
const cbor = (text) => cborDecode(hex(text), 1 << 16);

function cborIsDeterministic() {
  check("all 64 bits", cbor("1bffffffffffffffff") === (1n << 64n) - 1n);
  check("a negative number", cbor("3863") === -100n);
  check("a map", cbor("a2 01 02 03 04").get(3n) === 4n);
  check("nothing", cbor("f6") === null && cbor("f5") === true);
  const deepest = "81".repeat(16) + "80";
  check("sixteen deep", Array.isArray(cbor(deepest)));
  const refused = {
    "no bytes": "", "a long head": "1817", "a longer one": "190001", "a text's long head": "7800",
    "indefinite bytes": "5f4100ff", "an indefinite array": "9f00ff", "a break": "ff",
    "an indefinite map": "bf0000ff", "a half float": "f90000", "a double": "fb0000000000000000",
    undefined: "f7", "a simple value": "f820", "a reserved head": "1c", "bytes behind": "0000",
    "a short string": "4200", "an endless string": "5bffffffffffffffff", "a short array": "8200",
    "an endless array": "9bffffffffffffffff", "an endless map": "bbffffffffffffffff",
    "keys twice": "a201020103", "keys out of order": "a203040102",
    "a longer key first": "a2181800 0100", "an array for a key": "a1 80 00",
    "bytes for a key": "a1 4100 00", "half of UTF-8": "61c3", "a surrogate": "63eda080",
    "a tag alone": "d2", "too deep": "81" + deepest,
  };
  for (const [title, text] of Object.entries(refused)) {
    check(`CBOR: ${title}`, refuses(() => cbor(text)));
  }
  const many = (count) => concat(Uint8Array.of(0x99, count >> 8, count & 255),
    new Uint8Array(count));
  check("CBOR: many items", cborDecode(many(4095), 1 << 16).length === 4095);
  check("CBOR: too many items", refuses(() => cborDecode(many(4096), 1 << 16)));
  check("CBOR: more than may be", refuses(() => cborDecode(new Uint8Array(9), 8)));
}

function tokensHaveBounds() {
  const ids = (count) => concat(Uint8Array.of(0x9a, 0, count >> 16, (count >> 8) & 255,
    count & 255), new Uint8Array(count));
  const empty = (choices) => new Uint8Array(choices).fill(0x80);
  const document = (choices, prompt, last) => concat(
    choices + 1 < 24 ? Uint8Array.of(0x80 + choices + 1) : Uint8Array.of(0x98, choices + 1),
    ids(prompt), empty(choices - 1), ids(last));
  const most = tokensParse(document(128, 262144 - 70000, 70000));
  check("tokens: as many as may be", most.prompt.length === 262144 - 70000 &&
    most.choices.length === 128 && most.choices[127].length === 70000);
  check("tokens: one too many", refuses(() => tokensParse(document(1, 262144 - 69999, 70000))));
  check("tokens: a choice too many", refuses(() => tokensParse(document(129, 70000, 70000))));
  check("tokens: no choice", refuses(() => tokensParse(hex("8180"))));
  check("tokens: an id too large", refuses(() => tokensParse(hex("8280811a80000000"))));
  check("tokens: the largest id", tokensParse(hex("8280811a7fffffff")).choices[0][0] ===
    2147483647n);
}

function textsAreStrict() {
  for (const bytes of ["", "00", "ffff", "01020304", "fbefbe"].map(hexDecode)) {
    const text = base64urlEncode(bytes);
    check(`base64url ${text}`, hexEncode(base64urlDecode(text)) === hexEncode(bytes) &&
      text === Buffer.from(bytes).toString("base64url"));
  }
  for (const text of ["A", "AA=", "AA==", "A+", "A/A", "AB", "AAB", " AA", "AA\n", "AAAAA"]) {
    check(`base64url ${JSON.stringify(text)}`, refuses(() => base64urlDecode(text)));
  }
  check("hex: half a byte", refuses(() => hexDecode("abc")));
  check("hex: a blank", refuses(() => hexDecode("ab ")));
  check("UTF-8 keeps a byte order mark", utf8Text(hexDecode("efbbbf61")).length === 2);
}

function jsonIsStrict() {
  check("JSON", jsonParse(" {\"a\":[1,-2,true,null,\"\\u0041\"]}\n").get("a").length === 5);
  check("a whole number", jsonParse("9007199254740993") === 9007199254740993n);
  check("a fraction is no whole number", jsonParse("1.0") === 1);
  check("no prototype", jsonParse("{\"__proto__\":1}").get("__proto__") === 1n);
  const refused = ["", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}",
    "01", "+1", ".5", "1.", "'a'", "\"\n\"", "\"\\x\"", "nul", "1 2", "{a:1}", "\ufeff1", "NaN",
    "[".repeat(40) + "]".repeat(40), "/**/1"];
  for (const text of refused) {
    check(`JSON: ${text}`, refuses(() => jsonParse(text)));
  }
}

/** RFC 8032 section 7.1, test 2, and what is made of it. */
async function signaturesAreStrict() {
  const key = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const signature = hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  const message = hex("72");
  check("a signature", await ed25519Verify(key, message, signature));
  check("another message", !await ed25519Verify(key, hex("73"), signature));
  const order = (1n << 252n) + 27742317777372353535851937790883648493n;
  const scalar = signature.slice(32).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const other = Uint8Array.from({ length: 32 }, (_, i) =>
    Number(((scalar + order) >> BigInt(8 * i)) & 255n));
  check("S + order", !await ed25519Verify(key, message,
    concat(signature.slice(0, 32), other)));
  const small = ["00".repeat(32), "01" + "00".repeat(31), "00".repeat(31) + "80",
    "ec" + "ff".repeat(30) + "7f", "ec" + "ff".repeat(31), "ed" + "ff".repeat(30) + "7f",
    "ee" + "ff".repeat(30) + "7f", "ff".repeat(32),
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"];
  for (const one of small) {
    check(`the key ${one}`, !ed25519KeySound(hex(one)));
  }
  check("a sound key", ed25519KeySound(key));
}

/** The recursive definition of RFC 9162 section 2.1.1 and 2.1.3.1, against both functions. */
async function treesAreThoseOfTheRfc() {
  const leaves = await Promise.all(Array.from({ length: 9 }, (_, i) =>
    merkleLeaf(Uint8Array.of(i))));
  const splitOf = (size) => {
    let half = 1;
    while (2 * half < size) {
      half *= 2;
    }
    return half;
  };
  const root = async (from) => (from.length === 1 ? from[0]
    : merkleNode(await root(from.slice(0, splitOf(from.length))),
      await root(from.slice(splitOf(from.length)))));
  const path = async (index, from) => {
    const half = splitOf(from.length);
    if (from.length === 1) {
      return [];
    }
    return index < half
      ? [...await path(index, from.slice(0, half)), await root(from.slice(half))]
      : [...await path(index - half, from.slice(half)), await root(from.slice(0, half))];
  };
  for (let size = 1; size <= leaves.length; size++) {
    const some = leaves.slice(0, size);
    const wanted = hexEncode(await root(some));
    check(`the tree of ${size}`, hexEncode(await merkleRoot(some)) === wanted);
    for (let index = 0; index < size; index++) {
      const way = await path(index, some);
      const found = await merklePathRoot(leaves[index], index, size, way);
      check(`the path of ${index} in ${size}`, found && hexEncode(found) === wanted);
      check("a longer path", await merklePathRoot(leaves[index], index, size, [...way, way[0] ??
        leaves[0]]) === null);
      check("a shorter path", size === 1 ||
        await merklePathRoot(leaves[index], index, size, way.slice(1)) === null);
    }
  }
}

const STREAM = ": aver-opening AQ\n\ndata: {\"a\":1}\n\n: ping\n\nevent: a.b_c\ndata: 2\n\n" +
  ": aver-head Ag\n\n: aver-head Aw\n\n: aver-tokens BA\n\n: aver-receipt BQ\n\ndata: [DONE]\n\n";

function readStream(text, size = text.length) {
  const reader = new StreamReader();
  const bytes = utf8Bytes(text);
  for (let at = 0; at < bytes.length; at += size) {
    reader.push(bytes.subarray(at, at + size));
  }
  return reader;
}

function streamsAreRead() {
  for (let size = 1; size <= STREAM.length; size++) {
    const { events, opening, heads, tokens, receipt, done, broken } = readStream(STREAM, size);
    check(`a stream in pieces of ${size}`, events.length === 2 && opening[0] === 1 &&
      heads.map(([first]) => first).join() === "2,3" && tokens[0] === 4 && receipt[0] === 5 &&
      done && !broken && utf8Text(events[1]) === "event: a.b_c\ndata: 2\n\n");
  }
  check("a stream that ends in an event", readStream(STREAM.slice(0, 30)).broken);
  const refused = ["data: [DONE]\n\ndata: 1\n\n", "data: 1\r\n\n", "event: A\ndata: 1\n\n",
    "event: a\n\n", "data: 1\ndata: 2\n\n", "id: 1\n\n", "data:1\n\n", "\n\n",
    ": aver-head A\n\n", ": aver-opening AQ\n\n: aver-opening AQ\n\n",
    ": aver-receipt AQ\n\n: aver-receipt AQ\n\n", ": aver-receipt AQ\n\ndata: 1\n\n",
    "event: a\ndata: [DONE]\n\n", `event: ${"a".repeat(65)}\ndata: 1\n\n`,
    "event: a\n: aver-receipt AQ\n\n"];
  for (const text of refused) {
    check(`a stream: ${JSON.stringify(text)}`, refuses(() => readStream(text)));
  }
}

cborIsDeterministic();
tokensHaveBounds();
textsAreStrict();
jsonIsStrict();
await signaturesAreStrict();
await treesAreThoseOfTheRfc();
streamsAreRead();
faults.forEach((fault) => console.log(`fault: ${fault}`));
console.log(`${count} readings, ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
