"""Places in the stand-in at which something can be made to go wrong, by name.

A seam is a function of what stands there and of where it stands (`At`), and returns what shall stand there instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["NAMES", "At", "Seam", "Seams"]

Seam = Callable[[Any, "At"], Any]

#: What stands at each.
NAMES = {
    "asked": "the members of a create, as received",
    "checked": "the items of the input, checked",
    "parent": "what the parent resolved to: a response, None, or the refusal",
    "past": "the history behind the parent, as it is given to the model",
    "settings": "the settings that the model sees",
    "output": "the items that the model put out",
    "kept": "this turn's items, as they are stored",
    "stores": "whether the response goes into the store",
    "body": "the Response",
    "events": "the events of the response, in order, not numbered yet",
    "event": "one event as it goes out; None: it does not",
    "refused": "a refusal",
    "told": "the body of a refusal as it goes out",
    "read": "the answer to GET /responses/{id}: a body or a refusal",
    "listed": "the answer to GET /responses/{id}/input_items: a body or a refusal",
    "deleted": "the answer to DELETE: a body or a refusal",
    "answer": "status, headers and body of an answer over HTTP",
    "sse": "the lines of one server-sent event",
    "frame": "one message of the WebSocket, as text; None: it is not sent",
}


@dataclass
class At:
    """Where something stands: in which create, of whom, on which connection."""

    stand_in: Any
    asked: dict[str, Any] = field(default_factory=dict)
    principal: str = ""
    connection: Any = None
    parent: Any = None
    made: Any = None

    @property
    def socket(self) -> bool:
        """Whether the create came over a WebSocket."""
        return self.connection is not None

    @property
    def notes(self) -> dict[Any, Any]:
        """What faults remember, as long as the stand-in lives."""
        notes: dict[Any, Any] = self.stand_in.notes
        return notes

    def count(self, key: Any) -> int:
        """Return how often this was asked before."""
        self.notes[key] = self.notes.get(key, 0) + 1
        return int(self.notes[key]) - 1

    @property
    def depth(self) -> int:
        """How many turns stand behind this one."""
        found, at = 0, self.parent
        while at is not None:
            found, at = found + 1, at.parent
        return found


class Seams:
    """The seams that are open in one stand-in."""

    def __init__(self, open: Iterable[Mapping[str, Seam]]) -> None:
        self._open: dict[str, list[Seam]] = {}
        for seams in open:
            for name, seam in seams.items():
                assert name in NAMES, name
                self._open.setdefault(name, []).append(seam)

    def __contains__(self, name: str) -> bool:
        return name in self._open

    def __call__(self, name: str, value: Any, at: At) -> Any:
        """Return what stands at a seam."""
        for seam in self._open.get(name, ()):
            value = seam(value, at)
        return value
