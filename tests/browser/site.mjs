// SPDX-License-Identifier: Apache-2.0
// The chat of php-examples with a scripted server in the place of chat.php, and Chromium that looks at it.
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { connect, createServer as createProxy } from "node:net";
import { readFile } from "node:fs/promises";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { chromium } from "playwright-core";

const examples = fileURLToPath(new URL("../../php-examples", import.meta.url));
const types = { ".js": "text/javascript", ".css": "text/css" };

/** A site whose `answer(response, body)` is what chat.php would do with a POST, and `turns` what it has stored (null: it answers with a login page): assign them. */
export async function startSite() {
  const php = spawn("php", ["-n", "-S", "127.0.0.1:0", "-t", examples], { stdio: ["ignore", "ignore", "pipe"] });
  const [, phpOrigin] = await printed(php.stderr, /\((http:\/\/[\d.:]+)\) started/);
  const site = { answer: null, turns: [], requests: [], close, cutAll: () => server.closeAllConnections() };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://site");
    if (pathname === "/chat.php" && request.method === "GET") {
      if (site.turns === null) return login(response);
      response.writeHead(200, { "Content-Type": "application/json" });
      return response.end(JSON.stringify({ turns: site.turns }));
    }
    if (pathname === "/chat.php") {
      const body = JSON.parse(await text(request));
      site.requests.push(body);
      return site.answer(response, body);
    }
    if (types[path.extname(pathname)]) {
      response.writeHead(200, { "Content-Type": types[path.extname(pathname)] });
      return response.end(await readFile(path.join(examples, path.normalize(pathname))));
    }
    const page = await fetch(phpOrigin + "/index.php"); // with the headers that the example itself sends
    const headers = Object.fromEntries(["content-type", "content-security-policy"].map((name) => [name, page.headers.get(name)]));
    response.writeHead(page.status, headers);
    response.end(await page.text());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  site.origin = `http://127.0.0.1:${server.address().port}`;

  function close() {
    php.kill();
    server.close();
    server.closeAllConnections();
  }
  return site;
}

/** What a process has printed, as soon as the pattern is in it. */
export async function printed(stream, pattern) {
  let all = "";
  for await (const piece of stream.iterator({ destroyOnReturn: false })) {
    const found = (all += piece).match(pattern);
    if (!found) continue;
    stream.resume();
    return found;
  }
  throw new Error(`no ${pattern} in: ${all}`);
}

async function text(stream) {
  let all = "";
  for await (const piece of stream) all += piece;
  return all;
}

export const chromiumOptions = { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] };

export const startBrowser = () => chromium.launch(chromiumOptions);

/** A network between the browser and a server of this machine, which can fail: setDown(true) cuts all connections. */
export async function startNetwork(origin) {
  const sockets = new Set();
  let isDown = false;
  const server = createProxy((browser) => {
    const site = connect(new URL(origin).port, "127.0.0.1");
    for (const [socket, other] of [[browser, site], [site, browser]]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    browser.pipe(site).pipe(browser);
    if (isDown) browser.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const setDown = (down) => {
    isDown = down;
    if (down) for (const socket of sockets) socket.destroy();
  };
  return {
    origin: `${new URL(origin).protocol}//127.0.0.1:${server.address().port}`,
    setDown,
    close: () => {
      setDown(true);
      server.close();
    },
  };
}

// --- Answers --------------------------------------------------------------------------------------------------------

export const content = (piece) => `data: ${JSON.stringify({ content: piece })}\n\n`;

export function beginAnswer(response) {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.write(":\n\n");
}

/** A whole answer of these pieces. */
export const whole = (...pieces) => (response) => {
  beginAnswer(response);
  response.end(pieces.map(content).join("") + "data: [DONE]\n\n");
};

export const numbered = (id, piece) => `id: ${id}\n${content(piece)}`;

export const failing = (status, headers = {}, body = "") => (response) => {
  response.writeHead(status, headers);
  response.end(body);
};

export const login = failing(200, { "Content-Type": "text/html" }, "<h1>Log in</h1>");
