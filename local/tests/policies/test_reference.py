"""Every statement of functions/*/policy.json against the Service Authorization Reference, as cfn-lint carries it.

AWS: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import cfnlint
import pytest

from berth_local.authorization import service_reference

REPOSITORY = Path(__file__).resolve().parents[3]
REFERENCE = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json"

# Actions that know resources and are allowed on all of them nevertheless.
ON_ALL = {
    # Called without a name, to list what is there; AWS does not say on which resource it evaluates such a call.
    "config:DescribeConfigurationRecorderStatus",
    "config:DescribeConfigurationRecorders",
}
# Actions whose resource the reference lacks: AWS evaluates them on the state machine
# (https://github.com/aws/aws-cdk/pull/8486).
ON_RESOURCES = {"states:SendTaskFailure", "states:SendTaskSuccess"}
# Conditions that every action knows, and those of actions (the reference has them by resource only).
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
GLOBAL_KEYS = re.compile(r"aws:(RequestTag/|ResourceTag/|ResourceOrgID$)")
KEYS_OF_ACTIONS = {
    "dynamodb:LeadingKeys": {"dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:UpdateItem"},
    "ec2:CreateAction": {"ec2:CreateTags"},
    "eks:accessEntryType": {"eks:CreateAccessEntry"},
    "eks:kubernetesGroups": {
        "eks:CreateAccessEntry", "eks:DeleteAccessEntry", "eks:TagResource", "eks:UpdateAccessEntry",
    },
    "eks:principalArn": {"eks:CreateAccessEntry"},
    "iam:AWSServiceName": {"iam:CreateServiceLinkedRole"},
    "iam:PassedToService": {"iam:PassRole"},
    "iam:PermissionsBoundary": {
        "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy",
        "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
    },
    "kms:GrantIsForAWSResource": {"kms:CreateGrant"},
    "kms:ViaService": {"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "kms:RetireGrant"},
}  # fmt: skip

Statement = dict[str, Any]


@cache
def _reference() -> dict[str, Any]:
    return json.loads(REFERENCE.read_text())


def _statements() -> Iterator[tuple[str, Statement]]:
    for path in sorted((REPOSITORY / "functions").glob("*/policy.json")):
        for part, statements in json.loads(path.read_text()).items():
            for statement in statements:
                yield f"{path.parent.name}.{part}.{statement['Sid']}", statement


STATEMENTS = dict(_statements())


def _resource_types(action: str) -> list[str] | None:
    """Types of resources that an action knows; None when it knows none."""
    service, name = action.split(":")
    actions = _reference()[service]["Actions"]
    assert name.lower() in actions, f"AWS has no action {action}"
    return actions[name.lower()].get("Resources")


def _formats(action: str) -> list[re.Pattern[str]]:
    service = action.split(":")[0]
    known = {name.lower(): spec["ARNFormats"] for name, spec in _reference()[service]["Resources"].items()}
    formats = [form for name in _resource_types(action) or [] for form in known[name.lower()]]
    return [re.compile(re.sub(r"\$\{\w+\}", "[^:]*", form)) for form in formats]


def _texts(resource: Any) -> list[str]:
    """ARNs of a statement's resources; those that only a template knows (Fn::GetAtt, Ref) are left out."""
    resources = resource if isinstance(resource, list) else [resource]
    return [each["Fn::Sub"] if isinstance(each, dict) and "Fn::Sub" in each else each
            for each in resources if isinstance(each, str) or "Fn::Sub" in each]  # fmt: skip


def problems(statement: Statement) -> list[str]:
    """What of a statement AWS would not understand, or what is wider than AWS asks for."""
    found = []
    texts = _texts(statement["Resource"])
    for action in statement["Action"]:
        on_all = "*" in texts
        known = _resource_types(action) or action in ON_RESOURCES
        if on_all and known and action not in ON_ALL:
            found.append(f"{action} knows resources, and is allowed on all")
        if not on_all and not known:
            found.append(f"{action} knows no resources, and would never be allowed")
        if not on_all and texts and known and action not in ON_RESOURCES:
            names = [re.sub(r"\$\{[^}]*\}", "x", text) for text in texts]
            if not any(form.match(name) for form in _formats(action) for name in names):
                found.append(f"{action} has no resource of its own types in {texts}")
    for keys in statement.get("Condition", {}).values():
        for key in keys:
            allowed = KEYS_OF_ACTIONS.get(key) or _actions_that_know(key, statement["Action"])
            if not allowed and not GLOBAL_KEYS.match(key):
                found.append(f"the condition {key} is not known here")
            elif allowed and not set(statement["Action"]) <= allowed:
                found.append(f"{sorted(set(statement['Action']) - allowed)} do not know the condition {key}")
    return found


def _actions_that_know(key: str, actions: list[str]) -> set[str]:
    """Those of the actions that AWS lists a key for by itself, whatever the resource: `aws:TagKeys` of what tags."""
    return {action for action in actions if key in (service_reference.action(action) or {}).get("keys", [])}


def test_every_function_has_a_policy() -> None:
    functions = {path.parent.name for path in (REPOSITORY / "functions").glob("*/main.rs")}
    assert {name.split(".")[0] for name in STATEMENTS} == functions


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_as_narrow_as_aws_allows_and_fits_its_actions(name: str) -> None:
    assert problems(STATEMENTS[name]) == []


def test_each_kind_of_mistake_is_found() -> None:
    def mistakes(action: str, resource: str, condition: dict[str, Any] | None = None) -> list[str]:
        statement: Statement = {"Sid": "A", "Action": [action], "Resource": resource}
        return problems(statement | ({"Condition": condition} if condition else {}))

    assert mistakes("ec2:DeleteVpc", "*") == ["ec2:DeleteVpc knows resources, and is allowed on all"]
    vpc = "arn:aws:ec2:*:*:vpc/*"
    assert mistakes("ec2:DescribeVpcs", vpc) == ["ec2:DescribeVpcs knows no resources, and would never be allowed"]
    assert mistakes("ec2:DeleteSubnet", vpc) == [f"ec2:DeleteSubnet has no resource of its own types in {[vpc]}"]
    assert mistakes("ec2:DeleteVpc", vpc) == []
    boundary = {"StringLike": {"iam:PermissionsBoundary": "x"}}
    assert mistakes("iam:TagRole", "arn:aws:iam::1:role/a", boundary) == [
        "['iam:TagRole'] do not know the condition iam:PermissionsBoundary"
    ]
    assert mistakes("ec2:DeleteVpc", vpc, {"Bool": {"ec2:Nonsense": "true"}}) == [
        "the condition ec2:Nonsense is not known here"
    ]
    assert mistakes("ec2:DeleteTags", vpc, {"Null": {"aws:TagKeys": "false"}}) == []
    assert mistakes("ec2:DeleteVpc", vpc, {"Null": {"aws:TagKeys": "false"}}) == [
        "the condition aws:TagKeys is not known here"
    ]
    with pytest.raises(AssertionError, match="AWS has no action ec2:Nonsense"):
        mistakes("ec2:Nonsense", "*")


def is_wide(statement: Statement) -> bool:
    """Whether a statement lets something be changed on whatever there is of a kind, without a condition."""
    if statement.get("Effect") == "Deny":
        return False
    if "Condition" in statement:
        return _tags_what_is_there(statement)
    texts = _texts(statement["Resource"])
    ends = [re.split(r"[/:]", text.replace("${AWS::", "${"))[-1] for text in texts]
    return any(end == "*" for end in ends) and any(_changes(action) for action in statement["Action"])


def _tags_what_is_there(statement: Statement) -> bool:
    """Whether it asks for a tag in the request alone, and lets what exists be tagged: a guard that may be put on first."""
    keys = {key.partition("/")[0] for pairs in statement["Condition"].values() for key in pairs}
    guarded = keys & {"aws:ResourceTag", "ec2:CreateAction"}
    levels = [(service_reference.action(action) or {"level": ""})["level"] for action in statement["Action"]]
    return "aws:RequestTag" in keys and not guarded and any("Tagging" in level for level in levels)


def _changes(action: str) -> bool:
    found = service_reference.action(action) or {"level": "Write"}
    return not {"Read", "List"} & set(found["level"].replace(",", "").split())


@pytest.mark.parametrize("name", STATEMENTS)
def test_what_stays_wide_has_its_reason_beside_it_and_nothing_else_has(name: str) -> None:
    assert is_wide(STATEMENTS[name]) == ("Why" in STATEMENTS[name]), STATEMENTS[name]
