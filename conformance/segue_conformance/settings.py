"""What a run is told: where the endpoint is, with which keys, and how far it may go."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Settings"]

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where, who, and the limits. Keys are values here, never shown; `timeout` is in seconds for one turn.

    `max_requests`, `max_tokens` and `max_seconds` are budgets over the whole run; None is no budget. `rate`: requests
    in a second, None is as fast as it goes. `concurrency`: how many checks run side by side. `ca_file`: authorities
    that are trusted instead of the system's. `proxy_loopback`: the environment's proxies are for this machine too.
    `extra_body`: members of every context, which on OpenAI's wires are members of every create.
    """

    url: str
    wires: tuple[str, ...] = ()
    model: str | None = None
    api_key: str | None = None
    second_api_key: str | None = None
    timeout: float = 30.0
    max_requests: int | None = None
    max_tokens: int | None = None
    max_seconds: float | None = None
    rate: float | None = None
    concurrency: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    verify: bool = True
    ca_file: str | None = None
    proxy_loopback: bool = False
    extra_body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that must not reach a report, longest first so that no part of one is left."""
        own = [self.api_key, self.second_api_key, *_passwords()]
        sensitive = ("authorization", "cookie", "x-api-key", "api-key", "proxy-authorization")
        own += [value for name, value in self.headers.items() if name.lower() in sensitive]
        return tuple(sorted({value for value in own if value}, key=len, reverse=True))


def _passwords() -> list[str | None]:
    """Return the passwords of the proxies that the environment names."""
    found: list[str | None] = []
    for name in (*_PROXIES, *(name.upper() for name in _PROXIES)):
        try:
            found.append(urlsplit(os.environ.get(name, "")).password)
        except ValueError:
            continue
    return found
