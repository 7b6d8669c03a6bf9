"""The answer is cut: without a word, in good order, or before it began."""

from __future__ import annotations

from typing import Any, ClassVar

from ...verdicts import Deviation
from ..actions import Action, Drop, Through
from ..judging import Run, check_bounded, check_outcome, check_whole, moved_on
from ..scenario import Scenario
from ..seen import Ask, Record

__all__ = ["BeforeAnswer", "CleanEnd", "MidAnswer"]

CUT = "SEG-TURN-150"


def is_text(event: dict[str, Any]) -> bool:
    """Whether an event brings text of an answer."""
    kind = event.get("type")
    return kind == "response.output_text.delta" or (
        kind == "item.delta" and "append" in event and "text" in event["at"]
    )


class MidAnswer(Scenario):
    """The connection is cut in mid-answer: it repeats the turn, reads it again, or says that it failed"""

    id = "client_cut.mid_answer"
    requires: ClassVar[tuple[str, ...]] = (CUT, "SEG-CONT-091", "SEG-ERR-020", "SEG-ERR-022")
    clean = False
    #: The record of the turn that is cut.
    cut: Record | None = None

    def act(self, ask: Ask) -> Action | None:
        """Let answers through until one brings text, and cut that one."""
        if self.hits or not ask.generates:
            return None

        def here(event: dict[str, Any]) -> bool:
            if self.hits == 0 and (not event or is_text(event)):
                self.hits += 1
                ask.fault = "cut"
                return True
            return False

        return Through(cut_at=here, clean=self.clean)

    def judge(self, run: Run) -> str | None:
        """Judge what came behind the cut."""
        check_bounded(run)
        cut = next(ask for ask in run.log.asks if ask.fault)
        on = moved_on(run, cut)
        if on is not None:
            raise Deviation(
                f"the answer to request {cut.number} was cut, and request {on.number} goes on as if it had been whole",
                expected="the same turn again, or an end that says so",
                actual="the next message of the task",
                requirement=CUT,
            )
        check_whole(run, ["lost", "doubled", "resent", "order", "refused"])
        check_outcome(run)
        return "it did the turn again" if run.finish.code == 0 else f"it ended with exit code {run.finish.code}"


class CleanEnd(MidAnswer):
    """The stream ends in good order, but without a terminal event: that is a cut as well"""

    id = "client_cut.clean_end"
    needs = ("streams",)
    clean = True


class BeforeAnswer(MidAnswer):
    """The connection is cut before any answer"""

    id = "client_cut.before_answer"

    def act(self, ask: Ask) -> Action | None:
        """Cut the connection of the second turn."""
        if not self.second(ask):
            return None
        self.hits += 1
        ask.fault = "dropped"
        return Drop()
