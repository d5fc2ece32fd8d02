# SPDX-License-Identifier: Apache-2.0
"""async_httpx.py PARAMETERS: the visits (see visits.mjs) by httpx's AsyncClient, over TLS or by prior knowledge.

All requests run in one event loop: httpcore 0.16 mixes up the headers of requests that threads send at the same time.
"""

import asyncio
import ssl
import threading

import httpx

from visits import PARAMETERS, Visits

loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()
client = httpx.AsyncClient(http1=False, http2=True, verify=ssl.create_default_context(cafile=PARAMETERS["authority"]),
                           timeout=60, trust_env=False)


async def read(method, url, body, begun):
    async with client.stream(method, url, content=body) as answer:
        received = b""
        async for piece in answer.aiter_raw():
            received += piece
            begun()
        return answer.status_code, received


Visits(lambda *request: asyncio.run_coroutine_threadsafe(read(*request), loop).result()).all()
