# SPDX-License-Identifier: Apache-2.0
"""The visits of visits.mjs for clients in Python: each gives a function that asks, and may ask from several threads."""

import json
import sys
import threading
import time
from urllib.parse import quote

PARAMETERS = json.loads(sys.argv[1])


class Stopped(Exception):
    """Raised by `begun` to leave in the middle of an answer."""


class Visits:
    """exchange(method, url, body, begun) returns status and body; it calls `begun` for each piece that has come."""

    def __init__(self, exchange):
        self.exchange = exchange
        self.ended = []

    def ask(self, path, method="GET", payload=PARAMETERS["payload"], begun=lambda: None):
        url = PARAMETERS["origin"] + path
        if method == "GET" and path.startswith("/answer/"):
            url += "?payload=" + quote(payload)
        start = time.monotonic()
        try:
            status, body = self.exchange(method, url, payload.encode() if method == "POST" else None, begun)
            end = {"status": status, "body": body.decode(errors="replace"), "milliseconds": (time.monotonic() - start) * 1000}
        except Exception as error:
            end = {"error": repr(error)}
        self.ended.append({"path": path} | end)

    def visit(self, name, method):
        during = threading.Thread(target=self.ask, args=[f"/page/{name}-during", method])

        def begun():
            if not during.ident:
                during.start()

        self.ask(f"/page/{name}-before", method)
        self.ask(f"/answer/{name}", method, begun=begun)
        if during.ident:
            during.join()
        self.ask(f"/page/{name}-after", method)

    def all(self):
        name = PARAMETERS["name"]
        for i in range(PARAMETERS["count"]):
            self.visit(f"{name}-{i}", "POST" if i % 2 else "GET")

        def stop():
            raise Stopped

        self.ask(f"/answer/{name}-stopped", payload='{"backend":"hold"}', begun=stop)
        self.ask(f"/page/{name}-stopped-after")
        burst = [threading.Thread(target=self.ask, args=[f"/answer/{name}-burst-{i}"]) for i in range(PARAMETERS["burst"])]
        for thread in burst:
            thread.start()
        for thread in burst:
            thread.join()
        print(json.dumps(self.ended))
