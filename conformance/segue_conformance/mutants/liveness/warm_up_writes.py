"""Lets the model write in a warm-up."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http", "openai-ws"), ("liveness.warm_up_says_nothing",))
ALSO = {
    "warm_up.is_told_as_a_response": "it looks at the output of a warm-up as well",
    "observability.timing_says_what_happened": "a warm-up has no first output",
    "resume.*": "it reads digests of warm-ups",
    "warm_up.in_a_chain": "what the model wrote in it is taken for its word",
    "resend.history_in_parts": "a part of a full resend is a warm-up",
    "failures.empty_input": "a warm-up adds nothing of its own",
}


class _Turn(Turn):
    def generates(self) -> bool:
        return True


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for warm-ups."""

    turn_type = _Turn
