"""The frames that a failure shows: which they are, how they are shortened, and what is marked in them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from segue_conformance.reports.decisive import line, story
from segue_conformance.reports.essence import essence
from segue_conformance.reports.evidence import ACTUAL, EXPECTED, Span, clues_of, difference, joined, marked
from segue_conformance.reports.plain import plain_block
from segue_conformance.reports.steps import steps
from segue_conformance.results import CheckResult, Frame
from segue_conformance.verdicts import Verdict


def frame(text: object, direction: str = "received", kind: str = "text", at: int = 0, connection: str = "ws1") -> Frame:
    shown = text if isinstance(text, str) else json.dumps(text)
    return Frame(at_ms=at, direction=direction, connection=connection, kind=kind, text=shown)


def result(*frames: Frame, **more: object) -> CheckResult:
    given_ = {
        "check": "a.b", "title": "A title", "requirements": ("SEG-CONT-012",), "profile": "continuation",
        "wire": "segue-ws", "strict": True, "requirement": "SEG-CONT-012", "keyword": "MUST",
        "sentence": "An endpoint MUST remember.", "message": "the word is lost", "expected": "'velvet-9614'",
        "actual": "'I do not know any word.'", **more,
    }  # fmt: skip
    return CheckResult(verdict=Verdict.FAIL, frames=frames, **given_)


def start(text: str, **more: object) -> Frame:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    return frame({"type": "turn.start", "turn": "t_0123456789abcdef", "input": [item], **more}, "sent")


def deltas(text: str, turn: str = "t1", first: int = 2) -> list[Frame]:
    words = [word + " " for word in text.split()]
    words[-1] = words[-1].rstrip()
    return [
        frame({"type": "item.delta", "turn": turn, "index": 0, "at": "/content/0/text", "seq": n, "append": word})
        for n, word in enumerate(words, first)
    ]


def turn(asked: str, answer: str, **more: object) -> list[Frame]:
    return [
        start(asked, **more), frame({"type": "turn.accepted", "seq": 0}), *deltas(answer),
        frame({"type": "turn.completed", "seq": 99}),
    ]  # fmt: skip


LOST = result(
    *turn("Remember this word: velvet-9614.", "OK"), *turn("Say hello.", "hello there"),
    *turn("Which word was it?", "I do not know any word.", parent="resp_0123456789abcdef"),
    frame("control arm: the whole history", "note", "note"),
    *turn("Remember this word: velvet-9614. Which word was it?", "velvet-9614"),
    control="it knew it",
)  # fmt: skip


def shown(found: CheckResult, width: int = 400) -> list[str]:
    told = story(found)
    return [joined(line(step, width, told.clues)) for step in told.steps]


def test_a_lost_word_shows_where_it_was_said_what_was_asked_and_what_came():
    told = story(LOST)
    planted, asked, answer = shown(LOST)
    assert "velvet-9614" in planted
    assert "Which word" in asked
    assert answer == 'item.delta × 6 "I do not know any word."'
    assert [step.direction for step in told.control] == ["sent", "received"]
    assert joined(line(told.control[1], 200, told.clues)) == 'item.delta "velvet-9614"'


def test_what_differs_is_marked_where_it_stands():
    told = story(LOST)
    marks = [{span.mark: span.text for span in line(step, 400, told.clues) if span.mark} for step in told.steps]
    assert marks == [{EXPECTED: "velvet-9614"}, {}, {ACTUAL: "I do not know any word."}]


def test_a_number_is_shown_in_its_message_with_the_one_before():
    bad = result(
        start("Count."), *deltas("1 2 3"), *deltas("4 5", first=7), frame({"type": "turn.completed"}),
        message="a gap", expected="seq 5", actual="seq 7",
    )  # fmt: skip
    asked, before, odd = shown(bad)
    assert "Count." in asked
    assert before == 'item.delta × 3 "1 2 3" ("seq": 4)'
    assert '"seq": 7' in odd


def test_runs_of_two_turns_stay_apart():
    mixed = [f for pair in zip(deltas("a b c", "t1"), deltas("x y z", "t2"), strict=True) for f in pair]
    assert [step.text for step in steps(mixed)] == ["a ", "x ", "b ", "y ", "c", "z"]
    assert [step.text for step in steps(deltas("a b c") + deltas("x y", "t2"))] == ["a b c", "x y"]


def test_events_of_one_piece_are_told_apart_and_an_answers_head_stands_with_its_body():
    stream = "".join(f'event: {name}\ndata: {{"type":"{name}"}}\n\n' for name in ("a", "b", "z"))
    found = steps([
        frame("POST http://x.test/v1/responses\nauthorization: [blanked]\n\n{}", "sent", "request"),
        frame("200 OK\nserver: x\ncontent-type: text/event-stream", kind="response"), frame(stream, kind="body"),
        frame("404 Not Found\ncontent-type: text/html", kind="response"), frame("<h1>no</h1>", kind="body"),
        frame("1008", kind="close"),
    ])  # fmt: skip
    assert [(step.head, step.text) for step in found] == [
        ("POST /v1/responses", "{}"), ("200 OK text/event-stream", ""), ("", '{"type":"a"}'), ("", '{"type":"b"}'),
        ("", '{"type":"z"}'), ("404 Not Found text/html", "<h1>no</h1>"), ("close", "1008"),
    ]  # fmt: skip


def test_an_events_name_that_is_not_its_type_is_shown():
    (step,) = steps([frame('event: message.x\ndata: {"type":"response.created"}\n\n', kind="body")])
    assert step.head == "event: message.x"


def test_a_status_leads_to_the_answer_that_bears_it():
    bad = result(
        frame("POST http://x.test/v1/responses\n\n{}", "sent", "request"), frame("200 OK", kind="response"),
        frame("GET http://x.test/v1/200\n\n", "sent", "request"), frame("404 Not Found", kind="response"),
        expected="404", actual="200: fine",
    )  # fmt: skip
    told = story(bad)
    assert told.steps[1].head == "200 OK"
    assert Span("200", ACTUAL) in line(told.steps[1], 100, told.clues)


def test_nothing_at_all_shows_nothing():
    assert story(result()).steps == ()
    assert plain_block(result())


# -- shortened


def test_what_fits_is_left_as_it_came():
    assert essence('{"b": 1, "a": [1, 2]}', 100) == '{"b": 1, "a": [1, 2]}'


def test_what_is_long_keeps_what_matters():
    found = result(expected="'velvet-9614'")
    long = {
        "type": "turn.start", "noise": "x" * 3000,
        "input": [{"role": "user", "content": "a" * 400 + " velvet-9614 " + "b" * 400}, {"deep": [[["y" * 50]]]}],
    }  # fmt: skip
    short = essence(json.dumps(long), 160, clues_of(found))
    assert len(short) <= 160
    assert short.startswith('{"type":"turn.start"')
    assert "velvet-9614" in short


def _inside(inner):
    return st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=20), inner, max_size=5)


VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=80), _inside, max_leaves=30)


@given(VALUES, st.integers(30, 300))
def test_nothing_is_longer_than_its_room(value, room):
    assert len(essence(json.dumps(value), room)) <= room


@pytest.mark.parametrize("text", ["", "\x00" * 500, "[" * 5000, '{"a":' * 3000, "{" + "x" * 900, '"\\ud800"' * 50])
def test_what_is_no_message_is_cut(text):
    assert len(essence(text, 80)) <= 80
    assert isinstance(shown(result(frame(text))), list)


# -- marked


def test_texts_that_are_alike_are_marked_where_they_differ():
    expected, actual = difference("1 2 3 4 5 6", "1 2 3 9 5 6")
    assert [span for span in expected if span.mark] == [Span("4", EXPECTED)]
    assert [span for span in actual if span.mark] == [Span("9", ACTUAL)]
    assert joined(expected) == "1 2 3 4 5 6"
    assert joined(actual) == "1 2 3 9 5 6"


@pytest.mark.parametrize(
    ("expected", "actual"),
    [("'velvet-9614'", "'I do not know'"), ("", "x"), ("same", "same"), ("a " * 3000, "b " * 3000)],
)
def test_texts_that_are_not_alike_are_not_marked(expected, actual):
    assert difference(expected, actual) == ([Span(expected)], [Span(actual)])


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=120))
def test_marks_change_no_text(expected, actual, text):
    clues = clues_of(result(expected=expected, actual=actual, message=text))
    assert joined(marked(text, clues)) == text
    assert [joined(side) for side in difference(expected, actual)] == [expected, actual]


def test_what_both_sides_say_marks_nothing():
    clues = clues_of(result(expected="'OK' and 'yes-1'", actual="'OK' and 'no-2'", message=""))
    assert {clue.words: clue.mark for clue in clues} == {"yes-1": EXPECTED, "no-2": ACTUAL}
