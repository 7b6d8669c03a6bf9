"""The Responses extension: who is declared, and what `segue` says in a request (spec: binding-responses-extension).

Both OpenAI wires carry it, and both sides use this. A declared client on a declared endpoint speaks of turns as on a
Segue wire, in the members that OpenAI Responses lacks; `wire+segue` is the name of such a wire wherever one is chosen.
"""

from __future__ import annotations

import contextlib
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import msgspec
from segue_schemas import VERSION, context_digest, models

from ..errors import NotCarried
from .base import Refuse, check_json, refusal

__all__ = [
    "EXTENDED",
    "HEADER",
    "PREFIX",
    "ContextMemory",
    "declaration",
    "declares",
    "extended_body",
    "extended_start",
    "is_declared",
    "plain_wire",
    "pointed",
    "speaks",
]

#: The header by which each side declares itself, once; names of headers in lower case as everywhere here.
HEADER = "segue-version"

#: What stands before the type of a message that OpenAI Responses does not have.
PREFIX = "segue:"

#: By wire, the name of the same wire with the extension.
EXTENDED = {"openai-ws": "openai-ws+segue", "openai-http": "openai-http+segue"}

_UNSET = msgspec.UNSET
_NAME = re.compile("[A-Za-z0-9_-]{1,64}")
_VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")
_MAJOR = VERSION.partition(".")[0]

# Members of a create that are no settings: with a context by its digest they may stand, all others may not.
_NO_SETTINGS = frozenset({
    "type", "model", "input", "previous_response_id", "store", "stream", "stream_options", "stream_id", "generate",
    "background", "background_options", "conversation", "segue",
})  # fmt: skip


def plain_wire(wire: str) -> str:
    """Return the wire on whose URL and frames this one is spoken: itself, but for the extension."""
    return wire.removesuffix("+segue")


def declaration() -> dict[str, str]:
    """Return the header of whoever speaks the extension."""
    return {HEADER: VERSION}


def speaks(version: str | None) -> bool:
    """Whether a version is one that is understood here: any minor one of this major version."""
    found = _VERSION.fullmatch(version.strip()) if isinstance(version, str) else None
    return found is not None and found[1] == _MAJOR


def declares(headers: Mapping[str, str]) -> bool:
    """Whether the sender of these headers (names in lower case) has declared itself; any other value is none."""
    return speaks(headers.get(HEADER))


def is_declared(document: models.Discovery | None, wire: str) -> bool:
    """Whether a discovery document says that a wire is served with the extension."""
    bindings = document.bindings if document is not None else []
    return any(b.wire == wire and isinstance(b.segue, str) and speaks(b.segue) for b in bindings)


# ---- client: a turn as a create -------------------------------------------------------------------------------


class ContextMemory:
    """What a client knows of contexts that it does not send whole: their models, and which a continuation has.

    This wire inherits nothing and names the model beside a digest; both follow from what was sent and answered before.
    """

    _ROOM = 512

    def __init__(self) -> None:
        self._models: OrderedDict[str, str] = OrderedDict()
        self._contexts: OrderedDict[str, str] = OrderedDict()
        self._last: str | None = None

    def sent(self, context: Mapping[str, Any]) -> None:
        """Take note of a context that was sent whole."""
        model = context.get("model")
        if isinstance(model, str):
            self._last = model
            with contextlib.suppress(ValueError):  # what has no digest is refused, and never named by one
                self._put(self._models, context_digest(context), model)

    def told(self, continuation: models.Continuation | None) -> None:
        """Take note of a continuation that was answered."""
        if continuation is not None and isinstance(continuation.context, str):
            self._put(self._contexts, continuation.id, continuation.context)

    def model_of(self, digest: str) -> str | None:
        """Return the model of a context; the last one sent where it is not known, None where there was none."""
        return self._models.get(digest, self._last)

    def context_of(self, parent: str) -> str | None:
        """Return the digest of a continuation's context, None where it was not answered here."""
        return self._contexts.get(parent)

    def _put(self, known: OrderedDict[str, str], key: str, value: str) -> None:
        known[key] = value
        known.move_to_end(key)
        if len(known) > self._ROOM:
            known.popitem(last=False)


def extended_body(start: models.TurnStart, *, wire: str, stream: bool | None, memory: ContextMemory) -> dict[str, Any]:
    """Return the members of a create that says this turn, with all that the plain wire has no place for in `segue`.

    Raises NotCarried for a turn without a context, unless it is known which one its parent has.
    """
    segue: dict[str, Any] = {"turn": start.turn}
    body: dict[str, Any] = {}
    context = check_json(start.context) if isinstance(start.context, msgspec.Raw) else None
    if context is None:
        context = memory.context_of(start.parent) if isinstance(start.parent, str) else None
        if context is None:
            raise NotCarried(wire, "a turn without a context, but that of a parent which was answered here")
    named = context if isinstance(context, str) else None
    if isinstance(context, dict) and set(context) == {"base", "patch"}:
        named = context["base"]
    if named is not None:
        segue["context"] = context
        changed = context["patch"].get("model") if isinstance(context, dict) else None
        model = changed if isinstance(changed, str) else memory.model_of(named)
        body |= {} if model is None else {"model": model}
    elif isinstance(context, dict):
        memory.sent(context)
        assert isinstance(start.context, msgspec.Raw)
        body |= msgspec.json.decode(start.context, type=dict[str, msgspec.Raw])
    if isinstance(start.parent, str):
        body["previous_response_id"] = start.parent
    body["input"] = start.input
    for member in ("expect", "overlay", "retention", "require", "deadline_ms", "trace"):
        if getattr(start, member) is not _UNSET:
            segue[member] = getattr(start, member)
    if isinstance(start.retention, str):
        body["store"] = start.retention in ("cached", "durable")  # for those in between who read it
    if start.generate is not _UNSET:
        segue["generate"] = start.generate
        if plain_wire(wire) == "openai-ws":
            body["generate"] = start.generate
    if isinstance(start.delivery, models.Delivery) and isinstance(start.delivery.coalesce_ms, int):
        segue["delivery"] = {"coalesce_ms": start.delivery.coalesce_ms}
    if stream is not None:
        body["stream"] = stream
    body["segue"] = segue
    return body


# ---- server: a create as a turn -------------------------------------------------------------------------------


def _bad(message: str, param: str) -> Refuse:
    return refusal("invalid_request", "fix", message, param=param, refused="turn.start")


def extended_start(
    start: models.TurnStart, members: Mapping[str, Any], raw: Mapping[str, msgspec.Raw], *, streams: bool
) -> tuple[bool, str | None]:
    """Put what `segue` says into the turn of a create; raises Refuse with the place at fault.

    `streams`: the wire always streams; else the body's `stream` says whether the answer comes whole.

    Return whether the client named the turn, and the model that its context has to have where that is named only.
    """
    asked = models.ExtensionRequest()
    if members.get("segue") is not None:
        try:
            asked = msgspec.json.decode(raw["segue"], type=models.ExtensionRequest)
        except msgspec.DecodeError as error:
            raise _bad(f"`segue`: {error}.", _place(str(error))) from None
    start.delivery = models.Delivery(mode="stream" if streams or members.get("stream") is True else "final")
    for member in ("turn", "expect", "overlay", "retention", "require", "deadline_ms", "trace"):
        value = getattr(asked, member)
        if value is not _UNSET:
            setattr(start, member, value)
    if asked.generate is not _UNSET:
        if isinstance(members.get("generate"), bool) and members["generate"] != asked.generate:
            raise _bad("`generate` and `segue.generate` differ.", "/segue/generate")
        start.generate = asked.generate
    if isinstance(asked.delivery, models.ExtensionDelivery) and isinstance(asked.delivery.coalesce_ms, int):
        start.delivery.coalesce_ms = asked.delivery.coalesce_ms
    model: str | None = None
    if asked.context is not _UNSET:
        context = members["segue"]["context"]
        if isinstance(context, dict) and not {"base", "patch"} <= context.keys():
            text = "`segue.context` is a digest, or `base` and `patch`; a whole context is the body."
            raise _bad(text, "/segue/context")
        if beside := sorted(set(members) - _NO_SETTINGS):
            raise _bad(f"'{beside[0]}' stands beside `segue.context`, which says it already.", beside[0])
        start.context, model = asked.context, members.get("model")
    return isinstance(asked.turn, str), model


_POINTERS = {"previous_response_id": "/parent", "store": "/retention", "stream_id": "/lane", "input": "/input"}


def pointed(refused: Refuse, members: Any) -> Refuse:
    """Return the refusal of a create as a Segue wire tells it: with its turn, and a pointer (SEG-ERR-010)."""
    segue = members.get("segue") if isinstance(members, dict) else None
    turn = segue.get("turn") if isinstance(segue, dict) else None
    if isinstance(turn, str) and _NAME.fullmatch(turn):
        refused.message.turn = turn
    param = refused.error.param
    if isinstance(param, str) and not param.startswith("/"):
        first, *rest = param.replace("[", ".").replace("]", "").split(".")
        refused.error.param = "/".join([_POINTERS.get(first, f"/context/{first}"), *rest])
    return refused


def _place(text: str) -> str:
    """Return the pointer to the member at fault, as msgspec's sentence names it."""
    steps = [text.rsplit("`$.", 1)[1].rstrip("`")] if "`$." in text else []
    _, missing, rest = text.partition("missing required field `")
    if missing:
        steps.append(rest.partition("`")[0])
    found = re.sub(r"\[(\.\.\.|[0-9]+)\]", r"/\1", "/".join(steps)).replace(".", "/")
    return f"/segue/{found}" if found else "/segue"
