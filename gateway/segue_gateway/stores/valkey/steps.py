"""Running a step for one principal: what each script is told besides, and what each answer says besides."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import msgspec

from ..base import Bounds, interrupted
from ..weights import event_weight
from .loaded import Loaded
from .server import Server

__all__ = ["Steps"]

_DAY = 24 * 3_600_000
_CUT_TURN, _CUT_SEQ = "@", 999_999


class Steps:
    """Scripts by principal. `clock` stands in for the server's time in tests; `evicted` hears of what was given up."""

    def __init__(
        self,
        server: Server,
        bounds: Bounds,
        loaded: Loaded,
        clock: Callable[[], float] | None,
        evicted: Callable[[str, list[str]], None],
        *,
        slack_ms: int = 60_000,
    ) -> None:
        # Handles of connections outlive their node by this much: its turns are closed long before.
        self.scope_ms = max(60_000, 60 * bounds.lease_ms)
        self.node = secrets.token_hex(8)
        self._server = server
        self._loaded = loaded
        self._clock = clock
        self._evicted = evicted
        self._used: dict[str, dict[str, None]] = {}
        self._prefix = server.address.prefix
        end = interrupted(_CUT_TURN, _CUT_SEQ)
        first, _, rest = msgspec.json.encode(end).decode().partition(_CUT_TURN)
        middle, _, last = rest.partition(str(_CUT_SEQ))
        self._numbers = msgspec.msgpack.encode(
            {
                "prefix": self._prefix,
                "node": self.node,
                "turns": bounds.turns,
                "continuations": bounds.continuations,
                "state_bytes": bounds.state_bytes,
                "replay_ms": bounds.replay_ms,
                "name_ms": bounds.name_ms,
                "cached_ms": bounds.cached_ms,
                "lease_ms": bounds.lease_ms,
                "own_grace": 5 * bounds.lease_ms,  # what this node owns it has first time to renew
                "scope_ms": self.scope_ms,
                "slack": slack_ms,
                "condemned_ms": _DAY,
                "forever": 10 * 365 * _DAY,
                "cut": [first, middle, last],
                "cut_weight": event_weight(end),
            }
        )

    def base(self, principal: str) -> str:
        """Return what the keys of a principal begin with; braces let them lie together."""
        return f"{self._prefix}{{{quote(principal, safe='')}}}:"

    async def run(self, name: str, principal: str, *arguments: Any) -> list[Any]:
        """Return what a step answers; Unwritable."""
        evicted, freed, *answer = await self._run(name, principal, *arguments)
        self._loaded.forget(map(bytes.decode, freed))
        if evicted:
            self._evicted(principal, [identifier.decode() for identifier in evicted])
        return answer

    async def _run(self, name: str, principal: str, *arguments: Any) -> list[Any]:
        now = "" if self._clock is None else f"{self._clock() * 1000:.3f}"
        return await self._server.run(name, self.base(principal), now, self._numbers, principal, *arguments)

    async def due(self) -> list[str]:
        """Return the principals of whom something has to be freed or closed."""
        return [principal.decode() for principal in await self._run("due", "")]

    async def held(self, principal: str) -> dict[str, int]:
        """Return what is held for a principal, counted."""
        counts = await self._run("held", principal)
        return dict(zip(("turns", "continuations", "contexts", "bytes"), counts, strict=True))

    def use(self, principal: str, identifier: str) -> None:
        """Note that a continuation was used; it is told with the next step that could evict it."""
        uses = self._used.setdefault(principal, {})
        uses.pop(identifier, None)
        uses[identifier] = None

    def uses(self, principal: str) -> bytes:
        """Return what was used since it was told last, in that order."""
        return msgspec.msgpack.encode(list(self._used.pop(principal, ())))

    def used(self) -> Iterable[str]:
        """Return the principals of whom uses are not told yet."""
        return list(self._used)
