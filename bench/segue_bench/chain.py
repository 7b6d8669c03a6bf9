"""What turn N of one conversation costs for N = 1 … 1,000, by store: the last turns as a multiple of the first.

Measured are the acceptance (to `turn.accepted`, written), the run behind it, and of a store in a server the round trips
and the bytes that it is sent. The model answers at once and reads nothing; what is left of the run is the store's and
the gateway's own. Flat is 1.0x. Without `--store` all of them are measured, that in a server where a server is found.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from segue_adapters.errors import SegueError
from segue_gateway import Endpoint, Settings
from segue_gateway.endpoint import Once
from segue_gateway.engines.base import Delta, Ended, EngineEvent, ItemBegun, ItemEnded, Request
from segue_gateway.engines.scripted import ScriptedEngine
from segue_gateway.stores.base import Bounds, Store, Unusable
from segue_gateway.stores.opening import open_store
from segue_schemas import models

__all__ = ["Cost", "main", "measure"]

_TEXT = "x" * 400
_MESSAGE = msgspec.Raw(msgspec.json.encode({"type": "message", "role": "user", "content": _TEXT}))
_ANSWER = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]}


class _Instant(ScriptedEngine):
    """Answers the same at once, without a look at the history."""

    async def generate(self, request: Request) -> AsyncIterator[EngineEvent]:
        """Yield one message in four pieces."""
        yield ItemBegun(0, _ANSWER)
        for _ in range(4):
            yield Delta(0, "/content/0/text", append=_TEXT[:100])
        yield ItemEnded(0)
        yield Ended("completed", None, None)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one turn cost: seconds, and round trips and bytes to a server, 0 for a store without one."""

    acceptance: float
    run: float
    round_trips: int
    sent: int


async def measure(store: Store, settings: Settings, turns: int) -> list[Cost]:
    """Return what each turn of one conversation cost."""
    endpoint = Endpoint(_Instant(), store, settings=settings)
    caller = Once("bench", "segue-http")
    server = getattr(store, "server", None)
    costs: list[Cost] = []
    parent: str | None = None

    async def received() -> int:
        # Asked for in the same way before and after, so that what the question costs is the same each time.
        return 0 if server is None else int((await server.client.info("stats"))["total_net_input_bytes"])

    for number in range(turns):
        start = models.TurnStart(turn=f"turn-{number}", input=[_MESSAGE], context=msgspec.Raw(b'{"model":"scripted"}'))
        if parent is not None:
            start.parent = parent
        sent, trips = await received(), 0 if server is None else server.round_trips
        began = time.perf_counter()
        _, turn = await endpoint.accept(caller, start)
        accepted = time.perf_counter()
        if turn is None:
            raise SegueError("a turn was taken for a repeat")
        await turn.run()
        ended = time.perf_counter()
        trips = 0 if server is None else server.round_trips - trips
        costs.append(Cost(accepted - began, ended - accepted, trips, await received() - sent))
        parent = turn.plan.continuation
    await store.close()
    return costs


def _row(what: str, costs: Sequence[Cost], of: Callable[[Cost], float], unit: str, scale: float = 1.0) -> str:
    part = max(1, len(costs) // 10)
    first = statistics.median(map(of, costs[1 : part + 1])) * scale  # without the first, which has no parent
    last = statistics.median(map(of, costs[-part:])) * scale
    ratio = f"{last / first:6.2f}x" if first else "      -"
    return f"  {what:24} {first:10.2f} {last:10.2f} {unit:6} {ratio}"


@contextlib.contextmanager
def _all_stores(folder: Path) -> Iterator[list[str]]:
    """Give the address of each kind of store; a server is started for it, where there is one to start."""
    addresses = ["memory", f"sqlite:{folder / 'state.db'}"]
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        print("neither valkey-server nor redis-server is on the PATH: that store is left out")
        yield addresses
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    command = [program, *options, "--appendonly", "yes", "--appendfsync", "always"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + 10
            while time.monotonic() < until:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.02)
            yield [*addresses, f"valkey://127.0.0.1:{port}/0"]
        finally:
            server.kill()


def main() -> None:
    """Print, for each store, the first and the last tenth of the turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", action="append", help="memory, sqlite:PATH, valkey://host:port/db; may be repeated")
    parser.add_argument("--turns", type=int, default=1_000)
    asked = parser.parse_args()
    settings = Settings(turns_held=asked.turns + 1, continuations=asked.turns + 1, state_bytes=1 << 30)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for address in asked.store or stack.enter_context(_all_stores(folder)):
            try:
                costs = asyncio.run(_opened(address, settings, asked.turns))
            except Unusable as error:
                parser.error(str(error))
            part = max(1, len(costs) // 10)
            print(f"{address.partition(':')[0]}: medians of turns 2 to {part + 1}, of the last {part}, and their ratio")
            print(_row("acceptance", costs, lambda cost: cost.acceptance, "ms", 1_000))
            print(_row("run", costs, lambda cost: cost.run, "ms", 1_000))
            if costs[-1].round_trips:
                print(_row("round trips", costs, lambda cost: cost.round_trips, ""))
                print(_row("bytes to the server", costs, lambda cost: cost.sent, "B"))


async def _opened(address: str, settings: Settings, turns: int) -> list[Cost]:
    return await measure(open_store(address, Bounds.of(settings)), settings, turns)


if __name__ == "__main__":
    main()
