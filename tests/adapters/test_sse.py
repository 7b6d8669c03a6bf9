"""Server-sent events: any split of the bytes gives the same events, and httpx-sse agrees."""

from __future__ import annotations

import httpx
import httpx_sse
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from segue_adapters.errors import RemoteProtocolError
from segue_adapters.sse import SSEEvent, SSEParser, encode_comment, encode_event

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)
LINES = st.one_of(
    TEXT.map(lambda t: f"data: {t}"),
    TEXT.map(lambda t: f"data:{t}"),
    TEXT.map(lambda t: f"event: {t}"),
    TEXT.map(lambda t: f"id: {t}"),
    TEXT.map(lambda t: f": {t}"),
    st.sampled_from(["retry: 10", "retry: x", "data", "event", "id", "unknown: 1", ":", "data:  two", ""]),
)
STREAMS = st.lists(st.tuples(LINES, st.sampled_from(["\n", "\r", "\r\n"])), max_size=14).map(
    lambda lines: "".join(line + end for line, end in lines)
)


def parse(*chunks: bytes) -> list[SSEEvent]:
    parser = SSEParser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events + parser.close()


@st.composite
def split_streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    body = draw(STREAMS).encode()
    cuts = sorted(draw(st.sets(st.integers(0, len(body)), max_size=8)))
    return body, [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]


@settings(max_examples=60, deadline=None)
@given(split_streams())
def test_any_split_gives_the_same_events(case: tuple[bytes, list[bytes]]) -> None:
    body, chunks = case
    assert parse(*chunks) == parse(body) == parse(*(bytes([byte]) for byte in body))


@settings(max_examples=60, deadline=None)
@given(split_streams())
def test_httpx_sse_reads_the_same(case: tuple[bytes, list[bytes]]) -> None:
    body, chunks = case
    if body.startswith(b"\xef\xbb\xbf"):
        return  # it keeps the byte order mark, which WHATWG strips
    answer = httpx.Response(200, headers={"content-type": "text/event-stream; charset=utf-8"}, content=iter(chunks))
    theirs = [(e.event or "message", e.data, e.id) for e in httpx_sse.EventSource(answer).iter_sse()]
    # It also gives an event for a block without data, which WHATWG drops.
    ours = [(e.event, e.data, e.id or "") for e in parse(*chunks)]
    assert [e for e in theirs if e[1]] == [e for e in ours if e[1]]


@pytest.mark.parametrize(
    ("chunks", "events"),
    [
        ([b"data: a\n\n"], [SSEEvent("message", "a")]),
        ([b"data: \xe2", b"\x82", b"\xac\n\n"], [SSEEvent("message", "€")]),
        ([b"data: a\r", b"\n\r", b"\ndata: b\r\n\r\n"], [SSEEvent("message", "a"), SSEEvent("message", "b")]),
        ([b"data: a\r\r"], [SSEEvent("message", "a")]),
        ([b"\xef", b"\xbb\xbf", b"data: a\n\n"], [SSEEvent("message", "a")]),
        (["data: \ufeffa\n\n".encode()], [SSEEvent("message", "\ufeffa")]),
        ([b": hello\n\n:\n\ndata: a\n\n"], [SSEEvent("message", "a")]),
        ([b"id: 3\nretry: 9\nevent: x\ndata: a\ndata: b\n\ndata: c\n\n"],
         [SSEEvent("x", "a\nb", "3"), SSEEvent("message", "c", "3")]),
        ([b"id: 3\0\ndata: a\n\n"], [SSEEvent("message", "a")]),
        ([b"event: x\n\ndata: a\n\n"], [SSEEvent("message", "a")]),
        ([b"data\n\n"], [SSEEvent("message", "")]),
        ([b"data: a\n"], []),
        ([b"data: a"], []),
        ([b"", b""], []),
    ],
)  # fmt: skip
def test_examples(chunks: list[bytes], events: list[SSEEvent]) -> None:
    assert parse(*chunks) == events


@pytest.mark.parametrize("chunks", [[b"data: \xff\n\n"], [b"data: \xe2\x82"], [b"data: \xed\xa0\x80\n\n"]])
def test_what_is_not_utf_8_is_told(chunks: list[bytes]) -> None:
    with pytest.raises(RemoteProtocolError, match="not UTF-8") as caught:
        parse(*chunks)
    assert caught.value.expected == "an event stream in UTF-8"


@pytest.mark.parametrize(
    ("body", "unfinished"), [(b"data: a\n", True), (b"da", True), (b"data: a\n\n", False), (b"\n", False)]
)
def test_an_event_cut_in_the_middle_shows(body: bytes, unfinished: bool) -> None:
    parser = SSEParser()
    parser.feed(body)
    assert parser.unfinished is unfinished


def test_a_long_line_in_small_pieces_costs_its_length() -> None:
    parser = SSEParser()
    piece = b"x" * 1024
    parser.feed(b"data: ")
    for _ in range(8 * 1024):
        assert parser.feed(piece) == []
    (event,) = parser.feed(b"\n\n")
    assert len(event.data) == 8 * 1024 * 1024


@settings(max_examples=40)
@given(TEXT, st.none() | TEXT.filter(bool), st.none() | st.integers(0, 2**53))
def test_what_is_encoded_is_read_again(data: str, event: str | None, number: int | None) -> None:
    encoded = encode_comment("still here") + encode_event(data.encode(), event=event, id=number)
    assert parse(encoded) == [SSEEvent(event or "message", data, None if number is None else str(number))]
