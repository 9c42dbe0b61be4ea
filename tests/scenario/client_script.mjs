// SPDX-License-Identifier: Apache-2.0
/**
 * client_script BASE_URL MODEL: the npm client openai, unmodified, before a node whose engine says
 * what its prompts tell it to (aver-script-engine): calls that a model would make by its own choice.
 */
import assert from "node:assert/strict";
import OpenAI, { BadRequestError } from "openai";

const { encode } = await import(`${process.env.AVER_SOURCE}/web/verify/test/forge.mjs`);
const [baseURL, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "any", maxRetries: 0 });
const hex = (bytes) => Buffer.from(bytes).toString("hex");

/** Events of docs/protocol.md section 7, as the text that the engine says them for. */
const FINISH = { stop: 1, tool: 3 };
const started = [1, 1, Uint8Array.of(0, 0, 0, 1), 0];
const token = (choice, text) => [2, 1, choice, 5, text];
const call = (choice, index, name, given) => [6, 1, choice, index, name, JSON.stringify(given)];
const choice = (number, finish, count) => [5, 1, number, FINISH[finish], count, ""];
const done = (finish, count) => [3, 1, FINISH[finish], count, new Uint8Array(32)];
const says = (...events) => events.map((event) => hex(encode(event))).join("");

const twoCalls = says(started, token(0, ""), call(0, 0, "weather", { town: "Oslo" }),
  call(0, 1, "clock", {}), choice(0, "tool", 1), done("tool", 1));
const sunny = says(started, token(0, "It is"), token(0, " sunny."), choice(0, "stop", 2),
  done("stop", 2));
const town = { type: "object", properties: { town: { type: "string" } } };
const tools = [
  { type: "function", function: { name: "weather", parameters: town } },
  { type: "function", function: { name: "clock" } },
];
const flatTools = tools.map(({ function: one }) => ({ type: "function", ...one }));

function areTwoCalls(calls) {
  assert.deepEqual(calls.map(({ name }) => name), ["weather", "clock"]);
  assert.deepEqual(calls.map(({ arguments: given }) => JSON.parse(given)), [{ town: "Oslo" }, {}]);
}

/** The model chooses to call twice; the results go back, and it speaks. */
async function auto() {
  const messages = [{ role: "user", content: twoCalls }];
  const { choices: [{ message, finish_reason: finish }] } =
    await client.chat.completions.create({ model, messages, tools, tool_choice: "auto" });
  assert.equal(finish, "tool_calls");
  assert.equal(message.content, null);
  areTwoCalls(message.tool_calls.map((one) => one.function));
  assert.notEqual(message.tool_calls[0].id, message.tool_calls[1].id);
  const results = message.tool_calls.map(({ id }) =>
    ({ role: "tool", tool_call_id: id, content: "yes" }));
  const { choices: [last] } = await client.chat.completions.create({
    model, tools, messages: [{ role: "system", content: sunny }, ...messages, message, ...results],
  });
  assert.equal(last.message.content, "It is sunny.");
  assert.equal(last.finish_reason, "stop");
}

async function autoStreamed() {
  const helper = client.chat.completions.stream({
    model, tools, messages: [{ role: "user", content: twoCalls }],
  });
  const found = [];
  helper.on("tool_calls.function.arguments.done", (one) => found.push(one));
  const { choices: [{ message, finish_reason: finish }] } = await helper.finalChatCompletion();
  assert.equal(finish, "tool_calls");
  areTwoCalls(message.tool_calls.map((one) => one.function));
  areTwoCalls(found);
}

/** One choice calls, the other speaks. */
async function choicesDiffer() {
  const content = says(started, token(1, "No."), call(0, 0, "clock", {}), choice(1, "stop", 1),
    token(0, ""), choice(0, "tool", 1), done("tool", 2));
  const { choices, usage } = await client.chat.completions.create({
    model, tools, n: 2, messages: [{ role: "user", content }],
  });
  assert.equal(choices[0].message.tool_calls[0].function.name, "clock");
  assert.equal(choices[1].message.content, "No.");
  assert.deepEqual(choices.map((one) => one.finish_reason), ["tool_calls", "stop"]);
  assert.equal(usage.completion_tokens, 2);
}

async function responses() {
  const first = await client.responses.create({ model, input: twoCalls, tools: flatTools });
  const calls = first.output.filter((item) => item.type === "function_call");
  areTwoCalls(calls);
  const results = calls.map(({ call_id: id }) =>
    ({ type: "function_call_output", call_id: id, output: "yes" }));
  const input = [{ role: "user", content: twoCalls }, ...calls, ...results];
  const ask = { model, instructions: sunny, input, tools: flatTools, store: false };
  const last = await client.responses.create(ask);
  assert.equal(last.output_text, "It is sunny.");
  assert.equal(last.status, "completed");
  const types = [];
  let text = "";
  for await (const event of await client.responses.create({ ...ask, stream: true })) {
    types.push(event.type);
    text += event.type === "response.output_text.delta" ? event.delta : "";
  }
  assert.equal(text, "It is sunny.");
  assert.deepEqual([types[0], types.at(-1)], ["response.created", "response.completed"]);
}

async function refusal() {
  const content = says([4, 1, "the prompt is empty"]);
  await assert.rejects(client.chat.completions.create({ model,
    messages: [{ role: "user", content }] }), (error) =>
    error instanceof BadRequestError && error.code === "prompt_refused");
}

let faults = 0;
for (const check of [auto, autoStreamed, choicesDiffer, responses, refusal]) {
  try {
    await check();
    console.log(`ok: ${check.name}`);
  } catch (error) {
    faults++;
    console.log(`FAIL: ${check.name}: ${error.stack}`);
  }
}
process.exitCode = faults === 0 ? 0 : 1;
