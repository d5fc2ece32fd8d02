// SPDX-License-Identifier: Apache-2.0
// The README's JavaScript shows a whole answer, and throws at one that failed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { eventData } from "../event-stream.js";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const [, block] = readme.match(/^```js\n(.*?)^```/ms);
const AsyncFunction = (async () => {}).constructor;
const run = new AsyncFunction("eventData", "fetch", "prompt", "output", block.replace(/^import .*$/m, ""));

async function shown(body, status = 200) {
  let text = "";
  const fetch = async (url, { method, body: form }) => {
    assert.deepEqual([url, method, form.get("prompt")], ["chat.php", "POST", "Hello"]);
    return new Response(body, { status });
  };
  await run(eventData, fetch, "Hello", { append: (piece) => (text += piece) });
  return text;
}

assert.equal(await shown(':\n\ndata: {"content":"Hi"}\n\ndata: {"content":" there"}\n\ndata: [DONE]\n\n'), "Hi there");
await assert.rejects(shown('data: {"content":"Hi"}\n\ndata: {"error":"The answer broke off."}\n\n'), /The answer broke off/);
await assert.rejects(shown("", 401), /401/);
