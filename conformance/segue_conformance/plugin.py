"""pytest plugin: runs the checks against a target of yours, with your own options.

    pytest --pyargs segue_conformance.checks --segue-url https://host/v1 --segue-model NAME

pytest loads this module in every project that has the suite installed, so it imports nothing of the suite until
`--segue-url` is given.
"""

from __future__ import annotations

import pytest

__all__ = ["pytest_addoption", "pytest_collection_modifyitems", "pytest_configure"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that say which target is checked."""
    group = parser.getgroup("segue", "Segue conformance")
    group.addoption("--segue-url", metavar="URL", help="base URL of the endpoint to check")
    group.addoption("--segue-wire", action="append", metavar="WIRE", help="wire to check; repeatable (default: found)")
    group.addoption("--segue-model", metavar="NAME", help="model to ask for")
    group.addoption("--segue-api-key-env", metavar="VAR", help="environment variable that holds the key")
    group.addoption("--segue-second-api-key-env", metavar="VAR", help="the same, for a key of another principal")
    group.addoption("--segue-timeout", type=float, metavar="S", help="seconds that a turn may take")
    group.addoption("--segue-max-requests", type=int, metavar="N", help="requests that the run may make")


def pytest_configure(config: pytest.Config) -> None:
    """Register the suite where a target is given."""
    if config.getoption("--segue-url"):
        from .pytest_suite import from_options

        config.pluginmanager.register(from_options(config), "segue-suite")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Say what is missing where checks were collected and no target was given."""
    if config.getoption("--segue-url"):
        return
    if any(hasattr(getattr(item, "function", None), "__segue_check__") for item in items):
        raise pytest.UsageError("the Segue checks need a target: give --segue-url URL")
