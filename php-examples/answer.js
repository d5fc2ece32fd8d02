// SPDX-License-Identifier: Apache-2.0
// Asks chat.php, reads answers, and goes on with them when a connection is lost. Turns each failure into words that say what
// to do.
import { events } from "./event-stream.js";

const token = "demo"; // the CHAT_TOKEN of chat.php; a page with a login relies on its session's cookie instead

// The daemon sends something at least every 15 s (heartbeat_interval_ms). After three times that the connection is dead.
const maxSilenceMs = 45_000;

// How long the page may read before it lets the browser handle clicks and draw.
const maxReadingMs = 12;

// A lost connection is tried again for about two minutes.
const maxTries = 18;
const maxPauseMs = 8000;

// A server that is full or is being restarted asks to come again within so many seconds, if it says when. The page does.
const soonS = 2;

// The daemon reports an answer's end within a moment, or tries again after 5 and 30 seconds.
const maxStoringTries = 100;
const storingPauseMs = 500;

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

/** The daemon does not have the answer any more, or not all of it: the conversation has it, or will have it. */
export class AnswerGone extends Error {}

/** Which may work again if it is tried again: the network, or a server that is full or is being restarted. */
class Lost extends Error {}

class Busy extends Lost {}

/** The answer before is still running, or not stored yet: soon it will be. */
class NotYet extends Error {}

/** The turns of a conversation, the oldest first: {id, question, answer, cause}; those without a cause are running. */
export async function turnsOf(conversation) {
  const response = await request(`chat.php?conversation=${conversation}`, {}).catch((error) => {
    throw lostError(error);
  });
  checkType(response, "application/json");
  return (await response.json()).turns;
}

/** Ends the answer for all who read it. False if it does not run (yet). */
export async function stop(answer) {
  return (await fetchFromChat("chat.php", post({ stop: answer }))).ok;
}

/**
 * Asks for an answer, or follows one, from its beginning; `turn` is {conversation, answer, prompt, instead}, or {answer} to
 * follow. Yields {text}, {trouble: "..."} for a while in which nothing comes and why, and {stopped: true} if a user has
 * stopped the answer. Throws an AnswerError, AnswerGone or the signal's reason.
 */
export async function* readAnswer(turn, signal) {
  let after; // the last event that was read
  for (let tries = 0, storingTries = 0; ; ) {
    // An answer that runs already is not given up because it cannot be read for a while.
    const again = tries > 0 || after !== undefined || turn.prompt === undefined;
    const body = after === undefined && turn.prompt !== undefined ? turn : { follow: turn.answer, after };
    try {
      for await (const { id, ...piece } of receive(body, signal, again)) {
        tries = 0;
        after = id || after;
        yield piece;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof NotYet) {
        if (++storingTries > maxStoringTries) throw new AnswerError(error.message);
        if (storingTries > 4) yield { trouble: "The answer before is not stored yet." };
        await pause(storingPauseMs, signal);
      } else {
        if (!(error instanceof Lost)) throw error;
        if (++tries > maxTries) throw lostError(error);
        yield { trouble: `${error instanceof Busy ? error.message : "The connection is lost."} Trying again…` };
        await pause(Math.min(500 * 2 ** (tries - 1), maxPauseMs), signal);
      }
    }
  }
}

// One connection, up to the answer's end.
async function* receive(body, signal, again) {
  const silence = new AbortController();
  const watch = new SilenceWatch(maxSilenceMs, () => silence.abort());
  try {
    const response = await request("chat.php", { ...post(body), signal: AbortSignal.any([signal, silence.signal]) }, again);
    checkThatItStreams(response);
    yield* pieces(response, () => watch.hear());
  } catch (error) {
    if (silence.signal.aborted) throw new Lost("The connection has fallen silent.");
    throw [AnswerError, AnswerGone, Lost, NotYet].some((kind) => error instanceof kind) ? error : new Lost("The connection broke off.");
  } finally {
    watch.stop();
  }
}

async function* pieces(response, onBytes) {
  let pausedAt = performance.now();
  for await (const { data, id } of events(response, onBytes)) {
    if (data === "[DONE]") return;
    const event = parsed(data);
    if (event.error) throw errorOf(event);
    if (event.content) yield { text: event.content, id };
    if (event.stopped) yield { stopped: true, id };
    if (performance.now() - pausedAt > maxReadingMs) {
      await nextTask();
      pausedAt = performance.now();
    }
  }
  throw new Lost("The answer broke off before its end.");
}

function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    throw new AnswerError("The server sent something that is no answer.");
  }
}

// --- Requests -------------------------------------------------------------------------------------------------------

const post = (body) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

function fetchFromChat(url, { headers, ...options }) {
  return fetch(url, { ...options, headers: { ...headers, Authorization: `Bearer ${token}` } });
}

// A response of a status that is good. `again`: after a lost connection, when a server that fails may be restarting.
async function request(url, options, again = false) {
  const response = await fetchFromChat(url, options).catch((error) => {
    throw error.name === "AbortError" ? error : new Lost("The server cannot be reached.");
  });
  if (response.ok) return response;
  if (response.status === 409) throw new NotYet("The answer before has not been stored.");
  if (again && response.status >= 500) throw new Lost("The server is out of order.");
  const failure = await refusal(response);
  throw response.status === 503 && failure.retryAfter <= soonS ? new Busy(failure.message) : failure;
}

function checkThatItStreams(response) {
  if (response.status === 204) throw new AnswerGone();
  checkType(response, "text/event-stream");
}

function checkType(response, expected) {
  const type = response.headers.get("Content-Type") ?? "";
  if (type.startsWith(expected)) return;
  // A login page comes with status 200, often after a redirect.
  if (type.startsWith("text/html")) throw new AnswerError("Your session has ended.", { action: "log-in" });
  throw new AnswerError("The server sent something that is no answer.");
}

// --- What went wrong ------------------------------------------------------------------------------------------------

function lostError(error) {
  if (!(error instanceof Lost)) return error;
  return new AnswerError(navigator.onLine ? error.message : "You are offline.");
}

// By the daemon's codes (docs/PROTOCOL.md): these would fail again.
const lasting = new Set(["upstream_refused", "upstream_malformed", "upstream_compressed", "upstream_too_large", "attachment"]);

function errorOf({ error, code, retry_after: retryAfter = 0 }) {
  if (code === "fell_behind") return new AnswerGone();
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
  return new AnswerError(typeof error === "string" && action !== "log-in" ? error : words, {
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

/** Waits so long, or until the browser has a network again. */
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(end, ms);
    addEventListener("online", end);
    signal.addEventListener("abort", end);
    function end() {
      clearTimeout(timer);
      removeEventListener("online", end);
      signal.removeEventListener("abort", end);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    }
  });
}

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
