// SPDX-License-Identifier: Apache-2.0
// Chat Completions in format `raw` as npm's `openai` reads them: what it makes of the daemon's stream is what it makes of
// the API's own.
//
// PORT: of the site (site/start); UPSTREAM: the API; KEY: what the daemon has for it.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI, { APIError } from "openai";
import { assertEachFails, brokenLater, lastRequest } from "./raw.mjs";

const { PORT, KEY } = process.env;
const client = new OpenAI({ baseURL: `http://127.0.0.1:${PORT}/v1`, apiKey: "the visitor's", maxRetries: 0 });

const tools = [
  {
    type: "function",
    function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } }, additionalProperties: {} } },
  },
];
const asked = (prompt, more = {}) => ({ model: "gpt-4o", messages: [{ role: "user", content: prompt }], ...more });

test("text, whole and piece by piece, and its usage", async () => {
  const stream = client.chat.completions.stream(asked("plain answer"));
  const pieces = [];
  stream.on("content", (piece) => pieces.push(piece));
  const completion = await stream.finalChatCompletion();
  assert.equal(completion.choices[0].message.content, "Hello from the upstream.");
  assert.equal(completion.choices[0].finish_reason, "stop");
  assert.deepEqual(pieces, ["Hello ", "from t", "he ups", "tream."]);
  assert.equal(completion.usage.prompt_tokens, 3);
  assert.equal(completion.usage.completion_tokens, 5);
});

test("every kind of character, and characters that the server cuts in two", async () => {
  const special = await client.chat.completions.stream(asked("special characters")).finalContent();
  assert.match(special, /^She said "hi" \\ and left\.\nA line\r\nand another,\ta tab, a \u0001 and a \u007f, é, 漢字, 😀/);
  assert.ok(special.endsWith('data: [DONE]\n\n"content":"trap"'));
  assert.equal(await client.chat.completions.stream(asked("split emoji")).finalContent(), "a😀b𝄞c");
});

test("an answer of a thousand events, and one event of a hundred thousand bytes", async () => {
  const numbers = Array.from({ length: 1000 }, (_, index) => String(index).padStart(3, "0") + " ");
  assert.equal(await client.chat.completions.stream(asked("long answer")).finalContent(), numbers.join(""));
  assert.equal(await client.chat.completions.stream(asked("huge event")).finalContent(), "x".repeat(100_000));
});

test("an answer with comments in its pauses", async () => {
  const text = await client.chat.completions.stream(asked("slow answer")).finalContent();
  assert.match(text, /^One word at a time, .* in the meantime\.$/);
});

test("calls of tools, their arguments whole", async () => {
  const { choices } = await client.chat.completions.stream(asked("tool answer", { tools, temperature: 0.5 })).finalChatCompletion();
  assert.equal(choices[0].finish_reason, "tool_calls");
  const calls = choices[0].message.tool_calls.map(({ function: { name, arguments: input } }) => [name, JSON.parse(input)]);
  assert.deepEqual(calls, [
    ["weather", { city: 'Köln "😀"', days: [1, 2], note: 'data: {"content":"trap"}' }],
    ["clock", {}],
  ]);
});

test("the request reaches the API as it was made, under the site's key", async () => {
  await client.chat.completions.stream(asked("plain answer", { tools, temperature: 0.5, seed: 7 })).done();
  const { headers, body } = await lastRequest();
  assert.equal(body.model, "gpt-4o");
  assert.deepEqual(body.tools, tools);
  assert.equal(body.temperature, 0.5);
  assert.equal(body.seed, 7);
  assert.equal(body.stream, true);
  assert.ok(!JSON.stringify(headers).includes("visitor"));
  assert.ok(JSON.stringify(headers).includes(KEY) || headers.authorization === "[REDACTED]", JSON.stringify(headers));
});

test("an answer that fails, before and after the first word, is an error and not an answer", async () => {
  const begun = new Set();
  await assertEachFails((prompt) => {
    const stream = client.chat.completions.stream(asked(prompt));
    stream.on("content", () => begun.add(prompt));
    return stream.finalChatCompletion();
  }, APIError);
  assert.deepEqual([...begun], brokenLater);
});

test("an error has the daemon's code, and the time to wait", async () => {
  await assert.rejects(client.chat.completions.stream(asked("rate limited")).finalContent(), (error) => {
    assert.equal(error.code, "upstream_busy");
    assert.equal(error.error.retry_after, 7);
    return true;
  });
});

test("the bare iterator throws too", async () => {
  const stream = await client.chat.completions.create(asked("cut short", { stream: true }));
  let text = "";
  await assert.rejects(async () => {
    for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  }, APIError);
  assert.ok("This sentence is never finished.".startsWith(text) && text !== "");
});

test("a client that loses interest", async () => {
  const stream = await client.chat.completions.create(asked("slow answer", { stream: true }));
  for await (const chunk of stream) if (chunk.choices[0]?.delta?.content) break;
  assert.equal(stream.controller.signal.aborted, true);
});
