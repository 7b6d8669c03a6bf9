"""Draws: fresh as a rule, the same from the same seed, in the tasks of the block too, and in no others."""

from __future__ import annotations

import asyncio

from segue_adapters import draws
from segue_adapters.wires.base import turn_name


def several():
    return [
        draws.token_hex(4),
        draws.token_urlsafe(16),
        draws.choice("abcdefghij"),
        draws.randbelow(10**9),
        turn_name(),
    ]


def test_without_a_seed_everything_is_fresh():
    assert several() != several()
    assert len(draws.token_hex(8)) == 16
    assert len(turn_name()) == 24


def test_a_seed_draws_the_same_again():
    with draws.seeded("a"):
        first = several()
    with draws.seeded("a"):
        again = several()
    with draws.seeded("b"):
        other = several()
    assert first == again
    assert all(one != two for one, two in zip(first, other, strict=True) if len(str(one)) > 1)
    assert several() != first


def test_a_block_in_a_block_does_not_disturb_it():
    with draws.seeded("a"):
        plain = [draws.randbelow(10**9) for _ in range(3)]
    with draws.seeded("a"):
        first = draws.randbelow(10**9)
        with draws.seeded("b"):
            draws.randbelow(10**9)
        assert [first, draws.randbelow(10**9), draws.randbelow(10**9)] == plain


def test_tasks_draw_from_the_seed_of_who_began_them():
    async def one(seed):
        with draws.seeded(seed):
            await asyncio.sleep(0)
            return await asyncio.create_task(asyncio.sleep(0, draws.token_hex(8))), draws.token_hex(8)

    async def main():
        return await asyncio.gather(one("a"), one("b"), one("a"))

    first, second, third = asyncio.run(main())
    assert first == third != second
