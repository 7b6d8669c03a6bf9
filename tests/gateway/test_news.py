"""Word that something has happened."""

from __future__ import annotations

import asyncio

import pytest
from gateway_lab import run
from segue_gateway.news import News


def test_all_who_wait_hear_of_it_and_who_comes_late_at_once() -> None:
    async def main() -> None:
        news = News()
        waiting = [asyncio.ensure_future(news.wait(seconds)) for seconds in (None, 5.0)]
        await asyncio.sleep(0)
        assert not news.is_set()
        news.set()
        assert await asyncio.gather(*waiting) == [True, True]
        assert await news.wait(0.0)
        assert news.is_set()

    run(main())


def test_who_waits_with_a_limit_is_told_that_nothing_happened_and_is_forgotten() -> None:
    async def main() -> None:
        news = News()
        assert not await news.wait(0.001)
        left = asyncio.ensure_future(news.wait())
        await asyncio.sleep(0)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        assert news._waiting == []

    run(main())
