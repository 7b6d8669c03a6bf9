"""HTTP: one exchange at a time over a pool. The only module that imports httpx."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import cache
from typing import Any

import httpx

from ..errors import AnswerTooLarge, ConnectionCut, TimedOut, TLSFault, TransportError, Unreachable, WrongKind
from ..wires.base import Answer, Request
from .base import Frame, Options, network_fault
from .proxies import by_proxy, proxy_for

__all__ = ["Fetching", "HTTPPool", "Inflater", "Streaming", "may_repeat", "tls"]

#: May be sent again when nothing came (RFC 9110, section 9.2.2); a turn that is posted may have run.
_IDEMPOTENT = ("GET", "HEAD", "PUT", "DELETE")


class Streaming:
    """An answer whose body is still coming: status and headers (names in lower case), then chunks."""

    def __init__(self, response: httpx.Response, url: str, options: Options, label: str) -> None:
        self._response = response
        self._options = options
        self._label = label
        self.url = url
        self.status = response.status_code
        self.headers: Mapping[str, str] = {k.lower(): v for k, v in response.headers.items()}

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes, decompressed; AnswerTooLarge past `options.answer_bytes`."""
        total = 0
        coding = self.headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("identity", "gzip", ""):
            told = f"the answer is coded as {coding[:40]}, which was not asked for"
            raise WrongKind(told, self.url, status=self.status)
        inflater = Inflater() if coding == "gzip" else None
        try:
            async for raw in self._response.aiter_raw():
                for chunk in (raw,) if inflater is None else inflater.feed(raw):
                    total += len(chunk)
                    if self._options.tap:
                        self._options.tap(Frame("received", "body", chunk, connection=self._label))
                    if total > self._options.answer_bytes:
                        told = f"an answer of more than {self._options.answer_bytes} bytes came"
                        raise AnswerTooLarge(told, self.url, "reading was stopped")
                    yield chunk
            if inflater is not None:
                inflater.close()
        except zlib.error as error:
            raise ConnectionCut(f"the body could not be decompressed: {error}", self.url) from None
        except httpx.HTTPError as error:
            raise _fault(error, self.url, self._options, started=True) from None


class Inflater:
    """Decompresses gzip in pieces: a small body that swells to gigabytes must not be in memory before it is counted."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)
        self._begun = False

    def feed(self, raw: bytes) -> Iterator[bytes]:
        """Yield what these bytes decompress to, at most 64 KiB at a time."""
        self._begun = self._begun or bool(raw)
        while not self._stream.eof:
            piece = self._stream.decompress(raw, 65536)
            raw = self._stream.unconsumed_tail
            if piece:
                yield piece
            if not raw and len(piece) < 65536:
                return

    def close(self) -> None:
        """Raise zlib.error where the body ended before its compression did."""
        if self._begun and not self._stream.eof:
            raise zlib.error("it ends in the middle")


class _Enough(Exception):
    """As much of a body was sent as was to be sent."""


def may_repeat(method: str, options: Options) -> bool:
    """Return whether a request may be sent again of which nobody knows whether it ran."""
    return method in _IDEMPOTENT or options.resend_posted


class Fetching:
    """The part of a pool that reads an answer whole."""

    base: str

    def stream(self, request: Request) -> AbstractAsyncContextManager[Any]:
        """Send a request and give its answer while it comes."""
        raise NotImplementedError

    async def fetch(self, request: Request, *, limit: float | None = None) -> Answer:
        """Return a whole answer; TimedOut after `limit` seconds in all."""
        body = bytearray()
        try:
            async with asyncio.timeout(limit), self.stream(request) as answer:
                async with aclosing(answer.chunks()) as chunks:
                    async for chunk in chunks:
                        body += chunk
                return Answer(answer.status, dict(answer.headers), bytes(body))
        except TimeoutError:
            url = self.base + request.path
            raise TimedOut(f"no whole answer came within {limit:g} s", url, "is the endpoint alive?") from None


class HTTPPool(Fetching):
    """A pool of connections to one base URL."""

    def __init__(self, base: str, options: Options) -> None:
        self.base = base.rstrip("/")
        self._options = options
        self._proxy = proxy_for(self.base, loopback=options.proxy_loopback)
        timeout = httpx.Timeout(options.silence_timeout, connect=options.connect_timeout)
        self._client = httpx.AsyncClient(
            timeout=timeout,
            limits=httpx.Limits(max_connections=options.connections, max_keepalive_connections=options.connections),
            verify=tls(options.verify, options.ca_file) if self.base.startswith("https:") else False,
            follow_redirects=False,
            # Of the environment only what proxies.py reads: no password of a .netrc goes anywhere.
            trust_env=False,
            proxy=self._proxy,
            headers={"accept-encoding": "gzip"},
        )
        self._count = 0

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Streaming]:
        """Send a request and give its answer while it comes; leaving the block drops the rest."""
        url = self.base + request.path
        if request.query:
            url += "?" + str(httpx.QueryParams(dict(request.query)))
        self._count += 1
        label = f"http{self._count}"
        between = self._options.between
        exchange: AbstractAsyncContextManager[Streaming] = self._send(url, request, label)
        if between is not None:
            exchange = between.stream(url, request, self._options, label, lambda: self._send(url, request, label))
        async with exchange as answer:
            yield answer

    @asynccontextmanager
    async def _send(self, url: str, request: Request, label: str) -> AsyncIterator[Streaming]:
        headers = {**self._options.request_headers(request.key_header), **request.headers}
        if self._options.pace:
            await self._options.pace()
        if self._options.tap:
            head = f"{request.method} {url}\n"
            self._options.tap(Frame("sent", "request", head.encode() + request.body, headers, label))
        reached: list[str] = []

        async def trace(event: str, _: object) -> None:
            if event == "connection.connect_tcp.complete":
                reached.append(event)  # a connection of its own: nobody ended that while it was not used

        try:
            built = self._client.build_request(
                request.method, url, headers=headers, content=request.body or None, extensions={"trace": trace}
            )
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise Unreachable(f"that is no usable URL: {error}", url, "it begins with http:// or https://") from None
        if built.url.scheme not in ("http", "https") or not built.url.host or (built.url.port or 1) > 65535:
            # Found late, by whichever layer trips over it, and told in a word of its own.
            raise Unreachable("that is no usable URL", url, "write http:// or https://, a host, and a port up to 65535")
        try:
            try:
                response = await self._client.send(built, stream=True)
            except (httpx.RemoteProtocolError, httpx.ReadError):
                # The connection was kept from an earlier request, and the server may have ended it in this moment.
                if not may_repeat(request.method, self._options) or reached:
                    raise
                response = await self._client.send(built, stream=True)
        except httpx.HTTPError as error:
            raise _fault(error, by_proxy(url, self._proxy), self._options, started=False) from None
        try:
            if self._options.tap:
                head = f"{response.status_code} {response.reason_phrase}"
                self._options.tap(Frame("received", "response", head, dict(response.headers), label))
            yield Streaming(response, url, self._options, label)
        finally:
            # Closing must not outlive a caller that gave up: a peer that never ends its body is cut.
            await asyncio.shield(response.aclose())

    async def send_part(self, request: Request, size: int) -> None:
        """Send the first `size` bytes of a body as if the rest came, and hang up: ConnectionCut."""
        url, label = self.base + request.path, f"http{self._count + 1}"
        self._count += 1
        exchange: AbstractAsyncContextManager[Streaming] = self._send_part(url, request, size, label)
        if self._options.between is not None:
            exchange = self._options.between.stream(
                url, request, self._options, label, lambda: self._send_part(url, request, size, label)
            )
        async with exchange:
            pass

    @asynccontextmanager
    async def _send_part(self, url: str, request: Request, size: int, label: str) -> AsyncIterator[Streaming]:
        headers = {**self._options.request_headers(request.key_header), **request.headers}
        headers["content-length"] = str(len(request.body))
        if self._options.tap:
            head = f"{request.method} {url}\n"
            self._options.tap(Frame("sent", "request", head.encode() + request.body[:size], headers, label))

        async def part() -> AsyncIterator[bytes]:
            yield request.body[:size]
            raise _Enough

        try:
            response = await self._client.send(
                self._client.build_request(request.method, url, headers=headers, content=part()), stream=True
            )
        except _Enough:
            raise ConnectionCut("this side hung up in the middle of its request", url) from None
        except httpx.HTTPError as error:
            raise _fault(error, url, self._options, started=False) from None
        await response.aclose()
        yield Streaming(response, url, self._options, label)


@cache
def tls(verify: bool, ca_file: str | None) -> ssl.SSLContext:
    """Return the one TLS context: to load the certificates takes longer than most exchanges."""
    if verify and ca_file is not None:
        return ssl.create_default_context(cafile=ca_file)
    return httpx.create_ssl_context(verify=verify)


def _fault(error: Exception, url: str, options: Options, *, started: bool) -> TransportError:
    """Return the sentence for a fault of httpx."""
    if isinstance(error, httpx.ConnectTimeout):
        secure = ", and that it serves TLS" if url.startswith("https:") else ""
        return Unreachable(f"no connection within {options.connect_timeout:g} s", url, f"check host and port{secure}")
    if isinstance(error, httpx.ProxyError):
        return Unreachable(f"the proxy let nothing through: {error}", url, "see HTTPS_PROXY and NO_PROXY")
    if isinstance(error, httpx.TimeoutException):
        return TimedOut(f"nothing came for {options.silence_timeout:g} s", url, "raise --timeout if the model is slow")
    if isinstance(error, httpx.RemoteProtocolError):
        if started:
            return ConnectionCut(f"the connection was cut in mid-answer: {error}", url)
        if "disconnected" in str(error):
            return ConnectionCut("the connection was cut before an answer came", url)
        return WrongKind(f"the answer is not HTTP: {error}", url, "check scheme and port")
    fault = network_fault(error, url)
    if isinstance(error, httpx.ReadError | httpx.WriteError | httpx.CloseError) and not isinstance(fault, TLSFault):
        # It stood already, so a reset by the peer is a cut and no unreachable host.
        return ConnectionCut(f"the connection was cut {'in mid-answer' if started else 'before an answer came'}", url)
    if fault is not None:
        return fault
    return Unreachable(f"the connection failed: {str(error) or type(error).__name__}", url, "check host and port")
