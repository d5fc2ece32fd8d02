// SPDX-License-Identifier: Apache-2.0
// Reports that npm's standardwebhooks has signed are received by the PHP class, and no others are.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const { Webhook } = createRequire(new URL("../../tests/servers/hook/", import.meta.url))("standardwebhooks");
const newSecret = () => `whsec_${randomBytes(32).toString("base64")}`;
const [secret, former, foreign] = [newSecret(), newSecret(), newSecret()];

const script = fileURLToPath(new URL("answer_report_receiver.php", import.meta.url));
const php = spawn("php", ["-n", "-d", "display_errors=1", "-S", "127.0.0.1:0", script], {
  env: { ...process.env, HOOK_SECRET: `${former} ${secret}\n` },
  stdio: ["ignore", "ignore", "pipe"],
});
let printed = "";
for await (const piece of php.stderr) if (/\) started/.test((printed += piece))) break;
const [, origin] = printed.match(/\((http:[^)]*)\) started/);

async function post(report, { path = "/", signedWith = secret, at = new Date(), change = (headers, body) => body, id = "msg_1" } = {}) {
  const sent = JSON.stringify(report);
  const headers = {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(signedWith).sign(id, at, sent),
  };
  const body = change(headers, sent);
  const response = await fetch(origin + path, { method: "POST", headers, body });
  return { status: response.status, text: await response.text() };
}

try {
  const report = {
    type: "answer.ended", answer_id: "a:1", user_id: "7", backend: "mock", text: "Hello é 😀", usage: { output_tokens: 3 },
    cause: "completed", finish_reason: "stop", duration_ms: 5, cut_at_limit: false, data: { conversation: "c", list: [] },
  };
  const { status, text } = await post(report);
  assert.equal(status, 200, text);
  assert.deepEqual(JSON.parse(text), {
    id: "msg_1", answerId: "a:1", requestId: null, userId: "7", backend: "mock", model: null, text: "Hello é 😀",
    reasoning: null, toolCalls: null, finishReason: "stop", usage: { output_tokens: 3 }, cause: "completed", startedAt: null,
    endedAt: null, firstEventMs: null, durationMs: 5, clientHasEnd: null, cutAtLimit: false, data: { conversation: "c", list: [] },
  });
  assert.equal((await post(report, { path: "/framework" })).text, text, "with headers as a framework has them");
  assert.equal((await post(report, { signedWith: former })).status, 200, "while the secret is changed");

  assert.equal((await post({ ...report, data: "fail" })).status, 500, "a script that fails gets the report again");

  const several = (headers, body) => ((headers["webhook-signature"] = `v1,AAAA v2,x ${headers["webhook-signature"]}`), body);
  assert.equal((await post(report, { change: several })).status, 200, "one of several signatures");

  const minutes = (number) => new Date(Date.now() + number * 60_000);
  for (const [what, options] of Object.entries({
    "another secret": { signedWith: foreign },
    "an old report": { at: minutes(-6) },
    "a report of the future": { at: minutes(6) },
    "another body": { change: (headers, body) => body.replace("Hello", "Hullo") },
    "another id": { change: (headers, body) => ((headers["webhook-id"] = "msg_2"), body) },
    "another time": { change: (headers, body) => ((headers["webhook-timestamp"] -= 1), body) },
    "no signature": { change: (headers, body) => (delete headers["webhook-signature"], body) },
    "no id": { change: (headers, body) => (delete headers["webhook-id"], body) },
    "a time that is none": { change: (headers, body) => ((headers["webhook-timestamp"] = "now"), body) },
  })) {
    const { status, text } = await post(report, options);
    assert.equal(status, 401, `${what}: ${text}`);
    assert.match(text, /^The report is|^The report has/);
  }
} finally {
  php.kill();
}
