"""Writes an integer with a fraction."""

from __future__ import annotations

import re
from collections.abc import Sequence

from segue_gateway.endpoint import Endpoint

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("spelling.integers_are_digits",))
ALSO = {"turns.plain_turn": "A client that takes an integer for digits alone can't read the end of a turn."}

_LENGTH = re.compile(r'("length":\d+)')


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for how it writes a length."""

    def gives_frame(self, wire: str, frame: str, stream: object) -> Sequence[str | bytes]:
        """Write the length as other languages do."""
        return [_LENGTH.sub(r"\1.0", frame) if wire in NATIVE else frame]

    def gives_event(self, wire: str, data: bytes, stream: object) -> bytes:
        """Write the length as other languages do."""
        return _LENGTH.sub(r"\1.0", data.decode()).encode() if wire in NATIVE else data
