"""Errors, in each envelope that is known; once, and without end."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from ...verdicts import Deviation, NotOffered
from ..actions import Action, Answer, Frames, Through
from ..envelopes import BROKEN, BUSY, Fault, refuse
from ..judging import Run, check_bounded, check_outcome, check_whole, moved_on
from ..scenario import Scenario
from ..seen import Ask
from .cuts import is_text

__all__ = ["Failed", "Flat", "ForEver", "InStream", "Incomplete", "Odd", "RetryAfter", "ServerError"]

_ANSWERED = "SEG-ERR-022"
_OPENAI = frozenset({"openai-ws", "openai-http"})


class ServerError(Scenario):
    """A turn is refused by a fault of the endpoint: it repeats it, or says that it failed"""

    id = "client_errors.server_error"
    requires = (_ANSWERED, "SEG-ERR-020", "SEG-CONT-091")
    fault: Fault = BROKEN

    def act(self, ask: Ask) -> Action | None:
        """Refuse the second turn, once."""
        if not self.second(ask):
            return None
        self.hits += 1
        return self.refusal(ask)

    def refusal(self, ask: Ask) -> Action:
        """Return the refusal."""
        return refuse(ask, self.fault)

    def judge(self, run: Run) -> str | None:
        """Judge what came behind it."""
        check_bounded(run)
        failed = next(ask for ask in run.log.asks if ask.fault)
        on = moved_on(run, failed)
        if on is not None:
            raise Deviation(
                f"request {failed.number} was answered by an error, and request {on.number} goes on all the same",
                expected="the same turn again, or an end that says so",
                actual="the next message of the task",
                requirement=_ANSWERED,
            )
        check_whole(run, ["lost", "doubled", "resent", "order", "refused"])
        check_outcome(run)
        return "it repeated the turn" if run.finish.code == 0 else f"it ended with exit code {run.finish.code}"


class Flat(ServerError):
    """The same, its members beside `type` instead of in `error`"""

    id = "client_errors.flat"
    wires = _OPENAI

    def refusal(self, ask: Ask) -> Action:
        """Return the refusal."""
        return refuse(ask, self.fault, "flat")


class Odd(ServerError):
    """The same, as gateways send it: `status_code` over a WebSocket, a page of HTML over HTTP"""

    id = "client_errors.odd"
    wires = _OPENAI
    fault = replace(BROKEN, status=502, code="server_error", message="Bad gateway.")

    def refusal(self, ask: Ask) -> Action:
        """Return the refusal."""
        return refuse(ask, self.fault, "page" if ask.wire == "openai-http" else "status_code")


class InStream(ServerError):
    """An error ends the stream behind the first words"""

    id = "client_errors.in_stream"
    wires = _OPENAI
    needs = ("streams",)

    def act(self, ask: Ask) -> Action | None:
        """Let words through, and an error behind the first of them instead of the rest."""
        if self.hits or not ask.generates:
            return None

        def then(event: dict[str, Any]) -> list[dict[str, Any]]:
            if self.hits:
                return []
            if not is_text(event):
                return [event]
            self.hits += 1
            ask.fault, ask.cut = "an error in the stream", True
            number = event.get("sequence_number", 0) + 1
            told = {"type": "error", "code": "server_error", "message": BROKEN.message, "param": None}
            lane = {} if ask.lane is None else {"stream_id": ask.lane}
            return [event, {**told, "sequence_number": number, **lane}]

        return Through(rewrite=then)


class Failed(ServerError):
    """A turn fails: `response.failed`, or `turn.failed`"""

    id = "client_errors.failed"

    def refusal(self, ask: Ask) -> Action:
        """Return an answer that begins well and fails."""
        ask.fault, ask.record.end, ask.record.begun = "failed", "failed", True
        events = _failed_turn(ask) if ask.wire.startswith("segue") else _failed_response(ask)
        if ask.wire.endswith("-ws"):
            return Frames(events)
        if ask.wire == "openai-http" and ask.message.get("stream") is not True:
            return Answer(200, json.dumps(events[-1]["response"]).encode())
        if ask.wire == "segue-http" and (ask.message.get("delivery") or {}).get("mode") == "final":
            ended = {k: v for k, v in events[-1].items() if k != "type"}
            told = {"type": "turn.snapshot", **{k: v for k, v in events[0].items() if k not in ("type", "seq")}}
            return Answer(200, json.dumps({**told, "items": [], "failed": ended}).encode())
        lines = [(f"id: {event['seq']}\n" if "seq" in event else "") + f"event: {event['type']}\n" for event in events]
        body = "".join(f"{head}data: {json.dumps(event)}\n\n" for head, event in zip(lines, events, strict=True))
        return Answer(200, body.encode(), {"content-type": "text/event-stream"})


def _failed_response(ask: Ask) -> list[dict[str, Any]]:
    told: dict[str, Any] = {
        "id": "resp_" + "f" * 32, "object": "response", "created_at": 1_700_000_000, "model": ask.message.get("model"),
        "status": "in_progress", "output": [], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "usage": None,
        "temperature": 1.0, "top_p": 1.0,
    }  # fmt: skip
    error = {"code": "server_error", "message": BROKEN.message}
    lane = {} if ask.lane is None else {"stream_id": ask.lane}
    return [
        {"type": "response.created", "sequence_number": 0, "response": told, **lane},
        {"type": "response.failed", "sequence_number": 1, **lane}
        | {"response": {**told, "status": "failed", "error": error}},
    ]


def _failed_turn(ask: Ask) -> list[dict[str, Any]]:
    error = {**replace(BROKEN, native=("upstream_failed", "retry", "unknown")).segue()}
    digest = "segue1-sha256:" + "0" * 64
    return [
        {"type": "turn.accepted", "turn": ask.turn, "seq": 0, "context": digest, "retention": "none"},
        {"type": "turn.failed", "turn": ask.turn, "seq": 1, "error": error},
    ]


class Incomplete(Scenario):
    """An answer is cut at a budget of tokens: what was said stays in the history, or it says that it failed"""

    id = "client_errors.incomplete"
    requires = ("SEG-CONT-091", "SEG-ERR-022")

    def act(self, ask: Ask) -> Action | None:
        """Have the model stop in the middle of its first text."""
        if self.hits == 0 and ask.generates:
            self.hits += 1
            self.model.cut_next = True
        return None

    def judge(self, run: Run) -> str | None:
        """Judge the histories behind it."""
        if not any(ask.record.end == "incomplete" for ask in run.log.asks):
            raise NotOffered("no answer was cut: the model came to none")
        check_whole(run, ["lost", "doubled", "resent", "order", "refused"])
        check_outcome(run)
        return None


class ForEver(Scenario):
    """Every turn is refused by a fault of the endpoint: it comes to an end, and says that it failed"""

    id = "client_errors.for_ever"
    requires = ("SEG-ERR-020", "SEG-ERR-022")

    def act(self, ask: Ask) -> Action | None:
        """Refuse everything."""
        self.hits += 1
        return refuse(ask, BROKEN)

    def judge(self, run: Run) -> str | None:
        """Judge that there was an end."""
        check_outcome(run)
        return f"it ended behind {len(run.log.asks)} requests"


class RetryAfter(Scenario):
    """A turn is refused for a while: it repeats it no sooner than it was told to"""

    id = "client_errors.retry_after"
    requires = ("SEG-ERR-021", "SEG-ERR-022")

    def act(self, ask: Ask) -> Action | None:
        """Refuse the second turn once, for two seconds."""
        if not self.second(ask):
            return None
        self.hits += 1
        return refuse(ask, BUSY)

    def judge(self, run: Run) -> str | None:
        """Judge when it came again."""
        refused = next(ask for ask in run.log.asks if ask.fault)
        later = [ask for ask in run.starts if ask.number > refused.number]
        check_outcome(run)
        if not later:
            raise NotOffered(f"it repeated nothing, and ended with exit code {run.finish.code}")
        assert BUSY.wait is not None
        assert refused.done_at is not None
        waited = later[0].at - refused.done_at
        # A timer may fire a little early; nobody is accused of a hair's breadth.
        if waited < BUSY.wait * 0.95:
            raise Deviation(
                f"it was told to wait {BUSY.wait:g} s and came again after {waited:.2f} s",
                expected=f"a pause of {BUSY.wait:g} s",
                actual=f"{waited:.2f} s",
            )
        return f"it waited {waited:.1f} s"
