"""What a turn does where something went wrong: what is advised, as far as it is allowed."""

from __future__ import annotations

from segue_schemas import models

from ..errors import SegueError, TurnUnknown
from ..wires.base import turn_name
from .commands import Connect, Ended, Submit
from .events import Recovery, What
from .rules import Counts, Move, Trouble, advised, pause_for
from .sending import Sending

__all__ = ["Mending"]


class Mending(Sending):
    """The part of a turn that recovers."""

    def _refused(self, error: models.Error) -> None:
        was, self._fate = self._fate, "free"
        trouble = advised("refused", error)
        if was == "unknown" and error.code == "events_gone":
            self.command = Ended(TurnUnknown(self._current, error.message, "its record is gone"))
            return
        self._act(trouble, error, Ended())

    def _turn_failed(self, message: models.TurnFailed) -> None:
        trouble = advised("failed", message.error)
        self._act(trouble, message.error, Ended())

    def _act(self, trouble: Trouble, error: models.Error, otherwise: Ended) -> None:
        """Do what an advice asks for, where it is allowed; else it is the outcome."""
        move = self._decide(trouble)
        delta = self._plan is not None and self._plan.kind == "delta"
        if (move == "full" and not delta and self._part == 0) or (move == "context" and not self._by_digest()):
            move = "stop"  # it was sent whole already
        if move == "stop":
            if not self.outcome.failed:
                self.outcome.refused = error
            if trouble.effect == "none" and trouble.where == "refused" and error.advice not in ("fix", "authenticate"):
                self._elsewhere_or(otherwise, error.message, error)
            else:
                self._end(otherwise)
            return
        if trouble.where == "failed":
            self.name = turn_name()  # the old one is claimed
            self._plan = None
            self._best = -1
        self._forget_reading("free")
        self.outcome.failed = self.outcome.refused = None
        if move == "full":
            self._send_whole(error)
        elif move == "context":
            self._whole_context = True
            self._tell(Recovery(self.name, "resend_context", error.message, error=error))
            self._plan = None
            self._send_start()
        else:
            what: What = {"reconnect": "reconnect", "again": "retry"}.get(move, "wait")  # type: ignore[assignment]
            self._again(move, trouble, what, error.message, error)

    def _resume_refused(self, error: models.Error) -> None:
        assert self._home is not None
        assert self.facts is not None
        trouble = advised("resume refused", error)
        if error.advice == "fix" and self._last is not None and not self._reread:
            self._reread = True  # not behind a number then, but from the beginning
            self._aim()
            return
        move = self._decide(trouble)
        if move == "stop":
            self.command = Ended(TurnUnknown(self._current, error.message, "nothing of it can be read"))
        elif error.advice != "resend_full":
            self._again(move, trouble, "resume", error.message, error)
        elif self._may_repeat or (self._fate == "unknown" and self.facts.place == self._home.place):
            # It was asked for before it is repeated, and nobody holds its name: it may be started.
            self._forget_reading("free")
            self._tell(Recovery(self.name, "repeat", error.message, error=error))
            self._send_start()
        else:
            hint = "it ran in part, and sent again it might run twice (may_repeat=True allows that)"
            self.command = Ended(TurnUnknown(self._current, error.message, hint))

    def _reading_ended(self, error: models.Error) -> None:
        trouble = advised("reading ended", error)
        move = self._decide(trouble)
        if move == "stop" or not self._named:
            self.command = Ended(TurnUnknown(self._current, error.message, "nothing more of it can be read"))
        else:
            self._again(move, trouble, "resume", error.message, error)

    def _again(self, move: Move, trouble: Trouble, what: What, why: str, error: models.Error | SegueError) -> None:
        """Try again, on the same connection or another one, after a pause."""
        pause = pause_for(move, trouble, self.counts, self._patience, self._jitter())
        self._tell(Recovery(self.name, what, why, pause, error))
        at = self._clock() + pause
        if trouble.where == "connection" or move == "reconnect" or trouble.where == "reading ended":
            self.command = Connect(at=at, avoid=self._line)
        elif self._fate == "free":
            self._send_start(at)
        else:
            self._aim()  # a turn whose record is asked for has a name, so something is to be sent
            assert isinstance(self.command, Submit)
            self.command = Submit(self.command.message, at, self.command.repeated)

    def _elsewhere_or(self, otherwise: Ended, why: str, error: models.Error | SegueError) -> None:
        """Go to another endpoint, if there is one and nothing may have run here that could not be found there."""
        if self._places_left > 0 and (self._fate == "free" or self._named) and not self._canceled:
            self._places_left -= 1
            self.counts = Counts(total=self.counts.total)
            self.outcome.refused = None
            self._tell(Recovery(self.name, "elsewhere", why, error=error))
            self.command = Connect(elsewhere=True, leaving=None if self.facts is None else self.facts.place)
        else:
            self._end(otherwise)

    def _never_sent(self) -> None:
        message = "The turn was cancelled before an endpoint accepted it."
        self.outcome.refused = models.Error(code="cancelled", advice="give_up", effect="none", message=message)
        self.command = Ended()
