"""A conversation with an endpoint that loses, cuts, drains, doubles, crashes: nothing is lost, nothing runs twice."""

from __future__ import annotations

from typing import Any

import msgspec
from faulty_shop import Shop, capabilities, error, refused
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from segue_adapters.conversation.commands import Connect, Ended, Submit
from segue_adapters.conversation.driver import Driver
from segue_adapters.conversation.events import Recovery
from segue_adapters.conversation.memory import Memory, entries_of
from segue_adapters.conversation.plan import Ask, Context, Facts
from segue_adapters.conversation.rules import Patience
from segue_adapters.errors import ConnectionCut, HistoryDiffers, TimedOut, TransportError, TurnUnknown, Unreachable
from segue_schemas import models

#: No turn takes more steps than that, whatever goes wrong.
STEPS = 900

OPENING = st.sampled_from(["well"] * 6 + ["unreachable"])
SENDING = st.sampled_from(
    ["well"] * 12
    + ["cut before", "cut behind", "ended before", "draining", "overloaded", "broken", "quota", "lost", "no context"]
)
READING = st.sampled_from(["well"] * 24 + ["twice", "cut", "silent", "crash", "progress", "slow reader", "ended"])
CUT = ConnectionCut("the connection was cut", "ws://e", code=1006)


class Talks(RuleBasedStateMachine):
    """One conversation, its forks, and two endpoints."""

    @initialize(
        survive=st.sampled_from(["process", "restart"]),
        size=st.sampled_from([1 << 20, 1500]),
        retention=st.sampled_from([None, "connection", "none"]),
        places=st.sampled_from([1, 2]),
    )
    def begin(self, survive: str, size: int, retention: Any, places: int) -> None:
        can = capabilities(names_survive=survive, message_bytes=size)
        self.shops = [Shop(can, f"c{place}_") for place in range(places)]
        self.place = 0
        self.line = 1
        self.memory = Memory()
        self.forks: list[Memory] = []
        self.contexts: list[set[str]] = [set() for _ in self.shops]
        self.context: dict[str, Any] = {"model": "m", "instructions": "x" * 100}
        self.retention = retention
        self.now = 0.0
        self.said = 0

    # -- what happens between turns

    @rule()
    def handles_are_lost(self) -> None:
        self.shops[self.place].lose_handles()

    @rule()
    def contexts_are_lost(self) -> None:
        self.shops[self.place].lose_contexts()

    @rule()
    def a_crash(self) -> None:
        self.shops[self.place].crash()

    @rule()
    def another_line(self) -> None:
        self._new_line()

    @rule(word=st.sampled_from(["a", "b"]))
    def another_context(self, word: str) -> None:
        self.context = {"model": "m", "instructions": word * 120}

    @rule(at=st.integers(0, 8))
    def fork(self, at: int) -> None:
        self.forks.append(self.memory)
        self.memory = self.memory.fork(min(at, len(self.memory.history)))

    @rule()
    def back(self) -> None:
        if self.forks:
            self.memory = self.forks.pop()

    # -- turns

    @rule(data=st.data())
    def turn(self, data: st.DataObject) -> None:
        self._turn(data, faults=True)

    @rule(data=st.data())
    def turn_in_peace(self, data: st.DataObject) -> None:
        """Whatever was lost before: with no fault under way a turn completes."""
        outcome, _ = self._turn(data, faults=False)
        assert outcome.completed is not None

    @rule(data=st.data(), at=st.integers(0, 6))
    def turn_on_another_history(self, data: st.DataObject, at: int) -> None:
        items = [msgspec.Raw(item) for item in self.memory.history.items[:at]]
        self._turn(data, faults=True, history=[*items, self._message()])

    @rule(data=st.data(), effect=st.sampled_from(["none", "unknown"]), advice=st.sampled_from(["retry", "give_up"]))
    def turn_that_fails(self, data: st.DataObject, effect: str, advice: str) -> None:
        self.shops[self.place].fails = error("upstream_failed", advice, effect)
        outcome, _ = self._turn(data, faults=False)
        self.shops[self.place].fails = None
        again = (effect, advice) == ("none", "retry")
        assert (outcome.completed if again else outcome.failed) is not None

    @rule(data=st.data())
    def a_lie(self, data: st.DataObject) -> None:
        shop = self.shops[self.place]
        shop.lies = True
        outcome, ended = self._turn(data, faults=False)
        shop.lies = False
        assert isinstance(ended.error, HistoryDiffers)
        assert not outcome.proved
        assert outcome.continuation is None or outcome.continuation.id not in [h.id for h in self.memory.handles]

    def _message(self) -> msgspec.Raw:
        self.said += 1
        text = f"question {self.said} " + "." * (self.said % 3 * 150)
        return msgspec.Raw(msgspec.json.encode({"type": "message", "role": "user", "content": text}))

    def _new_line(self) -> None:
        self.shops[self.place].end_line(self.line)
        self.line += 1

    def _turn(self, data: st.DataObject, *, faults: bool, history: Any = None) -> tuple[Any, Ended]:
        if history is None:
            whole, begin = self.memory.extended(entries_of([self._message()]))
        else:
            whole, begin = self.memory.replaced(entries_of(history))
        before = self.memory.history.items
        driver = Driver(
            Ask(whole, begin, Context.of(self.context), retention=self.retention),
            self.memory.handles,
            clock=lambda: self.now,
            jitter=lambda: 0.5,
            patience=Patience(),
            places=len(self.shops) - self.place,
        )
        ran = sum(sum(shop.ran.values()) for shop in self.shops)
        forgotten = self._drive(driver, data, faults)
        ended = driver.command
        assert isinstance(ended, Ended)
        self.memory.settle(driver, ended)
        outcome = driver.outcome
        ran = sum(sum(shop.ran.values()) for shop in self.shops) - ran
        # At most one generation, but where the endpoint forgot a name before anybody heard that it was claimed.
        assert ran <= 1 + forgotten
        if outcome.completed is not None:
            self._compare(driver, ended)
        else:
            assert self.memory.history.items == before
        if ended.error is None:
            assert (outcome.completed, outcome.failed, outcome.refused).count(None) == 2
        if isinstance(ended.error, TurnUnknown):
            assert outcome.completed is None
        # What an honest endpoint does, and a network, is never taken for a breach.
        assert ended.error is None or isinstance(ended.error, TransportError | TurnUnknown | HistoryDiffers)
        assert not isinstance(ended.error, HistoryDiffers) or self.shops[self.place].lies
        recoveries = [event for event in driver.events if isinstance(event, Recovery)]
        assert recoveries == outcome.recoveries
        assert len(recoveries) <= 2 * (Patience().total + len(self.shops)) + 8
        return outcome, ended

    def _compare(self, driver: Driver, ended: Ended) -> None:
        """What the model saw is what was asked, and what the endpoint holds is what is held here."""
        asked = [entry.digest for entry in driver.ask.history.entries()]
        assert any(saw == asked for shop in self.shops for saw in shop.saw)
        assert self.memory.history.items[: len(asked)] == driver.ask.history.items
        assert len(self.memory.history) == len(asked) + 1
        handle = self.memory.continuation
        if ended.error is not None:
            assert handle is None
            return
        assert driver.outcome.proved
        held = handle and self.shops[self.place].held.get(handle.id)
        if held:
            assert [e.digest for e in held.history.entries()] == [e.digest for e in self.memory.history.entries()]

    def _facts(self) -> Facts:
        return Facts(self.place, self.line, self.shops[self.place].can, self.contexts[self.place])

    def _drive(self, driver: Driver, data: st.DataObject, faults: bool) -> int:
        """Run a turn to its end; return how often a name was forgotten that nobody had heard of yet."""
        pipe: list[Any] = []
        forgotten = 0
        for _ in range(STEPS):
            command = driver.command
            if isinstance(command, Ended):
                return forgotten
            if isinstance(command, Connect):
                self.now = max(self.now, command.at)
                if command.elsewhere:
                    self.place += 1
                    self.line += 1
                elif command.avoid == self.line:
                    self._new_line()
                pipe = []
                if faults and data.draw(OPENING) == "unreachable":
                    driver.unreachable(Unreachable("refused", "ws://e"))
                else:
                    driver.connected(self._facts())
            elif isinstance(command, Submit):
                self.now = max(self.now, command.at)
                pipe = self._send(driver, command, data.draw(SENDING) if faults else "well")
            else:
                what = data.draw(READING) if faults else "well"
                if what == "crash" and driver._fate != "accepted":
                    forgotten += self.shops[self.place].can.names_survive == "process"
                pipe = self._read(driver, pipe, what)
        raise AssertionError(f"no end after {STEPS} steps: {driver.command}")

    def _send(self, driver: Driver, command: Submit, what: str) -> list[Any]:
        shop, message = self.shops[self.place], command.message
        starts = isinstance(message, models.TurnStart)
        if what == "ended before":
            driver.failed(CUT)
            return []
        driver.submitting()
        if what == "cut before":
            driver.failed(CUT)
            return []
        if what == "cut behind":
            shop.hear(message, self.line)
            driver.failed(CUT)
            return []
        if what == "lost":
            shop.lose_handles()
        if what == "no context":
            shop.lose_contexts()
        said = {
            "draining": ("draining", "reconnect"),
            "overloaded": ("overloaded", "wait"),
            "broken": ("internal_error", "retry"),
            "quota": ("quota_exceeded", "give_up"),
        }.get(what)
        driver.submitted()
        if said is not None and starts and message.turn not in shop.names:
            return [refused(message, *said)]
        return shop.hear(message, self.line)

    def _read(self, driver: Driver, pipe: list[Any], what: str) -> list[Any]:
        shop = self.shops[self.place]
        if what in ("cut", "crash", "silent") or not pipe:
            if what == "crash":
                shop.crash()
            driver.failed(TimedOut("nothing came", "ws://e") if what == "silent" else CUT)
            return []
        if what == "progress":
            driver.received(models.TurnProgress(turn=driver.name, phase="thinking"))
            return pipe
        if what == "slow reader":
            told = error("slow_reader", "reconnect", "partial")
            driver.received(models.ErrorMessage(error=told, turn=driver.name))
            return []
        message = pipe[0]
        driver.received(message)
        if what == "twice" and not isinstance(driver.command, Ended | Connect | Submit):
            driver.received(message)
        return pipe[1:]

    @invariant()
    def nothing_is_doubled(self) -> None:
        """No item of the user stands twice in the history."""
        if hasattr(self, "memory"):
            asked = [item for item in self.memory.history.items if b'"user"' in item]
            assert len(asked) == len(set(asked))


TestTalks = Talks.TestCase
TestTalks.settings = settings(
    max_examples=80, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
