"""The options of `segue check`, as data: which there are, and which of them may stand in a config file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from . import dialects
from .arguments import TIMEOUT
from .registry import EVERY_WIRE, PROFILES

__all__ = ["ONLY_ON_THE_LINE", "options", "regrading"]

F = TypeVar("F", bound=Callable[..., Any])

#: What is about the call as a whole and not about an endpoint: it has no place in a config file.
ONLY_ON_THE_LINE = ("config_path", "list_only", "dry_run", "no_color", "debug")

_TARGET = (
    click.option(
        "--config", "config_path", metavar="FILE", help="Take endpoints from a TOML file; with NAMEs only those."
    ),
    click.option(
        "--wire", "wires", multiple=True, type=click.Choice(EVERY_WIRE), help="Wire to check; repeatable. [found out]"
    ),
    click.option("--model", metavar="NAME", help="Model to ask for."),
    click.option("--api-key-env", metavar="VAR", help="Environment variable that holds the key."),
    click.option("--second-api-key-env", metavar="VAR", help="The same, for a key of another principal."),
    click.option(
        "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Header of every request; repeatable."
    ),
    click.option("--extra-body", metavar="JSON", help="Members of every context, on OpenAI's wires of every create."),
    click.option("--ca-file", metavar="FILE", help="Trust the authorities in this PEM file, not the system's."),
    click.option("--insecure", is_flag=True, help="Accept any TLS certificate."),
    click.option("--proxy-loopback", is_flag=True, help="Use the environment's proxy for this machine too."),
)
_SELECTION = (
    click.option(
        "--profile", "profiles", multiple=True, type=click.Choice(PROFILES), help="Profile to check; repeatable."
    ),
    click.option(
        "--only", multiple=True, metavar="PATTERN", help="Checks to run: part of an id, a glob, or a requirement id."
    ),
    click.option("--quick", is_flag=True, help="A quick look: a few telling checks, which reach no profile."),
    click.option("--list", "list_only", is_flag=True, help="List the checks and what they prove; needs no endpoint."),
    click.option("--dry-run", is_flag=True, help="Find the endpoint, say what would run; send no turn."),
)
_LIMITS = (
    click.option(
        "--timeout", type=click.FloatRange(0.1, 3600), default=TIMEOUT, show_default=True, metavar="S",
        help="Seconds that a turn may take.",
    ),
    click.option(
        "--max-requests", type=click.IntRange(1), metavar="N", help="Budget; what it does not reach is inconclusive."
    ),
    click.option("--max-tokens", type=click.IntRange(1), metavar="N", help="The same, in tokens of all turns."),
    click.option(
        "--max-time", "max_seconds", type=click.FloatRange(0, min_open=True), metavar="S", help="The same, in seconds."
    ),
    click.option(
        "--rate", type=click.FloatRange(0, min_open=True), metavar="N", help="Requests per second at most, evenly."
    ),
    click.option(
        "--concurrency", type=click.IntRange(1, 64), metavar="N",
        help="Checks at once; 1, without a URL some. What does not pass is run again, alone.",
    ),
)  # fmt: skip
_EXPECTED = (
    click.option(
        "--dialect",
        type=click.Choice(dialects.NAMES),
        help="Tell apart what this vendor documents and the specification.",
    ),
    click.option("--baseline", metavar="FILE", help="What is expected not to pass (TOML); 0 where it is as it says."),
    click.option("--write-baseline", metavar="FILE", help="Write such a file; its reasons are for you to fill in."),
)
_OUTPUT = (
    click.option("--json", "json_path", metavar="FILE", help="Write the JSON report; - is standard output."),
    click.option("--junit", "junit_path", metavar="FILE", help="Write a JUnit XML report; - is standard output."),
    click.option("--html", "html_path", metavar="FILE", help="Write the report as one self-contained HTML page."),
    click.option("--markdown", "markdown_path", metavar="FILE", help="Write a summary for the page of a CI job."),
    click.option(
        "--transcript", metavar="FILE", help="Write all that is sent and received (NDJSON), for `segue regrade`."
    ),
    click.option("--no-color", is_flag=True, help="No colours; NO_COLOR does the same."),
    click.option("--debug", is_flag=True, help="Show the tracebacks of the suite's own faults."),
)


def regrading(command: F) -> F:
    """Give a command the options of `segue check` that make sense where a recording is graded."""
    wire = next(option for option in _TARGET if "--wire" in _names(option))
    kept = [wire, *_SELECTION, *_EXPECTED, *_OUTPUT]
    for option in reversed(kept):
        if not _names(option) & {"--list", "--dry-run", "--transcript"}:
            command = option(command)
    return command


def _names(option: Callable[[Any], Any]) -> set[str]:
    def probe() -> None:
        """Take the option, to see its names."""

    option(probe)
    return set(probe.__click_params__[0].opts)  # type: ignore[attr-defined]


def options(command: F) -> F:
    """Give a command all options of `segue check`."""
    for option in reversed((*_TARGET, *_SELECTION, *_LIMITS, *_EXPECTED, *_OUTPUT)):
        command = option(command)
    return command
