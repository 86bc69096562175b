"""The policies of whoever calls: of a role, its boundary, its session and its organization. Read from the emulator."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from moto.iam.models import ManagedPolicy, Role, iam_backends
from moto.organizations.models import FakePolicy

from berth_local.aws.sharing import organization_of

from . import facts
from .evaluate import Policies

_SERVICE_ROLES = "/aws-service-role/"
"""Service control policies do not bind service-linked roles."""


@lru_cache(2_048)
def _parsed(text: str) -> dict[str, Any]:
    return json.loads(unquote(text) if text.lstrip().startswith("%") else text)


def role_of(arn: str) -> Role | None:
    """The role with this ARN."""
    account = arn.split(":")[4]
    return next((each for each in iam_backends[account]["aws"].roles.values() if each.arn == arn), None)


def policies_of(arn: str, session: str = "") -> Policies | None:
    """What a session of a role may do; None for a role that is not there."""
    role = role_of(arn)
    if role is None:
        return None
    backend = iam_backends[arn.split(":")[4]]["aws"]
    attached = [_document(policy) for policy in role.managed_policies.values()]
    identity = [_parsed(text) for text in [*role.policies.values(), *attached]]
    boundary = None
    if role.permissions_boundary_arn:
        # A boundary that is not there allows nothing.
        policy = backend.managed_policies.get(role.permissions_boundary_arn)
        boundary = _parsed(_document(policy)) if policy is not None else {"Statement": []}
    organization = None if _SERVICE_ROLES in arn else service_control_policies(arn.split(":")[4])
    return Policies(identity, boundary, _parsed(session) if session else None, organization)


def _document(policy: ManagedPolicy) -> str:
    """The default version of a managed policy."""
    return next(each.document for each in policy.versions if each.version_id == policy.default_version_id)


def service_control_policies(account: str) -> list[list[dict[str, Any]]] | None:
    """Of each level from the root to the account; None for the management account and outside of an organization."""
    organization = organization_of(account)
    if organization is None or organization.org is None or organization.org.master_account_id == account:
        return None
    path = set(facts.organization_path(account))
    levels = [each for each in [*organization.ou, *organization.accounts] if each.id in path]
    return [[_parsed(policy.content) for policy in each.attached_policies if _binds(policy)] for each in levels]


def _binds(policy: FakePolicy) -> bool:
    return policy.type == "SERVICE_CONTROL_POLICY"
