// SPDX-License-Identifier: Apache-2.0
// Shows Markdown while it comes. What a model writes is hostile: markdown-it only divides the text into tokens, each token
// becomes an element of the lists below, and no text is ever parsed as HTML.
import MarkdownIt from "./markdown-it/markdown-it.js";

const parser = new MarkdownIt({ breaks: true, linkify: true });
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false }); // only addresses that begin with a scheme

// By the name of the token that opens them. Headings stand below those of the page.
const blocks = {
  paragraph: "p", blockquote: "blockquote", bullet_list: "ul", ordered_list: "ol", list_item: "li",
  table: "table", thead: "thead", tbody: "tbody", tr: "tr", th: "th", td: "td",
};
const headings = { h1: "h3", h2: "h4", h3: "h5", h4: "h6", h5: "h6", h6: "h6" };
const spans = { em: "em", strong: "strong", s: "s" };
const withText = new Set(["p", "li", "th", "td", "h3", "h4", "h5", "h6"]);

// From this length of finished blocks on the next one begins another part. The browser lays out only the parts that are
// near the screen.
const partLength = 4096;
// A list or a table that becomes longer than this is divided, because each parse begins at the start of its block.
const maxBlockLength = 4096;

/**
 * An element's text, as Markdown that grows at its end. Blocks that are finished stay as they are; only the last one is
 * shown anew. `onBlock` gets the element of each finished block.
 */
export class GrowingMarkdown {
  #root; // which has the parts
  #part; // the last of them, which has blocks
  #onBlock;
  #finished = 0; // the part's blocks that stay
  #finishedLength = 0; // of their source
  #end = ""; // the source behind them
  #openCode = null; // the element of a block of code that has no end yet, if that is the last one
  #definitions = {}; // of links, which hold for all blocks

  constructor(root, onBlock = () => {}) {
    this.#root = root;
    this.#onBlock = onBlock;
    this.#beginPart();
  }

  append(text) {
    for (let begin = 0; begin < text.length; begin += maxBlockLength) this.#append(text.slice(begin, begin + maxBlockLength));
  }

  #append(text) {
    this.#end += text;
    const onlyCode = this.#openCode && !/`{3}|~{3}/.test(this.#end.slice(-text.length - 2));
    if (onlyCode) return this.#openCode.firstChild.appendData(text);
    const block = this.#parse();
    if (this.#end.length <= maxBlockLength || !this.#divide(block)) this.#show(block);
  }

  finish() {
    this.#show(this.#parse());
    this.#finishBlocks(this.#end.length);
    this.#end = "";
  }

  // Shows all blocks but the last one, and returns its tokens.
  #parse() {
    const tokens = parser.parse(this.#end, this.#definitions);
    const last = Math.max(tokens.findLastIndex(({ level, nesting }) => level === 0 && nesting >= 0), 0);
    const block = tokens.slice(last);
    while (this.#part.childNodes.length > this.#finished) this.#part.lastChild.remove();
    if (last > 0) {
      const offset = offsetOfLine(this.#end, block[0].map[0]);
      this.#show(tokens.slice(0, last));
      this.#finishBlocks(offset);
      this.#end = this.#end.slice(offset);
    }
    return block;
  }

  #show(tokens) {
    const fragment = new DocumentFragment(); // elements that are not on the page yet cost less
    render(tokens, fragment);
    this.#part.append(fragment);
    this.#openCode = isOpenCode(tokens) ? this.#part.lastChild.querySelector("code") : null;
  }

  // The end goes on with the block's last item, or its last line. False if such a block cannot be divided.
  #divide(block) {
    const heads = { bullet_list_open: 0, ordered_list_open: 0, blockquote_open: 0, code_block: 0, table_open: 2 };
    const headLines = heads[block[0].type];
    if (headLines === undefined) return false;
    const source = this.#end;
    const line = block.findLast(({ type, level }) => type === "list_item_open" && level === 1)?.map[0] || block[0].map[1] - 1;
    const offset = offsetOfLine(source, line);
    this.#end = source.slice(0, offset);
    this.finish();
    this.#end = source.slice(0, offsetOfLine(source, headLines)) + source.slice(offset);
    this.#show(this.#parse());
    return true;
  }

  #finishBlocks(sourceLength) {
    const blocks = [...this.#part.children].slice(this.#finished);
    this.#finished += blocks.length;
    this.#finishedLength += sourceLength;
    if (this.#finishedLength > partLength) this.#beginPart();
    for (const block of blocks) {
      for (const button of block.querySelectorAll("button.copy")) button.hidden = false;
      this.#onBlock(block);
    }
  }

  #beginPart() {
    this.#part = create("div", "part");
    this.#root.append(this.#part);
    this.#finished = this.#finishedLength = 0;
  }
}

// The lines of a fence that is closed are those of its contents and two more.
function isOpenCode([{ type, content, map } = {}]) {
  return type === "fence" && map[1] - map[0] < content.replace(/\n$/, "").split("\n").length + (content === "" ? 1 : 2);
}

// Lines end as markdown-it sees them.
function offsetOfLine(text, line) {
  const ends = /\r\n?|\n/g;
  while (line-- > 0) ends.exec(text);
  return ends.lastIndex;
}

function create(name, className = "") {
  const element = document.createElement(name);
  if (className !== "") element.className = className;
  if (withText.has(name)) element.dir = "auto";
  return element;
}

// --- Tokens ---------------------------------------------------------------------------------------------------------

function render(tokens, root) {
  const open = [root];
  for (const token of tokens) {
    const parent = open.at(-1);
    if (token.nesting < 0) open.pop();
    else if (token.nesting > 0) open.push(opened(token, parent));
    else if (token.type === "inline") render(token.children, parent);
    else parent.append(leaf(token));
  }
}

function opened(token, parent) {
  if (token.hidden) return parent; // a paragraph of a list without blank lines
  const name = token.type.replace(/_open$/, "");
  const tag = headings[token.tag] ?? blocks[name] ?? spans[name] ?? "span";
  const element = name === "link" ? link(token.attrGet("href")) : create(tag);
  const start = token.attrGet("start");
  if (start !== null) element.start = start;
  const [, align] = token.attrGet("style")?.match(/^text-align:(\w+)$/) ?? [];
  if (align) element.className = `align-${align}`;
  if (name !== "table") {
    parent.append(element);
    return element;
  }
  const frame = create("div", "table"); // which scrolls if the table is too wide
  frame.tabIndex = 0;
  frame.append(element);
  parent.append(frame);
  return element;
}

function leaf({ type, content, info, attrs }) {
  switch (type) {
    case "softbreak":
    case "hardbreak":
      return create("br");
    case "hr":
      return create("hr");
    case "code_inline":
      return withContent(create("code"), content);
    case "fence":
    case "code_block":
      return codeBlock(content, info);
    case "image":
      return image(content, attrs);
    default:
      return new Text(content);
  }
}

function withContent(element, text) {
  element.append(text);
  return element;
}

function codeBlock(content, info) {
  const figure = create("figure", "code");
  const caption = create("figcaption");
  const copy = create("button", "quiet copy");
  copy.type = "button";
  copy.hidden = true; // until the block is finished
  copy.append("Copy");
  const frame = create("pre");
  frame.tabIndex = 0; // for the keyboard, because it scrolls
  frame.append(withContent(create("code"), content));
  caption.append(withContent(create("span"), info.trim().split(/\s/)[0] || "text"), copy);
  figure.append(caption, frame);
  return figure;
}

// markdown-it has refused addresses such as javascript: already.
function link(href) {
  const anchor = create("a");
  if (!/^(https?|mailto):/i.test(href)) return anchor;
  anchor.href = href;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer nofollow";
  return anchor;
}

// A link in place of the image: to load it would tell its server, which the model or a quoted page has chosen, what the
// address contains.
function image(content, attrs) {
  const href = attrs.find(([name]) => name === "src")[1];
  return withContent(link(href), content || href);
}
