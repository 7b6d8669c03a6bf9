"""Takes the first fragment of a message for the whole."""

from __future__ import annotations

from ..wire_segue_ws.loses_fragments import MutantEndpoint

KILLED_BY = {"openai-ws": ("wire_openai_ws.fragments",)}

__all__ = ["KILLED_BY", "MutantEndpoint"]
