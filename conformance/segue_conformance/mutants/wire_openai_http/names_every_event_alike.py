"""Gives all events of a stream one name."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint

KILLED_BY = {"openai-http": ("wire_openai_http.event_names",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the names of events."""

    def gives_event(self, wire: str, data: bytes, stream: object) -> bytes:
        """Call them all the same."""
        lines = data.split(b"\n")
        named = [b"event: response" if line.startswith(b"event:") else line for line in lines]
        return b"\n".join(named) if wire == "openai-http" else data
