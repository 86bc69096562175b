"""The loader stops at whatever it does not know, before it makes anything, and names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from berth_local.access import Access, Credentials
from berth_local.faults import LocalError
from berth_local.stack.load import load
from berth_local.stack.resources.machines import substituted
from berth_local.stack.resources.maker import Target
from berth_local.stack.translate import translate

# Port 9 refuses connections: a loader that called AWS before its checks would say so instead.
NOWHERE = Target(Access("http://127.0.0.1:9"), Credentials("210987654321", "key", "secret"), "us-east-1")
QUEUE: dict[str, Any] = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}}


def refusal(template: dict[str, Any], parameters: dict[str, str] | None = None) -> str:
    with pytest.raises(LocalError) as stopped:
        load(template, parameters or {}, NOWHERE)
    return str(stopped.value)


def test_an_unknown_resource_type_is_named_with_its_logical_id() -> None:
    text = refusal({"Resources": {"Queue": QUEUE, "Site": {"Type": "AWS::CloudFront::Distribution", "Properties": {}}}})
    assert text.startswith("Site: ")
    assert "AWS::CloudFront::Distribution" in text


def test_an_unknown_property_is_not_dropped_silently() -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q", "Colour": "red"}}
    assert "Colour" in refusal({"Resources": {"Queue": queue}})


def test_an_unknown_resource_attribute_is_refused() -> None:
    assert "CreationPolicy" in refusal({"Resources": {"Queue": QUEUE | {"CreationPolicy": {}}}})


def test_a_parameter_without_a_value_is_named() -> None:
    text = refusal({"Parameters": {"Needed": {"Type": "String"}}, "Resources": {"Queue": QUEUE}})
    assert text == "the template's parameter Needed has no value"


def test_a_value_for_a_parameter_that_is_not_there_is_refused() -> None:
    assert "Old" in refusal({"Resources": {"Queue": QUEUE}}, {"Old": "x"})


def test_a_circle_is_named() -> None:
    resources = {
        "One": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Two"}}},
        "Two": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "One"}}},
    }
    text = refusal({"Resources": resources})
    assert "circle" in text
    assert "One" in text
    assert "Two" in text


def test_a_missing_property_is_named() -> None:
    text = refusal({"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {}}}})
    assert text.startswith("Queue (AWS::SQS::Queue)")
    assert "QueueName" in text


def test_an_aws_that_does_not_answer_is_one_line_with_the_logical_id() -> None:
    text = refusal({"Resources": {"Queue": QUEUE}})
    assert text.startswith("Queue (AWS::SQS::Queue) could not be made")
    assert "\n" not in text


def test_a_resource_whose_condition_is_false_is_not_made() -> None:
    conditions = {"Never": {"Fn::Equals": ["a", "b"]}}
    assert (
        load({"Resources": {"Queue": QUEUE | {"Condition": "Never"}}, "Conditions": conditions}, {}, NOWHERE).made == {}
    )


def test_a_substitution_is_escaped_as_json() -> None:
    assert substituted('{"a": "${X}"}', {"X": 'say "hi"'}) == '{"a": "say \\"hi\\""}'


@pytest.mark.parametrize(("definition", "values"), [('"${Missing}"', {}), ('"text"', {"Unused": "x"})])
def test_substitutions_and_placeholders_must_match(definition: str, values: dict[str, str]) -> None:
    with pytest.raises(LocalError):
        substituted(definition, values)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Resources: {}\nbroken: [", "not YAML"),
        ("Description: nothing else", "no Resources"),
        ("Resources: {F: {Type: 'AWS::Serverless::Function', Properties: {Handler: x}}}", "not a valid SAM template"),
        (
            "Resources: {M: {Type: 'AWS::Serverless::StateMachine', Properties: {DefinitionUri: gone.json}}}",
            "gone.json",
        ),
    ],
)
def test_a_template_that_is_none_is_one_line(tmp_path: Path, text: str, named: str) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(f"Transform: AWS::Serverless-2016-10-31\n{text}\n")
    with pytest.raises(LocalError, match=named) as stopped:
        translate(template, "us-east-1")
    assert "\n" not in str(stopped.value)


def test_a_template_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="No such file"):
        translate(tmp_path / "gone.yaml", "us-east-1")
