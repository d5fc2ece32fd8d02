# SPDX-License-Identifier: Apache-2.0
"""The daemons that are compared, and their figures while they run."""

import os
import re
import resource
import shutil
import socket
import subprocess
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

OURS = "streaming-daemon"
FLOOR = "floor"


@dataclass(frozen=True)
class Server:
    """In `command` and `environment` {socket}, {delay_ms}, {streams} and {workers} stand for the run's values."""
    name: str
    command: list
    environment: dict = field(default_factory=dict)
    client: str = "unix"
    ends_with_done: bool = True  # false: the end of the connection is the answer's end
    events: int = 18  # of an answer; 0: at least one


def ours(build):
    common = ["--socket", "{socket}", "--delay", "{delay_ms}", "--max-connections", "{streams}"]
    return [Server(OURS, [f"{build}/daemon/streaming-daemon", "--config", "/dev/null", *common, "--workers", "{workers}",
                          "--backend", "mock", "--metrics-addr", "", "--benchmark"]),
            Server(FLOOR, [f"{build}/bench/floor", *common])]


def others(file):
    """Raises OSError, ValueError or TypeError if the file is wrong, or a command is not there."""
    with open(file, "rb") as text:
        named = [Server(name, **settings) for name, settings in tomllib.load(text).items()]
    for server in named:
        if not shutil.which(server.command[0]):
            raise ValueError(f"{server.name}: there is no program {server.command[0]}")
    return named


def cpu_s(pid):
    """Of all its threads, also of those that have ended."""
    return time.clock_gettime((~int(pid) << 3) | 2)  # clock_getcpuclockid(3)


def file_limit():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


class Running:
    """A server's processes. Use it with `with`: they end with it."""

    def __init__(self, server, directory, streams, delay_ms):
        self.socket = f"{directory}/daemon.sock"
        self.log = Path(directory, "log")
        # A worker's table, as each process, has as many files as the limit allows; a tenth is for an uneven spread.
        workers = max(len(os.sched_getaffinity(0)), -(-streams // int(0.9 * file_limit())))
        values = {"socket": self.socket, "delay_ms": delay_ms, "streams": max(streams, 1024), "workers": workers}
        command = [str(part).format(**values) for part in server.command]
        environment = {name: str(value).format(**values) for name, value in server.environment.items()}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        Path(self.socket).unlink(missing_ok=True)

    def words(self):
        return self.log.read_text(errors="replace").strip()[-400:]

    def accepts(self, seconds=20):
        """Whether it listens before this time is over."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            for kind in socket.SOCK_SEQPACKET, socket.SOCK_STREAM:
                with socket.socket(socket.AF_UNIX, kind) as probe:
                    if probe.connect_ex(self.socket) == 0:
                        return True
            time.sleep(0.02)
        return False

    def processes(self):
        found, look = [], [self.process.pid]
        while look:
            pid = look.pop()
            found.append(pid)
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                look += children.read_text().split()
        return found

    def sample(self):
        """The sum of all its processes; of one that ends meanwhile nothing."""
        total = {"resident_kb": 0, "cpu_s": 0.0, "threads": 0, "open_files": 0}
        for pid in self.processes():
            try:
                status = Path(f"/proc/{pid}/status").read_text()
                files = len(os.listdir(f"/proc/{pid}/fd"))
                total["cpu_s"] += cpu_s(pid)
            except OSError:
                continue
            if resident := re.search(r"^VmRSS:\s+(\d+)", status, re.MULTILINE):  # one that has ended has none
                total["resident_kb"] += int(resident[1])
            total["threads"] += int(re.search(r"^Threads:\s+(\d+)", status, re.MULTILINE)[1])
            total["open_files"] += files
        total["accept_queue"] = self.accept_queue()
        return total

    def accept_queue(self):
        """Hand-offs that it has not accepted yet."""
        listing = subprocess.run(["ss", "-xlHn", "src", self.socket], capture_output=True, text=True, check=True).stdout
        return sum(int(line.split()[2]) for line in listing.splitlines())
