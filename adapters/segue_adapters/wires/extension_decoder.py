"""Reads extended OpenAI Responses events as Segue messages: the client side of the Responses extension.

A request is governed only if its own first event, or JSON answer, says `segue.accepted` with the name that it bore:
somebody in between may have rebuilt it, or a node that knows nothing of Segue may have answered (SEG-EXT-011). Else
the response is read as on the plain wire, and nothing is proved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from segue_schemas import models

from ..assembly import apply_append, apply_put
from ..errors import RemoteProtocolError
from .base import check_json
from .extension import PREFIX
from .responses_decoder import (
    ITEM_APPENDS,
    PART_APPENDS,
    PARTS,
    PARTS_OF,
    ResponsesDecoder,
    need,
    parse_event,
    usage_of,
)
from .segue_ws import server_message

__all__ = ["ExtensionDecoder", "segue_of", "unprefixed"]

_UNSET = msgspec.UNSET
_TERMINAL = ("response.completed", "response.incomplete", "response.failed")


def segue_of(event: Mapping[str, Any]) -> models.ExtensionEvent | None:
    """Return `segue` of an event, a Response or the body of a refusal; None without one."""
    value = event.get("segue")
    if not isinstance(value, dict):
        return None
    try:
        return msgspec.convert(value, models.ExtensionEvent)
    except msgspec.ValidationError as error:
        raise RemoteProtocolError(
            f"`segue` of {event.get('type', 'an answer')} is not valid: {error}",
            requirement="SEG-EXT-021",
            expected="extension.json#/$defs/ExtensionEvent",
            got=str(value)[:300],
        ) from None


def unprefixed(data: str | bytes) -> models.ServerMessage | None:
    """Return the message of a prefixed event; None for a type that this version does not know."""
    members = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    kind = msgspec.json.decode(members["type"], type=str)
    return server_message(msgspec.json.encode({**members, "type": kind.removeprefix(PREFIX)}))


def refused_by(segue: models.ExtensionEvent, turn: str | None) -> models.ErrorMessage:
    """Return the message that an `error` with `segue.error` says; it names the turn that it was said of."""
    assert isinstance(segue.error, models.Error)
    named = segue.turn if isinstance(segue.turn, str) or turn is None else turn
    return models.ErrorMessage(error=segue.error, refused=segue.refused, turn=named, steer=segue.steer, ref=segue.ref)


class ExtensionDecoder:
    """Follows one response that was asked for under the name `turn`; `behind`: a reading that `turn.resume` began."""

    def __init__(self, turn: str, *, retention: models.Retention, behind: bool = False) -> None:
        self.turn = turn
        self.finished = False
        #: Whether the endpoint's rules hold for this turn; None while nothing came of it.
        self.governed: bool | None = True if behind else None
        self._plain = ResponsesDecoder(turn, retention=retention)
        self._held: list[models.ServerMessage] = []
        self._parts: set[tuple[int, str, int]] = set()
        self._started: set[int] = set()

    @property
    def response_id(self) -> str | None:
        """The id of the response, once one came."""
        return self._plain.response_id

    def receive(self, data: bytes | str, event: dict[str, Any] | None = None) -> list[models.ServerMessage]:
        """Return what one event says; `event` is the parsed JSON where the caller has it already."""
        if event is None:
            event = parse_event(data)
        kind: str = event["type"]
        if kind.startswith(PREFIX):
            message = unprefixed(data)
            return [] if message is None or self.governed is not True else [message]
        segue = segue_of(event)
        if kind == "error" and segue is not None and (told := self._refused(segue)):
            return told
        if self.governed is None and (kind.startswith("response.") or kind == "error"):
            self.governed = self._is_mine(segue)
        if not self.governed:
            messages = self._plain.receive(data, event)
            self.finished = self._plain.finished
            return messages
        response = event.get("response")
        if isinstance(response, dict) and isinstance(response.get("id"), str) and self._plain.response_id is None:
            self._plain.response_id = response["id"]
        return self._event(kind, event, data, segue or models.ExtensionEvent())

    def receive_response(self, body: bytes) -> list[models.ServerMessage]:
        """Return what a whole Response says."""
        response = check_json(body)
        segue = segue_of(response) if isinstance(response, dict) else None
        self.governed, self.finished = self._is_mine(segue), True
        messages = self._plain.receive_response(body)
        if not self.governed or segue is None:
            return messages
        digests = iter(segue.digests if isinstance(segue.digests, list) else ())
        told: list[models.ServerMessage] = []
        for message in messages:
            if isinstance(message, models.TurnAccepted):
                message = self._accepted(segue, 0)
            elif isinstance(message, models.ItemCompleted):
                message.digest = next(digests, _UNSET)
            elif isinstance(message, models.TurnCompleted | models.TurnFailed):
                message = self._ended(segue, message.usage) or message
            told.append(message)
        return told

    def _is_mine(self, segue: models.ExtensionEvent | None) -> bool:
        accepted = segue.accepted if segue is not None else _UNSET
        return isinstance(accepted, models.ExtensionAccepted) and accepted.turn == self.turn

    def _refused(self, segue: models.ExtensionEvent) -> list[models.ServerMessage]:
        """Return what an `error` says that refuses, ends a reading, or ends the turn."""
        if isinstance(segue.failed, models.Error):
            self.finished = True
            return [models.TurnFailed(turn=self.turn, seq=segue.seq, error=segue.failed)]
        if isinstance(segue.error, models.Error):
            self.finished = True
            return [refused_by(segue, self.turn)]
        return []

    def _accepted(self, segue: models.ExtensionEvent, seq: int | msgspec.UnsetType) -> models.TurnAccepted:
        accepted = segue.accepted
        assert isinstance(accepted, models.ExtensionAccepted)
        return models.TurnAccepted(seq=seq, **{name: getattr(accepted, name) for name in accepted.__struct_fields__})

    def _ended(
        self, segue: models.ExtensionEvent, usage: models.Usage | msgspec.UnsetType
    ) -> models.TurnCompleted | models.TurnFailed | None:
        if isinstance(segue.failed, models.Error):
            return models.TurnFailed(turn=self.turn, seq=segue.seq, error=segue.failed, usage=usage)
        done = segue.completed
        if not isinstance(done, models.ExtensionCompleted):
            return None
        members = {name: getattr(done, name) for name in done.__struct_fields__}
        return models.TurnCompleted(turn=self.turn, seq=segue.seq, usage=usage, **members)

    # -- events of a governed response

    def _event(
        self, kind: str, event: dict[str, Any], data: bytes | str, segue: models.ExtensionEvent
    ) -> list[models.ServerMessage]:
        if isinstance(segue.accepted, models.ExtensionAccepted):
            return [self._accepted(segue, segue.seq)]
        if kind in _TERMINAL:
            self.finished = True
            response = event.get("response")
            usage = usage_of(response.get("usage")) if isinstance(response, dict) else _UNSET
            ended = self._ended(segue, usage)
            if ended is None:
                raise RemoteProtocolError(
                    f"{kind} of a governed response without `segue.completed` or `segue.failed`",
                    requirement="SEG-EXT-021",
                    expected="`segue` as the table of events names it",
                    got=str(event)[:300],
                )
            return self._release(ended, segue)
        index = segue.index if isinstance(segue.index, int) else event.get("output_index")
        message = self._message(kind, {**event, "output_index": index}, data)
        return [] if message is None else self._release(message, segue)

    def _release(self, message: Any, segue: models.ExtensionEvent) -> list[models.ServerMessage]:
        """Return a message with the number that its event bears, and what was held for it; hold it without one.

        A number stands in the last of the events that one event of the record became.
        """
        self._held.append(message)
        if not isinstance(segue.seq, int):
            return []
        held, self._held = self._fold(), []
        last: Any = held[-1]
        last.seq = segue.seq
        if isinstance(last, models.ItemDelta):
            last.from_ = segue.from_
        if isinstance(last, models.ItemCompleted):
            last.digest = segue.digest
            held[-1:-1] = self._put_before(last, segue)
        return held

    def _put_before(self, message: models.ItemCompleted, segue: models.ExtensionEvent) -> list[models.ServerMessage]:
        """Return what the record put into an item before it was whole, where no event of this wire said it.

        Its numbers would be missing otherwise. The item comes whole, so what was put is known: how it ended.
        """
        if not isinstance(segue.from_, int) or not isinstance(segue.seq, int) or segue.from_ >= segue.seq:
            return []
        assert isinstance(message.item, msgspec.Raw)
        status = msgspec.json.decode(message.item, type=dict[str, msgspec.Raw]).get("status")
        if status is None:
            return []
        delta = models.ItemDelta(turn=self.turn, index=message.index, at="/status", seq=segue.seq - 1, put=status)
        if segue.from_ < segue.seq - 1:
            delta.from_ = segue.from_
        return [delta]

    def _fold(self) -> list[models.ServerMessage]:
        """Return what was held, with the parts that came with an item's announcement put into its skeleton."""
        first, rest = self._held[0], self._held[1:]
        filling = rest and all(isinstance(message, models.ItemDelta) for message in rest)
        if not filling or not isinstance(first, models.ItemStarted):
            return self._held
        item = msgspec.json.decode(first.item)
        for delta in rest:
            assert isinstance(delta, models.ItemDelta)
            if isinstance(delta.append, str):
                apply_append(item, delta.at, delta.append)
            elif isinstance(delta.put, msgspec.Raw):
                apply_put(item, delta.at, msgspec.json.decode(delta.put))
        return [msgspec.structs.replace(first, item=msgspec.Raw(msgspec.json.encode(item)))]

    def _message(self, kind: str, event: dict[str, Any], data: bytes | str) -> models.ServerMessage | None:
        """Return what an event of an item says, without a number; None for the copies, which say nothing new."""
        if kind in ("response.output_item.added", "response.output_item.done"):
            index: int = need(event, "output_index", int)
            need(event, "item", dict)
            item = msgspec.json.decode(data, type=_Item).item
            if kind.endswith("done"):
                return models.ItemCompleted(turn=self.turn, index=index, item=item)
            self._started.add(index)
            return models.ItemStarted(turn=self.turn, index=index, item=item)
        if kind not in PARTS and kind not in PART_APPENDS and kind not in ITEM_APPENDS:
            return None
        index = need(event, "output_index", int)
        delta = models.ItemDelta(turn=self.turn, index=index, at=ITEM_APPENDS.get(kind, ""))
        if kind in PARTS:
            member, counter = PARTS[kind]
            place = need(event, counter, int)
            need(event, "part", dict)
            self._parts.add((index, member, place))
            delta.at, delta.put = f"/{member}/{place}", msgspec.json.decode(data, type=_Part).part
            return delta
        text: str = need(event, "delta", str)
        if kind in PART_APPENDS:
            member, counter, name = PART_APPENDS[kind]
            place = need(event, counter, int)
            if index in self._started and (index, member, place) not in self._parts:
                self._parts.add((index, member, place))  # visible reasoning has no event for its parts
                part = {"type": PARTS_OF[kind], name: text}
                delta.at, delta.put = f"/{member}/{place}", msgspec.Raw(msgspec.json.encode(part))
                return delta
            delta.at = f"/{member}/{place}/{name}"
        delta.append = text
        return delta


class _Item(msgspec.Struct):
    item: msgspec.Raw


class _Part(msgspec.Struct):
    part: msgspec.Raw
