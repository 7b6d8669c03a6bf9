"""What the two wires without state share: what they can't carry, their exchange, and the types of a request's members.

Every request brings the whole history (spec: binding-chat, binding-anthropic).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
from segue_schemas import models

from ..errors import NotCarried, RemoteProtocolError
from ..sse import SSEEvent, SSEParser
from .base import Answer, NotJSON, Refuse, Request, check_json, refusal

__all__ = [
    "JSON",
    "STATELESS",
    "Calls",
    "Create",
    "Exchanged",
    "Said",
    "TurnDecoder",
    "bad",
    "body_members",
    "check_types",
    "context_of",
    "json_answer",
    "object_of",
    "plain_start",
]

STATELESS = ("chat", "anthropic")

JSON = {"content-type": "application/json"}


# ---- Segue -> a request


@dataclass(slots=True)
class Said:
    """The body of a request, and what of the turn has no place in it: items of the history, settings of the context."""

    body: dict[str, Any]
    omitted: list[int] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def accepted(self, turn: str) -> models.TurnAccepted:
        """Return the first event of the turn."""
        accepted = models.TurnAccepted(turn=turn, retention="none")
        if self.omitted:
            accepted.omitted = self.omitted
        if self.ignored:
            accepted.ignored = self.ignored
        return accepted


def plain_start(message: models.ClientMessage, wire: str) -> models.TurnStart:
    """Return a turn.start that the wire has a place for; NotCarried, with the member, for any other message."""
    if not isinstance(message, models.TurnStart):
        raise NotCarried(wire, f"`{type(message).__struct_config__.tag}`")
    for member in ("parent", "expect", "overlay", "lane", "deadline_ms"):
        if getattr(message, member) is not msgspec.UNSET:
            raise NotCarried(wire, f"`{member}`")
    if message.require:
        raise NotCarried(wire, "`require`")
    if isinstance(message.retention, str) and message.retention != "none":
        raise NotCarried(wire, f"retention `{message.retention}`: nothing is kept on it")
    if message.generate is False:
        raise NotCarried(wire, "a warm-up (`generate: false`)")
    return message


def context_of(start: models.TurnStart, wire: str) -> dict[str, Any]:
    """Return the members of a turn's context; NotCarried for one by its digest or as a patch."""
    if not isinstance(start.context, msgspec.Raw):
        return {}
    context = check_json(start.context)
    if not isinstance(context, dict):
        raise NotCarried(wire, "a context by its digest")
    if set(context) == {"base", "patch"}:
        raise NotCarried(wire, "a context as a patch")
    return context


class Calls:
    """The calls of a history that nothing answers yet: both wires refuse a message that comes before the answers."""

    def __init__(self, wire: str) -> None:
        self._wire = wire
        self._open: dict[str, int] = {}

    def opened(self, call_id: str, place: int) -> None:
        """Take note of a call."""
        self._open[call_id] = place

    def answered(self, call_id: str) -> None:
        """Take note of its output."""
        self._open.pop(call_id, None)

    def settled(self) -> None:
        """Raise NotCarried where a call is still open."""
        for call_id, place in self._open.items():
            what = f"a call that is not answered before the next message ({call_id}, input/{place})"
            raise NotCarried(self._wire, what)


# ---- the answer -> Segue


class TurnDecoder(Protocol):
    """Follows the answer to one request."""

    finished: bool

    def receive(self, event: SSEEvent) -> list[models.ServerMessage]:
        """Return what an event of the stream says."""
        ...

    def ended(self) -> list[models.ServerMessage]:
        """Return what the end of the stream says."""
        ...

    def whole(self, body: bytes) -> list[models.ServerMessage]:
        """Return what a whole answer says; NotJSON, or RemoteProtocolError where it is another thing."""
        ...

    def refused(self, body: Any, status: int, headers: Mapping[str, str]) -> models.Error:
        """Return the error that an answer with a status of 400 or more means; `body` is parsed, or its text."""
        ...


class Exchanged:
    """One request and its answer, streamed or whole."""

    ask_again_ms: int | None = None  # these wires never answer with "ask again"
    elsewhere = False

    def __init__(self, start: models.TurnStart, request: Request, decoder: TurnDecoder) -> None:
        self.request = request
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._turn = start.turn
        self._decoder = decoder
        self._body = bytearray()
        self._parser: SSEParser | None = None

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Take the status line and the headers."""
        self.status, self.headers = status, headers
        if status < 400 and headers.get("content-type", "").partition(";")[0].strip().lower() == "text/event-stream":
            self._parser = SSEParser()

    def data(self, chunk: bytes) -> list[models.ServerMessage]:
        """Take bytes of the body."""
        if self._parser is None:
            self._body += chunk
            return []
        return self._events(self._parser.feed(chunk))

    def end(self) -> list[models.ServerMessage]:
        """Take the end of the body."""
        if self.status >= 400:
            return [models.ErrorMessage(error=self._error(), refused="turn.start", turn=self._turn)]
        if self._parser is not None:
            messages = self._events(self._parser.close())
            return messages if self._decoder.finished else messages + self._decoder.ended()
        try:
            return self._decoder.whole(bytes(self._body))
        except NotJSON as error:
            raise RemoteProtocolError(
                f"status {self.status}, and the answer is not JSON: {error}",
                expected="one JSON object, or an event stream",
                got=self._body[:300].decode("utf-8", "replace"),
            ) from None

    def _events(self, events: Sequence[SSEEvent]) -> list[models.ServerMessage]:
        return [m for event in events if not self._decoder.finished for m in self._decoder.receive(event)]

    def _error(self) -> models.Error:
        try:
            body = check_json(bytes(self._body))
        except NotJSON:
            body = self._body[:200].decode("utf-8", "replace")
        return self._decoder.refused(body, self.status, self.headers)


def object_of(data: str | bytes) -> dict[str, Any]:
    """Return the JSON object that an event's data is; RemoteProtocolError where it is none."""
    shown = (data if isinstance(data, str) else data.decode("utf-8", "replace"))[:300]
    try:
        value = check_json(data)
    except NotJSON as error:
        raise RemoteProtocolError(
            f"an event is not JSON: {error}", expected="one JSON object for each event", got=shown
        ) from None
    if not isinstance(value, dict):
        raise RemoteProtocolError("an event is no JSON object", expected="one JSON object for each event", got=shown)
    return value


# ---- a request -> Segue


@dataclass(frozen=True, slots=True)
class Create:
    """What a request asks for. `places` says in the wire's own words where each item of the input came from."""

    start: models.TurnStart
    stream: bool
    places: tuple[str, ...]
    usage: bool = False

    def placed(self, refused: Refuse) -> Refuse:
        """Return a refusal that names a place of the wire instead of an item's."""
        param = refused.error.param
        steps = param.removeprefix("/").split("/") if isinstance(param, str) else []
        if len(steps) > 1 and steps[0] == "input" and steps[1].isdecimal() and int(steps[1]) < len(self.places):
            refused.error.param = self.places[int(steps[1])]
        return refused


def bad(message: str, param: str | None, code: str | None = None, *, refused: str = "turn.start") -> Refuse:
    """Return the refusal of a member that is at fault; `code` is OpenAI's word for it."""
    detail: dict[str, object] | None = {"openai_code": code} if code else None
    return refusal("invalid_request", "fix", message, param=param, refused=refused, detail=detail)


def body_members(body: bytes) -> dict[str, Any]:
    """Return the members of a request's body; Refuse where it is no JSON object, or names no model."""
    try:
        members = check_json(body)
    except NotJSON as error:
        raise refusal("malformed_message", "fix", f"The body is not JSON: {error}.", refused="turn.start") from None
    if not isinstance(members, dict):
        raise bad("The body must be a JSON object.", None)
    if not isinstance(members.get("model"), str) or not members["model"]:
        text = "Missing required parameter: 'model' (a non-empty string)."
        raise bad(text, "model", "missing_required_parameter")
    messages = members.get("messages")
    if not isinstance(messages, list) or not messages:
        raise bad("'messages' must be an array of at least one message.", "messages", "missing_required_parameter")
    return members


_WORDS = {str: "a string", list: "an array", dict: "an object", bool: "true or false", int: "a number"}


def check_types(members: Mapping[str, Any], types: Mapping[str, tuple[type, ...]]) -> None:
    """Refuse a member of another type; null is as if it were absent."""
    for name, allowed in types.items():
        value = members.get(name)
        if value is None:
            continue
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            wanted = " or ".join(_WORDS[t] for t in allowed if t in _WORDS)
            raise bad(f"'{name}' must be {wanted}.", name, "invalid_type")


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return a JSON answer."""
    return Answer(status, {**JSON, **(headers or {})}, msgspec.json.encode(body))
