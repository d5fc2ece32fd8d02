// SPDX-License-Identifier: Apache-2.0
// ./demo, started for a test: its processes, and what its database has.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { printed } from "./site.mjs";

const checkout = fileURLToPath(new URL("../..", import.meta.url));

let demos = 0;

/** Starts it with these options and variables, by a command if there is one; resolves when it serves the chat at `origin`. */
export async function startDemo(options = [], variables = {}, command = []) {
  const name = `${process.pid}-${++demos}`;
  const mark = `DEMO_TEST=${name}`; // by which its processes are found
  const child = spawn("setpriv", ["--pdeathsig", "TERM", ...command, "./demo", ...options], {
    cwd: checkout, env: { ...process.env, OPENAI_API_KEY: "", ...variables, DEMO_TEST: name }, stdio: ["ignore", "pipe", "inherit"],
  });
  const [, origin] = await printed(child.stdout, /Chat at (\S+)\/ /);
  const [{ directory }] = daemons();

  // More than one while one replaces another: {pid, directory}.
  function daemons() {
    const found = [];
    for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      try {
        if (readFileSync(`/proc/${pid}/comm`, "utf8") !== "streaming-daemo\n") continue;
        const environment = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
        const [, directory] = environment.join("\n").match(/^DEMO_DIRECTORY=(.*)$/m) ?? [];
        if (environment.includes(mark)) found.push({ pid: Number(pid), directory });
      } catch {
        // it has ended, or is another user's
      }
    }
    return found;
  }

  return {
    origin,
    directory,
    countDaemons: () => daemons().length,
    signalDaemons(signal) {
      for (const { pid } of daemons()) {
        try {
          process.kill(pid, signal);
        } catch (error) {
          if (error.code !== "ESRCH") throw error; // it has just ended
        }
      }
    },
    signalApache: (signal) => process.kill(Number(readFileSync(path.join(directory, "httpd.pid"), "utf8")), signal),
    async stop() {
      child.kill();
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}
