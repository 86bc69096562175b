"""Intrinsic functions give what CloudFormation gives, and unknown ones stop the loader."""

from __future__ import annotations

from typing import Any

import pytest

from berth_local.faults import LocalError
from berth_local.stack.intrinsics import Made, Resolver, mentioned


def resolver() -> Resolver:
    values = {"Stage": "dev", "Zones": ["a", "b"], "AWS::Region": "us-east-1"}
    conditions = {"IsDev": {"Fn::Equals": [{"Ref": "Stage"}, "dev"]}, "IsNotDev": {"Fn::Not": [{"Condition": "IsDev"}]}}
    made = Resolver(values, conditions, {"Sizes": {"dev": {"memory": 512}}})
    made.made["Queue"] = Made("https://queue", {"Arn": "arn:queue", "QueueName": "q"})
    return made


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"Ref": "Stage"}, "dev"),
        ({"Ref": "Queue"}, "https://queue"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:queue"),
        ({"Fn::GetAtt": "Queue.Arn"}, "arn:queue"),
        ({"Fn::Sub": "${Stage}-${AWS::Region}-${Queue.QueueName}"}, "dev-us-east-1-q"),
        ({"Fn::Sub": ["${Own}/${!Literal}", {"Own": {"Ref": "Stage"}}]}, "dev/${Literal}"),
        ({"Fn::Join": ["-", ["x", {"Ref": "Stage"}]]}, "x-dev"),
        ({"Fn::Select": [1, {"Ref": "Zones"}]}, "b"),
        ({"Fn::Select": ["0", {"Fn::Split": [":", "one:two"]}]}, "one"),
        ({"Fn::If": ["IsDev", 1, 2]}, 1),
        ({"Fn::If": ["IsNotDev", 1, 2]}, 2),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "memory"]}, 512),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Fn::If": ["IsNotDev", 1, {"Ref": "AWS::NoValue"}]}]}, {"b": []}),
        ({"Condition": {"StringEquals": {"x": {"Ref": "Stage"}}}}, {"Condition": {"StringEquals": {"x": "dev"}}}),
    ],
)
def test_each_function_gives_what_cloudformation_gives(node: Any, expected: Any) -> None:
    assert resolver().resolve(node, "Here") == expected


@pytest.mark.parametrize(
    ("node", "named"),
    [
        ({"Fn::ImportValue": "x"}, "Fn::ImportValue"),
        ({"Fn::Cidr": ["10.0.0.0/16", 2]}, "Fn::Cidr"),
        ({"Ref": "Nothing"}, "Nothing"),
        ({"Fn::GetAtt": ["Queue", "Nope"]}, "Nope"),
        ({"Fn::Sub": "${Gone.Arn}"}, "Gone"),
        ({"Fn::Select": [7, {"Ref": "Zones"}]}, "Fn::Select 7"),
        ({"Fn::FindInMap": ["Sizes", "prod", "memory"]}, "Sizes.prod.memory"),
        ({"Fn::If": ["Unknown", 1, 2]}, "Unknown"),
    ],
)
def test_what_cannot_be_resolved_stops_with_the_place_and_the_name(node: Any, named: str) -> None:
    with pytest.raises(LocalError) as stopped:
        resolver().resolve({"deep": [node]}, "Here")
    assert str(stopped.value).startswith("Here: ")
    assert named in str(stopped.value)


def test_dependencies_are_found_in_every_spelling() -> None:
    node = {
        "a": [{"Ref": "One"}, {"Fn::GetAtt": ["Two", "Arn"]}, {"Fn::GetAtt": "Three.Arn"}],
        "b": {"Fn::Sub": ["${Four} ${Five.Arn} ${!Not} ${Own}", {"Own": {"Ref": "Six"}}]},
        "c": {"Fn::If": ["X", {"Ref": "Seven"}, {"Fn::Join": ["", [{"Ref": "Eight"}]]}]},
    }
    assert mentioned(node) == {"One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight"}
