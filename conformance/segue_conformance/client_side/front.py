"""The front of the endpoint over HTTP: sees each request and each answer, and breaks what the scenario says.

It is an ASGI app around the reference endpoint's. What it does not break passes event by event, as it was.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from segue_adapters.sse import SSEEvent, SSEParser

from .actions import Action, Answer, Deny, Drop, Frames, Through
from .seen import Ask, Log

__all__ = ["Front", "Hooks", "Scope"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_TURNS = "/segue/v1/turns/"
_DISCOVERY = "/.well-known/segue"


class Hooks(Protocol):
    """What a scenario has a say in."""

    def act(self, ask: Ask) -> Action | None:
        """Return what is done to a request; None: nothing."""
        ...

    def upgrade(self, wire: str, opened: int) -> Deny | None:
        """Return how a wish for a WebSocket is denied; `opened` counts those that were not."""
        ...

    def loose(self, wire: str, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what is sent instead of a message that belongs to no request, such as `welcome`."""
        ...


class Cut(OSError):
    """The answer is cut here; the endpoint behind takes it for a lost connection, which it is."""


class Front:
    """One endpoint for one run of an agent. `abort` cuts the connection of a scope without a word."""

    def __init__(self, app: App, log: Log, hooks: Hooks, wires: frozenset[str], abort: Callable[[Scope], None]) -> None:
        self.app = app
        self.log = log
        self.hooks = hooks
        self.wires = wires
        self.abort = abort

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            from .sockets import SocketFront

            await SocketFront(self, scope, receive, send).serve()
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        if path.endswith(_DISCOVERY):
            self.log.discovered = True
            await self.app(scope, receive, _Document(self.wires, send).send)
            return
        wire = "openai-http" if path.startswith("/v1/") else "segue-http" if path.startswith("/segue/") else ""
        if wire and wire not in self.wires and path != "/v1/models":
            await _answer(send, Answer(404, b'{"error":{"message":"Not served here.","type":"invalid_request_error"}}'))
            return
        turn = path.removeprefix(_TURNS) if path.startswith(_TURNS) else ""
        starts = (method == "POST" and path == "/v1/responses") or (method == "PUT" and turn and "/" not in turn)
        reads = method == "GET" and bool(turn)
        if not starts and not reads:
            await self.app(scope, receive, send)
            return
        body = await _body(receive)
        more = {"turn": turn.partition("/")[0] or None, "kind": "start" if starts else "resume"}
        label = f"{(scope.get('client') or ('', 0))[1]}"
        ask = self.log.ask(wire, label, body, _object(body), **more)
        self.log.frame("sent", label, "request", f"{method} {path}\n\n{ask.raw}")
        await self._answered(ask, scope, body, receive, send)

    async def _answered(self, ask: Ask, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        action = self.hooks.act(ask)
        outgoing = _Outgoing(self.log, ask, action if isinstance(action, Through) else Through(), send)
        try:
            if isinstance(action, Answer):
                if not ask.record.end:
                    ask.record.whole(_object(action.body))
                self.log.frame("received", ask.connection, "response", f"{action.status}\n\n{action.body.decode()}")
                await _answer(send, action)
            elif isinstance(action, Drop | Frames):
                raise Cut
            else:
                await self.app(scope, _again(body, receive), outgoing.send)
                if outgoing.cut:
                    raise Cut
        except Cut:
            ask.cut = True
            self.log.frame("note", ask.connection, "cut", "the endpoint ends the answer here, without its end")
            if outgoing.clean_end:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                self.abort(scope)
        finally:
            self.log.done(ask)


class _Outgoing:
    """What goes back over HTTP: an event stream, looked at event by event, or one body."""

    def __init__(self, log: Log, ask: Ask, action: Through, send: Send) -> None:
        self._log = log
        self._ask = ask
        self._action = action
        self._send = send
        self._start: Message = {}
        self._parser: SSEParser | None = None
        self._whole = bytearray()
        self._told: list[str] = []
        self.cut = False

    @property
    def clean_end(self) -> bool:
        """Whether the cut looks like an end; possible only where a stream has begun."""
        return self._action.clean and self._parser is not None

    async def send(self, message: Message) -> None:
        """Take a message of the app."""
        if self.cut:
            raise Cut
        if message["type"] == "http.response.start":
            kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
            self._start = message
            if kinds and kinds[0].startswith(b"text/event-stream"):
                self._parser = SSEParser()
                await asyncio.sleep(self._action.first)
                await self._send(message)
        elif message["type"] != "http.response.body":
            await self._send(message)
        elif self._parser is None:
            self._whole += message.get("body", b"")
            if not message.get("more_body"):
                await self._body()
        else:
            await self._stream(message)

    async def _stream(self, message: Message) -> None:
        assert self._parser is not None
        data = message.get("body", b"")
        events = self._parser.feed(data)
        if not events:
            # Comments and the last, empty piece.
            await self._send({**message, "body": data if data.startswith(b":") else b""})
        for event in events:
            await self._event(event)
        if not message.get("more_body"):
            self._log.frame("received", self._ask.connection, "events", " ".join(self._told))
            if events:
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _event(self, event: SSEEvent) -> None:
        told = _object(event.data.encode())
        if self._action.between:
            await asyncio.sleep(self._action.between)
        if told:
            self._ask.record.take(told)
            if self._ask.record.end:
                self._log.done(self._ask)
        events = [told] if told else []
        if told and self._action.rewrite is not None:
            events = [dict(each) for each in self._action.rewrite(told)]
        if not events and told:
            return
        for each in events or [{}]:
            data = json.dumps(each) if each else event.data
            self._told.append(str(each.get("type", data)))
            head = f"event: {each['type']}\n" if "type" in each else ""
            if self._ask.wire == "segue-http" and isinstance(each.get("seq"), int):
                head = f"id: {each['seq']}\n{head}"
            raw = f"{head}data: {data}\n\n".encode()
            await self._send({"type": "http.response.body", "body": raw, "more_body": True})
        if told and self._action.cut_at is not None and self._action.cut_at(told):
            self._log.frame("received", self._ask.connection, "events", " ".join(self._told))
            self.cut = True
            raise Cut

    async def _body(self) -> None:
        body = bytes(self._whole)
        told = _object(body)
        if told:
            self._ask.record.whole(told)
        if self._action.cut_at is not None and self._ask.record.begun and self._action.cut_at({}):
            self.cut = True
            raise Cut
        if told and self._action.body is not None:
            body = json.dumps(self._action.body(told)).encode()
            self._ask.record.whole(_object(body))
        await asyncio.sleep(self._action.first)
        headers = [(name, value) for name, value in self._start["headers"] if name.lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        shown = f"{self._start['status']}\n\n{body.decode('utf-8', 'replace')}"
        self._log.frame("received", self._ask.connection, "response", shown)
        if self._ask.record.end:
            self._log.done(self._ask)
        await self._send({**self._start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})


class _Document:
    """The discovery document with the wires alone that are served in this run."""

    def __init__(self, wires: frozenset[str], send: Send) -> None:
        self._wires = wires
        self._send = send
        self._start: Message = {}

    async def send(self, message: Message) -> None:
        """Take a message of the app."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        document = _object(message.get("body", b""))
        offered = [each for each in document.get("bindings") or [] if each.get("wire") in self._wires]
        body = json.dumps({**document, "bindings": offered}).encode()
        headers = [(name, value) for name, value in self._start["headers"] if name.lower() != b"content-length"]
        await self._send({**self._start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
        await self._send({"type": "http.response.body", "body": body})


async def _answer(send: Send, answer: Answer) -> None:
    headers = {"content-type": "application/json", **answer.headers, "content-length": str(len(answer.body))}
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    await send({"type": "http.response.body", "body": answer.body})


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body that was read already, and then what comes."""
    given = False

    async def give() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give


def _object(data: bytes) -> dict[str, Any]:
    """Return a JSON object; empty for whatever is none."""
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
