"""Oddities in refusals: the code, advice, effect and place that a rule leaves open, and the order inside of a row."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import msgspec
from segue_adapters.wires.base import Answer, Refuse, Request, refusal
from segue_gateway import refusals
from segue_gateway.acceptance import Caller
from segue_gateway.contexts import Context
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Engine, EngineEvent
from segue_gateway.engines.base import Request as Asked
from segue_gateway.engines.scripted import ScriptedEngine
from segue_gateway.history import History
from segue_gateway.items import Item
from segue_gateway.readings import Source
from segue_gateway.stores.base import Held
from segue_gateway.turns import Turn
from segue_schemas import models

from ..mutants.wire_fault import NATIVE, Told, WireFault

__all__ = [
    "AsksForAnAnswer", "ContextGoesFirst", "HasAShapeForIds", "IgnoresEverySetting", "KnowsThatNothingRan",
    "NamesNoMember", "NamesWhatHoldsTheMember", "PutsUpWithNoSetting", "RefusesEverySetting", "RoutesOtherwise",
    "SaysNoTime", "WantsAModel",
]  # fmt: skip

Event = dict[str, Any]
#: What a model alone needs of a context, and members that say nothing.
_HONOURED = ("model", "truncation")


class HasAShapeForIds(Endpoint):
    """Ids bear a sum of their own, and what has not is refused as an invalid request, wherever it stands.

    Legal: SEG-CONT-011: "with code `continuation_not_found` or `invalid_request`"; errors: its advice is
    `resend_full` for a parent; binding-segue-http says the same of paths.
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE

    def new_id(self) -> str:
        """Return an id that bears a sum of its own."""
        drawn = secrets.token_hex(16)
        return f"c.{drawn}.{zlib.crc32(drawn.encode()):08x}"

    def check_shape(self, identifier: str, param: str) -> None:
        """Refuse what was never an id here."""
        kind, _, rest = identifier.partition(".")
        drawn, _, told = rest.partition(".")
        if kind != "c" or told != f"{zlib.crc32(drawn.encode()):08x}":
            text = "That is no id of a continuation."
            raise refusal("invalid_request", "resend_full" if param == "/parent" else "fix", text, param=param)

    async def resolve_parent(self, caller: Caller, start: models.TurnStart) -> Held | None:
        """Look at the parent's shape first."""
        if isinstance(start.parent, str):
            self.check_shape(start.parent, "/parent")
        return await super().resolve_parent(caller, start)

    async def held(self, caller: Caller, identifier: str) -> Held:
        """Look at the id's shape first."""
        self.check_shape(identifier, "/id")
        return await super().held(caller, identifier)

    async def delete(self, caller: Caller, message: models.ContinuationDelete) -> models.ContinuationDeleted:
        """Look at the id's shape first."""
        self.check_shape(message.id, "/id")
        return await super().delete(caller, message)


class AsksForAnAnswer(Endpoint):
    """An empty input is refused where a model would have to go on from it.

    Legal: SEG-TURN-026: "or refuse it with code `invalid_request` and `param` `/input`".
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE

    def check_calls(self, start: models.TurnStart, parent: History, inputs: Sequence[Item]) -> None:
        """Refuse an empty input, but for a warm-up (SEG-LIVE-043)."""
        super().check_calls(start, parent, inputs)
        if not inputs and start.generate is not False:
            raise refusals.invalid_request("The model needs something to answer.", "/input")


class PutsUpWithNoSetting(Endpoint):
    """A setting that has no effect is refused, and none is ever ignored.

    Legal: SEG-CTX-031: "refuse the turn with code `not_offered` and the member as `param`, or list the member".
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE

    def check_context(self, context: Context) -> tuple[str, ...]:
        """Refuse the first member that has no effect."""
        for pointer in super().check_context(context):
            raise refusals.not_offered("This setting", "/context" + pointer)
        return ()


class _ModelAlone(ScriptedEngine):
    def ignores(self, context: Mapping[str, Any]) -> Sequence[str]:
        """Return pointers to all but the model."""
        return [
            "/" + name.replace("~", "~0").replace("/", "~1")
            for name, value in context.items()
            if value is not None and name not in _HONOURED
        ]

    async def generate(self, request: Asked) -> AsyncIterator[EngineEvent]:
        told = {name: value for name, value in request.context.items() if name in _HONOURED}
        async for event in super().generate(replace(request, context=told)):
            yield event


class IgnoresEverySetting(Endpoint):
    """No setting but the model has an effect: instructions, tools and limits are ignored, and listed as that.

    Legal: SEG-CTX-031: "or list the member under `ignored` in `turn.accepted`".
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE

    def make_engine(self) -> Engine:
        """Return an engine that reads the history alone."""
        return _ModelAlone(offered=(self.settings.model,), slow_seconds=self.settings.slow_ms / 1000)


class RefusesEverySetting(IgnoresEverySetting):
    """No setting but the model is taken.

    Legal: SEG-CTX-031: "refuse the turn with code `not_offered` and the member as `param`".
    """

    def check_context(self, context: Context) -> tuple[str, ...]:
        """Refuse the first member that has no effect."""
        for pointer in super().check_context(context):
            raise refusals.not_offered("This setting", "/context" + pointer)
        return ()


class WantsAModel(Endpoint):
    """A context that names no model is refused.

    Legal: items, What is honoured: "one that needs a name refuses them with `invalid_request`, `param`
    `/context/model`".
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE

    def check_context(self, context: Context) -> tuple[str, ...]:
        """Refuse a context without a model."""
        if not isinstance(context.members.get("model"), str):
            raise refusals.invalid_request("Name a model.", "/context/model")
        return super().check_context(context)


class KnowsThatNothingRan(Endpoint):
    """What is not held never ran, and what is gone is known to have run, or not.

    Legal: errors, Effect: `turn_not_found` is `none` "where the endpoint can know that no turn of that name ran ...
    as one that keeps names for ever does"; `events_gone` is "whichever is true and known".
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE

    async def find(self, principal: str, name: str) -> Source | None:
        """Say of a record that is gone that its model ran."""
        try:
            return await super().find(principal, name)
        except Refuse as refused:
            raise self._known(refused) from None

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Say it to a repeat as well."""
        try:
            return await super().accept(caller, start)
        except Refuse as refused:
            raise self._known(refused) from None

    async def attach(self, principal: str, name: str) -> Source:
        """Say of a name that is not held that nothing ran under it."""
        try:
            return await super().attach(principal, name)
        except Refuse as refused:
            raise self._known(refused) from None

    def _known(self, refused: Refuse) -> Refuse:
        if refused.error.code == "events_gone":
            refused.error.effect = "partial"
        elif refused.error.code == "turn_not_found":
            refused.error.effect = "none"
        return refused


class ContextGoesFirst(Endpoint):
    """Inside of a row of the table refusals come in another order: settings before calls, open calls before outputs.

    Legal: turns, Which refusal goes first: "Within a row the order is free".
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE
    _settings: Context | None = None

    async def resolve_parent(self, caller: Caller, start: models.TurnStart) -> Held | None:
        """Look at the parent, and remember under which context the turn would run."""
        held = await super().resolve_parent(caller, start)
        self._settings = None if held is None else held.handle.context
        return held

    def check_expectation(self, start: models.TurnStart, parent: History, context: Context) -> None:
        """Look at the settings right behind what is expected: they stand in the row of the calls."""
        super().check_expectation(start, parent, context)
        sent = start.context
        if sent is msgspec.UNSET:
            self.check_context(context)
            return
        members = msgspec.json.decode(sent)
        if isinstance(members, dict) and "base" not in members:
            self.check_context(Context(bytes(sent), "", members))


class NamesNoMember(WireFault):
    """No refusal names the member at fault where that is a recommendation alone.

    Legal: SEG-ERR-006 is a recommendation; where a rule asks for `param` by itself it stays.
    """

    wires = NATIVE
    WARNS: ClassVar[Mapping[str, str]] = {"recommended.fault_is_named": "SEG-ERR-006 is left aside"}
    #: Places for which a MUST asks: calls, items, an empty input, settings, steers, contexts, deadlines.
    exact: ClassVar[tuple[str, ...]] = ("/input", "/parent/", "/context", "/deadline_ms", "/require", "/bundle")

    def event(self, wire: str, event: Event, state: Event) -> Told:
        """Take the place out of an error."""
        if event["type"] == "error":
            self._nameless(event["error"])
        return event

    def problem(self, wire: str, told: Event) -> Event:
        """Take it out of a problem body."""
        self._nameless(told)
        return told

    def _nameless(self, error: Event) -> None:
        wanted = error["code"] in ("invalid_request", "not_offered")
        if not (wanted and str(error.get("param")).startswith(self.exact)):
            error.pop("param", None)


class NamesWhatHoldsTheMember(WireFault):
    """A refusal of the form names the member of the message, and not what is wrong inside of it.

    Legal: SEG-ERR-010: "to the member at fault or to one that holds it".
    """

    wires = NATIVE

    def event(self, wire: str, event: Event, state: Event) -> Told:
        """Shorten the place in an error."""
        if event["type"] == "error":
            self._shorten(event["error"])
        return event

    def problem(self, wire: str, told: Event) -> Event:
        """Shorten it in a problem body."""
        self._shorten(told)
        return told

    def _shorten(self, error: Event) -> None:
        param = error.get("param")
        # Where a rule names the place, or asks for an item's, it stays.
        exact = ("/input", "/parent", "/context", "/bundle", "/require")
        if isinstance(param, str) and param.count("/") > 1 and not param.startswith(exact):
            error["param"] = "/" + param.split("/")[1]


class SaysNoTime(WireFault):
    """Nobody is told for how long to wait, and no limit is told with the refusal of what passes it.

    Legal: SEG-ERR-007, SEG-MSG-033 and SEG-HTTP-053 are recommendations; of a 202 the header "may go with it".
    """

    wires = NATIVE
    WARNS: ClassVar[Mapping[str, str]] = {
        "recommended.limit_is_told": "SEG-MSG-033 is left aside",
        "recommended.wait_says_how_long": "SEG-ERR-007 is left aside",
    }

    def event(self, wire: str, event: Event, state: Event) -> Told:
        """Take times and limits out of an error."""
        if event["type"] == "error":
            event["error"].pop("retry_after_ms", None)
            event["error"].pop("detail", None)
        return event

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Take them out of a problem body, and the headers out of every answer."""
        headers = {name: value for name, value in answer.headers.items() if not name.startswith("retry-after")}
        body = answer.body
        if answer.status >= 400 and body.startswith(b"{"):
            told = msgspec.json.decode(body)
            told.pop("retry_after_ms", None)
            told.pop("detail", None)
            body = msgspec.json.encode(told)
        return Answer(answer.status, headers, body)


class RoutesOtherwise(WireFault):
    """A route with another method is 405 with its methods.

    Legal: binding-segue-http: "a route with another method with 404 or 405"; "`Allow` with 405".
    """

    wires = ("segue-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Tell 405 where the path is one of a turn."""
        if request is None or answer.status != 404 or b"unsupported_message" not in answer.body:
            return answer
        steps = request.path.strip("/").split("/")
        if steps[0] not in ("turns", "continuations", "contexts") or len(steps) > 2:
            return answer
        told = msgspec.json.decode(answer.body)
        headers = {**answer.headers, "allow": "GET, PUT, POST, DELETE"}
        return Answer(405, headers, msgspec.json.encode({**told, "status": 405}))
