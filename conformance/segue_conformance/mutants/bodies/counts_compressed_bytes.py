"""Lets a body decompress to more than a message may have."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint

KILLED_BY = {"segue-http": ("bodies.swelling_message_refused",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the size of what is compressed."""

    def body_limit(self, coding: str) -> int:
        """Trust that what is small stays small."""
        return super().body_limit(coding) * (64 if coding else 1)
