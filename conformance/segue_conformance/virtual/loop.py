"""An event loop whose time jumps: where nothing is ready, it is at once as late as the next timer.

It runs what any loop runs. Connections are pipes in memory (`network`), so the same program does the same every time,
and an hour's wait costs nothing. It is built on `asyncio.BaseEventLoop`, whose one foothold in the world is a selector:
here that is `_Clock`, which waits by moving the time.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from .network import Listener, Network

__all__ = ["Deadlock", "Livelock", "VirtualLoop"]

T = TypeVar("T")

#: So many rounds without a moment passing are no progress any more: something asks and asks.
_ROUNDS = 300_000
_SHOWN = 8


class Deadlock(RuntimeError):
    """Nothing is ready and no timer runs: whatever still waits would wait for ever."""


class Livelock(RuntimeError):
    """Something is always ready, and the time stands still: a loop that yields but never waits."""


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop with virtual time, from 0, and connections in memory.

    Work in executors is done at once, in place: threads would bring the real time back in.
    """

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        # A sum of seconds may be a hair before the timer that it was reckoned for.
        self._clock_resolution = 1e-9
        self._selector = _Clock(self)
        self.network = Network(self)

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._now

    def run_until_complete(self, future: Any) -> Any:
        """Run until the future is done; raises Deadlock or Livelock where it never would be."""
        self._selector.rounds = 0
        return super().run_until_complete(future)

    def close(self) -> None:
        """Close the loop and what was open in its network."""
        self.network.close()
        super().close()

    # -- what BaseEventLoop asks of its kind

    def _process_events(self, events: list[Any]) -> None:
        """Take note of no events: pipes call their protocols themselves."""

    def _write_to_self(self) -> None:
        """Wake nobody: the loop never sleeps."""

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    def stuck(self) -> str:
        """Return who waits, for a message."""
        tasks = sorted(asyncio.all_tasks(self), key=lambda task: task.get_name())
        shown = "; ".join(_where(task) for task in tasks[:_SHOWN])
        more = f"; and {len(tasks) - _SHOWN} more" if len(tasks) > _SHOWN else ""
        return f"{len(tasks)} tasks wait: {shown}{more}" if tasks else "no task waits"

    # -- connections

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        """Connect to a server of this loop; ConnectionRefusedError where none listens."""
        if options.get("ssl") or options.get("sock") is not None:
            raise ValueError("in memory there is neither TLS nor a socket")
        return await self.network.connect(protocol_factory, host, port)

    async def create_server(  # type: ignore[override]
        self, protocol_factory: Callable[[], Any], host: Any = None, port: Any = None, **options: Any
    ) -> Listener:
        """Listen on a port of this loop's network; 0 draws a free one."""
        if options.get("ssl") or options.get("sock") is not None:
            raise ValueError("in memory there is neither TLS nor a socket")
        return self.network.listen(protocol_factory, host, port)

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
        """Return the address of this machine, under each of its names; there is no other."""
        if (host.decode() if isinstance(host, bytes) else host) not in ("localhost", "127.0.0.1", None):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", int(port or 0)))]

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Do the work at once and return its result as a future that is done."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class _Clock:
    """Stands where a loop has its selector: waiting for events is letting time pass."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.rounds = 0

    def select(self, timeout: float | None) -> list[Any]:
        """Let the time pass that the loop would wait; raise where it would wait for ever."""
        if timeout is None:
            raise Deadlock(f"nothing is ready and no timer runs; {self._loop.stuck()}")
        if timeout > 0:
            self.rounds = 0
            self._loop.pass_time(timeout)
            return []
        self.rounds += 1
        if self.rounds > _ROUNDS:
            self.rounds = 0
            raise Livelock(f"{_ROUNDS} rounds and no moment passed; {self._loop.stuck()}")
        return []

    def close(self) -> None:
        """Close nothing."""


def _where(task: asyncio.Task[Any]) -> str:
    """Return a task's name and the place where it waits."""
    work = task.get_coro()
    name = getattr(work, "__qualname__", type(work).__name__)
    stack = task.get_stack(limit=1)
    if not stack:
        return f"{name} ({task.get_name()})"
    # The innermost place that can be seen: the frames of what it awaits.
    inner: Any = work
    frame = stack[-1]
    while isinstance(inner, Coroutine) and inner.cr_frame is not None:  # type: ignore[attr-defined]
        frame, inner = inner.cr_frame, inner.cr_await  # type: ignore[attr-defined]
    place = frame.f_code.co_filename.replace("\\", "/").rpartition("/")[2]
    return f"{name} at {place}:{frame.f_lineno} ({task.get_name()})"
