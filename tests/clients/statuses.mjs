// SPDX-License-Identifier: Apache-2.0
// What the vendors' libraries make of a failure before the first event where the daemon holds the head back for it
// (early_head = false): the errors by which applications tell them apart.
//
// PORT: of the site (site/start).
import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const { PORT } = process.env;
const options = { apiKey: "the visitor's", maxRetries: 0 };
const openai = new OpenAI({ baseURL: `http://127.0.0.1:${PORT}/v1`, ...options });
const anthropic = new Anthropic({ baseURL: `http://127.0.0.1:${PORT}`, ...options });
const messages = (content) => ({ model: "m", max_tokens: 9, messages: [{ role: "user", content }], stream: true });

for (const [name, library, ask] of [
  ["openai", OpenAI, (prompt) => openai.chat.completions.create(messages(prompt))],
  ["@anthropic-ai/sdk", Anthropic, (prompt) => anthropic.messages.create(messages(prompt))],
]) {
  test(`${name}: a limit of its rate, with the time to wait`, async () => {
    await assert.rejects(ask("rate limited"), (error) => {
      assert.ok(error instanceof library.RateLimitError, String(error));
      assert.equal(error.headers.get("retry-after"), "7");
      return true;
    });
  });

  test(`${name}: any other failure is the server's`, async () => {
    for (const prompt of ["bad key", "server error", "no answer"]) {
      await assert.rejects(ask(prompt), (error) => {
        assert.ok(error instanceof library.InternalServerError, `${prompt}: ${error}`);
        assert.equal(error.status, 502);
        assert.doesNotMatch(error.message, /sk-/);
        return true;
      });
    }
  });

  test(`${name}: a good answer after all that`, async () => {
    let events = 0;
    for await (const _ of await ask("plain answer")) ++events;
    assert.ok(events > 4);
  });
}
