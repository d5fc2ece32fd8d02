// SPDX-License-Identifier: Apache-2.0
// node.mjs PARAMETERS: the visits by node:http2, over TLS or without. The module leaves to its user what is done after GOAWAY:
// here a new connection, as RFC 9113 has it (6.8), which also asks again what was refused. Besides, nobody reads two answers
// until all else has ended, or ten seconds have passed: one whose stream's window holds 64 bytes, and one that arrives whole.
import http2 from "node:http2";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { visits } from "./visits.mjs";

const parameters = JSON.parse(process.argv[2]);
let current;

function session() {
  if (!current || current.closed || current.destroyed || current.left) {
    const made = http2.connect(parameters.origin);
    made.on("goaway", () => { made.left = true; });
    made.on("error", () => {}); // its streams report it
    current = made;
  }
  return current;
}

function headersOf(url, method) {
  const { pathname, search } = new URL(url);
  return { ":method": method, ":path": pathname + search };
}

async function fetch(url, { method, body, signal }) {
  for (;;) {
    const stream = session().request(headersOf(url, method), { signal });
    stream.end(body);
    try {
      const [headers] = await once(stream, "response");
      return { status: headers[":status"], body: { getReader: () => readerOf(stream) } };
    } catch (error) {
      if (stream.rstCode !== http2.constants.NGHTTP2_REFUSED_STREAM) throw error;
      current.left = true;
    }
  }
}

function readerOf(stream) {
  const pieces = stream.iterator();
  return { read: () => pieces.next() };
}

// Returns a function that reads the answer.
async function beginUnread(initialWindowSize) {
  const connection = http2.connect(parameters.origin, { settings: { initialWindowSize } });
  const path = `/answer/${parameters.name}-${initialWindowSize}-unread`;
  const query = `?payload=${encodeURIComponent(parameters.payload)}`;
  const stream = connection.request(headersOf(parameters.origin + path + query, "GET"));
  const [head] = await once(stream, "response");
  return async () => {
    let body = "";
    try {
      for await (const piece of stream) body += piece;
      return { path, status: head[":status"], body, milliseconds: 0 };
    } catch (error) {
      return { path, error: `${error} behind ${body.length} bytes` };
    } finally {
      connection.close();
    }
  };
}

const unread = await Promise.all([64, 65_535].map(beginUnread));
const visited = visits(fetch, parameters);
// A server gives a client up that does not read for longer.
await Promise.race([visited, setTimeout(10_000)]);
const read = await Promise.all(unread.map((read) => read()));
console.log(JSON.stringify([...(await visited), ...read]));
current.close();
