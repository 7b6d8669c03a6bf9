"""The reference endpoint, and the same one with other numbers: what each check must pass, or have no place on.

A check that the reference leaves out, since it offers everything and lives long, has its chance on a variant.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.settings import Settings
from segue_schemas import models

__all__ = ["Fleeting", "Keyless", "Plain", "ShortLived", "Small"]

#: What no check stands on but those of the feature itself.
_KEPT = ("resume", "final")


class ShortLived(Endpoint):
    """The reference endpoint with connections that live for a second."""

    def __init__(self, *, settings: Settings, **more: Any) -> None:
        super().__init__(settings=replace(settings, connection_ms=1_200, draining_ms=400), **more)


class Plain(Endpoint):
    """The reference endpoint without most of what is optional: no lanes, no warm-up, one tier that is kept."""

    def features(self, wire: str | None = None) -> list[str]:
        """Return the few features that are offered."""
        return [feature for feature in super().features(wire) if feature in _KEPT]

    def retentions(self, wire: str | None = None) -> list[models.Retention]:
        """Return the tiers that are granted: none, and one."""
        return [tier for tier in super().retentions(wire) if tier in ("none", "cached")]


class Fleeting(Endpoint):
    """The reference endpoint whose turns are read as they run, and not again."""

    def features(self, wire: str | None = None) -> list[str]:
        """Return all features but `resume`."""
        return [feature for feature in super().features(wire) if feature != "resume"]


class Small(Endpoint):
    """The reference endpoint with room for a few continuations."""

    def __init__(self, *, settings: Settings, **more: Any) -> None:
        super().__init__(settings=replace(settings, continuations=12), **more)


class Keyless(Endpoint):
    """The reference endpoint without keys: everybody who reaches it is one principal, on this machine only."""

    def __init__(self, *, keys: object = None, **more: Any) -> None:
        super().__init__(**more)
