// SPDX-License-Identifier: Apache-2.0
// browser.mjs chromium|firefox PARAMETERS: the visits by a page in a tab, driven by the DevTools protocol and by WebDriver BiDi.
// Then six more tabs are opened. Each of the seven begins an answer that stays, and asks for a page beside it; then all ask
// for one. At last the first tab is reloaded, and the others stop their answers.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { WebSocket } from "undici";
import { visits, holding } from "./visits.mjs";

const [browser, json] = process.argv.slice(2);
const parameters = JSON.parse(json);
const TABS = 7;

class Connection {
  #calls = new Map();
  #socket;
  static async to(url) {
    const connection = new Connection();
    connection.#socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      connection.#socket.onopen = resolve;
      connection.#socket.onerror = (event) => reject(event.error);
    });
    connection.#socket.onmessage = ({ data }) => connection.#receive(JSON.parse(data));
    return connection;
  }
  call(method, params = {}, rest = {}) {
    const id = this.#calls.size + 1;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { method, resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params, ...rest }));
    });
  }
  #receive({ id, result, error, message }) {
    const call = this.#calls.get(id);
    if (call === undefined) return; // an event
    if (error) call.reject(new Error(`${call.method}: ${message ?? error.message}`));
    else call.resolve(result);
  }
}

// Each has open(url), which returns a tab, and evaluate(tab, expression), whose value is a string.
const browsers = {
  chromium: {
    command: ["chromium", "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking",
      "--no-first-run", "--ignore-certificate-errors", "--remote-debugging-port=0"],
    profile: (directory) => [`--user-data-dir=${directory}`],
    listening: /^DevTools listening on (\S+)/,
    async connect(url) {
      const devTools = await Connection.to(url);
      const evaluate = async (sessionId, expression) => {
        const { result, exceptionDetails } =
          await devTools.call("Runtime.evaluate", { expression, awaitPromise: true }, { sessionId });
        if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
        return result.value;
      };
      const open = async (url) => {
        const { targetId } = await devTools.call("Target.createTarget", { url: "about:blank" });
        const { sessionId } = await devTools.call("Target.attachToTarget", { targetId, flatten: true });
        await devTools.call("Page.navigate", { url }, { sessionId });
        return sessionId;
      };
      return { open, evaluate, reload: (sessionId) => devTools.call("Page.reload", {}, { sessionId }) };
    },
  },
  firefox: {
    command: ["firefox-esr", "--headless", "--no-remote", "--remote-debugging-port", "0"],
    profile: (directory) => ["--profile", directory],
    listening: /^WebDriver BiDi listening on (\S+)/,
    async connect(url) {
      const biDi = await Connection.to(`${url}/session`);
      await biDi.call("session.new", { capabilities: { alwaysMatch: { acceptInsecureCerts: true } } });
      const evaluate = async (context, expression) => {
        const { result, exceptionDetails } =
          await biDi.call("script.evaluate", { expression, awaitPromise: true, target: { context } });
        if (exceptionDetails) throw new Error(exceptionDetails.text);
        return result.value;
      };
      const open = async (url) => {
        const { context } = await biDi.call("browsingContext.create", { type: "tab" });
        await biDi.call("browsingContext.navigate", { context, url, wait: "complete" });
        return context;
      };
      return { open, evaluate, reload: (context) => biDi.call("browsingContext.reload", { context, wait: "complete" }) };
    },
  },
};

const kind = browsers[browser];
const profile = mkdtempSync(join(tmpdir(), `${browser}-`));
const [program, ...words] = kind.command;
const child = spawn(program, [...words, ...kind.profile(profile)], { stdio: ["ignore", "ignore", "pipe"] });
const exited = new Promise((resolve) => child.on("exit", resolve));

async function address() {
  for await (const line of createInterface(child.stderr)) {
    const found = kind.listening.exec(line);
    if (found) return found[1];
  }
  throw new Error(`${program} ended before it could be driven`);
}

try {
  const { open, evaluate, reload } = await kind.connect(await address());
  child.stderr.resume();
  // The value is sent as text. What one call leaves in the window is there for the next.
  const ask = async (tab, code) => JSON.parse(await evaluate(tab, `(async () => JSON.stringify(await ${code}))()`));
  const page = `${parameters.origin}/page/${parameters.name}`;
  const tabs = [await open(`${page}-tab0`)];
  const ended = [await ask(tabs[0], `(${visits})(fetch, ${json})`)];
  for (let i = 1; i < TABS; ++i) tabs.push(await open(`${page}-tab${i}`));
  for (let i = 0; i < TABS; ++i) {
    const own = JSON.stringify({ ...parameters, name: `${parameters.name}-tab${i}` });
    await ask(tabs[i], `((window.held = (${holding})(fetch, ${own})), window.held.begun)`);
  }
  await Promise.all(tabs.map((tab) => ask(tab, "window.held.askBeside()")));
  // What the first one's page has seen ends with it.
  const first = await ask(tabs[0], "window.held.ended");
  ended.push(first, [{ path: `/answer/${parameters.name}-tab0-stopped`, error: "reloaded" }]);
  await reload(tabs[0]);
  for (const tab of tabs.slice(1)) ended.push(await ask(tab, "window.held.stop()"));
  console.log(JSON.stringify(ended.flat()));
} finally {
  child.kill();
  await exited;
  rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
}
