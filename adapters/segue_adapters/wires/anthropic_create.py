"""What Anthropic Messages calls things, and what Segue calls them: a request as a turn (spec: binding-anthropic)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from segue_schemas import models

from .base import turn_name
from .stateless import Create, bad, body_members, check_types

__all__ = ["arguments_of", "create_of", "sealed"]

# Members of a request that belong to the turn or to the transport, or have another name in a context.
_NOT_CONTEXT = frozenset({"messages", "stream", "system", "max_tokens", "tools", "tool_choice"})

_TYPES: dict[str, tuple[type, ...]] = {
    "stream": (bool,),
    "max_tokens": (int,),
    "system": (str, list),
    "tools": (list,),
    "tool_choice": (dict,),
    "temperature": (int, float),
    "top_p": (int, float),
    "top_k": (int,),
    "stop_sequences": (list,),
    "metadata": (dict,),
    "thinking": (dict,),
}

_CHOICES: dict[str, Any] = {"auto": "auto", "none": "none", "any": "required"}


def create_of(body: bytes) -> Create:
    """Return the turn that a request asks for; raises Refuse with the member at fault."""
    members = body_members(body)
    check_types(members, _TYPES)
    limit = members.get("max_tokens")
    if not isinstance(limit, int) or limit < 1:
        raise bad("max_tokens: a number from 1 is required.", "max_tokens")
    raw = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    reader = _Reader()
    whole = msgspec.json.decode(raw["messages"], type=list[msgspec.Raw])
    for n, (message, received) in enumerate(zip(members["messages"], whole, strict=True)):
        reader.read(message, received, f"messages.{n}")
    context: dict[str, Any] = {name: value for name, value in raw.items() if name not in _NOT_CONTEXT}
    context |= {"max_output_tokens": limit, **_context(members)}
    start = models.TurnStart(
        turn=turn_name(),
        input=[msgspec.Raw(msgspec.json.encode(item)) for item in reader.items],
        context=msgspec.Raw(msgspec.json.encode(context)),
        retention="none",
    )
    return Create(start, stream=members.get("stream") is True, places=tuple(reader.places))


def _context(members: Mapping[str, Any]) -> dict[str, Any]:
    context: dict[str, Any] = {}
    system = members.get("system")
    if isinstance(system, list):
        # Marks for the cache are not kept: they are hints, and say nothing to the model.
        texts = [block.get("text") if isinstance(block, dict) else None for block in system]
        if not all(isinstance(text, str) for text in texts):
            raise bad("system: an array of text blocks is expected.", "system")
        system = "\n\n".join(map(str, texts))
    if system:
        context["instructions"] = system
    if members.get("tools") is not None:
        context["tools"] = [_tool(tool, f"tools.{n}") for n, tool in enumerate(members["tools"])]
    choice = members.get("tool_choice")
    if choice is not None:
        kind = choice.get("type")
        if kind == "tool" and isinstance(choice.get("name"), str):
            context["tool_choice"] = {"type": "function", "name": choice["name"]}
        elif kind in _CHOICES:
            context["tool_choice"] = _CHOICES[kind]
        else:
            raise bad("tool_choice: auto, any, none, or a tool by its name.", "tool_choice")
        if choice.get("disable_parallel_tool_use") is True:
            context["parallel_tool_calls"] = False
    return context


def _tool(tool: Any, place: str) -> Any:
    if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
        raise bad(f"{place}: an object with a name is expected.", place)
    if tool.get("type") not in (None, "custom"):
        return tool  # a tool of the provider's own
    if not isinstance(tool.get("input_schema"), dict):
        raise bad(f"{place}.input_schema: an object is expected.", f"{place}.input_schema")
    described = {"description": tool["description"]} if isinstance(tool.get("description"), str) else {}
    return {"type": "function", "name": tool["name"], **described, "parameters": tool["input_schema"]}


class _Message(msgspec.Struct):
    content: msgspec.Raw


class _Reader:
    """Reads messages as items, block by block."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.places: list[str] = []

    def read(self, message: Any, received: msgspec.Raw, place: str) -> None:
        """Read one message; `received` is it as it came."""
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ("user", "assistant"):
            raise bad(f"{place}.role: user or assistant is expected.", f"{place}.role")
        content = message.get("content")
        if isinstance(content, str):
            self._add(place, {"type": "message", "role": role, "content": content})
            return
        if not isinstance(content, list) or not content:
            raise bad(f"{place}.content: a string or an array of blocks is expected.", f"{place}.content")
        whole = msgspec.json.decode(msgspec.json.decode(received, type=_Message).content, type=list[msgspec.Raw])
        parts: list[dict[str, Any]] = []
        for n, (block, raw) in enumerate(zip(content, whole, strict=True)):
            at = f"{place}.content.{n}"
            part = _part(block, role, at)
            if part is not None:
                if not parts:
                    self._add(at, {"type": "message", "role": role, "content": parts})
                parts.append(part)
                continue
            parts = []
            self._add(at, _item(block, raw, role, at))

    def _add(self, place: str, item: dict[str, Any]) -> None:
        self.items.append(item)
        self.places.append(place)


def _part(block: Any, role: str, place: str) -> dict[str, Any] | None:
    """Return the part of a message that a block is; None where it is an item of its own."""
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "text" and isinstance(block.get("text"), str):
        return {"type": "output_text" if role == "assistant" else "input_text", "text": block["text"]}
    if kind in ("image", "document") and role == "user":
        return _media(block, place)
    return None


def _media(block: dict[str, Any], place: str) -> dict[str, Any]:
    source = block["source"] if isinstance(block.get("source"), dict) else {}
    image = block["type"] == "image"
    title = {} if image or not isinstance(block.get("title"), str) else {"filename": block["title"]}
    kind = "input_image" if image else "input_file"
    if source.get("type") == "base64" and isinstance(source.get("data"), str):
        told = f"data:{source.get('media_type', '')};base64,{source['data']}"
        return {"type": kind, "image_url" if image else "file_data": told, **title}
    if source.get("type") == "url" and isinstance(source.get("url"), str):
        return {"type": kind, "image_url" if image else "file_url": source["url"], **title}
    if source.get("type") == "file" and isinstance(source.get("file_id"), str):
        return {"type": kind, "file_id": source["file_id"], **title}
    raise bad(f"{place}.source: base64, url or file is expected.", f"{place}.source")


def _item(block: Any, raw: msgspec.Raw, role: str, place: str) -> dict[str, Any]:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "tool_use" and role == "assistant":
        if not all(isinstance(block.get(name), str) for name in ("id", "name")) or not isinstance(
            block.get("input"), dict
        ):
            raise bad(f"{place}: a tool_use has an id, a name, and an object as input.", place)
        call = {"type": "function_call", "call_id": block["id"], "name": block["name"]}
        return {**call, "arguments": arguments_of(raw)}
    if kind == "tool_result" and role == "user":
        return _result(block, place)
    if kind in ("thinking", "redacted_thinking") and role == "assistant":
        item = sealed(block)
        if item is not None:
            return item
    raise bad(f"{place}: no block of type {str(kind)[:40]} is taken there.", place)


def _result(block: dict[str, Any], place: str) -> dict[str, Any]:
    if not isinstance(block.get("tool_use_id"), str):
        raise bad(f"{place}.tool_use_id: a string is expected.", f"{place}.tool_use_id")
    content = block.get("content", "")
    if isinstance(content, list):
        parts = [_part(inner, "user", f"{place}.content.{n}") for n, inner in enumerate(content)]
        if None in parts:
            raise bad(f"{place}.content: blocks of text, images or documents are expected.", f"{place}.content")
        content = parts
    elif not isinstance(content, str):
        raise bad(f"{place}.content: a string or an array of blocks is expected.", f"{place}.content")
    item = {"type": "function_call_output", "call_id": block["tool_use_id"], "output": content}
    return {**item, "is_error": True} if block.get("is_error") is True else item


class _Use(msgspec.Struct):
    input: msgspec.Raw = msgspec.Raw(b"{}")


def arguments_of(block: msgspec.Raw) -> str:
    """Return the text of a block's `input` as it came, without the white space around it."""
    return bytes(msgspec.json.decode(block, type=_Use).input).decode().strip()


def sealed(block: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the item that a thinking block is; None where it is not sealed."""
    if block.get("type") == "redacted_thinking":
        data, shown = block.get("data"), {}
    else:
        data = block.get("signature")
        text = block.get("thinking")
        shown = {"content": [{"type": "reasoning_text", "text": text if isinstance(text, str) else ""}]}
    if not isinstance(data, str):
        return None
    return {"type": "reasoning", "summary": [], **shown, "encrypted_content": data, "issuer": "anthropic"}
