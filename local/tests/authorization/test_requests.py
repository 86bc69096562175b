"""What a call asks for, as IAM sees it."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest

from berth_local.authorization.requests import NotDescribed, requests_of
from berth_local.gateway.identify import identify

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/BerthTenant"


def asked(
    service: str, body: str, path: str = "/", method: str = "POST", **headers: str
) -> list[tuple[str, str, dict]]:
    """Actions, resources, and the keys that are not about the principal."""
    scope = f"AWS4-HMAC-SHA256 Credential=ASIA/20261129/eu-west-1/{service}/aws4_request, SignedHeaders=host"
    given = {"authorization": scope, **{name.replace("_", "-"): value for name, value in headers.items()}}
    call = identify(method, path, given, body.encode())
    general = ("aws:principal", "aws:requested", "aws:resourceaccount", "ec2:region")
    return [
        (each.action, each.resource, {key: value for key, value in each.keys.items() if not key.startswith(general)})
        for each in requests_of(call, path, body.encode(), ACCOUNT, ROLE)
    ]


def form(service: str, **fields: str) -> list[tuple[str, str, dict]]:
    text = urlencode({name.replace("__", "."): value for name, value in fields.items()})
    return asked(service, text, content_type="application/x-www-form-urlencoded")


def test_what_is_created_with_tags_asks_for_the_tagging_too() -> None:
    specification = {
        "TagSpecification__1__ResourceType": "subnet", "TagSpecification__1__Tag__1__Key": "berth:managed-by",
        "TagSpecification__1__Tag__1__Value": "berth",
    }  # fmt: skip
    tags = {"aws:requesttag/berth:managed-by": "berth", "aws:tagkeys": ["berth:managed-by"]}
    new = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:subnet/*"
    assert form("ec2", Action="CreateSubnet", VpcId="vpc-0a", **specification) == [
        ("ec2:CreateSubnet", new, tags),
        ("ec2:CreateSubnet", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:vpc/vpc-0a", {}),
        ("ec2:CreateTags", new, tags | {"ec2:createaction": "CreateSubnet"}),
    ]


def test_tags_that_are_taken_off_are_named() -> None:
    (found,) = form("ec2", Action="DeleteTags", ResourceId__1="vpc-0a", Tag__1__Key="berth:account")
    assert found[:2] == ("ec2:DeleteTags", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:vpc/vpc-0a")
    assert found[2]["aws:tagkeys"] == ["berth:account"]
    (found,) = form("ec2", Action="DeleteTags", ResourceId__1="vpc-0a")
    assert found[2]["aws:tagkeys"] == []


def test_tags_that_are_taken_off_are_named_in_every_protocol() -> None:
    (role,) = form("iam", Action="UntagRole", RoleName="dev", TagKeys__member__1="a", TagKeys__member__2="b")
    rule = f"arn:aws:config:eu-west-1:{ACCOUNT}:config-rule/config-rule-a"
    body = json.dumps({"ResourceArn": rule, "TagKeys": ["a", "b"]})
    json_type = "application/x-amz-json-1.1"
    (config,) = asked("config", body, x_amz_target="StarlingDoveService.UntagResource", content_type=json_type)
    entry = quote(f"arn:aws:eks:eu-west-1:{ACCOUNT}:access-entry/c/role/{ACCOUNT}/dev/0a", safe="")
    (both,) = asked("eks", "", f"/tags/{entry}?tagKeys=a&tagKeys=b", "DELETE")
    (one,) = asked("eks", "", f"/tags/{entry}?tagKeys=a", "DELETE")
    vault = quote(f"arn:aws:backup:eu-west-1:{ACCOUNT}:backup-vault:v", safe="")
    (backup,) = asked("backup", json.dumps({"TagKeyList": ["a", "b"]}), f"/untag/{vault}")
    assert [each[2]["aws:tagkeys"] for each in (role, config, both, backup)] == [["a", "b"]] * 4
    assert (one[0], one[2]["aws:tagkeys"]) == ("eks:UntagResource", ["a"])


def test_a_role_is_asked_for_with_its_path_boundary_and_tags() -> None:
    fields = {"Tags__member__1__Key": "a", "Tags__member__1__Value": "b", "PermissionsBoundary": "arn:x"}
    arn = f"arn:aws:iam::{ACCOUNT}:role/tenant/dev"
    tags = {"aws:requesttag/a": "b", "aws:tagkeys": ["a"]}
    assert form("iam", Action="CreateRole", RoleName="dev", Path="/tenant/", **fields) == [
        ("iam:CreateRole", arn, tags | {"iam:permissionsboundary": "arn:x"}),
        ("iam:TagRole", arn, tags),
    ]


def test_a_transaction_asks_for_what_is_in_it() -> None:
    items = [
        {"Update": {"TableName": "ledger"}},
        {"Delete": {"TableName": "ledger"}},
        {"ConditionCheck": {"TableName": "ledger"}},
    ]
    found = asked(
        "dynamodb", json.dumps({"TransactItems": items}), x_amz_target="DynamoDB_20120810.TransactWriteItems",
        content_type="application/x-amz-json-1.0",
    )  # fmt: skip
    assert [action for action, _, _ in found] == [
        "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem",
    ]  # fmt: skip
    assert {resource for _, resource, _ in found} == {f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/ledger"}


def test_an_access_entry_is_asked_for_on_its_cluster_and_tagged_as_an_entry() -> None:
    principal = f"arn:aws:iam::{ACCOUNT}:role/tenant/dev"
    body = {"principalArn": principal, "kubernetesGroups": ["tenant:a:dev:edit"], "tags": {"a": "b"}}
    found = asked("eks", json.dumps(body), "/clusters/shared-1/access-entries")
    assert [(action, resource) for action, resource, _ in found] == [
        ("eks:CreateAccessEntry", f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/shared-1"),
        ("eks:TagResource", f"arn:aws:eks:eu-west-1:{ACCOUNT}:access-entry/shared-1/role/{ACCOUNT}/dev/*"),
    ]
    assert found[0][2]["eks:kubernetesgroups"] == ["tenant:a:dev:edit"]


def test_an_association_hands_its_role_to_pod_identity_and_not_the_target() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/tenant-pods"
    body = {"roleArn": role, "targetRoleArn": "arn:aws:iam::111122223333:role/tenant/a", "tags": {"a": "b"}}
    found = asked("eks", json.dumps(body), "/clusters/shared-1/pod-identity-associations")
    assert [(action, resource) for action, resource, _ in found] == [
        ("eks:CreatePodIdentityAssociation", f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/shared-1"),
        ("eks:TagResource", f"arn:aws:eks:eu-west-1:{ACCOUNT}:podidentityassociation/shared-1/*"),
        ("iam:GetRole", role),
        ("iam:PassRole", role),
    ]
    assert found[3][2]["iam:passedtoservice"] == "pods.eks.amazonaws.com"
    deleted = asked("eks", "", "/clusters/shared-1/pod-identity-associations/a-1", "DELETE")
    one = f"arn:aws:eks:eu-west-1:{ACCOUNT}:podidentityassociation/shared-1/a-1"
    assert [(action, resource) for action, resource, _ in deleted] == [("eks:DeletePodIdentityAssociation", one)]


def test_a_selection_hands_a_role_to_aws_backup() -> None:
    body = {"BackupSelection": {"IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/berth-backup", "SelectionName": "a"}}
    found = asked("backup", json.dumps(body), "/backup/plans/0a/selections", "PUT")
    assert [(action, resource) for action, resource, _ in found] == [
        ("backup:CreateBackupSelection", f"arn:aws:backup:eu-west-1:{ACCOUNT}:backup-plan:0a"),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/berth-backup"),
    ]
    assert found[1][2]["iam:passedtoservice"] == "backup.amazonaws.com"


def test_a_service_that_nobody_described_is_no_guess() -> None:
    with pytest.raises(NotDescribed, match="lightsail"):
        asked("lightsail", "{}", x_amz_target="Lightsail_20161128.GetInstances")
