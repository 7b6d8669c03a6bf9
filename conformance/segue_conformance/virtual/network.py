"""The network of a virtual loop: who listens on which port, and how two ends come together."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, NoReturn

from .pipes import Pipe, join

if TYPE_CHECKING:
    from .loop import VirtualLoop

__all__ = ["Listener", "Network"]

_HOST = "127.0.0.1"
_FIRST_PORT = 40_000


class Network:
    """Ports of one machine that has no other to talk to."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self._listeners: dict[int, Listener] = {}
        self._next = _FIRST_PORT
        self._files: dict[bool, tuple[int, int]] = {}

    def port(self) -> int:
        """Return a port that was never used."""
        self._next += 1
        return self._next

    def listen(self, factory: Callable[[], Any], host: str | None, port: int | None) -> Listener:
        """Listen on a port, 0 or None for any; OSError where somebody does already."""
        chosen = port or self.port()
        if chosen in self._listeners:
            raise OSError(errno.EADDRINUSE, f"port {chosen} is in use in memory")
        listener = Listener(self, factory, host or _HOST, chosen)
        self._listeners[chosen] = listener
        return listener

    def forget(self, listener: Listener) -> None:
        """Take no more connections there."""
        if self._listeners.get(listener.port) is listener:
            del self._listeners[listener.port]

    async def connect(self, factory: Callable[[], Any], host: Any, port: Any) -> tuple[Pipe, Any]:
        """Return the client's end of a new connection, its protocol connected."""
        await asyncio.sleep(0)
        listener = self._listeners.get(int(port or 0))
        if listener is None or host not in (_HOST, "localhost"):
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"Connect call failed ('{host}', {port})")
        near, far = (_HOST, self.port()), (_HOST, listener.port)
        contexts = copy_context(), listener.context.copy()
        client, server = join(self.loop, near, far, self.file, contexts)
        theirs, ours = contexts[1].run(listener.factory), factory()
        connected = self.loop.create_future()
        server.connect(theirs)
        client.connect(ours, lambda: None if connected.done() else connected.set_result(None))
        await connected
        return client, ours

    def file(self, readable: bool) -> int:
        """Return a real file descriptor that looks as a socket would: to read from it, or not yet."""
        if readable not in self._files:
            self._files[readable] = reading, writing = os.pipe()
            if readable:
                os.write(writing, b"\0")
            assert reading >= 0
        return self._files[readable][0]

    def close(self) -> None:
        """Give the files back."""
        for pair in self._files.values():
            for file in pair:
                with contextlib.suppress(OSError):
                    os.close(file)
        self._files.clear()
        self._listeners.clear()


class _Address:
    """Stands where a listening socket does."""

    def __init__(self, host: str, port: int) -> None:
        self._name = (host, port)

    def getsockname(self) -> tuple[str, int]:
        """Return host and port."""
        return self._name


class Listener(asyncio.AbstractServer):
    """A server of the network."""

    def __init__(self, network: Network, factory: Callable[[], Any], host: str, port: int) -> None:
        self._network = network
        self._serving = True
        self.factory = factory
        self.context = copy_context()
        self.port = port
        self.sockets = (_Address(host, port),)

    def close(self) -> None:
        """Take no more connections; those that stand go on."""
        self._serving = False
        self._network.forget(self)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that it serves in."""
        return self._network.loop

    async def serve_forever(self) -> NoReturn:
        """Wait to be cancelled."""
        while True:
            await asyncio.sleep(3600)

    def is_serving(self) -> bool:
        """Return whether it takes connections."""
        return self._serving

    async def start_serving(self) -> None:
        """Do nothing: it serves from the beginning."""

    async def wait_closed(self) -> None:
        """Wait for nothing."""
