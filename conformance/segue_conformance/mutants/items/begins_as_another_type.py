"""Begins each item as one of another type than it ends as."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from segue_adapters.assembly import ItemAssembler
from segue_schemas import models

from ..wire_fault import NATIVE, Told, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("items.types_stay",))
ALSO = {
    "resume.resume_from_a_number": "a record that is read twice has items of another type",
}


_MESSAGE: msgspec.json.Decoder[models.ServerMessage] = msgspec.json.Decoder(models.ServerMessage)


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the type that an item begins with."""

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Begin with another type and end with the whole item."""
        if event["type"] == "turn.accepted":
            state[event["turn"]] = ItemAssembler()
        items = state.get(event.get("turn", ""))
        if items is None or not event["type"].startswith("item."):
            return event
        items.apply(_MESSAGE.decode(json.dumps(event)))
        if event["type"] == "item.started":
            event["item"] = {**event["item"], "type": "vendor:draft"}
        elif event["type"] == "item.completed":
            event["item"] = json.loads(items.whole(event["index"]))
        return event
