# SPDX-License-Identifier: Apache-2.0
"""What the clients of over_tls/ and over_http2/ ask: a site, its certificate, and the real daemon behind it."""

import http.client
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"  # which has Debian's packages
PATIENCE_S = 120
PROMPT = "What happens to this request?"
PAYLOAD = json.dumps({"prompt": PROMPT})
TARGET = "/?payload=" + quote(PAYLOAD)  # the browsers ask this too


def wait_for(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"{what} did not come within {PATIENCE_S} s")
        time.sleep(0.01)  # between two looks


def text_of_events(printed):
    return "".join(json.loads(data).get("content", "") for data in re.findall(r"^data: (\{.*\})\r?\n\r?\n", printed, re.M))


def add_arguments(parser, large):
    parser.add_argument("--module", default=CHECKOUT / "build/mod_socket_handoff/mod_socket_handoff.so", metavar="FILE")
    parser.add_argument("--daemon", default=CHECKOUT / "build/daemon/streaming-daemon", metavar="FILE")
    parser.add_argument("--preload", default="", metavar="FILE", help="a library for httpd, which a sanitizer needs")
    parser.add_argument("--all", action="store_true", help=f"all clients: {', '.join(large)} too")
    parser.add_argument("clients", nargs="*", metavar="CLIENT")


def chosen_clients(parser, chosen, kinds, large):
    if unknown := set(chosen.clients) - set(kinds):
        parser.error(f"unknown client {', '.join(unknown)}; --help lists them")
    return chosen.clients or [name for name in kinds if chosen.all or name not in large]


class Site:
    """Where the clients ask, and the authority that they trust."""

    def __init__(self, directory, module, daemon_socket, preload, *options):
        self.authority = f"{directory}/tls.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", f"{directory}/tls.key", "-out", self.authority], check=True, stderr=subprocess.DEVNULL)
        command = [CHECKOUT / "tests/servers/site/start", "--tls", directory, *options, module, daemon_socket, preload]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        ports = self.process.stdout.readline().split()
        if len(ports) != 2:
            sys.exit("the site did not start")
        self.plain_port, self.port = ports
        self.origin = f"https://localhost:{self.port}"
        self.url = self.origin + TARGET

    def answer_by_plain_http(self):
        connection = http.client.HTTPConnection("127.0.0.1", int(self.plain_port), timeout=PATIENCE_S)
        connection.request("GET", TARGET)
        return connection.getresponse().read().decode()

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Daemon:
    """A daemon that answers with its mock backend, an event every `pace_ms`."""

    def __init__(self, program, path, pace_ms):
        self.log_path = Path(f"{path}.{pace_ms}.log")
        with self.log_path.open("w") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", program, "--config", "/dev/null", "--socket", path,
                                             "--socket-mode", "0666", "--backend", "mock", "--delay", str(pace_ms), "--metrics-addr", ""],
                                            stdout=log, stderr=log)
        wait_for(lambda: "ready on" in self.log(), "the daemon")

    def log(self):
        return self.log_path.read_text()

    def end_by(self, number):
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE_S)
