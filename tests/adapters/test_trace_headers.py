"""The headers by which a trace goes over HTTP, on every wire that has them."""

from __future__ import annotations

import msgspec
import pytest
from segue_adapters.links import EXCHANGE_WIRES, exchange_wire
from segue_adapters.transports.base import Options
from segue_adapters.wires.base import trace_headers
from segue_schemas import models

PARENT = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (msgspec.UNSET, None),
        ("vendor=1,other=x y", "vendor=1,other=x y"),
        ("", None),
        ("vendor=1\r\nauthorization: x", None),
        ("vendor=ä", None),
        ("v=" + "x" * 511, None),
        (" vendor=1", None),
    ],
)
def test_a_state_that_is_no_value_of_a_header_is_left_out(state: str | msgspec.UnsetType, said: str | None) -> None:
    headers = trace_headers(models.Trace(PARENT, state))
    assert headers == {"traceparent": PARENT, **({} if said is None else {"tracestate": said})}
    assert trace_headers(msgspec.UNSET) == {}


@pytest.mark.parametrize("wire", EXCHANGE_WIRES)
def test_every_wire_over_http_says_it(wire: str) -> None:
    start = models.TurnStart(turn="t", input=[msgspec.Raw(b'{"type":"message","role":"user","content":"Hi"}')])
    start.context = msgspec.Raw(b'{"model":"m"}')
    start.retention = "none"
    start.trace = models.Trace(PARENT, "vendor=1")
    headers = exchange_wire(wire, Options()).exchange(start).request.headers
    assert (headers["traceparent"], headers["tracestate"]) == (PARENT, "vendor=1")
