"""A welcome is held against what the discovery document says of its wire: narrower there, narrower here."""

from __future__ import annotations

import pytest
from endpoints import Judge, served
from segue_conformance.mutants import Mutant
from segue_conformance.verdicts import Verdict
from segue_gateway.endpoint import Endpoint
from segue_schemas import models

CHECK = "liveness.welcome_declares"


class Narrow(Endpoint):
    """Carries less over its WebSocket than elsewhere, and says so in both places."""

    def features(self, wire: str | None = None) -> list[str]:
        return [name for name in super().features(wire) if wire != "segue-ws" or name != "steer"]

    def retentions(self, wire: str | None = None) -> list[models.Retention]:
        return [tier for tier in super().retentions(wire) if wire != "segue-ws" or tier != "none"]


class Boasting(Narrow):
    """The same, and its welcome speaks of all its wires."""

    def welcome(self, expires_in_ms: int) -> models.Welcome:
        told = super().welcome(expires_in_ms)
        told.capabilities = self.capabilities()
        return told


@pytest.mark.parametrize(("endpoint", "verdict"), [(Narrow, Verdict.PASS), (Boasting, Verdict.FAIL)])
def test_welcome_is_what_its_binding_narrows(endpoint: type[Endpoint], verdict: Verdict) -> None:
    with served(Mutant("narrow", "Nothing is wrong.", {}, endpoint)) as url:
        judge = Judge(url, timeout=4)
        result = judge.perform(CHECK, "segue-ws")
        judge.close()
    assert result.verdict is verdict, result.message
