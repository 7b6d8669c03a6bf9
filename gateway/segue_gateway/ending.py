"""How a turn ends: what its terminal event says, and the continuation that goes with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from segue_schemas import models

from .contexts import Context
from .history import History, grow
from .items import Item
from .output import Output
from .states import Cause, State
from .stores.base import Handle

__all__ = ["Ending", "Plan", "sum_of"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What acceptance decided: everything that a turn needs, resolved, so that nothing later changes it."""

    principal: str
    start: models.TurnStart
    inputs: Sequence[Item]
    parent: History
    parent_id: str | None
    parent_tier: models.Retention | None
    context: Context
    retention: models.Retention
    continuation: str
    scope: str | None
    life_ms: int | None
    created_at: int
    ignored: tuple[str, ...] = ()
    wire: str = ""


class Ending:
    """The part of a turn that says its end; it writes nothing."""

    plan: Plan
    name: str
    state: State
    output: Output
    _clock: Callable[[], float]
    _usage: models.Usage | None
    _omitted: tuple[int, ...]
    _received: float
    _begun: float | None
    _first_output: float | None

    def handle(self) -> Handle | None:
        """Return the continuation of what was seen; None where the granted retention keeps none (SEG-CONT-002)."""
        plan = self.plan
        if plan.retention == "none":
            return None
        return Handle(
            id=plan.continuation,
            history=self.history(),
            context=plan.context,
            retention=plan.retention,
            turn=self.name,
            scope=plan.scope if plan.retention == "connection" else None,
            parent=plan.parent_id,
            life_ms=plan.life_ms,
            created_at=plan.created_at,
        )

    def history(self) -> History:
        """Return the history behind the turn: its parent's, its input, and its output as recorded."""
        return grow(self.plan.parent, self.plan.inputs, self.output.items())

    def completed(
        self, to: State, reason: str | None, discarded: list[int], handle: Handle | None
    ) -> models.TurnCompleted:
        """Return the terminal event of a turn whose output is history."""
        history = handle.history if handle is not None else self.history()
        status: Any = to.value
        event = models.TurnCompleted(turn=self.name, status=status, digest=history.digest, length=history.length)
        if to is State.INCOMPLETE:
            event.reason = reason or "unknown"  # SEG-TURN-031
        omitted = sorted({*history.omitted, *self._omitted})
        if omitted:
            event.omitted = omitted
        if discarded:
            event.discarded = discarded
        if self._usage is not None:
            event.usage = self._usage
        event.timing = self.timing()
        if handle is not None:
            event.continuation = models.Continuation(
                id=handle.id,
                retention=handle.retention,
                digest=history.digest,
                length=history.length,
                context=self.plan.context.digest,
            )
            if handle.life_ms is not None:
                event.continuation.expires_in_ms = handle.life_ms
        return event

    def failed(self, error: models.Error) -> models.TurnFailed:
        """Return the terminal event of a turn that failed; what was delivered was paid for (SEG-ERR-004)."""
        if self.output.begun:
            error = msgspec.structs.replace(error, effect="partial")
        event = models.TurnFailed(turn=self.name, error=error)
        if self._usage is not None:
            event.usage = self._usage
        return event

    def error_of(self, cause: Cause) -> models.Error:
        """Return the error that a cause means, where the engine gave none."""
        ran = self.state is not State.QUEUED
        if cause is Cause.DEADLINE:
            text = f"The turn's deadline of {self.plan.start.deadline_ms} ms passed; give it more, or none."
            effect: models.Effect = "unknown" if ran else "none"
            return models.Error(
                code="deadline_exceeded", advice="fix", effect=effect, message=text, param="/deadline_ms"
            )
        if cause is Cause.INTERRUPTION:
            text = "The node that ran the turn was shut down."
            return models.Error(code="interrupted", advice="retry", effect="unknown" if ran else "none", message=text)
        text = "The endpoint failed while it ran the turn."
        return models.Error(code="internal_error", advice="retry", effect="unknown", message=text)

    def seconds(self) -> float:
        """Return for how long the turn has been here."""
        return self._clock() - self._received

    def timing(self) -> models.Timing:
        """Return where the time went so far."""
        now = self._clock()
        told = models.Timing(total_ms=_ms(now - self._received))
        if self._begun is not None:
            told.queued_ms = _ms(self._begun - self._received)
        if self._first_output is not None:
            told.first_output_ms = _ms(self._first_output - self._received)
        return told


def sum_of(billed: Sequence[models.Usage | None]) -> models.Usage | None:
    """Return what several requests cost together; None where one of them did not say (SEG-TURN-038)."""
    known = [usage for usage in billed if usage is not None]
    if not known or len(known) != len(billed):
        return None
    total = msgspec.structs.replace(known[0])
    for usage in known[1:]:
        for name in usage.__struct_fields__:
            one, more = getattr(total, name), getattr(usage, name)
            setattr(total, name, one + more if isinstance(one, int) and isinstance(more, int) else msgspec.UNSET)
    return total


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
