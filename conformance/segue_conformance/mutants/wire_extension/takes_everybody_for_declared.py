"""Reads the `segue` member of clients that have not declared themselves."""

from __future__ import annotations

from collections.abc import Mapping

from segue_gateway.endpoint import Endpoint

KILLED_BY = dict.fromkeys(("openai-ws+segue", "openai-http+segue"), ("wire_extension.silent_client_is_served_plainly",))
ALSO = {"*": "a plain client gets what it never asked for"}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for who is declared."""

    def governs(self, wire: str, headers: Mapping[str, str]) -> bool:
        """Ask nobody."""
        return self.extends(wire)
