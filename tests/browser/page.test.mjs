// SPDX-License-Identifier: Apache-2.0
// The chat page in a real browser: what it shows, what it sends, and what it says when something fails.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { after, before, beforeEach, test } from "node:test";
import { beginAnswer, content, failing, login, numbered, startBrowser, startSite, whole } from "./site.mjs";

let site, browser, page, complaints;

before(async () => {
  [site, browser] = await Promise.all([startSite(), startBrowser()]);
});
after(async () => {
  await browser?.close();
  site?.close();
});
beforeEach(async () => {
  site.requests.length = 0;
  site.turns = [];
  await open();
});

async function open(options = {}) {
  await page?.context().close();
  page = await (await browser.newContext(options)).newPage();
  complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  await page.goto(site.origin);
}

async function ask(question = "Hello") {
  await page.fill("#prompt", question);
  await page.keyboard.press("Enter");
}

const lastText = () => page.locator("article.assistant .text").last();
const note = () => page.locator("article:last-of-type .note");
const alarm = () => page.locator("article:last-of-type .alarm");

async function askAndAwait(question) {
  await ask(question);
  await note().waitFor();
}

// Seconds of CPU that the page's main thread has used since the last call.
async function mainThreadMeter() {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.setTimeDomain", { timeDomain: "threadTicks" });
  await session.send("Performance.enable");
  let before = 0;
  return async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    const now = metrics.find(({ name }) => name === "TaskDuration").value;
    const used = now - before;
    before = now;
    return used;
  };
}

// --- Long answers ---------------------------------------------------------------------------------------------------

const kinds = { words: "word ", code: "line of code\n", paragraphs: "one\n\ntwo ", list: "- item\n", table: "| a | b |\n" };
const beginnings = { code: "```\n", table: "| a | b |\n|---|---|\n" };

for (const [kind, piece] of Object.entries(kinds)) {
  test(`20,000 events of ${kind} take less than three seconds of CPU, in proportion to their number`, async () => {
    const meter = await mainThreadMeter();
    const costs = [];
    for (const events of [5000, 20_000]) {
      site.answer = async (response) => {
        beginAnswer(response);
        response.write(content(beginnings[kind] ?? ""));
        for (let sent = 0; sent < events; sent += 50) {
          response.write(content(piece).repeat(50));
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        response.end("data: [DONE]\n\n");
      };
      await open();
      const cost = await mainThreadMeter();
      await cost();
      await askAndAwait();
      costs.push(await cost());
    }
    if (process.env.SHOW_FIGURES) console.log(kind, costs.map((cost) => `${cost.toFixed(2)} s`).join(" and "));
    if (loadavg()[0] <= cpus().length) assert.ok(costs[1] < 3, `${costs[1]} s`); // on a busy machine a second is worth less
    assert.ok(costs[1] < 8 * costs[0], costs.join(" and "));
  });
}

test("Stop acts in the middle of an answer that comes as fast as it can", async () => {
  let going = true;
  site.answer = async (response, { stop }) => {
    if (stop) {
      going = false;
      return failing(204)(response);
    }
    beginAnswer(response);
    while (going) {
      response.write(content("word ").repeat(500));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    response.end('data: {"stopped":true}\n\ndata: [DONE]\n\n');
  };
  await ask();
  await page.waitForFunction(() => document.querySelector(".assistant .text").textContent.length > 20_000);
  const ms = await page.evaluate(async () => {
    const began = performance.now();
    document.getElementById("stop").click();
    while (!document.querySelector(".note")) await new Promise((resolve) => setTimeout(resolve, 1));
    return performance.now() - began;
  });
  if (process.env.SHOW_FIGURES) console.log(`Stop took ${ms.toFixed(0)} ms`);
  assert.match(await note().textContent(), /^Stopped\./);
});

test("a hidden tab shows the answer too", async () => {
  site.answer = (response) => {
    beginAnswer(response);
    response.write(content("while hidden"));
  };
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true });
    window.requestAnimationFrame = () => 0; // as in a hidden tab
  });
  await ask();
  await page.waitForFunction(() => document.querySelector(".assistant .text")?.textContent === "while hidden", null, { polling: 50 });
});

// --- What a model writes --------------------------------------------------------------------------------------------

test("Markdown, however it is divided", async () => {
  const source = "# Title\n\nSome **bold**, *slanted* and `code`.\n\n1. one\n2. two\n   - inner\n\n```js\nlet a = 1;\n\nlet b;\n```\n\n" +
    "| a | b |\n|---|--:|\n| 1 | 2 |\n\n> quoted\n\nLast line.";
  const shapes = [];
  for (const pieces of [[source], [...source], source.split(/(?<=\n)/)]) {
    site.answer = whole(...pieces);
    await askAndAwait();
    shapes.push(await lastText().evaluate((text) => text.innerHTML.replaceAll('<div class="part"></div>', "")));
  }
  assert.equal(shapes[1], shapes[0]);
  assert.equal(shapes[2], shapes[0]);
  for (const part of [
    '<h3 dir="auto">Title</h3>', "<strong>bold</strong>", "<em>slanted</em>", "<code>code</code>", '<ol><li dir="auto">one</li>',
    '<ul><li dir="auto">inner</li></ul>', "<code>let a = 1;\n\nlet b;\n</code>", '<td dir="auto" class="align-right">2</td>',
    '<blockquote><p dir="auto">quoted</p></blockquote>', '<p dir="auto">Last line.</p>',
  ]) {
    assert.ok(shapes[0].includes(part), `${part} in ${shapes[0]}`);
  }
});

test("an answer copied is the model's own text, and a block of code its code", async () => {
  await open({ permissions: ["clipboard-read", "clipboard-write"] });
  const source = "**Run** this:\n\n```sh\nls -l\n```\n\nDone.";
  site.answer = whole(...source);
  await askAndAwait();
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await page.click(".code .copy");
  assert.equal(await clipboard(), "ls -l\n");
  await page.click(".note button");
  await page.waitForFunction(() => document.querySelector(".note button").textContent === "Copied");
  assert.equal(await clipboard(), source);
});

test("what a model writes runs nothing, loads nothing and reaches no dangerous address", async () => {
  const loaded = [];
  page.on("request", (request) => loaded.push(request.url()));
  site.answer = whole(
    "<img src=x onerror=alert(1)><script>alert(1)</script>\n\n![secret](https://evil.example/?q=secret) " +
      "[a](javascript:alert(1)) [b](data:text/html,x) [c](vbscript:x) <javascript:alert(1)> [d](https://good.example/)\n\n" +
      "```\"onclick=alert(1)\nx\n```\n\n[e]: javascript:alert(1)\n[e]",
  );
  await askAndAwait();
  assert.deepEqual(await lastText().locator("img, script, iframe, [onclick], [onerror], [style]").count(), 0);
  const links = await lastText().locator("a").evaluateAll((all) => all.map(({ href, rel }) => [href, rel]));
  assert.deepEqual(links, [
    ["https://evil.example/?q=secret", "noopener noreferrer nofollow"],
    ["https://good.example/", "noopener noreferrer nofollow"],
  ]);
  assert.deepEqual(loaded.filter((url) => !url.startsWith(site.origin)), []);
  assert.deepEqual(complaints, []);
});

test("hostile depth and length leave the page alive", async () => {
  for (const text of ["> ".repeat(5000), "- ".repeat(5000), "[".repeat(20_000), "*a ".repeat(20_000), "`".repeat(5000), "| ".repeat(5000) + "\n" + "|-".repeat(5000)]) {
    site.answer = whole(text, "\n\n", "alive");
    await askAndAwait();
    assert.match(await lastText().textContent(), /alive/);
  }
  assert.deepEqual(complaints, []);
});

test("the example's own policy forbids inline scripts and text as HTML, and the page needs neither", async () => {
  const policy = (await page.reload()).headers()["content-security-policy"];
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /require-trusted-types-for 'script'/);
  assert.doesNotMatch(policy, /unsafe/);
  site.answer = whole("fine");
  await askAndAwait();
  assert.deepEqual(complaints, []);
  const thrown = await page.evaluate(() => {
    try {
      document.body.innerHTML = "<b>";
      return null;
    } catch (error) {
      return error.name;
    }
  });
  assert.equal(thrown, "TypeError");
});

// --- Turns ----------------------------------------------------------------------------------------------------------

const texts = (selector) => page.locator(selector).evaluateAll((all) => all.map((element) => element.textContent));

test("a conversation is shown again after a reload, and after Back", async () => {
  site.answer = whole("first");
  await askAndAwait("one");
  const address = page.url();
  assert.match(address, /\?c=[0-9a-f]{32}$/);
  const { conversation, answer } = site.requests[0];
  assert.equal(address, `${site.origin}/?c=${conversation}`);
  site.turns = [{ id: answer, question: "one", answer: "*first*", cause: "completed" }];
  await page.reload();
  await lastText().locator("em").waitFor();
  assert.deepEqual(await texts(".user .text"), ["one"]);
  await page.click("#restart");
  assert.equal(await page.locator("#welcome").isVisible(), true);
  await page.goBack();
  await lastText().locator("em").waitFor();
});

test("an answer that runs is followed from its beginning after a reload", async () => {
  site.turns = [
    { id: "a1", question: "one", answer: "first", cause: "completed" },
    { id: "a2", question: "two", answer: null, cause: null },
  ];
  site.answer = whole("whole ", "second");
  await page.goto(`${site.origin}/?c=0123456789abcdef`);
  await note().waitFor();
  assert.deepEqual(site.requests, [{ follow: "a2" }]);
  assert.deepEqual(await texts(".assistant .text"), ["first", "whole second"]);
});

test("an answer that runs and cannot be read for a while is followed after a reload all the same", async () => {
  site.turns = [{ id: "a1", question: "one", answer: null, cause: null }];
  site.answer = (response) => (site.requests.length < 3 ? failing(503, { "Retry-After": "1" })(response) : whole("whole")(response));
  await page.goto(`${site.origin}/?c=0123456789abcdef`);
  await note().waitFor();
  assert.deepEqual(site.requests, [{ follow: "a1" }, { follow: "a1" }, { follow: "a1" }]);
  assert.deepEqual(await texts(".assistant .text"), ["whole"]);
});

test("a connection that is cut goes on behind the last event that was read", async () => {
  site.answer = (response, body) => {
    beginAnswer(response);
    if (body.prompt) response.write(numbered(1, "half ") + numbered(2, "way "));
    else response.end(numbered(3, "there") + "data: [DONE]\n\n");
  };
  await ask();
  await page.waitForFunction(() => document.querySelector(".assistant .text")?.textContent === "half way");
  site.cutAll();
  await note().waitFor();
  assert.equal(await lastText().textContent(), "half way there");
  assert.deepEqual(site.requests[1], { follow: site.requests[0].answer, after: "2" });
  assert.equal(await page.locator(".trouble").count(), 0);
});

test("a question whose answer never began is asked again under the same name", async () => {
  let times = 0;
  site.answer = (response) => (++times < 3 ? response.destroy() : whole("at last")(response));
  await askAndAwait();
  assert.equal(new Set(site.requests.map(({ answer }) => answer)).size, 1);
  assert.equal(await lastText().textContent(), "at last");
});

test("a browser without a network waits for it, and says so", async () => {
  site.answer = (response, { prompt }) => {
    beginAnswer(response);
    if (prompt) response.write(numbered(1, "half "));
    else response.end(numbered(2, "way") + "data: [DONE]\n\n");
  };
  await ask();
  await page.waitForFunction(() => document.querySelector(".assistant .text")?.textContent === "half");
  site.cutAll();
  await page.context().setOffline(true);
  await page.locator(".trouble").waitFor();
  await page.context().setOffline(false);
  await note().waitFor();
  assert.equal(await lastText().textContent(), "half way");
});

test("an answer that the daemon has no more is taken from the conversation", async () => {
  site.answer = (response, body) => {
    if (!body.prompt) return failing(204)(response);
    site.turns = [{ id: body.answer, question: "Hello", answer: "half and **half**", cause: "upstream_truncated" }];
    beginAnswer(response);
    response.write(numbered(1, "half "));
  };
  await ask();
  await page.waitForFunction(() => document.querySelector(".assistant .text")?.textContent === "half");
  site.cutAll();
  await alarm().waitFor();
  assert.equal(await lastText().textContent(), "half and half");
});

test("a question whose answer nobody has begun can be asked anew while the page waits for its text", async () => {
  await page.clock.install();
  const lost = { id: "0123456789abcdef", question: "Hello", answer: "", cause: null };
  site.turns = [lost];
  site.answer = (response, body) => (body.prompt ? whole("at last")(response) : failing(204)(response));
  await page.goto(`${site.origin}/?c=0123456789abcdef`);
  const again = page.locator(".trouble button");
  for (let s = 0; s < 20 && (await again.count()) === 0; ++s) await page.clock.runFor(1000);
  await again.click();
  await page.clock.runFor(100);
  await note().waitFor();
  assert.equal(await lastText().textContent(), "at last");
  assert.equal(site.requests.at(-1).instead, lost.id);
  await page.clock.runFor(20_000); // the one that was waited for
  assert.equal(await page.locator(".assistant").count(), 1);
});

test("a question that comes while the server is being restarted is asked again by itself", async () => {
  let times = 0;
  site.answer = (response) => (++times < 3 ? failing(503, times === 1 ? {} : { "Retry-After": "2" })(response) : whole("at last")(response));
  await askAndAwait();
  assert.equal(await lastText().textContent(), "at last");
  assert.equal(new Set(site.requests.map(({ answer }) => answer)).size, 1);
});

test("Stop is a request of its own, and the answer ends for the page when it has ended for all", async () => {
  let stream;
  site.answer = (response, body) => {
    if (body.stop) {
      stream.end(numbered(2, " and more") + 'id: 3\ndata: {"stopped":true}\n\ndata: [DONE]\n\n');
      return failing(204)(response);
    }
    stream = response;
    beginAnswer(response);
    response.write(numbered(1, "some"));
  };
  await ask();
  await page.waitForFunction(() => document.querySelector(".assistant .text")?.textContent === "some");
  await page.click("#stop");
  await note().waitFor();
  assert.match(await note().textContent(), /^Stopped\./);
  assert.equal(await lastText().textContent(), "some and more");
  assert.deepEqual(site.requests.at(-1), { stop: site.requests[0].answer });
  assert.ok(await page.locator("#stop").isHidden());
});

test("a question that is sent while an answer runs waits for its end", async () => {
  let stream;
  site.answer = (response, { prompt }) => {
    if (prompt === "two") return whole("second")(response);
    stream = response;
    beginAnswer(response);
    response.write(content("first"));
  };
  await ask("one");
  await page.waitForFunction(() => document.querySelector(".assistant .text")?.textContent === "first");
  await ask("two");
  await page.locator(".user.waiting").waitFor();
  assert.equal(site.requests.length, 1);
  stream.end("data: [DONE]\n\n");
  await page.waitForFunction(() => [...document.querySelectorAll(".assistant .text")].at(-1).textContent === "second");
  assert.deepEqual(await texts(".text"), ["one", "first", "two", "second"]);
  assert.equal(await page.locator(".waiting").count(), 0);
});

test("a question whose predecessor is not stored yet is asked again until it is", async () => {
  let times = 0;
  site.answer = (response) => (++times < 3 ? failing(409)(response) : whole("fine")(response));
  await askAndAwait();
  assert.equal(await lastText().textContent(), "fine");
  assert.equal(site.requests.length, 3);
});

test("another tab with the conversation shows a new question and its answer as it comes", async () => {
  const address = `${site.origin}/?c=0123456789abcdef`;
  await page.goto(address);
  const other = await page.context().newPage();
  await other.goto(address);
  site.answer = (response, { prompt, answer }) => {
    if (prompt) site.turns = [{ id: answer, question: prompt, answer: null, cause: null }];
    beginAnswer(response);
    response.write(content("growing"));
  };
  await ask("Hello");
  await other.waitForFunction(() => document.querySelector(".assistant .text")?.textContent === "growing");
  assert.equal(await other.locator(".user .text").textContent(), "Hello");
});

test("a double click on Send asks once, and stops nothing", async () => {
  site.answer = (response) => {
    beginAnswer(response);
    response.write(content("going on"));
  };
  await page.fill("#prompt", "Hello");
  await page.dblclick("#send");
  await page.waitForFunction(() => document.querySelector(".assistant .text")?.textContent === "going on");
  assert.equal(await page.textContent("#stop"), "Stop");
  assert.equal(site.requests.length, 1);
});

// --- What it says of a failure --------------------------------------------------------------------------------------

const json = { "Content-Type": "application/json" };
const reported = (more) => (response) => {
  beginAnswer(response);
  response.end(`data: ${JSON.stringify({ error: "The model said no.", ...more })}\n\n`);
};

for (const [name, answer, message, button] of [
  ["a refusal of Apache's own", failing(503, { "Retry-After": "7" }), "The server is busy.", /Try again in [67] s/],
  ["the daemon's own refusal", failing(429, { ...json, "Retry-After": "3" }, '{"error":"Too many answers."}'), "Too many answers.", /Try again in [23] s/],
  ["someone who is not logged in", failing(401), "You are not logged in.", /^Log in$/],
  ["a login page in the answer's place", login, "Your session has ended.", /^Log in$/],
  ["a message that is too long", failing(413), "Your message is too long: shorten it.", null],
  ["an error that may pass", reported({ code: "upstream_busy", retry_after: 9 }), "The model said no.", /Try again in [89] s/],
  ["an error that will not pass", reported({ code: "upstream_refused" }), "The model said no.", null],
  ["an answer that is none", failing(200, { "Content-Type": "text/plain" }, "hm"), "The server sent something that is no answer.", /^Try again$/],
  ["an event that is none", (response) => { beginAnswer(response); response.end("data: {\n\n"); }, "The server sent something that is no answer.", /^Try again$/],
]) {
  test(`${name} is told in words that say what to do`, async () => {
    site.answer = answer;
    await ask();
    await alarm().waitFor();
    const text = await alarm().evaluate((element) => element.firstChild.data);
    assert.equal(text, message);
    if (button === null) assert.equal(await alarm().locator("button").count(), 0);
    else await alarm().locator("button", { hasText: button }).waitFor();
  });
}

test("a conversation that cannot be shown because its user is logged out offers to log in", async () => {
  site.turns = null;
  await page.goto(`${site.origin}/?c=0123456789abcdef`);
  await page.locator(".alarm button", { hasText: "Log in" }).waitFor();
  assert.match(await page.textContent(".alarm"), /^Your session has ended\./);
});

test("the countdown ends, Try again asks again, and the focus is in the composer", async () => {
  await page.clock.install();
  site.answer = failing(503, { "Retry-After": "30" });
  await ask();
  const again = alarm().locator("button");
  await again.waitFor();
  assert.ok(await again.isDisabled());
  await page.clock.runFor(31_000);
  site.answer = whole("at last");
  await again.click();
  await page.clock.runFor(100);
  await note().waitFor();
  assert.equal(await lastText().textContent(), "at last");
  assert.equal(site.requests.at(-1).instead, site.requests[0].answer);
  assert.deepEqual(await texts(".user .text"), ["Hello"]);
  assert.equal(await page.evaluate(() => document.activeElement.id), "prompt");
});

test("a network that falls silent is noticed, and one that pings is not", async () => {
  await page.evaluate(() => {
    window.heardBytes = 0;
    const { read } = ReadableStreamDefaultReader.prototype;
    ReadableStreamDefaultReader.prototype.read = async function () {
      const result = await read.call(this);
      window.heardBytes += result.value?.length ?? 0;
      return result;
    };
  });
  await page.clock.install();
  let stream;
  site.answer = (response) => {
    stream = response;
    beginAnswer(response);
    response.write(numbered(1, "half"));
  };
  await ask();
  while ((await page.locator(".assistant .text").textContent()) !== "half") await page.clock.runFor(50);
  for (let pings = 0; pings < 5; ++pings) {
    const heard = () => page.evaluate(() => window.heardBytes);
    const before = await heard();
    stream.write(": ping\n\n");
    while ((await heard()) === before);
    await page.clock.runFor(15_000);
  }
  assert.equal(await page.locator(".trouble").count(), 0);
  site.answer = (response) => {
    beginAnswer(response);
    response.end(numbered(2, " and the rest") + "data: [DONE]\n\n");
  };
  while ((await note().count()) === 0) await page.clock.runFor(5000);
  assert.equal(await lastText().textContent(), "half and the rest");
});

// --- Keyboard, assistive technology, screens ------------------------------------------------------------------------

test("Escape stops the answer, but not while an input method composes", async () => {
  let stream;
  site.answer = (response, { stop }) => {
    if (!stop) return beginAnswer((stream = response));
    stream.end('data: {"stopped":true}\n\ndata: [DONE]\n\n');
    failing(204)(response);
  };
  await ask();
  await page.locator("#stop").waitFor();
  await page.evaluate(() => {
    document.getElementById("prompt").dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", isComposing: true, bubbles: true }));
  });
  assert.equal(site.requests.length, 1);
  await page.keyboard.press("Escape");
  await note().waitFor();
  assert.match(await note().textContent(), /^Stopped/);
});

test("a suggestion leaves the focus in the composer, and the scrolling text can be reached by keyboard", async () => {
  site.answer = whole("fine");
  await page.locator("#suggestions button").first().click();
  await note().waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "prompt");
  assert.equal(await page.getAttribute("#scroller", "tabindex"), "0");
});

test("a screen reader hears whole blocks, and never each piece", async () => {
  await page.evaluate(() => {
    window.heard = [];
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) for (const node of addedNodes) window.heard.push(node.textContent);
    }).observe(document.getElementById("speech"), { childList: true });
  });
  site.answer = whole(..."First block.\n\nSecond block.\n\n```js\na\nb\n```\n");
  await askAndAwait();
  await page.waitForFunction(() => window.heard.at(-1) === "The answer is complete.");
  assert.deepEqual(await page.evaluate(() => window.heard), [
    "The answer is being written.", "First block.", "Second block.", "Code: js, 2 lines.", "The answer is complete.",
  ]);
  assert.equal(await page.locator("#log [aria-live], #log [role=log]").count(), 0);
});

test("text of either direction stands on its own side", async () => {
  site.answer = whole("שלום\n\nHello");
  await askAndAwait("مرحبا");
  const directions = await page.evaluate(() => [...document.querySelectorAll(".user .text, .assistant .text p")].map((text) => getComputedStyle(text).direction));
  assert.deepEqual(directions, ["rtl", "rtl", "ltr"]);
});

const seen = (selector) => page.locator(selector).evaluate((element) => {
  element.scrollIntoView({ block: "center" });
  const { left, top, width, height } = element.getBoundingClientRect();
  const hit = document.elementFromPoint(left + width / 2, top + height / 2);
  return left >= 0 && left + width <= innerWidth && element.contains(hit);
});

test("at 400 % of a small window, and on a phone, everything can be reached and nothing is wider than the screen", async () => {
  for (const viewport of [{ width: 320, height: 256 }, { width: 360, height: 640 }]) {
    await open({ viewport });
    assert.ok(await seen("#suggestions button >> nth=2"), "suggestions");
    assert.ok(await seen("#prompt"), "composer");
    site.answer = whole("A table:\n\n| a | b |\n|---|---|\n| " + "long ".repeat(30) + " | " + "x".repeat(300) + " |\n\n```\n" + "y".repeat(500) + "\n```\n\nEnd.");
    await askAndAwait();
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth && document.getElementById("scroller").scrollWidth <= innerWidth), true);
    assert.ok(await seen(".note"), "the answer's end");
    assert.ok(await seen("#send"), "Send");
  }
});

test("with forced colours the cursor and the buttons are there", async () => {
  await open({ forcedColors: "active" });
  site.answer = (response) => {
    beginAnswer(response);
    response.write(content("half"));
  };
  await ask();
  await page.waitForFunction(() => document.querySelector(".assistant .text")?.textContent === "half");
  const [cursor, border] = await page.evaluate(() => [
    getComputedStyle(document.querySelector(".assistant p"), "::after").content,
    getComputedStyle(document.getElementById("send")).borderTopWidth,
  ]);
  assert.equal(cursor, '"▮"');
  assert.equal(border, "1px");
});

test("axe finds nothing to complain of, on a phone and on a desk, in the dark and in the light, in each state", async () => {
  const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
  const rules = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };
  const all = "# Title\n\nText with `code` and [a link](https://example.org/).\n\n- item\n\n```js\nlet a;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted";
  for (const viewport of [{ width: 360, height: 640 }, { width: 1200, height: 800 }]) {
    for (const colorScheme of ["dark", "light"]) {
      await open({ viewport, colorScheme, reducedMotion: "reduce" });
      const check = async (state) => {
        const violations = await page.evaluate(async ([source, options]) => {
          if (!globalThis.axe) (0, eval)(source);
          return (await axe.run(options)).violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
        }, [axe, rules]);
        assert.deepEqual(violations, [], `${state}, ${colorScheme}, ${viewport.width} pixels wide`);
      };
      await check("the beginning");
      site.answer = whole(all);
      await askAndAwait("Hello");
      await check("an answer");
      site.answer = (response) => {
        beginAnswer(response);
        response.write(content(all));
      };
      await ask("One");
      await page.locator("[aria-busy] td").first().waitFor();
      await ask("Two");
      await check("an answer that runs, and a question that waits");
      await open({ viewport, colorScheme });
      site.answer = failing(503, { "Retry-After": "70" });
      await ask();
      await alarm().waitFor();
      await check("a failure");
    }
  }
});

test("the composer grows with its text and covers nothing of the answer", async () => {
  await open({ viewport: { width: 600, height: 500 } });
  site.answer = whole("line\n\n".repeat(40));
  await askAndAwait();
  await page.evaluate(() => (document.getElementById("prompt").value = "line\n".repeat(2500)));
  await page.waitForFunction(() => document.getElementById("prompt").clientHeight > 100);
  const [end, top] = await page.evaluate(() => [
    [...document.querySelectorAll(".note")].at(-1).getBoundingClientRect().bottom,
    document.getElementById("form").getBoundingClientRect().top,
  ]);
  assert.ok(end <= top, `${end} ${top}`);
});
