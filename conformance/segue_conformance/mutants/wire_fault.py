"""A broken endpoint whose fault is in what its wires say or hear: JSON in, JSON out, whatever carries it.

Subclasses override what they get wrong; everything else passes untouched, byte for byte. `wires` keeps the fault to
some wires: on the others the endpoint is the reference, so that the kill matrix need not run it there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from segue_adapters.sse import SSEEvent, SSEParser, encode_event
from segue_adapters.wires.base import Answer, Request
from segue_gateway.boundary import Boundary
from segue_gateway.endpoint import Endpoint
from starlette.responses import Response

from ..registry import WIRES

__all__ = ["NATIVE", "OPENAI", "SEAMS", "Told", "WireFault"]

NATIVE = ("segue-ws", "segue-http")
OPENAI = ("openai-ws", "openai-http")

#: What a mutant overrides, and through which seams of the endpoint that gets at the bytes.
SEAMS = {
    "event": (Boundary.gives_frame, Boundary.gives_event),
    "event_name": (Boundary.gives_event,),
    "mark": (Boundary.gives_event,),
    "answer": (Boundary.gives_response,),
    "whole": (Boundary.gives_response,),
    "problem": (Boundary.gives_response,),
    "heard": (Boundary.took_frame, Boundary.took_request),
    "heard_text": (Boundary.took_frame, Boundary.took_request),
    "wires": (),
}

Told = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None


class WireFault(Endpoint):
    """The reference endpoint behind wires that may say or hear something else."""

    #: The wires on which anything can be wrong.
    wires: ClassVar[Sequence[str]] = WIRES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._states: WeakKeyDictionary[object, dict[str, Any]] = WeakKeyDictionary()

    # -- what a mutant overrides

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Return what is sent instead of one message or event: an object, several, or None for nothing.

        It is a WebSocket frame or the data of a server-sent event. `state` is kept for the connection or the stream.
        """
        return event

    def event_name(self, wire: str, event: Mapping[str, Any]) -> str | None:
        """Return the name under which a server-sent event goes out; None for an event without one."""
        return event.get("type")

    def mark(self, wire: str, data: str) -> str | None:
        """Return what is sent instead of the data of a server-sent event that is no JSON; None for nothing."""
        return data

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Return what is answered instead: whole answers, and (its body empty) the head of an event stream.

        As it stands, it lets `whole` and `problem` look at bodies that are JSON objects.
        """
        hook = "problem" if answer.status >= 400 else "whole"
        if wire not in self.wires or not self._changes(hook) or not answer.body.startswith(b"{"):
            return answer
        told = getattr(self, hook)(wire, json.loads(answer.body))
        if told == json.loads(answer.body):
            return answer  # what is left as it was keeps its bytes
        return Answer(answer.status, answer.headers, json.dumps(told).encode())

    def whole(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Return what is said instead of the JSON object that answers a request; `told` may be changed."""
        return told

    def problem(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Return what is said instead of the JSON object of a refusal; `told` may be changed."""
        return told

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Return what is read instead of a client's message: a frame, or the body of a request."""
        return message

    def heard_text(self, wire: str, text: str) -> str:
        """Return the text that is read instead of a client's frame or body, JSON or not."""
        return text

    # -- how that reaches the bytes

    def took_frame(self, wire: str, frame: str | bytes) -> str | bytes:
        """Let `heard_text` look at a text frame, and `heard` at one that is a JSON object."""
        if wire not in self.wires:
            return frame
        return self._heard(wire, self.heard_text(wire, frame)) if isinstance(frame, str) else frame

    def took_request(self, wire: str, request: Request) -> Request:
        """Let `heard_text` look at a body, and `heard` at one that is a JSON object."""
        if wire not in self.wires or not request.body:
            return request
        text = self._heard(wire, self.heard_text(wire, request.body.decode("utf-8", "surrogateescape")))
        body = text.encode("utf-8", "surrogateescape")
        return Request(request.method, request.path, request.headers, body, request.query)

    def gives_frame(self, wire: str, frame: str, stream: object) -> Sequence[str | bytes]:
        """Let `event` look at a frame."""
        if wire not in self.wires or type(self).event is WireFault.event:
            return [frame]
        return [text for _, text in self._told(wire, frame, stream)]

    def gives_event(self, wire: str, data: bytes, stream: object) -> bytes:
        """Let `event` look at the data of each server-sent event, and `mark` at what is no JSON."""
        if wire not in self.wires or not self._changes("event", "event_name", "mark"):
            return data
        events = SSEParser().feed(data)
        return b"".join(self._event(wire, event, stream) for event in events) if events else data

    def gives_response(self, wire: str, request: Request | None, response: Response) -> Response:
        """Let `answer` look at status, headers and body."""
        if wire not in (*self.wires, "discovery") or not self._changes("answer", "whole", "problem"):
            return response
        headers = {name: value for name, value in response.headers.items() if name != "content-length"}
        body = bytes(getattr(response, "body", b""))
        told = self.answer(wire, request, Answer(response.status_code, headers, body))
        if told.body == body:
            response.status_code = told.status
            response.init_headers(told.headers)
            response.__dict__.pop("_headers", None)  # a view of the old ones that was made by reading them
            return response
        return Response(told.body, told.status, told.headers)

    def _heard(self, wire: str, text: str) -> str:
        if type(self).heard is WireFault.heard:
            return text
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return text
        if not isinstance(message, dict):
            return text
        heard = self.heard(wire, message)
        return text if heard == json.loads(text) else json.dumps(heard)

    def _changes(self, *names: str) -> bool:
        """Return whether any of these is overridden."""
        return any(getattr(type(self), name) is not getattr(WireFault, name) for name in names)

    def _event(self, wire: str, event: SSEEvent, stream: object) -> bytes:
        if not event.data.startswith("{"):
            data = self.mark(wire, event.data)
            return b"" if data is None else encode_event(data.encode())
        sent = b""
        for told, text in self._told(wire, event.data, stream):
            seq = told.get("seq") if wire == "segue-http" else None
            sent += encode_event(text.encode(), event=self.event_name(wire, told), id=seq)
        return sent

    def _told(self, wire: str, text: str, stream: object) -> list[tuple[Mapping[str, Any], str]]:
        """Return what is told instead, each with its JSON: what is left as it was keeps its bytes."""
        told = self.event(wire, json.loads(text), self._states.setdefault(stream, {}))
        before = json.loads(text)
        several = [] if told is None else [told] if isinstance(told, Mapping) else told
        return [(one, text if one == before else json.dumps(one)) for one in several]
