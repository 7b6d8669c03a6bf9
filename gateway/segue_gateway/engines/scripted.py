"""A deterministic engine for tests: answers plain probes as a weak but honest model would.

It has no state. What it answers follows from the items and the context of the request alone, so that the same request
always gets the same answer, and a history that is not whole gets another. A token is a word.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from segue_schemas import models

from .base import Delta, Ended, EngineEvent, EngineFailure, ItemBegun, ItemEnded, Progress, Request
from .heeding import ignored_by_script
from .recall import Recall, asks_to_choose, recall, text_of
from .sealing import ISSUER, opens, seal, wants_compaction, wants_thoughts
from .tools import Planned, plan_calls

__all__ = ["ScriptedEngine"]

Sleep = Callable[[float], Awaitable[Any]]

NO_WORD = "I do not know any word."

_FAIL = re.compile(r"^\W*(?:please\s+)?fail\s+(?P<how>now|at once|immediately|before|after)\b", re.I)
_REPEAT = re.compile(r"\b(?:repeat after me|repeat exactly|say exactly|echo)\s*:\s*(?P<text>.+)", re.I | re.S)
_COUNT = re.compile(r"\bcount\s+(?:up\s+)?from\s+(?P<low>\d{1,6})\s+to\s+(?P<high>\d{1,6})", re.I)
_LONG = re.compile(r"\b(?:long|slow(?:ly)?)\b", re.I)
_WRITE = re.compile(r"\b(?:write|tell|say|produce|generate|give|compose)\b", re.I)
_WORDS = re.compile(r"\b(?P<count>\d{1,5})\s+words\b", re.I)
_THINK = re.compile(
    r"\b(?:think|wait|pause|stay silent|be silent)\b[^.\d]{0,40}(?P<time>\d+(?:\.\d+)?)\s*"
    r"(?P<unit>ms|milliseconds?|s|sec|seconds?)\b",
    re.I,
)
_ASKS_WORD = re.compile(
    r"\b(?:which|what|tell me|name|repeat|recall|list|give me)\b.{0,120}\b(?:word|code|secret)", re.I | re.S
)
_REMEMBER = re.compile(r"\b(?:remember|memori[sz]e|keep in mind|note)\b", re.I)
_ANSWER = re.compile(
    r"\b(?:(?:answer|reply|respond)\b(?:\s+(?:only|just|exactly))*\s+with|say)\b"
    r"(?:\s+(?:only|just|exactly|the word|the single word|the text))*\s*:?\s*[\"'\u201c]?(?P<text>[A-Za-z0-9][\w-]*)",
    re.I,
)
_TOLD_BY_USER = re.compile(r"\b(?:did i|i (?:asked?|told|gave|said|want|wrote|sent|mentioned)|my)\b", re.I)
_ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1}


class ScriptedEngine:
    """Answers from the items that it is given; `slow_seconds` is how long a long text takes altogether."""

    name = "scripted"
    model_input: models.ModelInput = "exact"

    def __init__(
        self, *, offered: Sequence[str] = ("scripted",), slow_seconds: float = 1.2, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.offered: Sequence[str] = list(offered)
        self.slow_seconds = slow_seconds
        self.sleep = sleep

    def reads(self, kind: str, issuer: str | None = None, seal: str | None = None) -> bool:
        """Return whether it can read items of this type: all but a compaction of somebody else's.

        Over a foreign wire its own come back without their issuer (SEG-ITEM-031).
        """
        return kind != "compaction" or issuer == ISSUER or (issuer is None and opens(seal))

    async def close(self) -> None:
        """Do nothing: nothing is held."""

    def serves(self, model: str) -> bool:
        """Return whether it is offered under that name."""
        return model in self.offered

    def ignores(self, context: Mapping[str, Any]) -> Sequence[str]:
        """Return pointers to what it makes nothing of: it draws no lots, thinks no thoughts, and writes plain text."""
        return ignored_by_script(context)

    async def generate(self, request: Request) -> AsyncIterator[EngineEvent]:
        """Yield the answer word by word, or the calls that were asked for."""
        facts = recall(request.items, request.context)
        asked = _input_tokens(request)
        budget = request.context.get("max_output_tokens")
        out = _Writer(budget if isinstance(budget, int) else None)

        if (silence := _THINK.search(facts.question)) and not facts.outputs:
            yield Progress("thinking")
            seconds = float(silence["time"]) / (1000 if silence["unit"].lower().startswith("m") else 1)
            await self.sleep(seconds)

        for sealed in _sealed(request, asked):
            for event in out.whole(sealed):
                yield event

        failing = None if facts.outputs else _FAIL.search(facts.question)
        if failing:
            if failing["how"].lower() not in ("at once", "immediately", "before"):
                for event in out.begin_text():
                    yield event
                for event in out.text("I will "):
                    yield event
            message = "The model failed, as it was asked to."
            raise EngineFailure(models.Error(code="upstream_failed", advice="retry", effect="unknown", message=message))

        calls = plan_calls(facts, request.context, _seed(request.items))
        if calls:
            for planned in calls:
                for event in out.call(planned):
                    yield event
                if out.spent:
                    break
                await self.sleep(0)
        else:
            pieces, pause = self._answer(facts, request.items)
            for event in out.begin_text():
                yield event
            for piece in pieces:
                for event in out.text(piece):
                    yield event
                if out.spent:
                    break
                await self.sleep(pause)
            for event in out.end_item():
                yield event
        usage = models.Usage(
            input_tokens=asked, output_tokens=out.tokens, total_tokens=asked + out.tokens, cached_tokens=0
        )
        if out.spent:
            yield Ended("incomplete", "max_output_tokens", usage)
        else:
            yield Ended("completed", None, usage)

    def _answer(self, facts: Recall, items: Sequence[bytes]) -> tuple[list[str], float]:
        question = facts.question
        if not facts.outputs and _LONG.search(question) and _WRITE.search(question) and not _ASKS_WORD.search(question):
            wanted = _WORDS.search(question)
            words = [f"word{n}" for n in range(1, (int(wanted["count"]) if wanted else 60) + 1)]
            return _pieces(" ".join(words)), self.slow_seconds / len(words) if words else 0
        return _pieces(answer(facts, items)), 0


def answer(facts: Recall, items: Sequence[bytes]) -> str:
    """Return the text that answers the last message of a history; the order of the cases is their precedence."""
    question = facts.question
    if facts.outputs:
        return "The tool returned: " + "; ".join(text[:200] for text in facts.outputs)
    if match := _REPEAT.search(question):
        return match["text"].strip()
    if match := _COUNT.search(question):
        low, high = int(match["low"]), int(match["high"])
        return " ".join(str(n) for n in range(low, min(high, low + 9_999) + 1))
    if asks_to_choose(question):
        return _drawn(items)
    if _ASKS_WORD.search(question):
        return _word(facts, question)
    if _REMEMBER.search(question):
        return "OK"
    if match := _ANSWER.search(question):
        return match["text"]
    return ("I received: " + " ".join(question.split()))[:60]


def _word(facts: Recall, question: str) -> str:
    """Return the word, or the words, that a question is about; who told it is read from the question."""
    lowered = question.lower()
    if re.search(r"\b(?:tool|function|output|returned)\b", lowered):
        words = facts.tool
    elif re.search(r"\b(?:instruction|instructions|system|developer)\b", lowered):
        words = facts.instructions
    elif re.search(r"\b(?:you chose|you choose|you pick|you picked|did you|you say|you invent|your own)\b", lowered):
        words = facts.own
    elif _TOLD_BY_USER.search(question):
        words = facts.user
    else:
        words = facts.every
    if not words:
        return NO_WORD
    if re.search(r"\b(?:words|every word|codes|secrets)\b", lowered):
        return ", ".join(words)
    for name, place in _ORDINALS.items():
        if re.search(rf"\b{name}\b", lowered):
            return words[place] if -1 <= place < len(words) else NO_WORD
    return words[-1]


def _pieces(text: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+$", text) or [""]


def _seed(items: Sequence[bytes]) -> bytes:
    digest = hashlib.sha256()
    for item in items:
        digest.update(len(item).to_bytes(8, "big") + item)
    return digest.digest()


def _drawn(items: Sequence[bytes]) -> str:
    """Return a word that sounds like one and follows from the whole history: no other history has it, in practice."""
    seed = _seed(items)
    return "".join("bdfgklmnprstvz"[a % 14] + "aeiou"[b % 5] for a, b in zip(seed[0:8:2], seed[1:8:2], strict=True))


def _sealed(request: Request, tokens: int) -> list[dict[str, Any]]:
    """Return what it seals in front of its answer, where the context asks for that."""
    found: list[dict[str, Any]] = []
    if wants_compaction(request.context, tokens):
        found.append({"type": "compaction", "encrypted_content": seal(request.items), "issuer": ISSUER})
    if wants_thoughts(request.context):
        summary = [{"type": "summary_text", "text": "It looked at what was asked."}]
        found.append({"type": "reasoning", "summary": summary, "encrypted_content": seal([]), "issuer": ISSUER})
    return found


def _input_tokens(request: Request) -> int:
    instructions = request.context.get("instructions")
    texts = [instructions] if isinstance(instructions, str) else []
    texts += [text_of(json.loads(item)) for item in request.items]
    return sum(len(text.split()) for text in texts)


class _Writer:
    """Writes output items as engine events and stops at the token budget."""

    def __init__(self, budget: int | None) -> None:
        self.budget = budget
        self.tokens = 0
        self.spent = False
        self._index = -1

    def begin(self, skeleton: Mapping[str, Any]) -> list[EngineEvent]:
        self._index += 1
        return [ItemBegun(self._index, skeleton)]

    def whole(self, item: Mapping[str, Any]) -> list[EngineEvent]:
        """Write an item at once."""
        return [*self.begin(item), ItemEnded(self._index)]

    def begin_text(self) -> list[EngineEvent]:
        part = {"type": "output_text", "text": ""}
        return self.begin({"type": "message", "role": "assistant", "content": [part]})

    def text(self, piece: str, at: str = "/content/0/text") -> list[EngineEvent]:
        cost = len(piece.split())
        if self.budget is not None and self.tokens + cost > self.budget:
            self.spent = True
            return []
        self.tokens += cost
        return [Delta(self._index, at, append=piece)] if piece else []

    def call(self, planned: Planned) -> list[EngineEvent]:
        events = self.begin(planned.skeleton)
        for piece in planned.pieces:
            events += self.text(piece, planned.at)
            if self.spent:
                return events
        return events + self.end_item()

    def end_item(self) -> list[EngineEvent]:
        return [] if self.spent else [ItemEnded(self._index)]
