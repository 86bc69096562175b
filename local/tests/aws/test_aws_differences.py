"""What DIFFERENCES.md says of the local AWS is so: where it is as on AWS, and where it is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twin_worlds import World, fresh

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


def fires(aws: World, pattern: dict[str, Any], detail: dict[str, Any]) -> bool:
    """Whether a rule of this pattern takes the event."""
    (url, arn), bus = aws.queue(), aws.bus()
    aws.rule(bus, {"Arn": arn}, pattern={"detail": pattern})
    aws.publish(bus, detail)
    # A queue has what it gets before PutEvents answers.
    return "Messages" in aws.client("sqs").receive_message(QueueUrl=url)


@pytest.mark.parametrize(
    ("pattern", "detail", "taken"),
    [
        ({"path": [{"wildcard": "a/*/c"}]}, {"path": "a/b/c"}, True),
        ({"path": [{"wildcard": "a/*/c"}]}, {"path": "a/b/d"}, False),
        ({"ip": [{"cidr": "10.0.0.0/8"}]}, {"ip": "10.1.2.3"}, True),
        ({"ip": [{"cidr": "10.0.0.0/8"}]}, {"ip": "11.1.2.3"}, False),
        ({"names": ["b"]}, {"names": ["a", "b"]}, True),
        # On AWS these two are taken.
        ({"tags": {"key": ["b"]}}, {"tags": [{"key": "a"}, {"key": "b"}]}, False),
        ({"names": ["b"]}, {"names": [["a"], ["b"]]}, False),
    ],
)
def test_patterns_have_wildcard_and_cidr_and_look_into_no_nested_array(
    ours: World, pattern: dict[str, Any], detail: dict[str, Any], taken: bool
) -> None:
    assert fires(ours, pattern, detail) == taken


def test_eval_works_here_which_aws_refuses(ours: World) -> None:
    assert ours.evaluate({"sum": "{% $eval('1 + 2') %}"}, {})["sum"] == 3


def test_names_of_roles_may_differ_by_their_case_alone(ours: World) -> None:
    iam, name = ours.client("iam"), fresh("reader")
    for each in (name, name.upper()):
        iam.create_role(RoleName=each, AssumeRolePolicyDocument=TRUST)
    assert iam.get_role(RoleName=name.upper())["Role"]["RoleName"] == name.upper()
    assert iam.get_role(RoleName=name)["Role"]["RoleName"] == name
