"""Endpoints that take nothing but `store: false`: what they refuse without it is asked for with it from then on.

Some keep no data by policy and say so by refusing. Their turns are right all the same, and so are their continuations
as long as a WebSocket lasts; only what needs a store is not offered. Found out once a run, for each wire.
"""

from __future__ import annotations

import re
from weakref import WeakKeyDictionary

from segue_adapters.turn import Outcome
from segue_schemas import models

from .budget import Budget

__all__ = ["learn", "only_unstored", "refuses_to_store"]

_wires: WeakKeyDictionary[Budget, set[str]] = WeakKeyDictionary()


def only_unstored(run: Budget, wire: str) -> bool:
    """Whether the endpoint was found to take only `store: false` on a wire."""
    return wire in _wires.get(run, ())


def learn(run: Budget, wire: str) -> None:
    """Ask on this wire for `store: false` from now on."""
    _wires.setdefault(run, set()).add(wire)


def refuses_to_store(outcome: Outcome, *, asked: bool = False) -> bool:
    """Whether a turn that said nothing of `store`, or `asked` for it, was refused for that."""
    start, error = outcome.start, outcome.refused
    if error is None or not isinstance(start, models.TurnStart) or isinstance(start.retention, str) != asked:
        return False
    if start.retention in ("none", "connection"):
        return False
    told = error.message.lower()
    return error.param == "store" or (re.search(r"\bstore\b", told) is not None and "false" in told)
