"""What only Segue's own wires say: advice beside codes, notices, versions, records that are read again."""

from __future__ import annotations

from typing import Any, ClassVar

from ...verdicts import Deviation, NotOffered
from ..actions import Action, Frames
from ..envelopes import LOST, Fault, refuse
from ..judging import Run, check_bounded, check_outcome, check_whole, finished
from ..scenario import Scenario
from ..seen import Ask
from .cuts import MidAnswer
from .sockets import ConnectionLimit

__all__ = [
    "AdviceGiveUp", "AdviceResend", "AdviceWait", "BuiltAnew", "ClosedBusy", "ClosedForbidden", "Draining",
    "MinorVersion",
]  # fmt: skip

_SEGUE = frozenset({"segue-ws", "segue-http"})
_ADVICE = "SEG-ERR-009"


class _Advice(Scenario):
    """An error whose code nobody knows, so that only its advice helps."""

    requires: ClassVar[tuple[str, ...]] = (_ADVICE,)
    wires = _SEGUE
    advice = ""
    wait: float | None = None

    def act(self, ask: Ask) -> Action | None:
        """Refuse the second turn, once."""
        if not self.second(ask):
            return None
        self.hits += 1
        native = ("vendor_tide_is_low", self.advice, "none")
        return refuse(ask, Fault(503, None, "The tide is low.", native, wait=self.wait))

    def behind(self, run: Run) -> tuple[Ask, list[Ask]]:
        """Return the refused request and those that came behind it."""
        refused = next(ask for ask in run.log.asks if ask.fault)
        return refused, [ask for ask in run.starts if ask.number > refused.number]


class AdviceWait(_Advice):
    """A code that it does not know, with the advice to wait: it does the same again after that time"""

    id = "client_segue.advice_wait"
    requires = (_ADVICE, "SEG-ERR-021")
    advice = "wait"
    wait = 1.5

    def judge(self, run: Run) -> str | None:
        """Judge when it came again."""
        check_outcome(run, gave_up=(_ADVICE, "the same turn after the time that the error gives"))
        refused, later = self.behind(run)
        assert refused.done_at is not None
        waited = later[0].at - refused.done_at
        if waited < self.wait * 0.95:
            told = f"it was told to wait {self.wait:g} s and came again after {waited:.2f} s"
            raise Deviation(told, expected=f"a pause of {self.wait:g} s", actual=f"{waited:.2f} s")
        return f"it waited {waited:.1f} s"


class AdviceResend(_Advice):
    """A code that it does not know, with the advice to send all: it sends the whole history without the parent"""

    id = "client_segue.advice_resend"
    requires = (_ADVICE, "SEG-CONT-091")
    profile = "continuation"
    needs = ("parents",)
    advice = "resend_full"

    def act(self, ask: Ask) -> Action | None:
        """Refuse the first request with a parent."""
        return super().act(ask) if ask.parent is not None else None

    def judge(self, run: Run) -> str | None:
        """Judge what it sent."""
        check_whole(run, ["lost", "doubled", "order", "refused"])
        check_outcome(run, gave_up=(_ADVICE, "the whole history as input, without a parent"))
        _, later = self.behind(run)
        if later[0].parent is not None:
            told = f"request {later[0].number} names a parent again"
            raise Deviation(told, expected="the whole history, no parent", actual=f"parent {later[0].parent}")
        return None


class AdviceGiveUp(_Advice):
    """A code that it does not know, with the advice to give up: it does not do the same again"""

    id = "client_segue.advice_give_up"
    requires = (_ADVICE, "SEG-ERR-022")
    advice = "give_up"

    def judge(self, run: Run) -> str | None:
        """Judge that it stopped."""
        check_bounded(run)
        refused, later = self.behind(run)
        again = [ask for ask in later if [*ask.items] == [*refused.items]]
        if again:
            told = f"it was told to give up, and request {again[0].number} does the same again"
            raise Deviation(told, expected="no repeat", actual=f"{len(again)} repeats")
        check_outcome(run)
        return None


class MinorVersion(Scenario):
    """The endpoint speaks a later minor version: it works with it all the same"""

    id = "client_segue.minor_version"
    requires = ("SEG-VER-003",)
    profile = "live"
    wires = frozenset({"segue-ws"})

    def loose(self, wire: str, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Say another minor version in `welcome`."""
        if event.get("type") != "welcome":
            return [event]
        self.hits += 1
        return [{**event, "protocol": "1.7"}]

    def judge(self, run: Run) -> str | None:
        """Judge that it got through."""
        check_bounded(run)
        if not finished(run):
            told = "it turned away from an endpoint of version 1.7"
            raise Deviation(told, expected="the task done", actual=f"exit code {run.finish.code}")
        return None


class Draining(ConnectionLimit):
    """Its connection drains: it starts its next turn over another"""

    id = "client_segue.draining"
    requires = ("SEG-LIVE-062", "SEG-ERR-022", "SEG-CONT-091")
    profile = "live"
    wires = frozenset({"segue-ws"})

    def act(self, ask: Ask) -> Action | None:
        """Tell that the connection drains where the second turn arrives, and refuse new turns on it from then on."""
        if self.second(ask):
            self.connection = ask.connection
        elif self.hits == 0 or ask.connection != self.connection or not ask.generates:
            return None
        self.hits += 1
        notice = {
            "type": "connection.draining",
            "reason": "lifetime",
            "close_in_ms": 5_000,
            "resumable_elsewhere": True,
        }
        native = ("draining", "reconnect", "none")
        refusal = refuse(ask, Fault(503, None, "This connection is about to end.", native))
        assert isinstance(refusal, Frames)
        return Frames([notice, *refusal.messages] if self.hits == 1 else refusal.messages)


class ClosedForbidden(Scenario):
    """Each connection is closed with 4403, since it may not do this: it comes to an end"""

    id = "client_segue.closed_forbidden"
    requires = ("SEG-ERR-020", "SEG-ERR-022")
    profile = "live"
    wires = frozenset({"segue-ws"})

    def act(self, ask: Ask) -> Action | None:
        """Answer everything by an error of the connection, and close."""
        self.hits += 1
        return _closing(ask, Fault(403, None, "You may not do this.", ("forbidden", "give_up", "none")), 4403)

    def judge(self, run: Run) -> str | None:
        """Judge that there was an end."""
        check_outcome(run)
        return f"it ended behind {len(run.log.upgrades)} connections"


class ClosedBusy(Scenario):
    """Its connection is closed with 4429, and told how long to stay away: it comes again after that time"""

    id = "client_segue.closed_busy"
    requires = ("SEG-ERR-021", "SEG-LIVE-062", "SEG-ERR-022")
    profile = "live"
    wires = frozenset({"segue-ws"})
    wait = 1.5

    def act(self, ask: Ask) -> Action | None:
        """Close the connection where the second turn arrives."""
        if not self.second(ask):
            return None
        self.hits += 1
        native = ("rate_limited", "wait", "none")
        return _closing(ask, Fault(429, None, "Too many turns.", native, wait=self.wait), 4429)

    def judge(self, run: Run) -> str | None:
        """Judge when it came again."""
        closed = next(ask for ask in run.log.asks if ask.fault)
        later = [upgrade for upgrade in run.log.upgrades if upgrade.at > closed.at]
        check_whole(run, ["lost", "doubled", "resent", "order", "refused"])
        check_outcome(run, gave_up=("SEG-LIVE-062", "another connection after the time that the error gives"))
        assert closed.done_at is not None
        waited = later[0].at - closed.done_at if later else self.wait
        if waited < self.wait * 0.95:
            told = f"it was told to stay away for {self.wait:g} s and came again after {waited:.2f} s"
            raise Deviation(told, expected=f"a pause of {self.wait:g} s", actual=f"{waited:.2f} s")
        return f"it waited {waited:.1f} s"


def _closing(ask: Ask, fault: Fault, code: int) -> Frames:
    """Return an error of the connection, and its close."""
    ask.fault, ask.record.end, ask.record.code = f"closed: {code}", "refused", fault.native[0]
    return Frames([{"type": "error", "error": fault.segue()}], close=code)


class BuiltAnew(MidAnswer):
    """A turn is read again from its beginning: what it had built of it is dropped, not doubled"""

    id = "client_segue.built_anew"
    requires = ("SEG-TURN-085", "SEG-CONT-091")
    profile = "resumable"
    wires = _SEGUE
    needs = ("parents",)

    def act(self, ask: Ask) -> Action | None:
        """Cut one answer, and lose the parent that it made, so that the client has to say what it holds."""
        if self.hits and ask.kind == "start" and ask.parent is not None and ask.record is not self.cut:
            return refuse(ask, LOST)
        if self.hits == 0:
            self.cut = ask.record
        return super().act(ask)

    def judge(self, run: Run) -> str | None:
        """Judge the history that it sends whole."""
        check_bounded(run)
        cut = next(ask for ask in run.log.asks if ask.fault == "cut")
        if cut.record.readings < 2:
            raise NotOffered("it did not read the turn again from its beginning")
        whole = [ask for ask in run.starts if ask.number > cut.number and ask.parent is None and ask.turn != cut.turn]
        if not whole:
            raise NotOffered("it never sent its history whole, so what it holds did not show")
        check_whole(run, ["lost", "doubled", "order", "refused"])
        return None
