// SPDX-License-Identifier: Apache-2.0
// Clients of the chat without a browser, which check each event: none twice, none missing.
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { randomUUID } from "node:crypto";
import { once } from "node:events";

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function eventually(what, condition, ms = 30_000) {
  for (const deadline = Date.now() + ms; !(await condition()); await pause(50)) {
    if (Date.now() > deadline) throw new Error(`not within ${ms / 1000} s: ${what}`);
  }
}

const retryMs = 300; // what is refused for a while

/** A chat with one question; `origin` is the load balancer's. */
export class Question {
  constructor(origin, text) {
    Object.assign(this, { origin, text, id: randomUUID() });
  }

  static canBeAsked = (origin) => new Question(origin, "").stored().then(() => true, () => false);

  ask() {
    return this.#post({ conversation: this.id, answer: this.id, prompt: this.text });
  }

  follow(after) {
    return this.#post({ follow: this.id, after });
  }

  /** What the database has of it. */
  async stored() {
    const response = await this.#request("GET", `/chat.php?conversation=${this.id}`);
    return JSON.parse((await response.setEncoding("utf8").toArray()).join("")).turns[0];
  }

  #post(body) {
    return this.#request("POST", "/chat.php", JSON.stringify(body));
  }

  async #request(method, path, body) {
    const request = (this.origin.startsWith("https:") ? httpsRequest : httpRequest)(this.origin + path, {
      method, agent: false, rejectUnauthorized: false, headers: { Authorization: "Bearer demo", "Content-Type": "application/json" },
    });
    request.end(body);
    const [response] = await once(request, "response");
    response.close = () => request.destroy();
    return response;
  }
}

/**
 * Reads the answer, and reloads so often, at random times; with reloads it begins by following. Afterwards `text`, `end` ("[DONE]"
 * or an error's code) and `endedAt` say what it has got, and `complaints` what was wrong. `cuts`
 * are the times at which a connection broke, `refusals` counts those that were answered with 503.
 */
export class Reader {
  text = "";
  end = null;
  endedAt = null;
  complaints = [];
  hasBegun = false;
  cuts = [];
  refusals = 0;
  reloads = 0;
  #seen = 0; // the last event
  #question;
  #reloads;
  #random;

  constructor(question, reloads, random) {
    this.#question = question;
    this.#reloads = reloads;
    this.#random = random;
  }

  async read() {
    let asks = this.#reloads === 0;
    for (const deadline = Date.now() + 60_000; this.end === null; ) {
      if (Date.now() > deadline) return this.#complain(`no end; ${this.#seen} events`);
      const response = await (asks ? this.#question.ask() : this.#question.follow(this.#seen || undefined)).catch((error) => error);
      if (response instanceof Error) {
        this.cuts.push(Date.now());
      } else if (response.statusCode === 200) {
        await this.#take(response);
        asks = false;
      } else {
        await this.#takeRefusal(response);
      }
    }
  }

  async #takeRefusal(response) {
    response.resume();
    if (response.statusCode === 204) {
      // It is not kept: the database has it. This happens to an answer that was cut off.
      this.end = "gone";
      this.endedAt = Date.now();
      return;
    }
    if (response.statusCode === 503) ++this.refusals;
    if (response.statusCode < 500) this.#complain(`status ${response.statusCode}`);
    await pause(retryMs);
  }

  async #take(response) {
    this.hasBegun = true;
    let left = false;
    const reload = () => {
      left = true;
      response.close();
    };
    const timer = this.reloads < this.#reloads ? setTimeout(reload, 150 + this.#random.below(1200)) : null;
    let rest = "";
    try {
      for await (const piece of response.setEncoding("utf8")) {
        const frames = (rest + piece).split("\n\n");
        rest = frames.pop();
        frames.forEach((frame) => this.#takeFrame(frame));
      }
    } catch {
      // it was cut, or left
    }
    clearTimeout(timer);
    if (this.end !== null) return;
    if (!left) {
      this.cuts.push(Date.now());
      return pause(retryMs);
    }
    ++this.reloads;
    if (this.#random.below(2) === 0) this.#forget();
  }

  // As a page that is loaded anew, and not one that goes on.
  #forget() {
    this.text = "";
    this.#seen = 0;
  }

  #takeFrame(frame) {
    if (this.end !== null) return this.#complain(`"${frame}" behind the end`);
    const [, id, data] = frame.match(/^(?:id: (\w+)\n)?(?:retry: \d+\n)?data: (.*)$/s) ?? [];
    if (data === undefined) return frame.startsWith(":") ? undefined : this.#complain(`the frame "${frame}"`);
    if (id !== "error" && Number(id) !== this.#seen + 1) this.#complain(`event ${id} behind ${this.#seen}`);
    this.#seen = Number(id);
    const event = data === "[DONE]" ? {} : JSON.parse(data);
    if (event.content) this.text += event.content;
    if (data === "[DONE]" || event.error) {
      this.end = event.code ?? data;
      this.endedAt = Date.now();
    }
  }

  #complain(text) {
    this.complaints.push(text);
  }
}
