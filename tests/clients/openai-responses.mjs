// SPDX-License-Identifier: Apache-2.0
// The Responses API in format `raw` as npm's `openai` reads it. The variables are those of openai-chat.mjs.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { assertEachFails, assertRequested } from "./raw.mjs";

const { PORT } = process.env;
const client = new OpenAI({ baseURL: `http://127.0.0.1:${PORT}/v1`, apiKey: "the visitor's", maxRetries: 0 });

const tools = [{ type: "function", name: "weather", parameters: { type: "object", properties: {} }, strict: false }];
const asked = (prompt, more = {}) => ({ model: "gpt-4o", input: prompt, ...more });

test("text, whole and piece by piece, and its usage", async () => {
  const stream = client.responses.stream(asked("plain answer"));
  const pieces = [];
  stream.on("response.output_text.delta", ({ delta }) => pieces.push(delta));
  const response = await stream.finalResponse();
  assert.equal(response.status, "completed");
  assert.equal(response.output_text, "Hello from the upstream.");
  assert.deepEqual(pieces, ["Hello ", "from t", "he ups", "tream."]);
  assert.equal(response.usage.input_tokens, 3);
  assert.equal(response.usage.output_tokens, 5);
});

test("every kind of character", async () => {
  const { output_text: text } = await client.responses.stream(asked("special characters")).finalResponse();
  assert.match(text, /^She said "hi" \\ and left\.\nA line\r\nand another,\ta tab, a \u0001 and a \u007f, é, 漢字, 😀/);
});

test("calls of tools, their arguments whole", async () => {
  const stream = client.responses.stream(asked("tool answer", { tools }));
  const streamed = {};
  stream.on("response.function_call_arguments.delta", ({ output_index: index, delta }) => {
    streamed[index] = (streamed[index] ?? "") + delta;
  });
  const { output } = await stream.finalResponse();
  const calls = output.filter(({ type }) => type === "function_call");
  assert.deepEqual(calls.map(({ name, arguments: input }) => [name, JSON.parse(input)]), [
    ["weather", { city: 'Köln "😀"', days: [1, 2], note: 'data: {"content":"trap"}' }],
    ["clock", {}],
  ]);
  assert.deepEqual(Object.values(streamed), calls.map(({ arguments: input }) => input));
});

test("what the model thinks", async () => {
  const { output } = await client.responses.stream(asked("reasoned answer")).finalResponse();
  assert.deepEqual(output.find(({ type }) => type === "reasoning").summary.map(({ text }) => text), ["Six times seven."]);
});

test("the request reaches the API as it was made", async () => {
  await client.responses.stream(asked("plain answer", { tools, temperature: 0.5, instructions: "Be brief." })).done();
  await assertRequested("/v1/responses");
});

test("an answer that fails, before and after the first word, is an error and not an answer", async () => {
  await assertEachFails((prompt) => client.responses.stream(asked(prompt)).finalResponse());
});
