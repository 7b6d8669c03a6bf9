"""Sealed items of the endpoint's own: they name who can open them, and go in again (spec: items, bundles)."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.turn import Outcome

from ..native import NATIVE, item, told
from ..oracle import plant, word
from ..registry import check
from ..subject import Client, Subject, completed, own_items
from ..verdicts import Deviation, NotOffered

#: Above what any endpoint may ask for as the least size to be compacted.
_WORDS = 1_500


@check("SEG-ITEM-034", profile="portable", wires=NATIVE)
async def test_sealed_items_name_their_issuer(subject: Subject) -> None:
    """A sealed item of the output names the provider that can open it."""
    async with subject.open() as client:
        context = subject.base_context(
            reasoning={"effort": "low", "summary": "auto"}, include=["reasoning.encrypted_content"]
        )
        outcome = await _asked(client, "Which number is larger, 7 or 9? Answer with the number only.", context)
        sealed = [one for one in outcome.objects if isinstance(one.get("encrypted_content"), str)]
        if not sealed:
            raise NotOffered("nothing in the output is sealed")
        for one in sealed:
            if not isinstance(one.get("issuer"), str) or not one["issuer"]:
                raise Deviation(
                    f"a sealed {one['type']} item in the output",
                    expected="its provider as `issuer`",
                    actual=f"issuer {json.dumps(one.get('issuer'))}",
                )


@check("SEG-CONT-063", profile="portable", wires=NATIVE)
async def test_own_compaction_goes_in_again(subject: Subject) -> None:
    """A full resend that begins at a compaction which the endpoint issued is accepted."""
    async with subject.open() as client:
        context = subject.base_context(context_management=[{"type": "compaction", "compact_threshold": 1_000}])
        asked = f"{plant(word())} Here is a text that means nothing: {'la ' * _WORDS}"
        outcome = await _asked(client, asked, context)
        places = [place for place, one in enumerate(outcome.objects) if one["type"] == "compaction"]
        if not places:
            raise NotOffered("nothing is compacted where the context asks for it by `context_management`")
        kept = outcome.objects[places[-1] :]
        history = [kept[0], *own_items(kept[1:]), item("Say hello.")]
        completed(
            await client.turn(history, context=subject.base_context()),
            "a full resend began at a compaction that the endpoint itself issued",
        )


async def _asked(client: Client, question: str, context: dict[str, Any]) -> Outcome:
    """Return a turn that completed; NotOffered where the endpoint does not take what the context asks for."""
    outcome = await client.turn(question, context=context)
    if outcome.completed is None:
        raise NotOffered(f"a context that asks for sealed items is not taken: {told(outcome.error)}")
    return outcome
