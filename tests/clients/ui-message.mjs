// SPDX-License-Identifier: Apache-2.0
// The format `ui-message` as npm's `ai` reads it, which refuses a stream for one frame that it does not expect: with the
// transport and the reader of the present version, and of version 5.
//
// PORT: of the site (site/start).
import assert from "node:assert/strict";
import { test } from "node:test";
import * as ai from "ai";
import * as ai5 from "ai-5";

const api = `http://127.0.0.1:${process.env.PORT}/`;

// The message as the client has it in the end, its chunks, and the errors that it was told.
async function ask(library, payload) {
  const transport = new library.DefaultChatTransport({
    api,
    prepareSendMessagesRequest: () => ({ body: { format: "ui-message", ...payload } }),
  });
  const stream = await transport.sendMessages({ chatId: "c", messages: [], trigger: "submit-message" });
  const [forMessage, forChunks] = stream.tee();
  const errors = [];
  const chunks = [];
  let message;
  const readMessage = async () => {
    for await (message of library.readUIMessageStream({ stream: forMessage, onError: (error) => errors.push(error) }));
  };
  const readChunks = async () => {
    for await (const chunk of forChunks) chunks.push(chunk);
  };
  await Promise.all([readMessage(), readChunks()]);
  return { message, errors, chunks };
}

const partsOf = (answer, type) => answer.message.parts.filter((part) => part.type === type);

function assertWhole(answer, finishReason) {
  assert.deepEqual(answer.errors, []);
  assert.deepEqual(answer.chunks.at(0).type, "start");
  assert.deepEqual(answer.chunks.at(-1), { type: "finish", finishReason });
}

for (const [name, library] of [["ai", ai], ["ai 5", ai5]]) {
  test(`${name}: the mock's answer`, async () => {
    const answer = await ask(library, { backend: "mock", prompt: "hi", request_id: "r-1" });
    assertWhole(answer, "stop");
    assert.equal(answer.message.id, "r-1");
    const [text, ...others] = partsOf(answer, "text");
    assert.deepEqual(others, []);
    assert.match(text.text, /^You said: hi .*a real model\.$/);
    assert.equal(text.state, "done");
  });

  test(`${name}: text with every kind of character`, async () => {
    const answer = await ask(library, { prompt: "special characters" });
    assertWhole(answer, "stop");
    assert.match(partsOf(answer, "text")[0].text, /^She said "hi" \\ and left\.\nA line\r\nand another,\ta tab, a \u0001.*漢字, 😀/s);
  });

  test(`${name}: reasoning, then text`, async () => {
    const answer = await ask(library, { prompt: "reasoned answer" });
    assertWhole(answer, "stop");
    assert.equal(partsOf(answer, "reasoning")[0].text, "Six times seven.");
    assert.equal(partsOf(answer, "text")[0].text, "42");
  });

  test(`${name}: tools, with text before them`, async () => {
    const answer = await ask(library, { prompt: "tool answer" });
    assertWhole(answer, "tool-calls");
    assert.equal(partsOf(answer, "text")[0].text, "I look.");
    const [weather] = partsOf(answer, "tool-weather");
    assert.equal(weather.state, "input-available");
    assert.deepEqual(weather.input, { city: "Köln \"😀\"", days: [1, 2], note: "data: {\"content\":\"trap\"}" });
    assert.deepEqual(partsOf(answer, "tool-clock")[0].input, {});
  });

  test(`${name}: a tool's input that the client would refuse`, async () => {
    for (const prompt of ["broken tool", "forbidden tool"]) {
      const answer = await ask(library, { prompt });
      assertWhole(answer, "tool-calls");
      const [part] = partsOf(answer, "tool-weather");
      assert.equal(part.state, "output-error", prompt);
      assert.equal(part.errorText, "The tool's input is not valid JSON.");
    }
  });

  test(`${name}: an answer with comments in its pauses`, async () => {
    const answer = await ask(library, { prompt: "slow answer" });
    assertWhole(answer, "stop");
    assert.match(partsOf(answer, "text")[0].text, /^One word at a time, .* in the meantime\.$/);
  });

  test(`${name}: an empty answer`, async () => assertWhole(await ask(library, { prompt: "empty answer" }), "stop"));

  test(`${name}: answers that fail, before and after the first word`, async () => {
    for (const prompt of ["bad key", "rate limited", "malformed answer", "no answer", "cut short"]) {
      const answer = await ask(library, { prompt });
      assert.equal(answer.errors.length, 1, prompt);
      assert.match(answer.errors[0].message, /^The (model|model's answer|answer) /);
      assert.equal(answer.chunks.at(-1).type, "error", prompt);
      const { code, retry_after: pause } = answer.chunks.find((chunk) => chunk.type === "data-error").data;
      assert.match(code, /^upstream_/, prompt);
      assert.equal(pause, prompt === "rate limited" ? 7 : undefined);
      assert.ok(!answer.message?.parts.some((part) => part.type === "data-error"), "it leaves no trace in the message");
      assert.ok(!answer.chunks.some((chunk) => chunk.type === "finish"), prompt);
    }
  });
}

test("the head says what the format is", async () => {
  const answer = await fetch(api, { method: "POST", body: '{"backend":"mock","format":"ui-message"}' });
  assert.equal(answer.headers.get("x-vercel-ai-ui-message-stream"), "v1");
  assert.match(await answer.text(), /data: \[DONE\]\n\n$/);
});
