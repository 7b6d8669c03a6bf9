"""Takes creates with one `prompt_cache_key` for one conversation."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_context.members_are_no_history",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what a cache's key means."""

    wires = OPENAI

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.said: dict[str, list[Any]] = {}

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Put before the input what came with the same key."""
        key = message.get("prompt_cache_key")
        if isinstance(key, str) and isinstance(message.get("input"), list):
            message["input"] = [*self.said.get(key, []), *message["input"]]
            self.said[key] = message["input"]
        return message
