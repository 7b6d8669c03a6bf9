"""Contexts: the settings of a turn, whole, by digest, or as a patch of one that is held (spec: items, Context)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from segue_adapters.wires.base import pointer
from segue_schemas import context_digest, models, strict_loads

from .refusals import invalid_request

__all__ = ["NO_CONTEXT", "Context", "Patch", "can_choose", "merge_patch", "read_context", "read_form"]


@dataclass(frozen=True, slots=True)
class Context:
    """A whole context: its bytes as sent, its digest, and its members (shared: not to be changed)."""

    raw: bytes
    digest: str
    members: dict[str, Any]

    @property
    def size(self) -> int:
        """Bytes that holding it costs."""
        return len(self.raw)


@dataclass(frozen=True, slots=True)
class Patch:
    """A context as a change of one that is held."""

    base: str
    patch: dict[str, Any]


def read_context(members: Any, raw: bytes, place: str = "/context") -> Context:
    """Return a whole context; Refuse `invalid_request` where the schema does not allow it."""
    if not isinstance(members, dict):
        raise invalid_request("`context` must be an object, a digest, or `{base, patch}`.", place)
    try:
        msgspec.convert(members, models.TurnContext)
        digest = context_digest(members)
    except (msgspec.ValidationError, ValueError) as error:
        text = str(error)
        member = text.rsplit("`$.", 1)[1].rstrip("`") if "`$." in text else None
        raise invalid_request(f"`context`: {text}.", place + pointer(member) if member else place) from None
    return Context(raw, digest, members)


def read_form(raw: msgspec.Raw, place: str = "/context") -> Context | Patch | str:
    """Return the context in the form in which it was sent: whole, a patch, or a digest."""
    members = strict_loads(bytes(raw))
    if isinstance(members, str):
        return _digest(members, place)
    if isinstance(members, dict) and "base" in members and "patch" in members:
        if set(members) != {"base", "patch"} or not isinstance(members["patch"], dict):
            raise invalid_request("A context patch has `base` and `patch`, an object, and nothing else.", place)
        return Patch(_digest(members["base"], place + "/base"), members["patch"])
    return read_context(members, bytes(raw), place)


def _digest(value: Any, param: str) -> str:
    try:
        return msgspec.convert(value, models.Digest)
    except msgspec.ValidationError:
        raise invalid_request("That is no digest of a context.", param) from None


def merge_patch(target: Any, patch: Any) -> Any:
    """Return `target` changed by a JSON Merge Patch (RFC 7396, section 2); neither is changed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def can_choose(members: Mapping[str, Any]) -> bool:
    """Return whether `tools` holds what `tool_choice` asks for (SEG-CTX-033)."""
    choice, tools = members.get("tool_choice"), members.get("tools") or []
    if choice == "required":
        return bool(tools)
    if not isinstance(choice, dict) or not isinstance(choice.get("name"), str):
        return True
    return any(isinstance(tool, dict) and tool.get("name") == choice["name"] for tool in tools)


NO_CONTEXT = Context(b"{}", context_digest({}), {})
"""What is in force where neither the turn nor its parent has a context (SEG-CTX-004)."""
