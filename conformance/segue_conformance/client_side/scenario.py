"""A scenario: what is done to the agent, and how what it did is judged.

A scenario is a class in `scenarios/`; its id is what reports show and what `--only` takes, its title the first line of
its docstring. One object of it accompanies one run of the agent. A mistake in a scenario's head stops the suite at
import, as with checks.
"""

from __future__ import annotations

import fnmatch
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from .. import requirements
from ..registry import PLAIN, PROFILES, Check, RegistrationError
from ..requirements import Requirement
from .actions import Action, Deny
from .seen import Ask, Log

if TYPE_CHECKING:
    from .judging import Run
    from .model import PlainModel

__all__ = ["FIRST", "Facts", "Scenario", "as_checks", "load"]

#: The scenario in which nothing is broken. All others stand on it.
FIRST = "client_task.whole"

_ID = re.compile(r"client_[a-z]+\.[a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the run without faults showed of the agent."""

    wires: tuple[str, ...] = ()
    turns: int = 0
    parents: bool = False
    sockets: bool = False
    tool: bool = False
    streams: bool = False
    #: What kept each turn from being whole: later scenarios do not accuse of it once more.
    problems: tuple[str, ...] = field(default=())


#: What a scenario may need, and why it is skipped where the agent has it not.
NEEDS = {
    "parents": "the agent names no parent: it sends its history whole each time",
    "turns": "the agent asked for one turn only",
    "sockets": "the agent opens no WebSocket",
    "streams": "the agent asks for whole answers, not for streams",
}


class Scenario:
    """The base: nothing is broken. Subclasses say what is, and judge."""

    id: ClassVar[str]
    #: Ids of requirements; the first one's keyword says how strict the scenario is.
    requires: ClassVar[tuple[str, ...]]
    profile: ClassVar[str] = "core"
    wires: ClassVar[frozenset[str]] = frozenset(PLAIN)
    needs: ClassVar[tuple[str, ...]] = ()
    conversations: ClassVar[int] = 1
    #: Judged from the run without faults, so the agent is not run again for it.
    of_plain: ClassVar[bool] = False
    #: Why there is nothing to judge where the fault never came to pass.
    unprovoked: ClassVar[str] = "the agent never came to the place of the fault"

    def __init__(self, facts: Facts, log: Log, model: PlainModel) -> None:
        self.facts = facts
        self.log = log
        self.model = model
        self.hits = 0

    def second(self, ask: Ask) -> bool:
        """Whether a request is the place of a fault that comes once: the second turn, or the only one."""
        return self.hits == 0 and ask.generates and (self.facts.turns < 2 or len(self.log.held) > 0)

    # -- what is done to the agent (see `front.Hooks`)

    def act(self, ask: Ask) -> Action | None:
        """Return what is done to a request."""
        return None

    def upgrade(self, wire: str, opened: int) -> Deny | None:
        """Return how a wish for a WebSocket is denied."""
        return None

    def loose(self, wire: str, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what is sent instead of a message that belongs to no request."""
        return [event]

    # -- how it is judged

    def judge(self, run: Run) -> str | None:
        """Return (None, or a remark for the report) where the agent did well; raise a signal where not."""
        raise NotImplementedError

    # -- what reports say of it

    @classmethod
    def title(cls) -> str:
        """Return the sentence that people read."""
        return (inspect.getdoc(cls) or "").strip().splitlines()[0].rstrip(".")

    @classmethod
    def cited(cls) -> tuple[Requirement, ...]:
        """Return the requirements that it is about."""
        index = requirements.load()
        return tuple(index[id] for id in cls.requires)

    @classmethod
    def matches(cls, pattern: str) -> bool:
        """Whether a pattern means this scenario: a glob or a part of its id, or the id of a requirement of its."""
        if pattern.upper() in cls.requires:
            return True
        return pattern in cls.id or fnmatch.fnmatchcase(cls.id, pattern)

    @classmethod
    def without(cls, facts: Facts) -> str | None:
        """Return why it has no place with this agent; None where it has."""
        if not cls.wires & set(facts.wires):
            return f"the agent speaks {', '.join(facts.wires)}; this is about {', '.join(sorted(cls.wires))}"
        for need in cls.needs:
            value = getattr(facts, need)
            if not value or (need == "turns" and value < 2):
                return NEEDS[need]
        return None


def load() -> tuple[type[Scenario], ...]:
    """Return all scenarios, the first one first, then by file and place in it. Raises RegistrationError."""
    package = importlib.import_module(f"{__package__}.scenarios")
    found = [cls for module in _modules(package) for cls in vars(module).values() if _is_one(cls, module.__name__)]
    known: dict[str, type[Scenario]] = {}
    for cls in sorted(found, key=lambda cls: cls.id != FIRST):
        _verify(cls, known)
        known[cls.id] = cls
    return tuple(known.values())


def as_checks() -> tuple[Check, ...]:
    """Return all scenarios as the checks that indexes and pages list; `segue check` performs none of them."""
    return tuple(
        Check(
            id=cls.id, title=cls.title(), requirements=cls.cited(), profile=cls.profile, wires=cls.wires,
            needs_second_key=False, needs_turn=False, timing=False, function=_by_an_agent,
        )
        for cls in load()
    )  # fmt: skip


async def _by_an_agent(subject: object) -> None:
    raise NotImplementedError("a scenario is performed by an agent: segue check-client")


def _modules(package: Any) -> Iterator[Any]:
    for name in sorted(each.name for each in pkgutil.iter_modules(package.__path__)):
        yield importlib.import_module(f"{package.__name__}.{name}")


def _is_one(value: Any, module: str) -> bool:
    return inspect.isclass(value) and issubclass(value, Scenario) and value.__module__ == module and "id" in vars(value)


def _verify(cls: type[Scenario], known: Sequence[str] | dict[str, Any]) -> None:
    index = requirements.load()
    unknown = [id for id in cls.requires if id not in index]
    for wrong, told in (
        (not _ID.fullmatch(cls.id), f"the id {cls.id!r} is not of the form client_area.name"),
        (cls.id in known, f"the id {cls.id} stands twice"),
        (not cls.requires, "it names no requirement"),
        (bool(unknown), f"no such requirement: {', '.join(unknown)}"),
        (cls.profile not in PROFILES, f"no such profile: {cls.profile}"),
        (not cls.wires or not cls.wires <= set(PLAIN), "no such wire"),
        (not all(need in NEEDS for need in cls.needs), f"no such need: {cls.needs}"),
        (not cls.title(), "it has no docstring"),
    ):
        if wrong:
            raise RegistrationError(f"{cls.__module__}.{cls.__name__}: {told}")
