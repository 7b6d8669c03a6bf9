"""A link: a wire on a transport. Takes client messages, and puts what comes back into the channel it belongs to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from segue_schemas import models

from .errors import ConnectionCut, CutShort, ReaderTooSlow, RemoteProtocolError, SegueError, TimedOut, WrongKind
from .transports.base import Options
from .transports.http import HTTPPool
from .transports.websocket import Socket, open_socket
from .turn import Channel, is_end
from .wires.anthropic import AnthropicClient, version_in
from .wires.base import Exchange, StreamClient
from .wires.chat import ChatClient
from .wires.extension import EXTENDED, declaration, declares, plain_wire
from .wires.openai_http import OpenAIHTTPClient
from .wires.openai_http_extension import ExtendedHTTPClient
from .wires.openai_ws import OpenAIWSClient
from .wires.openai_ws_extension import ExtendedWSClient
from .wires.segue_http import SegueHTTPClient
from .wires.segue_ws import SegueWSClient

__all__ = ["HTTPLink", "Link", "WebSocketLink", "open_link"]

#: Seconds behind which a message that can't be sent is taken to wait for what is not read here.
_STUCK = 0.2

STREAM_WIRES: dict[str, Callable[[], StreamClient]] = {
    "segue-ws": SegueWSClient,
    "openai-ws": OpenAIWSClient,
    EXTENDED["openai-ws"]: ExtendedWSClient,
}
ExchangeClient = SegueHTTPClient | OpenAIHTTPClient | ExtendedHTTPClient | ChatClient | AnthropicClient
EXCHANGE_WIRES: dict[str, Callable[[], ExchangeClient]] = {
    "segue-http": SegueHTTPClient,
    "openai-http": OpenAIHTTPClient,
    "chat": ChatClient,
    "anthropic": AnthropicClient,
}


class Link(Protocol):
    """What a session needs of whatever is below it."""

    welcome: models.Welcome | None
    where: str

    async def submit(self, message: models.ClientMessage, channel: Channel) -> None:
        """Send a message; what answers it goes into the channel, its faults too."""
        ...

    def forget(self, channel: Channel) -> None:
        """Let nothing more go into a channel, of a reading that was given up."""
        ...

    def reads(self, turn: str) -> bool:
        """Return whether the endpoint still delivers a reading of that turn on this connection."""
        ...

    async def close(self) -> None:
        """End it in order."""
        ...


class WebSocketLink:
    """One connection that carries everything; a task reads it and sorts by turn and ref.

    Messages about the connection itself (draining, eviction, limits, errors that name nothing) go to `notices`, of
    which the last ones are kept, and each is told to `listen`. Where a turn is not read, the connection is not read
    either; where others wait for it, the turn that is not read is given up with ReaderTooSlow.
    """

    def __init__(self, wire: StreamClient, socket: Socket) -> None:
        self.welcome: models.Welcome | None = None
        self.wire = wire.name
        self.where = socket.url
        self.notices = Channel(keep=256)
        self.listen: Callable[[models.ServerMessage | SegueError], None] | None = None
        self.socket = socket
        self.fault: SegueError | None = None
        self._wire = wire
        self._channels: dict[str, Channel] = {}
        self._reading: set[str] = set()
        self._stir = asyncio.Event()
        self._stuck = False
        self.notices.stir = self._stir
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls, wire: StreamClient, url: str, options: Options, label: str, *, declare: bool = False
    ) -> WebSocketLink:
        """Connect, and where the endpoint speaks Segue wait for the welcome.

        `declare`: on OpenAI's wire, declare the extension; it is used where the answer declares it, too.
        """
        extended = isinstance(wire, ExtendedWSClient)
        if declare or extended:
            options = replace(options, headers={**options.headers, **declaration()})
        socket = await open_socket(url, options, subprotocols=wire.subprotocols, label=label)
        if declares(socket.response_headers) and declare:
            wire, extended = ExtendedWSClient(), True
        elif extended and not declares(socket.response_headers):
            await socket.close()
            raise not_declared(url)
        if wire.subprotocols and socket.subprotocol not in wire.subprotocols:
            await socket.close()
            raise RemoteProtocolError(
                f"the subprotocol {wire.subprotocols[0]} was offered and the endpoint chose {socket.subprotocol}",
                requirement="SEG-WS-001",
                expected=f"`Sec-WebSocket-Protocol: {wire.subprotocols[0]}` in the answer to the upgrade",
                got=str(socket.subprotocol),
            )
        link = cls(wire, socket)
        if wire.subprotocols or extended:
            try:
                async with asyncio.timeout(options.connect_timeout):
                    first = await link.notices.get()
            except TimeoutError:
                await link.close()
                raise TimedOut(
                    f"no welcome came within {options.connect_timeout:g} s", url, "is it a Segue endpoint?"
                ) from None
            except SegueError:
                await link.close()
                raise
            except asyncio.CancelledError:
                link.cut()  # whoever gave up waiting will not close what it never got
                raise
            if not isinstance(first, models.Welcome):
                await link.close()
                raise RemoteProtocolError(
                    "the first message was no welcome", expected="`welcome` as the first message", got=repr(first)[:300]
                )
            link.welcome = first
        return link

    async def submit(self, message: models.ClientMessage, channel: Channel) -> None:
        """Send a message; what names its turn, steer or ref from now on goes into the channel."""
        if self.fault is not None:
            channel.put(self.fault)
            return
        frames = self._wire.send(message)
        if isinstance(message, models.TurnStart | models.TurnResume):
            self._reading.add(message.turn)
        self._channels[_name(message)] = channel
        channel.stir = self._stir
        # A peer that is not read may not read either: then what is not read here has to give way.
        waiting = asyncio.get_running_loop().call_later(_STUCK, self._send_is_stuck)
        try:
            for frame in frames:
                await self.socket.send(frame)
        finally:
            waiting.cancel()
            self._stuck = False

    def _send_is_stuck(self) -> None:
        self._stuck = True
        self._stir.set()

    async def _read(self) -> None:
        try:
            while True:
                frame = await self.socket.receive()
                for message in self._wire.receive(frame):
                    channel = self._sort(message, len(frame))
                    if channel.full:
                        await self._make_room(_name(message), channel)
        except SegueError as fault:
            self.fault = fault
        except asyncio.CancelledError:
            self.fault = ConnectionCut("the connection was closed from this side", self.where)
            raise
        except Exception as error:
            self.fault = _own_fault(error)
        finally:
            ended = self.fault or ConnectionCut("reading stopped", self.where)
            for channel in [*self._channels.values(), self.notices]:
                channel.put(ended)
            self._tell(ended)

    def _sort(self, message: models.ServerMessage, size: int) -> Channel:
        """Put a message where it belongs, and return that place."""
        if (steer := _steer(message)) in self._channels:
            self._channels.pop(steer).put(message)
        name = _name(message)
        if is_end(message) and name.startswith("turn:"):
            self._reading.discard(name.removeprefix("turn:"))
        channel = self._channels.get(name)
        if channel is None:
            self.notices.put(message)
            self._tell(message)
            return self.notices
        if channel.put(message, size) and is_end(message):
            del self._channels[name]
        return channel

    def _tell(self, message: models.ServerMessage | SegueError) -> None:
        if self.listen is not None:
            self.listen(message)

    async def _make_room(self, name: str, channel: Channel) -> None:
        """Wait until a channel was read; where somebody waits for what is behind it, give it up."""
        while channel.full and self._channels.get(name) is channel:
            others = [self.notices, *(other for other in self._channels.values() if other is not channel)]
            if self._stuck or any(other.hungry for other in others):
                told = "a turn was not read, and its connection had more for others"
                channel.put(ReaderTooSlow(told, self.where, "the turn goes on: resume it"))
                self._channels.pop(name, None)
                return
            self._stir.clear()
            await self._stir.wait()

    def forget(self, channel: Channel) -> None:
        """Let nothing more go into a channel, of a reading that was given up."""
        for name in [name for name, other in self._channels.items() if other is channel]:
            del self._channels[name]
        self._stir.set()

    def reads(self, turn: str) -> bool:
        """Return whether the endpoint still delivers a reading of that turn on this connection."""
        return turn in self._reading

    async def close(self) -> None:
        """Close the connection in order."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self.socket.close()

    def cut(self) -> None:
        """Cut the connection as a lost link would."""
        self._reader.cancel()
        self.socket.abort()


def _answers(asked: models.ClientMessage, message: models.ServerMessage) -> bool:
    """Whether nothing that was asked for follows this message."""
    beside = isinstance(asked, models.TurnCancel | models.TurnSteer)  # their refusals end no turn, but the request
    return is_end(message) or (beside and isinstance(message, models.ErrorMessage | models.TurnSteered))


def _own_fault(error: Exception) -> SegueError:
    """Return what a reader is told when this library fails: without it, it would wait to its limit for nothing."""
    fault = SegueError(f"a fault of this library while it read an answer: {error!r}")
    fault.__cause__ = error
    return fault


def _steer(message: models.ClientMessage | models.ServerMessage) -> str:
    """Return the key of a steer and of what answers it; empty for all else."""
    steer = getattr(message, "steer", None)
    return f"steer:{message.turn}/{steer}" if isinstance(steer, str) else ""  # type: ignore[union-attr]


def _name(message: models.ClientMessage | models.ServerMessage) -> str:
    """Return the key that a message and its answers share; empty for one about the connection."""
    if isinstance(message, models.TurnSteer):
        return _steer(message)
    for member in ("ref", "turn"):
        value = getattr(message, member, None)
        if isinstance(value, str):
            return f"{member}:{value}"
    return ""


class HTTPLink:
    """An exchange for each message, each in a task of its own."""

    def __init__(self, wire: ExchangeClient, url: str, options: Options, *, routes: str | None = None) -> None:
        self.welcome: models.Welcome | None = None
        self.where = url
        self.pool = HTTPPool(url, options)
        #: Where Segue over HTTP is served beside this wire.
        self.routes = self.pool if routes is None else HTTPPool(routes, options)
        self._wire = wire
        self._tasks: set[asyncio.Task[None]] = set()
        self._of: dict[Channel, asyncio.Task[None]] = {}

    def reads(self, turn: str) -> bool:
        """Return False: each request is a connection of its own."""
        return False

    @property
    def wire(self) -> str:
        """The wire's name; with the extension, once the endpoint has declared itself."""
        extended = isinstance(self._wire, ExtendedHTTPClient) and self._wire.declared
        return self._wire.name if extended else plain_wire(self._wire.name)

    async def submit(self, message: models.ClientMessage, channel: Channel) -> None:
        """Send a message; the answer goes into the channel."""
        exchange = self._wire.exchange(message)
        task = asyncio.create_task(self._run(message, exchange, channel))
        self._tasks.add(task)
        self._of[channel] = task
        task.add_done_callback(lambda done: self._done(done, channel))

    def _done(self, task: asyncio.Task[None], channel: Channel) -> None:
        self._tasks.discard(task)
        self._of.pop(channel, None)

    def forget(self, channel: Channel) -> None:
        """Give up the exchange that fills a channel."""
        if (task := self._of.get(channel)) is not None:
            task.cancel()

    async def _run(self, message: models.ClientMessage, exchange: Exchange, channel: Channel) -> None:
        try:
            while True:
                await self._once(message, exchange, channel)
                wait = exchange.ask_again_ms
                if wait is None:
                    return
                # 202: the turn still runs, and the endpoint said when to ask again.
                await asyncio.sleep(min(max(wait, 10), 5000) / 1000)
                # A steer that waits for its boundary is asked about by repeating it.
                again = self._wire.exchange if isinstance(message, models.TurnSteer) else self._wire.snapshot
                exchange = again(message)
        except SegueError as fault:
            channel.put(fault)
        except asyncio.CancelledError:
            channel.put(ConnectionCut("the exchange was given up from this side", self.where))
            raise
        except Exception as error:
            channel.put(_own_fault(error))

    async def _once(self, asked: models.ClientMessage, exchange: Exchange, channel: Channel) -> None:
        ended = False
        pool = self.routes if exchange.elsewhere else self.pool
        async with pool.stream(exchange.request) as answer:
            exchange.head(answer.status, answer.headers)
            async with aclosing(answer.chunks()) as chunks:
                async for chunk in chunks:
                    messages = exchange.data(chunk)
                    for message in messages:
                        channel.put(message, len(chunk) // len(messages))
                        ended = ended or _answers(asked, message)
                    await channel.room()  # what is not taken is not read either
            for message in exchange.end():
                channel.put(message)
                ended = ended or _answers(asked, message)
        if not ended and exchange.ask_again_ms is None:
            raise CutShort(
                "the answer ended and said nothing that ends the request",
                expected="a terminal event, an answer, or an error",
                got=f"status {answer.status} and the end of the body",
            )

    async def settled(self, limit: float) -> None:
        """Wait up to `limit` seconds until no answer is still being read, behind its last message too."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=limit)

    async def close(self) -> None:
        """Give up what still runs and close the pool."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.pool.close()
        if self.routes is not self.pool:
            await self.routes.close()

    def cut(self) -> None:
        """Drop every running exchange, as a lost link would."""
        for task in list(self._tasks):
            task.cancel()


async def open_link(
    wire: str,
    url: str,
    options: Options,
    *,
    label: str = "ws1",
    routes: str | None = None,
    declared: bool = True,
    declare: bool = False,
) -> WebSocketLink | HTTPLink:
    """Return a link of the named wire to its URL; raises the TransportError that says why there is none.

    `routes` is where Segue over HTTP is served beside an OpenAI wire; `declare` a plain one's extension, which is used
    as soon as the endpoint has declared it too; `declared`: discovery said that it does.
    """
    if wire in STREAM_WIRES:
        return await WebSocketLink.open(STREAM_WIRES[wire](), url, options, label, declare=declare)
    if wire == EXTENDED["openai-http"] or declare:
        known = declared and wire == EXTENDED["openai-http"]
        client = ExtendedHTTPClient(declared=known, routes=routes is not None)
        return HTTPLink(client, url, options, routes=routes)
    return HTTPLink(exchange_wire(wire, options), url, options)


def exchange_wire(wire: str, options: Options) -> ExchangeClient:
    """Return the client side of a wire that goes by single exchanges, as the caller's headers want it."""
    if wire != "anthropic":
        return EXCHANGE_WIRES[wire]()
    return AnthropicClient(version=version_in(options.headers))  # what it carries depends on it


def not_declared(url: str) -> WrongKind:
    """Return the fault of an endpoint that does not speak the extension."""
    told = "the endpoint has not declared the Responses extension"
    return WrongKind(told, url, "it answers `Segue-Version` by `Segue-Version`; without it use the plain wire")
