"""Which refusal goes first, and what is refused rather than left out (spec: turns, items)."""

from __future__ import annotations

from typing import Any

import msgspec
from segue_adapters import draws
from segue_schemas import context_digest, models

from ..native import NATIVE, begin, item, lost_parent, told
from ..registry import check
from ..segue_wire import turn_name
from ..subject import Client, Subject
from ..verdicts import Deviation, Untestable
from .test_bundles import bundle_of

#: Within so many milliseconds a check asks for what has ended.
_SOON = 5_000
_ORPHAN = {"type": "function_call_output", "call_id": "call_nobody_made_this", "output": "42"}


@check("SEG-TURN-027", profile="core", wires=NATIVE)
async def test_first_fault_first(subject: Subject) -> None:
    """A turn with two faults is refused for the one that stands first in the table."""
    async with subject.open() as client:
        name = turn_name()
        await client.say("Say hello.", name=name)
        lost, codes = await lost_parent(client)
        unknown = context_digest(msgspec.json.encode({"note": draws.token_hex(16)}))
        missing = [tier for tier in ("durable", "connection", "none") if tier not in subject.tiers()]
        contexts = "contexts" in subject.features()
        wrong = models.Expectation(digest=context_digest(b'{"a":1}'), length=7)
        feature = ["vendor:feature_that_nobody_has"]
        broken = {"type": "message", "role": "user", "content": 7}
        cases: list[tuple[str, tuple[str, ...], Any, dict[str, Any]]] = [
            ("a broken item before an unknown feature", ("invalid_request",), [broken], {"require": feature}),
            ("an unknown feature before a lost parent", ("not_offered",), "Say bye.",
             {"require": feature, "parent": lost}),
            ("a lost parent before an expectation", codes, "Say bye.", {"parent": lost, "expect": wrong}),
            ("an expectation before an output without a call", ("history_mismatch",), [_ORPHAN], {"expect": wrong}),
        ]  # fmt: skip
        # A parent that shows by its form that it was never issued may be a matter of the form, which goes first.
        sure = codes == ("continuation_not_found",)
        if "resume" in subject.features() and _kept_ms(subject) >= _SOON:
            cases.append(
                ("a claimed name before an unknown feature", ("turn_conflict", "events_gone"), "Say bye.",
                 {"require": feature, "turn": name})
            )  # fmt: skip
        if sure and "resume" in subject.features() and _kept_ms(subject) >= _SOON:
            cases.append(
                ("a claimed name before a lost parent", ("turn_conflict", "events_gone"), "Say bye.",
                 {"turn": name, "parent": lost})
            )  # fmt: skip
        if sure and contexts:
            cases.append(
                ("a lost context before a lost parent", ("context_not_found",), "Say bye.",
                 {"context": unknown, "parent": lost})
            )  # fmt: skip
        if sure and missing:
            cases.append(
                (f"retention {missing[0]} before a lost parent", ("retention_unavailable",), "Say bye.",
                 {"retention": missing[0], "parent": lost})
            )  # fmt: skip
        for what, wanted, asked, members in cases:
            await _refused_as(client, what, wanted, asked, members)


def _kept_ms(subject: Subject) -> int:
    """Return for how long a name is claimed once its turn has ended; without a document nothing is declared."""
    limits = subject.limits
    return 0 if limits is None else limits.replay_ms + limits.name_ms


async def _refused_as(client: Client, what: str, codes: tuple[str, ...], asked: Any, members: dict[str, Any]) -> None:
    context = members.pop("context", None)
    if context is not None:
        outcome = client.judged(await client.turn(asked, context=context, **members))
    else:
        outcome = client.judged(await (await begin(client, asked, **members)).outcome())
    error = outcome.refused
    if error is None:
        raise Untestable(f"{what}: the turn was not refused at all, which other checks tell")
    if error.code in ("internal_error", "overloaded", "rate_limited", "quota_exceeded"):
        raise Untestable(f"{what}: the endpoint refused for a reason of its own: {told(error)}")
    if error.code not in codes:
        raise Deviation(f"two faults in one turn: {what}", expected=" or ".join(codes), actual=told(error))


@check("SEG-ITEM-024", "SEG-ITEM-033", profile="core", wires=NATIVE)
async def test_unreadable_item_is_named(subject: Subject) -> None:
    """An item that the model cannot be given is refused with its place, never left out in silence."""
    async with subject.open() as client:
        sealed = {"type": "compaction", "encrypted_content": draws.token_urlsafe(48), "issuer": "nobody"}
        error = (await client.turn([item("Say hello."), sealed, item("Say hello again.")])).refused
        if error is None:
            raise Deviation(
                "item 1 is a compaction that is sealed for somebody else",
                expected="invalid_request, param /input/1",
                actual="the turn was accepted",
                requirement="SEG-ITEM-033",
            )
        if error.code != "invalid_request":
            raise Deviation(
                "item 1 is a compaction that is sealed for somebody else",
                expected="invalid_request",
                actual=told(error),
                requirement="SEG-ITEM-033",
            )
        if not _names(error, "/input/1"):
            raise Deviation(
                "item 1 was refused", expected="param /input/1", actual=f"param {error.param}: {told(error)}"
            )


@check("SEG-ITEM-033", profile="portable", wires=NATIVE)
async def test_unreadable_compaction_in_the_history(subject: Subject) -> None:
    """A turn from a history with a compaction that the model cannot read is refused, with the item's place."""
    subject.needs("import")
    tier = subject.needs_tier("cached", "durable", "connection")
    async with subject.open() as client:
        items = [
            {"type": "compaction", "encrypted_content": draws.token_urlsafe(48), "issuer": "nobody"},
            item("Say hello."),
            item("Hello.", "assistant"),
        ]
        subject.spend()
        made = await client.session.import_(bundle_of(items, subject.base_context()), retention=tier)
        if isinstance(made, models.ErrorMessage):
            raise Untestable(f"the history could not be imported: {told(made.error)}")
        error = (await client.turn("Say hello again.", parent=made.continuation)).refused
        if error is None or error.code != "invalid_request":
            raise Deviation(
                "item 0 of the history is a compaction that is sealed for somebody else",
                expected="invalid_request",
                actual=told(error) if error is not None else "the turn was accepted",
            )
        if not _names(error, "/parent/0"):
            raise Deviation(
                "item 0 of the history was refused", expected="param /parent/0", actual=f"param {error.param}"
            )


def _names(error: models.Error, place: str) -> bool:
    """Whether the `param` of a refusal leads to a place, or into it."""
    return isinstance(error.param, str) and (error.param + "/").startswith(place + "/")
