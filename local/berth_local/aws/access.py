"""Who may assume which role, and service-linked roles.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
Stock moto lets anybody assume anything, also a role that does not exist.
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.iam.exceptions import EntityAlreadyExists
from moto.iam.models import SERVICE_NAME_CONVERSION, IAMBackend, Role, iam_backends
from moto.iam.responses import IamResponse as IAMResponse
from moto.sts.responses import TokenResponse

from berth_local.aws.policies import action_matches, as_list, conditions_hold, statements
from berth_local.aws.replacing import wrap
from berth_local.aws.sharing import organization_of

# The middle of the name AWSServiceRoleFor...; stock takes the service's name as it is.
SERVICE_LINKED_NAMES = {
    "backup": "Backup",
    "config": "Config",
    "eks": "AmazonEKS",
    "ipam": "IPAM",
    "ram": "ResourceAccessManager",
    "sso": "SSO",
    "transitgateway": "VPCTransitGateway",
}


class AccessDenied(ServiceException):
    """STS refused. AWS says no more than this, on purpose."""

    code = "AccessDenied"


class MalformedPolicyDocument(ServiceException):
    """The session policy is not JSON."""

    code = "MalformedPolicyDocument"


class UnmodifiableEntity(ServiceException):
    """IAM refuses to change a service-linked role past its service."""

    code = "UnmodifiableEntity"


class InvalidInput(ServiceException):
    """IAM InvalidInput, as CreateServiceLinkedRole answers for a role that exists."""

    code = "InvalidInput"


def caller(self: BaseResponse) -> tuple[str, str]:
    """The caller's account, and its ARN as policies name it: the role's own ARN for an assumed role.

    The header stands for credentials that moto did not issue: those of a hosted function's copy.
    """
    hosted_role = self.headers.get("x-berth-principal-arn")
    if hosted_role:
        return str(hosted_role).split(":")[4], str(hosted_role)
    backend = iam_backends[self.current_account]["aws"]
    key = backend.access_keys.get(self.get_access_key())
    if key is not None and key.role_arn:
        return self.current_account, key.role_arn
    if key is not None and key.user_name in backend.users:
        return self.current_account, backend.users[key.user_name].arn
    return self.current_account, f"arn:aws:iam::{self.current_account}:root"


def role_named(role_arn: str) -> Role | None:
    """The role with this ARN, in whatever account; None when there is none."""
    parts = role_arn.split(":")
    if len(parts) < 6 or not parts[4].isdigit():
        return None
    return next((role for role in iam_backends[parts[4]]["aws"].roles.values() if role.arn == role_arn), None)


def principal_matches(principal: Any, account: str, arn: str) -> bool:
    """Whether the Principal of a trust policy statement names the caller: by account, by exact ARN, or everybody."""
    if principal == "*":
        return True
    for named in as_list(principal.get("AWS")) if isinstance(principal, dict) else []:
        if named in ("*", account, f"arn:aws:iam::{account}:root", arn):
            return True
    return False


def organization_facts(account: str, arn: str) -> dict[str, str]:
    """What conditions may ask of a principal: its ARN, its account, and the organization of that."""
    facts = {"aws:principalaccount": account, "aws:principalarn": arn}
    organization = organization_of(account)
    if organization is not None and organization.org is not None:
        facts["aws:principalorgid"] = organization.org.id
    return facts


def trusts(role: Role, account: str, arn: str, external_id: str | None) -> bool:
    """Whether the role's trust policy lets the caller assume it with this ExternalId."""
    facts = organization_facts(account, arn)
    if external_id is not None:
        facts["sts:externalid"] = external_id
    allowed = False
    for statement in statements(role.assume_role_policy_document):
        applies = (
            principal_matches(statement.get("Principal"), account, arn)
            and action_matches(statement, "sts:AssumeRole")
            and conditions_hold(statement, facts)
        )
        if applies and statement.get("Effect") == "Deny":
            return False
        allowed = allowed or applies
    return allowed


def is_closed(account: str) -> bool:
    """Whether the account is closed: for 90 days AWS keeps what is in it, and lets nobody in."""
    organization = organization_of(account)
    accounts = organization.accounts if organization is not None else []
    return any(each.id == account and each.state == "SUSPENDED" for each in accounts)


def assume_role(original: Any, self: TokenResponse) -> ActionResult:
    """AssumeRole: the role must exist, in an account that is not closed, and trust the caller. Else it is AccessDenied."""
    role_arn, external_id = self._get_param("RoleArn"), self._get_param("ExternalId")
    account, arn = caller(self)
    role = role_named(role_arn)
    service_arn = f"arn:aws:sts::{account}:assumed-role/{arn.rsplit('/', 1)[-1]}" if ":role/" in arn else arn
    if role is None or is_closed(role_arn.split(":")[4]) or not trusts(role, account, arn, external_id):
        raise AccessDenied(f"User: {service_arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}")
    policy = self._get_param("Policy")
    if policy:
        try:
            json.loads(policy)
        except ValueError as problem:
            raise MalformedPolicyDocument("The policy is not in the valid JSON format.") from problem
    return original(self)


_NOT_OF_SERVICES = (
    "delete_role", "delete_role_permissions_boundary", "delete_role_policy", "detach_role_policy", "attach_role_policy",
    "put_role_permissions_boundary", "put_role_policy", "update_assume_role_policy", "update_role", "untag_role",
)  # fmt: skip
"""What only a service may do to its role."""


def _unless_of_a_service(original: Any, self: IAMResponse) -> Any:
    """An operation on a role: on one that is linked to a service, IAM refuses it."""
    name = self._get_param("RoleName")
    roles = iam_backends[self.current_account]["aws"].roles.values()
    if any(role.name == name and role.path.startswith("/aws-service-role/") for role in roles):
        raise UnmodifiableEntity(f"Cannot perform the operation on the protected role '{name}'")
    return original(self)


def install() -> None:
    """Check AssumeRole; name service-linked roles as AWS does, and answer InvalidInput for one that exists."""
    wrap(TokenResponse, "assume_role")(assume_role)
    SERVICE_NAME_CONVERSION.update(SERVICE_LINKED_NAMES)

    for name in _NOT_OF_SERVICES:
        wrap(IAMResponse, name)(_unless_of_a_service)

    @wrap(IAMBackend, "create_service_linked_role")
    def create_service_linked_role(original: Any, self: IAMBackend, *args: Any, **fields: Any) -> Role:
        try:
            return original(self, *args, **fields)
        except EntityAlreadyExists as problem:
            raise InvalidInput(
                "Service role name has been taken in this account, please try a different suffix."
            ) from problem
