"""Knows nothing of a turn that has ended when it is asked for whole."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request
from segue_adapters.wires.segue_http import SegueHTTPServer
from segue_gateway.refusals import turn_not_found

from ..wire_fault import WireFault

KILLED_BY = {"segue-http": ("wire_segue_http.snapshot_of_a_turn",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for turns that are read whole."""

    wires = ("segue-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Say that there is none, where an event stream was not asked for."""
        if request is None or request.method != "GET" or not request.path.startswith("/turns/"):
            return answer
        if answer.status != 200 or "json" not in answer.headers.get("content-type", ""):
            return answer
        return SegueHTTPServer().refuse(turn_not_found(request.path, resend=True))
