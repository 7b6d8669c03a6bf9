"""Which tools the scripted engine calls, and with which arguments: read from the question and the tools' schemas."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .recall import Recall

__all__ = ["Planned", "arguments_for", "plan_calls", "usable"]

_VERB = re.compile(r"\b(?:call|calls|use|invoke|run|ask|execute)\b", re.I)
_TOOL = re.compile(r"\b(?:tools?|functions?)\b", re.I)


@dataclass(frozen=True, slots=True)
class Planned:
    """One call to be written: its skeleton, the member that grows, and the pieces in which it does."""

    skeleton: Mapping[str, Any]
    at: str
    pieces: tuple[str, ...]


def plan_calls(facts: Recall, context: Mapping[str, Any], seed: bytes) -> list[Planned]:
    """Return the calls that the last user message asks for; none where tools are absent or just answered."""
    tools = [tool for tool in context.get("tools") or [] if usable(tool)]
    choice = context.get("tool_choice")
    if not tools or choice == "none" or facts.outputs:
        return []
    question = facts.question
    if isinstance(choice, dict) and isinstance(choice.get("name"), str):
        wanted = [tool for tool in tools if _name(tool) == choice["name"]]
    else:
        named = [tool for tool in tools if _mentions(question, _name(tool))]
        asked = _VERB.search(question) and (named or _TOOL.search(question))
        wanted = (named or tools[:1]) if asked or choice == "required" else []
    if context.get("parallel_tool_calls") is False:
        wanted = wanted[:1]
    return [_planned(tool, question, seed, place) for place, tool in enumerate(wanted)]


def usable(tool: object) -> bool:
    """Return whether a tool is one that the scripted model calls: a function or a custom tool, with a name."""
    return isinstance(tool, dict) and tool.get("type", "function") in ("function", "custom") and bool(_name(tool))


def _name(tool: Mapping[str, Any]) -> str:
    name = tool.get("name")
    return name if isinstance(name, str) else ""


def _mentions(question: str, name: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", question) is not None


def _planned(tool: Mapping[str, Any], question: str, seed: bytes, place: int) -> Planned:
    call_id = "call_" + hashlib.sha256(seed + bytes([place])).hexdigest()[:24]
    if tool.get("type") == "custom":
        quoted = re.search('["\u201c]([^"\u201d]+)["\u201d]', question)
        text = quoted[1] if quoted else "example"
        skeleton = {"type": "custom_tool_call", "call_id": call_id, "name": _name(tool), "input": ""}
        return Planned(skeleton, "/input", _halves(text))
    text = json.dumps(arguments_for(tool.get("parameters"), question))
    skeleton = {"type": "function_call", "call_id": call_id, "name": _name(tool), "arguments": ""}
    return Planned(skeleton, "/arguments", _halves(text))


def _halves(text: str) -> tuple[str, ...]:
    middle = len(text) // 2
    return tuple(piece for piece in (text[:middle], text[middle:]) if piece)


def arguments_for(schema: Any, question: str = "") -> dict[str, Any]:
    """Return plain values for the required properties of a JSON Schema, from the question where it names one."""
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        return {}
    properties = schema["properties"]
    required = schema.get("required")
    names = [name for name in required if name in properties] if isinstance(required, list) else []
    return {name: _value(properties[name], name, question) for name in names}


def _value(schema: Any, name: str, question: str) -> Any:
    schema = schema if isinstance(schema, dict) else {}
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    quoted = re.search(rf'\b{re.escape(name)}\b[^"\n]{{0,20}}"(?P<value>[^"]+)"', question)
    if quoted and kind in (None, "string"):
        return quoted["value"]
    said = re.search(rf"\b{re.escape(name)}\b\s*(?:is|=|:|set to)?\s*[\"'\u201c]?(?P<value>[\w.-]+)", question)
    if kind in ("integer", "number"):
        number = re.fullmatch(r"-?\d{1,15}", said["value"]) if said else None
        return int(number.group()) if number else 1
    if kind == "boolean":
        return True
    if kind == "array":
        return []
    if kind == "object":
        return arguments_for(schema, question)
    if kind == "null":
        return None
    return said["value"].rstrip(".") if said else "example"
