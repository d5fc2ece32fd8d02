// SPDX-License-Identifier: Apache-2.0
// Kept answers as other people's clients take them up again, in a real browser: the AI SDK's useChat({resume: true}) of
// version 5 and the present one, in React; and the browser's own EventSource. Through Apache, PHP and the daemon of build/.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { printed, startBrowser, startNetwork } from "./site.mjs";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const end = "to hear a real model.";

let directory, daemon, apache, network, origin, browser;

before(async () => {
  directory = mkdtempSync(path.join(tmpdir(), "resume-test-"));
  chmodSync(directory, 0o711); // Apache's user enters it
  const socket = path.join(directory, "daemon.sock");
  daemon = spawn(`${checkout}/build/daemon/streaming-daemon`,
    ["--config", "/dev/null", "--socket", socket, "--socket-mode", "0666", "--backend", "mock", "--delay", "400", "--metrics-addr", ""],
    { stdio: ["ignore", "ignore", "pipe"] });
  await printed(daemon.stderr, /ready on/);
  apache = spawn(`${checkout}/tests/servers/site/start`, [`${checkout}/build/mod_socket_handoff/mod_socket_handoff.so`, socket],
    { stdio: ["ignore", "pipe", "inherit"] });
  const [, port] = await printed(apache.stdout, /^(\d+)/);
  network = await startNetwork(`http://127.0.0.1:${port}`);
  origin = network.origin;
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  network?.close();
  for (const process of [apache, daemon]) {
    if (!process) continue;
    process.kill();
    await once(process, "exit");
  }
  rmSync(directory, { recursive: true, force: true });
});

/** A page of the site that runs this module, which may import what npm has installed here. */
async function open(context, source) {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: fileURLToPath(new URL(".", import.meta.url)), loader: "js" },
    bundle: true, write: false, format: "esm", define: { "process.env.NODE_ENV": '"production"' }, logLevel: "silent",
  });
  const page = await context.newPage();
  await page.route(`${origin}/app`, (route) => route.fulfill({ contentType: "text/html", body: '<div id="root"></div><script type="module" src="/app.js"></script>' }));
  await page.route(`${origin}/app.js`, (route) => route.fulfill({ contentType: "text/javascript", body: outputFiles[0].text }));
  await page.goto(`${origin}/app`);
  return page;
}

const text = (page) => page.evaluate(() => document.getElementById("root").textContent);
const until = (page, words) => page.waitForFunction((words) => document.getElementById("root").textContent.includes(words), words);

for (const [name, react, ai] of [["useChat", "@ai-sdk/react", "ai"], ["useChat of version 5", "ai-sdk-react-5", "ai-5"]]) {
  test(`${name} with resume: true goes on with an answer after a reload, and stays ready without one`, async () => {
    const id = `chat-${ai}`;
    const source = `
      import { createElement, useEffect } from "react";
      import { createRoot } from "react-dom/client";
      import { useChat } from "${react}";
      import { DefaultChatTransport } from "${ai}";
      const followed = JSON.stringify({ answer_id: "${id}", action: "follow", format: "ui-message" });
      const transport = new DefaultChatTransport({
        api: "/",
        prepareSendMessagesRequest: () => ({ body: { answer_id: "${id}", format: "ui-message", prompt: "hi" } }),
        prepareReconnectToStreamRequest: () => ({ api: "/?payload=" + encodeURIComponent(followed) }),
      });
      function Chat() {
        const { messages, status, error, sendMessage } = useChat({ id: "${id}", transport, resume: true });
        useEffect(() => { window.send = () => sendMessage({ text: "hi" }); });
        const answers = messages.filter(({ role }) => role === "assistant");
        const texts = answers.map(({ parts }) => parts.filter(({ type }) => type === "text").map(({ text }) => text).join("|"));
        return createElement("p", null, [status, error?.message ?? "", ...texts].join(" # "));
      }
      createRoot(document.getElementById("root")).render(createElement(Chat));`;
    const context = await browser.newContext();
    let page = await open(context, source);
    await until(page, "ready #");
    await page.evaluate(() => void window.send());
    await until(page, "You said: hi");
    await page.reload();
    await until(page, "You said: hi");
    assert.ok(!(await text(page)).includes(end), "in the middle of the answer");
    await until(page, end);
    await until(page, "ready #");
    assert.match(await text(page), /^ready # {2}# You said: hi [^|#]*real model\.$/);
    await context.close();
  });
}

test("an EventSource that has lost its connection goes on behind the last event, and ends at the end", async () => {
  const context = await browser.newContext();
  const payload = encodeURIComponent(JSON.stringify({ answer_id: "event-source", prompt: "hi" }));
  const page = await open(context, `
    window.opened = 0;
    window.ids = [];
    const source = new EventSource("/?payload=${payload}");
    source.onopen = () => ++window.opened;
    source.onerror = () => (window.gaveUp = source.readyState === source.CLOSED);
    source.onmessage = ({ data, lastEventId }) => {
      window.ids.push(lastEventId);
      if (data !== "[DONE]") document.getElementById("root").append(JSON.parse(data).content);
    };`);
  await until(page, "You said: hi");
  network.setDown(true);
  await page.waitForFunction(() => window.gaveUp === false); // it tries again
  network.setDown(false);
  await page.waitForFunction(() => window.gaveUp === true); // told by 204, after [DONE]
  const { ids, opened } = await page.evaluate(() => ({ ids: window.ids, opened: window.opened }));
  assert.deepEqual(ids, Array.from({ length: 19 }, (_, index) => String(index + 1)), "each event once");
  assert.ok(opened >= 2, `${opened}`);
  assert.ok((await text(page)).endsWith(end));
});
