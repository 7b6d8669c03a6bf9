"""What is broken is seen: each fault of a stand-in that shares no line with ours fails the checks that name it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from segue_conformance.mutants import KEYS
from segue_conformance.verdicts import Verdict
from stand_in.faults import FAULTS as ALL
from stand_in.faults.seen import SEEN
from stand_in.judge import Judge
from stand_in.server import standing_in

WS, HTTP = "openai-ws", "openai-http"


def both(*checks: str) -> dict[str, tuple[str, ...]]:
    return {WS: checks, HTTP: checks}


def on(wire: str, *checks: str) -> dict[str, tuple[str, ...]]:
    return {wire: checks}


#: By name: what is broken, and who must see it.
FAULTS: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "ignores_parent": (
        "a parent is ignored: the turn runs without its history",
        both("continuation.users_words_one_hop", "continuation.unknown_parent_refused"),
    ),
    "ignores_parent_on_socket": (
        "a parent is ignored over the WebSocket alone",
        on(WS, "continuation.users_words_one_hop", "continuation.unknown_parent_refused"),
    ),
    "ignores_parent_unstreamed": (
        "a parent is ignored where the answer is not streamed",
        on(HTTP, "continuation.users_words_in_a_whole_answer", "wire_openai_http.lost_parent_status"),
    ),
    "keeps_last_turn_only": ("the history is the last turn", both("continuation.users_words_four_hops")),
    "drops_assistant": ("what the assistant said is dropped", both("continuation.models_words")),
    "drops_calls": (
        "calls are dropped from the history, so that outputs stand for calls that nobody made",
        both("responses_requests.orphan_output_refused"),
    ),
    "drops_outputs": ("outputs of tools are dropped", both("continuation.tools_words")),
    "socket_wide_memory": (
        "without a parent, a turn goes on from the connection's last one",
        on(WS, "continuation.never_said", "lanes.lane_is_no_history"),
    ),
    "newest_for_any_unstored": (
        "with `store: false`, any parent means the connection's last turn",
        on(WS, "retention.older_connection_handle"),
    ),
    "id_changes": ("the terminal event names another id than response.created", both("responses_order.one_id")),
    "forgets_other_connections": (
        "a stored response is ignored on another WebSocket",
        on(WS, "retention.kept_handle_on_another_connection"),
    ),
    "siblings_share": (
        "branches of one parent share their history",
        both("continuation.fork", "continuation.handle_is_immutable"),
    ),
    "handle_is_reused": ("a turn bears the id of its parent", both("continuation.handles_differ")),
    "unstored_survives": (
        "`store: false` resolves everywhere",
        on(WS, "retention.connection_handle_ends_with_it") | on(HTTP, "retention.unkept_turn_has_no_handle"),
    ),
    "lost_is_forgotten": (
        "an unknown parent is answered without a history",
        both("continuation.unknown_parent_refused") | on(HTTP, "wire_openai_http.lost_parent_status"),
    ),
    "lost_is_answered_empty": (
        "an unknown parent is answered with no output",
        both("continuation.unknown_parent_refused"),
    ),
    "lost_is_500": ("an unknown parent is answered 500", both("continuation.unknown_parent_refused")),
    "takes_malformed_ids": ("a sentence is taken as a parent", both("continuation.impossible_parent_refused")),
    "foreign_parent": ("any key goes on from any response", both("isolation.foreign_parent")),
    "foreign_parent_on_socket": (
        "any key goes on from any response, over the WebSocket alone",
        on(WS, "isolation.foreign_parent"),
    ),
    "foreign_is_told": ("a foreign parent is told from an unknown one", both("isolation.foreign_parent")),
    "foreign_read": ("any key reads any response", on(HTTP, "isolation.foreign_read")),
    "foreign_delete": ("any key deletes any response", on(HTTP, "isolation.foreign_delete")),
    "takes_any_key": (
        "any key is taken",
        on(WS, "wire_openai_ws.wrong_key_refused") | on(HTTP, "wire_openai_http.wrong_key_refused"),
    ),
    "deletes_nothing": ("a deleted response is still there", on(HTTP, "retention.deleted_handle_is_gone")),
    "deletion_truncates": (
        "a child of a deleted response loses the beginning",
        on(HTTP, "retention.child_of_a_deleted_parent"),
    ),
    "refusal_evicts_parent": (
        "a refused turn takes its stored parent away",
        both("continuation.refused_turn_leaves_parent"),
    ),
    "wrong_type_is_500": ("a wrong type is answered 500", both("turns.wrong_type_refused")),
    "errors_with_200": (
        "errors come with status 200",
        on(HTTP, "turns.wrong_type_refused", "wire_openai_http.lost_parent_status"),
    ),
    "errors_in_html": (
        "what is wrong in an item is answered with a page of HTML",
        on(HTTP, "responses_events.error_envelope"),
    ),
    "refusals_are_silent": (
        "over the WebSocket, what is refused is not answered",
        on(WS, "continuation.unknown_parent_refused"),
    ),
    "closes_behind_a_refusal": ("the WebSocket is closed behind a refusal", on(WS, "turns.refusal_leaves_connection")),
    "closes_behind_a_miss": ("the WebSocket is closed behind a lost parent", on(WS, "turns.refusal_leaves_connection")),
    "text_input_refused": ("input as a string is refused", both("responses_events.easy_input")),
    "null_parent_is_lost": ("`previous_response_id: null` is a lost parent", both("responses_events.easy_input")),
    "lane_not_in_order": ("turns of one lane overlap", on(WS, "wire_openai_ws.one_after_the_other")),
    "lanes_share_a_queue": ("one lane waits for another", on(WS, "lanes.lanes_run_side_by_side")),
    "second_turn_ends_first": ("a second turn in flight ends the first", on(WS, "turns.second_turn_in_flight")),
    "warm_up_generates": ("a warm-up generates", on(WS, "liveness.warm_up_says_nothing")),
    "warm_up_is_lost": ("what was said in a warm-up is lost", on(WS, "liveness.warm_up_is_history")),
    "cut_has_no_end": ("no terminal event where the output was cut", both("turns.cut_is_incomplete")),
    "cut_is_told_as_whole": ("output that was cut is told as completed", both("turns.cut_is_incomplete")),
    "cut_without_reason": ("incomplete without a reason", both("turns.cut_is_incomplete")),
    "ignores_limit": ("max_output_tokens is ignored", both("turns.cut_is_incomplete")),
    "terminal_twice": (
        "two terminal events",
        on(WS, "wire_openai_ws.one_after_the_other") | on(HTTP, "wire_openai_http.one_end"),
    ),
    "event_behind_terminal": (
        "an event behind the terminal one",
        on(WS, "wire_openai_ws.one_after_the_other") | on(HTTP, "wire_openai_http.one_end"),
    ),
    "terminal_lists_others": (
        "the terminal event lists other items",
        both("responses_events.items_are_brought_whole"),
    ),
    "terminal_without_output": (
        "the terminal event's response has no output",
        both("responses_events.terminal_response"),
    ),
    "items_never_whole": ("no response.output_item.done", both("responses_events.items_are_brought_whole")),
    "final_text_differs": (
        "the whole item says another text than its deltas",
        both("items.deltas_rebuild_the_item"),
    ),
    "done_copy_differs": (
        "output_text.done says another text than the deltas",
        both("responses_events.copies_equal_deltas"),
    ),
    "numbers_repeat": ("sequence numbers repeat", both("responses_events.sequence_numbers")),
    "numbers_restart": ("sequence numbers start again", both("responses_events.sequence_numbers")),
    "usage_does_not_add_up": ("total_tokens is not the sum", both("turns.usage_adds_up")),
    "usage_lacks_total": ("usage without total_tokens", both("responses_events.usage_members")),
    "arguments_as_object": ("arguments of a call as an object", both("items.arguments_are_text")),
    "call_ids_repeat": ("two calls with one call_id", both("items.call_ids_differ")),
    "ws_binary": ("events in binary frames", on(WS, "turns.plain_turn", "responses_events.sequence_numbers")),
    "stream_is_plain_text": (
        "a stream that is not told as one",
        on(HTTP, "turns.plain_turn", "wire_openai_http.stream_content_type"),
    ),
    "event_names_differ": ("names of events that are not their types", on(HTTP, "wire_openai_http.event_names")),
}


#: What no sentence of the specification, or no check, reaches yet. Who is seen one day belongs into `SEEN`.
UNSEEN = {
    "cut_output_is_dropped": "whether what was cut is history is not documented, and no model is asked for half a text",
    "newlines_are_lost": "no probe brings a model to break a line",
    "instructions_of_parent_told": "they are not in force; what a Response echoes of settings is not asked for",
    "usage_ignores_history": "it is documented, but an endpoint that counts simply would be accused with it",
    "lost_is_429": "a rate limit is no verdict",
    "no_input_is_taken": "that a create has to have input is not documented: a stored prompt may stand for it",
}
SEEN_AS = (Verdict.FAIL, Verdict.WARN)
NEW = [name for name in ALL if name not in UNSEEN]


def missed(fault: str) -> list[str]:
    """Perform the checks that must see a fault; return what those say that do not."""
    seams = ALL[fault][1] if fault in ALL else {}
    wanted = {w: (c,) for w, c in zip((WS, HTTP), SEEN[fault], strict=True) if c} if fault in SEEN else FAULTS[fault][1]
    with standing_in(KEYS, *([] if seams else [fault]), seams=[seams]) as url:
        judge = Judge(url, timeout=1.5)
        try:
            results = [judge.perform(check, wire) for wire, checks in wanted.items() for check in checks]
        finally:
            judge.close()
    return [f"{r.check} on {r.wire}: {r.verdict}: {r.message}" for r in results if r.verdict not in SEEN_AS]


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[list[str]]]]:
    """Judge all that is asked for side by side: half of the time is spent waiting."""
    calls = [item.callspec.params for item in request.session.items if getattr(item, "callspec", None) is not None]
    chosen = {params["fault"] for params in calls if "fault" in params}
    with ThreadPoolExecutor(4) as pool:
        yield {fault: pool.submit(missed, fault) for fault in (*FAULTS, *NEW) if fault in chosen}


@pytest.mark.parametrize("fault", [*FAULTS, *NEW])
def test_a_fault_is_seen_by_the_checks_that_name_it(fault: str, running: dict[str, Future[list[str]]]) -> None:
    assert running[fault].result() == [], (FAULTS.get(fault) or ALL[fault])[0]


def test_every_fault_has_who_sees_it() -> None:
    assert set(SEEN) == set(NEW)
    assert len(FAULTS) + len(NEW) >= 300


@pytest.mark.parametrize(
    "fault", [pytest.param(name, marks=pytest.mark.xfail(reason=why, strict=True)) for name, why in UNSEEN.items()]
)
def test_what_nobody_sees_yet(fault: str) -> None:
    seams = ALL[fault][1] if fault in ALL else {}
    with standing_in(KEYS, *([] if seams else [fault]), seams=[seams]) as url:
        judge = Judge(url, timeout=3.0)
        try:
            checks = [c.id for c in judge.catalogue if HTTP in c.wires and c.profile in ("core", "continuation")]
            seen = [check for check in checks if judge.perform(check, HTTP).verdict in SEEN_AS]
        finally:
            judge.close()
    assert seen
