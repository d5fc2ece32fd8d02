// Server-Sent Events read from a fetch response. EventSource cannot do this: it knows neither POST nor an Authorization
// header, and it repeats the request, prompt and all, when the answer has ended.

/** Yields each event's data, as the WHATWG event stream format has it. An event that the end cuts off is dropped. */
export async function* eventData(response) {
  let rest = ""; // what has come of a line that is not complete
  let data = []; // the lines of data of an event that is not complete

  // The decoder holds back the bytes of a character that the network has cut in two.
  for await (const text of chunks(response.body.pipeThrough(new TextDecoderStream()))) {
    // A line ends with CRLF, LF or CR; a CR in the last place may be half of a CRLF.
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

// A ReadableStream is not iterable in every browser of today.
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
