"""HTTP: one exchange at a time over a pool. The only module that imports httpx."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from ..errors import AnswerTooLarge, ConnectionCut, TimedOut, TransportError, Unreachable, WrongKind
from ..wires.base import Answer, Request
from .base import Frame, Options, network_fault

__all__ = ["HTTPPool", "Streaming"]


class Streaming:
    """An answer whose body is still coming: status and headers (names in lower case), then chunks."""

    def __init__(self, response: httpx.Response, url: str, options: Options, label: str) -> None:
        self._response = response
        self._options = options
        self._label = label
        self.url = url
        self.status = response.status_code
        self.headers: Mapping[str, str] = {k.lower(): v for k, v in response.headers.items()}

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes; AnswerTooLarge past `options.answer_bytes`."""
        total = 0
        try:
            async for chunk in self._response.aiter_bytes():
                total += len(chunk)
                if self._options.tap:
                    self._options.tap(Frame("received", "body", chunk, connection=self._label))
                if total > self._options.answer_bytes:
                    limit = self._options.answer_bytes
                    raise AnswerTooLarge(f"an answer of more than {limit} bytes came", self.url, "reading was stopped")
                yield chunk
        except httpx.HTTPError as error:
            raise _fault(error, self.url, self._options, started=True) from None


class HTTPPool:
    """A pool of connections to one base URL."""

    def __init__(self, base: str, options: Options) -> None:
        self.base = base.rstrip("/")
        self._options = options
        timeout = httpx.Timeout(options.silence_timeout, connect=options.connect_timeout)
        self._client = httpx.AsyncClient(timeout=timeout, verify=options.verify, follow_redirects=False)
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
        headers = {**self._options.request_headers(), **request.headers}
        self._count += 1
        label = f"http{self._count}"
        if self._options.tap:
            head = f"{request.method} {url}\n"
            self._options.tap(Frame("sent", "request", head.encode() + request.body, headers, label))
        try:
            built = self._client.build_request(request.method, url, headers=headers, content=request.body or None)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError, TypeError) as error:
            raise Unreachable(f"that is no usable URL: {error}", url, "it begins with http:// or https://") from None
        try:
            response = await self._client.send(built, stream=True)
        except httpx.HTTPError as error:
            raise _fault(error, url, self._options, started=False) from None
        try:
            if self._options.tap:
                head = f"{response.status_code} {response.reason_phrase}"
                self._options.tap(Frame("received", "response", head, dict(response.headers), label))
            yield Streaming(response, url, self._options, label)
        finally:
            # Closing must not outlive a caller that gave up: a peer that never ends its body is cut.
            await asyncio.shield(response.aclose())

    async def fetch(self, request: Request, *, limit: float | None = None) -> Answer:
        """Return a whole answer; TimedOut after `limit` seconds in all."""
        body = bytearray()
        try:
            async with asyncio.timeout(limit), self.stream(request) as answer:
                async for chunk in answer.chunks():
                    body += chunk
                return Answer(answer.status, dict(answer.headers), bytes(body))
        except TimeoutError:
            url = self.base + request.path
            raise TimedOut(f"no whole answer came within {limit:g} s", url, "is the endpoint alive?") from None


def _fault(error: Exception, url: str, options: Options, *, started: bool) -> TransportError:
    """Return the sentence for a fault of httpx."""
    if isinstance(error, httpx.ConnectTimeout):
        return Unreachable(f"no connection within {options.connect_timeout:g} s", url, "check host and port")
    if isinstance(error, httpx.TimeoutException):
        return TimedOut(f"nothing came for {options.silence_timeout:g} s", url, "raise --timeout if the model is slow")
    if isinstance(error, httpx.UnsupportedProtocol):
        return Unreachable("that is no HTTP URL", url, "it begins with http:// or https://")
    if isinstance(error, httpx.RemoteProtocolError):
        if started or "disconnected" in str(error):
            return ConnectionCut(f"the connection was cut in mid-answer: {error}", url)
        return WrongKind(f"the answer is not HTTP: {error}", url, "check scheme and port")
    if isinstance(error, httpx.DecodingError):
        return ConnectionCut(f"the body could not be decompressed: {error}", url)
    if isinstance(error, httpx.ReadError | httpx.WriteError | httpx.CloseError) and started:
        return ConnectionCut("the connection was cut in mid-answer", url)
    if fault := network_fault(error, url):
        return fault
    if isinstance(error, httpx.ReadError | httpx.WriteError):
        return ConnectionCut("the connection was cut before an answer came", url)
    return Unreachable(f"the connection failed: {error or type(error).__name__}", url, "check host and port")
