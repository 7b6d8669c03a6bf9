"""The Responses extension: the committed sessions as extended events, and back."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from segue_adapters.assembly import ItemAssembler
from segue_adapters.errors import RemoteProtocolError
from segue_adapters.wires.base import TurnFacts, refusal
from segue_adapters.wires.extension_decoder import ExtensionDecoder
from segue_adapters.wires.extension_encoder import ExtensionEncoder
from segue_adapters.wires.openai_ws_extension import ExtendedWSClient, ExtendedWSServer
from segue_schemas import item_digest, models, validator
from sessions_told import readings

READINGS = readings()
EVENT = validator("extension.json#/$defs/ExtensionEvent")


def facts(name: str) -> TurnFacts:
    start, messages = READINGS[name]
    told = getattr(messages[-1], "continuation", None)
    context = msgspec.Raw(b'{"model":"m"}')
    identifier = told.id if isinstance(told, models.Continuation) else "resp_1"
    return TurnFacts(identifier, 1, msgspec.structs.replace(start, context=context), True)


def encoded(encoder: ExtensionEncoder, messages: list[models.ServerMessage]) -> list[str]:
    return [msgspec.json.encode(event).decode() for message in messages for event in encoder.feed(message)]


def decoded(decoder: ExtensionDecoder, frames: list[str]) -> list[Any]:
    return [message for frame in frames for message in decoder.receive(frame)]


def numbers(messages: list[Any]) -> list[int]:
    return [m.seq for m in messages if isinstance(getattr(m, "seq", None), int)]


def same_end(one: Any, other: Any) -> bool:
    """Whether two ends are the same, but for details of usage: where nobody reported them this wire says 0."""
    if isinstance(one.usage, models.Usage) and isinstance(other.usage, models.Usage):
        bare = [msgspec.structs.replace(end.usage, cached_tokens=0, reasoning_tokens=0) for end in (one, other)]
        one, other = (msgspec.structs.replace(end, usage=usage) for end, usage in zip((one, other), bare, strict=True))
    return bool(one == other)


def lost(told: list[Any], again: list[Any]) -> list[str]:
    """Return what was told under a number that did not come back."""
    there = numbers(again)
    return [getattr(m, "at", "") for m in told if isinstance(getattr(m, "seq", None), int) and m.seq not in there]


def built(messages: list[Any], assembler: ItemAssembler | None = None) -> list[str]:
    items = assembler or ItemAssembler()
    for message in messages:
        items.apply(message)
    return [item_digest(item) for item in items.items]


@pytest.mark.parametrize("name", READINGS)
def test_a_reading_comes_back(name: str) -> None:
    told = READINGS[name][1]
    frames = encoded(ExtensionEncoder(facts(name)), told)
    decoder = ExtensionDecoder(READINGS[name][0].turn, retention="cached")
    again = decoded(decoder, frames)
    assert (decoder.governed, decoder.finished) == (True, True)
    assert again[0] == told[0]
    assert same_end(again[-1], told[-1])
    assert numbers(again) == sorted(set(numbers(again)))
    assert lost(told, again) == []
    kinds = {m.seq: type(m) for m in told if isinstance(getattr(m, "seq", None), int)}
    assert all(kinds[m.seq] is type(m) for m in again if isinstance(getattr(m, "seq", None), int))
    assert built(again) == built(told)
    digests = {m.index: m.digest for m in told if isinstance(m, models.ItemCompleted)}
    assert {m.index: m.digest for m in again if isinstance(m, models.ItemCompleted)} == digests


@pytest.mark.parametrize("name", READINGS)
def test_what_stands_in_segue_fits_its_schema(name: str) -> None:
    for frame in encoded(ExtensionEncoder(facts(name)), READINGS[name][1]):
        segue = json.loads(frame).get("segue", {})
        assert [*EVENT.iter_errors(segue)] == [], segue


@pytest.mark.parametrize("name", READINGS)
def test_a_reading_may_begin_anywhere(name: str) -> None:
    told = READINGS[name][1]
    for place in range(1, len(told)):
        encoder = ExtensionEncoder(facts(name), behind=True)
        encoder.skip(told[:place])
        frames = encoded(encoder, told[place:])
        events = [json.loads(frame) for frame in frames]
        assert "response.created" not in [event["type"] for event in events]
        named = [e for e in events if not e["type"].startswith("segue:")]
        assert all(event["segue"]["turn"] == told[0].turn for event in named)
        again = decoded(ExtensionDecoder(told[0].turn, retention="none", behind=True), frames)
        assert lost(told[place:], again) == []
        assert same_end(again[-1], told[-1])
        before = ItemAssembler()
        for message in told[:place]:
            before.apply(message)
        assert built(again, before) == built(told)


@pytest.mark.parametrize("name", READINGS)
def test_a_cut_between_events_of_one_number_loses_nothing(name: str) -> None:
    told = READINGS[name][1]
    frames = encoded(ExtensionEncoder(facts(name)), told)
    for cut in range(1, len(frames)):
        decoder = ExtensionDecoder(told[0].turn, retention="none")
        seen = decoded(decoder, frames[:cut])
        last = numbers(seen)[-1]
        rest = [m for m in told if not isinstance(getattr(m, "seq", None), int) or m.seq > last]
        items = ItemAssembler()
        built(seen, items)
        assert built(rest, items) == built(told)


def test_a_whole_response_comes_back() -> None:
    for name, (start, told) in READINGS.items():
        encoder = ExtensionEncoder(facts(name))
        encoded(encoder, told)
        body = msgspec.json.encode(encoder.response)
        decoder = ExtensionDecoder(start.turn, retention="cached")
        again = decoder.receive_response(body)
        assert decoder.governed
        assert again[0] == told[0]
        if isinstance(told[-1], models.TurnCompleted):
            assert same_end(again[-1], told[-1])
            digests = [m.digest for m in again if isinstance(m, models.ItemCompleted)]
            assert digests == [item_digest(m.item) for m in again if isinstance(m, models.ItemCompleted)]


NAME = next(name for name in READINGS if name.startswith("first-turn"))


def without(frame: str) -> str:
    """Return an event as somebody in between rebuilds it."""
    event = json.loads(frame)
    event.pop("segue", None)
    return json.dumps(event)


def test_without_accepted_nothing_is_proved() -> None:
    start, told = READINGS[NAME]
    frames = [without(frame) for frame in encoded(ExtensionEncoder(facts(NAME)), told)]
    decoder = ExtensionDecoder(start.turn, retention="cached")
    again = decoded(decoder, frames)
    assert (decoder.governed, decoder.finished) == (False, True)
    assert isinstance(again[0].context, msgspec.UnsetType)
    assert again[-1].continuation.digest is msgspec.UNSET
    assert isinstance(again[-1], models.TurnCompleted)


def test_another_name_proves_nothing_either() -> None:
    decoder = ExtensionDecoder("t_of_mine", retention="cached")
    again = decoded(decoder, encoded(ExtensionEncoder(facts(NAME)), READINGS[NAME][1]))
    assert decoder.governed is False
    assert {m.turn for m in again} == {"t_of_mine"}


def test_what_has_no_event_is_told_with_the_next_number() -> None:
    start, told = READINGS[NAME]
    open_item = models.ItemStarted(turn=start.turn, seq=1, index=0, item=msgspec.Raw(b'{"type":"web_search_call"}'))
    put = models.ItemDelta(turn=start.turn, seq=2, index=0, at="/query", put=msgspec.Raw(b'"x"'))
    done = models.ItemCompleted(turn=start.turn, seq=3, index=0)
    events = [json.loads(f) for f in encoded(ExtensionEncoder(facts(NAME)), [told[0], open_item, put, done])]
    assert [e["segue"] for e in events if "segue" in e][1:] == [{"seq": 1}, {"seq": 3, "from": 2}]


def test_an_end_of_a_reading_is_no_refusal() -> None:
    start, told = READINGS[NAME]
    gone = refusal("events_gone", "give_up", "It was deleted.", effect="partial", turn=start.turn).message
    encoder = ExtensionEncoder(facts(NAME))
    frames = encoded(encoder, [told[0], gone])
    assert json.loads(frames[-1])["segue"]["turn"] == start.turn
    (message,) = ExtensionDecoder(start.turn, retention="none", behind=True).receive(frames[-1])
    assert message == gone
    (flat,) = ExtensionEncoder(facts(NAME), flat=True).feed(gone)
    assert "error" not in flat
    assert flat["message"] == "It was deleted."


def test_segue_that_is_not_valid_is_the_endpoints_fault() -> None:
    event = {"type": "response.created", "response": {"id": "resp_1"}, "segue": {"seq": -1}}
    with pytest.raises(RemoteProtocolError) as fault:
        ExtensionDecoder("t_1", retention="none").receive(json.dumps(event))
    assert fault.value.requirement == "SEG-EXT-021"


class TestConnection:
    def start(self, client: ExtendedWSClient, turn: str, lane: str | None = None) -> dict[str, Any]:
        given = models.TurnStart(turn=turn, input=[], context=msgspec.Raw(b'{"model":"m"}'))
        if lane is not None:
            given.lane = lane
        (frame,) = client.send(given)
        found: dict[str, Any] = json.loads(frame)
        return found

    def test_messages_go_prefixed(self) -> None:
        client, server = ExtendedWSClient(), ExtendedWSServer()
        for message in (
            models.TurnResume(turn="t_1", after=3),
            models.TurnCancel(turn="t_1"),
            models.TurnSteer(turn="t_1", steer="s_1", input=[msgspec.Raw(b'{"type":"message"}')]),
            models.ContinuationGet(ref="r", id="resp_1"),
        ):
            (frame,) = client.send(message)
            assert json.loads(frame)["type"].startswith("segue:")
            assert server.receive(frame) == message

    def test_a_create_is_one_of_the_wire(self) -> None:
        frame = self.start(ExtendedWSClient(), "t_1", "side")
        assert (frame["type"], frame["stream_id"], frame["segue"]) == ("response.create", "side", {"turn": "t_1"})

    def test_refusals_find_their_turn(self) -> None:
        client, server = ExtendedWSClient(), ExtendedWSServer()
        self.start(client, "t_1")
        self.start(client, "t_2")
        told = refusal("turn_conflict", "fix", "No.", param="/turn", refused="turn.start", turn="t_2").message
        (frame,) = server.refuse(told)
        assert json.loads(frame)["error"]["code"] == "turn_conflict"
        assert client.receive(frame) == [told]

    def test_the_refusal_of_a_prefixed_message_is_prefixed(self) -> None:
        told = refusal("turn_not_found", "give_up", "No.", refused="turn.resume", turn="t_1").message
        (frame,) = ExtendedWSServer().refuse(told)
        assert json.loads(frame)["type"] == "segue:error"
        assert ExtendedWSClient().receive(frame) == [told]

    def test_a_reading_that_was_replaced_gives_way_to_the_next_in_its_lane(self) -> None:
        client = ExtendedWSClient()
        turns = [READINGS[name][0].turn for name in list(READINGS)[:2]]
        for turn in turns:
            self.start(client, turn)
        first, second = (encoded(ExtensionEncoder(facts(name)), READINGS[name][1]) for name in list(READINGS)[:2])
        client.receive(first[0])
        client.send(models.TurnResume(turn=turns[0]))
        again = [m for frame in second for m in client.receive(frame)]
        assert {m.turn for m in again} == {turns[1]}
        assert isinstance(again[-1], models.TurnCompleted | models.TurnFailed)

    def test_an_end_that_crossed_a_cancel_may_come_once_more(self) -> None:
        """The cancel came behind the end: it is answered by the same end again, alone, and that is nothing new."""
        client, name = ExtendedWSClient(), next(iter(READINGS))
        turn = READINGS[name][0].turn
        self.start(client, turn)
        *told, end = encoded(ExtensionEncoder(facts(name)), READINGS[name][1])
        for frame in told:
            client.receive(frame)
        client.send(models.TurnCancel(turn=turn))
        assert isinstance(client.receive(end)[-1], models.TurnCompleted | models.TurnFailed)
        (again,) = encoded(ExtensionEncoder(facts(name), behind=True), READINGS[name][1][-1:])
        assert client.receive(again) == []
        with pytest.raises(RemoteProtocolError):
            client.receive(again)

    def test_a_sign_of_life_of_a_turn_that_waits_is_not_told(self) -> None:
        client = ExtendedWSClient()
        self.start(client, "t_1")
        assert client.receive('{"type":"segue:turn.progress","turn":"t_1","phase":"queued"}') == []

    def test_an_unknown_prefixed_message_is_passed_over(self) -> None:
        assert ExtendedWSClient().receive('{"type":"segue:dream","turn":"t_1"}') == []

    def test_events_that_nobody_asked_for_are_a_breach(self) -> None:
        for event in (
            {"type": "response.created", "response": {"id": "resp_1"}},
            {"type": "response.created", "response": {"id": "resp_1"}, "segue": {"turn": "t_1"}},
        ):
            with pytest.raises(RemoteProtocolError):
                ExtendedWSClient().receive(json.dumps(event))
