"""A change of a template never makes CloudFormation replace what has a name of ours: it would make the new one first, under
the same name, and fail; or lose what is in the old one.

CloudFormation: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from berth_local import names
from berth_local.stack.translate import translate

INFRA = Path(__file__).resolve().parents[3] / "infra"
TEMPLATES = sorted(path.name for path in INFRA.glob("*.yaml") if "AWSTemplateFormatVersion" in path.read_text())

# What else of named resources is create-only, and why it never changes.
SETTLED = {
    ("AWS::CloudFormation::StackSet", "PermissionModel"): "service-managed, always",
    ("AWS::Events::Archive", "SourceArn"): "the bus; another bus needs another archive",
    ("AWS::IAM::ManagedPolicy", "Description"): "the texts of the first release, pinned below",
    ("AWS::Organizations::Policy", "Type"): "a service control policy, always",
    ("AWS::StepFunctions::StateMachine", "StateMachineType"): "executions of days need a standard one",
}


@cache
def create_only(kind: str) -> frozenset[str]:
    """Properties of a resource type that cannot be changed; those inside of others by the outer one's name."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return frozenset(path.split("/")[2] for path in schema.get("createOnlyProperties", []))


def is_name(kind: str, name: str) -> bool:
    """Whether a property is the resource's own name."""
    return name in ("Name", "GroupName", f"{kind.rsplit('::', 1)[-1]}Name")


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_is_named_has_no_other_property_that_cannot_be_changed(template: str) -> None:
    found = {
        (resource["Type"], name)
        for resource in translate(INFRA / template, names.HOME_REGION)["Resources"].values()
        if any(is_name(resource["Type"], name) for name in resource.get("Properties", {}))
        for name in create_only(resource["Type"]) & resource.get("Properties", {}).keys()
        if not is_name(resource["Type"], name)
    }
    assert sorted(found - SETTLED.keys()) == []


def test_descriptions_of_managed_policies_stay_as_they_were_first_deployed() -> None:
    said = {
        resource["Properties"]["ManagedPolicyName"]: resource["Properties"].get("Description")
        for template in TEMPLATES
        for resource in translate(INFRA / template, names.HOME_REGION)["Resources"].values()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
    }
    assert said.pop("berth-write-function-logs") == "Write to the log group of Berth's functions"
    assert len(said) == 7 and said == {name: f"What {name} may do here" for name in said}


def test_the_description_of_a_managed_policy_is_found() -> None:
    assert "Description" in create_only("AWS::IAM::ManagedPolicy") and "Description" not in create_only(
        "AWS::IAM::Role"
    )
