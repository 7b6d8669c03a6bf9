"""What an endpoint speaks: its document, else by probing, and one sentence where there is nothing to talk to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from segue_adapters.discovery import Found, find
from segue_adapters.errors import (
    LocalProtocolError,
    TimedOut,
    TransportError,
    Unauthorised,
    Unreachable,
    WrongKind,
)
from segue_adapters.transports.base import Options
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

OPTIONS = Options(connect_timeout=2.0, silence_timeout=2.0)
LIMITS = {"heartbeat_ms": 1, "message_bytes": 1, "replay_ms": 1, "name_ms": 1}
CAPABILITIES = {"model_input": "exact", "names_survive": "process", "principal": "credential", "retention": ["cached"],
                "features": []}  # fmt: skip
ENVELOPE = b'{"error":{"message":"missing model","type":"invalid_request_error","param":"model","code":null}}'


def document(*bindings: tuple[str, str]) -> bytes:
    told = {"versions": ["1.0"], "endpoint": "e", "capabilities": CAPABILITIES, "limits": LIMITS}
    return json.dumps({**told, "bindings": [{"wire": wire, "url": url} for wire, url in bindings]}).encode()


class Place:
    """A server that answers HTTP by a table and takes WebSockets on some paths; notes what was asked of it."""

    def __init__(self, answers: dict[str, Any], sockets: tuple[str, ...]) -> None:
        self.answers, self.sockets, self.asked = answers, sockets, list[str]()
        self.url = ""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.split("\r\n")[0].split(" ")
        size = next((int(h.split(":")[1]) for h in head.lower().split("\r\n") if h.startswith("content-length")), 0)
        await reader.readexactly(size)
        self.asked.append(f"{method} {target}")
        answer = self.answers.get(f"{method} {target}", (404, "text/html", b"<h1>Not Found</h1>"))
        if answer == "hang":
            await asyncio.sleep(30)
        status, kind, body = answer[:3]
        more = "".join(f"{line}\r\n" for line in answer[3:])
        lines = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
        writer.write(f"{lines}{more}\r\n".encode() + body)
        await writer.drain()


@pytest.fixture
def place(raw_server: Any, websocket_server: Any) -> Any:
    """Give a Place; a WebSocket path is served by a server of its own behind the same port."""

    @asynccontextmanager
    async def served(answers: dict[str, Any], *sockets: str) -> AsyncIterator[Place]:
        here = Place(answers, sockets)

        async def talk(connection: ServerConnection) -> None:
            await connection.wait_closed()

        def choose(connection: ServerConnection, request: Request) -> Response | None:
            here.asked.append(f"UPGRADE {request.path}")
            if request.path.partition("?")[0] in here.sockets:
                return None
            return Response(426, "Upgrade Required", Headers({"content-type": "application/json"}), b"{}")

        async def split(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """Pass an upgrade on to the WebSocket server, answer everything else."""
            head = await reader.readuntil(b"\r\n\r\n")
            if b"upgrade: websocket" not in head.lower():
                again = asyncio.StreamReader()
                again.feed_data(head + (await reader.read(65536) if b"\r\ncontent-length" in head.lower() else b""))
                await here(again, writer)
                return
            inner_reader, inner = await asyncio.open_connection("127.0.0.1", int(behind.rpartition(":")[2]))
            inner.write(head)

            async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                while data := await source.read(65536):
                    sink.write(data)
                sink.close()

            try:
                await asyncio.gather(copy(reader, inner), copy(inner_reader, writer))
            finally:
                inner.close()

        async with AsyncExitStack() as stack:
            options = {"subprotocols": ["segue.v1"], "select_subprotocol": lambda _, offered: next(iter(offered), None)}
            behind = await stack.enter_async_context(websocket_server(talk, process_request=choose, **options))
            port = await stack.enter_async_context(raw_server(split))
            here.url = f"http://127.0.0.1:{port}"
            yield here

    return served


def found(run: Any, place: Any, answers: dict[str, Any], path: str = "/v1", *sockets: str, wires: Any = None) -> Any:
    """Return what is found below a path, with the server's address taken off."""

    async def main() -> tuple[Found, Place, str]:
        async with place(answers, *sockets) as here:
            base = here.url.replace("http://", "") if "://" in path else here.url
            url = path.format(base) if "://" in path else base + path
            return await find(url, OPTIONS, wires=wires), here, here.url.removeprefix("http://")

    result, here, address = run(main())
    return [(o.wire, o.url.replace(address, "HOST")) for o in result.offers], result, here


def fails(run: Any, place: Any, answers: dict[str, Any], kind: Any, path: str = "/v1", **more: Any) -> TransportError:
    with pytest.raises(kind) as caught:
        found(run, place, answers, path, **more)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    return caught.value


JSON = "application/json"
ANSWERS = (400, JSON, ENVELOPE)
SEGUE = (404, "application/problem+json", b'{"code":"turn_not_found"}')


def test_a_document_below_the_base(run: Any, place: Any) -> None:
    bindings = [
        ("openai-http", "/v1"),
        ("segue-ws", "/segue/v1"),
        ("later-wire", "gopher://x"),
        ("segue-http", "../segue/v1"),
    ]
    answers = {"GET /v1/.well-known/segue": (200, JSON, document(*bindings)), "POST /v1/responses": ANSWERS,
               "GET /v1/segue/v1/turns/probe": SEGUE}  # fmt: skip
    offers, result, here = found(run, place, answers, "/v1/", "/segue/v1")
    assert offers == [("segue-ws", "ws://HOST/segue/v1"), ("segue-http", "http://HOST/v1/segue/v1"),
                      ("openai-http", "http://HOST/v1")]  # fmt: skip
    assert (result.how, result.document.endpoint) == ("discovery document", "e")
    assert here.asked[0] == "GET /v1/.well-known/segue"


NO_DOCUMENTS = [
    (404, "text/html", b"<h1>"),
    (200, JSON, b'{"versions":[]}'),
    (200, JSON, b"["),
    (200, "text/html", b"\xff"),
    (200, JSON, b"[" * 100_000),
    (500, JSON, b"{}"),
]


@pytest.mark.parametrize("first", NO_DOCUMENTS, ids=range(len(NO_DOCUMENTS)))
def test_a_document_at_the_origin(run: Any, place: Any, first: Any) -> None:
    answers = {"GET /api/v1/.well-known/segue": first, "POST /v1/responses": ANSWERS,
               "GET /.well-known/segue": (200, JSON, document(("openai-http", "v1/../../v1")))}  # fmt: skip
    offers, result, here = found(run, place, answers, "/api/v1")
    assert offers == [("openai-http", "http://HOST/v1")]
    assert result.how == "discovery document"
    assert here.asked[:2] == ["GET /api/v1/.well-known/segue", "GET /.well-known/segue"]


def test_absolute_urls_and_schemes(run: Any, place: Any) -> None:
    async def main() -> list[str]:
        async with place({"POST /o/responses": ANSWERS}, "/deep/path") as other:
            bindings = [("segue-ws", other.url + "/deep/path"), ("openai-http", other.url.replace("http", "ws") + "/o")]
            async with place({"GET /.well-known/segue": (200, JSON, document(*bindings))}) as here:
                offers = (await find(here.url.replace("http", "ws"), OPTIONS)).offers
                return [offer.url.replace(other.url.removeprefix("http://"), "OTHER") for offer in offers]

    assert run(main()) == ["ws://OTHER/deep/path", "http://OTHER/o"]


@pytest.mark.parametrize("url", ["ftp://x/y", "http://[::1", "ws://127.0.0.1:99999/", "javascript:1", "//:0"])
def test_a_document_that_names_no_usable_url(run: Any, place: Any, url: str) -> None:
    fault = fails(run, place, {"GET /v1/.well-known/segue": (200, JSON, document(("segue-ws", url)))}, WrongKind)
    assert url in str(fault)
    assert "segue-ws" in str(fault)


def test_a_wire_that_is_not_offered(run: Any, place: Any) -> None:
    answers = {"GET /v1/.well-known/segue": (200, JSON, document(("openai-http", "/v1"), ("chat", "/v1")))}
    fault = fails(run, place, answers, WrongKind, wires=["segue-ws"])
    assert "the wire segue-ws is not offered (offered: openai-http, chat)" in str(fault)
    fault = fails(run, place, {"GET /v1/.well-known/segue": (200, JSON, document())}, WrongKind)
    assert "(offered: none)" in str(fault)


def test_an_offer_that_is_not_served(run: Any, place: Any) -> None:
    for wire, words in (("segue-ws", "426"), ("segue-http", "404 with an HTML page"), ("openai-http", "404")):
        answers = {"GET /v1/.well-known/segue": (200, JSON, document((wire, "/nowhere")))}
        assert words in str(fails(run, place, answers, WrongKind))


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/responses", "/v1/responses/", "/v1?key=1", "/v1/?key=1",
                                  "/v1/responses?key=1", "/v1#part"])  # fmt: skip
def test_probing(run: Any, place: Any, path: str) -> None:
    offers, result, _ = found(run, place, {"POST /v1/responses": ANSWERS}, path, "/v1/responses")
    query = "?key=1" if "?" in path else ""
    assert offers == [("openai-ws", f"ws://HOST/v1/responses{query}"), ("openai-http", "http://HOST/v1")]
    assert (result.how, result.document) == ("probing", None)


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        (ANSWERS, True),
        ((422, JSON, b'{"detail":[]}'), True),
        ((500, JSON, b'{"error":"oops"}'), True),
        ((200, JSON, b'{"object":"response"}'), True),
        ((404, JSON, ENVELOPE), False),
        ((405, JSON, ENVELOPE), False),
        ((200, JSON, b"{}"), False),
        ((200, JSON, b"[]"), False),
        ((400, "text/html", b"<h1>Bad Request</h1>"), False),
        ((302, "text/html", b"", "location: http://elsewhere.invalid/login"), False),
    ],
)
def test_what_counts_as_responses(run: Any, place: Any, answer: Any, known: bool) -> None:
    if known:
        assert found(run, place, {"POST /responses": answer}, "")[0] == [("openai-http", "http://HOST")]
        return
    fault = fails(run, place, {"POST /responses": answer}, WrongKind, "")
    assert "no wire was found" in str(fault)
    assert "--wire" in fault.hint
    if answer[0] == 302:
        assert "a redirect to http://elsewhere.invalid/login" in str(fault)


def test_a_websocket_only_place(run: Any, place: Any) -> None:
    for path in ("/v1", "ws://{}/v1"):
        assert found(run, place, {}, path, "/v1/responses")[0] == [("openai-ws", "ws://HOST/v1/responses")]


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key(run: Any, place: Any, status: int) -> None:
    fault = fails(run, place, {"POST /v1/responses": (status, JSON, ENVELOPE)}, Unauthorised)
    assert f"answered {status}" in str(fault)
    answers = {"GET /turns/probe": (status, JSON, b"{}")}
    fails(run, place, answers, Unauthorised, "segue+http://{}")


def test_forced_wires(run: Any, place: Any) -> None:
    offers, result, here = found(run, place, {}, "segue+ws://{}/segue/v1?x=1", "/segue/v1")
    assert (offers, result.how) == ([("segue-ws", "ws://HOST/segue/v1?x=1")], "as asked")
    assert here.asked == ["UPGRADE /segue/v1?x=1"]
    offers, *_ = found(run, place, {"GET /s/turns/probe": SEGUE}, "segue+http://{}/s")
    assert offers == [("segue-http", "http://HOST/s")]
    assert "HTML page" in str(fails(run, place, {}, WrongKind, "segue+http://{}/s"))
    with pytest.raises(LocalProtocolError, match="scheme asks for segue-ws, --wire for openai-ws"):
        run(find("segue+ws://127.0.0.1:1", OPTIONS, wires=["openai-ws"]))


def test_wires_that_were_asked_for(run: Any, place: Any) -> None:
    answers = {"POST /v1/responses": ANSWERS, "GET /v1/turns/probe": SEGUE}
    wanted = ["openai-http", "segue-http", "openai-ws"]
    offers, result, _ = found(run, place, answers, "/v1", "/v1/responses", wires=wanted)
    assert offers == [("openai-http", "http://HOST/v1"), ("segue-http", "http://HOST/v1"),
                      ("openai-ws", "ws://HOST/v1/responses")]  # fmt: skip
    assert result.how == "as asked"
    assert "426" in str(fails(run, place, answers, WrongKind, wires=["segue-ws"]))
    with pytest.raises(LocalProtocolError, match="no wire 'smoke'"):
        run(find("http://127.0.0.1:1", OPTIONS, wires=["smoke"]))


CLAUDE = (400, JSON, b'{"type":"error","error":{"type":"invalid_request_error","message":"model: required"}}')
CHAT_ONLY, CLAUDE_ONLY = {"POST /v1/chat/completions": ANSWERS}, {"POST /v1/messages": CLAUDE}
WITHOUT_STATE = [("chat", "http://HOST/v1"), ("anthropic", "http://HOST/v1")]


@pytest.mark.parametrize(
    ("answers", "offers"),
    [
        (CHAT_ONLY, WITHOUT_STATE[:1]),
        (CLAUDE_ONLY, WITHOUT_STATE[1:]),
        ({**CHAT_ONLY, **CLAUDE_ONLY}, WITHOUT_STATE),
        # An endpoint that answers whatever it is sent.
        ({"POST /v1/chat/completions": (200, JSON, b'{"object":"chat.completion"}')}, WITHOUT_STATE[:1]),
        ({"POST /v1/messages": (200, JSON, b'{"type":"message"}')}, WITHOUT_STATE[1:]),
        # Where state can be held, the others are not looked for.
        ({"POST /v1/responses": ANSWERS, **CHAT_ONLY}, [("openai-http", "http://HOST/v1")]),
    ],
)
@pytest.mark.parametrize("path", ["/v1", "/v1/chat/completions", "/v1/messages/"])
def test_wires_without_state_are_found_where_no_other_is(
    run: Any, place: Any, answers: Any, offers: Any, path: str
) -> None:
    assert found(run, place, answers, path)[0] == offers


def test_wires_without_state_are_asked_for(run: Any, place: Any) -> None:
    answers = {"POST /v1/responses": ANSWERS, **CHAT_ONLY, **CLAUDE_ONLY}
    offers, result, here = found(run, place, answers, wires=["anthropic", "chat"])
    assert (offers, result.how) == (WITHOUT_STATE[::-1], "as asked")
    assert here.asked[-2:] == ["POST /v1/messages", "POST /v1/chat/completions"]
    assert "/v1/messages" in str(fails(run, place, CHAT_ONLY, WrongKind, wires=["anthropic"]))


def test_a_key_may_belong_under_another_header(run: Any, place: Any) -> None:
    """An endpoint of Anthropic's looks at the key before the path: what is no bearer token is refused everywhere."""
    unauthorised = (401, JSON, CLAUDE[2])
    assert found(run, place, {"POST /v1/responses": unauthorised, **CLAUDE_ONLY})[0] == WITHOUT_STATE[1:]
    answers = {"POST /v1/responses": unauthorised, "POST /v1/messages": unauthorised}
    assert "/v1/responses" in str(fails(run, place, answers, Unauthorised))
    fails(run, place, {"POST /v1/messages": unauthorised}, Unauthorised, wires=["anthropic"])


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:80", "ftp://a", "http://", "http:///v1", "http://a:99999", "http://a:x", "http://[::1", "", "a b"],
)
def test_what_is_no_address(run: Any, url: str) -> None:
    with pytest.raises(Unreachable) as caught:
        run(find(url, OPTIONS))
    assert caught.value.hint


def test_nobody_there(run: Any, free_port: int) -> None:
    for url in (f"http://127.0.0.1:{free_port}/v1", f"ws://[::1]:{free_port}", f"segue+http://[::1]:{free_port}"):
        with pytest.raises(Unreachable, match=r"refused|failed"):
            run(find(url, OPTIONS))


def test_a_place_that_hangs(run: Any, place: Any) -> None:
    async def main() -> None:
        async with place({"GET /.well-known/segue": "hang"}) as here:
            await find(here.url, Options(connect_timeout=0.2))

    with pytest.raises(TimedOut, match=r"no whole answer came within 0\.2 s"):
        run(main())
