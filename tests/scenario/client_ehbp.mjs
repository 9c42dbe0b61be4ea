// SPDX-License-Identifier: Apache-2.0
/** client_ehbp URL MODEL: sealed questions by the client ehbp. Ends with 1 at the first fault. */
import assert from "node:assert/strict";
import { Identity, KeyConfigMismatchError, Transport } from "ehbp";

const [url, model] = process.argv.slice(2);
const body = (more) => JSON.stringify({
  model, messages: [{ role: "user", content: "Once upon" }], max_tokens: 12, temperature: 0, ...more,
});
const headers = { "content-type": "application/json" };
const chat = `${url}/v1/chat/completions`;

/** What travels is not what was said: the client's own fetch is watched for its bodies. */
const seen = { requests: [], responses: [] };
const realFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  if (input instanceof Request && input.method === "POST") {
    seen.requests.push(Buffer.from(await input.clone().arrayBuffer()).toString("latin1"));
  }
  const response = await realFetch(input, init);
  seen.responses.push(Buffer.from(await response.clone().arrayBuffer()).toString("latin1"));
  return response;
};

async function wholeAnswer(transport) {
  const response = await transport.post(chat, body(), { headers });
  assert.equal(response.status, 200);
  const { choices, usage } = await response.json();
  assert.equal(choices[0].message.role, "assistant");
  assert.ok(choices[0].message.content.length > 0);
  assert.equal(usage.completion_tokens, 12);
  // The receipt travels sealed: base64url of more than a receipt's bytes, not a receipt itself.
  assert.match(response.headers.get("aver-receipt"), /^[A-Za-z0-9_-]{600,}$/);
  assert.notEqual(Buffer.from(response.headers.get("aver-receipt"), "base64url")[0], 0xd2);
  return choices[0].message.content;
}

async function streamedAnswer(transport, whole) {
  const response = await transport.post(chat, body({ stream: true }), { headers });
  assert.equal(response.status, 200);
  const text = await response.text();
  const events = text.split("\n\n").filter((item) => item.startsWith("data: {"))
    .map((item) => JSON.parse(item.slice("data: ".length)));
  assert.ok(text.endsWith("data: [DONE]\n\n"));
  assert.ok(text.startsWith(": aver-opening "));
  assert.equal(events.map((event) => event.choices[0]?.delta.content ?? "").join(""), whole);
}

/** Errors of what was opened are sealed too, and reach the client as they are. */
async function sealedError(transport) {
  const response = await transport.post(chat, body({ nonsense: 1 }), { headers });
  assert.equal(response.status, 400);
  const { error } = await response.json();
  assert.equal(error.code, "unknown_parameter");
  assert.equal(error.param, "nonsense");
}

async function anotherKeyIsRefused() {
  const stranger = await Identity.generate();
  const strangers = new Transport(
    await Identity.unmarshalPublicConfig(await stranger.marshalConfig()), new URL(url).host);
  await assert.rejects(strangers.post(chat, body(), { headers }), KeyConfigMismatchError);
}

const transport = await Transport.create(url);
const whole = await wholeAnswer(transport);
await streamedAnswer(transport, whole);
await sealedError(transport);
for (const bytes of [...seen.requests, ...seen.responses]) {
  assert.ok(!bytes.includes("messages") && !bytes.includes("choices") && !bytes.includes("nonsense"),
    "something travelled that was not sealed");
}
assert.ok(seen.requests.length === 3 && seen.responses.length >= 4);
await anotherKeyIsRefused();
console.log(`a sealed answer: ${whole}`);
