"""Runs the agent's command: in a process group of its own, with an end that it can't put off."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CannotStart", "Finish", "end_group", "run_agent", "start"]

#: What is kept of an agent's output: its end, where the reason stands.
_KEPT = 20_000
_GRACE = 0.5


class CannotStart(Exception):
    """The command is none: no such file, or no right to run it."""


@dataclass(frozen=True, slots=True)
class Finish:
    """How an agent ended. `code` is None where it was ended from outside: `why` is then `time` or `loop`."""

    code: int | None
    why: str
    output: str
    seconds: float


async def start(
    command: Sequence[str], environment: Mapping[str, str], *, stdin: int = asyncio.subprocess.DEVNULL
) -> asyncio.subprocess.Process:
    """Start a command in a process group of its own. Raises CannotStart."""
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **environment},
            # What the agent starts ends with it, and Ctrl-C is for the suite alone.
            start_new_session=True,
            limit=1 << 24,
        )
    except OSError as error:
        raise CannotStart(f"{Path(command[0]).name}: {error.strerror or error}") from None


async def run_agent(
    command: Sequence[str], environment: Mapping[str, str], *, limit: float, loop: asyncio.Event
) -> Finish:
    """Run a command to its end, for at most `limit` seconds, or until `loop` is set. Raises CannotStart."""
    began = asyncio.get_running_loop().time()
    process = await start(command, environment)
    kept = bytearray()
    reading = asyncio.ensure_future(_read(process, kept))
    ending = asyncio.ensure_future(process.wait())
    looping = asyncio.ensure_future(loop.wait())
    try:
        await asyncio.wait({ending, looping}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        why = "" if ending.done() else "loop" if looping.done() else "time"
        code = process.returncode if not why else None
    finally:
        looping.cancel()
        await end_group(process)
        await ending
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reading, _GRACE)
    seconds = asyncio.get_running_loop().time() - began
    return Finish(code, why, kept.decode("utf-8", "replace"), seconds)


async def _read(process: asyncio.subprocess.Process, kept: bytearray) -> None:
    assert process.stdout is not None
    while piece := await process.stdout.read(65536):
        kept += piece
        del kept[:-_KEPT]


async def end_group(process: asyncio.subprocess.Process) -> None:
    """End the group that was started: first by a wish, then by force; also what an agent left behind it."""
    for wish in (signal.SIGTERM, signal.SIGKILL):
        # Its process id is its group's, since it was started as the first of a session.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, wish)
        if wish is signal.SIGTERM and process.returncode is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _GRACE)
    await process.wait()
