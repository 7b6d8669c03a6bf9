"""What an agent's author imports: it is quick, typed, short, and says whose fault a fault is."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import segue
from segue_adapters import errors

HEAVY = ("httpx", "websockets", "jsonschema", "msgspec", "asyncio", "ssl")


def test_importing_segue_loads_nothing_heavy() -> None:
    told = "import sys, segue; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-S", "-c", _with_path(told)], capture_output=True, check=True, timeout=20)
    assert not [name for name in HEAVY if f"'{name}'" in done.stdout.decode()]


def _with_path(code: str) -> str:
    return f"import sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}; {code}"


@pytest.mark.parametrize("package", ["segue", "segue_adapters", "segue_schemas"])
def test_packages_are_typed(package: str) -> None:
    home = Path(str(import_module(package).__file__)).parent
    assert (home / "py.typed").is_file()


def test_the_public_face() -> None:
    assert set(segue.__all__) <= set(dir(segue))
    for name in segue.__all__:
        assert getattr(segue, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        segue.nothing  # noqa: B018


def test_every_error_is_one_of_ours_and_says_whose_fault_it_is() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(kind, errors.SegueError) for kind in kinds)
    assert issubclass(errors.NotCarried, errors.LocalProtocolError)
    for name in ("Unreachable", "TLSFault", "TimedOut", "Unauthorised", "WrongKind", "ConnectionCut", "AnswerTooLarge"):
        fault = getattr(errors, name)("what", "http://where", "hint")
        assert isinstance(fault, errors.TransportError)
        assert str(fault) == "what (http://where); hint"
    assert str(errors.TransportError("what", "where")) == "what (where)"
