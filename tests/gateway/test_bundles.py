"""Export and import: what a bundle holds, what is refused, what is kept, and for whom."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from gateway_lab import ALICE, BOB, call, context, history, message, run, start, turn
from segue_adapters.wires.base import Refuse
from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_gateway.settings import Settings
from segue_schemas import history_digest, models

KEYS = {"alice": "a", "bob": "b"}


def endpoint(**settings: Any) -> Endpoint:
    return Endpoint(settings=Settings(**settings), keys=KEYS)


def bundle(*items: dict[str, Any], **members: Any) -> models.Bundle:
    made = {
        "segue": "1.0",
        "digest": history_digest(items),
        "length": len(items),
        "items": [msgspec.Raw(json.dumps(one).encode()) for one in items],
        "context": msgspec.Raw(b'{"model":"scripted"}'),
    }
    return models.Bundle(**{**made, **members})


def imports(of: models.Bundle, **members: Any) -> models.ContinuationImport:
    return models.ContinuationImport(ref="r", bundle=of, **members)


def test_what_is_exported_can_be_imported_elsewhere_and_gone_on_from() -> None:
    async def main() -> None:
        one, other = endpoint(), endpoint()
        raw = b'{"type": "message", "role": "user", "content": "Remember this word: fig.", "x": 1.50}'
        first = models.TurnStart(turn="t1", input=[msgspec.Raw(raw)], context=msgspec.Raw(b'{"model":"scripted"}'))
        told = await turn(one, first)
        second = await turn(one, start("t2", "Say hello", parent=told.id))
        made = await one.export(ALICE, models.ContinuationExport(ref="r", id=second.id))
        assert made.ref == "r"
        assert bytes(made.bundle.items[0]) == raw
        assert (made.bundle.length, made.bundle.digest) == (4, second.completed.digest)
        assert made.bundle.digest == history_digest(made.bundle.items)
        assert bytes(made.bundle.context) == b'{"model":"scripted"}'
        again = models.Bundle(**{name: getattr(made.bundle, name) for name in made.bundle.__struct_fields__})
        info = await other.import_bundle(BOB, imports(again, retention="cached"))
        assert (info.continuation.digest, info.continuation.length) == (again.digest, 4)
        assert info.continuation.context == context(model="scripted").digest
        assert isinstance(info.continuation.expires_in_ms, int)
        assert 0 < info.continuation.expires_in_ms <= Settings().cached_ms
        asked = start("t3", "Which word did I ask you to remember?", parent=info.continuation.id)
        assert "fig" in (await turn(other, asked, BOB)).text

    run(main())


def test_a_bundle_begins_where_its_compaction_says() -> None:
    covers = {"digest": history(message("old")).digest, "length": 7}
    items = [{"type": "compaction", "encrypted_content": "x", "issuer": "n", "covers": covers}, message("new")]

    async def main() -> None:
        info = await endpoint().import_bundle(ALICE, imports(bundle(*items, length=9)))
        assert (info.continuation.digest, info.continuation.length) == (history_digest(items), 9)

    run(main())


@pytest.mark.parametrize(
    ("members", "retention", "code", "param"),
    [
        ({"length": 2}, None, "history_mismatch", "/bundle/digest"),
        ({"digest": history_digest([])}, None, "history_mismatch", "/bundle/digest"),
        ({"segue": "2.0"}, None, "unsupported_version", "/bundle/segue"),
        ({"context": context(model="scripted").digest}, None, "invalid_request", "/bundle/context"),
        (
            {"context": {"base": context(model="scripted").digest, "patch": {}}},
            None,
            "invalid_request",
            "/bundle/context",
        ),
        ({"context": {"base": 1, "patch": {}, "model": "scripted"}}, None, "invalid_request", "/bundle/context"),
        ({"context": 7}, None, "invalid_request", "/bundle/context"),
        ({"items": [msgspec.Raw(b'{"type":"message"}')]}, None, "invalid_request", "/bundle/items/0"),
        ({}, "none", "invalid_request", "/retention"),
        ({}, "connection", "retention_unavailable", "/retention"),
        ({}, "durable", "retention_unavailable", "/retention"),
    ],
)
def test_what_no_continuation_is_made_of(members: dict[str, Any], retention: Any, code: str, param: str) -> None:
    if "context" in members:
        members = {**members, "context": msgspec.Raw(json.dumps(members["context"]).encode())}

    async def main() -> None:
        wanted = {} if retention is None else {"retention": retention}
        with pytest.raises(Refuse) as caught:
            await endpoint().import_bundle(ALICE, imports(bundle(message("a"), **members), **wanted))
        assert (caught.value.error.code, caught.value.error.param) == (code, param)
        assert caught.value.error.effect == "none"

    run(main())


def test_a_minor_version_that_nobody_knows_is_read() -> None:
    async def main() -> None:
        info = await endpoint().import_bundle(ALICE, imports(bundle(message("a"), segue="1.9")))
        assert info.continuation.length == 1

    run(main())


def test_a_bundle_is_its_importers_alone() -> None:
    async def main() -> None:
        made = endpoint()
        info = await made.import_bundle(ALICE, imports(bundle(message("a"))))
        for asked in (models.ContinuationExport(ref="r", id=info.continuation.id),):
            with pytest.raises(Refuse) as caught:
                await made.export(BOB, asked)
            assert caught.value.error.code == "continuation_not_found"
        assert (await made.export(ALICE, asked)).bundle.length == 1
        gone = models.ContinuationDelete(ref="r", id=info.continuation.id)
        assert (await made.delete(ALICE, gone)).count == 1
        with pytest.raises(Refuse):
            await made.export(ALICE, asked)

    run(main())


def test_a_history_that_ends_in_open_calls_travels_as_it_is() -> None:
    async def main() -> None:
        made = endpoint()
        info = await made.import_bundle(ALICE, imports(bundle(message("a"), call())))
        with pytest.raises(Refuse) as caught:
            await turn(made, start("t", "go on", parent=info.continuation.id))
        assert caught.value.error.code == "invalid_request"

    run(main())


def test_imports_are_bounded_for_each_principal_and_leave_nothing_behind() -> None:
    async def main() -> None:
        made = endpoint(turns_held=3)
        for _ in range(3):
            await made.import_bundle(ALICE, imports(bundle(message("a"))))
        with pytest.raises(Refuse) as caught:
            await made.import_bundle(ALICE, imports(bundle(message("a"))))
        assert (caught.value.error.code, caught.value.error.effect) == ("quota_exceeded", "none")
        assert (await made.import_bundle(BOB, imports(bundle(message("a"))))).continuation.length == 1
        small = endpoint(state_bytes=3_000)
        big = bundle(message("a" * 4_000))
        with pytest.raises(Refuse) as caught:
            await small.import_bundle(ALICE, imports(big))
        assert caught.value.error.code == "quota_exceeded"
        assert small.store.held("alice")["continuations"] == 0  # type: ignore[attr-defined]

    run(main())


def test_an_import_for_a_connection_ends_with_it() -> None:
    async def main() -> None:
        made = endpoint()

        async def deliver(message: models.ServerMessage) -> None:
            told.append(message)

        async def close(code: int) -> None:
            raise AssertionError(code)

        told: list[models.ServerMessage] = []
        line = Connection(made, "alice", "segue-ws", deliver, close)
        await line.handle(imports(bundle(message("a")), retention="connection"))
        (info,) = told
        assert isinstance(info, models.ContinuationInfo)
        asked = models.ContinuationExport(ref="r", id=info.continuation.id)
        await line.handle(asked)
        assert isinstance(told[-1], models.ContinuationBundle)
        with pytest.raises(Refuse):
            await made.export(ALICE, asked)
        line.draining = made.closing = True  # new turns alone are refused then
        await line.handle(imports(bundle(message("a"))))
        assert isinstance(told[-1], models.ContinuationInfo)

    run(main())
