"""Every frame of what went wrong, small enough to travel in the page: JSON, deflated, in base64.

The page unpacks it when somebody opens a transcript. Base64 has no character that a page could read as markup, and a
transcript, which says the same forty times, becomes a tenth.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence

from ...results import CheckResult, Frame

__all__ = ["packed"]

#: Characters of base64 at most, and how far texts are cut, step by step, where there are more.
_MOST = 500_000
_CUTS = (20_000, 6_000, 2_000, 600, 200, 80)


def packed(results: Sequence[CheckResult]) -> tuple[str, int]:
    """Return the transcripts of results, by their place, and how long a text may be in them (0: none was cut)."""
    longest = max((len(frame.text) for result in results for frame in result.frames), default=0)
    data = _packed(results, longest)
    for cut in _CUTS:
        if len(data) <= _MOST:
            break
        if cut >= longest:
            continue
        longest = cut
        data = _packed(results, cut)
    return data, longest if any(len(f.text) > longest for r in results for f in r.frames) else 0


def _packed(results: Sequence[CheckResult], longest: int) -> str:
    rows = [[_row(frame, longest) for frame in result.frames] for result in results]
    raw = json.dumps(rows, ensure_ascii=True, separators=(",", ":")).encode()
    return base64.b64encode(zlib.compress(raw, 9)).decode()


def _row(frame: Frame, longest: int) -> list[str | int]:
    text = frame.text
    if len(text) > longest:
        text = f"{text[:longest]}… ({len(text) - longest} more characters: in the JSON report)"
    return [frame.at_ms, frame.direction, frame.connection, frame.kind, text]
