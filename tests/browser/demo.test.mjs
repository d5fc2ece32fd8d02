// SPDX-License-Identifier: Apache-2.0
// ./demo as a user sees it in a real browser: Apache, PHP, the daemon, its reports and SQLite. Whatever happens to the page
// in the middle of an answer, it shows the same text in the end as the database has.
import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import { startDemo } from "./demo.mjs";
import { startBrowser, startNetwork } from "./site.mjs";

let demo, network, origin, browser, page;

before(async () => {
  demo = await startDemo([], { DAEMON_TOKEN_DELAY_MS: "150" });
  network = await startNetwork(demo.origin);
  origin = network.origin;
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  network?.close();
  await demo?.stop();
});
beforeEach(async () => {
  await page?.context().close();
  page = await (await browser.newContext()).newPage();
  await page.goto(origin);
});

async function ask(question, where = page) {
  await where.fill("#prompt", question);
  await where.keyboard.press("Enter");
}

const ended = (where = page) => where.locator("article:last-of-type .note").waitFor();
const shown = (where = page) => where.locator(".assistant .text").last().evaluate((text) => text.textContent);
const hasBegun = (where = page, length = 20) =>
  where.waitForFunction((length) => [...document.querySelectorAll(".assistant .text")].at(-1)?.textContent.length > length, length);

// The turns that SQLite has, once all of them have ended.
async function stored(where = page) {
  const conversation = new URL(where.url()).searchParams.get("c");
  for (;;) {
    const response = await fetch(`${origin}/chat.php?conversation=${conversation}`, { headers: { Authorization: "Bearer demo" } });
    const { turns } = await response.json();
    if (turns.every(({ cause }) => cause !== null)) return turns;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function assertWhole(question, where = page) {
  await ended(where);
  const [turn] = (await stored(where)).slice(-1);
  assert.equal(turn.cause, "completed");
  assert.equal(turn.answer.trimEnd(), await shown(where));
  assert.ok((await shown(where)).startsWith(`You said: ${question}`));
  assert.ok((await shown(where)).endsWith("to hear a real model."));
}

test("an answer, and another one to a question that builds on it", async () => {
  await ask("one");
  await assertWhole("one");
  await ask("two");
  await assertWhole("two");
  assert.equal((await stored()).length, 2);
});

test("a reload in the middle of an answer goes on where it was", async () => {
  await ask("reload");
  await hasBegun();
  await page.reload();
  await hasBegun();
  await page.reload();
  await assertWhole("reload");
});

test("five seconds without a network, in the middle of an answer", async () => {
  await ask("offline");
  await hasBegun();
  network.setDown(true);
  await page.locator(".trouble").waitFor();
  await new Promise((resolve) => setTimeout(resolve, 5000));
  network.setDown(false);
  await assertWhole("offline");
});

test("a second tab sees the same answer grow", async () => {
  await ask("tabs");
  await hasBegun();
  const other = await page.context().newPage();
  await other.goto(page.url());
  await hasBegun(other);
  assert.equal(await other.locator("article:last-of-type .note").count(), 0, "it still grows");
  await Promise.all([assertWhole("tabs"), assertWhole("tabs", other)]);
  assert.equal(await shown(other), await shown());
  await ask("from the other", other);
  await page.waitForFunction(() => document.querySelectorAll(".user").length === 2);
  await Promise.all([assertWhole("from the other"), assertWhole("from the other", other)]);
});

test("Stop, and Stop again: the stopped text is in the history, for all tabs", async () => {
  await ask("stop");
  await hasBegun();
  const other = await page.context().newPage();
  await other.goto(page.url());
  await hasBegun(other);
  await page.click("#stop");
  await page.evaluate(() => document.getElementById("stop").click());
  await Promise.all([ended(), ended(other)]);
  const [turn] = await stored();
  assert.equal(turn.cause, "stopped");
  assert.ok(turn.answer.startsWith("You said: stop"));
  assert.ok(!turn.answer.includes("real model"));
  for (const tab of [page, other]) assert.equal(await shown(tab), turn.answer.trimEnd());
  await ask("after the stop");
  await assertWhole("after the stop");
});

test("a tab that is closed and opened again has the whole answer", async () => {
  await ask("closed");
  await hasBegun();
  const address = page.url();
  await page.close();
  page = await (await browser.newContext()).newPage();
  await page.goto(address);
  await assertWhole("closed");
  await page.reload();
  await assertWhole("closed");
});

test("a question that is sent while an answer runs, and Back to the start page", async () => {
  await ask("first");
  await hasBegun();
  await ask("second");
  await page.locator(".waiting").waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".note").length === 2);
  await assertWhole("second");
  await page.goBack();
  await page.locator("#welcome").waitFor();
  await page.goForward();
  await page.waitForFunction(() => document.querySelectorAll(".assistant").length === 2);
});

// --- The servers' faults ---------------------------------------------------------------------------------------------

test("a hard restart of Apache in the middle of an answer", async () => {
  await ask("restart");
  await hasBegun();
  demo.signalApache("SIGHUP");
  await assertWhole("restart");
  await page.reload();
  await assertWhole("restart");
});

test("a hook that fails for a while: the next question waits until the answer is stored", async () => {
  const script = `${demo.directory}/htdocs/answer-ended.php`;
  renameSync(script, `${script}.away`);
  await ask("first");
  await ended();
  await ask("second");
  await page.locator(".trouble").waitFor();
  renameSync(`${script}.away`, script);
  await page.waitForFunction(() => document.querySelectorAll(".note").length === 2);
  await assertWhole("second");
});

test("a daemon that is killed in the middle of an answer: the next one reports what has come", async () => {
  for (const question of ["killed", "killed again"]) {
    await ask(question);
    await hasBegun();
    const before = await shown();
    await new Promise((resolve) => setTimeout(resolve, 1000)); // what has come in it may be missing
    demo.signalDaemons("SIGKILL");
    await page.locator("article:last-of-type .alarm").waitFor();
    const [turn] = (await stored()).slice(-1);
    assert.equal(turn.cause, "cut");
    assert.equal(turn.answer.trimEnd(), await shown());
    assert.ok(turn.answer.startsWith(before), `${before} | ${turn.answer}`);
    await page.reload();
    await ended();
    assert.equal(await shown(), turn.answer.trimEnd());
  }
  await page.click(".alarm button"); // Try again
  await assertWhole("killed again");
  assert.equal((await stored()).length, 2);
});

test("an upgrade of the daemon in the middle of an answer, and a reload", async () => {
  await ask("upgrade");
  await hasBegun();
  demo.signalDaemons("SIGUSR2");
  while (demo.countDaemons() < 2) await new Promise((resolve) => setTimeout(resolve, 50));
  await page.reload();
  await assertWhole("upgrade");
  await ask("after it");
  await assertWhole("after it");
});
