"""Every refusal that the endpoint gives, with the advice and effect of the table (spec: errors).

One function a code, so that a code has one advice and no sentence is said twice. All return what is to be raised.
"""

from __future__ import annotations

from segue_adapters.wires.base import Refuse, refusal
from segue_schemas import models

__all__ = [
    "context_not_found",
    "continuation_not_found",
    "damaged_bundle",
    "draining",
    "events_gone",
    "forbidden",
    "history_mismatch",
    "internal_error",
    "invalid_request",
    "lane_full",
    "message_too_large",
    "named",
    "no_subprotocol",
    "not_offered",
    "overloaded",
    "quota_exceeded",
    "retention_unavailable",
    "slow_reader",
    "steer_conflict",
    "too_late",
    "too_many_lanes",
    "turn_conflict",
    "turn_not_found",
    "unauthenticated",
    "unreadable",
    "unserved",
    "unsupported_version",
]


def invalid_request(message: str, param: str | None = None) -> Refuse:
    """A member is missing, of a wrong type, or does not fit the rest."""
    return refusal("invalid_request", "fix", message, param=param)


def unreadable(kind: str, param: str) -> Refuse:
    """An item that the model can't be given, named by its place."""
    return invalid_request(f"The model here can't read this {kind} item; send what it stands for.", param)


def message_too_large(limit: int, *, close: int | None = None) -> Refuse:
    """Larger than the declared limit; the limit stands in `detail` (SEG-MSG-033)."""
    text = f"A message may have {limit} bytes at most; send less, or a history in parts."
    return refusal("message_too_large", "fix", text, detail={"limit": limit}, close=close)


def unauthenticated() -> Refuse:
    """No credential, or none that holds; which of both is not said."""
    return refusal("unauthenticated", "authenticate", "Send a valid key as `Authorization: Bearer KEY`.")


def forbidden(message: str) -> Refuse:
    """The caller may not do this here."""
    return refusal("forbidden", "give_up", message)


def continuation_not_found(identifier: str, param: str = "/parent") -> Refuse:
    """The one answer for an id that is unknown, foreign, expired, evicted or deleted (SEG-ISO-001)."""
    shown = identifier[:120]
    text = f"No continuation '{shown}' is held for you; send the history in full."
    return refusal("continuation_not_found", "resend_full", text, param=param, detail={"id": shown})


def history_mismatch(what: str, *, digest: str, length: int, context: str) -> Refuse:
    """The parent holds something else than the client believes; what it holds stands in `detail`."""
    text = f"The parent holds another {what} than `expect` says; send the history in full."
    detail: dict[str, object] = {"digest": digest, "length": length, "context": context}
    return refusal("history_mismatch", "resend_full", text, param="/expect", detail=detail)


def damaged_bundle(*, digest: str, length: int) -> Refuse:
    """A bundle's digest or length is not that of its items; what they give stands in `detail`."""
    text = f"The bundle's items have the length {length} and the digest {digest}; the bundle says otherwise."
    detail: dict[str, object] = {"digest": digest, "length": length}
    return refusal("history_mismatch", "resend_full", text, param="/bundle/digest", detail=detail)


def unsupported_version(asked: str, spoken: str, param: str) -> Refuse:
    """A major version that is not spoken here."""
    text = f"Version {asked[:20]} is not read here; this endpoint speaks {spoken}."
    return refusal("unsupported_version", "fix", text, param=param)


def no_subprotocol(spoken: str) -> Refuse:
    """An upgrade offers no version that is spoken here."""
    text = f"Offer the subprotocol {spoken}."
    return refusal("unsupported_version", "fix", text, param="Sec-WebSocket-Protocol")


def context_not_found(digest: str, param: str = "/context") -> Refuse:
    """No context of that digest is held for the principal."""
    text = f"No context '{digest}' is held for you; send it whole."
    return refusal("context_not_found", "resend_context", text, param=param)


def turn_conflict(turn: str, *, runs: bool = False) -> Refuse:
    """The name is claimed by a turn of other content; `runs`: by any that runs, where no start is a repeat."""
    who = "a turn that still runs" if runs else "a turn of other content"
    text = f"The name '{turn}' is claimed by {who}; draw a new name for a new turn."
    return refusal("turn_conflict", "fix", text, param="/turn")


def turn_not_found(turn: str, *, resend: bool) -> Refuse:
    """No turn of that name is held; whether one ever ran can't be told, so the effect is unknown."""
    text = f"No turn '{turn}' is held for you."
    return refusal("turn_not_found", "resend_full" if resend else "give_up", text, effect="unknown", param="/turn")


def events_gone(turn: str) -> Refuse:
    """The turn ran and its record is gone."""
    text = f"The turn '{turn}' ran, and its events are no longer held; nothing runs again under that name."
    return refusal("events_gone", "give_up", text, effect="unknown", param="/turn")


def too_late(turn: str) -> Refuse:
    """The turn ended before the steer entered; its items can begin another turn (SEG-TURN-122)."""
    return refusal(
        "too_late", "fix", f"The turn '{turn}' ended before this entered; start a turn with it.", param="/turn"
    )


def steer_conflict(steer: str) -> Refuse:
    """The name is that of a steer of other input (SEG-TURN-125)."""
    text = f"The steer '{steer}' of this turn came with other input; draw a new name for a new steer."
    return refusal("turn_conflict", "fix", text, param="/steer")


def slow_reader(turn: str | None = None) -> Refuse:
    """The client takes nothing of what it is sent; its turns go on and are read elsewhere (SEG-LIVE-027)."""
    text = "Nothing of what was sent was taken for too long; read on behind the last number that came."
    return refusal("slow_reader", "reconnect", text, effect="unknown", turn=turn)


def lane_full(limit: int, retry_after_ms: int) -> Refuse:
    """Too many turns wait in the lane."""
    refused = refusal("lane_full", "wait", f"{limit} turns wait in this lane already.", param="/lane")
    return _after(refused, retry_after_ms)


def too_many_lanes(limit: int) -> Refuse:
    """The connection has named as many lanes as it may."""
    text = f"A connection may name {limit} lanes in its life; use one of them, or another connection."
    return refusal("too_many_lanes", "fix", text, param="/lane")


def overloaded(message: str, retry_after_ms: int) -> Refuse:
    """No room just now."""
    return _after(refusal("overloaded", "wait", message), retry_after_ms)


def out_of_reach() -> Refuse:
    """The store can't be read or written just now."""
    return overloaded("The endpoint can't reach its state just now.", 1_000)


def quota_exceeded(message: str, retry_after_ms: int) -> Refuse:
    """A bound of the principal is reached."""
    return _after(refusal("quota_exceeded", "wait", message), retry_after_ms)


def retention_unavailable(tier: str, offered: list[str]) -> Refuse:
    """The tier can't be granted here; less is never granted in silence."""
    text = f"Retention '{tier}' is not offered on this wire; ask for one of: {', '.join(offered)}."
    return refusal("retention_unavailable", "fix", text, param="/retention")


def not_offered(what: str, param: str | None = None) -> Refuse:
    """A feature that this endpoint does not offer; without a `param` it is the message itself, and no mending helps."""
    advice: models.Advice = "give_up" if param is None else "fix"
    return refusal("not_offered", advice, f"{what} is not offered by this endpoint.", param=param)


def unserved(message: str) -> Refuse:
    """A model that is not served here (SEG-CTX-030)."""
    detail: dict[str, object] = {"openai_code": "model_not_found"}
    return refusal("not_offered", "fix", message, param="/context/model", detail=detail)


def draining() -> Refuse:
    """The connection or the node is about to end."""
    text = "This connection takes no more turns; open another one, and repeat this turn there."
    return refusal("draining", "reconnect", text)


def internal_error(*, close: int | None = None) -> Refuse:
    """A fault of the endpoint itself; what it was stands in its log, not here."""
    return refusal("internal_error", "retry", "The endpoint failed on this message.", effect="unknown", close=close)


def _after(refused: Refuse, retry_after_ms: int) -> Refuse:
    refused.error.retry_after_ms = retry_after_ms
    return refused


def named(refused: Refuse, message: models.ClientMessage) -> Refuse:
    """Return a refusal that names the message it refuses: its type and its `turn`, `steer` or `ref` (SEG-TURN-023)."""
    refused.message.refused = str(type(message).__struct_config__.tag)
    for member in ("turn", "steer", "ref"):
        value = getattr(message, member, None)
        if isinstance(value, str):
            setattr(refused.message, member, value)
    return refused
