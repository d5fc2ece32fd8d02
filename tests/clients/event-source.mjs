// SPDX-License-Identifier: Apache-2.0
// The daemon's streams as npm's `eventsource` (a browser's EventSource) and `eventsource-parser` read them.
//
// PORT: of the site (site/start), its daemon started with done_event.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EventSource } from "eventsource";
import { createParser } from "eventsource-parser";

const url = (payload) => `http://127.0.0.1:${process.env.PORT}/?payload=${encodeURIComponent(JSON.stringify(payload))}`;

const isText = (data) => data.startsWith('{"content"');

test("eventsource hears the end, and does not ask again", async () => {
  const texts = [];
  const source = new EventSource(url({ backend: "mock", prompt: "hi" }));
  source.onmessage = ({ data }) => texts.push(data);
  const done = await new Promise((resolve, reject) => {
    source.addEventListener("done", resolve);
    source.onerror = reject;
  });
  source.close();
  assert.equal(done.lastEventId, "done");
  assert.equal(texts.filter(isText).length, 18);
});

// How often it opened the stream and heard of the end, until it gave up by itself.
async function untilClosed(payload) {
  let done = 0;
  let opened = 0;
  const source = new EventSource(url(payload));
  source.onopen = () => ++opened;
  source.addEventListener("done", () => ++done);
  const awake = setInterval(() => {}, 1000); // the library's own timer keeps no process alive
  await new Promise((resolve) => {
    source.onerror = () => source.readyState === source.CLOSED && resolve();
  });
  clearInterval(awake);
  return { opened, done };
}

test("eventsource that asks again after the end is told by 204 to stop, and the prompt is not run twice", async () => {
  const [content, raw] = await Promise.all([
    untilClosed({ backend: "mock", prompt: "hi" }),
    untilClosed({ prompt: "plain answer", format: "raw" }),
  ]);
  assert.deepEqual(content, { opened: 1, done: 1 });
  assert.deepEqual(raw, { opened: 1, done: 0 });
});

async function parsed(payload, { comments = [], pauses = [] } = {}) {
  const events = [];
  const parser = createParser({
    onEvent: (event) => events.push(event),
    onRetry: (milliseconds) => pauses.push(milliseconds),
    onComment: (comment) => comments.push(comment),
    onError: (error) => assert.fail(error),
  });
  const answer = await fetch(url(payload));
  for await (const text of answer.body.pipeThrough(new TextDecoderStream())) parser.feed(text);
  return events;
}

test("eventsource-parser reads every format", async () => {
  const content = await parsed({ backend: "mock", format: "content" });
  assert.equal(content.length, 18 + 2);
  assert.deepEqual(content.at(-2), { id: "done", event: "done", data: "{}" });
  assert.equal(content.at(-1).data, "[DONE]");

  const raw = await parsed({ prompt: "plain answer", format: "raw" });
  assert.equal(raw.slice(0, -1).map(({ data }) => JSON.parse(data).choices[0]?.delta?.content ?? "").join(""), "Hello from the upstream.");

  const message = await parsed({ prompt: "plain answer", format: "ui-message" });
  assert.deepEqual(message.slice(0, 2).map(({ data }) => JSON.parse(data).type), ["start", "start-step"]);
  assert.equal(message.at(-1).data, "[DONE]");
  assert.ok(!message.some(({ event }) => event));
});

test("eventsource-parser reads past the comments in an answer's pauses", async () => {
  for (const format of ["content", "raw", "ui-message"]) {
    const comments = [];
    const events = await parsed({ prompt: "slow answer", format }, { comments });
    assert.ok(comments.filter((comment) => comment.trim() === "ping").length > 10, format);
    assert.equal(events.at(-1).data, "[DONE]");
  }
});

test("an EventSource waits after an error as long as it is asked to, and is then told by 204 to stop", async () => {
  for (const payload of [
    { prompt: "rate limited" },
    { prompt: "rate limited", format: "raw" },
    { prompt: "cut short" },
    { prompt: "cut short", format: "raw" },
  ]) {
    const pauses = [];
    const events = await parsed(payload, { pauses });
    assert.equal(events.at(-1).id, "error", JSON.stringify(payload));
    assert.deepEqual(pauses, [payload.prompt === "rate limited" ? 7000 : 30_000]);
    const again = await fetch(url(payload), { headers: { "Last-Event-ID": "error" } });
    assert.equal(again.status, 204);
  }
});

test("an error has a code by which programs know what to do", async () => {
  const codes = {
    "bad key": "upstream_refused", "rate limited": "upstream_busy", "server error": "upstream_failed",
    "malformed answer": "upstream_malformed", "cut short": "upstream_truncated",
  };
  for (const [prompt, code] of Object.entries(codes)) {
    const error = JSON.parse((await parsed({ prompt })).at(-1).data);
    assert.equal(error.code, code, prompt);
    assert.equal(error.retry_after, prompt === "rate limited" ? 7 : undefined);
  }
});

test("eventsource-parser finds an error and no end in an answer that broke off", async () => {
  for (const format of ["content", "raw", "ui-message"]) {
    const events = await parsed({ prompt: "cut short", format });
    assert.match(events.at(-1).data, /The answer broke off\./, format);
    assert.ok(!events.some(({ data, event }) => data === "[DONE]" || event === "done"), format);
  }
});
