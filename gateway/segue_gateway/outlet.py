"""The way out to one client: for how long it may take nothing of what is sent, and what is done then (SEG-LIVE-027).

A write waits until the client takes what was written before, so some ten kilobytes at most pile up for it.
One that takes nothing at all for as long as the endpoint is patient gets one last word past that limit, and its
connection is broken where even that is not taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

__all__ = ["OUTLET", "Outlet", "taken"]

#: Where an ASGI scope has the outlet of its connection, among its extensions; servers of others have none.
OUTLET = "segue.outlet"


class Outlet:
    """What a server can do with a connection beyond ASGI. `free` lets writes wait no more.

    `put`, of a WebSocket, writes messages in one piece as long as the client takes them, and returns how many it wrote.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        free: Callable[[], None],
        put: Callable[[Sequence[str | bytes]], int] | None = None,
    ) -> None:
        self.free = free
        self.put = put
        self._transport = transport

    def give_up(self, seconds: float) -> None:
        """Let the client take what was written, and nothing more; break the connection where it has not by then."""
        self._transport.close()
        asyncio.get_running_loop().call_later(seconds, self._break)

    def _break(self) -> None:
        if self._transport.get_write_buffer_size():
            self._transport.abort()

    @staticmethod
    def of(scope: Mapping[str, Any]) -> Outlet | None:
        """Return the outlet of a connection, None on a server that has none."""
        found = scope.get("extensions", {}).get(OUTLET)
        return found if isinstance(found, Outlet) else None


async def taken(write: Awaitable[object], seconds: float) -> bool:
    """Return whether a write got away in time; one that did not has written nothing."""
    try:
        async with asyncio.timeout(seconds):
            await write
    except TimeoutError:
        return False
    return True
