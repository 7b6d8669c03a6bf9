"""Names no event of a stream by its type."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint

KILLED_BY = {"segue-http": ("wire_segue_http.stream_framing",)}
ALSO = {
    "lanes.lane_over_http": "it knows the last event by its name",
    "wire_segue_http.path_and_body": "it knows the last event by its name",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the names of events."""

    def gives_event(self, wire: str, data: bytes, stream: object) -> bytes:
        """Leave the name out."""
        if wire != "segue-http":
            return data
        return b"\n".join(line for line in data.split(b"\n") if not line.startswith(b"event:"))
