"""IAM Identity Center: permission sets, and the groups that the identity provider would sync for each tenant.

AWS: sso-admin ListInstances, CreatePermissionSet; identitystore CreateGroup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from berth_local import names
from berth_local.access import Access, Credentials

PERMISSION_SETS = ("TenantDeveloper", "TenantViewer")
GROUPS = ("developers", "viewers")
"""Groups of each tenant, `<tenant>-developers` and so on, each with the permission set at its place."""
KNOWN_BY_ARN = PERMISSION_SETS[:1]
"""The other ones are found by their names, so that both ways are always exercised."""
TENANT_TAG = "berth:tenant"
_NO_WORD = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class IdentityCenter:
    """The instance, and the ARNs of its permission sets by name."""

    instance_arn: str
    identity_store_id: str
    permission_sets: dict[str, str]


def instance(access: Access, management: Credentials) -> tuple[str, str]:
    """The ARN of the instance, and the id of its identity store."""
    client = access.client("sso-admin", management, names.IDENTITY_CENTER_REGION)
    (found,) = client.list_instances()["Instances"]
    return found["InstanceArn"], found["IdentityStoreId"]


def make_identity_center(access: Access, management: Credentials) -> IdentityCenter:
    """Makes the permission sets."""
    client = access.client("sso-admin", management, names.IDENTITY_CENTER_REGION)
    arn, store = instance(access, management)
    made = {
        name: client.create_permission_set(Name=name, InstanceArn=arn)["PermissionSet"]["PermissionSetArn"]
        for name in PERMISSION_SETS
    }
    return IdentityCenter(arn, store, made)


def tenant_of(name: str, environment: str, tags: Mapping[str, str]) -> str | None:
    """The tenant of an account, as docs/decisions/0008 has it; None when its name gives none."""
    if TENANT_TAG in tags:
        return tags[TENANT_TAG]
    if not name.isascii():
        return None
    return _NO_WORD.sub("-", name.lower()).strip("-").removesuffix(f"-{environment}") or None


def make_groups(access: Access, management: Credentials, tenant: str) -> None:
    """Makes the tenant's groups, unless an earlier account of it has them already."""
    _, store = instance(access, management)
    client = access.client("identitystore", management, names.IDENTITY_CENTER_REGION)
    for group in GROUPS:
        try:
            client.create_group(IdentityStoreId=store, DisplayName=f"{tenant}-{group}")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConflictException":
                raise
