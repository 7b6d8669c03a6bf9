"""Faults in the area lanes: by name a sentence, and the seams that break it."""

from __future__ import annotations

from ..endpoint import Refused
from ..seams import Seam
from .refusals import code, evict, gone, held, lane, last_named, named, over, own_, refuse, refused, takes

__all__ = ["FAULTS"]

FAULTS: dict[str, tuple[str, dict[str, Seam]]] = {
    "lanes_are_ignored": ("stream_id is accepted and ignored", lane(lambda told, at: None)),
    "deltas_lose_their_lane": (
        "deltas bear no stream_id",
        lane(lambda told, at: None if told["type"].endswith(".delta") else own_(told)),
    ),
    "ends_lose_their_lane": (
        "terminal events bear no stream_id",
        lane(lambda told, at: None if told["type"].endswith("completed") else own_(told)),
    ),
    "lane_of_everybody": ("a stream_id in events of creates that named none", lane(lambda told, at: "main")),
    "lane_is_lower_case": (
        "stream_id comes back in lower case",
        lane(lambda told, at: own_(told) and own_(told).lower()),
    ),
    "lane_is_the_last_named": ("events bear the stream_id of the last create", {**lane(last_named), "asked": named}),
    "refusals_lose_their_lane": ("refusals bear no stream_id", {}),
    "lane_refuses_a_second": ("a second create in a lane is refused, not queued", {}),
    "lane_drops_a_second": ("a second create in a lane is dropped", {}),
    "refusal_ends_the_others": ("a refusal in one lane ends what runs in others", {}),
    "empty_lane_is_taken": ("an empty stream_id is taken", takes("stream_id", lambda v: v == "")),
    "bad_lane_is_taken": ("a stream_id with spaces is taken", takes("stream_id", lambda v: " " in v, "mended")),
    "long_lane_is_taken": (
        "a stream_id of 257 characters is taken",
        takes("stream_id", lambda v: len(v) > 256, "long"),
    ),
    "long_lane_is_refused": (
        "a stream_id of 256 characters is refused",
        {
            "checked": lambda g, at: (
                refuse(Refused(400, "invalid_stream_id", "Too long.", "stream_id"))
                if len(at.asked.get("stream_id", "")) > 64
                else g
            )
        },
    ),
    "dotted_lane_is_refused": (
        "a stream_id with a dot is refused",
        {
            "checked": lambda g, at: (
                refuse(Refused(400, "invalid_stream_id", "Bad letter.", "stream_id"))
                if "." in at.asked.get("stream_id", "")
                else g
            )
        },
    ),
    "bad_lane_has_another_code": (
        "an illegal stream_id is refused by another code",
        refused(lambda r: code(r) == "invalid_stream_id", 0, code=None, param=None),
    ),
    "bad_lane_is_500": (
        "an illegal stream_id is answered 500",
        refused(lambda r: code(r) == "invalid_stream_id", 500, type="server_error"),
    ),
    "lanes_without_end": (
        "a 33rd lane is taken",
        {"checked": lambda g, at: (at.connection.lanes.clear() if at.socket else None, g)[1]},
    ),
    "eight_lanes": (
        "a 9th lane is refused",
        {
            "checked": lambda g, at: (
                refuse(Refused(400, "websocket_stream_limit_reached", "Too many.", "stream_id")) if over(at, 8) else g
            )
        },
    ),
    "lane_limit_has_another_code": (
        "a lane too many is refused by another code",
        refused(lambda r: code(r) == "websocket_stream_limit_reached", 0, code="too_many"),
    ),
    "lane_limit_is_429": (
        "a lane too many is refused by 429",
        refused(lambda r: code(r) == "websocket_stream_limit_reached", 429),
    ),
    "full_flight_is_refused": ("a 17th response in flight is refused, not queued", {}),
    "lane_carries_history": (
        "a lane goes on from its last response",
        {
            "parent": lambda f, at: (
                at.connection.latest.get(at.asked["stream_id"])
                if f is None and at.socket and "stream_id" in at.asked
                else f
            )
        },
    ),
    "fork_to_a_lane_is_lost": (
        "a response of another lane is unknown",
        {
            "parent": lambda f, at: (
                gone(at) if held(f) and at.socket and at.asked.get("stream_id") != f.at.asked.get("stream_id") else f
            )
        },
    ),
    "fork_to_a_lane_forgets": (
        "a response of another lane has no history",
        {
            "past": lambda p, at: (
                [] if at.socket and at.asked.get("stream_id") != at.parent.at.asked.get("stream_id") else p
            )
        },
    ),
    "one_memory_for_all_lanes": (
        "with `store: false` only the latest of all lanes is held",
        {
            "parent": lambda f, at: (
                gone(at) if held(f) and at.socket and not f.stored and f is not at.connection.last else f
            )
        },
    ),
    "failed_fork_evicts": (
        "a failed fork from another lane takes the parent away",
        {"refused": lambda r, at: (evict(at), r)[1]},
    ),
}
