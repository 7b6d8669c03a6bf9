"""Runs an agent as one process for all scenarios: for those that take long to start.

It reads a line from its standard input for each scenario, a JSON object of the variables that it would otherwise find
in its environment, and ends its work on it by a line `SEGUE_DONE` and the exit code that it would have had.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence

from .agent import Finish, end_group, start

__all__ = ["DONE", "Resident"]

DONE = "SEGUE_DONE"
_KEPT = 20_000


class Resident:
    """One process, started when it is first needed, and anew where it ended or was ended."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: asyncio.subprocess.Process | None = None

    async def run(self, environment: Mapping[str, str], *, limit: float, loop: asyncio.Event) -> Finish:
        """Have it go through one scenario. Raises CannotStart."""
        clock = asyncio.get_running_loop().time
        began = clock()
        if self._process is None:
            self._process = await start(
                self._command, {"SEGUE_ONE_PROCESS": "1", "PYTHONUNBUFFERED": "1"}, stdin=asyncio.subprocess.PIPE
            )
        kept = bytearray()
        working = asyncio.ensure_future(self._work(environment, kept))
        looping = asyncio.ensure_future(loop.wait())
        try:
            await asyncio.wait({working, looping}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            why = "" if working.done() else "loop" if looping.done() else "time"
            code = working.result() if working.done() else None
        finally:
            looping.cancel()
            if not working.done():
                working.cancel()
                await self.close()
        return Finish(code, why, kept.decode("utf-8", "replace"), clock() - began)

    async def _work(self, environment: Mapping[str, str], kept: bytearray) -> int | None:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.write(json.dumps(dict(environment)).encode() + b"\n")
            await process.stdin.drain()
        while line := await process.stdout.readline():
            if line.startswith(DONE.encode()):
                code = line.split()[1:2]
                return int(code[0]) if code and code[0].isdigit() else 1
            kept += line
            del kept[:-_KEPT]
        code_of_end = await process.wait()
        await self.close()
        # It ended in the middle of its work: whatever its code is, that is no good end.
        return code_of_end or 1

    async def close(self) -> None:
        """End it, and what it started."""
        process, self._process = self._process, None
        if process is not None:
            await end_group(process)
