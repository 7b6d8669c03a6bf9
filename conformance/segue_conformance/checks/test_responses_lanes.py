"""OpenAI Responses over WebSocket: names of lanes, how many there are, what each remembers (spec: binding-openai-ws).

A lane costs the endpoint nothing, but a vendor's lanes are often a label only: each rule shows where they are more.
"""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.errors import TransportError
from segue_adapters.transports.websocket import Socket

from ..clock import now
from ..oracle import Story, plant, word
from ..registry import check
from ..responses_wire import TERMINAL, create, events_of, parsed, told_busy, told_on
from ..subject import Client, Subject, completed, handle_of
from ..verdicts import Deviation, Inconclusive, NotOffered
from .test_turns import SLOW

WIRE = ("openai-ws",)

_LONGEST = 256
_LANES = 32
_BROKEN = [{"type": "message", "role": "user", "content": 7}]


async def _takes_lanes(subject: Subject) -> None:
    last = (await events_of(subject, create(subject, "Say hello.", stream_id="lane_probe")))[-1]
    if last["type"] == "error":
        raise NotOffered("lanes are refused")
    if last.get("stream_id") is None:
        raise NotOffered("lanes are not offered: stream_id is ignored")


@check("SEG-OWS-025", profile="core", wires=WIRE)
async def test_names_of_lanes(subject: Subject) -> None:
    """Every legal stream_id is taken and comes back as it was, every other is refused by its name."""
    await _takes_lanes(subject)
    async with subject.socket() as socket:
        for name in ("a.b_c-D9", "x" * _LONGEST):
            events = await told_on(subject, socket, create(subject, "Say hello.", stream_id=name))
            if events[-1]["type"] == "error":
                raise Deviation(f"the stream_id {name[:20]!r} ({len(name)} characters)", expected="an answer",
                                actual=json.dumps(events[-1])[:200])  # fmt: skip
            told = {str(event.get("stream_id")) for event in events} - {name}
            if told:
                raise Deviation("the stream_id of events", expected=name, actual=", ".join(told)[:200])
        again = (await told_on(subject, socket, create(subject, "Say hello.", stream_id="a.b_c-D9")))[-1]
        if again["type"] == "error":
            raise Deviation("a stream_id that was used before", expected="an answer", actual=json.dumps(again)[:200])
        for name in ("", "two words", "y" * (_LONGEST + 1)):
            last = (await told_on(subject, socket, create(subject, "Say hello.", stream_id=name)))[-1]
            shown = f"the stream_id {name[:20]!r} ({len(name)} characters)"
            if last["type"] != "error":
                raise Deviation(shown, expected="a refusal: invalid_stream_id", actual=last["type"])
            nested = last.get("error")
            error: dict[str, Any] = nested if isinstance(nested, dict) else last
            if error.get("code") != "invalid_stream_id" or last.get("status", 400) != 400:
                raise Deviation(shown, expected="code invalid_stream_id, status 400", actual=json.dumps(last)[:200])


@check("SEG-OWS-033", profile="core", wires=WIRE)
async def test_refusal_names_its_lane(subject: Subject) -> None:
    """The refusal of a create in a lane bears the lane's stream_id."""
    await _takes_lanes(subject)
    body = create(subject, "Say hello.", stream_id="lane_a", previous_response_id="resp_" + "0123456789abcdef" * 2)
    last = (await events_of(subject, body))[-1]
    if last["type"] == "error" and last.get("stream_id") != "lane_a":
        raise Deviation("the refusal of a create in a lane", expected="stream_id lane_a", actual=json.dumps(last)[:200])


@check("SEG-OWS-026", "SEG-OWS-027", profile="core", wires=WIRE)
async def test_how_many_lanes(subject: Subject) -> None:
    """As many lanes as are declared (else 32) are taken at once, queued where need be, and one more is refused."""
    await _takes_lanes(subject)
    declared = subject.limits.lanes if subject.limits is not None else None
    most = declared if isinstance(declared, int) else _LANES
    if most > 2 * _LANES:
        raise NotOffered(f"{most} lanes are declared: more than this check opens")
    async with subject.socket() as socket:
        await told_on(subject, socket, create(subject, "Say hello."))  # the lane without a name does not count
        names = [f"lane_{number}" for number in range(most)]
        for name in names:
            await _start(subject, socket, name)
        ends = await _ends(subject, socket, len(names))
        for name, end in ends.items():
            if end["type"] == "error":
                limit = "websocket_stream_limit_reached" in json.dumps(end)
                raise Deviation(
                    f"{most} creates in {most} lanes, at once: {name}",
                    expected=f"{most} lanes" if limit else "all are run, in their turn",
                    actual=json.dumps(end)[:200],
                    requirement="SEG-OWS-026" if limit else "SEG-OWS-027",
                )
        last = (await told_on(subject, socket, create(subject, "Say hello.", stream_id="one_more")))[-1]
        if last["type"] != "error":
            raise Deviation(f"lane {most + 1} of one connection", expected="a refusal", actual=last["type"])
        nested = last.get("error")
        error: dict[str, Any] = nested if isinstance(nested, dict) else last
        if error.get("code") != "websocket_stream_limit_reached" or last.get("status", 400) != 400:
            raise Deviation(
                f"lane {most + 1} of one connection",
                expected="code websocket_stream_limit_reached, status 400",
                actual=json.dumps(last)[:200],
            )
        last = (await told_on(subject, socket, create(subject, "Say hello.", stream_id=names[0])))[-1]
        if last["type"] == "error":
            raise Deviation("a known lane, behind one too many", expected="an answer", actual=json.dumps(last)[:200])


@check("SEG-OWS-028", "SEG-TURN-100", profile="core", wires=WIRE)
async def test_first_come_first_served(subject: Subject) -> None:
    """What waits in a lane runs in the order in which it came."""
    words = [word() for _ in range(4)]
    async with subject.socket() as socket:
        # A long one first, so that the others wait behind it.
        asked = [create(subject, SLOW)]
        asked += [create(subject, f"Repeat after me: {each}.", metadata={"word": each}) for each in words]
        for body in asked:
            subject.spend()
            await socket.send(json.dumps({"type": "response.create", **body}))
        deadline, found, events = now() + subject.settings.timeout, list[str](), list[str]()
        while len(found) < len(asked):
            text = str(await socket.receive(max(0.1, deadline - now())))
            event = parsed(text)
            if event["type"] == "error":
                raise NotOffered(f"one of several creates in flight was refused: {text[:160]}")
            events.append(text)
            if event["type"] in TERMINAL:
                found.append("".join(events))
                events = []
    # Which response is which shows in its text, or in the metadata where the model does not repeat what it is told to.
    named = [next((n for n, each in enumerate(words) if each in told), None) for told in found]
    order = [place for place in named if place is not None]
    if len(order) < len(words) or len(set(order)) < len(words):
        raise Inconclusive("the answers do not show which is which: the model repeats nothing")
    if order != sorted(order):
        shown = ", ".join(words[place] for place in order)
        raise Deviation("four creates of one lane", expected=", ".join(words), actual=shown)


@check("SEG-OWS-036", profile="core", wires=WIRE)
async def test_refusal_leaves_queue(subject: Subject) -> None:
    """A create that waits behind a refused one of its lane is answered."""
    async with subject.socket() as socket:
        lost = create(subject, "Say hello.", previous_response_id="resp_" + "0123456789abcdef" * 2)
        # A long one first, so that the others wait behind it.
        for body in (create(subject, SLOW), create(subject, _BROKEN), lost, create(subject, "Say hello.")):
            subject.spend()
            await socket.send(json.dumps({"type": "response.create", **body}))
        deadline, ends = now() + subject.settings.timeout, list[str]()
        while len(ends) < 4:
            try:
                event = parsed(str(await socket.receive(max(0.1, deadline - now()))))
            except TransportError as fault:
                told = ", ".join(ends) or "nothing"
                raise Deviation(
                    "behind a long create a broken one, one whose parent is lost, and a good one",
                    expected="response.completed, error, error, response.completed, in some order",
                    actual=f"{told}, then: {fault.what}",
                ) from None
            if event["type"] in TERMINAL:
                ends.append(event["type"])
        if ends.count("error") > 2:
            raise NotOffered("a create behind another one in flight was refused")


async def _start(subject: Subject, socket: Socket, name: str, question: str = "Say hello.") -> None:
    subject.spend()
    await socket.send(json.dumps({"type": "response.create", **create(subject, question, stream_id=name)}))


async def _ends(subject: Subject, socket: Socket, wanted: int) -> dict[str, dict[str, Any]]:
    """Return the terminal events that come, by lane; Inconclusive where the endpoint is busy, or names no lane."""
    deadline = now() + 2 * subject.settings.timeout
    found: dict[str, dict[str, Any]] = {}
    while len(found) < wanted:
        event = parsed(str(await socket.receive(max(0.1, deadline - now()))))
        if event["type"] in TERMINAL:
            told_busy(event)
            found[str(event.get("stream_id", f"nobody's {len(found)}"))] = event
    return found


@check("SEG-OWS-027", profile="core", wires=WIRE)
async def test_busy_lane_is_waited_for(subject: Subject) -> None:
    """Where two lanes run side by side, a second create of one lane waits for the first."""
    await _takes_lanes(subject)
    async with subject.socket() as socket:
        await _start(subject, socket, "one", SLOW)
        await _start(subject, socket, "two")
        if any(end["type"] == "error" for end in (await _ends(subject, socket, 2)).values()):
            raise NotOffered("one response at a time: a second one is refused in whichever lane")
    async with subject.socket() as socket:
        await _start(subject, socket, "one", SLOW)
        await _start(subject, socket, "one")
        ends: list[dict[str, Any]] = []
        deadline = now() + subject.settings.timeout
        while len(ends) < 2:
            try:
                event = parsed(str(await socket.receive(max(0.1, deadline - now()))))
            except TimeoutError:
                raise Deviation("two creates in one lane", expected="two answers", actual=f"{len(ends)}") from None
            if event["type"] in TERMINAL:
                ends.append(event)
        errors = [end for end in ends if end["type"] == "error"]
        if errors:
            raise Deviation("a create in a busy lane", expected="it waits", actual=json.dumps(errors[0])[:200])


@check("SEG-OWS-040", profile="core", wires=WIRE)
async def test_each_lane_remembers(subject: Subject) -> None:
    """With `store: false` the latest response of each lane is held, for this lane and for others."""
    await _takes_lanes(subject)
    tier = subject.needs_tier("connection")
    async with subject.open() as client:
        story, secret = Story(client), word()
        first = await story.say(plant(secret), retention=tier, lane="one")
        await client.say("Say hello.", retention=tier, lane="two")  # no child of it: the latest of another lane
        fork = story.fork()
        await _goes_on(client, fork, secret, first, "three")
        await _goes_on(client, story, secret, first, "one")


async def _goes_on(client: Client, story: Story, secret: str, first: Any, lane: str) -> None:
    options: dict[str, Any] = {"parent": handle_of(first), "retention": "connection", "lane": lane}
    probe = await client.turn("Repeat after me: fine.", **options)
    if probe.refused is not None:
        completed(probe, f"the latest response of lane one was gone on from in lane {lane}")
    story.add(probe)
    options["parent"] = handle_of(probe)
    await story.recalls(secret, requirement="SEG-CONT-012", **options)


@check("SEG-OWS-041", profile="core", wires=WIRE)
async def test_failed_fork_leaves_parent(subject: Subject) -> None:
    """The latest response of a lane stays when a create from it fails in another lane."""
    await _takes_lanes(subject)
    tier = subject.needs_tier("connection")
    async with subject.open() as client:
        story, secret = Story(client), word()
        first = await story.say(plant(secret), retention=tier, lane="one")
        options: dict[str, Any] = {"parent": handle_of(first), "retention": tier}
        failed = await client.turn(_BROKEN, lane="two", broken=True, **options)
        if failed.completed is not None:
            raise Inconclusive("the broken turn was not refused, so nothing is known of what a refusal leaves")
        await story.recalls(secret, lane="one", **options)
