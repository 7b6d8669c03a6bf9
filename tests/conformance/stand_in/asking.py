"""What the stand-in takes in: requests that are as documented; everything else it refuses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .model import Item
from .seams import At
from .telling import Event

__all__ = ["Asker", "Connection", "Refused", "Response"]

_KNOWN = {
    "input", "instructions", "max_output_tokens", "metadata", "model", "parallel_tool_calls", "previous_response_id",
    "store", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_p", "truncation", "include",
    "reasoning", "text", "user",
}  # fmt: skip
_TYPES: dict[str, tuple[type, ...]] = {
    "previous_response_id": (str,), "store": (bool,), "stream": (bool,), "generate": (bool,), "instructions": (str,),
    "tools": (list,), "max_output_tokens": (int,), "temperature": (int, float), "metadata": (dict,),
}  # fmt: skip
_ITEMS = ("message", "function_call", "function_call_output", "reasoning")


class Refused(Exception):
    """A request that is not run: its status, and the members of the error."""

    def __init__(self, status: int, code: str | None, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}


@dataclass
class Response:
    """One response: whose it is, the turn's own items, the whole history with them, and what is said of it."""

    id: str
    owner: str
    parent: Response | None
    own: list[Item]
    history: list[Item]
    stored: bool
    body: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    slow: bool = False
    at: At | None = None


@dataclass
class Connection:
    """The memory of one WebSocket: the latest response of each lane."""

    latest: dict[str | None, Response] = field(default_factory=dict)
    last: Response | None = None
    lanes: set[str] = field(default_factory=set)


class Asker:
    """Reads requests, with these switches on."""

    on: frozenset[str]

    def _checked(self, asked: dict[str, Any], connection: Connection | None) -> list[Item]:
        """Return the input as items; Refused for whatever is not as documented."""
        self._settings(asked, connection is not None)
        if connection is not None and "stream_id" in asked:
            self._lane(asked["stream_id"], connection)
        given = asked.get("input")
        if "text_input_refused" in self.on and isinstance(given, str):
            raise Refused(400, "invalid_type", "'input' must be an array.", "input")
        given = [{"role": "user", "content": given}] if isinstance(given, str) else given
        if given is not None and not isinstance(given, list):
            raise Refused(400, "invalid_type", "Invalid type for 'input'.", "input")
        if not given and not (isinstance(given, list) and asked.get("previous_response_id")):
            raise Refused(400, "missing_required_parameter", "One of 'input' or 'prompt' must be provided.", "input")
        return [self._item(item, f"input[{at}]") for at, item in enumerate(given)]

    def _lane(self, lane: Any, connection: Connection) -> None:
        if not isinstance(lane, str) or not re.fullmatch(r"[A-Za-z0-9_.-]{1,256}", lane):
            raise Refused(400, "invalid_stream_id", "Invalid 'stream_id'.", "stream_id")
        if len(connection.lanes | {lane}) > 32:
            raise Refused(400, "websocket_stream_limit_reached", "Too many streams (32).", "stream_id")
        connection.lanes.add(lane)

    def _settings(self, asked: dict[str, Any], socket: bool) -> None:
        if "unstored_only" in self.on and asked.get("store") is True:
            told = "'store' must be false: this organization retains no data."
            raise Refused(400, "unsupported_value", told, "store")
        if "store_must_be_false" in self.on and asked.get("store") is not False:
            raise Refused(400, None, "Store must be set to false")
        if not isinstance(asked.get("model"), str):
            raise Refused(400, "missing_required_parameter", "Missing required parameter: 'model'.", "model")
        for name, kinds in _TYPES.items():
            value = asked.get(name)
            if value is not None and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
                raise Refused(400, "invalid_type", f"Invalid type for '{name}'.", name)
        if asked.get("conversation") and asked.get("previous_response_id"):
            told = "Only one of 'conversation' and 'previous_response_id' can be given."
            raise Refused(400, "mutually_exclusive_parameters", told, "previous_response_id")
        known = _KNOWN | ({"type", "generate", "stream_id"} if socket else set())
        if "strict_parameters" in self.on and (unknown := sorted(set(asked) - known)):
            raise Refused(400, "unknown_parameter", f"Unknown parameter: '{unknown[0]}'.", unknown[0])
        for refusing, name in (
            ("no_lanes", "stream_id"),
            ("no_warm_up", "generate"),
            ("no_limit", "max_output_tokens"),
        ):
            if refusing in self.on and name in asked:
                raise Refused(400, "unsupported_parameter", f"'{name}' is not supported.", name)
        limit = asked.get("max_output_tokens")
        if limit is not None and limit < (64 if "high_minimum" in self.on else 16):
            raise Refused(400, "integer_below_min_value", "'max_output_tokens' is too small.", "max_output_tokens")

    def _item(self, item: Any, where: str) -> Item:
        kind = item.get("type", "message") if isinstance(item, dict) else None
        if kind not in _ITEMS:
            raise Refused(400, "invalid_value", f"Invalid value for '{where}'.", where)
        content = item.get("content")
        if kind == "message" and not isinstance(content, str | list):
            if "wrong_type_is_500" in self.on:
                raise Refused(500, "server_error", "The server had an error while processing your request.")
            raise Refused(400, "invalid_type", f"Invalid type for '{where}.content'.", f"{where}.content")
        if kind == "message" and isinstance(content, list):
            wanted = ("output_text", "refusal") if item.get("role") == "assistant" else ("input_text",)
            if any(part.get("type") not in wanted for part in content):
                raise Refused(400, "invalid_value", f"Supported values are: {wanted}.", f"{where}.content[0]")
        return {**item, "type": kind}
