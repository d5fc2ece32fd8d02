// SPDX-License-Identifier: Apache-2.0
// Every way in which the network can cut a stream of events gives the same events.
import assert from "node:assert/strict";
import { eventData, events } from "../event-stream.js";

const stream =
  "\uFEFF: a comment\r\n\r\n" +
  'data: {"content":"é😀𝄞"}\r\n\r\n' + // CRLF, and characters of two and four bytes
  "data:no space\n\n" +
  "data: two\rdata:  lines\r\r" + // CR alone; one space is taken off, not two
  "event: other\nid: 3\nretry: 5\nnonsense\n\n" + // no data, no event
  "data: a line separator \u2028 ends no line\n\n" +
  "data: [DONE]\n\n" +
  "data: cut off\n";

const expected = [
  '{"content":"é😀𝄞"}',
  "no space",
  "two\n lines",
  "a line separator \u2028 ends no line",
  "[DONE]",
];

function responseInPieces(bytes, size) {
  let begin = 0;
  return new Response(new ReadableStream({
    pull(controller) {
      if (begin >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(begin, (begin += size)));
    },
  }));
}

const bytes = new TextEncoder().encode(stream);
for (let size = 1; size <= bytes.length; ++size) {
  const seen = [];
  for await (const data of eventData(responseInPieces(bytes, size))) seen.push(data);
  assert.deepEqual(seen, expected, `in pieces of ${size} bytes`);
}

// An event has the last id, and its type if that is named. Pings are heard too, although they are no events.
let heard = 0;
const seen = [];
const numbered = "id: 1\ndata: a\n\n: ping\n\ndata: b\n\nevent: done\nid\ndata\n\n";
for await (const event of events(responseInPieces(new TextEncoder().encode(numbered), 7), () => ++heard)) seen.push(event);
assert.deepEqual(seen, [
  { data: "a", type: "message", id: "1" },
  { data: "b", type: "message", id: "1" },
  { data: "", type: "done", id: "" },
]);
assert.equal(heard, Math.ceil(numbered.length / 7));
