// SPDX-License-Identifier: Apache-2.0
// The network of the hosts: a bridge in this process's own namespace, and a namespace for each host.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

export const here = "10.18.0.254"; // this process's address

const ip = (...words) => execFileSync("ip", words, { stdio: ["ignore", "inherit", "inherit"] });

export function makeBridge() {
  ip("link", "set", "lo", "up");
  ip("link", "add", "bridge", "type", "bridge");
  ip("link", "set", "bridge", "up");
  ip("addr", "add", `${here}/24`, "dev", "bridge");
}

/** A host with this name and address; its processes are started by `command` and what follows it. */
export function addHost(name, address) {
  ip("netns", "add", name);
  ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name);
  ip("link", "set", name, "master", "bridge", "up");
  ip("-n", name, "link", "set", "lo", "up");
  ip("-n", name, "addr", "add", `${address}/24`, "dev", "eth0");
  ip("-n", name, "link", "set", "eth0", "up");
  return { name, address, command: ["ip", "netns", "exec", name] };
}

/** A process on a host (null: here), which ends with this one. */
export class Process {
  #child;

  constructor(host, ...command) {
    const [program, ...words] = [...(host?.command ?? []), ...command];
    this.#child = spawn(program, words, { stdio: ["ignore", "ignore", "inherit"] });
  }

  signal(signal) {
    this.#child.kill(signal);
  }

  async stop(signal = "SIGKILL") {
    this.#child.kill("SIGCONT");
    this.#child.kill(signal);
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
  }
}
