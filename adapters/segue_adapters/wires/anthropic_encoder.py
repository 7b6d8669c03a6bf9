"""Writes Segue messages as Anthropic Messages: events while they come, and the whole message (binding-anthropic)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from segue_schemas import models

from ..assembly import ItemAssembler
from .anthropic_errors import encode_error
from .base import TurnFacts

__all__ = ["AnthropicEncoder"]

_REASONS = {"max_output_tokens": "max_tokens", "content_filter": "refusal"}


class AnthropicEncoder:
    """Follows one turn. `feed` returns events; `message` is the whole answer as it stands.

    `failed` is the error of a turn that failed.
    """

    def __init__(self, facts: TurnFacts) -> None:
        context = facts.start.context
        settings = msgspec.json.decode(context) if isinstance(context, msgspec.Raw) else {}
        self._message: dict[str, Any] = {
            "id": "msg_" + facts.response_id.removeprefix("resp_"),
            "type": "message",
            "role": "assistant",
            "model": settings.get("model", ""),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            # The wire wants numbers here before anybody knows them; those of message_delta count.
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        self._items = ItemAssembler()
        # The blocks of an item that were begun, by their position in it: index on the wire, and characters sent.
        self._blocks: dict[int, dict[int, list[int]]] = {}
        self._open: list[int] = []
        self._count = 0
        self._whole: dict[int, dict[str, Any]] = {}
        self.failed: models.Error | None = None

    def feed(self, message: models.ServerMessage) -> list[dict[str, Any]]:
        """Return the events that this message becomes."""
        if isinstance(message, models.TurnAccepted):
            return [{"type": "message_start", "message": dict(self._message)}]
        if isinstance(message, models.TurnProgress):
            return [{"type": "ping"}]
        if isinstance(message, models.ItemStarted | models.ItemDelta):
            self._items.apply(message)
            return self._catch_up(message.index, self._items.partial(message.index))
        if isinstance(message, models.ItemCompleted):
            return self._completed(message)
        if isinstance(message, models.TurnCompleted):
            return self._ended(message)
        if isinstance(message, models.TurnFailed):
            self.failed = message.error
            return [encode_error(message.error)]
        return []

    def _completed(self, message: models.ItemCompleted) -> list[dict[str, Any]]:
        self._items.apply(message)
        item = msgspec.json.decode(self._items.whole(message.index))
        self._whole[message.index] = item
        events = self._catch_up(message.index, item)
        if item["type"] == "reasoning":
            for block in _blocks_of(item):
                events += self._sealed(block)
        return events + self._stop(*(index for index, _ in self._blocks.get(message.index, {}).values()))

    def _catch_up(self, number: int, item: dict[str, Any]) -> list[dict[str, Any]]:
        """Say what the item has by now and the wire has not. Sealed items are said once they are whole."""
        mine = self._blocks.setdefault(number, {})
        events: list[dict[str, Any]] = []
        if (
            item["type"] == "function_call"
            and isinstance(item.get("call_id"), str)
            and isinstance(item.get("name"), str)
        ):
            if 0 not in mine:
                use = {"type": "tool_use", "id": item["call_id"], "name": item["name"], "input": {}}
                events += self._start(mine, 0, use)
            return events + self._grow(mine[0], "input_json_delta", "partial_json", item.get("arguments"))
        for position, part in enumerate(_parts(item)):
            text = part.get("text", part.get("refusal"))
            if not isinstance(text, str):
                continue
            if position not in mine:
                events += self._stop(*(index for index, _ in mine.values()))
                events += self._start(mine, position, {"type": "text", "text": ""})
            events += self._grow(mine[position], "text_delta", "text", text)
        return events

    def _start(self, mine: dict[int, list[int]], position: int, block: dict[str, Any]) -> list[dict[str, Any]]:
        index = self._count
        self._count += 1
        mine[position] = [index, 0]
        self._open.append(index)
        return [{"type": "content_block_start", "index": index, "content_block": block}]

    def _grow(self, place: list[int], kind: str, member: str, text: Any) -> list[dict[str, Any]]:
        index, sent = place
        if not isinstance(text, str) or len(text) <= sent:
            return []
        place[1] = len(text)
        return [_delta(index, kind, member, text[sent:])]

    def _stop(self, *indexes: int) -> list[dict[str, Any]]:
        ending = [index for index in indexes if index in self._open]
        self._open = [index for index in self._open if index not in ending]
        return [{"type": "content_block_stop", "index": index} for index in ending]

    def _sealed(self, block: dict[str, Any]) -> list[dict[str, Any]]:
        begun = {**block, "thinking": "", "signature": ""} if block["type"] == "thinking" else block
        index = self._count
        events: list[dict[str, Any]] = self._start({}, 0, begun)
        if block["type"] == "thinking":
            events.append(_delta(index, "thinking_delta", "thinking", block["thinking"]))
            events.append(_delta(index, "signature_delta", "signature", block["signature"]))
        return events + self._stop(index)

    def _ended(self, message: models.TurnCompleted) -> list[dict[str, Any]]:
        for index in message.discarded if isinstance(message.discarded, list) else ():
            self._whole.pop(index, None)
        called = any(item["type"] == "function_call" for item in self._whole.values())
        if message.status == "incomplete":
            reason = message.reason if isinstance(message.reason, str) else "max_output_tokens"
            stop_reason = _REASONS.get(reason, reason)
        else:
            stop_reason = "tool_use" if called and message.status == "completed" else "end_turn"
        usage = _usage(message.usage)
        content = [block for _, item in sorted(self._whole.items()) for block in _blocks_of(item)]
        self._message |= {"content": content, "stop_reason": stop_reason, "usage": usage}
        delta = {"stop_reason": stop_reason, "stop_sequence": None}
        return [
            *self._stop(*self._open),
            {"type": "message_delta", "delta": delta, "usage": usage},
            {"type": "message_stop"},
        ]

    def message(self) -> dict[str, Any]:
        """Return the whole message, once the turn has ended."""
        return self._message


def _delta(index: int, kind: str, member: str, text: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, member: text}}


def _parts(item: dict[str, Any]) -> list[dict[str, Any]]:
    if item["type"] != "message":
        return []
    content = item.get("content")
    if isinstance(content, str):
        return [{"type": "output_text", "text": content}]
    return content if isinstance(content, list) else []


def _blocks_of(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the blocks that a whole item is; none where the wire has no place for it."""
    if item["type"] == "message":
        texts = [part.get("text", part.get("refusal")) for part in _parts(item)]
        return [{"type": "text", "text": text} for text in texts if isinstance(text, str)]
    if item["type"] == "function_call":
        return [{"type": "tool_use", "id": item["call_id"], "name": item["name"], "input": _input(item)}]
    if item["type"] == "reasoning" and item.get("issuer") == "anthropic" and item.get("encrypted_content"):
        content = item.get("content")
        if isinstance(content, list) and content:
            told = {"thinking": content[0].get("text", ""), "signature": item["encrypted_content"]}
            return [{"type": "thinking", **told}]
        return [{"type": "redacted_thinking", "data": item["encrypted_content"]}]
    return []


def _input(item: dict[str, Any]) -> Any:
    """Return arguments as an object, as they were written; one that is none has no place here and is empty."""
    written = item.get("arguments") or "{}"
    try:
        parsed = json.loads(written)
    except (ValueError, RecursionError):
        return {}
    return msgspec.Raw(written.encode()) if isinstance(parsed, dict) else {}


def _usage(usage: models.Usage | msgspec.UnsetType) -> dict[str, Any]:
    if not isinstance(usage, models.Usage):
        return {"input_tokens": 0, "output_tokens": 0}
    cached = usage.cached_tokens if isinstance(usage.cached_tokens, int) else 0
    fresh = {"input_tokens": usage.input_tokens - cached, "cache_read_input_tokens": cached}
    return {**fresh, "cache_creation_input_tokens": 0, "output_tokens": usage.output_tokens}
