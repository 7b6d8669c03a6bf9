"""Takes a binary message for a text."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint

KILLED_BY = {"segue-ws": ("wire_segue_ws.binary_refused",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for binary messages."""

    def took_frame(self, wire: str, frame: str | bytes) -> str | bytes:
        """Return it as text."""
        return frame.decode() if isinstance(frame, bytes) else frame
