"""Channels: what was under way of an older reading does not end up in the one that replaced it (SEG-TURN-078)."""

from __future__ import annotations

from segue_adapters.errors import ConnectionCut
from segue_adapters.turn import Channel
from segue_schemas import models


def delta(seq: int) -> models.ItemDelta:
    return models.ItemDelta(turn="t", index=0, at="/content/0/text", seq=seq, append="x")


def test_a_reading_that_begins_anew_waits_for_its_beginning() -> None:
    channel = Channel(anew=True)
    old_end = models.TurnCompleted(turn="t", status="completed", seq=9)
    assert [channel.put(message) for message in (delta(7), models.TurnProgress(turn="t", phase="x"), old_end)] == [
        False,
        False,
        False,
    ]
    begun = models.TurnAccepted(turn="t", seq=0, replayed=True)
    assert channel.put(begun)
    assert channel.put(delta(2))
    assert channel.waiting() == [begun, delta(2)]


def test_a_refusal_or_a_fault_is_never_stale() -> None:
    error = models.ErrorMessage(error=models.Error(code="events_gone", advice="give_up", effect="unknown", message="m"))
    assert Channel(anew=True).put(error)
    assert Channel(anew=True).put(ConnectionCut("cut", "here"))


def test_a_reading_behind_a_number_takes_each_number_once() -> None:
    channel = Channel(after=4)
    taken = [seq for seq in (3, 4, 5, 6, 5, 6, 7) if channel.put(delta(seq))]
    assert taken == [5, 6, 7]
    assert channel.put(models.TurnProgress(turn="t", phase="thinking"))
