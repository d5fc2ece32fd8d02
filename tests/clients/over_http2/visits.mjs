// SPDX-License-Identifier: Apache-2.0
// What each client of this directory does, for those that have fetch(). No other name may be used in it: browsers get its text.

// Returns what became of each request: {path, status, body, milliseconds} or {path, error}, in the order in which they ended.
export async function visits(fetch, { origin, name, count, burst, payload, methodBeside }) {
  const ended = [];
  const ask = async (path, begun = () => {}, { method = "GET", ...options } = {}) => {
    const start = performance.now();
    const body = options.payload ?? payload;
    const isAnswer = path.startsWith("/answer/");
    const url = origin + path + (isAnswer && method === "GET" ? `?payload=${encodeURIComponent(body)}` : "");
    try {
      const sent = method === "POST" ? { method, body } : { method };
      const response = await fetch(url, { ...sent, signal: options.signal, cache: "no-store" });
      let text = "";
      const decoder = new TextDecoder();
      for (const reader = response.body.getReader(); ;) {
        const { done, value } = await reader.read();
        if (done) break;
        text += decoder.decode(value, { stream: true });
        begun();
      }
      ended.push({ path, status: response.status, body: text, milliseconds: performance.now() - start });
    } catch (error) {
      ended.push({ path, error: `${error} ${error.cause ?? ""}` });
    }
    begun();
  };
  for (let i = 0; i < count; ++i) {
    const options = { method: i % 2 ? "POST" : "GET" };
    await ask(`/page/${name}-${i}-before`, undefined, options);
    let during;
    const beside = { method: methodBeside ?? options.method };
    const askBeside = () => { during ??= ask(`/page/${name}-${i}-during`, undefined, beside); };
    await ask(`/answer/${name}-${i}`, askBeside, options);
    await during;
    await ask(`/page/${name}-${i}-after`, undefined, options);
  }
  // "Stop", and what the page asks then.
  const stop = new AbortController();
  await ask(`/answer/${name}-stopped`, () => stop.abort(), { payload: '{"backend":"hold"}', signal: stop.signal });
  await ask(`/page/${name}-stopped-after`);
  await Promise.all(Array.from({ length: burst }, (_, i) => ask(`/answer/${name}-burst-${i}`)));
  return ended;
}

// An answer that stays until stop(), with pages beside it. `begun` resolves with its first bytes and the first page.
export function holding(fetch, { origin, name }) {
  const ended = [];
  const stopping = new AbortController();
  let pages = 0;
  const askBeside = async () => {
    const path = `/page/${name}-beside-${pages++}`;
    const start = performance.now();
    const response = await fetch(origin + path, { cache: "no-store" });
    ended.push({ path, status: response.status, body: await response.text(), milliseconds: performance.now() - start });
    return true;
  };
  const begin = async () => {
    const sent = { method: "POST", body: '{"backend":"hold"}', signal: stopping.signal };
    const response = await fetch(`${origin}/answer/${name}-stopped`, sent);
    await response.body.getReader().read();
    return askBeside();
  };
  const stop = () => {
    stopping.abort();
    return [...ended, { path: `/answer/${name}-stopped`, error: "stopped" }];
  };
  return { begun: begin(), askBeside, stop, ended };
}
