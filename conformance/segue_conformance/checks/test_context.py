"""What a context asks for is honoured, refused, or said to have no effect (spec: items, What is honoured; G1, G10)."""

from __future__ import annotations

from typing import Any

from segue_adapters import draws
from segue_schemas import context_digest, models

from ..native import NATIVE, told
from ..registry import check
from ..subject import Subject, said
from ..verdicts import Deviation, Inconclusive


@check("SEG-CTX-030", profile="core", wires=NATIVE)
async def test_unknown_model_refused(subject: Subject) -> None:
    """A turn for a model that does not exist is refused as not offered, never answered by another model."""
    async with subject.open() as client:
        name = "no-such-model-" + draws.token_hex(8)
        outcome = client.judged(await client.turn("Say hello.", context=subject.base_context() | {"model": name}))
        error = outcome.refused
        if error is None and outcome.failed is not None:
            error = outcome.failed.error  # only the provider knew
        if error is None:
            raise Deviation(
                f"the model {name}, which nobody has, was asked for", expected="not_offered", actual="it answered"
            )
        if error.code != "not_offered":
            raise Deviation(f"the model {name} was asked for", expected="not_offered", actual=told(error))
        if error.param != "/context/model":
            raise Deviation(
                f"the model {name} was asked for", expected="param /context/model", actual=f"param {error.param}"
            )


@check("SEG-CTX-031", profile="core", wires=NATIVE)
async def test_no_setting_is_dropped_in_silence(subject: Subject) -> None:
    """A tool and an output format of types that nobody has are refused, or listed as without effect."""
    async with subject.open() as client:
        kind = "vendor:no_such_type_" + draws.token_hex(4)
        cases: tuple[tuple[str, dict[str, Any]], ...] = (
            ("/tools/0", {"tools": [{"type": kind, "name": "nothing"}]}),
            ("/text/format", {"text": {"format": {"type": kind}}}),
        )
        for place, settings in cases:
            outcome = client.judged(await client.turn("Say hello.", context=subject.base_context(**settings)))
            error = outcome.refused
            if error is None and outcome.failed is not None:
                error = outcome.failed.error
            if error is not None:
                if error.code == "not_offered" and _around(error.param, "/context" + place):
                    continue
                if outcome.failed is not None and (error.code, error.advice) == ("upstream_failed", "fix"):
                    continue  # only the provider knew, in words of its own
                raise Deviation(
                    f"a setting that nobody can honour, {place}",
                    expected=f"not_offered, param /context{place}",
                    actual=f"{told(error)}, param {error.param}",
                )
            assert outcome.accepted is not None
            ignored = outcome.accepted.ignored
            if not isinstance(ignored, list) or not any(_around(one, place) for one in ignored):
                raise Deviation(
                    f"a setting that nobody can honour, {place}, was accepted",
                    expected=f"not_offered, or {place} under `ignored` in turn.accepted",
                    actual=f"ignored: {ignored if isinstance(ignored, list) else 'nothing'}",
                )


def _around(pointer: object, place: str) -> bool:
    """Whether a pointer is to a place, to what holds it, or into it."""
    if not isinstance(pointer, str) or pointer.count("/") < place.count("/") - 1:
        return False
    return (place + "/").startswith(pointer + "/") or (pointer + "/").startswith(place + "/")


@check("SEG-CTX-033", profile="core", wires=NATIVE)
async def test_choice_without_its_tool(subject: Subject) -> None:
    """A `tool_choice` of a tool that is not there is refused."""
    async with subject.open() as client:
        tool = {"type": "function", "name": "get_word", "parameters": {"type": "object", "properties": {}}}
        choice = {"type": "function", "name": "get_nothing"}
        for what, settings in (
            ("a tool was chosen that is not among the tools", {"tools": [tool], "tool_choice": choice}),
            ("a tool was asked for where there are none", {"tool_choice": "required"}),
        ):
            error = client.judged(await client.turn("Say hello.", context=subject.base_context(**settings))).refused
            if error is not None and error.code == "not_offered" and error.param != "/context/tool_choice":
                continue  # refused for another member
            if error is None or error.code != "invalid_request" or error.param != "/context/tool_choice":
                shown = "the turn was accepted" if error is None else f"{told(error)}, param {error.param}"
                raise Deviation(what, expected="invalid_request, param /context/tool_choice", actual=shown)


@check("SEG-CTX-010", profile="continuation", wires=NATIVE)
async def test_empty_context_is_held(subject: Subject) -> None:
    """The digest of the empty context stands for it, though nobody sent it."""
    subject.needs("contexts")
    async with subject.open() as client:
        outcome = client.judged(await client.turn("Say hello.", context=context_digest(b"{}")))
        error = outcome.refused
        if error is not None and error.code == "context_not_found":
            raise Deviation("the digest of the empty context", expected="the empty context", actual=told(error))
        if outcome.accepted is None:
            raise Inconclusive(f"a turn under the empty context was refused: {told(error)}")


@check("SEG-CTX-010", "SEG-CTX-012", profile="continuation", wires=NATIVE)
async def test_result_of_a_patch_is_held(subject: Subject) -> None:
    """The digest that came of a patch is good for another turn."""
    subject.needs("contexts")
    subject.needs("context_patch")
    async with subject.open() as client:
        first = await client.say("Say hello.", context=subject.base_context(instructions="Be terse."))
        assert first.accepted is not None
        base = said(first.accepted.context, "the context in force")
        patch = {"base": base, "patch": {"instructions": f"Be {draws.token_hex(4)}."}}
        second = await client.say("Say hello.", context=patch)
        assert second.accepted is not None
        digest = said(second.accepted.context, "the context in force")
        error = client.judged(await client.turn("Say hello.", context=digest)).refused
        if error is not None:
            raise Deviation("the digest of a patched context", expected="an accepted turn", actual=told(error))


@check("SEG-ERR-010", profile="core", wires=NATIVE)
async def test_param_is_a_pointer(subject: Subject) -> None:
    """What a refusal names as `param` is a JSON Pointer to the member at fault, or to what holds it."""
    async with subject.open() as client:
        broken = {"type": "message", "role": "user", "content": 7}
        asked = {"model": 7}
        cases: tuple[tuple[str, models.Error | None], ...] = (
            ("/input/0/content", (await client.turn([broken], broken=True)).refused),
            ("/parent", (await client.turn("Say hello.", parent="resp_" + "0" * 32)).refused),
            ("/require/0", (await client.turn("Say hello.", require=["vendor:feature_that_nobody_has"])).refused),
            ("/context/model", (await client.turn("Say hello.", context=asked, broken=True)).refused),
        )
        for place, error in cases:
            if error is None or not isinstance(error.param, str):
                continue  # other checks ask for both
            if not error.param.startswith("/") or not (place + "/").startswith(error.param + "/"):
                raise Deviation(f"the refusal of what stands at {place}", expected=f"param {place}", actual=error.param)
