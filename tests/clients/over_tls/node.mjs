// SPDX-License-Identifier: Apache-2.0
// node.mjs https|fetch URL: prints the answer; exit status 0 only if it ended as it should. Node's own flags choose the
// version of TLS, NODE_EXTRA_CA_CERTS the authority.
import https from "node:https";

const readers = {
  https: (url) =>
    new Promise((resolve, reject) => {
      https.get(url, (answer) => {
        answer.pipe(process.stdout);
        answer.on("error", reject);
        answer.on("close", () => (answer.complete ? resolve() : reject(new Error("the answer was cut"))));
      }).on("error", reject);
    }),
  fetch: async (url) => {
    for await (const bytes of (await fetch(url)).body) process.stdout.write(bytes);
  },
};

const [reader, url] = process.argv.slice(2);
await readers[reader](url);
