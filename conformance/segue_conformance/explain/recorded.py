"""The turns of a transcript: what was asked in each attempt at a check, on what history, and what came of it.

Both sides of a wire read along: the server's side says what was asked, the client's what was answered. What neither
understands, and checks send much that nobody should, is no turn. A turn that was refused or failed is no history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from segue_adapters.assembly import ItemAssembler
from segue_adapters.errors import SegueError
from segue_adapters.links import EXCHANGE_WIRES, STREAM_WIRES
from segue_adapters.wires.anthropic import AnthropicServer
from segue_adapters.wires.base import Refuse, Request
from segue_adapters.wires.chat import ChatServer
from segue_adapters.wires.extension import EXTENDED
from segue_adapters.wires.openai_http import OpenAIHTTPServer
from segue_adapters.wires.openai_http_extension import ExtendedHTTPClient
from segue_adapters.wires.openai_ws import OpenAIWSServer
from segue_adapters.wires.openai_ws_extension import ExtendedWSServer
from segue_adapters.wires.responses import Create
from segue_adapters.wires.segue_http import SegueHTTPServer
from segue_adapters.wires.segue_ws import SegueWSServer
from segue_gateway.contexts import NO_CONTEXT, Context, Patch, merge_patch, read_context, read_form
from segue_gateway.history import EMPTY, History, grow
from segue_gateway.items import read_items
from segue_gateway.stores.sqlite.looking import Kept
from segue_schemas import models

from ..transcript.lines import data_of
from ..transcript.reading import Recorded, read_transcript

__all__ = ["recorded"]

_SOCKETS: Mapping[str, Callable[[], Any]] = {
    "segue-ws": SegueWSServer,
    "openai-ws": OpenAIWSServer,
    EXTENDED["openai-ws"]: ExtendedWSServer,
}
#: What a message that is not of its wire's form may make of either side.
_ODD = (SegueError, Refuse, ValueError, TypeError, KeyError, LookupError)


def recorded(path: Path) -> list[Kept]:
    """Return every turn of a transcript that became history, in the order of their ends; raises NotATranscript."""
    recording = read_transcript(path)
    began = datetime.fromisoformat(recording.head["started_at"]).timestamp()
    found: list[Kept] = []
    for key, opened in recording.attempts.items():
        wire = key.rpartition("#")[0].rpartition("@")[2]
        reader = _Attempt(key, wire, recording.head, began)
        for one in sorted(opened, key=lambda one: float(one.opening["at"])):
            reader.read(one)
        found += reader.kept
    return found


@dataclass(slots=True)
class _Turn:
    start: models.TurnStart
    items: ItemAssembler = field(default_factory=ItemAssembler)
    retention: str = "none"


class _Attempt:
    """One attempt at a check: its turns, and the continuations and contexts that they left."""

    def __init__(self, key: str, wire: str, head: Mapping[str, Any], began: float) -> None:
        self.kept: list[Kept] = []
        self._key = key
        self._wire = wire
        self._head = head
        self._began = began
        self._turns: dict[str, _Turn] = {}
        self._ids: dict[str, Kept] = {}
        self._contexts: dict[str, Context] = {}

    def read(self, one: Recorded) -> None:
        """Read one connection or exchange."""
        for at, message in self._messages(one):
            if isinstance(message, models.TurnStart):
                self._turns.setdefault(message.turn, _Turn(message))
            elif isinstance(message, models.TurnSnapshot):
                self._whole(at, message)
            else:
                self._take(at, message)

    def _messages(self, one: Recorded) -> Iterator[tuple[float, Any]]:
        if one.opening.get("kind") == "socket":
            return self._of_socket(one)
        return self._of_exchange(one)

    def _of_socket(self, one: Recorded) -> Iterator[tuple[float, Any]]:
        if self._wire not in _SOCKETS:
            return
        server, client = _SOCKETS[self._wire](), STREAM_WIRES[self._wire]()
        for line in one.lines:
            if line["type"] not in ("sent", "received"):
                continue
            with suppress(*_ODD):
                if line["type"] == "sent":
                    asked = server.receive(data_of(line))
                    asked = asked.start if isinstance(asked, Create) else asked
                    client.send(asked)
                    yield line["at"], asked
                else:
                    for message in client.receive(data_of(line)):
                        yield line["at"], message

    def _of_exchange(self, one: Recorded) -> Iterator[tuple[float, Any]]:
        with suppress(*_ODD):
            asked, client = self._asked(one)
            if asked is None:
                return
            yield one.opening["at"], asked
            exchange = client.exchange(asked)
            for line in one.lines:
                if line["type"] == "opened":
                    exchange.head(line["status"], line["headers"])
                elif line["type"] == "received":
                    data = data_of(line)
                    for message in exchange.data(data if isinstance(data, bytes) else data.encode()):
                        yield line["at"], message
                elif line["type"] == "ended":
                    for message in exchange.end():
                        yield line["at"], message

    def _asked(self, one: Recorded) -> tuple[models.ClientMessage | None, Any]:
        """Return the message of a request, and what reads its answer."""
        url, wire = str(one.opening["url"]), self._wire
        base = str(self._head["urls"].get(wire, ""))
        routes = self._head.get("routes", {}).get(wire)
        if routes is not None and url.startswith(routes):
            base, wire = routes, "segue-http"
        path = urlsplit(url).path.removeprefix(urlsplit(base).path.rstrip("/"))
        body = data_of(one.opening)
        headers = {name.lower(): value for name, value in one.opening["headers"].items()}
        request = Request(one.opening["method"], path, headers, body if isinstance(body, bytes) else body.encode())
        match wire:
            case "segue-http":
                return SegueHTTPServer().receive(request)[0], EXCHANGE_WIRES[wire]()
            case "openai-http":
                return OpenAIHTTPServer().receive(request).start, EXCHANGE_WIRES[wire]()
            case "openai-http+segue":
                return OpenAIHTTPServer().receive(request, extended=True).start, ExtendedHTTPClient(declared=True)
            case "chat":
                return ChatServer().receive(request).start, EXCHANGE_WIRES[wire]()
            case "anthropic":
                return AnthropicServer().receive(request).start, EXCHANGE_WIRES[wire]()
        return None, None

    # -- what came of it

    def _whole(self, at: float, told: models.TurnSnapshot) -> None:
        """Take a turn that was told whole."""
        turn = self._turns.get(told.turn)
        if turn is not None and isinstance(told.completed, models.TurnCompleted):
            self._keep(at, turn, [bytes(item) for item in told.items], told.completed, str(told.accepted.retention))

    def _take(self, at: float, message: models.ServerMessage) -> None:
        turn = self._turns.get(str(getattr(message, "turn", "")))
        if turn is None:
            return
        with suppress(*_ODD):
            turn.items.apply(message)
        if isinstance(message, models.TurnAccepted):
            turn.items = ItemAssembler()  # a reading from the beginning
            turn.retention = str(message.retention)
        elif isinstance(message, models.TurnCompleted):
            self._keep(at, turn, list(turn.items.items), message, turn.retention)

    def _keep(
        self, at: float, turn: _Turn, outputs: list[bytes], terminal: models.TurnCompleted, retention: str
    ) -> None:
        name = turn.start.turn
        if any(kept.turn == name for kept in self.kept):
            return  # another reading of the same
        parent = self._ids.get(turn.start.parent) if isinstance(turn.start.parent, str) else None
        with suppress(*_ODD):
            context = self._context(turn.start, NO_CONTEXT if parent is None else parent.context or NO_CONTEXT)
            above = EMPTY if parent is None else parent.history
            history = self._grown(above, turn.start, outputs)
            told = terminal.continuation
            id = told.id if isinstance(told, models.Continuation) else name
            made = Kept(self._key, id, name, retention, int(self._began + at), history, context, terminal)
            self.kept.append(made)
            self._ids[id] = made

    def _grown(self, above: History, start: models.TurnStart, outputs: list[bytes]) -> History:
        inputs = read_items(start.input, "input")
        return grow(above, inputs, read_items([msgspec.Raw(item) for item in outputs], "output"))

    def _context(self, start: models.TurnStart, inherited: Context) -> Context:
        """Return the context in force, in whichever form it was sent."""
        if start.context is msgspec.UNSET:
            return inherited
        form = read_form(start.context)
        if isinstance(form, Patch):
            members = merge_patch(self._contexts[form.base].members, form.patch)
            form = read_context(members, msgspec.json.encode(members))
        elif isinstance(form, str):
            return self._contexts[form]
        self._contexts[form.digest] = form
        return form
