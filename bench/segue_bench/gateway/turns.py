"""What a gateway adds to a turn: client to gateway to provider, less client to provider, at the middle and the tail.

In each round every target and wire has its stretch of turns, in an order that is drawn anew, since whoever runs second
looks faster; ratios are taken within a round, and their median over the rounds is told. `sent`: the history comes with
each turn; `held`: the gateway holds it, and a turn names its parent.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from .client import MODES, Client, connect, history
from .targets import Process

__all__ = ["Case", "Round", "Target", "measure", "side_by_side"]

_WARM = 8
#: Wire of a case -> that of the provider alone whose time is taken off.
_BARE = {"json": "json", "stream": "stream", "openai-ws": "stream", "segue-ws": "stream"}
_NEW: list[dict[str, object]] = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is the sea?"}]}
]


@dataclass(frozen=True, slots=True)
class Target:
    """A server that is measured; `pace` is the share of the turns that a slow one is given."""

    name: str
    url: str
    process: Process
    modes: tuple[str, ...] = ("json", "stream")
    holds: bool = True
    pace: float = 1.0


@dataclass(frozen=True, slots=True)
class Case:
    """A target, a wire, and where the history is."""

    target: str
    mode: str
    held: bool

    @property
    def name(self) -> str:
        """Say it in a word or two."""
        return f"{self.target} {self.mode} {'held' if self.held else 'sent'}"


@dataclass(slots=True)
class Round:
    """What one round measured: seconds of the single turns by case, and CPU seconds of a turn where they are told."""

    times: dict[Case, list[float]] = field(default_factory=dict)
    cpu: dict[Case, float] = field(default_factory=dict)

    def quantile(self, case: Case, share: float) -> float:
        """Return the time below which a share of a case's turns stayed."""
        ordered = sorted(self.times[case])
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def added(self, case: Case, share: float) -> float:
        """Return what the target added to a turn, in seconds."""
        bare = Case("provider", _BARE[case.mode], False)
        return self.quantile(case, share) - self.quantile(bare, share)


def cases(targets: Sequence[Target]) -> list[Case]:
    """Return every case of these targets."""
    return [
        Case(target.name, mode, held)
        for target in targets
        for mode in target.modes
        for held in ((False, True) if target.holds else (False,))
    ]


async def _opened(url: str, case: Case, size: int) -> tuple[Client, list[dict[str, object]]]:
    client = await connect(url, MODES[case.mode])
    if case.held:
        await client.hold(history(size) + _NEW)
        return client, _NEW
    return client, history(size) + _NEW


async def measure(targets: Sequence[Target], turns: int, size: int, draw: random.Random) -> Round:
    """Return one round: `turns` turns of each case, one after the other, with `size` bytes of history."""
    by_name = {target.name: target for target in targets}
    order = cases(targets)
    draw.shuffle(order)
    found = Round()
    for case in order:
        target = by_name[case.target]
        client, items = await _opened(target.url, case, size)
        for _ in range(_WARM):
            await client.turn(items)
        count = max(10, int(turns * target.pace))
        before = target.process.cpu()
        found.times[case] = [await client.turn(items) for _ in range(count)]
        after = target.process.cpu()
        if before is not None and after is not None:
            found.cpu[case] = (after - before) / count
        client.close()
    return found


async def side_by_side(
    targets: Sequence[Target], turns: int, size: int, conversations: int, draw: random.Random
) -> dict[Case, float]:
    """Return the turns per second of each case with several conversations at once."""
    order = [case for case in cases(targets) if case.target != "provider"]
    draw.shuffle(order)
    by_name = {target.name: target for target in targets}
    found: dict[Case, float] = {}
    for case in order:
        target = by_name[case.target]
        opened = [await _opened(target.url, case, size) for _ in range(conversations)]
        each = max(4, int(turns * target.pace) // conversations)

        async def talk(client: Client, items: list[dict[str, object]], count: int) -> None:
            for _ in range(count):
                await client.turn(items)

        await asyncio.gather(*(talk(client, items, 2) for client, items in opened))
        began = time.perf_counter()
        await asyncio.gather(*(talk(client, items, each) for client, items in opened))
        found[case] = each * conversations / (time.perf_counter() - began)
        for client, _ in opened:
            client.close()
    return found


def median_ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the median of the ratios of pairs that were measured in the same round."""
    return statistics.median(one / other for one, other in pairs)
