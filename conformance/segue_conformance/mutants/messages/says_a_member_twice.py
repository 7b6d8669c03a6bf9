"""Says a member twice in one message."""

from __future__ import annotations

from collections.abc import Sequence

from segue_gateway.endpoint import Endpoint

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("messages.every_message_is_valid",))
ALSO = {
    "messages.*": "it reads a bare turn to its end",
    "wire_segue_ws.*": "it reads a bare turn to its end",
    "wire_segue_http.stream_framing": "it reads a bare turn to its end",
    "readings.resume_where_the_turn_is_read": "it reads bare messages",
    "steers.*": "they read bare messages",
}


def _twice(text: str) -> str:
    return text.replace('{"type":"turn.completed"', '{"type":"turn.completed","type":"turn.completed"')


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the end of a turn."""

    def gives_frame(self, wire: str, frame: str, stream: object) -> Sequence[str | bytes]:
        """Say the type of the last event twice."""
        return [_twice(frame) if wire in NATIVE else frame]

    def gives_event(self, wire: str, data: bytes, stream: object) -> bytes:
        """Say the type of the last event twice."""
        return _twice(data.decode()).encode() if wire in NATIVE else data
