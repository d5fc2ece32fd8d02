// SPDX-License-Identifier: Apache-2.0
// One message of the conversation on the page. An answer's text is shown once a frame, however many pieces came meanwhile,
// and less often if that takes long.
import { GrowingMarkdown } from "./markdown.js";

const hiddenTabMs = 250; // a hidden tab has no frames
const restsPerShow = 8; // after showing the page is left alone for so many times as long as that took

export class QuestionView {
  constructor(text) {
    this.element = article("user", "You");
    this.element.append(paragraph("text", text));
  }

  /** Whether it is to be asked when the answer that runs has ended. */
  setWaiting(isWaiting) {
    this.element.classList.toggle("waiting", isWaiting);
  }
}

export class AnswerView {
  source = ""; // the text as the model wrote it
  #waiting = ""; // the end of it, which is not shown yet
  #cancelShowing = null; // null: nothing is waiting
  #restsUntil = 0;
  #text; // the element
  #trouble; // the element that names it, if there is any
  #markdown;
  #say;
  #onShown;

  /** `onShown` is called after each change; `say(text)` speaks each finished block to those who do not see it. */
  constructor({ onShown, say }) {
    this.#onShown = onShown;
    this.element = article("assistant", "The answer");
    this.#say = say;
    this.#text = document.createElement("div");
    this.#text.className = "text";
    this.element.append(this.#text);
    this.#markdown = new GrowingMarkdown(this.#text, (block) => say(spoken(block)));
    this.element.setAttribute("aria-busy", "true");
    this.element.addEventListener("click", ({ target }) => {
      if (target.matches(".code .copy")) copy(target, target.closest(".code").querySelector("code").textContent);
    });
  }

  append(text) {
    this.source += text;
    this.#waiting += text;
    this.#cancelShowing ??= beforeNextFrame(() => this.#show(), this.#restsUntil);
  }

  /** Shows this in place of what came so far. */
  replace(text) {
    if (text === this.source) return;
    this.#text.replaceChildren();
    this.#markdown = new GrowingMarkdown(this.#text);
    this.source = this.#waiting = text;
  }

  /** Why nothing comes for a while, and a button that helps; undefined if something does. */
  setTrouble(message, button) {
    const words = [message, button?.label].filter(Boolean).join(" ");
    if ((this.#trouble?.textContent ?? "") === words) return;
    this.#trouble?.remove();
    this.#trouble = undefined;
    if (message === undefined) return;
    this.#trouble = paragraph("trouble", message);
    if (button) this.#trouble.append(" ", quietButton(button.label, button.act));
    this.element.append(this.#trouble);
    this.#say(message);
    this.#onShown();
  }

  /** No more text comes. */
  finish() {
    this.#show();
    this.#markdown.finish();
    this.element.removeAttribute("aria-busy");
    this.#onShown();
  }

  /** A line of facts below the answer, with a button that copies all of it; nothing if there is neither. */
  addNote(text) {
    if (text === "" && this.source === "") return;
    const note = paragraph("note", text);
    if (this.source !== "") {
      const button = quietButton("Copy", () => copy(button, this.source));
      note.append(" ", button);
    }
    this.element.append(note);
    this.#onShown();
  }

  /** What went wrong, and a button that helps: {label, act}, which waits for `seconds`. */
  addAlarm(message, button, seconds = 0) {
    const alarm = paragraph("alarm", message);
    alarm.role = "alert";
    if (button) {
      const element = quietButton(button.label, button.act);
      if (seconds > 0) countDown(element, seconds);
      alarm.append(" ", element);
    }
    this.element.append(alarm);
    this.#onShown();
  }

  #show() {
    this.#cancelShowing?.();
    this.#cancelShowing = null;
    if (this.#waiting === "") return;
    const began = performance.now();
    this.#markdown.append(this.#waiting);
    this.#waiting = "";
    this.#onShown(); // which needs the layout, the larger part of the time
    const now = performance.now();
    this.#restsUntil = now + restsPerShow * (now - began);
  }
}

/**
 * Calls it once: before a frame, not before `time`. Soon if the tab is hidden, or becomes so. Returns what cancels the call.
 */
function beforeNextFrame(call, time) {
  let frame;
  const act = () => {
    cancel();
    call();
  };
  const cancel = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", act);
  };
  const waitMs = document.hidden ? hiddenTabMs : time - performance.now();
  const timer = setTimeout(() => (document.hidden ? act() : (frame = requestAnimationFrame(act))), waitMs);
  document.addEventListener("visibilitychange", act);
  return cancel;
}

// --- Elements -------------------------------------------------------------------------------------------------------

function article(className, speaker) {
  const element = document.createElement("article");
  element.className = className;
  const heading = document.createElement("h2"); // a screen reader goes from one message to the next
  heading.className = "spoken";
  heading.append(speaker);
  element.append(heading);
  return element;
}

function paragraph(className, text) {
  const element = document.createElement("p");
  element.className = className;
  element.dir = "auto";
  element.append(text);
  return element;
}

function quietButton(label, act) {
  const button = document.createElement("button");
  button.className = "quiet";
  button.type = "button";
  button.append(label);
  button.addEventListener("click", act);
  return button;
}

function countDown(button, seconds) {
  const label = button.textContent;
  const end = performance.now() + seconds * 1000;
  button.disabled = true;
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `${label} in ${left} s` : label;
    if (left > 0 && button.isConnected) setTimeout(tick, 250);
  };
  queueMicrotask(tick); // the button is on the page then
}

async function copy(button, text) {
  const copied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
  button.textContent = copied ? "Copied" : "Not allowed";
  setTimeout(() => (button.textContent = "Copy"), 2000);
}

// A block of code is not read aloud, because it may be long and its signs are not words.
function spoken(block) {
  if (!block.matches(".code")) return block.textContent;
  return `Code: ${block.querySelector("figcaption span").textContent}, ${block.querySelector("code").textContent.split("\n").length - 1} lines.`;
}
