"""The Responses extension over HTTP, client side: when it is used, and what goes where."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from segue_adapters.errors import NotCarried
from segue_adapters.wires.base import refusal
from segue_adapters.wires.openai_http import OpenAIHTTPServer
from segue_adapters.wires.openai_http_extension import ExtendedHTTPClient
from segue_schemas import models

DECLARED = {"segue-version": "1.0", "content-type": "application/json"}


def started(**members: Any) -> models.TurnStart:
    return models.TurnStart(turn="t_1", input=[], context=msgspec.Raw(b'{"model":"m"}'), **members)


def test_the_first_request_is_plain_where_nothing_is_known() -> None:
    client = ExtendedHTTPClient()
    first = client.exchange(started())
    assert first.request.headers["segue-version"] == "1.0"
    assert "segue" not in json.loads(first.request.body)
    first.head(200, DECLARED)
    assert json.loads(client.exchange(started()).request.body)["segue"] == {"turn": "t_1"}


def test_an_endpoint_that_stays_silent_gets_no_segue() -> None:
    client = ExtendedHTTPClient()
    for _ in range(2):
        exchange = client.exchange(started())
        assert "segue" not in json.loads(exchange.request.body)
        exchange.head(200, {"content-type": "application/json"})


def test_discovery_declares_it_at_once() -> None:
    exchange = ExtendedHTTPClient(declared=True).exchange(started(retention="cached"))
    assert json.loads(exchange.request.body)["segue"] == {"turn": "t_1", "retention": "cached"}


def test_what_names_a_turn_goes_to_the_routes_beside() -> None:
    client = ExtendedHTTPClient(declared=True, routes=True)
    exchange = client.exchange(models.TurnResume(turn="t_1", after=3))
    assert (exchange.elsewhere, exchange.request.path) == (True, "/turns/t_1/events")
    assert client.snapshot(started()).elsewhere
    alone = ExtendedHTTPClient(declared=True)
    for ask in (lambda: alone.exchange(models.TurnResume(turn="t_1")), lambda: alone.snapshot(started())):
        with pytest.raises(NotCarried):
            ask()
    assert alone.exchange(models.ContinuationDelete(ref="r", id="resp_1")).request.path == "/responses/resp_1"


@pytest.mark.parametrize("members", [{"lane": "side"}, {"retention": "connection"}])
def test_what_http_has_no_place_for_is_not_sent(members: dict[str, Any]) -> None:
    with pytest.raises(NotCarried):
        ExtendedHTTPClient(declared=True).exchange(started(**members))


def test_a_refusal_is_read_whole() -> None:
    told = refusal("turn_conflict", "fix", "No.", param="/turn", refused="turn.start", turn="t_1").message
    answer = OpenAIHTTPServer().error(told.error, told=told)
    assert (answer.status, answer.headers["x-should-retry"]) == (409, "false")
    exchange = ExtendedHTTPClient(declared=True).exchange(started())
    exchange.head(answer.status, answer.headers)
    exchange.data(answer.body)
    assert exchange.end() == [told]


def test_a_refusal_of_somebody_in_between_is_read_as_the_wires() -> None:
    exchange = ExtendedHTTPClient(declared=True).exchange(started())
    exchange.head(502, {"content-type": "text/html"})
    exchange.data(b"<h1>Bad gateway</h1>")
    (told,) = exchange.end()
    assert isinstance(told, models.ErrorMessage)
    assert (told.error.code, told.turn) == ("upstream_failed", "t_1")
