"""HTTP/1.1 for a gateway that asks one provider over and over: what a turn needs of it, and nothing on the way.

The general client (`http`) costs more than all else that a gateway does for a turn. Where this one can't do it (a
proxy, a tap, a recording, credentials in the URL) `http_pool` gives that one; both raise the same faults.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
import zlib
from asyncio.base_events import BaseEventLoop
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from ..errors import AnswerTooLarge, ConnectionCut, TimedOut, TransportError, Unreachable, WrongKind
from ..wires.base import Request
from .base import Options, network_fault
from .http import Fetching, HTTPPool, Inflater, may_repeat, tls
from .lean_body import Body, body_of
from .proxies import proxy_for

__all__ = ["LeanPool", "http_pool"]

#: Seconds for which a connection that is not used is kept; the strictest servers end theirs after five.
_KEPT = 4.0
_HEAD = 65_536  # bytes of status line and headers
_BUFFER = 262_144  # bytes that wait to be read; past them nothing more is taken from the socket
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [^\r\n]*)?")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PLAIN_URL = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(?:/[!$&-;=?-Z_a-z~%]*)?")


def http_pool(base: str, options: Options) -> HTTPPool | LeanPool:
    """Return the connections to a base URL: the lean ones, where they can do what is asked for."""
    watched = options.tap or options.between or options.pace
    plain = _PLAIN_URL.fullmatch(base)
    if watched or plain is None or int(plain[1] or 1) > 65_535 or proxy_for(base, loopback=options.proxy_loopback):
        return HTTPPool(base, options)
    return LeanPool(base, options)


class _Connection(asyncio.Protocol):
    """One connection: bytes in the order in which they come, and whether more can."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.ended = False
        self.fault: Exception | None = None
        self.idle_since = 0.0
        self._news: asyncio.Future[None] | None = None
        self._paused = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # one of another loop need not be of that class

    def data_received(self, data: bytes) -> None:
        self.received += data
        if len(self.received) > _BUFFER and not self._paused:
            assert self.transport is not None
            self._paused = True
            self.transport.pause_reading()
        self._tell()

    def eof_received(self) -> bool:
        self.ended = True
        self._tell()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self.fault = self.fault or exc
        self._tell()

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def take(self) -> bytes:
        """Return what came."""
        taken = bytes(self.received)
        self.received.clear()
        if self._paused and self.transport is not None:
            self._paused = False
            self.transport.resume_reading()
        return taken

    async def more(self, seconds: float) -> None:
        """Wait for bytes or the end; TimeoutError where neither comes."""
        loop = asyncio.get_running_loop()
        self._news = loop.create_future()
        timer = loop.call_later(seconds, self._late)
        try:
            await self._news
        finally:
            timer.cancel()
            self._news = None

    def _late(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_exception(TimeoutError())

    def usable(self) -> bool:
        """Whether another request can go over it: it stands, and nothing came that nobody asked for."""
        assert self.transport is not None
        return not (self.ended or self.received or self.transport.is_closing())

    def drop(self) -> None:
        """End it now; who still reads from it is told that it was cut."""
        self.fault = self.fault or ConnectionAbortedError()
        if self.transport is not None:
            self.transport.abort()


class LeanAnswer:
    """An answer whose body is still coming: status and headers (names in lower case), then chunks."""

    def __init__(self, connection: _Connection, url: str, options: Options) -> None:
        self._connection = connection
        self._options = options
        self._body: Body = body_of(204, {})
        self.url = url
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.whole = False
        self.keeps = False

    async def head(self) -> None:
        """Read status and headers; those of answers that only announce another are passed over."""
        connection = self._connection
        while self.status < 200:
            while (end := connection.received.find(b"\r\n\r\n")) < 0:
                if len(connection.received) > _HEAD:
                    raise self._no_http("its head has no end")
                if connection.ended:
                    if connection.received and not connection.received.startswith(b"HTTP/1."):
                        raise self._no_http("it ends in its head")
                    raise ConnectionCut("the connection was cut before an answer came", self.url)
                await self._more()
            head = bytes(connection.received[:end])
            del connection.received[: end + 4]
            self._read_head(head)

    def _read_head(self, head: bytes) -> None:
        first, *lines = head.split(b"\r\n")
        status = _STATUS.fullmatch(first)
        if status is None or status[2] == b"101":
            raise self._no_http(f"it begins with {first[:40]!r}")
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(b":")
            if not colon or not _NAME.fullmatch(name) or b"\n" in value or b"\r" in value or b"\0" in value:
                raise self._no_http(f"a header is {line[:40]!r}")
            key, told = name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")
            headers[key] = f"{headers[key]}, {told}" if key in headers else told
        self.status, self.headers = int(status[2]), headers
        if self.status >= 200:
            try:
                self._body = body_of(self.status, headers)
            except ValueError as error:
                raise self._no_http(str(error)) from None
            told = headers.get("connection", "").lower()
            self.keeps = status[1] == b"1" and "close" not in told and self._body.framed
            self.whole = self._body.over

    def _no_http(self, why: str) -> WrongKind:
        return WrongKind(f"the answer is not HTTP: {why}", self.url, "check scheme and port")

    async def _more(self) -> None:
        silence = self._options.silence_timeout
        try:
            await self._connection.more(silence)
        except TimeoutError:
            hint = "raise --timeout if the model is slow"
            raise TimedOut(f"nothing came for {silence:g} s", self.url, hint) from None

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes, decompressed; AnswerTooLarge past `options.answer_bytes`."""
        coding = self.headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("identity", "gzip", ""):
            told = f"the answer is coded as {coding[:40]}, which was not asked for"
            raise WrongKind(told, self.url, status=self.status)
        inflater = Inflater() if coding == "gzip" else None
        total = 0
        try:
            async for raw in self._raw():
                for chunk in (raw,) if inflater is None else inflater.feed(raw):
                    total += len(chunk)
                    if total > self._options.answer_bytes:
                        told = f"an answer of more than {self._options.answer_bytes} bytes came"
                        raise AnswerTooLarge(told, self.url, "reading was stopped")
                    yield chunk
            if inflater is not None:
                inflater.close()
        except zlib.error as error:
            raise ConnectionCut(f"the body could not be decompressed: {error}", self.url) from None

    async def _raw(self) -> AsyncGenerator[bytes, None]:
        body, connection = self._body, self._connection
        while not body.over:
            if connection.received:
                try:
                    data = body.feed(connection.take())
                except ValueError as error:
                    raise ConnectionCut(f"the connection was cut in mid-answer: {error}", self.url) from None
                self.whole = body.over
                self.keeps = self.keeps and not body.rest
                if data:
                    yield data
            elif connection.ended:
                if not body.ends_with_the_connection or connection.fault is not None:
                    raise ConnectionCut("the connection was cut in mid-answer", self.url)
                return
            else:
                await self._more()


class LeanPool(Fetching):
    """A pool of connections to one base URL."""

    def __init__(self, base: str, options: Options) -> None:
        self.base = base.rstrip("/")
        self._options = options
        parts = urlsplit(self.base)
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port or (443 if self._secure else 80)
        self._path = parts.path
        self._named = parts.netloc
        self._idle: deque[_Connection] = deque()
        self._open: set[_Connection] = set()
        self._places = asyncio.Semaphore(options.connections)

    async def close(self) -> None:
        """Close every connection."""
        self._idle.clear()
        for connection in list(self._open):
            connection.drop()
        self._open.clear()

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[LeanAnswer]:
        """Send a request and give its answer while it comes; leaving the block drops the rest."""
        url = self.base + request.path
        data = self._written(request)
        async with self._places:
            kept = self._kept()
            connection = kept or await self._connect(url)
            try:
                try:
                    answer = await self._asked(connection, data, url)
                except ConnectionCut:
                    # It was kept from an earlier request, and the server may have ended it in this moment.
                    if kept is None or kept.received or not may_repeat(request.method, self._options):
                        raise
                    self._drop(kept)
                    connection = await self._connect(url)
                    answer = await self._asked(connection, data, url)
                yield answer
            except BaseException:
                self._drop(connection)
                raise
            if answer.whole and answer.keeps and connection.usable():
                connection.idle_since = time.monotonic()
                self._idle.append(connection)
            else:
                self._drop(connection)

    async def _asked(self, connection: _Connection, data: bytes, url: str) -> LeanAnswer:
        assert connection.transport is not None
        connection.transport.write(data)
        answer = LeanAnswer(connection, url, self._options)
        await answer.head()
        return answer

    def _drop(self, connection: _Connection) -> None:
        self._open.discard(connection)
        connection.drop()

    def _written(self, request: Request) -> bytes:
        headers = {
            "host": self._named,
            "accept": "*/*",
            "accept-encoding": "gzip",
            **self._options.request_headers(request.key_header),
            **request.headers,
        }
        if request.body or request.method not in ("GET", "HEAD", "DELETE"):
            headers["content-length"] = str(len(request.body))
        target = self._path + request.path + ("?" + urlencode(dict(request.query)) if request.query else "")
        if not target.isascii() or re.search(r"[\x00-\x20\x7f]", target):
            raise Unreachable("that is no usable URL", self.base + request.path, "its path has characters of no URL")
        lines = [f"{request.method} {target or '/'} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        if any("\r" in line or "\n" in line for line in lines):
            raise Unreachable("that is no usable request", self.base + request.path, "a header holds a line feed")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + request.body

    def _kept(self) -> _Connection | None:
        """Return a connection that was used before, the one that was used last."""
        until = time.monotonic() - _KEPT
        while self._idle and self._idle[0].idle_since < until:
            self._drop(self._idle.popleft())
        while self._idle:
            connection = self._idle.pop()
            if connection.usable():
                return connection
            self._drop(connection)
        return None

    async def _connect(self, url: str) -> _Connection:
        options = self._options
        context: ssl.SSLContext | None = tls(options.verify, options.ca_file) if self._secure else None
        try:
            async with asyncio.timeout(options.connect_timeout):
                loop = asyncio.get_running_loop()
                # Loops of others try one address after the other, and know no such argument.
                eyeballs: dict[str, Any] = {"happy_eyeballs_delay": 0.25} if isinstance(loop, BaseEventLoop) else {}
                _, connection = await loop.create_connection(
                    _Connection, self._host, self._port, ssl=context, **eyeballs
                )
        except TimeoutError:
            secure = ", and that it serves TLS" if self._secure else ""
            told = f"no connection within {options.connect_timeout:g} s"
            raise Unreachable(told, url, f"check host and port{secure}") from None
        except (OSError, ValueError) as error:
            raise _fault(error, url) from None
        self._open.add(connection)
        return connection


def _fault(error: Exception, url: str) -> TransportError:
    fault = network_fault(error, url)
    return fault or Unreachable(f"the connection failed: {error}", url, "check host and port")
