"""Writes Segue messages as Chat Completions: chunks while they come, and the whole answer (spec: binding-chat)."""

from __future__ import annotations

from typing import Any

import msgspec
from segue_schemas import models

from ..assembly import ItemAssembler
from .base import TurnFacts
from .responses import encode_error

__all__ = ["ChatEncoder"]

_FINISH = {"max_output_tokens": "length"}
_TEXT = {"output_text": ("content", "text"), "refusal": ("refusal", "refusal")}
_CALL = {"function_call": ("function", "arguments"), "custom_tool_call": ("custom", "input")}


class ChatEncoder:
    """Follows one turn. `feed` returns chunks; `completion` is the whole answer as it stands.

    `usage`: a chunk with the usage was asked for. `failed` is the error of a turn that failed.
    """

    def __init__(self, facts: TurnFacts, *, usage: bool = False) -> None:
        context = facts.start.context
        settings = msgspec.json.decode(context) if isinstance(context, msgspec.Raw) else {}
        self._head = {
            "id": "chatcmpl-" + facts.response_id.removeprefix("resp_"),
            "created": facts.created_at,
            "model": settings.get("model", ""),
        }
        self._asked = usage
        self._items = ItemAssembler()
        self._sent: dict[tuple[int, int], int] = {}
        self._numbers: dict[int, int] = {}
        self._whole: dict[int, dict[str, Any]] = {}
        self._finish: str | None = None
        self._usage: dict[str, Any] | None = None
        self.failed: models.Error | None = None

    def feed(self, message: models.ServerMessage) -> list[dict[str, Any]]:
        """Return the chunks that this message becomes; progress has none on this wire."""
        if isinstance(message, models.TurnAccepted):
            return [self._chunk({"role": "assistant", "content": ""})]
        if isinstance(message, models.ItemStarted | models.ItemDelta):
            self._items.apply(message)
            return self._catch_up(message.index, self._items.partial(message.index))
        if isinstance(message, models.ItemCompleted):
            self._items.apply(message)
            item = msgspec.json.decode(self._items.whole(message.index))
            self._whole[message.index] = item
            return self._catch_up(message.index, item)
        if isinstance(message, models.TurnCompleted):
            return self._ended(message)
        if isinstance(message, models.TurnFailed):
            self.failed = message.error
            return [{"error": encode_error(message.error)}]
        return []

    def _catch_up(self, index: int, item: dict[str, Any]) -> list[dict[str, Any]]:
        """Say what the item has by now and the wire has not."""
        if item["type"] in _CALL:
            return self._call(index, item)
        if item["type"] != "message":
            return []  # reasoning and the like have no place here
        chunks = []
        for position, part in enumerate(_parts(item)):
            member, text = _TEXT.get(part.get("type", ""), ("", ""))
            if fresh := self._fresh(index, position, part.get(text)):
                chunks.append(self._chunk({member: fresh}))
        return chunks

    def _call(self, index: int, item: dict[str, Any]) -> list[dict[str, Any]]:
        kind, member = _CALL[item["type"]]
        if not isinstance(item.get("call_id"), str) or not isinstance(item.get("name"), str):
            return []  # it is told once it can be named
        chunks = []
        number = self._numbers.get(index)
        if number is None:
            number = self._numbers[index] = len(self._numbers)
            named = {"name": item["name"], member: ""}
            begun = {"index": number, "id": item["call_id"], "type": kind, kind: named}
            chunks.append(self._chunk({"tool_calls": [begun]}))
        if fresh := self._fresh(index, 0, item.get(member)):
            chunks.append(self._chunk({"tool_calls": [{"index": number, kind: {member: fresh}}]}))
        return chunks

    def _fresh(self, index: int, position: int, text: Any) -> str:
        """Return the part of a text that was not sent yet."""
        if not isinstance(text, str):
            return ""
        sent = self._sent.get((index, position), 0)
        self._sent[index, position] = len(text)
        return text[sent:]

    def _ended(self, message: models.TurnCompleted) -> list[dict[str, Any]]:
        for index in message.discarded if isinstance(message.discarded, list) else ():
            self._whole.pop(index, None)
        called = any(item["type"] in _CALL for item in self._whole.values())
        if message.status == "completed":
            self._finish = "tool_calls" if called else "stop"
        else:
            reason = message.reason if isinstance(message.reason, str) else message.status
            self._finish = _FINISH.get(reason, reason)
        self._usage = _usage(message.usage)
        chunks = [self._chunk({}, self._finish)]
        if self._asked and self._usage is not None:
            head = {**self._head, "object": "chat.completion.chunk"}
            chunks.append({**head, "choices": [], "usage": self._usage})
        return chunks

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        chunk = {**self._head, "object": "chat.completion.chunk", "choices": [choice]}
        return {**chunk, "usage": None} if self._asked else chunk

    def completion(self) -> dict[str, Any]:
        """Return the whole answer, once the turn has ended."""
        said: dict[str, str] = {}
        calls = []
        for index in sorted(self._whole):
            item = self._whole[index]
            if item["type"] in _CALL:
                kind, member = _CALL[item["type"]]
                named = {"name": item["name"], member: item.get(member, "")}
                calls.append({"id": item["call_id"], "type": kind, kind: named})
            for part in _parts(item) if item["type"] == "message" else ():
                member, text = _TEXT.get(part.get("type", ""), ("", ""))
                if member:
                    said[member] = said.get(member, "") + part[text]
        message: dict[str, Any] = {
            "role": "assistant", "content": said.get("content"), "refusal": said.get("refusal"), "annotations": [],
        }  # fmt: skip
        if calls:
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish}
        told = {**self._head, "object": "chat.completion", "choices": [choice]}
        return told if self._usage is None else {**told, "usage": self._usage}


def _parts(item: dict[str, Any]) -> list[dict[str, Any]]:
    content = item.get("content")
    if isinstance(content, str):
        return [{"type": "output_text", "text": content}]
    return content if isinstance(content, list) else []


def _usage(usage: models.Usage | msgspec.UnsetType) -> dict[str, Any] | None:
    if not isinstance(usage, models.Usage):
        return None
    cached = usage.cached_tokens if isinstance(usage.cached_tokens, int) else 0
    reasoning = usage.reasoning_tokens if isinstance(usage.reasoning_tokens, int) else 0
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
