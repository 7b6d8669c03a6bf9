"""Passes bytes between clients and a server, and cuts one connection in the middle of a turn: both its ends, once.

python cutter.py http://HOST:PORT N; prints `READY URL`, and `CUT` when it has cut. What a client sends first, or behind
an answer, is a request; behind the Nth, as soon as the server begins to answer it, nothing more is passed on.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from urllib.parse import urlsplit

UPSTREAM = urlsplit(sys.argv[1])


class Cutter:
    """Counts requests over all connections."""

    def __init__(self, left: int) -> None:
        self.left = left

    async def connection(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Pass on one connection until either side ends it, or it is cut."""
        server, to_server = await asyncio.open_connection(UPSTREAM.hostname, UPSTREAM.port)
        answered = True
        doomed = False

        async def ask() -> None:
            nonlocal answered, doomed
            while data := await client.read(65536):
                if answered:
                    answered = False
                    self.left -= 1
                    doomed = doomed or self.left == 0
                to_server.write(data)
                await to_server.drain()

        async def answer() -> None:
            nonlocal answered
            while data := await server.read(65536):
                if doomed:
                    print("CUT", flush=True)
                    return
                answered = True
                to_client.write(data)
                await to_client.drain()

        both = [asyncio.ensure_future(work()) for work in (ask, answer)]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        for writer in (to_server, to_client):
            with suppress(OSError):
                writer.transport.abort() if doomed else writer.close()


async def main() -> None:
    server = await asyncio.start_server(Cutter(int(sys.argv[2])).connection, "127.0.0.1", 0)
    print(f"READY http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())
