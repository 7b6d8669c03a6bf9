"""The OpenAPI document: fresh, valid by the validator of others, with the chapter's routes and the schemas' shapes."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import segue_schemas
from jsonschema import Draft202012Validator


@pytest.fixture(scope="module")
def check(openapi: dict[str, Any]) -> Any:
    """Return the validator of a component by its name."""

    def of(name: str) -> Draft202012Validator:
        return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": openapi["components"]})

    return of


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, body)
        for path, item in document["paths"].items()
        for method, body in item.items()
        if method in ("get", "put", "post", "delete")
    ]


def test_it_is_valid(openapi: dict[str, Any]) -> None:
    validator = pytest.importorskip("openapi_spec_validator", reason="openapi-spec-validator is not installed")
    assert [error.message for error in validator.OpenAPIV31SpecValidator(openapi).iter_errors()] == []


def test_the_validator_finds_a_fault(openapi: dict[str, Any]) -> None:
    validator = pytest.importorskip("openapi_spec_validator", reason="openapi-spec-validator is not installed")
    broken = copy.deepcopy(openapi)
    del broken["paths"]["/turns/{turn}"]["put"]["responses"]["200"]["description"]
    assert list(validator.OpenAPIV31SpecValidator(broken).iter_errors())


def test_its_routes_are_those_of_the_chapter(root: Path, openapi: dict[str, Any]) -> None:
    chapter = (root / "spec" / "1.0" / "binding-segue-http.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (\S+) \| `([A-Z]+) (/[^`]+)`[^|]*\| ([^|]+)\|$", chapter, re.MULTILINE)
    assert len(table) == 10
    wanted = {
        (method, path): (message.strip("`"), re.findall(r"\b(20\d)\b", answers))
        for message, method, path, answers in table
    }
    found = {
        (method, path): (body.get("x-segue-message", "—"), sorted(set(body["responses"]) - {"default"}))
        for method, path, body in operations(openapi)
        if path != "/.well-known/segue"
    }
    assert found == wanted


def test_every_message_of_a_client_has_a_route(openapi: dict[str, Any]) -> None:
    known = segue_schemas.load("client.json")["$defs"]["ClientMessage"]["discriminator"]["mapping"]
    assert {body["x-segue-message"] for _, _, body in operations(openapi) if "x-segue-message" in body} == set(known)


def test_it_cites_requirements_that_stand_in_the_text(root: Path, openapi: dict[str, Any]) -> None:
    index = json.loads((root / "spec" / "1.0" / "requirements.json").read_text(encoding="utf-8"))
    known = {entry["id"] for entry in index["requirements"]}
    for _, path, body in operations(openapi):
        assert body["x-requirements"], path
        assert set(body["x-requirements"]) <= known


def test_every_operation_can_be_refused(openapi: dict[str, Any]) -> None:
    for _, path, body in operations(openapi):
        if path != "/.well-known/segue":
            assert body["responses"]["default"] == {"$ref": "#/components/responses/Refusal"}


def test_examples_of_server_messages_fit(root: Path, check: Any) -> None:
    """What the schemas take as a message of a Segue wire, the document takes, and the other way round."""
    folder = root / "schemas" / "1.0" / "examples"
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))["examples"]
    native = segue_schemas.validator("native.json#/$defs/ServerMessage")
    ours = check("ServerMessage")
    seen = {True: 0, False: 0}
    for entry in index:
        if not entry["schema"].startswith("server.json#/$defs/"):
            continue
        try:
            message = json.loads((folder / entry["file"]).read_text(encoding="utf-8"))
        except ValueError:
            continue
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            continue
        good = native.is_valid(message)
        assert ours.is_valid(message) == good, entry["file"]
        seen[good] += 1
    assert min(seen.values()) > 10


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ({"input": []}, True),
        ({"type": "turn.start", "turn": "t_1", "input": []}, True),
        ({"type": "turn.resume", "input": []}, False),
        ({"turn": "t 1", "input": []}, False),
        ({}, False),
    ],
)
def test_a_body_may_leave_out_what_the_path_says(check: Any, body: dict[str, Any], fits: bool) -> None:
    assert check("TurnStartBody").is_valid(body) == fits


def test_a_problem_is_an_error_and_more(check: Any) -> None:
    error = {"code": "draining", "advice": "reconnect", "effect": "none", "message": "The node is about to end."}
    problem = {"type": "urn:segue:error:draining", "title": "draining", "status": 503, **error}
    assert check("Problem").is_valid(problem)
    for member in ("type", "title", "status", "code", "advice", "effect"):
        assert not check("Problem").is_valid({name: value for name, value in problem.items() if name != member})


def test_no_component_is_idle_and_no_reference_dead(openapi: dict[str, Any]) -> None:
    refs = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(openapi)))
    assert refs == set(openapi["components"]["schemas"])


def test_committed_documents_are_a_fresh_generation(generator: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert generator.main(["--check"]) == 0, capsys.readouterr().err


def test_a_stale_document_is_told(
    generator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generator, "ROOT", tmp_path)
    monkeypatch.setattr(generator, "FOLDER", tmp_path / "interfaces")
    assert generator.main(["--check"]) == 1
    assert "interfaces/openapi.json is out of date" in capsys.readouterr().err
    assert not (tmp_path / "interfaces").exists()
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0
