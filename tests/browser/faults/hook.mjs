// SPDX-License-Identifier: Apache-2.0
// The demo's hook with faults (hook.php), and the reports that have come to it.
import { chmodSync, copyFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { Webhook } from "standardwebhooks";

export class Hook {
  #data;
  #webhook;
  #read = 0; // lines of the record

  constructor(directory) {
    this.#data = path.join(directory, "data");
    this.#webhook = new Webhook(readFileSync(path.join(directory, "hook.secret"), "utf8").trim());
    const script = path.join(directory, "htdocs/answer-ended.php");
    renameSync(script, path.join(directory, "htdocs/answer-ended-itself.php"));
    copyFileSync(fileURLToPath(new URL("hook.php", import.meta.url)), script);
    writeFileSync(path.join(this.#data, "reports"), "");
    this.plan([]);
    for (const name of ["reports", "hook.json"]) chmodSync(path.join(this.#data, name), 0o666); // PHP's user writes to them
  }

  /** What happens to the next reports that come for the first time: "refuse", "take and refuse" or "hang" each. */
  plan(fates) {
    const file = path.join(this.#data, "hook.json");
    let seen = {};
    try {
      ({ seen } = JSON.parse(readFileSync(file, "utf8")));
    } catch {
      // none has come
    }
    writeFileSync(file, JSON.stringify({ plan: fates, seen }));
  }

  /**
   * The reports that have come since the last call: {id, body, fate, report}. Throws if the library of Standard Webhooks does
   * not take one for signed.
   */
  newReports() {
    const lines = readFileSync(path.join(this.#data, "reports"), "utf8").split("\n").slice(0, -1).slice(this.#read);
    this.#read += lines.length;
    return lines.map((line) => {
      const { headers, body, fate } = JSON.parse(line);
      const text = Buffer.from(body, "base64").toString();
      return { id: headers["webhook-id"], body: text, fate, report: this.#webhook.verify(text, headers) };
    });
  }
}
