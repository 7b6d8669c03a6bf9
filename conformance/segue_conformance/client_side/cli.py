"""`segue check-client`: runs an agent against an endpoint that is broken on purpose, and judges it.

Exit codes are those of `segue check`. Whatever happens, it ends in a sentence and never in a traceback, unless
`--debug` asks for one.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
import traceback
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .. import requirements
from ..registry import PLAIN, RegistrationError
from ..reports import json_report, junit
from ..reports.console import VERDICT_STYLES, console_for, safe
from ..reports.terminal import print_contact, print_report
from ..reports.wording import clean
from ..requirements import IndexMissing
from ..results import CheckResult, Report
from ..runner import suite_version
from ..verdicts import Verdict
from .running import Agent, Performance, check_agent
from .scenario import Scenario, load

__all__ = ["check_client"]

_TIMEOUT = 30.0
#: Lines of a failed agent's output that are shown; the end, where the reason stands.
_LINES = 15


@click.command("check-client")
@click.argument("command", nargs=-1, metavar="[--] COMMAND…")
@click.option("--command", "line", metavar="LINE", help="The command as one word, instead of COMMAND.")
@click.option("--wire", "wires", multiple=True, type=click.Choice(PLAIN), help="Wire to serve; repeatable. [all]")
@click.option("--only", multiple=True, metavar="PATTERN", help="Scenarios: part of an id, a glob, or a requirement id.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.5, 3600),
    default=_TIMEOUT,
    show_default=True,
    metavar="S",
    help="Seconds that the agent may take for one scenario.",
)
@click.option("--tool", metavar="NAME", help="Tool of the agent that the model calls. [get_word, or its only one]")
@click.option("--tool-arguments", metavar="JSON", help="Arguments for it. [plain values for what its schema requires]")
@click.option(
    "--concurrency", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N", help="Agents at once."
)
@click.option("--one-process", is_flag=True, help="Start COMMAND once; it gets a line on its input for each scenario.")
@click.option("--json", "json_path", metavar="FILE", help="Write the JSON report; - is standard output.")
@click.option("--junit", "junit_path", metavar="FILE", help="Write a JUnit XML report; - is standard output.")
@click.option("--keep-output", metavar="FOLDER", help="Keep what the agent printed, a file for each scenario.")
@click.option("--list", "list_only", is_flag=True, help="List the scenarios and what they prove; needs no command.")
@click.option("--no-color", is_flag=True, help="No colours; NO_COLOR does the same.")
@click.option("--debug", is_flag=True, help="Show the tracebacks of the suite's own faults.")
def check_client(list_only: bool, no_color: bool, debug: bool, **options: Any) -> None:
    """Check an agent: run COMMAND once for each scenario, and judge what it sends.

    It is told where to go and what to do by its environment: OPENAI_BASE_URL,
    OPENAI_API_KEY, SEGUE_URL, SEGUE_API_KEY, SEGUE_MODEL, and SEGUE_TASK: the
    user's messages, one a line. {task} in a word of COMMAND is replaced by the
    task. It has to end by itself, with an exit code that is not 0 where it
    could not do its task.

    \b
    segue check-client -- python agent.py
    segue check-client --wire openai-http -- agent --prompt '{task}'

    \b
    Exit codes: 0 the profiles that the agent can reach are reached, 1 failures,
    2 wrong usage, 3 the command can't be started, 4 a fault of the suite,
    5 not everything could be proved.
    """  # fmt: skip
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    taken = "-" in (options["json_path"], options["junit_path"])
    console = console_for(sys.stderr if taken else sys.stdout, no_color=no_color)
    try:
        scenarios = load()
        _verify(scenarios, options, list_only)
        if list_only:
            _print_list(console, _chosen(scenarios, options["only"]))
            return
        code = _check(scenarios, console, options, debug)
    except (click.ClickException, click.exceptions.Exit):
        raise
    except KeyboardInterrupt:
        _end(5, "interrupted before the agent ran")
    except (RegistrationError, IndexMissing) as error:
        _end(4, f"a fault of the suite: {error}")
    except Exception as error:
        if debug:
            click.echo(traceback.format_exc(), err=True)
        told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        _end(4, f"a fault of the suite: {told}" + ("" if debug else " (--debug shows more)"))
    sys.exit(code)


def _end(code: int, message: str) -> None:
    click.echo(f"segue check-client: {message}", err=True)
    sys.exit(code)


def _verify(scenarios: tuple[type[Scenario], ...], options: dict[str, Any], list_only: bool) -> None:
    """Raise UsageError for whatever is wrong before the agent runs; `--command` becomes the command."""
    if options["line"] is not None:
        if options["command"]:
            raise click.UsageError("the command stands in --command or behind --, not in both")
        try:
            options["command"] = tuple(shlex.split(options["line"]))
        except ValueError as error:
            raise click.UsageError(f"--command: {error}") from None
    for pattern in options["only"]:
        if not any(cls.matches(pattern) for cls in scenarios):
            raise click.UsageError(f"--only {pattern!r} matches no scenario; `segue check-client --list` shows them")
    if not options["command"] and not list_only:
        raise click.UsageError("name the agent's command behind --: segue check-client -- python agent.py")
    if options["json_path"] is not None and options["json_path"] == options["junit_path"]:
        raise click.UsageError("--json and --junit can't go to the same place")
    for option, path in (("--json", options["json_path"]), ("--junit", options["junit_path"])):
        if path not in (None, "-") and not Path(path).resolve().parent.is_dir():
            raise click.UsageError(f"{option}: can't write {path}: no such folder")
    if options["one_process"] and options["concurrency"] > 1:
        raise click.UsageError("--one-process has one agent at a time; leave --concurrency out")
    _arguments(options["tool_arguments"])
    if options["keep_output"] is not None:
        try:
            Path(options["keep_output"]).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise click.UsageError(f"--keep-output: {error.strerror or error}") from None


def _arguments(text: str | None) -> dict[str, object] | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"--tool-arguments is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise click.UsageError("--tool-arguments is written as a JSON object")
    return value


def _chosen(scenarios: tuple[type[Scenario], ...], only: tuple[str, ...]) -> list[type[Scenario]]:
    return [cls for cls in scenarios if not only or any(cls.matches(pattern) for pattern in only)]


def _check(scenarios: tuple[type[Scenario], ...], console: Console, options: dict[str, Any], debug: bool) -> int:
    agent = Agent(
        options["command"],
        wires=frozenset(options["wires"] or PLAIN),
        limit=options["timeout"],
        tool=options["tool"],
        arguments=_arguments(options["tool_arguments"]),
        at_once=options["concurrency"],
        one_process=options["one_process"],
    )
    _print_head(console, agent, len(_chosen(scenarios, options["only"])))
    done = Performance()
    report = check_agent(
        agent,
        scenarios,
        only=options["only"],
        rerun=_rerun(options),
        told=lambda result: console.print(_line(result), soft_wrap=True),
        performance=done,
    )
    if debug:
        for detail in done.details:
            click.echo(detail, err=True)
    if report.contact:
        print_contact(console_for(sys.stderr, no_color=console.no_color), report)
    else:
        _print_outputs(console, report, done)
        print_report(console, report)
    _write(report, options)
    for id, finish in done.finishes.items() if options["keep_output"] else ():
        (Path(options["keep_output"]) / f"{id}.txt").write_text(finish.output, encoding="utf-8")
    return report.exit_code


def _rerun(options: dict[str, Any]) -> str:
    """Return the command line that does the same again, its end open for `--wire` and `--only`."""
    words = ["segue", "check-client", "--command", shlex.join(options["command"])]
    for option, value in (("--tool", options["tool"]), ("--tool-arguments", options["tool_arguments"])):
        words += [option, value] if value is not None else []
    if options["one_process"]:
        words.append("--one-process")
    if options["timeout"] != _TIMEOUT:
        words += ["--timeout", f"{options['timeout']:g}"]
    return shlex.join(words)


def _print_head(console: Console, agent: Agent, count: int) -> None:
    version, spec = suite_version(), requirements.load().spec
    console.print(Text.assemble(("Segue conformance suite ", "bold"), f"{version}, specification {spec} (draft)"))
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column()
    rows.add_row("  agent", safe(shlex.join(agent.command)))
    rows.add_row("  it may speak", ", ".join(wire for wire in PLAIN if wire in agent.wires))
    rows.add_row("  will run", f"{count} scenarios, each for at most {agent.limit:g} s")
    console.print(rows)
    console.print()


def _line(result: CheckResult) -> Text:
    line = Text.assemble((f"{result.verdict.value:>12} ", VERDICT_STYLES[result.verdict]), f"{result.check}")
    line.append(f"  {result.wire}  {result.duration_ms / 1000:.1f} s", "dim")
    return line


def _print_outputs(console: Console, report: Report, done: Performance) -> None:
    """Show the end of what the agent printed in each scenario that it failed, each text once."""
    shown: set[str] = set()
    for result in report.of(Verdict.FAIL, Verdict.UNTESTABLE, Verdict.INCONCLUSIVE):
        finish = done.finishes.get(result.check)
        lines = clean(finish.output).strip().splitlines()[-_LINES:] if finish is not None else []
        if not lines or "\n".join(lines) in shown:
            continue
        shown.add("\n".join(lines))
        console.print()
        console.print(Text(f"The agent's output in {result.check}, its end", "bold"))
        for line in lines:
            console.print(Padding(safe(line, "dim"), (0, 0, 0, 2)))


def _print_list(console: Console, scenarios: list[type[Scenario]]) -> None:
    for cls in scenarios:
        heading = Text(cls.id, "bold")
        heading.append(f"  {' '.join(cls.requires)}", "dim")
        if not cls.cited()[0].strict:
            heading.append("  SHOULD", "yellow")
        if cls.wires != frozenset(PLAIN):
            heading.append(f"  on {', '.join(wire for wire in PLAIN if wire in cls.wires)}", "dim")
        console.print(heading)
        console.print(Padding(Text(cls.title()), (0, 0, 0, 2), expand=False))
    cited = {id for cls in scenarios for id in cls.requires}
    console.print(Text(f"{len(scenarios)} scenarios of {len(cited)} requirements", "dim"))


def _write(report: Report, options: dict[str, Any]) -> None:
    for path, render in ((options["json_path"], json_report.render), (options["junit_path"], junit.render)):
        if path == "-":
            sys.stdout.write(render(report))
            sys.stdout.flush()
        elif path is not None:
            try:
                Path(path).write_text(render(report), encoding="utf-8")
            except OSError as error:
                _end(4, f"the report could not be written to {path}: {error.strerror or error}")
