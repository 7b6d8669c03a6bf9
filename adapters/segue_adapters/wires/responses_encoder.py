"""Writes Segue messages as OpenAI Responses events: the server side of both OpenAI wires.

Every event of the standard stream is sent, `done` copies too, since clients of this wire take items from
`response.output_item.done` and text from either. (OpenAI Responses, facts 1.3-1.5 and 5.)
"""

from __future__ import annotations

from typing import Any

import msgspec
from segue_schemas import models

from ..assembly import ItemAssembler
from .base import TurnFacts
from .responses import encode_error

__all__ = ["ResponsesEncoder", "response_object"]

_ID_PREFIX = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "reasoning": "rs",
    "compaction": "cmp",
}

# The member that deltas fill, and how it stands before the first one.
_FILLED: dict[str, tuple[str, Any]] = {
    "message": ("content", []),
    "reasoning": ("summary", []),
    "function_call": ("arguments", ""),
    "custom_tool_call": ("input", ""),
}

# Settings that a Response echoes, and what stands where the request said nothing (Open Responses requires the keys).
_ECHO: dict[str, Any] = {
    "background": False,
    "error": None,
    "frequency_penalty": 0,
    "incomplete_details": None,
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
        "store": facts.stored,
        "output": output,
        "usage": usage,
    }


class ResponsesEncoder:
    """Follows one turn and says each of its messages as the events of one response.

    `feed` returns event objects without `stream_id`, which the WebSocket wire adds. `response` is the whole Response
    as it stands.
    """

    def __init__(self, facts: TurnFacts) -> None:
        self.facts = facts
        self.response = response_object(facts, status="in_progress", output=[])
        self.error: models.ErrorMessage | None = None
        self._sequence = 0
        self._items = ItemAssembler()
        self._ids: dict[int, str] = {}
        self._parts: dict[int, list[int]] = {}
        self._done: dict[int, Any] = {}

    def feed(self, message: models.ServerMessage) -> list[dict[str, Any]]:
        """Return the events that this message becomes; progress has none on this wire."""
        if isinstance(message, models.TurnAccepted):
            return [
                self._event("response.created", response=dict(self.response)),
                self._event("response.in_progress", response=dict(self.response)),
            ]
        if isinstance(message, models.ItemStarted):
            return self._started(message)
        if isinstance(message, models.ItemDelta):
            return self._delta(message)
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
        return []

    # -- items

    def _started(self, message: models.ItemStarted) -> list[dict[str, Any]]:
        self._items.apply(message)
        item = dict(self._items.partial(message.index))
        self._name(message.index, item)
        if item["type"] in ("message", "function_call", "custom_tool_call", "reasoning"):
            item.setdefault("status", "in_progress")
        member, empty = _FILLED.get(item["type"], ("", None))
        if member and item.get(member) is None:
            item[member] = type(empty)()
        # Parts that stand in the skeleton are announced too: the stream helpers of the SDKs count them.
        parts = list(item.get("content") or []) if item["type"] == "message" else []
        if parts:
            item["content"] = []
        events = [self._event("response.output_item.added", output_index=message.index, item=item)]
        for position, part in enumerate(parts):
            events.append(self._part_added(message.index, position, part))
        return events

    def _delta(self, message: models.ItemDelta) -> list[dict[str, Any]]:
        self._items.apply(message)
        steps = message.at.split("/")[1:]
        where = {"item_id": self._ids[message.index], "output_index": message.index}
        kind = self._kind(message.index)
        if isinstance(message.append, str):
            if kind == "message" and len(steps) == 3 and steps[0] == "content" and steps[2] in ("text", "refusal"):
                return self._text_delta(message, int(steps[1]), steps[2])
            if kind == "reasoning" and len(steps) == 3 and steps[2] == "text":
                name = "reasoning_summary_text" if steps[0] == "summary" else "reasoning_text"
                place = {"summary_index" if steps[0] == "summary" else "content_index": int(steps[1])}
                return [self._event(f"response.{name}.delta", **where, **place, delta=message.append)]
            if kind == "function_call" and steps == ["arguments"]:
                return [self._event("response.function_call_arguments.delta", **where, delta=message.append)]
            if kind == "custom_tool_call" and steps == ["input"]:
                return [self._event("response.custom_tool_call_input.delta", **where, delta=message.append)]
            return []
        if len(steps) == 2 and isinstance(message.put, msgspec.Raw):
            part = msgspec.json.decode(message.put)
            position_of = steps[1]
            if kind == "message" and steps[0] == "content":
                known = self._parts.get(message.index, [])
                position = len(known) if position_of == "-" else int(position_of)
                return [self._part_added(message.index, position, part)]
            if kind == "reasoning" and steps[0] == "summary" and position_of.isdecimal():
                return [
                    self._event(
                        "response.reasoning_summary_part.added", **where, summary_index=int(position_of), part=part
                    )
                ]
        return []

    def _text_delta(self, message: models.ItemDelta, position: int, member: str) -> list[dict[str, Any]]:
        events = []
        if position not in self._parts.get(message.index, []):
            kind = "output_text" if member == "text" else "refusal"
            events.append(self._part_added(message.index, position, {"type": kind, member: ""}))
        more: dict[str, Any] = {"logprobs": []} if member == "text" else {}
        name = "output_text" if member == "text" else "refusal"
        events.append(
            self._event(
                f"response.{name}.delta",
                item_id=self._ids[message.index],
                output_index=message.index,
                content_index=position,
                delta=message.append,
                **more,
            )
        )
        return events

    def _part_added(self, index: int, position: int, part: Any) -> dict[str, Any]:
        self._parts.setdefault(index, []).append(position)
        return self._event(
            "response.content_part.added",
            item_id=self._ids[index],
            output_index=index,
            content_index=position,
            part=_full_part(part),
        )

    def _completed(self, message: models.ItemCompleted) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        fresh = message.index not in self._ids
        self._items.apply(message)
        item = msgspec.json.decode(self._items.whole(message.index))
        self._name(message.index, item)
        if fresh:  # delivered whole: this wire announces every item
            added = {**item, "status": "in_progress"} if "status" in item else dict(item)
            if item["type"] == "message":
                added["content"] = []
            events.append(self._event("response.output_item.added", output_index=message.index, item=added))
        if item["type"] in ("message", "function_call", "custom_tool_call"):
            item.setdefault("status", "completed")
            if item["status"] in (None, "in_progress"):
                item["status"] = "completed"
        where = {"item_id": self._ids[message.index], "output_index": message.index}
        if item["type"] == "message":
            item["content"] = [_full_part(part) for part in _parts_of(item)]
            for position, part in enumerate(item["content"]):
                if position not in self._parts.get(message.index, []):
                    empty = {**part, **({"text": ""} if "text" in part else {})}
                    events.append(self._part_added(message.index, position, empty))
                events.extend(self._part_done(where, position, part))
        elif item["type"] == "function_call":
            events.append(self._event("response.function_call_arguments.done", **where, arguments=item["arguments"]))
        elif item["type"] == "custom_tool_call":
            events.append(self._event("response.custom_tool_call_input.done", **where, input=item["input"]))
        elif item["type"] == "reasoning":
            item.setdefault("summary", [])
            for position, part in enumerate(item["summary"] or []):
                place = {**where, "summary_index": position}
                events.append(self._event("response.reasoning_summary_text.done", **place, text=part.get("text", "")))
                events.append(self._event("response.reasoning_summary_part.done", **place, part=part))
        self._done[message.index] = item
        events.append(self._event("response.output_item.done", output_index=message.index, item=item))
        return events

    def _part_done(self, where: dict[str, Any], position: int, part: dict[str, Any]) -> list[dict[str, Any]]:
        place = {**where, "content_index": position}
        events = []
        if part.get("type") == "output_text":
            events.append(self._event("response.output_text.done", **place, text=part["text"], logprobs=[]))
        elif part.get("type") == "refusal":
            events.append(self._event("response.refusal.done", **place, refusal=part["refusal"]))
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

    def _kind(self, index: int) -> str:
        return str(self._items.partial(index).get("type", ""))


def _parts_of(item: dict[str, Any]) -> list[Any]:
    content = item.get("content")
    if isinstance(content, str):
        kind = "output_text" if item.get("role") == "assistant" else "input_text"
        return [{"type": kind, "text": content}]
    return list(content or [])


def _full_part(part: Any) -> Any:
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
