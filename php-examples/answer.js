// SPDX-License-Identifier: Apache-2.0
// Asks chat.php for an answer, and turns each way in which that can fail into words that say what to do.
import { events } from "./event-stream.js";

const token = "demo"; // the CHAT_TOKEN of chat.php; a page with a login relies on its session's cookie instead

// The daemon sends something at least every 15 s (heartbeat_interval_ms). After three times that the connection is dead.
const maxSilenceMs = 45_000;

// How long the page may read before it lets the browser handle clicks and draw.
const maxReadingMs = 12;

/**
 * Its message can be shown. `action` is what helps: "retry", "log-in" or "none". `retryAfter` is when to try again: seconds,
 * 0 for at once.
 */
export class AnswerError extends Error {
  constructor(message, { action = "retry", retryAfter = 0 } = {}) {
    super(message);
    Object.assign(this, { action, retryAfter });
  }
}

/** Yields the pieces of the answer to the messages. Throws an AnswerError, or the signal's reason. */
export async function* answerTo(messages, signal) {
  const silence = new AbortController();
  const watch = new SilenceWatch(maxSilenceMs, () => silence.abort());
  try {
    const request = AbortSignal.any([signal, silence.signal]);
    const response = await ask(messages, request);
    yield* pieces(response, () => watch.hear());
  } catch (error) {
    signal.throwIfAborted();
    if (silence.signal.aborted) throw new AnswerError("The connection has fallen silent. Check your network.");
    throw error instanceof AnswerError ? error : connectionError("The connection broke off.");
  } finally {
    watch.stop();
  }
}

async function ask(messages, signal) {
  const response = await fetch("chat.php", {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ messages }),
    signal,
  }).catch((error) => {
    throw error.name === "AbortError" ? error : connectionError("The server cannot be reached.");
  });
  if (!response.ok) throw await refusal(response);
  const type = response.headers.get("Content-Type") ?? "";
  if (type.startsWith("text/event-stream")) return response;
  // A login page comes with status 200, often after a redirect.
  if (type.startsWith("text/html")) throw new AnswerError("Your session has ended.", { action: "log-in" });
  throw new AnswerError("The server sent something that is no answer.");
}

async function* pieces(response, onBytes) {
  let pausedAt = performance.now();
  for await (const { data } of events(response, onBytes)) {
    if (data === "[DONE]") return;
    const event = parsed(data);
    if (event.error) throw errorOf(event);
    if (event.content) yield event.content;
    if (performance.now() - pausedAt > maxReadingMs) {
      await nextTask();
      pausedAt = performance.now();
    }
  }
  throw new AnswerError("The answer broke off before its end.");
}

function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    throw new AnswerError("The server sent something that is no answer.");
  }
}

// --- What went wrong ------------------------------------------------------------------------------------------------

function connectionError(message) {
  return new AnswerError(navigator.onLine ? message : "You are offline.");
}

// By the daemon's codes (docs/PROTOCOL.md): these would fail again.
const lasting = new Set(["upstream_refused", "upstream_malformed", "upstream_compressed", "upstream_too_large", "attachment"]);

function errorOf({ error, code, retry_after: retryAfter = 0 }) {
  return new AnswerError(String(error), { action: lasting.has(code) ? "none" : "retry", retryAfter });
}

// Of a status for which the server has sent no words of its own.
const refusals = {
  401: ["You are not logged in.", "log-in"],
  403: ["You may not ask this.", "none"],
  404: ["The chat is not here any more.", "none"],
  413: ["Your message is too long: shorten it.", "none"],
  429: ["You have asked too much for now.", "retry"],
  502: ["The server is out of order.", "retry"],
  503: ["The server is busy.", "retry"],
  504: ["The server did not answer in time.", "retry"],
};

async function refusal(response) {
  const [words, action] = refusals[response.status] ??
    (response.status < 500 ? ["The server refused the message.", "none"] : ["The server failed.", "retry"]);
  const { error, code } = await response.json().catch(() => ({}));
  return new AnswerError(typeof error === "string" ? error : words, {
    action: lasting.has(code) ? "none" : action,
    retryAfter: secondsUntil(response.headers.get("Retry-After")),
  });
}

// Retry-After is a number of seconds or a date.
function secondsUntil(retryAfter) {
  const seconds = /^\d+$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
  return seconds > 0 ? Math.ceil(seconds) : 0;
}

// --- Time -----------------------------------------------------------------------------------------------------------

/** Calls `onSilence` once nothing was heard for `limitMs`. Time in which the page was frozen does not count. */
class SilenceWatch {
  #silentMs = 0;
  #tickedAt = performance.now();
  #timer;

  constructor(limitMs, onSilence) {
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#silentMs += Math.min(now - this.#tickedAt, 5000);
      this.#tickedAt = now;
      if (this.#silentMs >= limitMs) onSilence();
    }, 1000);
  }

  hear() {
    this.#silentMs = 0;
  }

  stop() {
    clearInterval(this.#timer);
  }
}

// A timer would wait four milliseconds, and a second in a tab that is hidden.
function nextTask() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
