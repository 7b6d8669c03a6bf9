"""Reads the items that a client sends: typed where they are known, kept byte for byte always.

What the endpoint has to know of an item later (its digest, the call that it opens or answers) is read once, here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from segue_schemas import item_digest, models, strict_loads

from .refusals import invalid_request

__all__ = ["Call", "Item", "read_item", "read_items"]

# What a call is answered by; a call id alone would let the output of one kind answer a call of the other.
_CALLS = {"function_call": "function", "custom_tool_call": "custom"}
_ANSWERS = {"function_call_output": "function", "custom_tool_call_output": "custom"}

_KNOWN: dict[str, type[msgspec.Struct]] = {
    str(known.__struct_config__.tag): known for known in models.KnownItem.__args__
}
_PARTS: dict[str, type[msgspec.Struct]] = {
    str(part.__struct_config__.tag): part for part in models.KnownContentPart.__args__
}


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool, named by its kind and its id."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Item:
    """One item as received, and what follows from it. `role` says whether it opens or answers `call`."""

    raw: bytes
    digest: str
    kind: str
    call: Call | None = None
    role: Literal["opens", "answers", ""] = ""
    seal: str | None = None
    issuer: str | None = None
    covers: dict[str, Any] | None = None
    visible: bool = True

    @property
    def content(self) -> tuple[str, str | None, str | None, dict[str, Any] | None]:
        """What two items agree in that are one input (SEG-TURN-055)."""
        return self.digest, self.seal, self.issuer, self.covers


def read_items(raws: Sequence[msgspec.Raw], member: str = "input", *, first: int = 0) -> list[Item]:
    """Return the items of a message; Refuse `invalid_request` with the place of the first that is none."""
    return [read_item(bytes(raw), f"/{member}/{index}", strictly=False) for index, raw in enumerate(raws, first)]


def read_item(raw: bytes, place: str = "/item", *, strictly: bool = True) -> Item:
    """Return one item; Refuse `invalid_request` with its place where the schema does not allow it.

    `strictly`: it may be no I-JSON; what came in a message was read so with the message.
    """
    try:
        members = strict_loads(raw) if strictly else msgspec.json.decode(raw)
    except ValueError as error:
        raise invalid_request(f"{place} is no item: {error}.", place) from None
    if not isinstance(members, dict) or not isinstance(members.get("type"), str) or not members["type"]:
        raise invalid_request(f"{place} must be an object with a string as `type`.", place)
    kind: str = members["type"]
    known = _KNOWN.get(kind)
    try:
        if known is not None:
            msgspec.json.decode(raw, type=known)
            _check_parts(members, kind)
        digest = item_digest(members)
    except (msgspec.ValidationError, ValueError) as error:
        raise invalid_request(f"{place}, a {kind[:64]}: {error}.", place) from None
    call = None
    role: Literal["opens", "answers", ""] = ""
    if kind in _CALLS:
        call, role = Call(_CALLS[kind], members["call_id"]), "opens"
    elif kind in _ANSWERS:
        call, role = Call(_ANSWERS[kind], members["call_id"]), "answers"
    seal, issuer = members.get("encrypted_content"), members.get("issuer")
    covers = members.get("covers") if kind == "compaction" else None
    return Item(
        raw=raw,
        digest=digest,
        kind=kind,
        call=call,
        role=role,
        seal=seal if isinstance(seal, str) else None,
        issuer=issuer if isinstance(issuer, str) else None,
        covers=covers if isinstance(covers, dict) else None,
        visible=bool(members.get("summary") or members.get("content")) if kind == "reasoning" else True,
    )


def _check_parts(members: dict[str, Any], kind: str) -> None:
    # `ContentPart` is open, so the typed item checks no more than a part's `type`: known parts are checked here.
    for name in ("content", "output"):
        parts = members.get(name)
        if kind == "reasoning" or not isinstance(parts, list):
            continue
        for position, part in enumerate(parts):
            known = _PARTS.get(str(part.get("type"))) if isinstance(part, dict) else None
            if known is not None:
                try:
                    msgspec.convert(part, known)
                except msgspec.ValidationError as error:
                    raise ValueError(f"{name}/{position}: {error}") from None
