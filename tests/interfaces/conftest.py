"""The two documents, their generator, and the validators of others, where they are installed."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from segue_bindings.errors import BindingsError
from segue_bindings.npm import installed, program

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def load_tool() -> Any:
    """Load a file of `tools`, which is no package, as a module."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def generator(load_tool: Any) -> ModuleType:
    return load_tool("gen_interfaces")


@pytest.fixture(scope="session")
def openapi(root: Path) -> dict[str, Any]:
    return json.loads((root / "schemas" / "1.0" / "interfaces" / "openapi.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def asyncapi(root: Path) -> dict[str, Any]:
    return json.loads((root / "schemas" / "1.0" / "interfaces" / "asyncapi.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def asyncapi_parser(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], dict[str, Any]]:
    """AsyncAPI's own parser, installed by npm into the cache of the bindings; tells what is `said` of a document."""
    try:
        folder = installed(Path(__file__).resolve().parent / "npm")
    except BindingsError as error:
        told = f"@asyncapi/parser can't be installed here: {error}"
        if os.environ.get("SEGUE_TOOLCHAINS") == "1":
            pytest.fail(told)
        pytest.skip(told)
    file = tmp_path_factory.mktemp("asyncapi") / "document.json"

    def parse(document: Any) -> dict[str, Any]:
        file.write_text(json.dumps(document), encoding="utf-8")
        command = [program("node"), str(folder / "validate.mjs"), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return json.loads(done.stdout)

    return parse
