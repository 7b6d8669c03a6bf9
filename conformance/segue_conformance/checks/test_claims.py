"""What an endpoint declares it must do: a claim that is false is a fault of its own (spec: capabilities)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from segue_adapters import draws
from segue_adapters.turn import Channel, Turn
from segue_schemas import context_digest, models

from ..registry import check
from ..segue_wire import turn_name
from ..subject import Client, Subject
from ..verdicts import Deviation, NotOffered

NATIVE = ("segue-ws", "segue-http")


@check("SEG-CAP-010", profile="core", wires=NATIVE)
async def test_features_are_kept(subject: Subject) -> None:
    """No feature that is declared for a wire is refused there as not offered."""
    declared = [name for name in _PROBES if name in subject.features()]
    if not declared:
        raise NotOffered("no feature is declared that this check knows how to ask for")
    false: list[str] = []
    async with subject.open() as client:
        for name in declared:
            error = await _PROBES[name](client)
            if error is not None and error.code == "not_offered":
                false.append(f"`{name}` ({error.message})")
    if false:
        raise Deviation(
            "what is declared is refused as not offered",
            expected=f"a feature that is listed ({', '.join(declared)}) is there",
            actual=f"refused with not_offered: {', '.join(false)}",
        )


def _unknown() -> str:
    return "resp_" + draws.token_hex(16)


async def _warm_up(client: Client) -> models.Error | None:
    return (await client.turn("Say hello.", generate=False)).error


async def _final(client: Client) -> models.Error | None:
    return (await client.turn("Say hello.", final=True)).error


async def _lanes(client: Client) -> models.Error | None:
    return (await client.turn("Say hello.", lane="a")).error


async def _contexts(client: Client) -> models.Error | None:
    unknown = context_digest(msgspec.json.encode({"note": draws.token_hex(16)}))
    return (await client.turn("Say hello.", context=unknown)).error


async def _context_patch(client: Client) -> models.Error | None:
    unknown = context_digest(msgspec.json.encode({"note": draws.token_hex(16)}))
    return (await client.turn("Say hello.", context={"base": unknown, "patch": {"temperature": 0}})).error


async def _resume(client: Client) -> models.Error | None:
    client.subject.spend()
    return (await (await client.session.resume(turn_name())).outcome()).error


async def _cancel(client: Client) -> models.Error | None:
    return await _asked(client, models.TurnCancel(turn=turn_name()))


async def _get(client: Client) -> models.Error | None:
    client.subject.spend()
    return _error(await client.session.get(_unknown()))


async def _delete(client: Client) -> models.Error | None:
    client.subject.spend()
    return _error(await client.session.delete(_unknown()))


async def _export(client: Client) -> models.Error | None:
    client.subject.spend()
    return _error(await client.session.export(_unknown()))


def _error(answer: object) -> models.Error | None:
    return answer.error if isinstance(answer, models.ErrorMessage) else None


async def _asked(client: Client, message: models.TurnCancel) -> models.Error | None:
    """Send a message about a turn that never was, and return how it is refused."""
    client.subject.spend()
    channel = Channel()
    await client.session.link.submit(message, channel)
    reader = Turn(models.TurnResume(turn=message.turn), channel, limit=client.session.limit, where=client.subject.url)
    return _error(await reader.next())


# Each asks for something by the feature that does not exist, or for the least that there is: whatever comes of it,
# it may not be that the feature is not offered.
_PROBES: dict[str, Callable[[Client], Awaitable[models.Error | None]]] = {
    "warm_up": _warm_up,
    "final": _final,
    "lanes": _lanes,
    "contexts": _contexts,
    "context_patch": _context_patch,
    "resume": _resume,
    "cancel": _cancel,
    "get": _get,
    "delete": _delete,
    "export": _export,
}
