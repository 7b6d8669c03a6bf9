"""Providers of bytes: they answer every turn with the same ones, over exchanges or sockets, then stay or hang up."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from gateway_lab import message
from segue_gateway.engines.base import Delta, Ended, EngineEvent, EngineFailure, Request
from segue_gateway.engines.upstream import UpstreamEngine
from segue_schemas import models

CONTEXT = {"model": "scripted"}
#: What stands for the turn's name in an answer: of its length, so that a cut is at the same place every time.
NAME = "t_" + "N" * 22
WIRES = ("openai-http", "segue-http", "openai-ws", "segue-ws")
SOCKETS = ("openai-ws", "segue-ws")


def asked(*items: dict[str, object], **context: object) -> Request:
    return Request([json.dumps(one).encode() for one in items], {**CONTEXT, **context})


async def generated(engine: UpstreamEngine, request: Request) -> list[EngineEvent]:
    return [event async for event in engine.generate(request)]


def text_of(events: Sequence[EngineEvent]) -> str:
    return "".join(event.append or "" for event in events if isinstance(event, Delta))


async def failure_of(engine: UpstreamEngine) -> models.Error:
    with pytest.raises(EngineFailure) as failure:
        await generated(engine, asked(message("Hi")))
    return failure.value.error


async def completes(engine: UpstreamEngine) -> None:
    assert isinstance((await generated(engine, asked(message("Hi"))))[-1], Ended)


class Provider:
    """Serves `answer` to each turn that is asked; `stays`: the connection is kept behind it.

    `turns` are the messages that asked for one, `cancels` those that took one back. `left` is set when a connection has
    ended. Over sockets: `denial` is what answers an upgrade instead, `otherwise` what answers a request that is none,
    `subprotocol` whether the one that is offered is chosen; with `deaf` no ping is answered.
    """

    def __init__(self, wire: str, answer: bytes | Callable[[Any], bytes], *, stays: bool = False) -> None:
        self.wire, self.answer, self.stays = wire, answer, stays
        self.denial = b""
        self.otherwise = b""
        self.subprotocol = True
        self.deaf = False
        self.turns: list[Any] = []
        self.cancels: list[Any] = []
        self.left = asyncio.Event()
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def path(self) -> str:
        """Below which the wire is served."""
        return "/segue/v1" if self.wire.startswith("segue") else "/v1"

    def engine(self, url: str, **options: Any) -> UpstreamEngine:
        """Return an engine that asks it."""
        return UpstreamEngine(url, self.wire, **options)

    def hang_up(self) -> None:
        """End every connection as a lost link would."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            if self.wire in SOCKETS:
                await self._socket(head, reader, writer)
            else:
                await self._exchange(head, reader, writer)
        self.left.set()
        writer.close()

    async def _exchange(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-l"))
        body = json.loads(await reader.readexactly(length) or b"{}")
        if b"/cancel HTTP" in head.partition(b"\r\n")[0]:
            self.cancels.append(head)
            return
        self.turns.append(body)
        writer.write(self._told(body))
        await writer.drain()
        if self.stays:
            await reader.read()  # until the other side has gone

    async def _socket(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"upgrade: websocket" not in head.lower() or self.denial:
            writer.write(self.denial or self.otherwise)
            return
        writer.write(upgraded(head, subprotocol=self.subprotocol))
        while True:
            kind, payload = await client_frame(reader)
            if kind == 8:
                writer.write(b"\x88\x02\x03\xe8")
                return
            if kind == 9 and self.deaf:
                continue
            if kind == 9:
                writer.write(frame(payload, kind=10))
                continue
            message = json.loads(payload)
            if message["type"] == "turn.cancel":
                self.cancels.append(message)
                writer.write(frame(gone(message["turn"])))
                continue
            self.turns.append(message)
            writer.write(self._told(message))
            await writer.drain()
            if not self.stays:
                return

    def _told(self, message: Any) -> bytes:
        answer = self.answer if isinstance(self.answer, bytes) else self.answer(message)
        return answer.replace(NAME.encode(), str(message.get("turn", NAME)).encode())

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve on a free port; gives the URL."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{self.path}"
        finally:
            server.close()
            self.hang_up()


# -- bytes of HTTP


def answered(status: str, body: bytes, kind: str = "application/json", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{more}"
    head += "connection: close\r\n\r\n"
    return head.encode() + body


def streamed(*events: dict[str, object]) -> bytes:
    lines = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + lines


def told(message: str, **members: object) -> bytes:
    return json.dumps({"error": {"message": message, **members}}).encode()


# -- bytes of WebSocket


def upgraded(head: bytes, *, subprotocol: bool = True) -> bytes:
    """Return the answer that takes an upgrade, and the subprotocol that it offers first."""
    sent = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    fields = {name.lower(): value for name, value in sent.items()}
    key = fields[b"sec-websocket-key"] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    lines = [b"HTTP/1.1 101 Switching Protocols", b"upgrade: websocket", b"connection: Upgrade"]
    lines.append(b"sec-websocket-accept: " + base64.b64encode(hashlib.sha1(key).digest()))
    if subprotocol and b"sec-websocket-protocol" in fields:
        lines.append(b"sec-websocket-protocol: " + fields[b"sec-websocket-protocol"].split(b",")[0])
    return b"\r\n".join([*lines, b"", b""])


def frame(payload: bytes, kind: int = 1) -> bytes:
    """Return one frame of a server."""
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
    return bytes([0x80 | kind]) + length + payload


def frames(*events: dict[str, object]) -> bytes:
    return b"".join(frame(json.dumps(event).encode()) for event in events)


async def client_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return the kind and the payload of a client's next frame."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size > 125:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    mask = await reader.readexactly(4)
    payload = await reader.readexactly(size)
    return first & 0x0F, bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


# -- answers


WHOLE: dict[str, object] = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hi.", "annotations": []}],
}
SKELETON: dict[str, object] = {**WHOLE, "status": "in_progress", "content": []}
RESPONSE: dict[str, object] = {"id": "resp_up", "object": "response", "status": "completed", "output": [WHOLE]}
USAGE = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
PART: dict[str, object] = {"type": "output_text", "text": "", "annotations": []}

RESPONSES: list[dict[str, object]] = [
    {"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "output": []}},
    {"type": "response.output_item.added", "output_index": 0, "item": SKELETON},
    {"type": "response.content_part.added", "output_index": 0, "content_index": 0, "part": PART},
    {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hi."},
    {"type": "response.output_item.done", "output_index": 0, "item": WHOLE},
    {"type": "response.completed", "response": {**RESPONSE, "usage": USAGE}},
]
MESSAGES: list[dict[str, object]] = [
    {"type": "turn.accepted", "turn": NAME, "seq": 0, "retention": "none"},
    {"type": "item.started", "turn": NAME, "seq": 1, "index": 0, "item": {**SKELETON, "content": [PART]}},
    {"type": "item.delta", "turn": NAME, "seq": 2, "index": 0, "at": "/content/0/text", "append": "Hi."},
    {"type": "item.completed", "turn": NAME, "seq": 3, "index": 0},
    {"type": "turn.completed", "turn": NAME, "seq": 4, "status": "completed", "usage": USAGE},
]


def events(wire: str) -> list[dict[str, object]]:
    """Return what a wire's whole answer says, event by event."""
    return MESSAGES if wire.startswith("segue") else RESPONSES


def whole(wire: str, *told: dict[str, object]) -> bytes:
    """Return the bytes of an answer: a wire's whole one, or one of these events."""
    return (frames if wire in SOCKETS else streamed)(*(told or events(wire)))


def up_to(wire: str, event: str) -> bytes:
    """Return the bytes of an answer that breaks off in front of an event, in the middle of what it says."""
    answer = whole(wire)
    return answer[: answer.index(event.encode())]


#: The event that ends the item of an answer: in front of it, "Hi." has been told.
ITEM_ENDS = {wire: "item.completed" if wire.startswith("segue") else "response.output_item.done" for wire in WIRES}


def refused(wire: str, code: str, **error: Any) -> bytes:
    if wire == "openai-ws":
        return frames(
            {"type": "error", "status": 400, "error": {"type": "invalid_request_error", "code": code, **error}}
        )
    members = {"code": code, "advice": "reconnect", "effect": "none", "message": "No.", **error}
    return frames({"type": "error", "refused": "turn.start", "turn": NAME, "error": members})


def gone(turn: str) -> bytes:
    """Return the refusal of a cancel whose turn is not there."""
    error = {"code": "turn_not_found", "advice": "give_up", "effect": "none", "message": "There is none."}
    return json.dumps({"type": "error", "refused": "turn.cancel", "turn": turn, "error": error}).encode()
