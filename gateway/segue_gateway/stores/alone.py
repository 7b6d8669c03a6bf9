"""What a store needs not do that belongs to one process: nobody else owns a turn, writes its record, or asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from .base import Asked

__all__ = ["Alone"]


class Alone:
    """The part of a store that only one that is shared fills."""

    shared = False
    on_deleted: Callable[[str, list[str]], None] | None = None
    on_asked: Callable[[str, Asked], None] | None = None

    async def renew(self, principal: str, turn: str, epoch: int) -> None:
        """Return at once: a turn that runs in the store's only process is its own."""

    @asynccontextmanager
    async def watch(self, principal: str, turn: str) -> AsyncIterator[asyncio.Event]:
        """Give an event that nobody sets."""
        yield asyncio.Event()

    async def ask(self, principal: str, message: Asked) -> bool:
        """Return False: no turn runs elsewhere."""
        return False
