#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A program for the backend exec: repeats the prompt, one word in each event.

    [backend.exec]
    commands = { default = ["/usr/local/bin/answer.py"] }

Its standard output is the client's socket; it writes the HTTP head itself. docs/PROTOCOL.md, "A program in the
daemon's place", has the rest.
"""

import json
import os
import signal
import sys


def payload():
    """The handler's data: in a variable, or in a file if it is too long for one."""
    path = os.environ.get("HANDOFF_DATA_FILE")
    if path:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    return json.loads(os.environ.get("HANDOFF_DATA") or "{}")


def words(prompt):
    """The answer, piece by piece. Put your own code here."""
    for word in prompt.split():
        yield word + " "


def send(text):
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def main():
    # A client that leaves ends the program; without this, Python would raise an exception.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    prompt = str(payload().get("prompt", ""))
    send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n")
    for word in words(prompt):
        send(f"data: {json.dumps({'content': word})}\n\n")
    send("data: [DONE]\n\n")


if __name__ == "__main__":
    main()
