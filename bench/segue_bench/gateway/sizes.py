"""Bytes of a turn on each wire, both ways, as they go through the socket: heads, frames and all.

`sent`: the history comes with the turn, as on wires without state; `held`: the turn names its parent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from .client import history
from .provider import MODEL

__all__ = ["measure"]

_NEW = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is the sea?"}]}]


class _Relay:
    """Passes bytes on and counts them."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname, parts.port
        self.up = self.down = 0
        self.url = ""

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[_Relay]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._host, self._port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, up: bool) -> None:
            with contextlib.suppress(OSError):
                while data := await source.read(65_536):
                    self.up, self.down = (self.up + len(data), self.down) if up else (self.up, self.down + len(data))
                    sink.write(data)
                    await sink.drain()
            sink.close()

        with contextlib.suppress(asyncio.CancelledError):  # at the end of the measurement
            await asyncio.gather(pump(reader, back, up=True), pump(there, writer, up=False))

    def counted(self) -> tuple[int, int]:
        """Return the bytes since this was asked last, up and down."""
        found = self.up, self.down
        self.up = self.down = 0
        return found


async def _socket(relay: _Relay, path: str, wire: str, size: int, deflate: bool) -> dict[str, tuple[int, int]]:
    named = [Subprotocol("segue.v1")] if wire == "segue-ws" else None
    found: dict[str, tuple[int, int]] = {}
    compression = "deflate" if deflate else None
    url = relay.url.replace("http", "ws", 1) + path
    async with connect(url, subprotocols=named, compression=compression, max_size=None) as socket:
        parent: str | None = None
        for number, kind in enumerate(("warm", "sent", "held")):
            relay.counted()
            if wire == "segue-ws":
                body: dict[str, object] = {
                    "type": "turn.start",
                    "turn": f"{kind}-{id(socket)}-{number}",
                    "context": {"model": MODEL},
                }
                end = "turn.completed"
            else:
                body = {"type": "response.create", "model": MODEL}
                end = "response.completed"
            if kind == "held":
                body["parent" if wire == "segue-ws" else "previous_response_id"] = parent
            items = _NEW if kind == "held" else history(size) + _NEW
            await socket.send(json.dumps({**body, "input": items}, separators=(",", ":")))
            async for frame in socket:
                told = json.loads(frame)
                if told["type"] == end:
                    parent = told["continuation"]["id"] if wire == "segue-ws" else told["response"]["id"]
                    break
            await asyncio.sleep(0.05)
            found[kind] = relay.counted()
    return {kind: found[kind] for kind in ("sent", "held")}


async def _exchanges(relay: _Relay, wire: str, size: int) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    new = {"role": "user", "content": "What is the sea?"}
    texts = [{"role": one["role"], "content": one["content"][0]["text"]} for one in history(size)]  # type: ignore[index]
    async with httpx.AsyncClient(base_url=relay.url, trust_env=False, timeout=30) as http:
        parent: str | None = None
        for kind in ("warm", "sent", "held"):
            if kind == "held" and wire in ("chat", "anthropic"):
                continue
            items = _NEW if kind == "held" else history(size) + _NEW
            method, path, headers = "POST", "", dict[str, str]()
            body: dict[str, object] = {"model": MODEL, "stream": True}
            if wire == "segue-http":
                method, path = "PUT", f"/segue/v1/turns/{kind}-{id(http)}"
                body, headers = {"context": {"model": MODEL}, "input": items}, {"accept": "text/event-stream"}
                if kind == "held":
                    body["parent"] = parent
            elif wire == "openai-http":
                path = "/v1/responses"
                body["input"] = items
                if kind == "held":
                    body["previous_response_id"] = parent
            elif wire == "chat":
                path = "/v1/chat/completions"
                body["messages"] = [*texts, new]
            else:
                path = "/v1/messages"
                body |= {"messages": [*texts, new], "max_tokens": 1_000}
            relay.counted()
            answer = await http.request(method, path, json=body, headers=headers)
            answer.raise_for_status()
            for line in answer.text.splitlines():
                if line.startswith("data: {"):
                    told = json.loads(line[6:])
                    parent = (told.get("continuation") or told.get("response") or {}).get("id", parent)
            await asyncio.sleep(0.05)
            found[kind] = relay.counted()
    return {kind: found[kind] for kind in ("sent", "held") if kind in found}


async def measure(url: str, size: int) -> dict[str, dict[str, tuple[int, int]]]:
    """Return, by wire and where the history is, the bytes of one turn from the client and to it."""
    async with _Relay(url).serving() as relay:
        found: dict[str, dict[str, tuple[int, int]]] = {}
        for wire, path in (("segue-ws", "/segue/v1"), ("openai-ws", "/v1/responses")):
            for deflate in (False, True):
                told = f"{wire}{', deflate' if deflate else ''}"
                found[told] = await _socket(relay, path, wire, size, deflate)
        for wire in ("segue-http", "openai-http", "chat", "anthropic"):
            found[wire] = await _exchanges(relay, wire, size)
    return found
