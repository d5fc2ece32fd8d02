# SPDX-License-Identifier: Apache-2.0
"""libcurl.py PARAMETERS: the visits (see visits.mjs) by libcurl's multi interface, with GnuTLS."""

import queue
import threading

import pycurl

from visits import PARAMETERS, Visits

# A thread of its own drives all transfers, which share the connections.
multi = pycurl.CurlMulti()
multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, 4)
new = queue.SimpleQueue()


def drive():
    while True:
        while not new.empty():
            multi.add_handle(new.get())
        multi.perform()
        _, done, failed = multi.info_read()
        for transfer, failure in [(transfer, None) for transfer in done] + [(transfer, words) for transfer, _, words in failed]:
            multi.remove_handle(transfer)
            transfer.ended.put(failure)
        multi.select(0.005)  # new ones do not wake it


def exchange(method, url, body, begun):
    received = bytearray()
    stopped = []

    def show(piece):
        received.extend(piece)
        try:
            begun()
        except Exception as stop:
            stopped.append(stop)
            return 0

    transfer = Transfer()
    transfer.ended = queue.SimpleQueue()
    transfer.setopt(pycurl.URL, url)
    transfer.setopt(pycurl.CAINFO, PARAMETERS["authority"])
    transfer.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2_0)
    transfer.setopt(pycurl.PIPEWAIT, True)
    transfer.setopt(pycurl.PROXY, "")
    transfer.setopt(pycurl.WRITEFUNCTION, show)
    if method == "POST":
        transfer.setopt(pycurl.POSTFIELDS, body)
    new.put(transfer)
    failure = transfer.ended.get()
    if stopped:
        raise stopped[0]
    if failure:
        raise ConnectionError(failure)
    return transfer.getinfo(pycurl.RESPONSE_CODE), bytes(received)


class Transfer(pycurl.Curl):
    """With the queue that reports its end."""


threading.Thread(target=drive, daemon=True).start()
Visits(exchange).all()
