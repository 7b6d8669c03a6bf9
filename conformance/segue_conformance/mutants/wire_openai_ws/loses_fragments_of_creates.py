"""Takes the first fragment of a message for the whole."""

from __future__ import annotations

from ..wire_segue_ws.loses_fragments import MutantEndpoint

KILLED_BY = {"openai-ws": ("wire_openai_ws.fragments",)}
ALSO = {
    "wire_segue_ws.fragments": "messages in fragments are lost there, too",
}

__all__ = ["KILLED_BY", "MutantEndpoint"]
