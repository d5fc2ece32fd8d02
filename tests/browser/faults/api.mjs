// SPDX-License-Identifier: Apache-2.0
// An OpenAI-compatible API, which remembers what it was asked and each piece that it has sent.
import { createServer } from "node:http";
import { once } from "node:events";

/**
 * `answerOf(question)` is an array of {text, afterMs}. `runs` are the requests that came: {question, messages, pieces: [{text,
 * at}], isWhole, endedAt}; `at` is when the piece was written, and `endedAt` when the connection was closed.
 */
export async function startApi(answerOf, address = "127.0.0.1") {
  const runs = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += piece;
    const { messages } = JSON.parse(body);
    const run = { question: messages.at(-1).content, messages, pieces: [], isWhole: false, endedAt: null };
    runs.push(run);
    response.on("close", () => (run.endedAt = Date.now()));
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    await write(response, run, answerOf(run.question));
  });
  server.listen(0, address);
  await once(server, "listening");
  return { origin: `http://${address}:${server.address().port}`, runs, close: () => server.closeAllConnections() || server.close() };
}

async function write(response, run, pieces) {
  const send = (delta, finish = null) =>
    response.write(`data: ${JSON.stringify({ object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`);
  for (const { text, afterMs } of pieces) {
    if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
    if (response.closed) return;
    send({ content: text });
    run.pieces.push({ text, at: Date.now() });
  }
  run.isWhole = true;
  send({}, "stop");
  response.end("data: [DONE]\n\n");
}

/** What the API had written by then. */
export const textOf = (run, until = Infinity) => run.pieces.filter(({ at }) => at <= until).map(({ text }) => text).join("");
