"""Stands in the endpoint's place with what was recorded, for checks that ask what was asked then.

Whatever is sent is looked for in the recording, by its content; what came behind it comes again, as late as it came
then, on a loop whose time is virtual. What is not found there, and what waits for more than was recorded, is `missed`:
such an attempt has no verdict, whatever its check makes of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from segue_adapters.errors import ConnectionCut, TimedOut, TransportError
from segue_adapters.transports.base import Frame, Options
from segue_adapters.transports.http import Streaming
from segue_adapters.transports.websocket import Socket
from segue_adapters.wires.base import Request

from ..attempts import attempt, current
from ..clock import now
from ..redaction import shown_url
from .lines import data_of, fault_of
from .reading import Recorded, Recording

__all__ = ["Replay"]

#: Seconds that may be waited for behind the last that was recorded of a connection.
_SLACK = 0.5


class Replay:
    """A recording that is played. `missed`: by key of the attempt, what it asked for in vain."""

    def __init__(self, recording: Recording) -> None:
        self.missed: dict[str, str] = {}
        self._recording = recording
        self._left: dict[str, list[Recorded]] = {}

    def rewind(self, key: str) -> None:
        """Begin an attempt from its beginning."""
        self._left[key] = list(self._recording.attempts.get(key, ()))
        self.missed.pop(key, None)

    def between(self, principal: str) -> _Seat:
        """Return what takes the place of one principal's transports."""
        return _Seat(self, principal)

    def find(self, fits: Callable[[Recorded], bool]) -> Recorded | None:
        """Take the first connection or exchange of this attempt that fits and was not taken yet."""
        left = self._left.setdefault(current(), list(self._recording.attempts.get(current(), ())))
        found = next((recorded for recorded in left if fits(recorded)), None)
        if found is not None:
            left.remove(found)
        return found

    def miss(self, what: str, where: str) -> TransportError:
        """Note that something is not in the recording; return the fault to raise."""
        self.missed.setdefault(attempt(), what)
        return TransportError(f"not in the recording: {what}", where)


class _Seat:
    """One principal's place."""

    def __init__(self, replay: Replay, principal: str) -> None:
        self._replay = replay
        self._principal = principal

    async def socket(
        self, url: str, options: Options, subprotocols: Sequence[str], label: str, real: Callable[[], Awaitable[Any]]
    ) -> Socket:
        """Open a WebSocket that was recorded."""
        wanted: dict[str, Any] = {"kind": "socket", "principal": self._principal, "url": shown_url(url)}
        wanted["subprotocols"] = list(subprotocols)
        recorded = self._replay.find(lambda r: _fits(r.opening, wanted))
        if recorded is None:
            raise self._replay.miss("another WebSocket was opened", url)
        first, *rest = await self._opened(recorded, url)
        return ReplayedSocket(self._replay, url, options, label, first, rest)

    def stream(
        self, url: str, request: Any, options: Options, label: str, real: Callable[[], AbstractAsyncContextManager[Any]]
    ) -> AbstractAsyncContextManager[Any]:
        """Give the answer that was recorded."""
        return self._stream(url, request, options, label)

    @asynccontextmanager
    async def _stream(self, url: str, request: Request, options: Options, label: str) -> AsyncIterator[Streaming]:
        wanted = {"kind": "http", "principal": self._principal, "url": shown_url(url), "method": request.method}
        recorded = self._replay.find(lambda r: _fits(r.opening, wanted) and data_of(r.opening) == request.body)
        if recorded is None:
            raise self._replay.miss(f"{request.method} {request.path} with other content was asked", url)
        if options.tap:
            head = f"{request.method} {url}\n"
            options.tap(Frame("sent", "request", head.encode() + request.body, dict(request.headers), label))
        first, *rest = await self._opened(recorded, url)
        yield ReplayedStreaming(self._replay, url, options, label, first, rest)

    async def _opened(self, recorded: Recorded, url: str) -> list[dict[str, Any]]:
        """Return the lines of an answer, when its first has come; raise what was raised then."""
        lines = recorded.lines or [{"type": "closed", "at": recorded.opening["at"]}]
        late = 0.0 if lines[0]["type"] in ("opened", "fault") else _SLACK
        await asyncio.sleep(max(0.0, lines[0]["at"] + late - recorded.opening["at"]))
        if lines[0]["type"] == "fault":
            raise fault_of(lines[0])
        if lines[0]["type"] != "opened":
            raise self._replay.miss("an answer was waited for that was given up then", url)
        return lines


class ReplayedSocket(Socket):
    """A WebSocket on which comes what came then, behind what was sent then."""

    def __init__(
        self,
        replay: Replay,
        url: str,
        options: Options,
        label: str,
        opened: Mapping[str, Any],
        lines: Sequence[dict[str, Any]],
    ) -> None:
        self._replay = replay
        self._options = options
        self.url = url
        self.label = label
        self._opened = opened
        self._incoming = [line for line in lines if line["type"] in ("received", "fault")]
        self._unsent = [line for line in lines if line["type"] == "sent"]
        self._pings = [line for line in lines if line["type"] == "ping"]
        self._order = {id(line): place for place, line in enumerate(lines)}
        self._end = max((line["at"] for line in lines), default=opened["at"])
        # When what was recorded at a time is due, by the last that was sent before it.
        self._marks: list[tuple[float, float]] = [(opened["at"], now())]
        self._moved = asyncio.Event()
        self._over = False

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the peer chose."""
        chosen = self._opened.get("subprotocol")
        return chosen if isinstance(chosen, str) else None

    @property
    def response_headers(self) -> dict[str, str]:
        """Headers of the upgrade's answer."""
        return dict(self._opened.get("headers", {}))

    async def send(self, frame: str | bytes) -> None:
        """Send what was sent then; a connection that had ended by then takes nothing."""
        self._tap("sent", "text" if isinstance(frame, str) else "binary", frame)
        if self._over:
            raise self._fault()
        line = next((line for line in self._unsent if data_of(line) == frame), None)
        if line is None:
            shown = frame[:80] if isinstance(frame, str) else repr(frame[:40])
            raise self._replay.miss(f"another message was sent: {shown}", self.url)
        self._unsent.remove(line)
        self._marks.append((line["at"], now()))
        self._moved.set()

    async def send_fragments(self, pieces: list[str], *, pinged: bool = False) -> None:
        """Send what was sent then."""
        await self.send("".join(pieces))

    async def send_part(self, text: str, size: int) -> None:
        """Send what was sent then, and end."""
        await self.send(text[:size])
        self.abort()

    async def receive(self, limit: float | None = None) -> str | bytes:
        """Return the next frame when it is due."""
        try:
            async with asyncio.timeout(limit):
                line = await self._next_line()
        except TimeoutError:
            raise TimedOut(f"nothing came for {limit:g} s", self.url) from None
        if line["type"] == "fault":
            self._over = True
            raise fault_of(line)
        frame = data_of(line)
        self._tap("received", "text" if isinstance(frame, str) else "binary", frame)
        self._incoming.remove(line)
        return frame

    async def _next_line(self) -> dict[str, Any]:
        while True:
            line = self._incoming[0] if self._incoming else None
            waits = [sent for sent in self._unsent if line is None or self._order[id(sent)] < self._order[id(line)]]
            if line is not None and not waits:
                await self._due(line["at"])
                return line
            if line is None and not waits:
                # Silence was recorded up to the end, and nothing is known of what came later.
                await self._due(self._end + _SLACK)
                raise self._replay.miss("more was waited for than was recorded", self.url)
            self._moved.clear()
            await self._moved.wait()

    async def _due(self, at: float) -> None:
        """Wait until what was recorded at a time is due, reckoned from the last that was sent before it."""
        then, here = max((mark for mark in self._marks if mark[0] <= at), default=self._marks[0])
        await asyncio.sleep(max(0.0, here + (at - then) - now()))

    async def ping(self, limit: float) -> bool:
        """Return whether the ping was answered then."""
        if not self._pings:
            raise self._replay.miss("another ping was sent", self.url)
        line = self._pings.pop(0)
        await asyncio.sleep(line["ms"] / 1000)
        return bool(line["answered"])

    async def close(self, code: int = 1000) -> None:
        """Close."""
        self._over = True
        self._moved.set()

    def abort(self) -> None:
        """Cut the connection."""
        self._over = True
        self._moved.set()

    def _fault(self) -> TransportError:
        told = next((line for line in self._incoming if line["type"] == "fault"), None)
        return fault_of(told) if told is not None else ConnectionCut("the connection had been closed", self.url)


class ReplayedStreaming(Streaming):
    """An answer as it came then."""

    def __init__(
        self,
        replay: Replay,
        url: str,
        options: Options,
        label: str,
        opened: Mapping[str, Any],
        lines: Iterable[dict[str, Any]],
    ) -> None:
        self._replay = replay
        self._options = options
        self._label = label
        self._lines = list(lines)
        self._began = (opened["at"], now())
        self.url = url
        self.status = int(opened["status"])
        self.headers = dict(opened["headers"])
        if options.tap:
            options.tap(Frame("received", "response", f"{self.status}", self.headers, label))

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it came."""
        for line in self._lines:
            late = _SLACK if line["type"] == "closed" else 0.0
            await asyncio.sleep(max(0.0, self._began[1] + line["at"] + late - self._began[0] - now()))
            if line["type"] == "fault":
                raise fault_of(line)
            if line["type"] != "received":
                if line["type"] == "closed":
                    break
                return
            data = data_of(line)
            piece = data.encode() if isinstance(data, str) else data
            if self._options.tap:
                self._options.tap(Frame("received", "body", piece, connection=self._label))
            yield piece
        raise self._replay.miss("more of an answer was read than was recorded", self.url)


def _fits(opening: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(opening.get(name) == value for name, value in wanted.items())
