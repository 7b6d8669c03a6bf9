"""What the proofs of the bindings share: the examples, the toolchains, the histories of the vectors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

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


def missing(reason: str) -> None:
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
