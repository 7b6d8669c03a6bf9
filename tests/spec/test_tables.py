"""What text and schemas both say is the same in both: error codes, the digest's members, features, limits, examples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import segue_schemas


def rows(text: str, first: str) -> list[list[str]]:
    """Return the cells of the table whose head begins with the cell `first`, without head and rule."""
    lines = text.splitlines()
    (start,) = [at for at, line in enumerate(lines) if line.startswith(f"| {first} |")]
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.fixture(scope="module")
def defs(root: Path) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    topics = ("common", "items", "context", "errors", "capabilities", "continuation", "client", "server", "extension")
    for topic in topics:
        merged |= json.loads((root / "schemas" / "1.0" / f"{topic}.json").read_text("utf-8"))["$defs"]
    return merged


def test_the_table_of_errors_has_every_code_once(chapters: dict[str, str], defs: dict[str, Any]) -> None:
    listed = [names(row[0])[0] for row in rows(chapters["errors.md"], "code")]
    assert listed == defs["KnownErrorCode"]["enum"]


def test_the_table_of_errors_uses_known_advice_and_effects(chapters: dict[str, str], defs: dict[str, Any]) -> None:
    for code, _, advice, effect, status, _ in rows(chapters["errors.md"], "code"):
        assert set(advice.split(", ")) <= set(defs["Advice"]["enum"]), code
        assert set(effect.split(", ")) <= set(defs["Effect"]["enum"]), code
        assert 400 <= int(status) <= 599, code


def test_advice_and_effects_are_each_explained(chapters: dict[str, str], defs: dict[str, Any]) -> None:
    for head, name in (("advice", "Advice"), ("effect", "Effect")):
        assert [names(row[0])[0] for row in rows(chapters["errors.md"], head)] == defs[name]["enum"]


def test_close_codes_are_the_same_in_both_chapters(chapters: dict[str, str]) -> None:
    binding = {
        code: names(row[1])
        for row in rows(chapters["binding-segue-ws.md"], "close code")
        for code in row[0].split(", ")
        if code.startswith("4")
    }
    errors = {(names(row[0])[0], code) for row in rows(chapters["errors.md"], "code") for code in row[5].split(", ")}
    for name, code in errors:
        if code.startswith("4"):
            assert name in binding[code] or f"connection.{name}" in binding[code], code
    assert set(binding) == {code for _, code in errors if code.startswith("4")}


def test_the_digest_table_is_what_the_annotations_say(chapters: dict[str, str], defs: dict[str, Any]) -> None:
    def marked(ref: str) -> set[str]:
        properties = defs[ref.rsplit("/", 1)[-1]]["properties"]
        return {name for name, member in properties.items() if member.get("x-digest") is True}

    for head, union in (("item", "KnownItem"), ("part of content, output, summary", "KnownContentPart")):
        listed = {
            kind: set(names(row[1]))
            for row in rows(chapters["digest.md"], head)
            for kind in names(row[0])
            if not row[0].startswith(("any", "in "))
        }
        assert listed == {kind: marked(ref) for kind, ref in defs[union]["discriminator"]["mapping"].items()}


def test_the_worked_example_is_what_the_code_reckons(chapters: dict[str, str]) -> None:
    text = chapters["digest.md"]
    hello = {"type": "message", "role": "user", "content": "Hello"}
    answer = {
        "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "Hi!", "annotations": []}],
    }  # fmt: skip
    context = {"model": "m", "instructions": "Be terse.", "temperature": None}
    for source in (hello, answer):
        assert json.dumps(source, separators=(",", ":")) in text
        assert segue_schemas.item_digest(source) in text
        canonical = json.dumps(segue_schemas.canonical_item(source), separators=(",", ":"), sort_keys=True)
        assert canonical in text.splitlines()
    chain = [row[1].strip("`") for row in rows(text, "length")]
    assert chain == [segue_schemas.history_digest([hello, answer][:n]) for n in range(3)]
    assert segue_schemas.context_digest(context) in text
    assert segue_schemas.context_digest({}) in text


def test_features_are_those_of_the_schema(chapters: dict[str, str], defs: dict[str, Any]) -> None:
    known = set(names(defs["Feature"]["description"])) - {"vendor:"}
    assert {name for row in rows(chapters["capabilities.md"], "feature") for name in names(row[0])} == known


def test_limits_are_those_of_the_schema(chapters: dict[str, str], defs: dict[str, Any]) -> None:
    listed = {name for row in rows(chapters["capabilities.md"], "limit") for name in names(row[0])}
    assert listed == set(defs["Limits"]["properties"])


def test_message_types_in_the_text_exist(texts: dict[Path, str], defs: dict[str, Any]) -> None:
    known = {kind for union in ("ClientMessage", "ServerMessage") for kind in defs[union]["discriminator"]["mapping"]}
    pattern = re.compile(r"`((?:turn|item|continuation|connection|limits)\.(?!json`)[a-z_]+)`")
    used = {kind for text in texts.values() for kind in pattern.findall(text)}
    members_of_limits = {f"limits.{name}" for name in defs["Limits"]["properties"]}
    assert used - members_of_limits - known == set()
    assert known - used - {"welcome", "error"} == set()


def test_examples_of_messages_are_valid(chapters: dict[str, str]) -> None:
    digest = "segue1-sha256:" + "A" * 43
    checked = 0
    for line in chapters["binding-segue-ws.md"].splitlines() + chapters["binding-segue-http.md"].splitlines():
        text = line.removeprefix("data: ").replace("segue1-sha256:…", digest).replace("c_…", "c_x")
        if not text.startswith('{"type":') or '"urn:' in text:
            continue
        message = json.loads(text)
        sent = message["type"] == "turn.start"
        side = "client.json#/$defs/ClientMessage" if sent else "native.json#/$defs/ServerMessage"
        segue_schemas.validator(side).validate(message)
        checked += 1
    assert checked >= 9


def test_the_example_of_a_problem_is_an_error(chapters: dict[str, str]) -> None:
    (problem,) = [line for line in chapters["binding-segue-http.md"].splitlines() if '"urn:segue:error:' in line]
    members = json.loads(problem)
    assert members["type"] == f"urn:segue:error:{members['code']}"
    segue_schemas.validator("errors.json#/$defs/Error").validate(members)


def test_what_a_start_says_is_what_the_schema_allows(chapters: dict[str, str], defs: dict[str, Any]) -> None:
    listed = [names(row[0])[0] for row in rows(chapters["turns.md"], "member")]
    members = defs["TurnStart"]["properties"].keys() - {"type"}
    assert sorted(listed) == sorted(members)


def test_content_of_a_turn_is_the_same_in_rule_and_table(chapters: dict[str, str], defs: dict[str, Any]) -> None:
    listed = {names(row[0])[0] for row in rows(chapters["resume.md"], "member")}
    (rule,) = [line for line in chapters["resume.md"].splitlines() if line.startswith("- **SEG-TURN-055**")]
    assert {name for name in names(rule) if name != "input"} | {"input", "context"} == listed
    (free,) = [line for line in chapters["resume.md"].splitlines() if line.startswith("- **SEG-TURN-056**")]
    assert listed | set(names(free)) == defs["TurnStart"]["properties"].keys() - {"type", "turn"}


@pytest.mark.parametrize(
    ("chapter", "head", "definition"), [("bundles.md", "member", "Bundle"), ("observability.md", "member", "Timing")]
)
def test_members_listed_are_those_of_the_schema(
    chapters: dict[str, str], defs: dict[str, Any], chapter: str, head: str, definition: str
) -> None:
    listed = {name for row in rows(chapters[chapter], head) for name in names(row[0])}
    assert listed == set(defs[definition]["properties"])


def test_features_that_profiles_need_exist(chapters: dict[str, str], generator: Any) -> None:
    table = rows(chapters["profiles.md"], "profile")
    assert [row[0].strip("*") for row in table] == [name for name in generator.PROFILES if name != "binding"]
    known = {name for row in rows(chapters["capabilities.md"], "feature") for name in names(row[0])}
    assert {name for row in table for name in names(row[2])} <= known
    tiers = {names(row[0])[0] for row in rows(chapters["continuation.md"], "tier")}
    assert {name for row in table for name in names(row[3])} == tiers - {"none"}


def test_every_code_has_a_sender_and_what_its_client_does(chapters: dict[str, str], defs: dict[str, Any]) -> None:
    listed = [name for row in rows(chapters["errors.md"], "error") for name in names(row[0])]
    assert sorted(listed) == sorted(defs["KnownErrorCode"]["enum"])


def test_every_code_of_a_refused_start_has_its_place_in_the_order(chapters: dict[str, str]) -> None:
    order = [row[2] for row in rows(chapters["turns.md"], "order")]
    assert len(order) == 12
    starts = {
        name
        for row in rows(chapters["errors.md"], "error")
        for name in names(row[0])
        if re.search("refusal of (a start|any message|a request)", row[1])
    }
    free = {"internal_error", "rate_limited"}
    assert starts - {name for cell in order for name in names(cell)} == free


def test_prefixed_messages_of_the_extension_exist(chapters: dict[str, str], defs: dict[str, Any]) -> None:
    known = {kind for union in ("ClientMessage", "ServerMessage") for kind in defs[union]["discriminator"]["mapping"]}
    used = set(re.findall(r"segue:([a-z]+(?:\.[a-z]+)?)\b", chapters["binding-responses-extension.md"]))
    assert len(used) > 10
    assert used <= known


def test_members_that_the_extension_carries_exist(chapters: dict[str, str], defs: dict[str, Any]) -> None:
    table = rows(chapters["binding-responses-extension.md"], "member")
    listed = {name for row in table for name in names(row[0])}
    assert listed <= defs["TurnStart"]["properties"].keys()
    # What the wire has itself: its own names for these.
    assert defs["TurnStart"]["properties"].keys() - listed == {"type", "parent", "input"}


def test_every_binding_says_what_it_makes_of_the_guarantees(chapters: dict[str, str]) -> None:
    bindings = {name: text for name, text in chapters.items() if name.startswith("binding-")}
    assert len(bindings) == 7
    for name, text in bindings.items():
        assert "\n## Guarantees\n" in text, name
        assert "Profiles that can be reached: " in text, name
    told = re.findall(r"^\| (G\d+) ", chapters["profiles.md"], re.MULTILINE)
    assert told == [f"G{number}" for number in range(1, 11)]


def test_codes_in_the_mapping_tables_exist(chapters: dict[str, str], defs: dict[str, Any]) -> None:
    known, advices = set(defs["KnownErrorCode"]["enum"]), set(defs["Advice"]["enum"])
    for row in rows(chapters["binding-anthropic.md"], "`error.type`"):
        assert set(names(row[2])) <= known, row
        assert names(row[3])[0] in advices, row
    assert {names(row[1])[0] for row in rows(chapters["binding-openai-http.md"], "OpenAI")} <= known


def told_errors(value: Any, kind: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the errors inside of a JSON value, each with the type of the message that bears it."""
    if isinstance(value, list):
        for member in value:
            yield from told_errors(member, kind)
    elif isinstance(value, dict):
        kind = str(value.get("type") or kind)
        if {"code", "advice", "effect"} <= value.keys():
            yield kind, value
        for member in value.values():
            yield from told_errors(member, kind)


def shown(root: Path) -> Iterator[tuple[str, Any]]:
    """Yield every JSON text that is meant to be right: valid examples, sessions, and what the chapters show."""
    schemas = root / "schemas" / "1.0"
    for path in sorted((schemas / "examples").rglob("valid/*.json")):
        yield path.name, json.loads(path.read_text("utf-8"))
    for path in sorted((schemas / "sessions").glob("*.ndjson")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            yield f"{path.name}:{number}", json.loads(line)
    for path in sorted((root / "spec" / "1.0").glob("*.md")):
        for line in path.read_text("utf-8").splitlines():
            if line.startswith(("{", "data: {")):
                yield path.name, json.loads(line.removeprefix("data: ").replace("{…}", "{}"))


def test_errors_that_are_shown_are_of_the_table(root: Path, chapters: dict[str, str]) -> None:
    table = {
        names(code)[0]: (set(advice.split(", ")), set(effect.split(", ")))
        for code, _, advice, effect, *_ in rows(chapters["errors.md"], "code")
    }
    wrong, checked = [], 0
    for where, value in shown(root):
        for kind, error in told_errors(value):
            advices, effects = table.get(error["code"], ({error["advice"]}, {error["effect"]}))
            checked += error["code"] in table
            if error["advice"] not in advices:
                wrong.append(f"{where}: {error['code']} with advice {error['advice']}")
            if error["effect"] not in effects and kind != "turn.failed":
                wrong.append(f"{where}: {error['code']} with effect {error['effect']}")
    assert wrong == []
    assert checked > 20


def test_params_that_are_shown_are_pointers(root: Path) -> None:
    params = [error["param"] for _, value in shown(root) for _, error in told_errors(value) if error.get("param")]
    assert len(params) > 5
    assert [param for param in params if not param.startswith("/")] == []


def test_every_code_with_several_advices_says_which_when(chapters: dict[str, str]) -> None:
    text = chapters["errors.md"]
    several = {names(row[0])[0]: set(row[2].split(", ")) for row in rows(text, "code") if ", " in row[2]}
    told = {names(row[0])[0]: set(names(row[1])) for row in table_behind(text, "Where a code allows several advices:")}
    assert told.keys() == several.keys()
    known = {advice for row in rows(text, "advice") for advice in names(row[0])}
    assert {code: advices & known for code, advices in told.items()} == several


def table_behind(text: str, sentence: str) -> list[list[str]]:
    """Return the rows of the first table behind a sentence."""
    lines = text.partition(sentence)[2].strip().split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_what_is_claimed_only_is_a_feature_in_the_examples(root: Path) -> None:
    claimed = 0
    for where, value in shown(root):
        for offered in capabilities_in(value):
            claimed += len(offered.get("claimed_only", ()))
            assert set(offered.get("claimed_only", ())) <= set(offered["features"]), where
    assert claimed


def capabilities_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "features" in value and "model_input" in value:
            yield value
        for member in value.values():
            yield from capabilities_in(member)


def test_openai_wires_stand_at_the_base_of_their_clients(root: Path) -> None:
    for where, value in shown(root):
        for binding in value.get("bindings", [value]) if isinstance(value, dict) else ():
            if isinstance(binding, dict) and str(binding.get("wire", "")).startswith("openai"):
                assert not binding["url"].rstrip("/").endswith("/responses"), where
