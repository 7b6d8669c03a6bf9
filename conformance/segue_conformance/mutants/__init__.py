"""Endpoints that are broken on purpose, one fault a file: each proves that the checks it names can fail.

A mutant is a module with a docstring that tells the fault, an `endpoint()` that makes the reference endpoint with that
one thing wrong, and `KILLED_BY`: the checks that must catch it, by wire.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from segue_gateway.endpoint import Endpoint
from segue_gateway.settings import Settings

__all__ = ["KEYS", "REFERENCE", "Mutant", "load", "settings"]

#: Two principals, so that the isolated profile can be judged.
KEYS = {"first": "key-of-the-first-principal", "second": "key-of-the-second-principal"}


def settings() -> Settings:
    """Return the reference endpoint's numbers for a run of the suite: short enough to be waited for."""
    return Settings(heartbeat_ms=80, slow_ms=200, lanes=4, lane_queue=4, message_bytes=1024 * 1024)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One broken endpoint: what is wrong, who must notice, and how it is made."""

    name: str
    fault: str
    killed_by: Mapping[str, tuple[str, ...]]
    endpoint: Callable[[], Endpoint]


def _reference() -> Endpoint:
    return Endpoint(settings=settings(), keys=KEYS)


#: The endpoint that every check must pass.
REFERENCE = Mutant("reference", "Nothing is wrong.", {}, _reference)


def load() -> list[Mutant]:
    """Return every mutant, by name."""
    found = []
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{__name__}.{info.name}")
        fault = (module.__doc__ or "").strip().splitlines()[0]
        make = partial(module.MutantEndpoint, settings=settings(), keys=KEYS)
        found.append(Mutant(info.name, fault, module.KILLED_BY, make))
    return found
