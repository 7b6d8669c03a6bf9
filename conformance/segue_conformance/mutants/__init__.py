"""Endpoints that are broken on purpose, one fault a file: each proves that the checks it names can fail.

A mutant is a module, here or in a folder below (an area). Its docstring's first line tells the fault. It has a class
`MutantEndpoint`, the reference endpoint with that one thing wrong, and says who must notice:

`KILLED_BY`   the checks that must catch it, by wire: `{"segue-ws": ("turns.plain_turn",)}`.
`ALSO`        checks that catch it besides, each with the reason why that is right. A key is a check's id or a glob, on
              every wire or, with `@wire` behind it, on one.

Caught is a fail, or a warning where the check's rule is a SHOULD. There are two seams.

**State and behaviour**: `segue_gateway.endpoint.Endpoint`. Its methods are small and have plain names; `turn_type`,
`reading_type`, `connection_type` and `make_store` say what it is made of.

    class MutantEndpoint(Endpoint):
        async def resolve_parent(self, caller: Caller, start: models.TurnStart) -> Held | None:
            return None          # every turn begins a conversation of its own

**What the wires say and hear**: `wire_fault.WireFault`, an Endpoint too. `event` sees each JSON object that goes out, a
frame or the data of a server-sent event; `answer` sees status, headers and body of whole answers; `heard` sees each
JSON object that comes in, `heard_text` the bare text. `wires` says where.

    class MutantEndpoint(WireFault):
        wires = ("openai-ws", "openai-http")

        def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
            if event["type"] == "response.completed":
                event["sequence_number"] = 0         # begins again
            return event

Bytes that are no JSON, subprotocols, close codes and the WebSocket library itself: `segue_gateway.boundary.Boundary`.

A mutant takes `settings`, `keys`, `clock` and `wall` by keyword and hands on what it does not know; it waits with
`asyncio.sleep` and asks `self.clock` for the time, so that it runs on a virtual clock.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.settings import Settings

from ..extended import is_extended
from ..registry import WIRES
from .references import Fleeting, Keyless, Plain, ShortLived, Small
from .wire_fault import SEAMS, WireFault

__all__ = ["KEYS", "REFERENCE", "REFERENCES", "Mutant", "load", "settings"]

#: Two principals, so that the isolated profile can be judged.
KEYS = {"first": "key-of-the-first-principal", "second": "key-of-the-second-principal"}
#: A fault in what turns are is the same with the extension, and is looked for there only by mutants that say so.
_WIRES = tuple(wire for wire in WIRES if not is_extended(wire))
#: Modules here that are no mutants.
_TOOLS = ("references", "wire_fault")


def settings() -> Settings:
    """Return the reference endpoint's numbers for a run of the suite: short enough to be waited for."""
    return Settings(heartbeat_ms=80, slow_ms=300, lanes=4, lane_queue=4, message_bytes=256 * 1024)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One broken endpoint: what is wrong, who must notice, who else may, and how it is made.

    `wires` are those on which it can differ from the reference; `area` is the folder that it lies in.
    """

    name: str
    fault: str
    killed_by: Mapping[str, tuple[str, ...]]
    make: Callable[..., Endpoint]
    also: Mapping[str, str] = field(default_factory=dict)
    wires: Sequence[str] = _WIRES
    area: str = ""

    def endpoint(self, **more: Any) -> Endpoint:
        """Return the endpoint, with the numbers and keys that the suite knows; `more` as Endpoint takes it."""
        return self.make(**{"settings": settings(), "keys": KEYS, **more})

    def names(self, check: str, wire: str) -> bool:
        """Whether a check must catch it on a wire."""
        return check in self.killed_by.get(wire, ())

    def reason(self, check: str, wire: str) -> str | None:
        """Return why a check may catch it on a wire beside those that must; None where it says nothing of that."""
        for pattern, reason in self.also.items():
            name, _, only = pattern.partition("@")
            if fnmatchcase(check, name) and only in ("", wire):
                return reason
        return None


#: The endpoint that every check must pass.
REFERENCE = Mutant("reference", "Nothing is wrong.", {}, Endpoint)
#: The same with other numbers, for checks that the reference gives no occasion to.
REFERENCES = (
    REFERENCE,
    Mutant("short_lived", "Nothing is wrong; connections live a second.", {}, ShortLived),
    Mutant("plain", "Nothing is wrong; little is offered.", {}, Plain),
    Mutant("fleeting", "Nothing is wrong; no turn is read again.", {}, Fleeting),
    Mutant("keyless", "Nothing is wrong; nobody needs a key.", {}, Keyless),
    Mutant("small", "Nothing is wrong; there is little room.", {}, Small),
)


def load() -> list[Mutant]:
    """Return every mutant, by area and name. Raises ValueError for a module that is none, and for two of one name."""
    found: dict[str, Mutant] = {}
    for area, module in _modules():
        mutant = _mutant(area, module)
        if mutant.name in found:
            raise ValueError(f"two mutants bear the name {mutant.name}")
        found[mutant.name] = mutant
    return sorted(found.values(), key=lambda mutant: (mutant.area, mutant.name))


def _modules() -> Iterator[tuple[str, ModuleType]]:
    for info in pkgutil.iter_modules(__path__):
        if info.name in _TOOLS:
            continue
        module = importlib.import_module(f"{__name__}.{info.name}")
        if not info.ispkg:
            yield "", module
            continue
        for inner in pkgutil.iter_modules(module.__path__):
            yield info.name, importlib.import_module(f"{module.__name__}.{inner.name}")


def _mutant(area: str, module: ModuleType) -> Mutant:
    name = module.__name__.rpartition(".")[2]
    make, killed_by = getattr(module, "MutantEndpoint", None), getattr(module, "KILLED_BY", None)
    fault = (module.__doc__ or "").strip()
    if not (isinstance(make, type) and issubclass(make, Endpoint) and killed_by and fault):
        raise ValueError(f"{module.__name__} is no mutant: it needs a docstring, KILLED_BY and a MutantEndpoint")
    wires = _wires(make, killed_by)
    return Mutant(name, fault.splitlines()[0], killed_by, make, getattr(module, "ALSO", {}), wires, area)


def _wires(make: type[Endpoint], killed_by: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """Return the wires that a mutant can touch: fewer than all only where its seam sees to that."""
    touched = _touched(make)
    return tuple(wire for wire in touched if not is_extended(wire) or wire in killed_by)


def _touched(make: type[Endpoint]) -> Sequence[str]:
    if not issubclass(make, WireFault):
        return WIRES
    own = {name for kind in make.__mro__[: make.__mro__.index(WireFault)] for name in vars(kind)}
    behind_the_seam = {name for name in own if not name.startswith("_")} <= SEAMS.keys()
    return make.wires if behind_the_seam and "__init__" not in own else WIRES
