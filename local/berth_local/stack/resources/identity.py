"""IAM roles and managed policies (CreateRole, PutRolePolicy, AttachRolePolicy, CreatePolicy)."""

from __future__ import annotations

import json

from berth_local.stack.intrinsics import Made
from berth_local.stack.resources.maker import Maker, Properties, Target, maker, picked


def _role(target: Target, properties: Properties) -> Made:
    client = target.client("iam")
    name = properties["RoleName"]
    request = picked(properties, "RoleName Path Description MaxSessionDuration PermissionsBoundary Tags")
    role = client.create_role(AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]), **request)
    for policy in properties.get("Policies", []):
        client.put_role_policy(
            RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=json.dumps(policy["PolicyDocument"])
        )
    for arn in properties.get("ManagedPolicyArns", []):
        client.attach_role_policy(RoleName=name, PolicyArn=arn)
    return Made(name, {"Arn": role["Role"]["Arn"], "RoleId": role["Role"]["RoleId"]})


def _managed_policy(target: Target, properties: Properties) -> Made:
    request = picked(properties, "Path Description")
    arn = target.client("iam").create_policy(
        PolicyName=properties["ManagedPolicyName"], PolicyDocument=json.dumps(properties["PolicyDocument"]), **request
    )["Policy"]["Arn"]
    return Made(arn, {"PolicyArn": arn})


MAKERS: dict[str, Maker] = {
    "AWS::IAM::Role": maker(
        _role,
        "AssumeRolePolicyDocument Description ManagedPolicyArns MaxSessionDuration Path PermissionsBoundary Policies"
        " RoleName Tags",
    ),
    "AWS::IAM::ManagedPolicy": maker(_managed_policy, "Description ManagedPolicyName Path PolicyDocument"),
}
