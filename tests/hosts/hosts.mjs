// SPDX-License-Identifier: Apache-2.0
// Visitors whose reloads take them from one host to the other in mid-answer, while a daemon is killed and the store fails.
// Whatever happens: no event twice, none missing, no stream cut but those of the daemon that was killed; and page, database and
// API have the same text.
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { parseArgs } from "node:util";
import { startDemo } from "../browser/demo.mjs";
import { startApi, textOf } from "../browser/faults/api.mjs";
import { Random, answerOf } from "../browser/faults/random.mjs";
import { complaintsOf } from "../browser/faults/verdict.mjs";
import { Chromium, Visitor } from "../browser/faults/visitor.mjs";
import { Question, Reader, eventually, pause } from "./clients.mjs";
import { Process, addHost, here, makeBridge } from "./network.mjs";
import { Sentinels, Store, settingsOf } from "./store.mjs";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    list: { type: "boolean", default: false },
    reloads: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 100_000) },
    tls: { type: "boolean", default: false },
    "keep-logs": { type: "boolean", default: false },
  },
});
const checkout = fileURLToPath(new URL("../..", import.meta.url));
const answerMs = 9000;
const faultMs = 5000;
const lapseMs = 3000; // from a daemon's end to the error event on other hosts
const names = ["Anna", "Bert", "Cleo", "Dora"]; // of the visitors with Chromium
const rawQuestions = 12; // and what is asked without it
const rawReloads = 8;
const chatPort = 8000;
const chatTlsPort = 8443;

// --- Scenarios ------------------------------------------------------------------------------------------------------

// What happens two seconds after the questions. `failsOver`: the store is a primary with a replica.
const calm = "nothing happens";
const scenarios = [
  { name: calm, fault: () => {} },
  { name: "a daemon is killed", kills: true, fault: ({ hosts }) => hosts.one.signalDaemons("SIGKILL") },
  { name: "the store is stopped for 5 s", fault: ({ store }) => stopFor(store, faultMs) },
  { name: "the store is paused for 5 s", fault: ({ store }) => pauseFor(store, faultMs) },
  { name: "the store is paused for as long as it has time to answer", fault: ({ store }) => pauseFor(store, 1900) },
  { name: "the store starts again empty", fault: ({ store }) => stopFor(store, 0) },
  { name: "the store is full for 5 s", fault: fillStore },
  { name: "Sentinel switches from the primary to the replica", failsOver: true, fault: ({ sentinels }) => sentinels.failOver() },
  { name: "the primary is killed, and Sentinel makes the replica the primary", failsOver: true, fault: ({ store }) => store.stop() },
];

async function stopFor(store, ms) {
  await store.stop();
  await pause(ms);
  await store.start();
}

async function pauseFor(store, ms) {
  store.pause();
  await pause(ms);
  store.goOn();
}

async function fillStore({ store }) {
  await store.command("CONFIG SET maxmemory 1");
  await pause(faultMs);
  await store.command("CONFIG SET maxmemory 0");
}

// --- Clients without a browser --------------------------------------------------------------------------------------

// One client asks and stays; two follow and reload.
async function askRaw(name, random) {
  const question = new Question(world.origin, name);
  const asker = new Reader(question, 0, random);
  const followers = [new Reader(question, rawReloads, random), new Reader(question, rawReloads, random)];
  const asking = asker.read();
  await Promise.race([asking, eventually("an answer begins", () => asker.hasBegun)]);
  await Promise.all([asking, ...followers.map((follower) => follower.read())]);
  await eventually("the database has the answer", async () => (await question.stored()).cause !== null, 120_000);
  return { question, asker, followers, stored: await question.stored() };
}

function judgeRaw({ question, asker, followers, stored }, scenario, killedAt) {
  const say = (complaint) => complain(`${question.text}: ${complaint}`);
  const readers = [asker, ...followers];
  readers.forEach(({ complaints }) => complaints.forEach(say));
  const runs = world.api.runs.filter((run) => run.question === question.text);
  if (runs.length !== 1) return say(`the API was asked ${runs.length} times`);
  const whole = textOf(runs[0]);
  if (scenario.kills && asker.cuts.length > 0) return judgeCut(readers, stored, whole, killedAt, say);
  if (stored.cause !== "completed" || stored.answer !== whole) say(`the database has a ${stored.cause} answer of ${stored.answer.length} of ${whole.length} characters`);
  for (const { text, end, cuts, refusals } of readers) {
    if (end !== "[DONE]" || text !== whole) say(`a client has ${text.length} of ${whole.length} characters, and ${end}`);
    if (!scenario.kills && cuts.length > 0) say(`the stream of a client was cut ${cuts.length} times`);
    if (scenario.name === calm && refusals > 0) say(`a client was refused ${refusals} times`);
  }
}

// Its daemon was killed.
function judgeCut(readers, stored, whole, killedAt, say) {
  if (stored.cause !== "cut" || !whole.startsWith(stored.answer)) say(`the database has a ${stored.cause} answer of ${stored.answer.length} characters`);
  for (const { text, end, endedAt } of readers) {
    if (end !== "upstream_truncated" || !whole.startsWith(text)) say(`a client of a cut answer has ${text.length} characters, and ${end}`);
    slowestError = Math.max(slowestError, endedAt - killedAt);
  }
}

// --- Visitors with Chromium -----------------------------------------------------------------------------------------

// Asks, and reloads until the answer has ended.
async function askAndReload(visitor, question, random) {
  await visitor.ask(question);
  for (;;) {
    await pause(200 + random.below(500));
    if (!(await visitor.waits())) return;
    await visitor.reload();
    await visitor.page.waitForSelector("article.user"); // the conversation is there
    ++reloads;
  }
}

async function judgeVisitor(visitor, question, kills) {
  const say = (complaint) => complain(`${visitor.name}: ${complaint}`);
  const asked = { question, stoppedAt: null };
  try {
    await visitor.settle([asked]);
    const stored = await visitor.stored();
    const tabs = await Promise.all(visitor.pages.map((page) => visitor.turns(page)));
    const runs = world.api.runs.filter((run) => run.question === question);
    complaintsOf({ asked, stored, tabs, runs, kills }).forEach(say);
  } catch (error) {
    say(error.stack);
  }
  const alarms = visitor.alarms.splice(0);
  alarms.filter((alarm) => kills.length === 0 || /^an error of the page/.test(alarm)).forEach((alarm) => say(`was told: ${alarm}`));
}

async function beginVisitors() {
  const visitors = names.map((name) => new Visitor(name, world.chromium, world));
  for (const visitor of visitors) {
    await visitor.begin();
    let last = null;
    visitor.page.on("response", (response) => {
      const host = response.headers()["x-host"];
      if (host === undefined) return;
      if (last !== null && host !== last) ++changes;
      last = host;
    });
  }
  return visitors;
}

// --- A scenario -----------------------------------------------------------------------------------------------------

async function play(scenario, round) {
  const kills = [];
  const random = (...name) => new Random(options.seed, round, ...name);
  const before = { reloads, switches: switches(), imports: imports() };
  const visitors = await beginVisitors();
  const raw = Array.from({ length: rawQuestions }, (_, index) => askRaw(`Raw question ${index} of round ${round}`, random("raw", index)));
  const asked = visitors.map((visitor) => ({ visitor, question: `Question of ${visitor.name} in round ${round}` }));
  const asking = asked.map(({ visitor, question }) => askAndReload(visitor, question, random(visitor.name)));
  await pause(2000);
  kills.push(...(scenario.kills ? [Date.now()] : []));
  await scenario.fault(world);
  const answers = await Promise.all(raw);
  await Promise.all(asking);
  for (const { visitor, question } of asked) await judgeVisitor(visitor, question, kills);
  await Promise.all(visitors.map((visitor) => visitor.end()));
  answers.forEach((answer) => judgeRaw(answer, scenario, kills[0]));
  const readers = answers.flatMap(({ asker, followers }) => [asker, ...followers]);
  const sum = (figure) => readers.reduce((all, reader) => all + figure(reader), 0);
  console.log(`${scenario.name}: ${reloads - before.reloads} reloads of Chromium, ${switches() - before.switches} ${place}; ` +
    `${sum((reader) => reader.reloads)} of other clients, ${sum((reader) => reader.refusals)} times 503; answers were read from another host ${imports() - before.imports} times` +
    (scenario.kills ? `; cut clients had their error event at the latest ${slowestError} ms after the kill` : ""));
  if (scenario.kills && slowestError > lapseMs) complain(`an error event came after ${slowestError} ms, and not within ${lapseMs}`);
}

// HAProxy cannot mark what comes over TLS that it passes through, so that all reloads count then.
const switches = () => (options.tls ? reloads : changes);
const place = options.tls ? "to any host" : "to the other host";

const imports = () => Object.values(world.hosts).reduce((all, { directory }) =>
  all + readFileSync(path.join(directory, "log/streaming-daemon.log"), "utf8").split("comes from another host").length - 1, 0);

// --- The world ------------------------------------------------------------------------------------------------------

async function startHosts(storeAddress) {
  const start = (place) => startDemo(options.tls ? ["--tls"] : [], {
    ...settingsOf(storeAddress), DEMO_ADDRESS: place.address, DEMO_DATABASE: path.join(database, "chat.sqlite"),
    OPENAI_API_KEY: "test", OPENAI_API_BASE: `${world.api.origin}/v1`,
  }, place.command);
  world.hosts = { one: await start(places.one), two: await start(places.two) };
  const { host } = new URL(world.hosts.one.origin);
  world.balancer = new Process(null, "env", `CHAT=127.0.0.1:${chatPort}`, `CHAT_TLS=127.0.0.1:${chatTlsPort}`, `STORE=${here}:6379`,
    `ONE=${host}`, `TWO=${new URL(world.hosts.two.origin).host}`, `STORE_ONE=${places.store.address}:6379`, `STORE_TWO=${places.replica.address}:6379`,
    "haproxy", "-db", "-q", "-f", fileURLToPath(new URL("haproxy.cfg", import.meta.url)));
  await eventually("HAProxy starts", () => Question.canBeAsked(world.origin));
}

async function stopHosts() {
  await world.balancer.stop();
  await Promise.all(Object.values(world.hosts).map((host) => host.stop()));
}

// The scenarios of one kind.
async function playOnHosts(chosen, storeAddress, prepare, cleanUp) {
  if (chosen.length === 0) return;
  await startHosts(storeAddress);
  try {
    for (const scenario of chosen) {
      await prepare();
      await play(scenario, ++rounds);
      await cleanUp();
    }
    const isCalm = chosen[0].name === calm;
    while (isCalm && options.only === "" && switches() < Number(options.reloads)) await play(chosen[0], ++rounds);
  } catch (error) {
    complain(error.stack);
  } finally {
    if (options["keep-logs"] || complaints.length > 0) keepLogs();
    await stopHosts();
  }
}

function keepLogs() {
  const logs = path.join(checkout, "build/hosts-log");
  rmSync(logs, { recursive: true, force: true });
  for (const [name, { directory }] of Object.entries(world.hosts)) cpSync(path.join(directory, "log"), path.join(logs, name), { recursive: true });
  console.log(`The logs of the hosts are in ${logs}`);
}

async function playAll() {
  const chosen = scenarios.filter(({ name }) => name.includes(options.only));
  const failsOver = (wanted) => chosen.filter((scenario) => (scenario.failsOver ?? false) === wanted);
  await playOnHosts(failsOver(true), here, async () => {
    world.store = new Store(places.store, directory);
    world.replica = new Store(places.replica, directory);
    world.sentinels = new Sentinels();
    await world.store.start();
    await world.replica.start(world.store);
    await world.sentinels.start(world.store, directory);
  }, () => Promise.all([world.sentinels, world.store, world.replica].map((one) => one.stop())));
  world.store = new Store(places.store, directory);
  await world.store.start();
  await playOnHosts(failsOver(false), places.store.address, () => {}, () => {});
  await world.store.stop();
}

let reloads = 0; // of Chromium
let changes = 0; // those that went to another host than the one before
let rounds = 0;
let slowestError = 0;
const complaints = [];
function complain(text) {
  complaints.push(text);
  console.log(`  WRONG: ${text}`);
}

if (options.list) {
  scenarios.forEach(({ name }) => console.log(name));
  process.exit();
}
console.log(`--seed ${options.seed}`);
makeBridge();
const places = {
  one: addHost("one", "10.18.0.1"), two: addHost("two", "10.18.0.2"), store: addHost("store", "10.18.0.3"), replica: addHost("replica", "10.18.0.4"),
};
const directory = mkdtempSync("/tmp/socket-handoff-hosts.");
const database = path.join(directory, "database");
mkdirSync(database);
chmodSync(directory, 0o755);
chmodSync(database, 0o777); // PHP's user writes to it
const origin = options.tls ? `https://127.0.0.1:${chatTlsPort}` : `http://127.0.0.1:${chatPort}`;
const world = { origin, api: await startApi(longAnswer, here), chromium: new Chromium() };
try {
  await playAll();
} finally {
  await world.chromium.close();
  world.api.close();
  rmSync(directory, { recursive: true });
}
console.log(`${reloads} reloads of Chromium, ${switches()} ${place}. ${complaints.length === 0 ? "All texts agree." : `${complaints.length} things are wrong.`}`);
process.exit(complaints.length === 0 ? 0 : 1);

// About answerMs long, in pieces of any size.
function longAnswer(question) {
  const pieces = answerOf(new Random(options.seed, question));
  const random = new Random(options.seed, question, "pace");
  return pieces.map(({ text }) => ({ text, afterMs: /question/i.test(question) ? random.below((2 * answerMs) / pieces.length) : 0 }));
}
