"""OpenAI's wires with the Responses extension: which of the checks of Segue's own wires run on them too.

What a check asks in turns runs wherever turns are carried. What it asks in frames (bytes that are no JSON, routes,
subprotocols, close codes) is a matter of one wire, and has no place on another.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from segue_adapters.wires.extension import EXTENDED

__all__ = ["EXTENDED", "SEGUE_WIRES", "WIRE_OF", "carried_on", "is_extended"]

#: By Segue wire, the OpenAI wire that carries the same with the extension.
WIRE_OF = {"segue-ws": EXTENDED["openai-ws"], "segue-http": EXTENDED["openai-http"]}
#: Where every rule about turns holds: clients name them, and see what was granted.
SEGUE_WIRES = (*WIRE_OF, *WIRE_OF.values())

# Checks of frames, or of what the extension's chapter leaves to the wire that it extends.
_FRAMES = (
    "admission.*", "bodies.*", "discovery.*", "wire_segue_http.*", "wire_segue_ws.*", "spelling.*",
    "messages.*",
    "lanes.cancel_of_nothing", "lanes.unlisted_feature_refused", "lanes.lane_over_http",
    "endings.closed_with_a_reason", "readings.resume_where_the_turn_is_read", "readings.unkept_*",
    "recommended.limit_is_told", "recommended.discovery_asks_for_no_key", "recommended.no_subprotocol_is_denied",
    "recommended.no_websocket_is_426", "recommended.streams_are_not_buffered", "recommended.no_long_silence",
    # Items come again in `response.output_item.done`, and what is granted unasked follows `store`.
    "recommended.items_are_not_sent_twice", "retention.default_tier",
    # Of a turn that waits in its lane nothing is told but that it lives: acceptance comes with its first event.
    "deletion.accepted_turn_keeps_its_parent", "endings.order_outlives_the_connection",
    # A create names its model, so that there is no empty context.
    "names.no_context_is_the_empty_one",
)  # fmt: skip
# Of those, what is asked in messages all the same.
_TURNS = ("messages.every_message_is_valid", "messages.unknown_requirement")
# Over HTTP the bare messages are requests on the routes of Segue over HTTP, which have checks of their own.
_ROUTES = ("messages.*", "failures.failed_turn_has_no_handle", "steers.*")


def is_extended(wire: str) -> bool:
    """Whether a wire is one of OpenAI's with the extension."""
    return wire in EXTENDED.values()


def carried_on(check: str, wires: Iterable[str]) -> set[str]:
    """Return the wires with the extension that carry a check of these Segue wires."""
    found = {WIRE_OF[wire] for wire in wires if wire in WIRE_OF}
    if _any(check, _FRAMES) and check not in _TURNS:
        return set()
    return found - {EXTENDED["openai-http"]} if _any(check, _ROUTES) else found


def _any(check: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(check, pattern) for pattern in patterns)
