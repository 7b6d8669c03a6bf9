"""The time as checks tell it: that of the loop they run on, so that a run in memory has a clock of its own."""

from __future__ import annotations

import asyncio

__all__ = ["now"]


def now() -> float:
    """Return the seconds of the running loop's monotonic clock."""
    return asyncio.get_running_loop().time()
