"""OpenAI Responses over WebSocket, both sides: one JSON object for each text frame (spec: binding-openai-ws).

The wire names no turns: `stream_id` names a lane, and within one lane responses come in the order of their creates.
So the client side keeps, for each lane, the turns that it has sent and gives each event to the first of them.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec
from segue_schemas import models

from ..errors import NotCarried, RemoteProtocolError
from .base import NotJSON, Refuse, TurnFacts, check_json, refusal
from .extension import pointed
from .responses import Create, body_of, create_of, decode_error, error_event
from .responses_decoder import ResponsesDecoder, parse_event, status_of
from .responses_encoder import ResponsesEncoder

__all__ = ["OpenAIWSClient", "OpenAIWSServer"]

#: Of so many ended responses a connection knows the id, to tell what is said of them too late.
_REMEMBERED = 32


class OpenAIWSClient:
    """Client side: turns in, `response.create` frames out; events in, messages out."""

    name = "openai-ws"
    subprotocols: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._lanes: dict[str | None, deque[ResponsesDecoder]] = {}
        self._ended: deque[str] = deque(maxlen=_REMEMBERED)

    def send(self, message: models.ClientMessage) -> list[str]:
        """Return the frame of a turn; this wire carries no other client message."""
        if not isinstance(message, models.TurnStart):
            raise NotCarried(self.name, f"`{type(message).__struct_config__.tag}`")
        if isinstance(message.delivery, models.Delivery) and message.delivery.mode == "final":
            raise NotCarried(self.name, "delivery `final`: a WebSocket of this wire always streams")
        body: dict[str, Any] = {"type": "response.create"}
        lane = message.lane if isinstance(message.lane, str) else None
        if lane is not None:
            body["stream_id"] = lane
        body.update(body_of(message, wire=self.name, stream=None))
        asked = message.retention if isinstance(message.retention, str) else "cached"
        # On a WebSocket `store: false` keeps the response for its connection: more than `none` asks for.
        granted: models.Retention = "connection" if asked == "none" else asked
        self._lanes.setdefault(lane, deque()).append(ResponsesDecoder(message.turn, retention=granted))
        return [msgspec.json.encode(body).decode()]

    def receive(self, frame: str | bytes) -> list[models.ServerMessage]:
        """Return what a frame says; events of responses that nobody asked for here are a breach."""
        if isinstance(frame, bytes):
            raise RemoteProtocolError(
                "a binary frame", requirement="SEG-OWS-005", expected="text frames only", got=repr(frame[:80])
            )
        event = parse_event(frame)
        lane = event.get("stream_id")
        lane = lane if isinstance(lane, str) else None
        kind: str = event["type"]
        if kind == "error":
            return self._error(lane, frame, event)
        if not kind.startswith("response."):
            return []
        queue = self._lanes.get(lane)
        if not queue:
            if kind.startswith("response.steer."):
                return []
            raise RemoteProtocolError(
                f"{kind} where no response is awaited" + (f" on lane {lane!r}" if lane else ""),
                requirement="SEG-TURN-003" if lane in self._lanes else "SEG-OWS-021",
                expected="events only of responses that were asked for, with the `stream_id` of their create",
                got=frame[:300],
            )
        self._refuse_strays(frame, event, queue[0])
        messages = queue[0].receive(frame, event)
        if queue[0].finished:
            ended = queue.popleft().response_id
            if ended is not None:
                self._ended.append(ended)
        return messages

    def _refuse_strays(self, frame: str, event: dict[str, Any], current: ResponsesDecoder) -> None:
        """Raise for what is said of a response that has ended: the one that runs now would be taken for it."""
        response = event.get("response")
        told = response.get("id") if isinstance(response, dict) else None
        # `response.created` begins a response; that its id was there before is for whoever compares ids.
        if told not in self._ended or told == current.response_id or event["type"] == "response.created":
            return
        raise RemoteProtocolError(
            f"{event['type']} of a response that has ended",
            requirement="SEG-TURN-003",
            expected="nothing of a response behind its terminal event",
            got=frame[:300],
        )

    def _error(self, lane: str | None, frame: str, event: dict[str, Any]) -> list[models.ServerMessage]:
        queue = self._lanes.get(lane)
        # A response that runs does not end by what refuses a request: that is said of one that still waits.
        running = queue[0].response_id is not None if queue else False
        refuses = decode_error(event, status=status_of(event)).effect == "none"
        if queue and running and refuses and len(queue) > 1:
            waiting = queue[1]
            del queue[1]
            return waiting.receive(frame, event)
        if lane is None and (not queue or (running and refuses)):
            # A refusal of the lane's name itself comes without it; it can only mean a turn not yet accepted.
            others = [q for q in self._lanes.values() if q and q[0].response_id is None]
            queue = others[0] if len(others) == 1 else queue
        if not queue:
            decoder = ResponsesDecoder("none", retention="none")
            (told,) = decoder.receive(frame, event)
            assert isinstance(told, models.ErrorMessage)
            return [models.ErrorMessage(error=told.error)]
        return queue.popleft().receive(frame, event)


class OpenAIWSServer:
    """Server side of one connection: `response.create` frames in, turns out; messages in, events out."""

    name = "openai-ws"

    def __init__(self) -> None:
        self._turns: dict[str, ResponsesEncoder] = {}

    def receive(self, frame: str | bytes) -> models.TurnStart:
        """Return the turn that a frame asks for; Refuse for everything else. The connection stays."""
        return self.create(frame).start

    def create(self, frame: str | bytes, *, extended: bool = False) -> Create:
        """Return the create of a frame, as `receive`; `extended`: of a client that has declared itself."""
        if isinstance(frame, bytes):
            raise refusal("malformed_message", "fix", "Send text frames: this was a binary one.")
        try:
            members = check_json(frame)
        except NotJSON as error:
            raise refusal("malformed_message", "fix", f"The frame is not JSON: {error}.") from None
        if not isinstance(members, dict) or not isinstance(members.get("type"), str):
            raise refusal("malformed_message", "fix", "The frame must be a JSON object with a `type`.")
        if members["type"] != "response.create":
            shown = members["type"][:80]
            raise refusal("unsupported_message", "fix", f"Unknown event type '{shown}'.", refused=shown)
        lane = members.get("stream_id")
        if "stream_id" in members and not _is_lane(lane):
            refused = refusal(
                "invalid_request",
                "fix",
                "'stream_id' must be 1 to 256 of A-Z a-z 0-9 _ . -",
                param="stream_id",
                refused="turn.start",
                detail={"openai_code": "invalid_stream_id"},
            )
            raise pointed(refused, members) if extended else refused
        try:
            create = create_of(frame, wire=self.name, extended=extended)
        except Refuse as refused:
            refused.lane = lane if isinstance(lane, str) else None
            raise
        if isinstance(lane, str):
            create.start.lane = lane
        return create

    def begin(self, facts: TurnFacts) -> None:
        """Open the response of an accepted turn; call it before the turn's first message is sent."""
        self._turns[facts.start.turn] = ResponsesEncoder(facts)

    def send(self, message: models.ServerMessage) -> list[str]:
        """Return the frames that say a message; what this wire has no event for says nothing."""
        turn = getattr(message, "turn", None)
        encoder = self._turns.get(turn) if isinstance(turn, str) else None
        if encoder is None:
            return []
        lane = encoder.facts.start.lane
        events = encoder.feed(message)
        if isinstance(message, models.TurnCompleted | models.TurnFailed | models.ErrorMessage):
            del self._turns[encoder.facts.start.turn]
        return [self._frame(event, lane if isinstance(lane, str) else None) for event in events]

    def refuse(self, message: models.ErrorMessage, lane: str | None = None) -> list[str]:
        """Return the error frame of a refusal."""
        return [self._frame(error_event(message.error), lane)]

    @staticmethod
    def _frame(event: dict[str, Any], lane: str | None) -> str:
        if lane is not None:
            event = {**event, "stream_id": lane}
        return msgspec.json.encode(event).decode()


def _is_lane(lane: Any) -> bool:
    legal = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
    return isinstance(lane, str) and 0 < len(lane) <= 256 and all(c in legal for c in lane)
