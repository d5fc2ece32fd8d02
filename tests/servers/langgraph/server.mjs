// SPDX-License-Identifier: Apache-2.0
// The server behind ./start: LangGraph's own, as its command line starts it, on a port that the kernel chooses.
import { writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startServer } from "@langchain/langgraph-api/server";

const [, , directory] = process.argv;
const { host } = await startServer({
  port: 0,
  host: "127.0.0.1",
  nWorkers: 10,
  cwd: directory,
  graphs: { agent: fileURLToPath(new URL("graph.mjs", import.meta.url)) + ":graph" },
});
writeSync(3, host.slice(host.lastIndexOf(":") + 1) + "\n");
