# SPDX-License-Identifier: Apache-2.0
"""programs.py curl|nghttp PARAMETERS: the visits (see visits.mjs) by programs, which take no orders while they run.

Over TLS curl gets all URLs at once, and has two requests open at any time: pages and answers in every order. Otherwise
each request is a process: nghttp opens no second connection, and curl 7.88 cannot use a connection again that it opened by
prior knowledge. The last answer's process is killed.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

program = sys.argv.pop(1)
parameters = json.loads(sys.argv[1])
origin, name, payload = (parameters[key] for key in ("origin", "name", "payload"))


ALONE = {
    "curl": ["curl", "--silent", "--show-error", "--fail", "--no-buffer", "--noproxy", "*", "--cacert", parameters["authority"],
             "--http2" if origin.startswith("https:") else "--http2-prior-knowledge"],
    "nghttp": ["stdbuf", "-o0", "nghttp", "--no-dep"],
}[program]


def url(path, method="GET", body=payload):
    return origin + path + (f"?payload={quote(body)}" if path.startswith("/answer/") and method == "GET" else "")


def visited():
    for i in range(parameters["count"]):
        method = "POST" if i % 2 else "GET"
        yield from ((f"/page/{name}-{i}-before", method), (f"/answer/{name}-{i}", method), (f"/page/{name}-{i}-after", method))


def together(requests, at_once):
    with tempfile.TemporaryDirectory() as directory:
        transfers = []
        for i, (path, method) in enumerate(requests):
            body = f"data = {json.dumps(payload)}\n" if method == "POST" else ""
            transfers.append(f'url = "{url(path, method)}"\noutput = "{directory}/{i}"\n{body}'
                             f'write-out = "{i} %{{http_code}} %{{time_total}} %{{errormsg}}\\n"\n'
                             f'http2\ncacert = "{parameters["authority"]}"\nnoproxy = "*"\n')
        ran = subprocess.run(["curl", "--silent", "--show-error", "--parallel", "--parallel-max", str(at_once), "--config", "-"],
                             input="next\n".join(transfers), capture_output=True, text=True)
        print(ran.stderr, file=sys.stderr)
        for line in ran.stdout.splitlines():
            i, status, seconds, error = (line + " ").split(" ", 3)
            file = Path(directory, i)
            yield {"path": requests[int(i)][0], "status": int(status), "body": file.read_text() if file.exists() else "",
                   "milliseconds": float(seconds) * 1000} | ({"error": error} if error.strip() else {})


def one_by_one(requests):
    for path, method in requests:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(payload)
            file.flush()
            body = ["--data", f"{'@' if program == 'curl' else ''}{file.name}"] if method == "POST" else []
            ran = subprocess.run([*ALONE, *body, url(path, method)], capture_output=True, text=True)
        yield {"path": path, "status": 200 if ran.returncode == 0 else 0, "body": ran.stdout} | (
            {"error": ran.stderr} if ran.returncode else {})


def killed():
    path = f"/answer/{name}-stopped"
    process = subprocess.Popen([*ALONE, url(path, body='{"backend":"hold"}')], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.read(1)
    process.kill()
    process.wait()
    return {"path": path, "error": "killed"}


if program == "curl" and origin.startswith("https:"):
    ended = list(together(list(visited()), 2))
    ended += together([(f"/answer/{name}-burst-{i}", "GET") for i in range(parameters["burst"])], parameters["burst"])
else:
    ended = list(one_by_one(visited()))
print(json.dumps(ended + [killed()]))
