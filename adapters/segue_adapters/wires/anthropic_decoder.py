"""Reads Anthropic Messages as Segue messages, event by event or whole (spec: binding-anthropic).

Unknown events, deltas, blocks and members are ignored. Usage in a stream is cumulative: what comes later counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from segue_schemas import models

from ..errors import RemoteProtocolError
from ..sse import SSEEvent
from .anthropic_create import arguments_of, sealed
from .anthropic_errors import decode_error
from .base import check_json
from .growing import Growing, is_object
from .stateless import Said, object_of

__all__ = ["AnthropicDecoder", "usage_of"]

_WHOLE = ("end_turn", "stop_sequence", "tool_use")
_REASONS = {
    "max_tokens": "max_output_tokens",
    "model_context_window_exceeded": "max_output_tokens",
    "refusal": "content_filter",
}


@dataclass(slots=True)
class _Block:
    """A block while it comes: what it began as, its index among the items, and the text that came of it."""

    begun: dict[str, Any]
    item: int = -1
    given: str = "{}"
    text: str = ""
    seal: dict[str, Any] = field(default_factory=dict)


class AnthropicDecoder:
    """Follows the answer to one request, as it was said."""

    def __init__(self, turn: str, said: Said) -> None:
        self.turn = turn
        self.finished = False
        self._said = said
        self._out = Growing(turn)
        self._accepted = False
        self._role = "assistant"
        self._blocks: dict[int, _Block] = {}
        self._latest: _Block | None = None
        self._uncertain: list[_Block] = []
        self._reason: str | None = None
        self._usage: dict[str, Any] = {}

    # -- a stream

    def receive(self, event: SSEEvent) -> list[models.ServerMessage]:
        """Return what an event of the stream says."""
        told = object_of(event.data)
        kind = told.get("type")
        if kind == "error":
            return [self._error(told)]
        if kind == "message_start":
            return self._start(told)
        if not self._accepted:
            return []  # a ping, or what nobody knows
        if kind == "ping":
            return [models.TurnProgress(turn=self.turn, phase="upstream")]
        if kind == "content_block_start":
            return self._begin(_index(told), _block(told), event.data)
        if kind == "content_block_delta":
            return self._delta(told)
        if kind == "content_block_stop":
            return self._stop(self._blocks.pop(_index(told), None))
        if kind == "message_delta":
            delta = told.get("delta")
            reason = delta.get("stop_reason") if isinstance(delta, dict) else None
            self._reason = reason if isinstance(reason, str) else self._reason
            self._count(told.get("usage"))
        elif kind == "message_stop":
            return self._end()
        return []

    def ended(self) -> list[models.ServerMessage]:
        """Return what the end of the stream says, where no message_stop came."""
        if not self._accepted:
            raise RemoteProtocolError(
                "the event stream ended before message_start",
                requirement="SEG-ANTH-011",
                expected="message_start, or an `error` event",
                got="the end of the stream",
            )
        self.finished = True
        text = "The stream ended without message_stop."
        error = models.Error(code="upstream_failed", advice="retry", effect="unknown", message=text)
        return [models.TurnFailed(turn=self.turn, error=error, usage=usage_of(self._usage))]

    def _accept(self) -> models.TurnAccepted:
        self._accepted = True
        return self._said.accepted(self.turn)

    def _start(self, event: dict[str, Any]) -> list[models.ServerMessage]:
        message = event.get("message")
        if isinstance(message, dict):
            self._count(message.get("usage"))
            self._role = message["role"] if isinstance(message.get("role"), str) else "assistant"
        return [] if self._accepted else [self._accept()]

    def _count(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self._usage |= {name: value for name, value in usage.items() if value is not None}

    def _begin(self, index: int, begun: dict[str, Any], data: str) -> list[models.ServerMessage]:
        block = self._latest = self._blocks[index] = _Block(begun)
        kind = begun.get("type")
        if kind == "text":
            told = self._out.part("output_text", self._role)
            first = begun.get("text")
            return told + (self._out.say("output_text", first) if isinstance(first, str) and first else [])
        told = self._out.end_message() if kind in ("tool_use", "thinking", "redacted_thinking") else []
        if kind == "tool_use":
            block.given = arguments_of(msgspec.json.decode(data, type=_Start).content_block)
            call = _named(begun)
            block.item, more = self._out.begin({"type": "function_call", **call, "arguments": ""})
            return told + more
        if kind in ("thinking", "redacted_thinking"):
            block.seal = dict(begun)
            block.item, more = self._out.begin({"type": "reasoning", "summary": [], "issuer": "anthropic"})
            return told + more
        return told

    def _delta(self, event: dict[str, Any]) -> list[models.ServerMessage]:
        block, delta = self._blocks.get(_index(event)), event.get("delta")
        if block is None or not isinstance(delta, dict):
            return []
        kind = delta.get("type")
        piece = next((delta[n] for n in ("text", "partial_json", "thinking") if isinstance(delta.get(n), str)), "")
        if kind == "text_delta" and block.begun.get("type") == "text" and piece:
            return self._out.say("output_text", piece)
        if kind == "input_json_delta" and block.begun.get("type") == "tool_use" and piece:
            block.text += piece
            return self._out.append(block.item, "/arguments", piece)
        if kind == "thinking_delta" and block.begun.get("type") == "thinking" and piece:
            begun = (
                [] if block.text else self._out.put(block.item, "/content", [{"type": "reasoning_text", "text": ""}])
            )
            block.text += piece
            return begun + self._out.append(block.item, "/content/0/text", piece)
        if kind == "signature_delta" and isinstance(delta.get("signature"), str):
            block.seal["signature"] = delta["signature"]
        return []

    def _stop(self, block: _Block | None) -> list[models.ServerMessage]:
        kind = None if block is None else block.begun.get("type")
        if block is None or block.item < 0:
            return []  # text: it ends with its message
        if kind == "tool_use":
            if is_object(block.text):
                return self._out.end(block.item)
            self._uncertain.append(block)  # without input, cut, or only strange: what comes behind says which
            return []
        if block.begun.get("type") == "thinking" and not isinstance(block.begun.get("thinking"), str):
            block.seal["thinking"] = ""
        if block.text:
            block.seal["thinking"] = block.text
        item = sealed(block.seal)
        return self._out.end(block.item) if item is None else self._out.end(block.item, item)

    def _end(self) -> list[models.ServerMessage]:
        self.finished = True
        cut = self._reason not in _WHOLE
        told: list[models.ServerMessage] = []
        for block in [*self._blocks.values()]:
            told += self._stop(block)
        told += self._out.end_message(cut=cut)
        for block in self._uncertain:
            # The last one of an answer that was cut may have been cut before the first character of its input.
            if not block.text and not (cut and block is self._latest and block.given == "{}"):
                block.text = block.given
                told += self._out.append(block.item, "/arguments", block.given)
            told += self._out.end_call(block.item, block.text, cut=cut)
        return [*told, self._completed()]

    def _completed(self) -> models.TurnCompleted:
        done = models.TurnCompleted(turn=self.turn, status="completed", usage=usage_of(self._usage))
        if self._reason not in _WHOLE:
            reason = self._reason or "unknown"
            done.status, done.reason = "incomplete", _REASONS.get(reason, reason)
        if self._out.discarded:
            done.discarded = self._out.discarded
        return done

    def _error(self, body: dict[str, Any]) -> models.ServerMessage:
        self.finished = True
        error = decode_error(body, status=None, begun=self._accepted)
        if not self._accepted:
            return models.ErrorMessage(error=error, refused="turn.start", turn=self.turn)
        return models.TurnFailed(turn=self.turn, error=error, usage=usage_of(self._usage))

    # -- a whole answer

    def whole(self, body: bytes) -> list[models.ServerMessage]:
        """Return what a whole message says."""
        message = check_json(body)
        if isinstance(message, dict) and message.get("type") == "error":
            return [self._error(message)]
        content = message.get("content") if isinstance(message, dict) else None
        if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
            raise RemoteProtocolError(
                "the answer is not a message",
                requirement="SEG-ANTH-002",
                expected="an object with a list of blocks as `content`",
                got=body[:300].decode("utf-8", "replace"),
            )
        told: list[models.ServerMessage] = [self._accept()]
        self._start({"message": message})
        self._reason = message["stop_reason"] if isinstance(message.get("stop_reason"), str) else "end_turn"
        raws = msgspec.json.decode(body, type=_Whole).content
        for place, (block, raw) in enumerate(zip(content, raws, strict=True)):
            last = place == len(content) - 1
            told += self._take(block, raw, cut=last and self._reason not in _WHOLE)
        return told + self._end()

    def _take(self, block: dict[str, Any], raw: msgspec.Raw, *, cut: bool) -> list[models.ServerMessage]:
        kind = block.get("type")
        if kind == "text":
            text = block.get("text")
            return self._out.part("output_text", self._role) + self._out.say("output_text", str(text or ""))
        if kind == "tool_use":
            item = {"type": "function_call", **_named(block), "arguments": arguments_of(raw)}
            told = self._out.end_message()
        else:
            found = sealed(block) if kind in ("thinking", "redacted_thinking") else None
            if found is None:
                return []
            item, told = found, self._out.end_message()
        index, begun = self._out.begin(item)
        if cut and kind == "tool_use":  # the object is whole JSON whatever is missing in it
            self._out.discarded.append(index)
            return told + begun
        return told + begun + self._out.end(index, item)

    def refused(self, body: Any, status: int, headers: Mapping[str, str]) -> models.Error:
        """Return the error that an answer with a status of 400 or more means."""
        return decode_error(body, status=status, headers=headers)


class _Start(msgspec.Struct):
    content_block: msgspec.Raw = msgspec.Raw(b"{}")


class _Whole(msgspec.Struct):
    content: list[msgspec.Raw] = []


def _index(event: dict[str, Any]) -> int:
    index = event.get("index")
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        raise RemoteProtocolError(
            f"{event.get('type')} without a usable `index`",
            requirement="SEG-ANTH-012",
            expected="`index` as an integer from 0",
            got=str(event)[:300],
        )
    return index


def _block(event: dict[str, Any]) -> dict[str, Any]:
    block = event.get("content_block")
    return block if isinstance(block, dict) else {}


def _named(block: dict[str, Any]) -> dict[str, Any]:
    named = (block.get("id"), block.get("name"))
    if not all(isinstance(value, str) and value for value in named):
        raise RemoteProtocolError(
            "a tool_use without an id or a name",
            requirement="SEG-ANTH-003",
            expected="`id` and `name` as strings",
            got=str(block)[:300],
        )
    return {"call_id": named[0], "name": named[1]}


def usage_of(value: Mapping[str, Any]) -> models.Usage | msgspec.UnsetType:
    """Return usage as Segue counts it, what came from a cache among the input; absent where nobody reported it."""
    fresh, written = _number(value.get("input_tokens")), _number(value.get("output_tokens"))
    if fresh is None or written is None or not (fresh or written or value.get("cache_read_input_tokens")):
        return msgspec.UNSET  # message_start bears noughts where nobody knows more yet
    cached = _number(value.get("cache_read_input_tokens"))
    read = fresh + (cached or 0) + (_number(value.get("cache_creation_input_tokens")) or 0)
    usage = models.Usage(input_tokens=read, output_tokens=written, total_tokens=read + written)
    if cached is not None:
        usage.cached_tokens = cached
    details = value.get("output_tokens_details")
    thought = _number(details.get("thinking_tokens")) if isinstance(details, dict) else None
    if thought is not None:
        usage.reasoning_tokens = thought
    return usage


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**52 else None
