"""Faults of the endpoint itself, in its log: what failed and where, never what it was about.

A traceback's last line may quote a message, an item or a key; so the error's type and the places in the code are all
that is written, and of a store that can't be written what it says for its operator (`why`).
"""

from __future__ import annotations

import logging
import traceback
from pathlib import PurePath

__all__ = ["report"]

log = logging.getLogger("segue.gateway")


def report(what: str, error: BaseException) -> None:
    """Write one line: what failed, the error's type, and the way to it, innermost place first."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = " < ".join(f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    why = getattr(error, "why", None)
    told = type(error).__name__ + (f" ({why})" if isinstance(why, str) else "")
    log.error("%s: %s at %s", what, told, places or "an unknown place", extra={"event": "fault"})
