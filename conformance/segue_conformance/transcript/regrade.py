"""Grades a recording with today's checks: no request, no tokens, and no wait, since its time is virtual."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
from segue_adapters.discovery import Offer
from segue_schemas import models

from ..account import Account
from ..attempts import Attempts, attempt
from ..budget import Budget
from ..clock import now
from ..preparation import Prepared
from ..recorder import Recorder
from ..results import Regraded, Report, Target
from ..runner import run_prepared
from ..settings import Settings
from ..stage import Stage
from ..subject import Subject
from ..virtual.loop import VirtualLoop
from .reading import NotATranscript, Recording
from .replay import Replay

__all__ = ["prepared_of", "regrade"]

#: Stand where the keys stood: nothing is asked that would look at them.
_KEYS = ("first-principal", "second-principal")


def regrade(recording: Recording, catalogue: Any, *, path: str, wires: Sequence[str] = (), **options: Any) -> Report:
    """Return the report of today's checks on a recording; `options` as of `run_prepared`.

    What a check asks that was not recorded is inconclusive, never passed or failed. Raises NotATranscript.
    """
    prepared = prepared_of(recording, wires)
    report = run_prepared(prepared, catalogue, cleanup=False, **options)
    head = recording.head
    regraded = Regraded(transcript=path, recorded_at=str(head.get("started_at", "")), suite=str(head["suite"]))
    return replace(report, requests=0, tokens=0, tokens_estimated=False, regraded=regraded)


def prepared_of(recording: Recording, wires: Sequence[str] = ()) -> Prepared:
    """Return a target that answers as it was recorded, on these wires (none: on all)."""
    head = recording.head
    try:
        target = msgspec.convert(head["target"], Target)
        document = None if head.get("document") is None else msgspec.convert(head["document"], models.Discovery)
        routes: dict[str, str] = dict(head.get("routes", {}))  # absent from older recordings
        offers = {wire: Offer(wire, url, routes.get(wire)) for wire, url in dict(head["urls"]).items()}
        settings = _settings(head, target)
    except (msgspec.ValidationError, KeyError, TypeError, ValueError) as error:
        raise NotATranscript(f"its head can't be understood: {error}") from None
    target = replace(target, wires=tuple(w for w in target.wires if not wires or w.wire in wires))
    replay, budget = Replay(recording), Budget()

    def unfounded(key: str) -> str:
        missed = replay.missed.get(key)
        return f"not in the recording: {missed}" if missed is not None else ""

    def factory(wire: str) -> Subject:
        replay.rewind(attempt())
        account = Account(wire, lambda tokens, estimated: None)
        recorder = Recorder((), clock=now, listeners=[account.hear])
        return Subject(
            offers[wire], settings, recorder, document=document, budget=budget, account=account, between=replay.between
        )

    stage = Stage(
        between=replay.between,
        runner=lambda: asyncio.Runner(loop_factory=VirtualLoop),
        attempts=Attempts(str(head["seed"]), numbers=recording.numbers),
        unfounded=unfounded,
    )
    return Prepared(settings, target, factory, budget, document, offers, stage=stage)


def _settings(head: dict[str, Any], target: Target) -> Settings:
    told = head["settings"]
    return Settings(
        url=target.url,
        wires=tuple(wire.wire for wire in target.wires),
        model=told["model"],
        api_key=_KEYS[0] if told["first_key"] else None,
        second_api_key=_KEYS[1] if told["second_key"] else None,
        timeout=float(told["timeout"]),
        extra_body=told.get("extra_body", {}),
    )
