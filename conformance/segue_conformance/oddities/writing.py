"""Oddities in how JSON and ids are written."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from segue_adapters.sse import SSEParser
from segue_adapters.wires.base import Request
from segue_gateway.endpoint import Endpoint
from starlette.responses import Response

from ..extended import SEGUE_WIRES
from ..mutants.wire_fault import NATIVE

__all__ = ["IdsNeedEncoding", "LongIds", "SpellsOtherwise"]

_Members = dict[str, msgspec.Raw]
_MEMBERS = msgspec.json.Decoder(_Members)
#: What holds items or contexts of a client, which are kept byte for byte.
_KEPT = ("bundle", "items")


def respelled(text: str | bytes) -> str:
    """Return a JSON object spelled otherwise: members in another order, white space, escapes, as far as it may be."""
    told = []
    for name, raw in reversed(_MEMBERS.decode(text).items()):
        value = bytes(raw).decode()
        if name not in _KEPT:
            value = _escaped(json.dumps(_turned(json.loads(value)), indent=1))
        told.append(f"{_escaped(json.dumps(name))}\t:\r {value}")
    return "\n {\n" + "\n ,\t".join(told) + " \n}\r\n"


def _turned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _turned(value[name]) for name in reversed(value)}
    return [_turned(one) for one in value] if isinstance(value, list) else value


def _escaped(text: str) -> str:
    """Return JSON with needless escapes: of a letter that stands in none by itself, nor in a word of JSON."""
    return text.replace("/", "\\/").replace("g", "\\u0067")


class SpellsOtherwise(Endpoint):
    """JSON with white space, in letters of ASCII alone, members in another order, characters written as escapes.

    Legal: messages, JSON: "The order of members and the white space between them carry no meaning"; SEG-MSG-001 asks
    for JSON in UTF-8.
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE

    def gives_frame(self, wire: str, frame: str, stream: object) -> Sequence[str | bytes]:
        """Spell a frame otherwise."""
        frames = super().gives_frame(wire, frame, stream)
        return [respelled(one) if wire in NATIVE and isinstance(one, str) else one for one in frames]

    def gives_event(self, wire: str, data: bytes, stream: object) -> bytes:
        """Spell the data of events otherwise, over several lines."""
        given = super().gives_event(wire, data, stream)
        if wire not in NATIVE:
            return given
        told = ""
        for event in SSEParser().feed(given):
            lines = respelled(event.data).replace("\r", " ").split("\n")
            told += "".join(f"data: {line}\n" for line in lines)
            told += f"id: {event.id}\n" if event.id is not None else ""
            told += f"event: {event.event}\n\n"
        return told.encode()

    def gives_response(self, wire: str, request: Request | None, response: Response) -> Response:
        """Spell whole answers otherwise, the discovery document too."""
        given = super().gives_response(wire, request, response)
        body = bytes(getattr(given, "body", b""))
        if wire not in (*NATIVE, "discovery") or not body.startswith(b"{"):
            return given
        headers = {name: value for name, value in given.headers.items() if name != "content-length"}
        headers["content-type"] += "; charset=utf-8"
        return Response(respelled(body), given.status_code, headers)


class LongIds(Endpoint):
    """Ids of continuations have 256 characters.

    Legal: common.json, ContinuationId: 1 to 256 visible characters of ASCII.
    """

    wires: ClassVar[tuple[str, ...]] = SEGUE_WIRES

    def new_id(self) -> str:
        """Return a long id."""
        return secrets.token_hex(128)


class IdsNeedEncoding(Endpoint):
    """Ids of continuations hold every visible character of ASCII, so that none fits into a path as it stands.

    Legal: common.json, ContinuationId: `[!-~]`; binding-segue-http: "Ids in a path are percent-encoded".
    """

    wires: ClassVar[tuple[str, ...]] = SEGUE_WIRES

    def new_id(self) -> str:
        """Return an id with all of them."""
        return "".join(map(chr, range(33, 127))) + "/../%2F%00?a=b#" + secrets.token_hex(16)
