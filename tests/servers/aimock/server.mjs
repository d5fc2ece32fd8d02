// SPDX-License-Identifier: Apache-2.0
// The server behind ./start: aimock with the fixtures of this directory, on a port that the kernel chooses.
import { readFileSync, readdirSync } from "node:fs";
import { LLMock } from "@copilotkit/aimock";
import { startHttp2 } from "./http2.mjs";

const upstream = new LLMock({ host: "127.0.0.1", port: 0, logLevel: "warn" });

const fixtures = new URL("fixtures/", import.meta.url);
for (const file of readdirSync(fixtures).sort()) {
  try {
    upstream.addFixturesFromJSON(JSON.parse(readFileSync(new URL(file, fixtures), "utf8")).fixtures);
  } catch (error) {
    console.error(`tests/servers/aimock/fixtures/${file}: ${error.message}`);
    process.exit(1);
  }
}

// Too long to be written down: 1,000 events, and one event that no read of 64 KiB holds.
const numbers = Array.from({ length: 1000 }, (_, index) => String(index).padStart(3, "0"));
upstream.onMessage("long answer", { content: numbers.join(" ") + " " }, { chunkSize: 4 });
upstream.onMessage("huge event", { content: "x".repeat(100_000) }, { chunkSize: 100_000 });

// What the validation of the files above refuses.
upstream.onMessage("empty answer", { content: "" });
const weather = (input) => ({ name: "weather", arguments: input });
upstream.onMessage("broken tool", { toolCalls: [weather('{"city":')] });
upstream.onMessage("forbidden tool", { toolCalls: [weather('{"__proto__":{"admin":true}}')] });

await upstream.start();
const [, , option, key, certificate] = process.argv;
if (option === "--http2") {
  console.log(await startHttp2(upstream.port, readFileSync(key), readFileSync(certificate)));
} else {
  console.log(upstream.port);
}
