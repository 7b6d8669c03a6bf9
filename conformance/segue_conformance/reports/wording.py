"""Words that several reports share, and how untrusted text is made fit to be shown.

What a target sends is untrusted: an escape sequence in it must not reach a terminal, nor a control character an XML
file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from ..results import State
from ..verdicts import Verdict

__all__ = [
    "ARROWS", "MEANINGS", "PROFILE_MEANINGS", "STATES", "VERDICTS", "WIRE_MEANINGS", "clean", "counted", "cut",
    "listed", "one_line", "prose",
]  # fmt: skip

#: Plural-proof words for counts, in the order in which they are told.
VERDICTS: dict[Verdict, str] = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "failed",
    Verdict.WARN: "warned",
    Verdict.ERROR: "suite errors",
    Verdict.UNTESTABLE: "untestable",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.SKIP: "skipped",
}
STATES: dict[State, str] = {
    State.REACHED: "reached",
    State.NOT_REACHED: "not reached",
    State.NOT_REACHABLE: "not reachable on this wire",
    State.NOT_TESTED: "not tested",
}
#: What each verdict means, for people who read no documentation.
MEANINGS: dict[Verdict, str] = {
    Verdict.PASS: "the requirement was kept",
    Verdict.FAIL: "the endpoint broke a MUST",
    Verdict.WARN: "the endpoint left out a SHOULD; blocks no profile",
    Verdict.ERROR: "a fault of the suite, never the endpoint's",
    Verdict.UNTESTABLE: "something that the check stands on did not work; counts as not passed",
    Verdict.INCONCLUSIVE: "nothing was proved: the model did not cooperate, or the run had to stop; not passed",
    Verdict.SKIP: "the endpoint does not offer it, or the wire has no place for it; blocks no profile",
}
#: What each profile promises.
PROFILE_MEANINGS = {
    "core": "valid turns with one outcome, honest errors, full resend",
    "continuation": "parents resolve, nothing is lost in silence, retention is as declared, forks",
    "isolated": "a foreign handle does not exist",
    "live": "connection state, warm-up, progress, notices before endings",
    "resumable": "turns that run once, replay and resume, digest agreement",
    "concurrent": "lanes, cancel, steer",
    "portable": "export, import, sealed items",
}
WIRE_MEANINGS = {
    "segue-ws": "Segue over WebSocket",
    "segue-http": "Segue over HTTP",
    "openai-ws": "OpenAI Responses over WebSocket",
    "openai-http": "OpenAI Responses over HTTP",
    "chat": "Chat Completions",
    "anthropic": "Anthropic Messages",
}
ARROWS = {"sent": "->", "received": "<-", "note": "--"}

_LINK = re.compile(r"\[([^\]]+)\]\([^)\s]+\)")
# Direction overrides can make text read otherwise than it is; line and paragraph separators break a line.
_ODD = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}


def clean(text: str, *, keep: str = "\n") -> str:
    """Return text in which every character that does more than show itself is written as an escape."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\t", " ")
    return "".join(c if c in keep or unicodedata.category(c) not in _ODD else _escape(c) for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def one_line(text: str) -> str:
    """Return text on one line, runs of white space as one space."""
    return clean(" ".join(text.split()), keep="")


def cut(text: str, width: int) -> str:
    """Return text of at most `width` characters, with its beginning and its end where it is longer."""
    if len(text) <= width:
        return text
    tail = max(0, min(width // 4, 60))
    left = f" …{len(text) - (width - tail)} more… "
    head = max(0, width - tail - len(left))
    return text[:head] + left + (text[-tail:] if tail else "")


def prose(sentence: str) -> str:
    """Return a sentence of the specification without its links: their words stay."""
    return _LINK.sub(r"\1", sentence)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it is not one."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence lists them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
