# SPDX-License-Identifier: Apache-2.0
"""python.py http|ssl URL AUTHORITY 1.2|1.3: prints the answer; exit status 0 only if it ended as it should.

`http` is http.client, which ends with the last chunk. `ssl` reads the connection to its end, which must be a close_notify.
"""

import http.client
import socket
import ssl
import sys
from urllib.parse import urlsplit


def read_http(host, port, target, context):
    connection = http.client.HTTPSConnection(host, port, context=context)
    connection.request("GET", target)
    answer = connection.getresponse()
    while line := answer.readline():
        yield line
    if answer.chunk_left is not None:
        raise http.client.IncompleteRead(b"")


def read_ssl(host, port, target, context):
    with context.wrap_socket(socket.create_connection((host, port)), server_hostname=host, suppress_ragged_eofs=False) as client:
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        while received := client.recv(65536):
            yield received


reader, url, authority, version = sys.argv[1:]
parts = urlsplit(url)
context = ssl.create_default_context(cafile=authority)
context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # by which Python takes any end for a close_notify
context.minimum_version = context.maximum_version = ssl.TLSVersion[f"TLSv{version.replace('.', '_')}"]
for piece in {"http": read_http, "ssl": read_ssl}[reader](parts.hostname, parts.port, f"{parts.path}?{parts.query}", context):
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
