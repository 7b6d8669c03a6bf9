"""What Chat Completions calls things, and what Segue calls them: a request as a turn (spec: binding-chat, Requests)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from segue_schemas import models

from .base import refusal, turn_name
from .stateless import Create, bad, body_members, check_types

__all__ = ["create_of"]

# Members of a request that belong to the turn or to the transport, or have another name in a context.
_NOT_CONTEXT = frozenset(
    {
        "messages", "stream", "stream_options", "n", "tools", "tool_choice", "max_tokens", "max_completion_tokens",
        "response_format", "reasoning_effort", "verbosity", "functions", "function_call",
    }
)  # fmt: skip

_TYPES: dict[str, tuple[type, ...]] = {
    "stream": (bool,),
    "stream_options": (dict,),
    "tools": (list,),
    "tool_choice": (str, dict),
    "parallel_tool_calls": (bool,),
    "temperature": (int, float),
    "top_p": (int, float),
    "max_tokens": (int,),
    "max_completion_tokens": (int,),
    "response_format": (dict,),
    "reasoning_effort": (str,),
    "verbosity": (str,),
    "metadata": (dict,),
    "n": (int,),
}


def create_of(body: bytes) -> Create:
    """Return the turn that a request asks for; raises Refuse with the member at fault."""
    members = body_members(body)
    check_types(members, _TYPES)
    if members.get("n") not in (None, 1):
        raise refusal("not_offered", "fix", "'n' must be 1: one answer is given.", param="n", refused="turn.start")
    for name in ("functions", "function_call"):
        if members.get(name) is not None:
            text = f"'{name}' is not offered here; give 'tools'."
            raise refusal("not_offered", "fix", text, param=name, refused="turn.start")
    items, places = _Reader().read(members["messages"])
    raw = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    context: dict[str, Any] = {name: value for name, value in raw.items() if name not in _NOT_CONTEXT}
    context |= _context(members)
    start = models.TurnStart(
        turn=turn_name(),
        input=[msgspec.Raw(msgspec.json.encode(item)) for item in items],
        context=msgspec.Raw(msgspec.json.encode(context)),
        retention="none",
    )
    asked = members.get("stream_options") or {}
    usage = asked.get("include_usage") is True
    return Create(start, stream=members.get("stream") is True, places=tuple(places), usage=usage)


def _context(members: Mapping[str, Any]) -> dict[str, Any]:
    context: dict[str, Any] = {}
    if members.get("tools") is not None:
        context["tools"] = [_unwrapped(tool, f"tools[{n}]") for n, tool in enumerate(members["tools"])]
    choice = members.get("tool_choice")
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        choice = {"type": "function", **choice["function"]}
    if choice is not None:
        context["tool_choice"] = choice
    limits = [members.get(name) for name in ("max_completion_tokens", "max_tokens")]
    if (limit := next((n for n in limits if n is not None), None)) is not None:
        context["max_output_tokens"] = limit
    text: dict[str, Any] = {}
    if (told := members.get("response_format")) is not None:
        inner = told.get("json_schema")
        text["format"] = {"type": "json_schema", **inner} if isinstance(inner, dict) else told
    if members.get("verbosity") is not None:
        text["verbosity"] = members["verbosity"]
    if text:
        context["text"] = text
    if members.get("reasoning_effort") is not None:
        context["reasoning"] = {"effort": members["reasoning_effort"]}
    return context


def _unwrapped(tool: Any, place: str) -> Any:
    if not isinstance(tool, dict) or not isinstance(tool.get("type"), str):
        raise bad(f"'{place}' must be an object with a `type`.", place, "invalid_type")
    if tool["type"] != "function":
        return tool
    function = tool.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise bad(f"'{place}.function' must be an object with a `name`.", f"{place}.function", "invalid_type")
    return {"type": "function", **function}


class _Reader:
    """Reads messages as items; knows of each call which kind of tool it is for."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.places: list[str] = []
        self._custom: set[str] = set()

    def read(self, messages: list[Any]) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the items, and where each stood."""
        for n, message in enumerate(messages):
            place = f"messages[{n}]"
            if not isinstance(message, dict):
                raise bad(f"'{place}' must be an object.", place, "invalid_type")
            role = message.get("role")
            if role in ("system", "developer", "user"):
                content = _content(message.get("content"), f"{place}.content")
                self._add(place, {"type": "message", "role": role, "content": content})
            elif role == "assistant":
                self._assistant(message, place)
            elif role == "tool":
                self._tool(message, place)
            else:
                text = f"'{place}.role' must be system, developer, user, assistant or tool."
                raise bad(text, f"{place}.role", "invalid_value")
        return self.items, self.places

    def _add(self, place: str, item: dict[str, Any]) -> None:
        self.items.append(item)
        self.places.append(place)

    def _assistant(self, message: dict[str, Any], place: str) -> None:
        parts = _spoken(message, place)
        if parts:
            self._add(place, {"type": "message", "role": "assistant", "content": parts})
        calls = message.get("tool_calls")
        if calls is not None and not isinstance(calls, list):
            raise bad(f"'{place}.tool_calls' must be an array.", f"{place}.tool_calls", "invalid_type")
        if not parts and not calls:
            text = f"'{place}' has neither content nor tool_calls."
            raise bad(text, f"{place}.content", "missing_required_parameter")
        for n, call in enumerate(calls or ()):
            self._call(call, f"{place}.tool_calls[{n}]")

    def _call(self, call: Any, place: str) -> None:
        kind = call.get("type", "function") if isinstance(call, dict) else None
        named = call.get(kind) if kind in ("function", "custom") else None
        if not isinstance(named, dict) or not all(
            isinstance(value, str)
            for value in (call.get("id"), named.get("name"), named.get("arguments" if kind == "function" else "input"))
        ):
            text = f"'{place}' must be a call with an id, a name and arguments as text."
            raise bad(text, place, "invalid_type")
        item = {"type": "function_call", "call_id": call["id"], "name": named["name"]}
        if kind == "custom":
            self._custom.add(call["id"])
            self._add(place, {**item, "type": "custom_tool_call", "input": named["input"]})
        else:
            self._add(place, {**item, "arguments": named["arguments"]})

    def _tool(self, message: dict[str, Any], place: str) -> None:
        call_id = message.get("tool_call_id")
        if not isinstance(call_id, str):
            text = f"'{place}.tool_call_id' must be a string."
            raise bad(text, f"{place}.tool_call_id", "missing_required_parameter")
        kind = "custom_tool_call_output" if call_id in self._custom else "function_call_output"
        output = _content(message.get("content"), f"{place}.content")
        self._add(place, {"type": kind, "call_id": call_id, "output": output})


def _content(content: Any, place: str) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        raise bad(f"'{place}' must be a string or an array of parts.", place, "invalid_type")
    return [_read_part(part, f"{place}[{n}]") for n, part in enumerate(content)]


def _read_part(part: Any, place: str) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, dict) else None
    inner = part.get(kind) if isinstance(kind, str) else None
    if kind == "text" and isinstance(inner, str):
        return {"type": "input_text", "text": inner}
    if kind == "image_url" and isinstance(inner, dict) and isinstance(inner.get("url"), str):
        detail = {"detail": inner["detail"]} if isinstance(inner.get("detail"), str) else {}
        return {"type": "input_image", "image_url": inner["url"], **detail}
    if kind == "file" and isinstance(inner, dict):
        named = {name: inner[name] for name in ("file_id", "file_data", "filename") if isinstance(inner.get(name), str)}
        return {"type": "input_file", **named}
    raise bad(f"'{place}' is no part of type text, image_url or file.", place, "invalid_value")


def _spoken(message: dict[str, Any], place: str) -> list[dict[str, Any]]:
    """Return what an assistant's message says as parts."""
    content, refused = message.get("content"), message.get("refusal")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}] if content else []
    if not isinstance(content, list | None) or not isinstance(refused, str | None):
        text = f"'{place}.content' must be a string, an array of parts, or null."
        raise bad(text, f"{place}.content", "invalid_type")
    parts: list[dict[str, Any]] = []
    for n, part in enumerate(content or ()):
        kind = part.get("type") if isinstance(part, dict) else None
        inner = part.get(kind) if kind in ("text", "refusal") else None
        if not isinstance(inner, str):
            why = f"'{place}.content[{n}]' is no part of type text or refusal."
            raise bad(why, f"{place}.content[{n}]", "invalid_value")
        spoken = kind == "text"
        parts.append({"type": "output_text", "text": inner} if spoken else {"type": "refusal", "refusal": inner})
    if refused:
        parts.append({"type": "refusal", "refusal": refused})
    return parts
