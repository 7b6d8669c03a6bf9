"""What Segue calls things, and what Anthropic Messages calls them: a turn as a request (spec: binding-anthropic)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from segue_schemas import models

from ..errors import NotCarried
from .stateless import Calls, Said, context_of

__all__ = ["SAMPLED", "body_of"]

_WIRE = "anthropic"

#: The version from which on sampling members are refused.
SAMPLED = "2026-10-21"
_SAMPLING = ("temperature", "top_p", "top_k")

# Members of a context that have another name or place here; every other one keeps its name.
_OWN = (
    "instructions", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens", "text", "reasoning",
    "truncation",
)  # fmt: skip

_CHOICES = {"auto": "auto", "none": "none", "required": "any"}


def body_of(start: models.TurnStart, *, stream: bool, version: str, max_tokens: int) -> Said:
    """Return the request that says this turn; NotCarried for what has no place in it.

    `max_tokens` is sent where the context has no `max_output_tokens`: the wire asks for a number.
    """
    context = context_of(start, _WIRE)
    refused = _SAMPLING if version >= SAMPLED else ()
    said = Said({name: value for name, value in context.items() if name not in (*_OWN, *refused)})
    said.ignored += [f"/{name}" for name in refused if context.get(name) is not None]
    said.body["max_tokens"] = context["max_output_tokens"] if context.get("max_output_tokens") else max_tokens
    history = _History(context.get("instructions"))
    for place, raw in enumerate(start.input):
        if not history.add(msgspec.json.decode(raw), place):
            said.omitted.append(place)
    history.calls.settled()
    if history.system:
        said.body["system"] = "\n\n".join(history.system)
    said.body["messages"] = history.messages
    _settings(context, said)
    if stream:
        said.body["stream"] = True
    return said


def _settings(context: Mapping[str, Any], said: Said) -> None:
    body = said.body
    if isinstance(context.get("tools"), list):
        body["tools"] = [_tool(tool) for tool in context["tools"]]
        strict = [n for n, tool in enumerate(context["tools"]) if isinstance(tool, dict) and tool.get("strict")]
        said.ignored += [f"/tools/{n}/strict" for n in strict if context["tools"][n].get("type") == "function"]
    choice = context.get("tool_choice")
    told: dict[str, Any] = {}
    if isinstance(choice, str):
        told = {"type": _CHOICES.get(choice, choice)}
    elif isinstance(choice, dict):
        told = {"type": "tool", "name": choice.get("name")} if choice.get("type") == "function" else choice
    if context.get("parallel_tool_calls") is False and context.get("tools"):
        told = {"type": "auto", **told, "disable_parallel_tool_use": True}
    if told:
        body["tool_choice"] = told
    if isinstance(context.get("reasoning"), dict):
        # The scales do not agree; `thinking`, as this wire has it, goes along as it is.
        said.ignored += [f"/reasoning/{name}" for name, value in context["reasoning"].items() if value is not None]
    text = context["text"] if isinstance(context.get("text"), dict) else {}
    if isinstance(text.get("format"), dict) and text["format"].get("type") != "text":
        raise NotCarried(_WIRE, f"`text.format` of type {text['format'].get('type')}")
    if context.get("truncation") not in (None, "disabled"):
        raise NotCarried(_WIRE, f"`truncation` {context['truncation']}")


def _tool(tool: Any) -> Any:
    if not isinstance(tool, dict) or tool.get("type") != "function":
        return tool
    described = {} if tool.get("description") is None else {"description": tool["description"]}
    schema = tool.get("parameters") or {"type": "object", "properties": {}}
    return {"name": tool.get("name"), **described, "input_schema": schema}


class _History:
    """Makes messages of items: neighbours of one role join."""

    def __init__(self, instructions: Any) -> None:
        self.messages: list[dict[str, Any]] = []
        self.calls = Calls(_WIRE)
        self.system: list[str] = []
        if isinstance(instructions, str):
            self.system.append(instructions)
        elif instructions is not None:
            raise NotCarried(_WIRE, "`instructions` that are no text")

    def add(self, item: dict[str, Any], place: int) -> bool:
        """Add an item; False where the wire has no place for it and it may be left out."""
        kind = item.get("type")
        if kind == "message":
            self._message(item, place)
        elif kind == "function_call":
            self.calls.opened(item.get("call_id", ""), place)
            call = {"type": "tool_use", "id": item.get("call_id"), "name": item.get("name")}
            self._blocks("assistant").append({**call, "input": _arguments(item, place)})
        elif kind == "function_call_output":
            self.calls.answered(item.get("call_id", ""))
            self._result(item, place)
        elif kind == "reasoning" and item.get("issuer") == "anthropic" and item.get("encrypted_content"):
            self._blocks("assistant").append(_thought(item))
        elif kind == "reasoning":
            return False
        else:
            raise NotCarried(_WIRE, f"an item of type `{kind}` (input/{place})")
        return True

    def _blocks(self, role: str) -> list[Any]:
        """Return the blocks of the last message, where it is this role's, or of a new one."""
        if not self.messages or self.messages[-1]["role"] != role:
            self.messages.append({"role": role, "content": []})
        blocks: list[Any] = self.messages[-1]["content"]
        return blocks

    def _message(self, item: dict[str, Any], place: int) -> None:
        role, content = item.get("role"), item.get("content")
        if role in ("system", "developer"):
            if self.messages:
                raise NotCarried(_WIRE, f"a message of role {role} behind another (input/{place})")
            self.system.append(_plain(content, place))
            return
        self.calls.settled()
        if not isinstance(content, list | str):
            # No message at all: sent as it is, for the endpoint to refuse.
            self.messages.append({"role": role, "content": content})
            return
        parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
        blocks = self._blocks(str(role))
        for n, part in enumerate(parts):
            block = _block(part, f"input/{place}/content/{n}")
            if block.get("text") != "" or role == "user":  # an assistant's block without text is refused
                blocks.append(block)

    def _result(self, item: dict[str, Any], place: int) -> None:
        output = item.get("output")
        if isinstance(output, list):
            output = [_block(part, f"input/{place}/output/{n}") for n, part in enumerate(output)]
        result = {"type": "tool_result", "tool_use_id": item.get("call_id"), "content": output}
        blocks = self._blocks("user")
        # Results stand first in their message.
        first = next((n for n, block in enumerate(blocks) if block["type"] != "tool_result"), len(blocks))
        blocks.insert(first, {**result, "is_error": True} if item.get("is_error") is True else result)


def _arguments(item: dict[str, Any], place: int) -> Any:
    try:
        parsed = json.loads(item.get("arguments") or "{}")
    except (ValueError, TypeError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise NotCarried(_WIRE, f"a call whose arguments are no JSON object (input/{place})")
    return parsed


def _thought(item: dict[str, Any]) -> dict[str, Any]:
    """Return the block that a sealed item was, unchanged."""
    content = item.get("content")
    if not isinstance(content, list) or not content:
        return {"type": "redacted_thinking", "data": item["encrypted_content"]}
    return {"type": "thinking", "thinking": content[0].get("text", ""), "signature": item["encrypted_content"]}


def _plain(content: Any, place: int) -> str:
    if isinstance(content, str):
        return content
    texts = [part.get("text") for part in content if isinstance(part, dict)] if isinstance(content, list) else [None]
    if not all(isinstance(text, str) for text in texts):
        raise NotCarried(_WIRE, f"instructions that are no text (input/{place})")
    return "".join(map(str, texts))


def _block(part: Any, place: str) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in ("input_text", "output_text"):
        return {"type": "text", "text": part.get("text", "")}
    if kind == "refusal":
        return {"type": "text", "text": part.get("refusal", "")}
    if kind == "input_image":
        return {"type": "image", "source": _source(part.get("image_url"), None, part.get("file_id"), place)}
    if kind == "input_file":
        source = _source(part.get("file_url"), part.get("file_data"), part.get("file_id"), place)
        titled = {} if part.get("filename") is None else {"title": part["filename"]}
        return {"type": "document", "source": source, **titled}
    raise NotCarried(_WIRE, f"a part of type `{kind}` ({place})")


def _source(url: Any, data: Any, file_id: Any, place: str) -> dict[str, Any]:
    """Return where an image or a file comes from: its own bytes, an address, or an id."""
    told = data if isinstance(data, str) else url
    if isinstance(told, str) and told.startswith("data:") and ";base64," in told:
        kind, _, encoded = told.removeprefix("data:").partition(";base64,")
        return {"type": "base64", "media_type": kind, "data": encoded}
    if isinstance(data, str):
        return {"type": "base64", "media_type": "application/pdf", "data": data}
    if isinstance(url, str):
        return {"type": "url", "url": url}
    if isinstance(file_id, str):
        return {"type": "file", "file_id": file_id}
    raise NotCarried(_WIRE, f"an image or a file without its content ({place})")
