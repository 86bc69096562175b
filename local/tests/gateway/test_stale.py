"""Reads that miss what was written a moment ago."""

from __future__ import annotations

import time

import pytest
from rig import wait_for

from berth_local.gateway.error_bodies import Answer
from berth_local.gateway.stale import StaleAnswers, same_body


def _answer(text: str, status: int = 200) -> Answer:
    return Answer(status, text.encode())


def test_a_read_is_as_old_as_the_rule_says_or_as_old_as_can_be() -> None:
    now = 0.0
    answers = StaleAnswers(5000, lambda: now)
    got = []
    for at, text in [(0, "nothing"), (1, "one"), (3, "two"), (5.5, "three"), (6, "four"), (20, "five")]:
        now = float(at)
        got.append(answers.answer(("a",), _answer(text)).body.decode())
    assert got == ["nothing", "nothing", "nothing", "nothing", "one", "four"]


def test_other_calls_and_errors_are_not_mixed_in() -> None:
    now = 0.0
    answers = StaleAnswers(5000, lambda: now)
    answers.answer(("a",), _answer("mine"))
    assert answers.answer(("b",), _answer("theirs")).body == b"theirs"
    assert answers.answer(("a",), _answer("broken", 400)).body == b"broken"
    assert answers.answer(("a",), _answer("later")).body == b"mine"


def test_a_describe_misses_our_own_write_for_a_while(gateway) -> None:
    client = gateway.client("ec2", "eu-central-1")
    filters = [{"Name": "cidr", "Values": ["10.77.0.0/16"]}]

    def seen() -> int:
        return len(client.describe_vpcs(Filters=filters)["Vpcs"])

    rule = gateway.rule({"operation": "DescribeVpcs"}, {"stale_ms": 700})
    assert seen() == 0
    began = time.monotonic()
    client.create_vpc(CidrBlock="10.77.0.0/16")
    assert seen() == 0
    wait_for(lambda: seen() == 1)
    assert time.monotonic() - began >= 0.6
    assert gateway.fired(rule) >= 3


@pytest.mark.parametrize("stale", [-1, "long", 0])
def test_an_age_that_is_none_is_refused(gateway, stale: object) -> None:
    status, body = gateway.ask("POST", "rules", {"match": {}, "action": {"stale_ms": stale}})
    assert status == 400
    assert "stale_ms" in body["error"]


def test_bodies_that_ask_the_same_are_the_same_in_whatever_order() -> None:
    assert same_body(b'{"Key": {"pk": "a", "sk": "b"}, "N": 1}') == same_body(
        b'{"N": 1, "Key": {"sk": "b", "pk": "a"}}'
    )
    assert same_body(b'{"pk": "a"}') != same_body(b'{"pk": "b"}')
    assert same_body(b"Action=DescribeVpcs&Version=1") == "Action=DescribeVpcs&Version=1"
    assert same_body(b"{not json") == "{not json"
