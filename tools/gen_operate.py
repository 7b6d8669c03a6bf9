"""Writes the tables of docs/operate.md from the gateway's own; with --check, says whether they would change.

The text around them is written by people: a table stands between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click
from segue_gateway.observing.logs import EVENTS
from segue_gateway.observing.metrics import METRICS
from segue_gateway.options import GROUPS, Setting

__all__ = ["PAGE", "main", "written"]

PAGE = Path(__file__).resolve().parent.parent / "docs" / "operate.md"

_PART = re.compile(r"(<!-- generated: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> int:
    """Generate, or with --check compare; return the exit code."""
    text = PAGE.read_text(encoding="utf-8")
    fresh = written(text)
    if "--check" in sys.argv[1:]:
        if fresh != text:
            print(f"docs/{PAGE.name}: differs from a fresh generation; run ./dev gen")
        return int(fresh != text)
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


def written(text: str) -> str:
    """Return the page with its tables made anew."""
    return _PART.sub(lambda part: f"{part[1]}\n{chr(10).join(_TABLES[part['name']]())}\n\n{part[3]}", text)


def _options() -> Iterator[str]:
    for title, group in GROUPS.items():
        yield from ("", f"### {title}", "") if title != next(iter(GROUPS)) else (f"### {title}", "")
        yield "| option | environment | meaning | default |"
        yield "|---|---|---|---|"
        for setting in group:
            given = setting.flag if setting.metavar is None else f"{setting.flag} {setting.metavar}"
            variable = "" if setting.variable is None else f"`{setting.variable}`"
            meaning = (setting.help or "").partition("  [default")[0]
            yield f"| `{given}` | {variable} | {meaning} | {_default(setting)} |"


def _default(setting: Setting) -> str:
    if "[default: " in (setting.help or ""):
        return f"`{(setting.help or '').partition('[default: ')[2].rstrip(']')}`"
    default = setting.default
    if isinstance(setting.type, click.IntRange | click.FloatRange):
        told = f"{default:g}" if isinstance(default, float) else str(default)
        return told if len(told) < 5 else f"{default:,}".replace(",", " ")
    return f"`{default}`" if isinstance(default, str) else ""


def _events() -> Iterator[str]:
    yield "| event | level | what happened |"
    yield "|---|---|---|"
    for name, (level, told) in EVENTS.items():
        yield f"| `{name}` | {logging.getLevelName(level).lower()} | {told} |"


def _metrics() -> Iterator[str]:
    yield "| metric | kind | labels | what it tells |"
    yield "|---|---|---|---|"
    for known in METRICS:
        yield f"| `{known.name}` | {known.kind} | {', '.join(f'`{one}`' for one in known.labels)} | {known.told} |"


_TABLES: Mapping[str, Callable[[], Iterator[str]]] = {"options": _options, "events": _events, "metrics": _metrics}


if __name__ == "__main__":
    sys.exit(main())
