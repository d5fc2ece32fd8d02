// SPDX-License-Identifier: Apache-2.0
// What of a conversation goes to the API, which may demand that it begins with a user's message and that roles alternate.

const maxBytes = 200_000; // chat.php accepts 256 KiB, in which each message also has its JSON around it

/** The messages and a further one; older ones are left out, a question with its answer, until the rest is short enough. */
export function appended(messages, message) {
  const all = [...messages, message];
  let bytes = 0;
  let first = all.length;
  while (first > 0 && (bytes += size(all[first - 1])) <= maxBytes) --first;
  if (first === all.length) return [message]; // chat.php refuses it, and says why
  while (first > 0 && all[first]?.role !== "user") ++first;
  return all.slice(first);
}

/** Without the last question if it has no answer: the next one would be the second in a row. */
export function withoutFailure(messages) {
  return messages.at(-1)?.role === "user" ? messages.slice(0, -1) : messages;
}

const encoder = new TextEncoder();
const size = (message) => encoder.encode(JSON.stringify(message)).length;
