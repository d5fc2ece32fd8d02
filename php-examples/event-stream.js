// SPDX-License-Identifier: Apache-2.0
// Reads Server-Sent Events from a fetch response. EventSource cannot do this: it sends neither POST nor an Authorization
// header, and it repeats the request when the answer has ended.

/** Yields each event's data, by the rules of the WHATWG event stream format. Drops an event that the end cuts off. */
export async function* eventData(response) {
  let rest = ""; // the beginning of a line that is not complete yet
  let data = []; // the data lines of an event that is not complete yet

  // The decoder keeps the first bytes of a character until the rest of it has arrived.
  for await (const text of chunks(response.body.pipeThrough(new TextDecoderStream()))) {
    // A line ends with CRLF, LF or CR. A CR at the end of the text may be the first half of a CRLF.
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data:")) {
        data.push(line.slice(line[5] === " " ? 6 : 5));
      } else if (line === "" && data.length > 0) {
        yield data.join("\n");
        data = [];
      }
    }
  }
}

// Not every browser can iterate over a ReadableStream.
async function* chunks(stream) {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}
