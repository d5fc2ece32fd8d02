// SPDX-License-Identifier: Apache-2.0
// The chat page: asks chat.php, shows the answer as it comes, and can stop it.
import { eventData } from "./event-stream.js";

const token = "demo"; // the CHAT_TOKEN of chat.php; a page with a login relies on its session's cookie instead

const [form, prompt, send, restart, welcome, scroller, log] = [
  "form", "prompt", "send", "restart", "welcome", "scroller", "log",
].map((id) => document.getElementById(id));

let conversation = []; // the messages so far, as chat.php accepts them: {role, content}
let running = null; // the AbortController of the answer that is being streamed, else null

/** Yields the pieces of the answer. Throws an Error whose message can be shown. */
async function* answerTo(messages, signal) {
  const response = await fetch("chat.php", {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ messages }),
    signal,
  }).catch((error) => {
    throw error.name === "AbortError" ? error : new Error("The server cannot be reached.");
  });
  if (!response.ok) {
    const { error } = await response.json().catch(() => ({}));
    throw new Error(error ?? `The server answered with status ${response.status}.`);
  }
  for await (const data of eventData(response)) {
    if (data === "[DONE]") return;
    const event = JSON.parse(data);
    if (event.error) throw new Error(event.error);
    if (event.content) yield event.content;
  }
  throw new Error("The answer broke off before its end.");
}

/** Streams the answer to the conversation so far into a new article. */
async function answer() {
  const article = addArticle("assistant", "The answer");
  const text = article.querySelector(".text").appendChild(new Text());
  const messages = conversation; // a new chat may have begun before this answer ends
  const controller = (running = new AbortController());
  const began = performance.now();
  let firstAfter = null;
  let pieces = 0;

  showRunning(true);
  article.setAttribute("aria-busy", "true");
  try {
    for await (const piece of answerTo(messages, controller.signal)) {
      firstAfter ??= performance.now() - began;
      pieces += 1;
      // Appended to the same text node, because a piece may begin with the second half of a surrogate pair.
      keepAtEnd(() => text.appendData(piece));
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    addNote(article, pieces > 0
      ? `First words after ${Math.round(firstAfter)} ms, ${pieces} ${pieces === 1 ? "piece" : "pieces"} in ${seconds} s`
      : "The answer is empty.");
  } catch (error) {
    if (controller.signal.aborted) addNote(article, "Stopped.");
    else addAlarm(article, error.message);
  } finally {
    article.removeAttribute("aria-busy");
    running = null;
    showRunning(false);
  }
  if (text.data !== "") messages.push({ role: "assistant", content: text.data });
}

function ask(question) {
  welcome.hidden = true;
  restart.hidden = false;
  log.querySelectorAll(".alarm button").forEach((again) => again.remove());
  conversation.push({ role: "user", content: question });
  addArticle("user", "You").querySelector(".text").textContent = question;
  scroller.scrollTop = scroller.scrollHeight;
  answer();
}

function addArticle(role, speaker) {
  const article = document.createElement("article");
  article.className = role;
  article.innerHTML = '<span class="spoken"></span><p class="text"></p>';
  article.querySelector(".spoken").textContent = `${speaker}:`;
  log.append(article);
  return article;
}

function addNote(article, note) {
  const paragraph = document.createElement("p");
  paragraph.className = "note";
  paragraph.textContent = note;
  keepAtEnd(() => article.append(paragraph));
}

function addAlarm(article, message) {
  const alarm = document.createElement("p");
  alarm.className = "alarm";
  alarm.role = "alert";
  const again = document.createElement("button");
  again.className = "quiet";
  again.textContent = "Try again";
  again.onclick = () => {
    article.remove();
    conversation = conversation.slice(0, conversation.findLastIndex(({ role }) => role === "user") + 1);
    answer();
  };
  alarm.append(message, again);
  keepAtEnd(() => article.append(alarm));
}

/** Follows the text to its end, unless the reader has scrolled up. */
function keepAtEnd(change) {
  const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
  change();
  if (atEnd) scroller.scrollTop = scroller.scrollHeight;
}

function showRunning(isRunning) {
  send.textContent = isRunning ? "Stop" : "Send";
  send.classList.toggle("stop", isRunning);
  prompt.required = !isRunning; // else the browser would demand a message before the answer can be stopped
}

function fitPrompt() {
  prompt.style.height = "auto";
  prompt.style.height = `${prompt.scrollHeight}px`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) return running.abort();
  const question = prompt.value.trim();
  if (question === "") return;
  prompt.value = "";
  fitPrompt();
  ask(question);
});

prompt.addEventListener("input", fitPrompt);
prompt.addEventListener("keydown", (event) => {
  // Enter sends, Shift+Enter breaks the line. While an input method composes a word, Enter only ends the word.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (!running) form.requestSubmit();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") running?.abort();
});

document.getElementById("suggestions").addEventListener("click", (event) => {
  if (event.target.matches("button")) ask(event.target.textContent);
});

restart.addEventListener("click", () => {
  running?.abort();
  conversation = [];
  log.replaceChildren();
  welcome.hidden = false;
  restart.hidden = true;
  prompt.focus();
});
