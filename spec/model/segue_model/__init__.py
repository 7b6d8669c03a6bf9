"""An executable model of Segue's turns: every order of events that the rules allow, explored to its end.

`steps` is the successor function, `explore` the breadth-first search, `RULES` the rules that can be switched off,
`SCENARIOS` the bounded worlds. Nothing here is shipped or used by an endpoint: it is the reason to believe the rules.
"""

from segue_model.explore import Broken, Result, explore
from segue_model.replay import replay
from segue_model.rules import ALL, RULES, Rule
from segue_model.scenarios import SCENARIOS
from segue_model.state import Model, Observation, Scenario, Step, World, start
from segue_model.steps import steps

__all__ = [
    "ALL",
    "RULES",
    "SCENARIOS",
    "Broken",
    "Model",
    "Observation",
    "Result",
    "Rule",
    "Scenario",
    "Step",
    "World",
    "explore",
    "replay",
    "start",
    "steps",
]
