// SPDX-License-Identifier: Apache-2.0
// A conversation on the page: its turns as chat.php has them, the answer that runs, and questions that wait for its end.
import { AnswerError, AnswerGone, readAnswer, stop, turnsOf } from "./answer.js";
import { AnswerView, QuestionView } from "./answer-view.js";

// How long to wait, until the hook has stored it, for the text of an answer that cannot be followed any more. It may still run,
// in a daemon that is being replaced.
const storingPausesMs = [0, 500, 1000, 2000, 4000, ...Array(8).fill(8000)];

export class Conversation {
  #id;
  #page; // {log, keepAtEnd, say, changed, focusPrompt}
  #views = new Map(); // of the turns on the page, by the answer's id: {question, answer}
  #running = null; // {answer, controller, stopping}
  #waiting = []; // questions that were sent while an answer runs: {text, view}
  #lost = null; // the last answer, if nothing will be stored of it
  #tabs; // tells other tabs with this conversation of a new question
  #closed = false;

  constructor(id, page) {
    this.#id = id;
    this.#page = page;
    this.#tabs = new BroadcastChannel(`chat ${id}`);
    this.#tabs.onmessage = () => !this.#running && this.load();
  }

  get isRunning() {
    return this.#running !== null;
  }

  /** Shows the turns that are not on the page yet, and goes on with the one that runs. */
  async load() {
    const turns = await turnsOf(this.#id);
    if (this.#running || this.#closed) return;
    for (const [id, { question, answer }] of this.#views) {
      if (turns.some((turn) => turn.id === id)) continue;
      question.element.remove(); // given up in another tab
      answer.element.remove();
      this.#views.delete(id);
    }
    for (const turn of turns) {
      if (this.#views.has(turn.id)) continue;
      const view = this.#add(turn.id, this.#addQuestion(turn.question), turn.question);
      if (turn.cause === null) this.#read(view, { answer: turn.id });
      else showStored(view, turn, turn === turns.at(-1) ? this.#againButton(turn.id) : null);
    }
  }

  /** Asks, or lets the question wait until the answer that runs has ended. */
  ask(text) {
    const view = this.#addQuestion(text);
    if (this.#running) {
      view.setWaiting(true);
      this.#waiting.push({ text, view });
    } else {
      this.#ask(text, view, this.#lost);
    }
    this.#page.keepAtEnd();
  }

  /** The page is told at once; the answer ends when the daemon has stopped it, so that all tabs and the history agree. */
  async stop() {
    const { answer, controller, stopping } = this.#running;
    if (stopping) return;
    this.#running.stopping = true;
    this.#page.changed();
    for (let tries = 0; tries < 8 && this.#running?.answer === answer; ++tries) {
      if (await stop(answer).catch(() => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 250)); // it has not begun yet, or the network is gone
    }
    if (this.#running?.answer === answer) controller.abort();
  }

  get isStopping() {
    return this.#running?.stopping === true;
  }

  /** Leaves the page; an answer that runs goes on without it. */
  close() {
    this.#closed = true;
    this.#tabs.close();
    this.#running?.controller.abort();
    this.#page.log.replaceChildren();
  }

  // --- Turns --------------------------------------------------------------------------------------------------------

  #addQuestion(text) {
    this.#page.log.querySelectorAll(".alarm button").forEach((again) => again.remove());
    const view = new QuestionView(text);
    this.#page.log.append(view.element);
    return view;
  }

  #add(id, question, text) {
    const answer = new AnswerView({ onShown: this.#page.keepAtEnd, say: this.#page.say });
    question.element.after(answer.element);
    this.#views.set(id, { question, answer, text });
    return answer;
  }

  #ask(text, question, instead) {
    const id = newId();
    question.setWaiting(false);
    this.#lost = null;
    this.#page.say("The answer is being written.");
    const view = this.#add(id, question, text);
    this.#read(view, { conversation: this.#id, answer: id, prompt: text, instead: instead ?? undefined });
  }

  #againButton(id) {
    const act = () => {
      const { question, answer, text } = this.#views.get(id);
      answer.element.remove();
      this.#views.delete(id);
      this.#page.focusPrompt();
      this.#ask(text, question, id);
    };
    return { label: "Try again", act };
  }

  async #read(view, turn) {
    const controller = new AbortController();
    this.#running = { answer: turn.answer, controller, stopping: false };
    this.#page.changed();
    const outcome = await showAnswer(view, turn, controller.signal, () => this.#tabs.postMessage("asked"));
    if (outcome instanceof AnswerGone) await this.#showWhatIsStored(view, turn.answer, controller.signal);
    if (this.#closed || this.#running?.controller !== controller) return;
    this.#running = null;
    if (controller.signal.aborted) view.addNote(view.source === "" ? "Stopped." : "Stopped here. The server could not be told.");
    else if (outcome instanceof Error && !(outcome instanceof AnswerGone)) this.#showFailure(view, outcome, turn.answer);
    this.#page.say(outcome instanceof Error ? "The answer has ended." : `The answer is ${outcome}.`);
    this.#page.changed();
    const next = this.#waiting.shift();
    if (next) this.#ask(next.text, next.view, this.#lost);
  }

  #showFailure(view, failure, id) {
    if (!(failure instanceof AnswerError)) console.error(failure);
    const { message, action, retryAfter } =
      failure instanceof AnswerError ? failure : new AnswerError("This page has failed.");
    this.#lost = id;
    const button = action === "log-in" ? { label: "Log in", act: () => location.reload() } : this.#againButton(id);
    view.addNote("");
    view.addAlarm(message, action === "none" ? undefined : button, retryAfter);
  }

  async #showWhatIsStored(view, id, signal) {
    const again = this.#againButton(id);
    // There may never be any: the daemon may have died before it read the question.
    const act = () => {
      this.#running.controller.abort();
      again.act();
    };
    for (const ms of storingPausesMs) {
      if (ms > 500) view.setTrouble("Waiting for the rest of the answer.", ms > 2000 ? { ...again, act } : undefined);
      await new Promise((resolve) => setTimeout(resolve, ms));
      const turn = await turnsOf(this.#id).then((turns) => turns.find((turn) => turn.id === id), () => null);
      if (signal.aborted) return view.setTrouble(undefined);
      if (turn?.cause) return showStored(view, turn, again);
    }
    this.#lost = id;
    view.setTrouble(undefined);
    view.addNote("");
    view.addAlarm("The answer is lost.", again);
  }
}

// Shows the answer as it comes. Returns "complete", "stopped", or the error that it has ended with.
async function showAnswer(view, turn, signal, onFirst) {
  const began = performance.now();
  let firstAfter = null;
  let pieces = 0;
  let wasStopped = false;
  try {
    for await (const { text, trouble, stopped } of readAnswer(turn, signal)) {
      view.setTrouble(trouble);
      wasStopped ||= stopped === true;
      if (text === undefined) continue;
      if (pieces++ === 0) onFirst();
      firstAfter ??= performance.now() - began;
      view.append(text);
    }
  } catch (error) {
    view.setTrouble(undefined);
    view.finish();
    return error;
  }
  view.finish();
  view.addNote(wasStopped ? "Stopped." : summary(pieces, firstAfter, performance.now() - began));
  return wasStopped ? "stopped" : "complete";
}

function summary(pieces, firstAfter, ms) {
  if (pieces === 0) return "The answer is empty.";
  return `First words after ${Math.round(firstAfter)} ms, ${pieces} ${pieces === 1 ? "piece" : "pieces"} in ${(ms / 1000).toFixed(1)} s`;
}

// By the cause that the daemon has reported (docs/PROTOCOL.md).
const notes = { completed: "", stopped: "Stopped." };
const failures = {
  cut: "The server failed in the middle of the answer.",
  shutdown: "The server was restarted in the middle of the answer.",
  first_byte_timeout: "The model did not answer in time.",
  idle_timeout: "The model fell silent.",
  too_long: "The answer took too long.",
  upstream_unreachable: "The model could not be reached.",
};

function showStored(view, { answer, cause }, button) {
  view.setTrouble(undefined);
  view.replace(answer);
  view.finish();
  view.addNote(cause === "completed" && answer === "" ? "The answer is empty." : (notes[cause] ?? ""));
  if (notes[cause] === undefined) view.addAlarm(failures[cause] ?? "The answer broke off.", button ?? undefined);
}

// As crypto.randomUUID() makes one, which only works over HTTPS and on this machine.
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
