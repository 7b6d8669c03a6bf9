"""The Responses extension over WebSocket, both sides: creates with `segue`, and prefixed messages beside them.

Within one lane the events of responses that creates began come one response after the other, as on the plain wire, so
that only their first event has to name its turn. What a resume, a cancel or a second reading brings names it in every
event.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec
from segue_schemas import models

from ..errors import NotCarried, RemoteProtocolError
from .base import NotJSON, TurnFacts, check_json, refusal
from .extension import EXTENDED, PREFIX, ContextMemory, extended_body
from .extension_decoder import ExtensionDecoder, refused_by, segue_of, unprefixed
from .extension_encoder import ExtensionEncoder, prefixed, refusal_body
from .openai_ws import OpenAIWSServer
from .responses import Create, error_event
from .responses_decoder import parse_event
from .segue_ws import client_message

__all__ = ["ExtendedWSClient", "ExtendedWSServer"]

_PREFIXED_BY_CLIENTS = (
    models.TurnResume, models.TurnCancel, models.TurnSteer, models.ContinuationGet, models.ContinuationExport,
    models.ContinuationImport, models.ContinuationDelete,
)  # fmt: skip
_ENDS = ("response.completed", "response.incomplete", "response.failed")
#: So many turns that ended and were cancelled at the same time are known.
_REMEMBERED = 64
_TYPES = frozenset(str(message.__struct_config__.tag) for message in _PREFIXED_BY_CLIENTS)


class ExtendedWSClient:
    """Client side of a connection on which both sides have declared themselves."""

    name = EXTENDED["openai-ws"]
    subprotocols: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._lanes: dict[str | None, deque[ExtensionDecoder]] = {}
        self._read_again: dict[str, ExtensionDecoder] = {}
        self._replaced: set[str] = set()
        # Turns whose end came in their lane while a cancel was on its way: the same end may answer that once more.
        self._crossed: deque[str] = deque(maxlen=_REMEMBERED)
        self._memory = ContextMemory()

    def send(self, message: models.ClientMessage) -> list[str]:
        """Return the frame of a message."""
        if not isinstance(message, models.TurnStart):
            if isinstance(message, models.TurnResume | models.TurnCancel):
                self._await_again(message)
            members = msgspec.json.decode(msgspec.json.encode(message), type=dict[str, msgspec.Raw])
            kind = PREFIX + str(type(message).__struct_config__.tag)
            return [msgspec.json.encode({**members, "type": kind}).decode()]
        if isinstance(message.delivery, models.Delivery) and message.delivery.mode == "final":
            raise NotCarried(self.name, "delivery `final`: a WebSocket of this wire always streams")
        lane = message.lane if isinstance(message.lane, str) else None
        body = extended_body(message, wire=self.name, stream=None, memory=self._memory)
        frame: dict[str, Any] = {"type": "response.create", **({} if lane is None else {"stream_id": lane}), **body}
        asked = message.retention if isinstance(message.retention, str) else "cached"
        decoder = ExtensionDecoder(message.turn, retention="connection" if asked == "none" else asked)
        self._lanes.setdefault(lane, deque()).append(decoder)
        return [msgspec.json.encode(frame).decode()]

    def _await_again(self, message: models.TurnResume | models.TurnCancel) -> None:
        """Expect events that name this turn: those of a new reading, or the end alone."""
        if isinstance(message, models.TurnResume):
            self._replaced.add(message.turn)
            self._read_again[message.turn] = ExtensionDecoder(message.turn, retention="none", behind=True)
        else:
            self._read_again.setdefault(message.turn, ExtensionDecoder(message.turn, retention="none", behind=True))

    def receive(self, frame: str | bytes) -> list[models.ServerMessage]:
        """Return what a frame says."""
        if isinstance(frame, bytes):
            raise RemoteProtocolError(
                "a binary frame", requirement="SEG-OWS-005", expected="text frames only", got=repr(frame[:80])
            )
        event = parse_event(frame)
        kind: str = event["type"]
        if kind.startswith(PREFIX):
            return self._prefixed(frame)
        lane = event.get("stream_id")
        queue = self._lanes.get(lane if isinstance(lane, str) else None, deque())
        segue = segue_of(event)
        named = segue.turn if segue is not None and isinstance(segue.turn, str) else None
        if kind == "error" and segue is not None and isinstance(segue.error, models.Error):
            return self._refused(segue)
        if named is not None:
            decoder = self._read_again.get(named)
            if decoder is None and named in self._crossed and kind in _ENDS:
                self._crossed.remove(named)
                return []
            if decoder is None:
                raise _unasked(kind, frame)
            messages = decoder.receive(frame, event)
            if decoder.finished:
                del self._read_again[named]
            return self._noted(messages)
        if segue is not None and isinstance(segue.accepted, models.ExtensionAccepted):
            self._pass_over(queue, segue.accepted.turn)
        if not queue:
            if not kind.startswith("response."):
                return []
            raise _unasked(kind, frame)
        messages = queue[0].receive(frame, event)
        if queue[0].finished:
            turn = queue.popleft().turn
            if turn not in self._replaced and self._read_again.pop(turn, None) is not None:
                self._crossed.append(turn)  # a cancel whose end came here
            self._replaced.discard(turn)
        return self._noted(messages)

    def _prefixed(self, frame: str) -> list[models.ServerMessage]:
        message = unprefixed(frame)
        if message is None:
            return []
        if isinstance(message, models.TurnProgress) and self._waits(message.turn):
            return []  # a sign of life in front of the first event: the turn waits in its lane
        if isinstance(message, models.ErrorMessage) and message.refused == "turn.resume":
            self._read_again.pop(str(message.turn), None)
            self._replaced.discard(str(message.turn))
        if isinstance(message, models.ContinuationInfo):
            self._memory.told(message.continuation)
        return [message]

    def _waits(self, turn: str) -> bool:
        decoders = [decoder for queue in self._lanes.values() for decoder in queue if decoder.turn == turn]
        return turn not in self._read_again and any(decoder.governed is None for decoder in decoders)

    def _refused(self, segue: models.ExtensionEvent) -> list[models.ServerMessage]:
        """Return a refusal, or the end of a reading, and expect nothing more of what it names."""
        message = refused_by(segue, None)
        turn = message.turn
        reads_again = turn in self._read_again and message.refused is msgspec.UNSET
        if isinstance(turn, str) and reads_again:
            del self._read_again[turn]
        elif isinstance(turn, str):
            for queue in self._lanes.values():
                waiting = [decoder for decoder in queue if decoder.turn == turn]
                if waiting and message.refused in ("turn.start", msgspec.UNSET):
                    queue.remove(waiting[-1])
        return [message]

    def _pass_over(self, queue: deque[ExtensionDecoder], turn: str) -> None:
        """Drop the readings in front of one that begins now, where a resume has replaced them."""
        if not any(decoder.turn == turn for decoder in queue):
            return
        while queue and queue[0].turn != turn and queue[0].turn in self._replaced:
            self._replaced.discard(queue.popleft().turn)

    def _noted(self, messages: list[models.ServerMessage]) -> list[models.ServerMessage]:
        for message in messages:
            if isinstance(message, models.TurnCompleted) and isinstance(message.continuation, models.Continuation):
                self._memory.told(message.continuation)
        return messages


def _unasked(kind: str, frame: str) -> RemoteProtocolError:
    return RemoteProtocolError(
        f"{kind} where no response is awaited",
        requirement="SEG-TURN-003",
        expected="events only of turns that were started or resumed here",
        got=frame[:300],
    )


class ExtendedWSServer:
    """Server side of a connection with a declared client: frames in, creates and messages out; messages in, events out.

    `begin` opens the events of a turn before its first message is sent; `behind` names the turn in each of them.
    """

    name = EXTENDED["openai-ws"]

    def __init__(self) -> None:
        self._plain = OpenAIWSServer()
        self._encoders: dict[str, ExtensionEncoder] = {}

    def receive(self, frame: str | bytes) -> Create | models.ClientMessage:
        """Return what a frame asks for: a create, or the message of a prefixed one. Raises Refuse."""
        kind = _kind(frame)
        if not kind.startswith(PREFIX):
            return self._plain.create(frame, extended=True)
        bare = kind.removeprefix(PREFIX)
        if bare not in _TYPES:
            shown = kind[:80]
            raise refusal("unsupported_message", "fix", f"Unknown message type '{shown}'.", refused=bare[:80])
        members = msgspec.json.decode(frame, type=dict[str, msgspec.Raw])
        return client_message(msgspec.json.encode({**members, "type": bare}))

    def begin(self, facts: TurnFacts, *, behind: bool = False) -> ExtensionEncoder:
        """Open the events of a turn."""
        made = self._encoders[facts.start.turn] = ExtensionEncoder(facts, behind=behind)
        return made

    def awaits(self, message: models.ServerMessage) -> bool:
        """Whether `begin` is to come first: this is no message of a turn whose events stand open, and in order."""
        turn = getattr(message, "turn", None)
        if not isinstance(turn, str) or isinstance(message, models.ErrorMessage | models.TurnProgress):
            return False
        encoder = self._encoders.get(turn)
        seq = getattr(message, "from_", msgspec.UNSET)
        seq = seq if isinstance(seq, int) else getattr(message, "seq", None)
        return encoder is None or isinstance(message, models.TurnAccepted) or seq != encoder.next

    def send(self, message: models.ServerMessage, lane: str | None = None) -> list[str]:
        """Return the frames that say a message; `lane` is the `stream_id` of its turn here."""
        turn = getattr(message, "turn", None)
        encoder = self._encoders.get(turn) if isinstance(turn, str) else None
        if isinstance(message, models.ErrorMessage):
            return self._error(message, encoder, lane)
        if encoder is None:
            return [_encoded(prefixed(message), lane)]
        events = encoder.feed(message)
        if isinstance(message, models.TurnCompleted | models.TurnFailed):
            del self._encoders[encoder.facts.start.turn]
        return [_encoded(event, lane) for event in events]

    def refuse(self, message: models.ErrorMessage, lane: str | None = None) -> list[str]:
        """Return the frame of a refusal: of a create as this wire says it, of a prefixed message as `segue:error`."""
        if message.refused in _TYPES or (message.refused is not msgspec.UNSET and message.refused != "turn.start"):
            return [_encoded(prefixed(message), None)]
        return [_encoded({**error_event(message.error), "segue": refusal_body(message)}, lane)]

    def _error(self, message: models.ErrorMessage, encoder: ExtensionEncoder | None, lane: str | None) -> list[str]:
        if message.refused is msgspec.UNSET and encoder is not None:  # the end of a reading
            del self._encoders[encoder.facts.start.turn]
            return [_encoded(event, lane) for event in encoder.feed(message)]
        return self.refuse(message, lane)


def _kind(frame: str | bytes) -> str:
    """Return the type of a frame; empty where it has none, which the plain wire then refuses."""
    try:
        members = check_json(frame) if isinstance(frame, str) else None
    except NotJSON:
        return ""
    kind = members.get("type") if isinstance(members, dict) else None
    return kind if isinstance(kind, str) else ""


def _encoded(event: dict[str, Any], lane: str | None) -> str:
    return msgspec.json.encode(event if lane is None else {**event, "stream_id": lane}).decode()
