from __future__ import annotations

import pytest
from segue_gateway.states import TABLE, TERMINAL_STATES, Cause, State, step


def test_every_state_has_a_row() -> None:
    assert set(TABLE) == set(State)


def test_four_states_are_terminal_and_have_no_way_out() -> None:
    assert frozenset({State.COMPLETED, State.INCOMPLETE, State.CANCELLED, State.FAILED}) == TERMINAL_STATES
    assert all(step(state, cause) is None for state in TERMINAL_STATES for cause in Cause)


@pytest.mark.parametrize(
    ("cause", "to"),
    [
        (Cause.ENDED, State.COMPLETED),
        (Cause.CUT, State.INCOMPLETE),
        (Cause.CANCEL, State.CANCELLED),
        (Cause.FAILURE, State.FAILED),
        (Cause.DEADLINE, State.FAILED),
        (Cause.INTERRUPTION, State.FAILED),
        (Cause.RETENTION_LOST, State.INCOMPLETE),
        (Cause.OUTPUT, State.RUNNING),
    ],
)
def test_a_running_turn_ends_as_its_cause_says(cause: Cause, to: State) -> None:
    assert step(State.RUNNING, cause) is to


def test_a_turn_that_waits_writes_nothing_and_does_not_complete() -> None:
    for cause in (Cause.OUTPUT, Cause.ENDED, Cause.CUT, Cause.FAILURE):
        assert step(State.QUEUED, cause) is None


def test_every_state_can_be_reached_and_every_way_ends() -> None:
    reached, todo = {State.QUEUED}, [State.QUEUED]
    while todo:
        for to in TABLE[todo.pop()].values():
            if to not in reached:
                reached.add(to)
                todo.append(to)
    assert reached == set(State)
