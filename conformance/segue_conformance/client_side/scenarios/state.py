"""The endpoint has lost the parent: state is a cache, and a client that holds the items goes on without it."""

from __future__ import annotations

from dataclasses import replace

from ...verdicts import Deviation
from ..actions import Action
from ..envelopes import LOST, Fault, refuse
from ..judging import Run, check_bounded, check_outcome, check_whole
from ..scenario import Scenario
from ..seen import Ask

__all__ = ["AlwaysLost", "LostParent", "LostParentInWords", "LostParentNotFound"]

_RESEND = "SEG-CONT-092"
_OPENAI = frozenset({"openai-ws", "openai-http"})


class LostParent(Scenario):
    """Its parent is lost, once: it sends the whole history again, without that parent"""

    id = "client_state.lost_parent"
    requires = (_RESEND, "SEG-CONT-091", "SEG-ERR-022")
    profile = "continuation"
    needs = ("parents",)
    fault: Fault = LOST
    shape = "nested"

    def act(self, ask: Ask) -> Action | None:
        """Lose all that is held when the first parent is named, and refuse it from then on."""
        if ask.parent is None or not ask.generates:
            return None
        if self.hits == 0:
            self.lost = set(self.log.held)
        if ask.parent not in self.lost:
            return None
        self.hits += 1
        return refuse(ask, self.fault, self.shape)

    def judge(self, run: Run) -> str | None:
        """Judge what came behind the miss."""
        misses = [ask for ask in run.starts if ask.fault]
        check_whole(run, ["lost", "doubled", "order", "refused"])
        check_outcome(run, gave_up=(_RESEND, "the whole history as input, without a parent"))
        again = [ask for ask in misses[1:] if ask.parent == misses[0].parent]
        if again:
            raise Deviation(
                f"it named the lost parent {len(again)} more times before it sent the history whole",
                expected="the whole history at once",
                actual=f"{len(misses)} requests with {misses[0].parent}",
                requirement=_RESEND,
            )
        return "it sent the history whole and went on"


class LostParentNotFound(LostParent):
    """The same, told as gateways do: status 404 and `not_found`"""

    id = "client_state.lost_parent_404"
    wires = _OPENAI
    fault = replace(LOST, status=404, code="not_found", message="Previous response '{parent}' not found.")


class LostParentInWords(LostParent):
    """The same, told without a code: only the text says it"""

    id = "client_state.lost_parent_in_words"
    wires = _OPENAI
    fault = replace(LOST, code=None, message="Invalid previous_response_id: '{parent}'.", param=None)


class AlwaysLost(Scenario):
    """Each parent is lost, again and again: it goes on whole, or comes to an end"""

    id = "client_state.always_lost"
    requires = ("SEG-ERR-020", "SEG-CONT-091", "SEG-ERR-022")
    profile = "continuation"
    needs = ("parents",)

    def act(self, ask: Ask) -> Action | None:
        """Refuse every parent."""
        if ask.parent is None or not ask.generates:
            return None
        self.hits += 1
        return refuse(ask, LOST)

    def judge(self, run: Run) -> str | None:
        """Judge that there was an end."""
        check_bounded(run)
        check_whole(run, ["lost", "doubled", "order", "refused"])
        check_outcome(run)
        return None
