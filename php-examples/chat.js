// SPDX-License-Identifier: Apache-2.0
// The chat page: asks, shows the answer as it comes, and can stop it.
import { AnswerError, answerTo } from "./answer.js";
import { AnswerView, QuestionView } from "./answer-view.js";
import { appended, withoutFailure } from "./conversation.js";

const [form, prompt, send, restart, welcome, scroller, log, speech] = [
  "form", "prompt", "send", "restart", "welcome", "scroller", "log", "speech",
].map((id) => document.getElementById(id));

let conversation = []; // the messages so far, as chat.php accepts them: {role, content}
let running = null; // the AbortController of the answer that is being streamed, else null

// --- Asking ---------------------------------------------------------------------------------------------------------

function ask(question) {
  welcome.hidden = true;
  restart.hidden = false;
  log.querySelectorAll(".alarm button").forEach((again) => again.remove());
  conversation = appended(withoutFailure(conversation), { role: "user", content: question });
  log.append(new QuestionView(question).element);
  following = true;
  answer();
}

/** Streams the answer to the conversation so far into a new article. */
async function answer() {
  const view = new AnswerView({ onShown: keepAtEnd, say });
  const messages = conversation; // a new chat may have begun before this answer ends
  const controller = (running = new AbortController());
  const began = performance.now();
  let firstAfter = null;
  let pieces = 0;

  log.append(view.element);
  speech.replaceChildren();
  say("The answer is being written.");
  showRunning(true);
  let failure = null;
  try {
    for await (const piece of answerTo(messages, controller.signal)) {
      firstAfter ??= performance.now() - began;
      pieces += 1;
      view.append(piece);
    }
  } catch (error) {
    failure = error;
  }
  running = null;
  showRunning(false);
  view.finish();
  if (conversation === messages && view.source !== "") {
    conversation = appended(messages, { role: "assistant", content: view.source });
  }
  if (failure === null) view.addNote(summary(pieces, firstAfter, performance.now() - began));
  else if (controller.signal.aborted) view.addNote("Stopped.");
  else showFailure(view, failure, messages);
  say(failure === null ? "The answer is complete." : "The answer has ended early.");
}

function summary(pieces, firstAfter, ms) {
  if (pieces === 0) return "The answer is empty.";
  return `First words after ${Math.round(firstAfter)} ms, ${pieces} ${pieces === 1 ? "piece" : "pieces"} in ${(ms / 1000).toFixed(1)} s`;
}

function showFailure(view, failure, messages) {
  if (!(failure instanceof AnswerError)) {
    console.error(failure);
    failure = new AnswerError("This page has failed.");
  }
  const again = () => {
    view.element.remove();
    conversation = messages;
    focusPrompt();
    answer();
  };
  const button = {
    retry: { label: "Try again", act: again },
    "log-in": { label: "Log in", act: () => location.reload() },
  }[failure.action];
  view.addAlarm(failure.message, button, failure.retryAfter);
}

// --- The page -------------------------------------------------------------------------------------------------------

// Speaks to those who do not see the page: whole blocks, and not each piece as it comes.
function say(text) {
  const paragraph = document.createElement("p");
  paragraph.append(text);
  speech.append(paragraph);
  if (speech.childElementCount > 20) speech.firstChild.remove(); // it has been read aloud, or never will be
}

let following = true; // the reader is at the end, and has not scrolled up

function keepAtEnd() {
  if (following) scroller.scrollTop = scroller.scrollHeight;
}

scroller.addEventListener("scroll", () => {
  following = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
});
new ResizeObserver(keepAtEnd).observe(scroller); // when the composer grows, or a keyboard opens

function showRunning(isRunning) {
  send.textContent = isRunning ? "Stop" : "Send";
  send.classList.toggle("stop", isRunning);
  prompt.required = !isRunning; // else the browser would demand a message before the answer can be stopped
}

// On a phone the focus would open the keyboard, which covers the answer.
function focusPrompt() {
  (matchMedia("(pointer: fine)").matches ? prompt : scroller).focus({ preventScroll: true });
}

// CSS lets the composer grow with its text (field-sizing). For browsers that cannot do that, lines are counted: to measure
// a long text at each key would take longer than the keys.
if (!CSS.supports("field-sizing", "content")) {
  prompt.addEventListener("input", () => {
    prompt.rows = Math.min(prompt.value.slice(0, 2000).split("\n").length, 8);
  });
}

send.addEventListener("click", (event) => {
  // The second click of a double click would stop the answer that the first one asked for.
  if (event.detail > 1) event.preventDefault();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) return running.abort();
  const question = prompt.value.trim();
  if (question === "") return;
  prompt.value = "";
  prompt.rows = 1;
  ask(question);
});

prompt.addEventListener("keydown", (event) => {
  // Enter sends, Shift+Enter breaks the line. While an input method composes a word, Enter only ends the word.
  if (event.key === "Enter" && !event.shiftKey && !isComposing(event)) {
    event.preventDefault();
    if (!running) form.requestSubmit();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !isComposing(event)) running?.abort();
});

// Safari reports the key that ends a composition after its end, with this code.
function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}

document.getElementById("suggestions").addEventListener("click", (event) => {
  if (!event.target.matches("button")) return;
  focusPrompt();
  ask(event.target.textContent);
});

restart.addEventListener("click", () => {
  running?.abort();
  conversation = [];
  log.replaceChildren();
  welcome.hidden = false;
  restart.hidden = true;
  focusPrompt();
});
