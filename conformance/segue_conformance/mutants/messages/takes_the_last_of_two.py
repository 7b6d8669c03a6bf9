"""Takes the last of two members that bear one name, as most parsers do."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from ..wire_fault import NATIVE, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("messages.duplicate_names",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for names that stand twice."""

    wires = NATIVE

    def heard_text(self, wire: str, text: str) -> str:
        """Go on with what a parser made of it, where a name stands twice."""
        twice: list[str] = []

        def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            found = dict(pairs)
            twice.extend(["yes"] * (len(pairs) - len(found)))
            return found

        with contextlib.suppress(ValueError, RecursionError):
            message = json.loads(text, object_pairs_hook=members)
            return json.dumps(message) if twice else text
        return text
