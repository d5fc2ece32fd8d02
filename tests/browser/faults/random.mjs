// SPDX-License-Identifier: Apache-2.0
// Chance that a seed decides, and what the API writes by it.

/** The same numbers each time for the same names. */
export class Random {
  #state;

  constructor(...names) {
    this.#state = [...names.join(" ")].reduce((hash, letter) => Math.imul(hash ^ letter.codePointAt(0), 0x01000193), 0x811c9dc5);
  }

  /** At least 0, less than 1: mulberry32. */
  next() {
    let mixed = (this.#state = (this.#state + 0x6d2b79f5) | 0);
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit) {
    return Math.floor(this.next() * limit);
  }

  of(choices) {
    return choices[this.below(choices.length)];
  }

  shuffled(all) {
    const rest = [...all];
    return Array.from(all, () => rest.splice(this.below(rest.length), 1)[0]);
  }
}

const words = [
  "word", "socket", "über", "naïve", "日本語", "😀", "👩‍👩‍👧", "e\u0301", "שלום", "\"quoted\"", "back\\slash", "**bold**", "*slanted*", "`code`", "<b>",
  "</script>", "&amp;", "a\u2028b", "tab\there", "[link](https://example.org/)", "data: x", "\u00a0", "§", "𝄞", "\u0001", "~~gone~~", "\ufeff",
];
const blocks = ["\n\n", "\n\n- item ", "\n\n1. first ", "\n\n```js\nlet a = 1;\n\n", "\n```\n\n", "\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n", "\n\n> ", "\r\n", "\n\n## "];

/** An answer as the API sends it: pieces of text, each `afterMs` behind the one before. */
export function answerOf(random) {
  const pieceMs = random.of([0, 20, 60, 120]);
  const pieces = Array.from({ length: 20 + random.below(60) }, () => ({
    text: (random.below(8) === 0 ? random.of(blocks) : "") + random.of(words) + random.of([" ", " ", "\n", ""]),
    afterMs: random.below(2) * random.below(2 * pieceMs + 1),
  }));
  if (random.below(4) === 0) random.of(pieces).afterMs += 1500; // the model thinks
  return pieces;
}
