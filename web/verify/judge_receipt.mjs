// SPDX-License-Identifier: Apache-2.0
/** judge_receipt: the checks of a receipt, or of what is left of a stream that was cut. */
import { FormatError, concat, equal } from "./bytes.mjs";
import { labelled, sha256 } from "./crypto.mjs";
import { SKEW_MS } from "./judge_bundle.mjs";
import { keysetModel } from "./keyset.mjs";
import { policyAllowsModel } from "./policy.mjs";
import { messageParse, messageSignedBy, tokensParse } from "./receipt.mjs";
import { eventsRoot, eventsSplit } from "./stream.mjs";
import { attempt } from "./verdict.mjs";

/** A comparison of two digests under a check's name. */
function same(verdict, name, a, b) {
  verdict.decide(name, equal(a, b), "the one that was judged", "it names another");
}

function judgeNames(keeper, judged, verdict) {
  const { keyset } = judged;
  same(verdict, "receipt.keyset", keeper.keysetDigest, judged.keysetDigest);
  same(verdict, "receipt.evidence", keeper.evidenceDigest, judged.evidenceDigest);
  same(verdict, "receipt.incarnation", keeper.incarnation, keyset.incarnation);
  same(verdict, "receipt.node", keeper.nodeId, keyset.nodeId);
  same(verdict, "receipt.config", keeper.configDigest, keyset.configDigest);
  verdict.decide("receipt.platform", keeper.platform === keyset.platform,
    keeper.platform, `it names ${keeper.platform}`);
}

// What is read from the vocabulary or the template has no step digest.
const PATHS_WITHOUT_DIGEST = ["/tokenize", "/detokenize", "/apply-template"];

function judgeModel({ keeper, engine }, { keyset }, policy, modelRoot, verdict) {
  const model = keysetModel(keyset, keeper.modelRoot);
  const asked = !modelRoot || equal(modelRoot, keeper.modelRoot);
  verdict.decide("receipt.model",
    model && asked && policyAllowsModel(policy, model.root, model.profile),
    "of the keyset, allowed, and asked for", "not of the keyset, not allowed, or not asked for");
  if (!model) {
    verdict.skip("receipt.class", "the model is not in the keyset");
    return;
  }
  const complete = engine.profile !== 1n || engine.stepDigest ||
    PATHS_WITHOUT_DIGEST.includes(keeper.path);
  verdict.decide("receipt.class", complete && engine.profile === model.profile &&
    equal(engine.numericClass, model.numericClass),
    "numeric class and profile are the model's",
    "numeric class, profile or step digest do not fit");
}

/** One commitment: SKIP without the bytes, FAIL without the salt. */
async function judgeCommitment(name, label, bytes, salt, commitment, verdict) {
  if (!bytes) {
    verdict.skip(name, "the bytes are not here");
    return false;
  }
  const good = salt && equal(commitment, await labelled(label, salt, bytes));
  verdict.decide(name, good, "it commits to these bytes",
    salt ? "it commits to other bytes" : "the salt is missing");
  return good;
}

async function judgeTokens({ keeper, engine }, { tokens, salt }, verdict) {
  const committed = await judgeCommitment("receipt.tokens", "aver/commit/tokens/1", tokens, salt,
    keeper.tokens, verdict);
  if (!committed) {
    return;
  }
  const document = attempt(verdict, "receipt.tokens", () => tokensParse(tokens));
  const generated = document?.choices.reduce((sum, choice) => sum + choice.length, 0);
  if (document && (BigInt(document.prompt.length) !== engine.promptTokens ||
      BigInt(generated) !== engine.generatedTokens)) {
    verdict.fail("receipt.tokens", "the counts differ");
  }
}

/** The signed messages that came before the receipt must tell the same story; null if they do. */
async function streamContradiction(said, { opening, heads = [], events }, key) {
  if (opening) {
    const first = messageParse(opening, "opening");
    if (!(await messageSignedBy(first, key)) || !equal(first.id, said.id) ||
        !equal(first.keysetDigest, said.keysetDigest) ||
        !equal(first.incarnation, said.incarnation) || !equal(first.request, said.request)) {
      return "the opening contradicts the receipt";
    }
  }
  let covered = 0n;
  for (const encoding of heads) {
    const head = messageParse(encoding, "head");
    if (!(await messageSignedBy(head, key)) || !equal(head.id, said.id) ||
        head.events < covered || !(await headCovers(head, events))) {
      return "a head contradicts the receipt, the events or a head before it";
    }
    covered = head.events;
  }
  return null;
}

/** Whether the first events are those that the head signs. */
async function headCovers(head, events) {
  return head.events <= BigInt(events.length) &&
    equal(head.root, await eventsRoot(events.slice(0, Number(head.events))));
}

/** Why the events are not those that were signed, or null. */
async function eventsFault({ keeper }, transcript, key) {
  const events = transcript.events ?? eventsSplit(transcript.response);
  if (transcript.broken) {
    return "the bytes end inside an event";
  }
  if (BigInt(events.length) !== keeper.events ||
      !equal(keeper.eventsRoot, await eventsRoot(events))) {
    return "events are missing, added or changed";
  }
  return key ? streamContradiction(keeper, { ...transcript, events }, key) : null;
}

/** What the search for a fault found; bytes that cannot be read are one. */
async function streamFault(find) {
  try {
    return await find();
  } catch (error) {
    if (error instanceof FormatError) {
      return error.message;
    }
    throw error;
  }
}

async function judgeStream(receipt, transcript, key, verdict) {
  const streamed = transcript.events !== undefined;
  const signed = receipt.keeper.events !== undefined;
  if (transcript.live && streamed !== signed) {
    verdict.fail("receipt.stream", "a stream has the receipt of a whole body, or the reverse");
  } else if (!signed) {
    verdict.skip("receipt.stream", "a whole body");
  } else if (!transcript.response && !streamed) {
    verdict.skip("receipt.stream", "the events are not here");
  } else {
    const fault = await streamFault(() => eventsFault(receipt, transcript, key));
    verdict.decide("receipt.stream", !fault, "all events that were signed, in order", fault);
  }
}

async function judgeEnc({ keeper }, { enc, live }, verdict) {
  const sealed = keeper.channel === 1n;
  if (enc) {
    verdict.decide("receipt.enc", sealed && equal(keeper.encDigest, await sha256(enc)),
      "for this sealed request", "for another request");
  } else if (sealed && live) {
    verdict.fail("receipt.enc", "the receipt is for a sealed request, and none was sealed");
  } else {
    verdict.skip("receipt.enc", sealed ? "the key is not here" : "nothing was sealed");
  }
}

function judgeReader({ keeper }, { route, nonce, seed }, verdict) {
  const compare = (name, here, equalTo) => here === undefined
    ? verdict.skip(name, "the reader has none to compare with")
    : verdict.decide(name, equalTo(here), "the reader's", "another than the reader's");
  compare("receipt.route", route, (one) =>
    one.method === keeper.method && one.path === keeper.path);
  compare("receipt.nonce", nonce, (one) => equal(keeper.nonce, one));
  compare("receipt.seed", seed, (one) => keeper.seed === one);
}

function judgeTime({ keeper }, { evidenceTimeMs }, context, live, verdict) {
  const { nowMs, asOfMs, policy } = context;
  const at = keeper.issuedMs;
  const early = evidenceTimeMs !== undefined && at < evidenceTimeMs - SKEW_MS;
  const late = live && nowMs - at > policy.receiptAgeMaxS * 1000n;
  verdict.decide("receipt.time", !early && !late && at <= nowMs + SKEW_MS,
    "it can have been issued then",
    early ? "issued before its evidence" : late ? "issued too long ago" : "issued in the future");
  if (asOfMs !== undefined && at > asOfMs + SKEW_MS) {
    verdict.fail("time.as-of", "the receipt is younger than the time asked about");
  } else {
    verdict.skip("time.as-of", "only the node's host says when");
  }
}

function judgeFinish({ keeper }, verdict) {
  const words = ["", "stop", "length", "tool", "aborted", "error"][Number(keeper.finish)];
  verdict.decide("receipt.finish", keeper.finish <= 3n && keeper.status === 200n,
    words, `${words}, status ${keeper.status}`);
}

/** What only the keyset can tell. */
async function judgeByKeyset(receipt, judged, policy, modelRoot, verdict) {
  verdict.decide("receipt.signature",
    await messageSignedBy(receipt, judged.keyset.keys.receipt),
    "the keyset's receipt key signed it", "the keyset's receipt key did not sign it");
  judgeNames(receipt.keeper, judged, verdict);
  judgeModel(receipt, judged, policy, modelRoot, verdict);
}

/**
 * What can be judged is judged, also where the bundle could not be read.
 * @param {object} receipt parsed
 * @param {object} judged what judgeBundle gave
 * @param {object} transcript what the reader has; absent parts make their checks SKIP
 */
export async function judgeReceipt(receipt, judged, transcript, context, verdict) {
  const { keeper } = receipt;
  if (judged.keyset) {
    await judgeByKeyset(receipt, judged, context.policy,
      transcript.modelRoot ?? context.modelRoot, verdict);
  }
  const { request, response, salt } = transcript;
  const body = transcript.events ? concat(...transcript.events) : response;
  await judgeCommitment("receipt.request", "aver/commit/request/1", request, salt,
    keeper.request, verdict);
  await judgeCommitment("receipt.response", "aver/commit/response/1", body, salt,
    keeper.response, verdict);
  await judgeTokens(receipt, transcript, verdict);
  await judgeStream(receipt, transcript, judged.keyset?.keys.receipt, verdict);
  await judgeEnc(receipt, transcript, verdict);
  judgeReader(receipt, transcript, verdict);
  judgeFinish(receipt, verdict);
  judgeTime(receipt, judged, context, transcript.live, verdict);
}

/** The receipt of a message, or null with receipt.format FAIL. */
export function receiptRead(encoding, verdict) {
  if (!encoding) {
    verdict.fail("receipt.format", "there is no receipt");
    return null;
  }
  return attempt(verdict, "receipt.format", () => messageParse(encoding, "receipt"));
}

/** A message that can be read and is signed by the key, or null. */
async function messageOpen(encoding, kind, key) {
  try {
    const message = messageParse(encoding, kind);
    return await messageSignedBy(message, key) ? message : null;
  } catch (error) {
    if (error instanceof FormatError) {
      return null;
    }
    throw error;
  }
}

/**
 * A stream that ended without its receipt is refused; how far opening and head prove it is judged
 * all the same.
 */
export async function judgeCut(cut, judged, transcript, verdict) {
  verdict.fail("receipt.format", "the stream was cut before its receipt");
  const key = judged.keyset?.keys.receipt;
  if (!key) {
    return;
  }
  const opening = await messageOpen(cut.opening, "opening", key);
  const head = cut.head && await messageOpen(cut.head, "head", key);
  const together = opening && (!cut.head || (head && equal(head.id, opening.id)));
  verdict.decide("receipt.signature", together,
    "the keyset's receipt key signed opening and head",
    "the receipt key did not sign opening and head, or they are of two answers");
  if (!opening) {
    return;
  }
  same(verdict, "receipt.keyset", opening.keysetDigest, judged.keysetDigest);
  same(verdict, "receipt.incarnation", opening.incarnation, judged.keyset.incarnation);
  await judgeCommitment("receipt.request", "aver/commit/request/1", transcript.request,
    transcript.salt, opening.request, verdict);
  const events = transcript.events ??
    (transcript.response && eventsSplit(transcript.response, true));
  if (events) {
    await judgeCutStream(opening, together && head, { ...transcript, events }, key, verdict);
  }
}

/** A cut may fall inside an event: what the head covers is whole, or it is a fault. */
async function judgeCutStream(opening, head, transcript, key, verdict) {
  const fault = await streamFault(() => streamContradiction(opening, transcript, key));
  if (fault) {
    verdict.fail("receipt.stream", fault);
  } else if (head) {
    verdict.decide("receipt.stream", await headCovers(head, transcript.events),
      `proven up to event ${head.events}`, "the events are not those that the head signs");
  }
}
