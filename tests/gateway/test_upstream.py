"""The engine that asks a provider: whatever that does, a turn has one end, and says what a repeat may double."""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractAsyncContextManager

import httpx
import msgspec
import pytest
from gateway_lab import message, run, start
from provider_lab import (
    CONTEXT,
    ITEM_ENDS,
    RESPONSE,
    WIRES,
    Provider,
    answered,
    asked,
    generated,
    streamed,
    text_of,
    told,
    up_to,
    whole,
)
from segue_adapters.errors import NotCarried
from segue_adapters.transports.base import Options
from segue_gateway.endpoint import Endpoint, Once
from segue_gateway.engines.base import Ended, EngineEvent, EngineFailure, ItemBegun, ItemEnded, Request
from segue_gateway.engines.seals import Seals
from segue_gateway.engines.upstream import UpstreamEngine
from segue_gateway.server import serving
from segue_schemas import models
from websockets.asyncio.client import connect

every_wire = pytest.mark.parametrize("wire", WIRES)


async def engine_events(wire: str, answer: bytes, request: Request) -> list[EngineEvent]:
    provider = Provider(wire, answer)
    async with provider.serving() as url:
        engine = provider.engine(url)
        try:
            return await generated(engine, request)
        finally:
            await engine.close()


@every_wire
def test_what_the_provider_says_is_what_the_engine_yields(wire: str) -> None:
    async def work() -> None:
        async with serving(Endpoint()) as url:
            engine = UpstreamEngine(url + ("/segue/v1" if wire.startswith("segue") else "/v1"), wire)
            events = await generated(engine, asked(message("Repeat after me: the sea is blue")))
            await engine.close()
        begun = [event for event in events if isinstance(event, ItemBegun)]
        ended = events[-1]
        assert "the sea is blue" in text_of(events)
        assert [event.index for event in begun] == [0]
        assert [event.index for event in events if isinstance(event, ItemEnded)] == [0]
        assert isinstance(ended, Ended)
        assert ended.status == "completed"
        assert ended.usage is not None
        assert ended.usage.output_tokens

    run(work())


@every_wire
def test_the_provider_gets_the_whole_history_and_keeps_nothing(wire: str) -> None:
    async def work() -> None:
        provider = Provider(wire, whole(wire))
        async with provider.serving() as url:
            engine = provider.engine(url)
            items = [message("one"), message("two", "assistant"), message("three")]
            await generated(engine, asked(*items, temperature=0.5, vendor_setting={"a": 1}))
            await engine.close()
        (body,) = provider.turns
        settings = body["context"] if wire.startswith("segue") else body
        assert body["input"] == items
        assert body.get("store") is (None if wire.startswith("segue") else False)
        assert body.get("retention") == ("none" if wire.startswith("segue") else None)
        assert body.get("stream") is (True if wire == "openai-http" else None)
        assert settings["temperature"] == 0.5
        assert settings["vendor_setting"] == {"a": 1}
        assert not {"previous_response_id", "parent"} & {*body}

    run(work())


@every_wire
@pytest.mark.parametrize("part", range(0, 101, 2))
def test_an_answer_cut_at_any_byte_is_one_failure(wire: str, part: int) -> None:
    async def work() -> None:
        answer = whole(wire)
        cut = len(answer) * part // 100
        if cut == len(answer):
            assert isinstance((await engine_events(wire, answer, asked(message("Hi"))))[-1], Ended)
            return
        with pytest.raises(EngineFailure) as failure:
            await engine_events(wire, answer[:cut], asked(message("Hi")))
        assert failure.value.error.code == "upstream_failed"
        assert failure.value.error.effect == "unknown"

    run(work())


@every_wire
def test_a_turn_whose_provider_is_cut_has_one_end_and_keeps_its_parent(wire: str) -> None:
    async def work() -> None:
        provider = Provider(wire, up_to(wire, ITEM_ENDS[wire]))
        async with provider.serving() as url:
            endpoint = Endpoint(provider.engine(url))
            caller = Once("single", "segue-http")
            source, turn = await endpoint.accept(caller, start("t1", "Hi", context=CONTEXT))
            assert turn is not None
            await turn.run()
            ends = [e for e in source.events if isinstance(e, models.TurnCompleted | models.TurnFailed)]
            assert len(ends) == 1
            assert isinstance(ends[0], models.TurnFailed)
            assert ends[0].error.effect == "partial"  # "Hi." was delivered
            assert await endpoint.store.resolve("single", turn.plan.continuation, None) is None
            await endpoint.shutdown()
            await endpoint.engine.close()

    run(work())


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            answered("429 Too Many", told("slow down", code="rate_limit_exceeded"), more="retry-after: 7\r\n"),
            ("rate_limited", "wait", "none", 7000),
        ),
        (answered("429 Too Many", told("pay", code="insufficient_quota")), ("quota_exceeded", "give_up", "none", None)),
        (answered("400 Bad", told("no such tool", param="tools")), ("upstream_failed", "fix", "none", None)),
        (answered("404 Not", told("no model 'm'", code="model_not_found")), ("not_offered", "fix", "none", None)),
        (answered("400 Bad", told("unknown", param="model")), ("not_offered", "fix", "none", None)),
        (answered("404 Not", told("model: m")), ("not_offered", "fix", "none", None)),
        (answered("404 Not", told("no such route")), ("upstream_failed", "fix", "none", None)),
        (answered("401 No", told("bad key sk-123")), ("upstream_failed", "give_up", "none", None)),
        (answered("500 Oh", told("it broke")), ("upstream_failed", "retry", "unknown", None)),
        (answered("502 Oh", b"<html>bad gateway</html>", "text/html"), ("upstream_failed", "retry", "unknown", None)),
        (answered("200 OK", b"<html>hello</html>", "text/html"), ("upstream_failed", "retry", "unknown", None)),
        (b"what is this\r\n\r\n", ("upstream_failed", "retry", "unknown", None)),
        (
            streamed({"type": "error", "code": "server_error", "message": "it broke"}),
            ("upstream_failed", "retry", "unknown", None),
        ),
        (
            streamed(
                {"type": "response.created", "response": RESPONSE},
                {
                    "type": "response.failed",
                    "response": {**RESPONSE, "error": {"code": "rate_limit_exceeded", "message": "later"}},
                },
            ),
            ("rate_limited", "wait", "unknown", None),
        ),
    ],
)
def test_what_the_provider_refuses_is_told_with_advice(
    answer: bytes, expected: tuple[str, str, str, int | None]
) -> None:
    async def work() -> None:
        with pytest.raises(EngineFailure) as failure:
            await engine_events("openai-http", answer, asked(message("Hi")))
        error = failure.value.error
        wait = error.retry_after_ms if isinstance(error.retry_after_ms, int) else None
        assert (error.code, error.advice, error.effect, wait) == expected
        assert "sk-123" not in msgspec.json.encode(error).decode()

    run(work())


@every_wire
def test_a_provider_that_is_not_there_ran_nothing(wire: str) -> None:
    async def work() -> None:
        engine = UpstreamEngine("http://127.0.0.1:9/v1", wire)
        with pytest.raises(EngineFailure) as failure:
            await generated(engine, asked(message("Hi")))
        error = failure.value.error
        assert (error.code, error.advice, error.effect) == ("upstream_failed", "retry", "none")
        await engine.close()

    run(work())


@every_wire
@pytest.mark.parametrize("begun", [False, True])
def test_a_provider_that_is_silent_is_given_up(wire: str, begun: bool) -> None:
    async def work() -> None:
        provider = Provider(wire, up_to(wire, ITEM_ENDS[wire]) if begun else b"", stays=True)
        async with provider.serving() as url:
            engine = provider.engine(url, options=Options(silence_timeout=0.2))
            with pytest.raises(EngineFailure) as failure:
                await generated(engine, asked(message("Hi")))
            await asyncio.wait_for(provider.left.wait(), 5)
            await engine.close()
        assert (failure.value.error.code, failure.value.error.effect) == ("upstream_timeout", "unknown")
        assert len(provider.cancels) == wire.startswith("segue")  # a turn with a name goes on without its connection

    run(work())


@every_wire
def test_a_cancel_reaches_the_provider(wire: str) -> None:
    async def work() -> None:
        provider = Provider(wire, up_to(wire, ITEM_ENDS[wire]), stays=True)
        async with provider.serving() as url:
            endpoint = Endpoint(provider.engine(url))
            caller = Once("single", "segue-http")
            source, turn = await endpoint.accept(caller, start("t1", "Hi", context=CONTEXT))
            assert turn is not None
            running = asyncio.create_task(turn.run())
            while not any(isinstance(event, models.ItemStarted) for event in source.events):
                await asyncio.sleep(0.01)
            await endpoint.cancel(caller, models.TurnCancel(turn="t1"))
            await running
            await asyncio.wait_for(provider.left.wait(), 5)  # the exchange was dropped, not read to its end
            last = source.events[-1]
            assert isinstance(last, models.TurnCompleted)
            assert last.status == "cancelled"
            await endpoint.shutdown()
            await endpoint.engine.close()
        assert len(provider.cancels) == wire.startswith("segue")

    run(work())


@every_wire
def test_a_turn_is_sent_once_whatever_comes_of_it(wire: str) -> None:
    async def work() -> None:
        provider = Provider(wire, b"")
        async with provider.serving() as url:
            engine = provider.engine(url)
            with pytest.raises(EngineFailure):
                await generated(engine, asked(message("Hi")))
            await engine.close()
        assert len(provider.turns) == 1

    run(work())


def test_what_is_no_wire_is_no_upstream() -> None:
    with pytest.raises(NotCarried, match="telex"):
        UpstreamEngine("http://127.0.0.1:9/v1", "telex")


# -- seals


def reasoning(**members: object) -> dict[str, object]:
    return {"type": "reasoning", "summary": [], **members}


def test_reasoning_of_others_is_left_out_and_told() -> None:
    async def work() -> None:
        provider = Provider("openai-http", whole("openai-http"))
        items = [
            message("Hi"),
            reasoning(encrypted_content="x", issuer="elsewhere"),
            reasoning(id="rs_1"),
            reasoning(content=[{"type": "reasoning_text", "text": "hm"}]),
            message("Go on"),
        ]
        async with provider.serving() as url:
            engine = provider.engine(url, issuer="here")
            events = await generated(engine, asked(*items))
            await engine.close()
        (body,) = provider.turns
        assert body["input"] == [items[0], items[3], items[4]]
        ended = events[-1]
        assert isinstance(ended, Ended)
        assert ended.omitted == (1, 2)

    run(work())


@pytest.mark.parametrize("theirs", [None, "segue-scripted", "a@b"])
def test_what_a_provider_sealed_comes_back_to_it_as_it_was(theirs: str | None) -> None:
    seals = Seals("here")
    item = reasoning(encrypted_content="x", **({} if theirs is None else {"issuer": theirs}))
    named = seals.named(json.dumps(item).encode())
    issuer = json.loads(named)["issuer"]
    assert seals.ours(issuer)
    assert not Seals("ther").ours(issuer)
    back = seals.taken_off(named)
    assert back is not None
    assert json.loads(back) == item


def test_a_compaction_of_others_is_not_readable() -> None:
    engine = UpstreamEngine("http://127.0.0.1:9/v1", "openai-http", issuer="here")
    assert engine.reads("compaction", "here")
    assert engine.reads("compaction", "a@here")
    assert engine.reads("compaction")
    assert not engine.reads("compaction", "elsewhere")
    assert engine.reads("vendor:anything", "elsewhere")


@pytest.mark.parametrize(
    ("wire", "ignored"),
    [("chat", ["/reasoning/summary"]), ("anthropic", ["/reasoning/summary"]), *((wire, []) for wire in WIRES)],
)
def test_settings_without_a_place_on_the_providers_wire_are_told(wire: str, ignored: list[str]) -> None:
    engine = UpstreamEngine("http://127.0.0.1:9/v1", wire)
    context = {**CONTEXT, "max_output_tokens": 9, "instructions": "Be terse.", "reasoning": {"summary": "auto"}}
    assert list(engine.ignores(context)) == ignored
    assert list(engine.ignores({**CONTEXT, "max_output_tokens": 9})) == []


@pytest.mark.parametrize("wire", ["segue-ws", "segue-http"])
def test_what_a_provider_tells_as_ignored_is_told_from_the_next_turn_on(wire: str) -> None:
    async def work() -> None:
        async with serving(Endpoint()) as url:
            engine = UpstreamEngine(url + "/segue/v1", wire)
            warm = {**CONTEXT, "temperature": 0.5}
            assert list(engine.ignores(warm)) == []
            assert isinstance((await generated(engine, asked(message("Hi"), temperature=0.5)))[-1], Ended)
            assert list(engine.ignores(warm)) == ["/temperature"]
            assert list(engine.ignores({**CONTEXT, "temperature": 0})) == []
            assert list(engine.ignores(CONTEXT)) == []
            await engine.close()

    run(work())


@pytest.mark.parametrize("wire", ["segue-ws", "segue-http"])
@pytest.mark.parametrize(
    ("place", "settings"),
    [
        ("/tools/0", {"tools": [{"type": "vendor:x", "name": "x"}]}),
        ("/text/format", {"text": {"format": {"type": "v"}}}),
    ],
)
def test_an_answer_without_the_tools_that_were_asked_for_is_none(
    wire: str, place: str, settings: dict[str, object]
) -> None:
    async def work() -> None:
        async with serving(Endpoint()) as url:
            engine = UpstreamEngine(url + "/segue/v1", wire)
            with pytest.raises(EngineFailure) as failure:
                await generated(engine, asked(message("Hi"), **settings))
            error = failure.value.error
            assert (error.code, error.advice, error.param) == ("not_offered", "fix", "/context" + place)
            assert list(engine.ignores({**CONTEXT, **settings})) == [place]  # and whoever asks all the same is told
            assert isinstance((await generated(engine, asked(message("Hi"), **settings)))[-1], Ended)
            await engine.close()

    run(work())


@pytest.mark.parametrize("wire", ["chat", "anthropic", "openai-http", "openai-ws"])
@pytest.mark.parametrize(
    "settings", [{"tools": [{"type": "vendor:x", "name": "x"}]}, {"text": {"format": {"type": "vendor:x"}}}]
)
def test_tools_and_formats_that_nobody_honours_are_refused_where_nothing_says_ignored(
    wire: str, settings: dict[str, object]
) -> None:
    async def work() -> None:
        async with serving(Endpoint()) as url:
            engine = UpstreamEngine(url + "/v1", wire)
            with pytest.raises(EngineFailure) as failure:
                await generated(engine, asked(message("Hi"), **settings))
            await engine.close()
        error = failure.value.error
        assert (error.code, error.advice, error.effect) == ("upstream_failed", "fix", "none")

    run(work())


# -- what clients of OpenAI's wires see of a provider's refusal


def in_front_of(upstream: str, wire: str = "openai-http") -> AbstractAsyncContextManager[str]:
    return serving(Endpoint(UpstreamEngine(upstream, wire)))


def test_places_that_a_provider_names_are_places_of_the_clients_message() -> None:
    async def work(param: object) -> object:
        with pytest.raises(EngineFailure) as failure:
            await engine_events("openai-http", answered("400 Bad", told("no", param=param)), asked(message("Hi")))
        return failure.value.error.param

    assert run(work("tools[0].function.name")) == "/context/tools/0/function/name"
    assert run(work("model")) == "/context/model"
    assert run(work("text.format")) == "/context/text/format"
    assert run(work("input[7].call_id")) == "/input"
    assert run(work("/context/tools/0")) == "/context/tools/0"
    assert run(work("/input/3/call_id")) == "/input"
    assert run(work("/lane")) is msgspec.UNSET
    assert run(work("what is this?")) is msgspec.UNSET
    assert run(work(None)) is msgspec.UNSET


REFUSALS = [
    (answered("400 Bad", told("no such tool", param="tools[0]", code="bad_tool")), 400, "bad_tool", "tools[0]"),
    (answered("429 Slow", told("later", code="rate_limit_exceeded")), 429, "rate_limit_exceeded", None),
    (answered("401 No", told("bad key")), 502, "upstream_failed", None),
]


@pytest.mark.parametrize(("answer", "status", "code", "param"), REFUSALS)
@pytest.mark.parametrize("stream", [True, False])
def test_what_the_provider_refuses_is_refused_over_http(
    answer: bytes, status: int, code: str, param: str | None, stream: bool
) -> None:
    async def work() -> None:
        async with (
            Provider("openai-http", answer).serving() as upstream,
            in_front_of(upstream) as url,
            httpx.AsyncClient() as client,
        ):
            got = await client.post(url + "/v1/responses", json={**CONTEXT, "input": "Hi", "stream": stream})
        assert got.status_code == status
        assert (got.json()["error"]["code"], got.json()["error"]["param"]) == (code, param)

    run(work())


@pytest.mark.parametrize(("answer", "status", "code", "param"), REFUSALS)
def test_what_the_provider_refuses_is_an_error_event_on_the_socket(
    answer: bytes, status: int, code: str, param: str | None
) -> None:
    async def work() -> None:
        async with (
            Provider("openai-http", answer).serving() as upstream,
            in_front_of(upstream) as url,
            connect(url.replace("http", "ws") + "/v1/responses") as socket,
        ):
            for _ in range(2):  # the connection goes on
                await socket.send(json.dumps({"type": "response.create", **CONTEXT, "input": "Hi"}))
                event = json.loads(await socket.recv())
                assert (event["type"], event["status"], event["error"]["code"]) == ("error", status, code)

    run(work())


@every_wire
def test_a_failure_behind_the_first_event_is_a_response_that_failed(wire: str) -> None:
    async def work() -> None:
        async with (
            Provider(wire, up_to(wire, ITEM_ENDS[wire])).serving() as upstream,
            in_front_of(upstream, wire) as url,
            httpx.AsyncClient() as client,
        ):
            got = await client.post(url + "/v1/responses", json={**CONTEXT, "input": "Hi", "stream": True})
        kinds = [line.removeprefix("event: ") for line in got.text.splitlines() if line.startswith("event: ")]
        assert got.status_code == 200
        assert (kinds[0], kinds[-1]) == ("response.created", "response.failed")

    run(work())
