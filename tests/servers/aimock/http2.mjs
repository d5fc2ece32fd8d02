// SPDX-License-Identifier: Apache-2.0
// An HTTP/2 server over TLS in front of aimock, on a port that the kernel chooses; it speaks nothing else, so that what
// arrives did come by HTTP/2. A connection carries 100 streams at most, as vendors' servers have it.
import { request } from "node:http";
import { createSecureServer } from "node:http2";

const hopByHop = ["connection", "keep-alive", "transfer-encoding"];

export function startHttp2(upstreamPort, key, cert) {
  const server = createSecureServer({ key, cert, settings: { maxConcurrentStreams: 100 } });
  server.on("stream", (stream, headers) => {
    const kept = Object.entries(headers).filter(([name]) => !name.startsWith(":"));
    const passed = request(
      { host: "127.0.0.1", port: upstreamPort, method: headers[":method"], path: headers[":path"], headers: Object.fromEntries(kept) },
      (answer) => {
        const answerHeaders = Object.entries(answer.headers).filter(([name]) => !hopByHop.includes(name));
        if (stream.destroyed) return;
        stream.respond({ ":status": answer.statusCode, ...Object.fromEntries(answerHeaders) });
        answer.on("aborted", () => stream.close());
        answer.pipe(stream);
      },
    );
    passed.on("error", () => stream.close());
    stream.on("error", () => passed.destroy());
    stream.on("close", () => passed.destroy());
    stream.pipe(passed);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
}
