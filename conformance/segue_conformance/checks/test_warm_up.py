"""Warm-ups: they come anywhere in a chain, say nothing, lose nothing and are kept like any turn (spec: liveness)."""

from __future__ import annotations

from typing import Any

from segue_adapters.errors import TransportError
from segue_adapters.turn import Outcome

from ..oracle import ASK, ASK_CHOSEN, Story, plant, says, word
from ..registry import check
from ..responses_wire import create, events_of, parsed, terminal_of, told_on
from ..subject import Client, Subject, completed, handle_of, refused
from ..verdicts import Deviation, NotOffered

STREAMS = ("segue-ws", "openai-ws")
#: Seconds in which whatever a warm-up still has to say would come.
_QUIET = 0.3


def _user(content: Any) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": content}


def _assistant(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


async def _warm(client: Client, input: Any, **options: Any) -> Outcome:
    """Return what became of a warm-up; skip the check where warm-ups are refused."""
    if client.subject.native:
        client.subject.needs("warm_up")
    outcome = client.excuse(await client.turn(input, generate=False, **options))
    if outcome.refused is not None and not client.subject.native:
        raise NotOffered(f"a warm-up is refused: {outcome.refused.message[:120]}")
    return completed(outcome, "a warm-up must complete")


@check("SEG-LIVE-041", "SEG-LIVE-040", profile="live")
async def test_in_a_chain(subject: Subject) -> None:
    """A warm-up behind a parent says nothing, completes, and adds to the history what came in, all of it."""
    if subject.wire == "openai-http":
        raise NotOffered("a warm-up is documented for the WebSocket only")
    async with subject.open() as client:
        # Two chains, a word in each: a weak model that knows two of them does not know which one it is asked for.
        story, chosen = Story(client), word()
        told = [_user("Choose a random word and tell me. Answer with the word only."), _assistant(chosen),
                _user("Repeat after me: good."), _assistant("good")]  # fmt: skip
        warm = story.add(await _warm(client, told, parent=handle_of(await story.say("Say hello."))))
        if warm.items:
            raise Deviation("the model wrote in a warm-up behind a parent", expected="no output items",
                            actual=repr(warm.text[:120]), requirement="SEG-LIVE-040")  # fmt: skip
        assert warm.completed is not None
        if warm.completed.status != "completed":
            raise Deviation("the status of a warm-up", expected="completed", actual=warm.completed.status)
        if warm.continuation is None:
            raise Deviation("a warm-up", expected="a continuation", actual="none")
        await story.recalls(chosen, ASK_CHOSEN, parent=warm.continuation)
        story, secret = Story(client), word()
        first = await story.say(plant(secret))
        told = [_user("Say hello."), _assistant("Hello.")]
        warm = story.add(await _warm(client, told, parent=handle_of(first)))
        await story.recalls(secret, parent=handle_of(warm))


@check("SEG-CONT-030", profile="live")
async def test_is_gone_on_from_twice(subject: Subject) -> None:
    """A warm-up is a parent like any other: two turns can go on from it."""
    if subject.wire == "openai-http":
        raise NotOffered("a warm-up is documented for the WebSocket only")
    tier = subject.needs_tier("cached", "durable")
    async with subject.open() as client:
        # What is read from a store is found out first: over OpenAI's WebSocket an older response need not be.
        other, known = Story(client), word()
        await other.stands(known, parent=handle_of(await other.say(plant(known), retention=tier)), retention=tier)
        story, secret = Story(client), word()
        warm = story.add(await _warm(client, [_user(plant(secret)), _assistant("OK")], retention=tier))
        if warm.continuation is None:
            raise Deviation("a warm-up", expected="a continuation", actual="none", requirement="SEG-LIVE-041")
        for _ in range(2):
            await story.fork().recalls(secret, parent=warm.continuation, retention=tier)


@check("SEG-CONT-044", profile="live", wires=STREAMS)
async def test_unstored_ends_with_its_connection(subject: Subject) -> None:
    """A warm-up of retention `connection` does not resolve on another connection."""
    tier = subject.needs_tier("connection")
    async with subject.open() as client:
        warm = await _warm(client, plant(word()), retention=tier)
    async with subject.open() as other:
        outcome = await other.turn("Say hello.", parent=handle_of(warm), retention=tier)
        refused(
            outcome,
            "the parent is a warm-up that was kept for its connection only, and that has ended",
            "continuation_not_found",
            native=subject.native,
        )


@check("SEG-LIVE-041", profile="live", wires=("openai-ws",))
async def test_generate_true_is_none(subject: Subject) -> None:
    """`generate: true` is a turn like one without it."""
    events = await events_of(subject, create(subject, "Say hello.", generate=True))
    if events[-1]["type"] == "error":
        raise NotOffered("`generate` is refused")
    if not any(event["type"] == "response.output_item.done" for event in events):
        raise Deviation("a create with `generate: true`", expected="an answer", actual="no output")


@check("SEG-OWS-013", "SEG-OWS-021", "SEG-LIVE-040", profile="core", wires=("openai-ws",))
async def test_is_told_as_a_response(subject: Subject) -> None:
    """A warm-up begins and ends as a response does, in its lane, and nothing comes behind it."""
    async with subject.socket() as socket:
        lane = {"stream_id": "warm"}
        last = (await told_on(subject, socket, create(subject, "Say hello.", **lane)))[-1]
        if last["type"] == "error" or "stream_id" not in last:
            lane = {}
        events = await told_on(subject, socket, create(subject, plant(word()), generate=False, **lane))
        if events[-1]["type"] == "error":
            raise NotOffered("`generate` is refused")
        kinds = [event["type"] for event in events]
        if "response.created" not in kinds:
            raise Deviation("a warm-up", expected="response.created, and a terminal event", actual=", ".join(kinds))
        response = terminal_of(events)
        usage = response.get("usage")
        billed = usage.get("output_tokens") if isinstance(usage, dict) else 0
        put_out = [event["type"] for event in events if event["type"].startswith("response.output_")]
        if put_out or response.get("output") or billed or events[-1]["type"] != "response.completed":
            told = ", ".join(put_out) or f"{events[-1]['type']}, {billed} output tokens"
            raise Deviation("a warm-up", expected="response.completed, no output, no output tokens", actual=told)
        names = {event.get("stream_id") for event in events}
        if names != {lane.get("stream_id")}:
            raise Deviation("the stream_id of a warm-up's events", expected=str(lane.get("stream_id")),
                            actual=", ".join(map(str, names)), requirement="SEG-OWS-021")  # fmt: skip
        try:
            stray = parsed(str(await socket.receive(_QUIET)))
        except TransportError:
            return
        if stray["type"].startswith("response."):
            raise Deviation("what comes behind the end of a warm-up", expected="nothing", actual=stray["type"])


@check("SEG-OWS-014", "SEG-LIVE-041", "SEG-CONT-031", profile="core", wires=("openai-ws",))
async def test_is_known_to_whom_it_concerns(subject: Subject) -> None:
    """What a warm-up said is known to the turns that go on from it, and to no other turn of the connection."""
    async with subject.open() as client:
        leak = word()
        await _warm(client, plant(leak))
        bare = completed(await client.turn(ASK), "a turn without a parent must run")
        if says(bare.text, leak):
            raise Deviation("a turn without a parent knows what a warm-up said", expected="no such word",
                            actual=repr(bare.text[:120]))  # fmt: skip
        stories, words = [Story(client), Story(client)], [word(), word()]
        warm = [story.add(await _warm(client, plant(each))) for story, each in zip(stories, words, strict=True)]
        # The newest first: with `store: false` an older response need not be there any more.
        for story, own, other, told in reversed(list(zip(stories, words, words[::-1], warm, strict=True))):
            if told.continuation is None:
                raise Deviation("a warm-up", expected="a response that can be named as a parent", actual="none")
            await story.recalls(own, others=[other, leak], parent=told.continuation)
