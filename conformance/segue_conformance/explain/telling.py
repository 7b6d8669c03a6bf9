"""An explanation on the terminal: the sentence first, then why, what proves it, what it looks like, who breaks it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from .. import requirements
from ..chapters import decisions_of, plain, reason_of, section_of
from ..mutants import Mutant
from ..registry import EVERY_WIRE, Catalogue, Check
from ..reports.blocks import broken, spans
from ..reports.console import VERDICT_STYLES, safe, signs
from ..reports.decisive import line
from ..reports.essence import essence
from ..reports.evidence import Clue, difference
from ..reports.steps import Step
from ..reports.wording import cut, one_line
from ..requirements import Requirement
from ..results import Report
from .examples import invalid, piece_of_session, terms_of, valid
from .known import Seen, seen
from .staged import faults_of, stage
from .subjects import Code

__all__ = ["tell_check", "tell_code", "tell_requirement"]

_NEIGHBOURS = 6


class Teller:
    """Knows what an explanation draws from; `staging`: whether checks are performed for examples."""

    def __init__(
        self,
        console: Console,
        catalogue: Catalogue,
        mutants: Sequence[Mutant],
        targets: Sequence[tuple[str, Report]],
        *,
        staging: bool = True,
    ) -> None:
        self.console = console
        self.catalogue = catalogue
        self.mutants = mutants
        self.targets = targets
        self.staging = staging

    def section(self, title: str, parts: Iterable[RenderableType]) -> None:
        """Print a part under its title, unless it is empty."""
        told = [*parts]
        if told:
            self.console.print()
            self.console.print(Text(title, "bold"))
        for part in told:
            self.console.print(Padding(part, (0, 0, 0, 2), expand=False))


def tell_requirement(teller: Teller, requirement: Requirement) -> None:
    """Explain a requirement."""
    _head(teller.console, requirement.id, f"{requirement.keyword}, {requirement.profile}")
    teller.console.print(Padding(safe(plain(requirement.text), "bold"), (0, 0, 0, 2)))
    reason = reason_of(requirement)
    teller.section("Why it is there", [safe(text) for text in reason.why])
    teller.section("Beside it in the chapter", [safe(text) for text in reason.beside])
    teller.section("Decisions", _decisions(requirement))
    checks = [check for check in teller.catalogue if requirement in check.requirements]
    # The check whose first requirement it is tells more of it than one that proves it besides.
    checks.sort(key=lambda check: check.requirements[0] is not requirement)
    if checks:
        teller.section("Checks that prove it", [_check(check) for check in checks])
    else:
        teller.section("No check", [safe(f"{requirement.untested or 'pending: a check'}.")])
    _staged(teller, checks)
    _schemas(teller, terms_of(requirement.text))
    teller.section("Known to break it", _seen(seen(teller.targets, requirement=requirement.id)))
    teller.section("Where it stands", _place(requirement))


def tell_check(teller: Teller, check: Check) -> None:
    """Explain a check."""
    _head(teller.console, check.id, f"{check.profile}; on {_wires(check)}" + ("" if check.strict else "; a SHOULD"))
    teller.console.print(Padding(safe(f"{check.title}.", "bold"), (0, 0, 0, 2)))
    if check.needs_second_key:
        teller.console.print(Padding(safe("It needs a key of another principal (--second-api-key-env)."), (0, 0, 0, 2)))
    teller.section("What it proves", [_sentence(requirement) for requirement in check.requirements])
    first = check.requirements[0]
    reason = reason_of(first)
    teller.section(f"Why ({first.id})", [safe(text) for text in (*reason.why, *reason.beside[:1])])
    faults = [Text.assemble((mutant.name, "bold"), f"  {mutant.fault}") for mutant in faults_of(check, teller.mutants)]
    teller.section("Faults that it must catch (segue selftest)", faults)
    _staged(teller, [check])
    teller.section("Known not to pass it", _seen(seen(teller.targets, check=check.id)))
    run = f"segue check URL --only {check.id}"
    teller.section("Run it alone", [Text(run, no_wrap=True)])


def tell_code(teller: Teller, code: Code) -> None:
    """Explain an error code."""
    _head(teller.console, code.name, "error code")
    teller.console.print(Padding(safe(f"{code.happened}.", "bold"), (0, 0, 0, 2)))
    rows = [
        ("advice", code.advice),
        ("effect", code.effect),
        ("status over HTTP", code.status),
        ("close code", code.close),
        ("comes as", code.comes_as),
        ("what a client does", code.to_do),
    ]
    teller.section("What it says", [Text.assemble((f"{name}: ", "dim"), plain(text)) for name, text in rows if text])
    named = [one for one in requirements.load().values() if f"`{code.name}`" in one.text]
    teller.section("Requirements that name it", [_sentence(requirement) for requirement in named])
    _schemas(teller, [code.name])
    teller.section("Where it stands", [Text("spec/1.0/errors.md#codes")])


def _head(console: Console, id: str, what: str) -> None:
    console.print(Text.assemble((id, "bold"), (f"  {what}", "dim")))


def _sentence(requirement: Requirement) -> Text:
    return Text.assemble((f"{requirement.id}  ", "bold"), plain(requirement.text))


def _wires(check: Check) -> str:
    return ", ".join(wire for wire in EVERY_WIRE if wire in check.wires)


def _check(check: Check) -> Text:
    return Text.assemble((check.id, "bold"), (f"  on {_wires(check)}\n", "dim"), f"{check.title}.")


def _decisions(requirement: Requirement) -> Iterator[Text]:
    for decision in decisions_of(requirement):
        yield Text.assemble((f"{decision.number}  {decision.title}. ", "bold"), decision.decided)


def _place(requirement: Requirement) -> Iterator[Text]:
    section = section_of(requirement)
    where = f"spec/1.0/{requirement.chapter}#{requirement.anchor}"
    title = f"{section.chapter_title}, {section.title}: " if section is not None else ""
    yield Text.assemble(title, (where, "bold"))
    if section is None:
        return
    index = requirements.load()
    others = [id for id in section.rules if id != requirement.id and id in index]
    at = section.rules.index(requirement.id)
    near = sorted(others, key=lambda id: abs(section.rules.index(id) - at))[:_NEIGHBOURS]
    for id in sorted(near, key=section.rules.index):
        yield Text.assemble((f"{id}  ", "dim"), cut(plain(index[id].text), 160))
    if len(others) > len(near):
        yield Text(f"{len(others) - len(near)} more in this section", "dim")


def _staged(teller: Teller, checks: Sequence[Check]) -> None:
    if not teller.staging:
        return
    found = next((one for check in checks if (one := stage(check, teller.mutants, teller.catalogue))), None)
    if found is None:
        return
    if found.kept:
        title = f"Kept: {found.check} on {found.wire}, the reference endpoint"
        teller.section(title, _steps(teller.console, found.kept, ()))
    told = found.broken
    parts: list[RenderableType] = [safe(found.fault)]
    parts += _steps(teller.console, found.story.steps, found.story.clues)
    expected, actual = difference(told.expected, told.actual)
    parts.append(Text.assemble(("expected  ", "dim"), spans(expected, teller.console, "green")))
    parts.append(Text.assemble(("actual    ", "dim"), spans(actual, teller.console, "red")))
    if told.control:
        parts.append(Text.assemble(("control   ", "dim"), told.control))
    teller.section(f"Broken: the same on an endpoint with a fault ({found.mutant})", parts)


def _steps(console: Console, shown: Sequence[Step], clues: Sequence[Clue]) -> list[Text]:
    marks = signs(console)
    room = max(40, console.width - 4)
    rows = []
    for step in shown:
        head = Text.assemble(marks.get(step.direction, marks["note"]), " ")
        head.append_text(spans(line(step, 3 * room - 12, clues), console))
        rows.append(broken(head, room))
    return rows


def _schemas(teller: Teller, terms: Sequence[str]) -> None:
    """Print examples of the schemas and of sessions that have the words in them."""
    room = max(40, teller.console.width - 4)
    good, bad, piece = valid(terms), invalid(terms), piece_of_session(terms)
    if good is not None:
        teller.section(f"Valid ({good.file})", [broken(safe(essence(good.text, 4 * room)), room)])
    if bad is not None:
        parts = [safe(f"Refused: {bad.why}."), broken(safe(essence(bad.text, 4 * room)), room)]
        teller.section(f"Invalid ({bad.file})", parts)
    if piece is not None:
        rows: list[RenderableType] = [safe(piece.story)]
        for who, text in piece.messages:
            told = Text.assemble((f"{who}: ", "dim"), essence(text, 3 * room))
            rows.append(broken(told, room))
        teller.section(f"In a session ({piece.file})", rows)


def _seen(found: Iterable[Seen]) -> Iterator[Text]:
    for one in found:
        told = Text.assemble((f"{one.verdict.value} ", VERDICT_STYLES[one.verdict]), (one.name, "bold"))
        told.append(f" on {', '.join(one.wires)}, {one.check} ({one.day}, suite {one.suite}): ", "dim")
        yield told.append(cut(one_line(one.message), 200))
