"""What every wire shares: requests and answers without a socket, refusals, and what a foreign wire must echo."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
from segue_schemas import StrictJSONError, models, strict_loads

from .. import draws

__all__ = [
    "CODES",
    "TERMINAL",
    "WIRE_NAMES",
    "Answer",
    "Exchange",
    "NotJSON",
    "Refuse",
    "Request",
    "StreamClient",
    "TurnFacts",
    "check_json",
    "pointer",
    "refusal",
    "retry_after",
    "status_for",
    "trace_headers",
    "turn_name",
]

WIRE_NAMES = ("segue-ws", "segue-http", "openai-ws", "openai-http", "chat", "anthropic")

TERMINAL = (models.TurnCompleted, models.TurnFailed)


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request below a binding's URL; header names in lower case.

    `key_header` is where the caller's key belongs on its wire; who sends the request knows the key.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    query: Mapping[str, str] = field(default_factory=dict)
    key_header: str = "authorization"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whole."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class TurnFacts:
    """What the gateway knows of an accepted turn and a foreign wire has to echo.

    `response_id` is the id of the continuation that the turn will issue; `created_at` is in seconds
    since the epoch, since the foreign wire wants clock time; `stored` says that it outlives its connection.
    """

    response_id: str
    created_at: int
    start: models.TurnStart
    stored: bool


class Refuse(Exception):
    """A client message that is refused: the error, and how a connection goes on.

    `close` is the WebSocket close code to use behind it (None: the connection stays), `status` the HTTP status.
    """

    def __init__(self, message: models.ErrorMessage, *, close: int | None = None, status: int | None = None) -> None:
        super().__init__(message.error.message)
        self.message = message
        self.error = message.error
        self.lane: str | None = None
        self.close = close
        self.status = status if status is not None else status_for(message.error.code)


class NotJSON(ValueError):
    """A message is not I-JSON; the text says why."""


class StreamClient(Protocol):
    """Client side of a wire that is one connection: text frames in and out, messages in between."""

    name: str
    subprotocols: tuple[str, ...]

    def send(self, message: models.ClientMessage) -> list[str]:
        """Return the frames that say this; NotCarried where the wire has no place for it."""
        ...

    def receive(self, frame: str | bytes) -> list[models.ServerMessage]:
        """Return the messages that a frame says; RemoteProtocolError where it breaks the wire's rules."""
        ...


class Exchange(Protocol):
    """Client side of one HTTP exchange: a request, then the answer's head, its bytes, its end.

    `elsewhere`: it goes to the routes of Segue over HTTP that stand beside an OpenAI wire.
    """

    request: Request
    ask_again_ms: int | None
    elsewhere: bool

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Take the status line and the headers (lower case)."""
        ...

    def data(self, chunk: bytes) -> list[models.ServerMessage]:
        """Take bytes of the body; return what they complete."""
        ...

    def end(self) -> list[models.ServerMessage]:
        """Take the end of the body; return what it completes, RemoteProtocolError where it comes too early."""
        ...


# One table for both HTTP wires: the status that fits a code (spec: errors).
_STATUS = {
    "malformed_message": 400,
    "unsupported_message": 400,
    "unsupported_version": 400,
    "invalid_request": 400,
    "message_too_large": 413,
    "unauthenticated": 401,
    "forbidden": 403,
    "continuation_not_found": 404,
    "history_mismatch": 409,
    "context_not_found": 404,
    "turn_conflict": 409,
    "turn_not_found": 404,
    "events_gone": 410,
    "lane_full": 429,
    "too_many_lanes": 400,
    "too_late": 409,
    "interrupted": 500,
    "rate_limited": 429,
    "quota_exceeded": 429,
    "slow_reader": 408,
    "overloaded": 503,
    "upstream_failed": 502,
    "upstream_timeout": 504,
    "deadline_exceeded": 504,
    "retention_unavailable": 400,
    "not_offered": 400,
    "draining": 503,
    "internal_error": 500,
}
_STATE = re.compile(r"[!-~](?:[ -~]{0,510}[!-~])?")

#: The error codes that the protocol knows (spec: errors).
CODES = frozenset(_STATUS)


def turn_name() -> str:
    """Return a fresh turn name with 128 bits of randomness (SEG-TURN-050)."""
    return "t_" + draws.token_urlsafe(16)


def trace_headers(trace: models.Trace | msgspec.UnsetType) -> dict[str, str]:
    """Return the headers that say a trace over HTTP; a `tracestate` that is no header's value is left out."""
    if not isinstance(trace, models.Trace):
        return {}
    state = trace.tracestate
    fits = isinstance(state, str) and _STATE.fullmatch(state)
    return {"traceparent": trace.traceparent, **({"tracestate": state} if fits and isinstance(state, str) else {})}


def status_for(code: str) -> int:
    """Return the HTTP status of an error code; 500 for one that this version does not know."""
    return _STATUS.get(code, 500)


def refusal(
    code: str,
    advice: models.Advice,
    message: str,
    *,
    effect: models.Effect = "none",
    param: str | None = None,
    refused: str | None = None,
    turn: str | None = None,
    detail: dict[str, object] | None = None,
    close: int | None = None,
    status: int | None = None,
) -> Refuse:
    """Return a refusal to raise; what is None is left out."""
    error = models.Error(
        code=code,
        advice=advice,
        effect=effect,
        message=message,
        param=msgspec.UNSET if param is None else param,
        detail=msgspec.UNSET if detail is None else detail,
    )
    told = models.ErrorMessage(
        error=error,
        refused=msgspec.UNSET if refused is None else refused,
        turn=msgspec.UNSET if turn is None else turn,
    )
    return Refuse(told, close=close, status=status)


def retry_after(milliseconds: object) -> dict[str, str]:
    """Return the header that tells a pause, in whole seconds and never too short; none where no pause is told."""
    return {"retry-after": str(-(-milliseconds // 1000))} if isinstance(milliseconds, int) else {}


def pointer(path: str) -> str:
    """Return the JSON Pointer of a member that msgspec names, such as `/require/1` for `require[1]` (SEG-ERR-006)."""
    return "/" + path.replace("[", ".").replace("]", "").replace(".", "/")


def check_json(data: str | bytes | msgspec.Raw) -> Any:
    """Return parsed I-JSON; NotJSON, with the reason, for what is none (duplicate keys, lone surrogates, NaN …)."""
    try:
        return strict_loads(bytes(data) if isinstance(data, msgspec.Raw) else data)
    except StrictJSONError as error:
        raise NotJSON(str(error)) from None
