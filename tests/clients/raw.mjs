// SPDX-License-Identifier: Apache-2.0
// What the clients of format `raw` share: how the server of the API was asked, and which of its answers fail.
import assert from "node:assert/strict";

// The last request that reached the API.
export async function lastRequest() {
  const journal = await (await fetch(`${process.env.UPSTREAM}/__aimock/journal`)).json();
  return journal.at(-1);
}

// That the last request reached the API at `path`, with the parameters that the tests give.
export async function assertRequested(path) {
  const request = await lastRequest();
  assert.equal(request.path, path);
  const body = JSON.stringify(request.body);
  assert.match(body, /"temperature":0\.5/);
  assert.match(body, /Be brief\./);
  assert.match(body, /"weather"/);
}

// Prompts to which the API gives a broken answer: before its first word, or after it.
export const brokenFromTheStart = ["bad key", "rate limited", "server error", "malformed answer", "no answer"];
export const brokenLater = ["cut short", "falls silent"];

// Checks that `ask(prompt)` fails for each of them, with an error of type `ErrorType` that tells no secrets.
export async function assertEachFails(ask, ErrorType = Error) {
  for (const prompt of [...brokenFromTheStart, ...brokenLater]) {
    await assert.rejects(ask(prompt), (error) => {
      assert.ok(error instanceof ErrorType, `${prompt}: ${error}`);
      assert.match(error.message, /The (model|model's answer|answer) /, prompt);
      assert.doesNotMatch(error.message, /sk-|127\.0\.0\.1/, prompt);
      return true;
    });
  }
}
