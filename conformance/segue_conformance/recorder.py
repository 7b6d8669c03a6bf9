"""Keeps what went over the wire during one check, with secrets blanked: the transcript of a failure."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from segue_adapters.transports.base import Frame as WireFrame
from segue_adapters.transports.base import Tap

from .redaction import BLANK, Redactor

__all__ = ["Frame", "Listener", "Recorder"]

_SECRET_HEADERS = ("authorization", "cookie", "set-cookie", "x-api-key", "api-key", "proxy-authorization")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a transcript: `at_ms` from the start of the check, `text` without secrets."""

    at_ms: int
    direction: str
    connection: str
    kind: str
    text: str


#: Hears every frame as it went over the wire, secrets included: of which pool or socket (a number), opened for whom.
Listener = Callable[[int, str, WireFrame], None]


class Recorder:
    """Listens to a transport (`tap`) and keeps what it hears, up to `most` frames of `longest` characters each.

    `listeners` hear the same, of those transports that were given a `line`.
    """

    def __init__(
        self,
        secrets: tuple[str, ...] = (),
        *,
        most: int = 400,
        longest: int = 20_000,
        clock: Callable[[], float] = time.monotonic,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self.frames: list[Frame] = []
        self._listeners = listeners
        self._lines = itertools.count(1)
        self._redactor = Redactor(secrets)
        self._most = most
        self._longest = longest
        self._clock = clock
        self._began = clock()

    def line(self, principal: str) -> Tap:
        """Return the tap of one pool or socket, opened for a principal."""
        number = next(self._lines)

        def tap(frame: WireFrame) -> None:
            for listener in self._listeners:
                listener(number, principal, frame)
            self.tap(frame)

        return tap

    def tap(self, frame: WireFrame) -> None:
        """Take a frame from a transport."""
        data = frame.data if isinstance(frame.data, str) else frame.data.decode("utf-8", "replace")
        if frame.headers:
            shown = "\n".join(f"{name}: {self._header(name, value)}" for name, value in frame.headers.items())
            head, _, body = data.partition("\n")
            data = f"{head}\n{shown}" + (f"\n\n{body}" if body else "")
        self._keep(frame.direction, frame.connection, frame.kind, data)

    def note(self, text: str) -> None:
        """Add a remark of the check's own, such as where a control arm begins."""
        self._keep("note", "", "note", text)

    def blank(self, text: str) -> str:
        """Return text without any secret."""
        return self._redactor.text(text)

    def _header(self, name: str, value: str) -> str:
        return BLANK if name.lower() in _SECRET_HEADERS else value

    def _keep(self, direction: str, connection: str, kind: str, text: str) -> None:
        text = self.blank(text)
        if len(text) > self._longest:
            text = text[: self._longest] + f"… ({len(text) - self._longest} more characters)"
        at = int((self._clock() - self._began) * 1000)
        if len(self.frames) >= self._most:
            # The end of an exchange decides more often than its middle: drop from behind the first few.
            del self.frames[self._most // 4]
        self.frames.append(Frame(at, direction, connection, kind, text))
