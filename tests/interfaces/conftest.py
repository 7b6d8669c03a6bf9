"""The two documents, their generator, and the validators of others, where they are installed."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

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
def asyncapi_schema(root: Path) -> dict[str, Any]:
    """The JSON Schema of AsyncAPI 3.0, from the npm package @asyncapi/specs."""
    places = [Path(os.environ["ASYNCAPI_SPECS"])] if "ASYNCAPI_SPECS" in os.environ else []
    places.append(root / "node_modules" / "@asyncapi" / "specs")
    for place in places:
        file = place / "schemas" / "3.0.0-without-$id.json"
        if file.is_file():
            return json.loads(file.read_text(encoding="utf-8"))
    pytest.skip("@asyncapi/specs is not installed: npm install --no-save @asyncapi/specs, or name it in ASYNCAPI_SPECS")
