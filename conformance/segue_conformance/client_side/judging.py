"""What all scenarios judge by: whether each turn had the whole history, how a run ended, whether it was finished.

Nothing is concluded from a client's inside: only what it sent, when, and the exit code of its process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..verdicts import Deviation, Inconclusive
from .agent import Finish
from .seen import Ask, Item, Key, Log, key, text_of
from .task import Conversation, Task

__all__ = [
    "KINDS", "Problem", "Run", "check_bounded", "check_outcome", "check_whole", "finished", "moved_on", "problems",
    "unanswered",
]  # fmt: skip

BOUND = "SEG-ERR-020"
ANSWERED = "SEG-ERR-022"
RESEND = "SEG-CONT-091"
DELTA = "SEG-CONT-090"
MIXED = "SEG-ISO-020"
KINDS = ("refused", "mixed", "doubled", "resent", "lost", "order")
#: Items that a client may leave out of a full resend without losing anything that was said.
_LEFT_OUT = ("reasoning",)
#: A parent that a cut or a close took away: to try it first is fair, the endpoint might have had it.
_MISSES = ("previous_response_not_found", "continuation_not_found")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the agent: what the endpoint saw, how the process ended, and what had been asked of it."""

    log: Log
    finish: Finish
    task: Task
    limit: float
    #: Problems that the run without faults had too.
    known: tuple[str, ...] = ()
    scenario: Any = None

    @property
    def starts(self) -> list[Ask]:
        """The requests for a turn that the model was to answer."""
        return [ask for ask in self.log.asks if ask.generates]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the history of one request.

    `kind`: lost, doubled, resent (what the parent holds came again), order, mixed, refused.
    """

    kind: str
    requirement: str
    told: str
    expected: str
    ask: Ask


def conversation_of(run: Run, ask: Ask) -> Conversation | None:
    """Return the conversation that a request belongs to: the one whose word the user said last."""
    for item in reversed(ask.history or ask.items):
        for conversation in run.task.conversations:
            if item.get("role") == "user" and conversation.word in text_of(item):
                return conversation
    return None


def problems(run: Run) -> Iterator[Problem]:
    """Yield what is wrong with the histories of a run, in the order of its requests."""
    before: dict[Conversation | None, Ask] = {}
    for ask in run.log.asks:
        if ask.kind != "start":
            continue
        conversation = conversation_of(run, ask)
        if ask.record.end == "refused" and not ask.fault and ask.record.code not in _MISSES:
            told = f"request {ask.number} was refused: {ask.record.code}"
            yield Problem("refused", RESEND, told, "a request that the endpoint can take", ask)
        if ask.history is None:
            continue
        yield from _of_one(run, ask, before.get(conversation))
        if ask.answered:
            before[conversation] = ask


def _of_one(run: Run, ask: Ask, before: Ask | None) -> Iterator[Problem]:
    seen = [key(item) for item in ask.history or [] if _spoken(item)]
    mine = [key(item) for item in ask.items if _spoken(item)]
    doubled = [each for place, each in enumerate(seen) if each in seen[:place]]
    if twice := [each for place, each in enumerate(mine) if each in mine[:place]]:
        told = f"request {ask.number} holds {_name(twice[0])} twice"
        yield Problem("doubled", RESEND, told, "each item once", ask)
    elif doubled:
        told = f"request {ask.number} goes on from {ask.parent} and sends again what that holds: {_name(doubled[0])}"
        yield Problem("resent", DELTA, told, "what is new, and nothing that the parent holds", ask)
    foreign = [c for c in run.task.conversations if any(c.word in text_of(i) for i in ask.history or [])]
    if len(foreign) > 1 and not _one_message(run, ask):
        told = f"request {ask.number} holds items of two conversations"
        yield Problem("mixed", MIXED, told, "items of one conversation", ask)
    if before is None or before.history is None or before.record is ask.record or len(foreign) > 1:
        return
    wanted = [key(i) for i in [*before.history, *before.record.output] if _spoken(i) and i.get("type") not in _LEFT_OUT]
    lost = [each for each in wanted if each not in seen]
    if lost:
        how = f"goes on from {ask.parent}" if ask.parent is not None else "sends the history anew"
        told = f"request {ask.number} {how} and lacks {_name(lost[0])}" + (
            f" and {len(lost) - 1} more" * (len(lost) > 1)
        )
        yield Problem("lost", RESEND, told, f"all {len(wanted)} items of the history so far", ask)
    elif not doubled:
        places = [seen.index(each) for each in wanted]
        if places != sorted(places):
            told = f"request {ask.number} has the items of the history in another order"
            yield Problem("order", RESEND, told, "the order in which they came", ask)


def _spoken(item: Item) -> bool:
    """Whether an item is part of what was said: instructions may change from turn to turn."""
    return item.get("role") not in ("system", "developer")


def _one_message(run: Run, ask: Ask) -> bool:
    """Whether the agent took the whole task as one message; then nothing is mixed but the task."""
    words = [conversation.word for conversation in run.task.conversations]
    return any(all(word in text_of(item) for word in words) for item in ask.history or [])


def _name(each: Key) -> str:
    if each[0] == "message":
        return f"the message of the {each[1]} “{each[2][:60]}”"
    words = {"function_call": "the call", "function_call_output": "the output of the call"}
    return f"{words.get(each[0], 'the item ' + each[0])} {each[1][:60]}"


def check_whole(run: Run, kinds: Sequence[str] = KINDS) -> None:
    """Raise the first problem that the run without faults had not."""
    for problem in problems(run):
        if problem.kind in kinds and problem.kind not in run.known:
            raise Deviation(
                f"{problem.told}" + (f" (behind “{problem.ask.fault}”)" if problem.ask.fault else ""),
                expected=problem.expected,
                actual=_shown(problem.ask),
                requirement=problem.requirement,
            )


def _shown(ask: Ask) -> str:
    names = [_short(item) for item in ask.history or ask.items]
    held = len(names) - len(ask.items)
    told = f"parent {ask.parent} ({held} items), then " if ask.parent else ""
    return f"{told}{', '.join(names[held:]) or 'no items'}"


def _short(item: Item) -> str:
    kind = str(item.get("type", "message"))
    return str(item.get("role")) if kind == "message" else f"{kind} {item['call_id']}" if "call_id" in item else kind


def unanswered(run: Run) -> Conversation | None:
    """Return a conversation whose last message has no whole answer; None where all are done."""
    for conversation in run.task.conversations:
        done = [
            ask
            for ask in run.starts
            if ask.answered
            and conversation_of(run, ask) is conversation
            and any(conversation.messages[-1] in text_of(item) for item in ask.history or [])
            and not any(item.get("type") == "function_call" for item in ask.record.output)
        ]
        if not done:
            return conversation
    return None


def moved_on(run: Run, cut: Ask) -> Ask | None:
    """Return the request by which the agent went on from an answer that it never got whole; None where it did not.

    To repeat the turn is fair, and so is to send what came of it as items with a wish to go on.
    """
    conversation = conversation_of(run, cut)
    had = [text_of(item) for item in cut.history or [] if item.get("role") == "user"]
    calls = {item.get("call_id") for item in cut.history or [] if item.get("type") == "function_call"}
    for ask in run.starts:
        if ask.number <= cut.number or conversation_of(run, ask) is not conversation or conversation is None:
            continue
        if cut.answered or (ask.turn is not None and ask.turn == cut.turn):
            return None
        asked = [text_of(item) for item in [*(ask.history or []), *ask.items] if item.get("role") == "user"]
        further = any(m in text for m in conversation.messages for text in asked if text not in had)
        outputs = {item.get("call_id") for item in ask.items if item.get("type") == "function_call_output"}
        repeated = any(other.answered for other in run.starts if cut.number < other.number < ask.number)
        if repeated:
            return None
        if further or not outputs <= calls | {None}:
            return ask
    return None


def finished(run: Run) -> bool:
    """Whether the agent got an answer to everything that it was asked for."""
    return unanswered(run) is None


def check_bounded(run: Run) -> None:
    """Raise where the agent goes on without end, or hangs."""
    count = run.log.contacts
    if run.finish.why == "loop":
        raise Deviation(
            f"the agent repeats what fails without end: it was stopped behind {count} requests",
            expected="a bounded number of repeats, then an end",
            actual=f"{count} requests in {run.finish.seconds:.1f} s",
            requirement=BOUND,
        )
    if run.finish.why != "time":
        return
    idle = run.finish.seconds - run.log.last_at
    if idle >= run.limit / 2:
        raise Deviation(
            f"the agent hangs: nothing was under way, and it had asked nothing for {idle:.1f} s",
            expected="an end, or another request",
            actual=f"it still ran after {run.limit:g} s and was ended",
            requirement=BOUND,
        )
    raise Inconclusive(
        f"the agent had not ended after {run.limit:g} s, in which it made {count} requests; raise --timeout"
    )


def check_outcome(run: Run, *, gave_up: tuple[str, str] | None = None) -> None:
    """Raise where a fault was taken for success; with `gave_up` (requirement, what was hoped for) also where it ended.

    An agent whose last answer never came ends with an exit code that is not 0 (SEG-ERR-022).
    """
    check_bounded(run)
    if finished(run):
        return
    last = run.starts[-1] if run.starts else None
    how = f"its last request ended {last.end or 'without an end'}" if last is not None else "it made no request"
    if run.finish.code == 0:
        raise Deviation(
            f"the agent says that all went well (exit code 0), but {how}",
            expected="the turn again, or an exit code that is not 0",
            actual=f"exit code 0 behind {run.log.contacts} requests",
            requirement=ANSWERED,
        )
    if gave_up is not None:
        raise Deviation(
            f"the agent gave up (exit code {run.finish.code}): {how}",
            expected=gave_up[1],
            actual=f"{len(run.starts)} requests, then the end",
            requirement=gave_up[0],
        )
