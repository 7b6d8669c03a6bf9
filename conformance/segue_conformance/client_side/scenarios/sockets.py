"""What happens to a connection itself: the upgrade denied, its life over, closed between turns."""

from __future__ import annotations

from typing import ClassVar

from ..actions import Action, Deny, Through
from ..envelopes import LIMIT, refuse
from ..judging import Run, check_outcome, check_whole
from ..scenario import Scenario
from ..seen import Ask

__all__ = ["ClosedBetweenTurns", "ConnectionLimit", "Upgrade426"]

_SOCKETS = frozenset({"openai-ws", "segue-ws"})
_ELSEWHERE = "SEG-LIVE-062"


class Upgrade426(Scenario):
    """Its upgrade is denied with status 426: it goes on over HTTP"""

    id = "client_socket.upgrade_426"
    requires = ("SEG-LIVE-061", "SEG-ERR-020", "SEG-ERR-022")
    wires = _SOCKETS
    needs = ("sockets",)

    def upgrade(self, wire: str, opened: int) -> Deny | None:
        """Deny every upgrade."""
        self.hits += 1
        return Deny(426, b'{"error":{"message":"Use HTTP.","type":"invalid_request_error","param":null,"code":null}}')

    def judge(self, run: Run) -> str | None:
        """Judge which way it took."""
        check_outcome(run, gave_up=("SEG-LIVE-061", "the same turns over HTTP"))
        check_whole(run)
        return f"it went on over {', '.join(run.log.wires())} behind {len(run.log.upgrades)} upgrades"


class ConnectionLimit(Scenario):
    """The life of its connection is over: it goes on over another"""

    id = "client_socket.connection_limit"
    requires: ClassVar[tuple[str, ...]] = (_ELSEWHERE, "SEG-ERR-022", "SEG-CONT-091")
    wires = frozenset({"openai-ws"})
    needs: ClassVar[tuple[str, ...]] = ("sockets",)

    def act(self, ask: Ask) -> Action | None:
        """Refuse the second turn, and close behind it."""
        if not self.second(ask):
            return None
        self.hits += 1
        return refuse(ask, LIMIT, close=1000)

    def judge(self, run: Run) -> str | None:
        """Judge that it came again."""
        check_whole(run, ["lost", "doubled", "resent", "order", "refused"])
        check_outcome(run, gave_up=(_ELSEWHERE, "another connection, and the same turn on it"))
        return None


class ClosedBetweenTurns(ConnectionLimit):
    """Its connection is closed between two turns: it goes on over another"""

    id = "client_socket.closed_between_turns"
    wires = _SOCKETS
    needs = ("sockets", "turns")

    def act(self, ask: Ask) -> Action | None:
        """Close behind the end of the first turn."""
        if self.hits or not ask.generates:
            return None
        self.hits += 1
        ask.fault = "closed behind its end"
        return Through(close=1001)
