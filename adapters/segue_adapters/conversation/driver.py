"""One turn of a conversation from its start to its end: a machine without sockets.

It is told what happened (`connected`, `received`, `failed` …) and says what to do next (`command`). Whoever runs it has
the connections. So each way that a turn can go is tried in tests, with no network and no clock.

What became of the start that was sent last is its *fate*:

| fate | means | on a new connection |
|---|---|---|
| free | never sent, or refused: nothing runs under its name | what to send is planned anew |
| unknown | sent, and not answered | the same start again where its name holds, else the record is asked for first |
| accepted | the turn exists | its record is read on, behind the last number seen |

A wire that names no turns has no way back from *unknown* and *accepted*: the caller is told, and nothing is sent twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
from segue_schemas import models

from ..assembly import ItemAssembler
from ..errors import (
    HistoryDiffers,
    LocalProtocolError,
    RemoteProtocolError,
    SegueError,
    TLSFault,
    TransportError,
    TurnUnknown,
    Unauthorised,
    Unreachable,
)
from ..turn import leaves_turn
from ..wires.base import turn_name
from .events import Event, Recovery, Sent, Settled, What, log
from .history import Entry, Mark, entry_of
from .plan import Ask, Facts, Handle, Plan, plan
from .rules import Counts, Move, Patience, Trouble, advised, decide, network_trouble, pause_for

__all__ = ["Command", "Connect", "Driver", "Ended", "Listen", "Submit"]

_UNSET = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Connect:
    """Find a connection, not before `at` (clock): not `avoid`, over another wire, or of the next endpoint."""

    at: float = 0.0
    avoid: int | None = None
    other_wire: str = ""
    elsewhere: bool = False
    leaving: int | None = None


@dataclass(frozen=True, slots=True)
class Submit:
    """Send a start or a resume, not before `at`, and read what comes; `repeated` where an older reading may linger."""

    message: models.TurnStart | models.TurnResume
    at: float = 0.0
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Listen:
    """Wait for the next message of the turn."""


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over: `outcome`, or an error to raise. `settled`: nothing more can be learned of the turn."""

    error: SegueError | None = None
    settled: bool = True


Command = Connect | Submit | Listen | Ended
Fate = Literal["free", "unknown", "accepted"]


class Driver:
    """A turn under way.

    `handles` are those of its history, the best first; `clock` in seconds, `jitter` from 0 to 1.
    """

    def __init__(
        self,
        ask: Ask,
        handles: Sequence[Handle],
        *,
        clock: Callable[[], float],
        jitter: Callable[[], float],
        patience: Patience,
        may_repeat: bool = False,
        places: int = 1,
        name: str | None = None,
    ) -> None:
        self.ask = ask
        self.name = name or turn_name()
        self.command: Command = Connect()
        self.events: deque[Event] = deque()
        self.extras: deque[models.TurnCancel] = deque()
        self.issued: list[Handle] = []
        self.dropped: set[str] = set()
        self.output: list[Entry] = []
        self.counts = Counts()
        self.facts: Facts | None = None
        self.outcome = Settled(models.TurnStart(turn=self.name, input=[]))
        self._handles = handles
        self._clock, self._jitter = clock, jitter
        self._patience = patience
        self._may_repeat = may_repeat
        self._places_left = places - 1
        self._fate: Fate = "free"
        self._before: Fate = "free"
        self._plan: Plan | None = None
        self._part = 0
        self._start: models.TurnStart | None = None
        self._home: Facts | None = None  # where the start was first sent
        self._last: int | None = None
        self._best = -1
        self._lost = self._whole_context = self._reread = False
        self._canceled = False
        self._first_difference: int | None = None
        self._breach: SegueError | None = None
        self._fault: SegueError | None = None
        self._items = self._bytes = 0

    # -- what happened

    def connected(self, facts: Facts, notes: Sequence[Recovery] = ()) -> None:
        """A connection stands; `notes` is what it took."""
        self.facts = facts
        for note in notes:
            self._tell(note)
        self._aim()

    def unreachable(self, fault: SegueError) -> None:
        """No connection could be had."""
        final = isinstance(fault, Unauthorised | TLSFault) or not isinstance(
            fault, TransportError | RemoteProtocolError
        )
        move: Move = "stop" if final else self._decide(Trouble("connection", "reconnect", "none"))
        if move == "stop":
            self._elsewhere_or(Ended(fault, settled=self._fate == "free"), str(fault), fault)
            return
        self._again(move, Trouble("connection", "reconnect", "none"), "reconnect", str(fault), fault)

    def no_other_wire(self) -> None:
        """There is no other wire to take."""
        assert self._fault is not None
        self._elsewhere_or(Ended(self._fault, settled=self._fate == "free"), str(self._fault), self._fault)

    def retry(self) -> None:
        """Try anew to learn what became of the turn, behind an end that settled nothing."""
        self.counts = Counts()
        self.command = Connect(avoid=self._line)

    def submitting(self) -> None:
        """The message is about to go out: from now on it may have arrived."""
        assert isinstance(self.command, Submit)
        message = self.command.message
        self._before = self._fate
        if isinstance(message, models.TurnStart):
            self._bytes += len(msgspec.json.encode(message))
            if self._fate == "free":
                self._items += len(message.input)
                self._fate, self._home = "unknown", self.facts

    def submitted(self) -> None:
        """It went out."""
        if isinstance(self.command, Submit):
            self.command = Listen()
        if self._canceled and self._fate != "free":
            self.extras.append(models.TurnCancel(turn=self._current))

    def failed(self, fault: SegueError, said: models.Error | None = None) -> None:
        """The connection, or what came over it, failed; `said` is what the endpoint said of it before it closed."""
        if self._fate == "unknown" and isinstance(fault, Unreachable | LocalProtocolError):
            self._fate = self._before  # it did not leave this machine
        trouble = network_trouble(fault, sent=self._fate != "free")
        if trouble is None:
            self.command = Ended(fault, settled=self._fate == "free" or not self._named)
            return
        if said is not None:
            told = advised("connection", said)
            trouble = trouble._replace(advice=told.advice, pause=told.pause)
        if self._fate != "free" and not self._named:
            if trouble.effect != "none" and not self._may_repeat:
                hint = (
                    f"{self._wire} has no way to ask, and sent again it might run twice (may_repeat=True allows that)"
                )
                self.command = Ended(TurnUnknown(self.name, fault, hint))
                return
            self._forget_reading("free")
        move = self._decide(trouble)
        if move == "stop":
            self._elsewhere_or(Ended(fault, settled=self._fate == "free"), str(fault), fault)
        elif move == "other wire":
            self._fault = fault
            self.command = Connect(avoid=self._line, other_wire=str(fault))
        else:
            self._again(move, trouble, "reconnect", str(fault), fault)

    def received(self, message: models.ServerMessage) -> None:
        """A message of the turn, or one that refuses something of it, came."""
        if isinstance(message, models.ErrorMessage):
            self._error(message)
            return
        if self._seen_before(message):
            return
        if isinstance(message, models.TurnAccepted):
            self._accepted(message)
        try:
            self.outcome.take(message)
        except SegueError as fault:
            self.command = Ended(fault, settled=not self._named)
            return
        if isinstance(message, models.ItemCompleted):
            self._compare_item(message)
        self._show(message)
        if isinstance(message, models.TurnFailed):
            self._turn_failed(message)
        elif isinstance(message, models.TurnCompleted):
            self._turn_completed(message)

    def cancel(self) -> None:
        """Ask that the turn stop; what was not sent yet is not sent any more."""
        self._canceled = True
        if self._fate == "free":
            self._never_sent()
        else:
            self.extras.append(models.TurnCancel(turn=self._current))

    def _never_sent(self) -> None:
        message = "The turn was cancelled before an endpoint accepted it."
        self.outcome.refused = models.Error(code="cancelled", advice="give_up", effect="none", message=message)
        self.command = Ended()

    @property
    def running(self) -> bool:
        """Whether the turn that was asked for was accepted and has not ended: it may be steered."""
        return self._fate == "accepted" and self._on_last_part and not isinstance(self.command, Ended)

    # -- where it stands

    @property
    def _named(self) -> bool:
        return self._home is not None and self._home.can.names

    @property
    def _wire(self) -> str:
        assert self.facts is not None
        return self.facts.can.wire

    @property
    def _line(self) -> int | None:
        return None if self.facts is None else self.facts.line

    @property
    def _current(self) -> str:
        return self.name if self._start is None else self._start.turn

    @property
    def _on_last_part(self) -> bool:
        return self._plan is None or self._part == len(self._plan.parts) - 1

    # -- what to send

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
        after = _UNSET if self._last is None or self._reread else self._last
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

    # -- events of the turn

    def _seen_before(self, message: models.ServerMessage) -> bool:
        """Whether an event came already, in this reading or one before; notes its number."""
        seq = getattr(message, "seq", None)
        if not self._named or not isinstance(seq, int):
            return False
        if isinstance(message, models.TurnAccepted):
            if self._last is not None:
                self._forget_reading("accepted")  # told from its beginning (SEG-TURN-085)
        elif self._last is not None and seq <= self._last:
            return True
        self._last = seq
        if seq > self._best:
            self._best = seq
            self.counts.progress()
        return False

    def _forget_reading(self, fate: Fate) -> None:
        shown = bool(self.outcome.assembler.started)
        self._fate, self._last, self._first_difference = fate, None, None
        self.outcome.assembler = ItemAssembler()
        self.outcome.accepted = None
        if shown:
            self._tell(Recovery(self.name, "reread", "the turn is told from its beginning: what was shown goes"))

    def _accepted(self, message: models.TurnAccepted) -> None:
        self._fate, self._reread = "accepted", False
        mine = self.ask.context.digest
        if isinstance(message.context, str) and mine is not None and message.context != mine:
            self._breach = RemoteProtocolError(
                "the endpoint runs the turn under another context",
                requirement="SEG-CTX-003",
                expected=mine,
                got=message.context,
            )
        elif mine is not None:
            assert self.facts is not None
            self.facts.contexts.add(mine)

    def _compare_item(self, message: models.ItemCompleted) -> None:
        """Note the first item of which the endpoint says another digest than it has here."""
        if not isinstance(message.digest, str) or self._first_difference is not None:
            return
        mine = entry_of(self.outcome.assembler.whole(message.index)).digest
        if mine is not None and mine != message.digest:
            self._first_difference = message.index

    def _show(self, message: models.ServerMessage) -> None:
        if self._on_last_part:
            self.events.append(message)

    def _error(self, message: models.ErrorMessage) -> None:
        if leaves_turn(message):
            self._show(message)
        elif message.refused == "turn.resume":
            self._resume_refused(message.error)
        elif isinstance(message.refused, str) and self._fate != "accepted":
            self._refused(message.error)
        else:
            self._reading_ended(message.error)

    # -- what went wrong

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

    def _decide(self, trouble: Trouble) -> Move:
        return decide(trouble, self.counts, self._patience, may_repeat=self._may_repeat)

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

    def _tell(self, recovery: Recovery) -> None:
        self.outcome.recoveries.append(recovery)
        self.events.append(recovery)
        log.warning("turn %s: %s: %s", recovery.turn, recovery.what, recovery.why)

    # -- the end

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

    def _next_part(self) -> None:
        self._fate, self._last, self._first_difference = "free", None, None
        self.outcome.assembler = ItemAssembler()
        self.outcome.accepted = None
        self.outcome.events.clear()
        self._send_start()

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

    def _end(self, ended: Ended) -> None:
        chosen = self._plan
        if chosen is not None:
            self.outcome.sent = Sent(
                chosen.kind, chosen.why, self._items, len(self.ask.history), len(chosen.parts), self._bytes
            )
        self.command = ended


def _on(start: models.TurnStart, facts: Facts) -> models.TurnStart:
    """Return a start as it goes over a connection: a lane is the connection's matter, and no content."""
    lane = facts.lane if facts.lane is not None and facts.can.offers("lanes") else _UNSET
    return msgspec.structs.replace(start, lane=lane)
