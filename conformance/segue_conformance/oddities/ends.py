"""Oddities in what comes late or goes early: cancels, steers, records of turns that are not kept, other statuses."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from segue_adapters.wires.base import Answer, Request
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Ended
from segue_gateway.turns import Turn

from ..mutants.wire_fault import NATIVE, Told, WireFault

__all__ = ["AnswersOtherwise", "CancelsLate", "DropsWhatIsNotKept", "EndsRatherThanSteers", "GivesUpOnTheProvider"]


class _Late(Turn):
    def cancel(self, *, keep: bool = True) -> None:
        """Ask that the turn stop, a while later."""
        loop = asyncio.get_running_loop()
        loop.call_later(0.15, lambda: super(_Late, self).cancel(keep=keep))


class CancelsLate(Endpoint):
    """A cancel takes effect after a while; a model that comes to its end before that has answered.

    Legal: lanes, Cancel: "A cancel is a request: the model may have come to its end first".
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE
    turn_type = _Late


class _Ending(Turn):
    over = False

    async def _model_ended(self, event: Ended) -> bool:
        self.over = True
        return await super()._model_ended(event)

    async def enter(self) -> bool:
        """Let nothing enter behind the last item."""
        return False if self.over else await super().enter()


class EndsRatherThanSteers(Endpoint):
    """Behind the last item no steer enters: the turn ends, and it was too late.

    Legal: lanes, Steers: "the endpoint may ask the model again with the steer's items, or end the turn and answer
    `too_late`".
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE
    turn_type = _Ending


class DropsWhatIsNotKept(Endpoint):
    """The record of a turn of retention none ends with the turn.

    Legal: resume, How long they last: "the terminal event, or later"; "With retention `none` and no window the record
    is gone with its terminal event for everybody who does not read it then".
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE

    def ended(self, turn: Turn) -> None:
        """Take note that a turn runs no more, and drop its record where nothing of it is kept."""
        super().ended(turn)
        if turn.plan.retention == "none":
            store: Any = self.store
            kept = store._turn(turn.plan.principal, turn.name)
            if kept is not None:
                store._drop_record(turn.plan.principal, turn.name, kept.serial)


class AnswersOtherwise(WireFault):
    """An import is answered 200, a context that was put 201, with a word about it.

    Legal: binding-segue-http, Routes: "200 or 201", "200, 201 or 204".
    """

    wires = ("segue-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Answer by another status."""
        if answer.status == 201:
            return Answer(200, answer.headers, answer.body)
        if answer.status == 204:
            return Answer(201, {**answer.headers, "content-type": "application/json"}, b'{"held": true}')
        return answer


class GivesUpOnTheProvider(WireFault):
    """A provider's failure is one that it would repeat.

    Legal: errors, Advice: with `upstream_failed` `give_up` "where it will refuse anything, as for an endpoint's own
    credential".
    """

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Advise to give up."""
        if event["type"] == "turn.failed" and event["error"]["code"] == "upstream_failed":
            event["error"]["advice"] = "give_up"
        return event
