// SPDX-License-Identifier: Apache-2.0
/**
 * client_openai BASE_URL MODEL [CHECK...]: the npm client openai, unmodified, before a node or a
 * proxy, which serve a model for vectors too, named "vectors". Prints the fate of each check, and
 * ends with 1 if one failed.
 */
import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import OpenAI, { APIUserAbortError, AuthenticationError, BadRequestError, InternalServerError,
  NotFoundError, RateLimitError } from "openai";

const [baseURL, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "any", maxRetries: 0, timeout: 120000 });
const messages = [{ role: "user", content: "Once upon a time" }];
const question = { model, messages, max_tokens: 16, temperature: 0 };

/** The events of a stream, to its end. */
async function all(stream) {
  const events = [];
  for await (const event of stream) {
    events.push(event);
  }
  return events;
}

async function chat() {
  const answer = await client.chat.completions.create(question);
  assert.equal(answer.object, "chat.completion");
  assert.equal(answer.choices[0].message.role, "assistant");
  assert.ok(answer.choices[0].message.content.length > 0);
  assert.equal(answer.choices[0].finish_reason, "length");
  assert.equal(answer.usage.completion_tokens, 16);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + 16);
  const parts = [{ role: "developer", content: "Tell it." },
    { role: "user", content: [{ type: "text", text: "Once" }], name: "kim" }];
  const other = await client.chat.completions.create({
    ...question, messages: parts, max_tokens: undefined, max_completion_tokens: 3,
  });
  assert.equal(other.usage.completion_tokens, 3);
  return answer;
}

async function stream() {
  const whole = await client.chat.completions.create(question);
  const events = await all(await client.chat.completions.create({
    ...question, stream: true, stream_options: { include_usage: true },
  }));
  const text = events.map((event) => event.choices[0]?.delta.content ?? "").join("");
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(events[0].choices[0].delta.role, "assistant");
  assert.equal(events.at(-1).usage.completion_tokens, 16);
  assert.deepEqual(events.at(-1).choices, []);
  const helper = client.chat.completions.stream(question);
  let pieces = "";
  helper.on("content", (piece) => { pieces += piece; });
  const final = await helper.finalChatCompletion();
  assert.equal(final.choices[0].message.content, text);
  assert.equal(pieces, text);
}

async function settings() {
  const answer = await client.chat.completions.create({
    ...question, temperature: 1, seed: 7, n: 3, logprobs: true, top_logprobs: 2, top_p: 0.9,
    frequency_penalty: 0.1, presence_penalty: 0.1, user: "kim",
  });
  assert.deepEqual(answer.choices.map((choice) => choice.index), [0, 1, 2]);
  assert.equal(answer.usage.completion_tokens, 48);
  for (const { logprobs } of answer.choices) {
    assert.equal(logprobs.content.length, 16);
    assert.ok(logprobs.content.every((one) => one.logprob <= 0 && one.top_logprobs.length === 2));
  }
  const again = await client.chat.completions.create({ ...question, temperature: 1, seed: 7 });
  const same = await client.chat.completions.create({ ...question, temperature: 1, seed: 7 });
  assert.equal(again.choices[0].message.content, same.choices[0].message.content);
  const stop = again.choices[0].message.content.slice(4, 8);
  const cut = await client.chat.completions.create({
    ...question, temperature: 1, seed: 7, stop: [stop],
  });
  assert.equal(cut.choices[0].finish_reason, "stop");
  assert.ok(!cut.choices[0].message.content.includes(stop));
}

async function completions() {
  const ask = { model, prompt: "Once upon", max_tokens: 8, temperature: 0 };
  const answer = await client.completions.create(ask);
  assert.equal(answer.object, "text_completion");
  const events = await all(await client.completions.create({ ...ask, stream: true }));
  assert.equal(events.map((event) => event.choices[0]?.text ?? "").join(""),
    answer.choices[0].text);
}

const weather = {
  type: "function",
  function: {
    name: "weather", description: "Weather of a town", strict: true,
    parameters: {
      type: "object",
      properties: { town: { type: "string", enum: ["Rome", "Oslo"] }, metric: { type: "boolean" } },
      required: ["town", "metric"], additionalProperties: false,
    },
  },
};
const forced = { type: "function", function: { name: "weather" } };
/** One call, whatever else the small model would like to call. */
const oneCall = { ...question, max_tokens: 96, tool_choice: forced, parallel_tool_calls: false };

function isWeatherCall(call) {
  assert.equal(call.type, "function");
  assert.equal(call.function.name, "weather");
  const { town, metric, ...rest } = JSON.parse(call.function.arguments);
  assert.ok(["Rome", "Oslo"].includes(town) && typeof metric === "boolean");
  assert.deepEqual(rest, {});
}

async function tools() {
  const ask = { ...oneCall, tools: [weather] };
  const answer = await client.chat.completions.create(ask);
  const { message, finish_reason: finish } = answer.choices[0];
  assert.equal(finish, "tool_calls");
  assert.equal(message.content, null);
  assert.equal(message.tool_calls.length, 1);
  isWeatherCall(message.tool_calls[0]);
  assert.ok(message.tool_calls[0].id.length > 0);
  const streamed = await client.chat.completions.stream(ask).finalChatCompletion();
  isWeatherCall(streamed.choices[0].message.tool_calls[0]);
  // What the tool said goes back, and the model goes on.
  const next = await client.chat.completions.create({
    ...question, tools: [weather], tool_choice: "none",
    messages: [...messages, message,
      { role: "tool", tool_call_id: message.tool_calls[0].id, content: "{\"sun\":true}" }],
  });
  assert.equal(next.choices[0].message.tool_calls, undefined);
  assert.ok(next.choices[0].message.content.length > 0);
}

/** The client's own loop around a function. */
async function toolRunner() {
  const calls = [];
  const runner = client.chat.completions.runTools({
    ...oneCall,
    tools: [{ ...weather, function: { ...weather.function, parse: JSON.parse,
      function: (given) => calls.push(given) && "sunny" } }],
  });
  await runner.done();
  assert.ok(calls.length === 1 && ["Rome", "Oslo"].includes(calls[0].town));
}

async function jsonFormats() {
  const schema = {
    type: "object",
    properties: {
      colour: { type: "string", enum: ["red", "green"] }, sure: { type: "boolean" },
      sizes: { type: "array", items: { type: "boolean" }, minItems: 1, maxItems: 2 },
    },
    required: ["colour", "sure", "sizes"], additionalProperties: false,
  };
  const ask = {
    ...question, max_tokens: 96,
    response_format: { type: "json_schema", json_schema: { name: "it", strict: true, schema } },
  };
  const answer = await client.chat.completions.create(ask);
  const found = JSON.parse(answer.choices[0].message.content);
  assert.ok(["red", "green"].includes(found.colour) && typeof found.sure === "boolean");
  assert.ok(found.sizes.length >= 1 && found.sizes.length <= 2);
  assert.deepEqual(Object.keys(found), ["colour", "sure", "sizes"]);
  const parsed = await client.chat.completions.parse(ask);
  assert.ok(["red", "green"].includes(parsed.choices[0].message.parsed.colour));
}

/** What the client made of an answer goes back as it is, in the next question. */
async function turns() {
  const ask = { ...oneCall, tools: [weather] };
  const { choices: [{ message }] } = await client.chat.completions.parse(ask);
  assert.ok(message.tool_calls[0].function.parsed_arguments.town);
  const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "yes" };
  const next = await client.chat.completions.create({
    ...question, messages: [...messages, message, result],
  });
  const last = await client.chat.completions.create({
    ...question, messages: [...messages, message, result, next.choices[0].message, ...messages],
  });
  assert.equal(last.usage.completion_tokens, 16);
  const { name, parameters, strict } = weather.function;
  const tools = [{ type: "function", name, parameters, strict }];
  const input = [{ role: "user", content: "Once upon a time" }];
  const called = await client.responses.parse({
    model, input, tools, tool_choice: "required", parallel_tool_calls: false, temperature: 0,
  });
  const output = { type: "function_call_output", call_id: called.output[0].call_id, output: "yes" };
  const said = await client.responses.parse({
    model, input: [...input, ...called.output, output], max_output_tokens: 16,
  });
  const more = await client.responses.create({
    model, input: [...input, ...called.output, output, ...said.output, ...input],
    max_output_tokens: 16,
  });
  assert.equal(more.usage.output_tokens, 16);
}

async function embeddings() {
  const input = ["Once upon a time", "there was"];
  // The client asks for base64 by itself and gives numbers.
  const packed = await client.embeddings.create({ model: "vectors", input });
  const plain = await client.embeddings.create({ model: "vectors", input, encoding_format: "float" });
  assert.equal(packed.data.length, 2);
  assert.ok(packed.data[0].embedding.length > 0);
  for (const [i, { embedding, index }] of packed.data.entries()) {
    assert.equal(index, i);
    assert.equal(embedding.length, plain.data[i].embedding.length);
    embedding.forEach((value, at) =>
      assert.ok(Math.abs(value - plain.data[i].embedding[at]) < 1e-5));
    assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-3, "the vector's length is not 1");
  }
  const one = await client.embeddings.create({ model: "vectors", input: input[1] });
  assert.deepEqual(one.data[0].embedding, packed.data[1].embedding);
}

async function responses() {
  const ask = { model, input: "Once upon a time", max_output_tokens: 16, temperature: 0 };
  const answer = await client.responses.create(ask);
  assert.equal(answer.object, "response");
  assert.ok(answer.output_text.length > 0);
  assert.equal(answer.usage.output_tokens, 16);
  const events = await all(await client.responses.create({ ...ask, stream: true }));
  assert.equal(events[0].type, "response.created");
  const text = events.filter((event) => event.type === "response.output_text.delta")
    .map((event) => event.delta).join("");
  assert.equal(text, answer.output_text);
  assert.ok(["response.completed", "response.incomplete"].includes(events.at(-1).type));
  const final = await client.responses.stream(ask).finalResponse();
  assert.equal(final.output_text, text);
}

async function responseTools() {
  const ask = {
    model, input: "Once upon a time", max_output_tokens: 96, temperature: 0,
    parallel_tool_calls: false,
  };
  const { name, description, parameters, strict } = weather.function;
  const called = await client.responses.create({
    ...ask, tools: [{ type: "function", name, description, parameters, strict }],
    tool_choice: { type: "function", name },
  });
  const call = called.output.find((item) => item.type === "function_call");
  isWeatherCall({ type: "function", function: call });
  assert.ok(call.call_id.length > 0);
}

async function models() {
  const found = await all(client.models.list());
  assert.ok(found.some((one) => one.id === model && one.object === "model"));
  assert.equal((await client.models.retrieve(model)).id, model);
  await assert.rejects(client.models.retrieve("nobody"), NotFoundError);
}

async function errors() {
  const refused = (ask, kind, more) => assert.rejects(client.chat.completions.create(ask),
    (error) => {
      assert.ok(error instanceof kind, `${error.constructor.name}: ${error.message}`);
      assert.equal(error.type, "invalid_request_error");
      for (const [member, value] of Object.entries(more)) {
        assert.equal(error[member], value);
      }
      return true;
    });
  await refused({ ...question, nonsense: 1 }, BadRequestError,
    { status: 400, code: "unknown_parameter", param: "nonsense" });
  await refused({ ...question, temperature: 9 }, BadRequestError,
    { status: 400, param: "temperature" });
  await refused({ ...question, messages: undefined }, BadRequestError,
    { status: 400, code: "missing_parameter" });
  await refused({ ...question, model: "nobody" }, NotFoundError,
    { status: 404, code: "model_not_found", param: "model" });
  await refused({ ...question, stream: true, model: "nobody" }, NotFoundError, { status: 404 });
  await refused({ ...question, messages: [{ role: "user", content: "word ".repeat(2000) }] },
    BadRequestError, { status: 400 });
}

/** Ends a stream in the middle; whatever was in work, the next question is answered. */
async function aborts() {
  const long = { ...question, max_tokens: 200, stream: true };
  const stream = await client.chat.completions.create(long);
  let count = 0;
  for await (const event of stream) {
    assert.ok(event.choices);
    if (++count === 3) {
      stream.controller.abort();
    }
  }
  assert.ok(count < 100, `${count} events came behind the abort`);
  const controller = new AbortController();
  const waiting = client.chat.completions.create({ ...long, stream: false },
    { signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(waiting, APIUserAbortError);
  const left = await client.chat.completions.create(long);
  for await (const event of left) {
    assert.ok(event);
    break;
  }
  assert.ok((await chat()).id);
}

/**
 * A loopback server that answers the first requests itself and passes on the others, as they are.
 * @param {{status: number, headers?: object}[]} refusals
 */
async function flaky(refusals, use) {
  const seen = [];
  const server = http.createServer((request, response) => {
    seen.push(request.headers["x-stainless-retry-count"]);
    const refusal = refusals[seen.length - 1];
    if (refusal) {
      request.resume();
      response.writeHead(refusal.status, { "content-type": "application/json", ...refusal.headers });
      response.end("{\"error\":{\"message\":\"later\",\"type\":\"server_error\",\"code\":null}}");
      return;
    }
    const target = new URL(request.url, baseURL);
    const { request: open } = target.protocol === "https:" ? https : http;
    const onward = open(target, { method: request.method,
      headers: { ...request.headers, host: target.host } }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  await new Promise((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  const path = new URL(baseURL).pathname;
  try {
    await use(`http://127.0.0.1:${server.address().port}${path}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
  return seen;
}

async function retries() {
  const soon = { "retry-after-ms": "1" };
  const refusals = [{ status: 429, headers: soon }, { status: 503, headers: soon }];
  const seen = await flaky(refusals, async (url) => {
    const patient = new OpenAI({ baseURL: url, apiKey: "any", maxRetries: 2 });
    const answer = await patient.chat.completions.create(question);
    assert.ok(answer.choices[0].message.content.length > 0);
  });
  assert.deepEqual(seen, ["0", "1", "2"]);
  await flaky(refusals, async (url) => {
    const patient = new OpenAI({ baseURL: url, apiKey: "any", maxRetries: 2 });
    const events = await all(await patient.chat.completions.create({ ...question, stream: true }));
    assert.ok(events.length > 1);
  });
  await flaky(refusals, async (url) => {
    const hasty = new OpenAI({ baseURL: url, apiKey: "any", maxRetries: 0 });
    await assert.rejects(hasty.chat.completions.create(question), RateLimitError);
    await assert.rejects(hasty.chat.completions.create(question), InternalServerError);
  });
}

/** A node with one slot and no queue: some of many at once are told to come again. */
async function busy() {
  const long = { ...question, max_tokens: 200 };
  const found = await Promise.allSettled(Array.from({ length: 32 }, () =>
    client.chat.completions.create(long)));
  const refused = found.filter(({ status }) => status === "rejected").map(({ reason }) => reason);
  assert.ok(refused.length > 0 && refused.length < found.length, `${refused.length} refused`);
  for (const error of refused) {
    assert.ok(error instanceof RateLimitError, error.message);
    assert.equal(error.code, "queue_full");
    assert.match(error.headers.get("retry-after"), /^[1-9][0-9]*$/);
  }
}

/** A node that asks for a bearer token. */
async function keys() {
  await assert.rejects(client.chat.completions.create(question), (error) =>
    error instanceof AuthenticationError && error.code === "invalid_api_key");
  const known = new OpenAI({ baseURL, apiKey: process.env.CLIENT_KEY, maxRetries: 0 });
  assert.ok((await known.chat.completions.create(question)).id);
}

/** Only when they are asked for: they need nodes of their own. */
const special = { busy, keys };
const checks = { chat, stream, settings, completions, tools, toolRunner, jsonFormats, turns, embeddings,
  responses, responseTools, models, errors, aborts, retries };
const wanted = process.argv.length > 4 ? process.argv.slice(4) : Object.keys(checks);
let faults = 0;
for (const name of wanted) {
  try {
    await (checks[name] ?? special[name])();
    console.log(`ok: ${name}`);
  } catch (error) {
    faults++;
    console.log(`FAIL: ${name}: ${error.stack}`);
  }
}
process.exitCode = faults === 0 ? 0 : 1;
