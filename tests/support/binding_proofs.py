"""What the proofs of the bindings share: the examples, the toolchains, the histories of the vectors."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import random
import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest
from segue_schemas import context_digest

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas" / "1.0"
EXAMPLES = SCHEMAS / "examples"

# What native.json adds is no type's business; its examples are read by the one model.
NATIVE = {"Accepted": "TurnAccepted", "Completed": "TurnCompleted"}


class Example:
    """One example: its file's name in the index, the type that reads it, and its bytes."""

    def __init__(self, entry: dict[str, Any]) -> None:
        self.file: str = entry["file"]
        self.valid: bool = entry["valid"]
        name = entry["schema"].rsplit("/", 1)[-1]
        self.type: str = NATIVE.get(name, name)
        self.data = (EXAMPLES / self.file).read_bytes()

    @property
    def value(self) -> Any:
        return json.loads(self.data)


def need(program: str, package: str) -> str:
    """Return the program's path; skip by name where it is missing, or fail where SEGUE_TOOLCHAINS=1 promises it."""
    found = shutil.which(program)
    if found is None:
        missing(f"{program} is not installed (Debian: apt-get install {package})")
    return str(found)


def need_module(name: str) -> None:
    """The same for a Python package that the proofs use."""
    if importlib.util.find_spec(name) is None:
        missing(f"{name} is not installed (pip install {name})")


def missing(reason: str) -> NoReturn:
    """Skip with the reason, or fail with it where SEGUE_TOOLCHAINS=1 promises every toolchain."""
    if os.environ.get("SEGUE_TOOLCHAINS") == "1":
        pytest.fail(f"SEGUE_TOOLCHAINS=1, but {reason}")
    pytest.skip(reason)


def run(command: Sequence[str | Path], cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a compiler or a program of the proofs; what it wrote is told where it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def history_cases(vectors: dict[str, Any]) -> list[dict[str, Any]]:
    """The histories of the vectors and the long one that their rule makes."""
    rule = vectors["generated"]
    items = [json.dumps(generated(n)) for n in range(rule["count"])]
    long = [
        {"name": f"generated_{count}", "items": items[: int(count)], "digest": digest, "length": int(count)}
        for count, digest in rule["checkpoints"].items()
    ]
    return [*vectors["histories"], *long]


def generated(n: int) -> dict[str, Any]:
    """Item n of the long history, by the rule that stands in the vectors."""
    return [
        {"type": "message", "role": "user", "content": f"question {n}"},
        {"type": "function_call", "call_id": f"call_{n}", "name": "f", "arguments": f'{{"n":{n}}}'},
        {"type": "function_call_output", "call_id": f"call_{n - 1}", "output": f"{n * n}"},
        {"type": "message", "role": "assistant", "content": f"answer {n}"},
    ][n % 4]


def hard_contexts() -> list[tuple[str, str | None]]:
    """Contexts and what the package makes of them, None where it refuses: where helpers would differ.

    The writing of doubles; texts that are no I-JSON, and those that only look so; names that a language's
    own objects have; the depth to which all read.
    """
    draw = random.Random(8785)
    numbers = [float(f"{sign}1e{n}") for n in (*range(-12, 16), *range(21, 25)) for sign in ("", "-")]
    while len(numbers) < 600:
        number = struct.unpack("<d", draw.randbytes(8))[0] if len(numbers) % 2 else draw.uniform(-1e6, 1e6)
        if math.isfinite(number):
            numbers.append(number)
    ijson = json.loads((SCHEMAS / "vectors" / "ijson.json").read_text(encoding="utf-8"))
    inner = [json.dumps(number) for number in (*numbers, 5e-324, 1.7976931348623157e308, 0.1 + 0.2)]
    inner += [case["text"] for case in (*ijson["accepted"], *ijson["refused"]) if "text" in case]
    inner += ["[" * depth + "]" * depth for depth in (98, 99, 100)]
    inner += [
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "+1",
        "[1,]",
        '{"a":1,}',
        "[,]",
        "{,}",
        "[1 2]",
        '{"a" 1}',
        "tru",
        "'a'",
        '"\\x"',
    ]
    names = [
        "__proto__",
        "constructor",
        "toString",
        "hasOwnProperty",
        "base",
        "patch",
        "",
        "\u0000",
        "\ufb33",
        "\U0001f600",
    ]
    texts = [f'{{"v":{text}}}' for text in inner]
    texts += [json.dumps({name: {"__proto__": None, name: None}, "z": 1}, ensure_ascii=False) for name in names]
    return [(text, _digest(text)) for text in texts]


def _digest(text: str) -> str | None:
    try:
        return context_digest(text)
    except ValueError:
        return None
