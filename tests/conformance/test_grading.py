"""What an exception means: whose fault it is decides the verdict."""

from __future__ import annotations

import pytest
from segue_adapters import errors
from segue_conformance.grading import grade
from segue_conformance.verdicts import Deviation, Inconclusive, NotOffered, Untestable, Verdict
from segue_schemas import models

HERE = "http://x.test"


def refused(code: str) -> errors.TurnRefused:
    return errors.TurnRefused(models.Error(code=code, advice="retry", effect="none", message="said so"))


@pytest.mark.parametrize(
    ("fault", "begun", "verdict"),
    [
        (Deviation("bad", expected="a", actual="b"), True, Verdict.FAIL),
        (NotOffered("no"), True, Verdict.SKIP),
        (Untestable("no"), True, Verdict.UNTESTABLE),
        (Inconclusive("no"), True, Verdict.INCONCLUSIVE),
        (errors.NotCarried("openai-http", "lanes"), True, Verdict.SKIP),
        (errors.RemoteProtocolError("bad", expected="a", got="b"), True, Verdict.FAIL),
        (errors.LocalProtocolError("we did"), True, Verdict.ERROR),
        (errors.TimedOut("silence", HERE), True, Verdict.FAIL),
        (errors.TimedOut("silence", HERE), False, Verdict.UNTESTABLE),
        (errors.ConnectionCut("cut", HERE), True, Verdict.FAIL),
        (errors.AnswerTooLarge("too much", HERE), True, Verdict.FAIL),
        (errors.Unreachable("refused", HERE), True, Verdict.UNTESTABLE),
        (errors.TLSFault("tls", HERE), True, Verdict.UNTESTABLE),
        (errors.Unauthorised("401", HERE), True, Verdict.UNTESTABLE),
        (errors.WrongKind("404", HERE), True, Verdict.FAIL),
        (errors.WrongKind("404", HERE), False, Verdict.UNTESTABLE),
        (refused("rate_limited"), True, Verdict.INCONCLUSIVE),
        (refused("overloaded"), True, Verdict.INCONCLUSIVE),
        (refused("invalid_request"), True, Verdict.FAIL),
        (ZeroDivisionError(), True, Verdict.ERROR),
        (AssertionError("we thought"), True, Verdict.ERROR),
        (GeneratorExit(), True, Verdict.ERROR),
    ],
)
def test_verdict_of(fault, begun, verdict):
    found = grade(fault, begun=begun)
    assert found.verdict is verdict
    assert found.message


@pytest.mark.parametrize("fault", [errors.Unreachable, errors.TLSFault, errors.Unauthorised, errors.WrongKind])
def test_at_first_contact_nobody_is_accused(fault):
    assert grade(fault("gone", HERE), begun=True, first=True).verdict is Verdict.UNTESTABLE


@pytest.mark.parametrize("code", ["unauthenticated", "forbidden", "invalid_request", "not_offered"])
def test_a_plain_turn_that_was_the_wrong_one_to_ask_accuses_nobody(code):
    fault = Deviation("it was refused", expected="turn.completed", actual=f"{code}: no", refusal=code)
    assert grade(fault, begun=True, first=True).verdict is Verdict.UNTESTABLE
    assert grade(fault, begun=True).verdict is Verdict.FAIL


def test_a_plain_turn_that_is_refused_for_a_fault_of_the_endpoint_is_a_failure():
    fault = Deviation("refused", expected="turn.completed", actual="internal_error: x", refusal="internal_error")
    assert grade(fault, begun=True, first=True).verdict is Verdict.FAIL


def test_an_unknown_requirement_is_the_suite_own_fault():
    found = grade(Deviation("bad", expected="a", actual="b", requirement="SEG-NOPE-001"))
    assert found.verdict is Verdict.ERROR
    assert "SEG-NOPE-001" in found.message


def test_what_was_expected_and_seen_is_kept():
    found = grade(errors.RemoteProtocolError("bad", expected="one", got="two", requirement="SEG-MSG-001"))
    assert (found.expected, found.actual, found.requirement) == ("one", "two", "SEG-MSG-001")


def test_a_value_that_is_absent_is_called_so():
    class Written(str):
        """Text that knows how it was written."""

    found = grade(Deviation("m", expected=Written("1.0"), actual="reason UNSET, UNSETTLED"))
    assert type(found.expected) is str
    assert found.actual == "reason absent, UNSETTLED"
    assert grade(Deviation("m", expected="a", actual="b", control="c")).control == "c"
