"""A WebSocket: text frames out and in, with every fault as a sentence. On `websockets`, asyncio."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
    PayloadTooBig,
    ProxyError,
)
from websockets.protocol import State

from ..errors import AnswerTooLarge, ConnectionCut, TimedOut, TransportError, Unreachable, WrongKind
from .base import Frame, Options, network_fault, refused_status
from .proxies import by_proxy, proxy_for

__all__ = ["Socket", "open_socket"]


class Socket:
    """An open WebSocket. `receive` returns frames as they come; ConnectionCut when it has ended."""

    def __init__(self, connection: ClientConnection, url: str, options: Options, label: str) -> None:
        self._connection = connection
        self._options = options
        self.url = url
        self.label = label
        self._early: deque[str | bytes] = deque()
        self._readers = 0

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the peer chose."""
        return self._connection.subprotocol

    @property
    def response_headers(self) -> dict[str, str]:
        """Headers of the upgrade's answer, names in lower case."""
        response = self._connection.response
        return {} if response is None else {k.lower(): v for k, v in response.headers.raw_items()}

    @property
    def open(self) -> bool:
        """Whether a frame can still be sent: neither side has ended the connection, as far as is known here."""
        return self._connection.state is State.OPEN

    def _tap(self, direction: Any, kind: str, data: bytes | str) -> None:
        if self._options.tap:
            self._options.tap(Frame(direction, kind, data, connection=self.label))

    async def send(self, frame: str | bytes) -> None:
        """Send one frame; ConnectionCut where the connection has ended, TimedOut where the peer takes nothing."""
        await self._paced()
        self._tap("sent", "text" if isinstance(frame, str) else "binary", frame)
        await self._send(frame)

    async def send_fragments(self, pieces: list[str], *, pinged: bool = False) -> None:
        """Send one text message in several frames; `pinged`: with a ping between each two."""
        await self._paced()
        self._tap("sent", "text", "".join(pieces))
        await self._send(self._pinging(pieces) if pinged else pieces)

    async def _pinging(self, pieces: list[str]) -> AsyncIterator[str]:
        for number, piece in enumerate(pieces):
            if number:
                await self._connection.ping()
            yield piece

    async def send_part(self, text: str, size: int) -> None:
        """Begin a text message and cut the connection in the middle of its frame, behind `size` bytes of it."""
        data = text.encode()
        self._tap("sent", "text", text[:size])
        self._tap("sent", "close", "cut in the middle of a frame")
        mask = b"\x00\x00\x00\x00"  # a mask of zeros leaves the bytes as they are
        self._connection.transport.write(b"\x81\xff" + len(data).to_bytes(8, "big") + mask + data[:size])
        await asyncio.sleep(0)
        self._connection.transport.close()

    async def _paced(self) -> None:
        if self._options.pace:
            await self._options.pace()

    async def _send(self, data: str | bytes | list[str] | AsyncIterator[str]) -> None:
        limit = self._options.silence_timeout
        try:
            async with asyncio.timeout(limit):
                await self._connection.send(data)
        except TimeoutError:
            self.abort()  # half a message is on its way: nothing can follow it
            await self._connection.wait_closed()
            hint = "does the endpoint read what it is sent?"
            raise TimedOut(f"a message was not taken for {limit:g} s", self.url, hint) from None
        except ConnectionClosed as closed:
            raise self._cut(closed) from None

    async def receive(self, limit: float | None = None) -> str | bytes:
        """Return the next frame; TimedOut after `limit` seconds of silence."""
        try:
            async with asyncio.timeout(limit):
                frame = self._early.popleft() if self._early else await self._next()
        except TimeoutError:
            raise TimedOut(f"nothing came for {limit:g} s", self.url, "raise --timeout if the model is slow") from None
        except ConnectionClosed as closed:
            raise self._cut(closed) from None
        self._tap("received", "text" if isinstance(frame, str) else "binary", frame)
        return frame

    async def _next(self) -> str | bytes:
        self._readers += 1
        try:
            return await self._connection.recv()
        finally:
            self._readers -= 1

    def _cut(self, closed: ConnectionClosed) -> TransportError:
        # A close that answers the peer's repeats its code: only one of our own says what we made of what came.
        ours = closed.sent if closed.sent is not None and not closed.rcvd_then_sent else None
        if isinstance(closed.__cause__, PayloadTooBig) or (ours and ours.code == 1009):
            limit = self._options.message_bytes
            return AnswerTooLarge(f"a message larger than {limit} bytes came", self.url, "the connection was closed")
        code = closed.rcvd.code if closed.rcvd else 1006
        reason = closed.rcvd.reason if closed.rcvd else ""
        if ours and ours.code == 1007:
            return ConnectionCut("a text frame that is not UTF-8 came", self.url, code=1007)
        if ours and ours.code == 1002:
            told = "what came is no WebSocket frame" + (f": {ours.reason}" if ours.reason else "")
            return ConnectionCut(told, self.url, code=1002)
        self._tap("received", "close", f"{code} {reason}".strip())
        told = f"the connection was closed with code {code}" + (f" ({reason})" if reason else "")
        if code == 1006:
            told = "the connection was cut without a close frame"
        return ConnectionCut(told, self.url, code=code, reason=reason)

    async def ping(self, limit: float) -> bool:
        """Return whether a ping is answered within `limit` seconds."""
        try:
            async with asyncio.timeout(limit):
                pong = asyncio.ensure_future(await self._connection.ping())
                await self._read_until(pong)
        except (TimeoutError, ConnectionClosed):
            return False
        return True

    async def _read_until(self, pong: asyncio.Future[Any]) -> None:
        """Wait for a pong, which stands behind what the peer sent before it: where nobody reads, that is put by."""
        while not pong.done():
            if self._readers:
                await pong
                return
            frame = asyncio.ensure_future(self._next())
            try:
                await asyncio.wait({frame, pong}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                frame.cancel()
                (came,) = await asyncio.gather(frame, return_exceptions=True)
                if isinstance(came, str | bytes):
                    self._early.append(came)
            if isinstance(came, ConnectionClosed):
                raise came
        await pong

    async def close(self, code: int = 1000) -> None:
        """Close, waiting a second at most for the peer."""
        try:
            async with asyncio.timeout(1.0):
                await self._connection.close(code)
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Cut the connection as a lost link would: no close frame."""
        self._connection.transport.abort()


class _Connect(connect):
    """Connects to the address that was given and to no other: a redirect would take the key with it."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the answer as what it is."""
        return exc


async def open_socket(url: str, options: Options, *, subprotocols: tuple[str, ...] = (), label: str = "") -> Socket:
    """Return an open WebSocket; raises the TransportError that says why there is none."""
    if options.between is None:
        return await _open(url, options, subprotocols, label)
    socket: Socket = await options.between.socket(
        url, options, subprotocols, label, lambda: _open(url, options, subprotocols, label)
    )
    return socket


async def _open(url: str, options: Options, subprotocols: tuple[str, ...], label: str) -> Socket:
    tls: dict[str, Any] = {}
    if url.startswith("wss:") and not options.verify:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        tls["ssl"] = context
    elif url.startswith("wss:") and options.ca_file is not None:
        tls["ssl"] = ssl.create_default_context(cafile=options.ca_file)
    proxy = proxy_for(url, loopback=options.proxy_loopback)
    where = by_proxy(url, proxy)
    if options.pace:
        await options.pace()
    headers = options.request_headers()
    agent = headers.pop("user-agent")
    if options.tap:
        options.tap(Frame("sent", "open", f"GET {url}", headers=headers, connection=label))
    try:
        connection = await _Connect(
            url,
            subprotocols=subprotocols or None,  # type: ignore[arg-type]
            additional_headers=headers,
            user_agent_header=agent,
            open_timeout=options.connect_timeout,
            close_timeout=1.0,
            max_size=options.message_bytes,
            ping_interval=None,
            max_queue=64,
            compression="deflate" if options.compress else None,
            proxy=proxy,
            **tls,
        )
    except InvalidStatus as error:
        response = error.response
        body = bytes(response.body or b"")
        if options.tap:
            options.tap(Frame("received", "response", body, dict(response.headers.raw_items()), label))
        kind = response.headers.get("content-type", "")
        location = response.headers.get("location", "")
        bare = {name.lower(): value for name, value in response.headers.raw_items()}
        raise refused_status(
            response.status_code, url, body, kind, upgrade=True, location=location, headers=bare
        ) from None
    except TimeoutError:
        hint = "is it a WebSocket endpoint, and is it alive?"
        raise TimedOut(f"the upgrade was not answered within {options.connect_timeout:g} s", where, hint) from None
    except ProxyError as error:
        told = f"the proxy let nothing through: {error}"
        raise Unreachable(told, where, "see HTTPS_PROXY and NO_PROXY") from None
    except (InvalidMessage, InvalidHandshake) as error:
        if fault := network_fault(error, where):
            raise fault from None
        hint = "no WebSocket is served there; check scheme, port and path"
        raise WrongKind(f"the upgrade was not answered as WebSocket: {error}", url, hint) from None
    except (OSError, EOFError) as error:
        raise network_fault(error, where) or Unreachable(f"the connection failed: {error}", where) from None
    except (InvalidURI, ValueError, OverflowError) as error:
        # The host's name and the port are looked at late. (Behind OSError: a fault of TLS is a ValueError too.)
        told = "" if isinstance(error, InvalidURI) else f": {error}"
        raise Unreachable(f"that is no WebSocket URL{told}", url, "it begins with ws:// or wss://") from None
    return Socket(connection, url, options, label)
