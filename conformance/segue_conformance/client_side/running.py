"""Runs the agent once for each scenario and makes the report: the plain run first, since all others stand on it."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

from .. import requirements
from ..grading import Grade, grade, transcript
from ..profiles import exit_code, judge
from ..registry import PLAIN
from ..results import CheckResult, ContactFault, Report, Selection, Target, WireTarget
from ..runner import suite_version
from ..verdicts import Untestable, Verdict
from .agent import CannotStart, Finish, run_agent
from .bytes_sent import weigh
from .judging import Run, problems
from .model import PlainModel
from .resident import Resident
from .scenario import FIRST, Facts, Scenario
from .seen import Log
from .serving import KEY, serving
from .task import Task, make_task

__all__ = ["Agent", "Performance", "check_agent", "environment"]

#: Requests behind which an agent counts as one that repeats without end. The task takes five.
MOST = 60


@dataclass(frozen=True, slots=True)
class Agent:
    """What is to be run, and how: `wires` are those that the endpoint serves."""

    command: Sequence[str]
    wires: frozenset[str] = frozenset(PLAIN)
    limit: float = 30.0
    tool: str | None = None
    arguments: dict[str, object] | None = None
    at_once: int = 1
    one_process: bool = False


@dataclass(slots=True)
class Performance:
    """Results as they come, so that an interrupted run can tell of what it has."""

    results: dict[str, CheckResult] = field(default_factory=dict)
    finishes: dict[str, Finish] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    wires: tuple[str, ...] = ()
    requests: int = 0
    resident: Resident | None = None
    #: Why the command could not be run at all.
    fault: str = ""


def environment(url: str, task: Task, scenario: type[Scenario]) -> dict[str, str]:
    """Return the variables that tell an agent where to go and what to do."""
    return {
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": KEY,
        "SEGUE_URL": f"{url}/v1",
        "SEGUE_API_KEY": KEY,
        "SEGUE_MODEL": "scripted",
        "SEGUE_TASK": task.text,
        "SEGUE_SCENARIO": scenario.id,
        # A proxy of the environment has no part in what happens on this machine.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def check_agent(
    agent: Agent,
    scenarios: Sequence[type[Scenario]],
    *,
    only: Sequence[str] = (),
    rerun: str = "",
    told: Callable[[CheckResult], None] = lambda result: None,
    performance: Performance | None = None,
) -> Report:
    """Run an agent through scenarios and return the report; Ctrl-C ends it early, with what there is."""
    done = performance if performance is not None else Performance()
    wanted = [cls for cls in scenarios if not only or any(cls.matches(pattern) for pattern in only)]
    started, began, interrupted = datetime.now(UTC), time.monotonic(), False
    try:
        asyncio.run(_all(agent, scenarios, wanted, done, told))
    except KeyboardInterrupt:
        interrupted = True
    wires = done.wires or tuple(wire for wire in PLAIN if wire in agent.wires)[:1]
    results = [done.results.get(cls.id) or _left_out(cls, wires[0]) for cls in wanted] if not done.fault else []
    report = Report(
        suite=suite_version(),
        spec=requirements.load().spec,
        target=Target(
            url=" ".join(agent.command),
            role="client",
            wires=() if done.fault else tuple(WireTarget(wire=wire, url="") for wire in wires),
            found_by="what the agent spoke",
        ),
        started_at=started.isoformat(timespec="seconds").replace("+00:00", "Z"),
        duration_ms=round((time.monotonic() - began) * 1000),
        requests=done.requests,
        interrupted=interrupted,
        selection=Selection(only=tuple(only)),
        rerun=rerun,
        notes=tuple(done.notes),
        contact=(ContactFault(wire="", what=done.fault, where=agent.command[0]),) if done.fault else (),
        profiles=judge(
            results,
            () if done.fault else wires,
            available={wire: {cls.profile for cls in scenarios if wire in cls.wires} for wire in wires},
            partial="--only" if only else "",
            second_key=True,
        ),
        results=tuple(results),
    )
    return replace(report, exit_code=exit_code(report))


async def _all(
    agent: Agent,
    scenarios: Sequence[type[Scenario]],
    wanted: Sequence[type[Scenario]],
    done: Performance,
    told: Callable[[CheckResult], None],
) -> None:
    done.resident = Resident(agent.command) if agent.one_process else None
    try:
        await _scenarios(agent, scenarios, wanted, done, told)
    except CannotStart as fault:
        done.fault = f"the agent's command can't be started: {fault}"
    finally:
        if done.resident is not None:
            await done.resident.close()


async def _scenarios(
    agent: Agent,
    scenarios: Sequence[type[Scenario]],
    wanted: Sequence[type[Scenario]],
    done: Performance,
    told: Callable[[CheckResult], None],
) -> None:
    first = next(cls for cls in scenarios if cls.id == FIRST)
    plain = await _perform(agent, first, Facts(), done)
    facts = _facts(plain)
    done.wires = tuple(facts.wires)
    if plain.starts:
        weight = weigh(plain)
        done.notes.append(
            f"In the task without faults the agent sent {weight.sent:,} bytes in {len(plain.starts)} turns, "
            f"{weight.ratio:.1f} times the least possible ({weight.least:,})."
        )
    gate = asyncio.Semaphore(1 if agent.one_process else agent.at_once)

    async def one(cls: type[Scenario]) -> None:
        async with gate:
            result = await _result(agent, cls, plain, facts, done)
            done.results[cls.id] = result
            told(result)

    if first in wanted:
        await one(first)
    await asyncio.gather(*(one(cls) for cls in wanted if cls is not first))


def _facts(run: Run) -> Facts:
    streams = any(
        ask.wire.endswith("-ws")
        or ask.message.get("stream") is True
        or (ask.wire == "segue-http" and ask.record.numbered)
        for ask in run.log.asks
    )
    return Facts(
        wires=tuple(run.log.wires()),
        turns=len(run.starts),
        parents=any(ask.parent is not None for ask in run.starts),
        sockets=any(upgrade.status == 101 for upgrade in run.log.upgrades),
        tool=any(item.get("type") == "function_call" for ask in run.log.asks for item in ask.record.output),
        streams=streams,
        problems=tuple(dict.fromkeys(problem.kind for problem in problems(run))),
    )


async def _perform(agent: Agent, cls: type[Scenario], facts: Facts, done: Performance) -> Run:
    """Run the agent once."""
    log, model, loop = Log(MOST), PlainModel(agent.tool, agent.arguments), asyncio.Event()
    scenario, task = cls(facts, log, model), make_task(cls.conversations)
    log.on_loop = loop.set
    async with serving(log, scenario, agent.wires, model) as url:
        given = environment(url, task, cls)
        if done.resident is not None:
            finish = await done.resident.run(given, limit=agent.limit, loop=loop)
        else:
            command = [word.replace("{task}", task.text) for word in agent.command]
            finish = await run_agent(command, given, limit=agent.limit, loop=loop)
    done.finishes[cls.id] = finish
    done.requests += len(log.asks)
    if cls.id == FIRST and model.no_tool:
        done.notes.append(f"The model called no tool: {model.no_tool}.")
    known = facts.problems if cls.id != FIRST else ()
    return Run(log, finish, task, agent.limit, known, scenario)


async def _result(agent: Agent, cls: type[Scenario], plain: Run, facts: Facts, done: Performance) -> CheckResult:
    """Return what came of one scenario."""
    wire = next((wire for wire in facts.wires if wire in cls.wires), (*facts.wires, "openai-http")[0])
    if cls.id != FIRST and not facts.turns:
        return result_of(cls, wire, Grade(Verdict.UNTESTABLE, "the agent asked nothing of the endpoint"))
    if cls.id != FIRST and (why := cls.without(facts)) is not None:
        return result_of(cls, wire, Grade(Verdict.SKIP, why))
    run = plain if cls.id == FIRST or cls.of_plain else await _perform(agent, cls, facts, done)
    remark, found = "", Grade(Verdict.PASS)
    try:
        if (own := run.log.own_fault()) is not None:
            raise RuntimeError(own)
        if run is not plain and not run.log.contacts:
            raise Untestable(f"the agent asked nothing of the endpoint this time; exit code {run.finish.code}")
        if run is not plain and run.scenario.hits == 0 and cls.conversations == 1:
            found = Grade(Verdict.SKIP, cls.unprovoked)
        else:
            remark = run.scenario.judge(run) if run is not plain else cls(facts, run.log, PlainModel()).judge(run) or ""
    except Exception as fault:
        found = grade(fault, begun=True)
        if found.verdict is Verdict.ERROR:
            done.details.append(traceback.format_exc())
    frames = () if found.verdict in (Verdict.PASS, Verdict.SKIP) else transcript(cast(Any, run.log.frames))
    if remark:
        done.notes.append(f"{cls.id}: {remark}.")
    return result_of(
        cls, wire, found, frames=frames, requests=len(run.log.asks), duration_ms=round(run.finish.seconds * 1000)
    )


def result_of(cls: type[Scenario], wire: str, found: Grade, **more: object) -> CheckResult:
    """Return the result that a grade makes; a deviation from a SHOULD becomes a warning here."""
    cited = cls.cited()
    about = found.named or cited[0]
    verdict = found.verdict
    if verdict is Verdict.FAIL and not about.strict:
        verdict = Verdict.WARN
    return CheckResult(
        check=cls.id,
        title=cls.title(),
        requirements=tuple(requirement.id for requirement in cited),
        profile=cls.profile,
        wire=wire,
        verdict=verdict,
        strict=cited[0].strict,
        requirement=about.id,
        keyword=about.keyword,
        sentence=about.text,
        message=found.message,
        expected=found.expected,
        actual=found.actual,
        **more,  # type: ignore[arg-type]
    )


def _left_out(cls: type[Scenario], wire: str) -> CheckResult:
    return result_of(cls, wire, Grade(Verdict.INCONCLUSIVE, "interrupted"))
