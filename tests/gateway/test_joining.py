"""A transport that sends in one piece what is written in one turn of the loop."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway_lab import run
from segue_gateway import joining
from segue_gateway.joining import joined


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__({"peername": ("here", 1)})
        self.sent: list[bytes] = []
        self.ends: list[str] = []

    def write(self, data: Any) -> None:
        self.sent.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return 5

    def is_closing(self) -> bool:
        return bool(self.ends)

    def close(self) -> None:
        self.ends.append("close")

    def abort(self) -> None:
        self.ends.append("abort")

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def test_what_is_written_together_is_sent_together() -> None:
    async def main() -> None:
        inner = Transport()
        outer = joined(inner)
        for piece in (b"head", b"", b"body"):
            outer.write(piece)
        assert (inner.sent, outer.get_write_buffer_size()) == ([], 8 + 5)
        await asyncio.sleep(0)
        assert (inner.sent, outer.get_write_buffer_size()) == ([b"headbody"], 5)
        outer.write(b"more")
        await asyncio.sleep(0)
        assert inner.sent == [b"headbody", b"more"]
        assert outer.get_extra_info("peername") == ("here", 1)

    run(main())


def test_much_is_not_held_back() -> None:
    async def main() -> None:
        inner = Transport()
        outer = joined(inner)
        outer.write(b"a")
        outer.write(b"x" * joining._PIECE)
        assert inner.sent == [b"a" + b"x" * joining._PIECE]

    run(main())


def test_what_was_written_goes_out_before_the_end_and_not_before_an_abort() -> None:
    async def main() -> None:
        for end, sent in (("close", [b"last"]), ("abort", [])):
            inner = Transport()
            outer = joined(inner)
            outer.write(b"last")
            getattr(outer, end)()
            assert (inner.sent, inner.ends, outer.is_closing()) == (sent, [end], True)
            await asyncio.sleep(0)
            assert inner.sent == sent

    run(main())
