"""Takes no notice of a body that contradicts its path."""

from __future__ import annotations

import re

from ..wire_fault import WireFault

KILLED_BY = {"segue-http": ("wire_segue_http.path_and_body",)}


_NAME = re.compile(r'"turn":\s*"[^"]*",?\s*')


class MutantEndpoint(WireFault):
    """The reference endpoint, but for bodies that say otherwise."""

    wires = ("segue-http",)

    def heard_text(self, wire: str, text: str) -> str:
        """Forget which turn the body names."""
        return _NAME.sub("", text, count=1)
