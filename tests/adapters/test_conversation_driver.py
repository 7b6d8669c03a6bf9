"""One turn's machine, step by step: what it does about each thing that can happen."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from faulty_shop import Shop, capabilities, error, refused
from segue_adapters.conversation.commands import Connect, Ended, Listen, Submit
from segue_adapters.conversation.driver import Driver
from segue_adapters.conversation.events import Recovery
from segue_adapters.conversation.history import History
from segue_adapters.conversation.plan import Ask, Context, Facts, Handle
from segue_adapters.conversation.rules import Patience
from segue_adapters.errors import (
    AnswerTooLarge,
    ConnectionCut,
    HistoryDiffers,
    NotCarried,
    RemoteProtocolError,
    TooLarge,
    TurnUnknown,
    Unauthorised,
    Unreachable,
)
from segue_schemas import models

CUT = ConnectionCut("cut", "ws://e", code=1006)
DIGEST = "segue1-sha256:" + "B" * 42 + "A"


def item(text: str) -> bytes:
    return msgspec.json.encode({"type": "message", "role": "user", "content": text})


class Talk:
    """A driver, the connection that it has, and an endpoint."""

    def __init__(self, *, can: Any = None, known: bool = False, texts: Any = ("a", "b", "c"), **more: Any) -> None:
        self.now = 0.0
        self.shop = Shop(can)
        settings = more.pop("settings", {})
        history = History(item(text) for text in texts)
        context = Context.of({"model": "m", "instructions": "x" * 90})
        self.ask = Ask(history, len(history) - 1, context, **settings)
        handles = [Handle("c0", len(history) - 1, history.mark(len(history) - 1), context.digest, 0)] if known else []
        patience = more.pop("patience", Patience())
        clock = lambda: self.now  # noqa: E731
        self.driver = Driver(self.ask, handles, clock=clock, jitter=lambda: 0.5, patience=patience, **more)
        self.pipe: list[Any] = []

    def connect(self, *, line: int = 1, place: int = 0, can: Any = None) -> Talk:
        assert isinstance(self.driver.command, Connect), self.driver.command
        self.contexts: set[str] = getattr(self, "contexts", set())
        self.driver.connected(Facts(place, line, can or self.shop.can, self.contexts))
        return self

    def send(self) -> Talk:
        command = self.driver.command
        assert isinstance(command, Submit), command
        self.driver.submitting()
        self.driver.submitted()
        self.pipe = self.shop.hear(command.message, 1)
        return self

    def read(self, count: int = 1) -> Talk:
        for _ in range(count):
            assert isinstance(self.driver.command, Listen), self.driver.command
            self.driver.received(self.pipe.pop(0))
        return self

    def refuse(self, code: str, advice: str, effect: str = "none", **members: Any) -> Talk:
        command = self.driver.command
        assert isinstance(command, Submit), command
        self.driver.submitting()
        self.driver.submitted()
        self.driver.received(refused(command.message, code, advice, effect, **members))
        return self

    def finish(self) -> Any:
        """Go on with no fault to the end."""
        for _ in range(60):
            command = self.driver.command
            if isinstance(command, Ended):
                return command
            if isinstance(command, Connect):
                self.connect(line=9)
            elif isinstance(command, Submit):
                self.send()
            else:
                self.read()
        raise AssertionError("no end")

    @property
    def did(self) -> list[str]:
        return [recovery.what for recovery in self.driver.outcome.recoveries]

    @property
    def command(self) -> Any:
        return self.driver.command


# ---- connections


def test_where_the_key_is_wrong_nothing_is_tried_again() -> None:
    talk = Talk()
    talk.driver.unreachable(Unauthorised("no", "w"))
    assert isinstance(talk.command, Ended)
    assert talk.command.settled
    talk = Talk(places=2)
    talk.driver.unreachable(NotCarried("w", "x"))
    assert talk.command == Connect(elsewhere=True)
    talk.connect(place=1).finish()
    assert talk.driver.outcome.completed


def test_a_place_that_is_down_is_tried_so_often_and_then_the_next() -> None:
    talk = Talk(places=2, patience=Patience(reconnects=3, first=1.0))
    waits = []
    while not (isinstance(talk.command, Connect) and talk.command.elsewhere):
        talk.driver.unreachable(Unreachable("down", "w"))
        waits.append(talk.command.at)
    assert waits == [0.0, 1.0, 2.0, 0.0]
    talk.connect(place=1).finish()
    assert talk.did == ["reconnect"] * 3 + ["elsewhere"]
    alone = Talk(patience=Patience(reconnects=1))
    for _ in range(2):
        alone.driver.unreachable(Unreachable("down", "w"))
    assert isinstance(alone.command, Ended)
    assert isinstance(alone.command.error, Unreachable)
    alone.driver.retry()
    alone.finish()
    assert alone.driver.outcome.completed


def test_a_close_for_the_wire_takes_another_wire_or_ends() -> None:
    big = ConnectionCut("too big", "ws://e", code=1009)
    for can in (capabilities(), capabilities("openai-ws", features=[])):
        talk = Talk(can=can).connect()
        talk.driver.submitting()
        talk.driver.failed(big)
        assert talk.command.other_wire
        talk.driver.no_other_wire()
        assert talk.command.error is big
        talk = Talk(can=can).connect()
        talk.driver.submitting()
        talk.driver.failed(big)
        talk.finish()
        assert talk.driver.outcome.completed
        assert list(talk.shop.ran.values()) == [1]


def test_what_the_endpoint_said_before_it_closed_goes_before_the_code() -> None:
    talk = Talk().connect().send().read(2)
    talk.driver.failed(ConnectionCut("closed", "w", code=4429), error("quota_exceeded", "give_up"))
    assert isinstance(talk.command, Ended)
    assert not talk.command.settled
    talk = Talk().connect().send().read(2)
    talk.driver.failed(ConnectionCut("closed", "w", code=4429), error("rate_limited", "wait", retry_after_ms=3000))
    assert 3.0 <= talk.command.at < 4.0
    talk.finish()
    assert talk.driver.outcome.proved


def test_what_never_left_this_machine_did_not_run() -> None:
    talk = Talk(can=capabilities("openai-http", features=[])).connect()
    talk.driver.submitting()
    talk.driver.submitted()
    talk.driver.failed(Unreachable("down", "w"))
    assert isinstance(talk.command, Connect)
    talk.connect()
    talk.driver.submitting()
    talk.driver.failed(NotCarried("openai-http", "it"))
    assert isinstance(talk.command.error, NotCarried)
    assert talk.command.settled


@pytest.mark.parametrize(("wire", "settled"), [("segue-ws", False), ("openai-ws", True)])
def test_a_breach_ends_the_wait(wire: str, settled: bool) -> None:
    for fault in (RemoteProtocolError("breach"), AnswerTooLarge("big", "w")):
        talk = Talk(can=capabilities(wire)).connect().send()
        talk.driver.failed(fault)
        assert talk.command == Ended(fault, settled=settled)
    talk = Talk(can=capabilities(wire)).connect().send().read()
    talk.driver.received(models.ItemDelta(turn=talk.driver.name, index=7, seq=1, at="/content", append="x"))
    assert isinstance(talk.command.error, RemoteProtocolError)
    assert talk.command.settled is settled


def test_nothing_fits_there() -> None:
    talk = Talk(can=capabilities(message_bytes=200, features=[])).connect()
    assert isinstance(talk.command.error, TooLarge)
    assert talk.driver.outcome.sent is None


def test_what_it_took_to_connect_is_told() -> None:
    talk = Talk()
    note = Recovery(talk.driver.name, "fallback", "blocked")
    talk.driver.connected(Facts(0, 1, capabilities()), [note])
    assert list(talk.driver.events) == talk.driver.outcome.recoveries == [note]


def test_a_cut_on_a_wire_without_names_is_not_repaired() -> None:
    talk = Talk(can=capabilities("openai-ws")).connect().send().read()
    talk.driver.failed(CUT)
    assert isinstance(talk.command.error, TurnUnknown)
    assert "openai-ws has no way to ask" in str(talk.command.error)


# ---- what may have run


def test_where_names_hold_the_same_start_goes_again() -> None:
    talk = Talk(can=capabilities(names_survive="restart")).connect().send()
    talk.driver.failed(CUT)
    talk.connect(line=2)
    assert isinstance(talk.command.message, models.TurnStart)
    assert talk.command.repeated
    talk.finish()
    assert list(talk.shop.ran.values()) == [1]
    assert "repeat" in talk.did


def test_a_tier_that_the_other_wire_has_not_is_asked_about_first() -> None:
    can = capabilities(names_survive="restart")
    talk = Talk(can=can, settings={"retention": "connection"}).connect().send()
    talk.driver.failed(CUT)
    talk.connect(line=2, can=capabilities("segue-http", names_survive="restart"))
    assert isinstance(talk.command.message, models.TurnResume)


def test_a_turn_that_may_run_is_not_taken_to_a_wire_without_names() -> None:
    talk = Talk().connect().send()
    talk.driver.failed(CUT)
    talk.connect(line=2, can=capabilities("openai-http", features=[]))
    assert isinstance(talk.command.error, TurnUnknown)
    assert not talk.command.settled


@pytest.mark.parametrize("may_repeat", [False, True])
def test_a_turn_that_the_endpoint_forgot(may_repeat: bool) -> None:
    talk = Talk(may_repeat=may_repeat).connect().send().read(2)
    talk.driver.failed(CUT)
    talk.shop.crash()
    ended = talk.finish()
    if may_repeat:
        assert talk.driver.outcome.completed
        assert "reread" in talk.did
        assert sum(talk.shop.ran.values()) == 2
    else:
        assert isinstance(ended.error, TurnUnknown)
        assert "may_repeat" in str(ended.error)
        assert sum(talk.shop.ran.values()) == 1


def test_a_turn_that_may_run_here_is_not_begun_elsewhere() -> None:
    talk = Talk(places=2, patience=Patience(reconnects=0)).connect().send()
    talk.driver.failed(CUT)
    assert talk.command.elsewhere
    talk.shop.names.clear()
    talk.connect(place=1).send().read()
    assert isinstance(talk.command.error, TurnUnknown)


@pytest.mark.parametrize("advice", ["retry", "wait"])
def test_a_resume_that_is_refused_for_now_is_asked_again(advice: str) -> None:
    talk = Talk().connect().send().read(2)
    talk.driver.failed(CUT)
    talk.connect(line=2).refuse("overloaded", advice, retry_after_ms=2000)
    assert isinstance(talk.command.message, models.TurnResume)
    assert talk.command.at > 1.0
    talk.finish()
    assert talk.driver.outcome.proved


def test_a_resume_that_can_not_begin_behind_a_number_begins_at_the_beginning() -> None:
    talk = Talk().connect().send().read(3)
    talk.driver.failed(CUT)
    talk.connect(line=2).refuse("invalid_request", "fix")
    assert talk.command.message.after is msgspec.UNSET
    talk.finish()
    assert talk.driver.outcome.text == "answer 3"
    assert "reread" in talk.did
    again = Talk().connect().send().read(3)
    again.driver.failed(CUT)
    again.connect(line=2).refuse("invalid_request", "fix").refuse("invalid_request", "fix")
    assert isinstance(again.command.error, TurnUnknown)


@pytest.mark.parametrize("where", ["resume", "start", "reading"])
def test_a_record_that_is_gone_is_told(where: str) -> None:
    talk = Talk(can=capabilities(names_survive="restart")).connect().send()
    if where != "start":
        talk.read(2)
    if where == "reading":
        talk.driver.received(models.ErrorMessage(error=error("events_gone", "give_up", "partial"), turn="t"))
    else:
        talk.driver.failed(CUT)
        talk.connect(line=2).refuse("events_gone", "give_up", "unknown")
    assert isinstance(talk.command.error, TurnUnknown)
    assert talk.command.settled


def test_a_reading_that_ends_on_a_wire_without_names_can_not_be_read_on() -> None:
    talk = Talk(can=capabilities("openai-ws")).connect().send().read(2)
    talk.driver.received(models.ErrorMessage(error=error("interrupted", "reconnect", "unknown"), turn="t"))
    assert isinstance(talk.command.error, TurnUnknown)


# ---- refusals and failures


def test_a_refusal_that_says_nothing_to_do_is_the_outcome() -> None:
    for code, advice in (("invalid_request", "fix"), ("unauthenticated", "authenticate"), ("forbidden", "give_up")):
        talk = Talk().connect().refuse(code, advice)
        assert talk.command == Ended()
        assert talk.driver.outcome.refused.code == code
        assert talk.driver.outcome.sent.kind == "full"
    moved = Talk(places=2).connect().refuse("quota_exceeded", "give_up")
    assert moved.command.elsewhere
    assert moved.driver.outcome.refused is None
    stays = Talk(places=2).connect().refuse("invalid_request", "fix")
    assert stays.driver.outcome.refused


def test_what_was_sent_whole_is_not_sent_whole_again() -> None:
    talk = Talk(known=True).connect().refuse("continuation_not_found", "resend_full")
    assert talk.command.message.parent is msgspec.UNSET
    assert talk.driver.dropped == {"c0"}
    talk.refuse("invalid_request", "resend_full")
    assert talk.driver.outcome.refused.code == "invalid_request"
    context = Talk().connect().refuse("context_not_found", "resend_context")
    assert context.driver.outcome.refused.code == "context_not_found"


def test_a_context_that_is_not_held_is_sent_whole() -> None:
    talk = Talk()
    talk.contexts = {talk.ask.context.digest}
    talk.connect()
    assert bytes(talk.command.message.context)[:1] == b'"'
    talk.send().read()
    assert bytes(talk.command.message.context) == talk.ask.context.raw
    talk.finish()
    assert talk.did == ["resend_context"]


@pytest.mark.parametrize(("advice", "what"), [("retry", "retry"), ("wait", "wait"), ("reconnect", "reconnect")])
def test_a_failure_before_the_model_ran_is_tried_under_another_name(advice: str, what: str) -> None:
    talk = Talk(known=True)
    talk.shop.held["c0"] = talk.shop.held.get("c0") or _held(talk)
    name = talk.driver.name
    talk.shop.fails = error("upstream_failed", advice, "none")
    talk.connect().finish()
    assert talk.driver.name != name
    assert talk.driver.outcome.completed
    assert talk.driver.outcome.failed is None
    assert what in talk.did


def _held(talk: Talk) -> Any:
    from faulty_shop import Held

    return Held(talk.ask.history.copy(2), talk.ask.context.digest or "", None)


def test_a_failure_that_may_have_run_is_the_outcome() -> None:
    talk = Talk()
    talk.shop.fails = error("upstream_failed", "retry", "unknown")
    assert talk.connect().finish() == Ended()
    assert talk.driver.outcome.failed.error.effect == "unknown"
    assert talk.did == []


# ---- cancel


def test_a_turn_that_was_not_sent_is_not_sent_any_more() -> None:
    talk = Talk()
    talk.driver.cancel()
    assert talk.command == Ended()
    assert talk.driver.outcome.refused.code == "cancelled"
    waiting = Talk(places=2).connect().refuse("overloaded", "wait")
    waiting.driver.cancel()
    assert waiting.driver.outcome.refused.code == "cancelled"


def test_a_cancel_while_the_turn_is_sent_stays() -> None:
    talk = Talk().connect()
    talk.driver.cancel()
    talk.driver.submitted()
    assert talk.command == Ended()


def test_a_context_without_a_digest_is_sent_whole_each_time() -> None:
    talk = Talk(known=True)
    talk.driver.ask = Ask(talk.ask.history, 2, Context.of({"model": "m", "n": 2**60}))
    talk.connect()
    assert talk.command.message.parent is msgspec.UNSET
    talk.driver.submitting()
    talk.driver.submitted()
    talk.driver.received(models.TurnAccepted(turn=talk.driver.name, seq=0, context=DIGEST))
    assert talk.contexts == set()
    assert talk.driver._breach is None


def test_a_cancel_is_said_again_on_another_connection() -> None:
    talk = Talk().connect().send().read()
    assert talk.driver.running
    talk.driver.cancel()
    assert [extra.turn for extra in talk.driver.extras] == [talk.driver.name]
    talk.driver.extras.clear()
    talk.driver.failed(CUT)
    talk.connect(line=2)
    talk.driver.submitting()
    talk.driver.submitted()
    assert len(talk.driver.extras) == 1
    told = models.ErrorMessage(error=error("turn_not_found", "give_up"), refused="turn.cancel", turn=talk.driver.name)
    talk.driver.received(told)
    assert talk.driver.events[-1] is told
    assert isinstance(talk.command, Listen)


def test_a_cancel_between_parts_ends_them() -> None:
    talk = Talk(can=capabilities(message_bytes=2500), texts=["." * 600] * 8).connect().send().read()
    assert not talk.driver.running
    talk.driver.cancel()
    talk.read()
    assert talk.command == Ended()
    assert talk.driver.outcome.refused.code == "cancelled"
    assert talk.driver.issued
    assert sum(talk.shop.ran.values()) == 0


# ---- parts


def test_parts_that_were_not_kept_are_sent_again_and_not_for_ever() -> None:
    talk = Talk(can=capabilities(message_bytes=2500), texts=["." * 600] * 8).connect()
    for _ in range(6):
        if isinstance(talk.command, Ended):
            break
        talk.send()
        del talk.pipe[-1].continuation
        talk.pipe[-1].continuation = msgspec.UNSET
        talk.read(2)
    assert talk.driver.outcome.refused.code == "retention_unavailable"
    assert talk.driver.outcome.completed is None
    assert talk.did == ["resend_full"] * 2


def test_parts_begin_again_where_the_next_does_not_find_the_one_before() -> None:
    settings = {"retention": "none"}
    talk = Talk(can=capabilities(message_bytes=2500), texts=["." * 600] * 8, settings=settings).connect().send().read(2)
    assert talk.command.message.parent
    talk.driver.failed(CUT)
    talk.connect(line=2)
    assert talk.command.message.parent is msgspec.UNSET
    talk.finish()
    assert talk.driver.outcome.completed
    kept = Talk(can=capabilities(message_bytes=2500), texts=["." * 600] * 8).connect().send().read(2)
    kept.driver.failed(CUT)
    kept.connect(line=2)
    assert kept.command.message.parent
    assert len(kept.finish().__class__.__name__) == 5
    assert kept.driver.outcome.sent.parts == 4


# ---- agreement


def test_both_digests_are_told_and_the_first_item_that_differs() -> None:
    talk = Talk().connect().send()
    talk.shop.lies = True
    for message in talk.pipe:
        if isinstance(message, models.ItemCompleted | models.TurnCompleted):
            message.digest = DIGEST
    talk.read(len(talk.pipe))
    differs = talk.command.error
    assert isinstance(differs, HistoryDiffers)
    assert (differs.theirs, differs.index) == (DIGEST, 3)
    assert differs.mine in str(differs)
    assert "the first item that differs is 3" in str(differs)
    assert talk.driver.issued == []


@pytest.mark.parametrize("place", ["digest", "length", "continuation"])
def test_each_of_what_is_told_has_to_agree(place: str) -> None:
    talk = Talk().connect().send()
    end = talk.pipe[-1]
    if place == "continuation":
        end.continuation.digest = DIGEST
    else:
        setattr(end, place, DIGEST if place == "digest" else 99)
    talk.read(len(talk.pipe))
    assert isinstance(talk.command.error, HistoryDiffers)
    assert talk.command.error.index is None


def test_nothing_that_is_not_told_is_held_against_it() -> None:
    talk = Talk().connect().send()
    end = talk.pipe[-1]
    end.digest = end.length = msgspec.UNSET
    end.continuation = models.Continuation(id="c7", retention="connection", expires_in_ms=500)
    talk.pipe[4].digest = msgspec.UNSET
    talk.read(len(talk.pipe))
    assert talk.command == Ended()
    assert not talk.driver.outcome.proved
    (handle,) = talk.driver.issued
    assert (handle.id, handle.line, handle.expires) == ("c7", 1, 0.5)
    gone = Talk().connect().send()
    gone.pipe[-1].continuation.expires_in_ms = 0
    gone.read(len(gone.pipe))
    assert gone.driver.issued == []


def test_another_context_than_was_asked_for_is_a_breach() -> None:
    talk = Talk().connect().send()
    talk.pipe[0].context = DIGEST
    talk.read(len(talk.pipe))
    assert isinstance(talk.command.error, RemoteProtocolError)
    assert "another context" in str(talk.command.error)
    assert talk.driver.issued == []


def test_a_history_that_is_told_twice_is_built_once() -> None:
    talk = Talk().connect().send().read(3)
    again = next(iter(talk.shop.names.values())).events
    talk.pipe = list(again)
    talk.read(len(again))
    assert talk.driver.outcome.text == "answer 3"
    assert talk.did == ["reread"]
