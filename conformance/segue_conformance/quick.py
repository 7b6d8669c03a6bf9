"""The checks of a quick look (`--quick`): the few that tell most, each with what it is here for."""

from __future__ import annotations

__all__ = ["QUICK", "UNSEEN"]

#: By check id. On a wire that has no place for one it does not run there.
QUICK = {
    "turns.plain_turn": "whether anything works at all",
    "turns.wrong_type_refused": "whether a bad request is refused, and called the caller's fault",
    "full_resend.users_words": "whether a whole history in one request reaches the model: what the others stand on",
    "continuation.users_words_one_hop": "whether a parent's history reaches the model, or only its id is known",
    "continuation.tools_words": "whether the results of tools are in that history",
    "continuation.fork": "whether a handle stays what it was when something else goes on from it",
    "continuation.unknown_parent_refused": "whether a lost parent is said, or its history dropped in silence",
    "retention.kept_handle_on_another_connection": "whether what is kept outlives its connection",
    "isolation.foreign_parent": "whether another principal's state can be gone on from (with a second key)",
}

#: What a quick look says nothing about.
UNSEEN = (
    "what each message and event has to look like, limits and hostile input, retention and deletion in full, isolation "
    "beyond one question, lanes, cancel and steer, resume and replay, liveness and warm-up, digests"
)
