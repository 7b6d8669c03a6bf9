"""Oddities in what is offered: a feature left out, the features of one profile alone, some that nobody knows.

The reference endpoint offers all of it; here what is not offered is refused as the specification asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import msgspec
from segue_gateway import refusals
from segue_gateway.acceptance import Caller
from segue_gateway.capabilities import FEATURES
from segue_gateway.contexts import Context
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading, Source
from segue_gateway.turns import Turn
from segue_schemas import models

__all__ = ["ClaimedOnly"]

#: What cannot be offered without something else.
_STANDS_ON = {"warm_up": ("resend_in_parts",), "contexts": (), "context_patch": ()}
_PROFILES = {
    "core": (),
    "live": ("warm_up",),
    "resumable": ("resume",),
    "concurrent": ("lanes", "cancel"),
    "portable": ("export", "import"),
}


class _Offering(Endpoint):
    """The reference endpoint that offers some features, and refuses what needs another (SEG-CAP-011)."""

    left_out: ClassVar[Sequence[str]] = ()

    def features(self, wire: str | None = None) -> list[str]:
        """Return what is offered."""
        return [feature for feature in super().features(wire) if feature not in self.left_out]

    def check_offered(self, caller: Caller, start: models.TurnStart) -> None:
        """Refuse members that need a feature."""
        super().check_offered(caller, start)
        if not caller.wire.startswith("segue"):
            return
        if start.generate is False and "warm_up" in self.left_out:
            raise refusals.not_offered("A warm-up", "/generate")
        delivery = start.delivery if isinstance(start.delivery, models.Delivery) else None
        if delivery is not None and delivery.mode == "final" and "final" in self.left_out:
            raise refusals.not_offered("An answer without deltas", "/delivery/mode")
        sent = msgspec.json.decode(start.context) if start.context is not msgspec.UNSET else {}
        if isinstance(sent, str) and "contexts" in self.left_out:
            raise refusals.not_offered("A context by its digest", "/context")
        if isinstance(sent, dict) and {"base", "patch"} <= sent.keys() and "context_patch" in self.left_out:
            raise refusals.not_offered("A context as a change", "/context")

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Run a name again that nobody runs, where no start is a repeat (names: Names and claims)."""
        known = "resume" in self.left_out and await self.store.known(caller.principal, start.turn)
        if known and not self.runs(caller.principal, start.turn):
            turns: dict[str, Any] = self.store._principals[caller.principal].turns  # type: ignore[attr-defined]
            turns.pop(start.turn)
        return await super().accept(caller, start)

    def wants(self, feature: str, message: Any) -> None:
        """Refuse a message whose feature is not offered."""
        if feature in self.left_out:
            raise self.unoffered(message)

    async def resume(self, caller: Caller, message: models.TurnResume) -> Reading:
        """Refuse where turns are not read again."""
        self.wants("resume", message)
        return await super().resume(caller, message)

    async def cancel(self, caller: Caller, message: models.TurnCancel) -> Source:
        """Refuse where turns are not cancelled."""
        self.wants("cancel", message)
        return await super().cancel(caller, message)

    async def get(self, caller: Caller, message: models.ContinuationGet) -> models.ContinuationInfo:
        """Refuse where continuations are not read."""
        self.wants("get", message)
        return await super().get(caller, message)

    async def delete(self, caller: Caller, message: models.ContinuationDelete) -> models.ContinuationDeleted:
        """Refuse where continuations are not deleted."""
        self.wants("delete", message)
        return await super().delete(caller, message)

    async def export(self, caller: Caller, message: models.ContinuationExport) -> models.ContinuationBundle:
        """Refuse where nothing is exported."""
        self.wants("export", message)
        return await super().export(caller, message)

    async def import_bundle(self, caller: Caller, message: models.ContinuationImport) -> models.ContinuationInfo:
        """Refuse where nothing is imported."""
        self.wants("import", message)
        return await super().import_bundle(caller, message)

    async def put_context(self, caller: Caller, context: Context) -> None:
        """Refuse where contexts are not held on purpose."""
        if "contexts" in self.left_out:
            raise refusals.not_offered("`PUT /contexts/{digest}`")
        await super().put_context(caller, context)


def _without(name: str, features: Iterable[str], legal: str) -> type[Endpoint]:
    """Return an endpoint that does not offer some features."""
    told = tuple(features)
    shown = ", ".join(f"`{feature}`" for feature in told)
    said = f"{shown} {'is' if len(told) == 1 else 'are'} not offered.\n\n    Legal: {legal}\n    "
    return type(name, (_Offering,), {"left_out": told, "__doc__": said, "__module__": __name__})


def _camel(feature: str) -> str:
    return "".join(word.capitalize() for word in feature.split("_"))


_MAY = 'capabilities.json, Feature: "Name of a feature that an endpoint may leave out".'
_NEEDS = 'profiles: "features that it needs"; the others "count where they are offered".'
for _feature in FEATURES:
    _kind = _without(f"Without{_camel(_feature)}", (_feature, *_STANDS_ON.get(_feature, ())), _MAY)
    globals()[_kind.__name__] = _kind
for _profile, _needed in _PROFILES.items():
    _kind = _without(f"Only{_camel(_profile)}", [f for f in FEATURES if f not in _needed], _NEEDS)
    globals()[_kind.__name__] = _kind
del _kind


class ClaimedOnly(Endpoint):
    """Features of a vendor's are offered, some of them claimed only.

    Legal: SEG-CAP-012, SEG-CAP-017; capabilities.json: "Others are vendor's, prefixed `vendor:`".
    """

    vendors: ClassVar[list[str]] = ["vendor:zero_data_retention", "vendor:x.y-z_1"]

    def features(self, wire: str | None = None) -> list[str]:
        """Return all features and the vendor's."""
        return [*super().features(wire), *self.vendors]

    def capabilities(self, wire: str | None = None) -> models.Capabilities:
        """Return what is offered, with what is claimed only."""
        return msgspec.structs.replace(super().capabilities(wire), claimed_only=self.vendors)
