"""Export and import: a history travels whole, or not at all (spec: bundles; G8)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from segue_adapters import draws
from segue_schemas import VERSION, context_digest, history_digest, models

from ..native import lost_parent
from ..oracle import Story, plant, word
from ..registry import check
from ..subject import Client, Subject, handle_of
from ..verdicts import Deviation, NotOffered, Untestable
from .test_isolation import alike

NATIVE = ("segue-ws", "segue-http")

# A spelling that nobody writes by himself: an escape, a number with a zero behind its point, a blank.
_SPELLED = '{"type":"message","role":"user", "content":"%s","vendor:note":{"n":1.50,"s":"caf\\u00e9"}}'


@check("SEG-CONT-080", "SEG-CONT-084", "SEG-HTTP-009", profile="portable", wires=NATIVE)
async def test_export_is_whole(subject: Subject) -> None:
    """An export holds every item of the history, byte for byte, the context as an object, and the digest of it all."""
    subject.needs("export")
    tier = subject.needs_tier("cached", "durable", "connection")
    async with subject.open() as client:
        context = subject.base_context(instructions="Be terse.")
        first = await client.say(msgspec.Raw((_SPELLED % plant(word())).encode()), context=context, retention=tier)
        second = await client.say("Count from 1 to 5.", parent=handle_of(first), context=context, retention=tier)
        handle = handle_of(second)
        bundle = await _exported(client, handle.id)
        sent: list[bytes] = []
        for outcome in (first, second):
            assert isinstance(outcome.start, models.TurnStart)
            sent += [*map(bytes, outcome.start.input), *outcome.items]
        own = {0, len(first.items) + 1}
        if len(bundle.items) != len(sent):
            raise Deviation("the exported items", expected=f"{len(sent)} items", actual=f"{len(bundle.items)} items")
        for place, (wanted, told) in enumerate(zip(sent, map(bytes, bundle.items), strict=True)):
            same = wanted == told if place in own else subject.same_item(json.loads(wanted), json.loads(told))
            if not same:
                what = "sent" if place in own else "delivered"
                raise Deviation(
                    f"item {place} is not as it was {what}",
                    expected=wanted.decode()[:300],
                    actual=told.decode("utf-8", "replace")[:300],
                )
        reckoned = (history_digest(bundle.items), len(sent))
        if (bundle.digest, bundle.length) != reckoned or bundle.digest != handle.digest:
            raise Deviation(
                "digest and length of the bundle",
                expected=f"{reckoned}, those of its items and of the continuation",
                actual=str((bundle.digest, bundle.length)),
            )
        if json.loads(bytes(bundle.context)) != context:
            raise Deviation(
                "the bundle's context",
                expected=json.dumps(context),
                actual=bytes(bundle.context).decode()[:300],
                requirement="SEG-CONT-084",
            )


@check("SEG-CONT-081", "SEG-HTTP-010", profile="portable", wires=NATIVE)
async def test_import_is_a_continuation(subject: Subject) -> None:
    """A bundle becomes a continuation of its digest and length, and the model knows what was said in it."""
    async with subject.open() as client:
        secret, story = word(), Story(client)
        told = [_message(plant(secret)), _message("OK", "assistant")]
        story.items = list(told)
        bundle = bundle_of(told, subject.base_context())
        made = await _imported(client, bundle, "a whole bundle must be taken")
        if (made.digest, made.length) != (bundle.digest, bundle.length):
            raise Deviation(
                "the imported continuation",
                expected=str((bundle.digest, bundle.length)),
                actual=str((made.digest, made.length)),
            )
        await story.recalls(secret, parent=made)


@check("SEG-CONT-089", "SEG-CONT-086", profile="portable", wires=NATIVE)
async def test_each_import_has_its_own_id(subject: Subject) -> None:
    """A bundle with items that are sealed for somebody else is taken, each time as a continuation of its own."""
    async with subject.open() as client:
        items = [
            _message("Say hello."),
            {"type": "reasoning", "summary": [], "encrypted_content": draws.token_urlsafe(48), "issuer": "nobody"},
            _message("Hello.", "assistant"),
        ]
        bundle = bundle_of(items, subject.base_context())
        ids = [
            (await _imported(client, bundle, "a reasoning item is sealed for somebody else", "SEG-CONT-086")).id
            for _ in range(2)
        ]
        if len(set(ids)) != 2:
            raise Deviation("one bundle, imported twice", expected="two ids", actual=str(ids))


@check("SEG-DIG-011", "SEG-CONT-086", profile="resumable", wires=NATIVE)
async def test_covers_begins_the_chain(subject: Subject) -> None:
    """The chain of a history that begins at a compaction begins at what that covers."""
    subject.needs("import")
    async with subject.open() as client:
        earlier = history_digest([_message("What is this about?"), _message("The sea.", "assistant")])
        items = [
            {
                "type": "compaction",
                "encrypted_content": draws.token_urlsafe(48),
                "issuer": "nobody",
                "covers": {"digest": earlier, "length": 2},
            },
            _message("Say hello."),
            _message("Hello.", "assistant"),
        ]
        bundle = bundle_of(items, subject.base_context(), length=5)
        made = await _imported(client, bundle, "digest and length begin at what the compaction covers")
        if (made.digest, made.length) != (bundle.digest, 5):
            raise Deviation(
                "the imported continuation", expected=str((bundle.digest, 5)), actual=str((made.digest, made.length))
            )


@check("SEG-CONT-082", profile="portable", wires=NATIVE)
async def test_damaged_bundle_refused(subject: Subject) -> None:
    """A bundle whose digest or length is not that of its items is refused."""
    async with subject.open() as client:
        items = [_message("Say hello."), _message("Hello.", "assistant")]
        whole = bundle_of(items, subject.base_context())
        await _imported(client, whole, "a whole bundle must be taken", "SEG-CONT-081")
        less = bundle_of(items[:1], subject.base_context())
        for what, broken in (
            ("an item is missing", msgspec.structs.replace(whole, items=less.items)),
            ("the length is another", msgspec.structs.replace(whole, length=3)),
            ("the digest is another", msgspec.structs.replace(whole, digest=less.digest)),
        ):
            await _refused(client, broken, f"{what}, compared with the rest of the bundle", "history_mismatch")


@check("SEG-CONT-085", "SEG-CONT-088", "SEG-CONT-087", profile="portable", wires=NATIVE)
async def test_broken_bundle_refused(subject: Subject) -> None:
    """A bundle of another major version, one without a whole context, and an import for nothing are refused."""
    async with subject.open() as client:
        context = subject.base_context(instructions="Be terse.")
        whole = bundle_of([_message("Say hello."), _message("Hello.", "assistant")], context)
        await _imported(client, whole, "a whole bundle must be taken", "SEG-CONT-081")
        digest = context_digest(msgspec.json.encode(context))
        # Known to the endpoint since the import: what is wrong is the form alone.
        for what, form in (("a digest", digest), ("a change", {"base": digest, "patch": {}})):
            broken = msgspec.structs.replace(whole, context=msgspec.Raw(msgspec.json.encode(form)))
            await _refused(client, broken, f"the bundle's context is {what}", "invalid_request")
        later = msgspec.structs.replace(whole, segue="99.0")
        await _refused(client, later, "the bundle is of version 99.0", "unsupported_version", "SEG-CONT-088")
        await _refused(
            client, whole, "retention none was asked for", "invalid_request", "SEG-CONT-087", retention="none"
        )


@check("SEG-ISO-004", profile="isolated", needs_second_key=True, wires=NATIVE)
async def test_foreign_export(subject: Subject) -> None:
    """Another principal's handle can't be exported: the answer is that of one that never existed."""
    subject.needs("export")
    tier = subject.needs_tier("cached", "durable")
    async with subject.open() as owner, subject.open(second=True) as other:
        handle, _ = await owner.handle(plant(word()), retention=tier)
        await _exported(owner, handle.id)
        unknown_id = handle.id[:-8] + draws.token_hex(4)
        subject.spend()
        foreign = await other.session.export(handle.id)
        if not isinstance(foreign, models.ErrorMessage):
            raise Deviation(
                "the second principal exported the first one's history", expected="not found", actual="the bundle"
            )
        subject.spend()
        unknown = await other.session.export(unknown_id)
        if isinstance(unknown, models.ErrorMessage) and unknown.error.code == "invalid_request":
            unknown_id, _ = await lost_parent(other)  # that it was never issued, its form may show (SEG-CONT-011)
            unknown = await other.session.export(unknown_id)
        if not isinstance(unknown, models.ErrorMessage):
            raise Untestable("the export of a handle that never existed is answered by a bundle")
        alike(foreign.error, handle.id, unknown.error, unknown_id)


def _message(text: str, role: str = "user") -> dict[str, Any]:
    return {"type": "message", "role": role, "content": text}


def bundle_of(items: Sequence[dict[str, Any]], context: dict[str, Any], *, length: int | None = None) -> models.Bundle:
    """Return the bundle of some items under a context; `length` where a compaction covers more."""
    return models.Bundle(
        segue=VERSION,
        digest=history_digest(items),
        length=len(items) if length is None else length,
        items=[msgspec.Raw(msgspec.json.encode(item)) for item in items],
        context=msgspec.Raw(msgspec.json.encode(context)),
    )


async def _exported(client: Client, identifier: str) -> models.Bundle:
    """Return a bundle; Deviation where the export of a handle that is held is refused."""
    client.subject.spend()
    answer = await client.session.export(identifier)
    if isinstance(answer, models.ErrorMessage):
        told = f"{answer.error.code}: {answer.error.message}"
        raise Deviation("a handle that is held was exported", expected="continuation.bundle", actual=told,
                        requirement="SEG-CONT-080")  # fmt: skip
    return answer.bundle


async def _import(client: Client, bundle: models.Bundle, retention: models.Retention | None = None) -> Any:
    subject = client.subject
    subject.needs("import")
    tier = retention or subject.needs_tier("cached", "durable", "connection")
    subject.spend()
    return await client.session.import_(bundle, retention=tier)


async def _imported(
    client: Client, bundle: models.Bundle, what: str, requirement: str | None = None
) -> models.Continuation:
    """Return the continuation of an import that has to work; Deviation where it is refused."""
    answer = await _import(client, bundle)
    if isinstance(answer, models.ErrorMessage):
        told = f"{answer.error.code}: {answer.error.message}"
        if answer.error.code in ("quota_exceeded", "overloaded", "rate_limited"):
            raise NotOffered(f"there is no room for an import: {told}")
        raise Deviation(
            f"{what}, and the import was refused", expected="continuation.info", actual=told, requirement=requirement
        )
    made: models.Continuation = answer.continuation
    return made


async def _refused(
    client: Client,
    bundle: models.Bundle,
    what: str,
    code: str,
    requirement: str | None = None,
    *,
    retention: models.Retention | None = None,
) -> None:
    """Deviation unless an import is refused with a code."""
    answer = await _import(client, bundle, retention)
    if not isinstance(answer, models.ErrorMessage):
        raise Deviation(
            f"{what}, and it was imported", expected=code, actual="continuation.info", requirement=requirement
        )
    if answer.error.code != code:
        told = f"{answer.error.code}: {answer.error.message}"
        raise Deviation(
            f"{what}, and it was refused as something else", expected=code, actual=told, requirement=requirement
        )
