"""Oddities in the members of messages: more than anybody knows, no more than what is required, words nobody lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec
from segue_adapters.wires.base import Request
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading
from segue_schemas import models

from ..extended import SEGUE_WIRES
from ..mutants.wire_fault import NATIVE, Told, WireFault

__all__ = ["LaterVersion", "Lean", "LeanLimits", "MoreMembers", "NullParam", "OddErrors", "OddWords"]

Event = dict[str, Any]
_MORE: Mapping[str, Any] = {"vendor": {"a": [1, None, {"b": "\u00fc"}], "type": "x"}, "Type": "turn.failed", "SEQ": -1}
_BEARING = ("continuation.bundle", "turn.steered", "segue:continuation.bundle", "segue:turn.steered")
#: Objects of messages that are neither items nor contexts nor values of the user's.
_INSIDE = (
    "accepted", "capabilities", "completed", "continuation", "error", "failed", "limits", "reused", "segue", "timing",
    "usage", "detail",
)  # fmt: skip


def with_more(told: Event) -> Event:
    """Return a message with unknown members in it and in the objects that it is made of."""
    found: Event = {}
    for name, value in told.items():
        if name in _INSIDE and isinstance(value, dict):
            found[name] = with_more(value)
        elif name in ("limits", "bindings") and isinstance(value, list):
            found[name] = [{**_MORE, **one} for one in value]
        else:
            found[name] = value
    return {**_MORE, **found}


class MoreMembers(WireFault):
    """Unknown members stand in every message and every object of one.

    Legal: SEG-MSG-012: "A client MUST ignore members of a server message that it does not know".
    """

    wires = (*SEGUE_WIRES, "discovery")

    def event(self, wire: str, event: Event, state: Event) -> Told:
        """Put them into each message, but for those that bear a client's items byte for byte."""
        return event if event["type"] in _BEARING else with_more(event)

    def whole(self, wire: str, told: Event) -> Event:
        """Put them into each whole answer, the discovery document among them."""
        return told if told.get("type") in _BEARING else with_more(told)

    def problem(self, wire: str, told: Event) -> Event:
        """Put them into each problem body."""
        return with_more(told)


#: Members of messages that need not be there, by type; what SHOULD be there is another oddity's.
_OPTIONAL: Mapping[str, Iterable[str]] = {
    "welcome": ("expires_in_ms",),
    "turn.completed": ("usage",),
    "turn.failed": ("usage",),
    "continuation.deleted": ("count",),
    "continuation.evicted": ("reason",),
    "connection.draining": ("resumable_elsewhere",),
}
_KEPT_LIMITS = ("heartbeat_ms", "message_bytes", "replay_ms", "name_ms")


class Lean(WireFault):
    """No member is sent that need not be there, but for those that are recommended.

    Legal: schemas/1.0/native.json says which members are required; "A limit that is absent is not declared".
    """

    wires = NATIVE

    def limits(self) -> models.Limits:
        """Return the limits that have to be declared."""
        told = super().limits()
        return models.Limits(**{name: getattr(told, name) for name in _KEPT_LIMITS})

    def event(self, wire: str, event: Event, state: Event) -> Told:
        """Take out of a message what need not be there."""
        return self._lean(event)

    def whole(self, wire: str, told: Event) -> Event:
        """Take it out of a whole answer."""
        return self._lean(told)

    def problem(self, wire: str, told: Event) -> Event:
        """Take details out of a refusal that bears them without need."""
        if told["code"] != "message_too_large":
            told.pop("detail", None)
        return told

    def _lean(self, told: Event) -> Event:
        kind = told.get("type", "")
        if kind in _BEARING:
            return told
        for name in _OPTIONAL.get(kind, ()):
            told.pop(name, None)
        if kind == "turn.snapshot":
            for name in ("completed", "failed"):
                if name in told:
                    told[name] = self._lean(told[name])
        if kind in ("turn.completed", "continuation.info") and "continuation" in told:
            told["continuation"].pop("expires_in_ms", None)  # no `cached_ms` is declared
        if kind == "error" and told["error"]["code"] != "message_too_large":
            told["error"].pop("detail", None)
        return told


class LeanLimits(Endpoint):
    """No limit is declared that need not be.

    Legal: capabilities, Limits: "A limit that is absent is not declared, and a client counts on nothing".
    """

    def limits(self) -> models.Limits:
        """Return the limits that have to be declared."""
        told = super().limits()
        return models.Limits(**{name: getattr(told, name) for name in _KEPT_LIMITS})


class _Dreaming(Reading):
    def progress(self) -> models.TurnProgress:
        return msgspec.structs.replace(super().progress(), phase="dreaming of electric sheep")


class OddWords(WireFault):
    """Phases and reasons are words that no chapter lists.

    Legal: messages: "Members that explain in a word, such as `reason` and `phase`, are open sets".
    """

    wires = NATIVE
    reading_type = _Dreaming

    def event(self, wire: str, event: Event, state: Event) -> Told:
        """Give other reasons."""
        if event["type"] in ("connection.draining", "continuation.evicted"):
            event["reason"] = "full moon \u263e"
        return event


class OddErrors(WireFault):
    """Errors have long messages and details that nobody needs.

    Legal: errors.json: `detail` is "More for machines; never needed to act"; `message` is for a person.
    """

    wires = NATIVE
    more: ClassVar[Event] = {"more": [1, {"code": "none", "advice": "retry"}], "code": "other"}

    def event(self, wire: str, event: Event, state: Event) -> Told:
        """Make more of an error."""
        if isinstance(event.get("error"), dict):
            self._odd(event["error"])
        return event

    def problem(self, wire: str, told: Event) -> Event:
        """Make more of a problem."""
        self._odd(told)
        return {**told, "title": "Oh.", "instance": "urn:uuid:0", "invalid-params": []}

    def _odd(self, error: Event) -> None:
        error["message"] = f"{error['message']}\n\n\u2603 " + "Ask your operator. " * 60
        error["detail"] = {**error.get("detail", {}), **self.more}


class NullParam(WireFault):
    """Errors that name no member say so by null.

    Legal: errors.json: `param` is a string or null.
    """

    wires = NATIVE

    def event(self, wire: str, event: Event, state: Event) -> Told:
        """Say null where nothing is said."""
        if isinstance(event.get("error"), dict):
            event["error"].setdefault("param", None)
        return event

    def problem(self, wire: str, told: Event) -> Event:
        """Say null where nothing is said."""
        told.setdefault("param", None)
        return told


class LaterVersion(WireFault):
    """It speaks 1.7: members, features and limits that 1.0 does not know stand beside those that it does.

    Legal: versions: "a client of 1.0 works with an endpoint of 1.3"; a minor version may add "an optional member",
    "a feature, a limit". (It may add a server message, too, which SEG-MSG-002 of 1.0 has no place for.)
    """

    wires = (*NATIVE, "discovery")

    def features(self, wire: str | None = None) -> list[str]:
        """Return all features and one of a later version."""
        return [*super().features(wire), "telepathy"]

    def event(self, wire: str, event: Event, state: Event) -> Told:
        """Say in which version it is spoken, and put a member of it into each message."""
        if event["type"] == "welcome":
            event["protocol"] = "1.7"
            event["limits"]["thoughts"] = 3
        return event if event["type"] in _BEARING else {**event, "mood": "good"}

    def answer(self, wire: str, request: Request | None, answer: Any) -> Any:
        """Say in discovery which versions are spoken."""
        if wire != "discovery" or answer.status != 200:
            return answer
        told = msgspec.json.decode(answer.body)
        told["versions"] = ["1.0", "1.7"]
        told["limits"]["thoughts"] = 3
        return type(answer)(answer.status, answer.headers, msgspec.json.encode(told))
