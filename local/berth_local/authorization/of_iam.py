"""IAM: on which role or policy an operation is authorized, with tags and the boundary that is or is to be.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

from __future__ import annotations

from . import facts
from .evaluate import Request
from .of_ec2 import request_tags, resource_tags
from .parameters import Parameters
from .service_reference import resource_types


def requests(operation: str, given: Parameters, account: str) -> list[Request]:
    """What an operation asks for."""
    action = f"iam:{operation}"
    types = [each.rstrip("*") for each in resource_types(action)]
    if "role" in types:
        return _of_role(action, given, account)
    if "policy" in types:
        arn = (
            given.text("PolicyArn")
            or f"arn:aws:iam::{account}:policy{given.text('Path') or '/'}{given.text('PolicyName')}"
        )
        tags = given.tags("Tags")
        found = [Request(action, arn, request_tags(tags) | resource_tags(facts.policy_tags(arn)))]
        return (
            found + [Request("iam:TagPolicy", arn, request_tags(tags)) for _ in tags if operation == "CreatePolicy"][:1]
        )
    if "oidc-provider" in types:
        return _of_provider(action, given, account)
    if "user" in types:
        arn = f"arn:aws:iam::{account}:user{given.text('Path') or '/'}{given.text('UserName')}"
        boundary = given.text("PermissionsBoundary")
        return [Request(action, arn, {"iam:permissionsboundary": boundary} if boundary else {})]
    return [Request(action, "*")]


def _of_role(action: str, given: Parameters, account: str) -> list[Request]:
    name = given.text("RoleName")
    service = given.text("AWSServiceName")
    if service:
        arn = f"arn:aws:iam::{account}:role/aws-service-role/{service}/AWSServiceRoleForSomething"
        return [Request(action, arn, {"iam:awsservicename": service})]
    there, tags, has = facts.role(account, name)
    arn = there or f"arn:aws:iam::{account}:role{given.text('Path') or '/'}{name}"
    boundary = given.text("PermissionsBoundary") or ("" if action == "iam:CreateRole" else has)
    put_on = given.tags("Tags")
    keys = request_tags(put_on) | ({"iam:permissionsboundary": boundary} if boundary else {})
    if action != "iam:CreateRole":
        keys |= resource_tags(tags, "iam")
    if policy := given.text("PolicyArn"):
        keys["iam:policyarn"] = policy
    found = [Request(action, arn, keys)]
    if action == "iam:CreateRole" and put_on:
        found.append(Request("iam:TagRole", arn, request_tags(put_on) | resource_tags(tags, "iam")))
    return found


def _of_provider(action: str, given: Parameters, account: str) -> list[Request]:
    name = given.text("Url").removeprefix("https://")
    arn = given.text("OpenIDConnectProviderArn") or f"arn:aws:iam::{account}:oidc-provider/{name}"
    put_on = given.tags("Tags")
    keys = request_tags(put_on) | resource_tags(facts.provider_tags(arn))
    found = [Request(action, arn, keys)]
    if action == "iam:CreateOpenIDConnectProvider" and put_on:
        found.append(Request("iam:TagOpenIDConnectProvider", arn, request_tags(put_on)))
    return found


def pass_role(arn: str, service: str) -> Request:
    """Handing a service a role."""
    return Request("iam:PassRole", arn, {"iam:passedtoservice": service, "iam:associatedresourcearn": []})
