"""OpenAI's two wires of one endpoint: what one stored, the other goes on from, or says that it cannot.

Spec: binding-openai-ws. A response that crosses over and loses its history on the way is the worst of all: the client
that falls back to HTTP is answered by a model that knows nothing.
"""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.errors import TransportError
from segue_adapters.sse import SSEParser

from ..oracle import ASK, plant, says, word
from ..registry import check
from ..responses_wire import asking, create, terminal_of, text_of
from ..subject import Subject
from ..verdicts import Deviation, Inconclusive, NotOffered, Untestable

WIRE = ("openai-ws",)


async def _over_http(subject: Subject, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Return status and body of a whole answer at the same base URL over HTTP; skip the check where none is there."""
    base = subject.url.partition("?")[0].removesuffix("/responses").replace("ws", "http", 1)
    try:
        answer = await subject.fetch(
            "POST", "/responses", json.dumps(body).encode(), base=base, content_type="application/json"
        )
        told = _response_of(answer.body) if body.get("stream") else json.loads(answer.body)
    except (TransportError, ValueError) as fault:
        raise NotOffered(f"nothing speaks Responses at {base} over HTTP: {fault}") from None
    if answer.status in (401, 403, 404, 405, 426, 501) and not body.get("previous_response_id"):
        raise NotOffered(f"nothing speaks Responses at {base} over HTTP: status {answer.status}")
    return answer.status, told if isinstance(told, dict) else {}


def _response_of(stream: bytes) -> Any:
    """Return the Response at the end of a stream; a refusal, which is none, as it is."""
    events = [json.loads(event.data) for event in SSEParser().feed(stream) if event.data.startswith("{")]
    return events[-1].get("response") if events else json.loads(stream)


async def _over_socket(subject: Subject, body: dict[str, Any]) -> list[dict[str, Any]]:
    async with asking(subject) as ask:
        return await ask(body)


def _id(response: dict[str, Any]) -> str:
    identifier = response.get("id")
    if not isinstance(identifier, str):
        raise Untestable("a turn that leads up to the check has no id")
    if response.get("store") is False:
        raise NotOffered("nothing is stored: the Response says `store: false`")
    return identifier


def _said(response: dict[str, Any]) -> str:
    return text_of([{"type": "response.output_item.done", "item": item} for item in response.get("output") or ()])


def _whole(subject: Subject, secret: str) -> dict[str, Any]:
    """Return a create with the whole history in one request, the control arm."""
    turns = (("user", plant(secret)), ("assistant", "OK"), ("user", ASK))
    return create(subject, [{"type": "message", "role": role, "content": text} for role, text in turns])


def _lost(secret: str, answer: str, control: str, where: str) -> Exception:
    if not says(control, secret):
        return Inconclusive(f"the model did not say {secret!r} from one request either: {control[:120]!r}")
    return Deviation(
        f"the word is lost {where}: the id was taken, and its history was not there",
        expected=repr(secret),
        actual=repr(answer[:120]),
        control=f"with the whole history in one request the answer was {control[:120]!r}",
        requirement="SEG-CONT-012",
    )


@check("SEG-OWS-042", "SEG-CONT-012", profile="continuation", wires=WIRE)
async def test_socket_to_http(subject: Subject) -> None:
    """A stored response of the WebSocket is a parent over HTTP, with its whole history."""
    secret = word()
    await _over_http(subject, create(subject, "Say hello."))
    parent = _id(terminal_of(await _over_socket(subject, create(subject, plant(secret)))))
    status, told = await _over_http(subject, create(subject, ASK, previous_response_id=parent))
    if status >= 400:
        shown = f"{status}: {told}"[:200]
        raise Deviation("a stored response of the WebSocket was named over HTTP", expected="an answer", actual=shown)
    if not says(answer := _said(told), secret):
        _, control = await _over_http(subject, _whole(subject, secret))
        raise _lost(secret, answer, _said(control), "on the way from the WebSocket to HTTP")


@check("SEG-OWS-042", "SEG-CONT-012", profile="continuation", wires=WIRE)
async def test_http_to_socket(subject: Subject) -> None:
    """A response that HTTP can read is a parent over the WebSocket, with its whole history."""
    secret = word()
    status, made = await _over_http(subject, create(subject, plant(secret)))
    if status >= 400:
        raise Untestable(f"a turn that leads up to the check was refused: {status}")
    parent = _id(made)
    status, _ = await _over_http(subject, create(subject, "Say hello.", previous_response_id=parent))
    if status >= 400:
        raise NotOffered("the response is not stored over HTTP either")
    events = await _over_socket(subject, create(subject, ASK, previous_response_id=parent))
    if events[-1]["type"] == "error":
        raise Deviation(
            "a response that HTTP can go on from was named over the WebSocket", expected="an answer",
            actual=json.dumps(events[-1])[:200],
        )  # fmt: skip
    if not says(answer := text_of(events), secret):
        control = await _over_socket(subject, _whole(subject, secret))
        raise _lost(secret, answer, text_of(control), "on the way from HTTP to the WebSocket")


@check("SEG-OWS-042", profile="continuation", wires=WIRE)
async def test_socket_to_socket(subject: Subject) -> None:
    """A response of the WebSocket that HTTP can go on from is a parent over a new WebSocket."""
    parent = _id(terminal_of(await _over_socket(subject, create(subject, "Say hello."))))
    status, _ = await _over_http(subject, create(subject, "Say hello.", previous_response_id=parent))
    if status >= 400:
        raise NotOffered("the response is not stored")
    last = (await _over_socket(subject, create(subject, "Say hello.", previous_response_id=parent)))[-1]
    if last["type"] == "error":
        raise Deviation("a stored response was named over a new WebSocket", expected="an answer",
                        actual=json.dumps(last)[:200])  # fmt: skip


@check("SEG-CONT-002", profile="continuation", wires=WIRE)
async def test_unstored_of_socket_over_http(subject: Subject) -> None:
    """A response of the WebSocket with `store: false` is no parent over HTTP."""
    await _over_http(subject, create(subject, "Say hello."))
    made = terminal_of(await _over_socket(subject, create(subject, plant(word()), store=False)))
    parent = made.get("id")
    if not isinstance(parent, str):
        raise Untestable("the Response has no id")
    status, told = await _over_http(subject, create(subject, "Say hello.", previous_response_id=parent))
    if status < 400:
        shown = f"{status}: {told}"[:200]
        raise Deviation("a response with `store: false` was named over HTTP", expected="400 or 404", actual=shown)


@check("SEG-CONT-002", profile="continuation", wires=WIRE)
async def test_unstored_of_http_over_socket(subject: Subject) -> None:
    """A response over HTTP with `store: false`, streamed or not, is no parent over the WebSocket."""
    for stream in (False, True):
        status, made = await _over_http(subject, create(subject, plant(word()), store=False, stream=stream))
        if status >= 400:
            raise NotOffered(f"a create with `store: false` is refused over HTTP: status {status}")
        parent = made.get("id")
        if not isinstance(parent, str):
            raise Untestable("the Response has no id")
        last = (await _over_socket(subject, create(subject, ASK, previous_response_id=parent)))[-1]
        if last["type"] not in ("error", "response.failed"):
            raise Deviation(
                "a response over HTTP with `store: false` was named over the WebSocket",
                expected="a refusal",
                actual=last["type"],
            )
