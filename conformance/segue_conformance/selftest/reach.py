"""Where a mutant can differ from the reference endpoint, and what a check reaches of it.

A mutant is the reference endpoint with some functions replaced. On a check that asks for none of them it does what the
reference endpoint does, step by step; so a full run takes such a pair's outcome from there. `--exhaustive` performs
them all the same. Where a mutant's form doesn't tell what it replaces, it counts as different everywhere.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import segue_adapters
import segue_gateway
from segue_gateway.endpoint import Endpoint

from ..mutants import Mutant
from ..mutants.wire_fault import SEAMS, WireFault

__all__ = ["Place", "Watch", "places_of"]

#: A function, by its file and first line.
Place = tuple[str, int]

_OURS = tuple(path for package in (segue_gateway, segue_adapters) for path in package.__path__)
#: What stands in every class, and changes nothing.
_BARE = frozenset(vars(type("_", (), {}))) | {
    "__abstractmethods__", "__annotate__", "__annotate_func__", "__annotations__", "__annotations_cache__",
    "__firstlineno__", "__module__", "__orig_bases__", "__parameters__", "__qualname__", "__slots__",
    "__static_attributes__", "_abc_impl",
}  # fmt: skip
_NOTHING = object()


class _AnywhereError(Exception):
    """A class whose form does not tell where it differs."""


def places_of(mutant: Mutant) -> frozenset[Place] | None:
    """Return the reference endpoint's functions that a mutant replaces; None where it may differ everywhere."""
    if not (isinstance(mutant.make, type) and issubclass(mutant.make, Endpoint)):
        return None
    try:
        return frozenset(_replaced(mutant.make, Endpoint))
    except _AnywhereError:
        return None


def _replaced(kind: type, before: type) -> Iterator[Place]:
    """Yield what a class replaces of the one that it stands for."""
    if not issubclass(kind, before):
        raise _AnywhereError
    for own in kind.__mro__[: kind.__mro__.index(before)]:
        if own is WireFault:
            continue
        for name, value in vars(own).items():
            if name in _BARE:
                continue
            if issubclass(own, WireFault) and name in SEAMS:
                yield from (_place(seam) for seam in SEAMS[name])
                continue
            yield from _of_member(name, value, _inherited(before, name))


def _of_member(name: str, value: Any, old: Any) -> Iterator[Place]:
    if old is _NOTHING:
        if name.startswith("__"):
            raise _AnywhereError  # Python itself may ask for it
        return  # nobody asks for it but the mutant
    if isinstance(old, type) and isinstance(value, type):
        yield from _replaced(value, old)
    else:
        yield _place(old)


def _inherited(kind: type, name: str) -> Any:
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), _NOTHING)


def _place(member: Any) -> Place:
    """Return where a function of the reference endpoint stands."""
    if isinstance(member, (staticmethod, classmethod)):
        member = member.__func__
    elif isinstance(member, property):
        member = member.fget
    elif isinstance(member, functools.cached_property):
        member = member.func
    code = getattr(inspect.unwrap(member), "__code__", None) if callable(member) else None
    if not isinstance(code, CodeType) or not code.co_filename.startswith(_OURS):
        raise _AnywhereError
    return code.co_filename, code.co_firstlineno


class Watch:
    """Notes which functions are called, in this thread."""

    def __init__(self) -> None:
        self._seen: set[CodeType] = set()

    @contextmanager
    def __call__(self) -> Iterator[set[Place]]:
        """Give a set that holds, behind the block, the endpoint's functions that were called in it."""
        before, self._seen = sys.getprofile(), set()
        places: set[Place] = set()
        sys.setprofile(self._note)
        try:
            yield places
        finally:
            sys.setprofile(before)
            places |= {(c.co_filename, c.co_firstlineno) for c in self._seen if c.co_filename.startswith(_OURS)}

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            self._seen.add(frame.f_code)
