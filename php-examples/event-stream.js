// SPDX-License-Identifier: Apache-2.0
// Reads Server-Sent Events from a fetch response. EventSource cannot do this: it sends neither POST nor an Authorization
// header, and it repeats the request when the answer has ended.

/**
 * Yields each event as {data, type, id}, by the rules of the WHATWG event stream format. Drops an event that the end cuts
 * off. Calls `onBytes` whenever something arrives, also for the daemon's pings, which are comments and no events.
 */
export async function* events(response, onBytes = () => {}) {
  let rest = ""; // the beginning of a line that is not complete yet
  let id = ""; // the last one; events without their own have it too
  let type = "message";
  let data = []; // the data lines of an event that is not complete yet

  for await (const text of texts(response.body, onBytes)) {
    // A line ends with CRLF, LF or CR. A CR at the end of the text may be the first half of a CRLF.
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      const [, field, value] = line.match(/^([^:]*)(?:: ?(.*))?$/s);
      if (field === "data") data.push(value ?? "");
      else if (field === "id") id = value ?? "";
      else if (field === "event") type = value || "message";
      else if (line === "") {
        if (data.length > 0) yield { data: data.join("\n"), type, id };
        data = [];
        type = "message";
      }
    }
  }
}

/** Yields each event's data. */
export async function* eventData(response) {
  for await (const { data } of events(response)) yield data;
}

// Not every browser can iterate over a ReadableStream.
async function* texts(stream, onBytes) {
  const reader = stream.getReader();
  const decoder = new TextDecoder(); // keeps the first bytes of a character until the rest of it has arrived
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onBytes();
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    reader.cancel().catch(() => {}); // of a connection that has failed
  }
}
