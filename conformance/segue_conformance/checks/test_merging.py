"""Deltas that are merged for a reader: the same text under the last number (spec: items, Merging)."""

from __future__ import annotations

from segue_schemas import models

from ..native import NATIVE, hold, keeps_records
from ..registry import check
from ..subject import Subject, completed
from ..verdicts import Deviation, Inconclusive
from .test_turns import SLOW

#: Deltas of a text below which there is nothing to merge.
_FEW = 10


@check("SEG-ITEM-014", "SEG-ITEM-015", profile="core", wires=NATIVE)
async def test_merged_deltas_are_neighbours(subject: Subject) -> None:
    """A merged delta stands for appends that followed each other at its place, and joins their texts."""
    subject.needs("resume")
    keeps_records(subject)
    async with subject.open() as client:
        wanted = models.Delivery(coalesce_ms=60)
        first = await hold(client, SLOW, "a text was asked for in larger pieces", delivery=wanted)
        merged = [e for e in first.events if isinstance(e, models.ItemDelta) and isinstance(e.from_, int)]
        subject.spend()
        again = completed(
            client.judged(await (await client.session.resume(first.start.turn)).outcome()),
            "a finished turn is read again",
        )
        few, many = (sum(isinstance(e, models.ItemDelta) for e in one.events) for one in (first, again))
        if many < _FEW:
            raise Inconclusive(f"the record has {many} deltas: too few to be merged")
        if few >= many:
            if not any(map(_neighbours, again.events, again.events[1:])):
                raise Inconclusive("no two deltas in a row append at one place: none may be merged")
            subject.needs("coalesce")  # else it is a wish that may be passed over
            raise Deviation(
                "coalesce_ms 60 was asked for",
                expected=f"fewer than the {many} deltas of the record",
                actual=str(few),
                requirement="SEG-ITEM-015",
            )
        single = {getattr(e, "seq", None): e for e in again.events if _alone(e)}
        judged = 0
        for delta in merged:
            assert isinstance(delta.from_, int)
            assert isinstance(delta.seq, int)
            numbers = range(delta.from_, delta.seq + 1)
            if not all(number in single for number in numbers):
                continue  # merged there as well: nothing to compare with
            judged += 1
            parts = [single[number] for number in numbers]
            fits = [p for p in parts if isinstance(p, models.ItemDelta) and isinstance(p.append, str)
                    and (p.index, p.at) == (delta.index, delta.at)]  # fmt: skip
            if len(fits) != len(parts) and subject.extended:
                continue  # there `from` also tells of events that became none on the wire
            if len(fits) != len(parts):
                odd = next(p for p in parts if p not in fits)
                raise Deviation(
                    f"one delta stands for {delta.from_} to {delta.seq}",
                    expected=f"appends to item {delta.index} at {delta.at} under these numbers",
                    actual=f"{type(odd).__struct_config__.tag} under {getattr(odd, 'seq', None)}",
                )
            joined = "".join(str(p.append) for p in fits)
            if joined != delta.append:
                raise Deviation(
                    f"the text of the delta for {delta.from_} to {delta.seq}",
                    expected=repr(joined[:200]),
                    actual=repr(str(delta.append)[:200]),
                )
        if not judged:
            raise Inconclusive("the record is never read unmerged, so there is nothing to compare with")


def _neighbours(one: object, other: object) -> bool:
    """Whether one event may be merged with the next: both append at one place (SEG-ITEM-014)."""
    return (
        isinstance(one, models.ItemDelta)
        and isinstance(other, models.ItemDelta)
        and isinstance(one.append, str)
        and isinstance(other.append, str)
        and (one.index, one.at) == (other.index, other.at)
    )


def _alone(event: object) -> bool:
    """Whether an event stands for its own number only."""
    return not (isinstance(event, models.ItemDelta) and isinstance(event.from_, int))
