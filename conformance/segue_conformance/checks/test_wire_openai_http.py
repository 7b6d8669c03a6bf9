"""OpenAI Responses over HTTP, bare: statuses, content types, framing of the stream (spec: binding-openai-http)."""

from __future__ import annotations

import json

from segue_adapters.errors import WrongKind
from segue_adapters.transports.websocket import open_socket

from ..answers import shown
from ..registry import check
from ..responses_wire import TERMINAL, create, parsed, sse_of
from ..subject import Subject
from ..verdicts import Deviation, NotOffered

WIRE = ("openai-http",)


@check("SEG-OHTTP-010", "SEG-OHTTP-011", profile="core", wires=WIRE)
async def test_whole_answer(subject: Subject) -> None:
    """Without `stream` the answer is 200 and one Response object, finished."""
    body = json.dumps(create(subject, "Say hello.")).encode()
    answer = await subject.fetch("POST", "/responses", body, content_type="application/json")
    if answer.status != 200:
        raise Deviation("a plain create was not answered", expected="200", actual=shown(answer))
    try:
        response = json.loads(answer.body)
    except ValueError:
        raise Deviation("the answer is not JSON", expected="a Response", actual=repr(answer.body[:200])) from None
    if not isinstance(response, dict) or response.get("object") != "response" or not response.get("id"):
        raise Deviation("the answer", expected="an object `response` with an id", actual=str(response)[:200])
    missing = [n for n in ("created_at", "model", "output", "parallel_tool_calls", "tool_choice", "tools")
               if n not in response]  # fmt: skip
    if missing:
        raise Deviation(
            f"the Response lacks {', '.join(missing)}",
            expected="the members that clients need",
            actual=", ".join(sorted(response)),
            requirement="SEG-OHTTP-011",
        )


@check("SEG-OWS-003", profile="core", wires=WIRE)
async def test_upgrade_refusal(subject: Subject) -> None:
    """An upgrade to a WebSocket is accepted, or denied with 426: then clients fall back to HTTP at once."""
    url = f"{subject.url.partition('?')[0].rstrip('/')}/responses".replace("http", "ws", 1)
    try:
        socket = await open_socket(url, subject.options(), label="upgrade")
    except WrongKind as fault:
        if fault.status != 426:
            raise Deviation("an upgrade at /responses", expected="101, or 426", actual=fault.what) from None
    else:
        await socket.close()


@check("SEG-OHTTP-020", profile="core", wires=WIRE)
async def test_stream_content_type(subject: Subject) -> None:
    """With `stream` the answer is an event stream."""
    body = json.dumps({**create(subject, "Say hello."), "stream": True}).encode()
    async with subject.request("POST", "/responses", body, content_type="application/json") as answer:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if answer.status != 200 or kind != "text/event-stream":
            told = f"{answer.status} {kind}"
            raise Deviation("a create with `stream: true` has no stream", expected="200 text/event-stream", actual=told)
        async for _ in answer.chunks():
            pass


@check("SEG-OHTTP-022", "SEG-OHTTP-021", profile="core", wires=WIRE)
async def test_event_names(subject: Subject) -> None:
    """The name of each event, where it has one, is the type of its data."""
    events = await sse_of(subject, {**create(subject), "stream": True})
    for number, event in enumerate(events):
        if event.data == "[DONE]":
            if number != len(events) - 1:
                raise Deviation("[DONE]", expected="behind all events", actual=f"event {number + 1} of {len(events)}",
                                requirement="SEG-OHTTP-021")  # fmt: skip
            continue
        try:
            kind = json.loads(event.data)["type"]
        except (ValueError, KeyError, TypeError):
            raise Deviation(
                "an event's data", expected="a JSON object with `type`", actual=event.data[:200],
                requirement="SEG-OHTTP-021",
            ) from None  # fmt: skip
        if event.event not in ("message", kind):
            raise Deviation(
                "an event's name is not the `type` of its data",
                expected=f"event: {kind}",
                actual=f"event: {event.event}",
            )


@check("SEG-TURN-003", "SEG-TURN-002", profile="core", wires=WIRE)
async def test_one_end(subject: Subject) -> None:
    """A stream has one terminal event, and nothing of the response comes behind it."""
    kinds = [parsed(e.data)["type"] for e in await sse_of(subject, {**create(subject), "stream": True})
             if e.data != "[DONE]"]  # fmt: skip
    ends = [kind for kind in kinds if kind in TERMINAL]
    if len(ends) != 1:
        raise Deviation(
            f"a stream has {len(ends)} terminal events", expected="one", actual=", ".join(ends) or "none",
            requirement="SEG-TURN-002",
        )  # fmt: skip
    late = [kind for kind in kinds[kinds.index(ends[0]) + 1 :] if kind.startswith("response.")]
    if late:
        raise Deviation("events came behind the terminal one", expected="silence", actual=", ".join(late)[:200])


@check("SEG-OHTTP-031", profile="core", wires=WIRE)
async def test_lost_parent_status(subject: Subject) -> None:
    """A parent that is not held is answered 400 or 404."""
    body = create(subject, "Say hello.", previous_response_id="resp_" + "0123456789abcdef" * 2)
    answer = await subject.fetch("POST", "/responses", json.dumps(body).encode(), content_type="application/json")
    if answer.status not in (400, 404):
        raise Deviation("a parent that never existed was not refused", expected="400 or 404", actual=shown(answer))


@check("SEG-OHTTP-033", profile="core", wires=WIRE)
async def test_unknown_id_is_404(subject: Subject) -> None:
    """Reading a response that is not held is answered 404."""
    answer = await subject.fetch("GET", "/responses/resp_" + "0123456789abcdef" * 2)
    if answer.status in (405, 501):
        raise NotOffered(f"reading is not offered: status {answer.status}")
    if answer.status != 404:
        raise Deviation("reading an id that never existed", expected="404", actual=str(answer.status))


@check("SEG-SEC-002", profile="core", wires=WIRE)
async def test_wrong_key_refused(subject: Subject) -> None:
    """A wrong key is refused before anything runs."""
    subject.needs_keys()
    if subject.settings.api_key is None:
        raise NotOffered("no key was given, so a wrong one proves nothing")
    body = json.dumps(create(subject, "Say hello.")).encode()
    for what, key in (("a wrong key", "wrong-key"), ("no key", "")):
        answer = await subject.fetch("POST", "/responses", body, key=key, content_type="application/json")
        if answer.status not in (401, 403):
            raise Deviation(f"{what} was sent", expected="401 or 403", actual=str(answer.status))
