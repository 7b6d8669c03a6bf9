"""Structured logs: a line where something ends, in JSON or for people, and no content in any (SEG-OBS-030).

Names, ids, digests, sizes and durations lead from a client's log to this one. What somebody said, in an item, a
context or an error's own words, stands in none of them; nor does what a library says of its own accord, since nobody
knows what that holds: of it the place in the code is told.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

import msgspec
from segue_schemas import models

from .base import Ask, Observer
from .facts import brought, error_of, outcome_of, place_of, type_of, usage_of, written

if TYPE_CHECKING:
    from ..connection import Connection
    from ..turns import Turn

__all__ = ["EVENTS", "Logs", "configure"]

#: Each event, the level of its line, and what the line is about.
EVENTS: Mapping[str, tuple[int, str]] = {
    "serving": (logging.INFO, "The process takes connections, at an address."),
    "draining": (logging.INFO, "It was asked to end, with so many turns running and connections open."),
    "turn.accepted": (logging.DEBUG, "A turn was accepted."),
    "turn.ended": (logging.INFO, "A turn ended: one line each, with everything that is told of it."),
    "refused": (logging.INFO, "A message, a request or an upgrade was refused, with its code."),
    "connection.opened": (logging.INFO, "A WebSocket connection was accepted."),
    "connection.closed": (logging.INFO, "A WebSocket connection ended, with its seconds."),
    "evicted": (logging.INFO, "Continuations were given up before their expiry."),
    "upstream.failed": (logging.WARNING, "The provider failed, refused, fell silent or was cut off, with the code."),
    "traces.missing": (logging.WARNING, "Traces are asked for, and what sends them is not installed."),
    "fault": (logging.ERROR, "A fault of the endpoint or its store: its type, and the places in the code."),
    "library": (logging.WARNING, "Something that a library has to say: its logger and its place in the code."),
}

#: Libraries whose messages hold nothing of a client's: an exporter's tell where the traces did not go.
_TRUSTED = ("opentelemetry",)

log = logging.getLogger("segue.gateway")


class Logs(Observer):
    """Writes a line for what happens, to the log `segue.gateway`."""

    def serving(self, url: str) -> None:
        """Write where."""
        _write("serving", url=url)

    def draining(self, turns: int, connections: int) -> None:
        """Write how much there still is."""
        _write("draining", turns=turns, connections=connections)

    def opened(self, connection: Connection) -> None:
        """Write who came, over what."""
        _write(
            "connection.opened", wire=connection.wire, principal=connection.principal,
            connection=_short(connection.scope),
        )  # fmt: skip

    def closed(self, connection: Connection, seconds: float) -> None:
        """Write who went, and after how long."""
        _write(
            "connection.closed", wire=connection.wire, principal=connection.principal,
            connection=_short(connection.scope), seconds=round(seconds, 3),
        )  # fmt: skip

    def refused(self, wire: str, principal: str | None, refused: models.ErrorMessage) -> None:
        """Write what was refused, and the code, without the sentence."""
        error = refused.error
        _write(
            "refused", wire=wire, principal=principal, code=error.code, effect=error.effect, advice=error.advice,
            refused=type_of(refused), turn=refused.turn, param=place_of(error),
        )  # fmt: skip

    def accepted(self, turn: Turn) -> None:
        """Write that it was accepted."""
        if log.isEnabledFor(logging.DEBUG):
            _write("turn.accepted", turn=turn.name, principal=turn.plan.principal, wire=turn.plan.wire)

    def ended(self, turn: Turn) -> None:
        """Write everything that is told of a turn."""
        if not log.isEnabledFor(logging.INFO):
            return
        plan, error, usage, last = turn.plan, error_of(turn), usage_of(turn), turn.events[-1]
        received, saved = brought(turn)
        continuation = getattr(last, "continuation", None)
        timing = turn.timing()
        _write(
            "turn.ended",
            turn=turn.name, principal=plan.principal, wire=plan.wire, connection=_short(plan.scope),
            status=outcome_of(turn),
            reason=getattr(last, "reason", None),
            code=error and error.code, effect=error and error.effect, advice=error and error.advice,
            parent=plan.parent_id,
            continuation=continuation.id if isinstance(continuation, models.Continuation) else None,
            retention=plan.retention,
            digest=getattr(last, "digest", None), length=getattr(last, "length", None), context=plan.context.digest,
            reused_items=plan.parent.count, input_items=len(plan.inputs), output_items=len(turn.output.items()),
            received_bytes=received, saved_bytes=saved, written_bytes=written(turn),
            queued_ms=timing.queued_ms, first_output_ms=timing.first_output_ms, total_ms=timing.total_ms,
            provider_ms=round(turn.provider_seconds * 1000), provider_requests=turn.asks,
            input_tokens=usage and usage.input_tokens, output_tokens=usage and usage.output_tokens,
            cached_tokens=usage and usage.cached_tokens,
            trace_id=turn.trace_id,
        )  # fmt: skip

    def answered(self, ask: Ask) -> None:
        """Write what a provider did not do."""
        if ask.outcome == "failed" and ask.turn.engine.name != "scripted":
            error = ask.error
            _write(
                "upstream.failed", engine=ask.turn.engine.name, turn=ask.turn.name, principal=ask.turn.plan.principal,
                code=error and error.code, effect=error and error.effect, seconds=round(ask.seconds, 3),
            )  # fmt: skip

    def evicted(self, principal: str, count: int) -> None:
        """Write how many were given up."""
        _write("evicted", principal=principal, count=count)


def _write(event: str, **fields: Any) -> None:
    level = EVENTS[event][0]
    if log.isEnabledFor(level):
        known = {name: value for name, value in fields.items() if value is not None and value is not msgspec.UNSET}
        log.log(level, "", extra={"event": event, "fields": known})


def _short(scope: str | None) -> str | None:
    """Return what tells connections apart in a log."""
    return None if scope is None else scope[:8]


def configure(level: str, form: str, stream: IO[str] | None = None) -> logging.Handler:
    """Have the process log lines of one form, ours from a level on and those of libraries from `warning` on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_JSONLines() if form == "json" else _Lines())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("segue").setLevel(level.upper())
    return handler


def _told(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a line says, whoever wrote it."""
    told: dict[str, Any] = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
        "level": record.levelname.lower(),
    }
    if record.name == log.name:
        told["event"] = getattr(record, "event", "fault")
        fields = getattr(record, "fields", None)
        return {**told, **fields} if isinstance(fields, dict) else {**told, "message": record.getMessage()}
    told.update(event="library", logger=record.name, place=f"{record.module}:{record.lineno}")
    if record.exc_info and record.exc_info[0] is not None:
        told["error"] = record.exc_info[0].__name__
    if record.name.partition(".")[0] in _TRUSTED:
        told["message"] = record.getMessage()
    return told


class _JSONLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return msgspec.json.encode(_told(record)).decode()


class _Lines(logging.Formatter):
    """Words for people: `time level event name=value …`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told = _told(record)
        head = [told.pop("time"), f"{told.pop('level'):<7}", told.pop("event")]
        message = told.pop("message", None)
        words = (f"{name}={_word(value)}" for name, value in told.items())
        return " ".join([*head, *([message] if message else []), *words])


def _word(value: object) -> str:
    """Return a value as one word."""
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text)
