"""Words that several reports share, and how untrusted text is made fit to be shown.

What a target sends is untrusted: an escape sequence in it must not reach a terminal, nor a control character an XML
file.
"""

from __future__ import annotations

import unicodedata

from ..results import CheckResult, Frame, State
from ..verdicts import Verdict

__all__ = ["ARROWS", "STATES", "VERDICTS", "clean", "cut", "frame_line", "gist", "one_line", "plain_block"]

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
ARROWS = {"sent": "->", "received": "<-", "note": "--"}

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


def gist(frame: Frame, width: int) -> str:
    """Return in at most `width` characters what a frame says: of HTTP the first line, the kind of content, the body."""
    text = frame.text
    if frame.kind in ("request", "response"):
        head, _, body = text.partition("\n\n")
        first, *headers = head.splitlines() or [""]
        kinds = [line for line in headers if line.lower().startswith("content-type:")]
        text = " ".join([first, *(kinds if frame.kind == "response" else []), body])
    elif frame.kind == "body" and text.count("\n\n") > 1 and "data:" in text:
        return _events(text, width)
    return cut(one_line(text), width)


def _events(text: str, width: int) -> str:
    """Return a piece of an event stream: the types of its events, and the last one's data."""
    types: list[tuple[str, int]] = []
    data = ""
    for event in text.replace("\r\n", "\n").split("\n\n"):
        fields = dict(line.partition(":")[::2] for line in event.splitlines())
        if "data" not in fields:
            continue
        data = fields["data"].strip()
        name = fields.get("event", "data").strip()
        if types and types[-1][0] == name:
            types[-1] = (name, types[-1][1] + 1)
        else:
            types.append((name, 1))
    told = one_line(", ".join(name if count == 1 else f"{count} x {name}" for name, count in types))
    told = cut(told, width * 2 // 3) + "; the last: "
    return told + cut(one_line(data), width - len(told))


def frame_line(frame: Frame, width: int) -> str:
    """Return a frame as one line: when, which way, on which connection, what."""
    head = f"{frame.at_ms / 1000:7.3f}s {ARROWS.get(frame.direction, '--')} "
    if frame.connection:
        head += f"{one_line(frame.connection)} "
    return head + gist(frame, max(40, width - len(head)))


def plain_block(result: CheckResult, *, frames: int = 6, width: int = 160) -> list[str]:
    """Return a result that is not passed as lines of plain text."""
    lines = [f"{result.verdict.upper()} {result.check} [{result.wire}]: {one_line(result.message)}"]
    lines.append(f"  {result.keyword} {result.requirement}: {result.sentence}")
    if result.expected or result.actual:
        lines.append(f"  expected: {one_line(result.expected)}")
        lines.append(f"  actual:   {one_line(result.actual)}")
    lines += [f"  {frame_line(frame, width)}" for frame in result.frames[-frames:]]
    return lines
