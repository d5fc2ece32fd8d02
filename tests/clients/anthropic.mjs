// SPDX-License-Identifier: Apache-2.0
// Anthropic's messages in format `raw` as npm's `@anthropic-ai/sdk` reads them. The variables are those of
// openai-chat.mjs.
import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic, { APIError } from "@anthropic-ai/sdk";
import { assertEachFails, assertRequested } from "./raw.mjs";

const { PORT } = process.env;
const client = new Anthropic({ baseURL: `http://127.0.0.1:${PORT}`, apiKey: "the visitor's", maxRetries: 0 });

const tools = [{ name: "weather", input_schema: { type: "object", properties: {} } }];
const asked = (prompt, more = {}) => ({ model: "claude-haiku-4-5", max_tokens: 500, messages: [{ role: "user", content: prompt }], ...more });

test("text, whole and piece by piece, and its usage", async () => {
  const stream = client.messages.stream(asked("plain answer"));
  const pieces = [];
  stream.on("text", (piece) => pieces.push(piece));
  const message = await stream.finalMessage();
  assert.deepEqual(message.content.map(({ type, text }) => [type, text]), [["text", "Hello from the upstream."]]);
  assert.deepEqual(pieces, ["Hello ", "from t", "he ups", "tream."]);
  assert.equal(message.stop_reason, "end_turn");
  assert.equal(message.usage.input_tokens, 3);
  assert.equal(message.usage.output_tokens, 5);
});

test("every kind of character", async () => {
  const text = await client.messages.stream(asked("special characters")).finalText();
  assert.match(text, /^She said "hi" \\ and left\.\nA line\r\nand another,\ta tab, a \u0001 and a \u007f, é, 漢字, 😀/);
});

test("an answer with comments in its pauses", async () => {
  assert.match(await client.messages.stream(asked("slow answer")).finalText(), /^One word at a time, .* in the meantime\.$/);
});

test("uses of tools, their input whole", async () => {
  const stream = client.messages.stream(asked("tool answer", { tools }));
  const pieces = [];
  stream.on("inputJson", (piece) => pieces.push(piece));
  const message = await stream.finalMessage();
  assert.equal(message.stop_reason, "tool_use");
  assert.deepEqual(message.content.filter(({ type }) => type === "tool_use").map(({ name, input }) => [name, input]), [
    ["weather", { city: 'Köln "😀"', days: [1, 2], note: 'data: {"content":"trap"}' }],
    ["clock", {}],
  ]);
  assert.ok(pieces.length > 2, "they were streamed");
});

test("what the model thinks", async () => {
  const { content } = await client.messages.stream(asked("reasoned answer")).finalMessage();
  assert.equal(content.find(({ type }) => type === "thinking").thinking, "Six times seven.");
  assert.equal(content.find(({ type }) => type === "text").text, "42");
});

test("the request reaches the API as it was made", async () => {
  await client.messages.stream(asked("plain answer", { tools, temperature: 0.5, system: "Be brief." })).done();
  await assertRequested("/v1/messages");
});

test("an answer that fails, before and after the first word, is an error and not an answer", async () => {
  await assertEachFails((prompt) => client.messages.stream(asked(prompt)).finalMessage(), APIError);
});

test("an error has the daemon's code, and the time to wait", async () => {
  await assert.rejects(client.messages.stream(asked("rate limited")).finalMessage(), ({ error: { error } }) => {
    assert.equal(error.code, "upstream_busy");
    assert.equal(error.retry_after, 7);
    return true;
  });
});

test("a client that loses interest", async () => {
  const stream = await client.messages.create(asked("slow answer", { stream: true }));
  for await (const { type } of stream) if (type === "content_block_delta") break;
  assert.equal(stream.controller.signal.aborted, true);
});
