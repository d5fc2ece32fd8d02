// SPDX-License-Identifier: Apache-2.0
// The chat page: the composer, the keyboard, and the conversation that the address names (?c=ID).
import { AnswerError } from "./answer.js";
import { Conversation, newId } from "./conversation.js";

const [form, prompt, send, stop, restart, welcome, scroller, log, speech] = [
  "form", "prompt", "send", "stop", "restart", "welcome", "scroller", "log", "speech",
].map((id) => document.getElementById(id));

let conversation = null; // null: none has begun

// --- The conversation -----------------------------------------------------------------------------------------------

function openConversation(id) {
  conversation?.close();
  conversation = id === null ? null : new Conversation(id, { log, keepAtEnd, say, changed, focusPrompt });
  welcome.hidden = id !== null;
  restart.hidden = id === null;
  speech.replaceChildren();
  following = true;
  changed();
}

// That of the address: after a reload, and after Back.
async function openNamed() {
  openConversation(new URLSearchParams(location.search).get("c"));
  log.replaceChildren();
  await conversation?.load().catch(showFailure);
}

function showFailure(error) {
  if (!(error instanceof AnswerError)) console.error(error);
  const alarm = document.createElement("p");
  alarm.className = "alarm";
  alarm.role = "alert";
  const again = document.createElement("button");
  again.className = "quiet";
  again.append(error.action === "log-in" ? "Log in" : "Try again");
  again.addEventListener("click", error.action === "log-in" ? () => location.reload() : openNamed);
  alarm.append(error instanceof AnswerError ? error.message : "This page has failed.", " ", again);
  log.append(alarm);
}

function ask(question) {
  if (conversation === null) {
    const id = newId();
    history.pushState(null, "", `?c=${id}`);
    openConversation(id);
  }
  following = true;
  speech.replaceChildren();
  conversation.ask(question);
}

function changed() {
  stop.hidden = !conversation?.isRunning;
  stop.disabled = conversation?.isStopping === true;
  stop.textContent = stop.disabled ? "Stopping…" : "Stop";
}

function stopAnswer() {
  if (conversation?.isRunning) conversation.stop();
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

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const question = prompt.value.trim();
  if (question === "") return;
  prompt.value = "";
  prompt.rows = 1;
  ask(question);
});

stop.addEventListener("click", () => {
  stopAnswer();
  focusPrompt();
});

prompt.addEventListener("keydown", (event) => {
  // Enter sends, Shift+Enter breaks the line. While an input method composes a word, Enter only ends the word.
  if (event.key === "Enter" && !event.shiftKey && !isComposing(event)) {
    event.preventDefault();
    form.requestSubmit();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !isComposing(event)) stopAnswer();
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
  history.pushState(null, "", location.pathname);
  openConversation(null);
  focusPrompt();
});

addEventListener("popstate", openNamed);
openNamed();
