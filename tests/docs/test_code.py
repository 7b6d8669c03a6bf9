"""The Python in the pages: it compiles, its arguments exist, and the whole programs do what their comments say."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import get_args

import pytest
import segue_adapters.errors
from segue_adapters.client import Session, connect
from segue_adapters.conversation.conversation import Conversation
from segue_adapters.conversation.events import What
from segue_conformance.embedded import Embedded, embedded

BASE = "http://127.0.0.1:8080"


def compiled(code: str) -> ast.Module:
    # Top-level `async with` and `await` are legal in a fragment.
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    return compile(code, "<page>", "exec", flags=flags)  # type: ignore[return-value]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Embedded]:
    with embedded("--model", "scripted") as running:
        yield running


def test_python_blocks_compile(blocks) -> None:
    found = [block for block in blocks if block.language == "python"]
    assert len(found) >= 6
    for block in found:
        compiled(block.code)


# `segue_models` is what `segue bindings` writes for its user: no package of ours.
OURS = ("segue", "segue_adapters", "segue_conformance", "segue_gateway", "segue_schemas")


def test_imports_in_python_blocks_exist(blocks) -> None:
    seen = 0
    for block in blocks:
        if block.language != "python":
            continue
        for node in ast.walk(compiled(block.code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in OURS:
                module = importlib.import_module(node.module)
                assert all(hasattr(module, name.name) for name in node.names), (block.page, node.module)
                seen += 1
    assert seen >= 2


def test_arguments_of_connect_and_turn_are_told(pages: dict[str, str], rows) -> None:
    signature = re.search(r"`segue\.connect\(([^`]*)\)`", pages["docs/client.md"])
    assert signature is not None
    told = re.findall(r"(\w+)(?:=[^,]+)?", signature[1].replace("*, ", ""))
    assert set(told) == set(inspect.signature(connect).parameters) - {"tap"}

    section = pages["docs/client.md"].split("## A turn")[1].split("What the wire has no place for")[0]
    cells = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`(\w+)", cell)}
    assert named == set(inspect.signature(Session.turn).parameters) - {"self", "input"}


def test_methods_of_a_session_exist(pages: dict[str, str]) -> None:
    named = set(re.findall(r"`session\.(\w+)", pages["docs/client.md"]))
    assert {"resume", "cancel", "get", "delete", "notice"} <= named
    assert {name for name in named if not hasattr(Session, name)} == set()


def programs(blocks, page: str, word: str) -> list[str]:
    """The blocks of a page that are whole programs against the reference endpoint."""
    return [b.code for b in blocks if b.page == page and b.language == "python" and BASE in b.code and word in b.code]


def run(code: str, endpoint: Embedded, key: tuple[str, str]) -> list[str]:
    assert key[0] in code
    code = code.replace(BASE, endpoint.url).replace(key[0], key[1].format(endpoint.first_key))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def promised(code: str) -> list[str]:
    """What the comments behind `print` say will be printed."""
    return re.findall(r"print\(.*\)\s+# (.+)$", code, re.MULTILINE)


def test_the_client_example_runs(blocks, endpoint: Embedded) -> None:
    (code,) = programs(blocks, "docs/client.md", "asyncio.run")
    printed = run(code, endpoint, ("context={", "api_key={!r}, context={{"))
    assert printed == promised(code) == ["OK", "lantern"]


def test_the_synchronous_example_runs(blocks, endpoint: Embedded) -> None:
    (code,) = programs(blocks, "docs/client.md", "segue.sync")
    printed = run(code, endpoint, ("context={", "api_key={!r}, context={{"))
    assert printed == promised(code) == ["OK", "lantern"]


def test_what_is_told_of_conversations_exists(pages: dict[str, str]) -> None:
    page = pages["docs/client.md"].split("## A conversation")[1].split("## A session")[0]
    signature = re.search(r"`session\.conversation\(\*, ([^`]*)\)`", page)
    assert signature is not None
    told = re.findall(r"(\w+)=", signature[1])
    assert told == list(inspect.signature(Session.conversation).parameters)[1:]
    named = set(re.findall(r"`(?:await )?chat\.(\w+)", page))
    assert {"turn", "warm_up", "fork", "export", "import_", "move", "abandon", "items"} <= named
    here = inspect.getsource(Conversation)
    assert {name for name in named if not hasattr(Conversation, name) and f"self.{name} = " not in here} == set()
    rows = re.findall(r"^\| (`.*?`) \| \w", page.split("### When something")[1], re.MULTILINE)
    whats = {name for cell in rows for name in re.findall(r"`(\w+)`", cell)}
    assert set(get_args(What)) <= whats
    errors = {name for name in whats if name[0].isupper()}
    assert {name for name in errors if not hasattr(segue_adapters.errors, name)} == set()


def test_the_readme_shows_the_same_client(blocks) -> None:
    (code,) = programs(blocks, "README.md", "segue.connect")
    (whole,) = programs(blocks, "docs/client.md", "asyncio.run")
    shown, longer = ([line.strip().partition("  # ")[0] for line in text.splitlines()] for text in (code, whole))
    assert len(shown) >= 5
    assert shown == [line for line in longer if line in shown]


def test_the_openai_sdk_examples_run(blocks, endpoint: Embedded) -> None:
    pytest.importorskip("openai", reason="the OpenAI SDK is not installed here; `./dev real` tries it")
    found = programs(blocks, "docs/serve.md", "from openai import OpenAI")
    assert len(found) == 2
    for code in found:
        assert run(code, endpoint, ('api_key="none"', "api_key={!r}")) == promised(code) == ["lantern"]
