"""The `check` decorator, and the catalogue of the checks.

A check is an `async def test_*(subject)` in a file `test_<feature>.py`. Its id, `<feature>.<name>`, is what people see
and type, and stays; its title is the first line of its docstring. A mistake in a check's head stops the suite at
import: a check that is silently left out would look like one that passed.
"""

from __future__ import annotations

import fnmatch
import importlib
import importlib.util
import inspect
import pkgutil
import re
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from . import requirements
from .extended import EXTENDED, carried_on
from .requirements import Requirement

__all__ = [
    "EVERY_WIRE", "FIRST", "PLAIN", "PROFILES", "STATELESS", "WIRES",
    "Catalogue", "Check", "RegistrationError", "check", "check_of",
]  # fmt: skip

#: Of the wires with state those that are spoken without the extension.
PLAIN = ("segue-ws", "segue-http", "openai-ws", "openai-http")
#: The wires on which an endpoint can hold state: a check that names none runs on these.
WIRES = (*PLAIN, *EXTENDED.values())
#: Those on which every request brings the whole history: of the checks of core they carry some.
STATELESS = ("chat", "anthropic")
EVERY_WIRE = (*WIRES, *STATELESS)
PROFILES = ("core", "continuation", "isolated", "live", "resumable", "concurrent", "portable")
#: How a wire frames its messages is part of core there; the specification files those sentences under this word.
_OF_CORE = "binding"
#: The check that every other one stands on.
FIRST = "turns.plain_turn"

_ATTRIBUTE = "__segue_check__"
_NAME = re.compile(r"test_[a-z0-9_]+")
_CHECKS = "segue_conformance.checks"

CheckFunction = Callable[[Any], Coroutine[Any, Any, None]]


class RegistrationError(Exception):
    """A check's head is wrong; the message says where and what was expected."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it proves, where it applies, and the function that does it."""

    id: str
    title: str
    requirements: tuple[Requirement, ...]
    profile: str
    wires: frozenset[str]
    needs_second_key: bool
    needs_turn: bool
    timing: bool
    function: CheckFunction

    @property
    def strict(self) -> bool:
        """Whether a deviation is a failure: the first requirement is a MUST."""
        return self.requirements[0].strict

    def matches(self, pattern: str) -> bool:
        """Whether a pattern means this check: a glob or a part of its id, or the id of a requirement of its."""
        if pattern.upper() in (requirement.id for requirement in self.requirements):
            return True
        return pattern in self.id or fnmatch.fnmatchcase(self.id, pattern)


# Where each id of a file was declared: a second function of the same name hides the first from Python.
_declared: dict[tuple[str, str], int] = {}


def check(
    *requirement_ids: str,
    profile: str,
    wires: Iterable[str] | None = None,
    needs_second_key: bool = False,
    needs_turn: bool = True,
    timing: bool = False,
    title: str | None = None,
) -> Callable[[CheckFunction], CheckFunction]:
    """Mark an async function as a check of these requirements; the first one's keyword says how strict it is.

    `wires` None: every wire that can hold state; a check of Segue's own wires runs on OpenAI's with the extension, too,
    but for those of frames (`extended`). `needs_turn=False`: the check is worth running where no plain turn works.
    `timing`: it judges when something comes, so a failure is believed only if it comes again. Raises RegistrationError.
    """

    def mark(function: CheckFunction) -> CheckFunction:
        path = inspect.getsourcefile(function) or "?"
        line = function.__code__.co_firstlineno
        where = f"{path}:{line}: {function.__name__}"
        feature, name = Path(path).stem, function.__name__
        if not feature.startswith("test_") or not _NAME.fullmatch(name):
            raise RegistrationError(f"{where}: a check is a function test_… in a file test_<feature>.py")
        if not inspect.iscoroutinefunction(function):
            raise RegistrationError(f"{where}: a check is an async function")
        id = f"{feature.removeprefix('test_')}.{name.removeprefix('test_')}"
        if _declared.setdefault((path, id), line) != line:
            raise RegistrationError(f"{where}: the check {id} stands in this file twice")
        value = Check(
            id=id,
            title=title or _first_line(function, where),
            requirements=_known(requirement_ids, where),
            profile=_profile(profile, where),
            wires=_wires(wires, where, id),
            needs_second_key=needs_second_key,
            needs_turn=needs_turn and id != FIRST,
            timing=timing,
            function=function,
        )
        setattr(function, _ATTRIBUTE, value)
        return function

    return mark


def check_of(function: object) -> Check | None:
    """Return the check that a function was marked as, or None."""
    value = getattr(function, _ATTRIBUTE, None)
    return value if isinstance(value, Check) else None


class Catalogue:
    """All checks, in order of files and lines, by id. Raises RegistrationError for an id that stands twice."""

    def __init__(self, checks: Iterable[Check]) -> None:
        self._checks: dict[str, Check] = {}
        for value in checks:
            known = self._checks.setdefault(value.id, value)
            if known.function is not value.function:
                raise RegistrationError(f"two checks bear the id {value.id}")

    def __iter__(self) -> Iterator[Check]:
        return iter(self._checks.values())

    def __len__(self) -> int:
        return len(self._checks)

    def __contains__(self, id: object) -> bool:
        return id in self._checks

    def __getitem__(self, id: str) -> Check:
        return self._checks[id]

    def get(self, id: str) -> Check | None:
        """Return a check, or None."""
        return self._checks.get(id)

    def profiles(self, wire: str) -> set[str]:
        """Return the profiles of which there is a check that this wire can carry."""
        return {value.profile for value in self if wire in value.wires}

    @classmethod
    def of_modules(cls, modules: Iterable[ModuleType]) -> Catalogue:
        """Return the catalogue of the checks that modules hold."""
        found = [c for module in modules for member in vars(module).values() if (c := check_of(member))]
        return cls(found)

    @classmethod
    def load(cls, folder: Path | None = None) -> Catalogue:
        """Return the suite's own catalogue, or that of a folder of check files."""
        if folder is not None:
            return cls.of_modules(_from_file(path) for path in sorted(folder.glob("test_*.py")))
        package = importlib.import_module(_CHECKS)
        names = sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name.startswith("test_"))
        return cls.of_modules(importlib.import_module(f"{_CHECKS}.{name}") for name in names)


def _from_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise RegistrationError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _first_line(function: object, where: str) -> str:
    text = inspect.getdoc(function)
    if not text or not text.strip():
        raise RegistrationError(f"{where}: a check needs a docstring; its first line is the title that people read")
    return text.strip().splitlines()[0].rstrip(".")


def _known(ids: tuple[str, ...], where: str) -> tuple[Requirement, ...]:
    if not ids:
        raise RegistrationError(f"{where}: a check names at least one requirement")
    index = requirements.load()
    unknown = [id for id in ids if id not in index]
    if unknown:
        raise RegistrationError(f"{where}: no such requirement: {', '.join(unknown)}")
    return tuple(index[id] for id in ids)


def _profile(profile: str, where: str) -> str:
    if profile == _OF_CORE:
        return "core"
    if profile not in PROFILES:
        raise RegistrationError(f"{where}: no such profile: {profile} (one of {', '.join(PROFILES)})")
    return profile


def _wires(wires: Iterable[str] | None, where: str, id: str) -> frozenset[str]:
    if wires is None:
        return frozenset(WIRES)
    chosen = frozenset([wires] if isinstance(wires, str) else wires)
    if not chosen or not chosen <= set(EVERY_WIRE):
        unknown = ", ".join(sorted(chosen - set(EVERY_WIRE))) or "none given"
        raise RegistrationError(f"{where}: no such wire: {unknown}")
    return chosen | carried_on(id, chosen)
