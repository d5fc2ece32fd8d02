// SPDX-License-Identifier: Apache-2.0
// A hook: verifies each report by npm's standardwebhooks and appends it to a file, one line of JSON each. The path of
// the URL decides the answer: /ok takes all, /fail/N answers the first N posts of each report with 500, /hang/N
// those with silence, /gone refuses all.
//
//   server.mjs SECRET FILE [SOCKET]   prints its port, or 1 when it listens on the Unix socket
import {appendFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {Webhook} from 'standardwebhooks';

const [secret, file, socket] = process.argv.slice(2);
const webhook = new Webhook(secret);
const posts = new Map();  // by id: how often it came

const verified = (body, headers) => {
  try {
    return webhook.verify(body, headers);
  } catch (error) {
    return `not verified: ${error.message}`;
  }
};

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const id = request.headers['webhook-id'];
    const post = (posts.get(id) ?? 0) + 1;
    posts.set(id, post);
    const [, action, number] = request.url.split('/');
    const failing = action === 'gone' || (action !== 'ok' && post <= Number(number));
    const status = failing ? 500 : 204;
    const report = verified(Buffer.concat(chunks).toString(), request.headers);
    appendFileSync(file, JSON.stringify({id, post, status, report}) + '\n');
    if (action !== 'hang' || !failing) response.writeHead(status).end();
  });
});
server.listen(socket ?? {port: 0, host: '127.0.0.1'}, () => console.log(socket ? 1 : server.address().port));
process.on('SIGTERM', () => process.exit(0));
