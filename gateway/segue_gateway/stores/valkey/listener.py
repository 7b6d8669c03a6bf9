"""What other nodes say: that a record has grown, that something was deleted or given up, that a turn is asked for.

Nothing depends on it: a message may be lost with its connection. It only makes prompt what is found anyway by looking.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import Any

from redis.exceptions import RedisError

from .server import Server

__all__ = ["Listener"]

_PAUSE = 0.2
_LONG = 5.0


class Listener:
    """One connection that listens. `heard` gets what comes on the channels that are always listened to."""

    def __init__(self, server: Server, always: tuple[str, ...], heard: Callable[[str, bytes], None]) -> None:
        self._server = server
        self._always = always
        self._heard = heard
        self._events: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._pubsub: Any = None
        self._task: asyncio.Task[None] | None = None

    def listen(self) -> None:
        """Begin to listen, unless it has begun."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._listening())

    @contextlib.asynccontextmanager
    async def watch(self, channel: str) -> AsyncIterator[asyncio.Event]:
        """Give an event that is set with each message on a channel, and when some may have been missed."""
        self.listen()
        event = asyncio.Event()
        events = self._events[channel]
        events.add(event)
        try:
            if len(events) == 1:
                await self._tell("subscribe", channel)
            yield event
        finally:
            events.discard(event)
            if not events:
                self._events.pop(channel, None)
                await self._tell("unsubscribe", channel)

    async def _tell(self, what: str, channel: str) -> None:
        if self._pubsub is not None:  # else it is told with the others once there is a connection
            with contextlib.suppress(RedisError, OSError):
                await getattr(self._pubsub, what)(channel)

    async def _listening(self) -> None:
        while True:
            try:
                async with self._server.client.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(*self._always, *self._events)
                    self._pubsub = pubsub
                    for events in list(self._events.values()):
                        for event in events:
                            event.set()  # what came meanwhile was not heard
                    while True:
                        self._hear(await pubsub.get_message(timeout=_LONG))
            except (RedisError, OSError):
                self._pubsub = None
                await asyncio.sleep(_PAUSE)
            finally:
                self._pubsub = None

    def _hear(self, message: Any) -> None:
        if message is None or message["type"] != "message":
            return
        channel = message["channel"].decode()
        if channel in self._always:
            self._heard(channel, message["data"])
        for event in self._events.get(channel, ()):
            event.set()

    async def close(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
