"""Where the terminal report goes: widths, colours and signs that fit the other end."""

from __future__ import annotations

import os
import re
from typing import Any, TextIO, cast

from rich.console import Console
from rich.text import Text

from ..results import State
from ..verdicts import Verdict
from .wording import clean

__all__ = ["STATE_STYLES", "VERDICT_STYLES", "console_for", "safe", "signs"]

VERDICT_STYLES: dict[Verdict, str] = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.WARN: "yellow",
    Verdict.SKIP: "dim",
    Verdict.UNTESTABLE: "magenta",
    Verdict.INCONCLUSIVE: "cyan",
    Verdict.ERROR: "bold white on red",
}
STATE_STYLES: dict[State, str] = {
    State.REACHED: "bold green",
    State.NOT_REACHED: "bold red",
    State.NOT_REACHABLE: "dim",
    State.NOT_TESTED: "yellow",
}
_PLAIN_WIDTH = 100
_TRAILING = re.compile(r"[ ]+(?=\n|$)")
_SIGNS = {"yes": "✔", "no": "✘", "open": "?", "none": "·", "sent": "→", "received": "←", "note": "─", "more": "…",
          "begin": "⟦", "end": "⟧"}  # fmt: skip
_ASCII = {"yes": "+", "no": "x", "open": "?", "none": ".", "sent": "->", "received": "<-", "note": "--", "more": "...",
          "begin": "[[", "end": "]]"}  # fmt: skip


class _Trimmed:
    """A stream without the blanks with which tables are filled up to the right margin.

    Where nobody reads it any more (`segue check | head`), the rest is dropped: the run still ends with its reports
    and its exit code.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            self._stream.write(_TRAILING.sub("", text))
        except BrokenPipeError:
            self._drop()
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._drop()

    def _drop(self) -> None:
        # Below the stream's own buffer, or what is left in that would fail once more at exit.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def console_for(stream: TextIO, *, no_color: bool = False) -> Console:
    """Return a console: the terminal's width and colours, or plain text of a fixed width for a file or a pipe.

    NO_COLOR, where it is set and not empty, counts as `no_color`.
    """
    plain = no_color or bool(os.environ.get("NO_COLOR"))
    terminal = stream.isatty()
    width = None if terminal or os.environ.get("COLUMNS", "").isdigit() else _PLAIN_WIDTH
    file = stream if terminal else cast(TextIO, _Trimmed(stream))
    console = Console(
        file=file, width=width, no_color=plain, highlight=False, markup=False, emoji=False, soft_wrap=False
    )
    if plain or not terminal:
        console._color_system = None
    return console


def signs(console: Console) -> dict[str, str]:
    """Return the signs that the stream's encoding can write."""
    encoding = console.encoding or "ascii"
    try:
        "".join(_SIGNS.values()).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return _ASCII
    return _SIGNS


def safe(text: str, style: str = "") -> Text:
    """Return untrusted text to print: no markup, no escape sequences."""
    return Text(clean(text), style=style)
