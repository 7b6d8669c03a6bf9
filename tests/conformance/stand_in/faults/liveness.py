"""Faults in the area liveness: by name a sentence, and the seams that break it."""

from __future__ import annotations

from ..endpoint import Refused
from ..seams import Seam
from .refusals import refuse

__all__ = ["FAULTS"]

FAULTS: dict[str, tuple[str, dict[str, Seam]]] = {
    "no_pong": ("pings are not answered", {}),
    "no_pong_at_work": ("pings are not answered while a response runs", {}),
    "closes_at_a_ping": ("a ping ends the connection", {}),
    "closes_behind_each": ("the connection is closed behind each response", {}),
    "closes_behind_the_third": ("the connection is closed behind the third response", {}),
    "newer_connection_ends_older": ("a second connection ends the first", {}),
    "query_refused": ("an unknown query is refused", {}),
    "wants_a_subprotocol": ("an upgrade without subprotocol is refused", {}),
    "always_streams": ("answers are streamed though nobody asked", {}),
    "never_streams": ("answers are never streamed", {}),
    "stream_true_is_refused": (
        "`stream: true` is refused over the WebSocket",
        {
            "checked": lambda g, at: (
                refuse(Refused(400, "unknown_parameter", "Unknown parameter: 'stream'.", "stream"))
                if at.socket and "stream" in at.asked
                else g
            )
        },
    ),
    "first_is_swallowed": (
        "the first create of a connection is not answered",
        {"events": lambda e, at: e if not at.socket or at.count(("first", id(at.connection))) else []},
    ),
    "hangs_behind_a_refusal": (
        "behind a refusal the next create is not answered",
        {
            "refused": lambda r, at: (at.notes.__setitem__("hung", True), r)[1],
            "events": lambda e, at: [] if at.notes.pop("hung", False) else e,
        },
    ),
    "last_answer_again": (
        "a turn's stray delta comes in the next one",
        {"events": lambda e, at: [*at.notes.get("stray", []), *(at.notes.__setitem__("stray", e[-3:-2]) or e)]},
    ),
}
