"""What people see of the hub's stack in the console: groups of parameters, and outputs for what operators look for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from berth_local.stack.translate import _read

HUB = Path(__file__).resolve().parents[3] / "infra/hub.yaml"


@pytest.fixture(scope="module")
def hub() -> dict[str, Any]:
    return _read(HUB)


def test_every_parameter_is_in_exactly_one_group(hub: dict[str, Any]) -> None:
    groups = hub["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(hub["Parameters"])
    assert all(group["Label"]["default"] for group in groups)


def test_what_an_operator_looks_for_is_an_output(hub: dict[str, Any]) -> None:
    """Every queue, every log group, the alarm topic and the dashboard."""
    told = re.findall(r"\w+", str([output["Value"] for output in hub["Outputs"].values()]))
    kinds = ["AWS::SQS::Queue", "AWS::Logs::LogGroup", "AWS::CloudWatch::Dashboard", "AWS::SNS::Topic"]
    looked_for = [name for name, each in hub["Resources"].items() if each["Type"] in kinds]
    assert len(looked_for) == 10
    assert [name for name in looked_for if name not in told] == []


def test_a_second_stack_in_the_account_would_take_the_same_names(hub: dict[str, Any]) -> None:
    """So CloudFormation refuses it, as installing.md says."""
    roles = [each["Properties"]["RoleName"] for each in hub["Resources"].values() if each["Type"] == "AWS::IAM::Role"]
    named = [name for name in roles if isinstance(name, str)]
    assert len(named) > 10 and all(name.startswith("berth-") for name in named)
