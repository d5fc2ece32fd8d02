// SPDX-License-Identifier: Apache-2.0
// Stores on hosts, and the Sentinels that watch them.
import { connect } from "node:net";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Process, here } from "./network.mjs";
import { eventually } from "./clients.mjs";

const password = "secret";
// As docs/OPERATIONS.md shows it, so that what it lists is enough.
const operations = readFileSync(new URL("../../docs/OPERATIONS.md", import.meta.url), "utf8");
const [, listed] = operations.match(/ACL SETUSER ((?:.*\\\n)*.*)/);
const daemonUser = listed.replace(/\\\n\s*/g, "").replace(">PASSWORD", `>${password}`);

/** What the daemons have as their [store]. */
export const settingsOf = (address) => ({ DAEMON_STORE_URL: `redis://streaming-daemon@${address}`, DAEMON_STORE_PASSWORD: password });

/** A store on a host. */
export class Store {
  #host;
  #directory;
  #process = null;

  constructor(host, directory) {
    this.#host = host;
    this.#directory = path.join(directory, host.name);
    mkdirSync(this.#directory, { recursive: true });
  }

  get address() {
    return this.#host.address;
  }

  /** Waits until it takes commands. `primary`: the store whose replica it is. */
  async start(primary = null) {
    const settings = path.join(this.#directory, "store.conf");
    // The default user may do everything.
    writeFileSync(settings, [
      "bind 0.0.0.0", "port 6379", "protected-mode no", 'save ""', `dir ${this.#directory}`, `logfile ${this.#directory}/log`,
      `user ${daemonUser}`,
      `user haproxy on >${password} +auth +info`,
      "repl-diskless-sync-delay 0", "repl-ping-replica-period 1",
      ...(primary ? [`replicaof ${primary.address} 6379`] : []),
    ].join("\n") + "\n");
    this.#process = new Process(this.#host, "redis-server", settings);
    await eventually("the store starts", async () => (await this.command("PING").catch(() => "")) === "+PONG");
    if (primary) await eventually("the replica follows", async () => /master_link_status:up/.test(await this.command("INFO replication")));
  }
  /** What it had is gone. */
  stop() {
    return this.#process.stop();
  }
  pause() {
    this.#process.signal("SIGSTOP");
  }
  goOn() {
    this.#process.signal("SIGCONT");
  }
  command = (line) => command(this.address, 6379, line);
}

/** The reply to a command, without its last line break. */
function command(address, port, line) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, address, () => socket.write(`${line}\r\n`));
    let reply = "";
    socket.setEncoding("utf8").on("data", (piece) => {
      reply += piece;
      const [head] = reply.split("\r\n", 1);
      const length = head[0] === "$" ? head.length + 2 + Number(head.slice(1)) + 2 : head.length + 2;
      if (Buffer.byteLength(reply) < length) return;
      socket.destroy();
      resolve(reply.slice(0, -2));
    });
    socket.on("error", reject).setTimeout(2000, () => socket.destroy(new Error("the store does not answer")));
  });
}

/** Three Sentinels on this host, which watch a primary. */
export class Sentinels {
  #processes = [];

  async start(primary, directory) {
    for (const port of [26379, 26380, 26381]) {
      const own = path.join(directory, `sentinel-${port}`);
      mkdirSync(own, { recursive: true });
      const settings = path.join(own, "sentinel.conf");
      writeFileSync(settings, [
        `bind ${here}`, `port ${port}`, `dir ${own}`, `logfile ${own}/log`, `sentinel monitor answers ${primary.address} 6379 2`,
        "sentinel down-after-milliseconds answers 1000", "sentinel failover-timeout answers 5000",
      ].join("\n") + "\n");
      this.#processes.push(new Process(null, "redis-sentinel", settings));
    }
    await eventually("the Sentinels know each other and the replica", async () => {
      const [counts] = (await command(here, 26379, "INFO sentinel").catch(() => "")).match(/status=ok.*slaves=1,sentinels=3/) ?? [];
      return counts !== undefined;
    });
  }
  /** Resolves when they have begun. */
  async failOver() {
    await command(here, 26379, "SENTINEL FAILOVER answers");
  }
  stop() {
    return Promise.all(this.#processes.map((one) => one.stop()));
  }
}
