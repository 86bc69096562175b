"""A call as IAM sees it: each action with each of its resources, also those that AWS demands besides, and condition keys."""

from __future__ import annotations

from dataclasses import replace

from berth_local.gateway.identify import ApiCall

from . import facts, of_ec2, of_iam
from .evaluate import Request
from .of_ec2 import Where
from .of_others import SERVICES
from .parameters import Parameters


class NotDescribed(Exception):
    """Nobody has said yet what a call is authorized on."""


def requests_of(call: ApiCall, raw_path: str, body: bytes, account: str, principal: str) -> list[Request]:
    """What a call of `principal` (the ARN of a role or user) in `account` asks for.

    Raises:
        NotDescribed: no module here knows the service.
    """
    given, where = Parameters(call, raw_path, body), Where(account, call.region)
    if call.service == "ec2":
        found = of_ec2.requests(call.operation, given, where)
    elif call.service == "iam":
        found = of_iam.requests(call.operation, given, account)
    elif call.service in SERVICES:
        found = SERVICES[call.service](call.operation, given, where)
    else:
        raise NotDescribed(f"{call.service}:{call.operation}")
    common = of_principal(principal) | {"aws:requestedregion": call.region}
    taken_off = given.texts("TagKeys", "TagKeyList", "tagKeys")
    keys = {"aws:tagkeys": taken_off} if taken_off else {}
    return [replace(each, keys=common | _of_resource(each.resource) | each.keys | keys) for each in found]


def of_principal(principal: str) -> dict[str, str | list[str]]:
    """Condition keys about who calls."""
    account = principal.split(":")[4]
    keys: dict[str, str | list[str]] = {"aws:principalarn": principal, "aws:principalaccount": account}
    if organization := facts.organization_id(account):
        keys["aws:principalorgid"] = organization
    return keys


def _of_resource(arn: str) -> dict[str, str]:
    parts = arn.split(":", 5)
    return {"aws:resourceaccount": parts[4]} if len(parts) == 6 and parts[4].isdigit() else {}
