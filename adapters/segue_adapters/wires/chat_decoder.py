"""Reads Chat Completions as Segue messages, chunk by chunk or whole (spec: binding-chat).

Unknown members are ignored. What is legal and unusual is taken: a first chunk without choices, content null, a finish
reason in a chunk of its own or beside the last text, usage in any chunk, an end without `[DONE]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from segue_schemas import models

from ..errors import RemoteProtocolError
from ..sse import SSEEvent
from .base import check_json
from .growing import Growing, is_object
from .responses import decode_error
from .stateless import Said, object_of

__all__ = ["ChatDecoder", "usage_of"]

_WHOLE = ("stop", "tool_calls", "function_call")
_REASONS = {"length": "max_output_tokens"}
_DETAILS = (("prompt_tokens_details", "cached_tokens"), ("completion_tokens_details", "reasoning_tokens"))


@dataclass(slots=True)
class _Call:
    """A call while it comes: its index among the items, and its arguments so far."""

    item: int
    id: str
    at: str
    text: str = ""


class ChatDecoder:
    """Follows the answer to one request, as it was said."""

    def __init__(self, turn: str, said: Said) -> None:
        self.turn = turn
        self.finished = False
        self._said = said
        self._out = Growing(turn)
        self._accepted = False
        self._answered = False
        self._calls: dict[int, _Call] = {}
        self._all: list[_Call] = []
        self._reason: str | None = None
        self._usage: models.Usage | msgspec.UnsetType = msgspec.UNSET

    # -- a stream

    def receive(self, event: SSEEvent) -> list[models.ServerMessage]:
        """Return what an event of the stream says."""
        if event.data.strip() == "[DONE]":
            return self.ended()
        chunk = object_of(event.data)
        if chunk.get("error"):
            return [self._error(chunk)]
        if isinstance(chunk.get("usage"), dict):
            self._usage = usage_of(chunk["usage"])
        told = self._accept()
        for choice in _choices(chunk):
            self._answered = True
            told += self._delta(choice.get("delta") or {})
            reason = choice.get("finish_reason")
            if isinstance(reason, str) and reason and self._reason is None:
                self._reason = reason
                told += self._close()
        return told

    def ended(self) -> list[models.ServerMessage]:
        """Return what the end of the stream says: with a finish reason it is the end, `[DONE]` or not."""
        if not self._accepted:
            raise RemoteProtocolError(
                "the event stream ended before its first chunk",
                requirement="SEG-CHAT-011",
                expected="a chat.completion.chunk, or an object with `error`",
                got="the end of the stream",
            )
        self.finished = True
        if self._reason is not None:
            return [self._completed()]
        text = "The stream ended without a finish_reason."
        error = models.Error(code="upstream_failed", advice="retry", effect="unknown", message=text)
        return [models.TurnFailed(turn=self.turn, error=error, usage=self._usage)]

    def _accept(self) -> list[models.ServerMessage]:
        if self._accepted:
            return []
        self._accepted = True
        return [self._said.accepted(self.turn)]

    def _delta(self, delta: Any) -> list[models.ServerMessage]:
        if not isinstance(delta, dict) or self._reason is not None:
            return []
        told: list[models.ServerMessage] = []
        role = delta.get("role") if isinstance(delta.get("role"), str) else "assistant"
        if text := _text(delta.get("content")):
            told += self._out.say("output_text", text, str(role))
        if isinstance(delta.get("refusal"), str) and delta["refusal"]:
            told += self._out.say("refusal", delta["refusal"], str(role))
        fragments = delta.get("tool_calls")
        for fragment in fragments if isinstance(fragments, list) else ():
            told += self._fragment(fragment)
        return told

    def _fragment(self, fragment: Any) -> list[models.ServerMessage]:
        """Take a piece of a call: its index says of which; where none is given it is the last one, or a new one."""
        kind, named = _named(fragment)
        number, identifier = fragment.get("index"), fragment.get("id")
        fresh = isinstance(identifier, str) and bool(identifier)
        if not isinstance(number, int) or isinstance(number, bool):
            number = len(self._all) if fresh else max(self._calls, default=0)
        call = self._calls.get(number)
        told: list[models.ServerMessage] = []
        if call is None or (fresh and call.id != identifier and named.get("name")):
            if not fresh or not isinstance(named.get("name"), str):
                raise _no_name(fragment)
            told += self._out.end_message()
            member = "input" if kind == "custom" else "arguments"
            skeleton = {
                "type": "custom_tool_call" if kind == "custom" else "function_call",
                "call_id": identifier,
                "name": named["name"],
                member: "",
            }
            index, begun = self._out.begin(skeleton)
            told += begun
            call = self._calls[number] = _Call(index, identifier, f"/{member}")
            self._all.append(call)
        piece = named.get("input" if kind == "custom" else "arguments")
        if isinstance(piece, str) and piece:
            call.text += piece
            told += self._out.append(call.item, call.at, piece)
        return told

    def _close(self) -> list[models.ServerMessage]:
        cut = self._reason not in _WHOLE
        told = self._out.end_message(cut=cut)
        for call in self._all:
            told += self._out.end_call(call.item, call.text, cut=cut and call.at == "/arguments")
        return told

    def _completed(self) -> models.TurnCompleted:
        reason = self._reason or ""
        done = models.TurnCompleted(turn=self.turn, status="completed", usage=self._usage)
        if reason not in _WHOLE:
            done.status, done.reason = "incomplete", _REASONS.get(reason, reason)
        if self._out.discarded:
            done.discarded = self._out.discarded
        return done

    def _error(self, body: dict[str, Any]) -> models.ServerMessage:
        self.finished = True
        status = body["error"].get("status") if isinstance(body["error"], dict) else None
        status = status if isinstance(status, int) and not isinstance(status, bool) else None
        if not self._answered:
            return models.ErrorMessage(error=decode_error(body, status=status), refused="turn.start", turn=self.turn)
        error = decode_error(body, status=status, effect="partial")
        error.code, error.advice = "upstream_failed", "retry"
        return models.TurnFailed(turn=self.turn, error=error, usage=self._usage)

    # -- a whole answer

    def whole(self, body: bytes) -> list[models.ServerMessage]:
        """Return what a whole completion says."""
        completion = check_json(body)
        choices = _choices(completion) if isinstance(completion, dict) else []
        message = choices[0].get("message") if choices else None
        if not isinstance(message, dict):
            if isinstance(completion, dict) and completion.get("error"):
                return [self._error(completion)]
            raise RemoteProtocolError(
                "the answer is not a chat.completion",
                requirement="SEG-CHAT-002",
                expected="an object whose first of `choices` has a `message`",
                got=body[:300].decode("utf-8", "replace"),
            )
        if isinstance(completion.get("usage"), dict):
            self._usage = usage_of(completion["usage"])
        self.finished = True
        told_reason = choices[0].get("finish_reason")
        self._reason = told_reason if isinstance(told_reason, str) and told_reason else "stop"
        cut = self._reason not in _WHOLE
        told = self._accept()
        for item in _items(message, cut=cut):
            index, begun = self._out.begin(item)
            told += begun
            if cut and item["type"] == "function_call" and not is_object(item["arguments"]):
                self._out.discarded.append(index)
            else:
                told += self._out.end(index, item)
        return [*told, self._completed()]

    def refused(self, body: Any, status: int, headers: Mapping[str, str]) -> models.Error:
        """Return the error that an answer with a status of 400 or more means."""
        told = {"error": {"message": body}} if isinstance(body, str) else body
        return decode_error(told, status=status, headers=headers)


def _choices(chunk: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the choices that are the first answer's: no other is ever asked for."""
    choices = chunk.get("choices")
    listed = choices if isinstance(choices, list) else []
    return [choice for choice in listed if isinstance(choice, dict) and choice.get("index", 0) in (0, None)]


def _items(message: dict[str, Any], *, cut: bool) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if text := _text(message.get("content")):
        parts.append({"type": "output_text", "text": text})
    if isinstance(message.get("refusal"), str) and message["refusal"]:
        parts.append({"type": "refusal", "refusal": message["refusal"]})
    calls = message.get("tool_calls")
    listed = calls if isinstance(calls, list) else []
    items: list[dict[str, Any]] = []
    if parts:
        role = message.get("role") if isinstance(message.get("role"), str) else "assistant"
        marked = {"status": "incomplete"} if cut and not listed else {}
        items.append({"type": "message", "role": role, "content": parts, **marked})
    for call in listed:
        kind, named = _named(call)
        if not isinstance(call.get("id"), str) or not call["id"] or not isinstance(named.get("name"), str):
            raise _no_name(call)
        item = {"call_id": call["id"], "name": named["name"]}
        if kind == "custom":
            items.append({"type": "custom_tool_call", **item, "input": str(named.get("input") or "")})
        else:
            arguments = named.get("arguments")
            written = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments or {}).decode()
            items.append({"type": "function_call", **item, "arguments": written})
    return items


def _text(content: Any) -> str:
    """Return the text of a content: a string, or, as some endpoints have it, parts."""
    if isinstance(content, str):
        return content
    listed = content if isinstance(content, list) else []
    texts = [part.get("text") for part in listed if isinstance(part, dict) and part.get("type") == "text"]
    return "".join(text for text in texts if isinstance(text, str))


def _named(call: Any) -> tuple[str, dict[str, Any]]:
    """Return the kind of a call, or of a piece of one, and what says its name and arguments."""
    if not isinstance(call, dict):
        raise _no_name(call)
    kind = "custom" if isinstance(call.get("custom"), dict) else "function"
    named = call.get(kind)
    return kind, named if isinstance(named, dict) else {}


def _no_name(call: Any) -> RemoteProtocolError:
    return RemoteProtocolError(
        "a call of a tool without an id or a name",
        requirement="SEG-CHAT-003",
        expected="`id` and `function.name` with the first that comes of it",
        got=str(call)[:300],
    )


def usage_of(value: Mapping[str, Any]) -> models.Usage | msgspec.UnsetType:
    """Return usage as Segue counts it; absent where the totals are not there."""
    totals = [_count(value.get(name)) for name in ("prompt_tokens", "completion_tokens", "total_tokens")]
    read, written, total = totals
    if read is None or written is None or total is None:
        return msgspec.UNSET
    usage = models.Usage(input_tokens=read, output_tokens=written, total_tokens=total)
    for outer, member in _DETAILS:
        details = value.get(outer)
        count = _count(details.get(member)) if isinstance(details, dict) else None
        if count is not None:
            setattr(usage, member, count)
    return usage


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None
