"""Secrets are blanked, and words that only look like one stay readable."""

from __future__ import annotations

import pytest
from segue_adapters.transports.base import Frame
from segue_conformance.recorder import Recorder
from segue_conformance.redaction import BLANK, Redactor

TEXT = "nothing came for a while, and the answer was a test"


@pytest.mark.parametrize("secret", ["a", "test", "was", ""])
def test_a_secret_that_is_a_word_leaves_words_alone(secret: str) -> None:
    assert Redactor([secret]).text(TEXT) == TEXT


@pytest.mark.parametrize("secret", ["a", "test", "sk-9"])
@pytest.mark.parametrize(
    "before", ["Bearer ", "?api_key=", '{"key":"', '{"api_key": "', "X-API-KEY: ", "wrong key '", "a token `", "token="]
)
def test_behind_what_names_a_secret_it_is_blanked(secret: str, before: str) -> None:
    assert Redactor([secret]).text(f"{before}{secret}") == f"{before}{BLANK}"
    assert Redactor([secret]).text(f"{before}{secret}x") == f"{before}{secret}x"


@pytest.mark.parametrize("secret", ["EMPTY", "dummy-1"])
def test_a_short_secret_is_blanked_where_it_stands_alone(secret: str) -> None:
    assert Redactor([secret]).text(f"the key {secret} and {secret}X") == f"the key {BLANK} and {secret}X"


def test_a_long_secret_is_blanked_everywhere_in_each_of_its_spellings() -> None:
    secret = 'sk-"12/45678'
    told = Redactor([secret]).text("x" + secret + 'y sk-%2212%2F45678 sk-\\"12/45678')
    assert told == f"x{BLANK}y {BLANK} {BLANK}"


def test_a_transcript_is_blanked_as_a_report_is() -> None:
    recorder = Recorder(("a", "key-of-the-first"))
    recorder.tap(Frame("sent", "request", "GET /", {"X-Api-Key": "a", "accept": "a/b"}))
    recorder.note("nothing came for a while behind key-of-the-first")
    assert recorder.frames[0].text == f"GET /\nX-Api-Key: {BLANK}\naccept: a/b"
    assert recorder.frames[1].text == f"nothing came for a while behind {BLANK}"
