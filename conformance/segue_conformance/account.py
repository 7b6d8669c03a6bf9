"""Reads along what goes over the wire: the tokens that turns cost, and the state that they leave at the endpoint.

It hears every frame, those of bare requests too, so no check has to keep count. Nothing in here is a verdict: what
can't be understood is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from segue_adapters.sse import SSEParser
from segue_adapters.transports.base import Frame

__all__ = ["Account", "Kept"]

#: Characters of a token, roughly, where nobody reports how many there were.
_CHARACTERS = 4
_ENDS = ("turn.completed", "turn.failed", "response.completed", "response.incomplete", "response.failed")
_STARTS = ('"turn.start"', '"response.create"')
_LONGEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """A continuation that the endpoint was asked to keep: on which wire, for whom, and its id."""

    wire: str
    principal: str
    id: str


@dataclass(slots=True)
class _Exchange:
    """What was asked on one connection and not answered to its end: characters sent, and characters of deltas."""

    asked: list[int] = field(default_factory=list)
    said: int = 0
    events: SSEParser | None = None
    body: str = ""


class Account:
    """Of one check on one wire: `tokens` so far. `charge(tokens, estimated)` and `keep(kept)` are told at once."""

    def __init__(
        self, wire: str, charge: Callable[[int, bool], None], keep: Callable[[Kept], None] = lambda kept: None
    ) -> None:
        self.tokens = 0
        self._wire = wire
        self._charge = charge
        self._keep = keep
        self._open: dict[tuple[int, str], _Exchange] = {}

    def hear(self, line: int, principal: str, frame: Frame) -> None:
        """Take a frame of the pool or socket number `line`, opened for a principal."""
        place = (line, frame.connection)
        if frame.direction == "sent":
            self._sent(place, frame)
            return
        exchange = self._open.setdefault(place, _Exchange())
        if frame.kind == "response":
            kind = next((v for n, v in frame.headers.items() if n.lower() == "content-type"), "")
            exchange.events = SSEParser() if kind.startswith("text/event-stream") else None
            status = frame.data if isinstance(frame.data, str) else frame.data.decode("latin-1")
            if not status.startswith("2"):
                exchange.asked.clear()  # refused: nothing was generated
        elif frame.kind == "text" and isinstance(frame.data, str):
            self._message(exchange, principal, frame.data)
        elif frame.kind == "body" and isinstance(frame.data, bytes):
            self._body(exchange, principal, frame.data)

    def close(self) -> None:
        """Count what was asked and never answered to its end."""
        for exchange in self._open.values():
            while exchange.asked:
                self._count(exchange, None)
        self._open.clear()

    def _sent(self, place: tuple[int, str], frame: Frame) -> None:
        text = frame.data if isinstance(frame.data, str) else frame.data.decode("utf-8", "replace")
        if frame.kind == "request":
            head, _, body = text.partition("\n")
            # A connection's label comes again in another pool only; in this one it is a new exchange.
            self._open[place] = _Exchange([len(body)] if body and head.startswith(("POST ", "PUT ")) else [])
        elif frame.kind == "text" and any(start in text for start in _STARTS):
            self._open.setdefault(place, _Exchange()).asked.append(len(text))

    def _body(self, exchange: _Exchange, principal: str, data: bytes) -> None:
        if exchange.events is not None:
            try:
                for event in exchange.events.feed(data):
                    self._message(exchange, principal, event.data)
            except Exception:  # a stream that is no stream: the checks say so
                exchange.events = None
            return
        exchange.body = (exchange.body + data.decode("utf-8", "replace"))[:_LONGEST]
        if exchange.body.rstrip().endswith("}"):
            self._message(exchange, principal, exchange.body)

    def _message(self, exchange: _Exchange, principal: str, text: str) -> None:
        message = _object(text)
        if message is None:
            return
        if message.get("type") == "error" and exchange.asked:
            exchange.asked.pop(0)
        exchange.said += len(_piece(message))
        ended = _ended(message)
        if ended is None:
            return
        exchange.said = exchange.said or len(text)
        self._count(exchange, _usage(ended))
        if id := _kept(ended):
            self._keep(Kept(self._wire, principal, id))

    def _count(self, exchange: _Exchange, reported: int | None) -> None:
        asked = exchange.asked.pop(0) if exchange.asked else 0
        tokens = (asked + exchange.said) // _CHARACTERS if reported is None else reported
        exchange.said = 0
        self.tokens += tokens
        self._charge(tokens, reported is None)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _piece(message: Mapping[str, Any]) -> str:
    """Return the text that an event brings; of a chat chunk that of its first choice."""
    choices = message.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    delta = first.get("delta") if isinstance(first, dict) else message.get("delta")
    if isinstance(delta, dict):
        delta = next((delta[name] for name in ("content", "text", "partial_json") if name in delta), None)
    return delta if isinstance(delta, str) else ""


def _ended(message: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what tells of the end of a turn: the event itself, or the Response or snapshot that it brings."""
    if message.get("type") in _ENDS:
        inner = message.get("response")
        return inner if isinstance(inner, dict) else message
    if message.get("object") == "response" and message.get("status") != "in_progress":
        return message
    if message.get("object") == "chat.completion" or message.get("type") == "message":
        return message
    if isinstance(message.get("usage"), dict) and (message.get("choices") == [] or "delta" in message):
        return message  # the chunk that brings the usage, or Anthropic's message_delta
    if message.get("type") == "turn.snapshot":
        for member in ("completed", "failed"):
            if isinstance(message.get(member), dict):
                return dict(message[member])
    return None


def _usage(ended: Mapping[str, Any]) -> int | None:
    usage = ended.get("usage")
    if not isinstance(usage, dict):
        return None
    total = _number(usage.get("total_tokens"))
    if total is not None:
        return total
    read, written = _number(usage.get("input_tokens")), _number(usage.get("output_tokens"))
    return None if read is None or written is None else read + written


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def _kept(ended: Mapping[str, Any]) -> str:
    """Return the id of the state that a turn leaves behind its connection; empty where it leaves none."""
    told = ended.get("continuation")
    if isinstance(told, dict):
        return str(told.get("id", "")) if told.get("retention") in ("cached", "durable") else ""
    id = ended.get("id")
    return id if isinstance(id, str) and ended.get("object") == "response" and ended.get("store") is not False else ""
