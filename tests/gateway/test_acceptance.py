"""What is refused before a turn exists, with which code and advice, and that a refusal claims nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from gateway_lab import ALICE, BOB, Clock, StepEngine, answer, call, context, item, message, output, run, start, turn
from segue_adapters.wires.base import Refuse
from segue_gateway import Endpoint, Settings
from segue_gateway.endpoint import Once
from segue_gateway.history import EMPTY, grow
from segue_gateway.items import read_item
from segue_schemas import EMPTY_HISTORY, history_digest, models


async def refused(endpoint: Endpoint, asked: models.TurnStart, caller: Any = ALICE) -> models.Error:
    """Return the error of a start that must be refused, and check what holds for all of them."""
    with pytest.raises(Refuse) as caught:
        await endpoint.accept(caller, asked)
    assert caught.value.error.effect in ("none", "unknown")
    assert (ALICE.principal, asked.turn) not in endpoint.running
    return caught.value.error


def refusal_of(asked: models.TurnStart, caller: Any = ALICE, **settings: Any) -> models.Error:
    """Return the error of one start at a fresh endpoint; the same name must work afterwards."""

    async def main() -> models.Error:
        endpoint = Endpoint(settings=Settings(**settings))
        error = await refused(endpoint, asked, caller)
        assert error.effect == "none"
        again = await turn(endpoint, start(asked.turn, "Say hello"))
        assert again.text == "hello"  # SEG-TURN-021
        return error

    return run(main())


@pytest.mark.parametrize(
    ("bad", "param"),
    [
        ({"type": "message", "role": "user"}, "/input/1"),
        ({"type": "message", "role": "pirate", "content": "x"}, "/input/1"),
        ({"type": "message", "role": "user", "content": 7}, "/input/1"),
        ({"type": "message", "role": "user", "content": [{"type": "input_text"}]}, "/input/1"),
        ({"type": "message", "role": "user", "content": [7]}, "/input/1"),
        ({"type": "function_call", "call_id": "c", "name": "f"}, "/input/1"),
        ({"type": "function_call", "call_id": "", "name": "f", "arguments": ""}, "/input/1"),
        ({"type": "function_call_output", "output": "x"}, "/input/1"),
        ({"role": "user", "content": "x"}, "/input/1"),
        ({"type": ""}, "/input/1"),
        ({"type": "vendor:x", "n": 2**60}, "/input/1"),
    ],
)
def test_an_item_that_is_none_is_refused_with_its_place(bad: dict[str, Any], param: str) -> None:
    error = refusal_of(start("t", "hello", bad))
    assert (error.code, error.advice, error.param) == ("invalid_request", "fix", param)


@pytest.mark.parametrize(
    "raw", [b"7", b"[]", b'{"type":"message","type":"message"}', b'{"type":"vendor:x","a":"\\ud800"}']
)
def test_what_is_no_json_object_is_no_item(raw: bytes) -> None:
    asked = models.TurnStart(turn="t", input=[msgspec.Raw(raw)])
    assert refusal_of(asked).param == "/input/0"


@pytest.mark.parametrize(
    ("given", "param"),
    [
        (7, "/context"),
        ([], "/context"),
        ("no digest", "/context"),
        ({"model": 7}, "/context/model"),
        ({"temperature": -1}, "/context/temperature"),
        ({"max_output_tokens": 0}, "/context/max_output_tokens"),
        ({"truncation": "sometimes"}, "/context/truncation"),
        ({"base": "x", "patch": {}}, "/context/base"),
        ({"base": EMPTY_HISTORY, "patch": 7}, "/context"),
        ({"vendor:n": 2**60}, "/context"),
    ],
)
def test_a_context_that_is_none_is_refused_with_its_member(given: Any, param: str) -> None:
    asked = start("t", "hello")
    asked.context = msgspec.Raw(msgspec.json.encode(given))
    error = refusal_of(asked)
    assert (error.code, error.param) == ("invalid_request", param)


@pytest.mark.parametrize("form", [EMPTY_HISTORY, {"base": EMPTY_HISTORY, "patch": {}}])
def test_a_context_that_is_not_held_is_asked_for(form: Any) -> None:
    error = refusal_of(start("t", "hello", context=form))
    assert (error.code, error.advice) == ("context_not_found", "resend_context")


def test_what_must_be_understood_and_is_not_is_refused() -> None:
    error = refusal_of(start("t", "hello", require=["warm_up", "time_travel"]))
    assert (error.code, error.param) == ("not_offered", "/require/1")
    assert refusal_of(start("t", "hello", overlay=[{"op": "add"}])).code == "not_offered"
    assert refusal_of(start("t", "hello", require=["lanes"])).code == "not_offered"  # not over HTTP


@pytest.mark.parametrize("feature", Endpoint(StepEngine()).features("segue-http"))
def test_what_is_offered_may_be_required(feature: str) -> None:
    told = run(turn(Endpoint(), start("t", "Say hello", require=[feature])))
    assert told.text == "hello"


@pytest.mark.parametrize(
    ("wire", "tier"), [("segue-http", "connection"), ("segue-http", "durable"), ("openai-http", "connection")]
)
def test_a_tier_that_can_not_be_granted_is_refused(wire: str, tier: Any) -> None:
    error = refusal_of(start("t", "hello", retention=tier), Once("alice", wire))
    assert (error.code, error.advice, error.param) == ("retention_unavailable", "fix", "/retention")


def test_a_parent_that_is_not_held_is_refused_and_everybody_gets_the_same_answer() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        first = await turn(endpoint, start("t1", "Say hello"))
        foreign = await refused(endpoint, start("t2", "hello", parent=first.id), BOB)
        unknown = await refused(endpoint, start("t2", "hello", parent="resp_" + "0" * 32), BOB)
        assert (foreign.code, foreign.advice, foreign.param) == ("continuation_not_found", "resend_full", "/parent")
        for error, named in ((foreign, first.id), (unknown, "resp_" + "0" * 32)):
            assert error.detail == {"id": named}  # what the caller itself sent, and nothing else
            error.message, error.detail = error.message.split("'")[2], {}
        assert foreign == unknown

    run(main())


# -- expectation


def test_an_expectation_is_held_against_the_parent() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        first = await turn(endpoint, start("t1", "Say hello", context={"model": "scripted"}))
        digest, length = first.completed.digest, first.completed.length
        assert isinstance(digest, str)
        assert isinstance(length, int)
        right = models.Expectation(digest, length, _m())
        good = await turn(endpoint, start("t2", "Say hello", parent=first.id, expect=right))
        assert good.text == "hello"
        for wrong in (
            models.Expectation(EMPTY_HISTORY, length),
            models.Expectation(digest, length + 1),
            models.Expectation(digest, length, EMPTY_HISTORY),
        ):
            error = await refused(endpoint, start("t3", "hello", parent=first.id, expect=wrong))
            assert (error.code, error.advice) == ("history_mismatch", "resend_full")
            assert isinstance(error.detail, dict)
            assert error.detail["digest"] == digest

    run(main())


def _m() -> str:
    return context(model="scripted").digest


def test_without_a_parent_the_empty_history_is_what_is_expected() -> None:
    told = run(turn(Endpoint(), start("t", "Say hello", expect=models.Expectation(EMPTY_HISTORY, 0))))
    assert told.text == "hello"
    error = refusal_of(start("t", "hello", expect=models.Expectation(EMPTY_HISTORY, 1)))
    assert error.code == "history_mismatch"


# -- calls


@pytest.mark.parametrize(
    "items",
    [
        [output()],
        [call(), output("call_2")],
        [call(kind="custom_tool_call"), output()],
        [output(), call()],
    ],
)
def test_an_output_without_its_call_is_refused(items: list[dict[str, Any]]) -> None:
    error = refusal_of(start("t", *items))
    assert error.code == "invalid_request"
    assert isinstance(error.param, str)
    assert error.param.endswith("call_id")


@pytest.mark.parametrize(
    ("items", "first"),
    [
        ([call()], "/input/0"),
        ([call(), "hello"], "/input/0"),
        (["hello", call(), call("call_2"), output()], "/input/2"),
        ([call(), output(), "so", call("call_2"), "and", call("call_3"), output("call_3")], "/input/3"),
        ([call(), output(), call()], "/input/2"),  # a call id that is used again opens its call again
    ],
)
def test_open_calls_have_to_be_answered_wherever_they_stand(items: list[Any], first: str) -> None:
    error = refusal_of(start("t", *items))
    assert (error.code, error.param) == ("invalid_request", first)
    told = run(turn(Endpoint(), start("t", *items, generate=False)))
    assert told.completed.status == "completed"


def test_a_parents_open_calls_are_answered_in_any_order_and_only_all_of_them() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        calls = await turn(endpoint, start("p", "hello", call("a"), call("b"), generate=False))
        error = await refused(endpoint, start("t1", output("a"), parent=calls.id))
        assert (error.code, error.param) == ("invalid_request", "/parent/2")
        assert "b" in error.message
        error = await refused(endpoint, start("t1", "hello", parent=calls.id))
        assert (error.code, error.param) == ("invalid_request", "/parent/1")
        both = await turn(endpoint, start("t1", output("b", "two"), "Say hello", output("a", "one"), parent=calls.id))
        assert both.text == "The tool returned: one"
        late = await turn(endpoint, start("t2", output("a", "again"), parent=both.id))
        assert "again" in late.text  # a call that was answered before is a call in the history

    run(main())


def test_a_history_in_parts_may_leave_calls_open_until_its_last_part() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        first = await turn(endpoint, start("a", "hello", call("a"), generate=False))
        second = await turn(endpoint, start("b", call("b"), output("a"), generate=False, parent=first.id))
        last = await turn(endpoint, start("c", output("b", "kiwi"), parent=second.id))
        assert last.text == "The tool returned: 42; kiwi"
        items = [message("hello"), call("a"), call("b"), output("a"), output("b", "kiwi")]
        whole = await turn(endpoint, start("d", *items))
        assert whole.completed.digest == last.completed.digest  # G8: the chain is the same

    run(main())


def test_a_compaction_stands_for_calls_that_nobody_can_look_into() -> None:
    endpoint = Endpoint(StepEngine(*answer("ok")))
    endpoint.engine.reads = lambda kind, issuer=None, seal=None: True  # type: ignore[method-assign]
    told = run(turn(endpoint, start("t", {"type": "compaction", "encrypted_content": "x"}, output("gone"))))
    assert told.completed.status == "completed"


def test_an_item_that_the_model_can_not_read_is_refused_not_left_out() -> None:
    error = refusal_of(start("t", "hello", {"type": "compaction", "encrypted_content": "sealed"}))
    assert (error.code, error.param) == ("invalid_request", "/input/1")


def test_a_sealed_reasoning_item_is_listed_as_not_seen() -> None:
    sealed = {"type": "reasoning", "summary": [], "encrypted_content": "x", "issuer": "someone"}
    told = run(turn(Endpoint(), start("t", "hello", sealed, "Say hello")))
    assert told.completed.omitted == [1]


def test_a_full_resend_may_begin_at_a_compaction() -> None:
    covers = {"digest": history_digest([message("hello")]), "length": 1}
    sealed = {"type": "compaction", "encrypted_content": "x", "covers": covers}
    grown = grow(EMPTY, [item(sealed), item(message("more"))])
    assert (grown.length, grown.count) == (3, 2)
    assert grown.digest == history_digest([sealed, message("more")])


# -- names


def test_a_repeat_attaches_and_another_content_is_a_conflict() -> None:
    async def main() -> None:
        engine = StepEngine(*answer("once"))
        endpoint = Endpoint(engine)
        first = await turn(endpoint, start("t", "hello", context={"model": "scripted"}))
        again = await turn(endpoint, start("t", "hello", context={"model": "scripted"}, deadline_ms=5, lane="x"))
        assert len(engine.asked) == 1
        assert again.accepted.replayed is True
        assert first.accepted.replayed is msgspec.UNSET
        assert again.seqs() == first.seqs() == list(range(len(first.events)))
        by_digest = await turn(endpoint, start("t", "hello", context=_m()))
        assert by_digest.id == first.id
        for other in (
            start("t", "hello!", context={"model": "scripted"}),
            start("t", "hello", context={"model": "n"}),
            start("t", "hello", context={"model": "scripted"}, generate=False),
            start("t", "hello", context={"model": "scripted"}, retention="cached"),
            start("t", "hello", context={"model": "scripted"}, require=["warm_up"]),
            start("t", "hello", context={"model": "scripted"}, expect=models.Expectation(EMPTY_HISTORY, 0)),
        ):
            error = await refused(endpoint, other)
            assert (error.code, error.effect) == ("turn_conflict", "none")

    run(main())


def test_a_claimed_name_goes_before_what_its_start_names() -> None:
    """SEG-TURN-027: an unknown digest is compared as it stands, and a parent that is not there not at all."""

    async def main() -> None:
        endpoint = Endpoint()
        await turn(endpoint, start("t", "hello", context={"model": "scripted"}))
        for other in (start("t", "hello", context=EMPTY_HISTORY), start("t", "hello", parent="resp_unknown")):
            assert (await refused(endpoint, other)).code == "turn_conflict"
        base = {"base": EMPTY_HISTORY, "patch": {"model": "scripted"}}
        assert (await refused(endpoint, start("t", "hello", context=base))).code == "context_not_found"

    run(main())


def test_of_two_faults_the_first_in_the_order_is_told() -> None:
    """SEG-TURN-027, rows 4 and 7 to 11."""

    async def main() -> None:
        endpoint = Endpoint()
        asked = dict(require=["no_such"], retention="durable", context=EMPTY_HISTORY, parent="resp_unknown")
        asked["expect"] = models.Expectation(EMPTY_HISTORY, 7)
        items = [output("no_call"), call("call_open")]
        for member, code in (
            ("require", "not_offered"),
            ("retention", "retention_unavailable"),
            ("context", "context_not_found"),
            ("parent", "continuation_not_found"),
            ("expect", "history_mismatch"),
            ("", "invalid_request"),
        ):
            assert (await refused(endpoint, start("t", *items, **asked))).code == code
            asked.pop(member, None)

    run(main())


def test_ids_are_no_content_and_seals_are() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        told = {"type": "message", "id": "msg_1", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
        await turn(endpoint, start("t", told))
        assert (await turn(endpoint, start("t", "hello"))).accepted.replayed is True
        sealed = {"type": "reasoning", "summary": [], "encrypted_content": "one"}
        await turn(endpoint, start("s", sealed, "hello"))
        error = await refused(endpoint, start("s", {**sealed, "encrypted_content": "two"}, "hello"))
        assert error.code == "turn_conflict"

    run(main())


def test_a_repeat_needs_neither_its_parent_nor_its_patchs_base_any_more() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        first = await turn(endpoint, start("a", "Say hello", context={"model": "scripted"}))
        patch = {"base": _m(), "patch": {"temperature": 0}}
        asked = start("b", "Say hello", parent=first.id, context=patch)
        second = await turn(endpoint, asked)
        assert second.accepted.context == context(model="scripted", temperature=0).digest
        gone = await endpoint.delete(ALICE, models.ContinuationDelete(ref="r", id=first.id))
        assert gone.count == 1
        again = await turn(endpoint, asked)
        assert again.id == second.id

    run(main())


def test_starts_that_race_run_once() -> None:
    async def main() -> None:
        engine = StepEngine(*answer("once"))
        endpoint = Endpoint(engine)
        told = await asyncio.gather(*(turn(endpoint, start("t", "hello")) for _ in range(10)))
        assert len(engine.asked) == 1
        assert len({one.id for one in told}) == 1
        assert sum(one.accepted.replayed is True for one in told) == 9

    run(main())


def test_a_name_whose_record_is_gone_runs_nothing(clock: Clock) -> None:
    async def main() -> None:
        engine = StepEngine(*answer("once"))
        endpoint = Endpoint(engine, settings=Settings(replay_ms=1_000, name_ms=1_000, cached_ms=500), clock=clock)
        await turn(endpoint, start("base", "hello", context={"model": "scripted"}))
        patch = {"base": _m(), "patch": {"temperature": 0}}
        await turn(endpoint, start("t", "hello", context=patch))
        clock.advance(1_100)
        error = await refused(endpoint, start("base", "hello", context={"model": "scripted"}))
        assert (error.code, error.advice) == ("events_gone", "give_up")
        error = await refused(endpoint, start("t", "hello", context=patch))  # its base is gone as well
        assert error.code == "events_gone"
        assert len(engine.asked) == 2

    run(main())


# -- contexts


def test_a_context_is_inherited_whole_or_replaced_whole() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        question = "What is the code word in your instructions?"
        first = await turn(endpoint, start("a", "hello", context={"instructions": "The code word is falcon."}))
        assert (await turn(endpoint, start("b", question, parent=first.id))).text == "falcon"
        other = await turn(endpoint, start("c", question, parent=first.id, context={"model": "scripted"}))
        assert other.text == "I do not know any word."
        assert other.accepted.context == _m()

    run(main())


def test_a_patch_changes_the_context_that_it_names() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        base = context(instructions="The code word is falcon.", text={"a": 1, "b": 2})
        await endpoint.put_context(ALICE, base)
        patch = {"instructions": None, "text": {"a": None, "c": {"d": None}}, "model": "scripted"}
        told = await turn(endpoint, start("a", "hello", context={"base": base.digest, "patch": patch}))
        assert told.accepted.context == context(model="scripted", text={"b": 2, "c": {}}).digest

    run(main())


def test_a_context_of_another_principal_is_not_held() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        await endpoint.put_context(ALICE, context(model="scripted"))
        assert (await refused(endpoint, start("t", "hello", context=_m()), BOB)).code == "context_not_found"

    run(main())


def test_without_any_context_the_empty_one_is_in_force() -> None:
    told = run(turn(Endpoint(), start("t", "hello")))
    assert told.accepted.context == context().digest


# -- room


def test_a_full_store_refuses_and_says_when_to_come_again() -> None:
    async def main() -> None:
        endpoint = Endpoint(settings=Settings(turns_held=1))
        await turn(endpoint, start("a", "hello"))
        error = await refused(endpoint, start("b", "hello"))
        assert (error.code, error.advice, error.effect) == ("quota_exceeded", "wait", "none")
        assert isinstance(error.retry_after_ms, int)
        assert (await turn(endpoint, start("b", "Say hello"), BOB)).text == "hello"

    run(main())


def test_too_many_turns_at_once_are_refused() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        endpoint = Endpoint(StepEngine(gate, *answer("ok")), settings=Settings(running=1))
        first = asyncio.ensure_future(turn(endpoint, start("a", "hello")))
        while not endpoint.running:
            await asyncio.sleep(0)
        assert (await refused(endpoint, start("b", "hello"))).code == "overloaded"
        gate.set()
        await first
        await turn(endpoint, start("b", "hello"))

    run(main())


def test_an_endpoint_that_ends_takes_no_new_turn_and_answers_repeats() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        first = await turn(endpoint, start("a", "hello"))
        await endpoint.shutdown(0)
        assert (await refused(endpoint, start("b", "hello"))).code == "draining"
        assert (await turn(endpoint, start("a", "hello"))).id == first.id

    run(main())


def test_an_item_is_kept_byte_for_byte() -> None:
    raw = b'{ "type":"vendor:thing",\n "b":1.50, "a":[] }'
    assert read_item(raw).raw == raw


def test_a_model_that_is_not_served_is_refused_by_name() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        for members in ({"context": {"model": "other"}}, {"context": {"model": "other"}, "generate": False}):
            error = await refused(endpoint, start("t", "hello", **members))
            assert (error.code, error.advice, error.param) == ("not_offered", "fix", "/context/model")
        first = await turn(endpoint, start("a", "hello", context={"model": "scripted"}))
        endpoint.engine.offered = ("another",)  # a model that is gone is gone for those who inherit it, too
        error = await refused(endpoint, start("b", "hello", parent=first.id))
        assert (error.code, error.param) == ("not_offered", "/context/model")

    run(main())


FUNCTION = {"type": "function", "name": "get_word"}


@pytest.mark.parametrize(
    ("given", "ignored"),
    [
        ({}, None),
        ({"temperature": None, "top_p": None, "text": None, "vendor:seed": None}, None),
        ({"temperature": 0, "top_p": 1, "text": {"format": {"type": "text"}}, "reasoning": {"effort": "none"}}, None),
        ({"instructions": "x", "max_output_tokens": 9, "truncation": "auto", "parallel_tool_calls": True}, None),
        ({"tools": [FUNCTION, {"type": "custom", "name": "c"}], "tool_choice": "auto"}, None),
        ({"temperature": 0.5, "top_p": 0.9}, ["/temperature", "/top_p"]),
        ({"tools": [FUNCTION, {"type": "web_search"}, {"type": "vendor:x", "name": "y"}]}, ["/tools/1", "/tools/2"]),
        ({"text": {"format": {"type": "json_schema"}, "verbosity": "low"}}, ["/text/format", "/text/verbosity"]),
        ({"reasoning": {"effort": "high"}}, ["/reasoning/effort"]),
        ({"vendor:seed": 4, "a/b~c": 1}, ["/vendor:seed", "/a~1b~0c"]),
        ({"context_management": [{"type": "compaction", "compact_threshold": 9}, {"type": "x"}]},
         ["/context_management/1"]),
    ],
)  # fmt: skip
def test_settings_without_effect_are_told(given: dict[str, Any], ignored: list[str] | None) -> None:
    told = run(turn(Endpoint(), start("t", "Say hello", context=given)))
    assert told.accepted.ignored == (msgspec.UNSET if ignored is None else ignored)


def test_a_setting_is_told_to_have_no_effect_where_it_is_inherited() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        first = await turn(endpoint, start("a", "hello", context={"temperature": 1}))
        second = await turn(endpoint, start("b", "hello", parent=first.id))
        third = await turn(endpoint, start("c", "hello", parent=first.id, context={}))
        assert (second.accepted.ignored, third.accepted.ignored) == (["/temperature"], msgspec.UNSET)

    run(main())


@pytest.mark.parametrize(
    "given",
    [
        {"tool_choice": "required"},
        {"tool_choice": "required", "tools": []},
        {"tool_choice": {"type": "function", "name": "get_word"}},
        {"tool_choice": {"type": "function", "name": "other"}, "tools": [FUNCTION]},
    ],
)
def test_a_choice_of_a_tool_that_is_not_there_is_refused(given: dict[str, Any]) -> None:
    error = refusal_of(start("t", "hello", context=given))
    assert (error.code, error.param) == ("invalid_request", "/context/tool_choice")
    there = run(
        turn(Endpoint(), start("t", "hello", context={**given, "tools": [FUNCTION, {**FUNCTION, "name": "other"}]}))
    )
    assert there.completed.status == "completed"


def test_the_empty_context_is_held_for_everybody() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        first = await turn(endpoint, start("a", "hello", context=context().digest))
        assert first.accepted.context == context().digest
        patched = await turn(
            endpoint, start("b", "hello", context={"base": context().digest, "patch": {"instructions": "x"}})
        )
        assert patched.accepted.context == context(instructions="x").digest

    run(main())
