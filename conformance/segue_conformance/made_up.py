"""Ids that nobody issued, made of those that an endpoint did issue."""

from __future__ import annotations

import re

from segue_adapters import draws

__all__ = ["like"]


def like(identifier: str, drawn: int = 20) -> str:
    """Return an id of the same form that was never issued: its last letters and digits drawn anew.

    A prefix such as `resp_` stays, or a short id would be refused for its form.
    """
    letters = list(identifier)
    prefix = re.match(r"[A-Za-z]{1,8}[-_]", identifier)
    places = [i for i, c in enumerate(letters) if c.isalnum() and i >= (prefix.end() if prefix else 0)][-drawn:]
    while True:
        for place in places:
            old = letters[place]
            pool = "0123456789" if old.isdigit() else "abcdef" if old.islower() else "ABCDEF"
            letters[place] = draws.choice(pool)
        if not places or "".join(letters) != identifier:
            break
    # Where ids are counted, one that is as short may well be somebody's.
    more = "" if len(places) >= min(8, drawn) else "".join(draws.choice("0123456789") for _ in range(8))
    return "".join(letters) + more
