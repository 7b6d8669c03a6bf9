"""What Segue calls things, and what Chat Completions calls them: a turn as a request (spec: binding-chat, Requests)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from segue_schemas import models

from ..errors import NotCarried
from .stateless import Calls, Said, context_of

__all__ = ["body_of"]

_WIRE = "chat"

# Members of a context that have another name or place here; every other one keeps its name.
_OWN = ("instructions", "tools", "tool_choice", "max_output_tokens", "text", "reasoning", "truncation")


def body_of(start: models.TurnStart, *, stream: bool, role: str, max_tokens: str) -> Said:
    """Return the request that says this turn; NotCarried for what has no place in it.

    `role` is that of the instructions; `max_tokens` the name of the member for `max_output_tokens`.
    """
    context = context_of(start, _WIRE)
    said = Said({name: value for name, value in context.items() if name not in _OWN})
    messages: list[dict[str, Any]] = []
    instructions = context.get("instructions")
    if isinstance(instructions, str):
        messages.append({"role": role, "content": instructions})
    elif instructions is not None:
        raise NotCarried(_WIRE, "`instructions` that are no text")
    said.body["messages"] = messages
    _settings(context, said, max_tokens)
    calls = Calls(_WIRE)
    for place, raw in enumerate(start.input):
        if not _add(messages, msgspec.json.decode(raw), place, calls):
            said.omitted.append(place)
    calls.settled()
    said.body["stream"] = stream
    if stream:
        said.body["stream_options"] = {"include_usage": True}
    return said


def _settings(context: Mapping[str, Any], said: Said, max_tokens: str) -> None:
    body = said.body
    if isinstance(context.get("tools"), list):
        body["tools"] = [_tool(tool) for tool in context["tools"]]
    choice = context.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "function" and "name" in choice:
        choice = {"type": "function", "function": {"name": choice["name"]}}
    if choice is not None:
        body["tool_choice"] = choice
    if context.get("max_output_tokens") is not None:
        body[max_tokens] = context["max_output_tokens"]
    text = context["text"] if isinstance(context.get("text"), dict) else {}
    if isinstance(text.get("format"), dict):
        body["response_format"] = _format(text["format"])
    if text.get("verbosity") is not None:
        body["verbosity"] = text["verbosity"]
    reasoning = context["reasoning"] if isinstance(context.get("reasoning"), dict) else {}
    if reasoning.get("effort") is not None:
        body["reasoning_effort"] = reasoning["effort"]
    said.ignored += [
        f"/reasoning/{name}" for name, value in reasoning.items() if name != "effort" and value is not None
    ]
    if context.get("truncation") not in (None, "disabled"):
        raise NotCarried(_WIRE, f"`truncation` {context['truncation']}")


def _tool(tool: Any) -> Any:
    if not isinstance(tool, dict) or tool.get("type") != "function":
        return tool
    return {"type": "function", "function": {name: value for name, value in tool.items() if name != "type"}}


def _format(told: dict[str, Any]) -> dict[str, Any]:
    if told.get("type") != "json_schema":
        return told
    return {"type": "json_schema", "json_schema": {name: value for name, value in told.items() if name != "type"}}


def _add(messages: list[dict[str, Any]], item: dict[str, Any], place: int, calls: Calls) -> bool:
    """Add an item of the history to the messages; False where the wire has no place for it and it may be left out."""
    kind = item.get("type")
    if kind == "message":
        calls.settled()
        messages.append(_said(item, place))
    elif kind in ("function_call", "custom_tool_call"):
        calls.opened(item.get("call_id", ""), place)
        _joined(messages).append(_call(item))
    elif kind in ("function_call_output", "custom_tool_call_output"):
        calls.answered(item.get("call_id", ""))
        content = _output(item.get("output"), place)
        messages.append({"role": "tool", "tool_call_id": item.get("call_id"), "content": content})
    elif kind == "reasoning":
        return False
    else:
        raise NotCarried(_WIRE, f"an item of type `{kind}` (input/{place})")
    return True


def _joined(messages: list[dict[str, Any]]) -> list[Any]:
    """Return the calls of the assistant's message that a call joins: the last one, where the assistant said it."""
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    calls: list[Any] = messages[-1].setdefault("tool_calls", [])
    return calls


def _call(item: dict[str, Any]) -> dict[str, Any]:
    if item["type"] == "custom_tool_call":
        named = {"name": item.get("name"), "input": item.get("input", "")}
        return {"id": item.get("call_id"), "type": "custom", "custom": named}
    named = {"name": item.get("name"), "arguments": item.get("arguments", "")}
    return {"id": item.get("call_id"), "type": "function", "function": named}


def _said(item: dict[str, Any], place: int) -> dict[str, Any]:
    content = item.get("content")
    if not isinstance(content, list):
        return {"role": item.get("role"), "content": content}
    if item.get("role") != "assistant":
        parts = [_part(part, f"input/{place}/content/{n}") for n, part in enumerate(content)]
        alone = parts[0]["text"] if len(parts) == 1 and parts[0].get("type") == "text" else parts
        return {"role": item.get("role"), "content": alone}
    told: dict[str, Any] = {"role": "assistant", "content": None}
    for n, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "output_text":
            told["content"] = (told["content"] or "") + part.get("text", "")
        elif kind == "refusal":
            told["refusal"] = told.get("refusal", "") + part.get("refusal", "")
        else:
            raise NotCarried(_WIRE, f"a part of type `{kind}` (input/{place}/content/{n})")
    return told


def _part(part: Any, place: str) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "input_text":
        return {"type": "text", "text": part.get("text", "")}
    if kind == "input_image" and isinstance(part.get("image_url"), str):
        detail = {} if part.get("detail") is None else {"detail": part["detail"]}
        return {"type": "image_url", "image_url": {"url": part["image_url"], **detail}}
    if kind == "input_file" and part.get("file_url") is None:
        named = {name: part[name] for name in ("file_id", "file_data", "filename") if part.get(name) is not None}
        return {"type": "file", "file": named}
    raise NotCarried(_WIRE, f"a part of type `{kind}` ({place})")


def _output(output: Any, place: int) -> Any:
    """Return a tool's output as text: this wire takes nothing else."""
    if not isinstance(output, list):
        return output
    texts = []
    for n, part in enumerate(output):
        if not isinstance(part, dict) or part.get("type") != "input_text":
            raise NotCarried(_WIRE, f"an output that is not text (input/{place}/output/{n})")
        texts.append(part.get("text", ""))
    return "".join(texts)
