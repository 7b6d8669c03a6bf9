"""What can be asked for over a wire of an endpoint: the wire's own bounds, and what the endpoint says that it offers.

Spec: capabilities, and the chapter of each binding ("what this wire does not carry").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from segue_schemas import models

from .errors import NotOffered

__all__ = ["Capabilities", "capabilities_of", "useful_life"]

#: Seconds before its declared end behind which a connection takes no new turn, where no notice is declared; a tenth of
#: its life at most.
_NOTICE = 30.0

_ALL = frozenset({
    "warm_up", "resume", "cancel", "steer", "lanes", "contexts", "context_patch", "overlay", "final", "coalesce", "get",
    "delete", "export", "import", "resend_in_parts",
})  # fmt: skip

# By wire what it has a place for; a wire that is not known here carries whole histories and no more.
_CARRIED: Mapping[str, frozenset[str]] = {
    "segue-ws": _ALL,
    "segue-http": _ALL - {"lanes"},
    "openai-ws+segue": _ALL - {"final"},
    "openai-http+segue": _ALL - {"lanes"},
    "openai-ws": frozenset({"warm_up", "lanes"}),
    "openai-http": frozenset({"final", "get", "delete"}),
    "chat": frozenset({"final"}),
    "anthropic": frozenset({"final"}),
}
_STATELESS = ("chat", "anthropic")

# By wire the tiers that it can't ask for: HTTP has no connection to bind state to, a WebSocket of OpenAI's keeps more.
_NO_TIER: Mapping[str, frozenset[models.Retention]] = {
    "segue-http": frozenset({"connection"}),
    "openai-http+segue": frozenset({"connection"}),
    "openai-http": frozenset({"connection"}),
    "openai-ws": frozenset({"none"}),
    **dict.fromkeys(_STATELESS, frozenset[models.Retention]({"connection", "cached", "durable"})),
}
_CONNECTED = ("segue-ws", "openai-ws", "openai-ws+segue")
_UNTOLD: models.NamesSurvive = "process"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a session can do. `told` says that the endpoint declared it; else it is what the wire has a place for.

    `parents`: a turn can go on from a continuation. `inherits`: without a context it runs under its parent's. `names`:
    a turn has a name, so that a repeat attaches to it and a cut one is read on. `connected`: one connection carries all
    turns, and may keep state of its own. `retention` is None where nobody told.
    """

    wire: str
    features: frozenset[str]
    told: bool
    parents: bool
    inherits: bool
    names: bool
    connected: bool
    retention: frozenset[models.Retention] | None = None
    default_retention: models.Retention | None = None
    names_survive: models.NamesSurvive = _UNTOLD
    limits: models.Limits | None = None

    def offers(self, feature: str) -> bool:
        """Whether a feature can be asked for."""
        return feature in self.features

    def require(self, feature: str) -> None:
        """Raise NotOffered, before anything is sent, where a feature can't be asked for."""
        if feature not in self.features:
            raise NotOffered(f"`{feature}`", self.wire)

    def require_retention(self, tier: str) -> None:
        """Raise NotOffered where a tier of retention can't be asked for."""
        if self.retention is not None and tier not in self.retention:
            raise NotOffered(f"retention `{tier}`", self.wire)

    @property
    def proves(self) -> bool:
        """Whether turns bear digests, and an end that a client may set them."""
        return self.wire.startswith("segue-") or self.wire.endswith("+segue")

    @property
    def message_bytes(self) -> int | None:
        """How large a message the endpoint takes, where it says so."""
        return None if self.limits is None else self.limits.message_bytes

    @property
    def silence(self) -> float | None:
        """Seconds without a sign of life behind which a reading may be taken for dead (SEG-LIVE-010)."""
        return None if self.limits is None else 2 * self.limits.heartbeat_ms / 1000


def capabilities_of(
    wire: str, *, document: models.Discovery | None = None, welcome: models.Welcome | None = None
) -> Capabilities:
    """Return what can be asked for over a wire; a welcome goes before the discovery document, which may be older."""
    carried = _CARRIED.get(wire, frozenset[str]())
    said = welcome or document
    segue = wire.startswith("segue-") or wire.endswith("+segue")
    if said is None:
        return Capabilities(
            wire,
            carried,
            told=False,
            parents=wire in _CARRIED and wire not in _STATELESS,
            inherits=wire.startswith("segue-"),
            names=False,
            connected=wire in _CONNECTED,
        )
    features, tiers = frozenset(said.capabilities.features), frozenset(said.capabilities.retention)
    plain = wire.removesuffix("+segue")
    for binding in document.bindings if document is not None else []:
        if binding.wire == plain:
            # What stands there is of the wire as it is; the extension adds to it, up to what the endpoint offers.
            if isinstance(binding.features, list) and wire == plain:
                features &= frozenset(binding.features)
            if isinstance(binding.retention, list):
                tiers &= frozenset(binding.retention)
    told = said.capabilities.default_retention
    order: tuple[models.Retention, ...] = ("none", "connection", "cached", "durable")
    default = next((tier for tier in order if tier in tiers), order[0])
    if told in order:
        default = order[order.index(told)]
    return Capabilities(
        wire,
        features & carried,
        told=True,
        parents=wire not in _STATELESS,
        inherits=wire.startswith("segue-"),
        names=segue and "resume" in features,
        connected=wire in _CONNECTED,
        retention=tiers - _NO_TIER.get(wire, frozenset()),
        default_retention=default,
        names_survive=said.capabilities.names_survive,
        limits=said.limits,
    )


def useful_life(welcome: models.Welcome | None) -> float | None:
    """Return for how many seconds new turns may go over a connection; None where its welcome told no end."""
    if welcome is None or not isinstance(welcome.expires_in_ms, int):
        return None
    life = welcome.expires_in_ms / 1000
    declared = welcome.limits.draining_ms
    early = max(declared / 1000 if isinstance(declared, int) else 0.0, min(_NOTICE, life / 10))
    return max(life - early, 0.0)
