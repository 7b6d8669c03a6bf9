"""Writes a transcript: stands between the checks and the transports, and writes down whatever passes."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from segue_adapters.errors import TransportError
from segue_adapters.transports.base import Options
from segue_adapters.transports.http import Streaming
from segue_adapters.transports.websocket import Socket
from segue_adapters.wires.base import Request

from .. import requirements
from ..attempts import current
from ..clock import now
from ..redaction import BLANK, Redactor, shown_url
from ..registry import Check
from ..results import CheckResult
from .lines import FORMAT, with_data, with_fault

if TYPE_CHECKING:
    from ..execution import Listener
    from ..preparation import Prepared

__all__ = ["Transcript"]

_SECRET = ("authorization", "cookie", "set-cookie", "x-api-key", "api-key", "proxy-authorization")


class Transcript:
    """A file that is being written; also a listener of the run, for the verdicts."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self.path = path
        self._file = path.open("w", encoding="utf-8")
        self._redactor = redactor
        self._listener: Listener | None = None
        self._began: float | None = None
        self._count = 0

    def begin_run(self, prepared: Prepared, suite: str, started_at: str, listener: Listener | None) -> None:
        """Write the head; `listener` hears of the checks what this one hears."""
        self._listener = listener
        settings, document = prepared.settings, prepared.document
        told = {
            "model": settings.model,
            "timeout": settings.timeout,
            "first_key": settings.api_key is not None,
            "second_key": settings.second_api_key is not None,
            "extra_body": dict(settings.extra_body),
        }
        self._write(
            {
                "type": "head",
                "format": FORMAT,
                "suite": suite,
                "spec": requirements.load().spec,
                "started_at": started_at,
                "seed": prepared.stage.attempts.seed,
                "target": msgspec.to_builtins(prepared.target),
                "urls": {wire: shown_url(offer.url) for wire, offer in prepared.offers.items()},
                "routes": {
                    wire: shown_url(offer.routes) for wire, offer in prepared.offers.items() if offer.routes is not None
                },
                "document": msgspec.to_builtins(document) if document is not None else None,
                "settings": told,
            }
        )

    def close(self) -> None:
        """End the file."""
        self._file.close()

    # -- what a run tells

    def attempt_began(self, key: str) -> None:
        """Mark the beginning of an attempt."""
        self.line("begin", key=key)

    def attempt_ended(self, key: str) -> None:
        """Mark its end."""
        self.line("end", key=key)

    def begin(self, check: Check, wire: str) -> None:
        """Hand on that a check begins."""
        if self._listener is not None:
            self._listener.begin(check, wire)

    def end(self, result: CheckResult) -> None:
        """Write a verdict, and hand it on."""
        self.line("verdict", check=result.check, wire=result.wire, verdict=result.verdict, message=result.message)
        if self._listener is not None:
            self._listener.end(result)

    # -- what passes

    def between(self, principal: str) -> _Watch:
        """Return what stands between one principal's client and its transports."""
        return _Watch(self, principal)

    def opening(self, **members: Any) -> int:
        """Write that something is opened; return its number."""
        self._count += 1
        self.line("open", c=self._count, key=current(), **members)
        return self._count

    def line(self, type: str, /, **members: Any) -> None:
        """Write a line, with the time."""
        at = now()
        if self._began is None:
            self._began = at
        self._write({"type": type, "at": round(at - self._began, 6), **members})

    def _write(self, line: Mapping[str, Any]) -> None:
        # ASCII: lone surrogates, which some checks send, have no other form in a file.
        self._file.write(self._redactor.text(json.dumps(line, separators=(",", ":"))) + "\n")


class _Watch:
    """Watches one principal's connections."""

    def __init__(self, transcript: Transcript, principal: str) -> None:
        self._transcript = transcript
        self._principal = principal

    async def socket(
        self,
        url: str,
        options: Options,
        subprotocols: Sequence[str],
        label: str,
        real: Callable[[], Awaitable[Any]],
    ) -> Socket:
        """Open a WebSocket and watch it."""
        number = self._transcript.opening(
            kind="socket", principal=self._principal, url=shown_url(url), subprotocols=list(subprotocols)
        )
        try:
            inner: Socket = await real()
        except BaseException as fault:
            self._failed(number, fault)
            raise
        self._transcript.line(
            "opened", c=number, subprotocol=inner.subprotocol, headers=_headers(inner.response_headers)
        )
        return WatchedSocket(inner, self._transcript, number)

    def stream(
        self, url: str, request: Any, options: Options, label: str, real: Callable[[], AbstractAsyncContextManager[Any]]
    ) -> AbstractAsyncContextManager[Any]:
        """Send a request and watch its answer."""
        return self._stream(url, request, real)

    @asynccontextmanager
    async def _stream(
        self, url: str, request: Request, real: Callable[[], AbstractAsyncContextManager[Any]]
    ) -> AsyncIterator[Streaming]:
        number = self._transcript.opening(
            kind="http", principal=self._principal, url=shown_url(url), method=request.method,
            headers=_headers(request.headers), **with_data(request.body),
        )  # fmt: skip
        async with AsyncExitStack() as stack:
            try:
                inner = await stack.enter_async_context(real())
            except BaseException as fault:
                self._failed(number, fault)
                raise
            self._transcript.line("opened", c=number, status=inner.status, headers=_headers(inner.headers))
            try:
                yield WatchedStreaming(inner, self._transcript, number)
            finally:
                self._transcript.line("closed", c=number)

    def _failed(self, number: int, fault: BaseException) -> None:
        """Write why there was no answer; what is no fault of the transport is that nobody waited for one any more."""
        if isinstance(fault, TransportError):
            self._transcript.line("fault", c=number, **with_fault(fault))
        else:
            self._transcript.line("closed", c=number)


class WatchedSocket(Socket):
    """A WebSocket whose frames are written down."""

    def __init__(self, inner: Socket, transcript: Transcript, number: int) -> None:
        self._inner = inner
        self._transcript = transcript
        self._number = number
        self.url = inner.url
        self.label = inner.label

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the peer chose."""
        return self._inner.subprotocol

    @property
    def response_headers(self) -> dict[str, str]:
        """Headers of the upgrade's answer, names in lower case."""
        return self._inner.response_headers

    async def send(self, frame: str | bytes) -> None:
        """Send one frame."""
        self._transcript.line("sent", c=self._number, **with_data(frame))
        await self._inner.send(frame)

    async def send_fragments(self, pieces: list[str], *, pinged: bool = False) -> None:
        """Send one text message in several frames."""
        self._transcript.line("sent", c=self._number, **with_data("".join(pieces)))
        await self._inner.send_fragments(pieces, pinged=pinged)

    async def send_part(self, text: str, size: int) -> None:
        """Begin a message and cut the connection in the middle of it."""
        self._transcript.line("sent", c=self._number, **with_data(text[:size]))
        self._transcript.line("closed", c=self._number)
        await self._inner.send_part(text, size)

    async def receive(self, limit: float | None = None) -> str | bytes:
        """Return the next frame."""
        try:
            frame = await self._inner.receive(limit)
        except TransportError as fault:
            if type(fault).__name__ != "TimedOut":  # that is this side's own patience
                self._transcript.line("fault", c=self._number, **with_fault(fault))
            raise
        self._transcript.line("received", c=self._number, **with_data(frame))
        return frame

    async def ping(self, limit: float) -> bool:
        """Return whether a ping is answered."""
        began = now()
        answered = await self._inner.ping(limit)
        self._transcript.line("ping", c=self._number, answered=answered, ms=round((now() - began) * 1000, 3))
        return answered

    async def close(self, code: int = 1000) -> None:
        """Close."""
        self._transcript.line("closed", c=self._number)
        await self._inner.close(code)

    def abort(self) -> None:
        """Cut the connection."""
        self._transcript.line("closed", c=self._number)
        self._inner.abort()


class WatchedStreaming(Streaming):
    """An answer whose body is written down."""

    def __init__(self, inner: Streaming, transcript: Transcript, number: int) -> None:
        self._inner = inner
        self._transcript = transcript
        self._number = number
        self.url = inner.url
        self.status = inner.status
        self.headers = inner.headers

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes."""
        try:
            async with aclosing(self._inner.chunks()) as chunks:
                async for chunk in chunks:
                    self._transcript.line("received", c=self._number, **with_data(chunk))
                    yield chunk
        except TransportError as fault:
            self._transcript.line("fault", c=self._number, **with_fault(fault))
            raise
        self._transcript.line("ended", c=self._number)


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: BLANK if name.lower() in _SECRET else value for name, value in headers.items()}
