"""The Responses extension, bare: who is declared, which event says what, and the prefixed messages.

Spec: binding-responses-extension. An endpoint that has not declared the extension is never asked for any of it.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from segue_adapters.wires.extension import EXTENDED, PREFIX, declares
from segue_schemas import item_digest, validator

from ..clock import now
from ..extension_wire import answer_to, behind, events_to, plain_events_to, record_of, refusals_of, segue_of
from ..native import keeps_records
from ..registry import check
from ..responses_wire import TERMINAL, create, parsed
from ..subject import Subject
from ..verdicts import Deviation, Inconclusive, NotOffered, Untestable
from .test_turns import SLOW

WS = (EXTENDED["openai-ws"],)
HTTP = (EXTENDED["openai-http"],)
BOTH = (*WS, *HTTP)

# Longer than the declared interval by so much, and by so many seconds for the line, is late.
_SLACK, _LINE = 2.0, 0.25


@check("SEG-EXT-001", profile="core", wires=BOTH, needs_turn=False)
async def test_both_sides_are_declared(subject: Subject) -> None:
    """A request or an upgrade that declares the extension is answered by a declaration."""
    if subject.is_stream:
        async with subject.socket(bare=True) as socket:
            answers = [("the upgrade", socket.response_headers)]
    else:
        whole = await answer_to(subject, create(subject, "Say hello."))
        refused = await answer_to(subject, create(subject, "Say hello.", previous_response_id="resp_of_nobody"))
        answers = [(f"a create, status {answer.status}", answer.headers) for answer in (whole, refused)]
    for what, headers in answers:
        if not declares(headers):
            told = headers.get("segue-version")
            raise Deviation(f"the answer to {what}", expected="`Segue-Version: 1.0`", actual=f"Segue-Version: {told}")


@check("SEG-EXT-002", profile="core", wires=BOTH)
async def test_silent_client_gets_standard_events(subject: Subject) -> None:
    """A client that has not declared itself gets no event type that OpenAI Responses does not have."""
    events = await plain_events_to(subject, create(subject, SLOW))
    foreign = [event["type"] for event in events if event["type"].startswith(PREFIX)]
    if foreign:
        raise Deviation("a client that has not declared itself", expected="standard events only", actual=foreign[0])


@check("SEG-EXT-003", "SEG-EXT-010", profile="core", wires=BOTH)
async def test_silent_client_is_served_plainly(subject: Subject) -> None:
    """The `segue` member of a client that has not declared itself is ignored, valid or not."""
    for segue in ({"turn": "t_of_somebody_else", "retention": "none"}, {"turn": 7}):
        events = await plain_events_to(subject, create(subject, "Say hello.", segue=segue))
        if events[-1]["type"] != "response.completed":
            shown = json.dumps(events[-1])[:300]
            raise Deviation("`segue` of a client that has not declared itself", expected="ignored", actual=shown)
        governed = [event for event in events if "accepted" in segue_of(event)]
        if governed:
            raise Deviation(
                "a request of a client that has not declared itself",
                expected="no `segue.accepted`",
                actual=json.dumps(segue_of(governed[0]))[:200],
                requirement="SEG-EXT-010",
            )


@check("SEG-EXT-010", profile="core", wires=BOTH, needs_turn=False)
async def test_first_event_accepts(subject: Subject) -> None:
    """The first event, or the whole answer, of a governed request names its turn, and no other event does."""
    body = create(subject, "Say hello.")
    events = await events_to(subject, body, turn="new")
    _accepts(events[0], events[0]["segue_turn"])
    again = [event["type"] for event in events[1:] if "accepted" in segue_of(event)]
    if again:
        raise Deviation("`segue.accepted`", expected="in the first event only", actual=f"in {again[0]}, too")
    if not subject.is_stream:
        name = events[0]["segue_turn"] + "_2"
        answer = await answer_to(subject, {**body, "segue": {"turn": name}})
        _accepts({"type": "a whole Response", **_object(answer.body)}, name)


@check("SEG-EXT-012", profile="core", wires=BOTH)
async def test_names_are_drawn(subject: Subject) -> None:
    """A governed request that names no turn gets a name, and each another."""
    names = []
    members: tuple[dict[str, Any], ...] = ({"segue": {}}, {})
    for more in members:
        body = create(subject, "Say hello.", **more)
        accepted = segue_of((await events_to(subject, body))[0]).get("accepted")
        name = accepted.get("turn") if isinstance(accepted, dict) else None
        if not isinstance(name, str) or not name:
            raise Deviation("a request that names no turn", expected="`segue.accepted.turn`", actual=str(accepted))
        names.append(name)
    if names[0] == names[1]:
        raise Deviation("two requests that name no turn", expected="a name of its own for each", actual=names[0])


@check("SEG-EXT-020", profile="core", wires=BOTH)
async def test_numbers_are_the_records(subject: Subject) -> None:
    """`segue.seq` numbers events as the record does: from 0, rising, with gaps only where `from` tells of them."""
    events = await events_to(subject, create(subject, "Count from 1 to 20."), turn="new")
    numbered = [(event, segue_of(event)) for event in events if "seq" in segue_of(event)]
    last = -1
    for event, segue in numbered:
        first = segue.get("from", segue["seq"])
        if first != last + 1 or segue["seq"] < first:
            told = json.dumps(segue)[:200]
            raise Deviation(f"the number of {event['type']}", expected=f"`seq` {last + 1}, or `from`", actual=told)
        last = segue["seq"]
    if not numbered or "seq" not in segue_of(events[-1]):
        raise Deviation("the terminal event", expected="`segue.seq`", actual=json.dumps(segue_of(events[-1]))[:200])
    record = await record_of(subject, events[0]["segue_turn"])
    if record is None:
        return
    whole = {m["seq"]: m["type"] for m in record if "seq" in m}
    for event, segue in numbered:
        wanted = {"response.output_item.done": "item.completed", "response.completed": "turn.completed"}
        kind = wanted.get(event["type"])
        if kind is not None and whole.get(segue["seq"]) != kind:
            raise Deviation(
                f"the number of {event['type']}, {segue['seq']}", expected=kind, actual=str(whole.get(segue["seq"]))
            )


@check("SEG-EXT-021", profile="core", wires=BOTH)
async def test_events_bear_what_is_carried(subject: Subject) -> None:
    """Events bear in `segue` what the native message bears: context, items' digests, the history and its handle."""
    tier = next((tier for tier in subject.tiers() if tier != "none"), "none")
    events = await events_to(subject, create(subject, "Say hello.", segue={"retention": tier}), turn="new")
    for event in events:
        if "segue" in event:
            _valid(event)
    accepted = segue_of(events[0]).get("accepted", {})
    _bears("the first event", accepted, "context", "retention")
    if accepted.get("retention") != tier:
        raise Deviation("the retention that is granted", expected=tier, actual=str(accepted.get("retention")))
    for event in events:
        if event["type"] == "response.output_item.done":
            _bears(event["type"], segue_of(event), "digest")
            wanted, told = item_digest(event["item"]), segue_of(event)["digest"]
            if wanted != told:
                raise Deviation("an item's digest", expected=wanted, actual=told)
    last = events[-1]
    completed = segue_of(last).get("completed", {})
    _bears(last["type"], completed, "status", "digest", "length")
    if tier == "none":
        return
    handle = completed.get("continuation", {})
    _bears("`completed.continuation`", handle, "id", "digest", "length", "context", "retention")
    response = last["response"].get("id")
    if handle["id"] != response:
        raise Deviation("the handle's id", expected=f"that of the response, {response}", actual=handle["id"])


@check("SEG-EXT-022", profile="core", wires=BOTH)
async def test_refusals_are_whole(subject: Subject) -> None:
    """A refusal bears `segue.error` with code, advice and effect beside OpenAI's own error."""
    for what, told, code in await refusals_of(subject):
        error = segue_of(told).get("error")
        if not isinstance(error, dict) or not {"code", "advice", "effect", "message"} <= error.keys():
            shown = json.dumps(told)[:300]
            raise Deviation(what, expected="`segue.error` with code, advice, effect and message", actual=shown)
        if error["code"] != code or error["effect"] != "none":
            raise Deviation(what, expected=f"code {code}, effect none", actual=json.dumps(error)[:200])
        if "error" not in told and "message" not in told:
            raise Deviation(what, expected="OpenAI's error, too", actual=json.dumps(told)[:300])


@check("SEG-EXT-030", profile="core", wires=BOTH, timing=True)
async def test_progress_is_told(subject: Subject) -> None:
    """A declared client gets `segue:turn.progress` where nothing else comes of a turn for the declared interval."""
    limits = subject.limits
    if limits is None:
        raise NotOffered("no heartbeat_ms is declared: there is no discovery document")
    slow = create(subject, SLOW)
    # Over a WebSocket a turn that waits in its lane is silent for as long as the one before it takes.
    events = await (behind(subject, slow) if subject.is_stream else events_to(subject, slow, turn="new"))
    longest = max((later["at"] - earlier["at"] for earlier, later in itertools.pairwise(events)), default=0.0)
    progress = [event for event in events if event["type"] == f"{PREFIX}turn.progress"]
    for event in progress:
        if event.get("turn") != events[0]["segue_turn"] or not isinstance(event.get("phase"), str):
            raise Deviation("a sign of life", expected="`turn` and `phase`", actual=json.dumps(event)[:200])
    if longest > limits.heartbeat_ms / 1000 * _SLACK + _LINE:
        raise Deviation(
            "a turn of a declared client",
            expected=f"segue:turn.progress at least every {limits.heartbeat_ms} ms where nothing else comes",
            actual=f"nothing for {longest * 1000:.0f} ms",
        )
    if not progress:
        raise NotOffered("the turn was never silent for long")


@check("SEG-EXT-034", profile="core", wires=WS, needs_turn=False)
async def test_welcome_comes_first(subject: Subject) -> None:
    """The first message of a WebSocket to a declared client is `segue:welcome`."""
    async with subject.socket(bare=True) as socket:
        subject.spend()
        await socket.send(json.dumps({"type": "response.create", **create(subject, "Say hello.")}))
        first = parsed(str(await socket.receive(subject.settings.timeout)))
        if first["type"] != f"{PREFIX}welcome":
            raise Deviation("the first message", expected="segue:welcome", actual=first["type"])
        faults = [*validator("server.json#/$defs/Welcome").iter_errors({**first, "type": "welcome"})]
        if faults:
            raise Deviation("segue:welcome", expected=faults[0].message[:200], actual=json.dumps(first)[:300])


@check("SEG-EXT-031", profile="live", wires=WS, timing=True)
async def test_draining_is_told(subject: Subject) -> None:
    """A declared client is told by `segue:connection.draining` that its connection is about to end."""
    async with subject.socket(bare=True) as socket:
        welcome = parsed(str(await socket.receive(subject.settings.timeout)))
        left = welcome.get("expires_in_ms")
        if not isinstance(left, int):
            raise NotOffered("the connection has no set end")
        if left / 1000 > subject.settings.timeout:
            raise NotOffered(f"it lives {left / 1000:.0f} s: raise --timeout above that to wait for its end")
        until = now() + left / 1000 + 1.0
        while True:
            try:
                told = parsed(str(await socket.receive(max(0.1, until - now()))))
            except Exception as ended:
                shown = str(ended)
                raise Deviation("the end of a connection", expected="segue:connection.draining", actual=shown) from None
            if told["type"] == f"{PREFIX}connection.draining":
                return


@check("SEG-EXT-032", profile="core", wires=WS)
async def test_unknown_prefixed_message_is_refused(subject: Subject) -> None:
    """A prefixed message of an unknown type is refused by `segue:error`, and the connection stays."""
    async with subject.socket(bare=True) as socket:
        subject.spend()
        await socket.send(json.dumps({"type": f"{PREFIX}turn.dream", "turn": "t_of_nobody"}))
        until = now() + subject.settings.timeout
        while True:
            try:
                told = parsed(str(await socket.receive(max(0.1, until - now()))))
            except TimeoutError:
                raise Deviation("an unknown message", expected="segue:error", actual="nothing") from None
            if told["type"] in (f"{PREFIX}error", "error"):
                break
        code = told["error"].get("code") if isinstance(told.get("error"), dict) else None
        if told["type"] == "error" or code != "unsupported_message":
            shown = json.dumps(told)[:300]
            raise Deviation("an unknown message", expected="segue:error, unsupported_message", actual=shown)


@check("SEG-EXT-033", profile="resumable", wires=WS)
async def test_resumed_by_events_of_the_wire(subject: Subject) -> None:
    """`segue:turn.resume` is answered by events of this wire, that name their turn and follow on what was seen."""
    subject.needs("resume")
    keeps_records(subject)
    events = await events_to(subject, create(subject, "Count from 1 to 20."), turn="new")
    name, seen = events[0]["segue_turn"], [segue_of(event)["seq"] for event in events if "seq" in segue_of(event)]
    if len(seen) < 4:
        raise Inconclusive("the response had too few events to begin in the middle")
    for after in (None, seen[len(seen) // 2]):
        again = await _resumed(subject, name, after)
        numbers = [segue_of(event)["seq"] for event in again if "seq" in segue_of(event)]
        first = again[0]
        if (first["type"] == "response.created") != (after is None):
            expected = "response.created first" if after is None else "no second response.created"
            raise Deviation(f"resumed behind {after}", expected=expected, actual=first["type"])
        low = -1 if after is None else after  # which deltas are merged differs from reading to reading
        if numbers[-1:] != seen[-1:] or min(numbers, default=0) <= low or sorted(set(numbers)) != numbers:
            wanted = f"rising numbers from {low + 1} to {seen[-1]}"
            raise Deviation(f"resumed behind {after}", expected=wanted, actual=str(numbers)[:200])
        nameless = [event["type"] for event in again if segue_of(event).get("turn") != name]
        if nameless:
            told = f"none in {nameless[0]}"
            raise Deviation(f"resumed behind {after}", expected="`segue.turn` in each event", actual=told)


async def _resumed(subject: Subject, name: str, after: int | None) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    async with subject.socket(bare=True) as socket:
        subject.spend()
        asked = {"type": f"{PREFIX}turn.resume", "turn": name, **({} if after is None else {"after": after})}
        await socket.send(json.dumps(asked))
        until = now() + subject.settings.timeout
        while not events or events[-1]["type"] not in TERMINAL:
            event = parsed(str(await socket.receive(max(0.1, until - now()))))
            if event["type"] == f"{PREFIX}error":
                raise Untestable(f"the turn could not be resumed: {json.dumps(event)[:200]}")
            if not event["type"].startswith(PREFIX):
                events.append(event)
    return events


def _accepts(event: dict[str, Any], name: str) -> None:
    accepted = segue_of(event).get("accepted")
    if not isinstance(accepted, dict) or accepted.get("turn") != name:
        raise Deviation(
            f"{event['type']} of a governed request",
            expected=f"`segue.accepted` with the turn {name}",
            actual=json.dumps(event.get("segue"))[:200],
        )


def _bears(what: str, members: dict[str, Any], *wanted: str) -> None:
    missing = [name for name in wanted if name not in members]
    if missing:
        raise Deviation(f"`segue` of {what}", expected=f"`{missing[0]}`", actual=json.dumps(members)[:300])


def _valid(event: dict[str, Any]) -> None:
    faults = [*validator("extension.json#/$defs/ExtensionEvent").iter_errors(event["segue"])]
    if faults:
        shown = json.dumps(event["segue"])[:300]
        raise Deviation(f"`segue` of {event['type']}", expected=faults[0].message[:200], actual=shown)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Deviation("a whole answer", expected="a Response", actual=repr(body[:200]))
    return value
