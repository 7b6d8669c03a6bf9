"""The suite inside pytest: the fixture `subject`, one item for each check and wire, and outcomes for plain pytest.

`segue check` and plain `pytest` share all of it; they differ in whether a verdict is also raised as an outcome.
"""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pytest
from segue_adapters.errors import LocalProtocolError, TransportError

from .execution import Execution
from .registry import EVERY_WIRE, FIRST, Catalogue, Check, RegistrationError, check_of
from .reports.plain import plain_block
from .results import CheckResult
from .verdicts import Verdict

__all__ = ["SegueWarning", "Suite", "from_options"]


class SegueWarning(UserWarning):
    """The endpoint leaves out a SHOULD."""


class Suite:
    """A pytest plugin that hands each check to an `Execution`.

    `only`: ids of the checks to run (None: all that pytest selects). `outcomes`: raise what a verdict is in plain
    pytest; the runner reads the execution's results instead. `at_once`: how many checks may run side by side.
    """

    def __init__(
        self,
        execution: Execution,
        wires: Sequence[str],
        *,
        only: Collection[str] | None = None,
        outcomes: bool = True,
        at_once: int = 1,
    ) -> None:
        self._execution = execution
        self._wires = list(wires)
        self._only = only
        self._outcomes = outcomes
        self._at_once = at_once
        self.collection_faults: list[str] = []

    @pytest.fixture
    def subject(self, request: pytest.FixtureRequest) -> Iterator[Any]:
        """The endpoint on one wire, for a test of your own; a check gets its own from the execution."""
        if check_of(request.function) is not None:
            yield request.param
            return
        subject = self._execution.subject(request.param)
        yield subject
        self._execution.discard(subject)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember what could not be collected."""
        if report.failed:
            self.collection_faults.append(report.longreprtext)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one item for each wire."""
        if "subject" in metafunc.fixturenames:
            metafunc.parametrize("subject", self._wires, indirect=True, ids=self._wires)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what a wire has no place for; put the items of a wire together, the first check first."""
        checks = [(item, check_of(getattr(item, "function", None))) for item in items]
        known = self._catalogue([check for _, check in checks if check is not None])
        kept = [item for item, check in checks if self._selected(item, check)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        kept.sort(key=lambda item: (self._place(item), not _is_first(item)))
        items[:] = kept
        if self._execution.first is None and FIRST in known:
            self._execution.first = known[FIRST]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Perform the checks before their items come, where some may run side by side."""
        if self._at_once > 1 and not session.config.option.collectonly:
            checks = [(check_of(getattr(item, "function", None)), _wire(item)) for item in session.items]
            work = [(check, wire) for check, wire in checks if check is not None]
            self._execution.perform_all(work, self._at_once)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> object | None:
        """Perform a check; run an async test of somebody's own on the same loop."""
        check = check_of(pyfuncitem.function)
        if check is not None:
            result = self._execution.perform(check, _wire(pyfuncitem))
            if self._outcomes:
                _raise_outcome(result)
            return True
        if "subject" in pyfuncitem.fixturenames and inspect.iscoroutinefunction(pyfuncitem.function):
            names = pyfuncitem._fixtureinfo.argnames
            self._execution.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
            return True
        return None

    def pytest_unconfigure(self) -> None:
        """Close the loop of the run."""
        self._execution.close()

    def _catalogue(self, checks: Sequence[Check]) -> Catalogue:
        try:
            known = Catalogue(checks)
            return known if self._execution.first or FIRST in known else Catalogue.load()
        except RegistrationError as error:
            raise pytest.UsageError(str(error)) from None
        except ImportError:
            return known

    def _selected(self, item: pytest.Item, check: Check | None) -> bool:
        if check is None:
            return self._only is None
        return _wire(item) in check.wires and (self._only is None or check.id in self._only)

    def _place(self, item: pytest.Item) -> int:
        wire = _wire(item)
        return self._wires.index(wire) if wire in self._wires else -1


def _wire(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("subject", "")) if callspec is not None else ""


def _is_first(item: pytest.Item) -> bool:
    check = check_of(getattr(item, "function", None))
    return check is not None and check.id == FIRST


def _raise_outcome(result: CheckResult) -> None:
    """Raise what a verdict is to plain pytest, which knows only passed, failed and skipped.

    Untestable, inconclusive and error come out as failed, with their word in front: skipped would look green.
    """
    match result.verdict:
        case Verdict.PASS:
            return
        case Verdict.SKIP:
            pytest.skip(result.message)
        case Verdict.WARN:
            warnings.warn(SegueWarning("\n".join(plain_block(result))), stacklevel=2)
        case _:
            pytest.fail("\n".join(plain_block(result)), pytrace=False)


def from_options(config: pytest.Config) -> Suite:
    """Return the suite for the options of plugin.py; raises pytest.UsageError for a target that can't be had."""
    from .preparation import prepare
    from .settings import Settings

    wires = tuple(config.getoption("--segue-wire") or ())
    for wire in wires:
        if wire not in EVERY_WIRE:
            raise pytest.UsageError(f"--segue-wire: no such wire: {wire} (one of {', '.join(EVERY_WIRE)})")
    more = {
        "timeout": config.getoption("--segue-timeout"),
        "max_requests": config.getoption("--segue-max-requests"),
        "model": config.getoption("--segue-model"),
        "api_key": _key(config, "--segue-api-key-env"),
        "second_api_key": _key(config, "--segue-second-api-key-env"),
    }
    given = {name: value for name, value in more.items() if value is not None}
    settings = Settings(url=config.getoption("--segue-url"), wires=wires, **given)
    try:
        prepared = prepare(settings)
    except (TransportError, LocalProtocolError) as fault:
        raise pytest.UsageError(str(fault)) from None
    execution = Execution(
        prepared.factory,
        timeout=settings.timeout,
        budget=prepared.budget,
        second_key=settings.second_api_key is not None,
    )
    return Suite(execution, [wire.wire for wire in prepared.target.wires])


def _key(config: pytest.Config, option: str) -> str | None:
    variable = config.getoption(option)
    if variable is None:
        return None
    value = os.environ.get(variable)
    if not value:
        raise pytest.UsageError(f"{option}: the environment variable {variable} is not set")
    return value
