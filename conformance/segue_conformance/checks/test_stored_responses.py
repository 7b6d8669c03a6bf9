"""OpenAI Responses over HTTP: what can be read, listed and deleted by its id (spec: binding-openai-http).

The routes are optional. A check that finds one missing is a skip; one that is there has to tell the truth.
"""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.wires.base import Answer

from ..oracle import Story, plant, word
from ..registry import check
from ..responses_wire import create, events_of, terminal_of
from ..scenes import streamed
from ..subject import Subject, handle_of
from ..verdicts import Deviation, NotOffered, Untestable

WIRE = ("openai-http",)

_UNKNOWN = "resp_" + "0123456789abcdef" * 2
_NO_ROUTE = (404, 405, 501)


async def _made(subject: Subject, input: Any = "Say hello.", **members: Any) -> dict[str, Any]:
    """Return the Response to a create that was streamed."""
    response = terminal_of(await events_of(subject, create(subject, input, **members)))
    if not isinstance(response.get("id"), str):
        raise Untestable("the Response has no id")
    return response


async def _read(subject: Subject, identifier: str, more: str = "", key: str | None = None) -> tuple[int, Any]:
    answer = await subject.fetch("GET", f"/responses/{identifier}{more}", key=key)
    return answer.status, _json(answer)


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


async def _held(subject: Subject) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a Response as it was streamed and as it is read; skip the check where none is read."""
    subject.needs_tier("cached", "durable")
    made = await _made(subject)
    if made.get("store") is False:
        raise NotOffered("nothing is stored: the Response says `store: false`")
    status, told = await _read(subject, made["id"])
    if status in _NO_ROUTE and (await _read(subject, made["id"], "/input_items"))[0] != 200:
        raise NotOffered(f"responses can't be read by their id: status {status}")
    if status != 200 or not isinstance(told, dict):
        raise Deviation("reading a stored response", expected="200 and the Response", actual=f"{status}: {told}"[:200],
                        requirement="SEG-OHTTP-037")  # fmt: skip
    return made, told


@check("SEG-OHTTP-037", profile="core", wires=WIRE)
async def test_read_is_what_was_answered(subject: Subject) -> None:
    """A response that is read by its id is the one that was answered."""
    made, told = await _held(subject)
    for name in ("id", "usage"):
        if name in made and told.get(name) != made[name]:
            raise Deviation(f"`{name}` of a response that is read", expected=_short(made[name]),
                            actual=_short(told.get(name)))  # fmt: skip
    _same(made, told)
    for scene in await streamed(subject):  # a call of a tool, or what was cut, is often kept as something else
        identifier = scene.response.get("id")
        if scene.asked.get("store") is False or not isinstance(identifier, str):
            continue
        status, told = await _read(subject, identifier)
        if status == 200 and isinstance(told, dict):  # others look at what can't be read
            _same(scene.response, told, f"{scene.name}: ")


def _same(made: dict[str, Any], told: dict[str, Any], where: str = "") -> None:
    """Deviation where what is read is another status, or says something else, than what was answered."""
    if "status" in made and told.get("status") != made["status"]:
        raise Deviation(f"{where}`status` of a response that is read", expected=_short(made["status"]),
                        actual=_short(told.get("status")))  # fmt: skip
    texts = [_texts(response.get("output")) for response in (made, told)]
    if made.get("output") and texts[0] != texts[1]:
        raise Deviation(f"{where}the output of a response that is read", expected=_short(texts[0]),
                        actual=_short(texts[1]))  # fmt: skip


@check("SEG-OHTTP-038", profile="continuation", wires=WIRE)
async def test_unstored_is_not_read(subject: Subject) -> None:
    """What was asked not to be stored can't be read by its id, nor its input listed."""
    secret = word()
    body = json.dumps(create(subject, plant(secret), store=False)).encode()
    whole = _json(await subject.fetch("POST", "/responses", body, content_type="application/json"))
    told_in_events = await _made(subject, plant(secret), store=False)
    for how, made in (("streamed", told_in_events), ("answered whole", whole)):
        identifier = made.get("id") if isinstance(made, dict) else None
        if not isinstance(identifier, str):
            continue
        for more in ("", "/input_items"):
            status, told = await _read(subject, identifier, more)
            if status == 200:
                raise Deviation(
                    f"a response with `store: false`, {how}, was read at /responses/{{id}}{more}",
                    expected="404",
                    actual=f"200: {_short(told)}",
                )


@check("SEG-OHTTP-036", "SEG-OHTTP-033", "SEG-OHTTP-038", profile="core", wires=WIRE)
async def test_deleted_is_gone(subject: Subject) -> None:
    """A delete says what it deleted; then the response can't be read, nor deleted again, and others can."""
    subject.needs_tier("cached", "durable")
    made = await _made(subject)
    answer = await subject.fetch("DELETE", f"/responses/{made['id']}")
    if answer.status in _NO_ROUTE:
        raise NotOffered(f"deleting is not offered: status {answer.status}")
    if answer.status >= 400:
        raise Deviation("deleting a stored response", expected="200", actual=str(answer.status))
    told = _json(answer)
    if isinstance(told, dict):  # a body is for people: clients go by the status
        wrong = [name for name, value in (("id", made["id"]), ("deleted", True)) if told.get(name, value) != value]
        if wrong:
            raise Deviation("the answer to a delete", expected=f"id {made['id']}, deleted true", actual=_short(told))
    status, body = await _read(subject, made["id"])
    if status == 200:
        raise Deviation("a deleted response was read", expected="404", actual=f"200: {_short(body)}",
                        requirement="SEG-OHTTP-038")  # fmt: skip
    status, body = await _read(subject, made["id"], "/input_items")
    if status == 200:
        raise Deviation("the input of a deleted response was listed", expected="404", actual=f"200: {_short(body)}",
                        requirement="SEG-OHTTP-038")  # fmt: skip
    for identifier in (made["id"], _UNKNOWN):
        answer = await subject.fetch("DELETE", f"/responses/{identifier}")
        if answer.status != 404:
            raise Deviation(
                "deleting what is not there", expected="404", actual=str(answer.status), requirement="SEG-OHTTP-033"
            )


@check("SEG-CONT-030", profile="continuation", wires=WIRE)
async def test_deleting_a_child(subject: Subject) -> None:
    """A parent is as it was after its child was deleted."""
    tier = subject.needs_tier("cached", "durable")
    async with subject.open() as client:
        story, secret = Story(client), word()
        first = await story.say(plant(secret), retention=tier)
        child = await story.fork().say("Repeat after me: good.", parent=handle_of(first), retention=tier)
        await story.stands(secret, parent=handle_of(first), retention=tier)
        answer = await subject.fetch("DELETE", f"/responses/{handle_of(child).id}")
        if answer.status >= 400:
            raise NotOffered(f"deleting is not offered: status {answer.status}")
        await story.recalls(secret, parent=handle_of(first), retention=tier)


@check("SEG-OHTTP-039", profile="core", wires=WIRE)
async def test_input_items(subject: Subject) -> None:
    """The input of a response is listed whole, in the order and in the pages that are asked for."""
    subject.needs_tier("cached", "durable")
    words = [word() for _ in range(3)]
    items = [{"type": "message", "role": "user", "content": plant(each)} for each in words]
    made = await _made(subject, items)
    whole = await _page(subject, made["id"], "?order=asc")
    if whole is None:
        raise NotOffered("input items can't be listed")
    seen = [json.dumps(item) for item in whole["data"]]
    places = [next((n for n, text in enumerate(seen) if each in text), -1) for each in words]
    if -1 in places or places != sorted(places):
        told = [each for text in seen for each in words if each in text]
        raise _listed("the input, with order=asc", f"{', '.join(words)}, in this order", ", ".join(told) or seen)
    put_out = {item.get("id") for item in made.get("output") or () if isinstance(item, dict)} - {None}
    ids = [item.get("id") for item in whole["data"] if isinstance(item, dict)]
    if put_out & set(ids):
        raise _listed("the input", "nothing of the output", seen)
    if None in ids:
        raise _listed("an item of the input", "an `id`, by which the next page is asked for", seen)
    for name, place in (("first_id", 0), ("last_id", -1)):
        if whole.get(name) is not None and ids and whole[name] != ids[place]:
            raise _listed(f"`{name}`", ids[place], whole[name])
    if whole.get("has_more") is True:
        raise _listed("has_more, where all was listed", False, True)
    back = await _page(subject, made["id"], "?order=desc")
    if back is not None and len(set(ids)) == len(ids) and [item.get("id") for item in back["data"]] != ids[::-1]:
        raise _listed("the ids with order=desc", ids[::-1], [item.get("id") for item in back["data"]])
    one = await _page(subject, made["id"], "?order=asc&limit=1")
    if one is None or len(one["data"]) != 1 or one.get("has_more") is False:
        raise _listed("a list with limit=1", "one item, and has_more true", one)
    after = await _page(subject, made["id"], f"?order=asc&limit=1&after={ids[0]}")
    if after is None or [item.get("id") for item in after["data"]] != ids[1:2]:
        raise _listed("the item behind the first", ids[1:2], after)
    status, _ = await _read(subject, _UNKNOWN, "/input_items")
    if status != 404:
        raise _listed("the input of an unknown response", 404, status)


async def _page(subject: Subject, identifier: str, query: str) -> dict[str, Any] | None:
    """Return one page; None where there is no such route."""
    status, told = await _read(subject, identifier, f"/input_items{query}")
    if status in _NO_ROUTE:
        return None
    if status != 200 or not isinstance(told, dict) or not isinstance(told.get("data"), list):
        raise _listed("the list of input items", "200 and an object with `data`", f"{status}: {_short(told)}")
    return told


def _listed(what: str, expected: Any, actual: Any) -> Deviation:
    return Deviation(what, expected=_short(expected), actual=_short(actual))


@check("SEG-ISO-002", "SEG-ISO-003", profile="isolated", needs_second_key=True, wires=WIRE)
async def test_foreign_is_unknown(subject: Subject) -> None:
    """To read, list or delete another principal's response is answered as for one that never existed."""
    made, _ = await _held(subject)
    key = subject.settings.second_api_key
    unknown = made["id"][:-8] + "0a1b2c3d"
    for method, more in (("GET", ""), ("GET", "/input_items"), ("DELETE", "")):
        seen = []
        for identifier in (made["id"], unknown):
            answer = await subject.fetch(method, f"/responses/{identifier}{more}", key=key)
            shown = answer.body[:300].decode("utf-8", "replace").replace(identifier, "<id>")
            seen.append(f"{answer.status}: {shown}")
        if seen[0] != seen[1] and not _same_error(seen):
            raise Deviation(
                f"{method} of a foreign response, {more or 'itself'}",
                expected=f"as for an unknown one: {seen[1][:160]}",
                actual=seen[0][:160],
                requirement="SEG-ISO-003" if method == "DELETE" else "SEG-ISO-002",
            )


def _same_error(seen: list[str]) -> bool:
    """Whether two refusals say the same but for what changes with each request, such as its id or the time."""
    told = []
    for text in seen:
        status, _, body = text.partition(": ")
        try:
            error = json.loads(body).get("error")
        except (ValueError, AttributeError):
            return False
        if int(status) < 400 or not isinstance(error, dict):
            return False
        told.append([status, *(error.get(name) for name in ("message", "type", "code", "param"))])
    return told[0] == told[1]


def _texts(output: Any) -> list[Any]:
    """Return what the items of an output say."""
    items = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
    said = [[part.get("text") for part in item.get("content") or () if isinstance(part, dict)] for item in items]
    return [[item.get(name) for name in ("type", "name", "arguments")] + [texts]
            for item, texts in zip(items, said, strict=True)]  # fmt: skip


def _short(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value))[:300]
