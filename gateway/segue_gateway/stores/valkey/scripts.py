"""The store's steps as scripts that the server runs, each whole or not at all; the files are in `lua/`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["Script", "script"]

# These free, close or read: they must run also where the server takes nothing more.
_WITHOUT_ROOM = {
    "close_scope", "context", "delete", "due", "held", "interrupt", "known", "load", "read", "renew", "renew_scopes",
    "resolve", "sweep",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Script:
    """One step: its text, and the digest by which the server knows it."""

    name: str
    text: str
    sha: str


@cache
def script(name: str) -> Script:
    """Return a step by its name."""
    # Without the first line a script that finds no room would be stopped in its middle, and half of it stay.
    head = "#!lua flags=allow-oom\n" if name in _WITHOUT_ROOM else "#!lua\n"
    text = head + _part("common") + _part(name)
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


@cache
def _part(name: str) -> str:
    return files(__package__).joinpath("lua", f"{name}.lua").read_text("utf-8")
