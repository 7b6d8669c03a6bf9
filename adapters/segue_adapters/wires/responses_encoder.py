"""Writes Segue messages as OpenAI Responses events: the server side of both OpenAI wires.

Every event of the standard stream is sent, `done` copies too, since clients of this wire take items from
`response.output_item.done` and text from either. (OpenAI Responses, facts 1.3-1.5 and 5.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from segue_schemas import models

from ..assembly import ItemAssembler
from .base import TurnFacts
from .responses import encode_error, error_event

__all__ = ["ResponsesEncoder", "full_part", "response_object"]

_ID_PREFIX = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "reasoning": "rs",
    "compaction": "cmp",
}

# The members that deltas fill, and how they stand before the first one.
_FILLED: dict[str, dict[str, Any]] = {
    "message": {"content": []},
    "reasoning": {"summary": []},
    "function_call": {"arguments": ""},
    "custom_tool_call": {"input": ""},
}

# The member of a part that is streamed; parts of other types come whole.
_STREAMED = {"output_text": "text", "refusal": "refusal", "summary_text": "text", "reasoning_text": "text"}

# Item type and member (of a part: its type) -> the event that streams it.
_EVENTS = {
    ("message", "output_text"): "output_text",
    ("message", "refusal"): "refusal",
    ("reasoning", "summary_text"): "reasoning_summary_text",
    ("reasoning", "reasoning_text"): "reasoning_text",
    ("function_call", "arguments"): "function_call_arguments",
    ("custom_tool_call", "input"): "custom_tool_call_input",
}

# Settings that a Response echoes, and what stands where the request said nothing (Open Responses requires the keys).
_ECHO: dict[str, Any] = {
    "frequency_penalty": 0,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "presence_penalty": 0,
    "prompt_cache_key": None,
    "reasoning": None,
    "safety_identifier": None,
    "service_tier": "default",
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


def response_object(facts: TurnFacts, *, status: str, output: list[Any], usage: Any = None) -> dict[str, Any]:
    """Return a whole Response object in the given state."""
    context = facts.start.context
    settings = msgspec.json.decode(context) if isinstance(context, msgspec.Raw) else {}
    parent = facts.start.parent
    echoed = {name: settings[name] if settings.get(name) is not None else value for name, value in _ECHO.items()}
    return {
        "id": facts.response_id,
        "object": "response",
        "created_at": facts.created_at,
        "completed_at": None,
        "status": status,
        "model": settings.get("model", ""),
        "previous_response_id": parent if isinstance(parent, str) else None,
        **echoed,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "store": facts.stored,
        "output": output,
        "usage": usage,
    }


class ResponsesEncoder:
    """Follows one turn and says each of its messages as the events of one response.

    `feed` returns event objects without `stream_id`, which the WebSocket wire adds. `response` is the whole Response
    as it stands. `flat`: errors have the form that they have over HTTP.
    """

    def __init__(self, facts: TurnFacts, *, flat: bool = False) -> None:
        self.facts = facts
        self._flat = flat
        self.response = response_object(facts, status="in_progress", output=[])
        self._sequence = 0
        self._items = ItemAssembler()
        self._ids: dict[int, str] = {}
        self._parts: set[tuple[int, str, int]] = set()
        self._streams: dict[tuple[int, str], _Stream] = {}
        self._done: dict[int, Any] = {}
        # Where an item stands in `output`: items of steers take an index of the turn, and no place here.
        self._places: dict[int, int] = {}

    def feed(self, message: models.ServerMessage) -> list[dict[str, Any]]:
        """Return the events that this message becomes; progress has none on this wire."""
        if isinstance(message, models.ItemDelta):  # first: nearly all of them are
            return self._delta(message)
        if isinstance(message, models.TurnAccepted):
            return [
                self._event("response.created", response=dict(self.response)),
                self._event("response.in_progress", response=dict(self.response)),
            ]
        if isinstance(message, models.ItemStarted):
            return self._started(message)
        if isinstance(message, models.ItemCompleted):
            return self._completed(message)
        if isinstance(message, models.TurnCompleted):
            return self._ended(message)
        if isinstance(message, models.TurnFailed):
            error = encode_error(message.error)
            code = error["code"] if error["code"] == "rate_limit_exceeded" else "server_error"
            self.response |= {
                "status": "failed",
                "error": {"code": code, "message": message.error.message},
                "output": [self._done[i] for i in sorted(self._done)],
                "usage": _usage(message.usage),
            }
            return [self._event("response.failed", response=dict(self.response))]
        if isinstance(message, models.ErrorMessage):  # the end of a reading whose turn nobody can read on here
            told = error_event(message.error, flat=self._flat)
            return [self._event(told.pop("type"), **told)]
        return []

    # -- items

    def place_of(self, index: int) -> int:
        """Return where an item stands in `output`: behind those that came before it."""
        return self._places.setdefault(index, len(self._places))

    def _started(self, message: models.ItemStarted) -> list[dict[str, Any]]:
        self._items.apply(message)
        item = dict(self._items.partial(message.index))
        self._name(message.index, item)
        return [self._added(message.index, item), *self._catch_up(message.index, item)]

    def _added(self, index: int, item: dict[str, Any]) -> dict[str, Any]:
        """Announce an item empty: what is there already follows as deltas, so that the deltas add up to the whole."""
        filled = _FILLED.get(item["type"], {})
        empty = {**item, **filled}
        if filled:
            empty["status"] = "in_progress"
        if item["type"] == "reasoning" and item.get("content"):
            empty["content"] = []
        return self._event("response.output_item.added", output_index=self.place_of(index), item=empty)

    def _delta(self, message: models.ItemDelta) -> list[dict[str, Any]]:
        text = message.append
        stream = self._streams.get((message.index, message.at))
        if stream is not None and isinstance(text, str):
            if not self._items.append(message.index, message.at, text):
                self._items.apply(message)
            return [self._grow(stream, text)]
        self._items.apply(message)
        return self._catch_up(message.index, self._items.partial(message.index))

    def _catch_up(self, index: int, item: dict[str, Any]) -> list[dict[str, Any]]:
        """Announce the parts and stream the text that the item has by now and the wire has not."""
        kind, where = item["type"], {"item_id": self._ids[index], "output_index": self.place_of(index)}
        if kind in ("function_call", "custom_tool_call"):
            (member,) = _FILLED[kind]
            return self._rest((index, f"/{member}"), (kind, member), where, item.get(member))
        events: list[dict[str, Any]] = []
        for member in {"message": ("content",), "reasoning": ("summary", "content")}.get(kind, ()):
            for position, part in enumerate(_parts_of(item, member)):
                place = {**where, f"{'summary' if member == 'summary' else 'content'}_index": position}
                type_of = part.get("type") if isinstance(part, dict) else None
                text = _STREAMED.get(type_of) if isinstance(type_of, str) else None
                if (index, member, position) not in self._parts:
                    self._parts.add((index, member, position))
                    events += self._part_added(kind, member, place, {**part, text: ""} if text else part)
                if text:
                    key = (index, f"/{member}/{position}/{text}")
                    events += self._rest(key, (kind, str(type_of)), place, part.get(text))
        return events

    def _part_added(self, kind: str, member: str, place: dict[str, Any], part: Any) -> list[dict[str, Any]]:
        if kind == "message":
            return [self._event("response.content_part.added", **place, part=full_part(part))]
        if member == "summary":
            return [self._event("response.reasoning_summary_part.added", **place, part=part)]
        return []  # visible reasoning has no event for its parts

    def _rest(
        self, key: tuple[int, str], of: tuple[str, str], place: dict[str, Any], text: Any
    ) -> list[dict[str, Any]]:
        name = _EVENTS.get(of)
        if name is None or not isinstance(text, str):
            return []
        stream = self._streams.setdefault(key, _Stream(name, place))
        return [self._grow(stream, text[stream.sent :])] if len(text) > stream.sent else []

    def _grow(self, stream: _Stream, text: str) -> dict[str, Any]:
        stream.sent += len(text)
        more: dict[str, Any] = {"logprobs": []} if stream.name == "output_text" else {}
        return self._event(f"response.{stream.name}.delta", **stream.place, delta=text, **more)

    def _completed(self, message: models.ItemCompleted) -> list[dict[str, Any]]:
        self._items.apply(message)
        item = msgspec.json.decode(self._items.whole(message.index))
        fresh = message.index not in self._ids
        self._name(message.index, item)
        kind, where = item["type"], {"item_id": self._ids[message.index], "output_index": self.place_of(message.index)}
        # Delivered whole: this wire announces every item.
        events = [self._added(message.index, item)] if fresh else []
        if kind in ("message", "function_call", "custom_tool_call"):
            item.setdefault("status", "completed")
        if item.get("status", "") in (None, "in_progress"):
            item["status"] = "completed"
        if kind == "reasoning":
            item.setdefault("summary", [])
        events += self._catch_up(message.index, item)
        if kind == "message":
            item["content"] = [full_part(part) for part in _parts_of(item, "content")]
            for position, part in enumerate(item["content"]):
                events += self._part_done({**where, "content_index": position}, part)
        elif kind == "function_call":
            arguments = item.setdefault("arguments", "")
            events.append(self._event("response.function_call_arguments.done", **where, arguments=arguments))
        elif kind == "custom_tool_call":
            written = item.setdefault("input", "")
            events.append(self._event("response.custom_tool_call_input.done", **where, input=written))
        elif kind == "reasoning":
            for position, part in enumerate(_parts_of(item, "summary")):
                place = {**where, "summary_index": position}
                events.append(self._event("response.reasoning_summary_text.done", **place, text=_text_of(part)))
                events.append(self._event("response.reasoning_summary_part.done", **place, part=part))
            for position, part in enumerate(_parts_of(item, "content")):
                place = {**where, "content_index": position}
                events.append(self._event("response.reasoning_text.done", **place, text=_text_of(part)))
        self._done[message.index] = item
        events.append(self._event("response.output_item.done", output_index=self.place_of(message.index), item=item))
        return events

    def _part_done(self, place: dict[str, Any], part: Any) -> list[dict[str, Any]]:
        events = []
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "output_text":
            events.append(self._event("response.output_text.done", **place, text=_text_of(part), logprobs=[]))
        elif kind == "refusal":
            events.append(self._event("response.refusal.done", **place, refusal=_text_of(part, "refusal")))
        events.append(self._event("response.content_part.done", **place, part=part))
        return events

    # -- the end

    def _ended(self, message: models.TurnCompleted) -> list[dict[str, Any]]:
        dropped = message.discarded if isinstance(message.discarded, list) else []
        self.response |= {
            "status": message.status if message.status == "completed" else "incomplete",
            "output": [self._done[i] for i in sorted(self._done) if i not in dropped],
            "usage": _usage(message.usage),
        }
        if message.status == "completed":
            timing = message.timing
            spent = timing.total_ms if isinstance(timing, models.Timing) else 0
            self.response["completed_at"] = self.facts.created_at + (spent if isinstance(spent, int) else 0) // 1000
            return [self._event("response.completed", response=dict(self.response))]
        reason = message.reason if isinstance(message.reason, str) else message.status
        self.response["incomplete_details"] = {"reason": reason}
        return [self._event("response.incomplete", response=dict(self.response))]

    # -- helpers

    def _event(self, kind: str, **members: Any) -> dict[str, Any]:
        event = {"type": kind, "sequence_number": self._sequence, **members}
        self._sequence += 1
        return event

    def _name(self, index: int, item: dict[str, Any]) -> None:
        """Give the item its id: its own, or one that follows from the response and the index."""
        drawn = f"{_ID_PREFIX.get(item['type'], 'item')}_{self.facts.response_id.removeprefix('resp_')}_{index}"
        own = self._ids.get(index) or item.get("id") or drawn
        self._ids[index] = item["id"] = own


@dataclass(slots=True)
class _Stream:
    """A text that goes out in deltas: its event's name, where it stands, how many characters were sent."""

    name: str
    place: dict[str, Any]
    sent: int = 0


def _parts_of(item: dict[str, Any], member: str) -> list[Any]:
    parts = item.get(member)
    if isinstance(parts, str):
        kind = "output_text" if item.get("role") == "assistant" else "input_text"
        return [{"type": kind, "text": parts}]
    return list(parts) if isinstance(parts, list) else []


def _text_of(part: Any, member: str = "text") -> str:
    text = part.get(member) if isinstance(part, dict) else None
    return text if isinstance(text, str) else ""


def full_part(part: Any) -> Any:
    """Return a part with the lists that the SDKs' types ask for in the model's text."""
    if isinstance(part, dict) and part.get("type") == "output_text":
        return {"annotations": [], "logprobs": [], **part}
    return part


def _usage(usage: models.Usage | msgspec.UnsetType) -> dict[str, Any] | None:
    if not isinstance(usage, models.Usage):
        return None
    cached, reasoning = usage.cached_tokens, usage.reasoning_tokens
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": cached if isinstance(cached, int) else 0, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": reasoning if isinstance(reasoning, int) else 0},
        "total_tokens": usage.total_tokens,
    }
