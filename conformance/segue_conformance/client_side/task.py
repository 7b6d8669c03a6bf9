"""What the agent is asked to do, in plain words: a few messages of one conversation, or of two.

Each conversation has a word of its own, which no other text holds: by it a message is known to belong there.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

__all__ = ["CALL", "Conversation", "Task", "make_task"]

#: By these words the endpoint's model knows that it shall call a tool.
CALL = "call your tool"

_FIRST = ("amber", "cobalt", "garnet", "lantern", "maple", "marble", "raven", "saffron", "thimble", "walnut")


@dataclass(frozen=True, slots=True)
class Conversation:
    """The user's messages of one conversation, in order, and its word."""

    word: str
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """All that one run of the agent is asked for."""

    conversations: tuple[Conversation, ...]

    @property
    def text(self) -> str:
        """The value of SEGUE_TASK: a message a line, an empty line between two conversations."""
        return "\n\n".join("\n".join(conversation.messages) for conversation in self.conversations)


def make_task(conversations: int = 1) -> Task:
    """Return a task of three messages for each conversation, with words that were never used before."""
    return Task(tuple(_conversation() for _ in range(conversations)))


def _conversation() -> Conversation:
    word = f"{secrets.choice(_FIRST)}-{secrets.randbelow(9000) + 1000}"
    return Conversation(
        word,
        (
            f"Remember this word: {word}. Then {CALL}, twice, one call after the other.",
            f"Keep {word} in mind and tell me that you are still there.",
            "Which word did I ask you to remember?",
        ),
    )
