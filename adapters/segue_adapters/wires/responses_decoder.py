"""Reads OpenAI Responses events as Segue messages: the client side of both OpenAI wires.

Unknown event types are ignored, unknown members too; a `done` copy of text says nothing new. Items are taken from
`response.output_item.done`, byte for byte. (OpenAI Responses, facts 1.3-1.6; spec/1.0/binding-openai-ws.md.)
"""

from __future__ import annotations

from typing import Any

import msgspec
from segue_schemas import models

from ..errors import RemoteProtocolError
from .base import check_json
from .responses import decode_error

__all__ = ["ResponsesDecoder", "status_of", "turn_of_response"]

_UNSET = msgspec.UNSET

# Event type -> the string that `delta` is appended to: of the item, or of a part (list, its index, member).
ITEM_APPENDS = {
    "response.function_call_arguments.delta": "/arguments",
    "response.custom_tool_call_input.delta": "/input",
}

PART_APPENDS = {
    "response.output_text.delta": ("content", "content_index", "text"),
    "response.refusal.delta": ("content", "content_index", "refusal"),
    "response.reasoning_text.delta": ("content", "content_index", "text"),
    "response.reasoning_summary_text.delta": ("summary", "summary_index", "text"),
}

PARTS = {
    "response.content_part.added": ("content", "content_index"),
    "response.reasoning_summary_part.added": ("summary", "summary_index"),
}

APPENDS = {**ITEM_APPENDS, **PART_APPENDS}

_KIND_OF_DELTA = {
    "response.function_call_arguments.delta": "function_call",
    "response.custom_tool_call_input.delta": "custom_tool_call",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.reasoning_summary_part.added": "reasoning",
}

PARTS_OF = {
    "response.output_text.delta": "output_text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning_text",
    "response.reasoning_summary_text.delta": "summary_text",
}

_TERMINAL = {"response.completed", "response.incomplete", "response.failed", "response.cancelled"}

_MUST_HAVE: dict[str, tuple[tuple[str, type], ...]] = {
    **dict.fromkeys(APPENDS, (("output_index", int), ("delta", str))),
    **dict.fromkeys(PARTS, (("output_index", int), ("part", dict))),
    **dict.fromkeys(_TERMINAL, (("response", dict),)),
    "response.created": (("response", dict),),
    "response.output_item.added": (("output_index", int), ("item", dict)),
    "response.output_item.done": (("output_index", int), ("item", dict)),
}

_TYPE_WORDS = {int: "an integer from 0", str: "a string", dict: "an object"}


class ResponsesDecoder:
    """Follows one response from `response.created` to its terminal event.

    `turn` is the name that the client gave the turn: the wire does not carry it. `retention` is what was asked
    for; a `store` in the response says what was granted, where the endpoint echoes it. `fast`: text that grows is not
    looked at for what is no I-JSON, such as a key that stands twice.
    """

    def __init__(self, turn: str, *, retention: models.Retention, fast: bool = False) -> None:
        self.turn = turn
        self.fast = fast
        self.response_id: str | None = None
        self.finished = False
        self._retention: models.Retention = retention
        self._accepted = False
        self._started: set[int] = set()
        # Lists of parts: of which item and member, and which of its indexes stands at which place.
        self._lists: dict[tuple[int, str], list[int]] = {}

    def receive(self, data: bytes | str, event: dict[str, Any] | None = None) -> list[models.ServerMessage]:
        """Return what one event says; `event` is the parsed JSON where the caller has it already."""
        if event is None:
            if self.fast and isinstance(data, str) and (told := self._text(data)) is not None:
                return [told]
            event = parse_event(data)
        kind = event["type"]
        if kind == "error":
            return [self._error(event)]
        for name, wanted in _MUST_HAVE.get(kind, ()):
            need(event, name, wanted)
        if kind in _TERMINAL:
            return [*self._accept(event), *self._terminal(kind, event)]
        if kind in ("response.created", "response.queued", "response.in_progress"):
            return self._accept(event) or [models.TurnProgress(turn=self.turn, phase=_phase(kind))]
        if kind not in _MUST_HAVE:
            return []
        raw = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        index: int = event["output_index"]
        messages = self._accept({})
        if kind == "response.output_item.added":
            self._started.add(index)
            item = msgspec.Raw(bytes(raw["item"]))
            for member in ("content", "summary"):
                if isinstance(parts := event["item"].get(member), list):
                    self._lists[index, member] = list(range(len(parts)))
            return [*messages, models.ItemStarted(turn=self.turn, seq=_seq(event), index=index, item=item)]
        if kind == "response.output_item.done":
            messages += self._begin(index, event["item"].get("type"))
            item = msgspec.Raw(bytes(raw["item"]))
            return [*messages, models.ItemCompleted(turn=self.turn, seq=_seq(event), index=index, item=item)]
        messages += self._begin(index, _KIND_OF_DELTA.get(kind, "message"))
        delta = models.ItemDelta(turn=self.turn, seq=_seq(event), index=index, at=ITEM_APPENDS.get(kind, ""))
        if kind in PARTS:
            member, counter = PARTS[kind]
            delta.at, _ = self._place(index, member, event, counter, messages)
            delta.put = msgspec.Raw(bytes(raw["part"]))
        else:
            delta.append = event["delta"]
        if kind in PART_APPENDS:
            member, counter, text = PART_APPENDS[kind]
            part, known = self._place(index, member, event, counter, messages)
            if not known:
                # Text without its part's announcement: legal for a lean server, so the part begins here.
                messages.append(self._put(index, part, {"type": PARTS_OF[kind], text: ""}))
            delta.at = f"{part}/{text}"
        return [*messages, delta]

    def _text(self, data: str) -> models.ItemDelta | None:
        """Return the delta of a part that stands already, without a look at more than it needs; None otherwise."""
        if "response.output_text.delta" not in data[:80]:
            return None
        try:
            event = _TEXT.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        known = self._lists.get((event.output_index, "content"), ())
        if event.type != "response.output_text.delta" or event.content_index not in known:
            return None
        at = f"/content/{known.index(event.content_index)}/text"
        return models.ItemDelta(
            turn=self.turn, seq=event.sequence_number, index=event.output_index, at=at, append=event.delta
        )

    def _place(
        self, index: int, member: str, event: dict[str, Any], counter: str, messages: list[models.ServerMessage]
    ) -> tuple[str, bool]:
        """Return where the part that an event names stands, and whether it stood there before.

        This wire does not ask that parts are announced, nor in which order, nor that the list stood in the item.
        """
        foreign = need(event, counter, int) if event.get(counter) is not None else 0
        known = self._lists.get((index, member))
        if known is None:
            known = self._lists[index, member] = []
            messages.append(self._put(index, f"/{member}", []))
        fresh = foreign not in known
        if fresh:
            known.append(foreign)
        return f"/{member}/{known.index(foreign)}", not fresh

    def _put(self, index: int, at: str, value: Any) -> models.ItemDelta:
        return models.ItemDelta(turn=self.turn, index=index, at=at, put=msgspec.Raw(msgspec.json.encode(value)))

    def _begin(self, index: int, kind: Any) -> list[models.ServerMessage]:
        """Start an item that was not announced, as lean servers leave it out."""
        if index in self._started:
            return []
        self._started.add(index)
        kind = kind if isinstance(kind, str) else "message"
        empty: dict[str, dict[str, Any]] = {
            "message": {"role": "assistant", "content": []},
            "reasoning": {"summary": []},
        }
        skeleton = {"type": kind, **empty.get(kind, {})}
        self._lists |= {(index, member): [] for member in skeleton if member in ("content", "summary")}
        raw = msgspec.Raw(msgspec.json.encode(skeleton))
        return [models.ItemStarted(turn=self.turn, index=index, item=raw)]

    def receive_response(self, body: bytes) -> list[models.ServerMessage]:
        """Return what a whole Response (not streamed) says."""
        response = check_json(body)
        outputs = response.get("output", []) if isinstance(response, dict) else None
        if not isinstance(outputs, list) or not all(isinstance(item, dict) for item in outputs):
            raise RemoteProtocolError(
                "the answer is not a Response object", expected="a JSON object with `output`", got=str(response)[:200]
            )
        messages = self._accept({"response": response})
        for index, item in enumerate(msgspec.json.decode(body, type=_Outputs).output):
            messages += self._begin(index, response["output"][index].get("type"))
            messages.append(models.ItemCompleted(turn=self.turn, index=index, item=msgspec.Raw(bytes(item))))
        status = response.get("status")
        if status not in ("completed", "incomplete", "failed", "cancelled"):
            raise RemoteProtocolError(
                f"a Response with status {status!r} where a finished one was asked for",
                expected="`status` completed, incomplete, failed or cancelled",
                got=str(status),
            )
        return [*messages, *self._terminal(f"response.{status}", {"response": response})]

    def _accept(self, event: dict[str, Any]) -> list[models.ServerMessage]:
        response = event.get("response", {})
        if isinstance(response.get("id"), str) and self.response_id is None:
            self.response_id = response["id"]
        if isinstance(response.get("store"), bool):
            self._retention = _granted(self._retention, stored=response["store"])
        if self._accepted:
            return []
        self._accepted = True
        accepted = models.TurnAccepted(turn=self.turn, seq=_seq(event), retention=self._retention)
        if isinstance(response.get("previous_response_id"), str):
            accepted.parent = response["previous_response_id"]
        return [accepted]

    def _terminal(self, kind: str, event: dict[str, Any]) -> list[models.ServerMessage]:
        self.finished = True
        response = event["response"]
        usage = usage_of(response.get("usage"))
        if kind == "response.failed":
            error = decode_error({"error": response.get("error")}, status=None, effect="unknown")
            return [models.TurnFailed(turn=self.turn, seq=_seq(event), error=error, usage=usage)]
        status: Any = {"response.completed": "completed", "response.cancelled": "cancelled"}.get(kind, "incomplete")
        done = models.TurnCompleted(turn=self.turn, seq=_seq(event), status=status, usage=usage)
        details = response.get("incomplete_details")
        if isinstance(details, dict) and isinstance(details.get("reason"), str) and details["reason"]:
            done.reason = details["reason"]
        identifier = response.get("id")
        if isinstance(identifier, str) and identifier:
            done.continuation = models.Continuation(id=identifier, retention=self._retention)
        return [done]

    def _error(self, event: dict[str, Any]) -> models.ServerMessage:
        self.finished = True
        status = status_of(event)
        error = decode_error(
            event,
            status=status,
            effect=("unknown" if self._accepted else None),
        )
        if self._accepted:
            return models.TurnFailed(turn=self.turn, seq=_seq(event), error=error)
        if error.effect == "unknown" and status is None and error.code not in ("internal_error",):
            error.effect = "none"
        return models.ErrorMessage(error=error, refused="turn.start", turn=self.turn)


class _Text(msgspec.Struct):
    type: str
    output_index: int
    delta: str
    sequence_number: int = 0
    content_index: int = 0


_TEXT = msgspec.json.Decoder(_Text)


class _Outputs(msgspec.Struct):
    output: list[msgspec.Raw] = []


def parse_event(data: bytes | str) -> dict[str, Any]:
    """Return one event; RemoteProtocolError where it is no JSON object with a `type`."""
    shown = data if isinstance(data, str) else data.decode("utf-8", "replace")
    try:
        event = check_json(data)
    except ValueError as error:
        raise RemoteProtocolError(
            f"an event is not JSON: {error}", expected="one JSON object for each event", got=shown[:300]
        ) from None
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise RemoteProtocolError("an event without a `type`", expected="a JSON object with `type`", got=shown[:300])
    return event


def status_of(event: dict[str, Any]) -> int | None:
    """Return the status that an `error` event bears: each shape has its own name for it, and either may be null."""
    given = [event.get("status"), event.get("status_code")]
    return next((n for n in given if isinstance(n, int) and not isinstance(n, bool)), None)


def turn_of_response(turn: str, body: bytes, *, retention: models.Retention) -> list[models.ServerMessage]:
    """Return a whole Response as the messages of the turn of that name."""
    return ResponsesDecoder(turn, retention=retention).receive_response(body)


def usage_of(value: Any) -> models.Usage | msgspec.UnsetType:
    """Return usage as Segue counts it; absent where nobody reported it, never 0 instead."""
    if not isinstance(value, dict):
        return _UNSET
    totals = [value.get(name) for name in ("input_tokens", "output_tokens", "total_tokens")]
    counts = [n for n in totals if isinstance(n, int) and not isinstance(n, bool) and n >= 0]
    if len(counts) != len(totals):
        return _UNSET
    usage = models.Usage(input_tokens=counts[0], output_tokens=counts[1], total_tokens=counts[2])
    for outer, inner, member in (
        ("input_tokens_details", "cached_tokens", "cached_tokens"),
        ("output_tokens_details", "reasoning_tokens", "reasoning_tokens"),
    ):
        details = value.get(outer)
        count = details.get(inner) if isinstance(details, dict) else None
        if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
            setattr(usage, member, count)
    return usage


def need(event: dict[str, Any], name: str, wanted: type) -> Any:
    """Return a member that an event of its type must have; RemoteProtocolError where it is absent or of no use."""
    value = event.get(name)
    if not isinstance(value, wanted) or isinstance(value, bool) or (isinstance(value, int) and value < 0):
        raise RemoteProtocolError(
            f"{event['type']} without a usable `{name}`",
            expected=f"`{name}` as {_TYPE_WORDS[wanted]}",
            got=str(event)[:300],
        )
    return value


def _granted(asked: models.Retention, *, stored: bool) -> models.Retention:
    if stored:
        return asked if asked in ("cached", "durable") else "cached"
    return asked if asked in ("none", "connection") else "none"


def _seq(event: dict[str, Any]) -> int | msgspec.UnsetType:
    value = event.get("sequence_number")
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else _UNSET


def _phase(kind: str) -> str:
    return "queued" if kind == "response.queued" else "thinking"
