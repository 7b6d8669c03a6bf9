"""Segue over WebSocket, both sides: subprotocol `segue.v1`, one message for each text frame (spec: binding-segue-ws).

A client may decode fast; a server checks what it gets for duplicate keys and lone surrogates, and reads `type` before
anything else, so that an unknown message is refused by name and not as a decoding fault.
"""

from __future__ import annotations

import msgspec
from segue_schemas import models

from ..errors import RemoteProtocolError
from .base import NotJSON, check_json, pointer, refusal

__all__ = ["SUBPROTOCOL", "SegueWSClient", "SegueWSServer", "client_message", "server_message"]

SUBPROTOCOL = "segue.v1"

_CLIENT: msgspec.json.Decoder[models.ClientMessage] = msgspec.json.Decoder(models.ClientMessage)
_SERVER: msgspec.json.Decoder[models.ServerMessage] = msgspec.json.Decoder(models.ServerMessage)
_CLIENT_TYPES = {t.__struct_config__.tag for t in models.ClientMessage.__args__}
_SERVER_TYPES = {t.__struct_config__.tag for t in models.ServerMessage.__args__}


class _Head(msgspec.Struct):
    type: str


_HEAD = msgspec.json.Decoder(_Head)
# What of an unknown type a refusal bears at most (spec: messages, Unknown members and unknown messages).
_LONGEST_TYPE = 256


def server_message(data: str | bytes) -> models.ServerMessage | None:
    """Return a server's message, or None for a type that this version does not know (SEG-MSG: clients ignore those)."""
    try:
        kind = _HEAD.decode(data).type
        return _SERVER.decode(data) if kind in _SERVER_TYPES else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        shown = data if isinstance(data, str) else data.decode("utf-8", "replace")
        raise RemoteProtocolError(
            f"a message that is none of the protocol's: {error}",
            expected="a JSON object that fits schemas/1.0/server.json",
            got=shown[:300],
        ) from None


def client_message(data: str | bytes) -> models.ClientMessage:
    """Return a client's message; raises Refuse with the code that fits what is wrong with it."""
    try:
        members = check_json(data)
    except NotJSON as error:
        raise refusal("malformed_message", "fix", f"The message is not I-JSON: {error}.") from None
    if not isinstance(members, dict) or not isinstance(members.get("type"), str):
        raise refusal("malformed_message", "fix", "The message must be a JSON object with a `type`.")
    kind = members["type"][:_LONGEST_TYPE]
    turn = members.get("turn")
    named = turn if isinstance(turn, str) and 0 < len(turn) <= 64 and _is_name(turn) else None
    if kind not in _CLIENT_TYPES:
        raise refusal("unsupported_message", "fix", f"Unknown message type '{kind}'.", refused=kind, turn=named)
    try:
        return _CLIENT.decode(data)
    except msgspec.DecodeError as error:
        text = str(error)
        path = _path_in(text)
        refused = refusal("invalid_request", "fix", f"{kind}: {text}.", param=path, refused=kind, turn=named)
        for member in ("ref", "steer"):
            value = members.get(member)
            if isinstance(value, str) and _is_name(value):
                setattr(refused.message, member, value)
        raise refused from None


def _path_in(text: str) -> str | None:
    """Return the pointer to the member at fault, as msgspec's sentence names it: its place, and what is missing."""
    steps = [text.rsplit("`$.", 1)[1].rstrip("`")] if "`$." in text else []
    _, missing, rest = text.partition("missing required field `")
    if missing:
        steps.append(rest.partition("`")[0])
    return pointer(".".join(steps)) if steps else None


def _is_name(text: str) -> bool:
    return 0 < len(text) <= 64 and all(c.isascii() and (c.isalnum() or c in "_-") for c in text)


class SegueWSClient:
    """Client side: messages are frames as they stand."""

    name = "segue-ws"
    subprotocols: tuple[str, ...] = (SUBPROTOCOL,)

    def send(self, message: models.ClientMessage) -> list[str]:
        """Return the frame of a message."""
        return [msgspec.json.encode(message).decode()]

    def receive(self, frame: str | bytes) -> list[models.ServerMessage]:
        """Return the message of a frame, or nothing for a type that this version does not know."""
        if isinstance(frame, bytes):
            raise RemoteProtocolError("a binary frame", expected="text frames only", got=repr(frame[:80]))
        message = server_message(frame)
        return [] if message is None else [message]


class SegueWSServer:
    """Server side of one connection."""

    name = "segue-ws"

    def receive(self, frame: str | bytes) -> models.ClientMessage:
        """Return the message of a frame; Refuse where it is none."""
        if isinstance(frame, bytes):
            raise refusal("malformed_message", "fix", "Send text frames: this was a binary one.")
        return client_message(frame)

    def send(self, message: models.ServerMessage) -> list[str]:
        """Return the frame of a message."""
        return [msgspec.json.encode(message).decode()]
