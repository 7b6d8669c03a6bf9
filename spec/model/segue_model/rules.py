"""The rules that can be switched off: what each says, the requirements that state it, and what breaks without it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ALL", "RULES", "Rule"]


@dataclass(frozen=True)
class Rule:
    """One switch: `without` says what the model does instead when it is off."""

    name: str
    says: str
    without: str
    requirements: tuple[str, ...]
    breaks: str  # the property that the shortest trace breaks
    scenario: str


def _rule(name: str, says: str, without: str, requirements: str, breaks: str, scenario: str) -> Rule:
    return Rule(name, says, without, tuple(requirements.split()), breaks, scenario)


_ALL = (
    # --- names ---
    _rule(
        "attach", "A repeat with the same content reads the turn that exists.",
        "it runs again", "SEG-TURN-053", "asked once", "names",
    ),
    _rule(
        "claim", "Looking a name up and claiming it is one step.",
        "a node looks, and claims later", "SEG-TURN-052", "asked once", "names",
    ),
    _rule(
        "conflict", "Other content under a claimed name is a conflict.",
        "it is given the turn that exists", "SEG-TURN-054", "conflict for other content", "names",
    ),
    _rule(
        "name_first", "A claimed name answers before anything else can refuse the start.",
        "a repeat is refused for its parent, which is gone by now", "SEG-TURN-061", "refused means nothing ran",
        "provider",
    ),
    _rule(
        "refusal_claims_nothing", "A refusal claims no name.",
        "the refused start's content stays with the name", "SEG-TURN-021", "refusal claims nothing", "names",
    ),
    _rule(
        "name_kept", "The bare name outlives the record, and a repeat is told so.",
        "the name goes with the record", "SEG-TURN-058 SEG-TURN-059", "asked once", "reading",
    ),
    _rule(
        "delete_keeps_name", "Deleting a handle deletes the record, not the name.",
        "the name is deleted too", "SEG-CONT-074", "asked once", "reading",
    ),
    _rule(
        "cut_cancels_nothing", "A lost connection cancels nothing.",
        "a turn that nobody reads is cancelled", "SEG-TURN-080", "readers end nothing", "names",
    ),
    # --- the provider and the parent ---
    _rule(
        "ask_once", "A request that may have reached the provider is not repeated.",
        "it is repeated when the connection to the provider breaks", "SEG-TURN-041", "asked once", "provider",
    ),
    _rule(
        "deadline", "A turn that outlives its deadline is ended.",
        "nobody ends it", "SEG-TURN-040", "an end", "provider",
    ),
    _rule(
        "parent_refused", "A parent that cannot be resolved is refused.",
        "the turn is accepted without it", "SEG-CONT-010 SEG-CONT-016", "whole history", "provider",
    ),
    _rule(
        "parent_at_acceptance", "The parent is resolved when the turn is accepted.",
        "it is resolved when the model is asked", "SEG-CONT-017", "whole history", "provider",
    ),
    _rule(
        "handles_immutable", "A handle never changes.",
        "the turn adds to its parent in place", "SEG-CONT-030 SEG-CONT-032", "parent stays", "provider",
    ),
    # --- one owner ---
    _rule(
        "close_lost", "A turn whose owner is gone is closed by whoever notices.",
        "nobody closes it", "SEG-TURN-131", "an end", "owner",
    ),
    _rule(
        "no_rerun", "A turn whose owner is gone is not run again.",
        "another node runs it again", "SEG-TURN-132", "asked once", "owner",
    ),
    _rule(
        "lease", "While its lease lasts, the owner is not gone.",
        "a node that does not run the turn itself takes it for lost", "SEG-TURN-130", "readers end nothing", "owner",
    ),
    _rule(
        "epoch", "A write under a stale epoch is refused.",
        "whoever believes to own the turn writes", "SEG-TURN-070 SEG-TURN-130", "nothing behind the end", "owner",
    ),
    _rule(
        "check_in_write", "The epoch is looked at in the same step as the write.",
        "it is looked at first, and written then", "SEG-TURN-070 SEG-TURN-133", "nothing behind the end", "owner",
    ),
    _rule(
        "epoch_before_ask", "The owner looks at its epoch before it asks the provider.",
        "it asks, whatever has become of its turn", "SEG-TURN-135", "asked for somebody", "owner",
    ),
    _rule(
        "handle_in_write", "The end and its handle are written in one step.",
        "the handle is written after the end", "SEG-TURN-133 SEG-CONT-001", "handle exists", "owner",
    ),
    _rule(
        "fresh_epoch", "An epoch is never used twice, not even after the name was forgotten.",
        "the count of epochs goes with the name", "SEG-TURN-130", "one run", "forgotten",
    ),
    # --- the record and its readers ---
    _rule(
        "written_first", "An event is delivered when it is written, not before.",
        "the owner delivers what it holds", "SEG-TURN-070", "only what is recorded", "owner",
    ),
    _rule(
        "memory_record", "A record that lay in its owner's memory is lost with the owner, and nobody makes another.",
        "whoever closes the turn begins a record", "SEG-TURN-134 SEG-CONT-048 SEG-TURN-071", "only what is recorded",
        "none",
    ),
    _rule(
        "resume_after", "A resume delivers every event behind the number that it names.",
        "it delivers what comes from now on", "SEG-TURN-072 SEG-TURN-074", "same items", "reading",
    ),
    _rule(
        "merged_numbers", "A merged delta bears the last of its numbers.",
        "it bears the first", "SEG-TURN-008 SEG-ITEM-014", "same items", "reading",
    ),
    _rule(
        "begin_anew", "A reading from the beginning is begun anew by its client.",
        "the client leaves out the numbers that it has seen", "SEG-TURN-085", "same items", "reading",
    ),
    _rule(
        "reading_replaced", "A reading from the beginning replaces the older one on its connection.",
        "both go on", "SEG-TURN-078", "numbers rise", "reading",
    ),
    _rule(
        "resume_marked", "A resume behind a number is refused where its connection reads the turn.",
        "it begins behind that number, and nothing marks where", "SEG-TURN-086", "numbers rise", "reading",
    ),
    _rule(
        "many_readers", "A reading on one connection ends none on another.",
        "the newest takes the turn", "SEG-TURN-079", "all hear", "reading",
    ),
    _rule(
        "reading_pinned", "A reading that has begun comes to its end, though the record's time passes.",
        "it is cut off with the record", "SEG-TURN-083", "all hear", "reading",
    ),
    _rule(
        "reading_told", "A reading whose record is deleted or lost under it is told so.",
        "it stops without a word", "SEG-TURN-084 SEG-CONT-074", "all hear", "reading",
    ),
    # --- cancel ---
    _rule(
        "first_end", "The end that is written first ends the turn.",
        "a cancel is carried out whatever has been written", "SEG-TURN-002 SEG-TURN-090", "one end", "cancel",
    ),
    _rule(
        "cancel_answered_once", "Who reads the turn hears of the cancel in that reading.",
        "a cancel of a finished turn is answered at once as well", "SEG-TURN-092 SEG-TURN-003",
        "nothing behind the end", "cancel",
    ),
    _rule(
        "seen_is_history", "A handle holds what was recorded.",
        "it holds what the provider had said", "SEG-TURN-033 SEG-DIG-002", "handle is what was seen", "cancel",
    ),
    _rule(
        "half_call", "Half a call is no item of the history.",
        "it is kept", "SEG-TURN-034 SEG-DIG-012", "handle is what was seen", "cancel",
    ),
    _rule(
        "retention_lost", "Where the handle cannot be kept, the turn ends incomplete and says so.",
        "it ends as if it could", "SEG-TURN-039", "handle exists", "cancel",
    ),
    _rule(
        "connection_lost", "A turn whose handle would have been bound to a connection that has ended, has none.",
        "it is issued all the same", "SEG-TURN-039 SEG-CONT-001 SEG-CONT-044", "handle exists", "connection",
    ),
    # --- steers ---
    _rule(
        "steer_settled", "The write of the end settles every steer that still waits.",
        "it leaves them waiting", "SEG-TURN-121", "all hear", "steer",
    ),
    _rule(
        "steer_answered_first", "A steer is answered before the terminal event is delivered to who steered.",
        "the answer may come behind the end", "SEG-TURN-121", "steer before the end", "steer",
    ),
    _rule(
        "steer_too_late", "A steer of a finished turn that did not know it is too late.",
        "it waits", "SEG-TURN-122", "all hear", "steer",
    ),
    _rule(
        "steer_attached", "A repeated steer gets the answer of the first.",
        "it is taken as another", "SEG-TURN-123", "one answer for a steer", "steer",
    ),
    _rule(
        "steer_kept", "A steer that had entered is told so also when the turn has ended.",
        "every steer of a finished turn is too late", "SEG-TURN-123", "one answer for a steer", "steer",
    ),
    _rule(
        "steer_gone", "Where the steer's name went with the record, the answer is events_gone.",
        "it is too_late", "SEG-TURN-123", "one answer for a steer", "steer",
    ),
    _rule(
        "steer_answered_alone", "Who steers and does not read the place where it entered is answered alone.",
        "turn.steered comes in readings only", "SEG-TURN-126 SEG-TURN-121", "all hear", "steer",
    ),
    _rule(
        "steer_conflict", "Other input under a known steer's name is a conflict.",
        "it is taken for the first", "SEG-TURN-125", "conflict for other content", "steer",
    ),
    _rule(
        "steer_boundary", "A steer enters between whole items, and behind no open call.",
        "it enters where it finds the turn", "SEG-TURN-120", "steer at a boundary", "steer and call",
    ),
)  # fmt: skip
RULES = {rule.name: rule for rule in _ALL}
ALL = frozenset(RULES)
