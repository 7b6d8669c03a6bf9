"""The scripted engine knows what stands in its items, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_lab import call, message, output, run
from segue_gateway.engines.base import Delta, Ended, EngineEvent, EngineFailure, ItemBegun, Progress, Request
from segue_gateway.engines.scripted import NO_WORD, ScriptedEngine
from segue_gateway.engines.tools import arguments_for

GET_WORD = {"type": "function", "name": "get_word", "parameters": {"type": "object", "properties": {}}}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "note": {"type": "string"}},
        "required": ["city", "days"],
    },
}


async def events_of(engine: ScriptedEngine, items: tuple[Any, ...], context: dict[str, Any]) -> list[EngineEvent]:
    made = [message(one) if isinstance(one, str) else one for one in items]
    request = Request([json.dumps(one).encode() for one in made], context)
    return [event async for event in engine.generate(request)]


def ask(*items: Any, **context: Any) -> str:
    """Return the text that answers these items; a string is a user's message."""
    events = run(events_of(ScriptedEngine(slow_seconds=0), items, context))
    return "".join(event.append or "" for event in events if isinstance(event, Delta))


def calls(*items: Any, **context: Any) -> list[tuple[str, str, str]]:
    events = run(events_of(ScriptedEngine(), items, context))
    begun = [event for event in events if isinstance(event, ItemBegun)]
    text = {
        one.index: "".join(e.append or "" for e in events if isinstance(e, Delta) and e.index == one.index)
        for one in begun
    }
    return [(str(one.item["type"]), str(one.item.get("name", "")), text[one.index]) for one in begun]


REMEMBER = "Remember this word: walnut-4821. Answer only with OK."
ASK = "Which word did I ask you to remember? Answer with the word only."


@pytest.mark.parametrize(
    "telling",
    [
        REMEMBER,
        "Please remember the word walnut-4821.",
        "Remember these words: cedar and walnut-4821. Say OK.",
        'My secret word is "walnut-4821". Remember it.',
        "The code word is walnut-4821.",
        "Keep in mind the following: walnut-4821",
    ],
)
@pytest.mark.parametrize(
    "question",
    [ASK, "What was the word that I told you?", "what word did i ask you to remember", "Which word is my word?"],
)
def test_it_knows_a_word_that_the_user_told(telling: str, question: str) -> None:
    assert ask(telling, message("OK", "assistant"), question) == "walnut-4821"


def test_it_answers_a_word_that_it_was_told_with_ok() -> None:
    assert ask(REMEMBER) == "OK"


@pytest.mark.parametrize("question", [ASK, "Which word did you choose?", "Which word did the tool return?"])
def test_it_knows_no_word_that_nobody_told(question: str) -> None:
    assert ask("Hello", message("Hi", "assistant"), question) == NO_WORD


def test_the_last_word_counts_and_all_can_be_asked_for() -> None:
    told = ("Remember this word: cedar.", message("OK", "assistant"), "Remember this word: amber.")
    assert ask(*told, ASK) == "amber"
    assert ask(*told, "Which words did I ask you to remember?") == "cedar, amber"
    assert ask(*told, "Which word did I ask you to remember first?") == "cedar"


def test_a_question_tells_no_word() -> None:
    assert ask("Is the code word is cobalt?", message("No", "assistant"), ASK) == NO_WORD


@pytest.mark.parametrize("text", ["The word is kiwi.", '{"word": "kiwi"}', '{"result": {"code": "kiwi"}}', "kiwi"])
@pytest.mark.parametrize("kind", ["function", "custom_tool"])
def test_it_knows_a_word_that_a_tool_returned(text: str, kind: str) -> None:
    made = call(kind=f"{kind}_call")
    answered = output(text=text, kind=f"{kind}_call_output")
    assert ask("Remember this word: decoy.", made, answered, "Which word did the tool return?") == "kiwi"


def test_it_knows_the_word_of_its_instructions_only_where_they_are_given() -> None:
    question = "What is the code word in your instructions?"
    assert ask(question, instructions="The code word is falcon. Be terse.") == "falcon"
    assert ask(message("The code word is falcon", "system"), question) == "falcon"
    assert ask(question) == NO_WORD


def test_it_knows_a_word_that_it_chose_itself() -> None:
    asked = "Choose a random word and tell me. Answer with the word only."
    chosen = ask(asked)
    assert chosen.isalpha()
    assert ask(asked, message(chosen, "assistant"), "Which word did you choose?") == chosen
    assert ask("Which word did you choose?") == NO_WORD


def test_the_chosen_word_follows_from_the_whole_history() -> None:
    asked = "Choose a random word and tell me"
    assert ask("Hello", asked) == ask("Hello", asked)
    assert ask("Hello", asked) != ask("Hallo", asked)


def test_it_calls_the_tool_that_it_is_asked_to_call() -> None:
    made = calls("Call the tool get_word now. Do not answer with text.", tools=[WEATHER, GET_WORD])
    assert made == [("function_call", "get_word", "{}")]


def test_it_calls_several_tools_side_by_side_unless_that_is_switched_off() -> None:
    question = "Call the tools get_word and get_weather."
    assert [name for _, name, _ in calls(question, tools=[WEATHER, GET_WORD])] == ["get_weather", "get_word"]
    assert len(calls(question, tools=[WEATHER, GET_WORD], parallel_tool_calls=False)) == 1


def test_arguments_fit_the_schema_and_take_what_the_question_names() -> None:
    ((_, _, text),) = calls("Use the tool get_weather for city Paris", tools=[WEATHER])
    assert json.loads(text) == {"city": "Paris", "days": 1}


def test_arguments_have_the_types_that_the_schema_asks_for() -> None:
    kinds = {"a": "boolean", "b": "array", "c": "null", "d": "number", "e": ["string", "null"]}
    properties: dict[str, Any] = {name: {"type": kind} for name, kind in kinds.items()}
    properties |= {"f": {"enum": ["x", "y"]}, "g": {"const": 7}, "h": {"type": "object", "properties": {}}}
    made = arguments_for({"type": "object", "properties": properties, "required": [*properties, "unknown"]})
    assert made == {"a": True, "b": [], "c": None, "d": 1, "e": "example", "f": "x", "g": 7, "h": {}}


def test_a_custom_tool_gets_free_text() -> None:
    made = calls('Call the tool note with "buy milk"', tools=[{"type": "custom", "name": "note"}])
    assert made == [("custom_tool_call", "note", "buy milk")]


def test_it_calls_no_tool_that_is_not_there_or_not_allowed() -> None:
    assert ask("Call the tool get_word") == "I received: Call the tool get_word"
    assert calls("Call the tool get_word", tools=[GET_WORD], tool_choice="none")[0][0] == "message"
    assert calls("Hello", tools=[GET_WORD], tool_choice="required")[0][1] == "get_word"
    chosen = {"type": "function", "name": "get_weather"}
    assert calls("Hello", tools=[GET_WORD, WEATHER], tool_choice=chosen)[0][1] == "get_weather"


def test_it_answers_with_what_the_tools_returned() -> None:
    items = ("Call the tool get_word", call(), output(text="The word is kiwi"))
    assert ask(*items, tools=[GET_WORD]) == "The tool returned: The word is kiwi"


def test_ids_of_calls_differ_within_a_turn_and_between_histories() -> None:
    def ids(*items: Any) -> list[str]:
        events = run(events_of(ScriptedEngine(), items, {"tools": [GET_WORD, WEATHER]}))
        return [str(event.item["call_id"]) for event in events if isinstance(event, ItemBegun)]

    question = "Call the tools get_word and get_weather."
    first, second = ids(question), ids("Hello", question)
    assert len(first) == 2
    assert len({*first, *second}) == 4


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Repeat after me: the  cat\nsat", "the  cat\nsat"),
        ("Count from 3 to 6", "3 4 5 6"),
        ("Say hello", "hello"),
        ("Answer only with pong.", "pong"),
        ("How are you?", "I received: How are you?"),
    ],
)
def test_plain_probes(question: str, text: str) -> None:
    assert ask(question) == text


def test_an_echo_is_short() -> None:
    assert len(ask("x " * 100)) == 60


def test_only_the_last_message_is_the_question() -> None:
    assert ask("Fail now", message("no", "assistant"), "Say hello") == "hello"


def test_text_comes_in_several_pieces_that_add_up() -> None:
    events = run(events_of(ScriptedEngine(), ("Count from 1 to 4",), {}))
    assert [event.append for event in events if isinstance(event, Delta)] == ["1", " 2", " 3", " 4"]


def test_a_long_text_takes_its_time_and_its_many_pieces() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    engine = ScriptedEngine(slow_seconds=1.2, sleep=sleep)
    events = run(events_of(engine, ("Write a long text slowly",), {}))
    assert sum(isinstance(event, Delta) for event in events) == 60
    assert sum(slept) == pytest.approx(1.2)


def test_it_stops_at_the_limit_of_its_output_and_says_so() -> None:
    events = run(events_of(ScriptedEngine(), ("Count from 1 to 100",), {"max_output_tokens": 5}))
    last = events[-1]
    assert isinstance(last, Ended)
    assert (last.status, last.reason) == ("incomplete", "max_output_tokens")
    assert last.usage is not None
    assert last.usage.output_tokens == 5


def test_its_usage_adds_up() -> None:
    (*_, last) = run(events_of(ScriptedEngine(), ("Count from 1 to 3",), {"instructions": "Be terse now."}))
    assert isinstance(last, Ended)
    assert last.usage is not None
    assert (last.usage.input_tokens, last.usage.output_tokens, last.usage.total_tokens) == (8, 3, 11)


@pytest.mark.parametrize(("question", "pieces"), [("Fail now", 1), ("Fail at once", 0)])
def test_it_fails_when_asked_to(question: str, pieces: int) -> None:
    seen: list[EngineEvent] = []

    async def consume() -> None:
        engine = ScriptedEngine()
        async for event in engine.generate(Request([json.dumps(message(question)).encode()], {})):
            seen.append(event)

    with pytest.raises(EngineFailure) as caught:
        run(consume())
    assert caught.value.error.code == "upstream_failed"
    assert sum(isinstance(event, Delta) for event in seen) == pieces


def test_it_thinks_for_as_long_as_it_is_told() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    events = run(events_of(ScriptedEngine(sleep=sleep), ("Think for 250 ms, then answer with OK",), {}))
    assert events[0] == Progress("thinking")
    assert slept[0] == 0.25


def test_it_can_not_read_a_compaction() -> None:
    assert not ScriptedEngine().reads("compaction")
    assert ScriptedEngine().reads("vendor:thing")
