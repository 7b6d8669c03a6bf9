"""What has to hold before a turn exists. Every check is a method, and each refuses before anything is claimed.

The order is that of the methods in `accept` and of the specification (SEG-TURN-027): what the message itself says
wrong, then a name that is known (a repeat needs neither its parent nor room, nor what another wire offers), then what
the endpoint does not offer, then the state that the turn goes on from.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from segue_adapters.wires.base import Refuse
from segue_adapters.wires.extension import EXTENDED
from segue_schemas import models

from . import refusals
from .contexts import NO_CONTEXT, Context, Patch, can_choose, merge_patch, read_context, read_form
from .engines.base import DECISIVE
from .faults import report
from .history import EMPTY, History
from .items import Call, Item, read_item, read_items
from .stores.base import Held, Store, StoreFull, Unwritable
from .turns import Plan, Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from .engines.base import Engine
    from .readings import Source
    from .settings import Settings

__all__ = ["Acceptance", "Caller"]

_RETRY_MS = 5_000
_LANES = ("segue-ws", EXTENDED["openai-ws"])
_NAMED = ("segue-ws", "segue-http", *EXTENDED.values())  # the wires on which clients name turns
_SLICE = 256  # items that are read at a stretch


class Caller(Protocol):
    """Who sent a message, and over what: the principal, the wire, the scope of a connection's handles, the trace."""

    principal: str
    wire: str
    scope: str | None
    trace: models.Trace | None

    def left_ms(self) -> int | None:
        """Return what is left of the connection, None without one."""
        ...

    def turn_alive(self) -> bool:
        """Return whether handles of this connection can still be used."""
        ...

    def check_end(self, start: models.TurnStart) -> None:
        """Refuse a new turn where the connection is about to end; a repeat attaches (SEG-LIVE-022)."""
        ...

    def check_lane(self, start: models.TurnStart) -> None:
        """Refuse a new turn for which the connection has no place; a repeat needs none (SEG-TURN-056)."""
        ...


class Acceptance:
    """The part of an endpoint that says yes or no to a turn."""

    engine: Engine
    store: Store
    settings: Settings
    clock: Callable[[], float]
    wall: Callable[[], float]
    closing: bool
    turn_type: type[Turn] = Turn

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Return what is to be read, and the new turn that is to be run, None for a repeat. Raises Refuse."""
        inputs = await self.read_input(start)
        form = None if start.context is msgspec.UNSET else read_form(start.context)
        # Where clients name no turns the name was drawn for this one; should it exist, the claim says so.
        known = await self.store.known(caller.principal, start.turn) if caller.wire in _NAMED else None
        if known is not None:
            if known.gone:
                raise refusals.events_gone(start.turn)
            self.check_repeatable(caller, start)
            if not await self.is_same(caller, start, inputs, form, known.content):
                raise refusals.turn_conflict(start.turn)
            return await self.attach(caller.principal, start.turn), None

        self.check_offered(caller, start)
        if self.closing:
            raise refusals.draining()
        caller.check_end(start)
        retention = self.grant(caller, start)
        context = await self.context_of(caller.principal, form)
        content = self.content_of(start, inputs, None if context is None else context.digest)
        if start.trace is msgspec.UNSET and caller.trace is not None:
            start = msgspec.structs.replace(start, trace=caller.trace)  # SEG-OBS-003
        held = await self.resolve_parent(caller, start)
        parent = held.handle.history if held is not None else EMPTY
        inherited = held.handle.context if held is not None else NO_CONTEXT
        self.check_expectation(start, parent, inherited)
        self.check_calls(start, parent, inputs)
        self.check_readable(inputs, parent)
        self.check_history_size(inputs, parent)
        settings = self.effective_context(context, inherited)
        ignored = self.check_context(settings)
        self.check_told(caller, ignored)
        self.check_room(caller.principal)
        caller.check_lane(start)
        plan = Plan(
            principal=caller.principal,
            start=start,
            inputs=inputs,
            parent=parent,
            parent_id=held.handle.id if held is not None else None,
            parent_tier=held.handle.retention if held is not None else None,
            context=settings,
            retention=retention,
            continuation=self.new_id(),
            scope=caller.scope,
            life_ms=self.life_ms(caller, retention),
            created_at=int(self.wall()),
            ignored=ignored,
            wire=caller.wire,
        )
        turn = self.make_turn(plan, caller)
        return await self.claim(turn, content, [plan.context, *await self.base_of(caller.principal, form)])

    async def check_model(self, principal: str, start: models.TurnStart, model: str | None) -> None:
        """Refuse a model beside a context that is only named and has another one; what is not held is told later."""
        if model is None or start.context is msgspec.UNSET:
            return
        try:
            context = await self.context_of(principal, read_form(start.context))
        except Refuse:
            return
        if context is not None and context.members.get("model") != model:
            raise refusals.invalid_request("`model` is not that of the context which is named.", "/context/model")

    # -- the message itself

    async def read_input(self, start: models.TurnStart) -> list[Item]:
        """Return the input's items, each checked."""
        return await self.read_all(start.input, "input")

    async def read_all(self, raws: Sequence[msgspec.Raw], member: str) -> list[Item]:
        """Return items, each checked; a long list lets others have their turn in between."""
        items = read_items(raws[:_SLICE], member)
        for first in range(_SLICE, len(raws), _SLICE):
            await asyncio.sleep(0)
            items += read_items(raws[first : first + _SLICE], member, first=first)
        return items

    def check_offered(self, caller: Caller, start: models.TurnStart) -> None:
        """Refuse what this endpoint does not offer on this wire (SEG-MSG-020)."""
        offered = self.features(caller.wire)
        for place, feature in enumerate(start.require or ()):
            if feature not in offered:
                raise refusals.not_offered(f"The feature '{feature}'", f"/require/{place}")
        if isinstance(start.lane, str) and "lanes" not in offered and caller.wire in _LANES:
            raise refusals.not_offered("A `lane`", "/lane")  # SEG-TURN-107
        if start.overlay is not msgspec.UNSET and "overlay" not in offered:
            raise refusals.not_offered("An `overlay`", "/overlay")

    def check_repeatable(self, caller: Caller, start: models.TurnStart) -> None:
        """Refuse the name of a turn that runs where no start is a repeat: without `resume` (SEG-TURN-062)."""
        repeats = caller.wire not in _NAMED or "resume" in self.features(caller.wire)
        if not repeats and self.runs(caller.principal, start.turn):
            raise refusals.turn_conflict(start.turn, runs=True)

    async def is_same(
        self, caller: Caller, start: models.TurnStart, inputs: Sequence[Item], form: Context | Patch | str | None,
        content: str,
    ) -> bool:  # fmt: skip
        """Return whether a start has that content; a patch whose result is no context equals none (SEG-TURN-027)."""
        try:
            named = await self.named_context(caller.principal, form)
        except Refuse as refused:
            if refused.error.code == "invalid_request":
                return False
            raise
        return content == self.content_of(start, inputs, named)

    def runs(self, principal: str, name: str) -> bool:
        """Return whether a turn of that name runs here."""
        raise NotImplementedError

    def features(self, wire: str | None = None) -> list[str]:
        """Return the features that a wire carries, or any."""
        raise NotImplementedError

    def retentions(self, wire: str) -> list[models.Retention]:
        """Return the tiers that a wire carries."""
        raise NotImplementedError

    def content_of(self, start: models.TurnStart, inputs: Sequence[Item], context: str | None) -> str:
        """Return the digest of what makes a start the same turn or another (SEG-TURN-055); `context` by its digest."""
        content: list[Any] = [
            start.parent,
            start.expect,
            [item.content for item in inputs],
            context,
            start.retention,
            start.generate is not False,
            start.require or None,
            start.overlay,
        ]
        plain = [None if member is msgspec.UNSET else member for member in content]
        return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()

    # -- what the endpoint grants

    def grant(self, caller: Caller, start: models.TurnStart) -> models.Retention:
        """Return the retention: what was asked for, or the default; never less in silence (SEG-CONT-040)."""
        offered = self.retentions(caller.wire)
        asked = start.retention if isinstance(start.retention, str) else self.default_retention(caller.wire)
        if asked not in offered:
            raise refusals.retention_unavailable(asked, [*offered])
        return asked

    def default_retention(self, wire: str) -> models.Retention:
        """Return what is granted where a turn asks for none in particular; on OpenAI's wires the stronger tier."""
        return "durable" if wire.startswith("openai") and "durable" in self.retentions(wire) else "cached"

    def life_ms(self, caller: Caller, retention: models.Retention) -> int | None:
        """Return how long a continuation of that tier lives; a connection's no longer than the connection."""
        return caller.left_ms() if retention == "connection" else self.settings.cached_ms

    def new_id(self) -> str:
        """Return a continuation's id: 128 random bits. It begins as clients of OpenAI's wire expect (facts 5)."""
        return "resp_" + secrets.token_hex(16)

    def check_room(self, principal: str) -> None:
        """Refuse a turn beyond the bound of those that run at once for one principal."""
        if self.running_of(principal) >= self.settings.running:
            raise refusals.overloaded(f"{self.settings.running} turns of yours run already.", _RETRY_MS)

    def running_of(self, principal: str) -> int:
        """Return how many turns of a principal run here."""
        raise NotImplementedError

    # -- state

    async def named_context(self, principal: str, form: Context | Patch | str | None) -> str | None:
        """Return the digest of the context that a turn names: one that is a digest is compared, held or not."""
        if isinstance(form, str):
            return form
        context = await self.context_of(principal, form)
        return None if context is None else context.digest

    async def context_of(self, principal: str, form: Context | Patch | str | None) -> Context | None:
        """Return the context that a turn names, in whichever form; None where it names none."""
        if isinstance(form, Patch):
            base = await self.held_context(principal, form.base, "/context/base")
            members = merge_patch(base.members, form.patch)
            try:
                return read_context(members, msgspec.json.encode(members))
            except Refuse as refused:
                raise refusals.invalid_request(refused.error.message, "/context/patch") from None
        if isinstance(form, str):
            return await self.held_context(principal, form, "/context")
        return form

    async def held_context(self, principal: str, digest: str, param: str) -> Context:
        """Return a context that the principal sent before (SEG-CTX-011, SEG-ISO-008)."""
        held = NO_CONTEXT if digest == NO_CONTEXT.digest else await self.store.context(principal, digest)
        if held is None:
            raise refusals.context_not_found(digest, param)
        return held

    async def base_of(self, principal: str, form: Context | Patch | str | None) -> list[Context]:
        """Return what else the record holds: the base of a patch, so that a repeat can be read as the first was."""
        base = await self.store.context(principal, form.base) if isinstance(form, Patch) else None
        return [] if base is None else [base]

    def effective_context(self, named: Context | None, inherited: Context) -> Context:
        """Return the context in force: the turn's own alone, else its parent's (SEG-CTX-001, SEG-CTX-002)."""
        return inherited if named is None else named

    def check_context(self, context: Context) -> tuple[str, ...]:
        """Refuse settings that can't be honoured (SEG-CTX-030, SEG-CTX-033); return which others have no effect."""
        model = context.members.get("model")
        if isinstance(model, str) and not self.engine.serves(model):
            text = f"The model '{model[:80]}' is not served here; GET /v1/models lists those that are."
            raise refusals.unserved(text)
        if not can_choose(context.members):
            text = "`tool_choice` asks for a tool that `tools` does not hold."
            raise refusals.invalid_request(text, "/context/tool_choice")
        return tuple(self.engine.ignores(context.members))

    def check_told(self, caller: Caller, ignored: Sequence[str]) -> None:
        """Refuse tools and formats without effect where the wire has no `ignored`: nobody would know (SEG-CTX-031)."""
        lost = [place for place in ignored if caller.wire not in _NAMED and place.startswith(DECISIVE)]
        if lost:
            raise refusals.not_offered(f"What `{lost[0][1:]}` asks for", "/context" + lost[0])

    async def resolve_parent(self, caller: Caller, start: models.TurnStart) -> Held | None:
        """Return the parent; Refuse where it can't be resolved exactly (SEG-CONT-010)."""
        if not isinstance(start.parent, str):
            return None
        held = await self.store.resolve(caller.principal, start.parent, caller.scope)
        if held is None:
            raise refusals.continuation_not_found(start.parent)
        return held

    def check_expectation(self, start: models.TurnStart, parent: History, context: Context) -> None:
        """Refuse a turn whose client believes in another history (SEG-CONT-020)."""
        expect = start.expect
        if not isinstance(expect, models.Expectation):
            return
        wrong = None
        if expect.digest != parent.digest or expect.length != parent.length:
            wrong = "history"
        elif isinstance(expect.context, str) and expect.context != context.digest:
            wrong = "context"
        if wrong is not None:
            raise refusals.history_mismatch(wrong, digest=parent.digest, length=parent.length, context=context.digest)

    def check_calls(self, start: models.TurnStart, parent: History, inputs: Sequence[Item]) -> None:
        """Refuse outputs that no call bears, and a turn that leaves calls open (SEG-ITEM-025, SEG-CONT-018).

        A part of a full resend (`generate: false`) may leave calls open: only the last part must close them.
        """
        seen = dict[Call, int]()
        open_calls = set(parent.open)
        compacted = parent.compacted or any(item.kind == "compaction" for item in inputs)
        borne: set[object] | None = None  # every call of the history; looked for where an output asks for it, once
        for place, item in enumerate(inputs):
            if item.call is None:
                continue
            if item.role == "opens":
                open_calls.add(item.call)
                seen[item.call] = place
                continue
            if item.call not in open_calls and item.call not in seen:
                borne = parent.borne() if borne is None else borne
            if item.call in open_calls or item.call in seen or (borne is not None and item.call in borne):
                open_calls.discard(item.call)
            elif not compacted:  # what a compaction stands for can't be looked into
                text = f"No call with id '{item.call.id[:80]}' stands in the history before this output."
                raise refusals.invalid_request(text, f"/input/{place}/call_id")
        if open_calls and start.generate is not False:
            names = ", ".join(sorted(call.id[:80] for call in open_calls))
            text = f"No output for the open calls {names}: answer all of them in this turn."
            earlier = parent.place_of(open_calls & parent.open)
            first = f"/input/{min(seen[call] for call in open_calls)}" if earlier is None else f"/parent/{earlier}"
            raise refusals.invalid_request(text, first)

    def check_readable(self, inputs: Sequence[Item], parent: History) -> None:
        """Refuse items that the model can't be given, rather than leave them out (SEG-ITEM-024, SEG-ITEM-033)."""
        for place, item in enumerate(inputs):
            if not self.engine.reads(item.kind, item.issuer, item.seal):
                raise refusals.unreadable(item.kind, f"/input/{place}")
        if parent.compacted:  # rare, and only an import can bring one that is not readable here
            for place, raw in enumerate(parent.whole()):
                held = read_item(raw) if b"compaction" in raw else None
                if held is not None and not self.engine.reads(held.kind, held.issuer, held.seal):
                    raise refusals.unreadable(held.kind, f"/parent/{place}")

    def check_history_size(self, inputs: Sequence[Item], parent: History) -> None:
        """Refuse a history that nobody could send again, where it can't be sent in parts (SEG-CONT-062)."""
        if "resend_in_parts" in self.features():
            return
        size = sum(node.size for node in parent.nodes()) + sum(len(item.raw) for item in inputs)
        if size > self.settings.message_bytes:
            raise refusals.message_too_large(self.settings.message_bytes)

    # -- the claim

    def make_turn(self, plan: Plan, caller: Caller) -> Turn:
        """Return the turn, not yet claimed."""
        raise NotImplementedError

    async def claim(self, turn: Turn, content: str, contexts: Sequence[Context]) -> tuple[Source, Turn | None]:
        """Claim the name and write the first event; of starts that race the others attach (SEG-TURN-052)."""
        principal, name = turn.plan.principal, turn.name
        accepted = turn.accepted()
        try:
            claim = await self.store.claim(principal, name, content, accepted, contexts)
        except StoreFull as full:
            text = f"No room for more {full.what} of yours; wait until some expire, or delete continuations."
            raise refusals.quota_exceeded(text, _RETRY_MS) from None
        except Unwritable as error:
            report("a turn could not be claimed", error)
            raise refusals.overloaded("The endpoint can't write its state just now.", _RETRY_MS) from None
        if claim.outcome == "conflict":
            raise refusals.turn_conflict(name)
        if claim.outcome != "claimed":
            return await self.attach(principal, name), None
        self.begin(turn)
        turn.claimed(claim.epoch, accepted)
        return turn, turn

    def begin(self, turn: Turn) -> None:
        """Take note of a turn that runs here."""
        raise NotImplementedError

    async def attach(self, principal: str, name: str) -> Source:
        """Return what can be read of a turn that exists; Refuse where only its name is left, or not even that."""
        raise NotImplementedError
