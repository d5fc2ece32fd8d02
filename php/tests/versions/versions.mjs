// SPDX-License-Identifier: Apache-2.0
// The class's tests, a hand-off of the chat's endpoint, and the syntax of the other examples, with each version of PHP.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { loadPHPRuntime, PHP } from "@php-wasm/universal";

const checkout = new URL("../../../", import.meta.url);
const versions = ["8.1", "8.2", "8.3", "8.4"];

/** A PHP of this version, which has the checkout's PHP files in /checkout. */
async function php(version) {
  const { getPHPLoaderModule } = await import(`@php-wasm/node-${version.replace(".", "-")}`);
  const php = new PHP(await loadPHPRuntime(await getPHPLoaderModule(), {}));
  for (const directory of ["php", "php/tests", "php-examples"]) {
    php.mkdirTree(`/checkout/${directory}`);
    for (const name of readdirSync(new URL(directory, checkout)).filter((name) => name.endsWith(".php"))) {
      php.writeFile(`/checkout/${directory}/${name}`, readFileSync(new URL(`${directory}/${name}`, checkout)));
    }
  }
  return php;
}

for (const version of versions) {
  const tests = await (await php(version)).run({ scriptPath: "/checkout/php/tests/handoff.php" });
  assert.equal(tests.exitCode, 0, `${version}: ${tests.text}${tests.errors}`);
  assert.equal(tests.errors, "", version);

  const chat = await (await php(version)).run({
    scriptPath: "/checkout/php-examples/chat.php",
    method: "POST",
    headers: { Authorization: "Bearer demo" },
    body: new TextEncoder().encode('{"prompt":"Hello"}'),
    env: { CHAT_TOKEN: "demo", CHAT_DATABASE: "/tmp/chat.sqlite" },
  });
  assert.equal(chat.httpStatusCode, 200, `${version}: ${chat.text}${chat.errors}`);
  assert.deepEqual(chat.headers["x-socket-handoff"], ["/run/streaming-daemon.sock"], version);
  const { messages, user_id: user, on_end: hook } = JSON.parse(chat.headers["x-handoff-data"][0]);
  assert.deepEqual([messages, user, hook], [[{ role: "user", content: "Hello" }], "demo-user", "chat"], version);

  const parsed = await (await php(version)).run({
    code: `<?php
      foreach (glob('/checkout/php-examples/*.php') as $file) token_get_all(file_get_contents($file), TOKEN_PARSE);
      echo PHP_VERSION;`,
  });
  assert.equal(parsed.exitCode, 0, `${version}: ${parsed.text}${parsed.errors}`);
  console.log(`PHP ${parsed.text}: the class's tests and the chat's endpoint pass, the other examples parse`);
}
