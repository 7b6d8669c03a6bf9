"""What a run is told: where the endpoint is, with which keys, and how far it may go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Where, who, and the limits. Keys are values here, never shown; `timeout` is in seconds for one turn.

    `max_requests` is a budget over the whole run; None is no budget. `concurrency`: how many checks run side by side.
    """

    url: str
    wires: tuple[str, ...] = ()
    model: str | None = None
    api_key: str | None = None
    second_api_key: str | None = None
    timeout: float = 30.0
    max_requests: int | None = None
    concurrency: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    verify: bool = True

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that must not reach a report, longest first so that no part of one is left."""
        own = [self.api_key, self.second_api_key]
        sensitive = ("authorization", "cookie", "x-api-key", "api-key", "proxy-authorization")
        own += [value for name, value in self.headers.items() if name.lower() in sensitive]
        return tuple(sorted({value for value in own if value}, key=len, reverse=True))
