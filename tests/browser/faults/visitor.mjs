// SPDX-License-Identifier: Apache-2.0
// Someone who chats, in tabs of Chromium, over a network of their own.
import { chromium, request } from "playwright-core";
import { chromiumOptions, startNetwork } from "../site.mjs";

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** All visitors' Chromium, which can be killed. */
export class Chromium {
  kills = 0;
  #server = null;
  #browser = null;

  /** It, started anew if it is gone. */
  running() {
    if (!this.#browser) {
      this.#browser = chromium.launchServer(chromiumOptions).then((server) => chromium.connect((this.#server = server).wsEndpoint()));
    }
    return this.#browser;
  }

  async kill() {
    ++this.kills;
    const gone = new Promise((resolve) => this.#server.on("close", resolve));
    this.#server.process().kill("SIGKILL");
    await gone;
    this.#browser = null;
  }

  async close() {
    await this.#server?.close();
  }
}

export class Visitor {
  name;
  pages = []; // the tabs
  alarms = []; // what the page has said of failures that it left to the visitor
  #conversation = null; // its address
  #chromium;
  #demo;
  #network;
  #requests; // without a browser
  #context = null;

  constructor(name, chromium, demo) {
    Object.assign(this, { name });
    this.#chromium = chromium;
    this.#demo = demo;
  }

  async begin() {
    this.#network = await startNetwork(this.#demo.origin);
    this.#requests = await request.newContext({
      baseURL: this.#demo.origin, ignoreHTTPSErrors: true, extraHTTPHeaders: { Authorization: "Bearer demo" },
    });
    await this.open();
  }

  async end() {
    await this.#context?.close().catch(() => {});
    await this.#requests.dispose();
    this.#network.close();
  }

  get page() {
    return this.pages[0];
  }

  get hasTabs() {
    return this.pages.length > 0 && this.#context.browser().isConnected();
  }

  /** A tab with the conversation, in a browser that has been started anew if it is gone. */
  async open() {
    if (!this.#context?.browser().isConnected()) {
      this.pages = [];
      const browser = await this.#chromium.running();
      this.#context = await browser.newContext({ ignoreHTTPSErrors: true });
      await this.#context.addInitScript(() => {
        // The clipboard is one for all tabs of all visitors.
        Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => void (globalThis.copied = text) } });
      });
    }
    const page = await this.#context.newPage();
    page.on("pageerror", (error) => this.alarms.push(`an error of the page: ${error.stack}`));
    this.pages.push(page);
    await this.#load(() => page.goto(this.#conversation ?? this.#network.origin));
  }

  // Again and again, as visitors do while Apache restarts.
  async #load(load) {
    for (let tries = 0; ; ++tries) {
      try {
        return await load();
      } catch (error) {
        if (tries === 20 || !/net::ERR/.test(error.message)) throw error;
        await pause(250);
      }
    }
  }

  async closeAll() {
    await Promise.all(this.pages.splice(0).map((page) => page.close()));
  }

  // --- What visitors do ---------------------------------------------------------------------------------------------

  async ask(question) {
    await this.page.fill("#prompt", question);
    await this.page.keyboard.press("Enter");
    this.#conversation ??= this.page.url();
  }

  async reload() {
    await this.#load(() => this.page.reload());
  }

  async loseNetwork(ms) {
    await this.#context.setOffline(true);
    this.#network.setDown(true);
    await pause(ms);
    this.#network.setDown(false);
    await this.#context.setOffline(false);
  }

  /** The tab's process is killed, and the visitor opens the conversation again. */
  async crash(pauseMs) {
    const [page] = this.pages.splice(0, 1);
    const session = await this.#context.newCDPSession(page);
    session.send("Page.crash").catch(() => {}); // which nobody answers
    await page.waitForEvent("crash");
    await pause(pauseMs);
    await this.open();
    await page.close();
  }

  async leave(pauseMs) {
    await this.closeAll();
    await pause(pauseMs);
    await this.open();
  }

  /** Clicks Stop so often; false if there was nothing to stop. */
  stop(times) {
    return this.page.evaluate((times) => {
      const button = document.getElementById("stop");
      if (button.hidden || button.disabled) return false;
      for (let time = 0; time < times; ++time) button.click();
      return true;
    }, times);
  }

  // --- What they see ------------------------------------------------------------------------------------------------

  /** The turns that the database has: {id, question, answer, cause}. */
  async stored() {
    if (this.#conversation === null) return [];
    const id = new URL(this.#conversation).searchParams.get("c");
    for (;;) {
      const response = await this.#requests.get(`/chat.php?conversation=${id}`).catch(() => null);
      if (response?.ok()) return (await response.json()).turns;
      await pause(100); // Apache is being restarted
    }
  }

  /** The status of a stop by the API. */
  async stopAnswer(answer) {
    const response = await this.#requests.post("/chat.php", { data: { stop: answer } }).catch(() => null);
    return response?.status();
  }

  /** Whether the first tab waits for an answer, or for more of it. */
  waits() {
    return this.page.evaluate(() => !document.getElementById("stop").hidden || document.querySelector("[aria-busy], .waiting") !== null);
  }

  /** Waits until nothing runs in any tab. */
  async rest() {
    for (const page of this.pages) {
      await page.waitForFunction(() => document.getElementById("stop").hidden && !document.querySelector("[aria-busy], .waiting"), null, { timeout: 120_000, polling: 50 });
    }
  }

  /** Waits until the database has the ends of all answers, and all tabs are at rest; repeats what could not be asked. */
  async settle(asked) {
    if (!this.hasTabs) await this.open();
    for (const deadline = Date.now() + 240_000; Date.now() < deadline; ) {
      await this.rest();
      const stored = await this.stored();
      const missing = asked.find(({ question }) => !stored.some((turn) => turn.question === question));
      if (!missing && stored.every(({ cause }) => cause !== null)) return;
      if (!(await this.tryAgain()) && missing) await this.ask(missing.question);
      await pause(200);
    }
    throw new Error("an answer has no end in the database");
  }

  /** The turns of a tab: {question, shown, copied, rendered, note, alarm}. */
  turns(page) {
    return page.evaluate(async () => {
      const { GrowingMarkdown } = await import("./markdown.js");
      const render = (text) => {
        const root = document.createElement("div");
        const markdown = new GrowingMarkdown(root);
        markdown.append(text);
        markdown.finish();
        return root.textContent;
      };
      const words = (article, selector) => article?.querySelector(selector)?.firstChild?.data ?? null;
      const turns = [];
      for (const question of document.querySelectorAll("article.user")) {
        const answer = question.nextElementSibling?.matches(".assistant") ? question.nextElementSibling : null;
        globalThis.copied = "";
        answer?.querySelector(".note button")?.click(); // Copy
        const copied = globalThis.copied;
        turns.push({
          question: question.querySelector(".text").textContent, shown: answer?.querySelector(".text").textContent ?? "", copied,
          rendered: render(copied), note: words(answer, ".note"), alarm: words(answer, ".alarm"),
        });
      }
      return turns;
    });
  }

  /** Clicks Try again, if the page offers it. */
  async tryAgain() {
    const button = this.page.locator(".alarm button:not([disabled])").last();
    if ((await button.count()) === 0) return false;
    this.alarms.push(await this.page.locator(".alarm").last().evaluate((alarm) => alarm.firstChild.data));
    await button.click();
    return true;
  }
}
