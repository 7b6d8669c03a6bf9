"""OpenAI Responses, bare: what is wrong with a request is refused, by an error that clients can read, on both wires.

Spec: binding-openai-http, binding-openai-ws.
"""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.errors import TransportError

from ..answers import shown
from ..oracle import ASK, TOOL, plant, says, word
from ..registry import check
from ..responses_wire import asking, create, events_of, parsed, text_of
from ..subject import Subject
from ..verdicts import Deviation, NotOffered, Untestable

OPENAI = ("openai-ws", "openai-http")

_UNKNOWN = "resp_" + "0123456789abcdef" * 2
_LOST = {"previous_response_id": _UNKNOWN}
_BROKEN = {"input": [{"type": "message", "role": "user", "content": 7}]}


async def _told(subject: Subject, body: dict[str, Any]) -> tuple[int | None, str | None, dict[str, Any]]:
    """Return how a create was answered: the status, the answer's content type, and the refusal ({} where it ran)."""
    if subject.wire == "openai-http":
        answer = await subject.fetch("POST", "/responses", json.dumps(body).encode(), content_type="application/json")
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            told = json.loads(answer.body)
        except ValueError:
            told = {}
        return answer.status, kind, told if answer.status >= 400 and isinstance(told, dict) else {}
    last = (await events_of(subject, body))[-1]
    if last["type"] not in ("error", "response.failed"):
        return None, None, {}
    status = last.get("status", last.get("status_code"))
    return status, None, last


async def _refused(
    subject: Subject, what: str, *, required: bool = True, gateway: bool = False, **members: Any
) -> None:
    """Deviation where a create with these members runs (if it `required` a refusal), or is called the server's fault.

    `gateway`: 501 to 504 is no such fault, since what is asked for may stand behind the endpoint.

    An `error` of a WebSocket may bear no status: then it says nothing of whose fault it is.
    """
    body = {name: value for name, value in {**create(subject, "Say hello."), **members}.items() if value is not None}
    status, _, told = await _told(subject, body)
    ran = not told and (status is None or status < 400)
    if ran and required:
        raise Deviation(f"{what} was taken", expected="a refusal, status 400 to 499", actual="an answer")
    if not ran and isinstance(status, int) and status >= 500 and not (gateway and status > 500):
        shown = f"{status}: {told}"[:200]
        raise Deviation(f"{what} is told as the server's fault", expected="status 400 to 499", actual=shown)


@check("SEG-TURN-024", "SEG-CONT-011", profile="core", wires=OPENAI)
async def test_wrong_types_refused(subject: Subject) -> None:
    """An input or a parent that is a number is refused, and called the request's fault."""
    await _refused(subject, "a number as `input`", input=7)
    await _refused(subject, "an object as `input`", input={"role": "user"})
    await _refused(subject, "a number as `previous_response_id`", previous_response_id=7)


@check("SEG-OHTTP-007", profile="core", wires=OPENAI)
async def test_wrong_settings_refused(subject: Subject) -> None:
    """Settings of a wrong type are refused, and no wrong request is called the server's fault."""
    await _refused(subject, "text as `tools`", tools="get_word")
    await _refused(subject, "text as `max_output_tokens`", max_output_tokens="many")
    await _refused(subject, "`max_output_tokens` below 0", max_output_tokens=-1)
    await _refused(subject, "a number as `instructions`", instructions=7)
    # Whether these are taken is not documented; that they are no fault of the server's is plain.
    await _refused(subject, "a create without `model`", required=False, model=None)
    await _refused(subject, "an item of an unknown type", required=False, input=[{"type": "unheard_of", "text": "x"}])
    await _refused(subject, "a message of an unknown role", required=False, input=[{"role": "nobody", "content": "x"}])
    await _refused(subject, "a create without `input`", required=False, input=None)
    await _refused(subject, "a tool without a name", required=False, tools=[{"type": "function"}])
    nobody = {"type": "function", "name": "no_such_tool"}
    await _refused(subject, "a tool_choice that names no tool", required=False, tools=[TOOL], tool_choice=nobody)
    await _refused(subject, "the name of no model", required=False, gateway=True, model=f"no-such-model-{word()}")


@check("SEG-OHTTP-006", profile="core", wires=OPENAI)
async def test_two_pasts_refused(subject: Subject) -> None:
    """A request that names both a conversation and a parent is refused."""
    async with asking(subject) as ask:
        first = (await ask(create(subject, "Say hello.")))[-1].get("response")
        if not isinstance(first, dict) or not isinstance(first.get("id"), str):
            raise NotOffered("there is no parent to name")
        both = create(subject, "Say hello.", previous_response_id=first["id"], conversation="conv_0123456789abcdef")
        if subject.wire == "openai-http":
            status, _, told = await _told(subject, both)
            ran, shown = not told and status is not None and status < 400, f"{status}: {told}"
        else:
            last = (await ask(both))[-1]
            ran, shown = last["type"] != "error", last["type"]
    if ran:
        raise Deviation("conversation and previous_response_id", expected="a refusal", actual=shown[:200])


@check("SEG-ITEM-025", profile="core", wires=OPENAI)
async def test_orphan_output_refused(subject: Subject) -> None:
    """The output of a call that nobody made is refused, with and without a parent."""
    orphan = {"type": "function_call_output", "call_id": "call_nobody_made_this", "output": "42"}
    for named in (False, True):
        async with asking(subject) as ask:
            body = create(subject, [orphan])
            if named:
                first = (await ask(create(subject, "Say hello.")))[-1].get("response")
                if not isinstance(first, dict) or not isinstance(first.get("id"), str):
                    return
                body["previous_response_id"] = first["id"]
            if subject.wire == "openai-http":
                status, _, told = await _told(subject, body)
                ran = not told and status is not None and status < 400
            else:
                ran = (await ask(body))[-1]["type"] not in ("error", "response.failed")
            if ran:
                where = "behind a parent" if named else "without a parent"
                raise Deviation(f"the output of no call, {where}", expected="a refusal", actual="an answer")


@check("SEG-ITEM-024", profile="core", wires=OPENAI)
async def test_unknown_item_is_not_left_out(subject: Subject) -> None:
    """An item of a type that nobody knows is refused, or read: it is not left out in silence."""
    secret, question = word(), {"type": "message", "role": "user", "content": ASK}
    told: list[str] = []
    for kind in ("note_of_the_user", "message"):
        noted = {"type": kind, "role": "user", "content": plant(secret)}
        events = await _answered(subject, create(subject, [noted, question]))
        if events is None:
            return  # refused, which is honest; or not even a message is taken, which others tell
        told.append(text_of(events))
    if says(told[1], secret) and not says(told[0], secret):
        raise Deviation(
            "an item of an unknown type was left out",
            expected=f"a refusal, or an answer from it: {secret!r}",
            actual=repr(told[0][:120]),
            control=f"the same as a message was read: {told[1][:120]!r}",
        )


async def _answered(subject: Subject, body: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Return the events of a response that completed; None where it did not."""
    try:
        events = await events_of(subject, body)
    except Untestable:
        return None
    return events if events[-1]["type"] == "response.completed" else None


@check("SEG-OHTTP-034", profile="core", wires=OPENAI)
async def test_error_members(subject: Subject) -> None:
    """An error has a type that fits its status, and code and param are text or null."""
    for what, members in (("a lost parent", _LOST), ("a wrong type", _BROKEN)):
        status, _, told = await _told(subject, {**create(subject, "Say hello."), **members})
        nested = told.get("error")
        flat = subject.wire == "openai-ws" and nested is None
        error = told if flat else nested
        if not told or not isinstance(error, dict):
            continue  # no refusal, or none of this kind of envelope: other checks tell
        kind = error.get("type")
        wrong = [name for name in ("code", "param") if not isinstance(error.get(name), str | None)]
        if not isinstance(kind, str) or not kind:
            wrong.append("type")
        elif kind == "server_error" and isinstance(status, int) and status < 500:
            wrong.append("type, since the status says that the request is at fault")
        if wrong:
            shown = f"no usable {', '.join(wrong)}: {json.dumps(error)}"
            raise Deviation(f"the error for {what}", expected="type, code and param as text", actual=shown[:300])


@check("SEG-OHTTP-035", profile="core", wires=("openai-http",))
async def test_json_is_called_json(subject: Subject) -> None:
    """Answers and errors come as application/json."""
    # A body that is too long for it is often refused by what stands before the endpoint.
    long = {"input": [{"type": "message", "role": "user", "content": f"Say hello.{' ' * 120_000}"}]}
    for what, members in (("an answer", {}), ("a lost parent", _LOST), ("a wrong type", _BROKEN), ("120 kB", long)):
        status, kind, _ = await _told(subject, {**create(subject, "Say hello."), **members})
        if kind != "application/json":
            raise Deviation(f"the content type of {what}", expected="application/json", actual=f"{kind} ({status})")
    if subject.settings.api_key is None:
        return
    body = json.dumps(create(subject, "Say hello.")).encode()
    answer = await subject.fetch("POST", "/responses", body, key="wrong-key", content_type="application/json")
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.status >= 400 and kind != "application/json":
        raise Deviation("the content type of the refusal of a wrong key", expected="application/json", actual=kind)


@check("SEG-OHTTP-009", profile="core", wires=OPENAI)
async def test_choices_are_kept_to(subject: Subject) -> None:
    """With `tool_choice: none` no tool is called, and with `parallel_tool_calls: false` one at most."""
    tools = [{**TOOL, "name": name} for name in ("get_first", "get_second")]
    asked = "Call the tools get_first and get_second now, both at once. Do not answer with text."
    judged = False
    for what, most, members in (
        ("tool_choice: none", 0, {"tool_choice": "none"}),
        ("parallel_tool_calls: false", 1, {"parallel_tool_calls": False}),
    ):
        seen = [_calls(await _answered(subject, create(subject, asked, tools=tools, **more))) for more in ({}, members)]
        if seen[0] is None or seen[1] is None or seen[0] <= most:
            continue  # it is refused, or the model would not have called more anyway
        judged = True
        if seen[1] > most:
            raise Deviation(
                f"{what} was ignored",
                expected=f"{most} calls",
                actual=f"{seen[1]} calls",
                control=f"without it the model made {seen[0]} calls",
            )
    if not judged:
        raise NotOffered("these members are refused, or the model calls no tools")


def _calls(events: list[dict[str, Any]] | None) -> int | None:
    """Return how many tools a response called; None where it was refused."""
    if events is None:
        return None
    items = [event.get("item") for event in events if event["type"] == "response.output_item.done"]
    return len([item for item in items if isinstance(item, dict) and item.get("type") == "function_call"])


@check("SEG-MSG-003", profile="core", wires=("openai-http",))
async def test_half_json_refused(subject: Subject) -> None:
    """A body that is half a JSON object is refused as the request's fault."""
    text = json.dumps(create(subject, "Say hello."))[:-2]
    answer = await subject.fetch("POST", "/responses", text.encode(), content_type="application/json")
    if not 400 <= answer.status < 500:
        raise Deviation("half a JSON object", expected="status 400 to 499", actual=shown(answer))


@check("SEG-OHTTP-031", profile="core", wires=("openai-http",))
async def test_long_parent_refused(subject: Subject) -> None:
    """An id of 300 characters is a lost parent like any other."""
    body = create(subject, "Say hello.", previous_response_id="resp_" + "a1" * 150)
    answer = await subject.fetch("POST", "/responses", json.dumps(body).encode(), content_type="application/json")
    if answer.status not in (400, 404):
        raise Deviation("an id of 300 characters", expected="400 or 404", actual=str(answer.status))


@check("SEG-OWS-034", profile="core", wires=("openai-ws",))
async def test_error_status(subject: Subject) -> None:
    """The status of an error is one of HTTP's for errors, and that of a lost parent 400 or 404."""
    for what, members, wanted in (
        ("a lost parent", _LOST, (400, 404)),
        ("a wrong type", _BROKEN, tuple(range(400, 600))),
    ):
        status, _, told = await _told(subject, {**create(subject, "Say hello."), **members})
        if told.get("type") == "error" and status is not None and status not in wanted:
            expected = "400 or 404" if len(wanted) == 2 else "400 to 599"
            raise Deviation(f"the status of the error for {what}", expected=expected, actual=repr(status))


@check("SEG-OWS-032", profile="core", wires=("openai-ws",))
async def test_error_has_a_status(subject: Subject) -> None:
    """An error bears a status: there are clients that wait for ever without one."""
    status, _, told = await _told(subject, create(subject, "Say hello.", **_LOST))
    if told.get("type") == "error" and status is None:
        raise Deviation("the error for a lost parent", expected="`status`", actual=json.dumps(told)[:200])


@check("SEG-OWS-035", profile="core", wires=("openai-ws",))
async def test_one_answer_to_a_refused_create(subject: Subject) -> None:
    """A refused create is answered once, and what comes next belongs to the next create."""
    async with subject.socket() as socket:
        subject.spend()
        await socket.send(json.dumps({"type": "response.create", **create(subject, "Say hello.", **_LOST)}))
        kind = ""
        while kind not in ("error", "response.failed", "response.completed"):
            kind = parsed(str(await socket.receive(subject.settings.timeout)))["type"]
        if kind == "response.completed":
            return  # it ran: for other checks to tell
        try:
            stray = parsed(str(await socket.receive(0.15)))
        except (TimeoutError, TransportError):
            return
        if stray["type"] == "error" or stray["type"].startswith("response."):
            raise Deviation("what came behind a refusal", expected="nothing more", actual=stray["type"])
