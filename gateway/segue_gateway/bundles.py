"""Histories that travel: a continuation written as a bundle, and a bundle read as one (spec: bundles).

An import asks no model. It is kept as a turn is, in two steps that every store has: a name is claimed, then its end is
written together with the handle. The name is drawn here and told to nobody.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec
from segue_schemas import VERSION, models, strict_loads

from . import refusals
from .contexts import Context, Patch, read_form
from .history import EMPTY, History, grow
from .stores.base import Handle, Held, RetentionLost, StoreFull, Unwritable

if TYPE_CHECKING:
    from .acceptance import Caller
    from .items import Item
    from .settings import Settings
    from .stores.base import Store

__all__ = ["Bundles"]

_RETRY_MS = 5_000


class Bundles:
    """The part of an endpoint that exports and imports."""

    settings: Settings
    store: Store
    wall: Callable[[], float]

    async def export(self, caller: Caller, message: models.ContinuationExport) -> models.ContinuationBundle:
        """Return a continuation as a bundle; it changes nothing (SEG-CONT-080)."""
        held = await self.held(caller, message.id)
        return models.ContinuationBundle(ref=message.ref, bundle=self.bundle_of(held.handle))

    def bundle_of(self, handle: Handle) -> models.Bundle:
        """Return the whole history, each item as it was received or written, and the context as an object."""
        return models.Bundle(
            segue=VERSION,
            digest=handle.history.digest,
            length=handle.history.length,
            items=[msgspec.Raw(item) for item in handle.history.whole()],
            context=msgspec.Raw(handle.context.raw),
            exported_by=self.settings.endpoint,
        )

    async def import_bundle(self, caller: Caller, message: models.ContinuationImport) -> models.ContinuationInfo:
        """Make a continuation of a bundle (SEG-CONT-081); the order of the checks is that of the specification."""
        bundle = message.bundle
        self.check_version(bundle)
        items = await self.read_all(bundle.items, "bundle/items")
        context = self.bundled_context(bundle)
        retention = self.grant_import(caller, message)
        history = grow(EMPTY, items)
        self.check_whole(bundle, history)
        held = await self.keep(caller, history, context, retention)
        return models.ContinuationInfo(ref=message.ref, continuation=self.told_of(held))

    def check_version(self, bundle: models.Bundle) -> None:
        """Refuse a bundle of another major version: its items may mean something else (SEG-CONT-088)."""
        if bundle.segue.partition(".")[0] != VERSION.partition(".")[0]:
            raise refusals.unsupported_version(bundle.segue, VERSION, "/bundle/segue")

    def bundled_context(self, bundle: models.Bundle) -> Context:
        """Return the bundle's context; Refuse what is no whole one (SEG-CONT-085)."""
        if not isinstance(strict_loads(bytes(bundle.context)), dict):
            raise refusals.invalid_request("A bundle's context must be a whole object.", "/bundle/context")
        form = read_form(bundle.context, "/bundle/context")
        if isinstance(form, Patch | str):
            raise refusals.invalid_request("A bundle's context must be whole, not a change.", "/bundle/context")
        return form

    def grant_import(self, caller: Caller, message: models.ContinuationImport) -> models.Retention:
        """Return the tier for an import: as for a turn, but for `none`, which would keep nothing (SEG-CONT-087)."""
        if message.retention == "none":
            raise refusals.invalid_request("An import of retention `none` would keep nothing.", "/retention")
        offered = self.retentions(caller.wire)
        asked = message.retention if isinstance(message.retention, str) else self.default_retention(caller.wire)
        if asked not in offered:
            raise refusals.retention_unavailable(asked, [*offered])
        return asked

    def check_whole(self, bundle: models.Bundle, history: History) -> None:
        """Refuse a bundle that does not hold what it says (SEG-CONT-082)."""
        if (bundle.digest, bundle.length) != (history.digest, history.length):
            raise refusals.damaged_bundle(digest=history.digest, length=history.length)

    async def keep(self, caller: Caller, history: History, context: Context, retention: models.Retention) -> Held:
        """Hold a history that no turn made, under an id of its own (SEG-CONT-089)."""
        principal, name = caller.principal, "import_" + secrets.token_hex(16)
        handle = Handle(
            id=self.new_id(),
            history=history,
            context=context,
            retention=retention,
            turn=name,
            scope=caller.scope if retention == "connection" else None,
            life_ms=self.life_ms(caller, retention),
            created_at=int(self.wall()),
        )
        accepted = models.TurnAccepted(turn=name, seq=0, context=context.digest, retention=retention)
        terminal = models.TurnCompleted(
            turn=name, seq=1, status="completed", digest=history.digest, length=history.length
        )
        full = "No room for more continuations of yours; wait until some expire, or delete some."
        try:
            claim = await self.store.claim(principal, name, handle.id, accepted, [])
        except StoreFull:
            raise refusals.quota_exceeded(full, _RETRY_MS) from None
        except Unwritable:
            raise refusals.overloaded("The endpoint can't write its state just now.", _RETRY_MS) from None
        try:
            left = await self.store.finish(principal, name, claim.epoch, terminal, handle)
        except RetentionLost:
            await self.store.finish(principal, name, claim.epoch, terminal, None)
            raise refusals.quota_exceeded(full, _RETRY_MS) from None
        except Unwritable:
            raise refusals.overloaded("The endpoint can't write its state just now.", _RETRY_MS) from None
        return Held(handle, left)

    def told_of(self, held: Held) -> models.Continuation:
        """Return a continuation as the wire tells it, with what is left of it now."""
        handle = held.handle
        told = models.Continuation(
            id=handle.id,
            retention=handle.retention,
            digest=handle.history.digest,
            length=handle.history.length,
            context=handle.context.digest,
        )
        if held.left_ms is not None:
            told.expires_in_ms = int(held.left_ms)
        return told

    # -- what the rest of an endpoint does

    async def held(self, caller: Caller, identifier: str) -> Held:
        """Return a continuation of the caller's; Refuse where there is none."""
        raise NotImplementedError

    async def read_all(self, raws: Sequence[msgspec.Raw], member: str) -> list[Item]:
        """Return items, each checked."""
        raise NotImplementedError

    def retentions(self, wire: str | None = None) -> list[models.Retention]:
        """Return the tiers that a wire carries."""
        raise NotImplementedError

    def default_retention(self, wire: str) -> models.Retention:
        """Return the tier that is granted where none is asked for."""
        raise NotImplementedError

    def life_ms(self, caller: Caller, retention: models.Retention) -> int | None:
        """Return how long a continuation of a tier lives."""
        raise NotImplementedError

    def new_id(self) -> str:
        """Return a continuation's id."""
        raise NotImplementedError
