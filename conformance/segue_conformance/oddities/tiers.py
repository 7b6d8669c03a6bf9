"""Oddities in which tiers of retention are granted, and which is the default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.settings import Settings
from segue_gateway.stores.base import Store
from segue_gateway.stores.memory import MemoryStore
from segue_schemas import models

__all__ = [
    "CachedOnly", "ConnectionByDefault", "ConnectionOnly", "DefaultIsNotDeclared", "DurableOnly", "EverythingDurable",
    "LittleRoom", "NoneByDefault", "NoneOnly", "NoneUnoffered", "ShortLife",
]  # fmt: skip

_NATIVE = ("segue-ws", "segue-http")
_ORDER: Sequence[models.Retention] = ("none", "connection", "cached", "durable")


class _Kept(MemoryStore):
    tiers: Sequence[models.Retention] = ("connection", "cached", "durable")


class _Tiers(Endpoint):
    """The reference endpoint with other tiers; `kept` are all that it grants anywhere."""

    wires: ClassVar[tuple[str, ...]] = _NATIVE
    kept: ClassVar[Sequence[models.Retention]] = _ORDER[:3]
    default: ClassVar[models.Retention] = "cached"

    def make_store(self) -> Store:
        """Return a store that keeps every tier, for as long as the process lasts."""
        return _Kept(self.bounds(), self.clock)

    def retentions(self, wire: str | None = None) -> list[models.Retention]:
        """Return the tiers that are granted."""
        return [tier for tier in super().retentions(wire) if tier in self.kept]

    def default_retention(self, wire: str) -> models.Retention:
        """Return the default, or the next stronger one that a wire carries."""
        carried = self.retentions(wire)
        stronger = [tier for tier in _ORDER[_ORDER.index(self.default) :] if tier in carried]
        return stronger[0] if stronger else super().default_retention(wire)

    def capabilities(self, wire: str | None = None) -> models.Capabilities:
        """Return what is offered, with the default."""
        told = self.default if wire is None else self.default_retention(wire)
        return msgspec.structs.replace(super().capabilities(wire), default_retention=told)


class NoneOnly(_Tiers):
    """Nothing is kept for anybody: `none` is the one tier.

    Legal: profiles: core needs no tier; SEG-CONT-002: "MUST NOT issue a continuation with a turn whose granted
    retention is `none`".
    """

    kept = ("none",)
    default = "none"


class ConnectionOnly(_Tiers):
    """State lives as long as its connection, and not at all elsewhere.

    Legal: profiles: continuation needs one of `connection`, `cached`, `durable`; SEG-CONT-044 forbids to find such a
    handle elsewhere.
    """

    wires = ("segue-ws",)
    kept = ("connection",)
    default = "connection"


class CachedOnly(_Tiers):
    """`cached` is the one tier.

    Legal: profiles: continuation needs one of `connection`, `cached`, `durable`.
    """

    kept = ("cached",)


class DurableOnly(_Tiers):
    """`durable` is the one tier.

    Legal: profiles: continuation needs one of `connection`, `cached`, `durable`.
    """

    kept = ("durable",)
    default = "durable"


class EverythingDurable(_Tiers):
    """All tiers are granted, and what asks for none in particular is durable.

    Legal: SEG-CAP-014: "MUST give as `default_retention` a tier that it lists".
    """

    kept = _ORDER
    default = "durable"


class NoneUnoffered(_Tiers):
    """Every turn is kept: `none` is refused.

    Legal: security, Privacy: "an endpoint that can't give it refuses (`retention_unavailable`)".
    """

    kept = ("connection", "cached", "durable")


class NoneByDefault(_Tiers):
    """What asks for no tier in particular is not kept.

    Legal: SEG-CAP-014: "MUST give as `default_retention` a tier that it lists".
    """

    default = "none"


class ConnectionByDefault(_Tiers):
    """What asks for no tier in particular lives as long as its connection.

    Legal: SEG-CAP-014; capabilities: "on a wire that cannot carry the default, the next stronger one that it carries
    holds".
    """

    default = "connection"


class DefaultIsNotDeclared(_Tiers):
    """The default is not declared, and so the weakest tier.

    Legal: capabilities: "The default of `default_retention` is the weakest tier listed".
    """

    kept = ("connection", "cached", "durable")
    default = "connection"

    def capabilities(self, wire: str | None = None) -> models.Capabilities:
        """Return what is offered, without the default."""
        return msgspec.structs.replace(super().capabilities(wire), default_retention=msgspec.UNSET)


class LittleRoom(Endpoint):
    """Three continuations are held for a principal: a fourth takes the place of the first.

    Legal: continuation, Retention: `cached` is "best effort, a miss is always reported"; SEG-LIVE-026 asks for the
    notice.
    """

    wires: ClassVar[tuple[str, ...]] = _NATIVE

    def __init__(self, *, settings: Settings, **more: Any) -> None:
        super().__init__(settings=replace(settings, continuations=3), **more)


class ShortLife(Endpoint):
    """What is cached lives for a second.

    Legal: SEG-CONT-045: "until it expires, or report a miss"; capabilities declare no least `cached_ms`.
    """

    wires: ClassVar[tuple[str, ...]] = _NATIVE

    def __init__(self, *, settings: Settings, **more: Any) -> None:
        super().__init__(settings=replace(settings, cached_ms=1_000), **more)
