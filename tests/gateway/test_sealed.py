"""Items that one model seals for itself: compactions and reasoning, who reads them, who refuses them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from gateway_lab import ALICE, Told, item, message, run, start, turn
from segue_adapters.wires.base import Refuse
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.recall import recall
from segue_gateway.engines.sealing import ISSUER, opened, seal, wants_compaction
from segue_gateway.history import EMPTY, grow
from segue_gateway.settings import Settings
from segue_schemas import history_digest, models

COMPACT = {"model": "scripted", "context_management": [{"type": "compaction", "compact_threshold": 10}]}
FOREIGN = {"type": "compaction", "encrypted_content": "x", "issuer": "somebody"}


def outputs(told: Told) -> list[dict[str, Any]]:
    return [json.loads(bytes(e.item)) for e in told.events if isinstance(e, models.ItemStarted)]


def test_a_compaction_stands_for_all_before_it() -> None:
    async def main() -> None:
        made = Endpoint()
        asked = "Remember this word: fig. " + "la " * 20
        first = await turn(made, start("t1", asked, context=COMPACT))
        ends = [e for e in first.events if isinstance(e, models.ItemCompleted)]
        assert isinstance(ends[0].item, msgspec.Raw)
        compaction = json.loads(bytes(ends[0].item))
        before = history_digest([message(asked)])
        assert compaction["covers"] == {"digest": before, "length": 1}
        rest = [item for item in outputs(first)[1:]]
        assert [one["type"] for one in rest] == ["message"]
        again = await turn(
            made,
            start("t2", compaction, message("OK", "assistant"), "Which word did I ask you to remember?"),
        )
        assert "fig" in again.text
        assert again.completed.length == 1 + 1 + 3 + 0  # what is covered, the compaction, two items, the answer
        assert again.completed.digest == history_digest(
            [compaction, message("OK", "assistant"), message("Which word did I ask you to remember?"),
             message(again.text, "assistant")]
        )  # fmt: skip

    run(main())


def test_a_foreign_compaction_is_refused_with_its_place_in_input_and_history() -> None:
    async def main() -> None:
        made = Endpoint()
        with pytest.raises(Refuse) as caught:
            await turn(made, start("t", "hello", FOREIGN, "bye"))
        assert (caught.value.error.code, caught.value.error.param) == ("invalid_request", "/input/1")
        items = [message("a"), FOREIGN, message("b", "assistant")]
        bundle = models.Bundle(
            segue="1.0",
            digest=history_digest(items),
            length=3,
            items=[msgspec.Raw(json.dumps(one).encode()) for one in items],
            context=msgspec.Raw(b"{}"),
        )
        info = await made.import_bundle(ALICE, models.ContinuationImport(ref="r", bundle=bundle))
        with pytest.raises(Refuse) as caught:
            await turn(made, start("t", "hello", parent=info.continuation.id))
        assert (caught.value.error.code, caught.value.error.param) == ("invalid_request", "/parent/1")

    run(main())


def test_the_history_knows_that_a_compaction_is_in_it() -> None:
    assert not grow(EMPTY, [item(message("a"))]).compacted
    held = grow(grow(EMPTY, [item(message("a")), item(FOREIGN)]), [item(message("b"))])
    assert held.compacted
    assert held.length == 3


def test_sealed_reasoning_names_its_issuer() -> None:
    async def main() -> None:
        context = {"model": "scripted", "include": ["reasoning.encrypted_content"]}
        told = await turn(Endpoint(), start("t", "Say hello", context=context))
        reasoning = outputs(told)[0]
        assert (reasoning["type"], reasoning["issuer"]) == ("reasoning", ISSUER)
        assert told.completed.omitted is msgspec.UNSET

    run(main())


@pytest.mark.parametrize("payload", ["", "x", "W10=", seal([b"7"]), "W" * 10_000, None])
def test_what_can_not_be_opened_holds_nothing(payload: Any) -> None:
    assert opened({"type": "compaction", "issuer": ISSUER, "encrypted_content": payload}) == []
    assert opened({"type": "compaction", "issuer": "other", "encrypted_content": seal([b"{}"])}) == []


def test_what_is_opened_is_remembered() -> None:
    held = json.dumps(message("Remember this word: fig.")).encode()
    sealed = {"type": "compaction", "issuer": ISSUER, "encrypted_content": seal([held])}
    assert recall([json.dumps(sealed).encode()], {}).user == ["fig"]


def test_only_a_rule_of_compaction_compacts() -> None:
    assert not wants_compaction({}, 100)
    assert not wants_compaction({"context_management": [{"type": "other"}, 7]}, 100)
    assert not wants_compaction(COMPACT, 9)
    assert wants_compaction(COMPACT, 10)


def test_a_history_that_takes_no_parts_stays_within_one_message() -> None:
    class Whole(Endpoint):
        def features(self, wire: str | None = None) -> list[str]:
            return [name for name in super().features(wire) if name != "resend_in_parts"]

    async def main() -> None:
        made = Whole(settings=Settings(message_bytes=4_000))
        first = await turn(made, start("t1", "Say hello " + "x" * 2_000))
        with pytest.raises(Refuse) as caught:
            await turn(made, start("t2", "Say hello " + "x" * 2_000, parent=first.id))
        assert (caught.value.error.code, caught.value.error.effect) == ("message_too_large", "none")
        await turn(made, start("t2", "Say hello", parent=first.id))
        parts = Endpoint(settings=Settings(message_bytes=4_000))
        first = await turn(parts, start("t1", "Say hello " + "x" * 2_000))
        await turn(parts, start("t2", "Say hello " + "x" * 2_000, parent=first.id))

    run(main())
