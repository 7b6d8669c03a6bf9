"""The bounded worlds that are explored to their end. What a bound leaves out, the model does not show."""

from __future__ import annotations

from segue_model.state import Budget, Scenario

__all__ = ["SCENARIOS"]

_ALL = (
    Scenario(
        "names",
        "Two clients start one name at two nodes, with the same and other content; a refusal, a cut, an old record.",
        script="a",
        readers=2,
        nodes=2,
        budget=Budget(starts=3, others=1, refusals=1, cuts=1, aged=1),
    ),
    Scenario(
        "provider",
        "The provider breaks off or falls silent, the parent expires, the node dies; a refused start is sent again.",
        script="a",
        parent="AB",
        deadline=True,
        budget=Budget(starts=2, refusals=1, cuts=1, kills=1, breaks=1, silences=1, orphaned=1),
    ),
    Scenario(
        "owner",
        "The owner stalls past its lease or is killed, and once more a node is; a client comes back elsewhere.",
        nodes=2,
        budget=Budget(starts=2, resumes=1, cuts=1, kills=2, stalls=1),
    ),
    Scenario(
        "reading",
        "Two clients read one turn, on and off, from anywhere, merged or not; its record ages or is deleted.",
        readers=2,
        merge=True,
        budget=Budget(starts=3, resumes=1, cuts=1, aged=1, deleted=1),
    ),
    Scenario(
        "cancel",
        "A turn that writes a call is cancelled, twice, while its node may die, its store fill and its client be cut.",
        script="{}",
        nodes=2,
        budget=Budget(starts=2, cancels=2, cuts=1, kills=1, full=1),
    ),
    Scenario(
        "steer",
        "A turn is steered, and the steer repeated, with the same and other input; a cut, an old record.",
        script="a]",
        budget=Budget(starts=1, resumes=1, steers=2, strange=1, cuts=1, aged=1),
    ),
    Scenario(
        "steer and call",
        "A turn that ends in a call is steered, repeated and cancelled, while its node may die.",
        script="]{}",
        nodes=2,
        budget=Budget(starts=2, cancels=1, steers=2, kills=1),
    ),
    Scenario(
        "forgotten",
        "A node sleeps so long that the turn is closed, its record gone and its name forgotten and used again.",
        nodes=2,
        budget=Budget(starts=2, cuts=1, stalls=1, aged=1, forgotten=1),
    ),
    Scenario(
        "none",
        "A turn of retention none: its record lies in the memory of a node that stalls or dies, read at two nodes.",
        readers=2,
        nodes=2,
        retention="none",
        script="a",
        budget=Budget(starts=2, resumes=1, kills=1, stalls=1, aged=1),
    ),
    Scenario(
        "connection",
        "A turn of retention connection, read on and off, from anywhere; its connection may end before it.",
        nodes=2,
        retention="connection",
        budget=Budget(starts=2, resumes=2, cuts=2, kills=1),
    ),
    Scenario(
        "mixed",
        "One of everything: a start, a resume, a steer, a cancel, a cut, a kill and a stall, in any order, two nodes.",
        script="]",
        nodes=2,
        budget=Budget(starts=1, resumes=1, cancels=1, steers=1, cuts=1, kills=1, stalls=1),
    ),
)
SCENARIOS = {scenario.name: scenario for scenario in _ALL}
