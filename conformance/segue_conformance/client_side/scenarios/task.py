"""Nothing is broken: what the agent sends by itself is whole, lean, and of one conversation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ...verdicts import Deviation, NotOffered, Untestable
from ..judging import KINDS, Run, check_bounded, check_whole, finished
from ..scenario import Scenario
from ..seen import text_of

__all__ = ["DeltaHoldsOnlyWhatIsNew", "Integers", "NoSegueUnasked", "TwoConversations", "Whole"]


class Whole(Scenario):
    """It does its task: each turn has the whole history, each item once and in order."""

    id = "client_task.whole"
    requires = ("SEG-CONT-091", "SEG-ERR-020")

    def judge(self, run: Run) -> str | None:
        """Judge the run without faults."""
        check_bounded(run)
        if not run.log.asks:
            told = f"it ended with exit code {run.finish.code}" if run.finish.why == "" else "it was ended from outside"
            raise Untestable(f"the agent asked nothing of the endpoint; {told}")
        check_whole(run, [kind for kind in KINDS if kind != "resent"])
        if not finished(run):
            raise Untestable(
                f"the agent did not ask for all that SEGUE_TASK says ({len(run.starts)} turns were asked for)"
            )
        if run.finish.code != 0:
            raise Untestable(
                f"exit code {run.finish.code}, though nothing was broken and all was answered: "
                "whether the agent takes a fault for success can't be told"
            )
        return f"{len(run.starts)} turns"


class DeltaHoldsOnlyWhatIsNew(Scenario):
    """Beside a parent it sends what is new, and nothing that the parent holds"""

    id = "client_task.delta_is_new"
    requires = ("SEG-CONT-090",)
    profile = "continuation"
    needs = ("parents",)
    of_plain = True

    def judge(self, run: Run) -> str | None:
        """Judge the run without faults."""
        check_whole(run, ["resent"])
        return None


class Integers(Scenario):
    """It writes integers as digits alone"""

    id = "client_task.integers"
    requires = ("SEG-MSG-009",)
    wires = frozenset({"segue-ws", "segue-http"})
    of_plain = True

    def judge(self, run: Run) -> str | None:
        """Judge the messages of the run without faults."""
        seen = 0
        for ask in run.log.asks:
            if not ask.wire.startswith("segue") or not ask.raw:
                continue
            message = json.loads(ask.raw, parse_float=_Fraction)
            for name, value in _numbers({k: v for k, v in message.items() if k not in ("input", "context")}, ""):
                seen += 1
                if isinstance(value, _Fraction):
                    raise Deviation(
                        f"the integer {name} is written as {value}",
                        expected="digits alone",
                        actual=f"{name}: {value}",
                    )
        if not seen:
            raise NotOffered("its messages held no integers")
        return None


class _Fraction(str):
    """A number as it was written, with a fraction or an exponent."""


def _numbers(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for member, inner in value.items():
            yield from _numbers(inner, member)
    elif isinstance(value, list):
        for inner in value:
            yield from _numbers(inner, name)
    elif isinstance(value, _Fraction) or (isinstance(value, int) and not isinstance(value, bool)):
        yield name, value


class NoSegueUnasked(Scenario):
    """It sends no member `segue` to an endpoint that has not declared itself"""

    id = "client_task.no_segue_unasked"
    requires = ("SEG-EXT-004",)
    wires = frozenset({"openai-ws", "openai-http"})
    of_plain = True

    def judge(self, run: Run) -> str | None:
        """Judge the messages of the run without faults."""
        for ask in run.log.asks:
            if ask.wire.startswith("openai") and "segue" in ask.message and not run.log.discovered:
                told = f"request {ask.number} bears `segue`, and the endpoint has declared nothing"
                raise Deviation(told, expected="a plain request", actual="a member `segue`")
        return None


class TwoConversations(Scenario):
    """It keeps two conversations apart"""

    id = "client_task.two_conversations"
    requires = ("SEG-ISO-020", "SEG-CONT-091")
    profile = "isolated"
    conversations = 2
    unprovoked = "the agent held one conversation"

    def judge(self, run: Run) -> str | None:
        """Judge the histories of both conversations."""
        check_bounded(run)
        words = [conversation.word for conversation in run.task.conversations]
        texts = [[text_of(item) for item in ask.items] for ask in run.starts]
        if any(all(word in text for word in words) for each in texts for text in each):
            raise NotOffered("the agent takes all of SEGUE_TASK as one message, and so holds one conversation")
        if not all(any(word in text for each in texts for text in each) for word in words):
            raise NotOffered("the agent held one conversation")
        check_whole(run, ["mixed", "doubled", "lost", "order", "refused"])
        return None
