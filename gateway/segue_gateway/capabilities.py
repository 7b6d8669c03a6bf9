"""What the endpoint says of itself: capabilities, limits, bindings. No line here without what makes it true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from segue_adapters.wires.extension import EXTENDED, declares
from segue_schemas import VERSION, models

if TYPE_CHECKING:
    from .engines.base import Engine
    from .settings import Settings
    from .stores.base import Store

__all__ = ["FEATURES", "WIRES", "Declaration"]

FEATURES: Sequence[str] = (
    "warm_up",
    "resume",
    "cancel",
    "steer",
    "lanes",
    "contexts",
    "context_patch",
    "final",
    "coalesce",
    "delete",
    "get",
    "export",
    "import",
    "resend_in_parts",
)

# Where each wire is served, and what of the above it does not carry (spec: the bindings).
WIRES: Mapping[str, str] = {
    "segue-ws": "/segue/v1",
    "segue-http": "/segue/v1",
    "openai-ws": "/v1",
    "openai-http": "/v1",
    "chat": "/v1",
    "anthropic": "/v1",
}
_CARRIED: Mapping[str, frozenset[str]] = {
    "segue-ws": frozenset(FEATURES),
    "segue-http": frozenset(FEATURES) - {"lanes"},
    "openai-ws": frozenset({"warm_up", "lanes"}),
    "openai-http": frozenset({"final", "delete", "get"}),
    "chat": frozenset({"final"}),
    "anthropic": frozenset({"final"}),
    EXTENDED["openai-ws"]: frozenset(FEATURES) - {"final"},
    EXTENDED["openai-http"]: frozenset(FEATURES) - {"lanes"},
}
_TIERS: Mapping[str, Sequence[models.Retention]] = {
    "segue-ws": ("none", "connection", "cached", "durable"),
    "segue-http": ("none", "cached", "durable"),
    "openai-ws": ("connection", "cached", "durable"),
    "openai-http": ("none", "cached", "durable"),
    "chat": ("none",),
    "anthropic": ("none",),
    EXTENDED["openai-ws"]: ("none", "connection", "cached", "durable"),
    EXTENDED["openai-http"]: ("none", "cached", "durable"),
}


class Declaration:
    """The part of an endpoint that declares; every document is made from these methods."""

    settings: Settings
    engine: Engine
    store: Store

    @property
    def principal_kind(self) -> models.PrincipalKind:
        """What a credential stands for here."""
        raise NotImplementedError

    def retentions(self, wire: str | None = None) -> list[models.Retention]:
        """Return the tiers that are granted, on a wire or on any; the store says which it can keep."""
        kept: list[models.Retention] = ["none", *self.store.tiers]
        return [tier for tier in kept if wire is None or tier in _TIERS[wire]]

    def features(self, wire: str | None = None) -> list[str]:
        """Return the features that are offered, on a wire or on any."""
        return [feature for feature in FEATURES if wire is None or feature in _CARRIED[wire]]

    def extends(self, wire: str) -> bool:
        """Return whether a wire is served with the Responses extension, for clients that declare themselves."""
        return wire in EXTENDED

    def governs(self, wire: str, headers: Mapping[str, str]) -> bool:
        """Return whether a request or an upgrade with these headers is one of a declared client (SEG-EXT-003)."""
        return self.extends(wire) and declares(headers)

    def capabilities(self, wire: str | None = None) -> models.Capabilities:
        """Return what is offered, on a wire or on any."""
        return models.Capabilities(
            model_input=self.engine.model_input,
            principal=self.principal_kind,
            names_survive=self.store.names_survive,
            retention=self.retentions(wire),
            features=self.features(wire),
            default_retention="cached",
        )

    def limits(self) -> models.Limits:
        """Return the numbers that are kept."""
        settings = self.settings
        return models.Limits(
            heartbeat_ms=settings.heartbeat_ms,
            message_bytes=settings.message_bytes,
            replay_ms=settings.replay_ms,
            name_ms=settings.name_ms,
            flush_ms=settings.flush_ms,
            cached_ms=settings.cached_ms,
            connection_ms=settings.connection_ms,
            draining_ms=settings.draining_ms,
            lanes=settings.lanes,
            turns_in_flight=settings.turns_in_flight,
            lane_queue=settings.lane_queue,
            continuations=settings.continuations,
            turns_held=settings.turns_held,
        )

    def welcome(self, expires_in_ms: int, wire: str = "segue-ws") -> models.Welcome:
        """Return the first message of a connection that is told of itself."""
        return models.Welcome(
            protocol=VERSION,
            endpoint=self.settings.endpoint,
            capabilities=self.capabilities(wire),  # SEG-CAP-004
            limits=self.limits(),
            expires_in_ms=expires_in_ms,
        )

    def discovery(self, prefix: str = "") -> models.Discovery:
        """Return the discovery document; `prefix` is the path at which the app is mounted."""
        bindings = []
        for wire, path in WIRES.items():
            binding = models.Binding(wire=wire, url=prefix + path)
            carried = wire
            if self.extends(wire):
                # What is listed is what a declared client gets; a plain one has of it what its wire carries.
                binding.segue, carried = VERSION, EXTENDED[wire]
            if self.retentions(carried) != self.retentions():
                binding.retention = self.retentions(carried)
            if self.features(carried) != self.features():
                binding.features = self.features(carried)
            bindings.append(binding)
        return models.Discovery(
            versions=[VERSION],
            endpoint=self.settings.endpoint,
            bindings=bindings,
            capabilities=self.capabilities(),
            limits=self.limits(),
        )
