"""What is legal in a stream and not every client bears: pauses, and types and members that it does not know."""

from __future__ import annotations

from typing import Any, ClassVar

from ...verdicts import Deviation
from ..actions import Action, Through
from ..judging import Run, check_bounded, check_whole, finished
from ..scenario import Scenario
from ..seen import Ask

__all__ = ["Slow", "UnknownEvents", "UnknownFirst", "UnknownItem", "UnknownMembers"]

_BEGIN = ("response.created", "turn.accepted")


class Slow(Scenario):
    """An answer comes slowly: it waits, and asks nothing a second time"""

    id = "client_stream.slow"
    requires = ("SEG-LIVE-060", "SEG-CONT-091")

    def act(self, ask: Ask) -> Action | None:
        """Let the second answer take some three seconds, its events a fraction of one apart."""
        if not self.second(ask):
            return None
        self.hits += 1
        ask.fault = "slow"
        return Through(first=1.2, between=0.1)

    def judge(self, run: Run) -> str | None:
        """Judge what it did meanwhile."""
        check_bounded(run)
        slow = next(ask for ask in run.log.asks if ask.fault)
        end = slow.done_at if slow.done_at is not None else run.finish.seconds
        meanwhile = [ask for ask in run.starts if ask is not slow and slow.at < ask.at < end]
        if meanwhile or not slow.answered:
            what = "asked for another turn" if meanwhile else "went away"
            raise Deviation(
                f"it {what} while the answer to request {slow.number} was still coming",
                expected="patience as long as events come",
                actual=f"{what} after {(meanwhile[0].at if meanwhile else end) - slow.at:.1f} s",
            )
        check_whole(run)
        return None


class UnknownEvents(Scenario):
    """Events of types that it does not know come between the others: it passes them over"""

    id = "client_stream.unknown_events"
    requires: ClassVar[tuple[str, ...]] = ("SEG-MSG-013",)
    needs: ClassVar[tuple[str, ...]] = ("streams",)

    def act(self, ask: Ask) -> Action | None:
        """Send two kinds of unknown events behind each event, once the answer has begun."""
        self.hits += 1
        ask.fault = "unknown events"
        return Through(rewrite=lambda event: self.around(ask, event))

    def around(self, ask: Ask, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Return an event with unknown ones behind it."""
        if event.get("type") in ("response.completed", "response.incomplete", "response.failed", "turn.completed"):
            return [unknown(ask), event]
        return [event, unknown(ask), {"type": "vendor.note", "vendor_note": {"é": [1, None]}}]

    def judge(self, run: Run) -> str | None:
        """Judge that it got through."""
        check_bounded(run)
        if not finished(run) or run.finish.code != 0:
            ended = f"exit code {run.finish.code}" if run.finish.code is not None else "ended from outside"
            raise Deviation(
                f"it did not get through ({ended}, {len(run.starts)} turns); without them it does",
                expected="the task done as without them",
                actual=ended + _last_line(run),
            )
        check_whole(run)
        return None


class UnknownFirst(UnknownEvents):
    """An event of a type that it does not know comes before all others"""

    id = "client_stream.unknown_first"

    def around(self, ask: Ask, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the event, with an unknown one before it where it is the first."""
        return [unknown(ask), event] if event.get("type") in _BEGIN else [event]


class UnknownMembers(UnknownEvents):
    """Messages, responses and items bear members that it does not know"""

    id = "client_stream.unknown_members"
    requires = ("SEG-MSG-012",)
    needs = ()

    def act(self, ask: Ask) -> Action | None:
        """Add members everywhere."""
        self.hits += 1
        ask.fault = "unknown members"
        return Through(rewrite=lambda event: [_dressed(event)], body=_dressed)


class UnknownItem(UnknownEvents):
    """The output holds an item of a type that it does not know"""

    id = "client_stream.unknown_item"
    requires = ("SEG-ITEM-050", "SEG-CONT-091")
    needs = ()

    def act(self, ask: Ask) -> Action | None:
        """Have the model put such an item before its next text."""
        if ask.generates and self.hits == 0:
            self.hits += 1
            ask.fault = "an unknown item"
            self.model.odd_next = True
        return None


def unknown(ask: Ask) -> dict[str, Any]:
    """Return an event that no client knows, in the shape of its wire."""
    if ask.wire.startswith("segue"):
        return {"type": "vendor.weather", "turn": ask.turn, "sky": "clear"}
    return {"type": "codex.rate_limits", "rate_limits": {"allowed": True}}


def _dressed(value: dict[str, Any]) -> dict[str, Any]:
    """Return an object with a member that nobody knows, in it and in what it holds; items and contexts stay."""
    dressed: dict[str, Any] = {"vendor_note": {"é": [1, None, "→"]}, **value}
    for name in ("response", "continuation", "usage"):
        if isinstance(value.get(name), dict):
            dressed[name] = _dressed(value[name])
    return dressed


def _last_line(run: Run) -> str:
    lines = [line.strip() for line in run.finish.output.splitlines() if line.strip()]
    return f": {lines[-1][:200]}" if lines else ""
