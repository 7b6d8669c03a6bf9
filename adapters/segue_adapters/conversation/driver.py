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

from collections.abc import Sequence

import msgspec
from segue_schemas import models

from ..errors import (
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
from .closing import Closing
from .commands import Connect, Ended, Listen, Submit
from .events import Recovery
from .history import entry_of
from .plan import Facts
from .rules import Counts, Move, Trouble, advised, network_trouble

__all__ = ["Driver"]


class Driver(Closing):
    """A turn under way, told what happens to it; `standing` says what it is made of."""

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

    @property
    def running(self) -> bool:
        """Whether the turn that was asked for was accepted and has not ended: it may be steered."""
        return self._fate == "accepted" and self._on_last_part and not isinstance(self.command, Ended)

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
