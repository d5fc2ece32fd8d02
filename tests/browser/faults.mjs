// SPDX-License-Identifier: Apache-2.0
// Visitors of ./demo get answers while Chromium, the daemon, Apache, the hook and the network fail. Whatever happens, the
// database, each tab and the API have the same text of each answer in the end, and each report came, signed.
import { parseArgs } from "node:util";
import { startApi } from "./faults/api.mjs";
import { Hook } from "./faults/hook.mjs";
import { Random, answerOf } from "./faults/random.mjs";
import { complaintsOf, complaintsOfReports } from "./faults/verdict.mjs";
import { Chromium, Visitor, pause } from "./faults/visitor.mjs";
import { startDemo } from "./demo.mjs";

const { values: options } = parseArgs({
  options: {
    answers: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 100_000) },
    tls: { type: "boolean", default: false },
    http2: { type: "boolean", default: false },
  },
});
const names = ["Anna", "Bert", "Cleo", "Dora"]; // of the visitors
const roundsOfAConversation = 5;
const maxFaultMs = 5000; // after the questions; answers take about as long

// --- The faults -----------------------------------------------------------------------------------------------------

// Of the servers and of Chromium: for all visitors at once.
const serverFaults = {
  "no fault": () => {},
  "the daemon is killed": ({ demo, kills }) => {
    kills.push(Date.now());
    demo.signalDaemons("SIGKILL");
  },
  "the daemon is upgraded": ({ demo }) => demo.signalDaemons("SIGUSR2"),
  "the daemon reloads": ({ demo }) => demo.signalDaemons("SIGHUP"),
  "Apache restarts gracefully": ({ demo }) => demo.signalApache("SIGUSR1"),
  "Apache restarts": ({ demo }) => demo.signalApache("SIGHUP"),
  "the hook answers 500": ({ hook }) => hook.plan(["refuse", "take and refuse"]),
  "the hook hangs": ({ hook }) => hook.plan(["hang"]),
  "Chromium is killed": ({ chromium }) => chromium.kill(),
};

// Of one visitor.
const visitorFaults = {
  "stays": () => {},
  "reloads": (visitor) => visitor.reload(),
  "has a tab that crashes": (visitor, { random }) => visitor.crash(random.below(4000)),
  "closes the tab and opens it later": (visitor, { random }) => visitor.leave(random.below(6000)),
  "is offline for 5 s": (visitor) => visitor.loseNetwork(5000),
  "opens a second tab": (visitor) => visitor.open(),
  "stops": (visitor, { asked }) => stop(visitor, asked[0], 1),
  "stops twice": (visitor, { asked }) => stop(visitor, asked[0], 2),
  "stops and reloads": async (visitor, { asked }) => {
    await stop(visitor, asked[0], 1);
    await visitor.reload();
  },
  "asks another question meanwhile": (visitor, { asked, question }) => {
    asked.push({ question: `${question}, and`, stoppedAt: null });
    return visitor.ask(asked[1].question);
  },
  "stops the answer before": async (visitor, { say }) => {
    const [before] = (await visitor.stored()).filter(({ cause }) => cause !== null).slice(-1);
    const status = before && (await visitor.stopAnswer(before.id));
    if (![404, 502, 503, undefined].includes(status)) say(`the stop of an answer that had ended was answered with ${status}`);
  },
};

async function stop(visitor, asked, times) {
  asked.stoppedAt = Date.now();
  if (!(await visitor.stop(times))) asked.stoppedAt = null; // it has ended
}

// Each of them in turn, in an order that is random each time.
function* inTurn(faults, random) {
  for (;;) yield* random.shuffled(Object.keys(faults));
}

// --- A round --------------------------------------------------------------------------------------------------------

// A visitor asks, and something happens meanwhile. Returns what was asked.
async function askWithFault(visitor, question, faultName, random, say) {
  const asked = [{ question, stoppedAt: null }];
  const kills = world.chromium.kills;
  try {
    await visitor.ask(question);
    await pause(random.below(maxFaultMs));
    await visitorFaults[faultName](visitor, { random, asked, question, say });
  } catch (error) {
    if (world.chromium.kills === kills) throw error;
  }
  return asked;
}

async function playRound(number, visitors, serverFault, visitorFault) {
  const random = new Random(options.seed, number);
  const kills = [];
  const faultMs = random.below(maxFaultMs);
  const say = (name, complaint) => complain(`round ${number}, ${name}: ${complaint}`);
  const plans = visitors.map((visitor, index) => ({ visitor, fault: visitorFault.next().value, random: new Random(options.seed, number, index) }));
  console.log(`${number}: ${serverFault} after ${faultMs} ms; ${plans.map(({ visitor, fault }) => `${visitor.name} ${fault}`).join(", ")}`);

  const fault = pause(faultMs).then(() => serverFaults[serverFault]({ ...world, kills }));
  const askedBy = await Promise.all(plans.map((plan) =>
    askWithFault(plan.visitor, `Question ${number} of ${plan.visitor.name}`, plan.fault, plan.random, (complaint) => say(plan.visitor.name, complaint))));
  await fault;
  for (const [index, visitor] of visitors.entries()) {
    const asked = askedBy[index];
    answers += asked.length;
    try {
      await visitor.settle(asked);
      await judge(visitor, asked, kills, (complaint) => say(visitor.name, complaint));
    } catch (error) {
      say(visitor.name, error.stack);
      await visitor.leave(0);
    }
    for (const alarm of visitor.alarms.splice(0)) {
      if (serverFault === "no fault" || /^an error of the page/.test(alarm)) say(visitor.name, alarm);
      else console.log(`  ${visitor.name} was told: ${alarm}`);
    }
  }
}

async function judge(visitor, asked, kills, say) {
  const check = async () => {
    const stored = await visitor.stored();
    const tabs = await Promise.all(visitor.pages.map((page) => visitor.turns(page)));
    for (const one of asked) {
      const runs = world.api.runs.filter(({ question }) => question === one.question);
      complaintsOf({ asked: one, stored, tabs, runs, kills }).forEach(say);
    }
  };
  await check();
  await visitor.reload();
  await visitor.rest();
  await check();
}

// --- All of them ----------------------------------------------------------------------------------------------------

async function playAll() {
  const chance = new Random(options.seed);
  const serverFault = inTurn(serverFaults, chance);
  const visitorFault = inTurn(visitorFaults, chance);
  const reports = [];
  let visitors = [];
  for (let round = 0; answers < Number(options.answers); ++round) {
    if (round % roundsOfAConversation === 0) {
      await Promise.all(visitors.map((visitor) => visitor.end()));
      visitors = names.map((name) => new Visitor(name, world.chromium, world.demo));
      await Promise.all(visitors.map((visitor) => visitor.begin()));
    }
    await playRound(round, visitors, serverFault.next().value, visitorFault);
    reports.push(...world.hook.newReports());
  }
  await Promise.all(visitors.map((visitor) => visitor.end()));
  complaintsOfReports(reports).forEach(complain);
  const ids = new Set(reports.map(({ id }) => id));
  console.log(`${answers} answers. The API was asked ${world.api.runs.length - 1} times. ${ids.size} reports came in ${reports.length} posts, all signed.`);
}

const complaints = [];
let answers = 0;
function complain(text) {
  complaints.push(text);
  console.log(`  WRONG: ${text}`);
}

console.log(`--seed ${options.seed} --answers ${options.answers}`);
const api = await startApi((question) => answerOf(new Random(options.seed, question)));
const demoOptions = ["tls", "http2"].filter((name) => options[name]).map((name) => `--${name}`);
const demo = await startDemo(demoOptions, { OPENAI_API_KEY: "test", OPENAI_API_BASE: `${api.origin}/v1` });
const world = { api, demo, hook: new Hook(demo.directory), chromium: new Chromium() };
try {
  await playAll();
} finally {
  await world.chromium.close();
  await demo.stop();
  api.close();
}
console.log(complaints.length === 0 ? "All texts agree." : `${complaints.length} things are wrong.`);
process.exitCode = complaints.length === 0 ? 0 : 1;
