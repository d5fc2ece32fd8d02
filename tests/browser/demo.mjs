// SPDX-License-Identifier: Apache-2.0
// ./demo, started for a test: its processes, and what its database has.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { printed } from "./site.mjs";

const checkout = fileURLToPath(new URL("../..", import.meta.url));

/** Starts it with these options and variables; resolves when it serves the chat at `origin`. */
export async function startDemo(options = [], variables = {}) {
  const mark = `DEMO_TEST=${process.pid}`; // by which its processes are found
  const child = spawn("setpriv", ["--pdeathsig", "TERM", "./demo", ...options], {
    cwd: checkout, env: { ...process.env, OPENAI_API_KEY: "", ...variables, DEMO_TEST: process.pid }, stdio: ["ignore", "pipe", "inherit"],
  });
  const [, origin] = await printed(child.stdout, /Chat at (\S+)\/ /);
  const { directory } = processesOf("streaming-daemo")[0];

  function processesOf(name) {
    const found = [];
    for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
        if (readFileSync(`/proc/${pid}/comm`, "utf8").trim() === name && environment.includes(mark)) {
          found.push({ pid: Number(pid), directory: environment.find((entry) => entry.startsWith("DEMO_DIRECTORY="))?.slice(15) });
        }
      } catch {
        // it has ended, or is another user's
      }
    }
    return found;
  }

  return {
    origin,
    directory,
    hasEnded: once(child, "exit"),
    daemons: () => processesOf("streaming-daemo").map(({ pid }) => pid), // more than one while one replaces another
    signalApache: (signal) => process.kill(Number(readFileSync(path.join(directory, "httpd.pid"), "utf8")), signal),
    async stop() {
      child.kill();
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}
