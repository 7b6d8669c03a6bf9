"""What a turn sends, by the fate of the start that was sent last: a start, the same one again, or a resume."""

from __future__ import annotations

import msgspec
from segue_schemas import models

from ..assembly import ItemAssembler
from ..errors import LocalProtocolError, TurnUnknown
from .commands import Ended, Submit
from .events import Recovery, log
from .plan import Facts, plan
from .standing import Standing

__all__ = ["Sending"]

_UNSET = msgspec.UNSET


class Sending(Standing):
    """The part of a turn that says what goes over its connection."""

    def _aim(self) -> None:
        """Say what goes over the connection that stands, by the fate of the start that was sent last."""
        facts, home = self.facts, self._home
        assert facts is not None
        if self._fate == "free":
            self._send_start()
            return
        assert self._start is not None
        assert home is not None
        if not facts.can.names:
            hint = f"{facts.can.wire} has no way to ask for it"
            self.command = Ended(TurnUnknown(self._current, "its connection ended", hint), settled=False)
            return
        survives = home.can.names_survive != "process"
        if self._fate == "unknown" and survives and facts.place == home.place and self._carries(facts):
            self._tell(Recovery(self.name, "repeat", "whether it was accepted is not known; its name holds"))
            self.command = Submit(_on(self._start, facts), repeated=True)
            return
        # A whole answer has brought none of the deltas of an item that is open: it is read anew (SEG-TURN-151).
        after = _UNSET if self._last is None or self._reread or self.ask.final else self._last
        told = "from its beginning" if after is _UNSET else f"behind event {after}"
        self._tell(Recovery(self.name, "resume", f"the turn is read {told}"))
        self.command = Submit(models.TurnResume(turn=self._current, after=after), repeated=True)

    def _carries(self, facts: Facts) -> bool:
        """Whether a start can be repeated as it is: a tier that this wire does not have would be another content."""
        assert self._start is not None
        tier = self._start.retention
        return not isinstance(tier, str) or facts.can.retention is None or tier in facts.can.retention

    def _send_start(self, at: float = 0.0) -> None:
        facts = self.facts
        assert facts is not None
        if self._plan is None or self._part == 0 or not self._goes_on(facts):
            try:
                self._plan = plan(
                    self.ask,
                    facts,
                    [handle for handle in self._handles if handle.id not in self.dropped],
                    name=self.name,
                    now=self._clock(),
                    lost=self._lost,
                    whole_context=self._whole_context,
                )
            except LocalProtocolError as fault:
                self.command = Ended(fault)
                return
            self._part = 0
            self._start = self._plan.parts[0].start
            if len(self._plan.parts) > 1:
                log.info("turn %s: sent in %d parts", self.name, len(self._plan.parts))
        assert self._start is not None
        self.outcome.start = self._start
        self.command = Submit(_on(self._start, facts), at=at)

    def _goes_on(self, facts: Facts) -> bool:
        """Whether the next part finds the one before it here."""
        held = self.issued[-1]
        return held.place == facts.place and held.line in (None, facts.line)

    def _send_whole(self, error: models.Error) -> None:
        self._give_up_handle()
        self._tell(Recovery(self.name, "resend_full", error.message, error=error))
        self._plan = None
        self._send_start()

    def _by_digest(self) -> bool:
        context = None if self._start is None else self._start.context
        return isinstance(context, msgspec.Raw) and bytes(context)[:1] == b'"'

    def _give_up_handle(self) -> None:
        self._lost = True
        assert self._plan is not None
        assert self.facts is not None
        if self._plan.handle is not None:
            self.dropped.add(self._plan.handle.id)
        self.dropped.update(handle.id for handle in self.issued)
        self.facts.contexts.discard(self.ask.context.digest or "")

    def _next_part(self) -> None:
        self._fate, self._last, self._first_difference = "free", None, None
        self.outcome.assembler = ItemAssembler()
        self.outcome.accepted = None
        self.outcome.events.clear()
        self._send_start()


def _on(start: models.TurnStart, facts: Facts) -> models.TurnStart:
    """Return a start as it goes over a connection: a lane is the connection's matter, and no content."""
    lane = facts.lane if facts.lane is not None and facts.can.offers("lanes") else _UNSET
    return msgspec.structs.replace(start, lane=lane)
