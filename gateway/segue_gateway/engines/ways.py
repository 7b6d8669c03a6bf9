"""How a provider is asked: over exchanges of HTTP, or over WebSocket connections (`sockets`).

A way is given a start with the whole history in it, and yields the messages that answer it, up to the terminal event or
the refusal. Whoever leaves before that wants no more of it: the provider is told, where its wire has a word for that,
and otherwise sees its connection end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any, Protocol

from segue_adapters.errors import NotCarried, SegueError, TLSFault, Unreachable
from segue_adapters.links import exchange_wire
from segue_adapters.transports.base import Options
from segue_adapters.transports.http import HTTPPool
from segue_adapters.transports.lean import LeanPool, http_pool
from segue_adapters.turn import is_end
from segue_adapters.wires.openai_http import OpenAIHTTPClient
from segue_adapters.wires.stateless_sides import StatelessClient
from segue_schemas import models

__all__ = ["LAST_WORDS", "Chores", "Exchanges", "Unsent", "Way"]

#: Seconds that a provider gets to take note of a cancel, and to end what is ending already.
LAST_WORDS = 5.0

Answer = AsyncGenerator[Sequence[models.ServerMessage], None]


class Unsent(Exception):
    """Nothing of a turn was sent: the provider ran nothing. `fault` says why."""

    def __init__(self, fault: SegueError) -> None:
        super().__init__(str(fault))
        self.fault = fault


class Way(Protocol):
    """What the engine needs of whatever carries a wire."""

    def ignored(self, context: Mapping[str, Any]) -> Sequence[str]:
        """Return JSON Pointers to the settings that have no place on the wire; NotCarried as for a turn."""
        ...

    def ask(self, start: models.TurnStart) -> Answer:
        """Send a turn and yield what answers it; raises Unsent, or the SegueError of what went wrong behind that."""
        ...

    async def close(self) -> None:
        """Give up every connection."""
        ...


class Chores:
    """Tasks that nobody waits for: cancels on their way, connections that close."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin one."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self, limit: float = 1.0) -> None:
        """Let them come to their end, and give up what has not after `limit` seconds."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=limit)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


class Exchanges:
    """Over HTTP: each turn is an exchange of its own, over a pool of connections."""

    def __init__(self, url: str, wire: str, options: Options) -> None:
        self._url = url
        self._options = options
        # What the suite looks at in an answer, a gateway need not.
        self._wire = OpenAIHTTPClient(fast=True) if wire == "openai-http" else exchange_wire(wire, options)
        self._pool: HTTPPool | LeanPool | None = None
        self._chores = Chores()

    @property
    def pool(self) -> HTTPPool | LeanPool:
        """The connections to the provider, made where the loop runs that uses them."""
        if self._pool is None:
            self._pool = http_pool(self._url, self._options)
        return self._pool

    def ignored(self, context: Mapping[str, Any]) -> Sequence[str]:
        """Return the settings without a place: none where the wire carries a context as it is."""
        return self._wire.ignored(context) if isinstance(self._wire, StatelessClient) else ()

    async def ask(self, start: models.TurnStart) -> Answer:
        """Send a turn and yield what answers it."""
        try:
            exchange = self._wire.exchange(start)
        except NotCarried as fault:
            raise Unsent(fault) from None
        begun = ended = False
        try:
            async with self.pool.stream(exchange.request) as answer:
                begun = True
                exchange.head(answer.status, answer.headers)
                async with aclosing(answer.chunks()) as chunks:
                    async for chunk in chunks:
                        messages = exchange.data(chunk)
                        ended = ended or any(map(is_end, messages))
                        yield messages
                messages = exchange.end()
                ended = ended or any(map(is_end, messages))
                yield messages
        except (Unreachable, TLSFault) as fault:
            if begun:
                raise
            ended = True  # it never began
            raise Unsent(fault) from None
        finally:
            if not ended:
                self._cancel(start.turn)

    def _cancel(self, turn: str) -> None:
        """Have the provider stop a turn that goes on without its connection: where the wire names it."""
        with suppress(NotCarried):
            exchange = self._wire.exchange(models.TurnCancel(turn=turn))
            self._chores.add(self._tell(exchange.request))

    async def _tell(self, request: Any) -> None:
        with suppress(SegueError):
            await self.pool.fetch(request, limit=LAST_WORDS)

    async def close(self) -> None:
        """Close every connection."""
        await self._chores.close()
        if self._pool is not None:
            await self._pool.close()
