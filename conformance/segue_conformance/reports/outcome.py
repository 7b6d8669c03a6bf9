"""How a run ended, in words: what every report that people read begins or closes with."""

from __future__ import annotations

from ..profiles import EXIT_MEANING
from ..registry import PROFILES
from ..results import Report, State
from .wording import counted, listed

__all__ = ["asides", "meaning", "numbers", "profiles_reached"]


def meaning(report: Report) -> str:
    """Return what a run came to, as a sentence without its end."""
    code = report.exit_code
    told = EXIT_MEANING[code].replace("endpoint", report.judged)
    if report.interrupted:
        told = f"interrupted; {told}"
    elif report.baseline is not None and code in (0, 1):
        told = "everything is as the baseline says" if code == 0 else "not everything is as the baseline says"
    elif code == 0:
        told = profiles_reached(report) or "every check that was asked for passed, which reaches no profile by itself"
    return f"{told[0].upper()}{told[1:]}"


def profiles_reached(report: Report) -> str:
    """Return the profiles that are reached on some wire, in words; empty where none is."""
    names = [p for p in PROFILES if any(s.profile == p and s.state is State.REACHED for s in report.profiles)]
    return f"{listed(names)} reached" if names else ""


def numbers(report: Report) -> str:
    """Return what a run took: results, requests, tokens where they are known, time."""
    about = "about " if report.tokens_estimated else ""
    tokens = f"{about}{report.tokens:,} tokens, " if report.tokens else ""
    took = f"{tokens}{report.duration_ms / 1000:.1f} s"
    return f"{counted(len(report.results), 'result')}, {counted(report.requests, 'request')}, {took}"


def asides(report: Report) -> list[str]:
    """Return what is worth knowing and bears on no verdict, a sentence each."""
    return [*report.notes]
