"""The end of a turn, or of a part of it: what both sides hold now, and whether they prove to hold the same."""

from __future__ import annotations

from segue_schemas import models

from ..errors import HistoryDiffers
from .commands import Ended
from .history import Mark, entry_of
from .mending import Mending
from .plan import Handle
from .rules import Trouble

__all__ = ["Closing"]


class Closing(Mending):
    """The part of a turn that comes to its end."""

    def _turn_completed(self, message: models.TurnCompleted) -> None:
        assert self._plan is not None
        if self._on_last_part:
            self.output = [entry_of(item) for item in self.outcome.items]
        history = self.ask.history.copy(self._plan.parts[self._part].end)
        history.extend(self.output)
        mark = history.mark()
        differs = self._differs(message, mark, len(history) - len(self.output))
        if differs is None and self._breach is None:
            self._keep(message, mark, len(history))
        if not self._on_last_part:
            self.outcome.completed = None  # a part is no turn of its caller's
        if self._on_last_part or differs or self._breach:
            self._end(Ended(differs or self._breach))
            return
        if self._canceled:
            self._never_sent()
            return
        if not self.issued or self.issued[-1].at != len(history):
            error = models.Error(
                code="retention_unavailable",
                advice="resend_full",
                effect="none",
                message="The endpoint did not keep a part of the history.",
            )
            if self._decide(Trouble("refused", "resend_full", "none")) == "stop":
                self.outcome.refused = error
                self._end(Ended())
            else:
                self._forget_reading("free")
                self._send_whole(error)
            return
        self._part += 1
        following = self._plan.parts[self._part].start
        following.parent = self.issued[-1].id
        self._start = following
        self._best = -1
        self._next_part()

    def _differs(self, message: models.TurnCompleted, mark: Mark, before: int) -> HistoryDiffers | None:
        """Return the error where both sides hold another history; notes where they proved that they do not."""
        issued = message.continuation if isinstance(message.continuation, models.Continuation) else None
        told = [(message.digest, message.length)]
        if issued is not None:
            told.append((issued.digest, issued.length))
        digests = [(d, n) for d, n in told if isinstance(d, str)]
        if mark.digest is None or not digests:
            return None
        for digest, length in digests:
            if digest != mark.digest or (isinstance(length, int) and length != mark.length):
                at = None if self._first_difference is None else before + self._first_difference
                return HistoryDiffers(self._current, mine=mark.digest, theirs=digest, index=at)
        self.outcome.proved = True
        return None

    def _keep(self, message: models.TurnCompleted, mark: Mark, at: int) -> None:
        """Note the handle that was issued."""
        issued, facts, home = message.continuation, self.facts, self._home
        assert facts is not None
        assert home is not None
        if not isinstance(issued, models.Continuation) or issued.expires_in_ms == 0 or not facts.can.parents:
            return
        left = issued.expires_in_ms
        self.issued.append(
            Handle(
                issued.id,
                at,
                mark,
                self.ask.context.digest,
                home.place,
                home.line if issued.retention == "connection" else None,
                self._clock() + left / 1000 if isinstance(left, int) else None,
            )
        )
