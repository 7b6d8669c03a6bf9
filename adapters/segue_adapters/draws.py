"""Names and words that are drawn at random: unguessable as a rule, and from a seed where a run is to be repeated.

A conformance run records its seed, so that the same checks send the same bytes when the recording is graded again.
"""

from __future__ import annotations

import base64
import random
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

__all__ = ["choice", "randbelow", "seeded", "token_hex", "token_urlsafe"]

T = TypeVar("T")

_source: ContextVar[random.Random | None] = ContextVar("segue_draws", default=None)


@contextmanager
def seeded(seed: str) -> Iterator[None]:
    """Draw from a seed while the block runs, in the tasks that it starts too."""
    token = _source.set(random.Random(seed))
    try:
        yield
    finally:
        _source.reset(token)


def token_bytes(count: int) -> bytes:
    """Return so many bytes."""
    source = _source.get()
    return secrets.token_bytes(count) if source is None else source.randbytes(count)


def token_hex(count: int) -> str:
    """Return so many bytes as hexadecimal digits."""
    return token_bytes(count).hex()


def token_urlsafe(count: int) -> str:
    """Return so many bytes in the URL-safe alphabet of base64, without padding."""
    return base64.urlsafe_b64encode(token_bytes(count)).rstrip(b"=").decode()


def choice(values: Sequence[T]) -> T:
    """Return one of these values."""
    return values[randbelow(len(values))]


def randbelow(limit: int) -> int:
    """Return a number from 0 up to, but not, `limit`."""
    source = _source.get()
    return secrets.randbelow(limit) if source is None else source.randrange(limit)
