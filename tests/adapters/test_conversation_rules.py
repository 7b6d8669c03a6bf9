"""The tables of a conversation: what follows from an advice, what a fault means, what is sent, which road is taken."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from faulty_shop import capabilities
from segue_adapters.capabilities import capabilities_of
from segue_adapters.conversation.history import History, entry_of
from segue_adapters.conversation.memory import Memory, entries_of
from segue_adapters.conversation.plan import Ask, Context, Facts, Handle, plan
from segue_adapters.conversation.roads import Place, Road, Roads
from segue_adapters.conversation.rules import (
    Counts,
    Patience,
    Trouble,
    advised,
    decide,
    network_trouble,
    opening_verdict,
    pause_for,
)
from segue_adapters.errors import (
    AnswerTooLarge,
    ConnectionCut,
    CutShort,
    LocalProtocolError,
    NotOffered,
    ReaderTooSlow,
    RemoteProtocolError,
    TimedOut,
    TLSFault,
    TooLarge,
    Unauthorised,
    Unreachable,
    WrongKind,
)
from segue_schemas import EMPTY_HISTORY, history_digest, models

ADVICES = ["resend_full", "resend_context", "reconnect", "retry", "wait", "fix", "authenticate", "give_up", "unheard"]

TABLE = {
    "refused": ["full", "context", "reconnect", "again", "wait", "stop", "stop", "stop", "stop"],
    "failed": ["full", "context", "reconnect", "again", "wait", "stop", "stop", "stop", "stop"],
    "resume refused": ["again", "stop", "reconnect", "again", "wait", "stop", "stop", "stop", "stop"],
    "reading ended": ["stop", "stop", "reconnect", "reconnect", "wait", "stop", "stop", "stop", "stop"],
    "connection": ["stop", "stop", "reconnect", "reconnect", "wait", "stop", "stop", "stop", "stop"],
}


@pytest.mark.parametrize("where", TABLE)
def test_what_follows_from_an_advice(where: Any) -> None:
    for advice, wanted in zip(ADVICES, TABLE[where], strict=True):
        assert decide(Trouble(where, advice, "none"), Counts(), Patience(), may_repeat=False) == wanted
        starts = where in ("refused", "failed")
        for effect in ("partial", "unknown"):
            move = decide(Trouble(where, advice, effect), Counts(), Patience(), may_repeat=False)
            assert move == ("stop" if starts else wanted)
            assert decide(Trouble(where, advice, effect), Counts(), Patience(), may_repeat=True) == wanted


@pytest.mark.parametrize(
    ("advice", "times"), [("resend_full", 2), ("resend_context", 1), ("reconnect", 6), ("retry", 4), ("wait", 6)]
)
def test_everything_is_tried_so_often_and_not_more(advice: str, times: int) -> None:
    counts = Counts()
    moves = [decide(Trouble("refused", advice, "none"), counts, Patience(), may_repeat=False) for _ in range(10)]
    assert [move == "stop" for move in moves] == [False] * times + [True] * (10 - times)
    counts.progress()
    again = decide(Trouble("refused", advice, "none"), counts, Patience(), may_repeat=False)
    assert (again == "stop") == advice.startswith("resend")


def test_all_together_is_bounded_and_so_is_the_waiting() -> None:
    counts = Counts(total=40)
    assert decide(Trouble("connection", "reconnect", "none"), counts, Patience(), may_repeat=False) == "stop"
    late = Trouble("refused", "wait", "none", 200.0)
    assert decide(late, Counts(), Patience(), may_repeat=False) == "stop"


def test_pauses_are_what_was_asked_and_a_drawn_growing_part() -> None:
    patience, counts = Patience(first=1.0, longest=4.0), Counts()
    cut = Trouble("connection", "reconnect", "none")
    pauses = []
    for _ in range(5):
        decide(cut, counts, patience, may_repeat=False)
        pauses.append(pause_for("reconnect", cut, counts, patience, 0.5))
    assert pauses == [0.0, 1.0, 2.0, 2.0, 2.0]  # the first try is at once
    counts = Counts(waits=1)
    assert pause_for("wait", Trouble("refused", "wait", "none", 3.0), counts, patience, 0.5) == 4.0
    assert pause_for("full", Trouble("refused", "resend_full", "none"), counts, patience, 0.5) == 0.0
    assert counts.waited == 4.0


CLOSES = {1000: "reconnect", 1001: "reconnect", 1006: "reconnect", 1007: "fix", 1008: "other", 1009: "other",
          1011: "reconnect", 4400: "fix", 4401: "authenticate", 4403: "give_up", 4408: "reconnect", 4410: "reconnect",
          4413: "fix", 4429: "wait", 4444: "fix", 4500: "reconnect", 4503: "wait", 4555: "reconnect",
          None: "reconnect"}  # fmt: skip


@pytest.mark.parametrize("code", CLOSES)
def test_what_a_close_code_advises(code: int | None) -> None:
    for sent in (True, False):
        trouble = network_trouble(ConnectionCut("cut", "ws://e", code=code), sent=sent)
        assert trouble is not None
        assert trouble.advice == CLOSES[code]
        assert trouble.effect == ("unknown" if sent and code not in (1007, 1009, 4413) else "none")


def test_what_is_a_matter_of_the_network() -> None:
    cuts = [CutShort("short"), TimedOut("late", "w"), ReaderTooSlow("slow", "w"), RemoteProtocolError("b", status=502)]
    for fault in cuts:
        assert network_trouble(fault, sent=True) == Trouble("connection", "reconnect", "unknown")
    assert network_trouble(Unreachable("down", "w"), sent=False) == Trouble("connection", "reconnect", "none")
    others = [RemoteProtocolError("breach"), RemoteProtocolError("no", status=404), LocalProtocolError("mine"),
              AnswerTooLarge("big", "w"), Unauthorised("who", "w")]  # fmt: skip
    assert [network_trouble(fault, sent=True) for fault in others] == [None] * 5


def test_codes_that_never_ran_are_so_on_a_wire_that_says_no_effect() -> None:
    told = models.Error(code="overloaded", advice="retry", effect="unknown", message="m", retry_after_ms=1500)
    assert advised("refused", told) == Trouble("refused", "retry", "none", 1.5)
    assert advised("failed", told) == Trouble("failed", "retry", "unknown", 1.5)
    other = models.Error(code="internal_error", advice="retry", effect="unknown", message="m")
    assert advised("refused", other) == Trouble("refused", "retry", "unknown", None)


OPENINGS = [
    (WrongKind("no", "w", status=426), (True, True)),
    (WrongKind("no", "w", status=404), (True, True)),
    (WrongKind("page", "w", status=200), (True, True)),
    (WrongKind("busy", "w", status=503), (False, True)),
    (WrongKind("wait", "w", status=429), (False, True)),
    (WrongKind("garbage", "w"), (False, True)),
    (Unauthorised("blocked", "w", status=403), (True, True)),
    (TimedOut("swallowed", "w"), (True, True)),
    (RemoteProtocolError("no welcome"), (True, True)),
    (Unreachable("refused", "w"), (False, True)),
    (ConnectionCut("cut", "w"), (False, True)),
    (Unauthorised("key", "w", status=401), (False, False)),
    (TLSFault("certificate", "w"), (False, False)),
]


@pytest.mark.parametrize(("fault", "wanted"), OPENINGS, ids=lambda value: getattr(value, "what", None))
def test_what_a_denied_upgrade_says_of_its_wire(fault: Any, wanted: tuple[bool, bool]) -> None:
    assert tuple(opening_verdict(fault, count).rule_out for count in (1, 2)) == wanted
    final = isinstance(fault, TLSFault) or getattr(fault, "status", None) == 401
    assert opening_verdict(fault, 1).final is final


def test_roads_are_left_for_good() -> None:
    ws, http = Road(0, "segue-ws", "ws://e"), Road(0, "segue-http", "http://e")
    roads = Roads([Place("e", [ws, http]), Place("f", [Road(1, "openai-http", "http://f")])])
    cut = ConnectionCut("cut", "ws://e")
    assert roads.choose() == ws
    assert not roads.ended_early(ws, cut)
    roads.served(ws)
    assert not roads.ended_early(ws, cut)
    assert roads.ended_early(ws, cut)
    assert roads.choose() == http
    assert not roads.rule_out(ws, "again")
    assert not roads.failed(http, WrongKind("no", "w", status=404))  # the last one stays
    assert roads.choose() == http
    assert (roads.left, roads.move(), roads.left, roads.move()) == (2, True, 1, False)
    assert roads.choose().wire == "openai-http"


# ---- what is sent


def items(*texts: str) -> list[bytes]:
    return [msgspec.json.encode({"type": "message", "role": "user", "content": text}) for text in texts]


def ask(*texts: str, new: int = 1, context: Any = None, **settings: Any) -> Ask:
    history = History(items(*texts))
    return Ask(history, len(history) - new, Context.of({"model": "m"} if context is None else context), **settings)


def handle(wish: Ask, at: int, **changes: Any) -> Handle:
    members = {"id": "c1", "at": at, "mark": wish.history.mark(at), "context": wish.context.digest, "place": 0}
    return Handle(**{**members, **changes})


def planned(wish: Ask, *handles: Handle, can: Any = None, contexts: Any = (), line: int = 1, **more: Any) -> Any:
    facts = Facts(0, line, can or capabilities(), set(contexts))
    return plan(wish, facts, handles, name="t", now=100.0, **more)


def test_a_delta_says_what_is_new_and_what_it_goes_on_from() -> None:
    wish = ask("a", "b", "c")
    made = planned(wish, handle(wish, 2))
    (part,) = made.parts
    assert (made.kind, part.begin, part.end) == ("delta", 2, 3)
    assert (part.start.parent, len(part.start.input), part.start.context) == ("c1", 1, msgspec.UNSET)
    assert part.start.expect == models.Expectation(digest=history_digest(items("a", "b")), length=2)
    plain = planned(wish, handle(wish, 2), can=capabilities("openai-ws", features=[]))
    assert bytes(plain.parts[0].start.context) == b'{"model":"m"}'
    assert plain.parts[0].start.expect is msgspec.UNSET


def test_every_reason_for_a_whole_history() -> None:
    wish = ask("a", "b", "c")
    other = ask("x", "b", "c")
    late = handle(wish, 2, expires=100.5)
    for made, why in [
        (planned(wish), "holds nothing"),
        (planned(wish, handle(wish, 2), lost=True), "has lost"),
        (planned(wish, handle(wish, 2, place=1)), "another endpoint"),
        (planned(wish, handle(wish, 2, line=2)), "a connection that has ended"),
        (planned(wish, late), "about to expire"),
        (planned(wish, handle(wish, 3)), "was changed"),
        (planned(wish, handle(other, 2)), "was changed"),
        (planned(wish, handle(wish, 2, context="segue1-sha256:x")), "context differs"),
        (planned(wish, handle(wish, 2), can=capabilities_of("chat")), "keeps no history"),
    ]:
        assert made.kind == "full"
        assert why in made.why
        assert len(made.parts[0].start.input) == 3
        assert made.parts[0].start.parent is msgspec.UNSET
    older = planned(wish, late, handle(wish, 1, id="c0", line=1))
    assert (older.kind, older.parts[0].start.parent) == ("delta", "c0")


def test_a_context_goes_by_its_digest_where_it_is_held_and_shorter() -> None:
    wish = ask("a", context={"model": "m", "instructions": "x" * 100})
    digest = wish.context.digest
    held = planned(wish, contexts=[digest]).parts[0].start
    assert msgspec.json.decode(held.context) == digest
    for more in ({"whole_context": True}, {"lost": True}):
        assert bytes(planned(wish, contexts=[digest], **more).parts[0].start.context) == wish.context.raw
    small = ask("a")
    assert bytes(planned(small, contexts=[small.context.digest]).parts[0].start.context) == small.context.raw
    assert planned(ask("a", context={})).parts[0].start.context is msgspec.UNSET
    assert Context.of({"n": 2**60}).digest is None


def test_what_is_asked_for_stands_in_the_start() -> None:
    start = planned(ask("a", final=True, deadline_ms=5, retention="none")).parts[0].start
    assert (start.delivery.mode, start.deadline_ms, start.retention) == ("final", 5, "none")
    can = capabilities(features=["coalesce", "warm_up"])
    start = planned(ask("a", coalesce_ms=7, generate=False), can=can).parts[0].start
    assert (start.delivery.coalesce_ms, start.generate) == (7, False)
    assert planned(ask("a", coalesce_ms=7)).parts[0].start.delivery is msgspec.UNSET
    # Where nothing would be kept by default the weakest tier is asked for that keeps anything.
    for tiers, wanted in ((["none", "cached", "connection"], "connection"), (["none", "durable"], "durable")):
        can = capabilities(default_retention="none", retention=tiers)
        assert planned(ask("a"), can=can).parts[0].start.retention == wanted
    can = capabilities(default_retention="none", retention=["none"])
    assert planned(ask("a"), can=can).parts[0].start.retention is msgspec.UNSET


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"generate": False}, "warm_up"),
        ({"final": True}, "final"),
        ({"lane": "l"}, "lanes"),
        ({"retention": "durable"}, "retention `durable`"),
    ],
)
def test_what_is_not_offered_is_said_before_anything_is_sent(settings: dict[str, Any], what: str) -> None:
    with pytest.raises(NotOffered, match=what):
        planned(ask("a", **settings), can=capabilities(features=[]))
    with pytest.raises(NotOffered, match="deadline_ms"):
        planned(ask("a", deadline_ms=1), can=capabilities_of("openai-ws"))


def test_what_does_not_fit_goes_in_parts() -> None:
    wish = ask(*("." * 600 for _ in range(8)))
    can = capabilities(message_bytes=2500)
    made = planned(wish, can=can)
    assert [(part.begin, part.end) for part in made.parts] == [(0, 2), (2, 4), (4, 6), (6, 8)]
    starts = [part.start for part in made.parts]
    assert [start.generate for start in starts] == [False, False, False, msgspec.UNSET]
    assert [start.turn == "t" for start in starts] == [False, False, False, True]
    assert [start.context is msgspec.UNSET for start in starts] == [False, True, True, True]
    assert all(len(msgspec.json.encode(start)) <= 2500 for start in starts)
    delta = planned(wish, handle(wish, 1), can=can)
    assert delta.parts[0].start.parent == "c1"
    assert delta.parts[0].begin == 1
    foreign = planned(wish, can=capabilities("openai-ws+segue", message_bytes=2500))
    assert all(part.start.context is not msgspec.UNSET for part in foreign.parts)
    none = planned(ask(*("." * 600 for _ in range(8)), retention="none"), can=can)
    assert [part.start.retention for part in none.parts] == ["connection"] * 3 + ["none"]


def test_what_fits_nowhere_is_said_before_anything_is_sent() -> None:
    wish = ask("a", "." * 3000)
    with pytest.raises(TooLarge, match="item 1 of the history takes 30"):
        planned(wish, can=capabilities(message_bytes=2500))
    with pytest.raises(TooLarge, match="the turn takes"):
        planned(wish, can=capabilities(message_bytes=2500, features=[]))
    with pytest.raises(TooLarge, match="nothing may be kept"):
        planned(
            ask(*("." * 600 for _ in range(8)), retention="none"), can=capabilities("segue-http", message_bytes=2500)
        )


def test_the_same_turn_is_known_again() -> None:
    assert ask("a").repeats(ask("a", deadline_ms=1))
    assert not ask("a").repeats(ask("b"))
    assert not ask("a").repeats(ask("a", retention="none"))


# ---- what is held


def test_a_history_agrees_with_what_an_sdk_rebuilt() -> None:
    sealed = b'{"type":"reasoning","id":"r1","summary":[],"encrypted_content":"abc"}'
    mine = History([*items("a"), sealed])
    rebuilt = [b'{"type":"message","role":"user","content":[{"type":"input_text","text":"a"}]}',
               b'{"type":"reasoning","summary":[]}']  # fmt: skip
    assert mine.common([entry_of(item) for item in rebuilt]) == 2
    other = b'{"type":"reasoning","summary":[],"encrypted_content":"else"}'
    assert mine.common([entry_of(item) for item in [rebuilt[0], other]]) == 1
    memory = Memory(mine)
    whole, begin = memory.replaced([entry_of(item) for item in [*rebuilt, *items("b")]])
    assert (whole.items[:2], begin) == (mine.items, 2)


def test_an_item_without_a_digest_proves_nothing_from_there_on() -> None:
    odd = b'{"type":"vendor:x","n":123456789012345678901}'
    history = History([*items("a"), odd, *items("b")])
    assert [history.mark(at).digest is None for at in range(4)] == [False, False, True, True]
    assert history.mark().length == 3
    assert history.common([entry_of(item) for item in history.items]) == 3
    assert history.common([entry_of(item) for item in [items("a")[0], odd + b" "]]) == 1


def test_a_history_may_begin_behind_a_compaction() -> None:
    covers = {"digest": history_digest(items("x", "y")), "length": 2}
    compaction = msgspec.json.encode({"type": "compaction", "encrypted_content": "z", "covers": covers})
    assert History([compaction]).mark().length == 3
    broken = msgspec.json.encode({"type": "compaction", "encrypted_content": "z", "covers": {"digest": "no"}})
    assert History([broken]).mark() == (None, 1)
    assert History().mark() == (EMPTY_HISTORY, 0)


def test_what_is_no_item_is_not_sent() -> None:
    for raw, told in ((b"[1]", "with a `type`"), (b'{"type":"vendor:x","n":123456789012345678901}', "no digest")):
        with pytest.raises(LocalProtocolError, match=told):
            entries_of([msgspec.Raw(raw)])


# ---- what can be asked for


def test_what_a_wire_can_carry_where_nobody_told() -> None:
    can = {wire: capabilities_of(wire) for wire in ("segue-ws", "openai-http", "chat", "tomorrow")}
    assert [can[wire].parents for wire in can] == [True, True, False, False]
    assert [can[wire].names for wire in can] == [False] * 4
    assert can["tomorrow"].features == frozenset()
    assert can["openai-http"].message_bytes is None
    assert can["openai-http"].silence is None
    can["openai-http"].require_retention("durable")  # nobody said that it is not offered


def test_a_binding_narrows_what_the_endpoint_offers() -> None:
    said = models.Capabilities(
        model_input="exact",
        principal="single",
        names_survive="restart",
        retention=["none", "cached", "connection"],
        features=["resume", "final", "cancel"],
    )
    limits = models.Limits(heartbeat_ms=1500, message_bytes=9, replay_ms=1, name_ms=1)
    bindings = [
        models.Binding(wire="segue-http", url="/", features=["resume"], retention=["none", "cached"]),
        models.Binding(wire="openai-http", url="/", features=["final"]),
        models.Binding(wire="x", url="/"),
    ]
    document = models.Discovery(versions=["1.0"], endpoint="e", bindings=bindings, capabilities=said, limits=limits)
    can = capabilities_of("segue-http", document=document)
    assert (can.features, can.retention, can.names) == (frozenset({"resume"}), {"none", "cached"}, True)
    assert (can.default_retention, can.message_bytes, can.silence) == ("none", 9, 3.0)
    plain = capabilities_of("openai-http", document=document)
    assert (plain.features, plain.names, plain.proves) == (frozenset({"final"}), False, False)
    extended = capabilities_of("openai-http+segue", document=document)
    assert extended.features == {"resume", "final", "cancel"}
    assert extended.names
    assert extended.proves
